"""What a LoRA pair adds to a matrix, without ever forming that matrix.

ΔW = s·B·A  with A (r, d_in), B (d_out, r), and the scaling s = alpha/r, or alpha/√r for rsLoRA (Kalajdzievski 2023).

With B = Q_B R_B and Aᵀ = Q_A R_A (thin QR) it is ΔW = Q_B (s R_B R_Aᵀ) Q_Aᵀ. The outer factors have orthonormal
columns, so the singular values of ΔW are those of the small core, at most (r, r): r²·(d_in + d_out) work instead of
d_in·d_out².
Everything is float64; singular values have the unit of the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ENERGY = 0.99  # the share of ‖ΔW‖² that counts as the whole change
NOISE = 1e-12  # what is smaller beside the largest singular value is rounding


@dataclass(frozen=True)
class Pair:
    """One adapted matrix: A (r, d_in), B (d_out, r) and its scaling."""

    a: Tensor
    b: Tensor
    scaling: float

    @property
    def rank(self) -> int:
        return self.a.shape[0]


@dataclass(frozen=True)
class Measures:
    """Of one ΔW. All are 0 where it is zero; ranks are at most r."""

    frobenius: float
    spectral: float
    stable_rank: float
    effective_rank: float
    energy_rank: int


def singular_values(pair: Pair) -> list[float]:
    """All min(r, d_in, d_out) of them, falling."""
    r_b = torch.linalg.qr(pair.b.double(), mode="r").R
    r_a = torch.linalg.qr(pair.a.double().T, mode="r").R
    return _cleaned(torch.linalg.svdvals(pair.scaling * (r_b @ r_a.T)))


def _cleaned(values: Tensor) -> list[float]:
    listed: list[float] = values.tolist()
    floor = NOISE * (listed[0] if listed else 0.0)
    return [value if value > floor else 0.0 for value in listed]


def measures(values: Sequence[float]) -> Measures:
    """What singular values say.

    frobenius √Σσ², spectral σ₁, stable_rank Σσ²/σ₁². effective_rank is exp(−Σ p ln p) with p = σ/Σσ (Roy and
    Vetterli 2007): r for r equal values, 1 for a single one. energy_rank: how many of the largest hold ENERGY of Σσ².
    """
    energy = math.fsum(value * value for value in values)
    if not energy:
        return Measures(0.0, 0.0, 0.0, 0.0, 0)
    total = math.fsum(values)
    entropy = -math.fsum(value / total * math.log(value / total) for value in values if value > 0)
    return Measures(
        frobenius=math.sqrt(energy),
        spectral=values[0],
        stable_rank=energy / values[0] ** 2,
        effective_rank=math.exp(entropy),
        energy_rank=rank_for(kept_by_rank([values]), ENERGY),
    )


def kept_by_rank(spectra: Sequence[Sequence[float]]) -> list[float]:
    """Share of Σ‖ΔW‖² over all matrices that is left when each is cut to rank 1, 2, … Empty where all are zero."""
    total = math.fsum(value * value for values in spectra for value in values)
    if not total:
        return []
    longest = max(len(values) for values in spectra)
    added = [math.fsum(values[k] ** 2 for values in spectra if k < len(values)) for k in range(longest)]
    return [min(1.0, math.fsum(added[: k + 1]) / total) for k in range(longest)]


def rank_for(kept: Sequence[float], share: float) -> int:
    """The smallest rank that keeps `share`; 0 where there is nothing to keep."""
    return next((k for k, value in enumerate(kept, start=1) if value >= share - NOISE), len(kept))


def truncated(pair: Pair, rank: int) -> Pair:
    """The pair of this rank whose product is nearest to ΔW in the Frobenius norm (Eckart and Young 1936).

    Its scaling is 1; √σ goes to either side, so that A and B are of like size. Where ΔW has fewer singular values
    than `rank`, rows and columns of zeros fill up.
    """
    q_b, r_b = torch.linalg.qr(pair.b.double())
    q_a, r_a = torch.linalg.qr(pair.a.double().T)
    u, values, v = torch.linalg.svd(pair.scaling * (r_b @ r_a.T))
    kept = min(rank, len(values))
    root = values[:kept].sqrt()
    a = torch.zeros(rank, pair.a.shape[1], dtype=torch.float64)
    b = torch.zeros(pair.b.shape[0], rank, dtype=torch.float64)
    a[:kept] = root[:, None] * (v[:kept] @ q_a.T)
    b[:, :kept] = (q_b @ u[:, :kept]) * root
    return Pair(a, b, 1.0)


def distance(one: Pair, other: Pair) -> float:
    """‖ΔW₁ − ΔW₂‖ (Frobenius): the difference is a pair too, of rank r₁ + r₂."""
    a = torch.cat([one.a.double(), other.a.double()])
    b = torch.cat([one.scaling * one.b.double(), -other.scaling * other.b.double()], dim=1)
    r_b = torch.linalg.qr(b, mode="r").R
    r_a = torch.linalg.qr(a.T, mode="r").R
    return float(torch.linalg.vector_norm(r_b @ r_a.T))
