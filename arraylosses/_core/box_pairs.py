"""Pairs of boxes: what they share, what holds both, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from . import debugging
from .domains import BOXES
from .namespaces import stop_gradient
from .numeric import (
    absolute,
    columns,
    divide,
    expm1,
    finite_or_nan,
    fraction,
    greater,
    lesser,
    power,
    relu,
    square,
)
from .parameters import choice

Array = Any
Namespace = Any

FORMAT = choice("xyxy", "xywh", "cxcywh")


class Edges(NamedTuple):
    """Where a pair of boxes begins and ends along one axis, from an origin of its own, and how long
    they are, which may be negative."""

    near: Array
    far: Array
    near_target: Array
    far_target: Array
    lengths: tuple[Array, Array]


class Side(NamedTuple):
    """A pair of boxes along one axis: lengths, none of them negative, and a signed distance."""

    pred: Array
    target: Array
    shared: Array  # by the two
    hull: Array  # from the first edge to the last
    offset: Array  # of the center of pred from that of target
    edges: Edges


class Pair(NamedTuple):
    """A pair of boxes: along each axis, and the areas of what they share, of their union, and of
    what is in one alone. In three dimensions an area is a volume, and so on."""

    sides: tuple[Side, ...]
    shared: Array
    union: Array
    apart: Array


def pair_of(
    xp: Namespace,
    function: Callable[..., Any],
    pred: Array,
    target: Array,
    fmt: str,
    names: tuple[str, str] = ("pred", "target"),
) -> Pair:
    """Everything that the losses say about a pair of boxes."""
    if debugging.active():
        for name, box in zip(names, (pred, target), strict=True):
            _forbid_negative_sides(xp, function, name, box, fmt)
    # An infinite box has no area to compare. As NaN it gets through the arithmetic without a word.
    p, t = ([finite_or_nan(xp, column) for column in columns(xp, box)] for box in (pred, target))
    n = len(p) // 2
    sides = tuple(_side(xp, p[axis::n], t[axis::n], fmt) for axis in range(n))
    return overlapping(xp, sides, *_areas(side[:3] for side in sides))


def _areas(lengths: Iterable[tuple[Array, ...]]) -> Iterator[Array]:
    """Of what has a length along each axis the area, of several at once."""
    return (math.prod(each[1:], start=each[0]) for each in zip(*lengths, strict=True))


def overlapping(xp: Namespace, sides: tuple[Side, ...], a: Array, b: Array, shared: Array) -> Pair:
    """A pair of boxes of the areas `a` and `b`."""
    # Exactly the greater area where one box holds the other, exactly nothing apart where they are
    # the same.
    union = xp.maximum(a, b) + (xp.minimum(a, b) - shared)
    return Pair(sides, shared, union, (a - shared) + (b - shared))


def _forbid_negative_sides(
    xp: Namespace, function: Callable[..., Any], name: str, box: Array, fmt: str
) -> None:
    """Raise for the first far edge that is before the near one, or the first side below 0."""
    n = box.shape[-1] // 2
    far = box[..., n:]
    bad = far < (box[..., :n] if fmt == "xyxy" else 0.0)
    bad = xp.concat([xp.zeros_like(bad), bad], axis=-1)
    debugging.forbid(function.__name__, name, BOXES.rule, xp, box, bad)


def _side(xp: Namespace, pred: list[Array], target: list[Array], fmt: str) -> Side:
    """The pair along one axis, of which the boxes hold two numbers each."""
    (p, q), (s, t) = pred, target
    if fmt == "xyxy":
        length, length_t = q - p, t - s
        offset = ((p - s) + (q - t)) / 2
    else:
        # The edges as seen from the target: they do not lose the digits of a small box that is far
        # from the origin.
        length, length_t = q, t
        before = 0.5 if fmt == "cxcywh" else 0.0
        offset = (p - s) + (0.5 - before) * (q - t)
        p, q, s, t = (p - s) - before * q, (p - s) + (1 - before) * q, -before * t, (1 - before) * t
    shared = relu(xp, lesser(xp, q, t) - greater(xp, p, s))
    hull = relu(xp, greater(xp, q, t) - lesser(xp, p, s))
    return Side(
        relu(xp, length), relu(xp, length_t), shared, hull, offset, Edges(p, q, s, t, (length, length_t))
    )


def resized(xp: Namespace, pair: Pair, ratio: Any) -> Pair:
    """The areas of boxes made larger or smaller about their centers, in units of the square of the ratio."""

    def lengths(side: Side) -> tuple[Array, ...]:
        # Boxes that are moved instead keep their lengths, and what cancels for identical ones does.
        a, b = side.pred, side.target
        shared = lesser(xp, lesser(xp, a, b), (a + b) / 2 - absolute(xp, side.offset) / ratio)
        return a, b, relu(xp, shared)

    return overlapping(xp, (), *_areas(map(lengths, pair.sides)))


def one_minus_iou(xp: Namespace, pair: Pair) -> Array:
    """1 - I/U, which is 1 where the union is empty."""
    return fraction(xp, pair.apart, pair.shared, otherwise=1.0)


def empty_part(xp: Namespace, pair: Pair) -> Array:
    """(C - U) / C, the part of the hull that is in neither; 0 where the hull is empty."""
    # As a fraction of (C - U) + U, because 1 - U/C would lose the digits of both.
    first, *rest = (side.hull for side in pair.sides)
    return fraction(xp, math.prod(rest, start=first) - pair.union, pair.union)


def center_gap(xp: Namespace, pair: Pair, detach_hull: bool = False) -> Array:
    """The squared distance of the centers, in units of the diagonal of the hull; 0 if that is 0."""
    x, y = pair.sides
    unit = stop_gradient(xp, xp.maximum(x.hull, y.hull))
    unit = xp.where(unit == 0, 1.0, unit)
    dx, dy, cx, cy = (n / unit for n in (x.offset, y.offset, x.hull, y.hull))
    diagonal = cx * cx + cy * cy
    return divide(xp, dx * dx + dy * dy, stop_gradient(xp, diagonal) if detach_hull else diagonal)


def sides_gap(xp: Namespace, pair: Pair) -> Array:
    """The squared differences of the sides, in units of those of the hull."""
    return sum(square(xp, divide(xp, s.pred - s.target, s.hull)) for s in pair.sides)


def aspect_gap(xp: Namespace, pair: Pair) -> Array:
    """The squared difference of the angles that the diagonals have, in units of a right angle."""
    x, y = pair.sides
    w, h = _diagonal(xp, x.pred, y.pred)
    w_t, h_t = _diagonal(xp, x.target, y.target)
    # One angle, from the cross product and the scalar product, not the difference of two.
    angle = xp.atan2(w_t * h - w * h_t, h * h_t + w * w_t)
    return (4 / math.pi**2) * angle * angle


def angular_distance(xp: Namespace, pair: Pair) -> Array:
    """SIoU's distance of the centers, less of it along an axis."""
    x, y = pair.sides
    gamma = 2 - _sine_of_twice(xp, x.offset, y.offset)
    return sum(-expm1(xp, -gamma * square(xp, divide(xp, s.offset, s.hull))) for s in pair.sides)


def shape_gap(xp: Namespace, pair: Pair, theta: Any) -> Array:
    """SIoU's difference of the shapes."""
    return sum(power(xp, -expm1(xp, -relative_gap(xp, s)), theta) for s in pair.sides)


def _sine_of_twice(xp: Namespace, x: Array, y: Array) -> Array:
    """|sin 2φ| of the direction (x, y), and 0 with no derivative at the origin."""
    unit = stop_gradient(xp, xp.maximum(xp.abs(x), xp.abs(y)))
    x, y = (divide(xp, absolute(xp, n), unit) for n in (x, y))
    return divide(xp, 2 * x * y, x * x + y * y)


def relative_gap(xp: Namespace, side: Side, otherwise: float = 0.0) -> Array:
    """The difference of two lengths in units of the greater."""
    difference = absolute(xp, side.pred - side.target)
    return divide(xp, difference, greater(xp, side.pred, side.target), otherwise)


def _diagonal(xp: Namespace, w: Array, h: Array) -> tuple[Array, Array]:
    """The direction of the diagonal; upright, which is an angle of 0, for an empty box."""
    unit = stop_gradient(xp, xp.maximum(w, h))
    empty = unit == 0
    unit = xp.where(empty, 1.0, unit)
    return w / unit, xp.where(empty, 1.0, h / unit)
