"""Make the vectors: every case, its certified value and gradient, byte for byte the same each time."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

import arraylosses
from arraylosses._core.registry import LOSSES

from . import schema
from .case import Case, Evidence, load
from .derived import derived_cases, many_items
from .oracle import certify
from .tags import tags_of


def evidence_of(loss: str) -> Evidence:
    evidence = load()
    if loss not in evidence:
        raise KeyError(f"there is no evidence for {loss}: write a case in conformance/cases")
    return evidence[loss]


def generate(loss: str) -> dict[str, Any]:
    """The vectors of a loss."""
    assert arraylosses  # importing it has filled the registry
    spec, evidence = LOSSES[loss], evidence_of(loss)
    ordinary = _written(spec, evidence, evidence.cases[0])
    items = tuple(ordinary["value"]["shape"])
    derived = [_written(spec, evidence, case) for case in derived_cases(spec, evidence, items)]
    mean = next(case for case in derived if case["name"] == "mean")
    long = many_items(spec, evidence, mean, math.prod(items))
    own = [_written(spec, evidence, case) for case in evidence.cases[1:]]
    cases = [ordinary, *derived, *([long] if long else []), *own]
    return {
        "schema": schema.SCHEMA,
        "loss": loss,
        "family": spec.family,
        "peers": evidence.peers,
        "cases": [case | {"tags": tags_of(spec, case)} for case in cases],
    }


def main(losses: list[str]) -> int:
    """Write the vectors of some losses, or of all."""
    for loss in losses or list(load()):
        start = time.perf_counter()
        schema.write(generate(loss))
        print(f"{loss}: {time.perf_counter() - start:.1f} s", flush=True)
    return 0


def _written(spec: Any, evidence: Evidence, case: Case) -> dict[str, Any]:
    written: dict[str, Any] = {"name": case.name, "tags": list(case.tags)}
    if case.kink == "split":
        written["tags"].append("kink")
    written["arrays"] = {
        k: None if a is None else _array(spec, k, a) for k, a in zip(spec.arrays, case.arrays, strict=False)
    }
    written["options"] = {k: _option(v) for k, v in case.options.items()}
    return written | _results(spec, evidence, case, written) | _tolerance(evidence, case)


def _results(spec: Any, evidence: Evidence, case: Case, written: dict[str, Any]) -> dict[str, Any]:
    try:
        certified = certify(spec, evidence, case)
    except Exception as error:
        error.add_note(f"in case {case.name!r} of {spec.name}")
        raise
    return {
        "value": _certain(certified.value) | {"scale": _scale(certified.scale)},
        "cotangent": schema.pack(certified.cotangent)["data"],
        "gradient": {
            k: _certain(g, unsure=True) | {"scale": _scale(certified.gradient_scale[k])}
            for k, g in certified.gradient.items()
        },
    }


def _tolerance(evidence: Evidence, case: Case) -> dict[str, Any]:
    value = case.ulp if case.ulp is not None else evidence.ulp
    gradient = case.gradient_ulp if case.gradient_ulp is not None else evidence.gradient_ulp
    reason = case.reason or evidence.reason
    return {"ulp": [value, gradient]} | ({"reason": reason} if reason else {})


def _array(spec: Any, name: str, nested: Any) -> Any:
    if isinstance(nested, dict):
        return {key: _array(spec, name, part) for key, part in nested.items()}
    if isinstance(nested, tuple):
        return [_array(spec, name, part) for part in nested]
    a = np.asarray(nested)
    if all(domain.dense for domain in spec.domains[name]):
        a = a.astype(float)
    return schema.fold(a)


def _option(value: Any) -> Any:
    if isinstance(value, list | np.ndarray):
        a = np.asarray(value)
        return schema.pack(a if a.dtype.kind == "b" else a.astype(float))
    if isinstance(value, tuple):
        return list(map(_option, value))
    return schema.pack_number(value) if isinstance(value, float) else value


def _certain(a: np.ndarray, unsure: bool = False) -> dict[str, Any]:
    """A result; where `unsure`, NaN is an element of which nothing is promised."""
    packed = schema.pack(a)
    if unsure:
        packed["data"] = [None if x == "nan" else x for x in packed["data"]]
    return {k: packed[k] for k in ("shape", "data")}


def _scale(a: np.ndarray) -> list[float | None]:
    """Three digits are enough for a size; null where it is not finite."""
    return [float(f"{x:.2e}") if math.isfinite(x) else None for x in a.ravel().tolist()]
