"""How far every loss is off the vectors: `python -m conformance accuracy [LOSS …] [--framework NAME …]`.

`vectors.json` has the worst error of the value and of the gradient in every dtype of a framework, in the
units of the vectors, which allow for the sensitivity to the inputs. What is run anew replaces what was
there, so that frameworks can be run one at a time. `--page` writes docs/accuracy.md from what has been
measured.
"""

from __future__ import annotations

import argparse
import os
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
    asked = parser.parse_args(arguments)
    if asked.page:
        PAGE.write_text(text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if unknown := {*asked.loss} - {*schema.names()}:
        parser.error(f"there are no vectors of {', '.join(sorted(unknown))}")
    for framework in [FRAMEWORKS[name] for name in asked.framework] if asked.framework else installed():
        for loss in asked.loss or schema.names():
            if asked.missing and has(loss, framework):
                continue
            found = {
                f"{framework.name} {dtype}": record(loss, framework, dtype) for dtype in framework.dtypes
            }
            there = read("vectors")
            there[loss] = there.get(loss, {}) | found
            versions = {framework.name: framework.version()}
            if framework.name == "jax" and (flags := os.environ.get("XLA_FLAGS")):
                versions["XLA_FLAGS"] = flags
            there[MEASURED] = there.get(MEASURED, {}) | {framework.name: measured_with(**versions)}
            write("vectors", there)
    return 0
