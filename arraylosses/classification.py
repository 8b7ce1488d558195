"""Classification: proper losses of two classes, and of probabilities."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import cross_entropy, logit_nll
from ._core.numeric import (
    log,
    log1p,
    one_hot,
    pick,
)
from ._core.parameters import (
    CLASS_AXIS,
    CLASS_WEIGHT,
    FLAG,
    IGNORE_INDEX,
    NONNEGATIVE,
    NONPOSITIVE,
    POSITIVE,
    broadcast,
    optional,
)
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["brier_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "log_loss"]


# The alternatives of a signature, as `done.form` counts them.
BINARY = 0  # probabilities of class 1, in the shape of the labels


@loss(
    "(...), (...) -> (...) | (..., c), (...) -> (...)",
    probs=PROBABILITY,
    labels=CLASSES,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    half=FLAG,
)
def brier_loss(
    probs: A,
    labels: Array,
    /,
    *,
    half: bool = False,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Brier score: the squared error of predicted probabilities; calibration.

    .. math:: \ell = \sum_c \left(p_c - [c = y]\right)^2 \qquad\text{or, of two classes,}\qquad (p - y)^2

    Parameters
    ----------
    probs : array of real floating dtype, shape (...) or (..., C)
        In the shape of the labels, the probability :math:`p` of class 1 of two classes 0 and 1;
        with a class axis more, the probability :math:`p_c` of every class.
    labels : array of integer dtype, shape (...)
        The class :math:`y` that occurred, from 0 to C - 1.
    half : bool, default False
        Whether to halve the result, so that a sum over two classes equals the form of two classes.
    axis : int, default -1
        The class axis of `probs`, if it has one.
    class_weight : array of real dtype, shape (C,), optional
        A factor for every class; a mean divides by the sum of the factors of the labels.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class. None ignores nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        From 0 to 2 with a class axis, from 0 to 1 without; dimensionless.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Strictly proper and convex in the probabilities: in expectation it is least at the true ones. Unlike
    the logarithm it stays finite where an event of probability 0 occurs. With a class axis and two
    classes the score is twice that of the form without one. Probabilities are neither normalised
    nor checked. A label that is no class makes its item NaN, with gradient 0.

    References
    ----------
    Brier, *Verification of forecasts expressed in terms of probability*, Monthly Weather Review
    78(1), 1950.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.brier_loss(np.asarray([0.75, 0.25]), np.asarray([1, 1]), reduction="none")
    array([0.0625, 0.5625])
    >>> float(al.brier_loss(np.asarray([[0.75, 0.25, 0.0]]), np.asarray([0])))
    0.125
    """
    xp, p, y, class_weight, half, done = enter(
        brier_loss,
        (probs, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        half=half,
    )
    w, p = done.weigh_labels(class_weight, y, p)
    if done.form == BINARY:
        r = xp.where(y == 1, p - 1, p)
        square = r * r
    else:
        r = xp.where(one_hot(xp, y, p), p - 1, p)
        square = xp.sum(r * r, axis=-1)
    return done(w * (square / 2 if half else square))


@loss("(...), (...) -> (...)", probs=PROBABILITY, target=PROBABILITY, log_clamp=optional(NONPOSITIVE))
def binary_cross_entropy(
    probs: A,
    target: Array,
    /,
    *,
    log_clamp: float | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Binary cross-entropy of probabilities: the log-loss of yes-or-no predictions.

    .. math:: \ell = -y\,\max(\ln p, L) - (1 - y)\,\max(\ln(1 - p), L)

    Parameters
    ----------
    probs : array of real floating dtype, shape (...)
        The predicted probability :math:`p` of yes, from 0 to 1. A model that computes it from a logit
        should hand the logit to :func:`binary_cross_entropy_with_logits` instead.
    target : array of real dtype, shape (...), or a number
        The target :math:`y`: 0, 1, or a probability between them.
    log_clamp : float, optional
        The floor :math:`L \le 0` of both logarithms. None, the default, is none at all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a positive `log_clamp`.

    Notes
    -----
    Convex in :math:`p`, with gradient :math:`(p - y) / p(1 - p)` and least at :math:`p = y`, where it
    is the entropy of :math:`y`. A term whose factor is 0 is no term: a hard target predicted with
    certainty costs 0, and the opposite infinity, with an infinite slope. A clamp makes that finite,
    but where it is active the gradient is 0: it takes the slope away where it is needed most. PyTorch
    clamps at -100 (``log_clamp=-100.0``) and returns a slope of up to 10¹² there, which is not the
    derivative of its value; Keras clips :math:`p` instead, at 10⁻⁷. A `probs` outside of [0, 1] gives
    NaN; a target outside extends the formula, and is refused under :func:`arraylosses.debug`.

    References
    ----------
    Good, *Rational decisions*, J. Royal Statistical Society B 14(1), 1952.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> loss = al.binary_cross_entropy(np.asarray([0.9, 0.2]), np.asarray([1.0, 0.0]), reduction="none")
    >>> loss.round(6)
    array([0.105361, 0.223144])
    >>> float(al.binary_cross_entropy(np.asarray([0.0]), np.asarray([1.0])))
    inf
    """
    xp, p, y, floor, done = enter(
        binary_cross_entropy,
        (probs, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        log_clamp=log_clamp,
    )
    return done(cross_entropy(xp, y, 1 - y, p, floor))


@loss("(...), (...) -> (...)", logits=REAL, target=PROBABILITY, pos_weight=broadcast(NONNEGATIVE))
def binary_cross_entropy_with_logits(
    logits: A,
    target: Array,
    /,
    *,
    pos_weight: float | Array = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Binary cross-entropy of logits: yes-or-no and multi-label classification.

    .. math::

        \ell = w\,y \ln(1 + e^{-z}) + (1 - y) \ln(1 + e^z)

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The log-odds :math:`z` of yes, any real number or infinity.
    target : array of real dtype, shape (...), or a number
        The target :math:`y`: 0, 1, or a probability between them.
    pos_weight : float or array that broadcasts to the shape of `logits`, default 1.0
        The factor :math:`w \ge 0` of the positive term, such as negatives per positive. An array
        of shape (C,) belongs to the last axis; for another axis give it the shape (C, 1, 1) or so.
        It does not enter the denominator of a mean.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `pos_weight`.

    Notes
    -----
    Convex and smooth. Without `pos_weight` the gradient is :math:`\sigma(z) - y`, and the loss that of
    :func:`binary_cross_entropy` at :math:`p = \sigma(z)`. Both terms keep their relative accuracy
    however small they are. Infinite logits give the limits: 0 where they are right, infinity where
    they are wrong. To smooth a target, pass :math:`y(1 - \varepsilon) + \varepsilon/2`. A target
    outside of [0, 1] extends the formula, and is refused under :func:`arraylosses.debug`.

    References
    ----------
    Cox, *The regression analysis of binary sequences*, J. Royal Statistical Society B 20(2), 1958.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([2.0, -1.0]), np.asarray([1.0, 0.0])
    >>> al.binary_cross_entropy_with_logits(logits, target, reduction="none").round(6)
    array([0.126928, 0.313262])
    >>> al.binary_cross_entropy_with_logits(logits, target, pos_weight=3.0, reduction="none").round(6)
    array([0.380784, 0.313262])
    """
    xp, z, y, w, done = enter(
        binary_cross_entropy_with_logits,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        pos_weight=pos_weight,
    )
    return done(logit_nll(xp, z, y, w))


@loss(
    "(...), (...) -> (...) | (..., c), (...) -> (...)",
    probs=PROBABILITY,
    labels=CLASSES,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    eps=optional(POSITIVE),
)
def log_loss(
    probs: A,
    labels: Array,
    /,
    *,
    eps: float | None = None,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Log loss of clipped probabilities, as an evaluation metric of classifiers.

    .. math:: \ell = -\ln \operatorname{clip}(p_y, \varepsilon, 1 - \varepsilon)

    Parameters
    ----------
    probs : array of real floating dtype, shape (...) or (..., C)
        In the shape of the labels, the probability of class 1 of two classes 0 and 1; with a class
        axis more, the probability :math:`p_c` of every class.
    labels : array of integer dtype, shape (...)
        The class :math:`y` that occurred, from 0 to C - 1.
    eps : float, optional
        Where probabilities are clipped, :math:`\varepsilon > 0`. None, the default, is the machine
        epsilon of the dtype in which the loss is computed: 2⁻⁵² in float64, 2⁻²³ in all others.
    axis : int, default -1
        The class axis of `probs`, if it has one.
    class_weight : array of real dtype, shape (C,), optional
        A factor for every class; a mean divides by the sum of the factors of the labels.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class. None ignores nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `eps` that is not
        positive.

    Notes
    -----
    With the clip, that of scikit-learn, the worst item costs :math:`-\ln\varepsilon` (36.0 in float64,
    15.9 in float32), so the result depends on the dtype where a class of probability 0 occurs, and
    the gradient there is 0. It is a figure to report; to train, use :func:`cross_entropy` or
    :func:`binary_cross_entropy_with_logits`. Rows are not normalised. A probability of the
    label outside of [0, 1] gives NaN; a label that is no class makes its item NaN, with gradient 0.

    References
    ----------
    Good, *Rational decisions*, J. Royal Statistical Society B 14(1), 1952.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, labels = np.asarray([[0.1, 0.9], [0.8, 0.2]]), np.asarray([1, 0])
    >>> round(float(al.log_loss(probs, labels)), 6)
    0.164252
    >>> round(float(al.log_loss(probs[:, 1], labels)), 6)
    0.164252
    """
    xp, p, y, class_weight, eps, done = enter(
        log_loss,
        (probs, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        eps=eps,
    )
    if done.form != BINARY:
        p = pick(xp, p, y)
    w, p = done.weigh_labels(class_weight, y, p)
    eps = float(xp.finfo(p.dtype).eps) if eps is None else eps
    q = xp.where(p <= eps, eps, p)
    q = xp.where((p >= 0) & (p <= 1), xp.where(q >= 1 - eps, 1 - eps, q), math.nan)
    # Not the logarithm of 1 - q, which has lost the digits of a small q.
    log_q = xp.where(y == 1, log(xp, q), log1p(xp, -q)) if done.form == BINARY else log(xp, q)
    return done(w * -log_q)
