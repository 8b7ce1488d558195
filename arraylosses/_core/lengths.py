"""Lengths of vectors in any norm: what distances between embeddings are made of."""

from __future__ import annotations

import math
from typing import Any

from .numeric import absolute, greatest, largest, norm, power, square
from .parameters import Rule

Array = Any
Namespace = Any

ORDER = Rule("be at least 1", lambda v: v >= 1, (0.5, -1.0, float("nan")))


def length(xp: Namespace, x: Array, p: Any = 2.0, squared: bool = False) -> Array:
    """The norm of order p along the last axis, or its square, with derivative 0 at the origin."""
    if squared:
        if isinstance(p, float) and p == 2:
            return xp.sum(square(xp, x), axis=-1)
        return square(xp, length(xp, x, p))
    if isinstance(p, float) and p == 2:
        return norm(xp, x)
    a = absolute(xp, x)
    if isinstance(p, float) and p == 1:
        return xp.sum(a, axis=-1)
    if isinstance(p, float) and math.isinf(p):
        return greatest(xp, a)
    unit = largest(xp, x)
    return xp.squeeze(unit, axis=-1) * power(xp, xp.sum(power(xp, a / unit, p), axis=-1), 1 / p)
