"""Ranking: pairs and lists, and what of the gain a loss is about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al
from arraylosses.compiling import cutting

from .laws import Library

of = np.random.default_rng(12)
SCORES = of.standard_normal((3, 5))
RELEVANCE = of.permuted(np.tile(np.arange(5.0), (3, 1)), axis=1)
GRADES = of.integers(0, 3, (3, 5)).astype(float)
WORKED = (np.asarray([2.0, 1.0, 3.0]), np.asarray([2.0, 0.0, 1.0]))
LISTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "pairwise": (al.pairwise_logistic_loss, {"per_list": True}),
    "pairwise, gaps": (al.pairwise_logistic_loss, {"per_list": True, "gap_weight": True}),
    "listnet": (al.listnet_loss, {}),
    "listnet, raw": (al.listnet_loss, {"target": "raw"}),
    "listnet, normalized": (al.listnet_loss, {"target": "normalized"}),
    "lambda rank": (al.lambda_rank_loss, {}),
    "lambda rank at 2": (al.lambda_rank_loss, {"k": 2}),
    "approx ndcg": (al.approx_ndcg_loss, {}),
}
every_list_loss = pytest.mark.parametrize("name", LISTS)
few = settings(max_examples=20, deadline=None)
scores = st.lists(st.integers(-16, 16).map(lambda n: n / 8), min_size=5, max_size=5)
grades = st.lists(st.integers(0, 4).map(float), min_size=5, max_size=5)


def ndcg(s: np.ndarray, y: np.ndarray, k: int = 99) -> float:
    """The gain of an order, over that of the best one."""

    def gain(order: np.ndarray) -> float:
        return float(sum((2 ** y[i] - 1) / math.log2(2 + r) for r, i in enumerate(order[:k])))

    return gain(np.argsort(-s, kind="stable")) / gain(np.argsort(-y, kind="stable"))


# --- numbers --------------------------------------------------------------------------------------


def test_margin_ranking_worked_number(xp: Library) -> None:
    assert xp.items(al.margin_ranking_loss, 1.0, 2.0, 1.0, margin=0.5) == 1.5


def test_pairs_worked_numbers(xp: Library) -> None:
    items = xp.items(al.pairwise_logistic_loss, *WORKED)
    np.testing.assert_allclose(items[items > 0], [0.313262, 1.313262, 0.126928], atol=6e-7)
    for options, expected in (
        ({"reduction": "sum"}, 1.753451),
        ({"reduction": "mean"}, 0.584484),
        ({"per_list": True}, 1.753451),
    ):
        found = xp.items(al.pairwise_logistic_loss, *WORKED, **options)
        assert found == pytest.approx(expected, abs=6e-7)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("listnet", 1.252908), ("listnet, raw", 3.222818), ("lambda rank", 0.318343), ("approx ndcg", 0.259408)],
)
def test_lists_worked_numbers(name: str, expected: float, xp: Library) -> None:
    loss, options = LISTS[name]
    assert xp.items(loss, *WORKED, **options) == pytest.approx(expected, abs=6e-7)


def test_listnet_as_a_divergence(xp: Library) -> None:
    y = WORKED[1]
    q = np.exp(y) / np.exp(y).sum()
    found = xp.items(al.listnet_loss, *WORKED) + (q * np.log(q)).sum()
    assert found == pytest.approx(0.420512, abs=6e-7)


# --- what is known of them ------------------------------------------------------------------------


@every_list_loss
def test_what_fills_up_a_list_is_as_if_deleted(name: str, xp: Library) -> None:
    loss, own = LISTS[name]
    mask = np.asarray([[True] * 5, [True, False, True, True, False], [False] * 5])
    s, y = (np.where(mask, x, math.nan) for x in (SCORES, RELEVANCE))
    value, slope = xp.both(loss, s, y, mask=mask, reduction="mean", **own)
    each = [xp.both(loss, s[i][mask[i]], y[i][mask[i]], reduction="sum", **own) for i in (0, 1)]
    assert value == pytest.approx((each[0][0] + each[1][0]) / 2, rel=1e-13)
    for i, (_, expected) in enumerate(each):
        np.testing.assert_allclose(2 * slope[i][mask[i]], expected, rtol=1e-12, atol=1e-14)
    assert not slope[~mask].any()


def test_pairs_of_what_fills_up_a_list_are_no_items(xp: Library) -> None:
    mask = np.asarray([[True, False, True, True, False]] * 3)
    s, y = (np.where(mask, x, math.nan) for x in (SCORES, RELEVANCE))
    found = xp.items(al.pairwise_logistic_loss, s, y, mask=mask, reduction="mean")
    kept = (x[:, [0, 2, 3]] for x in (SCORES, RELEVANCE))
    assert found == pytest.approx(float(xp.items(al.pairwise_logistic_loss, *kept, reduction="mean")))


@every_list_loss
def test_order_of_entries_and_a_common_shift_change_nothing(name: str, xp: Library) -> None:
    loss, own = LISTS[name]
    order = [3, 1, 4, 0, 2]
    one, slope = xp.both(loss, SCORES, RELEVANCE, **own)
    again, moved = xp.both(loss, SCORES[:, order] + 2.0, RELEVANCE[:, order], **own)
    np.testing.assert_allclose(again, one, rtol=1e-13)
    np.testing.assert_allclose(moved, slope[:, order], rtol=1e-11, atol=1e-14)


@every_list_loss
def test_gradients_of_a_list_cancel(name: str, xp: Library) -> None:
    loss, own = LISTS[name]
    _, slope = xp.both(loss, SCORES, RELEVANCE, **own)
    np.testing.assert_allclose(slope.sum(axis=-1), 0, atol=1e-14)


def test_pairs_are_those_of_a_loop(xp: Library) -> None:
    for sigma, gaps in ((1.0, False), (2.0, True)):
        expected = np.zeros((3, 5, 5))
        for b, i, j in np.ndindex(3, 5, 5):
            if GRADES[b, i] > GRADES[b, j]:
                expected[b, i, j] = np.log1p(np.exp(-sigma * (SCORES[b, i] - SCORES[b, j])))
                expected[b, i, j] *= GRADES[b, i] - GRADES[b, j] if gaps else 1
        options = {"sigma": sigma, "gap_weight": gaps}
        items = xp.items(al.pairwise_logistic_loss, SCORES, GRADES, **options)
        np.testing.assert_allclose(items, expected, rtol=1e-13)
        mean = xp.items(al.pairwise_logistic_loss, SCORES, GRADES, reduction="mean", **options)
        assert mean == pytest.approx(expected.sum() / (expected > 0).sum(), rel=1e-13)
        lists = xp.items(al.pairwise_logistic_loss, SCORES, GRADES, per_list=True, **options)
        np.testing.assert_allclose(lists, expected.sum(axis=(-2, -1)), rtol=1e-13)


def test_lists_are_weighed_and_masked_as_lists(xp: Library) -> None:
    lists = xp.items(al.pairwise_logistic_loss, SCORES, RELEVANCE, per_list=True)
    where, weight = np.asarray([True, True, False]), np.asarray([0.5, 2.0, 1.0])
    scores = np.where(where[:, None], SCORES, math.nan)
    found, slope = xp.both(
        al.pairwise_logistic_loss,
        scores,
        RELEVANCE,
        per_list=True,
        where=where,
        sample_weight=weight,
        reduction="mean",
    )
    assert found == pytest.approx((0.5 * lists[0] + 2 * lists[1]) / 2.5, rel=1e-13)
    assert not slope[2].any()


def test_a_pair_costs_at_least_its_hinge(xp: Library) -> None:
    """And tends to it, as the steepness grows."""
    hinge = xp.items(al.margin_ranking_loss, SCORES[:, 0], SCORES[:, 1], 1.0)
    pair = [np.stack([SCORES[:, 0], SCORES[:, 1]], axis=-1), np.asarray([[1.0, 0.0]] * 3)]
    smooth = xp.items(al.pairwise_logistic_loss, *pair, sigma=64.0, per_list=True) / 64
    assert (smooth >= hinge).all()
    np.testing.assert_allclose(smooth, hinge, atol=math.log(2) / 64)


@few
@given(scores, grades, st.sampled_from([1, 2, 3, 99]))
def test_pairs_weigh_what_their_exchange_changes(s: list[float], y: list[float], k: int) -> None:
    """Found from the gradient, with everything else in its place."""
    at, relevance = np.asarray(s), np.asarray(y)
    if not relevance.any():
        assert al.lambda_rank_loss(at, relevance, k=k) == 0
        return
    order = np.argsort(-at, kind="stable")
    expected = 0.0
    for i, j in np.ndindex(5, 5):
        if relevance[i] > relevance[j]:
            exchanged = -np.argsort(order).astype(float)
            before = ndcg(exchanged, relevance, k)
            exchanged[[i, j]] = exchanged[[j, i]]
            expected += abs(ndcg(exchanged, relevance, k) - before) * np.log1p(np.exp(at[j] - at[i]))
    assert float(al.lambda_rank_loss(at, relevance, k=k)) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@few
@given(st.permutations([float(n) for n in range(5)]), grades)
def test_at_temperature_0_it_is_the_gain(s: list[float], y: list[float]) -> None:
    at, relevance = np.asarray(s), np.asarray(y)
    expected = 1 - ndcg(at, relevance) if relevance.any() else 0.0
    found = float(al.approx_ndcg_loss(at, relevance, temperature=1e-3))
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_the_best_order_keeps_its_digits(xp: Library) -> None:
    """Where 1 less the gain would round to 0."""
    y = np.asarray([3.0, 2.0, 1.0])
    found, slope = xp.both(al.approx_ndcg_loss, 50 * y, y)
    assert 0 < found < 1e-20
    assert slope[0] < 0 < slope[2]


def test_high_grades_do_not_overflow(xp: Library) -> None:
    for loss in (al.lambda_rank_loss, al.approx_ndcg_loss):
        value, slope = xp.both(loss, SCORES, 1e4 * RELEVANCE)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()


def test_nothing_relevant_costs_nothing_and_counts(xp: Library) -> None:
    y = np.stack([RELEVANCE[0], np.zeros(5), RELEVANCE[2]])
    for loss, options in (
        (al.lambda_rank_loss, {}),
        (al.approx_ndcg_loss, {}),
        (al.listnet_loss, {"target": "raw"}),
        (al.listnet_loss, {"target": "normalized"}),
    ):
        items, slope = xp.both(loss, SCORES, y, **options)
        assert items[1] == 0
        assert not slope[1].any()
        mean = xp.items(loss, SCORES, y, reduction="mean", **options)
        assert mean == pytest.approx(items.sum() / 3, rel=1e-14)


def test_equal_scores_without_a_margin_do_not_move(xp: Library) -> None:
    value, slope = xp.both(al.margin_ranking_loss, SCORES, SCORES, 1.0)
    assert not value.any()
    assert not slope.any()


def test_a_tie_is_no_target(xp: Library) -> None:
    items = xp.items(al.margin_ranking_loss, SCORES, SCORES + 1, np.asarray([0.0, 1, -1, 1, 1]) + 0 * SCORES)
    np.testing.assert_array_equal(np.isnan(items), [[True] + [False] * 4] * 3)


def test_listnet_is_the_cross_entropy_of_distributions(xp: Library) -> None:
    q = RELEVANCE / RELEVANCE.sum(axis=-1, keepdims=True)
    one = xp.items(al.listnet_loss, SCORES, RELEVANCE, target="normalized")
    np.testing.assert_allclose(one, xp.items(al.cross_entropy, SCORES, q), rtol=1e-13)
    raw = xp.items(al.listnet_loss, SCORES, RELEVANCE, target="raw")
    np.testing.assert_allclose(raw, one * RELEVANCE.sum(axis=-1), rtol=1e-13)


def test_a_mask_of_pairs_is_not_cut_as_one_of_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are as many lists as entries."""
    monkeypatch.setattr(cutting, "BLOCK", 2)
    s, y = of.standard_normal((2, 4, 4))
    where = of.random((4, 4)) > 0.5
    compiled = al.compile(al.pairwise_logistic_loss)
    for options in ({"where": where}, {"reduction": "none"}):
        one = al.pairwise_logistic_loss(s, y, **options)
        np.testing.assert_allclose(compiled(s, y, **options), one, rtol=1e-13)
    assert compiled.plan(s, y) == "NumPy: as it is, its items depending on one another"


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.pairwise_logistic_loss(SCORES, RELEVANCE, sigma=0.0),
            "pairwise_logistic_loss: sigma must be positive, got 0.0",
        ),
        (
            lambda: al.pairwise_logistic_loss(SCORES, RELEVANCE, where=np.ones((3, 4, 5), bool)),
            "pairwise_logistic_loss: where must broadcast to shape (3, 5, 5), got (3, 4, 5)",
        ),
        (
            lambda: al.pairwise_logistic_loss(SCORES, RELEVANCE, per_list=True, where=np.ones((3, 5), bool)),
            "pairwise_logistic_loss: where must broadcast to shape (3,), got (3, 5)",
        ),
        (
            lambda: al.listnet_loss(SCORES, RELEVANCE, target="sum"),
            "listnet_loss: target must be 'softmax', 'raw' or 'normalized', got 'sum'",
        ),
        (
            lambda: al.listnet_loss(SCORES, RELEVANCE, mask=np.ones(5, bool)),
            "listnet_loss: mask must have shape (3, 5), got (5,)",
        ),
        (
            lambda: al.lambda_rank_loss(SCORES, RELEVANCE, k=0),
            "lambda_rank_loss: k must be a positive integer or None, got 0",
        ),
        (
            lambda: al.approx_ndcg_loss(SCORES, RELEVANCE, mask=np.ones((3, 5))),
            "approx_ndcg_loss: mask must be a boolean array, got float64",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value) == message


def test_debug_lets_pass_what_fills_up_a_list() -> None:
    mask = np.asarray([[True, True, True, True, False]] * 3)
    scores = np.where(mask, SCORES, math.nan)
    for loss, options in LISTS.values():
        with al.debug():
            assert np.isfinite(loss(scores, RELEVANCE, mask=mask, **options))
        with pytest.raises(ValueError) as caught, al.debug():
            loss(scores, RELEVANCE, **options)
        assert str(caught.value).endswith("scores must not be NaN, got nan at index (0, 4)")
    with pytest.raises(ValueError) as caught, al.debug():
        al.approx_ndcg_loss(SCORES, -RELEVANCE)
    assert "approx_ndcg_loss: relevance must be nonnegative, got -" in str(caught.value)
