"""Face recognition: softmax heads with a margin."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import margin as class_margin
from ._core.numeric import matmul, norm, one_hot, softplus, unit
from ._core.parameters import ANGLE, POSITIVE, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["arcface_loss"]

OVERFLOW = choice("linear", "none", "clip", "easy")
GRADIENT = choice("exact", "straight_through")


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=ANGLE,
    overflow=OVERFLOW,
    gradient=GRADIENT,
)
def arcface_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float = 64.0,
    margin: float = 0.5,
    overflow: str = "linear",
    gradient: str = "exact",
    ignore_index: int = -100,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""ArcFace loss: cross-entropy of cosines with an additive angular margin; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos(\theta_y + m)}}
        {e^{s \cos(\theta_y + m)} + \sum_{j \ne y} e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot w_j}{\lVert x \rVert\,\lVert w_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.5
        The margin :math:`0 \le m \le \pi`, in radians. 0 gives the plain cosine softmax.
    overflow : "linear", "none", "clip" or "easy", default "linear"
        What stands in the place of :math:`\cos(\theta_y + m)` where the angle passes :math:`\pi`.
        "linear": :math:`\cos\theta_y - m \sin m`, which keeps falling. "none": the cosine, which rises
        again. "clip": -1. "easy": the margin applies only where :math:`\cos\theta_y > 0`.
    gradient : "exact" or "straight_through", default "exact"
        "straight_through" takes the derivative of the margin cosine in :math:`\cos\theta_y` for 1.
    ignore_index : int, default -100
        Items with this label are left out.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    Notes
    -----
    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter.

    "linear" jumps down where :math:`\theta_y + m` passes :math:`\pi`, "easy" jumps up at a right angle;
    "linear" and "clip" are monotone in the angle. With one class the loss is 0. A label that is
    neither a class nor `ignore_index` makes its item NaN.

    Some implementations compute the margin outside the graph, which is "straight_through".

    References
    ----------
    Deng, Guo, Xue, Zafeiriou, *ArcFace: additive angular margin loss for deep face recognition*,
    CVPR 2019, arXiv:1801.07698.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.arcface_loss(embeddings, centres, labels, scale=8.0)), 6)
    2.631464
    """
    xp, x, w, labels, scale, margin, overflow, gradient, done = enter(
        arcface_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        overflow=overflow,
        gradient=gradient,
    )
    x, w = unit(xp, x), unit(xp, w)
    cos, sin = _angle(xp, x, _take_rows(xp, w, labels))
    target = _add_angle(xp, cos, sin, margin, overflow)
    if gradient == "straight_through":
        target = stop_gradient(xp, target) + (cos - stop_gradient(xp, cos))
    cosines = matmul(xp, x, xp.permute_dims(w, (1, 0)))
    z = scale * xp.where(one_hot(xp, labels, cosines), target[..., None], cosines)
    # The margin's slopes, not the softmax's: what comes back is projected, and must have its digits.
    return done(softplus(xp, -class_margin(xp, z, labels)))


def _take_rows(xp: Namespace, w: Array, labels: Array) -> Array:
    """The row of `w` that each label names."""
    rows = xp.take(w, xp.reshape(labels, (-1,)), axis=0)
    return xp.reshape(rows, (*labels.shape, w.shape[-1]))


def _angle(xp: Namespace, x: Array, w: Array) -> tuple[Array, Array]:
    """The cosine and the sine between unit vectors; a right angle where one is the zero vector."""
    cos = xp.sum(x * w, axis=-1)
    # √(1 - cos²) cancels near 0 and π. The part of x perpendicular to w is that of x - w, or x + w,
    # too, which is exactly 0 where they are (anti)parallel.
    gap = x - xp.where((cos < 0)[..., None], -w, w)
    sin = norm(xp, gap - xp.sum(gap * w, axis=-1, keepdims=True) * w)
    sin = xp.where(sin > 4 * xp.finfo(x.dtype).eps, sin, 0.0)  # a rounding error has no direction
    return cos, xp.where(xp.any(x != 0, axis=-1), sin, 1.0)


def _add_angle(xp: Namespace, cos: Array, sin: Array, m: Any, overflow: str) -> Array:
    """cos(θ + m), and what `overflow` says where θ + m is beyond π."""
    cos_m, sin_m = (math.cos(m), math.sin(m)) if isinstance(m, float) else (xp.cos(m), xp.sin(m))
    sum_ = cos * cos_m - sin * sin_m
    beyond = cos <= -cos_m
    if overflow == "linear":
        return xp.where(beyond, cos - m * sin_m, sum_)
    if overflow == "clip":
        return xp.where(beyond, -1.0, sum_)
    if overflow == "easy":
        return xp.where(cos > 0, sum_, cos)
    return sum_
