"""What the entry and the exit of a loss cost: a call on 8 elements against its bare mathematics.

The two run in turns, so that what else the machine does falls on both; the figure is the median of
the ratios. `python benchmarks/overhead.py`
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import arraylosses as al

CALLS, ROUNDS = 2000, 25


def bare_huber(xp: Any, p: Any, t: Any) -> Any:
    r = xp.abs(p - t)
    q = r.clip(max=1.0)
    return (q * (r - q / 2)).mean()


def bare_absolute(xp: Any, p: Any, t: Any) -> Any:
    return xp.abs(p - t).mean()


def bare_bce(xp: Any, z: Any, y: Any) -> Any:
    return (z.clip(0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))).mean()


def microseconds(call: Callable[[], Any]) -> float:
    return timeit.timeit(call, number=CALLS) / CALLS * 1e6


def measure(bare: Callable[[], Any], whole: Callable[[], Any]) -> tuple[float, float, float]:
    """The medians of both, and of their ratio, over interleaved rounds."""
    rounds = [(microseconds(bare), microseconds(whole)) for _ in range(ROUNDS)]
    return (
        statistics.median(b for b, _ in rounds),
        statistics.median(w for _, w in rounds),
        statistics.median(w / b for b, w in rounds),
    )


def main() -> None:
    libraries: dict[str, Any] = {"numpy": np}
    try:
        import torch

        torch.set_num_threads(1)
        libraries["torch"] = torch
    except ImportError:
        pass
    table = Table(title="one call on 8 float32 elements, µs", title_justify="left")
    for column in ("loss", "library", "bare mathematics", "whole call", "ratio"):
        table.add_column(column, justify="left" if column in ("loss", "library") else "right")
    pairs = (
        (bare_absolute, al.absolute_error),
        (bare_huber, al.huber_loss),
        (bare_bce, al.binary_cross_entropy_with_logits),
    )
    for bare, whole in pairs:
        for name, xp in libraries.items():
            p = xp.asarray(np.linspace(-2, 2, 8, dtype=np.float32))
            t = xp.asarray(np.asarray([0, 1] * 4, dtype=np.float32))
            b, w, ratio = measure(lambda: bare(xp, p, t), lambda: whole(p, t))  # noqa: B023
            table.add_row(whole.__name__, name, f"{b:.1f}", f"{w:.1f}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
