"""The vocabulary of array arguments: what may be in them.

A domain says which dtypes an argument takes, what stands in for a masked element while the
mathematics runs (a value at which every loss of that domain is finite, with its derivatives), and
which values are legal, for `arraylosses.debug` and for the samples of the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

Check = Callable[..., Any]


@dataclass(frozen=True)
class Domain:
    """What an array argument may hold.

    `dense` arguments take part in arithmetic and are promoted to one floating dtype; the others
    are integers. `valid` maps `(xp, array)` to a boolean array.
    """

    name: str
    rule: str
    valid: Check
    safe: float = 0
    dense: bool = True
    broadcasts: bool = False
    poison: bool = False  # illegal values make the item NaN on every path, not only in debug
    nested: bool = False  # lists, tuples and dictionaries of arrays may take the place of the array


def _finite_or_inf(xp: Any, x: Any) -> Any:
    return ~xp.isnan(x)


def _rotated(xp: Any, boxes: Any) -> Any:
    """The sides, which stand third and fourth, are not negative."""
    center, sides, angle = boxes[..., :2], boxes[..., 2:4], boxes[..., 4:]
    return xp.concat([~xp.isnan(center), sides >= 0, ~xp.isnan(angle)], axis=-1)


def _between(low: float, high: float) -> Check:
    return lambda xp, x: (x >= low) & (x <= high)


REAL = Domain("real", "not be NaN", _finite_or_inf)
POSITIVE = Domain("positive", "be positive", lambda xp, x: x > 0, safe=1)
NONNEGATIVE = Domain("nonnegative", "be nonnegative", lambda xp, x: x >= 0, safe=1)
# Positive or not, as an option says; the loss itself refuses what is outside.
AMOUNT = Domain("amount", "not be NaN", _finite_or_inf, safe=1)
ABOVE_MINUS_ONE = Domain("above -1", "be above -1", lambda xp, x: x > -1)
PROBABILITY = Domain("probability", "be between 0 and 1", _between(0, 1), safe=0.5)
LOG_PROBABILITY = Domain("log-probability", "be at most 0", lambda xp, x: x <= 0)
SIGN = Domain("sign", "be -1 or 1", lambda xp, x: (x == 1) | (x == -1), safe=1, poison=True)
BINARY = Domain("binary label", "be 0 or 1", lambda xp, x: (x == 0) | (x == 1))
# Where another number is no label at all, and not a soft one.
BIT = replace(BINARY, poison=True)
BOXES = Domain("box", "be boxes with nonnegative width and height", _finite_or_inf)
ROTATED_BOXES = Domain("rotated box", "be rotated boxes with nonnegative width and height", _rotated, safe=1)
# Of rows that are filled up, or of what is only looked at where something else says so.
UNCHECKED = Domain("number", "be numbers", lambda xp, x: xp.ones_like(x, dtype=xp.bool))
CLASSES = Domain("class label", "be class labels", _finite_or_inf, dense=False, poison=True)
IDENTITIES = Domain("identity", "be identities", _finite_or_inf, dense=False)
TOKENS = Domain("token", "be tokens", _finite_or_inf, dense=False)
LENGTHS = Domain("length", "be nonnegative", lambda xp, x: x >= 0, dense=False)


def broadcast(domain: Domain) -> Domain:
    """The same domain for an argument that broadcasts to the first one."""
    return replace(domain, broadcasts=True)


def nested(domain: Domain) -> Domain:
    """The same domain for an argument that may be a structure of arrays (see `structures.py`)."""
    return replace(domain, nested=True)
