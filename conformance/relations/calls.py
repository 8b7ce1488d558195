"""A call of a loss on the arrays of NumPy, and the bench that makes it on a framework."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES

from .. import schema
from ..frameworks import FRAMEWORKS, Framework, is_exact
from ..implementations import lacks, takes
from ..runner import one_array, option_of

Array = Any
Case = dict[str, Any]
VALUE = "value"
COTANGENT = (1.0, -0.5, 2.0, 0.75, -1.25)


def cotangent_of(shape: tuple[int, ...]) -> Array:
    """Weights of items in a gradient, neither 1 nor alike."""
    return np.resize(COTANGENT, shape) if shape else np.asarray(-1.25)


@dataclass(frozen=True)
class Call:
    """A call of a loss, or of a formula in its place, on the arrays of NumPy.

    `scales` are those of the value and of the gradients; `way` is how it is run (see `Bench`).
    """

    loss: str
    arrays: dict[str, Array | None]
    options: dict[str, Any]
    cotangent: Array
    wrt: tuple[str, ...]
    scales: dict[str, Array]
    ulp: tuple[float, float]
    formula: Callable[..., Any] | None = None
    way: str = "plain"
    tangents: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, loss: str, case: Case) -> Call:
        """A case as a call, its cotangent and its scales those of the vector."""
        arrays = {k: None if a is None else schema.unpack(a) for k, a in case["arrays"].items()}
        wrt = {k: g for k, g in case["gradient"].items() if list(arrays[k].shape) == g["shape"]}
        return cls(
            loss,
            arrays,
            {"reduction": "none"} | {k: option_of(v) for k, v in case["options"].items()},
            np.asarray([schema.unpack_number(c) for c in case["cotangent"]]).reshape(case["value"]["shape"]),
            tuple(wrt),
            {k: _scale(v) for k, v in ({VALUE: case["value"]} | wrt).items()},
            tuple(case["ulp"]),
        )

    def having(
        self, arrays: dict[str, Array] | None = None, options: dict[str, Any] | None = None, **changes: Any
    ) -> Call:
        """The call with other arrays and options. Its scales are then known as a whole only."""
        changes.setdefault("scales", {k: np.max(v, initial=0.0) for k, v in self.scales.items()})
        return replace(
            self, arrays=self.arrays | (arrays or {}), options=self.options | (options or {}), **changes
        )

    def reduced(self, reduction: str) -> Call:
        """The call of the ordinary items, reduced."""
        if reduction == "none" or not self.cotangent.ndim:
            return self
        return self.having(options={"reduction": reduction}, cotangent=cotangent_of(()))

    def option(self, name: str) -> Any:
        """An option, or its default."""
        return self.options.get(name, LOSSES[self.loss].parameters[name].default)

    def __str__(self) -> str:
        name = self.loss if self.formula is None else self.formula.__name__
        arrays = [str(None if x is None else x.tolist()) for x in self.arrays.values()]
        options = [f"{k}={v.tolist() if hasattr(v, 'tolist') else v!r}" for k, v in self.options.items()]
        way = "" if self.way == "plain" else f"{self.way}: "
        return f"{way}{name}({', '.join(arrays + options)})"


def _scale(packed: dict[str, Any]) -> Array:
    """Infinite, which is the size of the number itself, where the vector promises nothing."""
    pairs = zip(packed["scale"], packed["data"], strict=True)
    scale = [math.inf if s is None or x is None else s for s, x in pairs]
    return np.asarray(scale).reshape(packed["shape"])


class NotApplicable(Exception):
    """A function lacks what a call needs."""


@dataclass(frozen=True)
class Program:
    """A function as one of its arrays by name; equal to that of another call of the same form."""

    loss: str
    function: Callable[..., Any]
    names: tuple[str, ...]
    constants: tuple[tuple[str, Any], ...]

    def __call__(self, **given: Any) -> Any:
        options = {k: x for k, x in given.items() if k not in self.names}
        arrays = [given.get(k) for k in self.names]
        return one_array(self.loss, self.function(*arrays, **dict(self.constants), **options))


class Bench:
    """Functions on a framework in one dtype, which runs calls in the way that they ask for."""

    def __init__(
        self,
        functions: dict[str, Callable[..., Any]],
        framework: Framework,
        dtype: str,
        differentiable: bool = True,
    ) -> None:
        self.functions, self.framework, self.dtype = functions, framework, dtype
        self.differentiable = differentiable
        self.result_dtype = "float64" if dtype == "float64" else "float32"
        self.known: dict[int, tuple[Call, dict[str, Array]]] = {}  # several pairs have one call

    def dtype_of(self, what: str) -> str:
        """The dtype in which a value or a gradient comes."""
        return self.result_dtype if what == VALUE else self.dtype

    def is_exact(self, call: Call) -> bool:
        """Whether the dtype has the arrays of a call as they are."""
        arrays = (x for x in call.arrays.values() if x is not None and x.dtype.kind == "f")
        return all(is_exact(x, self.dtype) for x in arrays)

    def __call__(self, call: Call) -> dict[str, Array]:
        """The value and the gradients, as arrays of float64."""
        if id(call) not in self.known:
            self.known[id(call)] = call, self._found(call)
        return self.known[id(call)][1]

    def _found(self, call: Call) -> dict[str, Array]:
        if call.formula is not None:
            return Bench({}, FRAMEWORKS["numpy"], "float64")._run(call, call.formula)
        if call.loss not in self.functions:
            raise NotApplicable(call.loss)
        return self._run(call, self.functions[call.loss])

    def _run(self, call: Call, function: Callable[..., Any]) -> dict[str, Array]:
        framework = self.framework.eager if call.way == "eager" else self.framework
        given, program = self._program(call, function)
        if call.way in ("forward", "reverse"):
            return {VALUE: self._slope(call, program, given)}
        if call.way == "compiled":
            program = framework.compiled(program)
        elif call.way == "batched":
            program = framework.batched(program, [k for k, x in call.arrays.items() if x is not None])
        if program is None:
            raise NotApplicable(call.way)
        gradients: dict[str, Any] = {}
        if call.wrt and self.differentiable:
            cotangent = framework.asarray(call.cotangent, self.result_dtype)
            value, gradients = framework.both(program, given, list(call.wrt), cotangent)
        else:
            value = framework.value(program, given)
        found = {VALUE: value} | gradients
        return {k: framework.numpy(x).astype(np.float64) for k, x in found.items()}

    def _slope(self, call: Call, program: Any, given: dict[str, Any]) -> Array:
        """Σ cotangent · derivative along the tangents, forward or backward."""
        if not self.differentiable:
            raise NotApplicable("derivatives")
        framework = self.framework
        if call.way == "forward":
            tangents = {k: framework.asarray(t, self.dtype) for k, t in call.tangents.items()}
            slope = framework.numpy(framework.forward(program, given, tangents)).astype(np.float64)
            return np.sum(slope * call.cotangent)
        cotangent = framework.asarray(call.cotangent, self.result_dtype)
        _, gradients = framework.both(program, given, list(call.tangents), cotangent)
        return sum(
            (np.sum(framework.numpy(g).astype(np.float64) * call.tangents[k]) for k, g in gradients.items()),
            np.zeros(()),
        )

    def _program(self, call: Call, function: Callable[..., Any]) -> tuple[dict[str, Any], Any]:
        """The arrays of a call on the framework, and the function of them."""
        arrays = dict(call.arrays)
        while arrays and next(reversed(arrays.values())) is None:
            arrays.popitem()
        options = dict(call.options)
        if options.get("reduction") == "none" and not takes(function, "reduction"):
            del options["reduction"]  # a function without it returns items
        if missing := lacks(function, len(arrays), options):
            raise NotApplicable(missing)
        given = {k: self._array(x, self.dtype) for k, x in arrays.items() if x is not None}
        numbers = {k: np.asarray(x) for k, x in options.items() if isinstance(x, (np.ndarray, np.generic))}
        given |= {k: self._array(x, self.result_dtype) for k, x in numbers.items()}
        constants = tuple((k, x) for k, x in options.items() if k not in given)
        return given, Program(call.loss, function, tuple(arrays), constants)

    def _array(self, x: Array, dtype: str) -> Any:
        return self.framework.asarray(x, dtype if x.dtype.kind == "f" else None)
