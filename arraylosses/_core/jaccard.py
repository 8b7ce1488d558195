"""The Jaccard loss of pixels got wrong one by one, which the Lovász surrogates are weighed by."""

from __future__ import annotations

import math
from typing import Any

from .namespaces import index_dtype, stop_gradient
from .numeric import classes, cumulative_sum, divide

Array = Any
Namespace = Any


def merged(
    xp: Namespace, first: Array, among_first: Array, second: Array, among_second: Array
) -> tuple[Array, Array]:
    """The chosen entries of two arrays in one descending row of -x, and which are of the second.

    Among equals those of the first array come first, then those that stand first. Where nothing is
    left to fill the row there is -inf.
    """
    size = first.shape[-1]
    if size == 0:  # which Dask does not sort
        return first, among_second
    # A sort of both carries the derivative by itself, and the order tells where an entry is from:
    # nothing has to be gathered.
    both = xp.concat(
        [xp.where(among_first, first, math.inf), xp.where(among_second, second, math.inf)], axis=-1
    )
    order = xp.argsort(stop_gradient(xp, both), axis=-1, stable=True)[..., :size]
    return -xp.sort(both, axis=-1, stable=True)[..., :size], order >= size


def jaccard_steps(xp: Namespace, positives: Array, is_negative: Array) -> Array:
    """How much the Jaccard loss grows with each pixel of a row that is got wrong, one by one."""
    # From 1 - (G - a)/(G + b), with a positives and b negatives before, it grows by 1/(G + b) at a
    # positive and by (G - a)/((G + b)(G + b + 1)) at a negative; by 1 from where it is 0/0.
    negative = xp.astype(is_negative, index_dtype(xp))
    b = cumulative_sum(xp, negative) - negative
    left = positives - xp.astype(classes(xp, b) - b, positives.dtype)
    union = positives + xp.astype(b, positives.dtype)
    return divide(xp, xp.where(is_negative, left / (union + 1), 1.0), union, otherwise=1.0)
