"""Shapes: what a signature such as "(..., c), (...) -> (...)" says, and arrays held against it.

Every array's whole shape is written out. A name is one dimension, the same size wherever it
stands; a number is a dimension of that size; `...` and names with a star are any number of
dimensions. After the arrow stands the shape of the items, which are what a reduction reduces.
Alternatives are separated by `|`, the first that fits being taken.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

Dims = tuple[str, ...]
Sizes = dict[str, Any]
_SHAPE = re.compile(r"\(([^()]*)\)")


def is_variadic(dim: str) -> bool:
    return dim == "..." or dim.startswith("*")


def parse_dims(text: str) -> Dims:
    """The dimensions in "(n, c, *s)"."""
    dims = tuple(dim for dim in re.split(r"[,\s]+", text.strip().strip("()").strip()) if dim)
    if not all(re.fullmatch(r"\.\.\.|\*?[a-z]\w*|\d+", dim) for dim in dims):
        raise TypeError(f"{text!r} is not the shape of an array")
    if sum(map(is_variadic, dims)) > 1:
        raise TypeError(f"{text!r} has more than one part of open length")
    return dims


@dataclass(frozen=True)
class Signature:
    """One alternative: the dimensions of each array, and of the items."""

    inputs: tuple[Dims, ...]
    items: Dims
    pointwise: bool

    @classmethod
    def parse(cls, text: str) -> Signature:
        before, arrow, after = text.partition("->")
        inputs = tuple(map(parse_dims, _SHAPE.findall(before)))
        if not arrow or not inputs or len(_SHAPE.findall(after)) != 1:
            raise TypeError(f"{text!r} is not a signature such as '(..., c), (...) -> (...)'")
        items = parse_dims(after)
        return cls(inputs, items, pointwise={items, *inputs} == {("...",)})

    def __str__(self) -> str:
        return f"{', '.join(map(write, self.inputs))} -> {write(self.items)}"


def write(dims: Dims) -> str:
    return f"({', '.join(dims)})"


def fits(dims: Dims, ndim: int) -> bool:
    """Whether an array of `ndim` dimensions can have these."""
    return ndim >= len(dims) - 1 if any(map(is_variadic, dims)) else ndim == len(dims)


def sizes_of(dims: Dims, shape: tuple[int, ...]) -> Sizes:
    """What each dimension is in an array of this shape."""
    found: Sizes = {}
    spare = len(shape) - len(dims) + 1
    at = 0
    for dim in dims:
        width = spare if is_variadic(dim) else 1
        found[dim] = tuple(shape[at : at + width]) if is_variadic(dim) else shape[at]
        at += width
    return found


def agree(known: Any, found: Any) -> bool:
    """Whether two sizes are equal; a size that a lazy library does not know yet (NaN) agrees."""
    if isinstance(known, tuple):
        return len(known) == len(found) and all(map(agree, known, found))
    return bool(known == found) or (isinstance(known, float) and math.isnan(known)) or found != found


def covers(mask: Dims, dims: Dims) -> bool:
    """Whether a mask of these dimensions takes elements out of an array: the array has them all, as often."""
    return all(dims.count(dim) >= mask.count(dim) for dim in mask)


def natural_axis(dims: Dims, dim: str, ndim: int) -> int:
    """Where `dim` stands, counted from the end of an array of `ndim` dimensions."""
    at = dims.index(dim)
    return at - ndim if any(map(is_variadic, dims[at:])) else at - len(dims)


def shape_of(dims: Dims, sizes: Sizes) -> tuple[int, ...]:
    """The shape that `dims` have when their sizes are known."""
    shape: tuple[int, ...] = ()
    for dim in dims:
        size = int(dim) if dim.isdigit() else sizes[dim]
        shape += size if isinstance(size, tuple) else (size,)
    return shape


def spread_shape(dims: Dims, to: Dims, shape: tuple[int, ...], sizes: Sizes) -> tuple[int, ...]:
    """The shape, with ones, in which an array of `dims` broadcasts against one of `to`."""
    mine = sizes_of(dims, shape)
    spread: tuple[int, ...] = ()
    for dim in to:
        if is_variadic(dim):
            spread += mine.get(dim, (1,) * len(sizes[dim]))
        else:
            spread += (mine.get(dim, 1),)
    return spread
