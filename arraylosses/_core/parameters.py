"""The vocabulary of hyper-parameters: which values a loss takes, and how it says so.

A rule holds for Python numbers, which are checked at the door; a 0-d array in place of a number is
traceable and differentiable, and only its dtype, shape and device are checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """Which values a parameter may have. `bad` are examples that break the rule."""

    rule: str
    accepts: Callable[[Any], bool]
    bad: tuple[Any, ...]
    numeric: bool = True
    optional: bool = False
    broadcasts: bool = False


@dataclass(frozen=True)
class ArrayRule:
    """A parameter that is an array, such as class weights: its alternative shapes and its dtype.

    A dimension may be that of an array, or an option that is a count. With `numbers`, a tuple of numbers
    that keeps this rule may stand in the place of the array, for all items. `start` is the state of a loss
    that has seen nothing, if it is not 0.
    """

    shapes: tuple[str, ...]
    boolean: bool = False
    numbers: Rule | None = None
    start: tuple[float, ...] = ()


@dataclass(frozen=True)
class AxisRule:
    """An option that says which axis of the first array is the dimension `dims` of the signature.

    With one dimension the option is an integer, with several a tuple of integers.
    """

    dims: tuple[str, ...]


NUMBER = Rule("be a number", lambda v: v == v, (float("nan"), "1"))
POSITIVE = Rule("be positive", lambda v: v > 0, (0.0, -1.0, float("nan")))
NONNEGATIVE = Rule("be nonnegative", lambda v: v >= 0, (-1.0, float("nan")))
NONPOSITIVE = Rule("be at most 0", lambda v: v <= 0, (1.0, float("nan")))
FRACTION = Rule("be between 0 and 1", lambda v: 0 <= v <= 1, (-0.5, 1.5, float("nan")))
ANGLE = Rule("be between 0 and pi", lambda v: 0 <= v <= math.pi, (-0.5, 3.5, float("nan")))
FLAG = Rule("be True or False", lambda v: isinstance(v, bool), (2, "yes"), numeric=False)
INTEGER = Rule("be an integer", lambda v: type(v) is int, (0.5, "1", True), numeric=False)
COUNT = Rule("be a positive integer", lambda v: type(v) is int and v > 0, (0, -1, 1.5), numeric=False)

IGNORE_INDEX = -100  # the label that is ignored unless the caller says otherwise

CLASS_AXIS = AxisRule(("c",))
CLASS_WEIGHT = ArrayRule(("(c)",))
CLASS_MASK = ArrayRule(("(c)", "(..., c)"), boolean=True)


def choice(*names: str) -> Rule:
    """One of a few words."""
    quoted = " or ".join(filter(None, [", ".join(map(repr, names[:-1])), repr(names[-1])]))
    return Rule(f"be {quoted}", lambda v: isinstance(v, str) and v in names, ("other", 0), numeric=False)


def optional(rule: Rule) -> Rule:
    """The same rule for a parameter that may be None."""
    return Rule(f"{rule.rule} or None", rule.accepts, rule.bad, rule.numeric, True, rule.broadcasts)


def broadcast(rule: Rule) -> Rule:
    """The same rule for a number in whose place an array may stand that broadcasts to the items."""
    return Rule(rule.rule, rule.accepts, rule.bad, rule.numeric, rule.optional, True)
