"""The cases that every loss has, made from its ordinary one: reductions, weights, masks, nothing at all."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from arraylosses._core.signature import covers, shape_of, sizes_of, spread_shape

from . import schema
from .case import Case, Evidence
from .layout import Layout

# More items than float16 can count, if an item is a number or a row of classes; fewer of what is larger.
MANY_ITEMS, MANY_ELEMENTS, FEWER_ELEMENTS = 2**16, 400 * 2**10, 2**14
WEIGHTS = (1.0, 0.5, 2.0, 1.5)
NORMALIZER = 2.5


def derived_cases(spec: Any, evidence: Evidence, item_shape: tuple[int, ...]) -> list[Case]:
    """Reductions, weights, masks and nothing at all, of the ordinary case."""
    ordinary = evidence.cases[0]
    layout = Layout(spec, ordinary)
    items = layout.signature.items
    weights = spec.weights_in(layout.form, items)
    heavy = item_shape if weights == items else shape_of(weights, layout.sizes)
    weight = np.asarray([WEIGHTS[i % len(WEIGHTS)] for i in range(math.prod(heavy))]).reshape(heavy)
    some_zero = np.where(_pattern(heavy), weight, 0.0)
    mask = _pattern(layout.mask.shape)
    planted = _planted(layout, ordinary, mask)

    def derived(name: str, case: Case = ordinary, **options: Any) -> Case:
        return replace(case, name=name, options=ordinary.options | options, tags=("derived",))

    nothing = np.zeros(layout.mask.shape, bool)
    return [
        derived("sum", reduction="sum"),
        derived("mean", reduction="mean"),
        derived("mean, normalizer", reduction="mean", normalizer=NORMALIZER),
        derived("mean, normalizer of 0", reduction="mean", normalizer=0.0),
        derived("none, weights", sample_weight=weight),
        derived("mean, weights", reduction="mean", sample_weight=weight),
        derived("mean, weights of which some are 0", reduction="mean", sample_weight=some_zero),
        derived("mean, all weights 0", reduction="mean", sample_weight=np.zeros(heavy)),
        derived("none, NaN under the mask", planted, where=mask),
        derived("mean, NaN under the mask", planted, reduction="mean", where=mask),
        derived(
            "mean, NaN under the mask, weights",
            planted,
            reduction="mean",
            where=mask,
            sample_weight=weight,
        ),
        derived("mean, all masked", _planted(layout, ordinary, nothing), reduction="mean", where=nothing),
        derived("mean, empty", _empty(layout, ordinary), reduction="mean"),
    ]


def many_items(spec: Any, evidence: Evidence, mean: dict[str, Any], items: int) -> dict[str, Any] | None:
    """The mean of the ordinary case as it is written down, of its items many times over.

    The mean is the same, and the cotangent so many times larger that each item keeps its gradient. That of
    arrays which all items share is left out: it is a sum over all of them, as exact as its order is good.
    None where items depend on one another.
    """
    layout = Layout(spec, evidence.cases[0])
    if layout.signature.items[:1] != ("...",):
        return None
    repeated = {
        k: a.size
        for k, a in layout.arrays.items()
        if a.ndim and layout.signature.inputs[layout.names.index(k)][:1] == ("...",)
    }
    core = {d for dims in layout.signature.inputs for d in dims} - {"..."}
    elements = MANY_ELEMENTS if core <= {"c"} else FEWER_ELEMENTS
    k = 1
    while k * items < MANY_ITEMS and 2 * k * sum(repeated.values()) <= elements:
        k *= 2

    def many(written: dict[str, Any]) -> dict[str, Any]:
        first, *rest = written["shape"]
        return written | {"shape": [k * first, *rest], "repeat": k}

    return mean | {
        "name": "mean, many items",
        "tags": ["derived"],
        "arrays": {name: many(a) if name in repeated else a for name, a in mean["arrays"].items()},
        "cotangent": [schema.pack_number(k * schema.unpack_number(c)) for c in mean["cotangent"]],
        "gradient": {name: many(g) for name, g in mean["gradient"].items() if name in repeated},
    }


def _pattern(shape: tuple[int, ...]) -> np.ndarray:
    """Which of the elements stay: most, but not the second."""
    return np.asarray([i % 4 != 1 for i in range(math.prod(shape))], bool).reshape(shape)


def _planted(layout: Layout, case: Case, mask: np.ndarray) -> Case:
    """The case with NaN wherever `mask` is False, in every dense array that the mask covers."""
    arrays = list(case.arrays)
    dims = layout.spec.mask
    for i, (name, a_dims) in enumerate(zip(layout.names, layout.signature.inputs, strict=True)):
        if name not in layout.dense or not covers(dims, a_dims):
            continue
        a = layout.arrays[name]
        if a.ndim == 0 or a.shape != shape_of(a_dims, layout.sizes):
            continue
        kept = mask.reshape(spread_shape(dims, a_dims, mask.shape, layout.sizes))
        arrays[i] = np.where(kept, a, math.nan)
    return replace(case, arrays=tuple(arrays))


def _empty(layout: Layout, case: Case) -> Case:
    """The case without items."""
    gone = layout.signature.items[0] if layout.signature.items else None
    arrays = []
    for name, a in zip(layout.names, case.arrays, strict=False):
        dims = layout.signature.inputs[layout.names.index(name)]
        if a is None or gone not in dims or layout.arrays[name].ndim == 0:
            arrays.append(a)
            continue
        sizes = sizes_of(dims, layout.arrays[name].shape)
        arrays.append(
            np.zeros(shape_of(dims, sizes | {gone: (0,) if gone == "..." else 0}), layout.arrays[name].dtype)
        )
    return replace(case, arrays=tuple(arrays))
