"""Given pairs, triplets and quadruplets: what their losses are worth, and what leaves them as they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

of = np.random.default_rng(11)
A, P, N, N2 = of.standard_normal((4, 6, 3))
SIGNS = np.asarray([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
# Cosines of 0.8, 0, -0.6, 0.6, 0 and 0.8.
FOUR = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
TRIPLET = ([0.0, 0.0], [0.6, 0.8], [1.5, 0.0])
ORDERS = (1.0, 1.5, 2.0, 3.0, math.inf)
shifts = st.integers(-8, 8).map(float)
few = settings(max_examples=20, deadline=None)


# --- numbers --------------------------------------------------------------------------------------


def test_contrastive_worked_numbers(xp: Library) -> None:
    pairs = ([[0.3, 0.4], [0.3, 0.0], [0.0, 2.0]], np.zeros((3, 2)), np.asarray([1, 0, 0]))
    np.testing.assert_allclose(xp.items(al.contrastive_loss, *pairs), [0.125, 0.245, 0], atol=1e-15)
    assert xp.items(al.contrastive_loss, *pairs, reduction="mean") == pytest.approx(0.123333, abs=6e-7)
    distances = (np.asarray([[0.5], [0.3], [2.0]]), np.zeros((3, 1)), pairs[2])
    assert_same(xp.items(al.contrastive_loss, *distances), xp.items(al.contrastive_loss, *pairs))


def test_contrastive_as_others_average_it(xp: Library) -> None:
    """Over the similar and over the dissimilar pairs that cost something, apart."""
    i, j = np.triu_indices(4, 1)
    similar = (i // 2 == j // 2).astype(float)
    items = xp.items(al.contrastive_loss, FOUR[i], FOUR[j], similar, squared=False)
    means = [items[(similar == y) & (items > 0)].mean() for y in (1, 0)]
    assert sum(means) == pytest.approx(0.738028, abs=6e-7)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0.5),
        ({"swap": True}, 0.795841),
        ({"soft": True}, 0.474077),
        ({"squared": True}, 0.0),
        ({"squared": True, "margin": 0.2}, 0.0),
    ],
)
def test_triplet_worked_numbers(options: dict[str, Any], expected: float, xp: Library) -> None:
    assert xp.items(al.triplet_margin_loss, *TRIPLET, **options) == pytest.approx(expected, abs=6e-7)


def test_quadruplet_worked_number(xp: Library) -> None:
    points = ([x] for x in (0.0, 0.5, 0.7, 1.3))
    assert xp.items(al.quadruplet_loss, *points) == pytest.approx(1.15, rel=1e-14)


def test_cosine_worked_numbers(xp: Library) -> None:
    x1, x2 = np.asarray([[2.0, 0.0]] * 2), np.asarray([[4.0, 3.0]] * 2)
    found = xp.items(al.cosine_embedding_loss, x1, x2, np.asarray([1, -1]), margin=0.5)
    np.testing.assert_allclose(found, [0.2, 0.3], rtol=1e-14)


# --- what is known of them ------------------------------------------------------------------------


def test_facenet_is_the_triplet_loss_of_directions(xp: Library) -> None:
    units = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (A, P, N)]
    one = xp.items(al.facenet_triplet_loss, 3.0 * A, P, 0.25 * N, margin=0.7)
    assert_same(one, xp.items(al.triplet_margin_loss, *units, squared=True, margin=0.7))
    cosines = [(units[0] * u).sum(-1) for u in units[1:]]
    assert_same(one, np.maximum(2 * cosines[1] - 2 * cosines[0] + 0.7, 0))


def test_facenet_forgets_the_lengths(xp: Library) -> None:
    one = xp.items(al.facenet_triplet_loss, A, P, N)
    for scale in (1e-150, 1e150):
        assert_same(xp.items(al.facenet_triplet_loss, scale * A, P, N / scale), one)


def test_quadruplet_is_a_triplet_and_a_pair_of_pairs(xp: Library) -> None:
    first = xp.items(al.triplet_margin_loss, A, P, N, squared=True, margin=1.5)
    second = np.maximum(((A - P) ** 2).sum(-1) - ((N2 - N) ** 2).sum(-1) + 0.75, 0)
    assert_same(xp.items(al.quadruplet_loss, A, P, N, N2, m1=1.5, m2=0.75), first + second)


def test_cosine_embedding_of_similar_pairs_is_the_cosine_distance(xp: Library) -> None:
    assert_same(xp.items(al.cosine_embedding_loss, A, P, 1.0), xp.items(al.cosine_distance, A, P))


@pytest.mark.parametrize("p", ORDERS)
def test_triplets_of_every_order(p: float, xp: Library) -> None:
    near, far, other = (np.linalg.norm(x, p, axis=-1) for x in (A - P, A - N, P - N))
    items = xp.items(al.triplet_margin_loss, A, P, N, p=p, margin=2.0)
    assert_same(items, np.maximum(near - far + 2, 0))
    swapped = xp.items(al.triplet_margin_loss, A, P, N, p=p, margin=2.0, swap=True, squared=True)
    assert_same(swapped, np.maximum(near**2 - np.minimum(far, other) ** 2 + 2, 0))


@few
@given(shifts, shifts, st.sampled_from(ORDERS))
def test_triplets_are_moved_and_mirrored_freely(x: float, y: float, p: float) -> None:
    triplets = [np.round(t * 8) / 8 for t in (A, P, N)]
    by = np.asarray([x, y, x - y])
    one = al.triplet_margin_loss(*triplets, p=p, reduction="none")
    assert_same(al.triplet_margin_loss(*(t + by for t in triplets), p=p, reduction="none"), one)
    assert_same(al.triplet_margin_loss(*(-t for t in triplets), p=p, reduction="none"), one)


@few
@given(st.permutations(range(6)), st.floats(1e-30, 1e30))
def test_cosines_of_any_order_and_length(order: list[int], scale: float) -> None:
    one = al.cosine_embedding_loss(A, P, SIGNS, margin=0.1, reduction="none")
    again = al.cosine_embedding_loss(scale * A[order], P[order], SIGNS[order], margin=0.1, reduction="none")
    assert_same(again, one[order])
    swapped = al.cosine_embedding_loss(P, A, SIGNS, margin=0.1, reduction="none")
    np.testing.assert_allclose(swapped, one, rtol=1e-15, atol=1e-15)


def test_masked_rows_are_as_if_deleted(xp: Library) -> None:
    kept = np.asarray([True, False, True, True, False, True])
    for loss, arrays in (
        (al.contrastive_loss, (A, P, (SIGNS + 1) / 2)),
        (al.cosine_embedding_loss, (A, P, SIGNS)),
        (al.triplet_margin_loss, (A, P, N)),
        (al.facenet_triplet_loss, (A, P, N)),
        (al.quadruplet_loss, (A, P, N, N2)),
    ):
        planted = [np.where(kept[:, None], x, math.nan) if x.ndim > 1 else x for x in arrays]
        value, slope = xp.both(loss, *planted, where=kept, reduction="mean")
        expected, less = xp.both(loss, *(x[kept] for x in arrays), reduction="mean")
        assert_same([value, *slope[kept]], [expected, *less])
        assert not slope[~kept].any()


# --- points that coincide -------------------------------------------------------------------------


@pytest.mark.parametrize("p", ORDERS)
def test_a_triplet_of_one_point_does_not_move(p: float, xp: Library) -> None:
    for squared in (False, True):
        value, slope = xp.both(al.triplet_margin_loss, A, A, A, p=p, squared=squared, margin=0.3)
        assert (value == 0.3).all()
        assert not slope.any()


def test_a_dissimilar_pair_of_one_point_is_not_pushed(xp: Library) -> None:
    value, slope = xp.both(al.contrastive_loss, A, A, 0.0, margin=3.0)
    assert (value == 4.5).all()
    assert not slope.any()


def test_the_zero_vector_has_no_direction(xp: Library) -> None:
    zero = np.zeros_like(A)
    for one, two in ((zero, P), (A, zero), (zero, zero)):
        value, slope = xp.both(al.cosine_embedding_loss, one, two, 1.0)
        assert (value == 1).all()
        assert not slope[~one.any(axis=-1)].any()


# --- what others compute --------------------------------------------------------------------------


def test_no_number_is_added_to_differences(xp: Library) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.functional.triplet_margin_loss(
        *(torch.tensor([x], dtype=torch.float64) for x in TRIPLET)
    )
    ours = float(xp.items(al.triplet_margin_loss, *TRIPLET))
    assert ours == pytest.approx(0.5, abs=1e-15)
    assert float(theirs) == pytest.approx(0.4999996, abs=1e-8)
    assert xp.items(al.contrastive_loss, [1e-7], [1e-7], 1.0) == 0


def test_an_odd_order_is_that_of_magnitudes(xp: Library) -> None:
    a, p, n = np.zeros(2), np.asarray([2.0, 1.0]), np.asarray([-1.0, -1.0])

    def without(order: int, sign: float) -> float:  # as if it were an even order
        near, far = ((sign * (a - x)) ** order for x in (p, n))
        return max(float(near.sum() ** (1 / order) - far.sum() ** (1 / order) + 1), 0.0)

    assert (without(1, -1.0), without(1, 1.0)) == (6.0, 0.0)
    for sign in (1.0, -1.0):
        assert xp.items(al.triplet_margin_loss, a, sign * p, sign * n, p=1.0) == 2.0
    assert np.isfinite(xp.items(al.triplet_margin_loss, a, p, n, p=3.0))


@pytest.mark.parametrize("size", [1e-160, 1e-6, 1e30, 1e160])
def test_vectors_of_one_direction_have_cosine_1(size: float, xp: Library) -> None:
    x = np.asarray([[size, size]])
    value, slope = xp.both(al.cosine_embedding_loss, x, x, 1.0)
    assert value == 0
    assert not slope.any()


def test_short_vectors_are_not_shortened() -> None:
    torch = pytest.importorskip("torch")
    x = torch.full((1, 2), 1e-6 / math.sqrt(2), dtype=torch.float64)
    theirs = torch.nn.functional.cosine_embedding_loss(x, x, torch.ones(1, dtype=torch.float64))
    assert float(theirs) == pytest.approx(0.5, abs=1e-9)
    assert float(al.cosine_embedding_loss(x, x, torch.ones(1))) == 0


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.triplet_margin_loss(A, P, N, p=0.5),
            "triplet_margin_loss: p must be at least 1, got 0.5",
        ),
        (
            lambda: al.triplet_margin_loss(A, P, N[:5]),
            "triplet_margin_loss: negative must have shape (6, 3) like anchor, got (5, 3)",
        ),
        (
            lambda: al.contrastive_loss(A, P, SIGNS[:2]),
            "contrastive_loss: labels must have shape (6,), got (2,)",
        ),
        (
            lambda: al.contrastive_loss(A, P, SIGNS, margin=-1.0),
            "contrastive_loss: margin must be nonnegative, got -1.0",
        ),
        (
            lambda: al.quadruplet_loss(A.astype(int), P, N, N2),
            "quadruplet_loss: anchor must be a real floating-point array, got int64",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value) == message


def test_debug_names_a_label_that_is_none() -> None:
    with pytest.raises(ValueError) as caught, al.debug():
        al.contrastive_loss(A, P, SIGNS)
    assert str(caught.value) == "contrastive_loss: labels must be 0 or 1, got -1.0 at index (1,)"
