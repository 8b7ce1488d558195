"""The tables and pictures of docs/worked-programs.md: `python benchmarks/worked_programs.py` makes them anew.

Every program runs on NumPy. What it finds on several data sets is their mean ± their standard deviation.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from measure import markdown, write_between_marks

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "worked-programs.md"
PROGRAMS = ("digits", "sparse", "denoise", "tones")  # the tutorials tell of the others
NOTHING = 1e-6


def program(name: str) -> dict[str, Any]:
    """What a program defines, `run` above all."""
    return runpy.run_path(str(DOCS / "programs" / f"{name}.py"))


def table(rows: dict[str, dict[str, Any]]) -> str:
    columns = list(next(iter(rows.values())))
    return markdown(
        ["", *columns], [[name, *(written(row[column]) for column in columns)] for name, row in rows.items()]
    )


def written(found: Any) -> str:
    if isinstance(found, str):
        return found
    mean, spread = short(float(np.mean(found))), float(np.std(found))
    return mean if spread < NOTHING else f"{mean} ± {spread:.1g}"


def short(x: float) -> str:
    """Three digits, or a whole number; what is of the size of rounding errors is 0."""
    whole = abs(x - round(x)) < NOTHING or abs(x) >= 1000
    return f"{x:.0f}" if whole else f"{x:#.3g}"


if __name__ == "__main__":
    import worked_pictures  # which needs Matplotlib

    for name in PROGRAMS:
        text = table(program(name)["run"]())
        print(f"{name}\n\n{text}\n")
        write_between_marks(PAGE, name, text)
    worked_pictures.draw_digits(program("digits"), DOCS / "digits.svg")
