"""Calls of losses, written down in NumPy: the ordinary call of every loss, and what is made of it.

A test takes the ordinary call of a loss, changes it (masks a row, plants NaN, empties it) and lets
every backend make the changed call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat.numpy
import numpy as np

import arraylosses  # noqa: F401  (fills the registry)
from arraylosses._core.domains import Domain
from arraylosses._core.entry import choose
from arraylosses._core.parameters import Rule
from arraylosses._core.registry import LOSSES, Loss
from arraylosses._core.signature import Dims, Signature, is_variadic, shape_of, sizes_of, spread_shape
from arraylosses.cli import kit

# A place to cut arrays: a dimension of the signature, and which of its axes if it has several.
Slot = tuple[str, int]

EVIDENCE = kit.module("case").load()
NAMES = sorted(LOSSES.keys() & EVIDENCE.keys())


@dataclass(frozen=True)
class Call:
    """A call of a loss: arrays by name (those that are given), options by name, all in NumPy."""

    spec: Loss
    arrays: dict[str, Any]
    options: dict[str, Any]

    def __str__(self) -> str:
        return self.spec.name

    @property
    def first(self) -> str:
        """The name of the first array: the prediction."""
        return self.spec.arrays[0]

    @functools.cached_property
    def form(self) -> int:
        """Which alternative of the signature the arrays take."""
        arrays = tuple(self.arrays.get(name) for name in self.spec.arrays)
        return choose(self.spec, array_api_compat.numpy, arrays)

    @property
    def holds_a_part_constant(self) -> bool:
        """Whether the gradient is not the slope of the value, because a part is not differentiated."""
        return "at" in inspect.signature(EVIDENCE[self.spec.name].oracle).parameters

    @property
    def signature(self) -> Signature:
        return self.spec.signatures[self.form]

    @functools.cached_property
    def sizes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in reversed(self.arrays):
            if not self.domain(name).broadcasts:
                found |= sizes_of(self.dims(name), self.arrays[name].shape)
        options = {k: p.default for k, p in self.spec.parameters.items()} | self.options
        counts = {k: options[k] for k in self.spec.rules if type(options[k]) is int}  # such as bins
        found = counts | found | sizes_of(self.dims(self.first), self.arrays[self.first].shape)
        return {dim: found[other] for dim, other in self.spec.tied.items()} | found

    @property
    def item_shape(self) -> tuple[int, ...]:
        return shape_of(self.signature.items, self.sizes)

    @property
    def weight_dims(self) -> Dims:
        return self.spec.weights_in(self.form, self.signature.items)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return shape_of(self.weight_dims, self.sizes)

    def spread(self, weight: Any) -> Any:
        """Weights as they broadcast to the items."""
        return weight.reshape(spread_shape(self.weight_dims, self.signature.items, weight.shape, self.sizes))

    @property
    def mask_dims(self) -> Dims:
        return self.spec.mask

    @property
    def mask_shape(self) -> tuple[int, ...]:
        return shape_of(self.mask_dims, self.sizes)

    def dims(self, name: str) -> Dims:
        return self.signature.inputs[self.spec.arrays.index(name)]

    def domain(self, name: str) -> Domain:
        return self.spec.domains[name][self.form]

    @property
    def dense(self) -> tuple[str, ...]:
        """The arrays that take part in arithmetic."""
        return tuple(name for name in self.arrays if self.domain(name).dense)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The arrays in which the evidence certifies a gradient."""
        certified = EVIDENCE[self.spec.name].wrt
        return self.dense if certified is None else certified

    @property
    def numbers(self) -> dict[str, float]:
        """The parameters that are numbers, in whose place an array may stand."""
        defaults = {k: p.default for k, p in inspect.signature(self.spec.function).parameters.items()}
        values = defaults | self.options
        return {
            name: float(values[name])
            for name, rule in self.spec.rules.items()
            if isinstance(rule, Rule) and rule.numeric and isinstance(values[name], (int, float))
        }

    # --- changed calls ----------------------------------------------------------------------------

    def having(self, **options: Any) -> Call:
        """The same call with other options."""
        return replace(self, options=self.options | options)

    def holding(self, **arrays: Any) -> Call:
        """The same call with other arrays."""
        return replace(self, arrays=self.arrays | arrays)

    def slots(self, dims: Dims) -> list[Slot]:
        """Every axis of `dims` along which there is more than one element, and may be fewer."""
        return [
            (dim, k)
            for dim in dims
            for k, size in enumerate(self.sizes[dim] if is_variadic(dim) else (self.sizes.get(dim, 1),))
            if size > 1 and not dim.isdigit()
        ]

    def axis_in(self, dims: Dims, slot: Slot, ndim: int) -> int | None:
        """The axis that `slot` is in an array of `dims`; None where it has no such axis."""
        dim, k = slot
        if dim not in dims:
            return None
        rank = len(shape_of(dims, self.sizes))
        before = len(shape_of(dims[: dims.index(dim)], self.sizes))
        axis = before + k - (rank - ndim)  # an array that broadcasts may lack leading axes
        return axis if axis >= 0 else None

    def axes_in(self, dims: Dims, slot: Slot) -> list[int]:
        """The axes that `slot` is in an array of `dims`: several for tuples of what stands along it."""
        dim, k = slot
        names = {dim, *(tied for tied, other in self.spec.tied.items() if other == dim)}
        return [len(shape_of(dims[:at], self.sizes)) + k for at, here in enumerate(dims) if here in names]

    def taken(self, dims: Dims, slot: Slot, x: Any, indices: Any) -> Any:
        """Of an array of `dims` what stands at some of the places along an axis."""
        for axis in self.axes_in(dims, slot):
            x = np.take(x, indices, axis)
        return x

    def size(self, slot: Slot) -> int:
        dim, k = slot
        return self.sizes[dim][k] if is_variadic(dim) else self.sizes[dim]

    def axis_of(self, name: str, slot: Slot) -> int | None:
        """The axis that `slot` is in an array; None where it has no such axis or broadcasts along it."""
        x = self.arrays[name]
        axis = self.axis_in(self.dims(name), slot, x.ndim)
        return axis if axis is not None and x.shape[axis] == self.size(slot) else None

    def keeping(self, slot: Slot, indices: Any) -> Call:
        """The call with only some of the elements along an axis, in every array that has it."""
        kept = {}
        for name, x in self.arrays.items():
            axis = self.axis_of(name, slot)
            kept[name] = x if axis is None else np.take(x, np.asarray(indices, dtype=int), axis=axis)
        return replace(self, arrays=kept)

    def planting(self, slot: Slot, index: int, value: float) -> Call:
        """The call with `value` (an illegal label where labels stand) at one place along an axis."""
        planted = {}
        for name, x in self.arrays.items():
            axis = self.axis_of(name, slot)
            planted[name] = x
            if axis is not None and x.dtype != bool:
                place = (slice(None),) * axis + (index,)
                planted[name] = x.copy()
                planted[name][place] = value if x.dtype.kind == "f" else 99
        return replace(self, arrays=planted)

    def changing(self, change: Callable[[Any], Any], *names: str) -> Call:
        """The call with some arrays changed, each if its domain permits what it would hold."""
        changed = {name: change(self.arrays[name]) for name in names}
        return self.holding(**{k: x for k, x in changed.items() if self.permits(k, x)})

    def permits(self, name: str, x: Any) -> bool:
        """Whether the domain of an array permits the values of `x`."""
        return bool(np.all(self.domain(name).valid(array_api_compat.numpy, x)))

    def planting_everywhere(self, value: float) -> Call:
        """The call with `value` in every dense array that a mask covers, illegal labels elsewhere."""
        covered = {
            name: np.full_like(x, value if x.dtype.kind == "f" else 99)
            for name, x in self.arrays.items()
            if x.dtype != bool and x.ndim and all(dim in self.dims(name) for dim in self.mask_dims)
        }
        return self.holding(**covered)

    def mask_without(self, slot: Slot, index: int) -> Any:
        """A mask of all elements but those at one place along an axis."""
        mask = np.ones(self.mask_shape, dtype=bool)
        for axis in self.axes_in(self.mask_dims, slot):
            mask[(slice(None),) * axis + (index,)] = False
        return mask


def _array(domain: Domain, nested: Any) -> Any:
    values = np.asarray(nested)
    if values.dtype == bool:
        return values
    return values.astype(np.float64 if domain.dense else np.int64)


def _option(value: Any) -> Any:
    if isinstance(value, list):
        values = np.asarray(value)
        return values if values.dtype == bool else values.astype(np.float64)
    return value


@functools.cache
def ordinary(name: str) -> Call:
    """The ordinary call of a loss: the first case of its evidence."""
    spec, case = LOSSES[name], EVIDENCE[name].cases[0]
    given = dict(zip(spec.arrays, case.arrays, strict=False))
    guess = {k: np.asarray(v) for k, v in given.items() if v is not None}
    form = choose(spec, array_api_compat.numpy, tuple(guess.get(k) for k in spec.arrays))
    arrays = {k: _array(spec.domains[k][form], v) for k, v in given.items() if v is not None}
    return Call(spec, arrays, {k: _option(v) for k, v in case.options.items()})


def weights(shape: tuple[int, ...]) -> Any:
    """Positive weights, no two neighbours alike, short in binary."""
    return np.resize(np.asarray([1.0, 0.5, 2.0, 0.25, 1.5]), shape)
