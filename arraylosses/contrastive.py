"""Contrastive learning: the positive against all that stands beside it, by a softmax."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.in_batch import row_cross_entropy
from ._core.numeric import exponentials, lead, matmul, softplus, unit
from ._core.parameters import COUNT, FLAG, NONNEGATIVE, POSITIVE, optional
from ._core.registry import loss
from .autodiff.recompute import by_rows

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["n_pair_loss", "info_nce_loss"]


@loss(
    "(n, d), (n, d), (n) -> (n)",
    anchors=REAL,
    positives=REAL,
    labels=IDENTITIES,
    l2_reg=NONNEGATIVE,
    chunk_size=optional(COUNT),
)
def n_pair_loss(
    anchors: A,
    positives: Array,
    labels: Array | None = None,
    /,
    *,
    l2_reg: float | Array = 0.0,
    chunk_size: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""N-pair loss: each anchor picks its positive among those of all anchors.

    .. math::

        \ell_i = \log \sum_j e^{a_i \cdot p_j} - a_i \cdot p_i
        + \frac{\lambda}{4} \bigl(\lVert a_i \rVert^2 + \lVert p_i \rVert^2\bigr)

    Parameters
    ----------
    anchors : array of real floating dtype, shape (N, D)
        The embeddings :math:`a`, taken as they are: their length is how sure they are.
    positives : array of real dtype, shape (N, D)
        The embeddings :math:`p`, row by row of the class of the anchor.
    labels : array of integer dtype, shape (N,), optional
        The class of each row. Only equality counts: all positives of the class of an anchor have the
        same share of the target. By default the classes of all rows differ.
    l2_reg : float, default 0.0
        The coefficient :math:`\lambda \ge 0` of the squared lengths. Other code has 0.002.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an anchor; `where`
        and `sample_weight` have the shape (N,) of the rows. A row that is masked or of weight 0 is as if
        deleted from the batch: it is nobody's negative either.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    info_nce_loss : The same with a temperature, and with negatives of its own.

    Notes
    -----
    Of a single row the cross-entropy is 0. With k rows of one class it is at least log k, the entropy of
    the target. Convex in the anchors, and in the positives.

    The result does not depend on `chunk_size`, but for rounding. With it the memory for N² numbers is one
    for ``chunk_size * N``; the gradient computes the products of every chunk again.

    Some implementations normalise the embeddings, or pick one pair of each class themselves.

    References
    ----------
    Sohn, *Improved deep metric learning with multi-class N-pair loss objective*, NIPS 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> anchors, positives = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([[0.8, 0.6], [-0.6, 0.8]])
    >>> round(float(al.n_pair_loss(anchors, positives)), 6)
    0.409278
    """
    xp, a, p, labels, l2_reg, chunk_size, done = enter(
        n_pair_loss,
        (anchors, positives, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        l2_reg=l2_reg,
        chunk_size=chunk_size,
    )
    here = None if done.where is None else done.kept(a[:, 0])
    items = row_cross_entropy(xp, chunk_size, a, p, labels, here)
    if not isinstance(l2_reg, float) or l2_reg > 0:
        items = items + l2_reg / 4 * (xp.sum(a * a, axis=-1) + xp.sum(p * p, axis=-1))
    return done(items)


@loss(
    "(n, d), (n, d), (k, d) -> (n) | (n, d), (n, d), (n, k, d) -> (n)",
    query=REAL,
    positive=REAL,
    negatives=REAL,
    temperature=POSITIVE,
    normalize=FLAG,
    chunk_size=optional(COUNT),
)
def info_nce_loss(
    query: A,
    positive: Array,
    negatives: Array | None = None,
    /,
    *,
    temperature: float | Array = 0.07,
    normalize: bool = False,
    chunk_size: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""InfoNCE loss: each query picks its positive among negatives.

    .. math::

        \ell = -\log \frac{e^{q \cdot k^+ / \tau}}{e^{q \cdot k^+ / \tau} + \sum_j e^{q \cdot k^-_j / \tau}}

    Parameters
    ----------
    query : array of real floating dtype, shape (N, D)
        The queries :math:`q`.
    positive : array of real dtype, shape (N, D)
        The positive :math:`k^+` of each query.
    negatives : array of real dtype, shape (K, D) or (N, K, D), optional
        The negatives :math:`k^-`: the same of all queries, such as a queue of earlier keys, or those of
        each. By default the positives of the other rows.
    temperature : float, default 0.07
        The temperature :math:`\tau > 0`, or its learned value as an array of shape ().
    normalize : bool, default False
        Whether embeddings are made vectors of length 1. By default they are taken as they are: normalise
        them before if they should be.
    chunk_size : int, optional
        How many queries are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a query; `where`
        and `sample_weight` have the shape (N,) of the rows. A row that is masked or of weight 0 is as if
        deleted from the batch: its positive is nobody's negative either.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    clip_loss : Both directions between two views.
    n_pair_loss : The same without a temperature.

    Notes
    -----
    Without negatives (K of 0, or a single row) the loss is 0. A zero vector that is normalised stays 0,
    with gradient 0.

    The result does not depend on `chunk_size`, but for rounding. With it no more than ``chunk_size`` rows
    of products are held; the gradient computes those of every chunk again.

    References
    ----------
    van den Oord, Li, Vinyals, *Representation learning with contrastive predictive coding*, 2018,
    arXiv:1807.03748; He, Fan, Wu, Xie, Girshick, *Momentum contrast for unsupervised visual representation
    learning*, CVPR 2020, arXiv:1911.05722.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> query, positive = np.asarray([[1.0, 0.0]]), np.asarray([[0.8, 0.6]])
    >>> negatives = np.asarray([[0.0, 1.0], [-0.6, 0.8]])
    >>> round(float(al.info_nce_loss(query, positive, negatives, temperature=0.5)), 6)
    0.233257
    """
    xp, q, positive, negatives, temperature, normalize, chunk_size, done = enter(
        info_nce_loss,
        (query, positive, negatives),
        sample_weight,
        where,
        reduction,
        normalizer,
        temperature=temperature,
        normalize=normalize,
        chunk_size=chunk_size,
    )
    if normalize:
        q, positive = unit(xp, q), unit(xp, positive)
        negatives = None if negatives is None else unit(xp, negatives)
    q = q / temperature
    if negatives is None:
        here = None if done.where is None else done.kept(q[:, 0])
        return done(row_cross_entropy(xp, chunk_size, q, positive, None, here))
    own = xp.sum(q * positive, axis=-1)
    if negatives.shape[-2] == 0:
        return done(0 * own)
    against = _against_all if negatives.ndim == 2 else _against_its_own
    return done(against(xp, chunk_size, q, own, negatives)[0])


@by_rows(0, 0, None)
def _against_all(xp: Namespace, q: Array, own: Array, negatives: Array) -> list[Array]:
    """The cross-entropy of what is `own` against negatives that are the same for all."""
    return [_cross_entropy(xp, own, matmul(xp, q, xp.permute_dims(negatives, (1, 0))))]


@by_rows(0, 0, 0)
def _against_its_own(xp: Namespace, q: Array, own: Array, negatives: Array) -> list[Array]:
    """The cross-entropy of what is `own` against negatives of each."""
    return [_cross_entropy(xp, own, xp.squeeze(matmul(xp, negatives, q[:, :, None]), axis=-1))]


def _cross_entropy(xp: Namespace, own: Array, z: Array) -> Array:
    return softplus(xp, -lead(xp, own, *exponentials(xp, z)))
