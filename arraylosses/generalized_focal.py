"""Generalized focal losses: how good a box is, and where its sides are, in dense detection."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core import debugging
from ._core.domains import PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import faded, logit_nll, logit_nll_slope, modulated
from ._core.namespaces import index_dtype, stop_gradient
from ._core.numeric import absolute, classes, log_softmax, minimum, pick, power, product, softplus
from ._core.parameters import CLASS_AXIS, FLAG, NONNEGATIVE
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["quality_focal_loss", "varifocal_loss", "distribution_focal_loss"]


@loss("(...), (...) -> (...)", logits=REAL, target=PROBABILITY, beta=NONNEGATIVE)
def quality_focal_loss(
    logits: A,
    target: Array,
    /,
    *,
    beta: float | Array = 2.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Quality focal loss: a focal loss whose labels are scores, such as the overlap of a box.

    .. math::

        \ell = |y - p|^\beta \bigl[-y \ln p - (1-y) \ln(1-p)\bigr] \qquad p = \sigma(z)

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The logits :math:`z`, one for each class of each anchor.
    target : array of real dtype, shape (...), or a number
        The score :math:`y`, from 0 to 1: in the column of the label how good the predicted box is, and
        0 in all others.
    beta : float, default 2.0
        How fast good predictions fade, :math:`\beta \ge 0`. 0 gives the binary cross entropy.
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
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `beta`.

    Notes
    -----
    Not convex. With a `beta` above 0 it is least, and 0, at :math:`p = y`, where the cross entropy is
    the entropy of :math:`y`; there its gradient is 0 too. The factor :math:`|y - p|^\beta` is
    differentiated along with the rest. For labels of 0 and 1 it is :func:`sigmoid_focal_loss` with
    ``alpha=None``. Together with :func:`distribution_focal_loss` it makes the generalized focal
    loss.

    References
    ----------
    Li, Wang, Wu, Chen, Hu, Li, Tang, Yang, *Generalized Focal Loss: Learning Qualified and Distributed
    Bounding Boxes for Dense Object Detection*, NeurIPS 2020, arXiv:2006.04388.

    Examples
    --------
    Of two anchors the first is of class 0, with an overlap of 0.7, and the other is background, which
    is the label 2.

    >>> import numpy as np
    >>> import arraylosses as al
    >>> labels, overlap = np.asarray([0, 2]), np.asarray([0.7, 0.0])
    >>> target = np.where(np.arange(2) == labels[:, None], overlap[:, None], 0.0)
    >>> logits = np.asarray([[1.0, -1.0], [0.0, -2.0]])
    >>> al.quality_focal_loss(logits, target, reduction="none").round(6)
    array([[0.000592, 0.022658],
           [0.173287, 0.001804]])
    """
    xp, z, y, beta, done = enter(
        quality_focal_loss, (logits, target), sample_weight, where, reduction, normalizer, beta=beta
    )
    gap = absolute(xp, logit_nll_slope(xp, z, y, 1.0))
    return done(modulated(xp, power(xp, gap, beta), logit_nll(xp, z, y, 1.0)))


@loss(
    "(...), (...) -> (...)",
    logits=REAL,
    target=PROBABILITY,
    alpha=NONNEGATIVE,
    gamma=NONNEGATIVE,
    iou_weighted=FLAG,
)
def varifocal_loss(
    logits: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 0.75,
    gamma: float | Array = 2.0,
    iou_weighted: bool = True,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Varifocal loss: scores of boxes, of which the negatives fade and the better positives weigh more.

    .. math::

        \ell = \begin{cases}
            q \bigl[-q \ln p - (1-q) \ln(1-p)\bigr] & q > 0 \\
            -\alpha\, p^\gamma \ln(1-p) & q = 0
        \end{cases} \qquad p = \sigma(z)

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The logits :math:`z`, one for each class of each anchor.
    target : array of real dtype, shape (...), or a number
        The score :math:`q`, from 0 to 1: in the column of the label the overlap of the predicted box with
        the true one, and 0, which is a negative, in all others.
    alpha : float, default 0.75
        The weight :math:`\alpha \ge 0` of the negatives.
    gamma : float, default 2.0
        How fast easy negatives fade, :math:`\gamma \ge 0`.
    iou_weighted : bool, default True
        Whether positives are weighed by :math:`q`. Otherwise by 1.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The authors divide the
        sum by the number of positives, or by that of all scores: pass that as `normalizer`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `alpha`
        or `gamma`.

    Notes
    -----
    Convex for positives, not for negatives. A positive is least at :math:`p = q`, where it is the
    entropy of :math:`q`, weighed, and not 0. The factor :math:`p^\gamma` is differentiated along with
    the rest. In the target it jumps at 0, where it has no derivative. A negative target makes its
    item NaN, with gradient 0, where mmdetection takes it for a negative example.

    References
    ----------
    Zhang, Wang, Dayoub, Sünderhauf, *VarifocalNet: An IoU-aware Dense Object Detector*, CVPR 2021,
    arXiv:2008.13367.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.varifocal_loss(np.asarray([1.0, -1.0]), np.asarray([0.7, 0.0]), reduction="none").round(6)
    array([0.429283, 0.016994])
    """
    xp, z, q, alpha, gamma, iou_weighted, done = enter(
        varifocal_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        gamma=gamma,
        iou_weighted=iou_weighted,
    )
    bad = q < 0
    done.poison(bad)
    q = xp.where(bad, 0.0, q)
    positive = logit_nll(xp, z, q, 1.0)
    positive = product(xp, q, positive) if iou_weighted else positive
    negative = faded(xp, softplus(xp, z), gamma)
    return done(xp.where(q == 0, product(xp, alpha, negative), positive))


@loss("(..., c), (...) -> (...)", logits=REAL, target=REAL, axis=CLASS_AXIS)
def distribution_focal_loss(
    logits: A,
    target: Array,
    /,
    *,
    axis: int = -1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Distribution focal loss: a number learned as a distribution over the two bins around it.

    .. math::

        \ell = -(l + 1 - t) \ln p_l - (t - l) \ln p_{l+1}
        \qquad l = \lfloor t \rfloor, \quad p = \operatorname{softmax}(z)

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c` of the bins, which stand at 0, 1, …, C - 1. -inf is a bin that cannot be.
    target : array of real dtype, shape (...)
        The number :math:`t`, from 0 to C - 1, in units of the bins: the distance to a side of a box,
        divided by the stride.
    axis : int, default -1
        The axis of the bins.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The paper means the four
        sides of a box, weighed by its score, and divides by the sum of the scores.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and smooth in the logits, with gradient :math:`p - w` where :math:`w` has the weights
    :math:`l + 1 - t` and :math:`t - l` at the two bins; least at :math:`p = w`, whose mean is
    :math:`t`. Linear in the target between the bins. It is :func:`cross_entropy` with :math:`w` for its
    target. A target of C - 1 is the last bin, which other code cannot have: there it is clipped to
    C - 1.1, or to C - 1.01, or is an error. A target outside of [0, C - 1] makes its item NaN, with
    gradient 0. Together with :func:`quality_focal_loss` it makes the generalized focal loss.

    References
    ----------
    Li, Wang, Wu, Chen, Hu, Li, Tang, Yang, *Generalized Focal Loss: Learning Qualified and Distributed
    Bounding Boxes for Dense Object Detection*, NeurIPS 2020, arXiv:2006.04388.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([0.0, 1.0, 2.0, 0.0]), np.asarray(1.3)
    >>> round(float(al.distribution_focal_loss(logits, target)), 6)
    1.193812
    """
    xp, z, t, done = enter(
        distribution_focal_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        axis=axis,
    )
    last = z.shape[-1] - 1
    bad = ~((t >= 0) & (t <= last))
    if debugging.active():
        debugging.forbid("distribution_focal_loss", "target", f"be between 0 and {last}", xp, t, bad)
    done.poison(bad)
    return done(_interpolate(xp, -log_softmax(xp, z), xp.where(bad, 0.0, t)))


def _interpolate(xp: Namespace, y: Array, t: Array) -> Array:
    """The entries of the last axis at places between them, linearly; at a place of one the least slope."""
    places, whole = classes(xp, y), index_dtype(xp)
    at, fixed = stop_gradient(xp, t), minimum(xp, stop_gradient(xp, y), 1e30)
    right = xp.astype(xp.floor(at), whole)
    left = xp.astype(xp.ceil(at), whole) - 1
    rise, fall = (pick(xp, fixed, i + 1) - pick(xp, fixed, i) for i in (right, left))
    inside = (left >= 0) & (right + 1 < y.shape[-1])
    flat = inside & (xp.minimum(rise, fall) <= 0) & (xp.maximum(rise, fall) >= 0) & (left < right)
    before = xp.where(inside, xp.abs(fall) < xp.abs(rise), left >= 0)
    low = xp.where(before, left, right)
    ahead = (xp.where(flat, at, t) - xp.astype(low, y.dtype))[..., None]
    weight = xp.where(places == low[..., None], 1 - ahead, xp.where(places == low[..., None] + 1, ahead, 0.0))
    return xp.sum(product(xp, weight, y), axis=-1)
