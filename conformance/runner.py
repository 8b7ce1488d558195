"""Hold a loss against its vectors, on every framework and in every dtype that it has.

An outcome keeps what was seen: the worst error of the value and of the gradient in ulp, and of each
case that does not hold the call in full.
"""

from __future__ import annotations

import functools
import importlib
import math
import operator
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES
from arraylosses._core.structures import leaves

from . import schema
from .frameworks import Framework, is_exact, precision


@dataclass
class Failure:
    """A case that does not hold, with all that is needed to see it again."""

    case: str
    dtype: str
    what: str
    expected: Any
    got: Any
    call: str


@dataclass
class Outcome:
    """A loss on a framework."""

    loss: str
    framework: str
    cases: int = 0
    value_ulp: float = 0.0
    gradient_ulp: float | None = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.failures


def run(
    loss: str,
    framework: Framework,
    function: Callable[..., Any] | None = None,
    dtypes: tuple[str, ...] | None = None,
    wanted: Callable[[dict[str, Any]], bool] = lambda case: True,
) -> Outcome:
    """Hold a loss, or another function in its place, against the vectors `wanted`, in all or some dtypes."""
    function = function or getattr(importlib.import_module("arraylosses"), loss)
    outcome = Outcome(loss, framework.name)
    for dtype in dtypes or framework.dtypes:
        with framework.session(dtype):
            for case in cases(loss):
                if not wanted(case):
                    continue
                arrays = filter(None, schema.arrays_of(case).values())
                if all(is_exact(schema.unpack(a), dtype) for a in arrays if a["kind"] == "float"):
                    outcome.cases += 1
                    Check(outcome, framework, dtype, case, function).run()
    framework.forget_compiled()
    return outcome


@functools.cache
def _vectors(loss: str) -> dict[str, Any]:
    return schema.read(loss)


def cases(loss: str) -> Iterator[dict[str, Any]]:
    yield from _vectors(loss)["cases"]


class Call:
    """A case as a function of its arrays by name; equal to that of another case of the same form."""

    def __init__(self, loss: str, function: Any, case: dict[str, Any], constants: dict[str, Any]) -> None:
        self.loss, self.function, self.case, self.constants = loss, function, case, constants
        self.form = (loss, function, *((k, a is None) for k, a in schema.arrays_of(case).items()))
        self.form += (repr(constants),)

    def __call__(self, **given: Any) -> Any:
        options = {k: given[k] for k in given.keys() & self.case["options"].keys()} | self.constants
        return one_array(self.loss, self.function(*schema.arguments(self.case, given), **options))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self.form == other.form

    def __hash__(self) -> int:
        return hash(self.form)


class Check:
    """One case on one framework in one dtype."""

    def __init__(
        self, outcome: Outcome, framework: Framework, dtype: str, case: dict[str, Any], function: Any
    ) -> None:
        self.outcome, self.framework, self.dtype, self.case, self.function = (
            outcome,
            framework,
            dtype,
            case,
            function,
        )
        self.result_dtype = "float64" if dtype == "float64" else "float32"

    def run(self) -> None:
        try:
            self._check()
        except Exception:  # whatever a loss under test raises is what is to be reported
            self._fail("raises", "a result", traceback.format_exc(limit=-3).strip())

    def _check(self) -> None:
        framework, case = self.framework, self.case
        arrays = {k: self._array(a) for k, a in schema.arrays_of(case).items() if a is not None}
        options = {"reduction": "none"} | {k: self._option(v) for k, v in case["options"].items()}
        given = arrays | {k: v for k, v in options.items() if hasattr(v, "dtype")}
        constants = {k: v for k, v in options.items() if k not in given}
        call = Call(self.outcome.loss, self.function, case, constants)

        wrt = [k for k in case["gradient"] if arrays[k].shape == tuple(case["gradient"][k]["shape"])]
        gradients: dict[str, Any] = {}
        if wrt:
            weights = [schema.unpack_number(c) for c in case["cotangent"]]
            cotangent = np.asarray(weights).reshape(case["value"]["shape"])
            value, gradients = framework.both(
                call, given, wrt, framework.asarray(cotangent, self.result_dtype)
            )
        else:
            value = framework.value(call, given)
        if framework.dtype_of(value) != self.result_dtype:
            self._fail("dtype", self.result_dtype, framework.dtype_of(value))
        self._compare("value", case["value"], framework.numpy(value), case["ulp"][0])
        for k, gradient in gradients.items():
            self._compare(f"gradient in {k}", case["gradient"][k], framework.numpy(gradient), case["ulp"][1])

    def _array(self, packed: dict[str, Any]) -> Any:
        return self.framework.asarray(
            schema.unpack(packed), self.dtype if packed["kind"] == "float" else None
        )

    def _option(self, value: Any) -> Any:
        if isinstance(value, dict):
            # A weight is a number of the loss, not an input in a narrow dtype.
            return self.framework.asarray(
                schema.unpack(value), self.result_dtype if value["kind"] == "float" else None
            )
        return (
            tuple(map(self._option, value))
            if isinstance(value, list)
            else value
            if not _is_hex(value)
            else schema.unpack_number(value)
        )

    def _compare(self, what: str, expected: dict[str, Any], got: np.ndarray, allowed: float) -> None:
        """Errors in units of the scale times the precision of the dtype that they came in."""
        shape = tuple(expected["shape"])
        if got.shape != shape:
            self._fail(f"shape of the {what}", shape, got.shape)
            return
        repeated = got.astype(np.float64).reshape(expected.get("repeat", 1), *schema.once(expected)["shape"])
        shape = repeated.shape[1:]
        want = np.asarray([schema.unpack_number(x) for x in expected["data"]]).reshape(shape)
        scale = np.asarray([math.inf if s is None else s for s in expected["scale"]]).reshape(shape)
        promised = np.asarray([x is not None for x in expected["data"]], bool).reshape(shape)
        narrow = what != "value" and self.dtype in ("float16", "bfloat16")
        errors = error_in_ulp(repeated, want, scale, self.dtype if narrow else self.result_dtype)
        errors = np.where(promised, errors, 0.0).reshape(len(repeated), -1).max(axis=1, initial=0.0)
        worst = float(errors.max())
        if what == "value":
            self.outcome.value_ulp = max(self.outcome.value_ulp, worst)
        else:
            self.outcome.gradient_ulp = max(self.outcome.gradient_ulp or 0.0, worst)
        if worst > allowed:
            self._fail(f"{what}: {worst:.3g} ulp, allowed {allowed}", want, repeated[errors.argmax()])

    def _fail(self, what: str, expected: Any, got: Any) -> None:
        self.outcome.failures.append(
            Failure(self.case["name"], self.dtype, what, _plain(expected), _plain(got), self._text())
        )

    def _text(self) -> str:
        """The call, as one would write it."""
        lists = {k: _text_of(a) for k, a in schema.arrays_of(self.case).items() if a}
        arrays = list(map(str, schema.arguments(self.case, lists)))
        options = [
            f"{k}={schema.unpack(v).tolist() if isinstance(v, dict) else self._option(v)!r}"
            for k, v in ({"reduction": "none"} | self.case["options"]).items()
        ]
        return f"{self.outcome.loss}({', '.join(arrays + options)})"


def one_array(loss: str, result: Any) -> Any:
    """Of several results the first; of a structure, the sum of what is in it."""
    if LOSSES[loss].parts:
        return result[0]
    return functools.reduce(operator.add, leaves(result).values())


def error_in_ulp(got: np.ndarray, want: np.ndarray, scale: np.ndarray, dtype: str) -> np.ndarray:
    """How far off each number is; infinite where one is NaN or infinite and the other is not."""
    epsilon, smallest, largest = precision(dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        beyond = np.where(np.abs(want) > largest, np.copysign(math.inf, want), want)
        unit = np.maximum(epsilon * np.where(np.isfinite(scale), scale, np.abs(want)), smallest)
        error = np.abs(got - want) / unit
    same = (got == want) | (got == beyond) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isfinite(got) & np.isfinite(want), error, math.inf))


def _text_of(packed: dict[str, Any]) -> Any:
    lists = schema.unpack(schema.once(packed)).tolist()
    ones = ", 1" * (len(packed["shape"]) - 1)
    return f"np.tile({lists}, ({packed['repeat']}{ones or ','}))" if "repeat" in packed else lists


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and ("0x" in value or value in ("inf", "-inf", "nan"))


def _plain(x: Any) -> Any:
    return x.tolist() if isinstance(x, np.ndarray) else list(x) if isinstance(x, tuple) else x
