"""Panels: curves with their edges and jumps, fields of forces."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from .figures import SMALL, Sheet
from .recipes import Field, Mark, Walk
from .settings import number
from .theme import Theme

Array = Any
Curve = tuple[Array, Array]
SIZES = {"*": 15, "X": 10, "P": 10}  # of markers that look smaller than they are


def draw_curves(
    sheet: Sheet,
    axes: Any,
    curves: list[Curve],
    span: tuple[float, float],
    limits: tuple[float, float],
    together: bool,
) -> None:
    """Curves over one axis, or one for all; what leaves the top or the bottom is said there."""
    theme = sheet.theme
    styles = [theme.curve(i) for i in range(len(curves))]
    if together:
        styles = [{"color": theme.ink, "linewidth": 2.0}]
    axes.axhline(0, color=theme.muted, linewidth=0.8, zorder=1)
    for i, ((x, y), style) in enumerate(zip(curves, styles, strict=True)):
        axes.plot(x, y, zorder=3 - 0.1 * i, solid_capstyle="butt", **style)
        alone = np.isfinite(y) & lonely(x, y)
        axes.plot(
            x[alone],
            y[alone],
            "o",
            markersize=4.5,
            color=theme.paper,
            markeredgewidth=1.6,
            markeredgecolor=style["color"],
            zorder=4,
        )
    margin = 0.02 * (span[1] - span[0])
    axes.set_xlim(span[0] - margin, span[1] + margin)
    axes.set_ylim(*limits)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    say_what_leaves(theme, axes, curves, limits, [style["color"] for style in styles])


def alike(found: list[list[Curve]], order: int) -> bool:
    """Whether there are several curves, and all are one: what varies then changes nothing here."""
    return len(found) > 1 and all(same(curves[order], found[0][order]) for curves in found)


def same(curve: Curve, other: Curve) -> bool:
    """Whether two curves are one, but for rounding."""
    (_, a), (_, b) = curve, other
    reach = np.nanmax(np.abs(np.where(np.isfinite(b), b, 0.0)), initial=0.0)
    return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-9 * reach, equal_nan=True)


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
    """The range of an axis: of all values, or of most if others are out of all proportion to them."""
    values = np.concatenate([y for _, y in curves])
    infinite = bool(np.isinf(values).any())
    values = values[np.isfinite(values)]
    if not len(values):
        return -1.0, 1.0
    low, high = np.quantile(values, (0.05, 0.95))
    usual = float(high - low)
    far = (1.2 if infinite else 8.0) * usual
    top, bottom = float(values.max()), float(values.min())
    top = float(high) + 1.2 * usual if 0 < far < top - high else top
    bottom = float(low) - 1.2 * usual if 0 < far < low - bottom else bottom
    reach = top - bottom
    flat = reach <= 1e-9 * max(abs(top), abs(bottom))
    if flat or (from_zero and bottom >= 0):
        bottom, top = min(bottom, 0.0), max(top, 0.0)
        reach = (top - bottom) or 1.0
    return bottom - 0.06 * reach, top + 0.10 * reach


def how_far(value: float) -> str:
    """A number that is beyond a panel; right at a pole it says more of the grid than of the loss."""
    if np.isinf(value):
        return "∞"
    return f"{value:.4g}" if value < 1e4 else "beyond 10⁴"


def say_what_leaves(
    theme: Theme, axes: Any, curves: list[Curve], limits: tuple[float, float], colors: list[str]
) -> None:
    """How far a curve goes that leaves the panel, where it does."""
    said: list[tuple[float, bool]] = []
    reach, middle = float(np.diff(axes.get_xlim())[0]), float(np.mean(axes.get_xlim()))
    for i, (x, y) in enumerate(curves):
        for up, half in ((True, x <= middle), (True, x > middle), (False, x <= middle), (False, x > middle)):
            beyond = ((y > limits[1]) if up else (y < limits[0])) & half
            if not beyond.any():
                continue
            place = int(np.nanargmax(np.where(beyond, np.abs(y), np.nan)))
            if any(abs(x[place] - other) < 0.25 * reach and up == way for other, way in said):
                continue
            said.append((float(x[place]), up))
            far = how_far(abs(float(y[place])))
            right = x[place] > middle
            at = place  # from where it leaves, so that the curve is not written over
            while (beyond[at] and 0 < at < len(x) - 1) or at == place:
                at += -1 if right else 1
            axes.annotate(
                ("↑ " if up else "↓ " if far[0] == "b" else "↓ −") + far,
                (x[at], limits[1 if up else 0]),
                xytext=(-7 if right else 7, -3 if up else 3),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top" if up else "bottom",
                fontsize=SMALL,
                color=colors[i],
                bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.8},
            )


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
        points[pulled, 0],
        points[pulled, 1],
        dx[pulled],
        dy[pulled],
        angles="xy",
        scale_units="xy",
        scale=1,
        color=theme.curves[0],
        width=0.0065,
        headwidth=3.8,
        headlength=4.2,
        headaxislength=3.8,
        minlength=0.5,
        zorder=2,
    )
    axes.plot(points[~pulled, 0], points[~pulled, 1], ".", markersize=2.5, color=theme.muted, zorder=2)
    for i, mark in enumerate(field.marks):
        draw_mark(theme, axes, mark, i)
    axes.set_xlim(field.span[0] - 0.6 * step, field.span[1] + 0.6 * step)
    axes.set_ylim(field.span[2] - 0.6 * step, field.span[3] + 0.6 * step)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


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
        "color": color,
        "marker": mark.marker,
        "linestyle": "none",
        "markersize": SIZES.get(mark.marker, 9),
        "markeredgecolor": theme.paper,
        "markeredgewidth": 1.2,
    }


def draw_masks(sheet: Sheet, walk: Walk, x: float, down: float, width: float, height: float) -> None:
    """What the walk looks like on its way, above the panel: the masks, and the edge of the target."""
    theme, masks = sheet.theme, walk.masks
    assert masks is not None
    side = height - 0.24
    shades = LinearSegmentedColormap.from_list("mask", [theme.paper, theme.curves[0]])
    for i, at in enumerate(masks.at):
        centre = x + (i + 0.5) * width / len(masks.at)
        axes = sheet.axes(centre - side / 2, down, side, side)
        axes.imshow(masks.image(at), cmap=shades, vmin=0, vmax=1, interpolation="nearest")
        axes.contour(masks.outline, levels=[0.5], colors=[theme.curves[1]], linewidths=1.4)
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel(number(at), fontsize=8, color=theme.muted, labelpad=2)
        for spine in axes.spines.values():
            spine.set(visible=True, color=theme.grid)
