"""The relations, and those of them that link batches, losses and ways to run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES, Loss

from .calls import VALUE, Array, Call, Case, cotangent_of
from .relation import EXACT, Pair, Relation, each, ordinary, relation, times
from .slices import Slices, Slot
from .symmetries import mirrored, offset, scale, swapped
from .symmetry_tables import INDEPENDENT

ILLEGAL = 99  # a label that no case has


# --- one loss, called in two ways ----------------------------------------------------------------


@relation("index = one-hot")
def index_is_one_hot(spec: Loss, case: Case) -> Iterator[Pair]:
    """An integer label is its one-hot row, under every option and in every mean; what has no row is NaN."""
    first, labels = spec.arrays[0], spec.arrays[-1]
    if len(spec.arrays) != 2 or spec.same_kind(labels):
        return
    call = Call.of(spec.name, case)
    y, axis = call.arrays[labels], call.option("axis")
    count = call.arrays[first].shape[axis]
    if y.dtype.kind == "i" and np.all((y >= 0) & (y < count) & (y != call.option("ignore_index"))):
        rows = np.moveaxis(np.eye(count)[y], -1, axis)
        yield Pair(call.having(arrays={labels: rows}), (call,))
        if case["name"] == "ordinary" and call.cotangent.ndim:
            yield from (_without_row(call, label) for label in (-1, count))


def _without_row(call: Call, label: int) -> Pair:
    """The call whose first label is none of the classes."""
    first, labels = call.arrays
    y = call.arrays[labels].copy()
    y[0] = label
    is_legal = np.arange(y.size) > 0
    return Pair(
        call.having(arrays={labels: y}),
        (call,),
        lambda value: np.where(is_legal, value, math.nan),
        each([first], lambda k, g: np.where(is_legal[:, None], g, 0.0)),
        illegal=True,
    )


# --- batches, masks, weights ---------------------------------------------------------------------


@relation("concatenation")
def concatenation(spec: Loss, case: Case) -> Iterator[Pair]:
    """The items of a batch are those of its parts, and the mean of a batch twice is that of the batch."""
    for call, slices in ordinary(spec, case):
        if slices.batch in (("...",), (INDEPENDENT.get(spec.name),)):
            for slot in slices.slots(slices.batch)[:1]:
                if slices.items:
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
        gradients=each(call.wrt, halved),
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
        (replace(deleted, options=options),),
        lambda value: slices.put(slices.items, slot, value, rest) if whole else value,
        each(masked.wrt, put_back),
    )


@relation("weights twice", ulp=EXACT)
def weights_twice(spec: Loss, case: Case) -> Iterator[Pair]:
    """Weights that are all doubled double the items and their sum, and leave a weighted mean what it is."""
    if case["name"] in ("none, weights", "mean, weights"):
        call = Call.of(spec.name, case)
        factor = 1.0 if call.options["reduction"] == "mean" else 2.0
        yield Pair(
            call.having(options={"sample_weight": 2 * call.options["sample_weight"]}),
            (call,),
            times(factor),
            each(call.wrt, lambda k, g: factor * g),
        )


# --- one loss and another ------------------------------------------------------------------------


def another(call: Call, loss: str, arrays: tuple[Array, ...], **options: Any) -> Call:
    """A call of another loss, whose arrays are these in its order, for the gradient in the first."""
    names = LOSSES[loss].arrays
    scales = {k: np.max(call.scales[mine]) for k, mine in ((VALUE, VALUE), (names[0], call.wrt[0]))}
    return replace(
        call,
        loss=loss,
        arrays=dict(zip(names, arrays, strict=False)),
        options={"reduction": call.options["reduction"]} | options,
        wrt=names[:1],
        scales=scales,
    )


@relation("two classes = binary")
def two_classes_are_binary(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss of two classes is the binary one of the difference of their scores."""
    if spec.name not in TWO_CLASSES:
        return
    loss, label, factor, options = TWO_CLASSES[spec.name]
    one, (first, labels) = LOSSES[loss].arrays[0], spec.arrays
    for call, _ in ordinary(spec, case):
        z, y = call.arrays[first][..., :2], call.arrays[labels] % 2
        smoothing = call.options.get("smoothing", 0.0)
        target = 2.0 * y - 1 if label == "sign" else y * (1 - smoothing) + smoothing / 2
        yield Pair(
            call.having({first: z, labels: y}),
            (another(call, loss, (z[..., 1] - z[..., 0], target), **options),),
            times(factor),
            {first: lambda found: factor * np.stack([-found[one], found[one]], -1)},
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
                    times(delta),
                    each(call.wrt, lambda k, g, delta=delta: delta * g),
                )


@relation("gamma 0 = cross-entropy")
def nothing_but_cross_entropy(spec: Loss, case: Case) -> Iterator[Pair]:
    """A loss that bends the cross-entropy is the cross-entropy, where it bends it by 0."""
    if spec.name in BENT:
        options, loss, factor = BENT[spec.name]
        first, other = spec.arrays[0], LOSSES[loss].arrays[0]
        for call, _ in ordinary(spec, case):
            yield Pair(
                call.having(options=options, wrt=(first,)),
                (another(call, loss, tuple(call.arrays.values())[:2]),),
                times(factor),
                {first: lambda found: factor * found[other]},
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


def half_the_square(pred: Any, target: Any, *, reduction: str) -> Any:
    items = (pred - target) ** 2 / 2
    return items if reduction == "none" else items.__array_namespace__().mean(items)


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
    """Forward and reverse mode are one derivative: cotangent · (J tangent) = (Jᵀ cotangent) · tangent."""
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


RELATIONS: tuple[Relation, ...] = (
    index_is_one_hot,
    offset,
    scale,
    concatenation,
    masked_is_deleted,
    weights_twice,
    mirrored,
    swapped,
    two_classes_are_binary,
    huber_is_smooth_l1,
    nothing_but_cross_entropy,
    infinite_delta,
    forward_is_reverse,
    compiled_is_eager,
    batched_is_one_by_one,
)
BY_NAME: dict[str, Relation] = {r.name: r for r in RELATIONS}
