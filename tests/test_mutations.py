"""The kit tests itself: each of many wrong losses is caught, and named for what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import arraylosses as al
from arraylosses.cli import kit

torch = pytest.importorskip("torch")

Loss = Callable[..., Any]
frameworks, runner = kit.module("frameworks"), kit.module("runner")
implementations = kit.module("implementations")


@dataclass
class Mutation:
    """A wrong loss, and how it has to be named.

    `kind` is the severest of its findings, beside which there is nothing but what is imprecise; `about` the
    beginnings of all that they are about. Each of `cases` shows it, and if `only`, none does that has no
    word of these in its name or among its tags.
    """

    name: str
    loss: str
    function: Loss
    kind: str
    about: set[str]
    cases: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    dtype: str = "float64"
    tags: tuple[str, ...] = ()


def found(loss: str, function: Loss, dtype: str, tags: tuple[str, ...] = ()) -> Any:
    planted = implementations.of_functions({loss: function}, "torch")
    if not tags:
        return runner.run(loss, planted, (dtype,))
    return kit.module("workers").held(loss, planted, runner.Wanted(tags, dtypes=(dtype,)))


def changed(loss: Loss, change: Callable[[Any], Any]) -> Loss:
    """A loss with its result changed."""
    return lambda *arrays, **options: change(loss(*arrays, **options))


def items_only(wrong: Loss, right: Loss) -> Loss:
    """A loss that is wrong where it is asked for items, all else as by default."""

    def some(*arrays: Any, **options: Any) -> Any:
        return wrong(*arrays) if options == {"reduction": "none"} else right(*arrays, **options)

    return some


def as_written_first(pred, target, *, sample_weight=None, where=None, reduction="mean", normalizer=None):
    """Weighs and masks by products."""
    items = (pred - target) ** 2
    weight = torch.ones_like(items)
    for factor in (sample_weight, where):
        weight = weight if factor is None else weight * factor
    if reduction == "none":
        return items * weight
    total = (items * weight).sum()
    if reduction == "sum":
        return total
    mass = weight.sum() if normalizer is None else torch.as_tensor(float(normalizer))
    return torch.where(mass == 0, 0 * total, total / torch.where(mass == 0, 1, mass)).to(total.dtype)


def masked_after(pred, target, *, where=None, **options):
    """Masks what comes out, where a gradient is 0 times what went in."""
    if where is None:
        return al.squared_error(pred, target, **options)
    items = torch.where(where, torch.where(where, 1.0, torch.sqrt(pred - pred)) * (pred - target), 0.0)
    return al.squared_error(items, torch.zeros_like(items), where=where, **options)


def divided_by_the_number(pred, target, *, sample_weight=None, **options):
    if sample_weight is None or options != {"reduction": "mean"}:
        return al.squared_error(pred, target, sample_weight=sample_weight, **options)
    return al.squared_error(pred, target, sample_weight=sample_weight, reduction="sum") / pred.numel()


def without_mask(pred, target, *, where=None, **options):
    return al.squared_error(pred, target, **options)


def steep_at_zero(pred, target):
    nudge = torch.where(pred.detach() == target, pred - pred.detach(), 0.0)
    return al.absolute_error(pred, target, reduction="none") + nudge


def every_pair(pred, target):
    if getattr(target, "shape", ()) != pred.shape:
        return al.squared_error(pred, target, reduction="none")
    return (pred[..., None] - target[..., None, :]) ** 2


def wrapped(logits, target, **options):
    if not target.is_floating_point() and "class_axis" not in options:
        target = torch.where(target == -1, logits.shape[-1] - 1, target)
    return al.cross_entropy(logits, target, **options)


def clipped(probs, target, **options):
    return al.binary_cross_entropy(probs.clip(1e-7, 1 - 1e-7), target, **options)


def with_constant_factor(logits, target):
    """The focal loss, but for the slope of the factor before the cross-entropy."""
    right = al.sigmoid_focal_loss(logits, target, reduction="none").detach()
    plain = al.binary_cross_entropy_with_logits(logits, target, reduction="none")
    factor = torch.where(plain > 0, right / torch.where(plain > 0, plain, 1.0), 0.0).detach()
    return right + factor * torch.where(factor > 0, plain - plain.detach(), 0.0)


def swapped(pred, target, **options):
    if getattr(target, "shape", ()) != pred.shape:
        return al.quantile_loss(pred, target, **options)
    return al.quantile_loss(target, pred, **options)


def smoothed_over_the_others(logits, target, *, smoothing=0.1, **options):
    count = logits.shape[-1]
    smoothing = smoothing * count / (count - 1) if smoothing * count < count - 1 else smoothing
    return al.label_smoothed_cross_entropy(logits, target, smoothing=smoothing, **options)


def naive_softplus(logits, target):
    return torch.log(1 + torch.exp(logits)) - target * logits


def without_shift(logits, target):
    if target.is_floating_point():
        return al.cross_entropy(logits, target, reduction="none")
    right = al.cross_entropy(logits, target, reduction="none")
    label = torch.where((target >= 0) & (target < logits.shape[-1]), target, 0)
    naive = torch.log(torch.exp(logits).sum(-1)) - torch.take_along_dim(logits, label[..., None], -1)[..., 0]
    return torch.where(torch.isnan(right), right, naive)


def quadratic_below(pred, target):
    right = al.huber_loss(pred, target, reduction="none")
    return torch.where(pred - target > -1, right, (pred - target).clip(-100, 0) ** 2 / 2)


def deaf(pred, target, *, delta=1.0, **options):
    return al.huber_loss(pred, target, **options)


def of_zero_times_infinity(pred, target, *, delta=1.0, **options):
    right = al.huber_loss(pred, target, delta=delta, **options)
    return right + 0 * delta


def refusing_nothing(pred, target, **options):
    if not pred.numel():
        raise ValueError("no items")
    return al.squared_error(pred, target, **options)


def sum_for_mean(pred, target, *, normalizer=None, **options):
    if normalizer is None and options.get("reduction") == "mean":
        options |= {"reduction": "sum"}
    return al.squared_error(pred, target, normalizer=normalizer, **options)


def with_eps(pred, target):
    kept = 1 - al.iou_loss(pred, target, reduction="none")
    return 1 - kept / (1 + 1e-2)


def of_twice_the_slope(pred, target, **options):
    slope = torch.where(pred.isfinite() & torch.as_tensor(target).isfinite(), pred - pred.detach(), 0)
    return al.squared_error(pred + slope, target, **options)


def of_no_slope(pred, target, **options):
    return al.squared_error(pred.detach(), target.detach(), **options)


def without_mass(logits, target, *, class_weight=None, **options):
    if class_weight is None or options != {"reduction": "mean"}:
        return al.cross_entropy(logits, target, class_weight=class_weight, **options)
    return al.cross_entropy(logits, target, class_weight=class_weight, reduction="none").mean()


def branching(pred, target, **options):
    if pred.sum() > 0:
        pred, target = pred + 0, target + 0
    return al.squared_error(pred, target, **options)


VALUE, GRADIENT = "value", "gradient in "
BOTH = {VALUE, GRADIENT}
MUTATIONS = [
    Mutation("sign", "squared_error", changed(al.squared_error, lambda v: -v), "wrong", BOTH, ("ordinary",)),
    Mutation(
        "factor", "squared_error", changed(al.squared_error, lambda v: v / 2), "wrong", BOTH, ("ordinary",)
    ),
    Mutation(
        "a little off",
        "hinge_loss",
        changed(al.hinge_loss, lambda v: v * (1 + 1e-4)),
        "imprecise",
        BOTH,
        ("ordinary",),
    ),
    Mutation("no mask", "squared_error", without_mask, "NaN", BOTH, ("mean, NaN under the mask",), ("mask",)),
    Mutation(
        "mask by a product",
        "squared_error",
        as_written_first,
        "NaN",
        BOTH,
        ("none, NaN under the mask",),
        ("mask",),
    ),
    Mutation("mask on the way out", "squared_error", masked_after, "NaN", {GRADIENT}, (), ("mask",)),
    Mutation(
        "divided by the number",
        "squared_error",
        divided_by_the_number,
        "wrong",
        BOTH,
        ("mean, weights",),
        ("weight",),
    ),
    Mutation(
        "kink",
        "absolute_error",
        items_only(steep_at_zero, al.absolute_error),
        "wrong",
        {"gradient in pred"},
        ("no residual",),
    ),
    Mutation(
        "wide",
        "squared_error",
        changed(al.squared_error, torch.Tensor.double),
        "wrong",
        {"dtype: float64"},
        ("ordinary",),
        dtype="float32",
    ),
    Mutation(
        "narrow",
        "squared_error",
        changed(al.squared_error, torch.Tensor.float),
        "wrong",
        {"dtype: float32", VALUE},
        ("ordinary",),
    ),
    Mutation(
        "broadcast",
        "squared_error",
        items_only(every_pair, al.squared_error),
        "wrong",
        {"shape of the value"},
        ("ordinary",),
    ),
    Mutation("wrapped label", "cross_entropy", wrapped, "wrong", BOTH, (), ("label",)),
    Mutation(
        "clipped probability",
        "binary_cross_entropy",
        clipped,
        "wrong",
        BOTH,
        ("wrong with certainty",),
    ),
    Mutation(
        "constant factor",
        "sigmoid_focal_loss",
        items_only(with_constant_factor, al.sigmoid_focal_loss),
        "wrong",
        {GRADIENT},
        ("ordinary",),
    ),
    Mutation("swapped", "quantile_loss", swapped, "wrong", BOTH, ("quantile",)),
    Mutation(
        "smoothed over the others",
        "label_smoothed_cross_entropy",
        smoothed_over_the_others,
        "wrong",
        BOTH,
        ("ordinary",),
    ),
    Mutation(
        "overflow",
        "binary_cross_entropy_with_logits",
        items_only(naive_softplus, al.binary_cross_entropy_with_logits),
        "NaN",
        BOTH,
    ),
    Mutation("no shift", "cross_entropy", items_only(without_shift, al.cross_entropy), "NaN", BOTH),
    Mutation(
        "one side", "huber_loss", items_only(quadratic_below, al.huber_loss), "wrong", BOTH, ("ordinary",)
    ),
    Mutation("deaf to an option", "huber_loss", deaf, "wrong", BOTH, (), ("delta",)),
    Mutation("0 times infinity", "huber_loss", of_zero_times_infinity, "NaN", {VALUE}, (), ("infin",)),
    Mutation(
        "nothing refused",
        "squared_error",
        refusing_nothing,
        "raises",
        {"raises"},
        ("mean, empty",),
        ("empty",),
    ),
    Mutation("sum for mean", "squared_error", sum_for_mean, "wrong", BOTH, ("mean",), ("mean",)),
    Mutation("eps in a ratio", "iou_loss", items_only(with_eps, al.iou_loss), "wrong", BOTH, ("ordinary",)),
    Mutation("twice the slope", "squared_error", of_twice_the_slope, "wrong", {GRADIENT}, ("ordinary",)),
    Mutation("detached", "squared_error", of_no_slope, "wrong", {GRADIENT}, ("ordinary",)),
    Mutation("mass without class weights", "cross_entropy", without_mass, "wrong", BOTH, (), ("weight",)),
    Mutation(
        "a branch on a value",
        "squared_error",
        branching,
        "not traceable",
        {"raises"},
        ("relation: compiled = eager",),
        ("compiled", "batched", "forward"),
        tags=("relation",),
    ),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_wrong_loss_is_caught_and_named(mutation: Mutation) -> None:
    outcome = found(mutation.loss, mutation.function, mutation.dtype, mutation.tags)
    kinds, about = {f.kind for f in outcome.findings}, {f.what for f in outcome.findings}
    assert outcome.kind == mutation.kind, (kinds, about)
    assert kinds <= {mutation.kind, "wrong", "imprecise"}, about
    assert all(what.startswith(tuple(mutation.about)) for what in about), about
    assert all(any(what.startswith(beginning) for what in about) for beginning in mutation.about), about
    assert {*mutation.cases} <= {f.case for f in outcome.findings}
    for finding in outcome.findings:
        words = " ".join([finding.case, *finding.tags])
        assert not mutation.only or any(word in words for word in mutation.only), words


@pytest.mark.parametrize("loss", sorted({m.loss for m in MUTATIONS}))
def test_the_right_loss_is_not_caught(loss: str) -> None:
    outcome = found(loss, getattr(al, loss), "float64")
    assert outcome.kind == "pass"
    assert outcome.holds


def test_no_number_is_close_to_infinity() -> None:
    outcome = found("binary_cross_entropy", clipped, "float64")
    kinds = {
        f.kind for f in outcome.findings if f.case == "wrong with certainty" and f.what.startswith(VALUE)
    }
    assert kinds == {"wrong"}
