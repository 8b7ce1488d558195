"""The relations of a loss to itself: what it does not see, how it scales, how it looks in a mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES, Loss

from . import symmetry_tables as of
from .calls import Array, Call, Case
from .relation import Pair, each, ordinary, relation, times
from .slices import Slices

FACTORS = (4.0, 2.0**-20)
STEPS = (8.0, -4.0, 16.0, 2.0, -32.0)


def symmetric(spec: Loss, case: Case) -> Iterator[tuple[Call, Slices]]:
    """The ordinary case, with the options under which the loss has its symmetries."""
    for call, slices in ordinary(spec, case):
        options = {k: v for k, v in of.OPTIONS.get(spec.name, {}).items() if k not in call.options}
        yield (call.having(options=options) if options else call), slices


@relation("offset")
def offset(spec: Loss, case: Case) -> Iterator[Pair]:
    """What only sees differences does not see an offset: of all logits, of a prediction and its target."""
    for call, slices in symmetric(spec, case):
        for names, dims in _moved_together(spec):
            moved = {
                k: x + slices.along(dims, k, lambda shape: np.resize(STEPS, shape)) * _directions(call, k)
                for k, x in call.arrays.items()
                if k in names and x is not None
            }
            if moved:
                yield Pair(call.having(arrays=moved), (call,))


def _moved_together(spec: Loss) -> Iterator[tuple[list[str], list[str]]]:
    if boxes := _boxes(spec):
        yield boxes, ["b" if spec.name == "detr_set_loss" else "..."]
    for group in filter(None, of.MOVED.get(spec.name, "").split(";")):
        names, _, dims = group.partition(" along ")
        yield names.split(), dims.split()


@relation("scale")
def scale(spec: Loss, case: Case) -> Iterator[Pair]:
    """Where everything with a unit is scaled, the loss scales by a power of the factor, which may be 0."""
    for call, _ in symmetric(spec, case):
        for powers, degree in _scaled_together(spec):
            for s in FACTORS:
                yield _scaled(spec, call, {k: s**p for k, p in powers.items()}, s**degree)


def _scaled(spec: Loss, call: Call, factors: dict[str, float], factor: float) -> Pair:
    by = {k: factors.get(k, 1.0) ** _lengths(call, k) for k in call.arrays}
    arrays = {k: by[k] * x for k, x in call.arrays.items() if k in factors and x is not None}
    options = {k: _times(call.option(k), f) for k, f in factors.items() if k in spec.rules}
    return Pair(
        call.having(arrays, options), (call,), times(factor), each(call.wrt, lambda k, g: factor / by[k] * g)
    )


def _scaled_together(spec: Loss) -> Iterator[tuple[dict[str, float], float]]:
    if (boxes := _boxes(spec)) and spec.name not in ("box_l1_giou_loss", "detr_set_loss"):
        yield dict.fromkeys([*boxes, *spec.rules.keys() & {"image_size"}], 1.0), 0.0
    for group in filter(None, of.SCALED.get(spec.name, "").split(";")):
        names, _, degree = group.partition(":")
        powers = (name.partition("^") for name in names.split())
        yield {name: float(power or 1) for name, _, power in powers}, float(degree)


def _times(option: Any, factor: float) -> Any:
    return tuple(factor * x for x in option) if isinstance(option, tuple) else factor * option


# --- mirrors -------------------------------------------------------------------------------------


@relation("mirrored")
def mirrored(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss without a preferred direction is the same of what is negated, reflected or read backwards."""
    for call, slices in symmetric(spec, case):
        yield from _negated(spec, call)
        yield from _reflected(spec, call)
        yield from _backwards(spec, call, slices)


def _negated(spec: Loss, call: Call) -> Iterator[Pair]:
    names = of.NEGATED.get(spec.name, "").split()
    ones = {name.lstrip("~"): float(name.startswith("~")) for name in names}
    if ones:
        arrays = {k: ones[k] - x for k, x in call.arrays.items() if k in ones and x is not None}
        options = {k: ones[k] - call.option(k) for k in ones.keys() & spec.rules.keys()}
        yield Pair(call.having(arrays, options), (call,), gradients=each(arrays, lambda k, g: -g))


def _reflected(spec: Loss, call: Call) -> Iterator[Pair]:
    boxes = [] if spec.name in of.CORNERED else _boxes(spec)
    for reflect in _reflections(call, boxes[0]) if boxes else ():
        arrays = {k: reflect(call.arrays[k]) for k in boxes}
        yield Pair(call.having(arrays), (call,), gradients=each(boxes, lambda k, g, of=reflect: of(g)))


def _backwards(spec: Loss, call: Call, slices: Slices) -> Iterator[Pair]:
    """Every dimension that is no order read from its end: rows of a batch, pixels, features."""
    kept = {"c", *of.ORDERED.get(spec.name, "").split()}
    given = [dims for k, dims in slices.dims.items() if call.arrays.get(k) is not None]
    slots = slices.slots(tuple(d for dims in given for d in dims if d not in kept))

    def turned(dims: tuple[str, ...], x: Array) -> Array:
        for slot in slots:
            x = np.flip(x, slices.axes(dims, slot))
        return x

    arrays = {k: turned(slices.dims[k], x) for k, x in call.arrays.items() if slices.is_whole(k, x)}
    if slots:
        yield Pair(
            call.having(arrays, cotangent=turned(slices.items, call.cotangent)),
            (call,),
            lambda value: turned(slices.items, value),
            each(arrays, lambda k, g: turned(slices.dims[k], g)),
        )


@relation("swapped")
def swapped(spec: Loss, case: Case) -> Iterator[Pair]:
    """A distance is the same from the other side: prediction and target may change places."""
    for call, _ in symmetric(spec, case):
        if spec.name in of.SWAPPED:
            yield _exchanged(call, of.SWAPPED[spec.name])


def _exchanged(call: Call, places: str) -> Pair:
    arrays: dict[str, Array] = {}
    other: dict[str, str] = {}
    for names in places.split(","):
        match names.split():
            case [a, b]:
                arrays |= {a: call.arrays[b], b: call.arrays[a]}
                other |= {a: b, b: a}
            case [signed]:
                arrays[signed[1:]] = -call.arrays[signed[1:]]
    wrt = tuple(k for k in call.wrt if other.get(k) in call.wrt)
    return Pair(
        call.having(arrays, wrt=wrt), (call,), gradients={k: lambda found, k=k: found[other[k]] for k in wrt}
    )


# --- boxes: what their numbers are ---------------------------------------------------------------


def _boxes(spec: Loss) -> list[str]:
    """The arrays that hold boxes."""
    named = [k for k, domains in spec.domains.items() if domains[0].name in ("box", "rotated box")]
    return [*named, "target_boxes"] if spec.name == "detr_set_loss" else named


def _format(call: Call, name: str) -> str:
    """What the numbers of a box are; nothing of what is no box."""
    spec = LOSSES[call.loss]
    if name not in (boxes := _boxes(spec)):
        return ""
    if spec.domains[boxes[0]][0].name == "rotated box":
        return "rotated"
    if "fmt" in spec.rules:
        return call.option("fmt")
    return "cxcywh" if spec.name in ("detr_set_loss", "box_l1_giou_loss") else "corners"


def _directions(call: Call, name: str) -> Array:
    """How much each number of a box moves when the box is moved by 1; 1 for what is no box."""
    fmt = _format(call, name)
    if fmt in ("xyxy", "corners"):
        sides = call.arrays[name].shape[-1] // 2
        return np.tile((1.0, -2.0, 0.5)[:sides], 2)
    centered = (1.0, -2.0, 0.0, 0.0)
    return np.asarray({"": 1.0, "rotated": (*centered, 0.0)}.get(fmt, centered))


def _lengths(call: Call, name: str) -> Array:
    """The power of the unit of length in each number of a box; 1 for what is no box."""
    return np.asarray((1, 1, 1, 1, 0) if _format(call, name) == "rotated" else 1)


def _reflections(call: Call, name: str) -> Iterator[Callable[[Array], Array]]:
    """What reflects boxes, along each axis of space: an order of their numbers, and signs."""
    fmt, size = _format(call, name), call.arrays[name].shape[-1]
    has_corners = fmt in ("xyxy", "corners")
    for axis in range(size // 2 if has_corners else 2):
        order, signs = list(range(size)), np.ones(size)
        signs[axis] = -1
        if has_corners:
            far = axis + size // 2
            order[axis], order[far], signs[far] = far, axis, -1
        elif fmt == "rotated":
            signs[4] = -1
        yield lambda boxes, order=order, signs=signs: boxes[..., order] * signs
