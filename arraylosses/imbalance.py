"""Imbalance: losses that ask less of easy examples."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import CLASSES, PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import faded, focal_nll, label_nll, logit_nll, modulated
from ._core.namespaces import device, stop_gradient
from ._core.numeric import (
    expm1,
    log,
    log1p,
    log_add_exp,
    log_softmax,
    pick,
    power,
    product,
    relu,
    sigmoid,
    softplus,
)
from ._core.parameters import (
    CLASS_AXIS,
    CLASS_WEIGHT,
    FLAG,
    FRACTION,
    IGNORE_INDEX,
    NONNEGATIVE,
    ArrayRule,
    optional,
)
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["sigmoid_focal_loss", "softmax_focal_loss", "asymmetric_loss"]


@loss("(...), (...) -> (...)", logits=REAL, target=PROBABILITY, alpha=optional(FRACTION), gamma=NONNEGATIVE)
def sigmoid_focal_loss(
    logits: A,
    target: Array,
    /,
    *,
    alpha: float | Array | None = 0.25,
    gamma: float | Array = 2.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Sigmoid focal loss: binary cross entropy that fades for easy examples; dense detection.

    .. math::

        \ell = \alpha_t\, q^\gamma \bigl[-y \ln p - (1-y) \ln(1-p)\bigr]
        \qquad p = \sigma(z), \quad q = y\,(1-p) + (1-y)\,p, \quad
        \alpha_t = y\,\alpha + (1-y)(1-\alpha)

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The logits :math:`z`. Several labels per example are several elements.
    target : array of real dtype, shape (...), or a number
        The label :math:`y`, 0 or 1, or a probability in between.
    alpha : float in [0, 1] or None, default 0.25
        The weight :math:`\alpha` of the positives against :math:`1-\alpha` for the negatives. None
        weighs both with 1.
    gamma : float, default 2.0
        How fast easy examples fade, :math:`\gamma \ge 0`. 0 gives the binary cross entropy,
        weighted by :math:`\alpha_t`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The paper divides the
        sum by the number of positive anchors: pass that as `normalizer`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for an `alpha` outside
        [0, 1] and for a negative `gamma`.

    Notes
    -----
    Not convex. The factor :math:`q^\gamma`, where :math:`q` is the probability of the wrong label,
    is differentiated along with the rest. A confident right answer costs 0, a confident wrong one
    :math:`\alpha_t |z|`, with finite gradients for every :math:`\gamma`, at infinite logits too.
    :math:`\alpha_t` does not enter the denominator of a mean. Some implementations spell
    ``alpha=None`` as -1, or have it for a default, or do not reduce by default.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection*, ICCV 2017,
    arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> loss = al.sigmoid_focal_loss(np.asarray([0.0, 0.0]), np.asarray([1, 0]), reduction="none")
    >>> [round(float(x), 6) for x in loss]
    [0.043322, 0.129965]
    """
    xp, z, y, alpha, gamma, done = enter(
        sigmoid_focal_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        gamma=gamma,
    )
    loss = focal_nll(xp, z, y) if isinstance(gamma, float) and gamma == 2 else _focal(xp, z, y, gamma)
    if alpha is not None:
        share = alpha * y + (1 - alpha) * (1 - y)
        inside = isinstance(alpha, float) and 0 < alpha < 1  # then no share is 0
        loss = share * loss if inside else product(xp, share, loss)
    return done(loss)


def _focal(xp: Namespace, z: Array, y: Array, gamma: Any) -> Array:
    """The log loss times the probability of the wrong label to the power `gamma`, whatever that is."""
    nll = logit_nll(xp, z, y, 1.0)
    if isinstance(gamma, float) and gamma == 0:
        return nll
    positive = z >= 0
    size = xp.where(positive, z, -z)
    u, e = xp.where(positive, 1 - y, y), xp.exp(-size)
    wrong = u + (1 - u) * e
    # By the logarithm, because a power is not smooth at 0. There e has underflowed: log e = -size.
    under = wrong == 0
    log_wrong = xp.where(under, -size, xp.log(xp.where(under, 1.0, wrong)))
    return modulated(xp, xp.exp(gamma * (log_wrong - xp.log1p(e))), nll)


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, PROBABILITY),
    alpha=ArrayRule(("(c)",)),
    gamma=NONNEGATIVE,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
)
def softmax_focal_loss(
    logits: A,
    target: Array,
    /,
    *,
    alpha: Array | None = None,
    gamma: float | Array = 2.0,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Softmax focal loss: cross-entropy of several classes that fades for easy examples.

    .. math::

        \ell = -\sum_c w_c\, q_c\, \alpha_c\, (1 - p_c)^\gamma \ln p_c
        \qquad p = \operatorname{softmax}(z)

    with the target distribution :math:`q`, which for a label :math:`y` is :math:`[c = y]`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    target : array of integer dtype, shape (...), or of floating or bool dtype, shape (..., C)
        Integers are labels :math:`y` from 0 to C - 1; anything else is the probability :math:`q_c` of
        every class.
    alpha : array of real dtype, shape (C,), optional
        The factor :math:`\alpha_c \ge 0` of every class, 1 if not given. Unlike `class_weight` it does
        not enter the denominator of a mean.
    gamma : float, default 2.0
        How fast easy examples fade, :math:`\gamma \ge 0`. 0 gives the cross-entropy.
    axis : int, default -1
        The class axis of `logits`, and of a `target` that has one.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_c q_c`.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing. Only for labels.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a negative `gamma`, and
        for an `ignore_index` with a target of probabilities.

    Notes
    -----
    Not convex. The factor :math:`(1 - p_c)^\gamma` is differentiated along with the rest. A confident
    right answer costs 0 and a confident wrong one its cross-entropy, with finite gradients for every
    :math:`\gamma`. Impossible classes, illegal labels and infinite logits are as in
    :func:`cross_entropy`. With a single number for `alpha`, which this function refuses, Keras
    weighs every class alike, Kornia and MONAI class 0 by :math:`1 - \alpha` and all others by
    :math:`\alpha`.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection*, ICCV 2017,
    arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, labels = np.asarray([[2.0, 0.5, -1.0], [2.0, 0.5, -1.0]]), np.asarray([0, 1])
    >>> al.softmax_focal_loss(logits, labels, reduction="none").round(6)
    array([0.011093, 1.184346])
    """
    xp, z, target, alpha, gamma, class_weight, done = enter(
        softmax_focal_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        alpha=alpha,
        gamma=gamma,
        class_weight=class_weight,
    )
    if done.form == 0:  # labels
        w, z = done.weigh_labels(class_weight, target, z)
        items = faded(xp, label_nll(xp, z, target), gamma)
        return done(w * (items if alpha is None else product(xp, pick(xp, alpha, target), items)))
    q = target
    if class_weight is not None:
        q = class_weight * q
        z = done.weigh(xp.sum(q, axis=-1), z)
    q = q if alpha is None else alpha * q
    return done(xp.sum(product(xp, q, faded(xp, -log_softmax(xp, z), gamma)), axis=-1))


@loss(
    "(...), (...) -> (...)",
    logits=REAL,
    target=PROBABILITY,
    gamma_neg=NONNEGATIVE,
    gamma_pos=NONNEGATIVE,
    clip=FRACTION,
    detach_weight=FLAG,
)
def asymmetric_loss(
    logits: A,
    target: Array,
    /,
    *,
    gamma_neg: float | Array = 4.0,
    gamma_pos: float | Array = 1.0,
    clip: float | Array = 0.05,
    detach_weight: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Asymmetric loss: labels of which few hold at a time, easy negatives fading faster than positives.

    .. math::

        \ell = -y\,(1-p)^{\gamma_+} \ln p - (1-y)\, p_m^{\gamma_-} \ln(1 - p_m)
        \qquad p = \sigma(z), \quad p_m = \max(p - m, 0)

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The logits :math:`z`. Several labels per example are several elements.
    target : array of real dtype, shape (...), or a number
        The label :math:`y`, 0 or 1, or a probability in between.
    gamma_neg : float, default 4.0
        How fast easy negatives fade, :math:`\gamma_- \ge 0`.
    gamma_pos : float, default 1.0
        How fast easy positives fade, :math:`\gamma_+ \ge 0`.
    clip : float, default 0.05
        The probability :math:`m`, from 0 to 1, up to which negatives cost nothing.
    detach_weight : bool, default False
        Whether the powers are held constant where the loss is differentiated.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The authors' code returns
        the sum.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a negative `gamma_neg`
        or `gamma_pos`, and for a `clip` outside of [0, 1].

    Notes
    -----
    Not convex. A negative with :math:`p \le m` costs 0, with gradient 0. With a `clip` above 0 no
    negative costs more than :math:`-\ln m`; a wrong positive costs :math:`|z|` at most, and has its
    gradient however wrong it is, where code that clips probabilities at 1e-8 has none from
    :math:`z = -18.4` on. With both powers and `clip` 0 it is
    :func:`binary_cross_entropy_with_logits`. For COCO the paper takes 0 for `gamma_pos`.

    References
    ----------
    Ben-Baruch, Ridnik, Zamir, Noy, Friedman, Protter, Zelnik-Manor, *Asymmetric Loss For Multi-Label
    Classification*, ICCV 2021, arXiv:2009.14119.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([2.0, -1.0, -4.0]), np.asarray([1, 0, 0])
    >>> al.asymmetric_loss(logits, target, reduction="none").round(6)
    array([0.01513 , 0.000568, 0.      ])
    """
    xp, z, y, gamma_neg, gamma_pos, clip, detach_weight, done = enter(
        asymmetric_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma_neg=gamma_neg,
        gamma_pos=gamma_pos,
        clip=clip,
        detach_weight=detach_weight,
    )
    fade = _held_faded if detach_weight else faded
    positive = fade(xp, softplus(xp, -z), gamma_pos)
    negative = fade(xp, _shifted_nll(xp, z, clip), gamma_neg)
    return done(product(xp, y, positive) + product(xp, 1 - y, negative))


def _held_faded(xp: Namespace, nll: Array, gamma: Any) -> Array:
    """`faded`, with the factor as a constant."""
    return stop_gradient(xp, power(xp, -expm1(xp, -nll), gamma)) * nll


def _shifted_nll(xp: Namespace, z: Array, m: Any) -> Array:
    """-log(1 - max(sigmoid(z) - m, 0))."""
    if isinstance(m, float) and m == 0:
        return softplus(xp, z)
    shifted = relu(xp, sigmoid(xp, z) - m)
    low = shifted < 0.5
    near = -log1p(xp, -xp.where(low, shifted, 0.0))
    # Where it may be almost 1, as 1 - p + m, of which both are small.
    m = xp.asarray(m, dtype=z.dtype, device=device(xp, z)) if isinstance(m, float) else m
    return xp.where(low, near, -log_add_exp(xp, -softplus(xp, xp.where(low, 0.0, z)), log(xp, m)))
