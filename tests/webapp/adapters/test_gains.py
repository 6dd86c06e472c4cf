import math

import pytest

from webapp.adapters import gains


@pytest.mark.parametrize(
    ("base", "value", "text", "is_better"),
    [
        (2.0, 0.5, "−75\u00a0%", True),
        (2.0, 3.0, "+50\u00a0%", False),
        (2.0, 1.995, "±0\u00a0%", None),
        (2.0, 2.0, "±0\u00a0%", None),
        (1.0, 0.979, "−2\u00a0%", True),
    ],
)
def test_a_change_is_told_by_its_share_and_counts_only_when_it_is_clear(
    base: float, value: float, text: str, is_better: bool | None
) -> None:
    gain = gains.of_losses(base, value)
    assert gain is not None
    assert (gain.text, gain.is_better) == (text, is_better)


@pytest.mark.parametrize(("base", "value"), [(None, 1.0), (1.0, None), (0.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_what_was_not_measured_has_no_gain(base: float | None, value: float | None) -> None:
    assert gains.of_losses(base, value) is None


@pytest.mark.parametrize("value", [0.0, 0.001, 1.0, 1.999, 2.0, 2.001, 4.0, 900.0])
def test_the_bar_never_leaves_its_half(value: float) -> None:
    gain = gains.of_losses(2.0, value)
    assert gain is not None
    is_right = value < 2.0
    assert gain.x >= (gains.HALF if is_right else 0)
    assert gain.x + gain.width <= (2 * gains.HALF if is_right else gains.HALF)
