"""The relations: for each, the pairs of calls that it makes of a case of the vectors."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES, Loss

from . import symmetries as of
from .relations import VALUE, Array, Call, Case, Pair, Relation, cotangent_of
from .slices import Slices, Slot

FACTORS = (4.0, 2.0**-20)
STEPS = (8.0, -4.0, 16.0, 2.0, -32.0)
ILLEGAL = 99  # a label that no case has
EXACT = (0.0, 0.0)

_found: list[Relation] = []
Pairs = Callable[[Loss, Case], Iterator[Pair]]


def relation(name: str, **facts: Any) -> Callable[[Pairs], Pairs]:
    """Declare that the pairs which the decorated function makes must agree; its docstring says why."""

    def declare(pairs: Pairs) -> Pairs:
        _found.append(Relation(name, inspect.getdoc(pairs) or "", pairs, **facts))
        return pairs

    return declare


def ordinary(spec: Loss, case: Case) -> Iterator[tuple[Call, Slices]]:
    """The ordinary case, once, and what its dimensions are."""
    if case["name"] == "ordinary":
        call = Call.of(spec.name, case)
        yield call, Slices(spec, call.arrays, call.options)


def symmetric(spec: Loss, case: Case) -> Iterator[tuple[Call, Slices]]:
    """The ordinary case, with the options under which the loss has its symmetries."""
    for call, slices in ordinary(spec, case):
        options = {k: v for k, v in of.OPTIONS.get(spec.name, {}).items() if k not in call.options}
        yield (call.having(options=options) if options else call), slices


# --- labels, offsets, scales ---------------------------------------------------------------------


@relation("index = one-hot")
def index_is_one_hot(spec: Loss, case: Case) -> Iterator[Pair]:
    """An integer label is the same as its one-hot row, under every option and in every mean."""
    first, labels = spec.arrays[0], spec.arrays[-1]
    if len(spec.arrays) != 2 or spec.same_kind(labels):
        return
    call = Call.of(spec.name, case)
    x, y, axis = call.arrays[first], call.arrays[labels], call.option("axis")
    if y.dtype.kind != "i" or not np.all((y >= 0) & (y < x.shape[axis]) & (y != call.option("ignore_index"))):
        return
    rows = np.moveaxis(np.eye(x.shape[axis])[y], -1, axis)
    yield Pair(call.having(arrays={labels: rows}), (call,))


@relation("offset")
def offset(spec: Loss, case: Case) -> Iterator[Pair]:
    """What only sees differences does not see an offset: of all logits, of prediction and target, of boxes."""
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
                factors = {k: s**p for k, p in powers.items()}
                arrays = {
                    k: x * factors[k] ** _lengths(call, k)
                    for k, x in call.arrays.items()
                    if k in factors and x is not None
                }
                options = {k: _times(call.option(k), f) for k, f in factors.items() if k in spec.rules}
                yield Pair(
                    call.having(arrays, options),
                    (call,),
                    lambda value, by=s**degree: by * value,
                    {
                        k: lambda g, k=k, by=s**degree / factors.get(k, 1.0) ** _lengths(call, k): by * g[k]
                        for k in call.wrt
                    },
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
        signs = {k: lambda g, k=k: -g[k] for k in arrays}
        yield Pair(call.having(arrays, options), (call,), gradients=signs)


def _reflected(spec: Loss, call: Call) -> Iterator[Pair]:
    boxes = [] if spec.name in of.CORNERED else _boxes(spec)
    for order, signs in _reflections(call, boxes[0]) if boxes else ():
        arrays = {k: call.arrays[k][..., order] * signs for k in boxes}
        back = {k: lambda g, k=k, o=order, s=signs: g[k][..., o] * s for k in boxes}
        yield Pair(call.having(arrays), (call,), gradients=back)


def _backwards(spec: Loss, call: Call, slices: Slices) -> Iterator[Pair]:
    """Every dimension that is no order read from its end: rows of a batch, pixels, features."""
    kept = {"c", *of.ORDERED.get(spec.name, "").split()}
    given = [dims for k, dims in slices.dims.items() if call.arrays.get(k) is not None]
    slots = slices.slots(tuple(d for dims in given for d in dims if d not in kept))

    def turned(dims: tuple[str, ...], x: Array) -> Array:
        for slot in slots:
            x = np.flip(x, slices.axes(dims, slot))
        return x

    arrays = {
        k: x if x is None or not slices.is_whole(k, x) else turned(slices.dims[k], x)
        for k, x in call.arrays.items()
    }
    if slots:
        yield Pair(
            call.having(arrays, cotangent=turned(slices.items, call.cotangent)),
            (call,),
            lambda value: turned(slices.items, value),
            {k: lambda g, k=k: turned(slices.dims[k], g[k]) for k in call.wrt},
        )


@relation("swapped")
def swapped(spec: Loss, case: Case) -> Iterator[Pair]:
    """A distance is the same from the other side: prediction and target may change places."""
    for call, _ in symmetric(spec, case):
        arrays: dict[str, Array] = {}
        other: dict[str, str] = {}
        for names in of.SWAPPED.get(spec.name, "").split(","):
            match names.split():
                case [a, b]:
                    arrays |= {a: call.arrays[b], b: call.arrays[a]}
                    other |= {a: b, b: a}
                case [signed]:
                    arrays[signed[1:]] = -call.arrays[signed[1:]]
        if other:
            wrt = tuple(k for k in call.wrt if other.get(k) in call.wrt)
            exchanged = {k: lambda g, k=k: g[other[k]] for k in wrt}
            yield Pair(call.having(arrays, wrt=wrt), (call,), gradients=exchanged)


# --- boxes: what their numbers are ---------------------------------------------------------------


def _boxes(spec: Loss) -> list[str]:
    """The arrays that hold boxes."""
    named = [k for k, domains in spec.domains.items() if domains[0].name in ("box", "rotated box")]
    return [*named, "target_boxes"] if spec.name == "detr_set_loss" else named


def _kind(call: Call, name: str) -> str:
    spec = LOSSES[call.loss]
    if name not in _boxes(spec):
        return ""
    if spec.domains["pred" if "pred" in spec.domains else name][0].name == "rotated box":
        return "rotated"
    if call.arrays[name].shape[-1] != 4:
        return "corners"
    return call.option("fmt") if "fmt" in spec.rules else "cxcywh"


def _directions(call: Call, name: str) -> Array:
    """How much each number of a box moves when the box is moved by 1; 1 for what is no box."""
    if (kind := _kind(call, name)) in ("xyxy", "corners"):
        sides = call.arrays[name].shape[-1] // 2
        return np.tile((1.0, -2.0, 0.5)[:sides], 2)
    return np.asarray({"rotated": (1.0, -2.0, 0.0, 0.0, 0.0), "": 1.0}.get(kind, (1.0, -2.0, 0.0, 0.0)))


def _lengths(call: Call, name: str) -> Array:
    """The power of the unit of length in each number of a box; 1 for what is no box."""
    return np.asarray((1, 1, 1, 1, 0)) if _kind(call, name) == "rotated" else np.asarray(1)


def _reflections(call: Call, name: str) -> Iterator[tuple[list[int], Array]]:
    """Of each axis of space the order and the signs of the numbers of a reflected box."""
    kind, size = _kind(call, name), call.arrays[name].shape[-1]
    for axis in range(size // 2 if kind in ("xyxy", "corners") else 2):
        order, signs = list(range(size)), np.ones(size)
        signs[axis] = -1
        if kind in ("xyxy", "corners"):
            far = axis + size // 2
            order[axis], order[far] = far, axis
            signs[far] = -1
        elif kind == "rotated":
            signs[4] = -1
        yield order, signs


# --- batches, masks, weights ---------------------------------------------------------------------


@relation("concatenation")
def concatenation(spec: Loss, case: Case) -> Iterator[Pair]:
    """The items of a batch are those of its parts, and the mean of a batch twice is that of the batch."""
    for call, slices in ordinary(spec, case):
        first = slices.items[:1]
        if first and (first == ("...",) or first[0] == of.INDEPENDENT.get(spec.name)):
            for slot in slices.slots(first)[:1]:
                yield _in_parts(call, slices, slot)
                yield _twice(call.reduced("mean"), slices, slot)


def _in_parts(call: Call, slices: Slices, slot: Slot) -> Pair:
    n = slices.size(slot)
    parts = [range(1), range(1, n)]
    right = tuple(
        call.having(
            slices.keep(call.arrays, slot, part),
            cotangent=slices.take(slices.items, slot, call.cotangent, part),
        )
        for part in parts
    )

    def gathered(k: str, *gradients: dict[str, Array]) -> Array:
        if axes := slices.axes_of(k, call.arrays[k], slot):
            return np.concatenate([g[k] for g in gradients], axes[0])
        return sum(g[k] for g in gradients)  # of weights that all items share

    return Pair(
        call,
        right,
        lambda *values: np.concatenate(values, slices.axes(slices.items, slot)[0]),
        {k: lambda *g, k=k: gathered(k, *g) for k in call.wrt},
    )


def _twice(call: Call, slices: Slices, slot: Slot) -> Pair:
    twice = [*range(slices.size(slot))] * 2

    def halved(k: str, gradient: Array) -> Array:
        for axis in (axes := slices.axes_of(k, call.arrays[k], slot)):
            gradient = np.take(gradient, twice, axis)
        return gradient / 2 if axes else gradient

    return Pair(
        call.having(slices.keep(call.arrays, slot, twice)),
        (call,),
        gradients={k: lambda g, k=k: halved(k, g[k]) for k in call.wrt},
    )


@relation("masked = deleted")
def masked_is_deleted(spec: Loss, case: Case) -> Iterator[Pair]:
    """What is masked is as if it had been deleted, whatever it holds: NaN, infinities, illegal labels."""
    for call, slices in ordinary(spec, case):
        for slot in slices.slots(slices.mask):
            rest = [i for i in range(slices.size(slot)) if i != 1]
            mask = slices.without(slot, 1)
            for reduction, junk in (("none", math.nan), ("mean", math.inf)):
                masked = call.reduced(reduction)
                masked = masked.having(slices.plant(call.arrays, mask, junk, ILLEGAL), {"where": mask})
                yield _deleted(masked, slices, slot, rest)


def _deleted(masked: Call, slices: Slices, slot: Slot, rest: list[int]) -> Pair:
    whole = bool(masked.cotangent.ndim)
    cotangent = slices.take(slices.items, slot, masked.cotangent, rest) if whole else masked.cotangent
    deleted = masked.having(slices.keep(masked.arrays, slot, rest), cotangent=cotangent)
    options = {k: v for k, v in deleted.options.items() if k != "where"}

    def put_back(k: str, gradient: Array) -> Array:
        has = slices.axes_of(k, masked.arrays[k], slot)
        return slices.put(slices.dims[k], slot, gradient, rest) if has else gradient

    return Pair(
        masked,
        (Call(**{**vars(deleted), "options": options}),),
        lambda value: slices.put(slices.items, slot, value, rest) if whole else value,
        {k: lambda g, k=k: put_back(k, g[k]) for k in masked.wrt},
    )


@relation("weights twice", ulp=EXACT)
def weights_twice(spec: Loss, case: Case) -> Iterator[Pair]:
    """Weights that are all doubled double the items and their sum, and leave a weighted mean what it is."""
    if case["name"] in ("none, weights", "mean, weights"):
        call = Call.of(spec.name, case)
        mean = call.options["reduction"] == "mean"
        yield Pair(
            call.having(options={"sample_weight": 2 * call.options["sample_weight"]}),
            (call,),
            lambda value: value if mean else 2 * value,
            {k: lambda g, k=k: g[k] if mean else 2 * g[k] for k in call.wrt},
        )


# --- one loss and another ------------------------------------------------------------------------


def another(call: Call, loss: str, arrays: tuple[Array, ...], **options: Any) -> Call:
    """A call of another loss, whose arrays are these in its order, for the gradient in the first."""
    names = LOSSES[loss].arrays
    found = dict(zip(names, arrays, strict=False))
    scales = {names[0]: np.max(call.scales[call.wrt[0]]), VALUE: np.max(call.scales[VALUE])}
    return Call(loss, found, {"reduction": "none"} | options, call.cotangent, names[:1], scales, LOOSE)


LOOSE = (8.0, 16.0)  # what vectors allow


@relation("two classes = binary")
def two_classes_are_binary(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss of two classes is the binary one of the difference of their scores."""
    if spec.name not in TWO_CLASSES:
        return
    loss, label, factor, options = TWO_CLASSES[spec.name]
    first, labels = spec.arrays
    for call, _ in ordinary(spec, case):
        z, y = call.arrays[first][..., :2], call.arrays[labels] % 2
        smoothing = call.options.get("smoothing", 0.0)
        target = 2.0 * y - 1 if label == "sign" else y * (1 - smoothing) + smoothing / 2
        binary = another(call, loss, (z[..., 1] - z[..., 0], target), **options)
        yield Pair(
            call.having({first: z, labels: y}),
            (binary,),
            lambda value: factor * value,
            {first: lambda g: factor * np.stack([-g[binary.wrt[0]], g[binary.wrt[0]]], -1)},
        )


# The binary loss, its labels, by how much it is multiplied, its options.
TWO_CLASSES: dict[str, tuple[str, str, float, dict[str, Any]]] = {
    "cross_entropy": ("binary_cross_entropy_with_logits", "bit", 1, {}),
    "label_smoothed_cross_entropy": ("binary_cross_entropy_with_logits", "bit", 1, {}),
    "softmax_focal_loss": ("sigmoid_focal_loss", "bit", 2, {"alpha": 0.5, "gamma": 2.0}),
    "sparsemax_loss": ("binary_sparsemax_loss", "bit", 1, {}),
    "multiclass_perceptron_loss": ("perceptron_loss", "sign", 1, {}),
    "multiclass_hinge_loss": ("hinge_loss", "sign", 1, {}),
}


@relation("delta smooth L1 = Huber")
def huber_is_smooth_l1(spec: Loss, case: Case) -> Iterator[Pair]:
    """The Huber loss of delta is delta times the smooth L1 loss of beta = delta."""
    if spec.name == "huber_loss":
        for call, _ in ordinary(spec, case):
            for delta in (0.5, 2.0):
                smooth = call.having(loss="smooth_l1_loss", options={"beta": delta})
                yield Pair(
                    call.having(options={"delta": delta}),
                    (smooth,),
                    lambda value, delta=delta: delta * value,
                    {k: lambda g, k=k, delta=delta: delta * g[k] for k in call.wrt},
                )


@relation("gamma 0 = cross-entropy")
def nothing_but_cross_entropy(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss that bends the cross-entropy is the cross-entropy, where it bends it by 0."""
    if spec.name in BENT:
        options, loss, factor = BENT[spec.name]
        first = spec.arrays[0]
        for call, _ in ordinary(spec, case):
            plain = another(call, loss, tuple(call.arrays.values())[:2])
            yield Pair(
                call.having(options=options, wrt=(first,)),
                (plain,),
                lambda value: factor * value,
                {first: lambda g: factor * g[plain.wrt[0]]},
            )


# The options under which a loss is a cross-entropy, which one, and by how much that is multiplied.
BENT: dict[str, tuple[dict[str, Any], str, float]] = {
    "sigmoid_focal_loss": ({"gamma": 0.0, "alpha": 0.5}, "binary_cross_entropy_with_logits", 0.5),
    "quality_focal_loss": ({"beta": 0.0}, "binary_cross_entropy_with_logits", 1),
    "asymmetric_loss": (
        {"gamma_neg": 0.0, "gamma_pos": 0.0, "clip": 0.0},
        "binary_cross_entropy_with_logits",
        1,
    ),
    "softmax_focal_loss": ({"gamma": 0.0}, "cross_entropy", 1),
    "poly1_cross_entropy": ({"epsilon": 0.0}, "cross_entropy", 1),
    "label_smoothed_cross_entropy": ({"smoothing": 0.0}, "cross_entropy", 1),
    "logit_adjusted_cross_entropy": ({"tau": 0.0}, "cross_entropy", 1),
    "seesaw_loss": ({"p": 0.0, "q": 0.0}, "cross_entropy", 1),
}


def half_the_square(pred: Any, target: Any, **_: Any) -> Any:
    return (pred - target) ** 2 / 2


@relation("infinite delta = half the square")
def infinite_delta(spec: Loss, case: Case) -> Iterator[Pair]:
    """The Huber loss of an infinite delta, or of one beyond all residuals, is half the square."""
    if spec.name == "huber_loss":
        for call, _ in ordinary(spec, case):
            for delta in (math.inf, 1024.0):
                formula = call.having(formula=half_the_square, options={})
                yield Pair(call.having(options={"delta": delta}), (formula,))


# --- one way to run and another ------------------------------------------------------------------


@relation("forward = reverse")
def forward_is_reverse(spec: Loss, case: Case) -> Iterator[Pair]:
    """Forward mode and reverse mode are one derivative: cotangent · (J tangent) = (Jᵀ cotangent) · tangent."""
    for call, _ in ordinary(spec, case):
        for k in call.wrt:
            tangents = {k: -cotangent_of(call.arrays[k].shape)[::-1]}
            scales = {VALUE: np.sum(np.abs(call.scales[k] * tangents[k]))}
            facts = {"tangents": tangents, "scales": scales, "wrt": ()}
            yield Pair(call.having(way="forward", **facts), (call.having(way="reverse", **facts),))


@relation("compiled = eager")
def compiled_is_eager(spec: Loss, case: Case) -> Iterator[Pair]:
    """A compiled loss has the items and the gradients that it has one operation after another."""
    for call, _ in ordinary(spec, case):
        same = {"scales": call.scales}
        yield Pair(call.having(way="compiled", **same), (call.having(way="eager", **same),))


@relation("batched = one by one")
def batched_is_one_by_one(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss that is mapped over a stack of inputs has what it has of one input after the other."""
    for call, slices in ordinary(spec, case):
        other = call
        for slot in slices.slots(slices.mask)[:1]:
            other = call.having(slices.keep(call.arrays, slot, range(slices.size(slot))[::-1]))
        stacked = {k: np.stack([x, other.arrays[k]]) for k, x in call.arrays.items() if x is not None}
        cotangent = np.stack([call.cotangent, other.cotangent])
        yield Pair(
            call.having(stacked, cotangent=cotangent, way="batched"),
            (call, other),
            lambda *values: np.stack(values),
            {k: lambda *g, k=k: np.stack([each[k] for each in g]) for k in call.wrt},
        )


RELATIONS: tuple[Relation, ...] = tuple(_found)
BY_NAME: dict[str, Relation] = {r.name: r for r in RELATIONS}
