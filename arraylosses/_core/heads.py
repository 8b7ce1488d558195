"""Softmax heads: cross-entropy of classes that have a centre each, with a margin for the label's own.

A margin changes one logit of each embedding, that of its label. All others are one matrix product, of
all classes at once or of some at a time, from which the label's class is left out.
"""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.recompute import blockwise
from .namespaces import stop_gradient
from .numeric import (
    classes,
    clip,
    exponentials,
    exponentials_of_parts,
    greatest,
    lead,
    matmul,
    minimum,
    norm,
    softplus,
    sqrt,
    unit,
)
from .parameters import choice
from .selections import rows_named

Array = Any
Namespace = Any

OVERFLOW = choice("linear", "none", "clip", "easy")
GRADIENT = choice("exact", "straight_through")


def cosine_of_label(xp: Namespace, x: Array, w: Array, labels: Array) -> Array:
    """The cosine between each unit vector and the centre of its label."""
    return xp.sum(x * unit(xp, rows_named(xp, w, labels)), axis=-1)


def angle_of_label(xp: Namespace, x: Array, w: Array, labels: Array) -> tuple[Array, Array]:
    """The cosine and the sine between each unit vector and the centre of its label."""
    return angle(xp, x, unit(xp, rows_named(xp, w, labels)))


def angle(xp: Namespace, x: Array, w: Array) -> tuple[Array, Array]:
    """The cosine and the sine between unit vectors; a right angle where one is the zero vector."""
    cos = xp.sum(x * w, axis=-1)
    # √(1 - cos²) cancels near 0 and π. The part of x perpendicular to w is that of x - w, or x + w,
    # too, which is exactly 0 where they are (anti)parallel.
    gap = x - xp.where((cos < 0)[..., None], -w, w)
    sin = norm(xp, gap - xp.sum(gap * w, axis=-1, keepdims=True) * w)
    sin = xp.where(sin > 4 * xp.finfo(x.dtype).eps, sin, 0.0)  # a rounding error has no direction
    return cos, xp.where(xp.any(x != 0, axis=-1), sin, 1.0)


def add_angle(xp: Namespace, cos: Array, sin: Array, m: Any, overflow: str) -> Array:
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


def add_to_multiple(xp: Namespace, cos: Array, sin: Array, m1: Any, m2: Any, overflow: str) -> Array:
    """cos(m1·θ + m2), and what `overflow` says where that angle is beyond π."""
    if isinstance(m1, float) and m1 == 1:
        return add_angle(xp, cos, sin, m2, overflow)
    phi = m1 * xp.atan2(sin, cos)
    sum_, beyond = xp.cos(phi + m2), phi + m2 >= math.pi
    if overflow == "linear":
        sin_m = math.sin(m2) if isinstance(m2, float) else xp.sin(m2)
        return xp.where(beyond, xp.cos(minimum(xp, phi, math.pi)) - m2 * sin_m, sum_)
    if overflow == "clip":
        return xp.where(beyond, -1.0, sum_)
    if overflow == "easy":
        return xp.where(phi < math.pi / 2, sum_, xp.cos(phi))
    return sum_


def bounded(xp: Namespace, cos: Array, sin: Array, eps: Any) -> tuple[Array, Array]:
    """The cosine held between -(1 - eps) and 1 - eps, and the sine that belongs to it."""
    held = xp.abs(cos) > 1 - eps
    there = sqrt(xp, xp.zeros_like(sin) + eps * (2 - eps))
    return clip(xp, cos, 1 - eps), xp.where(held, there, sin)


def straight_through(xp: Namespace, y: Array, cos: Array) -> Array:
    """`y`, with 1 for its derivative by `cos`."""
    return stop_gradient(xp, y) + (cos - stop_gradient(xp, cos))


def head(
    xp: Namespace,
    x: Array,
    w: Array,
    labels: Array,
    z_y: Array,
    chunk_size: int | None,
    *,
    normalized: bool = True,
    bias: Array | None = None,
    possible: Array | None = None,
    limit: Any = None,
    hard: tuple[Array, Any, Any] | None = None,
) -> Array:
    """The cross-entropy of labels whose logits are `z_y`, where other classes have x·w_c.

    The centres `w` are made unit vectors if `normalized`. Of several for a class the one nearest to x
    counts. Logits are held between -limit and limit. Those z that are larger than the first of `hard`
    become z (t + z/s), with t and s its second and third.
    """
    rows, flat = xp.reshape(x, (-1, x.shape[-1])), xp.reshape(labels, (-1,))
    above, t, s = (None, None, None) if hard is None else (xp.reshape(hard[0], (-1,)), *hard[1:])
    others, _ = _others(
        xp, chunk_size, classes(xp, w, 0), w, bias, possible, rows, flat, normalized, limit, above, t, s
    )
    parts = (xp.reshape(each, (*labels.shape, each.shape[-1])) for each in others)
    # The margin's slopes, not the softmax's: what comes back is projected, and must have its digits.
    return softplus(xp, -lead(xp, z_y, *exponentials_of_parts(xp, *parts)))


@blockwise(0, 0, 0, 0, None, None, None, None, None, None, None)
def _others(
    xp: Namespace,
    c: Array,
    w: Array,
    bias: Array | None,
    possible: Array | None,
    x: Array,
    labels: Array,
    normalized: bool,
    limit: Any,
    above: Array | None,
    t: Any,
    s: Any,
) -> tuple[list[Array], list[Array]]:
    """`exponentials` of the logits of the classes `c` that are not the label."""
    w = unit(xp, w) if normalized else w
    z = matmul(xp, x, xp.permute_dims(xp.reshape(w, (-1, w.shape[-1])), (1, 0)))
    z = z if w.ndim == 2 else greatest(xp, xp.reshape(z, (z.shape[0], *w.shape[:2])))
    z = z if bias is None else z + bias
    z = z if limit is None else clip(xp, z, limit)
    z = z if above is None else xp.where(z > above[:, None], z * (t + z / s), z)
    out = labels[:, None] == c
    out = out if possible is None else out | ~possible
    return list(exponentials(xp, xp.where(out, -math.inf, z))), []
