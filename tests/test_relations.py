"""Relations hold of the losses of this library, and each catches the mistake that it is there for."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

laws, relations, tables = map(
    kit.module, ("relations.laws", "relations.relation", "relations.symmetry_tables")
)
FRAMEWORKS = kit.module("frameworks").FRAMEWORKS
PAGE = Path(__file__).parents[1] / "docs" / "relations.md"
OURS = {name: getattr(al, name) for name in LOSSES}
NOT_ON_NUMPY = {"compiled = eager", "batched = one by one"}


def findings(
    relation: Any, loss: str, framework: str = "numpy", functions: dict[str, Any] = OURS, **options: Any
) -> list[Any]:
    return list(relations.check(relation, loss, functions, FRAMEWORKS[framework], "float64", **options))


def assert_holds(found: list[Any]) -> None:
    assert all(f.holds for f in found), "\n\n".join(
        f"{f.relation}, {f.what}: {f.ulp:.3g} ulp\n{f.call}\nexpected {f.expected}\ngot      {f.got}"
        for f in found
        if not f.holds
    )


# --- ours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_relations_hold(loss: str) -> None:
    for relation in laws.RELATIONS:
        found = findings(relation, loss)
        assert_holds(found)
        assert bool(found) == (relation.applies_to(loss) and relation.name not in NOT_ON_NUMPY)


# Where a loss takes seconds: something of every way to run.
ELSEWHERE = {
    ("torch", "huber_loss"): laws.BY_NAME.keys() - {"compiled = eager"},
    ("torch", "absolute_error"): ("compiled = eager",),
    ("jax", "absolute_error"): ("forward = reverse", *NOT_ON_NUMPY),
}


@pytest.mark.parametrize(("on", "loss"), ELSEWHERE)
def test_relations_hold_elsewhere(on: str, loss: str) -> None:
    pytest.importorskip(on)
    for name in ELSEWHERE[on, loss]:
        found = findings(laws.BY_NAME[name], loss, on)
        assert_holds(found)
        assert bool(found) == laws.BY_NAME[name].applies_to(loss)


def test_the_tables_name_losses_and_their_arguments() -> None:
    for table in (tables.MOVED, tables.SCALED, tables.NEGATED, tables.SWAPPED):
        for loss, groups in table.items():
            arguments = {*LOSSES[loss].parameters, *LOSSES[loss].signatures[0].inputs[0], "along"}
            arguments |= {dim for s in LOSSES[loss].signatures for dims in s.inputs for dim in dims}
            for word in groups.replace(";", " ").replace(",", " ").replace(":", " ").split():
                name = word.lstrip("~-").partition("^")[0]
                assert name in arguments or name.replace(".", "").isdigit(), f"{loss}: {word}"
    for table in (tables.OPTIONS, tables.ORDERED, tables.INDEPENDENT, laws.TWO_CLASSES, laws.BENT):
        assert table.keys() <= LOSSES.keys()


def test_the_page_is_what_is_held() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert kit.module("relations.page").anew(page) == page
    assert doctest.testfile(str(PAGE), module_relative=False).failed == 0


# --- mistakes ------------------------------------------------------------------------------------


def caught(loss: str, wrong: Callable[..., Any], framework: str = "numpy") -> set[str]:
    """The relations that a function breaks in the place of a loss; a compiler may refuse it."""
    functions = OURS | {loss: wrong}
    return {
        relation.name
        for relation in laws.RELATIONS
        if relation.name != "compiled = eager"
        for finding in findings(relation, loss, framework, functions)
        if not finding.holds
    }


def test_a_mean_over_all_is_no_weighted_mean() -> None:
    def divides_by_n(pred, target, *, sample_weight=None, reduction="mean"):
        if reduction != "mean":
            return al.squared_error(pred, target, sample_weight=sample_weight, reduction=reduction)
        total = al.squared_error(pred, target, sample_weight=sample_weight, reduction="sum")
        return total / math.prod(pred.shape)

    assert caught("squared_error", divides_by_n) == {"weights twice"}


def test_a_product_is_no_mask() -> None:
    def multiplies(pred, target, *, where=None, reduction="mean"):
        if where is None:
            return al.squared_error(pred, target, reduction=reduction)
        items = al.squared_error(pred, target, reduction="none") * where
        xp = items.__array_namespace__()
        return items if reduction == "none" else xp.sum(items) / np.sum(where)

    assert caught("squared_error", multiplies) == {"masked = deleted"}


def test_a_target_that_broadcasts_is_not_that_of_the_item() -> None:
    def broadcasts(scores, labels, *, reduction="mean"):
        return al.perceptron_loss(scores, labels * 0 + np.mean(labels), reduction=reduction)

    assert caught("perceptron_loss", broadcasts) == {"concatenation"}


def test_an_odd_part_has_no_mirror() -> None:
    def leans(scores, labels, *, reduction="mean"):
        items = al.logistic_loss(scores, labels, reduction="none") + scores / 8
        return items if reduction == "none" else al.logistic_loss(scores, labels)

    assert caught("logistic_loss", leans) == {"mirrored"}


def test_a_label_does_not_wrap() -> None:
    def wraps(logits, target, *, reduction="mean"):
        labels = target % logits.shape[-1] if target.dtype.kind == "i" else target
        return al.cross_entropy(logits, labels, reduction=reduction)

    assert caught("cross_entropy", wraps) == {"index = one-hot"}


def test_labels_weigh_as_their_rows_do() -> None:
    def by_rows(logits, target, *, class_weight=None, reduction="mean"):
        if class_weight is None or reduction != "mean" or target.dtype.kind == "i":
            return al.cross_entropy(logits, target, class_weight=class_weight, reduction=reduction)
        total = al.cross_entropy(logits, target, class_weight=class_weight, reduction="sum")
        return total / target.shape[0]

    assert caught("cross_entropy", by_rows) == {"index = one-hot"}


def test_two_derivatives_are_not_one() -> None:
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, cotangent):
            return 2 * ctx.saved_tensors[0] * cotangent

        @staticmethod
        def jvp(ctx, tangent):
            return ctx.saved_tensors[0] * tangent

    def squared_error(pred, target):
        return Square.apply(pred - target)

    assert caught("squared_error", squared_error, "torch") == {"forward = reverse"}


def test_what_a_function_cannot_take_is_not_held_against_it() -> None:
    def bare(pred, target):
        return (pred - target) ** 2

    def refuses(pred, target, *, where=None, reduction="none"):
        raise NotImplementedError("nothing")

    for name in ("masked = deleted", "weights twice"):
        assert not findings(laws.BY_NAME[name], "squared_error", functions={"squared_error": bare})
    assert not findings(
        laws.BY_NAME["masked = deleted"], "squared_error", functions={"squared_error": refuses}
    )
    assert not findings(laws.BY_NAME["two classes = binary"], "cross_entropy", functions={})
    pytest.importorskip("torch")
    assert not findings(
        laws.BY_NAME["compiled = eager"], "squared_error", "torch", {"squared_error": refuses}
    )
    assert findings(laws.BY_NAME["scale"], "squared_error", functions={"squared_error": bare})


def test_a_function_without_items_is_held_to_their_mean() -> None:
    def mean(logits, target, *, class_weight=None, reduction="mean"):
        if reduction != "mean":
            raise NotImplementedError
        return al.cross_entropy(logits, target, class_weight=class_weight)

    def wrong(logits, target, *, class_weight=None, reduction="mean"):
        return mean(logits, target, class_weight=class_weight, reduction=reduction) + logits[0, 0] / 8

    for name in ("index = one-hot", "offset", "concatenation", "mirrored", "two classes = binary"):
        found = findings(laws.BY_NAME[name], "cross_entropy", functions=OURS | {"cross_entropy": mean})
        assert found
        assert_holds(found)
    assert {"offset", "mirrored", "two classes = binary"} <= caught("cross_entropy", wrong)


def test_what_is_raised_is_found() -> None:
    def breaks(pred, target):
        raise RuntimeError("out of order")

    (*_, last) = findings(laws.BY_NAME["scale"], "squared_error", functions={"squared_error": breaks})
    assert not last.holds
    assert last.what == "raises"
    assert "out of order" in last.got


def test_functions_without_gradients_are_held_to_their_values() -> None:
    found = findings(laws.BY_NAME["scale"], "squared_error", differentiable=False)
    assert {f.what for f in found} == {"value"}
    assert not findings(laws.BY_NAME["forward = reverse"], "squared_error", differentiable=False)


def test_what_is_meant_as_a_constant_is_held_to_its_value() -> None:
    for name in ("swapped", "masked = deleted", "forward = reverse"):
        found = findings(laws.BY_NAME[name], "squared_error", constants=("target",))
        assert_holds(found)
        assert "gradient in target" not in {f.what for f in found}
    assert {f.what for f in findings(laws.BY_NAME["scale"], "squared_error", constants=("target",))} == {
        "value",
        "gradient in pred",
    }
