"""The page at /api/v1/docs: the OpenAPI document as a person reads it, in the look of the product."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from webapp.adapters import markdown

Document = Mapping[str, Any]

TITLES: dict[str, str | Promise] = {
    "account": gettext_lazy("The token in use"),
    "uploads": gettext_lazy("Uploads"),
    "datasets": gettext_lazy("Datasets"),
    "models": gettext_lazy("Base models"),
    "recipes": gettext_lazy("Recipes"),
    "runs": gettext_lazy("Runs"),
    "adapters": gettext_lazy("Adapters"),
    "stages": gettext_lazy("Stages, reviews and gates"),
    "reports": gettext_lazy("Reports"),
    "storage": gettext_lazy("Storage"),
    "lineage": gettext_lazy("Lineage and withdrawals"),
}


@dataclass(frozen=True)
class Value:
    """One parameter, or one field of a body or an answer."""

    name: str
    kind: str
    is_required: bool = False
    note: str = ""


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    text: str
    parameters: Sequence[Value]
    body: Sequence[Value]
    status: str
    answer: Sequence[Value]


@dataclass(frozen=True)
class Section:
    key: str
    title: str | Promise
    operations: list[Operation] = field(default_factory=list)


class Reference(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema()
        context = {
            "title": _("API"),
            "verdict": _("The main road for programs: *one token, plain JSON.*"),
            "sections": sections(document),
            "problem": _fields(document["components"]["schemas"]["Problem"]),
            "openapi_url": self.get_openapi_url(api, kwargs),
            "example": f'curl --header "Authorization: Bearer $TOKEN" {settings.PUBLIC_URL}/api/v1/me',
        }
        return render(request, "api/reference.html", context)


def sections(document: Document) -> list[Section]:
    """The operations under their tags, in the order in which the routes stand."""
    found: dict[str, Section] = {}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            key = (described.get("tags") or [""])[0]
            section = found.setdefault(key, Section(key, TITLES.get(key, key)))
            section.operations.append(_operation(document, path, method, described))
    return list(found.values())


def _operation(document: Document, path: str, method: str, described: Document) -> Operation:
    content = described.get("requestBody", {}).get("content", {})
    answers = {str(code): answer for code, answer in described["responses"].items()}
    status = next((code for code in answers if code.startswith("2")), "")
    answered = answers.get(status, {}).get("content", {})
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        text=markdown.to_html(described.get("description", "")),
        parameters=[_parameter(parameter) for parameter in described.get("parameters", [])],
        body=list(_of_content(document, content)),
        status=status,
        answer=list(_of_content(document, answered)),
    )


def _parameter(described: Document) -> Value:
    places = {"path": _("in the address"), "query": _("in the query"), "header": _("as a header")}
    note = ". ".join(part for part in (places.get(described["in"], ""), described.get("description", "")) if part)
    return Value(described["name"], _kind(described["schema"]), bool(described.get("required")), note)


def _of_content(document: Document, content: Document) -> Iterator[Value]:
    """The fields of a JSON document, of what a list of them holds; nothing for other contents."""
    schema = content.get("application/json", {}).get("schema", {})
    schema = schema.get("items", schema) if schema.get("type") == "array" else schema
    name = schema.get("$ref", "").rpartition("/")[2]
    yield from _fields(document["components"]["schemas"].get(name, schema))


def _fields(schema: Document) -> list[Value]:
    required = schema.get("required", [])
    return [
        Value(name, _kind(described), name in required, _limits(described))
        for name, described in schema.get("properties", {}).items()
    ]


def _kind(schema: Document) -> str:
    """The type in words: "text", "list of RunOut", "whole number or null"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return _(" or ").join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return _("list of %(kind)s") % {"kind": _kind(schema.get("items", {}))}
    if schema.get("format") == "date-time":
        return _("time")
    words = {
        "string": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("true or false"),
        "object": _("object"),
        "null": "null",
    }
    return words.get(schema.get("type", ""), _("anything"))


def _limits(schema: Document) -> str:
    """What a value may be and what it is when left out."""
    said = [schema["description"]] if schema.get("description") else []
    if "enum" in schema:
        said.append(_("one of %(values)s") % {"values": ", ".join(map(str, schema["enum"]))})
    for key, words in (("minimum", _("at least %s")), ("maximum", _("at most %s")), ("maxLength", _("%s characters"))):
        if key in schema:
            said.append(words % schema[key])
    if schema.get("default") not in (None, "", [], {}):
        said.append(_("without it %s") % schema["default"])
    return ", ".join(said)
