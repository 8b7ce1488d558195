"""Metric learning: losses of distances between embeddings."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.namespaces import device, index_dtype
from ._core.numeric import largest, matmul, maximum_where, norm, relu, softplus, sqrt
from ._core.parameters import FLAG, NUMBER, choice
from ._core.registry import loss

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
    xp, x, labels, margin, squared, soft, method, done = enter(
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
    )
    positive, negative = _pairs(xp, labels, done.where)
    distance = _pairwise_distances(xp, x, method, squared)
    farthest = maximum_where(xp, distance, positive)
    nearest = -maximum_where(xp, -distance, negative)
    done.drop(xp.any(positive, axis=-1) & xp.any(negative, axis=-1))
    excess = farthest - nearest
    return done(softplus(xp, excess) if soft else relu(xp, excess + margin))


def _pairs(xp: Namespace, labels: Array, where: Array | None) -> tuple[Array, Array]:
    """Which rows are positives (other rows of its label) and which negatives of each anchor."""
    same = labels[:, None] == labels[None, :]
    row = xp.arange(labels.shape[0], dtype=index_dtype(xp), device=device(xp, labels))
    positive, negative = same & (row[:, None] != row[None, :]), ~same
    if where is None:
        return positive, negative
    here = xp.broadcast_to(where, labels.shape)
    both = here[:, None] & here[None, :]
    return positive & both, negative & both


def _pairwise_distances(xp: Namespace, x: Array, method: str, squared: bool) -> Array:
    """The Euclidean distance of every two rows, or its square; 0 with derivative 0 where they coincide."""
    if method == "direct":
        difference = x[:, None, :] - x[None, :, :]
        return xp.sum(difference * difference, axis=-1) if squared else norm(xp, difference)
    scale = largest(xp, x, axis=(-2, -1))
    x = x / scale
    square = xp.sum(x * x, axis=-1)
    row = xp.arange(x.shape[0], dtype=index_dtype(xp), device=device(xp, x))
    # Rounding may leave a square slightly below 0, or that of a row and itself off 0.
    apart = row[:, None] != row[None, :]
    q = relu(xp, square[:, None] + square[None, :] - 2 * matmul(xp, x, xp.permute_dims(x, (1, 0))))
    q = xp.where(apart, q, 0.0)
    return q * (scale * scale) if squared else scale * sqrt(xp, q)
