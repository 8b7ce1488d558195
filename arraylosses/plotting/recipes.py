"""What a picture shows, in words of the library: a loss along a number, or its force on a point.

A recipe says which arrays a loss is given; every number in a picture is what the loss, or its derivative
by the library, then gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Array = Any
Arguments = Callable[..., tuple[Any, ...]]
CASE = {"": None}  # a walk, or a field, of which there is one


def items(result: Any, like: Array) -> Array:
    """The items of a loss, whether alone or the first part of several."""
    return result[0] if isinstance(result, tuple) else result


def summed(result: Any, like: Array) -> Array:
    """What depends on one number, where that is several items: their sum."""
    found = items(result, like)
    axes = tuple(range(1, len(found.shape)))
    return like.__array_namespace__().sum(found, axis=axes) if axes else found


def total(result: Any, like: Array) -> Array:
    """The sum of all items, of a loss that is called for one number."""
    found = items(result, like)
    return like.__array_namespace__().sum(found)


@dataclass(frozen=True)
class Masks:
    """Little pictures of what a walk passes: `image(x)` at each of some numbers, under its axis."""

    image: Callable[[float], Array]
    at: tuple[float, ...]
    outline: Array | None = None


@dataclass(frozen=True)
class Walk:
    """A loss along one number.

    `arguments(xp, x, case)` gives the arrays of the loss with one item for each number of `x`, and
    `pick(result, x)` takes the items out of what the loss returns. If a loss takes its arrays together,
    it is called for each number in turn. `cases` are curves of their own where no parameter has several
    values, and otherwise panels of their own. `orders` says how many derivatives are shown.
    """

    label: str
    span: tuple[float, float]
    arguments: Arguments
    cases: Mapping[str, Any] = field(default_factory=lambda: CASE)
    orders: int = 2
    pick: Callable[[Any, Array], Array] = items
    in_turn: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    places: tuple[float, ...] = ()  # of what the number passes, as lines across
    masks: Masks | None = None
    points: int = 0


@dataclass(frozen=True)
class Mark:
    """What stands still in a field: points of one kind, or an outline."""

    label: str
    points: tuple[tuple[float, float], ...]
    marker: str = "o"  # or "outline"


@dataclass(frozen=True)
class Field:
    """The force of a loss on a point of the plane: minus its gradient there.

    `arguments(xp, points)` gives the arrays with one item for each of the points, of shape (m, 2).
    """

    arguments: Arguments
    span: tuple[float, float, float, float]
    marks: tuple[Mark, ...]
    caption: str
    labels: tuple[str, str] = ("", "")
    pick: Callable[[Any, Array], Array] = items
    in_turn: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 13


@dataclass(frozen=True)
class Recipe:
    """A picture: its columns, from left to right, and which parameter has which values.

    Walks in a tuple stand above one another, with their values alone. `given` are values in the place of
    the defaults of a loss, or where it has none; `fixed` are those that the arrays are made for.
    """

    columns: tuple[Walk | Field | tuple[Walk, ...], ...]
    vary: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    subtitle: str = ""
