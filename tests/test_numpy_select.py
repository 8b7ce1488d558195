"""NumPy's `where` without branches is NumPy's `where`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

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
