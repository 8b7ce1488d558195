"""Robust regression: losses that outliers move little."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.numeric import absolute, exp, expm1, exprel, nonzero, one_plus_square, product
from ._core.parameters import NUMBER, POSITIVE
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = [
    "cauchy_loss",
    "geman_mcclure_loss",
    "welsch_loss",
    "tukey_biweight_loss",
    "wing_loss",
    "general_robust_loss",
]


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, scale=POSITIVE)
def cauchy_loss(
    pred: A,
    target: Array,
    /,
    *,
    scale: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Cauchy loss, Lorentzian: logarithmic in the tails; regression with heavy-tailed errors.

    .. math:: \ell = \log\left(1 + \frac{z}{2}\right) \qquad z = \left(\frac{p - t}{c}\right)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    scale : float, default 1.0
        The residual :math:`c > 0` around which the loss turns from quadratic to logarithmic, in the
        unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A pure number.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `scale` that is
        not positive.

    Notes
    -----
    Smooth, not convex and not bounded; its curvature at 0 is :math:`1/c^2`. The gradient is largest
    at :math:`|p - t| = \sqrt2\,c` and falls off like :math:`2/(p - t)` beyond, to 0 at infinity,
    where the loss is infinite. It equals :func:`general_robust_loss` with :math:`\alpha = 0`. Texts
    on M-estimation write :math:`(c^2/2) \log(1 + z)`, which is :math:`c^2/2` times this loss with
    the scale :math:`c/\sqrt2`.

    References
    ----------
    Black and Anandan, *The robust estimation of multiple motions*, CVIU 63(1), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.cauchy_loss(np.asarray([0.0, 1.0, 100.0]), 0.0, reduction="none").round(6)
    array([0.      , 0.405465, 8.517393])
    """
    xp, p, t, c, done = enter(
        cauchy_loss, (pred, target), sample_weight, where, reduction, normalizer, scale=scale
    )
    m, v = one_plus_square(xp, (p - t) / c * math.sqrt(0.5))
    return done(2 * xp.log(m) + xp.log1p(v))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, scale=POSITIVE)
def geman_mcclure_loss(
    pred: A,
    target: Array,
    /,
    *,
    scale: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Geman-McClure loss: a rational function that levels off at 2; outliers hardly count.

    .. math:: \ell = \frac{2z}{z + 4} \qquad z = \left(\frac{p - t}{c}\right)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    scale : float, default 1.0
        The scale :math:`c > 0` of the residuals, in the unit of the target: at :math:`2c` the loss
        is half of what it can be.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A pure number below 2.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `scale` that is
        not positive.

    Notes
    -----
    Smooth, bounded and not convex; its curvature at 0 is :math:`1/c^2`. The gradient falls off like
    :math:`16c^2/(p - t)^3`; an infinite residual costs 2 and has gradient 0. It equals
    :func:`general_robust_loss` with :math:`\alpha = -2`. The original
    :math:`r^2/(r^2 + \sigma^2)` is half of this loss with :math:`c = \sigma/2`.

    References
    ----------
    Geman and McClure, *Bayesian image analysis: an application to single photon emission
    tomography*, Proc. Amer. Statist. Assoc., 1985.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.geman_mcclure_loss(np.asarray([0.0, 1.0, 2.0, np.inf]), 0.0, reduction="none")
    array([0. , 0.4, 1. , 2. ])
    """
    xp, p, t, c, done = enter(
        geman_mcclure_loss, (pred, target), sample_weight, where, reduction, normalizer, scale=scale
    )
    # z/4 is v where it is at most 1, and 1/v beyond.
    m, v = one_plus_square(xp, (p - t) / c / 2)
    return done(2 * xp.where(m > 1, 1.0, v) / (1 + v))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, scale=POSITIVE)
def welsch_loss(
    pred: A,
    target: Array,
    /,
    *,
    scale: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Welsch loss, Leclerc loss, correntropy: a Gaussian dip; outliers do not count at all.

    .. math:: \ell = 1 - e^{-z/2} \qquad z = \left(\frac{p - t}{c}\right)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    scale : float, default 1.0
        The standard deviation :math:`c > 0` of the dip, in the unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A pure number, at most 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `scale` that is
        not positive.

    Notes
    -----
    Smooth, bounded and not convex; its curvature at 0 is :math:`1/c^2`. The gradient is largest at
    :math:`|p - t| = c` and vanishes faster than any power: a start too far off does not learn. An
    infinite residual costs 1. It equals :func:`general_robust_loss` with :math:`\alpha = -\infty`.
    Texts on M-estimation write :math:`(c^2/2)(1 - e^{-z})`, which is :math:`c^2/2` times this loss
    with the scale :math:`c/\sqrt2`.

    References
    ----------
    Dennis and Welsch, *Techniques for nonlinear least squares and robust regression*, Communications
    in Statistics B 7(4), 1978.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.welsch_loss(np.asarray([0.0, 1.0, 100.0]), 0.0, reduction="none").round(6)
    array([0.      , 0.393469, 1.      ])
    """
    xp, p, t, c, done = enter(
        welsch_loss, (pred, target), sample_weight, where, reduction, normalizer, scale=scale
    )
    x = (p - t) / c
    x = xp.where(xp.abs(x) > 64, 64.0, x)  # beyond, nothing is left of the exponential in any dtype
    return done(-expm1(xp, -x * x / 2))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, c=POSITIVE)
def tukey_biweight_loss(
    pred: A,
    target: Array,
    /,
    *,
    c: float = 4.685,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Tukey's biweight, bisquare: constant beyond `c`; regression that rejects outliers.

    .. math::

        \ell = \frac{c^2}{6} \begin{cases} 1 - (1 - z)^3 & z \le 1 \\ 1 & \text{else} \end{cases}
        \qquad z = \left(\frac{p - t}{c}\right)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    c : float, default 4.685
        The residual :math:`c > 0` from which on the loss is constant, in the unit of the target.
        The default has 95 % efficiency where errors are normal with standard deviation 1; for
        another deviation multiply. Infinity gives half the squared error.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the target, at most :math:`c^2/6`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `c` that is not
        positive.

    Notes
    -----
    Bounded, twice continuously differentiable and not convex; its curvature at 0 is 1. The gradient
    :math:`(p - t)(1 - z)^2` is exactly 0 from :math:`|p - t| = c` on.

    References
    ----------
    Beaton and Tukey, *The fitting of power series, meaning polynomials, illustrated on
    band-spectroscopic data*, Technometrics 16(2), 1974.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.tukey_biweight_loss(np.asarray([0.0, 1.5, 100.0]), 0.0, reduction="none").round(6)
    array([0.      , 1.013618, 3.658204])
    """
    xp, p, t, c, done = enter(
        tukey_biweight_loss, (pred, target), sample_weight, where, reduction, normalizer, c=c
    )
    r = p - t
    if isinstance(c, float) and math.isinf(c):
        return done(r * r / 2)
    r = xp.where(xp.abs(r) >= c, c, r)
    z = (r / c) ** 2
    # Expanded, the cube keeps its digits near z = 0; as it stands, its derivative does near z = 1.
    s = (c - r) / c * ((c + r) / c)
    return done(c * (c * xp.where(z < 0.5, z * (3 - z * (3 - z)), 1 - s * s * s) / 6))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, width=POSITIVE, curvature=POSITIVE)
def wing_loss(
    pred: A,
    target: Array,
    /,
    *,
    width: float = 10.0,
    curvature: float = 2.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Wing loss: logarithmic near zero, linear beyond `width`; the localisation of landmarks.

    .. math::

        \ell = \begin{cases} w \log(1 + a/\epsilon) & a \le w \\ a - C & \text{else} \end{cases}
        \qquad a = |p - t| \qquad C = w - w \log(1 + w/\epsilon)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The coordinates :math:`p`, in pixels or another unit.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`, in the same unit.
    width : float, default 10.0
        The error :math:`w > 0` where the linear part begins, in the unit of the coordinates.
    curvature : float, default 2.0
        The error :math:`\epsilon > 0` that counts as small, in the unit of the coordinates: the
        slope at 0 is :math:`w/\epsilon`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the coordinates.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `width` or
        `curvature` that is not positive.

    Notes
    -----
    Continuous and not convex: the slope falls from :math:`w/\epsilon` at 0 to
    :math:`w/(w + \epsilon)` at :math:`a = w` and is 1 beyond, so that small and medium errors weigh
    more than in the absolute error. At the two kinks the gradient is 0 and the inner slope. The
    defaults are for pixels; coordinates between 0 and 1 need a `width` and `curvature` as much
    smaller. An item is one coordinate; the paper sums the coordinates of a face and averages over
    faces.

    References
    ----------
    Feng, Kittler, Awais, Huber and Wu, *Wing loss for robust facial landmark localisation with
    convolutional neural networks*, CVPR 2018, arXiv:1711.06753.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.wing_loss(np.asarray([0.0, 1.0, 20.0]), 0.0, reduction="none").round(6)
    array([ 0.      ,  4.054651, 27.917595])
    """
    xp, p, t, w, epsilon, done = enter(
        wing_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        width=width,
        curvature=curvature,
    )
    a = absolute(xp, p - t)
    # q = min(a, w), the inner branch taking the tie, whose slope is the lesser.
    q = xp.where(a > w, w, a)
    return done(w * xp.log1p(q / epsilon) + (a - q))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, alpha=NUMBER, scale=POSITIVE)
def general_robust_loss(
    pred: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 1.0,
    scale: float | Array = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""General and adaptive robust loss: one family from the squared error to Welsch's.

    .. math::

        \ell = \frac{b}{\alpha} \left[ \left(\frac{z}{b} + 1\right)^{\alpha/2} - 1 \right]
        \qquad z = \left(\frac{p - t}{c}\right)^2 \qquad b = |\alpha - 2|

    and its limits, at :math:`\alpha` of 2 :math:`z/2`, of 0 :math:`\log(1 + z/2)`, of
    :math:`-\infty` :math:`1 - e^{-z/2}`, of :math:`\infty` :math:`e^{z/2} - 1`.

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    alpha : float or array of shape (), default 1.0
        The shape :math:`\alpha`, of any sign and size: the smaller, the less outliers count. As an
        array it can be learned.
    scale : float or array of shape (), default 1.0
        The residual :math:`c > 0` up to which the loss is about quadratic, in the unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A pure number.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for an `alpha` that is NaN
        and a `scale` that is not positive.

    Notes
    -----
    About :math:`z/2` near 0 for every :math:`\alpha`; smooth, and increasing in :math:`|p - t|` and
    :math:`\alpha`. Convex for :math:`\alpha \ge 1`; bounded, by :math:`(2 - \alpha)/|\alpha|`, for
    :math:`\alpha < 0`.

    ============================ ====================================
    :math:`\alpha`               loss
    ============================ ====================================
    2                            half the squared error, with c = 1
    1                            pseudo-Huber, Charbonnier less c
    0                            :func:`cauchy_loss`
    -2                           :func:`geman_mcclure_loss`
    :math:`-\infty`              :func:`welsch_loss`
    ============================ ====================================

    No neighbourhood of these values is set apart, so the loss is differentiable in :math:`\alpha`
    at 0 as elsewhere. At exactly 2 its slope in :math:`\alpha` is infinite, and a finite one of the
    same sign stands in. The negative log-likelihood in which the paper learns :math:`\alpha` has
    one more term, its log-partition function, which is not part of this loss; without it
    :math:`\alpha` only ever falls.

    References
    ----------
    Barron, *A general and adaptive robust loss function*, CVPR 2019, arXiv:1701.03077.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([0.0, 1.5, 100.0])
    >>> al.general_robust_loss(p, 0.0, reduction="none").round(6)
    array([ 0.      ,  0.802776, 99.005   ])
    >>> al.general_robust_loss(p, 0.0, alpha=-2.0, reduction="none").round(6)
    array([0.    , 0.72  , 1.9992])
    """
    xp, p, t, alpha, c, done = enter(
        general_robust_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        scale=scale,
    )
    alpha = _within_reach(xp, alpha, p.dtype)
    b = nonzero(xp, abs(alpha - 2))  # at 2 any b will do
    m, v = one_plus_square(xp, (p - t) / c / b**0.5)
    # With L = log(z/b + 1) and y = αL/2 the loss is (b/α)(eʸ - 1), or (b/2)·L·(eʸ - 1)/y where y is
    # small: no singularity at α = 0. A power of m is precise where eʸ is not.
    L = 2 * xp.log(m) + xp.log1p(v)
    y = product(xp, alpha / 2, L)
    small = xp.abs(y) < 1
    near = b / 2 * xp.where(small, L, 0.0) * exprel(xp, xp.where(small, y, 0.0))
    power = xp.where(small, 1.0, m) ** alpha * exp(xp, alpha / 2 * xp.log1p(v))
    return done(xp.where(small, near, b / nonzero(xp, alpha) * (power - 1)))


def _within_reach(xp: Any, alpha: Any, dtype: Any) -> Any:
    """`alpha` without the magnitudes that change no digit of the loss, but under- or overflow on the way."""
    most = 2.0**40 if xp.finfo(dtype).bits == 32 else 2.0**64
    if not isinstance(alpha, float):
        return xp.clip(alpha, -most, most)
    return 0.0 if abs(alpha) < 1 / most else max(-most, min(alpha, most))
