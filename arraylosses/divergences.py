"""Divergences: how far one distribution is from another."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import exp, expm1, finite_or_nan, less_log1p, log, log_softmax, minimum, one_hot, product
from ._core.parameters import CLASS_AXIS, FLAG, FRACTION, POSITIVE
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["kl_divergence", "js_divergence", "distillation_loss"]


@loss(
    "(..., c), (..., c) -> (...)",
    log_probs=REAL,
    target=REAL,
    log_target=FLAG,
    generalized=FLAG,
    axis=CLASS_AXIS,
)
def kl_divergence(
    log_probs: A,
    target: Array,
    /,
    *,
    log_target: bool = False,
    generalized: bool = False,
    axis: int = -1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Kullback–Leibler divergence of a target distribution from a predicted one.

    .. math::

        \ell = \operatorname{KL}(t \,\|\, p) = \sum_c t_c\,(\log t_c - \log p_c)

    Parameters
    ----------
    log_probs : array of real floating dtype, shape (..., c)
        The predicted log-probabilities :math:`\log p`.
    target : array of real dtype, shape (..., c)
        The target probabilities :math:`t`, or with `log_target` their logarithms.
    log_target : bool, default False
        Whether `target` holds log-probabilities.
    generalized : bool, default False
        Add :math:`\sum_c (p_c - t_c)`, which makes the divergence one of nonnegative vectors that
        need not sum to 1.
    axis : int, default -1
        The axis of the classes, over which the loss sums.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex in both arguments together, not symmetric, and nonnegative for two distributions; the
    generalized form is nonnegative always. The gradient in the log-probabilities is :math:`-t`, in
    the generalized form :math:`p - t`. Where a target probability is 0 so is its term, whatever the
    prediction, and its derivative in the target, which is :math:`-\infty` there, is taken as 0.
    Where a prediction is 0 and the target is not, the divergence is infinite. Nothing is clipped or
    renormalised.

    ``reduction="mean"`` is what ``torch.nn.functional.kl_div`` calls "batchmean"; its "mean" divides
    by the number of classes too.

    References
    ----------
    Kullback and Leibler, *On information and sufficiency*, Ann. Math. Stat. 22(1), 1951.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(round(al.kl_divergence(np.log(np.asarray([[0.9, 0.1]])), np.asarray([[0.5, 0.5]])), 6))
    0.510826
    """
    xp, log_p, t, log_target, generalized, done = enter(
        kl_divergence,
        (log_probs, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        log_target=log_target,
        generalized=generalized,
        axis=axis,
    )
    absent = t == (-math.inf if log_target else 0)
    log_t = xp.where(absent, 0.0, t) if log_target else log(xp, xp.where(absent, 1.0, t))
    t = exp(xp, t) if log_target else t
    if generalized:
        return done(xp.sum(_excess(xp, t, exp(xp, log_p), log_p - log_t), axis=-1))
    ratio = xp.where(absent, 0.0, log_t - log_p)
    # A target that is not absent may still have underflowed.
    return done(xp.sum(product(xp, t, ratio) if log_target else t * ratio, axis=-1))


@loss(
    "(..., c), (..., c) -> (...)",
    log_probs=REAL,
    target=REAL,
    weight=FRACTION,
    from_log=FLAG,
    axis=CLASS_AXIS,
)
def js_divergence(
    log_probs: A,
    target: Array,
    /,
    *,
    weight: float = 0.5,
    from_log: bool = True,
    axis: int = -1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Jensen–Shannon divergence: symmetric and bounded, how far two distributions are from their mixture.

    .. math::

        \ell = \pi \operatorname{KL}(t \,\|\, m) + (1 - \pi) \operatorname{KL}(p \,\|\, m),
        \qquad m = \pi t + (1 - \pi) p

    Parameters
    ----------
    log_probs : array of real floating dtype, shape (..., c)
        The predicted log-probabilities :math:`\log p`, or with ``from_log=False`` probabilities.
    target : array of real dtype, shape (..., c)
        The target's log-probabilities :math:`\log t`, or with ``from_log=False`` probabilities.
    weight : float, default 0.5
        The share :math:`\pi` of the target in the mixture, between 0 and 1. At 0 and 1 the loss is
        0: the limits of it divided by the weight are the two Kullback–Leibler divergences, for
        which there is :func:`kl_divergence`.
    from_log : bool, default True
        Whether both arrays hold log-probabilities.
    axis : int, default -1
        The axis of the classes, over which the loss sums.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `weight` that is
        not between 0 and 1.

    Notes
    -----
    Convex in the probabilities; between 0 and log 2, and 0 only for equal distributions; symmetric
    for :math:`\pi = ½`. It stays finite for distributions without a common support. It is computed
    as a sum of nonnegative terms, so that it keeps its relative accuracy for distributions that are
    nearly equal. Where a probability is 0, the derivative in it, :math:`-\infty` if the other is
    not 0, is taken as 0. Its square root is a metric; some libraries call that the Jensen–Shannon
    distance.

    References
    ----------
    Lin, *Divergence measures based on the Shannon entropy*, IEEE Trans. Inf. Theory 37(1), 1991.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, t = np.asarray([[0.9, 0.1]]), np.asarray([[0.5, 0.5]])
    >>> float(round(al.js_divergence(p, t, from_log=False), 6))
    0.101749
    """
    xp, p, t, weight, from_log, done = enter(
        js_divergence,
        (log_probs, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        from_log=from_log,
        axis=axis,
    )
    if from_log:
        neither = (p == -math.inf) & (t == -math.inf)
        d = xp.where(neither, 0.0, p) - xp.where(neither, 0.0, t)
        p_over_t, t_over_p = expm1(xp, minimum(xp, d, 2.0)), expm1(xp, minimum(xp, -d, 2.0))
        p, t = exp(xp, p), exp(xp, t)
    else:
        p_over_t, t_over_p = _excess_ratio(xp, p, t), _excess_ratio(xp, t, p)
    of_target = weight * _to_mixture(xp, t, p, p_over_t, weight)
    of_prediction = (1 - weight) * _to_mixture(xp, p, t, t_over_p, 1 - weight)
    return done(xp.sum(of_target + of_prediction, axis=-1))


@loss(
    "(..., c), (..., c) -> (...)",
    logits=REAL,
    teacher_logits=REAL,
    temperature=POSITIVE,
    axis=CLASS_AXIS,
)
def distillation_loss(
    logits: A,
    teacher_logits: Array,
    /,
    *,
    temperature: float = 1.0,
    axis: int = -1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Distillation loss: match the softened distribution of a teacher.

    .. math::

        \ell = T^2 \operatorname{KL}\bigl(\operatorname{softmax}(t/T) \,\|\,
        \operatorname{softmax}(s/T)\bigr)

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., c)
        The student's logits :math:`s`.
    teacher_logits : array of real dtype, shape (..., c)
        The teacher's logits :math:`t`. They are held constant: no gradient flows into them.
    temperature : float, default 1.0
        The temperature :math:`T > 0`, usually between 1 and 20. The factor :math:`T^2` keeps the
        size of the gradient from shrinking with it.
    axis : int, default -1
        The axis of the classes, over which the loss sums.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats, times the squared temperature.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `temperature`
        that is not positive.

    Notes
    -----
    Convex in the student's logits, with gradient
    :math:`T (\operatorname{softmax}(s/T) - \operatorname{softmax}(t/T))`; never negative, and 0
    where the logits differ by a constant. It is :func:`kl_divergence` between the softened
    distributions, times :math:`T^2`. A class for which both logits are :math:`-\infty` takes no
    part; one that only the student excludes makes the loss infinite. How to mix it with a
    cross-entropy on true labels is left to the caller. Implementations that average over the
    classes return 1/c of it.

    References
    ----------
    Hinton, Vinyals and Dean, *Distilling the knowledge in a neural network*, 2015, arXiv:1503.02531.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> student, teacher = np.asarray([[1.0, 2.0, 0.5]]), np.asarray([[2.0, 1.0, 0.0]])
    >>> float(round(al.distillation_loss(student, teacher, temperature=2.0), 6))
    0.418517
    """
    xp, s, t, temperature, done = enter(
        distillation_loss,
        (logits, teacher_logits),
        sample_weight,
        where,
        reduction,
        normalizer,
        temperature=temperature,
        axis=axis,
    )
    t = stop_gradient(xp, t)
    log_p, log_q = log_softmax(xp, s / temperature), log_softmax(xp, t / temperature)
    q = xp.exp(log_q)
    # Where the distributions are alike, as a high temperature makes them, the difference of their
    # logarithms has few digits left, but with d = (s - t) / T, log(p/q) = d - log Σ q e^d has many.
    d = _difference(xp, s, t) / temperature
    alike = xp.all(xp.abs(d) < 1, axis=-1, keepdims=True)
    d = xp.where(alike, d, 0.0)
    r = xp.where(
        alike,
        d - xp.log1p(xp.sum(q * expm1(xp, d), axis=-1, keepdims=True)),
        log_p - xp.where(log_q == -math.inf, 0.0, log_q),
    )
    # p and q both sum to 1, so that Σ (p - q) may be added, which makes every term nonnegative.
    return done(temperature**2 * xp.sum(_excess(xp, q, xp.exp(log_p), r), axis=-1))


def _difference(xp: Namespace, s: Array, t: Array) -> Array:
    """s - t less its value at the largest t, which is as good for a softmax; 0 where both are -inf."""
    neither = (s == -math.inf) & (t == -math.inf)
    d = xp.where(neither, 0.0, s) - xp.where(neither, 0.0, t)
    top = one_hot(xp, xp.argmax(t, axis=-1), t)
    return d - finite_or_nan(xp, xp.sum(xp.where(top, d, 0.0), axis=-1, keepdims=True))


def _excess(xp: Namespace, a: Array, b: Array, r: Array) -> Array:
    """a·log(a/b) - a + b for each class, never negative, where r = log(b/a) unless a is 0."""
    absent = a == 0
    y = expm1(xp, minimum(xp, r, 1.0))
    near = ~absent & (xp.abs(y) < 0.5)
    far = b - xp.where(absent, 0.0, a * (1 + xp.where(near | absent, 0.0, r)))
    return xp.where(near, a * less_log1p(xp, xp.where(near, y, 0.0)), far)


def _excess_ratio(xp: Namespace, b: Array, a: Array) -> Array:
    """b/a - 1, or 8 where that is more or a is 0."""
    close = xp.abs(b - a) < 8 * a
    return xp.where(close, b - a, 8.0) / xp.where(close, a, 1.0)


def _to_mixture(xp: Namespace, a: Array, b: Array, e: Array, weight: Any) -> Array:
    """a·log(a/m) - a + m for each class, with the mixture m = w·a + (1 - w)·b, given e = b/a - 1 up to 6."""
    m = weight * a + (1 - weight) * b
    y = (1 - weight) * e  # m/a - 1
    near = (e < 6) & (xp.abs(y) < 0.5)
    far = (1 - weight) * (b - a) + a * log(xp, xp.where(a == 0, 1.0, a / xp.where(m == 0, 1.0, m)))
    return xp.where(near, a * less_log1p(xp, xp.where(near, y, 0.0)), far)
