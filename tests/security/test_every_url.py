"""The walk: every address × every method × everybody. Who adds a page without a guard learns it here."""

import sys
from types import ModuleType

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path

from tests.security.routes import METHODS, UNSAFE, every
from tests.security.walk import Answer, Knocker, complaints, expect_none
from webapp.accounts import actions as accounts
from webapp.accounts import tokens
from webapp.runs.models import Run

# Whoever adds a line here opens an address to the world. `*` stands for every method.
PUBLIC = {
    ("core:live", "*"),
    ("core:ready", "*"),
    ("core:theme", "*"),
    ("core:words", "*"),
    ("accounts:setup", "*"),  # the secret in the address is the key
    ("accounts:join", "*"),  # the same
    ("links:download", "*"),  # the signature in the address is the key
    ("webapp.api.urls.nothing_here", "*"),  # says 404 in the words of programs
    ("account_login", "*"),
    ("account_logout", "*"),  # leads to the first page
    ("account_signup", "*"),  # says that nobody signs up alone
    ("account_inactive", "*"),
    ("account_reset_password", "*"),
    ("account_reset_password_done", "*"),
    ("account_reset_password_from_key", "*"),
    ("account_reset_password_from_key_done", "*"),
}

# What programs send as POST and changes nothing that could be read.
READING_BY_POST = {
    "POST /api/v1/adapters/{id}/versions/{number}/links",  # another way to a download that the token has anyway
}

# What a viewer may do that changes something: only about themselves.
VIEWER_MAY = {
    ("accounts:account", "POST"),
    ("accounts:new_team", "POST"),  # the page says that a viewer makes none; see test_team.py
    ("accounts:remove", "POST"),  # leaving the team oneself
    ("notices:read_all", "POST"),
}

pytestmark = [pytest.mark.row("S1"), pytest.mark.row("W1")]


def is_public(answer: Answer) -> bool:
    return bool({(answer.route.name, "*"), (answer.route.name, answer.method)} & PUBLIC)


def no_crash(answer: Answer) -> bool:
    return answer.status < 500


def anonymous_is_kept_out(answer: Answer) -> bool:
    if is_public(answer):
        return no_crash(answer)
    if answer.route.is_api:
        return answer.status in {401, 405}
    return answer.status == 302 and answer.response.headers["Location"].startswith("/account/login/?next=")


def test_nobody_gets_anywhere_without_signing_in(world, client_as):
    answers = list(Knocker(client_as(None)).everywhere(world))
    assert len(answers) > 300
    expect_none(complaints(answers, anonymous_is_kept_out))


def test_the_list_of_public_addresses_holds_no_address_that_is_gone():
    assert {name for name, _method in PUBLIC} <= {route.name for route in every()}


def stranger_finds_nothing(answer: Answer) -> bool:
    if not no_crash(answer):
        return False
    if answer.route.is_of_team or answer.route.name == "notices:open":
        return answer.status in {404, 405}
    return True


@pytest.mark.row("S2")
def test_a_stranger_finds_nothing_of_the_team(world, client_as, stranger):
    answers = list(Knocker(client_as(stranger)).everywhere(world))
    expect_none(complaints(answers, stranger_finds_nothing))
    expect_none(leaks(answers, world))


def leaks(answers, world):
    """Answers that name something of the team which was not in the question."""
    secrets = [text.encode() for text in world.public_ids() | {world.team.title, world.owner.email}]
    return [
        f"{answer} and named {secret.decode()}"
        for answer in answers
        for secret in secrets
        # The address itself may come back, in the field that leads on after signing in.
        if secret in answer.body.replace(answer.path.encode(), b"") and not is_public(answer)
    ]


def viewer_changes_nothing(answer: Answer) -> bool:
    if answer.method not in UNSAFE or is_public(answer) or (answer.route.name, answer.method) in VIEWER_MAY:
        return no_crash(answer)
    if answer.route.is_api:
        return answer.status in {401, 405}
    return answer.status in {403, 404, 405} if answer.route.is_of_team else answer.status < 500


@pytest.mark.row("S2")
def test_a_viewer_looks_and_changes_nothing(world, client_as, viewer):
    world.examples["user_id"] = viewer.public_id
    answers = list(Knocker(client_as(viewer)).everywhere(world))
    expect_none(complaints(answers, viewer_changes_nothing))


def takes_something_out(answer: Answer) -> bool:
    return answer.response.headers.get("Content-Disposition", "").startswith("attachment")


@pytest.mark.row("S2")
def test_a_viewer_takes_nothing_out_where_a_reviewer_does(world, client_as, viewer, reviewer):
    taken = {}
    for user in (viewer, reviewer):
        answers = Knocker(client_as(user)).everywhere(world, methods=("GET",), only=lambda route: route.is_of_team)
        taken[user] = {answer.route.name: answer.status for answer in answers if takes_something_out(answer)}
    assert len(taken[reviewer]) >= 5
    assert taken[viewer] == {}


@pytest.mark.parametrize(
    ("role", "methods"),
    [("trainer", METHODS), ("reviewer", ["POST"]), ("maintainer", ["POST"]), ("owner", ["GET", "HEAD", "POST"])],
)
def test_nothing_a_member_asks_breaks_the_server(world, client_as, role, methods, request):
    answers = list(Knocker(client_as(request.getfixturevalue(role))).everywhere(world, methods=methods))
    expect_none(complaints(answers, no_crash))


ONLY_FOR_LEADERS = {"accounts:role", "accounts:uninvite", "accounts:audit", "accounts:delete_team"}
ONLY_LEADERS_CHANGE = {"accounts:members", "accounts:settings"}


@pytest.mark.row("S2")
def test_a_trainer_does_not_manage_the_team(world, client_as, trainer):
    knocker = Knocker(client_as(trainer))
    answers = list(knocker.everywhere(world, only=lambda route: route.name in ONLY_FOR_LEADERS))
    answers += knocker.everywhere(world, methods=UNSAFE, only=lambda route: route.name in ONLY_LEADERS_CHANGE)
    assert {answer.route.name for answer in answers} == ONLY_FOR_LEADERS | ONLY_LEADERS_CHANGE
    expect_none(complaints(answers, lambda answer: answer.status in {403, 405}))


def test_every_example_of_the_walk_is_really_there(world, client_as, owner):
    """Else "404" above would prove nothing."""
    seen: dict[str, set[int]] = {}
    headers = key(world.team, owner, list(tokens.Scope))
    for answer in Knocker(client_as(owner), headers=headers).everywhere(world, methods=("GET", "POST")):
        if answer.route.kwargs - {"team"} and not is_public(answer):
            seen.setdefault(f"{answer.route.name} {answer.path}", set()).add(answer.status)
    expect_none([where for where, statuses in seen.items() if statuses <= {404, 405}])


def of_api(route):
    return route.is_api


def key(team, user, scopes):
    _token, plain = accounts.create_token(by=user, team=team, name="walk", scopes=scopes)
    return {"Authorization": f"Bearer {plain}"}


@pytest.mark.row("S2")
def test_a_strangers_token_opens_nothing_of_the_team(world, client_as, stranger, other_team):
    headers = key(other_team, stranger, ["read", "write", "train", "promote", "admin"])
    answers = list(Knocker(client_as(None), headers=headers).everywhere(world, only=of_api))
    expect_none(complaints(answers, no_crash))
    expect_none(complaints([a for a in answers if a.route.kwargs], lambda a: a.status in {404, 405}))
    names_ours = [a for a in answers if any(id in str(world.bodies.get(a.question, "")) for id in world.public_ids())]
    assert len(names_ours) >= 2
    expect_none(complaints(names_ours, lambda a: a.status == 404))
    expect_none(leaks(answers, world))


def test_a_token_that_may_only_read_changes_nothing(world, client_as, trainer, team):
    headers = key(team, trainer, ["read"])
    knocker = Knocker(client_as(None), headers=headers)
    answers = [answer for answer in knocker.everywhere(world, methods=UNSAFE, only=of_api) if not is_public(answer)]
    answers = [answer for answer in answers if answer.question not in READING_BY_POST]
    # 422 would mean that the body was read before the scope: add a right one to the bodies of world.py.
    expect_none(complaints(answers, lambda answer: answer.status in {403, 405}))


def test_no_request_of_a_program_breaks_the_server(world, client_as, trainer, team):
    headers = key(team, trainer, ["read", "write", "train"])
    answers = list(Knocker(client_as(None), headers=headers).everywhere(world, only=of_api))
    expect_none(complaints(answers, no_crash))


@pytest.mark.row("S18")
def test_the_api_knows_no_cookies(world, client_as, owner):
    answers = list(Knocker(client_as(owner)).everywhere(world, only=of_api))
    expect_none(complaints(answers, lambda answer: answer.status in {401, 405} or is_public(answer)))


# The walk itself is tried: a fault is put in, and it has to notice.


def is_new(route):
    return route.name.startswith("tests.")


def unguarded(request, team, gadget=""):
    return HttpResponse("hello")


@login_not_required
def open_to_all(request, team):
    return HttpResponse("hello")


def by_raw_id(request, run_id):
    run = get_object_or_404(Run, public_id=run_id)
    return HttpResponse(run.public_id if request.GET else f"{run.name} of {run.team.title}")


def crashing(request):
    raise ZeroDivisionError


@pytest.fixture
def faulty(settings, request):
    """Our URL table with one address more."""
    module = ModuleType("tests_faulty_urls")
    module.urlpatterns = [path(*request.param), path("", include("webapp.urls"))]
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    yield
    del sys.modules[module.__name__]


@pytest.mark.parametrize("faulty", [("t/<slug:team>/leak/", unguarded)], indirect=True)
def test_the_walk_notices_a_team_page_without_its_gate(faulty, world, client_as, stranger, viewer):
    found = complaints(Knocker(client_as(stranger)).everywhere(world, only=is_new), stranger_finds_nothing)
    assert {line.split()[0] for line in found} == set(METHODS)
    found = complaints(Knocker(client_as(viewer)).everywhere(world, only=is_new), viewer_changes_nothing)
    assert {line.split()[0] for line in found} == set(UNSAFE)


@pytest.mark.parametrize("faulty", [("t/<slug:team>/leak/", open_to_all)], indirect=True)
def test_the_walk_notices_a_page_that_is_open_to_all(faulty, world, client_as):
    found = complaints(Knocker(client_as(None)).everywhere(world, only=is_new), anonymous_is_kept_out)
    assert {line.split()[0] for line in found} == set(METHODS)


@pytest.mark.parametrize("faulty", [("leak/<slug:run_id>/", by_raw_id)], indirect=True)
def test_the_walk_notices_a_thing_that_is_looked_up_by_its_id_alone(faulty, world, client_as, stranger):
    answers = list(Knocker(client_as(stranger)).everywhere(world, methods=("GET",), only=is_new))
    assert any(world.team.title in line for line in leaks(answers, world))


@pytest.mark.parametrize("faulty", [("crash/", crashing)], indirect=True)
def test_the_walk_notices_a_crash(faulty, world, client_as, owner):
    found = complaints(Knocker(client_as(owner)).everywhere(world, methods=("GET",), only=is_new), no_crash)
    assert ["ZeroDivisionError" in line for line in found] == [True]


@pytest.mark.parametrize("faulty", [("t/<slug:team>/<slug:gadget>/", unguarded)], indirect=True)
def test_the_walk_asks_for_an_example_of_what_it_does_not_know(faulty, world, client_as):
    with pytest.raises(AssertionError, match=r"<gadget>.*world\.py knows no example"):
        list(Knocker(client_as(None)).everywhere(world, methods=("GET",), only=is_new))
