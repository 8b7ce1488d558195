"""The sheet that panels are put on: its title, its legend, and where everything stands, in inches."""

from __future__ import annotations

import io
import textwrap
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .theme import Theme

WIDTH = 7.5
LEFT, RIGHT, GUTTER, BELOW, ROW_GAP, CAPTION = 0.62, 0.16, 0.62, 0.52, 0.16, 0.26
TITLE, LEGEND_ROW = 0.52, 0.26
SMALL, NORMAL, LARGE = 9.0, 10.0, 13.0


UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


class LossFigure(Figure):
    """A figure that notebooks show by itself, without pyplot, and of which a file is the same every time."""

    def savefig(self, fname: Any, *, format: str | None = None, **options: Any) -> None:
        kind = format or str(fname).rpartition(".")[2].lower()
        metadata = UNDATED.get(kind, {}) | options.pop("metadata", {})
        with rc_context({"svg.hashsalt": "arraylosses"}):
            super().savefig(fname, format=format, metadata=metadata, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=192)
        width, height = self.get_size_inches()
        return file.getvalue(), {"width": round(96 * width), "height": round(96 * height)}


class Sheet:
    """A figure of columns of panels, under a title and a legend."""

    def __init__(
        self, theme: Theme, title: str, subtitle: str, legend: list[list[Line2D]], height: float
    ) -> None:
        self.theme = theme
        self.title = TITLE + (0.14 if subtitle else 0.0)
        rows = legend_rows(legend)
        self.head = self.title + LEGEND_ROW * len(rows) + (0.08 if rows else 0.0)
        self.height = self.head + height
        self.figure = LossFigure(figsize=(WIDTH, self.height), facecolor=theme.paper)
        FigureCanvasAgg(self.figure)
        self.write(0.12, 0.30, title, size=LARGE, color=theme.ink, weight="bold")
        if subtitle:
            self.write(0.12, 0.51, subtitle, size=SMALL, color=theme.muted)
        self._legend(rows)

    def write(self, x: float, down: float, text: str, size: float, **style: Any) -> None:
        """A text, so many inches from the left and from the top."""
        self.figure.text(x / WIDTH, 1 - down / self.height, text, fontsize=size, **style)

    def _legend(self, rows: list[list[Line2D]]) -> None:
        for i, row in enumerate(rows):
            place = (0.12 / WIDTH, 1 - (self.title + 0.02 + LEGEND_ROW * i) / self.height)
            self.figure.legend(
                handles=row,
                loc="upper left",
                ncols=len(row),
                frameon=False,
                fontsize=NORMAL,
                bbox_to_anchor=place,
                borderaxespad=0,
                borderpad=0,
                handlelength=2.6,
                columnspacing=1.6,
                handletextpad=0.6,
                labelcolor=self.theme.ink,
            )

    def axes(self, x: float, down: float, width: float, height: float) -> Any:
        """Axes, from the left and from below the legend, in inches."""
        bottom = self.height - self.head - down - height
        box = (x / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(box, facecolor=self.theme.paper)
        axes.grid(True, color=self.theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(self.theme.muted)
        axes.tick_params(colors=self.theme.muted, labelsize=SMALL, length=3)
        return axes

    def caption(self, axes: Any, text: str) -> None:
        """What a panel shows, above it."""
        axes.set_title(text, loc="left", fontsize=NORMAL, color=self.theme.ink, pad=5)


def legend_rows(groups: list[list[Line2D]]) -> list[list[Line2D]]:
    """The entries of a legend in rows: all in one if there is room, otherwise a new one for each group."""
    together = [line for group in groups for line in group]
    if sum(map(room, together)) <= WIDTH - 0.24:
        return [together] if together else []
    rows: list[list[Line2D]] = []
    for group in groups:
        row: list[Line2D] = []
        for line in group:
            if row and sum(map(room, [*row, line])) > WIDTH - 0.24:
                rows.append(row)
                row = []
            row.append(line)
        rows += [row] if row else []
    return rows


def room(line: Line2D) -> float:
    """About how wide an entry of a legend is, in inches."""
    return 0.66 + 0.086 * len(str(line.get_label()))


def folded(label: str, width: float) -> str:
    """A label in as many lines as it needs under a panel of this width, in inches."""
    return textwrap.fill(label, max(int(width * 14), 10))
