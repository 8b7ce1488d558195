"""What is taken from an array: extreme entries, and the entries that labels name."""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.primitives import function_with
from ..autodiff.rules import Rule, by_matrix
from .namespaces import device

Array = Any
Namespace = Any


def _extreme_entries(
    xp: Namespace, y: Array, x: Array, high: Array, low: Array
) -> tuple[Array, Array, Array]:
    """Which entries are the greatest of `high` and the least of `low`, and how many share in each."""
    most, least = high & (x == y[..., :1]), low & (x == y[..., 1:])
    number = xp.stack([xp.sum(xp.astype(each, y.dtype), axis=-1) for each in (most, least)], axis=-1)
    return most, least, xp.where(number == 0, 1.0, number)  # no entry equals an extreme of NaN


def _push_extremes(xp: Namespace, ts: list[Any], y: Array, x: Array, high: Array, low: Array) -> Array:
    most, least, number = _extreme_entries(xp, y, x, high, low)
    return xp.stack([xp.sum(xp.where(each, ts[0], 0.0), axis=-1) for each in (most, least)], axis=-1) / number


def _pull_extremes(xp: Namespace, i: int, y: Array, x: Array, high: Array, low: Array) -> Any:
    def pull(c: Array) -> Array:
        most, least, number = _extreme_entries(xp, y, x, high, low)
        c = c / number
        return xp.where(most, c[..., :1], 0.0) + xp.where(least, c[..., 1:], 0.0)

    return pull


@function_with(Rule(_push_extremes, _pull_extremes))
def extremes(xp: Namespace, x: Array, high: Array, low: Array) -> Array:
    """Of the last axis the greatest entry in one mask and the least in another.

    Side by side along a new last axis; -inf and +inf where the mask is empty. Ties share the derivative.
    """
    most, least = xp.where(high, x, -math.inf), xp.where(low, x, math.inf)
    if 0 in x.shape:  # of an array without elements Dask has no maximum
        return xp.stack([xp.sum(most, axis=-1) - math.inf, xp.sum(least, axis=-1) + math.inf], axis=-1)
    return xp.stack([xp.max(most, axis=-1), xp.min(least, axis=-1)], axis=-1)


def _selection(xp: Namespace, size: int, dtype: Any, labels: Array) -> Array:
    """The matrix, for each row of labels, whose product with `size` classes has those that they name."""
    each = xp.arange(size, dtype=labels.dtype, device=device(xp, labels))
    return xp.astype(each[:, None] == labels[..., None, :], dtype)


# As a product its transpose takes no scatter, which takes JAX and our own engine many times as long.
@function_with(by_matrix(_selection), axes=2)
def take_classes(xp: Namespace, x: Array, labels: Array) -> Array:
    """The entries (..., T, K) of `x` (..., T, C) that the labels (..., K) name, in each of its rows."""
    *lead, T, C = x.shape
    if 0 in labels.shape:  # Dask does not reshape nothing, if it has several chunks of it
        return xp.zeros((*lead, T, labels.shape[-1]), dtype=x.dtype, device=device(xp, x))
    order = (len(lead), *range(len(lead)))
    row = xp.arange(math.prod(lead), dtype=labels.dtype, device=device(xp, labels))
    places = xp.reshape(xp.reshape(row * C, (*lead, 1)) + labels, (-1,))
    flat = xp.reshape(xp.permute_dims(x, (*order, len(lead) + 1)), (T, math.prod(lead) * C))
    taken = xp.reshape(xp.take(flat, places, axis=1), (T, *labels.shape))
    return xp.permute_dims(taken, (*range(1, len(lead) + 1), 0, len(lead) + 1))


def rows_named(xp: Namespace, w: Array, labels: Array) -> Array:
    """What `w` has for the class that each label names."""
    rows = xp.take(w, xp.reshape(labels, (-1,)), axis=0)
    return xp.reshape(rows, (*labels.shape, *w.shape[1:]))
