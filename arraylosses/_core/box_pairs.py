"""Pairs of boxes: what they share, what holds both, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from . import debugging
from .domains import BOXES
from .namespaces import stop_gradient
from .numeric import columns, divide, finite_or_nan, fraction, greater, lesser, log, log1p, relu
from .parameters import choice

Array = Any
Namespace = Any

FORMAT = choice("xyxy", "xywh", "cxcywh")


class Side(NamedTuple):
    """A pair of boxes along one axis: lengths, none of them negative, and a signed distance."""

    pred: Array
    target: Array
    shared: Array  # by the two
    hull: Array  # from the first edge to the last
    offset: Array  # of the center of pred from that of target


class Pair(NamedTuple):
    """A pair of boxes: along both axes, and the areas of what they share, of their union, and of
    what is in one alone."""

    x: Side
    y: Side
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
    x, y = (_side(xp, p[axis::2], t[axis::2], fmt) for axis in (0, 1))
    a, b, shared = x.pred * y.pred, x.target * y.target, x.shared * y.shared
    # Exactly the greater area where one box holds the other, exactly nothing apart where they are
    # the same.
    union = xp.maximum(a, b) + (xp.minimum(a, b) - shared)
    return Pair(x, y, shared, union, (a - shared) + (b - shared))


def _forbid_negative_sides(
    xp: Namespace, function: Callable[..., Any], name: str, box: Array, fmt: str
) -> None:
    """Raise for the first far edge that is before the near one, or the first side below 0."""
    far = box[..., 2:]
    bad = far < (box[..., :2] if fmt == "xyxy" else 0.0)
    bad = xp.concat([xp.zeros_like(bad), bad], axis=-1)
    debugging.forbid(function.__name__, name, BOXES.rule, xp, box, bad)


def _side(xp: Namespace, pred: list[Array], target: list[Array], fmt: str) -> Side:
    """The pair along x or y, of which the boxes hold two numbers each."""
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
    return Side(relu(xp, length), relu(xp, length_t), shared, hull, offset)


def one_minus_iou(xp: Namespace, pair: Pair) -> Array:
    """1 - I/U, which is 1 where the union is empty."""
    return fraction(xp, pair.apart, pair.shared, otherwise=1.0)


def empty_part(xp: Namespace, pair: Pair) -> Array:
    """(C - U) / C, the part of the hull that is in neither; 0 where the hull is empty."""
    # As a fraction of (C - U) + U, because 1 - U/C would lose the digits of both.
    return fraction(xp, pair.x.hull * pair.y.hull - pair.union, pair.union)


def center_gap(xp: Namespace, pair: Pair) -> Array:
    """The squared distance of the centers, in units of the diagonal of the hull; 0 if that is 0."""
    unit = stop_gradient(xp, xp.maximum(pair.x.hull, pair.y.hull))
    unit = xp.where(unit == 0, 1.0, unit)
    dx, dy, cx, cy = (n / unit for n in (pair.x.offset, pair.y.offset, pair.x.hull, pair.y.hull))
    return divide(xp, dx * dx + dy * dy, cx * cx + cy * cy)


def aspect_gap(xp: Namespace, pair: Pair) -> Array:
    """The squared difference of the angles that the diagonals have, in units of a right angle."""
    w, h = _diagonal(xp, pair.x.pred, pair.y.pred)
    w_t, h_t = _diagonal(xp, pair.x.target, pair.y.target)
    # One angle, from the cross product and the scalar product, not the difference of two.
    angle = xp.atan2(w_t * h - w * h_t, h * h_t + w * w_t)
    return (4 / math.pi**2) * angle * angle


def _diagonal(xp: Namespace, w: Array, h: Array) -> tuple[Array, Array]:
    """The direction of the diagonal; upright, which is an angle of 0, for an empty box."""
    unit = stop_gradient(xp, xp.maximum(w, h))
    empty = unit == 0
    unit = xp.where(empty, 1.0, unit)
    return w / unit, xp.where(empty, 1.0, h / unit)


def log_iou(xp: Namespace, pair: Pair) -> Array:
    """log(I/U) with all its digits; 0 with no derivative where nothing is shared."""
    near, none = pair.apart < pair.shared, pair.shared == 0
    few = xp.where(near, fraction(xp, pair.apart, pair.shared), 0.0)
    many = xp.where(near | none, 1.0, fraction(xp, pair.shared, pair.apart))
    return xp.where(near, log1p(xp, -few), log(xp, many))
