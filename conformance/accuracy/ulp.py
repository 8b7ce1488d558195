"""Errors of float32 results in units in the last place."""

from __future__ import annotations

from typing import Any

Array = Any
EXPONENT = 0x7FF0000000000000  # where a float64 has its exponent
SMALLEST_NORMAL = 2.0**-126
EPSILON = 2.0**-23
# Infinity is taken for the first number that float32 does not have, NaN for one far beyond: to have either
# in the place of another number is, but near the largest one, an error of 2²² or more.
INFINITE, NAN = 2.0**128, -(2.0**130)
MISSED = 2.0**22


def ulps(xp: Any, got: Array, want: Array) -> Array:
    """How far each number is from a float64, in the spacing of float32 there, not below that of its normals.

    `got` is a float32 in the dtype of `want`, and `xp` NumPy or PyTorch.
    """
    got, want = (xp.where(x == x, xp.clip(x, -INFINITE, INFINITE), NAN) for x in (got, want))
    power = (want.view(xp.int64) & EXPONENT).view(xp.float64)
    return xp.abs(got - want) / (xp.clip(power, SMALLEST_NORMAL, -NAN) * EPSILON)
