"""How the pictures and the tables of the tutorials look.

A picture is put into the page as SVG, whose ink is the colour of the page's text: it is read in light and in
dark. Its panels stand beside each other, and on a phone one below the other.
"""

from __future__ import annotations

import html
import io
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import worked_programs

INK = "#010203"  # stands for the colour of the text, whatever that is
# Of Okabe and Ito, which everybody tells apart; the lines differ too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8A8A8A")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (6, 1, 1, 1, 1, 1)), (0, (3, 1)), "-")
MARKERS = "osD^vP*"
WIDTH = 3.55  # of a panel, in inches: two fit beside each other

mpl.rcParams.update(
    {
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 10,
        "font.size": 9,
        "grid.alpha": 0.2,
        "grid.color": INK,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "savefig.transparent": True,
        "svg.hashsalt": "tutorials",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


class Shown:
    """Something with a form for a page."""

    def __init__(self, **forms: str) -> None:
        self.forms = {f"text/{kind}": text for kind, text in forms.items()}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.forms


def looks(names: Iterable[str], *, markers: bool = False) -> dict[str, dict[str, Any]]:
    """For everything that is drawn, a colour and a line, or a marker, of its own."""
    found = {}
    for name, colour, line, marker in zip(names, COLOURS, LINES, MARKERS, strict=False):
        found[name] = {"color": colour, "linestyle": line}
        if markers:
            found[name] |= {"marker": marker, "markersize": 4}
    return found


def panels(count: int = 1, *, width: float = WIDTH, height: float = 2.9, grid: bool = True) -> list[Axes]:
    """Axes, each in a figure of its own."""
    figures = [plt.figure(figsize=(width, height), layout="constrained") for _ in range(count)]
    axes = [figure.subplots() for figure in figures]
    for ax in axes:
        ax.grid(grid)
    return axes


def show(axes: Iterable[Axes], alt: str) -> Shown:
    """The figures of the axes as one picture, `alt` for who does not see it."""
    pictures = "".join(svg(ax.figure) for ax in axes)
    frame = "display:flex;flex-wrap:wrap;gap:0.5rem;justify-content:center"
    return Shown(html=f'<div role="img" aria-label="{html.escape(alt)}" style="{frame}">{pictures}</div>')


def svg(figure: Any) -> str:
    """The figure, closed, as an element of a page."""
    # What is named in one picture must not be meant by another one.
    salt = f"tutorials {figure.number}"
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace("<svg ", '<svg style="max-width:100%;height:auto" aria-hidden="true" ', 1)
    return text.replace(INK, "currentColor")


def table(rows: Mapping[str, Mapping[str, Any]]) -> Shown:
    """Numbers by row and column. Of several data sets they are the mean ± the standard deviation."""
    text = worked_programs.table(rows)
    return Shown(markdown=text, plain=text)
