"""Quotients of numbers of any size, and their logarithms."""

from __future__ import annotations

from typing import Any

from .namespaces import settle, stop_gradient
from .numeric import absolute

Array = Any
Namespace = Any


def scaled_quotient(xp: Namespace, a: Array, b: Array, unit: Array | None = None) -> Array:
    """a / b for b ≠ 0, in a unit of the size of b, lest the derivative square b."""
    if unit is None:
        size = absolute(xp, b)
        unit = xp.where(xp.isfinite(size), size, 1.0)
    unit = stop_gradient(xp, unit)
    # XLA would multiply the two quotients crosswise, which overflows.
    return settle(xp, a / unit) / settle(xp, b / unit)


def log_ratio(xp: Namespace, a: Array, b: Array) -> tuple[Array, Array]:
    """s = (a - b) / (a + b), and log(a/b) - 2s, which is of third order in s, for positive finite numbers."""
    unit = stop_gradient(xp, xp.maximum(a, b))
    s = scaled_quotient(xp, a - b, a + b, unit)
    near = xp.abs(s) < 0.25
    u = xp.where(near, s, 0.0)
    rest = 1 / 29
    for n in range(27, 1, -2):
        rest = 1 / n + u * u * rest
    # A part that is so small as perhaps to underflow leaves enough digits to the logarithms of the whole.
    wide = (a < unit * 2**-30) | (b < unit * 2**-30)
    unit = xp.where(wide, 1.0, unit)
    logs = xp.log(settle(xp, a / unit)) - xp.log(settle(xp, b / unit))
    return s, xp.where(near, 2 * u * u * u * rest, logs - 2 * s)
