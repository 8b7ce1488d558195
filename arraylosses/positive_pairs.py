"""Metric learning: each positive pair of a batch against all the negatives of its rows."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.numeric import (
    log_add_exp,
    matmul,
    relu,
    softplus,
    square,
)
from ._core.pairs import (
    BATCH,
    BY_PAIR,
    DISTANCE_METHOD,
    IN_BATCH,
    PAIRS,
    Pairs,
    by_anchors,
    counted,
    enter_pairs,
    log_sum_exp_over,
)
from ._core.parameters import FLAG, NUMBER, Rule
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["lifted_structure_loss", "angular_loss"]

ACUTE = Rule("be between 0 and 90, in degrees", lambda v: 0 < v < 90, (0.0, -45.0, 90.0, float("nan")))


@loss(IN_BATCH, margin=NUMBER, generalized=FLAG, method=DISTANCE_METHOD, **BATCH)
def lifted_structure_loss(
    embeddings: A,
    labels: Array,
    /,
    *,
    margin: float = 1.0,
    generalized: bool = False,
    method: str = "direct",
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
    r"""Lifted structure loss: each positive pair against all negatives of its two rows.

    .. math::

        \ell_{ij} = \tfrac12 \max(0, J_{ij})^2
        \qquad
        J_{ij} = D_{ij} + \log\Bigl(\sum_{k \in N_i} e^{m - D_{ik}} + \sum_{l \in N_j} e^{m - D_{jl}}\Bigr)

    with the distances :math:`D_{ij} = \lVert x_i - x_j \rVert`,
    where :math:`j` runs over the other rows with the label of :math:`i`, and :math:`N_i` are the rows
    with another label.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, taken as they are: normalise them before if they should be.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    margin : float, default 1.0
        The margin :math:`m`, in the unit of the distance.
    generalized : bool, default False
        Whether an item is an anchor, of which all positives are pulled at once:
        :math:`\max(0, \log \sum_{p \in P_i} e^{D_{ip}} + \log \sum_{k \in N_i} e^{m - D_{ik}})`.
    method : "direct" or "gram", default "direct"
        How distances are computed: see :func:`triplet_batch_hard_loss`.
    pos_mask, neg_mask, self_mask : arrays of bool dtype, shape (N, N), optional
        Which pairs are positive, which negative, and which are no pairs because both are one row: see
        :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an ordered
        positive pair [i, j], or an anchor; `where` and `sample_weight` have the shape (N,) of the
        rows, a pair weighing what its anchor does. A row that is masked or of weight 0 is as if deleted
        from the batch.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N, N), if `generalized` (N,)
        In the square of the unit of the distance; if `generalized` in that unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    triplet_batch_hard_loss : The hardest positive and negative only.

    Notes
    -----
    :math:`J` is symmetric, so that a mean over ordered pairs is that of the paper, which divides the
    sum over unordered ones of :math:`\max(0, J)^2` by twice their number. A pair whose rows have no
    negative costs 0, and counts; an anchor without a positive is no item.

    A smooth upper bound of the loss of the hardest negative. At :math:`J = 0` and where rows coincide
    the gradient is 0. The result does not depend on `chunk_size`, but for rounding.

    Some implementations normalise the embeddings, or take the negatives of one row only.

    References
    ----------
    Oh Song, Xiang, Jegelka, Savarese, *Deep metric learning via lifted structured feature embedding*,
    CVPR 2016, arXiv:1511.06452; Hermans, Beyer, Leibe, *In defense of the triplet loss for person
    re-identification*, 2017, arXiv:1703.07737, for the generalised form.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.lifted_structure_loss(x, labels)), 6)
    1.432825
    """
    xp, pairs, margin, generalized, chunk_size, done = enter_pairs(
        lifted_structure_loss,
        (embeddings, labels),
        (None, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        method=method,
        items="(n)" if generalized is True else None,
        margin=margin,
        generalized=generalized,
        chunk_size=chunk_size,
    )
    if generalized:
        items, mass = _generalized_lifted(xp, chunk_size, pairs, margin)
        return done(done.weigh(mass, items))
    pushed, _ = _push(xp, chunk_size, pairs, margin)
    items, mass = _lifted(xp, chunk_size, pairs, pushed, pushed, reduction == "none")
    return done(done.weigh(mass, items))


@by_anchors
def _push(xp: Namespace, pairs: Pairs, margin: Any) -> tuple[Array, Array]:
    """log Σ exp(m - D) over the negatives of each anchor."""
    _, negative = pairs.sets(xp)
    pushed = log_sum_exp_over(xp, margin - pairs.distances(xp), negative)
    return pushed, xp.ones_like(pushed)


@by_anchors(rows=1)
def _lifted(xp: Namespace, pairs: Pairs, mine: Array, theirs: Array, each: bool) -> tuple[Array, Array]:
    positive, _ = pairs.sets(xp)
    j = pairs.distances(xp) + log_add_exp(xp, mine[:, None], theirs)
    return counted(xp, square(xp, relu(xp, j)) / 2, positive, each)


@by_anchors
def _generalized_lifted(xp: Namespace, pairs: Pairs, margin: Any) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    d = pairs.distances(xp)
    pulled, pushed = log_sum_exp_over(xp, d, positive), log_sum_exp_over(xp, margin - d, negative)
    return counted(xp, relu(xp, pulled + pushed), xp.any(positive, axis=-1))


@loss(BY_PAIR, alpha=ACUTE, **PAIRS)
def angular_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    alpha: float = 45.0,
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
    r"""Angular loss: bounds the angle at the negative of every triplet.

    .. math::

        \ell_{ap} = \log\Bigl(1 + \sum_{n \in N_a} e^{f_{apn}}\Bigr)
        \qquad f_{apn} = 4 \tan^2\alpha\; (S_{an} + S_{pn}) - 2 (1 + \tan^2\alpha)\, S_{ap}

    where :math:`p` runs over the other rows with the label of the anchor :math:`a`, :math:`N_a` are the
    rows with another label, and :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)`
    is the cosine.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, of any length: they are normalised.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    alpha : float, default 45.0
        The bound :math:`0 < \alpha < 90` of the angle, in degrees.
    ref_where, pos_mask, neg_mask, self_mask : arrays of bool dtype, shapes (M,) and (N, M), optional
        Which rows of `ref` count, which pairs are positive, which negative, and which are no pairs
        because both are one row: see :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an ordered
        positive pair [a, p]; `where` and `sample_weight` have the shape (N,) of the rows, a pair
        weighing what its anchor does. A row that is masked or of weight 0 is as if deleted from the batch.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N, M)
        In nats. M is N without `ref`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    n_pair_loss : The same softmax over similarities as they are.

    Notes
    -----
    A pair that is no positive one, or whose anchor has no negative, is no item. Angles do not change
    with the size of a triplet, so the loss does not either: all three rows are normalised.

    Smooth. A zero vector has the cosine 0 with everything, and gradient 0. Takes memory for
    ``chunk_size * M * M`` numbers at a time. The result does not depend on `chunk_size`, but for rounding.

    Some implementations leave the negatives as long as they are.

    References
    ----------
    Wang, Zhou, Wen, Liu, Lin, *Deep metric learning with angular loss*, ICCV 2017, arXiv:1708.01682.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.angular_loss(x, labels)), 6)
    0.373649
    """
    xp, pairs, alpha, chunk_size, done = enter_pairs(
        angular_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        normalize=True,
        alpha=alpha,
        chunk_size=chunk_size,
    )
    items, mass = _angular(xp, chunk_size, pairs, _tan2(xp, alpha), reduction == "none")
    return done(done.weigh(mass, items))


def _tan2(xp: Namespace, degrees: Any) -> Any:
    """The square of the tangent."""
    if isinstance(degrees, float):
        return math.tan(math.radians(degrees)) ** 2
    radians = degrees * (math.pi / 180)
    return square(xp, xp.sin(radians) / xp.cos(radians))


@by_anchors
def _angular(xp: Namespace, pairs: Pairs, tan2: Any, each: bool) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    s = pairs.products(xp)
    s_pn = matmul(xp, pairs.ref, xp.permute_dims(pairs.ref, (1, 0)))
    pushed = log_sum_exp_over(xp, 4 * tan2 * (s[:, None, :] + s_pn), negative[:, None, :])
    items = softplus(xp, pushed - 2 * (1 + tan2) * s)
    return counted(xp, items, positive & xp.any(negative, axis=-1, keepdims=True), each)
