"""Metamorphic relations: two calls whose results must agree, whatever the right number is.

A relation makes pairs of calls from a case of the vectors. The left call is held against the right one,
or against several, or against a formula in NumPy: the items, and the gradients of all arrays that the
vectors certify. Errors are in units of the scale of the case that a pair was made from. `laws` lists them.
"""

from __future__ import annotations

import functools
import inspect
import math
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES, Loss

from . import runner, schema
from .frameworks import FRAMEWORKS, Framework, is_exact
from .runner import error_in_ulp, one_array
from .slices import Slices

Array = Any
Case = dict[str, Any]
VALUE = "value"
VALUE_ULP, GRADIENT_ULP = 16, 32
EXACT = (0.0, 0.0)
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
            {"reduction": "none"} | {k: _option(v) for k, v in case["options"].items()},
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
        if reduction == "none":
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


def _option(value: Any) -> Any:
    if isinstance(value, dict):
        return schema.unpack(value)
    if isinstance(value, list):
        return tuple(map(_option, value))
    is_number = isinstance(value, str) and ("0x" in value or value in ("inf", "-inf", "nan"))
    return schema.unpack_number(value) if is_number else value


def _scale(packed: dict[str, Any]) -> Array:
    """Infinite, which is the size of the number itself, where the vector promises nothing."""
    pairs = zip(packed["scale"], packed["data"], strict=True)
    scale = [math.inf if s is None or x is None else s for s, x in pairs]
    return np.asarray(scale).reshape(packed["shape"])


@dataclass(frozen=True)
class Pair:
    """Two calls whose results are linked.

    `items` makes the value of the left one from those of the right ones, linearly; `gradients` the
    gradient in an array of the left one from those of the right ones, which are given by array. What is
    not named there is the gradient in the array of that name. The cotangents are the calls' own. What the
    left call has may be `illegal`: then it may also be refused.
    """

    left: Call
    right: tuple[Call, ...]
    items: Callable[..., Array] = lambda value: value
    gradients: dict[str, Callable[..., Array]] = field(default_factory=dict)
    illegal: bool = False

    def linked(self, what: str, found: list[dict[str, Array]]) -> Array:
        """The value or a gradient of the left call, as the right ones have it."""
        if what == VALUE:
            return self.items(*(each[VALUE] for each in found))
        if what in self.gradients:
            return self.gradients[what](*found)
        return found[0][what]


Pairs = Callable[[Loss, Case], Iterator[Pair]]


@dataclass(frozen=True)
class Relation:
    """A law: its name, what it says in one sentence, and the pairs that it makes of a case.

    `ulp` is what the value and the gradient may be off by; an exact relation has 0 of both.
    """

    name: str
    says: str
    pairs: Pairs
    ulp: tuple[float, float] = (VALUE_ULP, GRADIENT_ULP)

    def allowed(self, pair: Pair, what: str) -> float:
        """Both sides may be off by what their vectors allow."""
        of_gradient = what != VALUE
        mine = self.ulp[of_gradient]
        return mine and max(mine, 2 * max(call.ulp[of_gradient] for call in (pair.left, *pair.right)))

    def applies_to(self, loss: str) -> bool:
        return any(True for case in plain_cases(loss) for _ in self.pairs(LOSSES[loss], case))


def relation(name: str, ulp: tuple[float, float] = (VALUE_ULP, GRADIENT_ULP)) -> Callable[[Pairs], Relation]:
    """The relation of the pairs that the decorated function makes; its docstring is what it says."""
    return lambda pairs: Relation(name, inspect.getdoc(pairs) or "", pairs, ulp)


def ordinary(spec: Loss, case: Case) -> Iterator[tuple[Call, Slices]]:
    """The ordinary case, and what its dimensions are; of other cases nothing."""
    if case["name"] == "ordinary":
        call, slices = _ordinary(spec.name)
        yield replace(call, wrt=tuple(k for k in call.wrt if k in case["gradient"])), slices


@functools.cache
def _ordinary(loss: str) -> tuple[Call, Slices]:
    call = Call.of(loss, next(runner.cases(loss)))
    return call, Slices(LOSSES[loss], call.arrays, call.options)


def times(factor: float) -> Callable[[Array], Array]:
    return lambda value: factor * value


def each(names: Iterable[str], change: Callable[[str, Array], Array]) -> dict[str, Callable[..., Array]]:
    """Gradients that are each made from the one in the array of the same name."""
    return {k: lambda found, k=k: change(k, found[k]) for k in names}


@dataclass(frozen=True)
class Finding:
    """What a relation saw of one number of a pair: by how much it is off, and the calls in full."""

    relation: str
    loss: str
    dtype: str
    what: str
    ulp: float
    holds: bool
    expected: Any
    got: Any
    call: str


class NotApplicable(Exception):
    """A function lacks what a call needs."""


def plain_cases(loss: str) -> Iterator[Case]:
    """The cases without structures, and of not so many items that rounding shows."""
    for case in runner.cases(loss):
        if "long" not in case["tags"] and all(a is None or "kind" in a for a in case["arrays"].values()):
            yield case


def check(
    relation: Relation,
    loss: str,
    functions: dict[str, Callable[..., Any]],
    framework: Framework,
    dtype: str,
    differentiable: bool = True,
    constants: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """Hold functions, by the name of the loss that they compute, to a relation.

    Nothing is found where the functions cannot take the calls: an argument, another loss, a way to run.
    Gradients in `constants` are left out.
    """
    found: list[Finding] = []
    with framework.session(dtype), np.errstate(all="ignore"):
        bench = Bench(functions, framework, dtype, differentiable)
        for case in plain_cases(loss):
            gradient = {k: g for k, g in case["gradient"].items() if k not in constants}
            for pair in relation.pairs(LOSSES[loss], case | {"gradient": gradient}):
                found += _findings(relation, pair, bench)
    framework.forget_compiled()
    yield from found


def _findings(relation: Relation, pair: Pair, bench: Bench) -> Iterator[Finding]:
    left, right = pair.left, pair.right
    if not all(map(bench.is_exact, (left, *right))):
        return
    calls = f"{left}\nagainst {' and '.join(map(str, right))}"

    def finding(what: str, ulp: float, allowed: float, want: Any, got: Any) -> Finding:
        return Finding(
            relation.name, left.loss, bench.dtype, what, ulp, ulp <= allowed, _plain(want), _plain(got), calls
        )

    try:
        found = [bench(call) for call in right]  # a compiler would hide what is not implemented
        got = bench(left)
    except (NotApplicable, NotImplementedError):
        return
    except Exception:  # whatever a function under test raises is what is to be reported
        if pair.illegal:
            return
        yield finding("raises", math.inf, 0, "a result", traceback.format_exc(limit=-3).strip())
        return
    scales = [
        {k: np.broadcast_to(call.scales.get(k, math.inf), x.shape) for k, x in each.items()}
        for call, each in zip(right, found, strict=True)
    ]
    for what, x in got.items():
        try:
            want, scale = pair.linked(what, found), np.abs(pair.linked(what, scales))
        except (ValueError, IndexError) as error:  # items of another shape than the loss has
            yield finding(f"shape of the {_named(what)}", math.inf, 0, str(error), x.shape)
            continue
        if x.shape != want.shape:
            yield finding(f"shape of the {_named(what)}", math.inf, 0, want.shape, x.shape)
            continue
        ulp = float(np.max(error_in_ulp(x, want, scale, bench.dtype_of(what)), initial=0.0))
        yield finding(_named(what), ulp, relation.allowed(pair, what), want, x)


def _named(what: str) -> str:
    return what if what == VALUE else f"gradient in {what}"


def _plain(x: Any) -> Any:
    return x.tolist() if isinstance(x, np.ndarray) else x


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
        if options.get("reduction") == "none" and not _takes(function, "reduction"):
            del options["reduction"]  # a function without it returns items
        try:
            if (signature := _signature(function)) is not None:
                signature.bind(*arrays.values(), **options)
        except TypeError as error:
            raise NotApplicable(str(error)) from None
        given = {k: self._array(x, self.dtype) for k, x in arrays.items() if x is not None}
        numbers = {k: np.asarray(x) for k, x in options.items() if isinstance(x, (np.ndarray, np.generic))}
        given |= {k: self._array(x, self.result_dtype) for k, x in numbers.items()}
        constants = tuple((k, x) for k, x in options.items() if k not in given)
        return given, Program(call.loss, function, tuple(arrays), constants)

    def _array(self, x: Array, dtype: str) -> Any:
        return self.framework.asarray(x, dtype if x.dtype.kind == "f" else None)


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """None if a function does not tell."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def _takes(function: Callable[..., Any], name: str) -> bool:
    signature = _signature(function)
    return signature is None or any(
        name == k or p.kind is p.VAR_KEYWORD for k, p in signature.parameters.items()
    )
