"""Losses that a framework does not have, put together from what it has, as one finds them in projects.

`xp` is `torch` or `jax.numpy`.
"""

from __future__ import annotations

import math
from typing import Any

Array = Any
Namespace = Any


def smooth_l1(xp: Namespace, p: Array, t: Array) -> Array:
    r = xp.abs(p - t)
    return xp.mean(xp.where(r < 1, r * r / 2, r - 0.5))


def focal(xp: Namespace, z: Array, y: Array) -> Array:
    """As in torchvision."""
    nll = cross_entropy_of_logits(xp, z, y)
    p = 1 / (1 + xp.exp(-z)) if xp.__name__ != "torch" else xp.sigmoid(z)
    right = p * y + (1 - p) * (1 - y)
    return xp.mean((0.25 * y + 0.75 * (1 - y)) * nll * (1 - right) ** 2)


def cross_entropy_of_logits(xp: Namespace, z: Array, y: Array) -> Array:
    if xp.__name__ == "torch":
        return xp.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return xp.maximum(z, 0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))


def gaussian_nll(xp: Namespace, p: Array, t: Array, var: Array) -> Array:
    v = xp.maximum(var, 1e-6)
    return xp.mean(xp.log(v) + (p - t) ** 2 / v) / 2


def dice(xp: Namespace, p: Array, t: Array) -> Array:
    p, t = (x.reshape(*x.shape[:2], -1) for x in (p, t))
    return xp.mean(1 - 2 * xp.sum(p * t, -1) / (xp.sum(p, -1) + xp.sum(t, -1)))


def giou(xp: Namespace, p: Array, t: Array) -> Array:
    """As in torchvision, with its epsilon."""
    (x1, y1, x2, y2), (a1, b1, a2, b2) = (tuple(box[:, i] for i in range(4)) for box in (p, t))
    left, right = xp.maximum(x1, a1), xp.minimum(x2, a2)
    top, bottom = xp.maximum(y1, b1), xp.minimum(y2, b2)
    meet = (bottom > top) & (right > left)
    shared = xp.where(meet, (right - left) * (bottom - top), xp.zeros_like(x1))
    union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared
    width = xp.maximum(x2, a2) - xp.minimum(x1, a1)
    cover = width * (xp.maximum(y2, b2) - xp.minimum(y1, b1))
    return xp.mean(1 - shared / (union + 1e-7) + (cover - union) / (cover + 1e-7))


def triplet_batch_hard(xp: Namespace, x: Array, labels: Array) -> Array:
    square = xp.sum(x * x, -1)
    squares = square[:, None] + square[None, :] - 2 * x @ x.T
    distance = xp.sqrt(xp.clip(squares, 1e-12, None))
    same = labels[:, None] == labels[None, :]
    farthest = xp.amax(xp.where(same, distance, -math.inf), -1)
    nearest = xp.amin(xp.where(same, math.inf, distance), -1)
    return xp.mean(xp.clip(farthest - nearest + 0.2, 0, None))


def ssim(xp: Namespace, p: Array, t: Array) -> Array:
    """With five filtered images, as in pytorch-msssim."""
    raw = [math.exp(-((i - 5) ** 2) / 4.5) for i in range(11)]
    window = [w / sum(raw) for w in raw]
    p_, t_, pp, tt, pt = (blur(xp, x, window) for x in (p, t, p * p, t * t, p * t))
    c1, c2 = 0.01**2, 0.03**2
    structure = (2 * (pt - p_ * t_) + c2) / (pp - p_ * p_ + tt - t_ * t_ + c2)
    return 1 - xp.mean((2 * p_ * t_ + c1) / (p_ * p_ + t_ * t_ + c1) * structure)


def blur(xp: Namespace, x: Array, window: list[float]) -> Array:
    """Two convolutions, along the height and along the width, of every channel by itself."""
    count = x.shape[1]
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        if xp.__name__ == "torch":
            kernel = x.new_tensor(window).reshape(shape)
            x = xp.nn.functional.conv2d(x, kernel.expand(count, -1, -1, -1), groups=count)
        else:
            from jax.lax import conv_general_dilated

            kernel = xp.asarray(window, dtype=xp.float32).reshape(shape)
            kernel = xp.broadcast_to(kernel, (count, *kernel.shape[1:]))
            x = conv_general_dilated(x, kernel, (1, 1), "VALID", feature_group_count=count)
    return x
