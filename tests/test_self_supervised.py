"""Self-supervised learning without negatives: statistics of two views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

X = np.asarray([[1.0, 2.0], [3.0, 1.0], [2.0, 0.0]])
Y = np.asarray([[1.5, 2.0], [2.5, 1.0], [2.0, 0.5]])
OF = np.random.default_rng(8)
A = OF.normal(size=(6, 3))
B = A + 0.5 * OF.normal(size=(6, 3))
every_loss = pytest.mark.parametrize("loss", [al.vicreg_loss, al.barlow_twins_loss])


def gradients(loss: Any, x: Any, y: Any, **options: Any) -> Any:
    value, slopes = al.value_and_grad(loss, argnums=(0, 1))(np.asarray(x), np.asarray(y), **options)
    return value, *slopes


@pytest.mark.parametrize(
    ("loss", "options", "expected"),
    [
        (al.vicreg_loss, {}, 8.037950),
        (al.vicreg_loss, {"convention": "paper"}, 15.763399),
        (al.vicreg_loss, {"lam": 1.0, "mu": 0.0, "nu": 0.0}, 0.125),
        (al.vicreg_loss, {"lam": 0.0, "mu": 1.0, "nu": 0.0, "convention": "paper"}, 0.368036),
        (al.vicreg_loss, {"lam": 0.0, "mu": 0.0}, 0.3125),
        (al.barlow_twins_loss, {}, 0.00371756),
    ],
)
def test_worked_numbers(loss: Any, options: Any, expected: float, xp: Library) -> None:
    assert xp.items(loss, X, Y, **options) == pytest.approx(expected, abs=6e-7)


# --- what changes nothing -------------------------------------------------------------------------


@every_loss
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)), features=st.permutations(range(3)))
def test_the_order_of_rows_and_features(loss: Any, order: list[int], features: list[int]) -> None:
    value, *slopes = gradients(loss, A, B)
    same, *slopes_too = gradients(loss, A[order][:, features], B[order][:, features])
    assert_same((same, *slopes_too), (value, *(slope[order][:, features] for slope in slopes)))


@every_loss
def test_which_view_is_the_first(loss: Any) -> None:
    value, of_x, of_y = gradients(loss, A, B)
    assert_same(gradients(loss, B, A), (value, of_y, of_x))


@every_loss
@settings(max_examples=10, deadline=None)
@given(by=st.integers(-64, 64))
def test_a_shift_of_both_views(loss: Any, by: int) -> None:
    short = np.round(A * 64) / 64, np.round(B * 64) / 64
    assert_same(gradients(loss, *(view + by for view in short)), gradients(loss, *short))


def test_correlations_do_not_see_the_scale_of_a_feature(xp: Library) -> None:
    value, slope = xp.both(al.barlow_twins_loss, A, B)
    by = np.asarray([2.0**90, 0.5, 2.0**-90])
    value_too, slope_too = xp.both(al.barlow_twins_loss, A * by, 3 * B + 1)
    assert_same((value_too, slope_too * by), (value, slope))


@every_loss
def test_rows_that_are_masked(loss: Any) -> None:
    value, of_x, of_y = gradients(loss, A, B)
    x, y = (np.concatenate([view, np.full((2, 3), np.nan)]) for view in (A, B))
    same, of_x_too, of_y_too = gradients(loss, x, y, where=np.arange(8) < 6)
    assert_same((same, of_x_too[:6], of_y_too[:6]), (value, of_x, of_y))
    assert not of_x_too[6:].any()
    assert not of_y_too[6:].any()


# --- identical views ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_identical_views_have_correlations_of_exactly_1(dtype: str) -> None:
    x = OF.normal(size=(50, 7)).astype(dtype)
    value, *slopes = gradients(al.barlow_twins_loss, x, x, lam=0.0)
    assert value == 0
    assert not any(slope.any() for slope in slopes)


def test_identical_views_cost_what_is_off_the_diagonal(xp: Library) -> None:
    ours = xp.items(al.barlow_twins_loss, X, X)
    assert ours == pytest.approx(0.0025, rel=1e-12)
    # With variances divided by N - 1 and the product by N:
    c = 2 / 3 * np.corrcoef(X.T)
    divided_otherwise = ((c.diagonal() - 1) ** 2).sum() + 0.005 * 2 * c[0, 1] ** 2
    assert divided_otherwise == pytest.approx(0.223335, abs=5e-6)


def test_nearly_identical_views_keep_their_digits():
    x = OF.normal(size=(40, 1))
    direction = OF.normal(size=(40, 1))
    losses = [float(al.barlow_twins_loss(x, x + by * direction)) for by in (2.0**-20, 2.0**-21)]
    assert losses[0] / losses[1] == pytest.approx(16, rel=1e-4)


# --- edges ----------------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_are_0(loss: Any, rows: int) -> None:
    few = gradients(loss, A[:rows], B[:rows])
    masked = gradients(loss, A, B, where=np.arange(6) < rows)
    for value, *slopes in (few, masked):
        assert value == 0
        assert not any(slope.any() for slope in slopes)


@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_a_constant_feature_has_no_correlation(eps: float, xp: Library) -> None:
    x = A.copy()
    x[:, 1] = 0.1  # whose mean is not 0.1
    value, slope = xp.both(al.barlow_twins_loss, x, B, lam=0.0, eps=eps)
    others = xp.items(al.barlow_twins_loss, x[:, ::2], B[:, ::2], lam=0.0, eps=eps)
    assert value == pytest.approx(1 + others, rel=1e-12)
    assert np.isfinite(slope).all()
    assert eps > 0 or not slope[:, 1].any()
    assert xp.items(al.barlow_twins_loss, np.full((4, 2), 0.1), np.full((4, 2), 0.1), eps=eps) == 2


def test_a_collapsed_batch_costs_gamma(xp: Library) -> None:
    options = {"lam": 0.0, "nu": 0.0, "mu": 1.0, "eps": 0.0, "gamma": 1.5}
    value, slope = xp.both(al.vicreg_loss, np.full((4, 2), 0.1), np.full((4, 2), 0.3), **options)
    assert value == 1.5
    assert not slope.any()


def test_a_single_feature_has_no_covariance(xp: Library) -> None:
    value, slope = xp.both(al.vicreg_loss, A[:, :1], B[:, :1], lam=0.0, mu=0.0)
    assert value == 0
    assert not slope.any()


def test_errors_in_words():
    def refusal(loss: Any, *arrays: Any, **options: Any) -> str:
        with pytest.raises((TypeError, ValueError)) as caught:
            loss(*arrays, **options)
        return str(caught.value)

    assert refusal(al.vicreg_loss, X, Y, eps=-1.0) == "vicreg_loss: eps must be nonnegative, got -1.0"
    assert refusal(al.vicreg_loss, X, Y, convention="both") == (
        "vicreg_loss: convention must be 'code' or 'paper', got 'both'"
    )
    assert refusal(al.barlow_twins_loss, X, Y[:, :1]) == (
        "barlow_twins_loss: y must have shape (3, 2) like x, got (3, 1)"
    )
    assert refusal(al.barlow_twins_loss, X, Y, where=np.ones((3, 2), bool)) == (
        "barlow_twins_loss: where must broadcast to shape (3,), got (3, 2)"
    )
