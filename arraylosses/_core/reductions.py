"""The one reduction rule.

With s the sample weights, c the class weights' mass (1 without class weights) and the sums over the
items that count:

    none: s·ℓ (0 where an item does not count)    sum: Σ s·ℓ    mean: Σ s·ℓ / Σ s·c

`normalizer` replaces the denominator. Nothing to average is 0, with derivative 0.
"""

from __future__ import annotations

import math
from typing import Any

from .numeric import divide, keep, pick

Array = Any
Namespace = Any


class Unreduced(str):
    """A reduction that the caller does: the exit gives the items, and the denominator of their mean."""

    __slots__ = ()


class Exit:
    """The way out of a loss: called with the items, it weighs, masks and reduces them.

    Attributes that a body may want: `where`, the mask of the elements that count (None: all do);
    `form`, which alternative of the signature the arrays took; `shape`, that of the items.
    """

    __slots__ = (
        "dtype",
        "form",
        "invalid",
        "mass",
        "normalizer",
        "reduction",
        "shape",
        "valid",
        "weight",
        "where",
        "xp",
    )

    def __init__(self, xp: Namespace, shape: tuple[int, ...], dtype: Any, reduction: str, form: int) -> None:
        self.xp, self.shape, self.dtype = xp, shape, dtype
        self.reduction, self.form = reduction, form
        self.normalizer: Array | None = None
        self.weight: Array | None = None
        self.where: Array | None = None
        self.valid: Array | None = None
        self.invalid: Array | None = None
        self.mass: Array | None = None

    def weigh(self, mass: Array, x: Array) -> Array:
        """Declare the class-weighted mass of each item; return `x` without the items of mass 0.

        `x` has the shape of the items, and perhaps one more axis.
        """
        xp = self.xp
        self.mass = mass = mass if self.invalid is None else xp.where(self.invalid, 1.0, mass)
        kept = mass != 0
        self.drop(kept)
        return xp.where(kept[..., None] if x.ndim > kept.ndim else kept, x, 0.0)

    def weigh_labels(self, class_weight: Array | None, labels: Array, x: Array) -> tuple[Any, Array]:
        """The weight of every label's class, which is its mass, and `x` without the items of mass 0."""
        if class_weight is None:
            return 1.0, x
        w = pick(self.xp, class_weight, labels)
        return w, self.weigh(w, x)

    def drop(self, kept: Array) -> None:
        """Take out the items that are not `kept`; what is computed for them must be finite."""
        self.valid = kept if self.valid is None else self.valid & kept

    def counting(self, x: Array) -> Array:
        """Where `x` is True and the item counts: is not masked, of weight 0, ignored or illegal.

        `x` has the shape of the items, and perhaps one more axis.
        """
        for kept in (self.valid, None if self.invalid is None else ~self.invalid):
            if kept is not None:
                kept = self.xp.broadcast_to(kept, self.shape)
                x = x & (kept[..., None] if x.ndim > kept.ndim else kept)
        return x

    def kept(self, like: Array) -> Array:
        """Which elements count, in an array of the shape of what `where` masks."""
        if self.where is None:
            return self.xp.ones_like(like, dtype=self.xp.bool)
        return self.xp.broadcast_to(self.where, like.shape)

    def rows(self, x: Array) -> Array | None:
        """Which rows of `x` count, where rows are what `where` masks; None if all do."""
        return None if self.where is None else self.xp.broadcast_to(self.where, x.shape[:1])

    def poison(self, bad: Array) -> None:
        """Make the `bad` items NaN; what is computed for them must be finite."""
        self.invalid = bad if self.invalid is None else self.invalid | bad

    def part(self, x: Array) -> Array:
        """A part of the only item, to stand beside it in a result: NaN where the item is."""
        return x if self.invalid is None else self.xp.where(self.invalid, math.nan, x)

    def __call__(self, items: Array) -> Any:
        xp = self.xp
        if self.invalid is not None:
            items = xp.where(self.invalid, math.nan, items)
        if self.valid is not None:
            items = keep(xp, items, self.valid)
        if self.weight is not None:
            items = self.weight * items
        if type(self.reduction) is Unreduced:
            plain = self.valid is None and self.weight is None
            return items, math.prod(self.shape) if plain else self.denominator()
        if self.reduction == "none":
            return items
        total = xp.sum(items)
        if self.reduction == "sum":
            return total
        if self.normalizer is not None:
            return divide(xp, total, self.normalizer)
        if self.valid is None and self.weight is None:
            count = math.prod(self.shape)
            return total / count if count else total
        return divide(xp, total, self.denominator())

    def denominator(self) -> Array:
        """Σ s·c over the items that count."""
        xp = self.xp
        if self.weight is None and self.mass is None:
            each = xp.astype(self.valid, self.dtype)
        else:
            each = self.mass if self.weight is None else self.weight
            if self.mass is not None and self.weight is not None:
                each = self.weight * self.mass
            if self.valid is not None:
                each = xp.where(self.valid, each, 0.0)
        return xp.sum(xp.broadcast_to(each, self.shape))


def number_of(xp: Namespace, kept: Array, like: Array, axis: int | None = None) -> Array:
    """How many are True, in the dtype of `like`."""
    return xp.sum(xp.astype(kept, like.dtype), axis=axis)


def mean_over(xp: Namespace, x: Array, kept: Array) -> Array:
    """The mean along the last axis over what is kept; 0 over nothing."""
    return divide(xp, xp.sum(keep(xp, x, kept), axis=-1), number_of(xp, kept, x, axis=-1))
