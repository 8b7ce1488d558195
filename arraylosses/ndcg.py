r"""Ranking by gain: surrogates of the normalised discounted cumulative gain.

.. math:: \text{NDCG} = \frac{\sum_i G_i / D(r_i)}{\text{IDCG}}
    \qquad G_i = 2^{y_i} - 1 \qquad D(r) = \log_2(1 + r)

for entries of relevance y at the ranks r, the best first, and the same sum for the best order.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import NONNEGATIVE, REAL, UNCHECKED
from ._core.entry import enter
from ._core.lists import ENTRIES, check, differences, pairs
from ._core.namespaces import stop_gradient
from ._core.numeric import classes, divide, expm1, greatest, keep, product, sigmoid, softplus
from ._core.parameters import COUNT, POSITIVE, optional
from ._core.reductions import Exit, number_of
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["lambda_rank_loss", "approx_ndcg_loss"]


@loss(
    "(..., l), (..., l) -> (...)",
    scores=UNCHECKED,
    relevance=UNCHECKED,
    sigma=POSITIVE,
    k=optional(COUNT),
    mask=ENTRIES,
)
def lambda_rank_loss(
    scores: A,
    relevance: Array,
    /,
    *,
    sigma: float = 1.0,
    k: int | None = None,
    mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""LambdaRank loss: pairs in the right order, each by what its exchange would change of the NDCG.

    .. math::

        \ell = \sum_{y_i > y_j} |\Delta_{ij}|\, \log\bigl(1 + e^{-\kappa (s_i - s_j)}\bigr)
        \qquad |\Delta_{ij}| = \frac{|G_i - G_j|}{\text{IDCG}}
        \left|\frac{1}{D(r_i)} - \frac{1}{D(r_j)}\right|

    with the gain :math:`G_i = 2^{y_i} - 1`, the discount :math:`D(r) = \log_2(1 + r)` of the rank
    :math:`r_i` that the scores give, and the gain IDCG of the best order, :math:`\sum_i G_i / D(r)`.

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., l)
        The scores :math:`s` of the entries of each list.
    relevance : array of real dtype, shape (..., l)
        How relevant each entry is, :math:`y \ge 0`, a constant. Usually a grade from 0 to 4.
    sigma : float, default 1.0
        The steepness :math:`\kappa > 0`.
    k : int, optional
        How many entries at the top have a gain: :math:`1 / D(r) = 0` for the ranks beyond, so that
        :math:`\Delta` is the change of the NDCG at `k`. By default all.
    mask : array of bool, shape (..., l), optional
        Which entries there are. Those that fill up a list may be NaN.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a list.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of their
        range.

    See Also
    --------
    pairwise_logistic_loss : All pairs alike.
    approx_ndcg_loss : The NDCG itself, of ranks that are smooth.

    Notes
    -----
    :math:`\Delta` is a constant: what the gradient moves is the score differences. So the gradient is
    that of LambdaRank, and not the slope of the loss, which jumps where two scores change places. Of
    equal scores the first entry has the better rank.

    A list without entries is no item. One without relevance has no gain to lose: it costs 0, and a mean
    counts it. A NaN in an entry that is there makes its list NaN. Memory and time grow with the square
    of the length of a list.

    References
    ----------
    Burges, Ragno, Le, *Learning to rank with nonsmooth cost functions*, NIPS 2006; Wang et al., *The
    LambdaLoss framework for ranking metric optimization*, CIKM 2018.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([2.0, 1.0, 3.0]), np.asarray([2, 0, 1])
    >>> round(float(al.lambda_rank_loss(scores, relevance)), 6)
    0.318343
    """
    xp, s, y, sigma, k, mask, done = enter(
        lambda_rank_loss,
        (scores, relevance),
        sample_weight,
        where,
        reduction,
        normalizer,
        sigma=sigma,
        k=k,
        mask=mask,
    )
    s, y, there = _entries(xp, "lambda_rank_loss", s, y, mask, done)
    gain, ideal = _gain(xp, y), _rank(xp, y, s, there)
    idcg = xp.sum(gain * _discount(xp, ideal, k), axis=-1)
    rank = _rank(xp, s, xp.zeros_like(s), there)
    change = xp.abs(gain[..., :, None] - gain[..., None, :]) * _discount_gap(xp, rank, k)
    pair = pairs(xp, s, mask) & (y[..., :, None] > y[..., None, :])
    terms = product(xp, keep(xp, change, pair), softplus(xp, -sigma * differences(xp, s, pair)))
    return done(divide(xp, xp.sum(terms, axis=(-2, -1)), idcg))


@loss(
    "(..., l), (..., l) -> (...)",
    scores=UNCHECKED,
    relevance=UNCHECKED,
    temperature=POSITIVE,
    mask=ENTRIES,
)
def approx_ndcg_loss(
    scores: A,
    relevance: Array,
    /,
    *,
    temperature: float = 1.0,
    mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Approximate NDCG loss: what is lost of the gain, of ranks that are smooth in the scores.

    .. math::

        \ell = 1 - \frac{1}{\text{IDCG}} \sum_i \frac{2^{y_i} - 1}{\log_2(1 + r_i)}
        \qquad r_i = 1 + \sum_{j \ne i} \frac{1}{1 + e^{(s_i - s_j) / \tau}}

    where IDCG is the same sum for the ranks 1, 2, … of the best order.

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., l)
        The scores :math:`s` of the entries of each list.
    relevance : array of real dtype, shape (..., l)
        How relevant each entry is, :math:`y \ge 0`, a constant. Usually a grade from 0 to 4.
    temperature : float, default 1.0
        The scale :math:`\tau > 0` of the scores at which ranks are told apart, in their unit. The lower
        it is, the nearer is the loss to the NDCG, and the fewer pairs have a gradient.
    mask : array of bool, shape (..., l), optional
        Which entries there are. Those that fill up a list may be NaN.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a list.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Below 1, and without unit; 0 for the best order, as the scores move apart.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `temperature` that is
        not positive.

    See Also
    --------
    lambda_rank_loss : A bound of it, in pairs.

    Notes
    -----
    Not convex. A list without entries is no item. One without relevance has no gain to lose: it costs
    0, and a mean counts it. A NaN in an entry that is there makes its list NaN. Memory and time grow with
    the square of the length of a list. Others return the negative NDCG, and divide the scores by a
    temperature of 0.1.

    References
    ----------
    Qin, Liu, Li, *A general approximation framework for direct optimization of information retrieval
    measures*, Information Retrieval 13(4), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([2.0, 1.0, 3.0]), np.asarray([2, 0, 1])
    >>> round(float(al.approx_ndcg_loss(scores, relevance)), 6)
    0.259408
    """
    xp, s, y, temperature, mask, done = enter(
        approx_ndcg_loss,
        (scores, relevance),
        sample_weight,
        where,
        reduction,
        normalizer,
        temperature=temperature,
        mask=mask,
    )
    s, y, there = _entries(xp, "approx_ndcg_loss", s, y, mask, done)
    gain, ideal = _gain(xp, y), _rank(xp, y, s, there)
    idcg = xp.sum(gain * _discount(xp, ideal, None), axis=-1)
    # By how much a rank is above that of the best order, in which nothing cancels if it is that order:
    # who should stand behind and stands before, less who should stand before and stands behind.
    both = pairs(xp, s, mask)
    behind = both & (ideal[..., None, :] > ideal[..., :, None])
    before = both & (ideal[..., None, :] < ideal[..., :, None])
    ahead = differences(xp, s, both) / temperature
    wrong = sigmoid(xp, xp.where(before, ahead, -ahead))
    excess = xp.sum(keep(xp, wrong, behind), axis=-1) - xp.sum(keep(xp, wrong, before), axis=-1)
    lost = xp.log1p(excess / (1 + ideal)) / (xp.log1p(ideal) * xp.log1p(ideal + excess))
    return done(divide(xp, xp.sum(gain * lost, axis=-1), idcg))


def _entries(
    xp: Namespace, loss: str, s: Array, y: Array, mask: Array | None, done: Exit
) -> tuple[Array, Array, Array]:
    """Scores and relevance, a constant, without what is not there, and what is there."""
    check(xp, loss, mask, ("scores", s, REAL), ("relevance", y, NONNEGATIVE))
    y = stop_gradient(xp, y)
    if mask is None:
        there = xp.ones_like(s, dtype=xp.bool)
    else:
        there = mask
        s, y = keep(xp, s, mask), keep(xp, y, mask)
        done.drop(xp.any(mask, axis=-1))
    unknown = xp.isnan(s) | xp.isnan(y)  # which has no place in an order
    done.poison(xp.any(unknown, axis=-1))
    return keep(xp, s, ~unknown), keep(xp, y, ~unknown), there


def _gain(xp: Namespace, y: Array) -> Array:
    """2^y - 1 in units of 2^m, with the greatest y of the list m: it does not overflow."""
    return xp.exp((y - greatest(xp, y, keepdims=True)) * math.log(2)) * -expm1(xp, -y * math.log(2))


def _rank(xp: Namespace, x: Array, then: Array, there: Array) -> Array:
    """The place of each entry, from 1, in a descending order, by `then` among equals, then as they come."""
    x, then = stop_gradient(xp, x), stop_gradient(xp, then)
    mine, others = (x[..., :, None], then[..., :, None]), (x[..., None, :], then[..., None, :])
    first = classes(xp, x)[None, :] < classes(xp, x)[:, None]
    among_equals = (others[1] > mine[1]) | ((others[1] == mine[1]) & first)
    before = (others[0] > mine[0]) | ((others[0] == mine[0]) & among_equals)
    return 1 + number_of(xp, before & there[..., None, :], x, axis=-1)


def _discount(xp: Namespace, rank: Array, k: int | None) -> Array:
    """1 / log(1 + r), and 0 beyond the rank k."""
    d = 1 / xp.log1p(rank)
    return d if k is None else xp.where(rank <= k, d, 0.0)


def _discount_gap(xp: Namespace, rank: Array, k: int | None) -> Array:
    """|1 / log(1 + r_i) - 1 / log(1 + r_j)|, with its digits where the ranks are nearly equal."""
    mine, others = rank[..., :, None], rank[..., None, :]
    e = xp.log1p(rank)
    gap = xp.abs(xp.log1p((mine - others) / (1 + others))) / (e[..., :, None] * e[..., None, :])
    if k is None:
        return gap
    d = _discount(xp, rank, k)
    return xp.where((mine <= k) & (others <= k), gap, xp.abs(d[..., :, None] - d[..., None, :]))
