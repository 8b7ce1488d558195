"""Numeric functions: each right at its kinks and at infinity, in value and in derivative.

Most are primitives: the map that follows `primitive` is the derivative. It is, on every library and
to every order, what the library promises: at a kink the element of least norm, at infinity the
limit. In the maps `t` is what is multiplied by the derivative, `a` and `b` are the arguments, and
`y` is the result.
"""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.primitives import function_with, primitive, reduction
from ..autodiff.rules import Rule, where_larger
from .namespaces import classes as classes
from .namespaces import columns as columns
from .namespaces import cumulative_sum as cumulative_sum
from .namespaces import fold as fold
from .namespaces import is_compiling, is_torch, settle, stop_gradient
from .namespaces import matmul as matmul
from .namespaces import one_hot as one_hot

Array = Any
Namespace = Any


@primitive(lambda t, xp, a: t * xp.sign(a))
def absolute(xp: Namespace, x: Array) -> Array:
    """|x|, with derivative 0 at 0."""
    return xp.abs(x)


@primitive(lambda t, xp, a: xp.where(a > 0, t, 0.0))
def relu(xp: Namespace, x: Array) -> Array:
    """max(x, 0), with derivative 0 at 0."""
    return xp.maximum(x, 0.0)


@primitive(lambda t, xp, a, b: where_larger(xp, t, a, b), lambda t, xp, a, b: where_larger(xp, t, b, a))
def greater(xp: Namespace, a: Array, b: Array) -> Array:
    """The greater of each two, ties sharing the derivative."""
    return xp.maximum(a, b)


@primitive(lambda t, xp, a, b: where_larger(xp, t, b, a), lambda t, xp, a, b: where_larger(xp, t, a, b))
def lesser(xp: Namespace, a: Array, b: Array) -> Array:
    """The lesser of each two, ties sharing the derivative."""
    return xp.minimum(a, b)


@primitive(
    lambda t, xp, a, b: xp.where(a <= b, t, 0.0),
    lambda t, xp, a, b: xp.where(a <= b, 0.0, t),
)
def minimum(xp: Namespace, x: Array, bound: Any) -> Array:
    """The lesser of `x` and a number. On a tie the derivative is not specified: let it cancel."""
    return xp.minimum(x, bound)


@primitive(
    lambda t, xp, a, b: xp.where(xp.abs(a) <= b, t, 0.0),
    lambda t, xp, a, b: xp.where(xp.abs(a) <= b, 0.0, t * xp.sign(a)),
)
def clip(xp: Namespace, x: Array, bound: Any) -> Array:
    """`x` held between -bound and bound. On a bound the derivative is not specified: let it cancel."""
    return xp.minimum(xp.maximum(x, -bound), bound)  # the libraries' own clip takes more passes


@primitive(lambda t, xp, b: keep(xp, t, b))
def keep(xp: Namespace, x: Array, kept: Array) -> Array:
    """`x` where it is kept, elsewhere 0."""
    return xp.where(kept, x, 0.0)


@primitive(lambda t, a: t * (2 * a))
def square(xp: Namespace, x: Array) -> Array:
    """x²."""
    return x * x


@primitive(
    lambda t, xp, a, b: t * clip(xp, a, b),
    lambda t, xp, a, b: t * relu(xp, absolute(xp, a) - b),
)
def huber(xp: Namespace, r: Array, delta: Any) -> Array:
    """r²/2 up to |r| = δ, and its tangent beyond."""
    # Both are one product, which does not square an outlier.
    d = xp.abs(r)
    q = xp.minimum(d, delta)
    return q * (d - q / 2)


@primitive(
    lambda t, xp, a, b: t * clip(xp, a / b, 1.0),
    lambda t, xp, a, b: t * (square(xp, clip(xp, a / b, 1.0)) / -2),
)
def smooth_l1(xp: Namespace, r: Array, beta: Any) -> Array:
    """r²/(2β) up to |r| = β, and its tangent beyond."""
    d = xp.abs(r)
    q = xp.minimum(d, beta)
    return q * (d - q / 2) / beta


@primitive(lambda t, xp, a: t * sigmoid(xp, a))
def softplus(xp: Namespace, x: Array) -> Array:
    """log(1 + eˣ)."""
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


@primitive(lambda t, xp, a: t * logistic(xp, a))
def sigmoid(xp: Namespace, x: Array) -> Array:
    """1 / (1 + e⁻ˣ), with full relative accuracy on both sides."""
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1.0, e) / (1 + e)


@primitive(lambda t, xp, a, y: -t * (y * tanh(xp, a / 2)))
def logistic(xp: Namespace, x: Array) -> Array:
    """The density of the logistic distribution, sigmoid(x)·sigmoid(-x)."""
    e = xp.exp(-xp.abs(x))
    return e / (1 + e) ** 2


@primitive(lambda t, y: t * y)
def exp(xp: Namespace, x: Array) -> Array:
    """eˣ, infinite where it overflows, of which NumPy would warn."""
    most = 88.72283 if xp.finfo(x.dtype).bits == 32 else 709.782712893384
    # Added, so that the derivative is infinite there too; of two numbers NumPy would make a float64.
    return xp.exp(x + xp.where(x > most, math.inf, xp.zeros_like(x)))


@primitive(lambda t, xp, a: t * exp(xp, a))
def expm1(xp: Namespace, x: Array) -> Array:
    """eˣ - 1; its derivative eˣ keeps its digits where that is small."""
    if not (is_torch(xp) and is_compiling()):
        return xp.expm1(x)
    # Inductor makes eˣ - 1 of expm1, which has no digits around 0.
    near = xp.abs(x) < 0.5
    u = xp.where(near, x, 0.0)
    return xp.where(near, xp.tanh(u / 2) * (xp.exp(u) + 1), xp.exp(x) - 1)


@primitive(lambda t, a: t * (a / (1 + a)))
def less_log1p(xp: Namespace, x: Array) -> Array:
    """x - log(1 + x), with full relative accuracy around 0, where it is quadratic."""
    near = xp.abs(x) < 0.5
    y = xp.where(near, x, 0.0)
    # log(1 + y) = 2 artanh(s), of which 2s = y - y·s; what remains is subtracted term by term.
    s = y / (2 + y)
    u = s * s
    rest = 1 / 33
    for n in range(31, 1, -2):
        rest = rest * u + 1 / n
    far = minimum(xp, xp.where(near, 0.0, x), 1e30)  # beyond which the logarithm is nothing beside x
    return xp.where(near, s * (y - 2 * u * rest), x - log1p(xp, far))


def exprel(xp: Namespace, x: Array) -> Array:
    """(eˣ - 1) / x, which is 1 at 0; its derivatives keep their digits around 0."""
    near = xp.abs(x) < 0.125
    y, far = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
    series = 1 + y / 11
    for n in range(10, 1, -1):
        series = 1 + y * series / n
    return xp.where(near, series, expm1(xp, far) / far)


def one_plus_square(xp: Namespace, x: Array) -> tuple[Array, Array]:
    """m ≥ 1 and v ≤ 1 with 1 + x² = m²·(1 + v), without squaring what is large."""
    far = xp.abs(x) > 1
    small = xp.where(far, 1 / xp.where(far, x, 1.0), x)
    # At infinity v is a constant, whose derivative of 0 meets no infinite slope of m.
    v = xp.where(xp.isinf(x), 0.0, small * small)
    return xp.where(far, xp.abs(x), 1.0), v


@primitive(
    lambda t, xp, a, b: t * product(xp, b, _power(xp, a, b - 1)),
    lambda t, xp, a, y: t * (y * log(xp, xp.where(a == 0, 1.0, a))),
)
def _power(xp: Namespace, x: Array, gamma: Any) -> Array:
    nothing = float(gamma == 0) if isinstance(gamma, float) else xp.astype(gamma == 0, x.dtype)
    zero = (x == 0) & (gamma != 1)
    return xp.where(zero, nothing, xp.where(zero, 1.0, x) ** gamma)


def power(xp: Namespace, x: Array, gamma: Any) -> Array:
    """x^γ for x ≥ 0 and γ ≥ 0, where 0⁰ = 1; with derivative 0 at 0 where it would be infinite."""
    if isinstance(gamma, float) and gamma in (0, 1, 2):
        return xp.ones_like(x) if gamma == 0 else x if gamma == 1 else square(xp, x)
    return _power(xp, x, gamma)


@primitive(lambda t, xp, a: t * (4 * logistic(xp, 2 * a)))
def tanh(xp: Namespace, x: Array) -> Array:
    """tanh(x), with full relative accuracy in the derivative too, where 1 - tanh² cancels."""
    return xp.tanh(x)


def _unless_nothing(xp: Namespace, a: Array, b: Array, x: Array) -> Array:
    return xp.where((a == 0) & ~xp.isfinite(b), 0.0, x)


@primitive(
    lambda t, xp, a, b: t * _unless_nothing(xp, a, b, b),
    lambda t, xp, a, b: _unless_nothing(xp, a, b, t * a),
)
def product(xp: Namespace, a: Array, b: Array) -> Array:
    """a·b, where 0·∞ = 0 and 0·NaN = 0: a term of weight 0 is no term."""
    return a * _unless_nothing(xp, a, b, b)


@primitive(lambda t, a: t / a)
def _log(xp: Namespace, x: Array) -> Array:
    inside = x > 0
    y = xp.log(xp.where(inside, x, 1.0))
    return xp.where(x == 0, -math.inf, xp.where(inside, y, math.nan))


@primitive(lambda t, a: t / (1 + a))
def _log1p(xp: Namespace, x: Array) -> Array:
    inside = x > -1
    y = xp.log1p(xp.where(inside, x, 0.0))
    return xp.where(x == -1, -math.inf, xp.where(inside, y, math.nan))


def log(xp: Namespace, x: Array, floor: Any = None) -> Array:
    """log(x), quietly -inf at 0 and NaN below; or `floor`, with no derivative, where it is not above it."""
    return _log(xp, x) if floor is None else _floored(xp, xp.log, x, x, floor)


def log1p(xp: Namespace, x: Array, floor: Any = None) -> Array:
    """log(1 + x), as `log`."""
    return _log1p(xp, x) if floor is None else _floored(xp, xp.log1p, x, 1 + x, floor)


def _floored(xp: Namespace, function: Any, x: Array, argument: Array, floor: Any) -> Array:
    inside = argument > 0
    y = function(xp.where(inside, x, 1.0))
    above = xp.where(inside & ~(y <= floor), y, floor)
    return xp.where(inside | (argument == 0), above, math.nan)


@primitive(
    lambda t, xp, a, b: t * log(xp, xp.where((a == 0) & (b <= 0), 1.0, b)),
    lambda t, xp, a, b: t * (a / xp.where((a == 0) & (b == 0), 1.0, b)),
)
def xlogy(xp: Namespace, a: Array, b: Array) -> Array:
    """a·log(b), where 0·log(0) = 0."""
    return a * log(xp, xp.where((a == 0) & (b <= 0), 1.0, b))


@primitive(lambda t, xp, b: quotient(xp, t, b), lambda t, xp, b, y: -y * quotient(xp, t, b))
def quotient(xp: Namespace, a: Array, b: Array) -> Array:
    """a / b, and 0 with no derivative where b = 0."""
    zero = b == 0
    return xp.where(zero, 0.0, a / xp.where(zero, 1.0, b))


def divide(xp: Namespace, a: Array, b: Array, otherwise: float = 0.0) -> Array:
    """a / b, and `otherwise` with no derivative where b = 0."""
    y = quotient(xp, a, b)
    return xp.where(b == 0, otherwise, y) if otherwise else y


@primitive(
    lambda t, xp, a, b: quotient(xp, t * part(xp, b, a), a + b),
    lambda t, xp, a, b, y: -quotient(xp, t * y, a + b),
)
def part(xp: Namespace, a: Array, b: Array) -> Array:
    """a / (a + b) for b ≥ 0, and 0 with no derivative where both are 0."""
    more = a > b
    greater = xp.where(more, a, b)
    ratio = xp.where(more, b, a) / xp.where(greater == 0, 1.0, greater)
    return xp.where(more, 1.0, ratio) / (1 + ratio)


def fraction(xp: Namespace, a: Array, b: Array, otherwise: float = 0.0) -> Array:
    """a / (a + b) for b ≥ 0, and `otherwise` with no derivative where both are 0."""
    y = part(xp, a, b)
    return xp.where((a == 0) & (b == 0), otherwise, y) if otherwise else y


def log_fraction(xp: Namespace, a: Array, b: Array) -> Array:
    """log(a / (a + b)) with all its digits; 0 with no derivative where a = 0."""
    near, none = b < a, a == 0
    few = quotient(xp, xp.where(near, b, 0.0), xp.where(near, a, 1.0))  # JAX would square a
    many = xp.where(near | none, 1.0, part(xp, a, b))
    return xp.where(near, -log1p(xp, few), log(xp, many))


def nonzero(xp: Namespace, b: Any) -> Any:
    """A number or an array to divide by: 1 where it is 0."""
    return (b or 1.0) if isinstance(b, float) else xp.where(b == 0, 1.0, b)


@primitive(lambda t, xp, y: quotient(xp, t, 2 * y))
def sqrt(xp: Namespace, x: Array) -> Array:
    """√x, with derivative 0 at 0."""
    nothing = x <= 0
    return xp.where(nothing, 0.0, xp.sqrt(xp.where(nothing, 1.0, x)))


def norm(xp: Namespace, x: Array) -> Array:
    """The Euclidean norm along the last axis, with derivative 0 at the origin, without over- or underflow."""
    return xp.squeeze(_norm(xp, x), axis=-1)


@reduction(lambda xp, a, y: quotient(xp, a, y))
def _norm(xp: Namespace, x: Array) -> Array:
    scale = largest(xp, x)
    return scale * sqrt(xp, xp.sum((x / scale) ** 2, axis=-1, keepdims=True))


def unit(xp: Namespace, x: Array, axis: int = -1) -> Array:
    """x / ‖x‖, and 0 with no derivative for the zero vector."""
    y = x / largest(xp, x, axis)
    return divide(xp, y, sqrt(xp, xp.sum(y * y, axis=axis, keepdims=True)))


def greatest(xp: Namespace, x: Array, axis: int | tuple[int, ...] = -1, keepdims: bool = False) -> Array:
    """The greatest entry along `axis`, ties sharing the derivative; -inf of nothing."""
    if 0 in x.shape:  # of which Dask has no maximum, not even along an axis that has some
        return xp.sum(x, axis=axis, keepdims=keepdims) - math.inf
    return xp.max(x, axis=axis, keepdims=keepdims)


def largest(xp: Namespace, x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """The largest magnitude along `axis`, as a constant; 1 where all is zero or one is not finite."""
    m = greatest(xp, xp.abs(stop_gradient(xp, x)), axis, keepdims=True)
    return xp.where((m > 0) & xp.isfinite(m), m, 1.0)


def _push_overlap(xp: Namespace, ts: list[Any], y: Array, p: Array, t: Array) -> Array:
    of_p = None if ts[0] is None else _overlap_of(xp, ts[0] * t, ts[0], 0)
    of_t = None if ts[1] is None else _overlap_of(xp, ts[1] * p, 0, ts[1])
    return of_t if of_p is None else of_p if of_t is None else of_p + of_t


def _pull_overlap(xp: Namespace, i: int, y: Array, p: Array, t: Array) -> Any:
    def pull(c: Array) -> Array:
        shared, *only = (x[..., None] for x in columns(xp, c))
        return (t, p)[i] * (shared - only[0] - only[1]) + only[i]

    return pull


def _overlap_of(xp: Namespace, both: Array, p: Any, t: Any) -> Array:
    return xp.stack([xp.sum(x, axis=-1) for x in (both, p - both, t - both)], axis=-1)


@function_with(Rule(_push_overlap, _pull_overlap, frozenset("ab")))
def overlap(xp: Namespace, p: Array, t: Array) -> Array:
    """Along the last axis the sums of p·t, of what p has beyond it, and of what t has."""
    return _overlap_of(xp, p * t, p, t)


def _with_transpose(xp: Namespace, x: Array) -> Array:
    return x + xp.matrix_transpose(x)


def _push_gram_difference(xp: Namespace, ts: list[Any], y: Array, p: Array, t: Array) -> Array:
    pairs = (ts[0], p), (None if ts[1] is None else -ts[1], t)
    moved = [matmul(xp, along, xp.matrix_transpose(x)) for along, x in pairs if along is not None]
    return _with_transpose(xp, sum(moved[1:], moved[0]))


def _pull_gram_difference(xp: Namespace, i: int, y: Array, p: Array, t: Array) -> Any:
    return lambda c: matmul(xp, _with_transpose(xp, -c if i else c), (p, t)[i])


# What the difference of p and t has lost of the smaller one is there again in the derivative.
@function_with(Rule(_push_gram_difference, _pull_gram_difference, frozenset("ab")), axes=2)
def gram_difference(xp: Namespace, p: Array, t: Array) -> Array:
    """P Pᵀ - T Tᵀ, with full accuracy where P and T are nearly equal."""
    # It is the symmetric part of (P - T)(P + T)ᵀ.
    return _with_transpose(xp, matmul(xp, p - t, xp.matrix_transpose(p + t))) / 2


def pick(xp: Namespace, x: Array, labels: Array) -> Array:
    """The entry of the last axis of `x` that each label names."""
    # A select and a sum is one pass, has no scatter in its derivative, and runs on Dask too.
    return xp.sum(xp.where(one_hot(xp, labels, x), x, 0.0), axis=-1)


def log_sum_exp(xp: Namespace, z: Array) -> Array:
    """log Σ exp(z) along the last axis; -inf with no derivative where all is -inf."""
    return xp.squeeze(_log_sum_exp(xp, z), axis=-1)


@reduction(lambda xp, a, y: xp.exp(a - offset(xp, y)))
def _log_sum_exp(xp: Namespace, z: Array) -> Array:
    m = greatest(xp, stop_gradient(xp, z), keepdims=True)
    s = xp.sum(xp.exp(z - offset(xp, m)), axis=-1, keepdims=True)
    return xp.where(xp.isinf(m), m, xp.log(xp.where(s > 0, s, 1.0)) + m)


def offset(xp: Namespace, m: Array) -> Array:
    """What may be subtracted from logits: 0 where all are -inf, NaN where one is +inf."""
    return xp.where(m == -math.inf, 0.0, finite_or_nan(xp, m))


@primitive(lambda t: t)
def finite_or_nan(xp: Namespace, x: Array) -> Array:
    """`x`, but NaN where it is infinite: what is computed from it is then NaN, with no warning."""
    return xp.where(xp.isfinite(x), x, math.nan)


def _less(xp: Namespace, a: Array, b: Array) -> Array:
    """a - b, and 0 where both are one infinity."""
    alike = (a == b) & xp.isinf(a)
    return xp.where(alike, 0.0, a) - xp.where(alike, 0.0, b)


@primitive(
    lambda t, xp, a, b: t * sigmoid(xp, _less(xp, a, b)),
    lambda t, xp, a, b: t * sigmoid(xp, _less(xp, b, a)),
)
def log_add_exp(xp: Namespace, a: Array, b: Array) -> Array:
    """log(eᵃ + eᵇ); where both are -inf it is -inf, with a finite derivative."""
    # The larger term enters as it is, so that a log-probability near 0 keeps its digits.
    high, low = xp.maximum(a, b), xp.minimum(a, b)
    return high + xp.log1p(xp.exp(low - xp.maximum(high, -3e38)))  # where the less finite is -inf


def _push_log_softmax(xp: Namespace, ts: list[Any], y: Array, z: Array) -> Array:
    t = ts[0]
    u = xp.exp(y) * t  # once, for its transpose to have the difference of the cotangents
    return -expm1(xp, y) * t - (xp.sum(u, axis=-1, keepdims=True) - u)


def _pull_log_softmax(xp: Namespace, i: int, y: Array, z: Array) -> Any:
    return lambda c: -expm1(xp, y) * c - xp.exp(y) * (xp.sum(c, axis=-1, keepdims=True) - c)


# 1 - p stands for itself in the derivative, where a p near 1 would cancel.
@function_with(Rule(_push_log_softmax, _pull_log_softmax, frozenset("y")))
def log_softmax(xp: Namespace, z: Array) -> Array:
    """log softmax(z) along the last axis, with full relative accuracy in every entry.

    NaN where a logit is +inf or all are -inf.
    """
    # log p = -(max - z) - log Σ exp(z - max), two terms of one sign. One exponential of the largest,
    # which is 1, is left out of the sum, because with it a log p near 0 would round to 0.
    z = settle(xp, z)
    below = z - finite_or_nan(xp, greatest(xp, stop_gradient(xp, z), keepdims=True))
    less, e = below < 0, xp.exp(below)
    ties = xp.sum(xp.where(less, 0.0, e), axis=-1, keepdims=True)
    return below - xp.log1p(xp.sum(xp.where(less, e, 0.0), axis=-1, keepdims=True) + (ties - 1))


def margin(xp: Namespace, z: Array, labels: Array) -> Array:
    """m = z_y - log Σ_{c≠y} exp(z_c). Then -log p_y = softplus(-m) and 1 - p_y = sigmoid(-m).

    +inf where all others are -inf; NaN where a logit is +inf or all are -inf.
    """
    label = one_hot(xp, labels, z)
    z_y = xp.sum(xp.where(label, z, 0.0), axis=-1)
    return lead(xp, z_y, *exponentials(xp, xp.where(label, -math.inf, z)))


def exponentials(xp: Namespace, z: Array) -> tuple[Array, Array]:
    """The largest entry m of the last axis, as a constant, and Σ exp(z - m)."""
    m = greatest(xp, stop_gradient(xp, z))
    return m, xp.sum(xp.exp(z - offset(xp, m)[..., None]), axis=-1)


def exponentials_of_parts(xp: Namespace, m: Array, s: Array) -> tuple[Array, Array]:
    """The same of parts together: the last axis has what `exponentials` gave for each of them."""
    m = stop_gradient(xp, m)
    most = greatest(xp, m)
    return most, xp.sum(s * xp.exp(m - offset(xp, most)[..., None]), axis=-1)


def log_of(xp: Namespace, m: Array, s: Array) -> Array:
    """log(s·exp(m)) of what `exponentials` gave; -inf with no derivative where it is of nothing."""
    return m + xp.log(xp.where(s > 0, s, 1.0))


def lead(xp: Namespace, z: Array, m: Array, s: Array) -> Array:
    """z - log(s·exp(m)): the lead of a logit over others, of which `exponentials` gave m and s."""
    # The difference of the largest logits comes first, or a common offset would drown the rest.
    alone = m == -math.inf
    m = xp.where(alone, 0.0, finite_or_nan(xp, m))
    ahead = xp.where(z == math.inf, math.nan, z) - m - xp.log(xp.where(alone, 1.0, s))
    return xp.where(alone, 0 * finite_or_nan(xp, z) + math.inf, ahead)
