"""Losses of boxes: while a box slides past its target, and grows over it; and the force on its centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .recipes import Field, Mark, Recipe, Walk

Array = Any
WIDE, HIGH, TURN = 2.0, 1.2, 0.5  # of the target, which is in the middle
SHIFT = "shift, in target widths"
SIZE = "size, over the target’s"
Layout = Callable[[Any, Array, Array, Array, Array], Array]


def cxcywh(xp: Any, x: Array, y: Array, w: Array, h: Array) -> Array:
    return xp.stack([x, y, w, h], axis=-1)


def corners(xp: Any, x: Array, y: Array, w: Array, h: Array) -> Array:
    return xp.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)


def image(xp: Any, x: Array, y: Array, w: Array, h: Array) -> Array:
    """In units of an image that is eight wide."""
    return xp.stack([x / 8 + 0.5, y / 8 + 0.5, w / 8, h / 8], axis=-1)


def outline(wide: float, high: float, turn: float = 0.0) -> tuple[tuple[float, float], ...]:
    square = np.asarray([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) * (wide / 2, high / 2)
    c, s = np.cos(turn), np.sin(turn)
    return tuple((float(x * c - y * s), float(x * s + y * c)) for x, y in square)


def straight(layout: Layout, vary: dict[str, tuple[Any, ...]] | None = None, **more: Any) -> Recipe:
    """The picture of a loss of boxes whose sides are along the axes."""

    def arrays(xp: Any, x: Array, y: Array, w: Array, h: Array) -> tuple[Array, Array]:
        still = [xp.zeros_like(x) + v for v in (0.0, 0.0, WIDE, HIGH)]
        return layout(xp, x, y, w, h), layout(xp, *still)

    def slide(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        one = xp.ones_like(x)
        return arrays(xp, x * WIDE, 0 * one, WIDE * one, HIGH * one)

    def grow(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        nothing = xp.zeros_like(x)
        return arrays(xp, nothing, nothing, WIDE * x, HIGH * x)

    def centre(xp: Any, p: Array) -> tuple[Array, Array]:
        one = xp.ones_like(p[:, 0])
        return arrays(xp, p[:, 0], p[:, 1], WIDE * one, HIGH * one)

    marks = (Mark("target", outline(WIDE, HIGH), "outline"),)
    return Recipe(
        (
            Walk(SHIFT, (-2.0, 2.0), slide, orders=1),
            Walk(SIZE, (0.25, 3.0), grow, orders=1),
            Field(centre, (-3.0, 3.0, -3.0, 3.0), marks, "force on the centre"),
        ),
        vary or {},
        **more,
    )


def rotated(vary: dict[str, tuple[Any, ...]], **more: Any) -> Recipe:
    """The picture of a loss of boxes that are turned."""

    def arrays(xp: Any, x: Array, y: Array, scale: Array, turn: Array) -> tuple[Array, Array]:
        one = xp.ones_like(x)
        target = [v * one for v in (0.0, 0.0, WIDE, HIGH, TURN)]
        return xp.stack([x, y, WIDE * scale, HIGH * scale, turn], axis=-1), xp.stack(target, axis=-1)

    def slide(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        one = xp.ones_like(x)
        return arrays(xp, x * WIDE, 0 * one, one, TURN * one)

    def grow(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        one = xp.ones_like(x)
        return arrays(xp, 0 * one, 0 * one, x, TURN * one)

    def turn(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        one = xp.ones_like(x)
        return arrays(xp, 0 * one, 0 * one, one, TURN + x * (np.pi / 180))

    def centre(xp: Any, p: Array) -> tuple[Array, Array]:
        one = xp.ones_like(p[:, 0])
        return arrays(xp, p[:, 0], p[:, 1], one, TURN * one)

    marks = (Mark("target", outline(WIDE, HIGH, TURN), "outline"),)
    return Recipe(
        (
            (Walk(SHIFT, (-2.0, 2.0), slide), Walk(SIZE, (0.25, 3.0), grow)),
            Walk("rotation, in degrees", (-90.0, 90.0), turn, orders=1),
            Field(centre, (-3.0, 3.0, -3.0, 3.0), marks, "force on the centre"),
        ),
        vary,
        **more,
    )


def shapes(vary: dict[str, tuple[Any, ...]]) -> Recipe:
    """The picture of a loss of rotated boxes that looks at nothing but their shapes."""

    def arrays(xp: Any, w: Array, h: Array, turn: Array) -> tuple[Array, Array]:
        nothing = xp.zeros_like(w)
        target = [nothing + v for v in (0.0, 0.0, WIDE, HIGH, TURN)]
        return xp.stack([nothing, nothing, w, h, turn], axis=-1), xp.stack(target, axis=-1)

    def grow(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        return arrays(xp, WIDE * x, HIGH * x, TURN + 0 * x)

    def turn(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        return arrays(xp, WIDE + 0 * x, HIGH + 0 * x, TURN + x * (np.pi / 180))

    def sides(xp: Any, p: Array) -> tuple[Array, Array]:
        return arrays(xp, p[:, 0], p[:, 1], TURN + 0 * p[:, 0])

    marks = (Mark("target", ((WIDE, HIGH),), "*"),)
    return Recipe(
        (
            Walk(SIZE, (0.25, 3.0), grow, orders=1),
            Walk("rotation, in degrees", (-90.0, 90.0), turn, orders=1),
            Field(sides, (0.25, 4.0, 0.25, 4.0), marks, "force on the sides", ("width", "height")),
        ),
        vary,
    )


def plain(
    vary: dict[str, tuple[Any, ...]] | None = None,
    given: dict[str, Any] | None = None,
    subtitle: str = "",
    **fixed: Any,
) -> Recipe:
    return straight(cxcywh, vary, given=given or {}, fixed={"fmt": "cxcywh", **fixed}, subtitle=subtitle)


RECIPES: dict[str, Recipe] = {
    "iou_loss": plain(
        {"mode": ("linear", "square", "log")},
        {"clip_min": 0.05},
        subtitle="the logarithm of no less than an overlap of 0.05",
    ),
    "giou_loss": plain(),
    "diou_loss": plain(),
    "ciou_loss": plain(),
    "eiou_loss": plain(),
    "focal_eiou_loss": plain({"gamma": (0.0, 0.5, 1.0)}),
    "siou_loss": plain({"theta": (2.0, 4.0, 6.0)}),
    "alpha_iou_loss": plain({"alpha": (1.0, 2.0, 3.0)}),
    "bounded_iou_loss": plain({"beta": (0.1, 0.2, 0.5)}),
    "mpdiou_loss": plain(image_size=(8, 8)),
    "extended_iou_loss": plain({"smooth_point": (0.1, 0.3, 0.6)}),
    "wiou_loss": plain({"version": (1, 2, 3)}, {"iou_loss_mean": 0.5}),
    "inner_iou_loss": plain({"ratio": (0.5, 0.75, 1.5)}),
    "thresholded_iou_loss": plain({"alpha": (0.1, 0.5, 1.0)}),
    "giou3d_loss": straight(corners),
    "box_l1_giou_loss": straight(image, {"l1_weight": (0.0, 5.0, 10.0)}),
    "gwd_loss": rotated({"fun": ("log1p", "sqrt", "none")}),
    "kld_loss": rotated({"fun": ("log1p", "sqrt", "none")}),
    "kfiou_loss": shapes({"fun": ("none", "ln", "exp")}),
}
