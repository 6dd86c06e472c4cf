import pytest

from webapp.adapters import verdict
from webapp.adapters.scoretable import ScoreRow


def row(name: str, base: float | None, value: float, *, better: bool | None) -> ScoreRow:
    share = name != "validation_loss"
    text = (lambda x: f"{x:.0%}") if share else (lambda x: f"{x:.3f}")
    return ScoreRow(
        name=name, label=name, help="", base=base, value=value, is_better=better,
        base_text="" if base is None else text(base), value_text=text(value), difference_text="",
    )  # fmt: skip


LOSS = row("validation_loss", 2.0, 1.0, better=True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "not measured yet"),
        ([row("validation_loss", None, 1.0, better=None)], "not measured yet"),
        ([row("validation_loss", 2.0, 1.0, better=True)], "Better than its base: held-out loss 50"),
        ([row("validation_loss", 2.0, 2.5, better=False)], "Worse than its base: held-out loss 25"),
        ([row("validation_loss", 2.0, 1.99, better=True)], "About as good as its base"),
        ([LOSS, row("json_fields", 0.0, 0.95, better=True)], "Better than its base: 95% of its answers"),
        ([LOSS, row("json_fields", 0.9, 0.2, better=False)], "Worse than its base: 20% of its answers"),
        ([LOSS, row("json_fields", 0.0, 0.0, better=None)], "held-out loss 50"),
    ],
)
def test_the_head_says_better_worse_or_not_clear_by_what_was_measured(rows: list[ScoreRow], words: str) -> None:
    assert words in str(verdict.of_version(rows))


def test_a_version_that_could_be_measured_does_not_blame_its_rows() -> None:
    assert str(verdict.of_version([], can_be_measured=True)) == "Made and checked, not measured yet."


def test_the_catalog_says_how_many_and_what_may_be_relied_on() -> None:
    assert "No adapters yet" in str(verdict.of_catalog(count=0, in_production=0))
    assert str(verdict.of_catalog(count=1, in_production=0)) == "One adapter. None is in production yet."
    assert str(verdict.of_catalog(count=4, in_production=1)) == "Four adapters. One is in production."
