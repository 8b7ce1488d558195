"""Pairs of rows: every row of a batch, the anchors, beside all the rows that it is compared with.

A loss of pairs declares `**PAIRS` and is entered by `enter_pairs`. What it computes stands in a
function of some anchors, `by_anchors`, that returns what each anchor costs and how much it counts.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..autodiff.recompute import by_rows
from .domains import IDENTITIES, REAL
from .entry import enter
from .errors import refuse
from .numeric import keep, largest, log_softmax, log_sum_exp, matmul, norm, relu, sqrt, unit
from .parameters import COUNT, ArrayRule, choice, optional
from .reductions import Exit
from .registry import LOSSES
from .row_softmax import numbers_of_rows

Array = Any
Namespace = Any

DISTANCE_METHOD = choice("direct", "gram")
MASKS = ("ref_where", "pos_mask", "neg_mask", "self_mask")
MASK = ArrayRule(("(n, m)",), boolean=True)
PAIRS: dict[str, Any] = {
    "embeddings": REAL,
    "labels": IDENTITIES,
    "ref": REAL,
    "ref_labels": IDENTITIES,
    "ref_where": ArrayRule(("(m)",), boolean=True),
    "pos_mask": MASK,
    "neg_mask": MASK,
    "self_mask": MASK,
    "chunk_size": optional(COUNT),
    "mask": "(n)",
    "weighed": "(n)",
    "tied": ("m", "n"),
}
# The same of a batch that is compared with nothing but itself.
BATCH = {k: rule for k, rule in PAIRS.items() if not k.startswith("ref")}
IN_BATCH = "(n, d), (n) -> (n, m)"
BY_ROW = "(n, d), (n), (m, d), (m) -> (n)"
BY_PAIR = "(n, d), (n), (m, d), (m) -> (n, m)"
BY_TRIPLET = "(n, d), (n), (m, d), (m) -> (n, m, m)"


class Pairs(NamedTuple):
    """Some anchors, and all the rows they are compared with."""

    anchor: Array
    label: Array
    index: Array
    pos_mask: Array | None
    neg_mask: Array | None
    self_mask: Array | None
    # What follows goes whole into every block of anchors.
    ref: Array
    ref_label: Array | None
    ref_index: Array | None  # where a row may meet itself
    inside: Array | None  # which of the rows count
    scale: Array | None  # the unit of the rows, where distances come from products

    def sets(self, xp: Namespace) -> tuple[Array, Array]:
        """The positives and the negatives of each anchor."""
        same: Any = None if self.ref_label is None else self.label[:, None] == self.ref_label
        positive = same if self.pos_mask is None else self.pos_mask
        negative = ~same if self.neg_mask is None else self.neg_mask
        for out in (self._itself(), self.self_mask, None if self.inside is None else ~self.inside):
            if out is not None:
                positive, negative = positive & ~out, negative & ~out
        return positive, negative

    def _itself(self) -> Array | None:
        return None if self.ref_index is None else self.index[:, None] == self.ref_index

    def products(self, xp: Namespace) -> Array:
        """The products of all pairs, which are the cosines of rows of length 1."""
        return matmul(xp, self.anchor, xp.permute_dims(self.ref, (1, 0)))

    def distances(self, xp: Namespace, squared: bool = False) -> Array:
        """The distances of all pairs, or their squares."""
        if self.scale is None:
            difference = self.anchor[:, None, :] - self.ref
            return xp.sum(difference * difference, axis=-1) if squared else norm(xp, difference)
        q = self.remoteness(xp) + xp.sum(self.anchor * self.anchor, axis=-1)[:, None]
        itself = self._itself()
        return _of_gram(xp, q if itself is None else keep(xp, q, ~itself), self.scale, squared)

    def remoteness(self, xp: Namespace, squared: bool = False) -> Array:
        """What is the greater the farther a row is from an anchor, and the cheapest that is."""
        if self.scale is None:
            return self.distances(xp, squared)
        return xp.sum(self.ref * self.ref, axis=-1) - 2 * self.products(xp)

    def measured(self, xp: Namespace, remoteness: Array, squared: bool) -> Array:
        """The distance, or its square, of what is so remote from each anchor."""
        if self.scale is None:
            return remoteness
        return _of_gram(xp, remoteness + xp.sum(self.anchor * self.anchor, axis=-1), self.scale, squared)

    def measured_by_products(self, xp: Namespace) -> Pairs:
        """The same for distances that come from products of the rows."""
        both = (largest(xp, x, axis=(-2, -1)) for x in (self.anchor, self.ref))
        scale = functools.reduce(xp.maximum, both)
        return self._replace(anchor=self.anchor / scale, ref=self.ref / scale, scale=scale[0, 0])


def _of_gram(xp: Namespace, q: Array, scale: Array, squared: bool) -> Array:
    """The distance of a square in units of `scale`, which rounding may have left below 0; or its square."""
    q = relu(xp, q)
    return q * (scale * scale) if squared else scale * sqrt(xp, q)


def enter_pairs(
    function: Callable[..., Any],
    arrays: tuple[Any, ...],
    masks: tuple[Any, ...],
    exits: tuple[Any, ...],
    *,
    ignore_index: int | None,
    normalize: bool = False,
    method: str | None = None,
    items: str | None = None,
    **own: Any,
) -> tuple[Any, ...]:
    """Begin a loss of pairs: `(xp, pairs, *own parameters, done)`.

    `arrays` are the embeddings, their labels, and what they are compared with if it is not themselves;
    `masks` are ref_where, pos_mask, neg_mask and self_mask; `exits` the arguments of the reduction. Of
    items that are tuples only "none" needs each, so for other reductions an item is an anchor, whose
    mass is how many there are.
    """
    spec = LOSSES[function.__name__]
    with_ref = len(arrays) > 2
    if with_ref:
        _check_ref(spec.name, arrays[2], arrays[3], masks[1:3])
    chosen = {} if method is None else {"method": method}
    masked = {k: v for k, v in zip(MASKS, masks, strict=True) if k in spec.rules}
    xp, *found, done = enter(
        function,
        arrays,
        *exits,
        items=items if exits[2] == "none" else "(n)",
        ignore_index=ignore_index,
        **(masked | chosen | own),
    )
    x, y, ref, ref_y, ref_where, pos_mask, neg_mask, self_mask, *values = (
        found if with_ref else (*found[:2], None, None, None, *found[2:])
    )
    if ref_where is not None and ref is None:
        raise refuse(spec.name, "ref", "be given with ref_where", None)
    x = unit(xp, x) if normalize else x
    pairs = pairs_of(xp, x, y, done)._replace(pos_mask=pos_mask, neg_mask=neg_mask, self_mask=self_mask)
    if ref is not None:
        inside = _inside(xp, ref_where, ref_y, ignore_index)
        ref = ref if inside is None else keep(xp, ref, inside[:, None])
        ref = unit(xp, ref) if normalize else ref
        pairs = pairs._replace(ref=ref, ref_label=ref_y, ref_index=None, inside=inside)
    if method is not None:
        method, *values = values
        pairs = pairs.measured_by_products(xp) if method == "gram" else pairs
    return xp, pairs, *values, done


def _check_ref(loss: str, ref: Any, ref_labels: Any, masks: tuple[Any, ...]) -> None:
    """Refuse rows without labels, unless masks say what they are, and labels without rows."""
    if ref is not None and ref_labels is None and any(mask is None for mask in masks):
        raise refuse(loss, "ref_labels", "be given with ref", None)
    if ref_labels is not None and ref is None:
        raise refuse(loss, "ref", "be given with ref_labels", None)


def pairs_of(xp: Namespace, x: Array, labels: Array, done: Exit) -> Pairs:
    """The rows of a batch beside themselves."""
    row = numbers_of_rows(xp, x)
    return Pairs(x, labels, row, None, None, None, x, labels, row, done.rows(x), None)


def _inside(
    xp: Namespace, ref_where: Array | None, ref_labels: Array | None, ignore_index: int | None
) -> Array | None:
    """Which rows of `ref` count."""
    if ignore_index is None or ref_labels is None:
        return ref_where
    kept = ref_labels != ignore_index
    return kept if ref_where is None else kept & ref_where


def by_anchors(f: Callable[..., Any] | None = None, *, rows: int = 0) -> Callable[..., Any]:
    """Let a function of pairs be worked through some anchors at a time.

    It is written for any anchors, `f(xp, pairs, *options)`, and called as `f(xp, chunk_size, pairs,
    *options)`. It returns two arrays of one shape, whose first axis is the anchors': the items, and
    their mass. So many of the options as `rows` says have a row for each anchor.
    """
    if f is None:
        return functools.partial(by_anchors, rows=rows)
    fields = len(Pairs._fields)
    cut = Pairs._fields.index("ref")
    options = len(inspect.signature(f).parameters) - 2

    @functools.wraps(f)
    def block(xp: Namespace, *args: Any) -> list[Array]:
        return list(f(xp, Pairs(*args[:fields]), *args[fields:]))

    axes = (*(0,) * cut, *(None,) * (fields - cut), *(0,) * rows, *(None,) * (options - rows))
    work = by_rows(*axes)(block)

    @functools.wraps(f)
    def dispatch(xp: Namespace, chunk_size: int | None, pairs: Pairs, *args: Any) -> tuple[Array, Array]:
        items, mass = work(xp, chunk_size, *pairs, *args)
        return items, mass

    return dispatch


def counted(xp: Namespace, items: Array, kept: Array, each: bool = True) -> tuple[Array, Array]:
    """The items that are kept, and a mass of 1 for them; or, unless `each`, both summed for every anchor."""
    items, mass = keep(xp, items, kept), xp.astype(kept, items.dtype)
    if each:
        return items, mass
    axes = tuple(range(1, items.ndim))
    return xp.sum(items, axis=axes), xp.sum(mass, axis=axes)


def log_sum_exp_over(xp: Namespace, z: Array, among: Array) -> Array:
    """log Σ exp(z) along the last axis over some entries; -inf with no derivative over none."""
    return log_sum_exp(xp, xp.where(among, z, -math.inf))


def log_softmax_over(xp: Namespace, z: Array, among: Array) -> Array:
    """log softmax(z) along the last axis over some entries; in a row without any, over all."""
    if 0 in z.shape:
        return z
    none = ~xp.any(among, axis=-1, keepdims=True)
    return log_softmax(xp, xp.where(among | none, z, -math.inf))
