import json

from django.http import HttpResponse

from webapp.core import htmx


def test_several_events_may_be_announced_with_one_answer() -> None:
    response = htmx.trigger(htmx.trigger(HttpResponse(), "run:moved", {"step": 187}), "run:ended")
    assert json.loads(response.headers["HX-Trigger"]) == {"run:moved": {"step": 187}, "run:ended": {}}


def test_the_last_poll_is_told_to_be_the_last() -> None:
    assert htmx.stop_polling(HttpResponse()).status_code == 286
