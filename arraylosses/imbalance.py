"""Imbalance: losses that ask less of easy and frequent examples."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import focal_nll, logit_nll
from ._core.namespaces import stop_gradient
from ._core.numeric import product
from ._core.parameters import FRACTION, NONNEGATIVE, optional
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["sigmoid_focal_loss"]


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
    factor = xp.exp(gamma * (log_wrong - xp.log1p(e)))
    # At infinity the factor is constant, which 0·∞ in the derivative would not tell.
    far = size == math.inf
    return xp.where(far, stop_gradient(xp, factor) * nll, factor * xp.where(far, 0.0, nll))
