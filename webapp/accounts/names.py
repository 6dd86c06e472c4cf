"""The first part of every address: teams, organisations of base models and our own pages share one set of names."""

import re
from functools import cache

from django.db import IntegrityError, transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.text import slugify
from django.utils.translation import gettext as _

from webapp.accounts.models import Name
from webapp.core.faults import UserFault

MAX_LENGTH = 60
_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")

# Not in the URL table, but a team of this name would confuse people, or block a door that may open later.
# fmt: off
KEPT = frozenset({
    "about", "admin", "administrator", "anonymous", "api", "assets", "auth", "datasets", "files", "health",
    "help", "hub", "internal", "login", "logout", "me", "media", "metrics", "mlflow", "models", "new", "oauth",
    "openai", "robots", "root", "security", "settings", "signup", "spaces", "static", "status", "support",
    "system", "team", "teams", "tunesmith", "user", "users", "v1", "well-known", "www",
})
# fmt: on


@cache
def reserved() -> frozenset[str]:
    """KEPT and the first parts of all addresses in the URL table."""
    return KEPT | {part for part in _first_parts(get_resolver(), "") if part}


def _first_parts(resolver: URLResolver, before: str) -> set[str]:
    found: set[str] = set()
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern).lstrip("^")
        if "/" not in route and isinstance(entry, URLResolver):
            found |= _first_parts(entry, route)
        elif isinstance(entry, URLPattern | URLResolver):
            first = route.partition("/")[0].rstrip("$")
            found |= {first.casefold()} if not first.startswith(("<", "(")) else set()
    return found


def claim(*, name: str, kind: Name.Kind) -> Name:
    """Take a name for good. Raises UserFault when it is malformed, reserved or taken."""
    key = name.casefold()
    if len(key) < 2 or len(key) > MAX_LENGTH or not _PATTERN.fullmatch(key):
        message = _(
            "“%(name)s” cannot be an address. Use 2 to %(limit)d letters a–z, digits and hyphens, with a letter or "
            "digit at both ends."
        )
        raise UserFault("bad_name", message % {"name": name, "limit": MAX_LENGTH}, field="slug")
    if key in reserved():
        message = _("“%(name)s” is kept for Tunesmith's own pages. Choose another address.")
        raise UserFault("name_reserved", message % {"name": name}, field="slug")
    try:
        with transaction.atomic():
            return Name.objects.create(key=key, kind=kind)
    except IntegrityError as error:
        message = _("The address “%(name)s” is taken. Choose another one.")
        raise UserFault("name_taken", message % {"name": name}, field="slug", status=409) from error


def suggest(title: str) -> str:
    """A free address made from a title."""
    base = slugify(title)[: MAX_LENGTH - 6].strip("-_").replace("_", "-")
    if not _PATTERN.fullmatch(base) or len(base) < 2:
        base = "team"
    taken = set(Name.objects.filter(key__startswith=base).values_list("key", flat=True)) | reserved()
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)
