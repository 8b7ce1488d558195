"""Elementwise work on large NumPy arrays, a block at a time.

A block and all that is computed from it stay in the cache and in memory that is already mapped, where
whole arrays are fetched from main memory for every operation, and mapped anew. This is several times
as fast and needs no memory but for the results.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .._core.namespaces import library, namespace

Array = Any
BLOCK = 2**18


def are_worth_it(x: Array, others: tuple[Any, ...]) -> bool:
    """Whether to work in blocks: NumPy arrays of one shape, numbers aside, of two blocks or more."""
    xp = namespace(x)
    if xp is None or library(xp) != "numpy" or x.size < 2 * BLOCK or not hasattr(x, "flags"):
        return False
    return all(_whole(a) or a.shape == x.shape for a in others)


def _whole(a: Any) -> bool:
    """Whether `a` goes along with every block as it is."""
    return getattr(a, "shape", ()) == ()


def keep_freed_memory() -> None:
    """Have glibc keep what blocks free, instead of mapping and clearing it anew for every operation."""
    # It keeps as much as the largest array that it has seen freed.
    sys.modules["numpy"].empty(2**24, dtype="uint8")


def in_blocks(f: Callable[..., tuple[Array, ...]], args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The results of an elementwise `f`, each a new array like the first argument."""
    x = args[0]
    xp = namespace(x)
    assert xp is not None
    flat = [a if _whole(a) else a.reshape(-1) for a in args]
    options = {k: a if _whole(a) else a.reshape(-1) for k, a in params.items()}
    results: list[Array] = []
    keep_freed_memory()
    for start in range(0, x.size, BLOCK):
        here = slice(start, start + BLOCK)
        parts = f(
            *(a if _whole(a) else a[here] for a in flat),
            **{k: a if _whole(a) else a[here] for k, a in options.items()},
        )
        results = results or [xp.empty(x.size, dtype=part.dtype) for part in parts]
        for result, part in zip(results, parts, strict=True):
            result[here] = part
    return tuple(result.reshape(x.shape) for result in results)
