"""Ours beside the framework's own losses, SciPy's, optax's, and what one writes by hand.

`python benchmarks/bench.py` measures the hot set and writes docs/performance.md, its picture and
benchmarks/results.json, each loss as soon as it is measured; `--only PATTERN` replaces those of some losses.
`--quick` takes smaller arrays, prints, and writes nothing.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from contenders import FRAMEWORKS, Contender, Framework
from hot_set import HOT_SET, Hot, Shape
from measure import markdown, median_ratio, spelled, turns, write_between_marks
from picture import draw
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
RESULTS = Path(__file__).with_name("results.json")
VALUE, BOTH, SMALL, PEAK = "value", "value and gradient", "one call, 8 items", "peak of both"
MEASURES = (VALUE, BOTH, SMALL, PEAK)


class Result(NamedTuple):
    """Ours in a mode, beside the best of its peers there: seconds, or bytes of the peak."""

    loss: str
    mode: str
    measure: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    medians: dict[str, float]  # of all that took turns, in whatever mode


def compare(
    hot: Hot, framework: Framework, shape: Shape, measures: Sequence[str], rounds: int
) -> Iterator[Result]:
    """Ours beside its peers in all modes of a framework, on arrays of one shape."""
    arrays = tuple(framework.array(x) for x in hot.inputs(np.random.default_rng(0), *shape))
    taking_part = tuple(framework.contenders(hot))
    check(hot, taking_part, arrays)
    for measure in measures:
        calls = [(c, c.both if measure in (BOTH, PEAK) else c.value) for c in taking_part]
        found = {c: call for c, call in calls if call is not None}
        if measure == PEAK:
            table = [[float(framework.peak(call, arrays)) for call in found.values()]]
        else:
            table = turns([partial(call, *arrays) for call in found.values()], rounds)
        medians = {
            c.name: statistics.median(column)
            for c, column in zip(found, zip(*table, strict=True), strict=True)
        }
        places = {c.name: i for i, c in enumerate(found)}
        for mode in framework.modes:
            ours, *peers = [c.name for c in found if mode in c.modes] or [""]
            if ours.startswith("ours"):
                best = min(peers, key=medians.__getitem__)
                ratio = median_ratio(table, places[ours], places[best])
                yield Result(hot.name, mode, measure, medians[ours], best, medians[best], ratio, medians)


def check(hot: Hot, taking_part: Sequence[Contender], arrays: tuple[Any, ...]) -> None:
    """Refuse to compare different losses."""
    wanted: list[Any] = []
    for c in taking_part:
        value, gradients = (None, ()) if c.both is None else c.both(*arrays)
        wanted = wanted or [np.asarray(x) for x in (value, *gradients)]
        for x, y in zip((c.value(*arrays), value, *gradients), (wanted[0], *wanted), strict=False):
            if x is not None:
                near = 1e-3 * np.max(np.abs(y))
                np.testing.assert_allclose(x, y, rtol=1e-3, atol=near, err_msg=f"{hot.name}, {c.name}")


def measured(hot: Hot, quick: bool, rounds: int) -> Iterator[Result]:
    for framework in FRAMEWORKS:
        shape = hot.quick if quick else hot.large
        yield from compare(hot, framework, shape, (VALUE, BOTH, PEAK), rounds)
        yield from compare(hot, framework, hot.small, (SMALL,), rounds)


# --- the tables ----------------------------------------------------------------------------------


def amount(measure: str, x: float) -> str:
    return f"{x / 2**20:.3g} MiB" if measure == PEAK else spelled(x)


def rows_of(results: Sequence[Result], mode: str) -> list[list[str]]:
    """One row per loss: the peer, and of every measure ours and its ratio to the best peer."""
    rows = []
    for name in dict.fromkeys(r.loss for r in results if r.mode == mode):
        found = {r.measure: r for r in results if (r.loss, r.mode) == (name, mode)}
        cells = [f"{amount(m, found[m].ours)} · {found[m].ratio:.2f}" for m in MEASURES]
        rows.append([name, found[BOTH].peer, *cells])
    return rows


COLUMNS = ("loss", "peer", *MEASURES)


def page(results: Sequence[Result], facts: dict[str, str]) -> str:
    parts = ["\n".join(f"* {what}: {how}" for what, how in facts.items())]
    for mode in dict.fromkeys(r.mode for r in results):
        parts += [f"## {mode}", markdown(COLUMNS, rows_of(results, mode))]
    return "\n\n".join(parts)


def show(results: Sequence[Result]) -> None:
    for mode in dict.fromkeys(r.mode for r in results):
        table = Table(title=f"{mode}: ours · ratio to the fastest peer", title_justify="left")
        for column in COLUMNS:
            table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
        for row in rows_of(results, mode):
            table.add_row(*row)
        Console(width=140).print(table)


def facts(rounds: int) -> dict[str, str]:
    """What was measured on what."""
    linux = Path("/proc/cpuinfo")
    cpu = re.search(r"model name\s*: (.*)", linux.read_text()) if linux.exists() else None
    libraries = ("numpy", "torch", "jax", "optax", "scipy", "scikit-learn")
    return {
        "Machine": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "Versions": ", ".join(f"{name} {version(name)}" for name in libraries),
        "Threads of PyTorch": str(torch.get_num_threads()),
        "Elements of pointwise losses": "10⁷",
        "Rounds": f"{rounds}, {date.today():%B %Y}",
    }


def write(new: Sequence[Result], rounds: int) -> None:
    """The results in the place of those of the same losses, in their file, on the page and in the picture."""
    old = [Result(**r) for r in json.loads(RESULTS.read_text(encoding="utf-8"))["results"]]
    found = {hot.name: [r for r in old if r.loss == hot.name] for hot in HOT_SET}
    found |= {name: [r for r in new if r.loss == name] for name in {r.loss for r in new}}
    results = [r for of_one in found.values() for r in of_one]
    about = facts(rounds)
    kept = {**about, "results": [r._asdict() for r in results]}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(results, PICTURE)
    write_between_marks(PAGE, "measured", page(results, about))


def main(
    only: Annotated[str, typer.Option(help="Losses whose name this regular expression finds.")] = "",
    rounds: Annotated[int, typer.Option(help="How often all take their turn.")] = 15,
    quick: Annotated[bool, typer.Option(help="Smaller arrays; nothing is written.")] = False,
) -> None:
    """Measure the losses of the hot set beside their peers."""
    chosen = [hot for hot in HOT_SET if re.search(only, hot.name, re.IGNORECASE)]
    results: list[Result] = []
    for hot in track(chosen, "measuring", console=Console(stderr=True)):
        of_one = list(measured(hot, quick, rounds))
        results += of_one
        if not quick:
            write(of_one, rounds)
    show(results)


if __name__ == "__main__":
    typer.run(main)
