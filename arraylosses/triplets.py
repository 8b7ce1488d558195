"""Triplets of a batch: of each anchor the positives and negatives that count."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.namespaces import stop_gradient
from ._core.numeric import classes, columns, cumulative_sum, greatest, relu, softplus
from ._core.pairs import (
    BY_PAIR,
    BY_ROW,
    BY_TRIPLET,
    DISTANCE_METHOD,
    PAIRS,
    Pairs,
    by_anchors,
    counted,
    enter_pairs,
)
from ._core.parameters import FLAG, NUMBER, choice
from ._core.reductions import number_of
from ._core.registry import loss
from ._core.selections import extremes

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["triplet_batch_all_loss", "triplet_batch_hard_loss", "triplet_semi_hard_loss"]


@loss(BY_TRIPLET, margin=NUMBER, squared=FLAG, soft=FLAG, nonzero_only=FLAG, method=DISTANCE_METHOD, **PAIRS)
def triplet_batch_all_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    margin: float = 0.2,
    squared: bool = False,
    soft: bool = False,
    nonzero_only: bool = False,
    method: str = "direct",
    ref_where: Array | None = None,
    pos_mask: Array | None = None,
    neg_mask: Array | None = None,
    self_mask: Array | None = None,
    ignore_index: int | None = None,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Batch-all triplet loss: every anchor against each of its positives and each of its negatives.

    .. math::

        \ell_{apn} = \max(0,\; D_{ap} - D_{an} + m)
        \qquad D_{ij} = \lVert x_i - x_j \rVert

    where :math:`p` runs over the other rows with the label of the anchor :math:`a` and :math:`n` over
    the rows with another label.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, taken as they are: normalise them before if they should be.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    margin : float, default 0.2
        The margin :math:`m`, in the unit of the distance.
    squared : bool, default False
        Whether :math:`D` is the squared distance.
    soft : bool, default False
        Whether the hinge is replaced by :math:`\log(1 + e^{D_{ap} - D_{an}})`, which has no margin.
    nonzero_only : bool, default False
        Whether a mean counts only the triplets with a loss above 0.
    method : "direct" or "gram", default "direct"
        How distances are computed: see :func:`triplet_batch_hard_loss`.
    ref_where, pos_mask, neg_mask, self_mask : arrays of bool dtype, shapes (M,) and (N, M), optional
        Which rows of `ref` count, which pairs are positive, which negative, and which are no pairs
        because both are one row: see :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a triplet
        [a, p, n]; `where` and `sample_weight` have the shape (N,) of the rows, a triplet weighing what
        its anchor does. A row that is masked or of weight 0 is as if deleted from the batch.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N, M, M)
        In the unit of the distance. M is N without `ref`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    triplet_batch_hard_loss : The hardest positive and negative only.
    triplet_semi_hard_loss : The nearest negative beyond each positive.

    Notes
    -----
    Three rows that are no triplet are no item. A batch of one identity, or of as many identities as
    rows, gives 0. The mean over the triplets above 0 jumps where one falls to 0, but it does not fade as
    most triplets come to be satisfied.

    Of the hinge a sum or a mean does not form the triplets: with the distances of an anchor in order it
    takes :math:`N^2 \log N` steps. The softplus and ``reduction="none"`` take memory and time for
    ``chunk_size * M * M`` numbers at a time. The result does not depend on `chunk_size`, but for rounding.

    At the hinge, and where rows coincide, the gradient is 0.

    References
    ----------
    Hermans, Beyer, Leibe, *In defense of the triplet loss for person re-identification*, 2017,
    arXiv:1703.07737.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.triplet_batch_all_loss(x, labels, margin=1.0)), 6)
    0.293628
    >>> round(float(al.triplet_batch_all_loss(x, labels, margin=1.0, nonzero_only=True)), 6)
    0.391504
    """
    xp, pairs, margin, squared, soft, nonzero_only, chunk_size, done = enter_pairs(
        triplet_batch_all_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        method=method,
        margin=margin,
        squared=squared,
        soft=soft,
        nonzero_only=nonzero_only,
        chunk_size=chunk_size,
    )
    each = reduction == "none"
    items, mass = _batch_all(xp, chunk_size, pairs, margin, squared, soft, nonzero_only, each)
    return done(done.weigh(mass, items))


@loss(BY_ROW, margin=NUMBER, squared=FLAG, soft=FLAG, method=DISTANCE_METHOD, **PAIRS)
def triplet_batch_hard_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    margin: float = 0.2,
    squared: bool = False,
    soft: bool = False,
    method: str = "direct",
    ref_where: Array | None = None,
    pos_mask: Array | None = None,
    neg_mask: Array | None = None,
    self_mask: Array | None = None,
    ignore_index: int | None = None,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Batch-hard triplet loss: each anchor against its farthest positive and its nearest negative.

    .. math::

        \ell_a = \max(0,\; \max_{p} D_{ap} - \min_{n} D_{an} + m)
        \qquad D_{ij} = \lVert x_i - x_j \rVert

    where :math:`p` runs over the other rows with the label of the anchor and :math:`n` over the rows
    with another label.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, taken as they are: normalise them before if they should be.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    margin : float, default 0.2
        The margin :math:`m`, in the unit of the distance.
    squared : bool, default False
        Whether :math:`D` is the squared distance.
    soft : bool, default False
        Whether the hinge is replaced by :math:`\log(1 + e^{\max D - \min D})`, which has no margin.
    method : "direct" or "gram", default "direct"
        How distances are computed. "direct" forms all differences, in memory for N² D numbers.
        "gram" expands the square into a matrix product, in memory for N², and loses the distances
        that are small against the norms.
    ref_where, pos_mask, neg_mask, self_mask : arrays of bool dtype, shapes (M,) and (N, M), optional
        Which rows of `ref` count, which pairs are positive, which negative, and which are no pairs
        because both are one row: see :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an anchor;
        `where` and `sample_weight` have the shape (N,) of the rows. A row that is masked or of weight
        0 is as if deleted from the batch: it is nobody's positive or negative either.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the unit of the distance.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    An anchor without a positive or without a negative is no item: its loss is 0, and a mean does not
    count it. A batch of one identity, or of as many identities as rows, gives 0.

    The result does not depend on `chunk_size`, but for rounding. With it the memory for N² numbers is one
    for ``chunk_size * N``, and the gradient takes a third more operations, because it computes the
    distances of every chunk again.

    Not convex. Where several rows are equally far, the gradient is split among them. Rows that
    coincide have distance 0 with gradient 0, so a collapsed batch, whose loss is the margin, is a
    stationary point, and a negative that has collapsed onto its anchor is not pushed away.

    Others count an anchor without a positive, taking the row itself or a negative for one, or average
    over the losses that are not 0.

    References
    ----------
    Hermans, Beyer, Leibe, *In defense of the triplet loss for person re-identification*, 2017,
    arXiv:1703.07737; Schroff, Kalenichenko, Philbin, *FaceNet: a unified embedding for face recognition
    and clustering*, CVPR 2015, arXiv:1503.03832.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0], [5.0, 0.0]])
    >>> al.triplet_batch_hard_loss(x, np.asarray([0, 1, 1, 0]), margin=1.0, reduction="none").round(4)
    array([3.5858, 1.5858, 0.    , 0.    ])
    """
    xp, pairs, margin, squared, soft, chunk_size, done = enter_pairs(
        triplet_batch_hard_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        method=method,
        margin=margin,
        squared=squared,
        soft=soft,
        chunk_size=chunk_size,
    )
    items, mass = _batch_hard(xp, chunk_size, pairs, margin, squared, soft)
    return done(done.weigh(mass, items))


@loss(
    BY_PAIR,
    margin=NUMBER,
    squared=FLAG,
    fallback=choice("easiest", "none"),
    select=choice("nearest", "all"),
    method=DISTANCE_METHOD,
    **PAIRS,
)
def triplet_semi_hard_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    margin: float = 0.2,
    squared: bool = False,
    fallback: str = "easiest",
    select: str = "nearest",
    method: str = "direct",
    ref_where: Array | None = None,
    pos_mask: Array | None = None,
    neg_mask: Array | None = None,
    self_mask: Array | None = None,
    ignore_index: int | None = None,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Semi-hard triplet loss: each positive pair against the nearest negative beyond the positive.

    .. math::

        \ell_{ap} = \max(0,\; D_{ap} - D_{an^*} + m)
        \qquad n^* = \arg\min_{n:\, D_{an} > D_{ap}} D_{an}
        \qquad D_{ij} = \lVert x_i - x_j \rVert

    where :math:`p` runs over the other rows with the label of the anchor :math:`a` and :math:`n` over
    the rows with another label.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, taken as they are: normalise them before if they should be.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    margin : float, default 0.2
        The margin :math:`m`, in the unit of the distance.
    squared : bool, default False
        Whether :math:`D` is the squared distance.
    fallback : "easiest" or "none", default "easiest"
        What becomes of a positive pair without a negative beyond it. "easiest": it takes the farthest
        negative. "none": it is no item.
    select : "nearest" or "all", default "nearest"
        "all" takes every negative with :math:`D_{ap} < D_{an} \le D_{ap} + m`: an item is then a triplet,
        and `fallback` says nothing.
    method : "direct" or "gram", default "direct"
        How distances are computed: see :func:`triplet_batch_hard_loss`.
    ref_where, pos_mask, neg_mask, self_mask : arrays of bool dtype, shapes (M,) and (N, M), optional
        Which rows of `ref` count, which pairs are positive, which negative, and which are no pairs
        because both are one row: see :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a positive pair
        [a, p], or a triplet [a, p, n]; `where` and `sample_weight` have the shape (N,) of the rows, an
        item weighing what its anchor does. A row that is masked or of weight 0 is as if deleted from the
        batch.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N, M), for ``select="all"`` (N, M, M)
        In the unit of the distance. M is N without `ref`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    triplet_batch_hard_loss : The hardest positive and negative only.
    triplet_batch_all_loss : All triplets.

    Notes
    -----
    Two rows that are no positive pair, and those of an anchor without a negative, are no item. A batch of
    one identity, or of as many identities as rows, gives 0.

    The selection is a constant, and only what is selected has a gradient; it jumps where another negative
    is selected. Among negatives equally far the gradient is split. At the hinge, and where rows
    coincide, it is 0. Takes memory for ``chunk_size * M * M`` comparisons at a time. The result does not
    depend on `chunk_size`, but for rounding.

    The paper draws one of the negatives within the margin at random. Some implementations count positive
    pairs that have no negative, with a distance of 0 to one.

    References
    ----------
    Schroff, Kalenichenko, Philbin, *FaceNet: a unified embedding for face recognition and clustering*,
    CVPR 2015, arXiv:1503.03832.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.triplet_semi_hard_loss(x, labels, margin=1.0)), 6)
    0.478135
    """
    xp, pairs, margin, squared, fallback, select, chunk_size, done = enter_pairs(
        triplet_semi_hard_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        method=method,
        items="(n, m, m)" if select == "all" else None,
        margin=margin,
        squared=squared,
        fallback=fallback,
        select=select,
        chunk_size=chunk_size,
    )
    each = reduction == "none"
    items, mass = _semi_hard(xp, chunk_size, pairs, margin, squared, fallback, select, each)
    return done(done.weigh(mass, items))


@by_anchors
def _batch_all(
    xp: Namespace, pairs: Pairs, margin: Any, squared: bool, soft: bool, nonzero_only: bool, each: bool
) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    d = pairs.distances(xp, squared)
    if not each and not soft:
        number = number_of(xp, positive, d, axis=-1) * number_of(xp, negative, d, axis=-1)
        total, above = _hinges(xp, d + margin, positive, d, negative)
        return total, above if nonzero_only else number
    items = _hinge(xp, d[:, :, None] - d[:, None, :], margin, soft)
    triplets = positive[:, :, None] & negative[:, None, :]
    return counted(xp, items, triplets & ~(items <= 0) if nonzero_only else triplets, each)


def _hinges(xp: Namespace, a: Array, among_a: Array, b: Array, among_b: Array) -> tuple[Array, Array]:
    """Of every row Σ max(aᵢ - bⱼ, 0) over some i and some j, and how many of these are above 0."""
    size = a.shape[-1]
    if size == 0:  # which Dask does not sort
        return xp.sum(a, axis=-1), xp.sum(a, axis=-1)
    # In ascending order an a enters as often as there are b before it, a b as often as there are a after
    # it, and what stands at an infinity, because it is none, never does.
    both = xp.concat([xp.where(among_a, a, -math.inf), xp.where(among_b, b, math.inf)], axis=-1)
    is_b = xp.argsort(stop_gradient(xp, both), axis=-1, stable=True) >= size
    x = xp.sort(both, axis=-1, stable=True)
    b_before = cumulative_sum(xp, xp.astype(is_b, x.dtype))
    place = xp.astype(classes(xp, x), x.dtype)
    times = xp.where(is_b, b_before + (size - 1) - place, b_before)
    # What is subtracted from all cancels, but for the digits that it leaves.
    origin = stop_gradient(xp, x[:, size - 1 : size])
    never = (times == 0) & ~xp.isnan(x)
    above = xp.where(never, 0.0, x) - xp.where(never | xp.isinf(origin), 0.0, origin)
    return xp.sum(xp.where(is_b, -times, times) * above, axis=-1), xp.sum(xp.where(is_b, 0.0, times), axis=-1)


@by_anchors
def _batch_hard(xp: Namespace, pairs: Pairs, margin: Any, squared: bool, soft: bool) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    farthest, nearest = columns(xp, extremes(xp, pairs.remoteness(xp, squared), positive, negative))
    both = xp.any(positive, axis=-1) & xp.any(negative, axis=-1)
    farthest, nearest = (pairs.measured(xp, xp.where(both, q, 0.0), squared) for q in (farthest, nearest))
    return counted(xp, _hinge(xp, farthest - nearest, margin, soft), both)


@by_anchors
def _semi_hard(
    xp: Namespace, pairs: Pairs, margin: Any, squared: bool, fallback: str, select: str, each: bool
) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    d = pairs.distances(xp, squared)
    d_p, d_n = d[:, :, None], d[:, None, :]
    beyond = negative[:, None, :] & ~(d_n <= d_p)  # a NaN is, for the loss to have it
    if select == "all":
        triplets = positive[:, :, None] & beyond & ~(d_n - d_p > margin)
        return counted(xp, relu(xp, d_p - d_n + margin), triplets, each)
    nearest = -greatest(xp, xp.where(beyond, -d_n, -math.inf))
    some = xp.any(beyond, axis=-1)
    if fallback == "easiest":
        farthest = greatest(xp, xp.where(negative, d, -math.inf), keepdims=True)
        nearest, some = xp.where(some, nearest, farthest), xp.any(negative, axis=-1, keepdims=True)
    pair = positive & some
    return counted(xp, relu(xp, d - xp.where(pair, nearest, 0.0) + margin), pair, each)


def _hinge(xp: Namespace, excess: Array, margin: Any, soft: bool) -> Array:
    return softplus(xp, excess) if soft else relu(xp, excess + margin)
