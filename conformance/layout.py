"""How the arrays of a case fall into blocks, as the signature of the loss says.

A block is what the textbook formula takes: all but the leading `...` dimensions of every array.
Arrays are laid out by the places of their elements, so that an element can be followed into every
block that it is part of.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from arraylosses._core.parameters import ArrayRule, AxisRule
from arraylosses._core.signature import (
    Dims,
    Signature,
    Sizes,
    fits,
    is_variadic,
    natural_axis,
    parse_dims,
    shape_of,
    sizes_of,
)

from .case import Case

FRAME = ("sample_weight", "where", "reduction", "normalizer")


class Layout:
    """The arrays and options of a case, and their blocks."""

    def __init__(self, spec: Any, case: Case) -> None:
        self.spec = spec
        self.names: tuple[str, ...] = spec.arrays
        given = dict(zip(spec.arrays, case.arrays, strict=False))
        raw = {k: np.asarray(v) for k, v in given.items() if v is not None}
        options = {k: np.asarray(v) if isinstance(v, list) else v for k, v in case.options.items()}
        self.axes = {
            dim: axis
            for k, rule in spec.rules.items()
            if isinstance(rule, AxisRule) and k in options
            for dim, axis in zip(rule.dims, np.atleast_1d(options[k]).tolist(), strict=True)
        }
        self.form, self.sizes = self._form(raw)
        self.sizes.setdefault("c", 2)  # labels without a class axis are of two classes
        defaults = {k: p.default for k, p in spec.parameters.items()} | options
        self.sizes |= {k: defaults[k] for k in spec.rules if type(defaults[k]) is int}  # such as bins
        for dim, other in spec.tied.items():
            self.sizes.setdefault(dim, self.sizes[other])
        self.signature: Signature = spec.signatures[self.form]
        domains = {k: spec.domains[k][self.form] for k in raw}
        self.arrays = {k: a.astype(float if domains[k].dense else np.int64) for k, a in raw.items()}
        self.dense = {k for k in raw if domains[k].dense}
        self.differentiable = [k for k in raw if domains[k].dense and not domains[k].poison]
        self.labelled = any(d.poison or not d.dense for d in domains.values())
        self.reduction: str = options.get("reduction", "none")
        self.normalizer = options.get("normalizer")
        self.options = options
        self.oracle_options = {
            k: v for k, v in options.items() if k not in FRAME and not isinstance(spec.rules.get(k), AxisRule)
        }
        self.lead: tuple[int, ...] = self.sizes.get("...", ())
        self.blocks = math.prod(self.lead)
        self.places = {k: self._places(k, domains[k].broadcasts) for k in self.arrays}
        self.weight = np.asarray(
            1.0 if options.get("sample_weight") is None else options["sample_weight"], float
        )
        self._mask()

    def _form(self, raw: dict[str, np.ndarray]) -> tuple[int, Sizes]:
        """The alternative of the signature that the arrays have, and the sizes of its dimensions."""
        for form, signature in enumerate(self.spec.signatures):
            kinds = (
                self.spec.domains[k][form].dense or a.dtype.kind in "iu" or not a.size for k, a in raw.items()
            )
            labels = (
                a.dtype.kind in "iu" and self.spec.domains[k][form].dense and not self.spec.same_kind(k)
                for k, a in raw.items()
            )
            sizes = self._sizes(signature, raw)
            if sizes is not None and all(kinds) and not any(labels):
                return form, sizes
        raise ValueError(
            f"{self.spec.name}: no alternative of the signature fits {[a.shape for a in raw.values()]}"
        )

    def _sizes(self, signature: Signature, raw: dict[str, np.ndarray]) -> Sizes | None:
        sizes: Sizes = {}
        for k, dims in zip(self.names, signature.inputs, strict=True):
            if k not in raw:
                continue
            a = raw[k]
            if sizes and (self._spreads(k, signature) or (a.ndim == 0 and dims == ("...",))):
                continue
            if not fits(dims, a.ndim):
                return None
            found = sizes_of(dims, self._natural(a, dims).shape)
            if any(sizes.get(d, int(d) if d.isdigit() else n) != n for d, n in found.items()):
                return None
            sizes = found | sizes
        return sizes

    def _spreads(self, name: str, signature: Signature) -> bool:
        return self.spec.domains[name][self.spec.signatures.index(signature)].broadcasts

    def _natural(self, a: np.ndarray, dims: Dims) -> np.ndarray:
        """The array with the chosen axes moved to where the signature has them."""
        chosen = {d: axis for d, axis in self.axes.items() if d in dims and a.ndim > 1}
        targets = [natural_axis(dims, d, a.ndim) for d in chosen]
        return np.moveaxis(a, list(chosen.values()), targets) if chosen else a

    def _places(self, name: str, broadcasts: bool) -> np.ndarray:
        """The places of an array's elements, (blocks, …)."""
        dims = self.signature.inputs[self.names.index(name)]
        a = self.arrays[name]
        place = self._natural(np.arange(a.size).reshape(a.shape), dims)
        if broadcasts or (place.ndim == 0 and dims == ("...",)):
            place = np.broadcast_to(place, shape_of(dims, self.sizes))
        if dims[:1] == ("...",):
            return place.reshape((self.blocks, *place.shape[len(self.lead) :]))
        return np.broadcast_to(place, (self.blocks, *place.shape))

    # --- masks: whole blocks, rows, or finer than the items --------------------------------------

    def _mask(self) -> None:
        items = self.signature.items
        dims: Dims = self.spec.mask_in(self.form)
        core = tuple(d for d in dims if d != "...")
        shape = shape_of(dims, self.sizes)
        where = self.options.get("where")
        mask = np.ones((), bool) if where is None else np.asarray(where)
        if where is not None and any(d in dims for d in self.axes):
            mask = self._natural(mask.reshape((1,) * (len(shape) - mask.ndim) + mask.shape), dims)
        self.mask = np.broadcast_to(mask, shape)
        self.inner_mask: Any = None
        self.row: str | None = None
        weights = self.spec.weights_in(self.form, items)
        if dims == weights:
            self.mask = self.mask & (np.broadcast_to(self.weight, shape) != 0)
        if weights != items:
            self.weight = np.broadcast_to(self.weight, shape_of(weights, self.sizes))
        if len(core) == 1 and not is_variadic(core[0]) and core[0] in items:
            self.row = core[0]
            if dims[0] == "...":
                raise NotImplementedError("rows of many blocks")
        elif core:
            self.inner_mask = self.mask

    def block_counts(self, b: int) -> bool:
        """Whether anything of a block is to be computed."""
        return self.row is not None or self.inner_mask is not None or bool(self.mask.reshape(-1)[b])

    def inner_block(self, b: int) -> Any:
        """One block of a mask that is finer than the blocks."""
        if self.spec.mask_in(self.form)[0] != "...":
            return self.inner_mask.tolist()
        return self.inner_mask.reshape((self.blocks, *self.inner_mask.shape[len(self.lead) :]))[b].tolist()

    def restored(self, items: Any) -> Any:
        """The items of a block with those of the deleted rows put back, as items that do not count."""
        if self.row is None or not isinstance(items, list):
            return items
        dims = [d for d in self.signature.items if d != "..."]
        depth = _depth(items) or len(dims)  # an option may make the items other than they are declared
        dims = (dims + dims[-1:] * depth)[:depth]
        return _restored(items, dims, [self.row, *self._tied_to(self.row)], self.mask.tolist(), self.sizes)

    def _tied_to(self, dim: str) -> list[str]:
        """The dimensions that stand for another one, if no array has them."""
        has = {d for k in self.arrays for d in self.signature.inputs[self.names.index(k)]}
        return [tied for tied, other in self.spec.tied.items() if other == dim and tied not in has]

    # --- blocks ----------------------------------------------------------------------------------

    def block(self, name: str, b: int, values: dict[str, list[Any]]) -> Any:
        """One block of an array, its masked rows deleted: a number or nested lists."""
        if name not in values:
            return None
        return _nested(self._rows(name, self.places[name][b]), values[name])

    def _rows(self, name: str, places: np.ndarray) -> np.ndarray:
        dims = [d for d in self.signature.inputs[self.names.index(name)] if d != "..."]
        if self.row is None or self.row not in dims:
            return places
        return np.compress(self.mask, places, axis=dims.index(self.row))

    def block_option(self, name: str, b: int, value: Any) -> Any:
        """An option as the block sees it: numbers and short arrays whole, long ones by block."""
        if not isinstance(value, np.ndarray):
            return value
        rule = self.spec.rules.get(name)
        if isinstance(rule, ArrayRule):
            dims = next(
                d for d in map(parse_dims, rule.shapes) if fits(d, value.ndim) and self._agrees(d, value)
            )
            value = self._natural(value, dims)
            if dims[:1] != ("...",):
                return value.tolist()
            return value.reshape((self.blocks, *value.shape[len(self.lead) :]))[b].tolist()
        first = self.arrays[self.names[0]].shape
        if getattr(rule, "broadcasts", False):
            core = first[len(self.lead) :] if self.signature.inputs[0][0] == "..." else first
            found = np.broadcast_to(value, first).reshape((self.blocks, *core))[b]
            return found.tolist() if core else found
        return value.tolist()

    def _agrees(self, dims: Dims, value: np.ndarray) -> bool:
        return shape_of(dims, self.sizes) == self._natural(value, dims).shape

    def blocks_of(self, name: str, at: int) -> list[int]:
        """The blocks that an element is part of."""
        return [b for b in range(self.blocks) if (self._rows(name, self.places[name][b]) == at).any()]

    def has_no_nan(self, b: int, values: dict[str, list[Any]]) -> bool:
        return not any(v != v for k in self.arrays for v in _leaves(self.block(k, b, values)))


def _depth(items: Any) -> int:
    """How deep lists are nested; 0 if nothing is in them that tells."""
    if not isinstance(items, list):
        return 0
    inside = [_depth(part) for part in items if part is not None]
    return 1 + max(inside) if inside else 0


def _restored(items: Any, dims: list[str], rows: list[str], mask: list[bool], sizes: Sizes) -> Any:
    if not dims:
        return items
    if items is None or dims[0] not in rows:
        parts = [None] * sizes[dims[0]] if items is None else items
        return [_restored(part, dims[1:], rows, mask, sizes) for part in parts]
    rest = iter(items)
    return [_restored(next(rest) if kept else None, dims[1:], rows, mask, sizes) for kept in mask]


def _nested(places: np.ndarray, values: list[Any]) -> Any:
    return values[int(places)] if places.ndim == 0 else [_nested(p, values) for p in places]


def _leaves(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in _leaves(part)] if isinstance(x, list) else [x]
