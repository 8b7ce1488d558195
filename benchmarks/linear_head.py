"""What the head of a language model costs in chunks, beside all of its logits at once.

`python benchmarks/linear_head.py [tokens width classes]` measures time and peak memory of loss and
gradients, each case in a process of its own. Memory is what is held beyond the arguments and the
gradients, in units of the logits: of PyTorch and NumPy as the system sees it, of JAX as XLA plans it.
At its full size it writes the table to docs/performance.md.
"""

from __future__ import annotations

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
SHAPE = (2048, 512, 128_000)  # tokens, width, classes
ROUNDS = 2
CASES = [
    *((library, chunk) for library in ("torch", "jax", "numpy") for chunk in ("None", "4000", "1024")),
    ("torch.compile", "8000"),
    ("F.linear_cross_entropy", "default"),
]


def arguments(shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Hidden states, weights, labels."""
    tokens, width, classes = shape
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((tokens, width), dtype=np.float32)
    weight = rng.standard_normal((classes, width), dtype=np.float32)
    weight *= np.float32(width**-0.5)
    return hidden, weight, rng.integers(0, classes, tokens)


def in_torch(library: str, chunk: int | None, h: Any, w: Any, y: Any) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)  # what else runs would make several wait for each other
    h, w = torch.asarray(h).requires_grad_(), torch.asarray(w).requires_grad_()
    y = torch.asarray(y)
    if library == "F.linear_cross_entropy":
        options = torch.nn.LinearCrossEntropyOptions()

        def loss() -> Any:
            return torch.nn.functional.linear_cross_entropy(h, w, y, options=options)
    else:

        def loss() -> Any:
            return al.linear_cross_entropy(h, w, y, chunk_size=chunk)

    loss = torch.compile(loss, fullgraph=True) if library == "torch.compile" else loss
    return lambda: torch.autograd.grad(loss(), (h, w))


def in_numpy(chunk: int | None, h: Any, w: Any, y: Any) -> Callable[[], Any]:
    gradient = al.grad(al.linear_cross_entropy, (0, 1))
    return lambda: gradient(h, w, y, chunk_size=chunk)


def in_jax(chunk: int | None, h: Any, w: Any, y: Any) -> tuple[Callable[[], Any], int]:
    import jax
    import jax.numpy as jnp

    given = jnp.asarray(h), jnp.asarray(w), jnp.asarray(y)
    gradient = jax.grad(lambda h, w, y: al.linear_cross_entropy(h, w, y, chunk_size=chunk), (0, 1))
    compiled = jax.jit(gradient).lower(*given).compile()
    return (
        lambda: jax.block_until_ready(compiled(*given)),
        compiled.memory_analysis().temp_size_in_bytes,
    )


def measure(library: str, chunk: int | None, shape: tuple[int, ...]) -> tuple[float, int]:
    """The time of a call in seconds, and the bytes that it holds beyond arguments and gradients."""
    h, w, y = arguments(shape)
    if library == "jax":
        call, held = in_jax(chunk, h, w, y)
    else:
        call = in_numpy(chunk, h, w, y) if library == "numpy" else in_torch(library, chunk, h, w, y)
        _warm_up(library, chunk)
        before = most_held()
        call()
        held = most_held() - before - h.nbytes - w.nbytes
    return best_of(call, ROUNDS), held


def _warm_up(library: str, chunk: int | None) -> None:
    """Load what the first call would, on next to nothing."""
    small = arguments((4, 4, 8))
    (in_numpy(None, *small) if library == "numpy" else in_torch(library, 2 if chunk else None, *small))()


def main(shape: tuple[int, ...]) -> None:
    logits = 4 * shape[0] * shape[2]
    rows, dense = [], {}
    for library, chunk in CASES:
        seconds, held = in_its_own_process(__file__, library, chunk, *shape)
        if chunk == "None":
            dense[library] = seconds
        ratio = seconds / dense.get(library, dense["torch"])
        rows.append([library, chunk, spelled(seconds), f"{ratio:.2f}", f"{held / logits:.3f}"])
    columns = ["loss and gradients", "`chunk_size`", "time", "ratio", "memory / logits"]
    table = markdown(columns, rows)
    Console().print(Markdown(table))
    if shape == SHAPE:
        write_between_marks(PAGE, "linear head", table)


if __name__ == "__main__":
    if len(sys.argv) == 6:
        library, chunk, *sizes = sys.argv[1:]
        size = int(chunk) if chunk.isdigit() else None
        print(*measure(library, size, tuple(map(int, sizes))))
    else:
        main(tuple(map(int, sys.argv[1:])) or SHAPE)
