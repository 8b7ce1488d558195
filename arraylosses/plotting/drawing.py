"""From a recipe to a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.lines import Line2D

from . import figures, panels, sampling
from .figures import BELOW, CAPTION, GUTTER, LEFT, RIGHT, ROW_GAP, SMALL, WIDTH, Sheet
from .recipes import Field, Recipe, Walk
from .settings import Settings
from .theme import Theme

Function = Callable[..., Any]
ROWS = ("loss", "gradient", "second derivative")
ROW_HEIGHT = 1.3


def draw(name: str, loss: Function, recipe: Recipe, chosen: Settings, theme: Theme) -> Any:
    """The figure of a loss."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        return _draw(name, loss, recipe, chosen, theme)


def _draw(name: str, loss: Function, recipe: Recipe, chosen: Settings, theme: Theme) -> Any:
    columns = split(recipe, chosen)
    lines = legend(columns, chosen, theme)
    rows = max((c[0].orders + 1 if isinstance(c[0], Walk) else 2) for c in columns)
    alone = len(columns) == 1
    height = 3.3 if alone or rows < 3 else rows * ROW_HEIGHT + (rows - 1) * (ROW_GAP + CAPTION)
    sheet = Sheet(theme, name, recipe.subtitle, lines, CAPTION + height + BELOW)
    places = widths(columns)
    x = LEFT
    for (column, cases, title), width in zip(columns, places, strict=True):
        if isinstance(column, Field):
            put_field(sheet, loss, column, chosen, x, width, height)
        else:
            put_walk(sheet, loss, recipe, chosen, (column, cases, title), (x, width, height), alone)
        x += width + GUTTER
    return sheet.figure


def split(recipe: Recipe, chosen: Settings) -> list[tuple[Walk | Field, list[str], str]]:
    """The columns, with the cases that each shows, and what a case of its own is called."""
    found: list[tuple[Walk | Field, list[str], str]] = []
    for column in recipe.columns:
        if isinstance(column, Walk) and chosen.name and len(column.cases) > 1:
            found += [(column, [case], case) for case in column.cases]
        else:
            found.append((column, list(column.cases) if isinstance(column, Walk) else [], ""))
    return found


def widths(columns: list[Any]) -> list[float]:
    room = WIDTH - LEFT - RIGHT - GUTTER * (len(columns) - 1)
    return [room / len(columns)] * len(columns)


def legend(columns: list[Any], chosen: Settings, theme: Theme) -> list[Line2D]:
    """Curves by parameter, or by case, and what stands still in fields."""
    names = [label for label, _ in chosen.options()] if chosen.name else []
    if not names:
        names = next((cases for c, cases, _ in columns if isinstance(c, Walk) and len(cases) > 1), [])
    lines = [Line2D([], [], label=label, **theme.curve(i)) for i, label in enumerate(names)]
    for column, _, _ in columns:
        if isinstance(column, Field):
            lines += [
                Line2D([], [], label=mark.label, **panels.mark_style(theme, mark, i))
                for i, mark in enumerate(column.marks)
                if mark.label
            ]
    seen: dict[str, Line2D] = {}
    for line in lines:
        seen.setdefault(str(line.get_label()), line)
    return list(seen.values())


def put_walk(
    sheet: Sheet, loss: Function, recipe: Recipe, chosen: Settings,
    shown: tuple[Walk, list[str], str], place: tuple[float, float, float], alone: bool,
) -> None:  # fmt: skip
    """The value along a walk, and its derivatives: beside it if there is room, otherwise below."""
    walk, cases, title = shown
    by_curve = [
        sampling.curves(loss, walk, walk.cases[case], options)
        for case in cases
        for _, options in chosen.options()
    ]
    x, width, height = place
    count = walk.orders + 1
    spots: list[tuple[float, float, float, float]]
    if alone and count == 3:
        left, half = 0.54 * (width - GUTTER), (height - ROW_GAP - CAPTION) / 2
        right = width - GUTTER - left
        spots = [(x, 0, left, height), (x + left + GUTTER, 0, right, half)]
        spots += [(x + left + GUTTER, height - half, right, half)]
    elif alone and count == 2:
        half = (width - GUTTER) / 2
        spots = [(x + i * (half + GUTTER), 0, half, height) for i in range(2)]
    else:
        each = (height - (count - 1) * (ROW_GAP + CAPTION)) / count
        spots = [(x, i * (each + ROW_GAP + CAPTION), width, each) for i in range(count)]
    for order, (left, down, wide, high) in enumerate(spots):
        axes = sheet.axes(left, CAPTION + down, wide, high)
        curves = [found[order] for found in by_curve]
        panels.draw_curves(sheet, axes, curves, walk.span, panels.limits_of(curves, from_zero=order == 0))
        caption = ROWS[order] + (f" ({recipe.unit})" if recipe.unit and order == 0 else "")
        sheet.caption(axes, f"{caption}, {title}" if title and order == 0 else caption)
        if down + high > height - 1e-9:
            axes.set_xlabel(walk.label, fontsize=figures.NORMAL, color=sheet.theme.ink, labelpad=4)
        else:
            axes.tick_params(labelbottom=False)
        if walk.ticks is not None:
            axes.set_xticks(walk.ticks)


def put_field(
    sheet: Sheet, loss: Function, field: Field, chosen: Settings, x: float, width: float, height: float
) -> None:
    side = min(width, height)
    axes = sheet.axes(x + (width - side) / 2, CAPTION, side, side)
    _, options = chosen.options()[0]
    a, b, c, d = field.span
    across = np.stack(np.meshgrid(np.linspace(a, b, field.steps), np.linspace(c, d, field.steps)), axis=-1)
    points = across.reshape(-1, 2)
    values, force = sampling.forces(loss, field, options, points)
    panels.draw_field(sheet, axes, field, points, values, force)
    sheet.caption(axes, field.caption)
    axes.set_xlabel(field.labels[0], fontsize=SMALL, color=sheet.theme.ink, labelpad=4)
    axes.set_ylabel(field.labels[1], fontsize=SMALL, color=sheet.theme.ink, labelpad=2)
