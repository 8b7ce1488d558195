"""Means, variances and extrema in a window that moves over the pixels of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from ..autodiff.primitives import function_with
from ..autodiff.rules import Map, Rule
from .namespaces import between_zeros, in_chunks_of
from .numeric import keep, lesser, relu

Array = Any
Namespace = Any
Function = Callable[..., Array]


def local_moments(xp: Namespace, x: Array, weights: Array) -> tuple[Array, Array]:
    """The mean and the variance of `x` in a square window over its last two axes.

    The weights are those along either of them, and sum to 1.
    """
    # One axis at a time: the variance of a column of row means adds to the mean of the row
    # variances. Every term is a square, where E x² - (E x)² would cancel.
    in_row = _mean_in_row(xp, x, weights)
    mean = _mean_in_column(xp, in_row, weights)
    within = _mean_in_column(xp, _variance_in_row(xp, x, in_row, weights), weights)
    return mean, within + _variance_in_column(xp, in_row, mean, weights)


def _moving(axis: int, name: str) -> tuple[Function, Function]:
    """The weighted mean in a window that moves along an axis, and the variance around given means.

    A derivative that is pulled back through slices is one array for every weight; these are sums.
    """

    def part(x: Array, weights: Array, k: int) -> Array:
        """What the k-th weight is for, in every place of the window."""
        here = slice(k, k + x.shape[axis] - weights.shape[0] + 1)
        return x[..., here] if axis == -1 else x[..., here, :]

    def total(weights: Array, of: Callable[[int], Array]) -> Array:
        result = weights[0] * of(0)
        for k in range(1, weights.shape[0]):
            result = result + weights[k] * of(k)
        return result

    def onto_weights(xp: Namespace, weights: Array, of: Callable[[int], Array]) -> Map:
        return lambda c: xp.stack([xp.sum(c * of(k)) for k in range(weights.shape[0])])

    def from_places(weights: Array, of: Callable[..., Array], *cs: Array) -> Array:
        """For every pixel the sum over the places of the window that it is in."""
        more = weights.shape[0] - 1
        padded = [between_zeros(c, axis, more, more) for c in cs]
        return total(weights, lambda k: of(*(part(c, weights, more - k) for c in padded)))

    def mean(xp: Namespace, x: Array, weights: Array) -> Array:
        return total(weights, lambda k: part(x, weights, k))

    def push_mean(xp: Namespace, ts: list[Any], y: Array, x: Array, weights: Array) -> Array:
        along = [mean(xp, *each) for each in ((ts[0], weights), (x, ts[1])) if not _lacks(each)]
        return sum(along[1:], along[0])

    def pull_mean(xp: Namespace, i: int, y: Array, x: Array, weights: Array) -> Map:
        if i:
            return onto_weights(xp, weights, lambda k: part(x, weights, k))
        return lambda c: from_places(weights, lambda c: c, c)

    def variance(xp: Namespace, x: Array, means: Array, weights: Array) -> Array:
        return total(weights, lambda k: _square(part(x, weights, k) - means))

    # The variance is least around the mean: it has no derivative there.
    def push_variance(
        xp: Namespace, ts: list[Any], y: Array, x: Array, means: Array, weights: Array
    ) -> Array:
        along = []
        if ts[0] is not None:
            along.append(
                total(weights, lambda k: 2 * (part(x, weights, k) - means) * part(ts[0], weights, k))
            )
        if ts[2] is not None:
            along.append(total(ts[2], lambda k: _square(part(x, weights, k) - means)))
        return sum(along[1:], along[0]) if along else 0 * y

    def pull_variance(xp: Namespace, i: int, y: Array, x: Array, means: Array, weights: Array) -> Map:
        if i == 2:
            return onto_weights(xp, weights, lambda k: _square(part(x, weights, k) - means))
        if i == 1:
            return lambda c: None
        return lambda c: from_places(weights, lambda c, m: (x - m) * c, 2 * c, means)

    mean.__name__, variance.__name__ = f"mean_in_{name}", f"variance_in_{name}"
    return (
        function_with(Rule(push_mean, pull_mean, frozenset("ab")), axes=2)(mean),
        function_with(Rule(push_variance, pull_variance, frozenset("abc")), axes=2)(variance),
    )


def _lacks(each: tuple[Any, ...]) -> bool:
    return any(x is None for x in each)


def _square(x: Array) -> Array:
    return x * x


_mean_in_row, _variance_in_row = _moving(-1, "row")
_mean_in_column, _variance_in_column = _moving(-2, "column")


# --- extrema --------------------------------------------------------------------------------------


def _hits(xp: Namespace, y: Array, *each: Array) -> Array:
    """How many of each three are their extremum `y`; 1 where that is NaN."""
    a, b, c = (xp.astype(x == y, y.dtype) for x in each)
    count = a + b + c
    return xp.where(count == 0, 1.0, count)


def _push_extremum(xp: Namespace, ts: list[Any], y: Array, *each: Array) -> Array:
    shares = [xp.where(x == y, t, 0.0) for x, t in zip(each, ts, strict=True) if t is not None]
    return sum(shares[1:], shares[0]) / _hits(xp, y, *each)


def _pull_extremum(xp: Namespace, i: int, y: Array, *each: Array) -> Map:
    return lambda c: xp.where(each[i] == y, c / _hits(xp, y, *each), 0.0)


_extremum = function_with(Rule(_push_extremum, _pull_extremum, frozenset("abcy")), axes=0)


@_extremum
def greatest_of_three(xp: Namespace, a: Array, b: Array, c: Array) -> Array:
    """The greatest of each three, ties sharing the derivative equally."""
    return xp.maximum(xp.maximum(a, b), c)


@_extremum
def least_of_three(xp: Namespace, a: Array, b: Array, c: Array) -> Array:
    """The least of each three, ties sharing the derivative equally."""
    return xp.minimum(xp.minimum(a, b), c)


def _with_neighbours(xp: Namespace, of_three: Function, outside: float, x: Array, axis: int) -> Array:
    """The extremum of every element and its neighbours along an axis."""
    size = x.shape[axis]
    if size < 2:
        return x

    def at(x: Array, start: int, stop: int) -> Array:
        return x[(*(slice(None),) * axis, slice(start, stop), ...)]

    edge = xp.full_like(at(x, 0, 1), outside)
    wide = xp.concat([edge, x, edge], axis=axis)
    before, after = (in_chunks_of(xp, x, at(wide, k, size + k)) for k in (0, 2))
    return of_three(xp, before, x, after)


def eroded(xp: Namespace, x: Array, lead: int) -> Array:
    """The least of every pixel and its neighbours along each axis but the `lead` first."""
    parts = [_with_neighbours(xp, least_of_three, math.inf, x, axis) for axis in range(lead, x.ndim)]
    if len(parts) == 3:
        return least_of_three(xp, *parts)
    return reduce(partial(lesser, xp), parts) if parts else x


def dilated(xp: Namespace, x: Array, lead: int) -> Array:
    """The greatest in a window of three pixels along each axis but the `lead` first."""
    for axis in range(lead, x.ndim):
        x = _with_neighbours(xp, greatest_of_three, -math.inf, x, axis)
    return x


def soft_skeleton(xp: Namespace, x: Array, inside: Array | None, iterations: int) -> Array:
    """The soft skeleton of images of the shape (n, c, *s), of what is `inside` or of all."""

    def filled(x: Array, value: float) -> Array:
        return x if inside is None else xp.where(inside, x, value)

    skeleton: Any = 0.0
    for _ in range(iterations + 1):
        less = eroded(xp, filled(x, math.inf), 2)
        rest = x - dilated(xp, filled(less, -math.inf), 2)
        ridge = relu(xp, rest if inside is None else keep(xp, rest, inside))
        skeleton = skeleton + ridge * (1.0 - skeleton)
        x = less
    return skeleton
