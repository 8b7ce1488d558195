"""Boxes: box algebra and the IoU family."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ._core import debugging
from ._core.domains import BOXES
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import columns, divide, finite_or_nan, fraction, greater, lesser, relu
from ._core.parameters import FLAG, FRACTION, choice, optional
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["giou_loss", "ciou_loss"]

FORMAT = choice("xyxy", "xywh", "cxcywh")


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
    pair = _pair(xp, giou_loss, p, t, fmt)
    # (C - U) / C as a fraction of (C - U) + U, because 1 - U/C would lose the digits of both.
    spare = pair.x.hull * pair.y.hull - pair.union
    return done(_one_minus_iou(xp, pair) + fraction(xp, spare, pair.union))


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
    Zheng et al., *Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression*, AAAI
    2020, arXiv:1911.08287; with the gate: Zheng et al., *Enhancing Geometric Factors in Model
    Learning and Inference for Object Detection and Instance Segmentation*, IEEE Transactions on
    Cybernetics, 2022, arXiv:2005.03572.

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
    pair = _pair(xp, ciou_loss, p, t, fmt)
    iou_loss = _one_minus_iou(xp, pair)
    v = _aspect_gap(xp, pair)
    alpha = fraction(xp, v, iou_loss)
    if detach_alpha:
        alpha = stop_gradient(xp, alpha)
    if gate is not None:
        alpha = xp.where(pair.shared < gate * pair.union, 0.0, alpha)
    return done(iou_loss + _center_gap(xp, pair) + alpha * v)


# --- the algebra that all of them share ----------------------------------------------------------


class _Side(NamedTuple):
    """A pair of boxes along one axis: lengths, none of them negative, and a signed distance."""

    pred: Array
    target: Array
    shared: Array  # by the two
    hull: Array  # from the first edge to the last
    offset: Array  # of the center of pred from that of target


class _Pair(NamedTuple):
    """A pair of boxes: along both axes, and the areas of what they share, of their union, and of
    what is in one alone."""

    x: _Side
    y: _Side
    shared: Array
    union: Array
    apart: Array


def _pair(xp: Namespace, function: Callable[..., Any], pred: Array, target: Array, fmt: str) -> _Pair:
    """Everything that the losses say about a pair of boxes."""
    if debugging.active():
        for name, box in (("pred", pred), ("target", target)):
            _forbid_negative_sides(xp, function, name, box, fmt)
    # An infinite box has no area to compare. As NaN it gets through the arithmetic without a word.
    p, t = ([finite_or_nan(xp, column) for column in columns(xp, box)] for box in (pred, target))
    x, y = (_side(xp, p[axis::2], t[axis::2], fmt) for axis in (0, 1))
    a, b, shared = x.pred * y.pred, x.target * y.target, x.shared * y.shared
    # Exactly the greater area where one box holds the other, exactly nothing apart where they are
    # the same.
    union = xp.maximum(a, b) + (xp.minimum(a, b) - shared)
    return _Pair(x, y, shared, union, (a - shared) + (b - shared))


def _forbid_negative_sides(
    xp: Namespace, function: Callable[..., Any], name: str, box: Array, fmt: str
) -> None:
    """Raise for the first far edge that is before the near one, or the first side below 0."""
    far = box[..., 2:]
    bad = far < (box[..., :2] if fmt == "xyxy" else 0.0)
    bad = xp.concat([xp.zeros_like(bad), bad], axis=-1)
    debugging.forbid(function.__name__, name, BOXES.rule, xp, box, bad)


def _side(xp: Namespace, pred: list[Array], target: list[Array], fmt: str) -> _Side:
    """The pair along x or y, of which the boxes hold two numbers each."""
    (p, q), (s, t) = pred, target
    if fmt == "xyxy":
        length, length_t = q - p, t - s
        offset = ((p - s) + (q - t)) / 2
    else:
        # The edges as seen from the target: they do not lose the digits of a small box that is far
        # from the origin.
        length, length_t = q, t
        before = 0.5 if fmt == "cxcywh" else 0.0
        offset = (p - s) + (0.5 - before) * (q - t)
        p, q, s, t = (p - s) - before * q, (p - s) + (1 - before) * q, -before * t, (1 - before) * t
    shared = relu(xp, lesser(xp, q, t) - greater(xp, p, s))
    hull = relu(xp, greater(xp, q, t) - lesser(xp, p, s))
    return _Side(relu(xp, length), relu(xp, length_t), shared, hull, offset)


def _one_minus_iou(xp: Namespace, pair: _Pair) -> Array:
    """1 - I/U, which is 1 where the union is empty."""
    return fraction(xp, pair.apart, pair.shared, otherwise=1.0)


def _center_gap(xp: Namespace, pair: _Pair) -> Array:
    """The squared distance of the centers, in units of the diagonal of the hull; 0 if that is 0."""
    unit = stop_gradient(xp, xp.maximum(pair.x.hull, pair.y.hull))
    unit = xp.where(unit == 0, 1.0, unit)
    dx, dy, cx, cy = (n / unit for n in (pair.x.offset, pair.y.offset, pair.x.hull, pair.y.hull))
    return divide(xp, dx * dx + dy * dy, cx * cx + cy * cy)


def _aspect_gap(xp: Namespace, pair: _Pair) -> Array:
    """The squared difference of the angles that the diagonals have, in units of a right angle."""
    w, h = _diagonal(xp, pair.x.pred, pair.y.pred)
    w_t, h_t = _diagonal(xp, pair.x.target, pair.y.target)
    # One angle, from the cross product and the scalar product, not the difference of two.
    angle = xp.atan2(w_t * h - w * h_t, h * h_t + w * w_t)
    return (4 / math.pi**2) * angle * angle


def _diagonal(xp: Namespace, w: Array, h: Array) -> tuple[Array, Array]:
    """The direction of the diagonal; upright, which is an angle of 0, for an empty box."""
    unit = stop_gradient(xp, xp.maximum(w, h))
    empty = unit == 0
    unit = xp.where(empty, 1.0, unit)
    return w / unit, xp.where(empty, 1.0, h / unit)
