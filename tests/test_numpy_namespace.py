"""NumPy's `where` without branches is NumPy's `where`, and the `sum` in groups its `sum`, but exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.namespaces import namespace
from arraylosses._core.numpy_namespace import LARGE

rng = np.random.default_rng(0)
SPECIAL = np.asarray([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, 1.0])
CONDITION = rng.random(2 * LARGE) < 0.5


def array(dtype: Any) -> Any:
    return rng.choice(SPECIAL, 2 * LARGE).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scalar", [0.0, -0.0, 1.5, np.nan, np.inf, 0])
def test_every_combination(dtype: Any, scalar: float) -> None:
    xp = namespace(CONDITION)
    a, b = array(dtype), array(dtype)
    for left, right in ((a, b), (scalar, b), (a, scalar)):
        got, want = xp.where(CONDITION, left, right), np.where(CONDITION, left, right)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.view(f"i{got.itemsize}"), want.view(f"i{got.itemsize}"))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (array(np.float32), array(np.float64)),
        (np.arange(2 * LARGE), 0),
        (array(np.float32).reshape(2, -1), 1.0),
        (array(np.float64)[::-1], array(np.float64)),
        (1.0, 2.0),
        (np.float64(1.0), array(np.float32)),
    ],
)
def test_what_does_not_fit_is_left_to_numpy(a: Any, b: Any) -> None:
    condition = CONDITION.reshape(2, -1) if np.ndim(a) == 2 else CONDITION
    got, want = namespace(CONDITION).where(condition, a, b), np.where(condition, a, b)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(3, 50_001), (2, 70, 1024), (40, 64)])
def test_rows_with_one_element_each(shape: tuple[int, ...]) -> None:
    condition = rng.random((*shape[:-1], 4 * shape[-1]))[..., ::4] < 0.5
    a, column = rng.normal(size=shape), rng.normal(size=(*shape[:-1], 2))[..., :1]
    xp = namespace(condition)
    for left, right in ((column, 0.0), (math.inf, column), (column, a), (a.mT.copy().mT, column), (a, a * 2)):
        np.testing.assert_array_equal(xp.where(condition, left, right), np.where(condition, left, right))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((50_003, 3), 0),
        ((3, 4_099, 2), 1),
        ((3, 4_099, 2), (0, -2)),
        ((3, 4_099, 2), (1, 2)),
        ((2, 3), 0),
        ((0, 3), 0),
        ((5_000,), 0),
        ((70, 80), None),
    ],
)
def test_sums_in_groups(shape: tuple[int, ...], axis: Any, keepdims: bool, dtype: Any) -> None:
    x = rng.integers(1, 100, shape).astype(dtype)  # of which every sum is exact
    xp = namespace(CONDITION)
    got, want = xp.sum(x, axis=axis, keepdims=keepdims), np.sum(x, axis=axis, keepdims=keepdims)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def test_rounding_does_not_pile_up_over_the_items() -> None:
    """As it does in NumPy's own, where so many equal numbers lose three digits."""
    x = np.full((100_000, 3), 0.1, np.float32)
    want = 100_000 * float(x[0, 0])
    assert np.all(np.abs(np.sum(x, axis=0) - want) > 1e-4 * want)
    np.testing.assert_allclose(namespace(x).sum(x, axis=0), want, rtol=1e-6)


def test_gradients_of_what_all_items_share_do_not_pile_up_rounding() -> None:
    logits = np.tile(np.asarray([[0.25, -1.5, 0.75]], np.float32), (100_000, 1))
    labels, prior = np.zeros(100_000, np.int64), np.asarray([0.5, 0.25, 0.25], np.float32)

    def loss(prior: Any, logits: Any = logits, labels: Any = labels) -> Any:
        return al.balanced_softmax_loss(logits, labels, prior)

    of_one = al.grad(lambda prior: loss(prior, logits[:1].astype(float), labels[:1]))(prior.astype(float))
    np.testing.assert_allclose(al.grad(loss)(prior), of_one, rtol=2e-6)
