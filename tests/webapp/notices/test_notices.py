import pytest
from django.urls import reverse

from webapp.accounts.models import Membership
from webapp.notices import actions, queries, words
from webapp.notices.models import Notice
from webapp.notices.words import Code


@pytest.fixture
def notice(team, trainer):
    return actions.tell(user=trainer, team=team, code=Code.RUN_FINISHED, data={"name": "night <1>"}, url="/t/acme/x/")


def test_every_code_has_words_that_name_the_thing():
    for code in Code:
        assert "night" in words.sentence(code, {"name": "night"})
        assert words.tone(code) in {"good", "warn", "bad", "note"}


def test_an_unknown_code_and_a_foreign_address_are_faults_of_ours(team, trainer):
    for code, url in (("run_exploded", "/t/acme/"), ("run_failed", "https://evil.example/"), ("run_failed", "//evil")):
        with pytest.raises(ValueError, match=r"run_exploded|path of ours"):
            actions.tell(user=trainer, team=team, code=code, data={"name": "x"}, url=url)


def test_nobody_and_strangers_are_told_nothing(team, stranger):
    for user in (None, stranger):
        assert actions.tell(user=user, team=team, code="run_failed", data={"name": "x"}, url="/") is None
    assert not Notice.objects.exists()


def test_the_page_lists_what_happened_as_text(client_as, trainer, notice):
    answer = client_as(trainer).get(reverse("notices:list"))
    assert "The run night &lt;1&gt; is done." in answer.content.decode()
    assert str(answer.context["verdict"]) == "One thing is new."


def test_opening_a_notice_marks_it_read_and_leads_to_the_thing(client_as, trainer, notice):
    answer = client_as(trainer).get(reverse("notices:open", args=[notice.public_id]))
    assert (answer.status_code, answer.url) == (302, "/t/acme/x/")
    assert queries.unread_count(trainer) == 0


def test_a_notice_of_somebody_else_is_not_found(client_as, owner, notice, trainer):
    assert client_as(owner).get(reverse("notices:open", args=[notice.public_id])).status_code == 404
    client_as(owner).post(reverse("notices:read_all"))
    assert queries.unread_count(trainer) == 1


def test_who_left_the_team_no_longer_reads_its_news(client_as, trainer, notice):
    Membership.objects.filter(user=trainer).delete()
    assert queries.unread_count(trainer) == 0
    assert client_as(trainer).get(reverse("notices:open", args=[notice.public_id])).status_code == 404


def test_all_are_marked_read_at_once_by_a_post_only(client_as, trainer, notice):
    client = client_as(trainer)
    assert client.get(reverse("notices:read_all")).status_code == 405
    client.post(reverse("notices:read_all"))
    assert queries.unread_count(trainer) == 0


def test_the_bell_counts_what_is_unread(client_as, trainer, notice, team):
    client = client_as(trainer)
    assert "1 new" in client.get(reverse("notices:count")).content.decode()
    client.post(reverse("notices:read_all"))
    assert "new" not in client.get(reverse("notices:count")).content.decode()
