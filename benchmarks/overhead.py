"""What the entry and the exit of a loss cost: a call on 8 elements against its mathematics alone.

The two run in turns, so that what else the machine does falls on both; the figure is the median of
the ratios. `python benchmarks/overhead.py`
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import arraylosses as al
from arraylosses._core.namespaces import namespace
from arraylosses._core.numeric import absolute, clip, product, softplus_parts

CALLS, ROUNDS = 2000, 25


def bare_absolute(xp: Any, p: Any, t: Any) -> Any:
    return xp.mean(absolute(xp, p - t))


def bare_huber(xp: Any, p: Any, t: Any) -> Any:
    r = p - t
    q = clip(xp, r, 1.0)
    return xp.mean(q * (r - q / 2))


def bare_bce(xp: Any, z: Any, y: Any) -> Any:
    above, below, both = softplus_parts(xp, z)
    return xp.mean(product(xp, y, below) + product(xp, 1 - y, above) + both)


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
            b, w, ratio = measure(partial(bare, namespace(p), p, t), partial(whole, p, t))
            table.add_row(whole.__name__, name, f"{b:.1f}", f"{w:.1f}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
