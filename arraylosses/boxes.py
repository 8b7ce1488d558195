"""Boxes: their overlap, and what pulls together those that do not overlap."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.box_pairs import FORMAT, aspect_gap, center_gap, empty_part, one_minus_iou, pair_of
from ._core.domains import BOXES
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import fraction, log, log_fraction
from ._core.parameters import FLAG, FRACTION, POSITIVE, choice, optional
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["iou_loss", "giou_loss", "diou_loss", "ciou_loss"]


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    mode=choice("linear", "log", "square"),
    clip_min=POSITIVE,
    fmt=FORMAT,
)
def iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    mode: str = "linear",
    clip_min: float | Array = 1e-6,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""IoU loss: the overlap of boxes.

    .. math::

        \ell = 1 - \frac{I}{U}
        \quad\text{or}\quad \ell = -\log\max\Bigl(\frac{I}{U}, \kappa\Bigr)
        \quad\text{or}\quad \ell = 1 - \Bigl(\frac{I}{U}\Bigr)^2

    where :math:`I` is the area that the boxes share and :math:`U` that of their union.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    mode : {"linear", "log", "square"}, default "linear"
        Which of the three.
    clip_min : float, default 1e-6
        The least overlap :math:`\kappa > 0` of which the logarithm is taken, with "log" only.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical, and for boxes that are apart 1, or :math:`-\log\kappa`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `mode` or
        `fmt` and for a `clip_min` that is not positive.

    See Also
    --------
    giou_loss, diou_loss, ciou_loss : They pull together boxes that are apart.

    Notes
    -----
    Coordinates are continuous (no pixel is added to a side), and there is no epsilon: the loss
    depends on shapes and not on scale, and is exactly 0 for identical boxes of any size, with
    gradient 0. Boxes that are apart, or only touch, get no gradient: see :func:`giou_loss`. Where a
    maximum is tied, because two edges coincide, the gradient is split equally.

    A box of negative width or height is an empty box. Where the union is empty, I/U is 0. A box
    with a coordinate that is not finite gives NaN.

    References
    ----------
    Yu et al., *UnitBox: An Advanced Object Detection Network*, ACM Multimedia 2016,
    arXiv:1608.01471, for the logarithm.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.iou_loss(pred, target, reduction="none")]
    [0.666667, 0.0]
    >>> [round(float(x), 6) for x in al.iou_loss(pred, target, mode="log", reduction="none")]
    [1.098612, 0.0]
    """
    xp, p, t, mode, clip_min, fmt, done = enter(
        iou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        mode=mode,
        clip_min=clip_min,
        fmt=fmt,
    )
    pair = pair_of(xp, iou_loss, p, t, fmt)
    linear = one_minus_iou(xp, pair)
    if mode == "linear":
        return done(linear)
    if mode == "square":
        return done(linear * (2 - linear))
    log_least = math.log(clip_min) if isinstance(clip_min, float) else log(xp, clip_min)
    least = fraction(xp, pair.shared, pair.apart) <= clip_min
    return done(-xp.where(least, log_least, log_fraction(xp, pair.shared, pair.apart)))


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, fmt=FORMAT)
def giou_loss(
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
    r"""Generalized IoU loss: overlap of boxes that also pulls boxes that do not overlap.

    .. math:: \ell = 1 - \frac{I}{U} + \frac{C - U}{C}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union and :math:`C`
    that of the smallest box that holds both.

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
        Between 0, for boxes that are identical, and 2, for boxes that are far apart.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `fmt`.

    Notes
    -----
    Coordinates are continuous (no pixel is added to a side), and there is no epsilon: the loss
    depends on shapes and not on scale, and is exactly 0 for identical boxes of any size, with
    gradient 0. Where one box holds the other, it is 1 - IoU. Where a maximum is tied, because two
    edges coincide, the gradient is split equally.

    A box of negative width or height is an empty box, which gets little or no gradient:
    parametrise the sides to be positive. Where the union is empty, I/U is 0, and where the
    enclosing box is empty, so is the second term. A box with a coordinate that is not finite gives
    NaN.

    References
    ----------
    Rezatofighi et al., *Generalized Intersection over Union: A Metric and a Loss for Bounding Box
    Regression*, CVPR 2019, arXiv:1902.09630.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.giou_loss(pred, target, reduction="none")]
    [0.916667, 0.0]
    """
    xp, p, t, fmt, done = enter(
        giou_loss, (pred, target), sample_weight, where, reduction, normalizer, fmt=fmt
    )
    pair = pair_of(xp, giou_loss, p, t, fmt)
    return done(one_minus_iou(xp, pair) + empty_part(xp, pair))


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, fmt=FORMAT)
def diou_loss(
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
    r"""Distance IoU loss: overlap of boxes, and distance of their centers.

    .. math:: \ell = 1 - \frac{I}{U} + \frac{\rho^2}{c^2}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union, :math:`\rho`
    the distance of their centers, and :math:`c` the diagonal of the smallest box that holds both.

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
        Between 0, for boxes that are identical, and 2, for boxes that are far apart.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `fmt`.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty. The
    second term is 0 where the diagonal is. The diagonal is differentiated too.

    References
    ----------
    Zheng et al., *Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression*, AAAI
    2020, arXiv:1911.08287.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.diou_loss(pred, target, reduction="none")]
    [0.697917, 0.0]
    """
    xp, p, t, fmt, done = enter(
        diou_loss, (pred, target), sample_weight, where, reduction, normalizer, fmt=fmt
    )
    pair = pair_of(xp, diou_loss, p, t, fmt)
    return done(one_minus_iou(xp, pair) + center_gap(xp, pair))


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    detach_alpha=FLAG,
    gate=optional(FRACTION),
    fmt=FORMAT,
)
def ciou_loss(
    pred: A,
    target: Array,
    /,
    *,
    detach_alpha: bool = True,
    gate: float | Array | None = None,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Complete IoU loss: overlap, distance of the centers and aspect ratio of boxes.

    .. math::

        \ell = 1 - \frac{I}{U} + \frac{\rho^2}{c^2} + \alpha v
        \qquad v = \frac{4}{\pi^2} \Bigl(\arctan\frac{w_t}{h_t} - \arctan\frac{w}{h}\Bigr)^2
        \qquad \alpha = \frac{v}{(1 - I/U) + v}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union, :math:`\rho`
    the distance of their centers, :math:`c` the diagonal of the smallest box that holds both, and
    :math:`w, h` and :math:`w_t, h_t` are the sides.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    detach_alpha : bool, default True
        Whether :math:`\alpha` is held constant in the derivative. The value is the same.
    gate : float in [0, 1] or None, default None
        Leave out the term :math:`\alpha v` where :math:`I/U` is less than this. The later paper has
        0.5.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical; not clamped from above.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for
        a `gate` outside [0, 1].

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty.
    Every ratio 0/0 is 0 with no derivative. The angle of a box without height is π/2, that of an
    empty box 0. The gradient is that of the formula: code that leaves out the factor
    :math:`1/(w^2+h^2)` of the derivative of :math:`v` trains towards something else.

    References
    ----------
    Zheng et al., *Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression*, AAAI 2020,
    arXiv:1911.08287; Zheng et al., *Enhancing Geometric Factors in Model Learning and Inference for
    Object Detection and Instance Segmentation*, IEEE Transactions on Cybernetics, 2022, arXiv:2005.03572,
    for the gate.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.ciou_loss(pred, target, reduction="none")]
    [0.731668, 0.0]
    """
    xp, p, t, detach_alpha, gate, fmt, done = enter(
        ciou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        detach_alpha=detach_alpha,
        gate=gate,
        fmt=fmt,
    )
    pair = pair_of(xp, ciou_loss, p, t, fmt)
    iou_loss = one_minus_iou(xp, pair)
    v = aspect_gap(xp, pair)
    alpha = fraction(xp, v, iou_loss)
    if detach_alpha:
        alpha = stop_gradient(xp, alpha)
    if gate is not None:
        alpha = xp.where(pair.shared < gate * pair.union, 0.0, alpha)
    return done(iou_loss + center_gap(xp, pair) + alpha * v)
