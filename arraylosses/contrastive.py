"""Contrastive learning: the positive against all that stands beside it, by a softmax."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.numeric import exponentials, lead, matmul, softplus, unit
from ._core.pairs import (
    BY_PAIR,
    BY_ROW,
    PAIRS,
    Pairs,
    by_anchors,
    counted,
    enter_pairs,
    log_softmax_over,
    log_sum_exp_over,
)
from ._core.parameters import COUNT, FLAG, NONNEGATIVE, POSITIVE, choice, optional
from ._core.reductions import mean_over, number_of
from ._core.registry import loss
from ._core.row_softmax import row_cross_entropy
from .autodiff.recompute import by_rows

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["n_pair_loss", "info_nce_loss", "nt_xent_loss", "sup_con_loss"]


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
    /,
    labels: Array | None = None,
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
    here = done.rows(a)
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
    /,
    negatives: Array | None = None,
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
        here = done.rows(q)
        return done(row_cross_entropy(xp, chunk_size, q, positive, None, here))
    own = xp.sum(q * positive, axis=-1)
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


@loss(BY_PAIR, temperature=POSITIVE, denominator=choice("one_positive", "all"), **PAIRS)
def nt_xent_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    temperature: float = 0.07,
    denominator: str = "one_positive",
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
    r"""Normalised-temperature cross-entropy of every positive pair of a batch: SimCLR's loss.

    .. math::

        \ell_{ap} = -\log \frac{e^{S_{ap} / \tau}}{\sum_{j \in Z} e^{S_{aj} / \tau}}

    where :math:`p` runs over the other rows with the label of the anchor :math:`a`, :math:`Z` is
    :math:`p` with all rows of another label, and
    :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)` is the cosine.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, of any length: they are normalised.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts. Of two views of N things,
        one after the other, the labels are 0 … N - 1 twice.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    temperature : float, default 0.07
        The temperature :math:`\tau > 0`.
    denominator : "one_positive" or "all", default "one_positive"
        What the positive competes with. "all": the other positives too, as in SimCLR. With one
        positive for each anchor the two are the same.
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
    sup_con_loss : The mean over the positives of each anchor.
    info_nce_loss : For positives and negatives that are given.

    Notes
    -----
    Two rows that are no positive pair are no item; without any the loss is 0. An anchor without a
    negative costs 0 with "one_positive". Rows that coincide with the anchor under another label are
    negatives like any other.

    Smooth, and right to the last digits where a positive is ahead of everything, and at any
    temperature. A zero vector has the cosine 0 with everything, and gradient 0. The result does not depend on
    `chunk_size`, but for rounding.

    Some implementations saturate where the ratio underflows, return NaN where there is no positive
    pair, or twice this for two views.

    References
    ----------
    Sohn, *Improved deep metric learning with multi-class N-pair loss objective*, NIPS 2016; Chen,
    Kornblith, Norouzi, Hinton, *A simple framework for contrastive learning of visual representations*,
    ICML 2020, arXiv:2002.05709.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.nt_xent_loss(x, labels, temperature=0.5)), 6)
    0.43019
    """
    xp, pairs, temperature, denominator, chunk_size, done = enter_pairs(
        nt_xent_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        normalize=True,
        temperature=temperature,
        denominator=denominator,
        chunk_size=chunk_size,
    )
    items, mass = _nt_xent(xp, chunk_size, pairs, temperature, denominator, reduction == "none")
    return done(done.weigh(mass, items))


@by_anchors
def _nt_xent(
    xp: Namespace, pairs: Pairs, temperature: Any, denominator: str, each: bool
) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    z = pairs.products(xp) / temperature
    if denominator == "all":
        items = -log_softmax_over(xp, z, positive | negative)
    else:
        m, s = exponentials(xp, xp.where(negative, z, -math.inf))
        items = softplus(xp, -lead(xp, z, m[:, None], s[:, None]))
    return counted(xp, items, positive, each)


@loss(
    BY_ROW,
    temperature=POSITIVE,
    base_temperature=optional(POSITIVE),
    variant=choice("out", "in"),
    **PAIRS,
)
def sup_con_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    temperature: float = 0.1,
    base_temperature: float | None = None,
    variant: str = "out",
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
    r"""Supervised contrastive loss: each anchor against all rows with its label.

    .. math::

        \ell_a = -\frac{1}{|P_a|} \sum_{p \in P_a}
        \log \frac{e^{S_{ap} / \tau}}{\sum_{j \ne a} e^{S_{aj} / \tau}}

    where :math:`P_a` are the other rows with the label of the anchor :math:`a`, and
    :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)` is the cosine.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, of any length: they are normalised.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    temperature : float, default 0.1
        The temperature :math:`\tau > 0`.
    base_temperature : float, optional
        If given, the loss is multiplied by `temperature` / `base_temperature`.
    variant : "out" or "in", default "out"
        Where the mean over the positives stands. "in": within the logarithm,
        :math:`-\log \frac{1}{|P_a|} \sum_p e^{S_{ap} / \tau} / \sum_j e^{S_{aj} / \tau}`.
    ref_where, pos_mask, neg_mask, self_mask : arrays of bool dtype, shapes (M,) and (N, M), optional
        Which rows of `ref` count, which pairs are positive, which negative, and which are no pairs
        because both are one row: see :doc:`/conventions`.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an anchor;
        `where` and `sample_weight` have the shape (N,) of the rows. A row that is masked or of weight 0
        is as if deleted from the batch.

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
    nt_xent_loss : A mean over positive pairs.

    Notes
    -----
    An anchor without a positive is no item: its loss is 0, and a mean does not count it. In the
    denominator stand the positive and the negative rows, so that a batch of one identity is still spread
    over its positives evenly. With one positive for each anchor it is :func:`nt_xent_loss` with
    ``denominator="all"``. Of several views of each thing, (N, V, D), the rows are those of
    ``xp.reshape(views, (N * V, D))``, with each label V times.

    Smooth. A zero vector has the cosine 0 with everything, and gradient 0. The result does not depend on
    `chunk_size`, but for rounding.

    The official implementation divides by all anchors, and multiplies by `temperature` / 0.07.

    References
    ----------
    Khosla, Teterwak, Wang, Sarna, Tian, Isola, Maschinot, Liu, Krishnan, *Supervised contrastive
    learning*, NeurIPS 2020, arXiv:2004.11362.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.sup_con_loss(x, labels)), 6)
    0.06378
    """
    xp, pairs, temperature, base_temperature, variant, chunk_size, done = enter_pairs(
        sup_con_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        normalize=True,
        temperature=temperature,
        base_temperature=base_temperature,
        variant=variant,
        chunk_size=chunk_size,
    )
    items, mass = _sup_con(xp, chunk_size, pairs, temperature, variant)
    if base_temperature is not None:
        items = items * (temperature / base_temperature)
    return done(done.weigh(mass, items))


@by_anchors
def _sup_con(xp: Namespace, pairs: Pairs, temperature: Any, variant: str) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    log_p = log_softmax_over(xp, pairs.products(xp) / temperature, positive | negative)
    number = number_of(xp, positive, log_p, axis=-1)
    if variant == "out":
        items = -mean_over(xp, log_p, positive)
    else:
        some = number > 0
        items = xp.log(xp.where(some, number, 1.0)) - xp.where(
            some, log_sum_exp_over(xp, log_p, positive), 0.0
        )
    return counted(xp, items, number > 0)
