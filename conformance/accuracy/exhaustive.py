"""Every float32 there is, through every loss of one number: `python -m conformance exhaustive [LOSS …]`.

Value and gradient are those of NumPy in float32. What they are held against is the same loss in float64,
compiled by PyTorch, which is several times as fast as NumPy; and that against the textbook formula, where
the errors were largest and at numbers of every size. `exhaustive.json` has each setting of a
loss (see `settings.py`) as soon as it is through, and settings that it has are not done again unless their
loss is named. `--every N` takes one block in N, to have a quick look, and is marked as that.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES
from arraylosses.autodiff.blocks import keep_freed_memory

from .. import schema
from ..case import load
from ..oracle import certify
from . import measured_with, merge, number, read
from .settings import Setting, all_settings
from .ulp import ulps

BLOCK = 2**17  # as many inputs at a time as the cache is good for
BLOCKS = 2**32 // BLOCK
BOUNDS = (0.5, 1, 2, 4)
WORST, WORST_OF_BLOCK = 1000, 4  # how many are kept to be confirmed
SHOWN = 5  # and how many are written down
QUANTITIES = ("value", "gradient")


def block(b: int) -> np.ndarray:
    """The b-th block of all float32, in the order of their bits."""
    return np.arange(b * BLOCK, (b + 1) * BLOCK, dtype=np.uint32).view(np.float32)


@dataclass
class Tally:
    """The errors of one quantity, of which so many are kept."""

    keep: int = WORST
    inputs: int = 0
    beyond: dict[float, int] = field(default_factory=lambda: dict.fromkeys(BOUNDS, 0))
    worst: list[tuple[float, float]] = field(default_factory=list)  # errors and inputs, the largest first

    def add(self, x: np.ndarray, errors: np.ndarray) -> None:
        self.inputs += x.size
        largest = float(errors.max())
        for bound in BOUNDS:
            if largest > bound:
                self.beyond[bound] += int(np.count_nonzero(errors > bound))
        least = self.worst[-1][0] if len(self.worst) == self.keep else -1.0
        if largest > least:
            at = np.argpartition(errors, -WORST_OF_BLOCK)[-WORST_OF_BLOCK:]
            found = [(float(errors[i]), float(x[i])) for i in at]
            self.worst = sorted(self.worst + found, key=lambda each: -each[0])[: self.keep]

    def record(self) -> dict[str, Any]:
        return {
            "ulp": number(self.worst[0][0]),
            "worst": {schema.pack_number(x): number(error) for error, x in self.worst[:SHOWN]},
            "beyond": {str(bound): count for bound, count in self.beyond.items()},
        }


Errors = Callable[..., tuple[np.ndarray, np.ndarray]]  # in ulp, of inputs, values and gradients


def plain(setting: Setting) -> Errors:
    """Held against NumPy in float64, which is slow, but needs no compiler."""

    def errors(x: np.ndarray, *results: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        exact = setting.value_and_gradient(x.astype(np.float64))
        value, gradient = (ulps(np, r.astype(np.float64), e) for r, e in zip(results, exact, strict=True))
        return value, gradient

    return errors


class Compiled:
    """Held against PyTorch in float64."""

    def __init__(self, setting: Setting) -> None:
        import torch

        torch.set_num_threads(1)
        torch._inductor.config.compile_threads = 1

        def errors(x: Any, value: Any, gradient: Any) -> tuple[Any, Any]:
            x, value, gradient = (a.to(torch.float64) for a in (x, value, gradient))
            exact, pull = torch.func.vjp(lambda x: setting.items(torch, x), x)
            slope = pull(torch.ones_like(x))[0]
            return (
                ulps(torch, value, exact).to(torch.float32),
                ulps(torch, gradient, slope).to(torch.float32),
            )

        self.compiled = torch.compile(errors, fullgraph=True, dynamic=False)
        self.tensor = torch.from_numpy

    def __call__(self, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, gradient = self.compiled(*map(self.tensor, arrays))
        return value.numpy(), gradient.numpy()


def sweep(setting: Setting, every: int = 1) -> dict[str, Any]:
    """What is found of a setting: a record of the file."""
    start = time.perf_counter()
    keep_freed_memory()
    tallies = {quantity: Tally(WORST // min(every, 10)) for quantity in QUANTITIES}
    nan = dict.fromkeys(("inputs", *QUANTITIES), 0)  # of NaN inputs, and results of them that are not NaN
    compiled: Errors = plain(setting) if every > 64 else Compiled(setting)
    with np.errstate(all="ignore"):
        for b in range(0, BLOCKS, every):
            x = block(b)
            results = setting.value_and_gradient(x)
            # In a compiled function of torch.func PyTorch has derivatives of its own at infinity.
            compare = compiled if np.isfinite(x).all() else plain(setting)
            errors = dict(zip(QUANTITIES, compare(x, *results), strict=True))
            if np.isnan(x[-1]):  # the last of its sign
                given = np.isnan(x)
                errors["gradient"] = np.where(given, 0, errors["gradient"])  # of which nothing is promised
                nan["inputs"] += int(np.count_nonzero(given))
                for quantity, result in zip(QUANTITIES, results, strict=True):
                    nan[quantity] += int(np.count_nonzero(given & ~np.isnan(result)))
            for quantity, tally in tallies.items():
                tally.add(x, errors[quantity])
    records = {quantity: tally.record() for quantity, tally in tallies.items()}
    points = [x for tally in tallies.values() for _, x in tally.worst]
    for quantity, off in confirmed(setting, points + every_size()).items():
        records[quantity]["float64"] = off
    return {
        "swept": setting.swept,
        "inputs": tallies["value"].inputs,
        "every": every,
        **records,
        "nan": nan,
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }


def every_size() -> list[float]:
    """Zeros, and one number in every binade of each sign, in another place of each."""
    sizes = [math.ldexp(1 + (e * 37 % 101) / 128, e) for e in range(-126, 128)]
    return [0.0, -0.0, *sizes, *(-x for x in sizes)]


def confirmed(setting: Setting, points: list[float]) -> dict[str, Any]:
    """How far float64 is from the textbook formula at worst, in ulp of float32, and where."""
    evidence = replace(load()[setting.loss], wrt=(setting.swept,))
    worst: dict[str, tuple[float, float]] = dict.fromkeys(QUANTITIES, (0.0, math.nan))
    points = [x for x in dict.fromkeys(points) if math.isfinite(x)]  # the vectors have the limits
    with np.errstate(all="ignore"):
        results = setting.value_and_gradient(np.asarray(points))
        for group in range(0, len(points), 8):
            some = points[group : group + 8]
            certified = certify(LOSSES[setting.loss], evidence, setting.case(some))
            signs = np.asarray(certified.cotangent)
            exact = certified.value, certified.gradient[setting.swept] / signs
            for quantity, result, want in zip(QUANTITIES, results, exact, strict=True):
                errors = ulps(np, result[group : group + 8], want)
                if quantity == "gradient":  # of which sometimes nothing is promised
                    errors = np.where(np.isnan(want) | ~np.isfinite(certified.value), 0.0, errors)
                i = int(np.argmax(errors))
                worst[quantity] = max(worst[quantity], (float(errors[i]), some[i]), key=lambda each: each[0])
    return {k: {"ulp": number(e), "at": schema.pack_number(x)} for k, (e, x) in worst.items()}


def cost(setting: Setting) -> float:
    """The time that a block takes, about."""
    x, times = block(BLOCKS // 4 - BLOCKS // 128), []  # from a half on
    for _ in range(3):
        start = time.process_time()
        setting.value_and_gradient(x)
        times.append(time.process_time() - start)
    return min(times)


def _sweep(job: tuple[Setting, int]) -> tuple[Setting, dict[str, Any]]:
    return job[0], sweep(*job) | measured_with("numpy", "torch", "mpmath")


def wanted(losses: list[str]) -> Iterator[Setting]:
    """The settings of the losses that are named, or those that have not been through."""
    there = read("exhaustive")
    for loss, settings in all_settings().items():
        for setting in settings:
            known = there.get(loss, {}).get(setting.key, {})
            if loss in losses or (not losses and known.get("every") != 1):
                yield setting


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance exhaustive", description=__doc__)
    parser.add_argument("loss", nargs="*")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one block in N, which is made odd")
    parser.add_argument("--processes", type=int, default=1, metavar="N")
    asked = parser.parse_args(arguments)
    if unknown := {*asked.loss} - all_settings().keys():
        parser.error(f"not a loss of one number: {', '.join(sorted(unknown))}")
    every = asked.every | 1  # or only a few places of a binade would be seen
    jobs = [(setting, every) for setting in sorted(wanted(asked.loss), key=cost)]
    with multiprocessing.get_context("spawn").Pool(asked.processes, maxtasksperchild=1) as pool:
        for setting, record in pool.imap_unordered(_sweep, jobs):
            merge("exhaustive", setting.loss, setting.key, record)
            found = ", ".join(f"{quantity} {record[quantity]['ulp']} ulp" for quantity in QUANTITIES)
            print(f"{setting.loss}({setting.key}): {found}, {record['minutes']} min", flush=True)
    return 0
