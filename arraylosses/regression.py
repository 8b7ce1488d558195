"""Regression: how far a prediction is from its target."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.numeric import (
    absolute,
    expm1,
    huber,
    less_log1p,
    nonzero,
    product,
    relu,
    smooth_l1,
    square,
)
from ._core.parameters import FLAG, NONNEGATIVE, POSITIVE
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = [
    "absolute_error",
    "squared_error",
    "smooth_l1_loss",
    "huber_loss",
    "balanced_l1_loss",
    "charbonnier_loss",
    "log_cosh_loss",
]


@loss("(...), (...) -> (...)", pred=REAL, target=REAL)
def absolute_error(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Absolute error, L1 loss: robust regression towards the conditional median.

    .. math:: \ell = |p - t|

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex, with a kink at :math:`p = t`, where the gradient is 0. The size of a residual does not
    change its gradient, so outliers pull no harder than anything else.

    References
    ----------
    Boscovich, *De litteraria expeditione per pontificiam ditionem*, 1757; Laplace, *Mémoire sur la
    probabilité des causes par les évènements*, 1774.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.absolute_error(np.asarray([1.0, 2.0, 3.5]), np.asarray([1.5, 2.0, 1.0])))
    1.0
    """
    xp, p, t, done = enter(absolute_error, (pred, target), sample_weight, where, reduction, normalizer)
    return done(absolute(xp, p - t))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL)
def squared_error(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Squared error, L2 loss: regression towards the conditional mean.

    .. math:: \ell = (p - t)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and smooth, with gradient :math:`2(p - t)`: the larger a residual, the harder it pulls. There
    is no factor ½; half the squared error is :func:`huber_loss` with :math:`\delta = \infty`. What
    others call an L2 loss is sometimes the one, sometimes the other, and sometimes its root.

    References
    ----------
    Legendre, *Nouvelles méthodes pour la détermination des orbites des comètes*, 1805; Gauss,
    *Theoria motus corporum coelestium*, 1809.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.squared_error(np.asarray([1.0, 2.0, 3.5]), np.asarray([1.5, 2.0, 1.0]), reduction="none")
    array([0.25, 0.  , 6.25])
    """
    xp, p, t, done = enter(squared_error, (pred, target), sample_weight, where, reduction, normalizer)
    return done(square(xp, p - t))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, beta=NONNEGATIVE)
def smooth_l1_loss(
    pred: A,
    target: Array,
    /,
    *,
    beta: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Smooth L1 loss: the absolute error with a quadratic core; box regression.

    .. math::

        \ell = \begin{cases} r^2 / 2\beta & |r| < \beta \\ |r| - \beta/2 & \text{else} \end{cases}
        \qquad r = p - t

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    beta : float, default 1.0
        The width :math:`\beta \ge 0` of the core, in the unit of the target. 0 gives the absolute
        error. Region proposal networks often use 1/9; what older code calls sigma is
        :math:`1/\sqrt\beta`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `beta`.

    Notes
    -----
    Convex and, for :math:`\beta > 0`, continuously differentiable, with gradient
    :math:`\operatorname{clip}(r/\beta, -1, 1)`. It equals :func:`huber_loss` with
    :math:`\delta = \beta`, divided by :math:`\beta`. An infinite residual has gradient ±1.

    References
    ----------
    Girshick, *Fast R-CNN*, ICCV 2015, arXiv:1504.08083.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.smooth_l1_loss(np.asarray([1.0, 2.0, 3.5]), np.asarray([1.5, 2.0, 1.0]), reduction="none")
    array([0.125, 0.   , 2.   ])
    """
    xp, p, t, beta, done = enter(
        smooth_l1_loss, (pred, target), sample_weight, where, reduction, normalizer, beta=beta
    )
    r = p - t
    if isinstance(beta, float) and beta == 0:
        return done(absolute(xp, r))
    smooth = smooth_l1(xp, r, nonzero(xp, beta))
    return done(smooth if isinstance(beta, float) else xp.where(beta == 0, absolute(xp, r), smooth))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, delta=POSITIVE)
def huber_loss(
    pred: A,
    target: Array,
    /,
    *,
    delta: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Huber loss: quadratic near zero, linear beyond `delta`; robust regression towards the mean.

    .. math::

        \ell = \begin{cases} r^2/2 & |r| \le \delta \\ \delta\,(|r| - \delta/2) & \text{else} \end{cases}
        \qquad r = p - t

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    delta : float, default 1.0
        Where the tails begin, :math:`\delta > 0`, in the unit of the target. Infinity gives half
        the squared error.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `delta` that is
        not positive.

    Notes
    -----
    Convex and continuously differentiable, with gradient :math:`\operatorname{clip}(r, -\delta, \delta)`.
    It equals :math:`\delta` times :func:`smooth_l1_loss` with :math:`\beta = \delta`; as
    :math:`\delta \to 0` it tends to 0, not to the absolute error.

    References
    ----------
    Huber, *Robust estimation of a location parameter*, Ann. Math. Stat. 35(1), 1964.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.huber_loss(np.asarray([1.0, 2.0, 3.5]), np.asarray([1.5, 2.0, 1.0]), delta=2.0, reduction="none")
    array([0.125, 0.   , 3.   ])
    """
    xp, p, t, delta, done = enter(
        huber_loss, (pred, target), sample_weight, where, reduction, normalizer, delta=delta
    )
    r = p - t
    if isinstance(delta, float) and delta == math.inf:
        return done(r * r / 2)
    return done(huber(xp, r, delta))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, alpha=POSITIVE, gamma=POSITIVE, beta=POSITIVE)
def balanced_l1_loss(
    pred: A,
    target: Array,
    /,
    *,
    alpha: float = 0.5,
    gamma: float = 1.5,
    beta: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Balanced L1 loss: a smooth L1 loss whose accurate predictions pull harder; box regression.

    .. math::

        \ell = \begin{cases}
            \frac{\alpha}{b} (b a + \beta) \ln(b a / \beta + 1) - \alpha a & a < \beta \\
            \gamma a + \beta (\gamma / b - \alpha) & \text{else}
        \end{cases}
        \qquad a = |p - t|, \quad b = e^{\gamma/\alpha} - 1

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    alpha : float, default 0.5
        How hard small residuals pull, :math:`\alpha > 0`; the smaller, the harder.
    gamma : float, default 1.5
        The slope of the tails, :math:`0 < \gamma \le 80\,\alpha`.
    beta : float, default 1.0
        Where the tails begin, :math:`\beta > 0`, in the unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a parameter that is
        not positive, and for a `gamma` above 80 times `alpha`.

    Notes
    -----
    Convex and continuously differentiable. The gradient grows in size as
    :math:`\alpha \ln(b a / \beta + 1)` up to :math:`\gamma` and stays there. The published code leaves
    :math:`\beta` out of two places, which is the same at :math:`\beta = 1` only; written as here, the
    loss for :math:`\beta` is :math:`\beta` times that of :math:`r / \beta` for 1.

    References
    ----------
    Pang, Chen, Shi, Feng, Ouyang, Lin, *Libra R-CNN: towards balanced learning for object detection*,
    CVPR 2019, arXiv:1904.02701.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.balanced_l1_loss(np.asarray([0.5, 2.0]), np.asarray([0.0, 0.0]), reduction="none").round(6)
    array([0.400568, 2.578594])
    """
    xp, p, t, alpha, gamma, beta, done = enter(
        balanced_l1_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        gamma=gamma,
        beta=beta,
    )
    ratio = gamma / alpha
    if isinstance(ratio, float) and ratio > 80:
        raise refuse("balanced_l1_loss", "gamma", "be at most 80 times alpha", gamma)
    b = math.expm1(ratio) if isinstance(ratio, float) else expm1(xp, ratio)
    # Not by absolute(), because the second derivative at 0 shall be right.
    a = xp.where(p < t, t - p, p - t)
    u = b * xp.where(a > beta, beta, a) / beta
    core = u * xp.log1p(u) - less_log1p(xp, u)  # (1 + u) log(1 + u) - u, accurate around 0 too
    return done(alpha * beta / b * core + gamma * relu(xp, a - beta))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, eps=NONNEGATIVE, shift=FLAG)
def charbonnier_loss(
    pred: A,
    target: Array,
    /,
    *,
    eps: float = 1e-3,
    shift: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Charbonnier loss: an absolute error that is smooth at 0; image restoration.

    .. math:: \ell = \sqrt{(p - t)^2 + \varepsilon^2}

    With `shift`, :math:`\varepsilon` less, so that it begins at 0.

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    eps : float, default 0.001
        The width :math:`\varepsilon \ge 0` of the rounding, in the unit of the target. 0 gives the
        absolute error.
    shift : bool, default False
        Whether to subtract :math:`\varepsilon`, which makes this the pseudo-Huber loss, divided by
        its :math:`\delta = \varepsilon`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `eps`.

    Notes
    -----
    Convex and, for :math:`\varepsilon > 0`, smooth, with gradient :math:`r / \ell` (not shifted) below 1 in
    size. Its minimum is :math:`\varepsilon`, not 0, unless it is shifted. Some add their `eps` under the root
    without squaring it: their 1e-12 is 1e-6 here. Others fix :math:`\varepsilon = 1` and shift.

    References
    ----------
    Charbonnier, Blanc-Féraud, Aubert, Barlaud, *Two deterministic half-quadratic regularization
    algorithms for computed imaging*, ICIP 1994; Lai, Huang, Ahuja, Yang, *Deep Laplacian pyramid networks
    for fast and accurate super-resolution*, CVPR 2017, arXiv:1704.03915.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.charbonnier_loss(np.asarray([4.0]), np.asarray([1.0]), eps=4.0))
    5.0
    >>> float(al.charbonnier_loss(np.asarray([4.0]), np.asarray([1.0]), eps=4.0, shift=True))
    1.0
    """
    xp, p, t, eps, shift, done = enter(
        charbonnier_loss, (pred, target), sample_weight, where, reduction, normalizer, eps=eps, shift=shift
    )
    r = p - t
    if isinstance(eps, float) and eps == 0:
        return done(absolute(xp, r))
    # √(ε² + r²) = h √(1 + v) = h + hv / (√(1 + v) + 1), in which nothing cancels, nor in its derivatives.
    far = xp.abs(r) > eps
    small = xp.where(far, eps / xp.where(far, r, 1.0), r / nonzero(xp, eps))
    v = square(xp, small)
    h = xp.where(far, xp.abs(r), eps)
    return done(product(xp, v / (xp.sqrt(1 + v) + 1), h) + (h - eps if shift else h))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL)
def log_cosh_loss(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Log-cosh loss: like the Huber loss, but smooth to all orders.

    .. math:: \ell = \ln \cosh(p - t)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A number without a unit: the scale at which quadratic becomes linear is a residual of 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and smooth, with gradient :math:`\tanh r` and second derivative :math:`1 - \tanh^2 r` in
    :math:`r = p - t`. Near 0 it is :math:`r^2/2`, far out :math:`|r| - \ln 2`; an infinite residual has
    gradient ±1. The relative accuracy is full for small residuals too.

    References
    ----------
    Chen, Chen, Chen, Wang, *Log hyperbolic cosine loss improves variational auto-encoder*, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.log_cosh_loss(np.asarray([0.5, 2.5, 1e-4]), np.zeros(3), reduction="none")
    array([1.20114507e-01, 1.81356817e+00, 4.99999999e-09])
    """
    xp, p, t, done = enter(log_cosh_loss, (pred, target), sample_weight, where, reduction, normalizer)
    r = p - t
    # ln cosh r is log1p(2 sinh²(r/2)), which is exact around 0, and |r| - ln 2 + log1p(exp(-2|r|)), which
    # does not overflow: one logarithm for both.
    near = absolute(xp, r) <= 1
    s = xp.sinh(xp.where(near, r, 0.0) / 2)
    a = absolute(xp, xp.where(near, 0.0, r))
    return done(xp.log1p(xp.where(near, 2 * s * s, xp.exp(-2 * a))) + xp.where(near, 0.0, a - math.log(2)))
