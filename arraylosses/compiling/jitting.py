"""A call under `jax.jit`, in which everything that is no array is a constant."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Hashable
from typing import Any

from ..autodiff import engines

Array = Any
Function = Callable[..., Any]


def jitted(function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function under jit, what is no array being constant."""
    jax = sys.modules["jax"]
    leaves, tree = jax.tree_util.tree_flatten((args, options), is_leaf=lambda x: x is None)
    arrays = [x for x in leaves if hasattr(x, "dtype")]
    # With its type: 1, 1.0 and True are one key, but not one option.
    constants = tuple(None if hasattr(x, "dtype") else (type(x), x) for x in leaves)
    return _jit(function, tree, constants)(arrays)


@functools.lru_cache(maxsize=1024)
def _jit(function: Function, tree: Hashable, constants: tuple[Any, ...]) -> Function:
    jax = sys.modules["jax"]

    def call(arrays: list[Array]) -> Any:
        given = iter(arrays)
        leaves = [next(given) if c is None else c[1] for c in constants]
        args, options = jax.tree_util.tree_unflatten(tree, leaves)
        return function(*args, **options)

    jitted: Function = jax.jit(call)
    return jitted


@functools.lru_cache(maxsize=1024)
def gradient_of(function: Function, places: tuple[int, ...]) -> Function:
    checked = engines.scalar("value_and_grad", function)
    return lambda *args, **options: engines.value_and_grad("jax", checked, args, places, options)
