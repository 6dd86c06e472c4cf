"""Every page as its reader gets it: nothing inline, nothing from elsewhere, and hostile text stays text."""

import re

import pytest
from django.utils.html import escape

from tests.security import world as worlds
from tests.security.pages import FREE, Page
from tests.security.walk import Knocker, expect_none, undone

CSRF = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>')

# Each mark can be told from our own markup wherever it becomes markup.
HOSTILE = [
    "\"'><xss-a onxss=1 hx-get=/x></title></script></textarea><xss-a>",
    "\" onxss=1 ' onxss=2 [a](javascript:xss) ![b](//xss.example/b)<xss-a>",
    "zqx {{7*7}}\r\nX-Evil: 1\u202e\u0000{% xss %}%s%(xss)s",
]

# Where a person's words must be seen, escaped. Else the walk would prove nothing.
SHOWN = {
    "accounts:members",
    "accounts:settings",
    "accounts:tokens",
    "accounts:audit",
    "accounts:account",
    "notices:list",
    "dashboard:home",
    "dashboard:trash",
    "datasets:list",
    "datasets:version",
    "basemodels:list",
    "basemodels:detail",
    "runs:list",
    "runs:detail",
    "runs:recipes",
    "adapters:list",
    "adapters:version",
    "evaluation:report",
    "fleet:list",
}


def is_html(answer):
    return answer.response.headers.get("Content-Type", "").startswith("text/html")


def for_people(route):
    return not route.is_api


def seen_by(client, world, *, htmx=False):
    """Every page of the product, whole or as the fragment that htmx asks for."""
    headers = {"HX-Request": "true"} if htmx else {}
    knocker = Knocker(client, headers=headers)
    return [answer for answer in knocker.everywhere(world, methods=("GET",), only=for_people) if is_html(answer)]


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "fragment"])
def test_no_page_holds_anything_inline_or_from_another_host(world, client_as, owner, htmx):
    answers = seen_by(client_as(owner), world, htmx=htmx)
    assert len(answers) > 30
    expect_none([f"{answer}: {fault}" for answer in answers for fault in Page(answer.body.decode()).faults])


def test_no_page_for_somebody_without_an_account_does_either(world, client_as):
    answers = seen_by(client_as(None), world)
    assert {"account_login", "accounts:join"} <= {answer.route.name for answer in answers if answer.status == 200}
    expect_none([f"{answer}: {fault}" for answer in answers for fault in Page(answer.body.decode()).faults])


@pytest.fixture
def hostile(text, team, owner):
    """A world whose people write `text`, hostile, wherever they can."""
    stored = text.replace("\0", "")  # PostgreSQL takes no NUL; forms refuse it
    team.title, owner.name = stored[:80], stored[:100]
    team.save(update_fields=["title"])
    owner.save(update_fields=["name"])
    return worlds.build(team=team, owner=owner, text=stored)


def markup_of(answer, html):
    """What in the page became markup that must be text."""
    page = Page(html)
    found = [f"<{tag}>" for tag in page.tags if tag.startswith("xss")]
    found += [name for name in page.attributes if name.startswith(("onxss", "xss"))]
    return [f"{answer}: {what}" for what in found + page.faults]


@pytest.mark.row("S19")
@pytest.mark.parametrize(
    ("text", "htmx"), [*((text, False) for text in HOSTILE), (HOSTILE[0], True)], ids=["a", "b", "c", "fragments"]
)
def test_hostile_names_and_texts_stay_text_on_every_page(hostile, client_as, owner, htmx):
    answers = seen_by(client_as(owner), hostile, htmx=htmx)
    expect_none([str(answer) for answer in answers if answer.status >= 500])
    expect_none([line for answer in answers for line in markup_of(answer, answer.body.decode())])
    shown = {answer.route.name for answer in answers if is_shown(hostile, answer.body.decode())}
    if not htmx:
        expect_none([f"{name} does not show what people wrote" for name in sorted(SHOWN - shown)])


def is_shown(world, html):
    return escape(world.text[:11]) in html


@pytest.mark.row("S19")
def test_hostile_text_in_every_field_of_every_form_comes_back_as_text(world, client_as, owner):
    client = client_as(owner)
    forms = forms_of(seen_by(client, world))
    assert len(forms) > 15
    knocker = Knocker(client)
    for text in HOSTILE:
        for address, fields in forms:
            filled = {name: text if value == FREE else value for name, value in fields}
            with undone():
                after = client.post(address, filled, follow=True)
            knocker.forget()
            assert after.status_code < 500, f"{address} with {filled}"
            if after.headers.get("Content-Type", "").startswith("text/html"):
                expect_none(markup_of(f"{address} with {filled}", after.content.decode()))


def forms_of(answers):
    """Each form that changes something, once: where it leads and its fields."""
    return sorted(
        {
            (form.action or answer.path, tuple(sorted(form.fields.items())))
            for answer in answers
            for form in Page(CSRF.sub("", answer.body.decode())).forms
            if form.method == "post"
        }
    )


@pytest.mark.row("S19")
@pytest.mark.parametrize("text", [HOSTILE[0], HOSTILE[2]], ids=["a", "c"])
def test_what_is_not_a_page_is_never_shown_as_one(hostile, client_as, owner):
    """Downloads are saved, not opened; JSON is not guessed to be HTML."""
    knocker = Knocker(client_as(owner))
    found = []
    for answer in knocker.everywhere(hostile, methods=("GET",)):
        headers = answer.response.headers
        kind = headers.get("Content-Type", "").partition(";")[0]
        if answer.status == 200 and kind not in {"text/html", "text/javascript", "text/plain"}:
            is_saved = headers.get("Content-Disposition", "").startswith("attachment")
            is_data = kind in {"application/json", "application/problem+json", "application/openapi+json"}
            if not (is_saved or is_data) or headers.get("X-Content-Type-Options") != "nosniff":
                found.append(f"{answer} as {kind}")
        if "X-Evil" in headers or "svg" in kind:
            found.append(f"{answer} with {dict(headers)}")
    expect_none(found)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p style=color:red>", "style"),
        ("<script>alert(1)</script>", "script"),
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
        ("<a onclick=x()>", "onclick"),
        ("<svg><a xlink:href=' JavaScript:x'>", "JavaScript"),
        ("<img src=//cdn.example/x.png>", "another host"),
        ("<div hx-on:click=x()>", "hx-on"),
        ("<iframe src=/x>", "iframe"),
    ],
)
def test_the_look_at_pages_sees_what_it_must(html, fault):
    assert any(fault in found for found in Page(html).faults)


def test_the_look_at_pages_sees_hostile_text_that_got_through():
    for text in HOSTILE[:2]:
        assert markup_of("", f'<input value="{text}">')
