"""What a loss of all pairs of a batch costs some rows at a time, beside all pairs at once.

`python benchmarks/pairs.py [rows width]` measures time and peak memory of value and gradient of the
batch-hard triplet loss and of NT-Xent, each case in a process of its own: of all pairs of a quarter of
the rows at once, and of the rows in chunks. Memory is what is held beyond the arguments: of PyTorch and
NumPy as the system sees it, of JAX as XLA plans it. At its full size it writes the table to
docs/performance.md.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import best_of, in_its_own_process, markdown, most_held, spelled, write_between_marks
from rich.console import Console
from rich.markdown import Markdown

import arraylosses as al

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
SHAPE = (16384, 128)  # rows, width
ROUNDS = 3
LIBRARIES = ("torch", "jax", "numpy")
CHUNKS = (128, 512)

LOSSES: dict[str, Callable[..., Any]] = {
    "batch-hard": functools.partial(al.triplet_batch_hard_loss, method="gram"),
    "NT-Xent": al.nt_xent_loss,
}


def arguments(rows: int, width: int) -> tuple[Any, Any]:
    """Embeddings and labels, four rows of each identity."""
    embeddings = np.random.default_rng(0).standard_normal((rows, width), dtype=np.float32)
    return embeddings, np.arange(rows) // 4


def in_torch(loss: Any, chunk: int | None, x: Any, labels: Any) -> Callable[[], Any]:
    import torch

    x, labels = torch.asarray(x).requires_grad_(), torch.asarray(labels)
    return lambda: torch.autograd.grad(loss(x, labels, chunk_size=chunk), x)


def in_numpy(loss: Any, chunk: int | None, x: Any, labels: Any) -> Callable[[], Any]:
    both = al.value_and_grad(loss)
    return lambda: both(x, labels, chunk_size=chunk)


def in_jax(loss: Any, chunk: int | None, x: Any, labels: Any) -> tuple[Callable[[], Any], int]:
    import jax
    import jax.numpy as jnp

    given = jnp.asarray(x), jnp.asarray(labels)
    both = jax.value_and_grad(functools.partial(loss, chunk_size=chunk))
    compiled = jax.jit(both).lower(*given).compile()
    return (
        lambda: jax.block_until_ready(compiled(*given)),
        compiled.memory_analysis().temp_size_in_bytes,
    )


def measure(name: str, library: str, chunk: int | None, rows: int, width: int) -> tuple[float, int]:
    """The time of a call in seconds, and the bytes that it holds beyond the arguments."""
    loss = LOSSES[name]
    x, labels = arguments(rows, width)
    if library == "jax":
        call, held = in_jax(loss, chunk, x, labels)
        return best_of(call, ROUNDS + 1), held
    prepared = in_torch if library == "torch" else in_numpy
    prepared(loss, chunk and 4, *arguments(16, 4))()  # loads what the first call would, on next to nothing
    call, before = prepared(loss, chunk, x, labels), most_held()
    call()
    held = most_held() - before
    return best_of(call, ROUNDS), held


def main(rows: int, width: int) -> None:
    table = []
    for name, library in itertools.product(LOSSES, LIBRARIES):
        at_once = 0.0
        for chunk, n in ((None, rows // 4), *((chunk, rows) for chunk in CHUNKS)):
            seconds, held = in_its_own_process(__file__, name, library, chunk, n, width)
            each = seconds / n**2
            at_once = at_once or each
            cells = (f"{each * 1e9:.2f} ns", f"{each / at_once:.2f}", f"{held / 2**20:.0f} MiB")
            table.append([f"{name}, {library}", str(n), str(chunk), spelled(seconds), *cells])
    columns = ["value and gradient", "rows", "`chunk_size`", "time", "of a pair", "ratio", "memory"]
    text = markdown(columns, table)
    Console().print(Markdown(text))
    if (rows, width) == SHAPE:
        write_between_marks(PAGE, "pairs", text)


if __name__ == "__main__":
    if len(sys.argv) == 6:
        name, library, chunk, *sizes = sys.argv[1:]
        print(*measure(name, library, int(chunk) if chunk.isdigit() else None, *map(int, sizes)))
    else:
        main(*(tuple(map(int, sys.argv[1:])) or SHAPE))
