"""Metric learning: losses of distances between embeddings."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.namespaces import device, index_dtype
from ._core.numeric import columns, greatest, largest, matmul, norm, relu, softplus, sqrt
from ._core.parameters import COUNT, FLAG, NUMBER, choice, optional
from ._core.registry import loss
from ._core.selections import extremes
from .autodiff.recompute import by_rows

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["triplet_batch_hard_loss"]

DISTANCE_METHOD = choice("direct", "gram")


@loss(
    "(n, d), (n) -> (n)",
    embeddings=REAL,
    labels=IDENTITIES,
    margin=NUMBER,
    squared=FLAG,
    soft=FLAG,
    method=DISTANCE_METHOD,
    chunk_size=optional(COUNT),
)
def triplet_batch_hard_loss(
    embeddings: A,
    labels: Array,
    /,
    *,
    margin: float = 0.2,
    squared: bool = False,
    soft: bool = False,
    ignore_index: int | None = None,
    method: str = "direct",
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
    margin : float, default 0.2
        The margin :math:`m`, in the unit of the distance.
    squared : bool, default False
        Whether :math:`D` is the squared distance.
    soft : bool, default False
        Whether the hinge is replaced by :math:`\log(1 + e^{\max D - \min D})`, which has no margin.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not in the batch.
    method : "direct" or "gram", default "direct"
        How distances are computed. "direct" forms all differences, in memory for N² D numbers.
        "gram" expands the square into a matrix product, in memory for N², and loses the distances
        that are small against the norms.
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
    arXiv:1703.07737; Schroff, Kalenichenko, Philbin, *FaceNet*, CVPR 2015, arXiv:1503.03832.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0], [5.0, 0.0]])
    >>> al.triplet_batch_hard_loss(x, np.asarray([0, 1, 1, 0]), margin=1.0, reduction="none").round(4)
    array([3.5858, 1.5858, 0.    , 0.    ])
    """
    xp, x, labels, margin, squared, soft, method, chunk_size, done = enter(
        triplet_batch_hard_loss,
        (embeddings, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        margin=margin,
        squared=squared,
        soft=soft,
        method=method,
        chunk_size=chunk_size,
    )
    row = xp.arange(labels.shape[0], dtype=index_dtype(xp), device=device(xp, labels))
    here = None if done.where is None else xp.broadcast_to(done.where, labels.shape)
    scale = square = None
    if method == "gram":
        scale = largest(xp, x, axis=(-2, -1))
        x = x / scale
        square = xp.sum(x * x, axis=-1)
    farthest, nearest = _hardest(xp, chunk_size, x, labels, row, x, labels, row, square, here, squared)
    pairs = (farthest != -math.inf) & _differ(xp, labels, here)
    done.drop(pairs)
    farthest, nearest = xp.where(pairs, farthest, 0.0), xp.where(pairs, nearest, 0.0)
    if scale is not None:
        farthest, nearest = (_of_gram(xp, q + square, scale, squared) for q in (farthest, nearest))
    excess = farthest - nearest
    return done(softplus(xp, excess) if soft else relu(xp, excess + margin))


def _differ(xp: Namespace, labels: Array, here: Array | None) -> Array:
    """Whether there are two labels: then every row has a negative."""
    if here is None:
        return xp.any(labels != greatest(xp, labels))
    return xp.any(here & (labels != greatest(xp, xp.where(here, labels, xp.iinfo(labels.dtype).min))))


@by_rows(0, 0, 0, None, None, None, None, None, None)
def _hardest(
    xp: Namespace,
    anchor: Array,
    label: Array,
    index: Array,
    x: Array,
    labels: Array,
    row: Array,
    square: Array | None,
    here: Array | None,
    squared: bool,
) -> list[Array]:
    """Of each anchor the distances to its farthest positive, or -inf, and to its nearest negative.

    With the squares of the rows it is the square of a distance, less that of the anchor, which is the
    same for all: it is to be added to what is selected, and of that the root taken.
    """
    same = label[:, None] == labels
    positive, negative = same & (index[:, None] != row), ~same
    if here is not None:
        positive, negative = positive & here, negative & here
    if square is not None:
        distance = square + matmul(xp, -2 * anchor, xp.permute_dims(x, (1, 0)))
    else:
        difference = anchor[:, None, :] - x
        distance = xp.sum(difference * difference, axis=-1) if squared else norm(xp, difference)
    return list(columns(xp, extremes(xp, distance, positive, negative)))


def _of_gram(xp: Namespace, q: Array, scale: Array, squared: bool) -> Array:
    """The distance of a square in units of `scale`, which rounding may have left below 0; or its square."""
    scale, q = xp.squeeze(scale, axis=-1), relu(xp, q)
    return q * (scale * scale) if squared else scale * sqrt(xp, q)
