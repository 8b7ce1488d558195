"""Boxes: other measures of how far they are from each other."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core import errors
from ._core.box_pairs import (
    FORMAT,
    Edges,
    Side,
    empty_part,
    one_minus_iou,
    overlapping,
    pair_of,
    relative_gap,
)
from ._core.domains import BOXES
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import stop_gradient
from ._core.numeric import absolute, fraction, greater, lesser, norm, relu, smooth_l1, square
from ._core.parameters import POSITIVE, ArrayRule, Rule
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["bounded_iou_loss", "mpdiou_loss", "extended_iou_loss", "giou3d_loss"]

IMAGE_SIZE = Rule(
    "be two positive numbers",
    lambda v: isinstance(v, tuple) and len(v) == 2 and all(isinstance(n, (int, float)) and n > 0 for n in v),
    ((0.0, 0.0), (8.0,), (8.0, -6.0), 8.0),
    numeric=False,
)


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, beta=POSITIVE, fmt=FORMAT)
def bounded_iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    beta: float | Array = 0.2,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Bounded IoU loss: each of the four numbers of a box by the best overlap that it leaves possible.

    .. math::

        \ell &= s_\beta(t_x) + s_\beta(t_y) + s_\beta(t_w) + s_\beta(t_h) \\
        t_x &= 1 - \max\Bigl(\frac{w_t - 2 |\Delta_x|}{w_t + 2 |\Delta_x|}, 0\Bigr)
        \qquad t_w = 1 - \min\Bigl(\frac{w_t}{w}, \frac{w}{w_t}\Bigr)

    where :math:`\Delta_x` is the distance of the centers along x, and :math:`w, w_t` are the widths;
    :math:`t_y` and :math:`t_h` are the same of the heights; and :math:`s_\beta` is
    :func:`smooth_l1_loss`: :math:`t^2 / 2\beta` up to :math:`\beta`, and :math:`t - \beta/2` beyond.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    beta : float, default 0.2
        Up to where the terms are quadratic, :math:`\beta > 0`.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical, and at most :math:`4 s_\beta(1)`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for a
        `beta` that is not positive.

    Notes
    -----
    Not symmetric: the target is a constant, with gradient 0. :math:`t_x` is 1, with gradient 0, where
    the centers are half a width of the target apart or more. There is no epsilon: of a width of 0,
    :math:`t_w` is 1, and :math:`t_x` is 0 at its very center and 1 elsewhere. The loss does not depend
    on the scale. A box of negative width or height is taken to be empty. Code that averages over the
    four numbers has a quarter of this mean.

    References
    ----------
    Tychsen-Smith, Petersson, *Improving Object Localization with Fitness NMS and Bounded IoU Loss*,
    CVPR 2018, arXiv:1711.00164.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.bounded_iou_loss(pred, target, reduction="none")]
    [1.366667, 0.0]
    """
    xp, p, t, beta, fmt, done = enter(
        bounded_iou_loss, (pred, target), sample_weight, where, reduction, normalizer, beta=beta, fmt=fmt
    )
    pair = pair_of(xp, bounded_iou_loss, p, stop_gradient(xp, t), fmt)
    terms = []
    for side in pair.sides:
        d = 2 * absolute(xp, side.offset)
        outside = (d >= side.target) & (d != 0)
        terms += [
            xp.where(outside, 1.0, 2 * fraction(xp, d, side.target)),
            relative_gap(xp, side, otherwise=1.0),
        ]
    return done(sum(smooth_l1(xp, term, beta) for term in terms))


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    image_size=ArrayRule(("(..., 2)",), numbers=IMAGE_SIZE),
    fmt=FORMAT,
)
def mpdiou_loss(
    pred: A,
    target: Array,
    /,
    *,
    image_size: tuple[float, float] | Array,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""MPDIoU loss: overlap of boxes, and distances of their corners in units of the image.

    .. math:: \ell = 1 - \frac{I}{U} + \frac{d_1^2 + d_2^2}{W^2 + H^2}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union, :math:`d_1` the
    distance of the corners of least coordinates, :math:`d_2` that of the opposite ones, and
    :math:`W, H` is the size of the image.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    image_size : tuple of two float, or array of shape (..., 2)
        Width :math:`W` and height :math:`H` of the image in the unit of the boxes, both positive; or
        those of the image of every box.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical, and at most 3 for boxes inside the image.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for an
        `image_size` that is not positive.

    Notes
    -----
    There is no epsilon, and the loss is exactly 0 for identical boxes, with gradient 0. Where the
    union is empty, :math:`I/U` is 0. A box of negative width or height has no area, but its corners
    count as they are, and pull it back. The scale counts, in units of the image: a small box that is
    off costs less by its corners than a large one.

    References
    ----------
    Ma, Xu, *MPDIoU: A Loss for Efficient and Accurate Bounding Box Regression*, 2023,
    arXiv:2307.07662.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> loss = al.mpdiou_loss(pred, target, image_size=(10, 10), reduction="none")
    >>> [round(float(x), 6) for x in loss]
    [0.696667, 0.0]
    """
    xp, p, t, image_size, fmt, done = enter(
        mpdiou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        image_size=image_size,
        fmt=fmt,
    )
    pair = pair_of(xp, mpdiou_loss, p, t, fmt)
    diagonal = norm(xp, image_size)
    distances = (_of_corners(xp, side, diagonal, fmt) for side in pair.sides)
    return done(one_minus_iou(xp, pair) + sum(distances))


@loss("(..., 4), (..., 4) -> (...)", pred=BOXES, target=BOXES, smooth_point=POSITIVE, fmt=FORMAT)
def extended_iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    smooth_point: float | Array = 0.1,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Extended IoU loss: an overlap that is negative for boxes that are apart, smooth near the optimum.

    .. math::

        \ell = \begin{cases} e^2 / 2s & e < s \\ e - s/2 & e \ge s \end{cases}
        \qquad e = 1 - \frac{\hat I}{A + A_t - \hat I}

    where :math:`A, A_t` are the areas of the boxes, and :math:`\hat I` is the area that they share. Of
    boxes that are apart it is minus an area: with the gap :math:`g_x` between them along x, and the sum
    :math:`f_x` of the distances from the first edge of all to the two edges of the gap,
    :math:`\hat I = -g_x f_y` for boxes apart along x alone, :math:`-g_y f_x` along y alone, and
    :math:`-(g_x f_y + g_y f_x)` for both, where :math:`f` of an axis along which they overlap is that
    of the edges of what they share.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    smooth_point : float, default 0.1
        Up to where the loss is quadratic, :math:`s > 0`.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical, and at most :math:`2 - s/2`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` and for a
        `smooth_point` that is not positive.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty. Unlike
    it, the loss looks at the image from one of its corners: mirrored boxes that are apart have another
    loss. Where both areas and :math:`\hat I` are 0, :math:`e` is 1. Some code calls it EIoU, which is
    the name of :func:`eiou_loss` too.

    References
    ----------
    Peng, Yu, *A Systematic IoU-Related Method: Beyond Simplified Regression for Better Localization*,
    IEEE Transactions on Image Processing 30, 2021, arXiv:2112.01793.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.extended_iou_loss(pred, target, reduction="none")]
    [0.616667, 0.0]
    """
    xp, p, t, smooth_point, fmt, done = enter(
        extended_iou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        smooth_point=smooth_point,
        fmt=fmt,
    )
    pair = pair_of(xp, extended_iou_loss, p, t, fmt)
    (inner_x, from_x), (inner_y, from_y) = (_inner_edges(xp, side.edges) for side in pair.sides)
    apart = relu(xp, -inner_x) * from_y + relu(xp, -inner_y) * from_x
    shared = xp.where((inner_x >= 0) & (inner_y >= 0), inner_x * inner_y, -apart)
    x, y = pair.sides
    signed = overlapping(xp, pair.sides, x.pred * y.pred, x.target * y.target, shared)
    return done(smooth_l1(xp, one_minus_iou(xp, signed), smooth_point))


@loss("(..., k), (..., k) -> (...)", pred=BOXES, target=BOXES)
def giou3d_loss(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Generalized IoU loss of boxes in three dimensions, or in any number of them.

    .. math:: \ell = 1 - \frac{I}{U} + \frac{C - U}{C}

    where :math:`I` is the volume that the boxes share, :math:`U` that of their union, and :math:`C`
    that of the smallest box that holds both.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., k)
        The predicted boxes: the least coordinate along each axis, then the greatest along each. In
        three dimensions :math:`k` is 6.
    target : array of real dtype, shape (..., k)
        The true boxes, in the unit of `pred`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Between 0, for boxes that are identical, and 2, for boxes that are far apart.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for boxes of an odd
        :math:`k`.

    Notes
    -----
    As for :func:`giou_loss`, which it is in two dimensions. Volumes have to be numbers of the dtype:
    in float32 and three dimensions, of boxes with sides from 1e-12 to 1e12.

    References
    ----------
    Rezatofighi et al., *Generalized Intersection over Union: A Metric and a Loss for Bounding Box
    Regression*, CVPR 2019, arXiv:1902.09630.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([0.0, 0, 0, 2, 2, 2]), np.asarray([1.0, 1, 1, 3, 3, 3])
    >>> round(float(al.giou3d_loss(pred, target)), 6)
    1.377778
    """
    xp, p, t, done = enter(giou3d_loss, (pred, target), sample_weight, where, reduction, normalizer)
    if p.shape[-1] % 2:
        raise refuse("giou3d_loss", "pred", errors.shape("(..., k) with an even k"), tuple(p.shape))
    pair = pair_of(xp, giou3d_loss, p, t, "xyxy")
    return done(one_minus_iou(xp, pair) + empty_part(xp, pair))


def _of_corners(xp: Namespace, side: Side, unit: Array, fmt: str) -> Array:
    """The squared distances of both corners along one axis, added."""
    near, far, near_target, far_target, (length, length_target) = side.edges
    if fmt == "cxcywh":  # in which the distances of the corners may drown that of the centers
        apart, longer = side.offset / unit, (length - length_target) / unit
        return 2 * square(xp, apart) + square(xp, longer) / 2
    return square(xp, (near - near_target) / unit) + square(xp, (far - far_target) / unit)


def _inner_edges(xp: Namespace, edges: Edges) -> tuple[Array, Array]:
    """From the second edge that boxes have along one axis to the third: positive if they share what is
    between, negative if it is a gap; and the distances of the two from the first edge, added."""
    last_near, first_far = greater(xp, edges.near, edges.near_target), lesser(xp, edges.far, edges.far_target)
    first = lesser(xp, edges.near, edges.near_target)
    # Negative only for a box with negative sides.
    return first_far - last_near, relu(xp, (last_near - first) + (first_far - first))
