from collections.abc import Callable
from typing import Any

import heroicons
import pytest
from django import forms
from django.template import Context, Template
from django.test import Client

from webapp.core import charts, icons


def draw(text: str, **context: Any) -> str:
    return Template("{% load ui units %}" + text).render(Context(context))


class Form(forms.Form):
    rank = forms.IntegerField(label="Rank", help_text="Usual: 8 to 64.")
    notes = forms.CharField(widget=forms.Textarea, required=False)


@pytest.mark.row("S19")
@pytest.mark.django_db
@pytest.mark.usefixtures("own_pages")
def test_markup_in_any_text_of_a_user_stays_text(client_as: Callable[..., Client], owner: Any) -> None:
    text = client_as(owner).get("/parts/?hostile").content.decode()
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 20


def test_a_field_is_tied_to_its_help_and_its_error() -> None:
    text = draw("{% field form.rank %}", form=Form({"rank": "many"}))
    assert 'aria-describedby="id_rank_help id_rank_error"' in text
    assert 'aria-invalid="true"' in text and 'class="input"' in text
    assert 'id="id_rank_help"' in text and 'id="id_rank_error"' in text


def test_a_field_that_differs_from_the_recipe_says_the_recipes_value() -> None:
    text = draw('{% field form.rank changed="Balanced has 16" %}', form=Form())
    assert 'class="field changed"' in text and "Balanced has 16" in text


def test_a_form_drawn_whole_uses_the_same_parts() -> None:
    assert 'class="textarea"' in draw("{{ form }}", form=Form())
    assert 'class="help" id="id_rank_help"' in draw("{{ form.rank.as_field_group }}", form=Form())


def test_the_summary_leads_to_each_faulty_field() -> None:
    text = draw("{% form_errors form %}", form=Form({"rank": "many"}))
    assert 'role="alert"' in text and '<a href="#id_rank">Rank</a>' in text
    assert draw("{% form_errors form %}", form=Form()).strip() == ""


def test_an_unknown_state_is_our_fault_and_not_an_empty_badge() -> None:
    assert draw("{% badge 'interrupted' %}") == '<span class="badge badge--interrupted">Continues by itself</span>'
    with pytest.raises(KeyError):
        draw("{% badge 'melted' %}")


@pytest.mark.parametrize("name", sorted(icons.NOUNS))
def test_every_noun_has_an_icon(name: str) -> None:
    assert icons.svg(name).startswith("<svg") and 'aria-hidden="true"' in icons.svg(name, "s")


def test_an_unknown_icon_is_refused() -> None:
    with pytest.raises(heroicons.IconDoesNotExist):
        icons.svg("robot")


def test_a_gauge_without_a_measure_claims_no_amount() -> None:
    text = draw("{% gauge label='Loading' %}<span>Loading</span>{% endgauge %}")
    assert "value=" not in text and "gauge__ticks" not in text


def test_a_gauge_is_never_more_than_full_and_speaks_no_locale_in_its_numbers() -> None:
    text = draw("{% gauge value=2500 max=2000 label='Run' %}{% endgauge %}")
    assert 'max="2000" value="2000"' in text and "100\u00a0%" in text


def test_bars_never_leave_their_frame() -> None:
    parts = [charts.Part("a", 700), charts.Part("b", 0), charts.Part("c", 600)]
    drawn = charts.bars(parts, total=1000)
    assert [bar.part.label for bar in drawn] == ["a", "c"]
    assert drawn[-1].x + drawn[-1].width <= 1000


def test_a_sparkline_leaves_a_gap_where_a_value_is_missing() -> None:
    path, last = charts.sparkline([1.0, 0.5, None, float("nan"), 0.2])
    assert path.count("M") == 2
    assert last == "116.5,28.5"
    assert charts.sparkline([None]) == ("", "")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Mara König", "MK"),
        ("Claims desk", "CD"),
        ("mara.koenig@example.org", "MK"),
        ("Letters", "LE"),
        ("Ana-Maria de Souza", "AS"),
        ("x", "X"),
    ],
)
def test_initials_come_from_the_ends_of_a_name(name: str, letters: str) -> None:
    assert draw("{{ name|initials }}", name=name) == letters


def test_a_query_keeps_the_other_filters(rf: Any) -> None:
    request = rf.get("/", {"stage": "draft", "after": "adp_1"})
    assert draw("{% query after='adp_2' %}", request=request) == "?stage=draft&amp;after=adp_2"
    assert draw("{% query after=None %}", request=request) == "?stage=draft"
