"""How a version's held-out loss compares with its base's: a share in words, and a bar around a zero line. Pure."""

from dataclasses import dataclass

from webapp.core import units

HALF = 40.0  # of the bar, in the units of its drawing; a loss that vanished fills one half
CLEAR = 0.02  # a loss that moved by less than this share of the base's is no news


@dataclass(frozen=True)
class Gain:
    """`share` is −0.82 where the loss is 82 % lower. `is_better` is None where the change is too small to count."""

    share: float
    is_better: bool | None

    @property
    def text(self) -> str:
        return units.delta(100 * self.share, 0) + units.NBSP + "%"

    @property
    def width(self) -> float:
        return round(max(1.0, min(HALF, abs(self.share) * HALF)), 1)

    @property
    def x(self) -> float:
        """Better goes to the right, as a person expects, although the loss went down."""
        return HALF if self.share < 0 else HALF - self.width


def of_losses(base: float | None, value: float | None) -> Gain | None:
    """None where one of them was not measured."""
    if not (units.is_known(base) and units.is_known(value)) or not base:
        return None
    share = (value - base) / base
    return Gain(share=share, is_better=None if abs(share) < CLEAR else share < 0)
