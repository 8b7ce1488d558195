"""Boxes: their overlap together with the lengths of their sides, and powers of it."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.box_pairs import (
    FORMAT,
    angular_distance,
    aspect_gap,
    center_gap,
    empty_part,
    one_minus_iou,
    pair_of,
    shape_gap,
    sides_gap,
)
from ._core.domains import BOXES
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import expm1, fraction, log_fraction, power, relu
from ._core.parameters import FLAG, NONNEGATIVE, POSITIVE, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["eiou_loss", "focal_eiou_loss", "siou_loss", "alpha_iou_loss"]


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, fmt=FORMAT)
def eiou_loss(
    pred: A,
    target: Array,
    /,
    *,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Efficient IoU loss: overlap, distance of the centers, and both sides of boxes.

    .. math::

        \ell = 1 - \frac{I}{U} + \frac{\rho^2}{c_w^2 + c_h^2}
        + \frac{(w - w_t)^2}{c_w^2} + \frac{(h - h_t)^2}{c_h^2}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union, :math:`\rho`
    the distance of their centers, :math:`w, h` and :math:`w_t, h_t` are the sides, and
    :math:`c_w, c_h` those of the smallest box that holds both.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Between 0, for boxes that are identical, and 4.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `fmt`.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty.
    Every ratio 0/0 is 0 with no derivative. The box that holds both is differentiated too. Code that
    calls another loss by this name (Extended IoU) computes something else.

    References
    ----------
    Zhang et al., *Focal and Efficient IOU Loss for Accurate Bounding Box Regression*,
    Neurocomputing 506, 2022, arXiv:2101.08158.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.eiou_loss(pred, target, reduction="none")]
    [1.197917, 0.0]
    """
    xp, p, t, fmt, done = enter(
        eiou_loss, (pred, target), sample_weight, where, reduction, normalizer, fmt=fmt
    )
    pair = pair_of(xp, eiou_loss, p, t, fmt)
    return done(one_minus_iou(xp, pair) + center_gap(xp, pair) + sides_gap(xp, pair))


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    gamma=NONNEGATIVE,
    detach_weight=FLAG,
    fmt=FORMAT,
)
def focal_eiou_loss(
    pred: A,
    target: Array,
    /,
    *,
    gamma: float | Array = 0.5,
    detach_weight: bool = False,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Focal efficient IoU loss: :func:`eiou_loss`, in which boxes that overlap well count for more.

    .. math:: \ell = \Bigl(\frac{I}{U}\Bigr)^{\gamma} \, \ell_\text{EIoU}

    where :math:`I` is the area that the boxes share and :math:`U` that of their union.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    gamma : float, default 0.5
        How little boxes count that overlap badly, :math:`\gamma \ge 0`.
    detach_weight : bool, default False
        Whether the power is held constant in the derivative. The value is the same.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Between 0, for boxes that are identical or apart, and 4.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for
        a
        negative `gamma`.

    Notes
    -----
    As for :func:`eiou_loss`. Boxes that are apart have loss 0 and gradient 0 unless `gamma` is 0: the
    loss cannot pull them together. With ``reduction="mean"`` it is averaged over the boxes; for
    an average with the powers as weights, give their sum as `normalizer`.

    References
    ----------
    Zhang et al., *Focal and Efficient IOU Loss for Accurate Bounding Box Regression*,
    Neurocomputing 506, 2022, arXiv:2101.08158.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.focal_eiou_loss(pred, target, reduction="none")]
    [0.691618, 0.0]
    """
    xp, p, t, gamma, detach_weight, fmt, done = enter(
        focal_eiou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma=gamma,
        detach_weight=detach_weight,
        fmt=fmt,
    )
    pair = pair_of(xp, focal_eiou_loss, p, t, fmt)
    weight = power(xp, fraction(xp, pair.shared, pair.apart), gamma)
    if detach_weight:
        weight = stop_gradient(xp, weight)
    return done(weight * (one_minus_iou(xp, pair) + center_gap(xp, pair) + sides_gap(xp, pair)))


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, theta=POSITIVE, fmt=FORMAT)
def siou_loss(
    pred: A,
    target: Array,
    /,
    *,
    theta: float | Array = 4.0,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""SIoU loss: overlap of boxes, distance of their centers by its direction, and shape.

    .. math::

        \ell &= 1 - \frac{I}{U} + \frac{D + \Omega}{2} \\
        D &= \sum_{k \in \{x, y\}} 1 - e^{-(2 - \Lambda) \Delta_k^2 / c_k^2}
        \qquad \Lambda = \frac{2 |\Delta_x \Delta_y|}{\Delta_x^2 + \Delta_y^2} \\
        \Omega &= \sum_{s \in \{w, h\}} \Bigl(1 - e^{-|s - s_t| / \max(s, s_t)}\Bigr)^{\theta}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union,
    :math:`\Delta_x, \Delta_y` the way from one center to the other, :math:`c_x, c_y` are the sides of
    the smallest box that holds both, and :math:`w, h` and :math:`w_t, h_t` those of the boxes.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    theta : float, default 4.0
        How little small differences of the sides count, :math:`\theta > 0`. The paper has 2 to 6.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical, and less than 2.03.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for
        a
        `theta` that is not positive.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty.
    Every ratio 0/0 is 0 with no derivative. :math:`\Lambda`, the sine of twice the angle between the
    way and an axis, is 1 on the diagonal and 0 along an axis, where it has a kink and no derivative.
    Code in which the exponent has the other sign pays for centers that are apart.

    References
    ----------
    Gevorgyan, *SIoU Loss: More Powerful Learning for Bounding Box Regression*, 2022,
    arXiv:2205.12740.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.siou_loss(pred, target, reduction="none")]
    [0.749387, 0.0]
    """
    xp, p, t, theta, fmt, done = enter(
        siou_loss, (pred, target), sample_weight, where, reduction, normalizer, theta=theta, fmt=fmt
    )
    pair = pair_of(xp, siou_loss, p, t, fmt)
    distance, shape = angular_distance(xp, pair), shape_gap(xp, pair, theta)
    return done(one_minus_iou(xp, pair) + (distance + shape) / 2)


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    base=choice("iou", "giou", "diou", "ciou"),
    alpha=POSITIVE,
    fmt=FORMAT,
)
def alpha_iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    base: str = "iou",
    alpha: float | Array = 3.0,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Alpha IoU loss: every term of a loss of overlap, raised to a power.

    .. math::

        \ell = 1 - \Bigl(\frac{I}{U}\Bigr)^{a} + r^{a}
        \qquad r = 0, \quad \frac{C - U}{C}, \quad \frac{\rho^2}{c^2}

    for the bases IoU, GIoU and DIoU, in the symbols of :func:`giou_loss` and :func:`diou_loss`; the
    base CIoU has, beyond DIoU, the term :math:`(\alpha v)^{a}` of :func:`ciou_loss`, in which
    :math:`\alpha` is held constant.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    base : {"iou", "giou", "diou", "ciou"}, default "iou"
        Which loss.
    alpha : float, default 3.0
        The power :math:`a > 0`. With 1 it is the base itself.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for
        an
        `alpha` that is not positive, and for another `base`.

    Notes
    -----
    As for the bases: there is no epsilon, the loss does not depend on the scale, and it is exactly
    0 for identical boxes, with gradient 0; a box of negative width or height is empty. A power above
    1 weighs boxes that overlap well, and flattens the gradient of the others. Where a term is 0 and
    its power has an infinite slope, the derivative is 0.

    References
    ----------
    He et al., *Alpha-IoU: A Family of Power Intersection over Union Losses for Bounding Box
    Regression*, NeurIPS 2021, arXiv:2110.13675.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.alpha_iou_loss(pred, target, reduction="none")]
    [0.962963, 0.0]
    """
    xp, p, t, base, a, fmt, done = enter(
        alpha_iou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        base=base,
        alpha=alpha,
        fmt=fmt,
    )
    pair = pair_of(xp, alpha_iou_loss, p, t, fmt)
    # 1 - IoU^a, which would lose its digits for boxes that are nearly the same.
    total = xp.where(pair.shared == 0, 1.0, -expm1(xp, a * log_fraction(xp, pair.shared, pair.apart)))
    if base == "giou":
        return done(total + power(xp, relu(xp, empty_part(xp, pair)), a))
    if base in ("diou", "ciou"):
        total = total + power(xp, center_gap(xp, pair), a)
    if base == "ciou":
        v = aspect_gap(xp, pair)
        total = total + power(xp, stop_gradient(xp, fraction(xp, v, one_minus_iou(xp, pair))) * v, a)
    return done(total)
