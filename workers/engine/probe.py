"""How fast this device multiplies matrices: about two seconds of products, printed as one JSON line.

    {"device": "cpu", "flops_float32": 3.2e11, "flops_bfloat16": 1.1e12, "seconds": 2.0}

Floating-point operations a second (2·n³ for a square product of size n), the best of several rounds: what else the
machine does makes a round slower, never faster.
"""

import json
import time

import torch

SECONDS = 2.0
SIZES = {"cpu": 1024, "cuda": 8192}


def main() -> None:
    """Measure each precision for half of the time and print what was found."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    started = time.monotonic()
    found = {
        f"flops_{str(dtype).removeprefix('torch.')}": best_rate(device, dtype, seconds=SECONDS / 2)
        for dtype in (torch.float32, torch.bfloat16)
    }
    print(json.dumps({"device": device, **found, "seconds": round(time.monotonic() - started, 2)}))  # noqa: T201


def best_rate(device: str, dtype: torch.dtype, *, seconds: float) -> float:
    """The best rate of a square product over the given time, in operations a second."""
    size = SIZES[device]
    left, right = (torch.randn(size, size, device=device).to(dtype) for _side in range(2))
    best, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end or not best:
        round_started = time.monotonic()
        torch.mm(left, right)
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / max(time.monotonic() - round_started, 1e-9))
    return best


if __name__ == "__main__":
    main()
