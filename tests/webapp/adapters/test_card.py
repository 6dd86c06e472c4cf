from typing import Any

from webapp.adapters import card, markdown


def facts(**changes: Any) -> card.CardFacts:
    values: dict[str, Any] = {
        "name": "workshop",
        "number": 3,
        "base_name": "tunesmith/tiny",
        "base_revision": "a" * 64,
        "base_licence": "Apache-2.0",
        "dataset": "messages v2",
        "train_rows": 254,
        "validation_rows": 45,
        "settings": [("Method", "QLoRA, nf4"), ("Rank, alpha", "8, 16")],
        "steps": 60,
        "seed": 7,
        "scores": [("Held-out loss", "2.310", "0.412")],
    }  # fmt: skip
    return card.CardFacts(**(values | changes))


def test_the_card_tells_data_base_recipe_scores_and_limits() -> None:
    text = card.write(facts())
    for part in (
        "workshop v3",
        "tunesmith/tiny",
        "254 rows",
        "QLoRA, nf4",
        "Steps: 60",
        "Rank, alpha: 8, 16",
        "| 2.310 | 0.412 |",
        "45 held-out",
        "Apache-2.0",
    ):
        assert part in text


def test_a_card_without_held_out_rows_says_that_nothing_was_measured() -> None:
    text = card.write(facts(validation_rows=0, scores=[]))
    assert "nothing was measured on unseen data" in text
    assert "## Measured" not in text


def test_a_card_before_its_measuring_claims_nothing_and_stays_readable_to_who_edits_it() -> None:
    text = card.write(facts(scores=[]))
    assert "Not measured yet; 45 rows were held out for it." in text
    assert "| Held-out loss |" in card.write(facts())


def test_a_name_full_of_markdown_stays_a_name() -> None:
    html = markdown.to_html(card.write(facts(name="[x](javascript:alert(1)) **b** <img src=x> &lt; #")))
    assert "<a" not in html and "<img" not in html and "<strong>b" not in html
    assert "[x](javascript:alert(1)) **b** &lt;img src=x&gt; &amp;lt; #" in html


def test_markdown_keeps_tables_and_links_and_drops_what_can_act() -> None:
    html = markdown.to_html(
        "# Top\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[ok](https://example.org) [bad](javascript:alert(1))\n\n"
        "<script>alert(1)</script> <div hx-get=/x onclick=y style=z>t</div>"
    )
    assert "<h2>Top</h2>" in html and "<td>1</td>" in html and 'href="https://example.org"' in html
    for danger in ("<script", "<div", "<img", 'href="javascript'):
        assert danger not in html
