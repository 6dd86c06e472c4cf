"""The words of a card, from facts alone."""

from typing import Any

import pytest

from webapp.adapters import card, markdown
from webapp.core import licences

CURVE = [(0, 2.31), (20, 1.2), (40, 0.6), (60, 0.412)]


def facts(**changes: Any) -> card.CardFacts:
    data = {"name": "messages v2", "train_rows": 254, "validation_rows": 45} | changes.pop("data", {})
    training: dict[str, Any] = {
        "settings": [("Method", "QLoRA, nf4"), ("Rank, alpha", "8, 16")],
        "steps": 60,
        "seed": 7,
        "max_length": 512,
        "recipe": "Balanced",
        "curve": CURVE,
    } | changes.pop("training", {})  # fmt: skip
    values: dict[str, Any] = {
        "name": "workshop",
        "number": 3,
        "base_name": "tunesmith/tiny",
        "base_revision": "a" * 64,
        "base_context": 8192,
        "licence": licences.together("apache-2.0", "CC-BY-SA-4.0"),
        "data": card.Data(**data),
        "training": card.Training(**training),
        "scores": [("Held-out loss", "2.310", "0.412")],
    }
    return card.CardFacts(**(values | changes))


def test_the_card_tells_data_base_recipe_curve_scores_limits_and_licence() -> None:
    text = card.write(facts())
    for part in (
        "# workshop v3",
        "`tunesmith/tiny`",
        "254 rows",
        "45 held back",
        "Recipe: Balanced",
        "QLoRA, nf4",
        "Steps: 60",
        "Rank, alpha: 8, 16",
        "| 2.310 | 0.412 |",
        "fell from 2.310 to 0.412",
        "| 40 | 0.600 |",
        "45 held-out",
        "at most 512 tokens",
        "reads up to 8,192",
        "CC-BY-SA-4.0",
        "asks more than the base model’s Apache-2.0",
    ):
        assert part in text, part


def test_a_card_without_held_out_rows_says_that_nothing_was_measured() -> None:
    text = card.write(facts(data={"validation_rows": 0}, training={"curve": []}, scores=[]))
    assert "nothing was measured on unseen data" in text
    assert "## Measured" not in text
    assert "## How it learned" not in text


def test_a_card_before_its_measuring_claims_nothing() -> None:
    text = card.write(facts(scores=[]))
    assert "Not measured yet; 45 rows were held out for it." in text
    assert "| Held-out loss |" in card.write(facts())


@pytest.mark.parametrize(("rows", "is_said"), [(45, True), (99, True), (100, False), (5000, False)])
def test_few_held_out_rows_are_said_to_be_few(rows: int, is_said: bool) -> None:
    assert ("by chance alone" in card.write(facts(data={"validation_rows": rows}))) is is_said


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ([(0, 2.0), (10, 1.0)], "fell from 2.000 to 1.000 and was lowest at the end"),
        ([(0, 2.0), (10, 1.0), (20, 1.5)], "fell from 2.000 to 1.000 at step 10 and rose to 1.500"),
        ([(0, 2.0), (10, 2.1)], "never fell below the 2.000 of its first measurement; it ended at 2.100"),
    ],
)
def test_the_curve_is_told_as_it_went(curve: list[tuple[int, float]], said: str) -> None:
    assert said in card.write(facts(training={"curve": curve}))


def test_the_step_that_was_kept_is_named_where_it_is_not_the_last() -> None:
    assert "that of step 40" in card.write(facts(training={"used_step": 40}))
    assert "that of step" not in card.write(facts(training={"used_step": 60}))


def test_a_long_curve_keeps_its_ends_and_its_lowest_point() -> None:
    curve = [(step, 2.0 - step / 100 if step < 77 else 5.0) for step in range(100)]
    shown = card.few(curve)
    assert len(shown) <= card.CURVE_LINES
    assert {curve[0], curve[76], curve[-1]} <= set(shown)
    assert shown == sorted(shown)


def test_an_adapter_from_elsewhere_claims_nothing_about_its_data() -> None:
    text = card.write(card.CardFacts(
        name="brought", number=1, base_name="b", base_revision="c", licence=licences.together("mit", ""),
    ))  # fmt: skip
    assert "What it learned from is not known here." in text
    assert "Unknown. The data say no licence" in text
    assert "trained on" not in text.split("\n## ")[0]


def test_a_name_full_of_markdown_stays_a_name() -> None:
    html = markdown.to_html(card.write(facts(name="[x](javascript:alert(1)) **b** <img src=x> &lt; #")))
    assert "<a" not in html and "<img" not in html and "<strong>b" not in html
    assert "[x](javascript:alert(1)) **b** &lt;img src=x&gt; &amp;lt; #" in html


def test_nothing_closes_the_block_that_holds_a_command() -> None:
    uses = [card.Use(tool="peft", note="", text="a\n```\n# not a heading\n````")]
    html = markdown.to_html(card.write(facts(uses=uses)))
    assert "# not a heading" in html.split("<pre>")[1].split("</pre>")[0]


def test_markdown_keeps_tables_and_links_and_drops_what_can_act() -> None:
    html = markdown.to_html(
        "# Top\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[ok](https://example.org) [bad](javascript:alert(1))\n\n"
        "<script>alert(1)</script> <div hx-get=/x onclick=y style=z>t</div>"
    )
    assert "<h2>Top</h2>" in html and "<td>1</td>" in html and 'href="https://example.org"' in html
    for danger in ("<script", "<div", "<img", 'href="javascript'):
        assert danger not in html
