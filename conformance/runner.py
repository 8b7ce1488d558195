"""Hold an implementation of a loss against its vectors, in every dtype that its framework has."""

from __future__ import annotations

import fnmatch
import functools
import math
import operator
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES
from arraylosses._core.structures import leaves

from . import schema
from .frameworks import is_exact, precision
from .implementations import Implementation, lacks, takes
from .outcomes import (
    IMPRECISE,
    NAN,
    NOT_TRACEABLE,
    RAISES,
    WRONG,
    Finding,
    Outcome,
    severest,
)

# What is no more than rounding: that much of the result, or a few roundings of it in half precision; or more
# roundings of the largest number that goes in, if these are not more than that much of 1.
IN_PROPORTION = 2.0**-10
FEW_ROUNDINGS, ROUNDINGS = 16, 64
MANY = 64  # numbers, of which a finding keeps the worst
HALF = ("float16", "bfloat16")


@dataclass(frozen=True)
class Wanted:
    """Which cases, by tag, by name and by dtype; all of them, if nothing is said."""

    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()

    def __call__(self, case: dict[str, Any]) -> bool:
        return (not self.tags or not {*self.tags}.isdisjoint(case["tags"])) and (
            not self.names or any(fnmatch.fnmatchcase(case["name"], name) for name in self.names)
        )

    @property
    def everything(self) -> bool:
        return not (self.tags or self.names or self.dtypes)


ALL = Wanted()


def run(
    loss: str,
    implementation: Implementation,
    dtypes: tuple[str, ...] | None = None,
    wanted: Callable[[dict[str, Any]], bool] = ALL,
) -> Outcome:
    """Hold a loss of an implementation against the vectors `wanted`, in all or some dtypes."""
    framework = implementation.framework
    outcome = Outcome(loss, implementation.name)
    for dtype in dtypes or implementation.dtypes:
        with framework.session(dtype):
            for case in cases(loss):
                if wanted(case) and _exists(case, dtype):
                    Check(outcome, implementation, dtype, case).run()
    framework.forget_compiled()
    return outcome


@functools.cache
def _vectors(loss: str) -> dict[str, Any]:
    return schema.read(loss)


def cases(loss: str) -> Iterator[dict[str, Any]]:
    yield from _vectors(loss)["cases"]


def _exists(case: dict[str, Any], dtype: str) -> bool:
    """Whether all numbers of a case are numbers of the dtype."""
    arrays = filter(None, schema.arrays_of(case).values())
    return all(is_exact(schema.unpack(a), dtype) for a in arrays if a["kind"] == "float")


class Call:
    """A case as a function of its arrays by name; equal to that of another case of the same form."""

    def __init__(self, loss: str, function: Any, case: dict[str, Any], constants: dict[str, Any]) -> None:
        self.loss, self.function, self.case, self.constants = loss, function, case, constants
        self.form = (loss, function, *((k, a is None) for k, a in schema.arrays_of(case).items()))
        self.form += (repr(constants),)

    def __call__(self, **given: Any) -> Any:
        options = {k: given[k] for k in given.keys() & self.case["options"].keys()} | self.constants
        return one_array(self.loss, self.function(*arguments(self.case, given), **options))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self.form == other.form

    def __hash__(self) -> int:
        return hash(self.form)


def failure() -> str:
    """The exception at hand, in which files are named from their package on."""
    home = re.escape(str(Path(__file__).parents[1]))
    return re.sub(rf"(?:[^\s\"']*/site-packages|{home})/", "", traceback.format_exc(limit=-3).strip())


class Check:
    """One case of one implementation in one dtype."""

    def __init__(
        self, outcome: Outcome, implementation: Implementation, dtype: str, case: dict[str, Any]
    ) -> None:
        self.outcome, self.implementation, self.dtype, self.case = outcome, implementation, dtype, case
        self.framework = implementation.framework
        self.function = implementation.functions[outcome.loss]
        self.result_dtype = "float64" if dtype == "float64" else "float32"
        self.findings: list[Finding] = []

    def run(self) -> None:
        try:
            self._check()
        except NotImplementedError as reason:
            self.outcome.skip(str(reason) or "not implemented")
            return
        except Exception:  # whatever a loss under test raises is what is to be reported
            self._find(RAISES, "raises", "a result", failure())
        self.outcome.count(severest(f.kind for f in self.findings))
        self.outcome.findings += self.findings

    def _check(self) -> None:
        case = self.case
        arrays = {k: self._array(a) for k, a in schema.arrays_of(case).items() if a is not None}
        options = {k: self._option(v) for k, v in case["options"].items()}
        if missing := lacks(self.function, len(arguments(case, arrays)), options):
            raise NotImplementedError(missing)
        if "reduction" not in options and takes(self.function, "reduction"):
            options["reduction"] = "none"
        given = arrays | {k: v for k, v in options.items() if hasattr(v, "dtype")}
        constants = {k: v for k, v in options.items() if k not in given}
        call = Call(self.outcome.loss, self.function, case, constants)
        value, gradients = self._results(call, given, self._wrt(arrays))
        if not hasattr(value, "shape") and not isinstance(value, float):
            raise TypeError(f"{self.outcome.loss} returned {type(value).__name__}, not an array")
        self.got_dtype = self.framework.dtype_of(value)
        self._compare_dtype()
        self._compare("value", case["value"], self.framework.numpy(value), case["ulp"][0])
        for k, gradient in gradients.items():
            self._compare(
                f"gradient in {k}", case["gradient"][k], self.framework.numpy(gradient), case["ulp"][1]
            )

    def _wrt(self, arrays: dict[str, Any]) -> list[str]:
        """The arrays whose gradient is compared."""
        if not self.implementation.differentiable:
            return []
        gradient, constant = self.case["gradient"], self.implementation.constants_of(self.outcome.loss)
        return [
            k
            for k in gradient
            if arrays[k].shape == tuple(gradient[k]["shape"]) and k.partition("[")[0] not in constant
        ]

    def _results(self, call: Call, given: dict[str, Any], wrt: list[str]) -> tuple[Any, dict[str, Any]]:
        framework = self.framework
        try:
            return self._compute(framework, call, given, wrt)
        except Exception as error:
            if framework.is_of_tracing(error):
                self._find(NOT_TRACEABLE, "compiled", "a result", f"{type(error).__name__}: {error}")
                return self._compute(framework.eager, call, given, wrt)
            raise

    def _compute(
        self, framework: Any, call: Call, given: dict[str, Any], wrt: list[str]
    ) -> tuple[Any, dict[str, Any]]:
        if not wrt:
            return framework.value(call, given), {}
        weights = [schema.unpack_number(c) for c in self.case["cotangent"]]
        cotangent = np.asarray(weights).reshape(self.case["value"]["shape"])
        if self.implementation.is_ours:
            return framework.both(call, given, wrt, framework.asarray(cotangent, self.result_dtype))
        # What another one returns may have another shape, which is said before it meets the cotangent.
        value = framework.value(call, given)
        if tuple(getattr(value, "shape", ())) != cotangent.shape:
            return value, {}
        return framework.both(call, given, wrt, framework.asarray(cotangent, framework.dtype_of(value)))

    def _array(self, packed: dict[str, Any]) -> Any:
        return self.framework.asarray(
            schema.unpack(packed), self.dtype if packed["kind"] == "float" else None
        )

    def _option(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return option_of(value)
        # A weight is a number of the loss, not an input in a narrow dtype.
        return self.framework.asarray(
            schema.unpack(value), self.result_dtype if value["kind"] == "float" else None
        )

    # --- comparisons -----------------------------------------------------------------------------

    def _compare_dtype(self) -> None:
        """Of half precision ours is single precision; another's may be either."""
        got, same_as_in = self.got_dtype, not self.implementation.is_ours and self.got_dtype == self.dtype
        if self.implementation.keeps_dtype and not same_as_in and got != self.result_dtype:
            self._find(WRONG, f"dtype: {got}, expected {self.result_dtype}", self.result_dtype, got)

    def _compare(self, what: str, expected: dict[str, Any], got: np.ndarray, allowed: float) -> None:
        """Errors in units of the scale times the precision of the dtype that they came in."""
        shape = tuple(expected["shape"])
        if got.shape != shape:
            self._find(WRONG, f"shape of the {what}: {got.shape}, expected {shape}", shape, got.shape)
            return
        once = schema.once(expected)["shape"]
        repeated = got.astype(np.float64).reshape(expected.get("repeat", 1), *once)
        want = np.asarray([schema.unpack_number(x) for x in expected["data"]]).reshape(once)
        scale = np.asarray([math.inf if s is None else s for s in expected["scale"]]).reshape(once)
        promised = np.asarray([x is not None for x in expected["data"]], bool).reshape(once)
        dtype = self._unit(what)
        errors = np.where(promised, error_in_ulp(repeated, want, scale, dtype), 0.0)
        worst = float(np.max(errors, initial=0.0))
        finite = float(np.max(errors, initial=0.0, where=np.isfinite(errors)))
        if what == "value":
            self.outcome.value_ulp = max(self.outcome.value_ulp, finite)
        else:
            self.outcome.gradient_ulp = max(self.outcome.gradient_ulp or 0.0, finite)
        if worst > allowed:
            kind = self._kind(repeated, want, scale, errors > allowed, dtype)
            at = None
            if got.size > MANY:
                want, errors = np.broadcast_to(want, errors.shape).reshape(shape), errors.reshape(shape)
                at = [int(i) for i in np.unravel_index(np.argmax(errors), shape)]
                want, got = want[tuple(at)], got[tuple(at)]
            self._find(kind, f"{what}: {worst:.3g} ulp, allowed {allowed}", want, got, worst, at)

    def _unit(self, what: str) -> str:
        """The dtype whose precision can be asked for: gradients are in that of the inputs."""
        narrow = self.dtype in HALF and (what != "value" or self.got_dtype in HALF)
        return self.dtype if narrow else self.result_dtype

    def _kind(
        self, got: np.ndarray, want: np.ndarray, scale: np.ndarray, beyond: np.ndarray, dtype: str
    ) -> str:
        if np.any(np.isnan(got) & ~np.isnan(want) & beyond):
            return NAN
        epsilon = precision(dtype)[0]
        size = np.where(np.isfinite(scale), scale, np.abs(want))
        proportion = in_proportion(dtype)
        roundings = ROUNDINGS * epsilon * max(1.0, self._largest())
        rounding = np.maximum(proportion * size, min(roundings, proportion))
        with np.errstate(invalid="ignore"):
            off = np.abs(got - want)  # from infinity, everything else is infinitely far
        return IMPRECISE if np.all(~beyond | (np.isfinite(off) & (off <= rounding))) else WRONG

    def _largest(self) -> float:
        """The largest finite number that goes in."""
        arrays = [schema.unpack(a) for a in schema.arrays_of(self.case).values() if a]
        return max((float(np.max(np.abs(a[np.isfinite(a)]), initial=0.0)) for a in arrays), default=0.0)

    def _find(
        self,
        kind: str,
        what: str,
        expected: Any,
        got: Any,
        ulp: float | None = None,
        at: list[int] | None = None,
    ) -> None:
        name, tags = self.case["name"], self.case["tags"]
        call = call_text(self.outcome.loss, self.case)
        numbers = _plain(expected), _plain(got)
        self.findings.append(Finding(name, self.dtype, kind, what, *numbers, call, ulp, tags, at))


def in_proportion(dtype: str) -> float:
    """How much of a result is no more than rounding."""
    return max(IN_PROPORTION, FEW_ROUNDINGS * precision(dtype)[0])


def arguments(case: dict[str, Any], arrays: dict[str, Any]) -> list[Any]:
    """The arguments of a case, without those at the end that are left out."""
    found = schema.arguments(case, arrays)
    while found and found[-1] is None:
        found.pop()
    return found


def call_text(loss: str, case: dict[str, Any]) -> str:
    """The call of a case, as one would write it."""

    class Text(str):
        """Which shows without quotes."""

        __repr__ = str.__str__

    def lists(packed: dict[str, Any]) -> Text:
        once = schema.unpack(schema.once(packed)).tolist()
        return Text(f"{once} * {packed['repeat']}" if packed.get("repeat", 1) > 1 else once)

    arrays = {k: lists(a) for k, a in schema.arrays_of(case).items() if a}
    options = [
        f"{k}={lists(v) if isinstance(v, dict) else option_of(v)!r}"
        for k, v in ({"reduction": "none"} | case["options"]).items()
    ]
    return f"{loss}({', '.join([*map(str, arguments(case, arrays)), *options])})"


def option_of(value: Any) -> Any:
    """An option, an array in it as one of NumPy."""
    if isinstance(value, dict):
        return schema.unpack(value)
    if isinstance(value, list):
        return tuple(map(option_of, value))
    return schema.unpack_number(value) if _is_hex(value) else value


def one_array(loss: str, result: Any) -> Any:
    """Of several results the first; of a structure, the sum of what is in it."""
    if LOSSES[loss].parts and isinstance(result, tuple):
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


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and ("0x" in value or value in ("inf", "-inf", "nan"))


def _plain(x: Any) -> Any:
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else list(x) if isinstance(x, tuple) else x
