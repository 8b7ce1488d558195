"""Boxes: overlap that counts by how good it is, and that of boxes made larger or smaller."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.box_pairs import (
    FORMAT,
    Pair,
    angular_distance,
    aspect_gap,
    center_gap,
    empty_part,
    one_minus_iou,
    pair_of,
    resized,
    shape_gap,
    sides_gap,
)
from ._core.domains import BOXES
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import stop_gradient
from ._core.numeric import exp, fraction, log, power
from ._core.parameters import NONNEGATIVE, NUMBER, POSITIVE, Rule, choice, optional
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["wiou_loss", "inner_iou_loss", "thresholded_iou_loss"]

VERSION = Rule("be 1, 2 or 3", lambda v: type(v) is int and v in (1, 2, 3), (0, 4, "1"), numeric=False)


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    version=VERSION,
    gamma=NONNEGATIVE,
    alpha=POSITIVE,
    delta=POSITIVE,
    iou_loss_mean=optional(POSITIVE),
    fmt=FORMAT,
)
def wiou_loss(
    pred: A,
    target: Array,
    /,
    *,
    version: int = 1,
    gamma: float | Array = 0.5,
    alpha: float | Array = 1.9,
    delta: float | Array = 3.0,
    iou_loss_mean: float | Array | None = None,
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Wise IoU loss: boxes whose centers are off count for more, and so do those of a middling overlap.

    .. math::

        \ell_1 &= R\,l \qquad l = 1 - \frac{I}{U}, \quad R = e^{\rho^2 / c^2} \\
        \ell_2 &= \beta^\gamma\, \ell_1 \qquad \beta = l / \bar l \\
        \ell_3 &= r\, \ell_1 \qquad r = \frac{\beta}{\delta\, \alpha^{\beta - \delta}}

    in version 1, 2 and 3, where :math:`I` is the area that the boxes share, :math:`U` that of their
    union, :math:`\rho` the distance of their centers, :math:`c` the diagonal of the smallest box that
    holds both, and :math:`\bar l` a running mean of :math:`l`.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    version : {1, 2, 3}, default 1
        Which of the three.
    gamma : float, default 0.5
        How much boxes of little overlap count for more in version 2, :math:`\gamma \ge 0`.
    alpha, delta : float, default 1.9 and 3.0
        Of version 3, both positive: :math:`r` is 1 at :math:`\beta = \delta`, and greatest at
        :math:`\beta = 1 / \ln \alpha`.
    iou_loss_mean : float or array of shape (), optional
        The running mean :math:`\bar l > 0`, which versions 2 and 3 need. It is the caller's to keep:
        :func:`wiou_update` gives the next one.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical. In version 1 at most e.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and if `iou_loss_mean` is missing in version 2 or 3.

    See Also
    --------
    wiou_update : The next running mean.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty. The
    diagonal :math:`c` and the factors :math:`\beta^\gamma` and :math:`r` are held constant in the
    derivative by the boxes. The centers of boxes that are apart are pulled together, but not their
    sides. The constants of version 3 are those of the paper; its authors' code has 1.7 and 2.7.

    References
    ----------
    Tong et al., *Wise-IoU: Bounding Box Regression Loss with Dynamic Focusing Mechanism*, 2023,
    arXiv:2301.10051.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.wiou_loss(pred, target, reduction="none")]
    [0.687829, 0.0]

    A step of training with version 3:

    >>> mean = al.wiou_update(1.0, al.iou_loss(pred, target, reduction="none"))
    >>> round(float(mean), 6)
    0.993333
    >>> loss = al.wiou_loss(pred, target, version=3, iou_loss_mean=mean)
    """
    xp, p, t, version, gamma, alpha, delta, mean, fmt, done = enter(
        wiou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        version=version,
        gamma=gamma,
        alpha=alpha,
        delta=delta,
        iou_loss_mean=iou_loss_mean,
        fmt=fmt,
    )
    if version > 1 and mean is None:
        raise refuse("wiou_loss", "iou_loss_mean", "be given if version is 2 or 3", None)
    pair = pair_of(xp, wiou_loss, p, t, fmt)
    iou_loss = one_minus_iou(xp, pair)
    total = exp(xp, center_gap(xp, pair, detach_hull=True)) * iou_loss
    if version == 1:
        return done(total)
    beta = stop_gradient(xp, iou_loss) / mean
    if version == 2:
        return done(power(xp, beta, gamma) * total)
    log_alpha = math.log(alpha) if isinstance(alpha, float) else log(xp, alpha)
    return done(beta / delta * exp(xp, (delta - beta) * log_alpha) * total)


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    ratio=POSITIVE,
    base=choice("iou", "giou", "diou", "ciou", "eiou", "siou"),
    fmt=FORMAT,
)
def inner_iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    ratio: float | Array = 0.75,
    base: str = "iou",
    fmt: str = "xyxy",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Inner IoU loss: the overlap of boxes that are made smaller, or larger, about their centers.

    .. math:: \ell = \ell_\text{base} + \frac{I}{U} - \frac{I_r}{U_r}

    where :math:`I` is the area that the boxes share, :math:`U` that of their union, and :math:`I_r`
    and :math:`U_r` are those of the boxes with all sides multiplied by :math:`r`.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    ratio : float, default 0.75
        The factor :math:`r > 0`. The paper has 0.5 to 1.5: smaller boxes for targets that overlap
        well, larger ones for those that do not.
    base : {"iou", "giou", "diou", "ciou", "eiou", "siou"}, default "iou"
        Which loss, with its own defaults.
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
        For dtypes, shapes, libraries or devices that do not go together, for another `fmt` or `base`
        and for a `ratio` that is not positive.

    See Also
    --------
    iou_loss, giou_loss, diou_loss, ciou_loss, eiou_loss, siou_loss : The bases.

    Notes
    -----
    As for :func:`giou_loss`: there is no epsilon, the loss does not depend on the scale, and it is
    exactly 0 for identical boxes, with gradient 0; a box of negative width or height is empty. With a
    ratio of 1 it is the base. Boxes that overlap little are apart at a ratio below 1, and with the
    base "iou" have no gradient then; above 1, boxes that are apart may have one.

    References
    ----------
    Zhang, Xu, Zhang, *Inner-IoU: More Effective Intersection over Union Loss with Auxiliary Bounding
    Box*, 2023, arXiv:2311.02877.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> target = np.asarray([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(float(x), 6) for x in al.inner_iou_loss(pred, target, reduction="none")]
    [0.736842, 0.0]
    """
    xp, p, t, ratio, base, fmt, done = enter(
        inner_iou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ratio=ratio,
        base=base,
        fmt=fmt,
    )
    pair = pair_of(xp, inner_iou_loss, p, t, fmt)
    # I/U goes out against that of the base.
    total = one_minus_iou(xp, resized(xp, pair, ratio))
    return done(total if base == "iou" else total + _beyond_overlap(xp, pair, base))


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    alpha=NUMBER,
    threshold=NUMBER,
    fmt=FORMAT,
)
def thresholded_iou_loss(
    pred: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 0.1,
    threshold: float | Array = 0.5,
    fmt: str = "cxcywh",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Thresholded IoU loss: minus the overlap of boxes, which counts for less where it is small.

    .. math::

        \ell = -w\,\frac{I}{U}
        \qquad w = \begin{cases} 1 - \alpha & I/U < \tau \\ 1 & I/U \ge \tau \end{cases}

    where :math:`I` is the area that the boxes share and :math:`U` that of their union.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes.
    target : array of real dtype, shape (..., 4)
        The true boxes, in the unit of `pred`.
    alpha : float, default 0.1
        By how much less small overlaps count.
    threshold : float, default 0.5
        Which ones are small, :math:`\tau`.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "cxcywh"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides. Unlike elsewhere, the default is the last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. One box is one item.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Between -1, for boxes that are identical, and 0, for boxes that are apart.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `fmt`.

    Notes
    -----
    It jumps by :math:`\alpha \tau` at the threshold, where the derivative is that of the upper side.
    Boxes that are apart have no gradient, and boxes that overlap little a smaller one: the weight does
    the opposite of urging them. For training :func:`giou_loss` and its relatives are better; this one is
    kept as a reference for code that has it. There is no epsilon, and where the union is empty,
    :math:`I/U` is 0, with gradient 0.

    References
    ----------
    None: it is known from tutorials.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = np.asarray([[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]])
    >>> target = np.asarray([[2.0, 2.0, 2.0, 2.0], [1.0, 1.2, 2.0, 2.0]])
    >>> [round(float(x), 6) for x in al.thresholded_iou_loss(pred, target, reduction="none")]
    [-0.128571, -0.818182]
    """
    xp, p, t, alpha, threshold, fmt, done = enter(
        thresholded_iou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        threshold=threshold,
        fmt=fmt,
    )
    pair = pair_of(xp, thresholded_iou_loss, p, t, fmt)
    iou = fraction(xp, pair.shared, pair.apart)
    return done(-xp.where(iou < threshold, (1 - alpha) * iou, iou))


def _beyond_overlap(xp: Namespace, pair: Pair, base: str) -> Array:
    """What a loss of boxes has beyond 1 - I/U."""
    if base == "giou":
        return empty_part(xp, pair)
    if base == "siou":
        return (angular_distance(xp, pair) + shape_gap(xp, pair, 4.0)) / 2
    gap = center_gap(xp, pair)
    if base == "eiou":
        return gap + sides_gap(xp, pair)
    if base == "ciou":
        v = aspect_gap(xp, pair)
        return gap + stop_gradient(xp, fraction(xp, v, one_minus_iou(xp, pair))) * v
    return gap
