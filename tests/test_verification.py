"""Features beside a softmax: their centers, and the verification of pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library, assert_same

of = np.random.default_rng(13)
X, CENTERS = of.standard_normal((6, 3)), of.standard_normal((4, 3))
LABELS = np.asarray([2, 0, 2, 3, 0, 2])  # none is of class 1
WORKED = (
    np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]),
    np.asarray([[0.0, 0.0], [1.0, 1.0]]),
    np.asarray([0, 1, 0]),
)
PAIR = (
    np.asarray([[0.2, 0.4]]),
    np.asarray([[0.5, 0.0]]),
    np.asarray([[2.0, 0.0, 0.0]]),
    np.asarray([[0.0, 1.0, 0.0]]),
)
F1, F2 = of.standard_normal((2, 5, 3))
Z1, Z2 = of.standard_normal((2, 5, 4))
Y1, Y2 = np.asarray([0, 1, 2, 3, 1]), np.asarray([0, 2, 2, 1, 1])


def updated(xp: Library, centers: Any, x: Any, labels: Any, **options: Any) -> Any:
    arrays = tuple(map(xp.array, (centers, x, labels)))
    options = {k: xp.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    return xp.numpy(al.update_centers(*arrays, **options))


# --- numbers --------------------------------------------------------------------------------------


def test_center_worked_numbers(xp: Library) -> None:
    assert_same(xp.items(al.center_loss, *WORKED), [2.5, 2.5, 0.5])
    assert xp.items(al.center_loss, *WORKED, reduction="sum") == 5.5
    assert xp.items(al.center_loss, *WORKED, reduction="mean") == pytest.approx(1.833333, abs=6e-7)
    x, centers, labels = WORKED
    assert_same(updated(xp, centers, x, labels), [[1 / 6, 0.5], [1.5, 0.75]])


def test_deepid2_worked_numbers(xp: Library) -> None:
    persons = np.asarray([0]), np.asarray([1])
    identified = sum(float(al.cross_entropy(z, y)) for z, y in zip(PAIR[2:], persons, strict=True))
    assert identified == pytest.approx(0.790989, abs=6e-7)
    for one, other in (persons, (persons[0], persons[0])):
        whole = float(xp.items(al.deepid2_loss, *PAIR, one, other, margin=1.0)[0])
        without = float(xp.items(al.deepid2_loss, *PAIR, one, other, margin=1.0, lam=0.0)[0])
        assert (whole - without) / 0.05 == pytest.approx(0.125, rel=1e-12)
    assert xp.items(al.deepid2_loss, *PAIR, *persons, margin=1.0) == pytest.approx(0.797239, abs=6e-7)


# --- what is known of them ------------------------------------------------------------------------


def test_center_gradients_are_differences(xp: Library) -> None:
    value, slope = xp.both(al.center_loss, X, CENTERS, LABELS)
    np.testing.assert_allclose(slope, X - CENTERS[LABELS], rtol=1e-15)
    whole = xp.items(al.center_loss, X, CENTERS, LABELS, half=False)
    np.testing.assert_allclose(whole, 2 * value, rtol=1e-15)
    at_centers, still = xp.both(al.center_loss, CENTERS[LABELS], CENTERS, LABELS)
    assert not at_centers.any()
    assert not still.any()


def test_centers_move_as_in_the_paper(xp: Library) -> None:
    for alpha in (0.0, 0.3, 1.0):
        expected = CENTERS.copy()
        for j in range(4):
            mine = X[j == LABELS]
            expected[j] -= alpha * (CENTERS[j] - mine).sum(axis=0) / (1 + len(mine))
        found = updated(xp, CENTERS, X, LABELS, alpha=alpha)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert (found[1] == CENTERS[1]).all()


def test_centers_are_not_moved_by_what_does_not_count(xp: Library) -> None:
    kept = np.asarray([True, False, True, True, False, True])
    planted = np.where(kept[:, None], X, math.nan)
    expected = updated(xp, CENTERS, X[kept], LABELS[kept])
    assert (updated(xp, CENTERS, planted, LABELS, where=kept) == expected).all()
    labels = np.where(kept, LABELS, [0, -100, 0, 0, 4, 0])
    assert (updated(xp, CENTERS, planted, labels) == expected).all()
    assert (updated(xp, CENTERS, X, LABELS, where=np.zeros(6, bool)) == CENTERS).all()
    assert (updated(xp, CENTERS, X[:0], LABELS[:0]) == CENTERS).all()


def test_a_feature_that_is_not_finite_spoils_its_own_center(xp: Library) -> None:
    expected = updated(xp, CENTERS, X, LABELS)
    planted = X.copy()
    planted[3, 1] = math.inf
    found = updated(xp, CENTERS, planted, LABELS)
    assert np.isnan(found[3]).any()
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-15)


def test_centers_of_images_are_those_of_their_rows(xp: Library) -> None:
    images = updated(xp, CENTERS, X.reshape(2, 3, 3), LABELS.reshape(2, 3))
    assert (images == updated(xp, CENTERS, X, LABELS)).all()


def test_a_center_that_is_reached_stays(xp: Library) -> None:
    """Far from the origin too, where the sum of the features would lose it."""
    far = CENTERS + 2.0**40
    assert (updated(xp, far, far[LABELS], LABELS) == far).all()


def test_half_precision_is_updated_in_single() -> None:
    centers, x = CENTERS.astype(np.float16), X.astype(np.float16)
    assert al.update_centers(centers, x, LABELS).dtype == np.float32


def test_no_gradient_flows_through_the_centers() -> None:
    for i, x in ((0, CENTERS), (1, X)):

        def total(moving: Any, i: int = i) -> Any:
            arrays = (moving, X) if i == 0 else (CENTERS, moving)
            return moving.__array_namespace__().sum(al.update_centers(*arrays, LABELS))

        assert not al.grad(total)(x).any()


def test_deepid2_is_the_sum_of_its_parts(xp: Library) -> None:
    identified = xp.items(al.cross_entropy, Z1, Y1) + xp.items(al.cross_entropy, Z2, Y2)
    same = (Y1 == Y2).astype(float)
    verified = xp.items(al.contrastive_loss, F1, F2, same, margin=2.0)
    whole = xp.items(al.deepid2_loss, F1, F2, Z1, Z2, Y1, Y2, margin=2.0, lam=0.3)
    np.testing.assert_allclose(whole, identified + 0.3 * verified, rtol=1e-13)
    cos = (F1 * F2).sum(-1) / np.linalg.norm(F1, axis=-1) / np.linalg.norm(F2, axis=-1)
    squares = (same - 1 / (1 + np.exp(-(3 * cos - 0.5)))) ** 2 / 2
    whole = xp.items(al.deepid2_loss, F1, F2, Z1, Z2, Y1, Y2, distance="cosine", w=3.0, b=-0.5, lam=0.3)
    np.testing.assert_allclose(whole, identified + 0.3 * squares, rtol=1e-13)


def test_deepid2_of_two_faces_in_the_other_order(xp: Library) -> None:
    for options in ({"margin": 2.0}, {"margin": 4.0, "distance": "l1"}, {"distance": "cosine"}):
        one = xp.items(al.deepid2_loss, F1, F2, Z1, Z2, Y1, Y2, **options)
        other = xp.items(al.deepid2_loss, F2, F1, Z2, Z1, Y2, Y1, **options)
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_features_of_two_persons_that_coincide_are_not_pushed(xp: Library) -> None:
    value, slope = xp.both(al.deepid2_loss, F1, F1, Z1, Z2, Y1, (Y1 + 1) % 4, margin=2.0, lam=1.0)
    identified = xp.items(al.cross_entropy, Z1, Y1) + xp.items(al.cross_entropy, Z2, (Y1 + 1) % 4)
    np.testing.assert_allclose(value, identified + 2, rtol=1e-14)
    assert not slope.any()


# --- refusals -------------------------------------------------------------------------------------


def test_a_margin_that_is_missing_is_named() -> None:
    for distance in ("l2", "l1"):
        with pytest.raises(ValueError) as caught:
            al.deepid2_loss(F1, F2, Z1, Z2, Y1, Y2, distance=distance)
        expected = "deepid2_loss: margin must be a number unless distance is 'cosine', got None"
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((CENTERS, X, LABELS), {"alpha": 1.5}, "alpha must be between 0 and 1, got 1.5"),
        ((CENTERS[0], X, LABELS), {}, "centers must have shape (c, d), got (3,)"),
        ((CENTERS, X[:, :2], LABELS), {}, "embeddings must have shape (..., 3), got (6, 2)"),
        ((CENTERS, X, LABELS[:2]), {}, "labels must have shape (6,), got (2,)"),
        ((CENTERS, X, LABELS + 0.0), {}, "labels must be an integer array, got float64"),
        ((LABELS, X, LABELS), {}, "centers must be a real floating-point array, got int64"),
        ((CENTERS, X, LABELS), {"where": np.ones(6)}, "where must be a boolean array, got float64"),
        ((CENTERS, X, LABELS), {"where": np.ones(2, bool)}, "where must have shape (6,), got (2,)"),
        ((CENTERS, X.tolist(), LABELS), {}, "embeddings must be an array, got list"),
    ],
)
def test_updates_that_are_refused(arrays: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        al.update_centers(*arrays, **options)
    assert str(caught.value) == f"update_centers: {message}"
