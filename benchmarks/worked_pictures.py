"""The picture of docs/worked-programs.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.hashsalt": "worked programs",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
}


def draw_digits(digits: dict[str, Any], path: Path) -> None:
    """The plane that every loss makes, with a colour for each digit, and the digit where most are."""
    plt.switch_backend("svg")
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(digits["LOSSES"]), figsize=(11, 3.0), layout="constrained")
        digits["draw"](axes, [plt.get_cmap("tab10")(k) for k in range(10)])
        for ax in axes:
            ax.set(xticks=[], yticks=[], aspect="equal")
            ax.spines[:].set_visible(False)
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
