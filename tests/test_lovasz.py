"""Lovász losses: that nothing has to be gathered, and what they are where predictions are hard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library

LOGITS, MASK = np.asarray([[2.0, -0.5, 0.3, -1.0]]), np.asarray([[1, 1, 0, 0]])
PROBS = np.asarray([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]]]).swapaxes(1, 2)


# --- numbers --------------------------------------------------------------------------------------


def test_worked_numbers_of_one_mask(xp: Library) -> None:
    assert xp.items(al.lovasz_hinge_loss, LOGITS, MASK) == pytest.approx(0.966667, abs=6e-7)
    assert xp.items(al.lovasz_hinge_loss, LOGITS, 0 * MASK) == 3


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0, 1, 2, 1], "present", 0.45),
        ([0, 1, 2, 1], (0,), 0.4),
        ([0, 1, 2, 1], (1,), 0.55),
        ([0, 1, 2, 1], (2,), 0.4),
        ([0, 1, 2, 1], [0, 1], 0.475),
        ([0, 1, 1, 1], "present", 0.516667),
        ([0, 1, 1, 1], "all", 0.544444),
    ],
)
def test_worked_numbers_of_classes(labels: Any, classes: Any, expected: float, xp: Library) -> None:
    got = xp.items(al.lovasz_softmax_loss, PROBS, np.asarray([labels]), classes=classes)
    assert got == pytest.approx(expected, abs=6e-7)


def test_labels_are_not_sorted_in_the_place_of_the_pixels_of_a_class():
    # kornia before 0.9 sorted the numbers of the classes themselves.
    labels, wrong = np.asarray([0, 1, 2, 1]), []
    for c in range(3):
        error = np.abs((labels == c) - PROBS[0, c])
        order = np.argsort(-error, kind="stable")
        wrong.append(np.sum(error[order] * gradient_of_jaccard(labels[order])))
    assert np.mean(wrong) == pytest.approx(0.313333, abs=6e-7)
    assert al.lovasz_softmax_loss(PROBS, labels[None]) != pytest.approx(np.mean(wrong), abs=0.1)


# --- the algorithm as published, which gathers ----------------------------------------------------


def gradient_of_jaccard(sorted_truth: np.ndarray) -> np.ndarray:
    union = sorted_truth.sum() + np.cumsum(1 - sorted_truth)
    jaccard = 1 - (sorted_truth.sum() - np.cumsum(sorted_truth)) / union
    jaccard[1:] -= jaccard[:-1].copy()
    return jaccard


def sorted_form(errors: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss, from one row of errors, and its gradient in them."""
    order = np.lexsort((-truth, -errors))  # pixels of the class first among equals
    weight = gradient_of_jaccard(np.take_along_axis(truth.astype(float), order, axis=-1))
    value = np.sum(np.maximum(np.take_along_axis(errors, order, axis=-1), 0) * weight)
    slope = np.empty_like(errors)
    np.put_along_axis(slope, order, weight, axis=-1)
    return value, np.where(errors > 0, slope, 0)


def hinge_by_rows(z: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sign = 2.0 * t - 1
    rows = [sorted_form(1 - x * s, y) for x, s, y in zip(z, sign, t, strict=True)]
    return np.asarray([v for v, _ in rows]), -sign * np.stack([g for _, g in rows])


def softmax_by_rows(p: np.ndarray, y: np.ndarray, classes: str) -> tuple[np.ndarray, np.ndarray]:
    values, slopes = np.zeros(len(p)), np.zeros(p.shape)
    for n, c in np.ndindex(*p.shape[:2]):
        truth = (y[n] == c).astype(int)
        count = len(np.unique(y[n])) if classes == "present" else p.shape[1]
        if truth.any() or classes == "all":
            value, slope = sorted_form(np.abs(truth - p[n, c]), truth)
            values[n] += value / count
            slopes[n, c] = np.where(truth, -slope, slope) / count
    return values, slopes


def quarters(seed: int, *shape: int) -> np.ndarray:
    """Numbers on a coarse grid, many of them equal."""
    return np.random.default_rng(seed).integers(-6, 7, shape) / 4


def probabilities(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, shape) / 4


def integers(seed: int, below: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, below, shape)


@pytest.mark.parametrize("seed", range(5))
def test_hinge_is_the_sorted_form(seed: int, xp: Library) -> None:
    z, t = quarters(seed, 20, 12), integers(seed + 100, 2, 20, 12)
    for per_image in (True, False):
        rows = (z, t) if per_image else (z.reshape(1, -1), t.reshape(1, -1))
        value, slope = xp.both(al.lovasz_hinge_loss, z, t, per_image=per_image)
        want, want_slope = hinge_by_rows(*rows)
        np.testing.assert_allclose(value, want if per_image else want[0], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(slope, want_slope.reshape(z.shape), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", ["present", "all"])
def test_softmax_is_the_sorted_form(seed: int, classes: str, xp: Library) -> None:
    p, y = probabilities(seed, 10, 4, 6), integers(seed + 100, 4, 10, 6)
    for per_image in (True, False):
        rows = (p, y) if per_image else (p.swapaxes(0, 1).reshape(1, 4, -1), y.reshape(1, -1))
        value, slope = xp.both(al.lovasz_softmax_loss, p, y, classes=classes, per_image=per_image)
        want, want_slope = softmax_by_rows(*rows, classes)
        if not per_image:
            want, want_slope = want[0], want_slope.reshape(4, 10, 6).swapaxes(0, 1)
        np.testing.assert_allclose(value, want, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(slope, want_slope, rtol=1e-12, atol=1e-15)


def test_nothing_is_computed_on_dask_before_it_is_asked_for():
    da = pytest.importorskip("dask.array")
    dask = pytest.importorskip("dask")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("computed")

    z, t = quarters(1, 6, 8), integers(2, 2, 6, 8)
    p, y = probabilities(3, 6, 3, 8), integers(4, 3, 6, 8)
    for loss, arrays in ((al.lovasz_hinge_loss, (z, t)), (al.lovasz_softmax_loss, (p, y))):
        for per_image in (True, False):
            with dask.config.set(scheduler=refuse):
                lazy = loss(*(da.from_array(x, chunks=2) for x in arrays), per_image=per_image)
            assert float(lazy) == pytest.approx(float(loss(*arrays, per_image=per_image)), rel=1e-14)


# --- hard predictions -----------------------------------------------------------------------------


def jaccard_loss(one: np.ndarray, other: np.ndarray) -> float:
    union = np.sum(one | other)
    return 1 - np.sum(one & other) / union if union else 0.0


masks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_hinge_is_twice_the_jaccard_loss_of_masks(pixels: list[tuple[bool, bool]]) -> None:
    predicted, true = np.asarray(pixels).T
    value = al.lovasz_hinge_loss(np.where(predicted, 1.0, -1.0)[None], true[None])
    assert value == pytest.approx(2 * jaccard_loss(predicted, true), abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=9))
def test_softmax_is_the_mean_jaccard_loss_of_classes(pixels: list[tuple[int, int]]) -> None:
    predicted, true = np.asarray(pixels).T
    probs = (predicted == np.arange(3)[:, None]).astype(float)[None]
    each = [jaccard_loss(predicted == c, true == c) for c in range(3)]
    present = np.mean([each[c] for c in np.unique(true)])
    assert al.lovasz_softmax_loss(probs, true[None]) == pytest.approx(present, abs=1e-14)
    assert al.lovasz_softmax_loss(probs, true[None], classes="all") == pytest.approx(np.mean(each), abs=1e-14)
    some = al.lovasz_softmax_loss(probs, true[None], classes=(2, 0))
    assert some == pytest.approx((each[0] + each[2]) / 2, abs=1e-14)


def test_a_perfect_prediction_costs_nothing_and_has_no_gradient(xp: Library) -> None:
    labels = integers(5, 3, 2, 7)
    probs = (labels[:, None, :] == np.arange(3)[:, None]).astype(float)
    value, slope = xp.both(al.lovasz_softmax_loss, probs, labels, per_image=True)
    assert not value.any()
    assert not slope.any()


# --- invariances ----------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_of_pixels_does_not_matter(seed: int) -> None:
    z, t, order = quarters(seed, 2, 8), integers(seed, 2, 2, 8), np.random.default_rng(seed).permutation(8)
    p, y = probabilities(seed, 2, 3, 8), integers(seed, 3, 2, 8)
    for per_image in (True, False):
        for loss, x, truth in ((al.lovasz_hinge_loss, z, t), (al.lovasz_softmax_loss, p, y)):
            got = loss(x[..., order], truth[..., order], per_image=per_image)
            assert got == pytest.approx(loss(x, truth, per_image=per_image), rel=1e-13)


def test_names_of_classes_do_not_matter():
    p, y, names = probabilities(7, 3, 4, 6), integers(8, 4, 3, 6), np.asarray([2, 0, 3, 1])
    got = al.lovasz_softmax_loss(p[:, np.argsort(names)], names[y], per_image=True, reduction="none")
    want = al.lovasz_softmax_loss(p, y, per_image=True, reduction="none")
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_one_image_is_a_batch_of_one():
    p, y = probabilities(9, 4, 3, 6), integers(10, 3, 4, 6)
    each = al.lovasz_softmax_loss(p, y, per_image=True, reduction="none")
    np.testing.assert_array_equal(
        each, [al.lovasz_softmax_loss(p[n : n + 1], y[n : n + 1]) for n in range(4)]
    )
    for n in range(4):
        present = tuple(int(c) for c in np.unique(y[n]))
        assert al.lovasz_softmax_loss(p[n : n + 1], y[n : n + 1], classes=present) == pytest.approx(
            each[n], rel=1e-14
        )


def test_double_precision_stays_it():
    # In some implementations float64 is refused, or computed in float32.
    p = PROBS + 2.0**-40
    assert al.lovasz_softmax_loss(p, np.asarray([[0, 1, 2, 1]])).dtype == np.float64
    moved = al.lovasz_softmax_loss(p, np.asarray([[1, 1, 1, 1]]), classes=(0,)) - 0.7
    assert moved == pytest.approx(2.0**-40, rel=1e-3)
    assert al.lovasz_hinge_loss(LOGITS, MASK).dtype == np.float64


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": (0, 3)}, "classes must be from 0 to 2, got (0, 3)"),
        ({"classes": []}, "classes must be 'present', 'all' or a tuple of distinct class numbers, got ()"),
        (
            {"classes": "some"},
            "classes must be 'present', 'all' or a tuple of distinct class numbers, got 'some'",
        ),
        ({"class_axis": 3}, "class_axis must name distinct axes of probs, which has 3 dimensions, got 3"),
        ({"ignore_index": 0.5}, "ignore_index must be an integer or None, got 0.5"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        al.lovasz_softmax_loss(PROBS, np.asarray([[0, 1, 2, 1]]), **options)
    assert str(caught.value) == f"lovasz_softmax_loss: {message}"


def test_debug_says_which_label_is_illegal():
    with al.debug(), pytest.raises(ValueError) as caught:
        al.lovasz_softmax_loss(PROBS, np.asarray([[0, 1, 3, 1]]))
    rule = "labels must be class labels from 0 to 2, got 3 at index (0, 2)"
    assert str(caught.value) == f"lovasz_softmax_loss: {rule}"
