"""How pictures look: colours that the colour-blind tell apart, on light and on dark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Dashes = str | tuple[float, tuple[float, ...]]

# Every curve differs from the others in its dashes too.
DASHES: tuple[Dashes, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)), (0, (9, 2)))


@dataclass(frozen=True)
class Theme:
    """Colours: of the paper, of what is written and drawn on it, and of curves (by Okabe and Ito)."""

    paper: str
    ink: str
    muted: str
    grid: str
    low: str  # of a field, where the loss is low,
    high: str  # and where it is high
    curves: tuple[str, ...]

    def curve(self, i: int) -> dict[str, Any]:
        return {
            "color": self.curves[i % len(self.curves)],
            "linestyle": DASHES[i % len(DASHES)],
            "linewidth": 2.0,
        }


LIGHT = Theme(
    "#ffffff",
    "#1f2328",
    "#59636e",
    "#e3e6ea",
    "#ffffff",
    "#c9d6e4",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
DARK = Theme(
    "#131416",
    "#e9ebee",
    "#a3acb6",
    "#2e3238",
    "#131416",
    "#33404f",
    ("#56b4e9", "#e69f00", "#2fbf92", "#e08fbd", "#f0e442", "#d55e00"),
)
