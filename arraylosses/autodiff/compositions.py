"""Functions of the standard that are made of others, and those that have no derivative.

A function made of others has the derivative of what it is made of. A function without a derivative
(a comparison, an index, a creation) gives a constant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from .._core.namespaces import kind
from .rules import axes_of, kept_shape, span
from .trace import Namespace, Traced, bind, raw

Array = Any


def prod(xp: Namespace, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    """A tree of multiplications: right at zeros, and to every order."""
    axes, kept = sorted(axes_of(x.shape, axis)), kept_shape(x.shape, axis)
    rest = [i for i in range(x.ndim) if i not in axes]
    x = xp.reshape(xp.permute_dims(x, (*axes, *rest)), (-1, *(x.shape[i] for i in rest)))
    while (n := x.shape[0]) > 1:
        pairs = x[: n // 2, ...] * x[n // 2 : n - n % 2, ...]
        x = xp.concat([pairs, x[n - 1 :, ...]]) if n % 2 else pairs
    return xp.reshape(x, kept) if keepdims else x[0, ...]


def var(
    xp: Namespace, x: Array, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    d = x - xp.mean(x, axis=axis, keepdims=True)
    total = xp.sum(d * d, axis=axis, keepdims=keepdims)
    return total / (math.prod(x.shape[i] for i in axes_of(x.shape, axis)) - correction)


def matmul(xp: Namespace, a: Array, b: Array) -> Array:
    """The product of matrices, and of vectors as rows and columns."""
    y = bind(xp, "matmul", a[None, :] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b)
    y = y[..., 0] if b.ndim == 1 else y
    return y if a.ndim > 1 else y[..., 0] if b.ndim == 1 else y[..., 0, :]


def tensordot(xp: Namespace, a: Array, b: Array, *, axes: Any = 2) -> Array:
    """A product of matrices, the summed axes last and first."""
    if isinstance(axes, int):
        axes = range(a.ndim - axes, a.ndim), range(axes)
    left, right = ([i % x.ndim for i in given] for x, given in zip((a, b), axes, strict=True))
    a_rest = [i for i in range(a.ndim) if i not in left]
    b_rest = [i for i in range(b.ndim) if i not in right]
    shape = tuple(a.shape[i] for i in a_rest) + tuple(b.shape[i] for i in b_rest)
    size = 1
    for i in left:
        size *= a.shape[i]
    rows = xp.reshape(xp.permute_dims(a, (*a_rest, *left)), (-1, size))
    columns = xp.reshape(xp.permute_dims(b, (*right, *b_rest)), (size, -1))
    return xp.reshape(xp.matmul(rows, columns), shape)


def getitem(xp: Namespace, x: Array, key: Any) -> Array:
    """Basic indexing and masks; new axes are added last, so that a slice need not know of them."""
    key = tuple(map(raw, key)) if isinstance(key, tuple) else (raw(key),)
    if any(xp.base.isdtype(k.dtype, "integral") for k in key if hasattr(k, "dtype")):
        raise NotImplementedError("indices of a traced array may repeat: use take or take_along_axis")
    old = tuple(k for k in key if k is not None)
    y = bind(xp, "slice", x, key=old)
    if len(old) == len(key):
        return y
    sizes = iter(y.shape)
    shape: list[int] = []
    for k in key:
        several = x.ndim - len(old) + 1 if k is Ellipsis else int(isinstance(k, slice))
        shape += [1] if k is None else itertools.islice(sizes, several)
    return xp.reshape(y, (*shape, *sizes))


def moveaxis(xp: Namespace, x: Array, source: Any, destination: Any) -> Array:
    sources, places = (
        [i % x.ndim for i in (given if isinstance(given, tuple) else (given,))]
        for given in (source, destination)
    )
    order = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return xp.permute_dims(x, tuple(order))


def sort(xp: Namespace, x: Array, *, axis: int = -1, **how: Any) -> Array:
    if type(x) is Traced and x.trace is xp.level_0:  # a constant: Dask can sort it, but not permute
        return xp.constant(xp.base.sort(raw(x), axis=axis, **how))
    return bind(xp, "permuted", x, raw(xp.argsort(x, axis=axis, **how)), axis=axis)


def repeat(xp: Namespace, x: Array, repeats: int, *, axis: int | None = None) -> Array:
    """Every element so many times, next to each other."""
    if not isinstance(repeats, int):
        raise NotImplementedError("repeat of a traced array takes one integer")
    if axis is None:
        x, axis = xp.reshape(x, (-1,)), 0
    axis %= x.ndim
    wide = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    y = xp.broadcast_to(xp.expand_dims(x, axis=axis + 1), wide)
    return xp.reshape(y, (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :]))


def tile(xp: Namespace, x: Array, repetitions: tuple[int, ...]) -> Array:
    """The whole array so many times along every axis."""
    ndim = max(x.ndim, len(repetitions))
    shape = (1,) * (ndim - x.ndim) + x.shape
    counts = (1,) * (ndim - len(repetitions)) + tuple(repetitions)
    wide = tuple(n for pair in zip(counts, shape, strict=True) for n in pair)
    thin = tuple(n for size in shape for n in (1, size))
    y = xp.broadcast_to(xp.reshape(x, thin), wide)
    return xp.reshape(y, tuple(c * n for c, n in zip(counts, shape, strict=True)))


def diff(xp: Namespace, x: Array, *, axis: int = -1, n: int = 1) -> Array:
    for _ in range(n):
        x = x[span(x.ndim, axis, 1, None)] - x[span(x.ndim, axis, 0, -1)]
    return x


def unstack(xp: Namespace, x: Array, *, axis: int = 0) -> tuple[Array, ...]:
    lead = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*lead, i, ...)] for i in range(x.shape[axis]))


def asarray(xp: Namespace, x: Any, *, dtype: Any = None, **how: Any) -> Array:
    if type(x) is not Traced:
        return xp.constant(xp.base.asarray(x, dtype=dtype, **how))
    return x if dtype is None else xp.astype(x, dtype)


def astype(xp: Namespace, x: Array, dtype: Any, **how: Any) -> Array:
    if kind(xp.base, dtype) in ("float", "half", "complex"):
        return x if x.dtype == dtype else bind(xp, "astype", x, dtype, **how)
    return xp._of_constants(xp.base.astype, x, dtype, **how)


def broadcast_arrays(xp: Namespace, *xs: Array) -> tuple[Array, ...]:
    sizes = itertools.zip_longest(*(x.shape[::-1] for x in xs), fillvalue=1)
    shape = tuple(0 if 0 in n else max(n) for n in sizes)[::-1]
    return tuple(xp.broadcast_to(x, shape) for x in xs)


def meshgrid(xp: Namespace, *xs: Array, indexing: str = "xy") -> list[Array]:
    """Every array along an axis of its own."""
    count = len(xs)
    spread = [xp.reshape(x, (1,) * i + (-1,) + (1,) * (count - 1 - i)) for i, x in enumerate(xs)]
    grid = broadcast_arrays(xp, *spread)
    order = (1, 0, *range(2, count)) if indexing == "xy" and count > 1 else tuple(range(count))
    return [xp.permute_dims(x, order) for x in grid]


def outer(xp: Namespace, a: Array, b: Array) -> Array:
    return a[:, None] * b[None, :]


COMPOSITIONS: dict[str, Callable[..., Any]] = {
    "asarray": asarray,
    "astype": astype,
    "broadcast_arrays": broadcast_arrays,
    "clip": lambda xp, x, min=None, max=None: bind(xp, "clamp", x, min, max),
    "concat": lambda xp, xs, axis=0: (
        bind(xp, "join", *(xp.reshape(x, (-1,)) for x in xs), axis=0)
        if axis is None
        else bind(xp, "join", *xs, axis=axis)
    ),
    "diff": diff,
    "getitem": getitem,
    "matmul": matmul,
    "meshgrid": meshgrid,
    "moveaxis": moveaxis,
    "outer": outer,
    "prod": prod,
    "repeat": repeat,
    "sort": sort,
    "stack": lambda xp, xs, axis=0: xp.concat([xp.expand_dims(x, axis=axis) for x in xs], axis=axis),
    "std": lambda xp, x, **how: xp.sqrt(var(xp, x, **how)),
    "tensordot": tensordot,
    "tile": tile,
    "unstack": unstack,
    "var": var,
    "vecdot": lambda xp, a, b, axis=-1: xp.sum(a * b, axis=axis),
}

CONSTANTS = frozenset(
    """all any arange argmax argmin argsort bitwise_and bitwise_invert bitwise_left_shift bitwise_or
    bitwise_right_shift bitwise_xor ceil count_nonzero empty empty_like equal eye floor floor_divide full
    full_like greater greater_equal isfinite isinf isnan less less_equal linspace logical_and logical_not
    logical_or logical_xor nonzero not_equal ones ones_like round searchsorted sign signbit trunc unique_all
    unique_counts unique_inverse unique_values zeros zeros_like""".split()
)
QUESTIONS = frozenset("can_cast finfo iinfo isdtype result_type __array_namespace_info__".split())

Namespace.compositions.update(COMPOSITIONS)
Namespace.constants, Namespace.questions = CONSTANTS, QUESTIONS
