"""Numeric primitives: each right at its kinks and at infinity, in value and in derivative.

They are written so that plain automatic differentiation gives, on every library, the derivative
that the library promises: at a kink the element of least norm, at infinity the limit. That is why
kinks are built from `where` with constant branches, never from `clip` or `maximum`, on whose ties
the libraries disagree.
"""

from __future__ import annotations

import math
from typing import Any

from .namespaces import device, index_dtype, is_jax, is_torch, stop_gradient

Array = Any
Namespace = Any


def absolute(xp: Namespace, x: Array) -> Array:
    """|x|, with derivative 0 at 0."""
    # The derivative of JAX's abs at 0 is 1; that of x·sign(x) is sign(x).
    return x * xp.sign(x) if is_jax(xp) else xp.abs(x)


def relu(xp: Namespace, x: Array) -> Array:
    """max(x, 0), with derivative 0 at 0; NaN stays NaN."""
    return xp.where(x <= 0, 0.0, x)


def minimum(xp: Namespace, x: Array, bound: Any) -> Array:
    """The lesser of `x` and a number. On a tie the derivative is not specified: let it cancel."""
    # Dynamo cannot trace how the torch namespace promotes a number in `minimum`.
    return x.clamp(max=bound) if is_torch(xp) else xp.minimum(x, bound)


def cumulative_sum(xp: Namespace, x: Array) -> Array:
    """The running sums along the last axis."""
    # Dynamo warns about a cache inside the torch namespace's own.
    return x.cumsum(-1) if is_torch(xp) else xp.cumulative_sum(x, axis=-1)


def softplus(xp: Namespace, x: Array) -> Array:
    """log(1 + eˣ)."""
    # One condition for both terms: their halves of the derivative meet at 0, to any order.
    positive = x >= 0
    return xp.where(positive, x, 0.0) + xp.log1p(xp.exp(xp.where(positive, -x, x)))


def log_sigmoid(xp: Namespace, x: Array) -> Array:
    """log(1 / (1 + e⁻ˣ))."""
    return -softplus(xp, -x)


def sigmoid(xp: Namespace, x: Array) -> Array:
    """1 / (1 + e⁻ˣ), with full relative accuracy on both sides."""
    positive = x >= 0
    e = xp.exp(xp.where(positive, -x, x))
    return xp.where(positive, 1.0, e) / (1 + e)


def product(xp: Namespace, a: Array, b: Array) -> Array:
    """a·b, where 0·∞ = 0 and 0·NaN = 0: a term of weight 0 is no term."""
    # Only b is replaced, so that the derivative in `a` at a = 0 is still b wherever b is finite.
    return a * xp.where((a == 0) & ~xp.isfinite(b), 0.0, b)


def xlogy(xp: Namespace, a: Array, b: Array) -> Array:
    """a·log(b), where 0·log(0) = 0."""
    return a * xp.log(xp.where((a == 0) & (b <= 0), 1.0, b))


def divide(xp: Namespace, a: Array, b: Array, otherwise: float = 0.0) -> Array:
    """a / b, and `otherwise` with no derivative where b = 0."""
    zero = b == 0
    return xp.where(zero, otherwise, a / xp.where(zero, 1.0, b))


def nonzero(xp: Namespace, b: Any) -> Any:
    """A number or an array to divide by: 1 where it is 0."""
    return (b or 1.0) if isinstance(b, float) else xp.where(b == 0, 1.0, b)


def sqrt(xp: Namespace, x: Array) -> Array:
    """√x, with derivative 0 at 0."""
    positive = x > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, x, 1.0)), 0.0 * x)


def norm(xp: Namespace, x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """The Euclidean norm, with derivative 0 at the origin, without overflow or underflow."""
    scale = largest(xp, x, axis)
    n = scale * sqrt(xp, xp.sum((x / scale) ** 2, axis=axis, keepdims=True))
    return n if keepdims else xp.squeeze(n, axis=axis)


def unit(xp: Namespace, x: Array, axis: int = -1) -> Array:
    """x / ‖x‖, and 0 with no derivative for the zero vector."""
    y = x / largest(xp, x, axis)
    return divide(xp, y, sqrt(xp, xp.sum(y * y, axis=axis, keepdims=True)))


def largest(xp: Namespace, x: Array, axis: int = -1) -> Array:
    """The largest magnitude along `axis`, as a constant; 1 where all is zero or one is not finite."""
    m = xp.max(xp.abs(stop_gradient(xp, x)), axis=axis, keepdims=True)
    return xp.where((m > 0) & xp.isfinite(m), m, 1.0)


def classes(xp: Namespace, like: Array, axis: int = -1) -> Array:
    """0, 1, … along the last axis of `like`, beside it."""
    return xp.arange(like.shape[axis], dtype=index_dtype(xp), device=device(xp, like))


def one_hot(xp: Namespace, labels: Array, like: Array) -> Array:
    """Whether each class, along the last axis of `like`, is the label."""
    return labels[..., None] == classes(xp, like)


def pick(xp: Namespace, x: Array, labels: Array) -> Array:
    """The entry of the last axis of `x` that each label names."""
    # A select and a sum is one pass, has no scatter in its derivative, and runs on Dask too.
    return xp.sum(xp.where(one_hot(xp, labels, x), x, 0.0), axis=-1)


def log_sum_exp(xp: Namespace, z: Array, axis: int = -1) -> Array:
    """log Σ exp(z) along `axis`; -inf with no derivative where all is -inf."""
    m = stop_gradient(xp, xp.max(z, axis=axis, keepdims=True))
    m = xp.where(xp.isfinite(m), m, 0.0)
    s = xp.sum(xp.exp(z - m), axis=axis, keepdims=True)
    none = s == 0
    y = xp.where(none, -math.inf, xp.log(xp.where(none, 1.0, s)) + m)
    return xp.squeeze(y, axis=axis)


def log_softmax(xp: Namespace, z: Array) -> Array:
    """log softmax(z) along the last axis, with full relative accuracy in every entry."""
    # log p = -(max - z) - log1p(Σ of the other exponentials): two terms of one sign. Summing all
    # exponentials, the largest too, would round a log p near 0 to 0.
    top = one_hot(xp, xp.argmax(stop_gradient(xp, z), axis=-1), z)
    below = xp.where(top, 0.0, z - xp.sum(xp.where(top, z, 0.0), axis=-1, keepdims=True))
    rest = xp.sum(xp.where(top, 0.0, xp.exp(below)), axis=-1, keepdims=True)
    return below - xp.log1p(rest)


def softmax(xp: Namespace, z: Array) -> Array:
    """The softmax along the last axis."""
    return xp.exp(log_softmax(xp, z))


def margin(xp: Namespace, z: Array, labels: Array) -> Array:
    """m = z_y - log Σ_{c≠y} exp(z_c). Then -log p_y = softplus(-m) and 1 - p_y = sigmoid(-m)."""
    label = one_hot(xp, labels, z)
    z_y = xp.sum(xp.where(label, z, 0.0), axis=-1)
    return z_y - log_sum_exp(xp, xp.where(label, -math.inf, z))
