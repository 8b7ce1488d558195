"""The arrays of a call, cut along the dimensions of its signature: rows left out, parts, other orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arraylosses._core.signature import Dims, covers, is_variadic, shape_of, spread_shape

from ..case import Case
from ..layout import Layout

Array = Any
Arrays = dict[str, Any]
Slot = tuple[str, int]  # a dimension of the signature, and which of its axes if it has several


class Slices:
    """What the dimensions of a loss are in a call, and what stands along them."""

    def __init__(self, spec: Any, arrays: Arrays, options: dict[str, Any]) -> None:
        layout = Layout(spec, Case("", tuple(arrays.values()), options))
        self.spec, self.sizes, self.dense = spec, layout.sizes, layout.dense
        self.batch: Dims = layout.signature.items[:1]
        self.items: Dims = layout.signature.items if layout.reduction == "none" else ()
        self.mask: Dims = spec.mask_in(layout.form)
        self.dims: dict[str, Dims] = dict(zip(layout.names, layout.signature.inputs, strict=True))
        self.domains = {k: spec.domains[k][layout.form] for k in layout.arrays}

    def slots(self, dims: Dims) -> list[Slot]:
        """Every axis of `dims` along which there is more than one element, and may be fewer."""
        return [
            (dim, k)
            for dim in dict.fromkeys(dims)
            for k, size in enumerate(self.sizes[dim] if is_variadic(dim) else (self.sizes[dim],))
            if size > 1 and not dim.isdigit()
        ]

    def size(self, slot: Slot) -> int:
        dim, k = slot
        return self.sizes[dim][k] if is_variadic(dim) else self.sizes[dim]

    def axes(self, dims: Dims, slot: Slot) -> list[int]:
        """The axes of an array of `dims` along a slot: several for tuples of what stands along it."""
        dim, k = slot
        names = {dim, *(tied for tied, other in self.spec.tied.items() if other == dim)}
        return [len(shape_of(dims[:at], self.sizes)) + k for at, each in enumerate(dims) if each in names]

    def axes_of(self, name: str, x: Array, slot: Slot) -> list[int]:
        """The same for one of the arrays; none where it broadcasts."""
        return self.axes(self.dims[name], slot) if self.is_whole(name, x) else []

    def is_whole(self, name: str, x: Array) -> bool:
        """Whether an array has all of its dimensions, and broadcasts along none."""
        return x is not None and x.shape == shape_of(self.dims[name], self.sizes)

    def take(self, dims: Dims, slot: Slot, x: Array, indices: Sequence[int]) -> Array:
        """Of an array of `dims` what stands at these places."""
        for axis in self.axes(dims, slot):
            x = np.take(x, indices, axis)
        return x

    def put(self, dims: Dims, slot: Slot, x: Array, indices: Sequence[int]) -> Array:
        """An array of `dims` with what `take` would find in it, and 0 elsewhere."""
        for axis in self.axes(dims, slot):
            shape = (*x.shape[:axis], self.size(slot), *x.shape[axis + 1 :])
            whole = np.zeros(shape, x.dtype)
            whole[(slice(None),) * axis + (list(indices),)] = x
            x = whole
        return x

    def keep(self, arrays: Arrays, slot: Slot, indices: Sequence[int]) -> Arrays:
        """The arrays with only what stands at these places."""
        kept = {}
        for name, x in arrays.items():
            for axis in self.axes_of(name, x, slot):
                x = np.take(x, indices, axis)
            kept[name] = x
        return kept

    def without(self, slot: Slot, index: int) -> Array:
        """A mask of everything but what stands at one place."""
        mask = np.ones(shape_of(self.mask, self.sizes), bool)
        for axis in self.axes(self.mask, slot):
            mask[(slice(None),) * axis + (index,)] = False
        return mask

    def plant(self, arrays: Arrays, mask: Array, number: float, label: int) -> Arrays:
        """The arrays with a number, or a label, wherever they are masked."""
        planted = dict(arrays)
        for name, x in arrays.items():
            dims = self.dims[name]
            if self.is_whole(name, x) and x.ndim and covers(self.mask, dims) and x.dtype != bool:
                kept = mask.reshape(spread_shape(self.mask, dims, mask.shape, self.sizes))
                planted[name] = np.where(kept, x, number if x.dtype.kind == "f" else label)
        return planted

    def along(self, dims: Sequence[str], name: str, draw: Any) -> Array:
        """Numbers that differ along `dims`, shaped to broadcast against one of the arrays."""
        dims = tuple(d for d in self.dims[name] if d in dims)
        shape = shape_of(dims, self.sizes)
        return draw(shape).reshape(spread_shape(dims, self.dims[name], shape, self.sizes))
