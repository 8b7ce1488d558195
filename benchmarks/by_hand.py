"""The losses in plain NumPy with their gradients derived by hand: what one would write without a library.

Every function gives the value and the tuple of gradients; with `gradient=False` the value alone. They are
as short and as fast as plain code is, and make no promise about infinities, masks or lost digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import correlate1d

Array = Any
Result = Any


def squared_error(p: Array, t: Array, gradient: bool = True) -> Result:
    r = p - t
    value = np.mean(r * r)
    return (value, (r * (2 / r.size),)) if gradient else value


def huber(p: Array, t: Array, gradient: bool = True) -> Result:
    """Of the threshold 1, where smooth L1 is the same."""
    r = p - t
    q = np.clip(r, -1, 1)
    value = np.mean(q * (r - q / 2))
    return (value, (q / r.size,)) if gradient else value


def binary_cross_entropy(z: Array, y: Array, gradient: bool = True) -> Result:
    value = np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))
    return (value, ((1 / (1 + np.exp(-z)) - y) / z.size,)) if gradient else value


def focal(z: Array, y: Array, gradient: bool = True) -> Result:
    """Of labels that are 0 or 1, with α = 1/4 and γ = 2."""
    sign = 2 * y - 1
    wrong = 1 / (1 + np.exp(sign * z))
    nll = np.logaddexp(0, -sign * z)
    weight = (0.75 - 0.5 * y) * wrong * wrong
    value = np.mean(weight * nll)
    return (value, (-sign * weight * (wrong + 2 * (1 - wrong) * nll) / z.size,)) if gradient else value


def cross_entropy(z: Array, labels: Array, gradient: bool = True) -> Result:
    rows = np.arange(len(z))
    below = z - np.max(z, axis=-1, keepdims=True)
    e = np.exp(below)
    s = np.sum(e, axis=-1, keepdims=True)
    value = np.mean(np.log(s[:, 0]) - below[rows, labels])
    if not gradient:
        return value
    e /= s * len(z)
    e[rows, labels] -= np.float32(1 / len(z))
    return value, (e,)


def kl_divergence(log_p: Array, t: Array, gradient: bool = True) -> Result:
    value = np.sum(t * (np.log(np.where(t > 0, t, 1)) - log_p)) / len(t)
    return (value, (t / -len(t),)) if gradient else value


def gaussian_nll(p: Array, t: Array, var: Array, gradient: bool = True) -> Result:
    """With gradients of the mean and of the variance."""
    v = np.maximum(var, 1e-6)
    r = p - t
    q = r / v
    value = np.mean(np.log(v) + r * q) / 2
    return (value, (q / r.size, (1 / v - q * q) / (2 * r.size))) if gradient else value


def dice(p: Array, t: Array, gradient: bool = True) -> Result:
    axes = tuple(range(2, p.ndim))
    shared = np.sum(p * t, axis=axes, keepdims=True)
    whole = np.sum(p, axis=axes, keepdims=True) + np.sum(t, axis=axes, keepdims=True)
    value = np.mean(1 - 2 * shared / whole)
    return (value, ((shared / whole - t) * (2 / whole / shared.size),)) if gradient else value


def giou(p: Array, t: Array, gradient: bool = True) -> Result:
    """2 - I/U - U/C of boxes that are not empty."""
    size, size_t = p[:, 2:] - p[:, :2], t[:, 2:] - t[:, :2]
    near, far = np.maximum(p[:, :2], t[:, :2]), np.minimum(p[:, 2:], t[:, 2:])
    low, high = np.minimum(p[:, :2], t[:, :2]), np.maximum(p[:, 2:], t[:, 2:])
    side, hull = np.maximum(far - near, 0), high - low
    shared, cover = side[:, 0] * side[:, 1], hull[:, 0] * hull[:, 1]
    union = size[:, 0] * size[:, 1] + size_t[:, 0] * size_t[:, 1] - shared
    value = np.mean(2 - shared / union - union / cover)
    if not gradient:
        return value
    # The derivatives of the loss with respect to the areas, then of the areas with respect to the sides.
    d_union = (shared / (union * union) - 1 / cover)[:, None] / len(p)
    d_shared = -1 / union[:, None] / len(p) - d_union
    d_cover = (union / (cover * cover))[:, None] / len(p)
    d_side = d_shared * side[:, ::-1] * (side > 0)
    d_size, d_hull = d_union * size[:, ::-1], d_cover * hull[:, ::-1]
    inside = (p[:, :2] > t[:, :2], p[:, 2:] < t[:, 2:])
    return value, (
        np.concatenate(
            (
                -d_size - np.where(inside[0], d_side, d_hull),
                d_size + np.where(inside[1], d_side, d_hull),
            ),
            axis=-1,
        ),
    )


def triplet_batch_hard(x: Array, labels: Array, gradient: bool = True) -> Result:
    """With the margin 0.2, of a batch in which every row has a positive and a negative."""
    square = np.sum(x * x, axis=-1)
    distance = np.sqrt(np.maximum(square[:, None] + square - 2 * x @ x.T, 0))
    same, rows = labels[:, None] == labels, np.arange(len(x))
    farthest = np.argmax(np.where(same, distance, -np.inf), axis=-1)
    nearest = np.argmin(np.where(same, np.inf, distance), axis=-1)
    excess = distance[rows, farthest] - distance[rows, nearest] + np.float32(0.2)
    value = np.mean(np.maximum(excess, 0))
    if not gradient:
        return value
    total = np.zeros_like(x)
    for other, sign in ((farthest, 1), (nearest, -1)):
        pull = sign * (excess > 0) / (distance[rows, other] * len(x))
        pull = pull[:, None].astype(x.dtype) * (x - x[other])
        total += pull
        np.subtract.at(total, other, pull)
    return value, (total,)


def _blur(x: Array, window: Array) -> Array:
    """All positions of a separable window, of odd length, inside of the image."""
    for axis in (-2, -1):
        x = correlate1d(x, window, axis=axis, mode="constant")
    half = len(window) // 2
    return x[..., half:-half, half:-half]


def _spread(x: Array, window: Array) -> Array:
    """The transpose of `_blur`."""
    half = len(window) // 2
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(half, half)] * 2)
    for axis in (-2, -1):
        x = correlate1d(x, window, axis=axis, mode="constant")
    return x


def ssim(p: Array, t: Array, gradient: bool = True) -> Result:
    """With the window of the paper, 11 × 11 with σ = 1.5, for a range of 1."""
    window = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window /= window.sum()
    p_, t_, pp, tt, pt = (_blur(x, window) for x in (p, t, p * p, t * t, p * t))
    c1, c2 = 0.01**2, 0.03**2
    top_1, top_2 = 2 * p_ * t_ + c1, 2 * (pt - p_ * t_) + c2
    bottom_1, bottom_2 = p_ * p_ + t_ * t_ + c1, pp - p_ * p_ + tt - t_ * t_ + c2
    similar = top_1 * top_2 / (bottom_1 * bottom_2)
    value = 1 - np.mean(similar)
    if not gradient:
        return value
    similar /= -similar.size
    d_pt, d_pp = 2 * similar / top_2, -similar / bottom_2
    d_p = 2 * (similar * (t_ / top_1 - p_ / bottom_1) - t_ * d_pt / 2 - p_ * d_pp)
    return value, (_spread(d_p, window) + 2 * p * _spread(d_pp, window) + t * _spread(d_pt, window),)


def ctc(logits: Array, labels: Array, gradient: bool = True) -> Result:
    """Of logits (N, T, C), with the blank 0, of full lengths; a mean of the losses per label."""
    n, frames, _ = logits.shape
    below = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = below - np.log(np.sum(np.exp(below), axis=-1, keepdims=True))
    path = np.zeros((n, 2 * labels.shape[1] + 1), dtype=labels.dtype)  # blank, label, blank, …
    path[:, 1::2] = labels
    p = np.take_along_axis(log_p, np.broadcast_to(path[:, None], (n, frames, path.shape[1])), axis=-1)
    skip = np.full(path.shape, -np.inf, dtype=logits.dtype)
    skip[:, 2:][(path[:, 2:] != 0) & (path[:, 2:] != path[:, :-2])] = 0

    def forward(p: Array, skip: Array) -> Array:
        alpha = np.full((frames, *path.shape), -np.inf, dtype=logits.dtype)
        alpha[0, :, :2] = p[:, 0, :2]
        for k in range(1, frames):
            before, now = alpha[k - 1], alpha[k]
            now[:] = before
            now[:, 1:] = np.logaddexp(now[:, 1:], before[:, :-1])
            now[:, 2:] = np.logaddexp(now[:, 2:], before[:, :-2] + skip[:, 2:])
            now += p[:, k]
        return alpha

    alpha = forward(p, skip)
    likelihood = np.logaddexp(alpha[-1, :, -1], alpha[-1, :, -2])
    value = np.mean(-likelihood) / labels.shape[1]
    if not gradient:
        return value
    back = np.full_like(skip, -np.inf)
    back[:, 2:] = skip[:, :1:-1]
    beta = forward(p[:, ::-1, ::-1], back)[::-1, :, ::-1]
    share = np.exp(alpha + beta - p.swapaxes(0, 1) - likelihood[:, None])
    found = np.exp(log_p)
    rows = np.arange(n)
    for s in range(path.shape[1]):
        found[rows, :, path[:, s]] -= share[:, :, s].T
    return value, (found / (n * labels.shape[1]),)
