"""Ours on a GPU beside the framework's own, and beside what the memory of the card allows.

`python benchmarks/gpu.py` measures the hot set, pointwise losses of 10⁸ numbers, and writes
docs/performance-gpu.md and benchmarks/results-gpu.json. `--quick` has 10⁶ numbers, works on a CPU too,
and writes nothing; `--minutes` is for how long to begin another loss.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NamedTuple

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the card is shared with PyTorch and CuPy
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")  # as ours asks for, and peers do not

import contenders
import jax
import numpy as np
import torch
import typer
from contenders import Contender
from hot_set import HOT_SET, POINTWISE, Hot
from measure import Call, markdown, median_ratio, spelled, turns, write_between_marks
from rich.console import Console

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance-gpu.md"
RESULTS = Path(__file__).with_name("results-gpu.json")
FACTOR = 10  # how much larger arrays are than on a CPU
VALUE, BOTH = "value", "value and gradient"
LEFT_OUT = {"CTC"}  # a recursion of many small steps, which says nothing of memory
Contenders = Callable[[Hot], Iterator[Contender]]


class Library(NamedTuple):
    """A framework on the card."""

    name: str
    modes: tuple[str, ...]
    array: Callable[[Any], Any]
    contenders: Contenders
    wait: Callable[[], Any]


class Result(NamedTuple):
    """Ours in a mode and the best peer there, in seconds."""

    loss: str
    mode: str
    measure: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    share: float  # of the copy bandwidth, if inputs were read once and gradients written once
    medians: dict[str, float]


def libraries() -> Iterator[Library]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    yield Library(
        "PyTorch",
        (contenders.EAGER, contenders.OURS_TORCH),
        lambda a: torch.from_numpy(a).to(device),
        contenders.of_torch,
        wait,
    )
    yield Library("JAX", (contenders.JIT,), jax.numpy.asarray, contenders.of_jax, lambda: None)
    if find_spec("cupy"):
        import cupy

        yield Library(
            "CuPy", ("CuPy",), cupy.asarray, of_cupy, lambda: cupy.cuda.get_current_stream().synchronize()
        )


def of_cupy(hot: Hot) -> Iterator[Contender]:
    """Ours, and for pointwise losses the gradient derived by hand, which NumPy passes on to CuPy."""
    ours, *others = contenders.of_numpy(hot)
    modes = frozenset(("CuPy",))
    yield ours._replace(modes=modes)
    if is_pointwise(hot):
        yield from (c._replace(modes=modes) for c in others if c.name == "by hand")


def is_pointwise(hot: Hot) -> bool:
    return (hot.large, hot.quick, hot.small) == POINTWISE


def shape_of(hot: Hot, quick: bool) -> tuple[int, ...]:
    n, *rest = hot.quick if quick else hot.large
    return n if quick else n * FACTOR, *rest


def measured(
    hot: Hot, library: Library, inputs: tuple[Any, ...], copied: float, rounds: int
) -> Iterator[Result]:
    arrays = tuple(map(library.array, inputs))
    found = [c for c in library.contenders(hot) if c.both and c.modes & {*library.modes}]
    check(hot, found, arrays)
    read, written = sum(a.nbytes for a in inputs), sum(inputs[i].nbytes for i in hot.wrt)
    places = {c.name: i for i, c in enumerate(found)}
    for measure, least in ((VALUE, read), (BOTH, read + written)):
        calls = [waiting(library, c.value if measure == VALUE else c.both, arrays) for c in found]
        table = turns(calls, rounds)
        medians = {name: statistics.median(row[i] for row in table) for name, i in places.items()}
        for mode in library.modes:
            ours, *peers = [c.name for c in found if mode in c.modes]
            best = min(peers, key=medians.__getitem__, default=ours)
            ratio = median_ratio(table, places[ours], places[best])
            share = least / medians[ours] / copied
            peer = best if peers else ""
            yield Result(hot.name, mode, measure, medians[ours], peer, medians[best], ratio, share, medians)


def waiting(library: Library, f: Any, arrays: tuple[Any, ...]) -> Call:
    def call() -> None:
        f(*arrays)
        library.wait()

    return call


def check(hot: Hot, found: list[Contender], arrays: tuple[Any, ...]) -> None:
    """Refuse to compare different losses."""
    wanted: list[Any] = []
    for c in found:
        assert c.both is not None
        value, gradients = c.both(*arrays)
        wanted = wanted or [value, *gradients]
        for x, y in zip((value, *gradients), wanted, strict=True):
            far, scale = float(abs(x - y).max()), float(abs(y).max())
            assert far <= 1e-3 * scale, f"{hot.name}, {c.name}: {far} of {scale}"


def copy_bandwidth(quick: bool) -> float:
    """The bytes that a copy on the card reads and writes, in a second."""
    cuda = torch.cuda.is_available()
    x = torch.ones((10**6 if quick else 2 * 10**8), device="cuda" if cuda else "cpu")
    y = torch.empty_like(x)

    def call() -> None:
        y.copy_(x)
        if cuda:
            torch.cuda.synchronize()

    table = turns([call], 15, least=2e-2)
    return 2 * x.nbytes / statistics.median(row[0] for row in table)


# --- the page ------------------------------------------------------------------------------------

COLUMNS = ("loss", "peer", VALUE, "share", BOTH, "share")


def page(results: list[Result], facts: dict[str, str]) -> str:
    parts = ["\n".join(f"* {what}: {how}" for what, how in facts.items())]
    for mode in dict.fromkeys(r.mode for r in results):
        rows = []
        for name in dict.fromkeys(r.loss for r in results if r.mode == mode):
            value, both = (r for r in results if (r.loss, r.mode) == (name, mode))
            rows.append([name, both.peer, *cells(value), *cells(both)])
        parts += [f"## {mode}", markdown(COLUMNS, rows)]
    return "\n\n".join(parts)


def cells(r: Result) -> tuple[str, str]:
    return spelled(r.ours) + (f" · {r.ratio:.2f}" if r.peer else ""), f"{r.share:.0%}"


def facts(copied: float, rounds: int) -> dict[str, str]:
    names = ["torch", "jax", "optax", *(n for n in ("cupy-cuda12x", "cupy-cuda13x") if _installed(n))]
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "Card": f"{card}, which copies {copied / 1e12:.2f} TB/s, counting what is read and what is written",
        "Versions": ", ".join(f"{name} {version(name)}" for name in names),
        "Elements of pointwise losses": "10⁸, float32",
        "Rounds": f"{rounds}, {date.today():%B %Y}",
    }


def _installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except ModuleNotFoundError:
        return False


def main(
    only: Annotated[str, typer.Option(help="Losses whose name this regular expression finds.")] = "",
    rounds: Annotated[int, typer.Option(help="How often all take their turn.")] = 15,
    quick: Annotated[bool, typer.Option(help="Small arrays, on a CPU if there is no card.")] = False,
    minutes: Annotated[float, typer.Option(help="After which no other loss is begun.")] = 60.0,
) -> None:
    """Measure the losses of the hot set on a GPU."""
    end = time.monotonic() + 60 * minutes
    copied, console = copy_bandwidth(quick), Console(width=160)
    results: list[Result] = []
    failed: list[str] = []
    chosen = [hot for hot in HOT_SET if re.search(only, hot.name, re.IGNORECASE) and hot.name not in LEFT_OUT]
    for hot in sorted(chosen, key=is_pointwise, reverse=True):
        inputs = hot.inputs(np.random.default_rng(0), *shape_of(hot, quick))
        for library in libraries():
            if time.monotonic() > end:
                console.print(f"{hot.name} on {library.name}: out of time")
                continue
            try:
                found = list(measured(hot, library, inputs, copied, rounds))
            except Exception:  # the others are to be measured all the same
                console.print_exception(max_frames=4)
                failed.append(f"{hot.name} on {library.name}")
                continue
            for r in found:
                results.append(r)
                medians = {k: spelled(s) for k, s in r.medians.items()}
                console.print(
                    f"{r.mode}: {r.loss}, {r.measure}: {r.ratio:.2f} of {r.peer}, {r.share:.0%}", medians
                )
    console.print(f"{len(results)} measured, {len(failed)} failed", failed)
    if quick or only:
        return
    about = facts(copied, rounds)
    RESULTS.write_text(
        json.dumps({**about, "results": [r._asdict() for r in results]}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    write_between_marks(PAGE, "measured", page(results, about))


if __name__ == "__main__":
    typer.run(main)
