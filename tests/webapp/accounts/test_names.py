import pytest
from django.urls import URLResolver, get_resolver

from webapp.accounts import names
from webapp.accounts.models import Name
from webapp.core.faults import UserFault


def first_parts():
    """The first part of every address, read the long way round: from whole routes."""

    def walk(resolver, before):
        for entry in resolver.url_patterns:
            route = before + str(entry.pattern).lstrip("^")
            yield from walk(entry, route) if isinstance(entry, URLResolver) else [route]

    return {route.split("/")[0].rstrip("$") for route in walk(get_resolver(), "") if not route.startswith("<")}


def test_every_first_part_of_our_addresses_is_reserved():
    parts = first_parts() - {""}
    assert {"t", "account", "join", "setup", "me", "notices", "help", "healthz"} <= parts
    assert parts <= names.reserved()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["api", "API", "account", "healthz", "static", "datasets", "models"])
def test_a_reserved_word_cannot_be_taken(name):
    with pytest.raises(UserFault) as caught:
        names.claim(name=name, kind=Name.Kind.TEAM)
    assert caught.value.code == "name_reserved"


@pytest.mark.django_db
def test_names_differ_by_more_than_case():
    assert names.claim(name="HuggingFaceTB", kind=Name.Kind.ORGANISATION).key == "huggingfacetb"
    with pytest.raises(UserFault) as caught:
        names.claim(name="huggingfacetb", kind=Name.Kind.TEAM)
    assert caught.value.code == "name_taken"


@pytest.mark.django_db
def test_a_suggested_name_can_always_be_claimed():
    for title in ("Api", "!!!", "Ünïcode Tëam", "a", "x" * 200, "Team", "me", "-"):
        names.claim(name=names.suggest(title), kind=Name.Kind.TEAM)
