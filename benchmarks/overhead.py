"""What the entry and the exit of a loss cost: a call on 8 elements beside its mathematics alone.

`python benchmarks/overhead.py` prints the table and writes it into docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from measure import markdown, side_by_side, spelled, write_between_marks
from rich.console import Console
from rich.markdown import Markdown

import arraylosses as al
from arraylosses._core.log_loss import logit_nll
from arraylosses._core.namespaces import namespace
from arraylosses._core.numeric import absolute, huber, square

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
Array = Any
Function = Callable[..., Any]


class Small(NamedTuple):
    """A loss, what its body computes, and PyTorch's own."""

    loss: Function
    bare: Function
    peer: Function


SMALL = (
    Small(al.absolute_error, lambda xp, p, t: xp.mean(absolute(xp, p - t)), F.l1_loss),
    Small(al.squared_error, lambda xp, p, t: xp.mean(square(xp, p - t)), F.mse_loss),
    Small(al.huber_loss, lambda xp, p, t: xp.mean(huber(xp, p - t, 1.0)), F.huber_loss),
    Small(
        al.binary_cross_entropy_with_logits,
        lambda xp, z, y: xp.mean(logit_nll(xp, z, y, 1.0)),
        F.binary_cross_entropy_with_logits,
    ),
)


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for library in (np, torch):
        p = library.asarray(np.linspace(-2, 2, 8, dtype=np.float32))
        t = library.asarray(np.asarray([0, 1] * 4, dtype=np.float32))
        for small in SMALL:
            calls = [partial(small.bare, namespace(p), p, t), partial(small.loss, p, t)]
            calls += [partial(small.peer, p, t)] if library is torch else []
            bare, whole, *peer = side_by_side(*calls, rounds=25)
            theirs = spelled(peer[0].seconds) if peer else ""
            times = spelled(bare.seconds), spelled(whole.seconds), f"{whole.ratio:.2f}", theirs
            rows.append([f"`{small.loss.__name__}`", library.__name__, *times])
    columns = ["8 float32", "library", "mathematics alone", "the call", "ratio", "PyTorch's own"]
    text = markdown(columns, rows)
    Console().print(Markdown(text))
    write_between_marks(PAGE, "overhead", text)


if __name__ == "__main__":
    main()
