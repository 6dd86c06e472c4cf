"""What a visitor types never becomes a field name of the database."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.security.walk import Knocker, complaints, expect_none
from webapp.accounts import actions as accounts
from webapp.accounts import tokens
from webapp.accounts.models import Team, User

pytestmark = pytest.mark.row("S3")

QUERY = "&".join(
    [
        "team__memberships__user__password__startswith=p",
        "created_by__password__startswith=p",
        "password__startswith=p",
        "_connector=OR%201=1%20OR",
        "_negated=1",
        "ordering=password",
        "order=-created_by__password",
        "order_by=password",
        "sort=created_by__password",
        "fields=password",
        "page_size=-1",
        "limit=99999999999999999999",
        "after=%27%20OR%201=1--",
        "q=%27%22%5C",
        "before=../../x",
        "split=x",
        "format=yaml",
        "state=%F0%9F%94%A7",
        "dataset=1%20OR%201=1",
        "version=abc",
        "number=1e309",
    ]
)


def test_odd_questions_are_ignored_or_refused_and_reach_no_query(world, client_as, owner):
    _token, plain = accounts.create_token(by=owner, team=world.team, name="x", scopes=list(tokens.Scope))
    knocker = Knocker(client_as(owner), headers={"Authorization": f"Bearer {plain}"})
    with CaptureQueriesContext(connection) as queries:
        answers = list(knocker.everywhere(world, methods=("GET",), query=QUERY))
    expect_none(complaints(answers, lambda answer: answer.status < 500))
    asked = [query["sql"] for query in queries]
    assert len(asked) > 100
    expect_none([sql for sql in asked if touches_a_secret(sql)])


@pytest.mark.parametrize(
    "address",
    [
        "/notices/?after=%00",
        "/t/acme/team/record/?who=a%00b",
        "/t/acme/team/people/%00/role/",
        "/t/ac%00me/team/people/",
    ],
)
def test_a_name_with_a_nul_is_nobodys(client_as, owner, address):
    assert client_as(owner).get(address).status_code == 400


def test_no_text_of_a_program_breaks_the_server(world, client_as, owner):
    """PostgreSQL takes neither a NUL nor half a character."""
    _token, plain = accounts.create_token(by=owner, team=world.team, name="x", scopes=list(tokens.Scope))
    knocker = Knocker(client_as(None), headers={"Authorization": f"Bearer {plain}"})
    for text in ("a\0b", "\ud800", "\U0010ffff", "a" * 5000, "", " ", "-1", "\u202e"):
        for question, body in world.bodies.items():
            method, _space, address = question.partition(" ")
            for name, value in body.items():
                data = json.dumps(body | {name: text if isinstance(value, str) else 10**30}).encode()
                answer = knocker.knock(method, address, data=data, content_type="application/json")
                assert answer.status_code < 500, f"{question} with {name}={text!r}: {answer.status_code}"


# A secret as a condition or as an order; that its column is read with the rest of the row is no harm.
TOUCHES = re.compile(r"""(password|secret_sha256|sealed)"?(::text)?\s+(LIKE|<|>|IN|ASC|DESC|IS|REGEXP|~)|1=1""")


def touches_a_secret(sql):
    return TOUCHES.search(re.sub(r"'(?:[^']|'')*'", "''", sql))


@pytest.mark.django_db
def test_the_look_at_queries_sees_what_it_must():
    for faulty in (
        User.objects.filter(password__startswith="p"),
        Team.objects.filter(memberships__user__password__gt="argon2$"),
        User.objects.order_by("password"),
        User.objects.filter(password__in=["x"]),
    ):
        assert touches_a_secret(str(faulty.query)), str(faulty.query)
    assert not touches_a_secret(str(User.objects.filter(name="p").order_by("id").query))


# Calls that build a question from a dictionary or a list, each with why a visitor typed nothing in it.
BUILT_FROM_NAMES = {
    "webapp/adapters/finding.py Listing.objects.filter(team=team, adapter__public_id=after).values": "of ORDERS",
    "webapp/adapters/finding.py listings(team, wanted).order_by": "of ORDERS, which is a closed list",
    "webapp/core/paging.py queryset.order_by": "the order is chosen by the view",
    "webapp/core/paging.py Q": "the same",
    "webapp/artifacts/actions/collecting.py relation.related_model._base_manager.filter": "names of our own relations",
    "webapp/jobs/waiting.py rows.filter(place__lte=heads).values_list": "columns named a few lines above",
    "webapp/lineage/queries.py known.filter": "source or target",
    "webapp/runs/views/runs.py runs.aggregate": "the names of FILTERS",
}
ASKING = {"filter", "exclude", "get", "order_by", "values", "values_list", "annotate", "aggregate", "alias", "Q"}


def open_questions(source: str) -> list[str]:
    """Calls where a query is built with `**` or `*` from something that is not written there."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        is_open = any(word.arg is None and not isinstance(word.value, ast.Dict) for word in node.keywords)
        is_open |= any(isinstance(word, ast.Starred) for word in node.args)
        is_open |= any(
            not isinstance(key, ast.Constant)
            for word in node.keywords
            if word.arg is None and isinstance(word.value, ast.Dict)
            for key in word.value.keys
        )
        if name in ASKING and is_open:
            found.append(ast.unparse(node.func))
    return found


def sources():
    for root in ("webapp", "workers"):
        for path in sorted((Path(settings.BASE_DIR) / root).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(settings.BASE_DIR).as_posix(), path.read_text()


def test_no_question_is_built_from_a_dictionary_that_a_request_could_fill():
    found = {f"{name} {call}" for name, source in sources() for call in open_questions(source)}
    expect_none(
        [f"{call}: name the fields, or say in this test why it is safe" for call in found - set(BUILT_FROM_NAMES)]
    )
    assert set(BUILT_FROM_NAMES) - found == set()  # nobody needs these exceptions any more


@pytest.mark.parametrize(
    "fault",
    ["Run.objects.filter(**request.GET.dict())", "runs.order_by(*names)", "Q(**{f'{x}__in': y})", "m.get(**kwargs)"],
)
def test_the_look_at_questions_sees_what_it_must(fault):
    assert open_questions(fault)
    assert not open_questions("Run.objects.filter(team=team, **{'name': x}).order_by('-id')")


def test_no_sql_is_written_by_hand_from_parts():
    by_hand = re.compile(r"\.(raw|extra)\(|RawSQL\(|execute\(\s*f[\"']|execute\([^)]*%\s*\(|execute\([^)]*\.format\(")
    expect_none([f"{name}: {found.group()}" for name, source in sources() for found in by_hand.finditer(source)])
