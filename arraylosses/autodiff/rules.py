"""The derivative of every function, each stated once, for forward and reverse mode.

A rule describes a derivative as a linear map: how it pushes a tangent forward, and how it pulls a
cotangent back. The Jacobian of an elementwise function is diagonal, so its own transpose: one map
`t -> f'(x) t` serves both ways. A linear function states only its transpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple

from .._core.namespaces import add_rows, assemble, device, in_chunks, matmul, signal, spectrum
from .trace import Namespace, Piece, Traced, bind, raw

Array = Any
Map = Callable[..., Any]


class Rule(NamedTuple):
    """`push(xp, tangents, y, *args)` is the tangent of `y`; a tangent is None where there is none.

    `pull(xp, i, y, *args)` is the map from the cotangent of `y` to that of argument `i`. `needs`
    are the names of the arrays whose elements an elementwise rule asks for.
    """

    push: Callable[..., Any]
    pull: Callable[..., Any]
    needs: frozenset[str] = frozenset("abcdefy")


class Like(NamedTuple):
    """What is kept of an array when only its form matters."""

    shape: tuple[int, ...]
    dtype: Any


def cast(xp: Namespace, c: Array, like: Any) -> Array:
    return c if c.dtype == like.dtype else xp.astype(c, like.dtype)


def shrink(xp: Namespace, c: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: sum `c` down to `shape`."""
    if c.shape == shape:
        return c
    lead = len(c.shape) - len(shape)
    axes = [i for i, n in enumerate(c.shape) if i < lead or shape[i - lead] == 1 != n]
    return xp.reshape(xp.sum(c, axis=tuple(axes), keepdims=True) if axes else c, shape)


# --- elementwise functions -----------------------------------------------------------------------


def elementwise(*maps: Map | None) -> Rule:
    """A rule from the map `t -> f'(x) t` of each argument.

    The names of a map's parameters say what it needs, and so what is kept until then: the result
    `y`, the arguments `a, b, c`, the namespace `xp`.
    """
    needs = [f.__code__.co_varnames[1 : f.__code__.co_argcount] if f else () for f in maps]

    def at_point(xp: Namespace, i: int, y: Array, args: tuple[Any, ...]) -> Map:
        f = maps[i]
        assert f is not None
        if not needs[i]:
            return f
        known = {"xp": xp, "y": y, **dict(zip("abcdef", args, strict=False))}
        return partial(f, **{k: known[k] for k in needs[i]})

    def push(xp: Namespace, ts: list[Any], y: Array, *args: Any) -> Array:
        return reduce(add, [at_point(xp, i, y, args)(t) for i, t in enumerate(ts) if t is not None])

    def pull(xp: Namespace, i: int, y: Array, *args: Any) -> Map:
        f, x = at_point(xp, i, y, args), args[i]
        if x.shape == y.shape and x.dtype == y.dtype:
            return f
        like = Like(x.shape, x.dtype)
        return lambda c: cast(xp, shrink(xp, f(c), like.shape), like)

    return Rule(push, pull, frozenset().union(*needs))


def along_last_axis(weights: Callable[..., Array]) -> Rule:
    """A rule for a function that reduces the last axis to one element, from its partial derivatives.

    No argument but the first has any.
    """

    def at_point(xp: Namespace, x: Array, y: Array, rest: tuple[Array, ...]) -> Array:
        if type(xp) is Namespace:  # the weights may create arrays, which must be of the others' kind
            traced = type(x) is Traced or type(y) is Traced
            xp, rest = (xp, tuple(map(xp.constant, rest))) if traced else (xp.base, rest)
        return weights(xp, x, y, *rest)

    def push(xp: Namespace, ts: list[Any], y: Array, x: Array, *rest: Array) -> Array:
        return xp.sum(at_point(xp, x, y, rest) * ts[0], axis=-1, keepdims=True)

    def pull(xp: Namespace, i: int, y: Array, x: Array, *rest: Array) -> Map:
        return (lambda c: None) if i else (lambda c: c * at_point(xp, x, y, rest))

    return Rule(push, pull)


def by_matrix(matrix: Callable[..., Array]) -> Rule:
    """A rule for a function that is linear along the last axis: `x @ matrix(xp, size, dtype, *rest)`."""

    def of(xp: Namespace, x: Array, rest: tuple[Array, ...]) -> Array:
        base, rest = (xp.base, tuple(map(raw, rest))) if type(xp) is Namespace else (xp, rest)
        return matrix(base, x.shape[-1], x.dtype, *rest)

    def push(xp: Namespace, ts: list[Any], y: Array, x: Array, *rest: Array) -> Array:
        return matmul(xp, ts[0], of(xp, x, rest))

    def pull(xp: Namespace, i: int, y: Array, x: Array, *rest: Array) -> Map:
        like = Like(x.shape, x.dtype)
        return lambda c: matmul(xp, c, xp.matrix_transpose(of(xp, like, rest)))

    return Rule(push, pull, frozenset("bcdef"))


def where_larger(xp: Namespace, t: Array, a: Array, b: Array) -> Array:
    """`t` where a > b; ties share."""
    return xp.where(a == b, t / 2, xp.where(a > b, t, 0.0))


def _power_in_base(t: Array, a: Array, b: Any) -> Array:
    if isinstance(b, int | float) and b in (0, 1, 2):
        return t * (0, 1, 2 * a)[int(b)]
    return t * (b * a ** (b - 1))


def _log_of_base(xp: Namespace, a: Any) -> Any:
    if not hasattr(a, "dtype"):
        return math.log(a) if a > 0 else 0.0
    return xp.log(xp.where(a > 0, a, 1))


def _share(xp: Namespace, a: Array, y: Array) -> Array:
    """The part of a in y = log(exp a + exp b); none where all is -inf."""
    return xp.exp(a - xp.where(y == -math.inf, 0, y))


def _inside(t: Array, xp: Namespace, a: Array, b: Any, c: Any) -> Array:
    """`t` where b ≤ a ≤ c."""
    if b is not None:
        t = xp.where(a < b, 0.0, t)
    return t if c is None else xp.where(a > c, 0.0, t)


def _at_bound(t: Array, xp: Namespace, a: Array, bound: Any, sign: int) -> Array:
    return xp.where((a - bound) * sign > 0, t, 0.0)


ELEMENTWISE: dict[str, Any] = {
    "abs": lambda t, xp, a: t * xp.sign(a),
    "acos": lambda t, xp, a: -t / xp.sqrt(1 - a * a),
    "acosh": lambda t, xp, a: t / xp.sqrt(a * a - 1),
    "asin": lambda t, xp, a: t / xp.sqrt(1 - a * a),
    "asinh": lambda t, xp, a: t / xp.sqrt(1 + a * a),
    "atan": lambda t, a: t / (1 + a * a),
    "atanh": lambda t, a: t / (1 - a * a),
    "cos": lambda t, xp, a: -t * xp.sin(a),
    "cosh": lambda t, xp, a: t * xp.sinh(a),
    "exp": lambda t, y: t * y,
    "expm1": lambda t, y: t * (y + 1),
    "log": lambda t, a: t / a,
    "log1p": lambda t, a: t / (1 + a),
    "log2": lambda t, a: t / (a * math.log(2)),
    "log10": lambda t, a: t / (a * math.log(10)),
    "negative": lambda t: -t,
    "positive": lambda t: t,
    "reciprocal": lambda t, y: -t * y * y,
    "sin": lambda t, xp, a: t * xp.cos(a),
    "sinh": lambda t, xp, a: t * xp.cosh(a),
    "sqrt": lambda t, y: t / (2 * y),
    "square": lambda t, a: t * (2 * a),
    "tan": lambda t, y: t * (1 + y * y),
    "tanh": lambda t, y: t * (1 - y * y),
    "add": (lambda t: t, lambda t: t),
    "subtract": (lambda t: t, lambda t: -t),
    "multiply": (lambda t, b: t * b, lambda t, a: t * a),
    "divide": (lambda t, b: t / b, lambda t, b, y: -t * y / b),
    "pow": (_power_in_base, lambda t, xp, a, y: t * y * _log_of_base(xp, a)),
    "remainder": (lambda t: t, lambda t, xp, a, b: -t * xp.floor(a / b)),
    "atan2": (lambda t, a, b: t * b / (a * a + b * b), lambda t, a, b: -t * a / (a * a + b * b)),
    "hypot": (lambda t, a, y: t * a / y, lambda t, b, y: t * b / y),
    "logaddexp": (lambda t, xp, a, y: t * _share(xp, a, y), lambda t, xp, b, y: t * _share(xp, b, y)),
    "maximum": (
        lambda t, xp, a, b: where_larger(xp, t, a, b),
        lambda t, xp, a, b: where_larger(xp, t, b, a),
    ),
    "minimum": (
        lambda t, xp, a, b: where_larger(xp, t, b, a),
        lambda t, xp, a, b: where_larger(xp, t, a, b),
    ),
    "copysign": (lambda t, xp, a, y: t * xp.where(xp.signbit(a) == xp.signbit(y), 1, -1), lambda t: 0 * t),
    "clamp": (
        _inside,
        lambda t, xp, a, b: _at_bound(t, xp, a, b, -1),
        lambda t, xp, a, c: _at_bound(t, xp, a, c, 1),
    ),
    "where": (None, lambda t, xp, a: xp.where(a, t, 0.0), lambda t, xp, a: xp.where(a, 0.0, t)),
}

# --- linear functions ----------------------------------------------------------------------------


def linear(name: str, transpose: Callable[..., Any]) -> Rule:
    """A rule for a linear function of its first argument."""

    def push(xp: Namespace, ts: list[Any], y: Array, x: Array, *rest: Any, **params: Any) -> Array:
        return bind(xp, name, ts[0], *rest, **params)

    def pull(xp: Namespace, i: int, y: Array, x: Array, *rest: Any, **params: Any) -> Any:
        like = Like(x.shape, x.dtype)
        f = transpose(xp, like, *rest, **params)
        return f if x.dtype == y.dtype else lambda c: cast(xp, f(c), like)

    return Rule(push, pull)


def axes_of(shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> set[int]:
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {a % len(shape) for a in axes}


def kept_shape(shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape that a reduction leaves with `keepdims=True`."""
    axes = axes_of(shape, axis)
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def span(ndim: int, axis: int, *bounds: int | None) -> tuple[slice, ...]:
    """The index of a slice along one axis."""
    return tuple(slice(*bounds) if i == axis % ndim else slice(None) for i in range(ndim))


def _sum(xp: Namespace, x: Like, axis: Any = None, **_: Any) -> Map:
    kept = kept_shape(x.shape, axis)
    return lambda c: xp.broadcast_to(xp.reshape(c, kept), x.shape)


def _mean(xp: Namespace, x: Like, axis: Any = None, **_: Any) -> Map:
    kept = kept_shape(x.shape, axis)
    n = math.prod(x.shape[i] for i in axes_of(x.shape, axis))
    return lambda c: xp.broadcast_to(xp.reshape(c / n, kept), x.shape)


def _cumulative_sum(
    xp: Namespace, x: Like, axis: int | None = None, include_initial: bool = False, **_: Any
) -> Map:
    axis = axis or 0
    key = span(len(x.shape), axis, 1 if include_initial else 0, None)

    def pull(c: Array) -> Array:
        return xp.flip(xp.cumulative_sum(xp.flip(c[key], axis=axis), axis=axis), axis=axis)

    return pull


def _take(xp: Namespace, x: Like, indices: Array, axis: int = 0) -> Map:
    """Add up what was taken, repeats included."""
    count = x.shape[axis]
    at = raw(indices) % count  # some libraries count from the end

    def pull(c: Array) -> Array:
        return xp.moveaxis(bind(xp, "add_rows", xp.moveaxis(c, axis, 0), at, count=count), 0, axis)

    return pull


def _take_along_axis(xp: Namespace, x: Like, indices: Array, axis: int = -1) -> Map:
    """For every index, a selection of what it took."""
    indices = raw(indices)
    ndim, n = len(x.shape), x.shape[axis]
    indices = indices % n  # some libraries count from the end
    each = xp.base.arange(n, dtype=indices.dtype, device=device(xp.base, indices))
    each = xp.base.reshape(each, tuple(n if i == axis % ndim else 1 for i in range(ndim)))

    def pull(c: Array) -> Array:
        columns = [span(ndim, axis, i, i + 1) for i in range(indices.shape[axis])]
        return reduce(add, [xp.where(indices[i] == each, c[i], 0) for i in columns])

    return pull


def _permuted(xp: Namespace, x: Like, order: Array, axis: int = -1) -> Map:
    """Back into the order that a sort has left."""
    back = xp.base.argsort(raw(order), axis=axis)
    return lambda c: bind(xp, "permuted", c, back, axis=axis)


def _reorder(xp: Any, x: Array, order: Array, axis: int = -1) -> Array:
    """An array in another order along one axis."""
    if hasattr(xp, "take_along_axis"):
        return xp.take_along_axis(x, order, axis=axis)
    if 0 in x.shape:
        return x
    # Dask can take from a single axis only.
    x, order = xp.moveaxis(x, axis, -1), xp.moveaxis(order, axis, -1)
    *lead, n = x.shape
    size = math.prod(x.shape)
    start = xp.reshape(xp.arange(math.prod(lead), dtype=order.dtype) * n, (*lead, 1))
    taken = xp.take(xp.reshape(x, (size,)), xp.reshape(order + start, (size,)), axis=0)
    return xp.moveaxis(xp.reshape(taken, x.shape), -1, axis)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=lambda i: axes[i] % len(axes)))


LINEAR: dict[str, Callable[..., Any]] = {
    "add_rows": lambda xp, x, indices, count: lambda c: xp.take(c, indices, axis=0),
    "astype": lambda xp, x, *_, **__: lambda c: c,
    "broadcast_to": lambda xp, x, shape: lambda c: shrink(xp, c, x.shape),
    "cumulative_sum": _cumulative_sum,
    "expand_dims": lambda xp, x, axis=0: lambda c: xp.reshape(c, x.shape),
    "flip": lambda xp, x, axis=None: partial(xp.flip, axis=axis),
    "in_chunks": lambda xp, x, chunks: lambda c: c,
    "matrix_transpose": lambda xp, x: xp.matrix_transpose,
    "mean": _mean,
    "permute_dims": lambda xp, x, axes: lambda c: xp.permute_dims(c, _inverse(axes)),
    "permuted": _permuted,
    "reshape": lambda xp, x, shape, **_: lambda c: xp.reshape(c, x.shape),
    "roll": lambda xp, x, shift, axis=None: (
        lambda c: xp.roll(c, tuple(-s for s in shift) if isinstance(shift, tuple) else -shift, axis=axis)
    ),
    "signal": lambda xp, x, size, length: lambda c: bind(xp, "spectrum", c, size=size),
    "spectrum": lambda xp, x, size: lambda c: bind(xp, "signal", c, size=size, length=x.shape[-1]),
    "squeeze": lambda xp, x, axis: lambda c: xp.reshape(c, x.shape),
    "sum": _sum,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tril": lambda xp, x, k=0: partial(xp.tril, k=k),
    "triu": lambda xp, x, k=0: partial(xp.triu, k=k),
}

# --- the rest ------------------------------------------------------------------------------------


def _share_of_ties(xp: Namespace, y: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    hit = raw(xp.astype(x == xp.reshape(y, kept_shape(x.shape, axis)), x.dtype))
    count = xp.base.sum(hit, axis=axis, keepdims=True)
    return hit / xp.base.where(count == 0, 1.0, count)  # no entry equals an extremum of NaN


def _push_extremum(xp: Namespace, ts: list[Any], y: Array, x: Array, **how: Any) -> Array:
    return xp.sum(ts[0] * _share_of_ties(xp, y, x, **how), **how)


def _pull_extremum(xp: Namespace, i: int, y: Array, x: Array, **how: Any) -> Map:
    share, kept = _share_of_ties(xp, y, x, **how), kept_shape(x.shape, how.get("axis"))
    return lambda c: xp.reshape(c, kept) * share


def _push_where(xp: Namespace, ts: list[Any], y: Array, condition: Array, *_: Any) -> Array:
    return xp.where(condition, *(0 if t is None else t for t in ts[1:]))


def _push_join(xp: Namespace, ts: list[Any], y: Array, *xs: Array, axis: int = 0) -> Array:
    each = (xp.zeros_like(x) if t is None else t for t, x in zip(ts, xs, strict=True))
    return bind(xp, "join", *each, axis=axis)


def _pull_join(xp: Namespace, i: int, y: Array, *xs: Array, axis: int = 0) -> Map:
    if len(xs) == 1:
        return lambda c: c
    start = sum(x.shape[axis] for x in xs[:i])
    key = span(len(y.shape), axis, start, start + xs[i].shape[axis])
    return lambda c: c[key]


def _push_assemble(xp: Namespace, ts: list[Any], y: Array, *cs: Array, keys: Any, shape: Any) -> Array:
    some = [(t, key) for t, key in zip(ts, keys, strict=True) if t is not None]
    return bind(xp, "assemble", *(t for t, _ in some), keys=tuple(key for _, key in some), shape=shape)


def _pull_assemble(xp: Namespace, i: int, y: Array, *cs: Array, keys: Any, shape: Any) -> Map:
    return lambda c: bind(xp, "slice", c, key=keys[i])


def _push_slice(xp: Namespace, ts: list[Any], y: Array, x: Array, *, key: Any) -> Array:
    return bind(xp, "slice", ts[0], key=key)


def _pull_slice(xp: Namespace, i: int, y: Array, x: Array, *, key: Any) -> Piece:
    return Piece(key, x.shape)


def _push_matmul(xp: Namespace, ts: list[Any], y: Array, a: Array, b: Array) -> Array:
    pairs = (ts[0], b), (a, ts[1])
    return reduce(add, [xp.matmul(*pairs[i]) for i, t in enumerate(ts) if t is not None])


def _pull_matmul(xp: Namespace, i: int, y: Array, a: Array, b: Array) -> Map:
    shape, turn = (a, b)[i].shape, xp.matrix_transpose
    if i == 0:
        return lambda c: shrink(xp, xp.matmul(c, turn(b)), shape)
    return lambda c: shrink(xp, xp.matmul(turn(a), c), shape)


RULES: dict[str, Rule] = {
    **{k: elementwise(*(f if isinstance(f, tuple) else (f,))) for k, f in ELEMENTWISE.items()},
    **{k: linear(k, f) for k, f in LINEAR.items()},
    "assemble": Rule(_push_assemble, _pull_assemble),
    "join": Rule(_push_join, _pull_join),
    "matmul": Rule(_push_matmul, _pull_matmul),
    "max": Rule(_push_extremum, _pull_extremum),
    "min": Rule(_push_extremum, _pull_extremum),
    "slice": Rule(_push_slice, _pull_slice),
}
RULES["where"] = RULES["where"]._replace(push=_push_where)

# How a library computes what the standard has under another name or not at all.
INTERNALS: dict[str, Callable[..., Any]] = {
    "add_rows": add_rows,
    "assemble": assemble,
    "clamp": lambda xp, x, low, high: xp.clip(x, low, high),
    "in_chunks": in_chunks,
    "join": lambda xp, *xs, axis: xp.concat(xs, axis=axis),
    "permuted": _reorder,
    "signal": signal,
    "slice": lambda xp, x, key: x[key],
    "spectrum": spectrum,
}

Namespace.rules.update(RULES)
Namespace.internals.update(INTERNALS)
