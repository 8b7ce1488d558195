"""Log losses of logits, of two classes and of many, each with a derivative of its own."""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.primitives import primitive, reduction
from .namespaces import put_label, settle, stop_gradient, take_label
from .numeric import (
    exp,
    expm1,
    exprel,
    finite_or_nan,
    greatest,
    log,
    log1p,
    logistic,
    minimum,
    power,
    product,
    sigmoid,
    softplus,
    tanh,
)

Array = Any
Namespace = Any


@primitive(
    lambda t, xp, a, b, c: t * ((c * b + (1 - b)) * logistic(xp, a)),
    lambda t, xp, a, c: -t * (sigmoid(xp, a) + c * sigmoid(xp, -a)),
    lambda t, xp, a, b: -t * b * sigmoid(xp, -a),
)
def logit_nll_slope(xp: Namespace, z: Array, y: Array, weight: Any) -> Array:
    """(1 - y)·sigmoid(z) - weight·y·sigmoid(-z)."""
    yes, no = weight * y, 1 - y
    e = xp.exp(-xp.abs(z))
    return xp.where(z >= 0, no - yes * e, no * e - yes) / (1 + e)


@primitive(
    lambda t, xp, a, b, c: t * logit_nll_slope(xp, a, b, c),
    lambda t, xp, a, c: t * (product(xp, c - 1, softplus(xp, -a)) - a),
    lambda t, xp, a, b: t * product(xp, b, softplus(xp, -a)),
)
def logit_nll(xp: Namespace, z: Array, y: Array, weight: Any) -> Array:
    """weight·y·softplus(-z) + (1 - y)·softplus(z), where 0·∞ = 0."""
    # Both have log(1 + exp(-|z|)), and one of the two has |z| more.
    yes, no = weight * y, 1 - y
    more = xp.where(z >= 0, no, yes)
    return more * xp.where(more == 0, 0.0, xp.abs(z)) + (yes + no) * xp.log1p(xp.exp(-xp.abs(z)))


def _wrong(xp: Namespace, z: Array, y: Array) -> Array:
    """The probability of the wrong label, (1 - y)·sigmoid(z) + y·sigmoid(-z)."""
    return (1 - y) * sigmoid(xp, z) + y * sigmoid(xp, -z)


def _focal_parts(xp: Namespace, z: Array, y: Array) -> tuple[Array, ...]:
    """Whether z ≥ 0, |z|, exp(-|z|), sigmoid(-|z|), the share u of the label that the sign of z speaks
    against, and q, the probability of the wrong label: a sum of terms of one sign, by u."""
    positive = z >= 0
    size = xp.where(positive, z, -z)
    u, e = xp.where(positive, 1 - y, y), xp.exp(-size)
    less = e / (1 + e)
    return positive, size, e, less, u, u + (1 - 2 * u) * less


def _focal_curve(xp: Namespace, z: Array, y: Array) -> Array:
    """The second derivative of q²·L, the loss below, in the logit."""
    q, nll, slope, curve = (
        _wrong(xp, z, y),
        logit_nll(xp, z, y, 1.0),
        logit_nll_slope(xp, z, y, 1.0),
        logistic(xp, z),
    )
    change = (1 - 2 * y) * curve
    bend = change * (change - q * tanh(xp, z / 2))
    return q * (q * curve + 4 * change * slope) + 2 * product(xp, bend, nll)


def _focal_slope_in_label(xp: Namespace, z: Array, y: Array) -> Array:
    q, change = _wrong(xp, z, y), tanh(xp, z / 2)
    slope = product(xp, q, -z) - 2 * product(xp, change, logit_nll(xp, z, y, 1.0))
    return product(xp, q, slope)


def _focal_curve_in_label(xp: Namespace, z: Array, y: Array) -> Array:
    """The derivative of the slope below in the label."""
    q, nll, slope, curve = (
        _wrong(xp, z, y),
        logit_nll(xp, z, y, 1.0),
        logit_nll_slope(xp, z, y, 1.0),
        logistic(xp, z),
    )
    change, less = (1 - 2 * y) * curve, tanh(xp, z / 2)
    bend = 2 * curve * q + change * less
    return -q * (q + 2 * less * slope + 2 * product(xp, change, z)) - 2 * product(xp, bend, nll)


@primitive(
    lambda t, xp, a, b: t * _focal_curve(xp, a, b),
    lambda t, xp, a, b: t * _focal_curve_in_label(xp, a, b),
)
def focal_nll_slope(xp: Namespace, z: Array, y: Array) -> Array:
    """q·(q·L' + 2q'·L), the derivative of the loss below in the logit."""
    positive, size, e, less, u, q = _focal_parts(xp, z, y)
    nll = u * xp.where(size == math.inf, 0.0, size) + xp.log1p(e)
    change = (1 - 2 * y) * less * (1 - less)
    return q * (q * xp.where(positive, u - less, less - u) + 2 * change * nll)


@primitive(
    lambda t, xp, a, b: t * focal_nll_slope(xp, a, b),
    lambda t, xp, a, b: t * _focal_slope_in_label(xp, a, b),
)
def focal_nll(xp: Namespace, z: Array, y: Array) -> Array:
    """The log loss of a logit times the squared probability of the wrong label."""
    _, size, e, _, u, q = _focal_parts(xp, z, y)
    size = xp.where((u == 0) & (size == math.inf), 0.0, size)
    return q * q * (u * size + xp.log1p(e))


@primitive(
    lambda t, xp, a, b: t * _faded_slope(xp, a, b),
    lambda t, xp, a, y: t * product(xp, _log_unsure(xp, a), y),
)
def _faded(xp: Namespace, nll: Array, gamma: Any) -> Array:
    return nll * power(xp, _unsure(xp, nll), gamma)


def faded(xp: Namespace, nll: Array, gamma: Any) -> Array:
    """-(1 - p)^γ·log p of nll = -log p: a log loss that fades where the answer is confident."""
    return nll if isinstance(gamma, float) and gamma == 0 else _faded(xp, nll, gamma)


def _unsure(xp: Namespace, nll: Array) -> Array:
    """1 - p."""
    return -expm1(xp, -nll)


def _log_unsure(xp: Namespace, nll: Array) -> Array:
    """log(1 - p), and 0 at p = 1."""
    near = nll < 0.7
    small = _unsure(xp, xp.where(near, nll, 1.0))
    return xp.where(near, log(xp, xp.where(small == 0, 1.0, small)), log1p(xp, -exp(xp, -nll)))


def _faded_slope(xp: Namespace, nll: Array, gamma: Any) -> Array:
    # p·log(1/p) / (1 - p) is 1 at p = 1 and 0 at p = 0, which is where p underflows.
    x = minimum(xp, nll, 800.0)
    return power(xp, _unsure(xp, nll), gamma) * (1 + gamma * (exp(xp, -x) / exprel(xp, -x)))


def modulated(xp: Namespace, factor: Array, nll: Array) -> Array:
    """factor·nll, of a factor that is constant where the probability exp(-nll) is 0 in any dtype."""
    # Which 0·∞ in the derivative would not tell.
    far = nll > 1e4
    return xp.where(far, stop_gradient(xp, factor) * nll, factor * xp.where(far, 0.0, nll))


def label_nll(xp: Namespace, z: Array, labels: Array) -> Array:
    """-log p_y for the labels y, with full relative accuracy, of logits that are settled.

    NaN where a logit is +inf or all are -inf.
    """
    return xp.squeeze(_label_nll(xp, z, labels), axis=-1)


def _but_the_label(xp: Namespace, z: Array, labels: Array, top: Array) -> Array:
    """exp(z - top), and 0 at the label."""
    return put_label(xp, xp.exp(z - top), labels, 0.0)


@reduction(lambda xp, a, y, labels, top: _but_the_label(xp, a, labels, top))
def _others(xp: Namespace, z: Array, labels: Array, top: Array) -> Array:
    return xp.sum(_but_the_label(xp, z, labels, top), axis=-1, keepdims=True)


def _label_nll_parts(xp: Namespace, z: Array, labels: Array) -> tuple[Array, ...]:
    """The largest logit, and Σ exp(z - largest), without the label and with it."""
    top = finite_or_nan(xp, greatest(xp, z, keepdims=True))
    others = _others(xp, z, labels, top)
    return top, others, others + xp.exp(take_label(xp, z, labels) - top)


def _label_nll_slope(xp: Namespace, z: Array, y: Array, labels: Array, *parts: Array) -> Array:
    top, others, total = parts
    return put_label(xp, _softmax(xp, z, labels, top, total), labels, -_miss(xp, y, others, total))


@reduction(_label_nll_slope, parts=_label_nll_parts)
def _label_nll(xp: Namespace, z: Array, labels: Array, *parts: Array) -> Array:
    top, others, _ = parts
    less = top - take_label(xp, z, labels)
    x = others + (xp.exp(-less) - 1)
    u = settle(xp, 1 + x)  # XLA takes ten times as long for log1p
    return xp.log(u) + (x - (u - 1)) / u + less


@primitive(lambda t, xp, a: t * exp(xp, -a))
def _miss(xp: Namespace, nll: Array, others: Array, total: Array) -> Array:
    """1 - p, where p near 1 would cancel."""
    return others / total


@primitive(lambda t, xp, y: y * (t - xp.sum(y * t, axis=-1, keepdims=True)))
def _softmax(xp: Namespace, z: Array, labels: Array, top: Array, total: Array) -> Array:
    # In the form of the sum above, for a compiler to make them one.
    p_y = xp.exp(take_label(xp, z, labels) - top) / total
    return put_label(xp, _but_the_label(xp, z, labels, top) / total, labels, p_y)


def cross_entropy(xp: Namespace, yes: Array, no: Array, p: Array, floor: Any = None) -> Array:
    """-yes·log(p) - no·log(1 - p); without a floor of the logarithms 0·log(0) = 0."""
    p_0 = p_1 = p
    if floor is None:  # a term whose factor is 0 is no term, not even where its logarithm is infinite
        p_1 = xp.where((yes == 0) & (p == 0), 1.0, p)
        p_0 = xp.where((no == 0) & (p == 1), 0.0, p)
    return -yes * log(xp, p_1, floor) - no * log1p(xp, -p_0, floor)


def focal_entropy(xp: Namespace, share: Array, p: Array, gamma: Any) -> Array:
    """The sum over the last axis of -share·(1 - p)^γ·log(p), where 0·log(0) = 0."""
    p = xp.where((share == 0) & (p == 0), 1.0, p)
    return xp.sum(share * faded(xp, -log(xp, p), gamma), axis=-1)
