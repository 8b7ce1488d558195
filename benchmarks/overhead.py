"""What the entry and the exit of a loss cost: a call on 8 elements against its mathematics alone.

`python benchmarks/overhead.py`
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from measure import side_by_side
from rich.console import Console
from rich.table import Table

import arraylosses as al
from arraylosses._core.log_loss import logit_nll
from arraylosses._core.namespaces import namespace
from arraylosses._core.numeric import absolute, clip


def bare_absolute(xp: Any, p: Any, t: Any) -> Any:
    return xp.mean(absolute(xp, p - t))


def bare_huber(xp: Any, p: Any, t: Any) -> Any:
    r = p - t
    q = clip(xp, r, 1.0)
    return xp.mean(q * (r - q / 2))


def bare_bce(xp: Any, z: Any, y: Any) -> Any:
    return xp.mean(logit_nll(xp, z, y, 1.0))


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
            b, w = side_by_side(partial(bare, namespace(p), p, t), partial(whole, p, t), rounds=25)
            times = (f"{1e6 * b.seconds:.1f}", f"{1e6 * w.seconds:.1f}", f"{w.ratio:.2f}")
            table.add_row(whole.__name__, name, *times)
    Console().print(table)


if __name__ == "__main__":
    main()
