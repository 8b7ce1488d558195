"""Ranking: the order of scores against the relevance of what they stand for."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL, SIGN, UNCHECKED
from ._core.entry import enter
from ._core.lists import ENTRIES, check, differences, pairs
from ._core.numeric import divide, exp, keep, log_softmax, product, relu, softplus
from ._core.parameters import FLAG, NUMBER, POSITIVE, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["margin_ranking_loss", "pairwise_logistic_loss", "listnet_loss"]


@loss("(...), (...), (...) -> (...)", x1=REAL, x2=REAL, target=SIGN, margin=NUMBER)
def margin_ranking_loss(
    x1: A,
    x2: Array,
    target: Array,
    /,
    *,
    margin: float = 0.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Margin ranking loss: which of two scores is to be the greater, by a margin.

    .. math:: \ell = \max\bigl(0,\; m - y\,(x_1 - x_2)\bigr)

    Parameters
    ----------
    x1 : array of real floating dtype, shape (...)
        The score :math:`x_1` of one of each pair.
    x2 : array of real dtype, shape (...), or a number
        The score :math:`x_2` of the other.
    target : array of real dtype, shape (...), or a number
        Which is to be the greater, :math:`y`: 1 for the first, -1 for the second.
    margin : float, default 0.0
        The margin :math:`m`, in the unit of the scores.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the scores.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    hinge_loss : The same of one score.
    pairwise_logistic_loss : A smooth form, of all pairs of a list.

    Notes
    -----
    Convex. At the hinge the gradient is 0: equal scores without a margin cost nothing, and do not move.
    A target other than -1 and 1, such as the 0 of a tie, makes the item NaN, with gradient 0.

    References
    ----------
    Herbrich, Graepel, Obermayer, *Large margin rank boundaries for ordinal regression*, Advances in
    Large Margin Classifiers, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([1.0, 1.0]), np.asarray([2.0, 2.0])
    >>> al.margin_ranking_loss(x1, x2, np.asarray([1, -1]), margin=0.5, reduction="none")
    array([1.5, 0. ])
    """
    xp, x1, x2, y, margin, done = enter(
        margin_ranking_loss, (x1, x2, target), sample_weight, where, reduction, normalizer, margin=margin
    )
    return done(relu(xp, margin - y * (x1 - x2)))


@loss(
    "(..., l), (..., l) -> (..., l, l)",
    scores=UNCHECKED,
    relevance=UNCHECKED,
    sigma=POSITIVE,
    gap_weight=FLAG,
    per_list=FLAG,
    mask=ENTRIES,
)
def pairwise_logistic_loss(
    scores: A,
    relevance: Array,
    /,
    *,
    sigma: float = 1.0,
    gap_weight: bool = False,
    per_list: bool = False,
    mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Pairwise logistic loss: of two entries the more relevant one with the greater score; RankNet.

    .. math:: \ell_{ij} = \log\bigl(1 + e^{-\kappa (s_i - s_j)}\bigr) \quad\text{for}\quad y_i > y_j

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., l)
        The scores :math:`s` of the entries of each list.
    relevance : array of real dtype, shape (..., l)
        How relevant each entry is, :math:`y`. Without `gap_weight` only the order counts.
    sigma : float, default 1.0
        The steepness :math:`\kappa > 0`.
    gap_weight : bool, default False
        Whether a pair is multiplied by :math:`y_i - y_j`.
    per_list : bool, default False
        Whether an item is a list, the sum over its pairs, in the place of a pair.
    mask : array of bool, shape (..., l), optional
        Which entries there are. Those that fill up a list may be NaN.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair, of the
        shape (..., l, l) that :math:`\ell_{ij}` has, or a list.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (..., l, l), or (...) with `per_list`
        Without unit; 0 for what is no pair.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `sigma` that is
        not positive.

    See Also
    --------
    lambda_rank_loss : Pairs that count as much as they matter to the gain.

    Notes
    -----
    Convex in the scores. Only two entries of which one is more relevant are a pair: the others are no
    items, and without any the loss is 0. The mean is over all pairs of all lists, so that a long list
    counts more than a short one; with `per_list` it is over the lists that have an entry. Memory and
    time grow with the square of the length of a list. The relevance is a constant, but for the factor of
    `gap_weight`.

    A NaN in an entry that is there makes its pairs NaN, and an entry whose relevance is NaN has a pair
    with every other.

    References
    ----------
    Burges et al., *Learning to rank using gradient descent*, ICML 2005.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([2.0, 1.0, 3.0]), np.asarray([2, 0, 1])
    >>> al.pairwise_logistic_loss(scores, relevance, reduction="none").round(6)
    array([[0.      , 0.313262, 1.313262],
           [0.      , 0.      , 0.      ],
           [0.      , 0.126928, 0.      ]])
    """
    xp, s, y, sigma, gap_weight, per_list, mask, done = enter(
        pairwise_logistic_loss,
        (scores, relevance),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="(...)" if per_list else None,
        masks="(...)" if per_list else None,
        sigma=sigma,
        gap_weight=gap_weight,
        per_list=per_list,
        mask=mask,
    )
    two = pairs(xp, s, mask)
    if not per_list:
        two = two & done.kept(two)
    check(xp, "pairwise_logistic_loss", two, ("scores", s, REAL), ("relevance", y, REAL))
    pair = two & ~(y[..., :, None] <= y[..., None, :])  # or of an unknown order
    terms, gap = softplus(xp, -sigma * differences(xp, s, pair)), differences(xp, y, pair)
    unknown = pair & xp.isnan(gap)
    if gap_weight:
        terms = terms * gap
    if not per_list:
        done.poison(unknown)
        done.drop(pair)
        return done(terms)
    done.poison(xp.any(unknown, axis=(-2, -1)))
    if mask is not None:
        done.drop(xp.any(mask, axis=-1))
    return done(xp.sum(keep(xp, terms, pair), axis=(-2, -1)))


@loss(
    "(..., l), (..., l) -> (...)",
    scores=UNCHECKED,
    relevance=UNCHECKED,
    target=choice("softmax", "raw", "normalized"),
    mask=ENTRIES,
)
def listnet_loss(
    scores: A,
    relevance: Array,
    /,
    *,
    target: str = "softmax",
    mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""ListNet loss: which entry of a list comes first, as a cross-entropy of two distributions.

    .. math::

        \ell = -\sum_i q_i \log \operatorname{softmax}(s)_i \qquad q = \operatorname{softmax}(y)

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., l)
        The scores :math:`s` of the entries of each list.
    relevance : array of real dtype, shape (..., l)
        How relevant each entry is, :math:`y`.
    target : {"softmax", "raw", "normalized"}, default "softmax"
        What the mass :math:`q` of an entry is: that of a softmax, as in the paper; :math:`y_i` itself; or
        its share :math:`y_i / \sum_j y_j`.
    mask : array of bool, shape (..., l), optional
        Which entries there are. Those that fill up a list may be NaN.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a list.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `target`.

    See Also
    --------
    cross_entropy : The same for classes, with a target that is a distribution.

    Notes
    -----
    Convex in the scores. Its minimum is the entropy of :math:`q`, not 0. A list without entries is no
    item. One whose relevances are all 0 has no mass for "raw" and "normalized": it costs 0, and the mean
    counts it. Only the differences of scores matter. An entry without mass may have a score of -inf.

    References
    ----------
    Cao, Qin, Liu, Tsai, Li, *Learning to rank: from pairwise approach to listwise approach*, ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([2.0, 1.0, 3.0]), np.asarray([2, 0, 1])
    >>> round(float(al.listnet_loss(scores, relevance)), 6)
    1.252908
    >>> round(float(al.listnet_loss(scores, relevance, target="raw")), 6)
    3.222818
    """
    xp, s, y, target, mask, done = enter(
        listnet_loss,
        (scores, relevance),
        sample_weight,
        where,
        reduction,
        normalizer,
        target=target,
        mask=mask,
    )
    check(xp, "listnet_loss", mask, ("scores", s, REAL), ("relevance", y, REAL))
    if mask is not None:
        some = xp.any(mask, axis=-1)
        done.drop(some)
        absent = xp.where(some[..., None], -math.inf, xp.zeros_like(s))
        s, y = xp.where(mask, s, absent), xp.where(mask, y, absent if target == "softmax" else 0.0)
    q = exp(xp, log_softmax(xp, y)) if target == "softmax" else y
    entropy = -xp.sum(product(xp, q, log_softmax(xp, s)), axis=-1)
    return done(divide(xp, entropy, xp.sum(q, axis=-1)) if target == "normalized" else entropy)
