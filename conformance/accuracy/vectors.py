"""How far every loss is off the vectors: `python -m conformance accuracy [LOSS …] [--framework NAME …]`.

`vectors.json` has the worst error of the value and of the gradient in every dtype of a framework, in the
units of the vectors, which allow for the sensitivity to the inputs. What is run anew replaces what was
there, so that frameworks can be run one at a time, on machines of their own. `--page` writes docs/accuracy.md
from what has been measured.
"""

from __future__ import annotations

import argparse
import multiprocessing
from typing import Any

from .. import schema
from ..frameworks import FRAMEWORKS, Framework, installed
from ..implementations import ours
from ..runner import run
from . import measured_with, number, read, write
from .page import PAGE, text

MEASURED = "measured"  # the record of when and on what, which stands among the losses


def record(loss: str, framework: Framework, dtype: str) -> dict[str, Any]:
    outcome = run(loss, ours(framework.name), (dtype,))
    gradient = outcome.gradient_ulp
    for finding in outcome.findings:
        print(f"{loss} on {framework.name}: {finding.case} ({finding.dtype}): {finding.what}", flush=True)
    return {
        "cases": outcome.cases,
        "value": number(outcome.value_ulp),
        "gradient": None if gradient is None else number(gradient),
    }


def has(loss: str, framework: Framework) -> bool:
    return all(f"{framework.name} {dtype}" in read("vectors").get(loss, {}) for dtype in framework.dtypes)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance accuracy", description=__doc__)
    parser.add_argument("loss", nargs="*")
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS, metavar="NAME")
    parser.add_argument("--page", action="store_true")
    parser.add_argument(
        "--missing", action="store_true", help="only losses that a framework has no record of"
    )
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many losses at a time")
    asked = parser.parse_args(arguments)
    if asked.page:
        PAGE.write_text(text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if unknown := {*asked.loss} - {*schema.names()}:
        parser.error(f"there are no vectors of {', '.join(sorted(unknown))}")
    jobs = [
        (loss, framework.name)
        for framework in ([FRAMEWORKS[name] for name in asked.framework] if asked.framework else installed())
        for loss in asked.loss or schema.names()
        if not (asked.missing and has(loss, framework))
    ]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for loss, framework, found, machine in pool.imap_unordered(_records, jobs):
            there = read("vectors")
            there[loss] = there.get(loss, {}) | found
            there[MEASURED] = there.get(MEASURED, {}) | {framework: machine}
            write("vectors", there)
    return 0


def _records(job: tuple[str, str]) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """A loss on a framework in all its dtypes, and what that ran on."""
    loss, name = job
    framework = FRAMEWORKS[name]
    found = {f"{name} {dtype}": record(loss, framework, dtype) for dtype in framework.dtypes}
    return loss, name, found, measured_with(**{name: framework.version()}, **framework.runs_with())
