"""The picture of the ratios: one panel per mode, one row per loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

BLUE, ORANGE = "#0072B2", "#D55E00"  # two that everybody tells apart; the shapes differ too
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.hashsalt": "performance",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
}
MARKS: dict[str, dict[str, Any]] = {
    "value": {"marker": "D", "s": 26, "facecolor": "white", "edgecolor": ORANGE, "linewidth": 1.4},
    "value and gradient": {"marker": "o", "s": 40, "facecolor": BLUE, "edgecolor": "white", "linewidth": 0.6},
}
ACROSS = 4


def draw(results: Sequence[Any], path: Path) -> None:
    """Dots of ours / peer on a logarithmic axis, left of the line at 1 where ours is faster."""
    results = [r for r in results if r.measure in MARKS]
    modes = list(dict.fromkeys(r.mode for r in results))
    losses = list(dict.fromkeys(r.loss for r in results))
    down = math.ceil(len(modes) / ACROSS)
    plt.switch_backend("svg")
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(
            down,
            ACROSS,
            figsize=(10.5, down * (0.26 * len(losses) + 0.9) + 0.5),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        panels = axes.flatten()
        for panel, mode in zip(panels, modes, strict=False):
            draw_mode(panel, mode, losses, [r for r in results if r.mode == mode])
        for panel in panels[len(modes) :]:
            panel.set_visible(False)
        limits = bounds([r.ratio for r in results])
        for panel in panels[: len(modes)]:
            panel.set_xlim(*limits)
            panel.xaxis.set_major_locator(FixedLocator(labels(limits)))
        handles = [plt.scatter([], [], label=name, **style) for name, style in MARKS.items()]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(MARKS), frameon=False)
        figure.supxlabel("time of ours / time of the fastest peer  (left of 1: ours is faster)", fontsize=9)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
        plt.close(figure)


def draw_mode(panel: Any, mode: str, losses: Sequence[str], results: Sequence[Any]) -> None:
    panel.set_title(mode, loc="left")
    panel.set_xscale("log")
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}"))
    panel.set_yticks(range(len(losses)), losses)
    panel.set_ylim(len(losses) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="y", color="0.9", linewidth=0.8)
    panel.axvline(1, color="0.3", linewidth=1, zorder=1)
    panel.set_axisbelow(True)
    for order, (name, style) in enumerate(MARKS.items()):
        found = [r for r in results if r.measure == name]
        panel.scatter(
            [r.ratio for r in found], [losses.index(r.loss) for r in found], zorder=3 + order, **style
        )


def bounds(ratios: Sequence[float]) -> tuple[float, float]:
    """A range that has 1 inside, and all ratios."""
    return min(0.4, *ratios) / 1.3, max(2.5, *ratios) * 1.3


def labels(limits: tuple[float, float]) -> list[float]:
    """Powers of two around 1, half a dozen of them in sight."""
    step = math.ceil(math.log2(limits[1] / limits[0]) / 6)
    return [2.0 ** (step * k) for k in range(-6, 7)]
