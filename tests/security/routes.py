"""The URL table as data: every route with what it is called and what stands in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
DOCUMENTS = frozenset({"api:openapi-json", "api:openapi-view", "api:api-root"})
UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "TRACE")


@dataclass(frozen=True)
class Route:
    """`template` is the path with `{kwarg}` in it; `name` is the URL's name with its namespaces."""

    template: str
    name: str
    kwargs: frozenset[str]

    @property
    def is_of_team(self) -> bool:
        return self.template.startswith("/t/{team}/")

    @property
    def is_api(self) -> bool:
        """A door for programs. The documents about it are pages for people."""
        return self.template.startswith("/api/") and self.name not in DOCUMENTS

    def path(self, examples: dict[str, Any]) -> str:
        return self.template.format_map({key: self._example(key, examples) for key in self.kwargs})

    def _example(self, key: str, examples: dict[str, Any]) -> Any:
        before = self.template.partition("/{" + key + "}")[0].rsplit("/", 1)[-1]
        for known in (f"{self.name}:{key}", f"{before}/{key}", key):
            if known in examples:
                return examples[known]
        raise AssertionError(
            f"{self.template} ({self.name}) has the part <{key}>, for which tests/security/world.py knows no example. "
            f"Add one there under '{self.name}:{key}', '{before}/{key}' or '{key}', so that the walk can try it."
        )


def every() -> list[Route]:
    """Every address once: of several entries with one pattern, Django asks the first."""
    found: dict[str, Route] = {}
    for route in _walk(get_resolver(), "/", ""):
        found.setdefault(re.sub(r"{\w+}", "{}", route.template), route)
    return list(found.values())


def _walk(resolver: URLResolver, before: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        template = before + _template(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, template, ":".join(filter(None, [namespace, entry.namespace])))
        elif isinstance(entry, URLPattern):
            name = ":".join(filter(None, [namespace, entry.name or entry.lookup_str]))
            yield Route(template, name, frozenset(re.findall(r"{(\w+)}", template)))


def _template(pattern: Any) -> str:
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern))
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", str(pattern))
    return text.removeprefix("^").removesuffix("$").replace("\\", "")
