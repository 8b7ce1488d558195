"""Rotated boxes: distances of the Gaussians that stand for them."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import ROTATED_BOXES
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import columns
from ._core.numeric import (
    expm1,
    greater,
    keep,
    lesser,
    log_fraction,
    part,
    smooth_l1,
)
from ._core.parameters import FLAG, NONNEGATIVE, ArrayRule, Rule, choice
from ._core.registry import loss
from ._core.rotated_pairs import (
    divergence,
    fourth_root_of_area,
    mean_of,
    overlap_of,
    rotated_pair,
    wasserstein,
    without_empty,
)

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["gwd_loss", "kld_loss", "kfiou_loss"]

TAU = Rule("be 0 or at least 1", lambda v: v == 0 or v >= 1, (-1.0, 0.5, math.nan))
FUN = choice("none", "sqrt", "log1p")
CENTERS = ArrayRule(("(..., 2)",))


@loss(
    "(..., 5), (..., 5) -> (...)",
    pred=ROTATED_BOXES,
    target=ROTATED_BOXES,
    fun=FUN,
    tau=TAU,
    alpha=NONNEGATIVE,
    normalize=FLAG,
)
def gwd_loss(
    pred: A,
    target: Array,
    /,
    *,
    fun: str = "log1p",
    tau: float | Array = 1.0,
    alpha: float | Array = 1.0,
    normalize: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gaussian Wasserstein distance loss: how far two rotated boxes are apart as Gaussians.

    .. math::

        W^2 &= \|\mu - \mu_t\|^2 + \alpha^2 \operatorname{tr}\Bigl(\Sigma + \Sigma_t
        - 2 \bigl(\Sigma^{1/2} \Sigma_t \Sigma^{1/2}\bigr)^{1/2}\Bigr) \\
        \ell &= 1 - \frac{1}{\tau + f}
        \qquad f = W^2, \quad W \quad\text{or}\quad \log(1 + W^2)

    where :math:`\mu, \Sigma` and :math:`\mu_t, \Sigma_t` are the means and the covariances that
    :func:`gaussian_from_rotated_box` gives. With :math:`\tau = 0` the loss is :math:`f` itself.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 5)
        The predicted boxes: x and y of the center, width, height, and the angle in radians by which
        the box is turned, from the x axis to the y axis.
    target : array of real dtype, shape (..., 5)
        The true boxes, in the units of `pred`.
    fun : {"log1p", "sqrt", "none"}, default "log1p"
        What is made of the distance: :math:`\log(1 + W^2)`, :math:`W`, or :math:`W^2`.
    tau : float, default 1.0
        At least 1: how much :math:`\tau` stands beside the distance in the bounded loss. Or 0, for the
        loss without a bound. An array in the place of the number counts as 0 where it is below 1.
    alpha : float, default 1.0
        How much :math:`\alpha \ge 0` the shapes count beside the centers.
    normalize : bool, default False
        Whether :math:`W` is first divided by the geometric mean of the four sides, which is
        :math:`2 (\det\Sigma \det\Sigma_t)^{1/8}`. The loss then does not depend on the scale.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        For boxes that are identical :math:`1 - 1/\tau`, or 0 with ``tau=0``; less than 1, or with
        ``tau=0`` without a bound, and then of "none" in the squared unit of `pred`, and of "sqrt" in
        its unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fun`, for a `tau`
        that is neither 0 nor at least 1, and for a negative `alpha`.

    See Also
    --------
    kld_loss, kfiou_loss : Others of the same Gaussians, which do not depend on the scale.
    gaussian_from_rotated_box : The Gaussians.

    Notes
    -----
    No matrix is built, and the distance is a sum of terms that are not negative: of boxes that are
    nearly the same it has all its digits, also in single precision. Of boxes that are identical it is
    exactly 0, with gradient 0. A box turned by a half turn is the same, and so is one turned by a
    right angle with its sides exchanged; the angle of a square has no gradient.

    A box of negative width or height is one of width or height 0, of which the distance is finite.
    Divided by the mean of sides of which one is 0, the distance is infinite, with gradient 0, unless
    the boxes are identical. A box with a number that is not finite gives NaN.

    The defaults are those of the paper. MMRotate has ``fun="sqrt", tau=2``, with which identical boxes
    have loss 0.5; its older function takes :math:`\log(1 + W)`, of a normalized :math:`W`.

    References
    ----------
    Yang et al., *Rethinking Rotated Object Detection with Gaussian Wasserstein Distance Loss*,
    ICML 2021, arXiv:2101.11952.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0]])
    >>> target = np.asarray([[1.0, 0.5, 3.0, 2.0, np.pi / 6], [0.0, 0.0, 1.0, 1.0, 0.3]])
    >>> [round(float(x), 6) for x in al.gwd_loss(pred, target, reduction="none")]
    [0.501793, 0.0]
    >>> round(float(al.gwd_loss(pred[0], target[0], fun="none", tau=0)), 6)
    1.737913
    """
    xp, p, t, fun, tau, alpha, normalize, done = enter(
        gwd_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        fun=fun,
        tau=tau,
        alpha=alpha,
        normalize=normalize,
    )
    p, t, sine, cosine = rotated_pair(xp, p, t)
    distance = wasserstein(xp, p, t, sine, cosine, alpha)
    if not normalize:
        return done(_bounded(xp, distance.as_told(xp, fun), tau))
    size = fourth_root_of_area(xp, p) * fourth_root_of_area(xp, t)
    f = distance.in_units_of(xp, size).as_told(xp, fun)
    infinite = (size == 0) & (distance.largest(xp) > 0)
    return done(_bounded(xp, xp.where(infinite, math.inf, f), tau))


@loss(
    "(..., 5), (..., 5) -> (...)",
    pred=ROTATED_BOXES,
    target=ROTATED_BOXES,
    direction=choice("pt", "tp", "jeffreys", "max", "min"),
    fun=FUN,
    tau=TAU,
    sqrt=FLAG,
)
def kld_loss(
    pred: A,
    target: Array,
    /,
    *,
    direction: str = "pt",
    fun: str = "log1p",
    tau: float | Array = 1.0,
    sqrt: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Kullback-Leibler divergence loss of two rotated boxes as Gaussians.

    .. math::

        D &= \tfrac12 \Bigl[(\mu - \mu_t)^\top \Sigma_t^{-1} (\mu - \mu_t)
        + \operatorname{tr}(\Sigma_t^{-1} \Sigma) - 2 + \log\frac{\det\Sigma_t}{\det\Sigma}\Bigr] \\
        \ell &= 1 - \frac{1}{\tau + f}
        \qquad f = D, \quad \sqrt D \quad\text{or}\quad \log(1 + D)

    where :math:`\mu, \Sigma` and :math:`\mu_t, \Sigma_t` are the means and the covariances that
    :func:`gaussian_from_rotated_box` gives. With :math:`\tau = 0` the loss is :math:`f` itself.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 5)
        The predicted boxes: x and y of the center, width, height, and the angle in radians by which
        the box is turned, from the x axis to the y axis.
    target : array of real dtype, shape (..., 5)
        The true boxes, in the units of `pred`.
    direction : {"pt", "tp", "jeffreys", "max", "min"}, default "pt"
        Whether :math:`D` is the divergence of the prediction from the target, which is the one above;
        of the target from the prediction; the mean of the two; the greater; or the lesser of them.
    fun : {"log1p", "sqrt", "none"}, default "log1p"
        What is made of the divergence: :math:`\log(1 + D)`, :math:`\sqrt D`, or :math:`D`.
    tau : float, default 1.0
        At least 1: how much :math:`\tau` stands beside the divergence in the bounded loss. Or 0, for
        the loss without a bound. An array in the place of the number counts as 0 where it is below 1.
    sqrt : bool, default False
        Whether :math:`\sqrt D` takes the place of :math:`D` in :math:`f`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        For boxes that are identical :math:`1 - 1/\tau`, or 0 with ``tau=0``; at most 1, or with
        ``tau=0`` without a bound.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `direction` or
        `fun`, and for a `tau` that is neither 0 nor at least 1.

    See Also
    --------
    gwd_loss : A distance that is finite for boxes without area.
    gaussian_from_rotated_box : The Gaussians.

    Notes
    -----
    It does not depend on the scale, nor on any other linear map of both boxes. No matrix is built, and
    the divergence is a sum of terms that are not negative: of boxes that are nearly the same it has
    all its digits, and of boxes that are identical it is exactly 0, with gradient 0. A box turned by a
    half turn is the same; the angle of a square has no gradient. Where the two directions are the same
    the greater and the lesser of them share the gradient equally.

    Where a width or a height is 0 or negative, the divergence is infinite, and the loss is infinite or
    1, with gradient 0: mask such boxes. A box with a number that is not finite gives NaN.

    MMRotate's function is ``direction="tp", sqrt=True``, and the one of its second version has twice
    the divergence.

    References
    ----------
    Yang et al., *Learning High-Precision Bounding Box for Rotated Object Detection via Kullback-Leibler
    Divergence*, NeurIPS 2021, arXiv:2106.01883.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0]])
    >>> target = np.asarray([[1.0, 0.5, 3.0, 2.0, np.pi / 6], [0.0, 0.0, 1.0, 1.0, 0.3]])
    >>> [round(float(x), 6) for x in al.kld_loss(pred, target, reduction="none")]
    [0.316394, 0.0]
    >>> round(float(al.kld_loss(pred[0], target[0], fun="none", tau=0)), 6)
    0.588564
    """
    xp, p, t, direction, fun, tau, sqrt, done = enter(
        kld_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        direction=direction,
        fun=fun,
        tau=tau,
        sqrt=sqrt,
    )
    p, t, sine, _ = rotated_pair(xp, p, t)
    p, t, empty = without_empty(xp, p, t)
    pairs = {"pt": [(p, t)], "tp": [(t, p)]}.get(direction, [(p, t), (t, p)])
    distances = [divergence(xp, a, b, sine) for a, b in pairs]
    if direction == "jeffreys":
        distances = [mean_of(*distances)]
    # The greater of two is chosen after the function, which does not overflow where they would.
    found = [distance.as_told(xp, fun, sqrt) for distance in distances]
    f = found[0] if len(found) == 1 else (greater if direction == "max" else lesser)(xp, *found)
    return done(_bounded(xp, xp.where(empty & ~xp.isnan(f), math.inf, f), tau))


@loss(
    "(..., 5), (..., 5) -> (...)",
    pred=ROTATED_BOXES,
    target=ROTATED_BOXES,
    fun=choice("none", "ln", "exp"),
    rescale=FLAG,
    center_pred=CENTERS,
    center_target=CENTERS,
)
def kfiou_loss(
    pred: A,
    target: Array,
    /,
    *,
    fun: str = "none",
    rescale: bool = False,
    center_pred: Array | None = None,
    center_target: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Kalman filter IoU loss: how much the shapes of two rotated boxes overlap as Gaussians.

    .. math::

        V_I &= 4 \sqrt{\det\bigl(\Sigma (\Sigma + \Sigma_t)^{-1} \Sigma_t\bigr)}
        \qquad x = \frac{V_I}{w h + w_t h_t - V_I} \\
        \ell &= 1 - x \quad\text{or}\quad -\log x \quad\text{or}\quad e^{1 - x} - 1

    where :math:`\Sigma` and :math:`\Sigma_t` are the covariances that
    :func:`gaussian_from_rotated_box` gives, and :math:`w, h` and :math:`w_t, h_t` are the sides.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 5)
        The predicted boxes: x and y of the center, width, height, and the angle in radians by which
        the box is turned, from the x axis to the y axis.
    target : array of real dtype, shape (..., 5)
        The true boxes, in the units of `pred`.
    fun : {"none", "ln", "exp"}, default "none"
        Which of the three.
    rescale : bool, default False
        Whether :math:`x`, which is at most 1/3, is multiplied by 3.
    center_pred, center_target : arrays of real dtype, shape (..., 2), optional
        Both or none: the offsets that the network predicts for the center, and the true ones. Their
        smooth L1 loss with :math:`\beta = 1/9` (:func:`smooth_l1_loss`), added up over the two, is added.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Of boxes of the same shape 2/3, :math:`\log 3` or :math:`e^{2/3} - 1`, and if rescaled 0; for no
        overlap 1, infinite or :math:`e - 1`; beyond that, the loss of the centers.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fun`, and for one
        of the centers without the other.

    See Also
    --------
    gwd_loss, kld_loss : Of the same Gaussians, with their centers.
    gaussian_from_rotated_box : The Gaussians.

    Notes
    -----
    The overlap is that of the boxes with their centers brought together. It does not depend on the
    centers, which get their gradient from another loss, nor on the scale. Of boxes that are nearly the
    same what it lacks of 1/3 has all its digits, and of boxes of the same shape the loss is exactly its
    least value, with gradient 0. A box turned by a half turn is the same; the angle of a square has no
    gradient.

    A box of negative width or height is empty, and with an empty box there is no overlap: x is 0, with
    no derivative. A box with a number that is not finite gives NaN.

    References
    ----------
    Yang et al., *The KFIoU Loss for Rotated Object Detection*, ICLR 2023, arXiv:2201.12558.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0]])
    >>> target = np.asarray([[1.0, 0.5, 3.0, 2.0, np.pi / 6], [0.0, 0.0, 1.0, 1.0, 0.3]])
    >>> [round(float(x), 6) for x in al.kfiou_loss(pred, target, reduction="none")]
    [0.694812, 0.666667]
    >>> [round(float(x), 6) for x in al.kfiou_loss(pred, target, rescale=True, reduction="none")]
    [0.084437, 0.0]
    """
    xp, p, t, fun, rescale, u, v, done = enter(
        kfiou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        fun=fun,
        rescale=rescale,
        center_pred=center_pred,
        center_target=center_target,
    )
    if (u is None) != (v is None):
        names = ("center_pred", "center_target") if u is None else ("center_target", "center_pred")
        raise refuse("kfiou_loss", names[0], f"be given with {names[1]}", None)
    p, t, sine, _ = rotated_pair(xp, p, t)
    p, t, empty = without_empty(xp, p, t)
    lack, third = overlap_of(xp, p, t, sine)  # 1 - 3x : 3x
    # A box whose center is no number is none, although the overlap does not depend on it.
    lack = lack + 0.0 * ((p.x - t.x) + (p.y - t.y))
    empty = empty & ~xp.isnan(lack)
    if fun == "ln":
        items = (0.0 if rescale else math.log(3)) - log_fraction(xp, third, lack)
        items = xp.where(empty, math.inf, items)
    else:
        missing = xp.where(empty, 1.0, part(xp, lack, third))
        missing = missing if rescale else (2 + missing) / 3
        items = missing if fun == "none" else expm1(xp, missing)
    return done(items if u is None else items + _smooth_l1_of_centers(xp, u, v, done.valid))


def _bounded(xp: Namespace, f: Array, tau: Any) -> Array:
    """1 - 1/(τ + f) for τ ≥ 1, and f for less."""
    one = xp.ones_like(f)
    if isinstance(tau, float):
        return f if tau < 1 else part(xp, f + (tau - 1), one)
    on = tau >= 1
    return xp.where(on, part(xp, f + (xp.where(on, tau, 1.0) - 1), one), f)


def _smooth_l1_of_centers(xp: Namespace, u: Array, v: Array, valid: Array | None) -> Array:
    if valid is not None:
        u, v = (keep(xp, x, valid[..., None]) for x in (u, v))
    x, y = (smooth_l1(xp, r, 1 / 9) for r in columns(xp, u - v))
    return x + y
