"""The pictures of docs/worked-programs.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

# Colours that everybody tells apart, of Okabe and Ito; the lines differ too.
COLOURS = ("#000000", "#999999", "#D55E00", "#E69F00", "#0072B2", "#56B4E9")
LINES = ("-", "--", "-", "--", "-", "--")
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.hashsalt": "worked programs",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
}


def draw_all(program: Callable[[str], dict[str, Any]], docs: Path) -> None:
    plt.switch_backend("svg")
    with mpl.rc_context(STYLE):
        draw_boxes(program("boxes"), docs / "boxes.svg")
        draw_masks(program("masks"), docs / "masks.svg")
        draw_digits(program("digits"), docs / "digits.svg")


def draw_boxes(boxes: dict[str, Any], path: Path) -> None:
    """One panel for each start, one line for each loss."""
    figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.4), sharey=True, layout="constrained")
    looks = zip(boxes["LOSSES"], COLOURS, LINES, strict=True)
    boxes["draw"](axes, {name: {"color": c, "linestyle": line, "linewidth": 1.6} for name, c, line in looks})
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", frameon=False)
    save(figure, path)


def draw_masks(masks: dict[str, Any], path: Path) -> None:
    """An image, the truth, and what every loss makes of it."""
    panels = 2 + len(masks["LOSSES"])
    figure, axes = plt.subplots(1, panels, figsize=(1.7 * panels, 2.3), layout="constrained")
    drawn = masks["draw"](axes)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=axes[-1], label="probability", shrink=0.75)
    save(figure, path)


def draw_digits(digits: dict[str, Any], path: Path) -> None:
    """The plane that every loss makes, with a colour for each digit, and the digit where most are."""
    figure, axes = plt.subplots(1, len(digits["LOSSES"]), figsize=(11, 3.0), layout="constrained")
    digits["draw"](axes, [plt.get_cmap("tab10")(k) for k in range(10)])
    for ax in axes:
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    plt.close(figure)
