"""The worst cases: how far every loss has been found to be off, and at which input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arraylosses.cli import kit

accuracy = kit.module("accuracy")
COLUMNS = ("loss", "call", "of", "dtype", "on", "measured", "ulp", "at")


def rows() -> dict[str, Any]:
    """The records of the accuracy files, one row for the value and one for each gradient."""
    return {"columns": COLUMNS, "rows": [*_exhaustive(), *_sampled(), *_vectors()]}


def _exhaustive() -> Iterator[list[Any]]:
    for loss, records in accuracy.read("exhaustive").items():
        for key, r in records.items():
            how = "every float32" if r["every"] == 1 else f"float32, 1 in {r['every']}"
            for what in ("value", "gradient"):
                at = next(iter(r[what]["worst"]), None)
                of = what if what == "value" else f"gradient in {r['swept']}"
                yield _row(loss, key, of, "float32", "numpy", how, r[what]["ulp"], [at])


def _sampled() -> Iterator[list[Any]]:
    for loss, records in accuracy.read("sampled").items():
        for key, r in records.items():
            for what, each in r.items():
                if isinstance(each, dict) and "worst" in each:
                    how, (at, _) = f"{r['inputs']:,} inputs", each["worst"][0]
                    yield _row(loss, key, what, "float32", "numpy", how, each["ulp"], at)


def _vectors() -> Iterator[list[Any]]:
    for loss, records in accuracy.read("vectors").items():
        for key, r in records.items() if loss != "measured" else ():
            framework, dtype = key.split()
            for what in ("value", "gradient"):
                if r[what] is not None:
                    yield _row(loss, "", what, dtype, framework, f"{r['cases']} vectors", r[what], [])


def _row(loss: str, call: str, of: str, dtype: str, on: str, how: str, ulp: Any, at: list[Any]) -> list[Any]:
    """Inputs are both the exact hexadecimal digits that the files have, and a number."""
    inputs = [[x, float(f"{float.fromhex(x):.9g}")] for x in at if x is not None]
    return [loss, call, of, dtype, on, how, ulp, inputs]
