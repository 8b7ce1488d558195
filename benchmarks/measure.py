"""Side by side: calls that take turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Call = Callable[[], Any]


class Timing(NamedTuple):
    """The median time of a call in seconds, and the median of its ratios to the first call beside it."""

    seconds: float
    ratio: float


def side_by_side(*calls: Call, rounds: int = 15, least: float = 2e-3) -> list[Timing]:
    """Time every call in turn, round after round; each turn repeats it for at least `least` seconds."""
    table = turns(calls, rounds, least)
    return [
        Timing(statistics.median(row[i] for row in table), median_ratio(table, i, 0))
        for i in range(len(calls))
    ]


def turns(
    calls: Sequence[Call], rounds: int, least: float = 2e-3, patience: float = 30.0
) -> list[list[float]]:
    """The seconds of every call, in rounds in which they take turns: as many as one waits for, but five."""
    repeats, seconds = [], 0.0
    for call in calls:
        call()
        once = max(min(duration(call, 1) for _ in range(3)), 1e-7)
        repeats.append(max(1, round(least / once)))
        seconds += once * repeats[-1]
    rounds = min(rounds, max(5, int(patience / seconds)))
    return [[duration(call, n) / n for call, n in zip(calls, repeats, strict=True)] for _ in range(rounds)]


def median_ratio(table: Sequence[Sequence[float]], i: int, j: int) -> float:
    """The median over the rounds of the time of call `i` in units of that of call `j`."""
    return statistics.median(row[i] / row[j] for row in table)


def duration(call: Call, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - start


def peak_bytes(call: Call) -> int:
    """The most memory that NumPy has held during a call, its result included, beyond what was there."""
    call()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def most_held() -> int:
    """The most memory that this process has had, as the system sees it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def best_of(call: Call, rounds: int) -> float:
    return min(duration(call, 1) for _ in range(rounds))


def in_its_own_process(script: str, *case: object) -> tuple[float, int]:
    """The seconds and the bytes that a script prints last of a case that it is called with."""
    command = [sys.executable, script, *map(str, case)]
    printed = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    seconds, held = printed.split()[-2:]
    return float(seconds), int(held)


def spelled(seconds: float) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_between_marks(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->` in a page."""
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(f"<!-- {name} -->\n", 1)
    after = rest.split(f"<!-- end of {name} -->", 1)[1]
    path.write_text(f"{before}<!-- {name} -->\n{text}\n<!-- end of {name} -->{after}", encoding="utf-8")
