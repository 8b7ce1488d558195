"""Every error text of the library. There is one form:

<loss>: <argument> must <rule>, got <value>
"""

from __future__ import annotations

from typing import Any


def refuse(loss: str, argument: str, rule: str, got: Any, error: type[Exception] = ValueError) -> Exception:
    """The error to raise when `argument` of `loss` breaks `rule`."""
    return error(f"{loss}: {argument} must {rule}, got {show(got)}")


def in_place(error: Exception, place: str, arguments: set[str]) -> Exception:
    """A refusal of one of these arguments as one of the part of it at a place, such as `[1]`."""
    head, must, rest = str(error).partition(" must ")
    loss, _, argument = head.partition(": ")
    if argument not in arguments or type(error) not in (TypeError, ValueError):
        return error
    return type(error)(f"{loss}: {argument}{place}{must}{rest}")


def show(value: Any) -> str:
    """A value as errors print it: shapes as tuples, strings quoted, arrays by type."""
    if isinstance(value, tuple):
        return str(tuple(value))
    if isinstance(value, (bool, int, float, str)) or value is None:
        return repr(float(value)) if isinstance(value, float) else repr(value)  # not np.float64(…)
    return value.text if isinstance(value, Words) else type(value).__name__


class Words:
    """Words that stand for a value in an error, unquoted."""

    def __init__(self, text: str) -> None:
        self.text = text


ARRAY = "be an array"
BOOLEAN = "be a boolean array"
FLOATING = "be a real floating-point array"
INTEGER = "be an integer array"
INTEGER_OR_NONE = "be an integer or None"
NUMERIC = "be a real array"
NUMBER_OR_0D = "be a number or a 0-d array"
REDUCTION = "be 'none', 'sum' or 'mean'"
ONLY_WITH_MEAN = "be None unless reduction is 'mean'"
ONLY_WITH_LABELS = "be left alone unless the target holds integer labels"
SOME_ARRAY = "hold at least one array"
NOT_EMPTY = "have at least one element along its {dim} axis"


def one_library(other: str, library: str) -> str:
    return f"be an array of the same library as {other} ({library})"


def one_device(other: str, device: Any) -> str:
    return f"be on the device of {other} ({device})"


def shape(expected: str) -> str:
    return f"have shape {expected}"


def broadcastable(to: tuple[int, ...]) -> str:
    return f"broadcast to shape {tuple(to)}"


def same_structure(shape: str, other: str) -> str:
    return f"be {shape} like {other}"


def axis_of(argument: str, ndim: int) -> str:
    return f"name distinct axes of {argument}, which has {ndim} dimensions"


def integers(count: int) -> str:
    return "be an integer" if count == 1 else f"be a tuple of {count} integers"
