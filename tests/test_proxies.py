"""Proxies: one learned vector for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

WORKED = [[0.8, 0.6], [0.6, 0.8]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0, 1]
OF = np.random.default_rng(3)
X, PROXIES, LABELS = OF.normal(size=(5, 3)), OF.normal(size=(4, 3)), np.asarray([2, 0, 3, 2, 1])
CALLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "nca": (al.proxy_nca_loss, {"scale": 3.0}),
    "nca, without the positive": (al.proxy_nca_loss, {"include_positive": False}),
    "anchor": (al.proxy_anchor_loss, {"alpha": 4.0}),
}
every_loss = pytest.mark.parametrize("name", CALLS)
both = {"argnums": (0, 1)}


def gradients(name: str, *arrays: Any, **options: Any) -> Any:
    loss, own = CALLS[name]
    return al.value_and_grad(loss, **both)(*map(np.asarray, arrays), **own | options)


@pytest.mark.parametrize(
    ("loss", "options", "expected"),
    [
        (al.proxy_nca_loss, {}, 0.542950),
        (al.proxy_nca_loss, {"include_positive": False}, -0.327066),
        (al.proxy_anchor_loss, {}, 14.933333),
    ],
)
def test_worked_numbers(loss: Any, options: Any, expected: float, xp: Library) -> None:
    assert xp.items(loss, *WORKED, **options, reduction="mean") == pytest.approx(expected, abs=6e-7)


# --- what changes nothing -------------------------------------------------------------------------


@every_loss
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(5)), names=st.permutations(range(4)))
def test_the_order_of_rows_and_classes(name: str, order: list[int], names: list[int]) -> None:
    value, (of_x, of_p) = gradients(name, X, PROXIES, LABELS)
    place = np.argsort(names)  # where each class has gone
    same, (of_x_too, of_p_too) = gradients(name, X[order], PROXIES[names], place[LABELS[order]])
    assert_same((same, of_x_too, of_p_too), (value, of_x[order], of_p[names]))


@every_loss
@pytest.mark.parametrize("by", [2.0**80, 2.0**-80])
def test_lengths(name: str, by: float) -> None:
    value, (of_x, of_p) = gradients(name, X, PROXIES, LABELS)
    same, (of_x_too, of_p_too) = gradients(name, X * by, PROXIES * by, LABELS)
    assert_same((same, of_x_too * by, of_p_too * by), (value, of_x, of_p))


@every_loss
def test_rows_that_are_out(name: str) -> None:
    value, (of_x, of_p) = gradients(name, X, PROXIES, LABELS)
    padded = np.concatenate([X, np.full((2, 3), np.nan)])
    labels = np.append(LABELS, [-1, 9])
    masked = gradients(name, padded, PROXIES, labels, where=np.arange(7) < 5)
    ignored = gradients(name, padded, PROXIES, np.append(LABELS, [-5, -5]), ignore_index=-5)
    for same, (of_x_too, of_p_too) in (masked, ignored):
        assert_same((same, of_x_too[:5], of_p_too), (value, of_x, of_p))
        assert not of_x_too[5:].any()


# --- what they are of others ----------------------------------------------------------------------


def test_proxies_that_are_positives_of_a_batch(xp: Library) -> None:
    positives = OF.normal(size=(5, 3))
    ours = xp.both(al.proxy_nca_loss, X, positives, np.arange(5), scale=3.0)
    softmax = xp.both(al.info_nce_loss, X, positives, temperature=1 / 6, normalize=True)
    assert_same(ours, softmax)


def test_including_the_positive_is_a_softplus_of_excluding_it(xp: Library) -> None:
    included, excluded = (
        xp.items(al.proxy_nca_loss, X, PROXIES, LABELS, include_positive=flag) for flag in (True, False)
    )
    assert_same(included, np.logaddexp(0, excluded))


def test_proxy_anchor_of_one_class_is_a_softplus_for_every_row_together(xp: Library) -> None:
    cosines = X @ PROXIES[0] / np.linalg.norm(X, axis=1) / np.linalg.norm(PROXIES[0])
    ours = xp.items(al.proxy_anchor_loss, X, PROXIES[:1], np.zeros(5, int), alpha=4.0, margin=0.25)
    assert_same([ours], [np.log1p(np.exp(-4 * (cosines - 0.25)).sum())])


# --- edges ----------------------------------------------------------------------------------------


def test_only_classes_in_the_batch_are_pulled(xp: Library) -> None:
    twice = xp.items(al.proxy_anchor_loss, X, PROXIES, [0, 0, 1, 1, 1], alpha=4.0)
    assert np.isfinite(twice)
    value, (_, of_p) = gradients("anchor", X[:1], PROXIES[:2], np.asarray([0]))
    cosines = X[0] @ PROXIES[:2].T / np.linalg.norm(X[0]) / np.linalg.norm(PROXIES[:2], axis=1)
    pull, push = np.log1p(np.exp(-4 * (cosines[0] - 0.1))), np.log1p(np.exp(4 * (cosines[1] + 0.1)))
    assert value == pytest.approx(pull + push / 2, rel=1e-12)
    assert of_p.all()


@every_loss
def test_an_empty_batch_is_0(name: str) -> None:
    value, (of_x, of_p) = gradients(name, X[:0], PROXIES, LABELS[:0])
    assert value == 0
    assert of_x.shape == (0, 3)
    assert not of_p.any()


def test_one_class_without_the_positive_is_0():
    value, slopes = gradients("nca, without the positive", X, PROXIES[:1], np.zeros(5, int))
    assert value == 0
    assert not any(slope.any() for slope in slopes)


@every_loss
def test_zero_vectors_have_no_gradient(name: str) -> None:
    x, p = X.copy(), PROXIES.copy()
    x[1], p[2] = 0, 0
    value, (of_x, of_p) = gradients(name, x, p, LABELS)
    assert all(np.isfinite(each).all() for each in (value, of_x, of_p))
    assert not of_x[1].any()
    assert not of_p[2].any()


def test_an_embedding_on_its_proxy_gets_no_gradient_from_it():
    x, p = np.asarray([[1.0, 2.0, 2.0]]), np.asarray([[2.0, 4.0, 4.0], [-0.5, -1.0, -1.0]])
    _, slopes = gradients("nca", x, p, np.asarray([0]))
    assert max(np.abs(slope).max() for slope in slopes) < 1e-15


def test_a_label_that_is_no_class_is_nan():
    items = al.proxy_nca_loss(X, PROXIES, np.asarray([2, 0, 4, -1, 1]), reduction="none")
    np.testing.assert_array_equal(np.isnan(items), [False, False, True, True, False])
    assert np.isnan(al.proxy_anchor_loss(X, PROXIES, np.asarray([2, 0, 4, 2, 1])))


def test_errors_in_words():
    def refusal(*arrays: Any, **options: Any) -> str:
        with pytest.raises((TypeError, ValueError)) as caught:
            al.proxy_anchor_loss(*arrays, **options)
        return str(caught.value)

    assert refusal(X, PROXIES, LABELS, alpha=0.0) == "proxy_anchor_loss: alpha must be positive, got 0.0"
    assert refusal(X, PROXIES, LABELS * 1.0).startswith("proxy_anchor_loss: labels must be an integer array")
    assert refusal(X, PROXIES[:, :2], LABELS).startswith("proxy_anchor_loss: proxies must have shape (c, 3)")
    assert refusal(X, PROXIES, LABELS, sample_weight=np.ones(5)) == (
        "proxy_anchor_loss: sample_weight must broadcast to shape (), got (5,)"
    )
