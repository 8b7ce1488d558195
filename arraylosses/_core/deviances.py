"""Deviances of exponential families, and the logarithms of factorials, with all digits."""

from __future__ import annotations

import math
from typing import Any

from ..autodiff.primitives import primitive
from .namespaces import settle
from .numeric import exprel, nonzero
from .ratios import log_ratio, scaled_quotient

Array = Any


def _poisson_slope(xp: Any, mu: Array, t: Array) -> Array:
    """2(μ - t) / μ."""
    infinite = xp.isinf(mu)
    m = xp.where(infinite, 1.0, mu)
    return 2 * xp.where(infinite, 1.0, (m - t) / m)


def _poisson_slope_in_count(xp: Any, mu: Array, t: Array) -> Array:
    """2·log(t/μ); 0 where it is infinite."""
    infinite = (t == 0) | xp.isinf(mu) | xp.isinf(t)
    s, rest = log_ratio(xp, xp.where(infinite, 1.0, t), xp.where(infinite, 1.0, mu))
    return 2 * (2 * s + rest)


@primitive(
    lambda t, xp, a, b: t * _poisson_slope(xp, a, b),
    lambda t, xp, a, b: t * _poisson_slope_in_count(xp, a, b),
)
def poisson(xp: Any, mu: Array, t: Array) -> Array:
    """t·log(t/μ) - t + μ, twice, whose terms do not cancel around μ = t."""
    plain = (t == 0) | xp.isinf(mu) | xp.isinf(t)
    m, n = xp.where(plain, 1.0, mu), xp.where(plain, 1.0, t)
    s, rest = log_ratio(xp, m, n)
    return 2 * xp.where(plain, xp.where(xp.isinf(t), math.inf, mu), s * (m - n) - n * rest)


def _gamma_slope(xp: Any, mu: Array, t: Array) -> Array:
    """2(μ - t) / μ²."""
    infinite = xp.isinf(mu) | xp.isinf(t)
    m, n = xp.where(infinite, 1.0, mu), xp.where(infinite, 1.0, t)
    return 2 * (settle(xp, (m - n) / m) / m)


def _gamma_slope_in_amount(xp: Any, mu: Array, t: Array) -> Array:
    """2/μ - 2/t."""
    infinite = xp.isinf(mu) | xp.isinf(t)
    m, n = xp.where(infinite, 1.0, mu), xp.where(infinite, 1.0, t)
    return 2 * (settle(xp, (n - m) / xp.maximum(m, n)) / xp.minimum(m, n))


@primitive(
    lambda t, xp, a, b: t * _gamma_slope(xp, a, b),
    lambda t, xp, a, b: t * _gamma_slope_in_amount(xp, a, b),
)
def gamma(xp: Any, mu: Array, t: Array) -> Array:
    """log(μ/t) + t/μ - 1, twice, whose terms do not cancel around μ = t."""
    infinite = xp.isinf(mu) | xp.isinf(t)
    m, n = xp.where(infinite, 1.0, mu), xp.where(infinite, 1.0, t)
    s, rest = log_ratio(xp, n, m)
    return 2 * xp.where(infinite, math.inf, s * scaled_quotient(xp, n - m, m, unit=m) - rest)


def _slope_in_expected(xp: Any, mu: Array, t: Array, a: Any) -> Array:
    """2(μ - t)·μ^-ρ, half of the power at a time: what is in range is reached within the range."""
    half = mu ** ((a - 1) / 2)
    return xp.where(xp.isinf(mu) | (mu == t), 0.0, 2 * (mu - t) * half * half)


def _slope_in_amount(xp: Any, mu: Array, t: Array, a: Any, q: Any) -> Array:
    """2(t^(1-ρ) - μ^(1-ρ)) / (1 - ρ); 0 where it is infinite, for want of an amount."""
    infinite, absent = xp.isinf(mu) | xp.isinf(t), t <= 0
    m, n = xp.where(infinite, 1.0, mu), xp.where(infinite | absent, 1.0, t)
    s, rest = log_ratio(xp, n, m)
    slope = _power_integral(xp, n**a, m**a, 2 * s + rest, a)
    owed = xp.where(absent & (q > 1), m, 1.0) ** a / -nonzero(xp, a)
    return 2 * xp.where(infinite | (absent & (q <= 1)), 0.0, xp.where(absent, owed, slope))


@primitive(
    lambda t, xp, a, b, c: t * _slope_in_expected(xp, a, b, c),
    lambda t, xp, a, b, c, d: t * _slope_in_amount(xp, a, b, c, d),
)
def tweedie(xp: Any, mu: Array, t: Array, a: Any, q: Any) -> Array:
    """The deviance of a power 1 - a = 2 - q that is a number, whose slopes are short."""
    return tweedie_by_parts(xp, mu, t, a, q)


def tweedie_by_parts(xp: Any, mu: Array, t: Array, a: Any, q: Any) -> Array:
    """The deviance of power 1 - a = 2 - q, which depends on that too."""
    infinite, absent = xp.isinf(mu) | xp.isinf(t), t <= 0
    m, n = xp.where(infinite, 1.0, mu), xp.where(absent | xp.isinf(t), 1.0, t)
    s, rest = log_ratio(xp, xp.where(infinite, 1.0, n), m)
    L = 2 * s + rest
    half = m ** (a / 2)
    t_q, t_m_a, m_q = n**q, n * half * half, m**q
    # The integral is t·∫ u^(a-1) du - ∫ u^(q-1) du from μ to t, and around μ = t, where the two
    # cancel, a series.
    near = xp.abs(L) + xp.abs(q * L) < 1
    whole, less = _power_integral(xp, t_q, t_m_a, L, a), _power_integral(xp, t_q, m_q, L, q)
    far = xp.where(xp.isinf(less), math.inf, whole - less)
    item = xp.where(near, m_q * _second_order(xp, xp.where(near, L, 0.0), q), far)
    # Without an amount; where the slope there is infinite (q ≤ 1) it is taken as 0.
    owed = xp.where(absent & (q > 1), t, 0.0)
    item = xp.where(absent, m_q / nonzero(xp, q) - owed * m**a / nonzero(xp, a), item)
    limit = xp.where(xp.isinf(mu) & (q < 0), t_q / nonzero(xp, a * q), math.inf)
    return 2 * xp.where(infinite, limit, item)


def _power_integral(xp: Any, upper: Array, lower: Array, L: Array, k: Any) -> Array:
    """(upper - lower) / k, where upper / lower = exp(kL): lower·L, if k = 0."""
    small = (xp.abs(k * L) < 1) | xp.isinf(lower)  # infinity less infinity has no sign
    series = xp.where(small, L, 0.0) * lower * exprel(xp, xp.where(small, k * L, 0.0))
    return xp.where(small, series, (upper - lower) / nonzero(xp, k))


def _second_order(xp: Any, x: Array, q: Any) -> Array:
    """((eᵠˣ - 1)/q - (eˣ - 1)) / (q - 1) = Σ (1 + q + … + qⁿ)·xⁿ⁺² / (n + 2)!, for |x| + |qx| < 1."""
    sums: list[Any] = [1.0]
    for _ in range(17):
        sums.append(1 + q * sums[-1])
    series = 0.0 * x
    for n in range(17, -1, -1):
        series = series * x + sums[n] / float(math.factorial(n + 2))
    return x * x * series


# log t! / (t·(t - 1)) on [0, 1] in powers of t - 1/2: the polynomial through 22 Chebyshev points.
_QUOTIENTS = (
    0.4831289505409809,
    -0.14595989591430608,
    0.06291140107456439,
    -0.031308487501010646,
    0.01679709863127416,
    -0.009425622448525798,
    0.005446457839126065,
    -0.0032120740737152814,
    0.0019229163127905161,
    -0.0011644145847310124,
    0.000711519067515296,
    -0.00043799307479613914,
    0.00027131373861446925,
    -0.0001689178215524898,
    0.00010535512483785591,
    -6.614136022346414e-05,
    4.30276814976503e-05,
    -2.7201673025504752e-05,
    1.3186019073996835e-05,
    -8.355075869795273e-06,
    1.2140008083973407e-05,
    -7.760660152513446e-06,
)


def log_factorial(t: Array) -> Array:
    """log t! for t ≤ 1, which is exactly 0 at both ends."""
    quotient: Any = 0.0
    for coefficient in reversed(_QUOTIENTS):
        quotient = quotient * (t - 0.5) + coefficient
    return t * (t - 1) * quotient


def stirling_rest(xp: Any, n: Array) -> Array:
    """What log n! has beyond n·log(n) - n, for n ≥ 1."""
    rest = xp.log(2 * math.pi * n) / 2
    # Binet's function falls by (n + 1/2)·log(1 + 1/n) - 1 from n to n + 1; its series is short from 10 on.
    for _ in range(9):
        rest = rest + ((n + 0.5) * xp.log1p(1 / n) - 1)
        n = n + 1
    u = 1 / (n * n)
    series = 1 / 156
    for coefficient in (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        series = coefficient + u * series
    return rest + series / n
