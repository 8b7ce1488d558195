"""Metric learning from the similarities of all pairs in a batch."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.namespaces import device, stop_gradient
from ._core.numeric import (
    absolute,
    clip,
    columns,
    cumulative_sum,
    divide,
    keep,
    relu,
    softplus,
    unit,
)
from ._core.pairs import (
    BY_ROW,
    PAIRS,
    Pairs,
    by_anchors,
    counted,
    enter_pairs,
    log_sum_exp_over,
    pairs_of,
)
from ._core.parameters import COUNT, NONNEGATIVE, NUMBER, POSITIVE, optional
from ._core.reductions import number_of
from ._core.registry import loss
from ._core.selections import extremes

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["multi_similarity_loss", "circle_loss", "histogram_loss"]


@loss(BY_ROW, alpha=POSITIVE, beta=POSITIVE, base=NUMBER, epsilon=optional(NONNEGATIVE), **PAIRS)
def multi_similarity_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float | None = None,
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
    r"""Multi-similarity loss: similarities against a base and, if mined, against one another.

    .. math::

        \ell_a = \frac1\alpha \log\Bigl(1 + \sum_{p \in P_a} e^{-\alpha (S_{ap} - \lambda)}\Bigr)
        + \frac1\beta \log\Bigl(1 + \sum_{n \in N_a} e^{\beta (S_{an} - \lambda)}\Bigr)

    where :math:`P_a` are the other rows with the label of the anchor :math:`a`, and :math:`N_a` the rows
    with another label; :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)`
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
    alpha : float, default 2.0
        How steeply positives are pulled, :math:`\alpha > 0`.
    beta : float, default 50.0
        How steeply negatives are pushed, :math:`\beta > 0`.
    base : float, default 0.5
        The similarity :math:`\lambda` from which positives fall short and negatives exceed.
    epsilon : float, optional
        The slack :math:`\epsilon \ge 0` of the mining: only negatives with
        :math:`S_{an} > \min_p S_{ap} - \epsilon` and positives with
        :math:`S_{ap} < \max_n S_{an} + \epsilon` are taken, and an anchor that is left without one or the
        other costs 0. By default all are taken.
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
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    circle_loss : Pairs that are weighed by how far they are from where they should be.

    Notes
    -----
    Every row is an item: without a positive or without a negative its term is 0. So a batch of one
    identity is still pulled together, and one of as many identities as rows pushed apart.

    Smooth, but for the jumps of the mining, whose selection is a constant. A zero vector has the
    cosine 0 with everything, and gradient 0. The result does not depend on `chunk_size`, but for rounding.

    Some implementations drop the pairs of almost equal rows, which takes true duplicates out.

    References
    ----------
    Wang, Han, Huang, Dong, Scott, *Multi-similarity loss with general pair weighting for deep metric
    learning*, CVPR 2019, arXiv:1904.06627.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.multi_similarity_loss(x, labels)), 6)
    0.268811
    """
    xp, pairs, alpha, beta, base, epsilon, chunk_size, done = enter_pairs(
        multi_similarity_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        normalize=True,
        alpha=alpha,
        beta=beta,
        base=base,
        epsilon=epsilon,
        chunk_size=chunk_size,
    )
    items, mass = _multi_similarity(xp, chunk_size, pairs, alpha, beta, base, epsilon)
    return done(done.weigh(mass, items))


@by_anchors
def _multi_similarity(
    xp: Namespace, pairs: Pairs, alpha: Any, beta: Any, base: Any, epsilon: Any
) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    s = pairs.products(xp)
    if epsilon is not None:
        most, least = (
            x[:, None] for x in columns(xp, extremes(xp, stop_gradient(xp, s), negative, positive))
        )
        positive, negative = positive & (s - epsilon < most), negative & (s + epsilon > least)
    pulled = softplus(xp, log_sum_exp_over(xp, -alpha * (s - base), positive)) / alpha
    pushed = softplus(xp, log_sum_exp_over(xp, beta * (s - base), negative)) / beta
    items = pulled + pushed
    if epsilon is not None:
        items = xp.where(xp.any(positive, axis=-1) & xp.any(negative, axis=-1), items, 0.0)
    return items, xp.ones_like(items)


@loss(BY_ROW, margin=NUMBER, gamma=POSITIVE, **PAIRS)
def circle_loss(
    embeddings: A,
    labels: Array,
    /,
    ref: Array | None = None,
    ref_labels: Array | None = None,
    *,
    margin: float = 0.4,
    gamma: float = 80.0,
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
    r"""Circle loss: every pair is weighed by how far its similarity is from where it should be.

    .. math::

        \ell_a = \log\Bigl(1 + \sum_{p \in P_a} e^{-\gamma\, \alpha_{ap} (S_{ap} - (1 - m))}
        \sum_{n \in N_a} e^{\gamma\, \alpha_{an} (S_{an} - m)}\Bigr)
        \qquad
        \begin{aligned}
        \alpha_{ap} &= \max(0, 1 + m - S_{ap}) \\ \alpha_{an} &= \max(0, S_{an} + m)
        \end{aligned}

    where :math:`P_a` are the other rows with the label of the anchor :math:`a`, and :math:`N_a` the rows
    with another label; :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)`
    is the cosine, and the weights :math:`\alpha` are constants.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, of any length: they are normalised.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    ref, ref_labels : arrays of shape (M, D) and (M,), optional
        The rows that the anchors are compared with, such as a memory of earlier batches, and their
        labels. By default the batch itself.
    margin : float, default 0.4
        The relaxation :math:`m`: similarities are led to :math:`1 + m` and :math:`-m`, and the boundary
        between the two is a circle.
    gamma : float, default 80.0
        The scale :math:`\gamma > 0`.
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
    multi_similarity_loss : Pairs that are weighed by their neighbours.

    Notes
    -----
    An anchor without a positive or without a negative is no item: its loss is 0, and a mean does not
    count it. With ``ref=weight`` and ``ref_labels=xp.arange(C)`` it is the loss of class labels.

    The gradient in the embeddings holds :math:`\alpha` constant, as the paper has it: it is not the slope
    of the value. A
    zero vector has the cosine 0 with everything, and gradient 0. The paper takes (m, γ) = (0.25, 256)
    for faces and (0.25, 128) for persons. The result does not depend on `chunk_size`, but for rounding.

    References
    ----------
    Sun, Cheng, Zhang, Zhang, Zheng, Wang, Wei, *Circle loss: a unified perspective of pair similarity
    optimization*, CVPR 2020, arXiv:2002.10857.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.circle_loss(x, labels)), 6)
    3.200864
    """
    xp, pairs, margin, gamma, chunk_size, done = enter_pairs(
        circle_loss,
        (embeddings, labels, ref, ref_labels),
        (ref_where, pos_mask, neg_mask, self_mask),
        (sample_weight, where, reduction, normalizer),
        ignore_index=ignore_index,
        normalize=True,
        margin=margin,
        gamma=gamma,
        chunk_size=chunk_size,
    )
    items, mass = _circle(xp, chunk_size, pairs, margin, gamma)
    return done(done.weigh(mass, items))


@by_anchors
def _circle(xp: Namespace, pairs: Pairs, margin: Any, gamma: Any) -> tuple[Array, Array]:
    positive, negative = pairs.sets(xp)
    s = pairs.products(xp)
    fixed = stop_gradient(xp, s)
    alpha_p, alpha_n = relu(xp, 1 + margin - fixed), relu(xp, fixed + margin)
    pulled = log_sum_exp_over(xp, -gamma * alpha_p * (s - (1 - margin)), positive)
    pushed = log_sum_exp_over(xp, gamma * alpha_n * (s - margin), negative)
    both = xp.any(positive, axis=-1) & xp.any(negative, axis=-1)
    return counted(xp, softplus(xp, pulled + pushed), both)


@loss(
    "(n, d), (n) -> ()",
    mask="(n)",
    embeddings=REAL,
    labels=IDENTITIES,
    bins=COUNT,
    chunk_size=optional(COUNT),
)
def histogram_loss(
    embeddings: A,
    labels: Array,
    /,
    *,
    bins: int = 100,
    ignore_index: int | None = None,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Histogram loss: how likely a negative pair is more similar than a positive one.

    .. math::

        \ell = \sum_r h^-_r \sum_{q \le r} h^+_q
        \qquad h^\pm_r = \frac{1}{|\mathcal P^\pm|} \sum_{(i, j) \in \mathcal P^\pm}
        \max\Bigl(0, 1 - \frac{|S_{ij} - t_r|}{\Delta}\Bigr)

    where :math:`\mathcal P^+` are the pairs of rows with one label and :math:`\mathcal P^-` the others,
    :math:`t_r` the nodes from -1 to 1 at distances of :math:`\Delta`, and
    :math:`S_{ij} = x_i \cdot x_j / (\lVert x_i \rVert\,\lVert x_j \rVert)` is the cosine.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings :math:`x`, of any length: they are normalised.
    labels : array of integer dtype, shape (N,)
        The identity of each row. Only equality counts.
    bins : int, default 100
        How many intervals of the width :math:`\Delta = 2 /` `bins` there are between the nodes.
    ignore_index : int or None, default None
        Rows with this label are left out, as if they were not there.
    chunk_size : int, optional
        How many anchors are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The item is the
        whole batch; `where` has the shape (N,) of the rows. A row that is masked is as if deleted.

    Returns
    -------
    array of shape ()
        A probability, from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    multi_similarity_loss : Similarities against a base.

    Notes
    -----
    Without a positive pair, or without a negative one, it is 0. Has no parameter to tune but the width
    of the bins. Piecewise linear in the similarities, with gradient 0 at a node; a zero vector has the
    cosine 0 with everything, and gradient 0. Takes time for N² `bins` numbers, and memory for
    ``chunk_size * N * bins``. The result does not depend on `chunk_size`, but for rounding.

    References
    ----------
    Ustinova, Lempitsky, *Learning deep embeddings with histogram loss*, NIPS 2016, arXiv:1611.00822.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> labels = np.asarray([0, 0, 1, 1])
    >>> round(float(al.histogram_loss(x, labels, bins=4)), 6)
    0.13
    """
    xp, x, labels, bins, chunk_size, done = enter(
        histogram_loss,
        (embeddings, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        bins=bins,
        chunk_size=chunk_size,
    )
    pairs = pairs_of(xp, unit(xp, x), labels, done)
    of_anchors = _histograms(xp, chunk_size, pairs, bins)
    if pairs.inside is not None:
        of_anchors = tuple(keep(xp, h, pairs.inside[:, None]) for h in of_anchors)
    positives, negatives = (xp.sum(h, axis=0) for h in of_anchors)
    h_p, h_n = (divide(xp, h[:-1], h[-1:]) for h in (positives, negatives))
    done.drop((positives[-1] > 0) & (negatives[-1] > 0))
    return done(xp.sum(h_n * cumulative_sum(xp, h_p)))


@by_anchors
def _histograms(xp: Namespace, pairs: Pairs, bins: int) -> tuple[Array, Array]:
    """Of the pairs of each anchor how many there are at every node, and after that in all."""
    s = clip(xp, pairs.products(xp), 1.0)
    width = 2 / bins
    nodes = xp.arange(bins + 1, dtype=s.dtype, device=device(xp, s)) * width - 1
    near = relu(xp, 1 - absolute(xp, s[:, None, :] - nodes[:, None]) / width)

    def counts(among: Array) -> Array:
        at_nodes = xp.sum(xp.where(among[:, None, :], near, 0.0), axis=-1)
        return xp.concat([at_nodes, number_of(xp, among, s, axis=-1)[:, None]], axis=-1)

    positive, negative = pairs.sets(xp)
    return counts(positive), counts(negative)
