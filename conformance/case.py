"""How evidence is written down: a loss, its textbook formula, and the inputs that tell."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Nested = Any
Oracle = Callable[..., Any]

EVIDENCE: dict[str, Evidence] = {}


@dataclass(frozen=True)
class Evidence:
    """What is known about a loss without asking its implementation.

    `oracle` is the textbook formula in mpmath. It takes one block of the arrays, which is all but
    their leading `...` dimensions, as numbers and nested lists, and the options of the case (but
    for those that choose an axis, weigh, mask or reduce). It returns the item of the block, or a
    nested list of its items. An item is a number; or a pair of a number and its class-weighted
    mass; or None if it does not count. Rows that are masked are deleted before; a mask that is
    finer than the items comes as the keyword `where`. A loss that holds a part of itself constant
    takes the keyword `at`: the arrays where it is evaluated, which do not move when it is
    differentiated. A loss whose items depend on the reduction takes the keyword `reduction`.

    `wrt` names the arrays whose gradient is certified: all dense ones, unless said. `peers` says
    how others call the loss.
    """

    loss: str
    oracle: Oracle
    cases: tuple[Case, ...]
    peers: dict[str, str] = field(default_factory=dict)
    wrt: tuple[str, ...] | None = None
    ulp: float = 8
    gradient_ulp: float = 16
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """One call of a loss: its arrays in their order, its options by name.

    A list is an array; a tuple or a dictionary is a structure of arrays. The oracle of a structure takes
    it whole, with nested lists for arrays, and returns one item, reduced as the keyword `reduction` says.

    `kink` says which derivative stands at a kink: of the two one-sided derivatives 0 if it lies
    between them, else the lesser (`"least"`), or half their sum where a maximum is tied
    (`"split"`). `value` and `gradient` state what has no limit to be computed from; a `gradient` of
    None is not certified. `strict` measures errors against the result alone, without allowing for
    its sensitivity to the inputs. A wider tolerance (`ulp`, `gradient_ulp`) needs a `reason`.
    """

    name: str
    arrays: tuple[Nested, ...]
    options: dict[str, Any]
    tags: tuple[str, ...] = ()
    kink: str = "least"
    value: Nested | None = None
    gradient: dict[str, Nested | None] | None = None
    strict: bool = False
    ulp: float | None = None
    gradient_ulp: float | None = None
    reason: str = ""


def case(
    name: str,
    *arrays: Nested,
    tags: tuple[str, ...] = (),
    kink: str = "least",
    value: Nested | None = None,
    gradient: dict[str, Nested | None] | None = None,
    strict: bool = False,
    ulp: float | None = None,
    gradient_ulp: float | None = None,
    reason: str = "",
    **options: Any,
) -> Case:
    """A `Case`, written as the call that it is."""
    if (ulp is not None or gradient_ulp is not None) and not reason:
        raise ValueError(f"{name}: a tolerance needs a reason")
    return Case(name, arrays, options, tags, kink, value, gradient, strict, ulp, gradient_ulp, reason)


def evidence(loss: str, *cases: Case, **facts: Any) -> Callable[[Oracle], Oracle]:
    """Declare the decorated textbook formula and these cases as the evidence for a loss.

    The first case is an ordinary one with at least three items. Weights, masks, empty inputs and
    the reductions are derived from it. The others return their items unless they say otherwise.
    """

    def declare(oracle: Oracle) -> Oracle:
        if loss in EVIDENCE and EVIDENCE[loss].oracle.__module__ != oracle.__module__:
            raise ValueError(f"there is evidence for {loss} already")
        if not cases or cases[0].name != "ordinary":
            raise ValueError(f"{loss}: the first case must be an ordinary one, named so")
        if len({c.name for c in cases}) < len(cases):
            raise ValueError(f"{loss}: two cases have one name")
        if (facts.get("ulp") or facts.get("gradient_ulp")) and not facts.get("reason"):
            raise ValueError(f"{loss}: a tolerance needs a reason")
        EVIDENCE[loss] = Evidence(loss, oracle, cases, **facts)
        return oracle

    return declare


def load() -> dict[str, Evidence]:
    """Import every module of cases."""
    package = importlib.import_module(".cases", __package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return EVIDENCE


# --- inputs: short enough in binary to be the same number in every dtype -------------------------


def uniform(seed: int, *shape: int, low: float = -3, high: float = 3) -> Nested:
    """Numbers between `low` and `high` with seven significant bits."""
    draw = random.Random(seed)
    return _fill(shape, lambda: _short(draw.uniform(low, high)))


def labels(seed: int, *shape: int, count: int) -> Nested:
    """Integers from 0 to `count` - 1."""
    draw = random.Random(seed)
    return _fill(shape, lambda: draw.randrange(count))


def signs(seed: int, *shape: int) -> Nested:
    """Labels -1.0 and 1.0."""
    draw = random.Random(seed)
    return _fill(shape, lambda: draw.choice((-1.0, 1.0)))


def bits(seed: int, *shape: int) -> Nested:
    """Labels 0.0 and 1.0."""
    draw = random.Random(seed)
    return _fill(shape, lambda: draw.choice((0.0, 1.0)))


def distributions(seed: int, *shape: int) -> Nested:
    """Probabilities that sum to exactly 1 along the last axis, all positive."""
    draw = random.Random(seed)

    def row() -> list[float]:
        n = shape[-1]
        cuts = sorted(draw.sample(range(1, 64), n - 1))
        return [(b - a) / 64 for a, b in zip([0, *cuts], [*cuts, 64], strict=True)]

    return _fill(shape[:-1], row)


def one_hot(labels: Nested, count: int) -> Nested:
    """The rows of the identity that labels name."""
    if isinstance(labels, int):
        return [float(c == labels) for c in range(count)]
    return [one_hot(part, count) for part in labels]


def _fill(shape: tuple[int, ...], draw: Callable[[], Any]) -> Nested:
    if not shape:
        return draw()
    return [_fill(shape[1:], draw) for _ in range(shape[0])]


def _short(x: float) -> float:
    return float(f"{round(x * 16)}") / 16 if abs(x) < 8 else float(round(x))
