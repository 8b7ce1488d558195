"""From a recipe to a figure: which panels there are, and where each stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.lines import Line2D

from . import panels, sampling
from .figures import BELOW, CAPTION, GUTTER, LEFT, RIGHT, ROW_GAP, SMALL, WIDTH, Sheet, folded
from .recipes import Field, Recipe, Walk
from .settings import Settings
from .theme import Theme

Function = Callable[..., Any]
VALUE, GRADIENT, SECOND = "loss", "gradient", "second derivative"
ROWS = (VALUE, GRADIENT, SECOND)
ARROWS = "arrows\u00a0∝\u00a0√force"
MASKS = 0.78
Curves = list[list[tuple[Any, Any]]]  # for every curve its value and its derivatives, as x and y


@dataclass(frozen=True)
class Column:
    """What stands above one another: a walk and its derivatives, several walks, or a field."""

    walks: tuple[Walk, ...] = ()
    field: Field | None = None
    cases: tuple[str, ...] = ("",)
    title: str = ""

    @property
    def rows(self) -> int:
        return self.walks[0].orders + 1 if len(self.walks) == 1 else len(self.walks)


def draw(name: str, loss: Function, recipe: Recipe, chosen: Settings, theme: Theme) -> Any:
    """The figure of a loss, whatever the settings of matplotlib are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        return Drawing(name, loss, recipe, chosen, theme).figure()


class Drawing:
    """One picture in the making."""

    def __init__(self, name: str, loss: Function, recipe: Recipe, chosen: Settings, theme: Theme) -> None:
        self.name, self.loss, self.recipe, self.chosen, self.theme = name, loss, recipe, chosen, theme
        self.columns = columns_of(recipe, chosen)
        self.found = [[self.curves(c, walk) for walk in c.walks] for c in self.columns]

    def curves(self, column: Column, walk: Walk) -> Curves:
        """Every curve of a walk; a second derivative that is nothing but 0 is none."""
        found = [
            sampling.curves(self.loss, walk, walk.cases[case], options)
            for case in column.cases
            for _, options in self.chosen.options()
        ]
        if walk.orders == 2 and all(np.all(curve[2][1] == 0) for curve in found):
            return [curve[:2] for curve in found]
        return found

    def figure(self) -> Any:
        alone = len(self.columns) == 1 and len(self.columns[0].walks) == 1
        widths, height = self.sizes(alone)
        masks = MASKS if any(w.masks for c in self.columns for w in c.walks) else 0.0
        self.sheet = Sheet(
            self.theme,
            self.name,
            self.recipe.subtitle,
            self.legend(),
            masks + CAPTION + height + BELOW + 0.15 * self.folds(widths, alone),
        )
        x = LEFT
        for column, found, width in zip(self.columns, self.found, widths, strict=True):
            if column.field:
                self.put_field(column.field, x, width, height)
            elif alone:
                self.put_alone(column, found[0], x, width, height, masks)
            else:
                self.put_column(column, found, x, width, height, masks)
            x += width + GUTTER
        return self.sheet.figure

    def sizes(self, alone: bool) -> tuple[list[float], float]:
        """How wide every column is, and how high all are: fields are square."""
        count = len(self.columns)
        room = WIDTH - LEFT - RIGHT - GUTTER * (count - 1)
        fields = sum(1 for c in self.columns if c.field)
        side = {1: 3.6, 2: 3.1, 3: 2.3}[count] if fields == 1 else room / max(count, 1)
        side = min(side, room / count) if fields == count else side
        other = (room - side * fields) / max(count - fields, 1)
        rows = max((len(f[0][0]) if len(f) == 1 else len(f) for f in self.found if f), default=1)
        height = 3.3 if alone and rows > 1 else (2.4, 2.2 + 2 * ROW_GAP + CAPTION, 4.5)[rows - 1]
        if any(len(c.walks) > 1 for c in self.columns):
            height += 0.35
        return [side if c.field else other for c in self.columns], max(height, side if fields else 0.0)

    def folds(self, widths: list[float], alone: bool) -> int:
        """How many lines more than one the labels below need."""
        share = 0.44 if alone else 1.0
        labels = [
            folded(walk.label, share * width + 0.3)
            for column, width in zip(self.columns, widths, strict=True)
            for walk in column.walks
        ]
        return max((label.count("\n") for label in labels), default=0)

    def legend(self) -> list[list[Line2D]]:
        """Curves by parameter, or by case; and what stands still in fields, or the target of masks."""
        names = [label for label, _ in self.chosen.options() if label]
        if not names:
            names = next((list(c.cases) for c in self.columns if c.walks and len(c.cases) > 1), [])
        curves = [Line2D([], [], label=label, **self.theme.curve(i)) for i, label in enumerate(names)]
        if any(panels.alike(f, order) for found in self.found for f in found for order in range(len(f[0]))):
            curves.append(Line2D([], [], label="all of these", color=self.theme.ink, linewidth=2.0))
        marks = {
            mark.label: Line2D([], [], label=mark.label, **panels.mark_style(self.theme, mark, i))
            for column in self.columns
            for i, mark in enumerate(column.field.marks if column.field else ())
            if mark.label
        }
        if any(walk.masks for column in self.columns for walk in column.walks):
            square: dict[str, Any] = {"marker": "s", "linestyle": "none", "markersize": 9}
            marks["mask"] = Line2D([], [], label="the mask", color=self.theme.curves[0], **square)
            marks["edge"] = Line2D([], [], label="edge of the target", color=self.theme.curves[1])
        return [curves, list(marks.values())]

    def put_alone(
        self, column: Column, found: Curves, x: float, width: float, height: float, masks: float
    ) -> None:
        """The value of a single walk, and its derivatives beside it."""
        count = len(found[0])
        left = (1.0, 0.5, 0.54)[count - 1] * (width - (GUTTER if count > 1 else 0.0))
        right, half = width - GUTTER - left, (height - ROW_GAP - CAPTION) / 2
        spots = [(x, 0.0, left, height)]
        if count == 2:
            spots += [(x + left + GUTTER, 0.0, right, height)]
        if count == 3:
            spots += [(x + left + GUTTER, down, right, half) for down in (0.0, height - half)]
        for order, (at, down, wide, high) in enumerate(spots):
            bottom = down + high > height - 1e-9
            self.put_walk(column, column.walks[0], found, order, (at, down + masks, wide, high), bottom)

    def put_column(
        self, column: Column, found: list[Curves], x: float, width: float, height: float, masks: float
    ) -> None:
        """A walk above its derivatives, or several walks above one another."""
        several = len(column.walks) > 1
        gap = ROW_GAP + CAPTION + (0.42 if several else 0.0)
        rows = len(column.walks) if several else len(found[0][0])
        high = (height - (rows - 1) * gap) / rows
        for i in range(rows):
            walk, curves = (column.walks[i], found[i]) if several else (column.walks[0], found[0])
            place = (x, masks + i * (high + gap), width, high)
            self.put_walk(column, walk, curves, 0 if several else i, place, several or i == rows - 1)

    def put_walk(
        self,
        column: Column,
        walk: Walk,
        found: Curves,
        order: int,
        place: tuple[float, float, float, float],
        bottom: bool,
    ) -> None:
        """One panel of curves."""
        sheet, (x, down, width, height) = self.sheet, place
        axes = sheet.axes(x, CAPTION + down, width, height)
        curves = [curve[order] for curve in found]
        together = panels.alike(found, order)
        unit = f" ({self.recipe.unit})" if self.recipe.unit else ""
        caption = (column.title or VALUE + unit) if order == 0 else ROWS[order]
        for at in walk.places:
            axes.axvline(at, color=self.theme.muted, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
        limits = panels.limits_of(curves, from_zero=order == 0)
        panels.draw_curves(sheet, axes, curves[:1] if together else curves, walk.span, limits, together)
        sheet.caption(axes, caption)
        if bottom:
            axes.set_xlabel(folded(walk.label, width + 0.4), fontsize=SMALL, color=self.theme.ink, labelpad=4)
        else:
            axes.tick_params(labelbottom=False)
        if walk.masks and order == 0:
            panels.draw_masks(sheet, walk, x, down - MASKS, width, MASKS)

    def put_field(self, field: Field, x: float, width: float, height: float) -> None:
        """The field for one value of the parameter: the default, if it is among them."""
        high = width * (field.span[3] - field.span[2]) / (field.span[1] - field.span[0])
        axes = self.sheet.axes(x, CAPTION, width, min(high, height))
        label, options = self.shown()
        a, b, c, d = field.span
        grid = np.meshgrid(np.linspace(a, b, field.steps), np.linspace(c, d, field.steps))
        points = np.stack(grid, axis=-1).reshape(-1, 2)
        values, force = sampling.forces(self.loss, field, options, points)
        panels.draw_field(self.sheet, axes, field, points, values, force)
        self.sheet.caption(axes, field.caption)
        below = ", ".join(filter(None, [field.labels[0], f"for {label}" if label else "", ARROWS]))
        axes.set_xlabel(folded(below, width), fontsize=SMALL, color=self.theme.ink, labelpad=4)
        axes.set_ylabel(field.labels[1], fontsize=SMALL, color=self.theme.ink, labelpad=1)

    def shown(self) -> tuple[str, dict[str, Any]]:
        options = self.chosen.options()
        defaults = getattr(self.loss, "__kwdefaults__", None) or {}
        usual = self.recipe.given.get(self.chosen.name, defaults.get(self.chosen.name))
        places = [i for i, value in enumerate(self.chosen.values) if value == usual]
        return options[places[0] if places else 0]


def columns_of(recipe: Recipe, chosen: Settings) -> list[Column]:
    """The columns, those of a walk once for each of its cases if a parameter varies."""
    found = []
    for column in recipe.columns:
        if isinstance(column, Field):
            found.append(Column(field=column))
        elif isinstance(column, tuple):
            found.append(Column(column))
        elif chosen.name and len(column.cases) > 1:
            found += [Column((column,), cases=(case,), title=case) for case in column.cases]
        else:
            found.append(Column((column,), cases=tuple(column.cases)))
    return found
