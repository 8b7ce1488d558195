"""Panels: curves with their edges and jumps, fields of forces."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from .figures import SMALL, Sheet
from .recipes import Field, Mark, Walk
from .theme import Theme

Array = Any
Curve = tuple[Array, Array]


def draw_curves(
    sheet: Sheet, axes: Any, curves: list[Curve], span: tuple[float, float], limits: tuple[float, float]
) -> None:
    """Curves over one axis; what leaves the top or the bottom is said there."""
    theme = sheet.theme
    axes.axhline(0, color=theme.muted, linewidth=0.8, zorder=1)
    alike = len(curves) > 1 and all(np.array_equal(y, curves[0][1], equal_nan=True) for _, y in curves)
    for i, (x, y) in enumerate(curves[: 1 if alike else None]):
        if alike:  # the parameter changes nothing here
            axes.plot(x, y, color=theme.ink, linewidth=2.0)
            break
        axes.plot(x, y, zorder=3 - 0.1 * i, solid_capstyle="butt", **theme.curve(i))
        alone = np.isfinite(y) & lonely(x, y)
        axes.plot(
            x[alone], y[alone], "o", markersize=4.5, color=theme.paper, markeredgewidth=1.6,
            markeredgecolor=theme.curve(i)["color"], zorder=4, clip_on=False,
        )  # fmt: skip
    margin = 0.02 * (span[1] - span[0])
    axes.set_xlim(span[0] - margin, span[1] + margin)
    axes.set_ylim(*limits)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    say_what_leaves(theme, axes, curves, limits)


def lonely(x: Array, y: Array) -> Array:
    """Which points have a jump on either side: the value at a kink, which no line passes."""
    finite = np.concatenate([[False], np.isfinite(y), [False]])
    starts = np.nonzero(finite[1:-1] & ~finite[:-2])[0]
    ends = np.nonzero(finite[1:-1] & ~finite[2:])[0]
    alone = np.zeros(len(y), dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        if x[end] - x[start] <= 1e-6 * (x[-1] - x[0]) and start > 0 and end < len(x) - 1:
            alone[(start + end) // 2] = True
    return alone


def limits_of(curves: list[Curve], *, from_zero: bool) -> tuple[float, float]:
    """The range of an axis: of all curves, unless one of them goes far beyond the others, or to infinity."""
    tops, bottoms = [], []
    for _, y in curves:
        finite = y[np.isfinite(y)]
        if not len(finite):
            continue
        low, middle, high = np.quantile(finite, (0.1, 0.5, 0.9))
        room = 1.2 * max(high - low, abs(middle) * 1e-9)
        infinite = bool(np.isinf(y).any())
        tops.append(min(finite.max(), high + room) if infinite else finite.max())
        bottoms.append(max(finite.min(), low - room) if infinite else finite.min())
    if not tops:
        return -1.0, 1.0
    top, bottom = within_reach(tops), -within_reach([-b for b in bottoms])
    if from_zero and bottom >= 0:
        bottom = 0.0
    reach = top - bottom
    if reach <= 1e-9 * max(abs(top), abs(bottom)):
        reach = abs(top) or 1.0
    return bottom - 0.06 * reach, top + 0.10 * reach


def within_reach(tops: list[float]) -> float:
    """The greatest of some numbers, or less if it is out of all proportion to the others."""
    usual = float(np.median(tops))
    return 6 * usual if 0 < 20 * usual < max(tops) else max(tops)


def say_what_leaves(theme: Theme, axes: Any, curves: list[Curve], limits: tuple[float, float]) -> None:
    """How far a curve goes that leaves the panel, where it does."""
    said: list[tuple[float, bool]] = []
    reach = float(np.diff(axes.get_xlim())[0])
    for i, (x, y) in enumerate(curves):
        for up in (True, False):
            beyond = (y > limits[1]) if up else (y < limits[0])
            if not beyond.any():
                continue
            place = int(np.nanargmax(np.where(beyond, np.abs(y), np.nan)))
            if any(abs(x[place] - other) < 0.25 * reach and up == way for other, way in said):
                continue
            said.append((float(x[place]), up))
            far = "∞" if np.isinf(y[place]) else f"{abs(y[place]):.3g}"
            right = x[place] > np.mean(axes.get_xlim())
            axes.annotate(
                ("↑ " if up else "↓ −") + far, (x[place], limits[1 if up else 0]),
                xytext=(-5 if right else 5, -3 if up else 3), textcoords="offset points",
                ha="right" if right else "left", va="top" if up else "bottom", fontsize=SMALL,
                color=theme.curve(i)["color"], bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip


def draw_field(sheet: Sheet, axes: Any, field: Field, points: Array, values: Array, force: Array) -> None:
    """Arrows along a force over shades of the loss, with what stands still."""
    theme = sheet.theme
    n = int(np.sqrt(len(points)))
    x, y = points[:, 0].reshape(n, n), points[:, 1].reshape(n, n)
    shades = LinearSegmentedColormap.from_list("loss", [theme.low, theme.high])
    finite = np.where(np.isfinite(values), values, np.nan).reshape(n, n)
    if np.nanmax(finite) > np.nanmin(finite):
        axes.contourf(x, y, finite, levels=9, cmap=shades, zorder=0)
    axes.grid(False)
    length = np.hypot(force[:, 0], force[:, 1])
    length = np.where(np.isfinite(length), length, 0.0)
    strongest = float(np.quantile(length, 0.98)) or float(length.max()) or 1.0
    pulled = length > 1e-6 * strongest
    shown = np.sqrt(np.minimum(length / strongest, 1.0))
    step = (field.span[1] - field.span[0]) / (n - 1)
    scale = np.divide(0.92 * step * shown, length, out=np.zeros_like(length), where=pulled)
    dx, dy = force[:, 0] * scale, force[:, 1] * scale
    axes.quiver(
        points[pulled, 0], points[pulled, 1], dx[pulled], dy[pulled], angles="xy", scale_units="xy", scale=1,
        color=theme.curves[0], width=0.0065, headwidth=3.8, headlength=4.2, headaxislength=3.8, minlength=0.5,
        zorder=2,
    )  # fmt: skip
    axes.plot(points[~pulled, 0], points[~pulled, 1], ".", markersize=2.5, color=theme.muted, zorder=2)
    for i, mark in enumerate(field.marks):
        draw_mark(theme, axes, mark, i)
    axes.set_xlim(field.span[0] - 0.6 * step, field.span[1] + 0.6 * step)
    axes.set_ylim(field.span[2] - 0.6 * step, field.span[3] + 0.6 * step)
    axes.set_aspect("equal")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def draw_mark(theme: Theme, axes: Any, mark: Mark, i: int) -> None:
    axes.plot(
        *np.asarray(mark.points).T, **mark_style(theme, mark, i), zorder=1 if mark.marker == "thin" else 5
    )


def mark_style(theme: Theme, mark: Mark, i: int) -> dict[str, Any]:
    """How a mark looks, in the field and in the legend."""
    color = theme.curves[1 + i % (len(theme.curves) - 1)]
    if mark.marker == "thin":
        return {"color": theme.muted, "linewidth": 0.9, "linestyle": "-"}
    if mark.marker == "outline":
        return {"color": color, "linewidth": 2.0, "linestyle": "-"}
    return {
        "color": color, "marker": mark.marker, "linestyle": "none", "markersize": 9,
        "markeredgecolor": theme.paper, "markeredgewidth": 1.2,
    }  # fmt: skip


def draw_masks(sheet: Sheet, walk: Walk, x: float, down: float, width: float, height: float) -> None:
    """What the walk looks like on its way, above the panel: the masks, and the edge of the target."""
    theme, masks = sheet.theme, walk.masks
    assert masks is not None
    side = height - 0.08
    shades = LinearSegmentedColormap.from_list("mask", [theme.low, theme.curves[0]])
    low, high = walk.span
    for i, at in enumerate(masks.at):
        centre = x + (i + 0.5) * width / len(masks.at)
        axes = sheet.axes(centre - side / 2, down + 0.06, side, side)
        axes.imshow(masks.image(at), cmap=shades, vmin=0, vmax=1, interpolation="nearest")
        axes.contour(masks.outline, levels=[0.5], colors=[theme.curves[1]], linewidths=1.2)
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(visible=True, color=theme.grid)
