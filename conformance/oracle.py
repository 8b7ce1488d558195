"""From a textbook formula to certified numbers: values, gradients, and how sensitive both are.

Everything is computed in mpmath with digits to spare and rounded once, at the end. The reduction is
written out here as the textbook has it, and knows nothing of the library's.

An infinite input stands for a limit: it is replaced by ±1e100, and what comes out beyond ±1e80 is
infinite again. Derivatives are differences over a step of 1e-60, whose error is far below the last
digit of a float64.
"""

from __future__ import annotations

import inspect
import math
import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mpmath import mp, mpc, mpf

from arraylosses._core.nested import regrouped, unfolded
from arraylosses._core.structures import is_structure

from .case import Case, Evidence
from .layout import Layout

DIGITS = 350  # so that what cancels to nothing rounds to 0 even as a float64
STEP = mpf(10) ** -60
HUGE = mpf(10) ** 100
INFINITE = mpf(10) ** 80
# A derivative below this may be nothing but the length of the step: it is taken again over another.
TINY, SHORTER = mpf(10) ** -40, mpf(10) ** -20
# Two one-sided derivatives that differ by more than this, in proportion, are those of a kink.
SMOOTH = mpf(10) ** -10
# The relative change of the inputs from which the sensitivity of a result is taken. It is far below
# the step, so that no change jumps over a kink that the step does not see.
NUDGE = mpf(10) ** -90
SAMPLES = 5
COTANGENT = (1.0, -0.5, 2.0, 0.75, -1.25)
SCALAR_COTANGENT = 1.5

Number = Any
Item = tuple[Number, Number] | None  # a value and its mass, or nothing that counts


@dataclass
class Certified:
    """What a loss must return for a case, and the size against which its errors are measured.

    `gradient` is that of the sum of the results, each times its `cotangent`. NaN in a gradient is
    an element of which nothing is promised.
    """

    value: np.ndarray
    scale: np.ndarray
    cotangent: np.ndarray
    gradient: dict[str, np.ndarray]
    gradient_scale: dict[str, np.ndarray]


def certify(spec: Any, evidence: Evidence, case: Case) -> Certified:
    """Everything that is known about one call."""
    with mp.workdps(DIGITS):
        return Problem(spec, evidence, case).certify()


class Point:
    """Where the loss is evaluated: every element of every array as a number, and every option."""

    def __init__(self, arrays: dict[str, list[Number]], options: dict[str, Any]) -> None:
        self.arrays, self.options = arrays, options

    def moved(self, name: str, at: int, by: Number) -> Point:
        values = list(self.arrays[name])
        values[at] += by
        return Point(self.arrays | {name: values}, self.options)

    def nudged(self, draw: random.Random, dense: set[str]) -> Point:
        """All dense numbers changed a little, up or down."""

        def nudge(x: Number) -> Number:
            finite = isinstance(x, mpf) and mp.isfinite(x) and abs(x) < HUGE
            return x * (1 + draw.choice((-1, 1)) * NUDGE) if finite else x

        arrays = {k: list(map(nudge, v)) if k in dense else v for k, v in self.arrays.items()}
        return Point(arrays, {k: _map(nudge, v) for k, v in self.options.items()})


class Problem:
    """A case, its blocks and their items."""

    def __init__(self, spec: Any, evidence: Evidence, case: Case) -> None:
        missing = (None,) * (len(spec.arrays) - len(case.arrays))
        self.structures = (*map(_structure, case.arrays), *missing)
        if any(map(is_structure, self.structures)):
            spec, arrays = unfolded(spec, self.structures)
            case = replace(case, arrays=arrays)
        self.layout = Layout(spec, case)
        self.evidence, self.case = evidence, case
        layout = self.layout
        self.base = Point(
            {k: [_number(v) for v in a.ravel().tolist()] for k, a in layout.arrays.items()},
            {k: _map(_number, v) for k, v in layout.oracle_options.items()},
        )
        self.asked = inspect.signature(evidence.oracle).parameters
        self.items = [self.block(b, self.base) for b in range(layout.blocks)]
        self.item_shape = layout.lead + self._core_shape()

    # --- evaluation ------------------------------------------------------------------------------

    def block(self, b: int, point: Point) -> Any:
        """The items of one block: nested lists of items, or one."""
        layout = self.layout
        if not layout.block_counts(b):
            return None
        arguments = self._arguments(b, point)
        options = {k: layout.block_option(k, b, v) for k, v in point.options.items()}
        if layout.inner_mask is not None:
            options["where"] = layout.inner_block(b)
        if "reduction" in self.asked:
            options["reduction"] = layout.reduction
        if "at" in self.asked:
            options["at"] = self._arguments(b, self.base)
        return layout.restored(self.evidence.oracle(*arguments, **options))

    def _arguments(self, b: int, point: Point) -> list[Any]:
        """One block of every argument, as the oracle takes it."""
        arrays = tuple(self.layout.block(k, b, point.arrays) for k in self.layout.names)
        return list(regrouped(self.structures, arrays))

    def _core_shape(self) -> tuple[int, ...]:
        """The shape of the items of a block, as the textbook returns them."""
        found = next((items for items in self.items if items is not None), None)
        shape: tuple[int, ...] = ()
        while isinstance(found, list):
            shape += (len(found),)
            found = found[0] if found else None
        if 0 in shape:  # of nothing there is no first one to look into
            shape += (0,) * (len([d for d in self.layout.signature.items if d != "..."]) - len(shape))
        return shape

    def reduced(self, items: list[Any]) -> list[Number]:
        """The results of the call, flat, from the items of all blocks."""
        flat = [_item(i) for block in items for i in _flat(block, self._width(block))]
        weights = self.layout.weight
        if self.layout.row and weights.ndim:  # a tuple of rows weighs what its first row does
            weights = weights.reshape(weights.shape + (1,) * (len(self.item_shape) - weights.ndim))
        weights = np.broadcast_to(weights, self.item_shape).ravel().tolist()
        flat = [None if w == 0 else i for i, w in zip(flat, weights, strict=True)]
        terms = [mpf(0) if i is None else mpf(w) * i[0] for i, w in zip(flat, weights, strict=True)]
        if self.layout.reduction == "none":
            return terms
        total = mp.fsum(terms)
        if self.layout.reduction == "sum":
            return [total]
        mass = mp.fsum(mpf(w) * i[1] for i, w in zip(flat, weights, strict=True) if i is not None)
        if self.layout.normalizer is not None:
            mass = mpf(self.layout.normalizer)
        return [total / mass if mass else mpf(0)]

    def _width(self, block: Any) -> int:
        return math.prod(self.item_shape[len(self.layout.lead) :]) if block is None else 1

    def results(self, point: Point) -> list[Number]:
        return self.reduced([self.block(b, point) for b in range(self.layout.blocks)])

    # --- derivatives -----------------------------------------------------------------------------

    def slope(self, name: str, at: int, point: Point, items: list[Any]) -> tuple[Number, Number] | None:
        """The derivatives of Σ cotangent·result from the left and from the right."""
        touched = self.layout.blocks_of(name, at)
        here = self._functional(items, touched)
        if here is None:
            return None

        def one_sided(step: Number) -> Number:
            there = list(items)
            moved = point.moved(name, at, step)
            for b in touched:
                there[b] = self.block(b, moved)
            value = self._functional(there, touched)
            return None if value is None else (value - here) / step

        def both(step: Number) -> tuple[Number, Number] | None:
            left, right = one_sided(-step), one_sided(step)
            if left is None and right is None:
                return None
            # At the edge of the domain there is a derivative from the inside only.
            return (right if left is None else left), (left if right is None else right)

        step = STEP * max(1, abs(point.arrays[name][at]))
        found = both(step)
        if found is None or not 0 < (size := max(map(abs, found))) < TINY:
            return found
        again = both(step * SHORTER)
        if again is None or max(map(abs, again)) < size * mp.sqrt(SHORTER):
            return mpf(0), mpf(0)
        return again

    def _functional(self, items: list[Any], touched: list[int]) -> Number | None:
        """Σ cotangent·result, of what the touched blocks change; None if it is not finite."""
        results = self.reduced(items)
        if self.layout.reduction == "none":
            width = math.prod(self.item_shape[len(self.layout.lead) :])
            changed = [i for b in touched for i in range(b * width, (b + 1) * width)]
        else:
            changed = [0]
        total = mpf(0)
        for i in changed:
            r = results[i]
            if isinstance(r, mpc) or not mp.isfinite(r):
                return None
            total += r * mpf(float(self.cotangent.ravel()[i]))
        return total

    def gradients(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The gradient in one array, and the size against which its errors are measured."""
        shape = self.layout.arrays[name].shape
        slopes = [self.slope(name, i, self.base, self.items) for i in range(math.prod(shape))]
        values = [None if s is None else self._at_kink(*s) for s in slopes]
        scales = [mpf(0) if v is None else abs(v) for v in values]
        for k in range(SAMPLES):
            point = self.base.nudged(random.Random(f"{self.case.name} {name} {k}"), self.layout.dense)
            items = [self.block(b, point) for b in range(self.layout.blocks)]
            for i, s in enumerate(slopes):
                if s is None or self.case.strict:
                    continue
                if _is_kink(*s):
                    scales[i] = max(scales[i], *map(abs, s))
                elif (moved := self.slope(name, i, point, items)) is not None:
                    change = abs(mp.fsum(moved) / 2 - values[i]) / NUDGE
                    scales[i] = max(scales[i], abs(values[i]) + change)
        largest = max(scales, default=mpf(0))
        scales = [s if s or self.case.strict else largest for s in scales]
        values = [self._without_slope(name, i) if v is None else v for i, v in enumerate(values)]
        return _as_array(values, shape), _as_array(scales, shape)

    def _at_kink(self, left: Number, right: Number) -> Number:
        if self.case.kink == "split" and _is_kink(left, right):
            return (left + right) / 2
        if left * right <= 0:  # a kink, or a minimum, around which the slopes differ by the step
            return mpf(0)
        return min(left, right, key=abs) if _is_kink(left, right) else (left + right) / 2

    def _without_slope(self, name: str, at: int) -> Number:
        """0 where a label is illegal; otherwise nothing is promised."""
        touched = self.layout.blocks_of(name, at)
        finite = all(self.layout.has_no_nan(b, self.base.arrays) for b in touched)
        return mpf(0) if self.layout.labelled and finite and self._is_nan(touched) else mp.nan

    def _is_nan(self, touched: list[int]) -> bool:
        found = [_item(i) for b in touched for i in _flat(self.items[b], self._width(self.items[b]))]
        return any(i is not None and not isinstance(i[0], mpc) and mp.isnan(i[0]) for i in found)

    # --- all of it -------------------------------------------------------------------------------

    def certify(self) -> Certified:
        case = self.case
        shape = self.item_shape if self.layout.reduction == "none" else ()
        count = math.prod(shape)
        cycle = [COTANGENT[i % len(COTANGENT)] for i in range(count)]
        self.cotangent = np.asarray(cycle if self.layout.reduction == "none" else SCALAR_COTANGENT).reshape(
            shape
        )
        results = self.reduced(self.items)
        value = (
            _as_array(results, shape) if case.value is None else np.asarray(case.value, float).reshape(shape)
        )
        scale = _as_array(self._scale(results), shape)
        gradient, gradient_scale = {}, {}
        for name in self._certified():
            stated = case.gradient or {}
            if name in stated and stated[name] is None:
                continue
            if name in stated:
                found = np.asarray(stated[name], float).reshape(self.layout.arrays[name].shape)
                gradient[name], gradient_scale[name] = found, np.ones_like(found)
            else:
                gradient[name], gradient_scale[name] = self.gradients(name)
        return Certified(value, scale, self.cotangent, gradient, gradient_scale)

    def _certified(self) -> list[str]:
        """The arrays whose gradient is wanted."""
        wrt, layout = self.evidence.wrt, self.layout
        if wrt is None:
            return layout.differentiable
        return [k for name in wrt for k in layout.arrays if k.partition("[")[0] == name]

    def _scale(self, results: list[Number]) -> list[Number]:
        """|result|, with the terms of a sum taken one by one, and its sensitivity to the inputs."""
        sizes = [abs(r) for r in results]
        if self.case.strict:
            return sizes
        if self.layout.reduction != "none":
            absolute = [_map_items(lambda i: (abs(i[0]), i[1]), block) for block in self.items]
            sizes = [abs(r) for r in self.reduced(absolute)]
        changes = [mpf(0)] * len(results)
        for k in range(SAMPLES):
            moved = self.results(self.base.nudged(random.Random(f"{self.case.name} {k}"), self.layout.dense))
            for i, (a, b) in enumerate(zip(moved, results, strict=True)):
                if _is_finite(a) and _is_finite(b):
                    changes[i] = max(changes[i], abs(a - b) / NUDGE)
        return [a + b for a, b in zip(sizes, changes, strict=True)]


def _structure(x: Any) -> Any:
    """An argument of a case as a structure of NumPy arrays."""
    if isinstance(x, dict):
        return {key: _structure(part) for key, part in x.items()}
    return tuple(map(_structure, x)) if isinstance(x, tuple) else None if x is None else np.asarray(x)


def _is_kink(left: Number, right: Number) -> bool:
    return abs(left - right) > SMOOTH * max(abs(left), abs(right))


def _is_finite(x: Number) -> bool:
    return not isinstance(x, mpc) and bool(mp.isfinite(x))


def _number(x: Any) -> Any:
    """A float as an exact number, infinity as one that is huge; anything else as it is."""
    if not isinstance(x, float):
        return x
    return math.copysign(1, x) * HUGE if math.isinf(x) else mpf(x)


def _as_array(numbers: list[Number], shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray([_rounded(x) for x in numbers], float).reshape(shape)


def _rounded(x: Number) -> float:
    if isinstance(x, mpc):
        return math.nan
    return math.copysign(math.inf, x) if abs(x) > INFINITE and not mp.isnan(x) else float(x)


def _item(x: Any) -> Item:
    if x is None or isinstance(x, tuple):
        return x
    return x if isinstance(x, tuple) else (x, mpf(1))


def _flat(x: Any, width: int) -> list[Any]:
    """Nested lists as one; a block that does not count is so many items that do not."""
    if isinstance(x, list):
        return [leaf for part in x for leaf in _flat(part, 1)]
    return [x] * width


def _map(f: Any, x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return np.asarray([f(v) for v in x.ravel().tolist()], dtype=object).reshape(x.shape)
    return f(x)


def _map_items(f: Any, x: Any) -> Any:
    if isinstance(x, list):
        return [_map_items(f, part) for part in x]
    return None if x is None else f(_item(x))
