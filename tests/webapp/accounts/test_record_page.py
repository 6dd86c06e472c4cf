import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from webapp.accounts import actions
from webapp.audit import actions as audit
from webapp.audit import words
from webapp.audit.models import Event


@pytest.fixture
def url(team):
    return reverse("accounts:audit", args=[team.slug])


def test_the_record_says_who_did_what(client_as, owner, team, url):
    actions.invite(by=owner, team=team, email="nia@example.org", role="viewer")
    page = client_as(owner).get(url).content.decode()
    assert "<b>Olga Owner</b> invited nia@example.org as viewer" in page


def test_the_record_of_one_team_is_not_that_of_another(client_as, owner, team, stranger, other_team, url):
    audit.record(by=stranger, verb="team.renamed", team=other_team, obj=other_team, data={"from": "Initech"})
    audit.record(by=owner, verb="team.renamed", team=team, obj=team, data={"from": "Hooli"})
    page = client_as(owner).get(url).content.decode()
    assert "Hooli" in page
    assert "Initech" not in page


def test_only_who_manages_the_team_reads_the_record(client_as, trainer, reviewer, viewer, stranger, maintainer, url):
    for user in (trainer, reviewer, viewer):
        assert client_as(user).get(url).status_code == 403
    assert client_as(stranger).get(url).status_code == 404
    assert client_as(maintainer).get(url).status_code == 200


def test_the_filter_knows_only_what_it_offers(client_as, owner, maintainer, team, url):
    audit.record(by=owner, verb="dataset.deleted", team=team, data={})
    audit.record(by=maintainer, verb="token.created", team=team, data={})
    client = client_as(owner)
    verbs = lambda query: [event.verb for event in client.get(url, query).context["page"]]  # noqa: E731
    assert verbs({"who": owner.public_id}) == ["dataset.deleted"]
    assert verbs({"what": "token"}) == ["token.created"]
    assert verbs({"who": owner.public_id, "what": "token"}) == []
    for odd in ({"what": "verb"}, {"who": "x' OR 1=1"}, {"verb__startswith": "dataset"}, {"what": "%"}):
        assert verbs(odd) == ["token.created", "dataset.deleted"]


def test_the_record_comes_in_pages_and_every_line_once(client_as, owner, team, url):
    for number in range(120):
        audit.record(by=owner, verb="dataset.renamed", team=team, data={"from": f"n{number}"})
    client, seen, after = client_as(owner), [], ""
    while True:
        page = client.get(url, {"after": after}).context["page"]
        seen += [event.data["from"] for event in page]
        after = page.next
        if not after:
            break
    assert seen == [f"n{number}" for number in reversed(range(120))]


def written_verbs():
    """Every text that is passed as `verb=` anywhere in the product."""
    for root in ("webapp", "workers"):
        for path in (Path(settings.BASE_DIR) / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg == "verb":
                    yield from (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))


def test_every_verb_that_is_written_has_a_sentence():
    written = set(written_verbs())
    assert {"member.invited", "member.left", "member.removed"} <= written
    assert written - set(words.SENTENCES) == set()


@pytest.mark.django_db
def test_a_line_outlives_what_it_is_about(team, owner):
    audit.record(by=owner, verb="team.deleted", team=team, obj=team)
    Event.objects.get()
    team.delete()
    owner.delete()
    assert words.plain(Event.objects.get()) == "Olga Owner deleted the team Acme Support"


def test_names_in_the_record_are_text_whatever_they_look_like(team, owner):
    owner.name = "<img src=x onerror=alert(1)> {actor} %s"
    audit.record(by=owner, verb="member.invited", team=team, data={"email": "{0.__class__}", "role": "<b>"})
    event = Event.objects.get()
    assert "<img" not in words.sentence(event)
    assert "{0.__class__}" in words.sentence(event)
    assert words.plain(event) == "<img src=x onerror=alert(1)> {actor} %s invited {0.__class__} as <b>"
