"""What the inside of a version tells: the rules behind its sentences and the arithmetic behind its pictures."""

from typing import Any

import pytest

from tests.webapp.workshop import inside
from webapp.adapters import anatomy, anatomy_words


def summary(rank: int, behaves: int, **more: Any) -> dict[str, Any]:
    made, _modules = inside(layers=9, rank=rank)
    return made | {"behaves_as": behaves} | more


def sizes(*values: float) -> dict[str, Any]:
    return {"layers": [{"layer": n, "frobenius": value} for n, value in enumerate(values)]}


@pytest.mark.parametrize(
    ("rank", "behaves", "words"),
    [
        (64, 11, "Rank 64 behaves as 11: training with rank 16 would have done."),
        (64, 16, "Rank 64 behaves as 16: training with rank 16 would have done."),
        (16, 11, "Rank 16 behaves as 11: well chosen, little of it lies idle."),
        (16, 15, "Rank 16 is used to the full; if it should learn more, try a higher one."),
        (1, 1, "Rank 1 is used to the full"),
    ],
)
def test_the_verdict_says_as_which_rank_it_behaves_and_what_that_means(rank: int, behaves: int, words: str) -> None:
    assert words in str(anatomy_words.verdict(summary(rank, behaves)))


def test_an_adapter_that_changes_nothing_is_told_so() -> None:
    nothing, modules = inside(layers=9, fall=0)
    assert "changes nothing" in str(anatomy_words.verdict(nothing))
    assert anatomy.choices(nothing) == [] and anatomy_words.strongest(nothing) == ""
    drawn = anatomy.layer_map(modules, anatomy.MEASURES["size"])
    assert drawn is not None and {cell.tone for line in drawn.lines for cell in line.cells} == {"t0"}
    assert {bar.height for bar in anatomy.size_bars(nothing).bars} == {0.0}
    assert anatomy.kept_bars(nothing).bars == []


@pytest.mark.parametrize(
    ("values", "third"),
    [
        ((1, 1, 1, 1, 9, 9), 2),
        ((9, 9, 1, 1, 1, 1), 0),
        ((1, 1, 9, 9, 1, 1), 1),
        ((3, 3, 3, 3, 3, 3), None),
        ((1, 1, 1, 1, 9), None),
        ((0, 0, 0, 0, 0, 0), None),
    ],
)
def test_a_third_of_the_layers_is_named_when_it_holds_half_of_the_change(values: Any, third: int | None) -> None:
    assert anatomy.third(sizes(*values)) == third


def test_thirds_count_squares_as_the_change_does() -> None:
    assert anatomy.third(sizes(2, 2, 2, 2, 3, 3)) == 2  # 18 of 34, although 6 of 14
    assert anatomy_words.where(sizes(1, 2)) == ""


@pytest.mark.parametrize(("rank", "usual"), [(1, 1), (2, 2), (3, 4), (9, 16), (16, 16), (17, 32)])
def test_the_usual_rank_is_the_next_power_of_two(rank: int, usual: int) -> None:
    assert anatomy.usual_rank(rank) == usual


def test_lower_ranks_are_offered_with_what_they_keep_and_weigh() -> None:
    made = summary(16, 4)
    ranks = anatomy.choices(made)
    assert [one.rank for one in ranks] == [1, 2, 4, 8]
    assert [one.is_advised for one in ranks] == [False, False, True, False]
    assert ranks[0].kept == pytest.approx(0.75)
    assert [one.kept_text for one in ranks] == ["75.0\u00a0%", "93.8\u00a0%", "99.6\u00a0%", "> 99.9\u00a0%"]
    assert ranks[3].size_bytes == 8 * made["bytes_per_rank"]
    odd = anatomy.choices(made | {"behaves_as": 11})
    assert [one.rank for one in odd] == [1, 2, 4, 8, 11]


@pytest.mark.parametrize(("share", "rank"), [(0.5, 1), (0.75, 1), (0.76, 2), (0.999, 5), (1.0, 16)])
def test_the_lowest_rank_that_keeps_a_share(share: float, rank: int) -> None:
    kept = inside(rank=16)[0]["kept"]
    assert anatomy.rank_for([*kept[:-1], 1.0], share) == rank


def test_the_map_has_kinds_in_the_order_of_the_data_and_tones_by_size() -> None:
    _summary, modules = inside(layers=12)
    drawn = anatomy.layer_map([*modules, modules[0] | {"layer": None, "name": "lm_head"}], anatomy.MEASURES["size"])
    assert drawn is not None
    labels = [line.label for line in drawn.lines]
    assert labels == ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    assert drawn.lines[-1].cells[-1].tone == "t9" and drawn.lines[1].cells[0].tone == "t0"
    assert [name for name, _text in drawn.outside] == ["lm_head"]
    assert [layer for layer, _label in drawn.heads] == list(range(12))
    assert [label for _layer, label in drawn.heads if label] == ["0", "2", "4", "6", "8", "10"]


def test_a_matrix_that_a_layer_does_not_have_is_an_empty_cell_and_like_names_are_told_apart() -> None:
    _summary, modules = inside(layers=2)
    twins = [one | {"kind": one["kind"].replace("mlp.up_proj", "other.q_proj")} for one in modules]
    drawn = anatomy.layer_map(twins[1:], anatomy.MEASURES["rank"])
    assert drawn is not None and drawn.is_wide
    assert [line.label for line in drawn.lines][:2] == ["other.q_proj", "self_attn.q_proj"]
    assert drawn.lines[1].cells[0].text == ""


def test_without_a_base_there_is_no_map_against_it() -> None:
    _summary, modules = inside(layers=2)
    assert anatomy.layer_map([one | {"relative_change": None} for one in modules], anatomy.MEASURES["change"]) is None


@pytest.mark.parametrize(("value", "text"), [(0.00213, "0.00213"), (1.236, "1.24"), (318.4, "318"), (0.0, "0")])
def test_amounts_have_three_digits_that_count(value: float, text: str) -> None:
    assert anatomy.amount(value) == text


def test_bars_keep_to_their_picture_and_mark_the_rank_as_which_it_behaves() -> None:
    made = summary(200, 11, kept=[n / 200 for n in range(1, 201)])
    drawn = anatomy.kept_bars(made, width=350.0, most=40)
    assert len(drawn.bars) <= 41 and "11" in [bar.name for bar in drawn.bars]
    assert all(bar.x >= anatomy.LEFT and bar.x + bar.width <= 350 for bar in drawn.bars)
    assert {bar.tone for bar in drawn.bars if int(bar.name) <= 11} == {"f1"}
    assert len([bar for bar in drawn.bars if bar.label]) <= 9


def test_what_a_compression_cost_is_told_with_its_loss_where_it_was_measured() -> None:
    facts = {"from_rank": 64, "rank": 11, "kept": 0.991, "bytes_before": 81_000_000, "bytes_after": 14_000_000}
    loss = {"validation_loss": {"base": 2.31, "original": 1.0711, "compressed": 1.0729}}
    assert "Rank 64 → 11 keeps 99.1\u00a0% of the change" in anatomy_words.compressed(facts | loss)
    assert "Held-out loss 1.071 → 1.073." in anatomy_words.compressed(facts | loss)
    assert "No rows were held out" in anatomy_words.compressed(facts | {"validation_loss": None})
