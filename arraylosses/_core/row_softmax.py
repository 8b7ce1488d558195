"""Softmax over the rows of a batch: what belongs to a row against all that stands beside it.

What belongs to it are the rows with the same label, each with the same share: of rows that are
labelled by their numbers the row itself. Rows that are out are nobody's rival.
"""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.recompute import blockwise, by_rows
from .namespaces import device, index_dtype
from .numeric import divide, exponentials, exponentials_of_parts, lead, log_of, matmul, softplus
from .reductions import number_of

Array = Any
Namespace = Any


def numbers_of_rows(xp: Namespace, x: Array) -> Array:
    """0, 1, … along the first axis of `x`, beside it."""
    return xp.arange(x.shape[0], dtype=index_dtype(xp), device=device(xp, x))


def row_cross_entropy(
    xp: Namespace, size: int | None, x: Array, y: Array, labels: Array | None, here: Array | None
) -> Array:
    """The cross-entropy of every row of x yᵀ, `size` rows of which are formed at a time."""
    label = numbers_of_rows(xp, x) if labels is None else labels
    return _of_rows(xp, size, x, label, y, label, here, labels is not None)[0]


@by_rows(0, 0, None, None, None, None)
def _of_rows(
    xp: Namespace, x: Array, label: Array, y: Array, labels: Array, here: Array | None, shared: bool
) -> list[Array]:
    z = matmul(xp, x, xp.permute_dims(y, (1, 0)))
    return [_of_sums(xp, *_sums(xp, z, label[:, None] == labels, here, shared))]


def symmetric_cross_entropy(
    xp: Namespace, size: int | None, x: Array, y: Array, labels: Array | None, here: Array | None
) -> Array:
    """For every i half of the cross-entropies of row and of column i of x yᵀ, `size` rows at a time."""
    row, shared = numbers_of_rows(xp, x), labels is not None
    label = row if labels is None else labels
    if size is None or size >= x.shape[0]:
        z, same = matmul(xp, x, xp.permute_dims(y, (1, 0))), label[:, None] == label
        both = (_sums(xp, each, same, here, shared) for each in (z, xp.permute_dims(z, (1, 0))))
        return sum(_of_sums(xp, *sums) for sums in both) / 2
    each, total = _of_block(xp, size, x, label, row, here, y, label, row, here, shared)
    of_rows, *total = total
    each = [a for m, s in zip(each[::2], each[1::2], strict=True) for a in exponentials_of_parts(xp, m, s)]
    return (of_rows + _of_sums(xp, *each[:2], *total, *each[2:])) / 2


@blockwise(0, 0, 0, 0, None, None, None, None, None)
def _of_block(
    xp: Namespace,
    x: Array,
    label: Array,
    index: Array,
    here_too: Array | None,
    y: Array,
    labels: Array,
    row: Array,
    here: Array | None,
    shared: bool,
) -> tuple[list[Array], list[Array]]:
    """What the sums over the columns have from some rows, and of these rows all, in their places."""
    z, same = matmul(xp, x, xp.permute_dims(y, (1, 0))), label[:, None] == labels
    of_rows = _of_sums(xp, *_sums(xp, z, same, here, shared))
    z, same = xp.permute_dims(z, (1, 0)), xp.permute_dims(same, (1, 0))
    m, s, *total = _sums(xp, z, same, here_too, shared)
    total, parts = (total[:2], total[2:]) if shared else (total, [])
    return [m, s, *parts], [xp.sum(xp.where(row[:, None] == index, of_rows, 0.0), axis=-1), *total]


def _sums(xp: Namespace, z: Array, same: Array, here: Array | None, shared: bool) -> list[Array]:
    """What the cross-entropies along the last axis of `z` are made of.

    The `exponentials` of what does not belong to the row, and the sum of what does; where that may be
    several, their number and `exponentials` too.
    """
    m, s = exponentials(xp, xp.where(same if here is None else same | ~here, -math.inf, z))
    if here is not None and shared:
        same = same & here
    total = xp.sum(xp.where(same, z, 0.0), axis=-1)
    if not shared:
        return [m, s, total]
    number = number_of(xp, same, z, axis=-1)
    return [m, s, total, number, *exponentials(xp, xp.where(same, z, -math.inf))]


def _of_sums(
    xp: Namespace,
    m: Array,
    s: Array,
    total: Array,
    number: Array | None = None,
    m_own: Array | None = None,
    s_own: Array | None = None,
) -> Array:
    """The cross-entropies of which these are the `_sums`."""
    if number is None:
        return softplus(xp, -lead(xp, total, m, s))
    # Of several the log-sum-exp leads, and is itself above their mean: two terms of one sign.
    own = xp.where(number > 0, log_of(xp, m_own, s_own), 0.0)
    above = xp.where(number > 1, own - divide(xp, total, number), 0.0)
    return softplus(xp, -lead(xp, own, m, s)) + above
