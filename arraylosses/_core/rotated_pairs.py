"""Pairs of rotated boxes: how far the Gaussians that stand for them are apart, without their matrices."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

from .namespaces import columns, stop_gradient
from .numeric import (
    divide,
    finite_or_nan,
    log,
    log1p,
    part,
    relu,
    square,
)
from .numeric import sqrt as root_of
from .ratios import log_ratio

Array = Any
Namespace = Any


class Box(NamedTuple):
    """A box: its center, its longer and its shorter side, its angle, and if the longer one is the height."""

    x: Array
    y: Array
    long: Array
    short: Array
    angle: Array
    tall: Array


def rotated_pair(xp: Namespace, pred: Array, target: Array) -> tuple[Box, Box, Array, Array]:
    """Two boxes, and sine and cosine of the angle between their longer sides, up to the signs."""
    p, t = (_box(xp, *columns(xp, finite_or_nan(xp, boxes))) for boxes in (pred, target))
    turn = p.angle - t.angle
    sine, cosine, across = xp.sin(turn), xp.cos(turn), p.tall != t.tall
    # With one of the sides named by their length, all that a distance adds up has one sign.
    return p, t, xp.where(across, cosine, sine), xp.where(across, sine, cosine)


def _box(xp: Namespace, x: Array, y: Array, w: Array, h: Array, angle: Array) -> Box:
    w, h = relu(xp, w), relu(xp, h)
    tall = w < h
    return Box(x, y, xp.where(tall, h, w), xp.where(tall, w, h), angle, tall)


def without_empty(xp: Namespace, p: Box, t: Box) -> tuple[Box, Box, Array]:
    """The boxes, with sides of 1 where one of the two has no area; and where that is."""
    empty = (p.short == 0) | (t.short == 0)

    def filled(box: Box) -> Box:
        long, short = (xp.where(empty, 1.0, side) for side in (box.long, box.short))
        return box._replace(long=long, short=short)

    return filled(p), filled(t), empty


class Distance(NamedTuple):
    """A squared distance, (Σ x² + Σ f·g + rest)·factor, in a form that can be scaled before it is squared."""

    lengths: tuple[Array, ...]
    products: tuple[tuple[Array, Array], ...]
    rest: Any = 0.0
    factor: float = 1.0

    def largest(self, xp: Namespace) -> Array:
        """The largest of what is squared or multiplied, as a constant: 0 only if the distance is."""
        factors = (x for pair in self.products for x in pair)
        return reduce(xp.maximum, (xp.abs(stop_gradient(xp, x)) for x in (*self.lengths, *factors)))

    def in_units_of(self, xp: Namespace, size: Array) -> Distance:
        """The same of lengths that are divided by `size`, and 0 where that is."""
        lengths = tuple(divide(xp, x, size) for x in self.lengths)
        products = tuple((divide(xp, f, size), divide(xp, g, size)) for f, g in self.products)
        return Distance(lengths, products)

    def squared(self, xp: Namespace) -> Array:
        total = sum((f * g for f, g in self.products), self.rest)
        return self.factor * sum((square(xp, x) for x in self.lengths), total)

    def squared_in(self, xp: Namespace, unit: Array) -> Array:
        """The squared distance in squared units."""
        products = tuple((f / unit, g / unit) for f, g in self.products)
        return Distance(
            tuple(x / unit for x in self.lengths), products, self.rest / unit / unit, self.factor
        ).squared(xp)

    def root(self, xp: Namespace) -> Array:
        """The distance itself, with derivative 0 where it is 0."""
        most = self.largest(xp)
        unit = xp.where(most == 0, 1.0, most)
        return unit * root_of(xp, self.squared_in(xp, unit))

    def as_told(self, xp: Namespace, fun: str, rooted: bool = False) -> Array:
        """The function of the squared distance, or of the distance itself."""
        if rooted:
            root = self.root(xp)
            return root if fun == "none" else root_of(xp, root) if fun == "sqrt" else log1p(xp, root)
        if fun != "log1p":
            return self.squared(xp) if fun == "none" else self.root(xp)
        # In units no smaller than 1, in which what is small keeps its derivatives.
        most = self.largest(xp)
        unit = xp.where(most > 1, most, 1.0)
        squared = self.squared_in(xp, unit)
        root = unit * root_of(xp, squared)
        far = root > 1
        near = log1p(xp, unit * (unit * xp.where(far, 0.0, squared)))
        root = xp.where(far, root, 1.0)
        return xp.where(far, 2 * log(xp, root) + log1p(xp, square(xp, 1 / root)), near)


def mean_of(one: Distance, other: Distance) -> Distance:
    """The mean of two squared distances of one factor."""
    lengths, products = one.lengths + other.lengths, one.products + other.products
    return Distance(lengths, products, one.rest + other.rest, one.factor / 2)


def wasserstein(xp: Namespace, p: Box, t: Box, sine: Array, cosine: Array, alpha: float | Array) -> Distance:
    """W². With half sides a ≥ b and c ≥ d the trace is that of the sides, (a - c)² + (b - d)², and what
    the angle adds, 2 sin² (a² - b²)(c² - d²) / (m + R): m = ac + bd, which is R of boxes that are aligned.
    """
    k = alpha / 2
    (r, stretch), (r_t, stretch_t) = _stretch(xp, p), _stretch(xp, t)
    m = 1 + r * r_t  # it and R are in units of ac
    root = root_of(xp, square(xp, cosine * m) + square(xp, sine * (r + r_t)))
    turned, turned_t = k * sine * p.long * stretch, 2 * k * sine * t.long * stretch_t / (m + root)
    lengths = p.x - t.x, p.y - t.y, k * (p.long - t.long), k * (p.short - t.short)
    return Distance(lengths, ((turned, turned_t),))


def _stretch(xp: Namespace, box: Box) -> tuple[Array, Array]:
    """r, the shorter side in units of the longer one, and 1 - r², 0 for a square."""
    r = divide(xp, box.short, box.long)
    # A product of differences would cancel in the derivative in a side that is short.
    squarish = divide(xp, box.long - box.short, box.long) * (1 + r)
    return r, xp.where(r < 0.5, 1 - square(xp, r), squarish)


def fourth_root_of_area(xp: Namespace, box: Box) -> Array:
    long, short = (root_of(xp, root_of(xp, side)) for side in (box.long, box.short))
    return long * short


def divergence(xp: Namespace, p: Box, t: Box, sine: Array) -> Distance:
    """D of p from t. With sides a ≥ b and c ≥ d, of which the centers are u and v apart, 2D is

    (2u/c)² + (2v/d)² + G(a/c) + G(b/d) + sin² (a² - b²)(c² - d²) / (cd)², with G(r) = r² - 1 - 2 log r.
    """
    dx, dy, cosine, sine_t = p.x - t.x, p.y - t.y, xp.cos(t.angle), xp.sin(t.angle)
    u, v = dx * cosine + dy * sine_t, dy * cosine - dx * sine_t
    u, v = xp.where(t.tall, v, u), xp.where(t.tall, u, v)
    (a, b), (c, d) = p[2:4], t[2:4]
    y_long, over_long = _excess(xp, a, c)
    y_short, over_short = _excess(xp, b, d)
    turned, turned_t = (sine * (a / d) * _stretch(xp, box)[1] for box in (p, t))
    lengths = 2 * u / c, 2 * v / d, y_long, y_short
    return Distance(lengths, ((turned, turned_t),), over_long + over_short, 0.5)


def _excess(xp: Namespace, a: Array, c: Array) -> tuple[Array, Array]:
    """y = r - 1 of a ratio r = a/c, and 2 (y - log r): with y² they are r² - 1 - 2 log r."""
    y = (a - c) / c
    s, rest = log_ratio(xp, a, c)
    return y, 2 * (y * s - rest)


def overlap_of(xp: Namespace, p: Box, t: Box, sine: Array) -> tuple[Array, Array]:
    """1 - 3x and 3x as parts of a whole.

    With P = ab and T = cd of the sides, D² = det(Σ + Σ_t) and z = PT/(P + T), the overlap is
    x = z/(D - z), and the parts are D - 4z and 3z. The first is D - 2√(PT), which is a difference of
    squares, and 2√(PT) (√P - √T)²/(P + T).
    """
    (a, b), (c, d) = p[2:4], t[2:4]
    long, stretch = a - c, _stretch(xp, p)[1] * _stretch(xp, t)[1]
    # The longer sides in units of the longest, the shorter ones in units of what D is large by.
    unit = stop_gradient(xp, xp.maximum(a, c))
    a, c, long = a / unit, c / unit, long / unit
    turned = sine * a * c
    least = xp.maximum(xp.abs(unit * turned), unit * 2.0**-100)  # 0 it must not be, nor next to it
    thin = stop_gradient(xp, xp.maximum(xp.maximum(b, d), least))
    b, d, short = b / thin, d / thin, (b - d) / thin
    turn = square(xp, turned * (unit / thin)) * stretch
    wide = square(xp, b) + square(xp, d)
    root = root_of(xp, (square(xp, a) + square(xp, c)) * wide + turn)
    of_p, of_t = a * b, c * d
    root_p, root_t = root_of(xp, of_p), root_of(xp, of_t)
    mean = root_p * root_t
    aligned = (square(xp, long) * wide + 2 * a * c * square(xp, short) + turn) / (root + 2 * mean)
    areas = divide(xp, long * b + c * short, root_p + root_t)
    lack = aligned + divide(xp, 2 * mean * square(xp, areas), of_p + of_t)
    return lack, 3 * of_p * part(xp, of_t, of_p)
