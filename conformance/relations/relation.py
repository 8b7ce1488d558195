"""Metamorphic relations: two calls whose results must agree, whatever the right number is.

A relation makes pairs of calls from a case of the vectors. The left call is held against the right one,
or against several, or against a formula in NumPy: the items, and the gradients of all arrays that the
vectors certify. Errors are in units of the scale of the case that a pair was made from. `laws` lists them.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES, Loss

from .. import runner
from ..frameworks import Framework
from ..runner import error_in_ulp
from .calls import VALUE, Array, Bench, Call, Case, NotApplicable
from .slices import Slices

VALUE_ULP, GRADIENT_ULP = 16, 32
EXACT = (0.0, 0.0)


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
        call, slices = _ordinary(spec.name, case["options"].get("reduction", "none"))
        yield replace(call, wrt=tuple(k for k in call.wrt if k in case["gradient"])), slices


@functools.cache
def _ordinary(loss: str, reduction: str) -> tuple[Call, Slices]:
    name = "ordinary" if reduction == "none" else reduction
    call = Call.of(loss, next(case for case in runner.cases(loss) if case["name"] == name))
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
            found += _of_case(relation, loss, case, bench, constants)
        if not found:  # a function that has no items may have their mean
            mean = next(case for case in plain_cases(loss) if case["name"] == "mean")
            found += _of_case(relation, loss, mean | {"name": "ordinary"}, bench, constants)
    framework.forget_compiled()
    yield from found


def _of_case(
    relation: Relation, loss: str, case: Case, bench: Bench, constants: Iterable[str]
) -> Iterator[Finding]:
    gradient = {k: g for k, g in case["gradient"].items() if k not in constants}
    for pair in relation.pairs(LOSSES[loss], case | {"gradient": gradient}):
        yield from _findings(relation, pair, bench)


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
        yield finding("raises", math.inf, 0, "a result", runner.failure())
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
