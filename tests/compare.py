"""When two results are the same."""

from __future__ import annotations

from typing import Any

import numpy as np

EPS = {"float64": 2.0**-52, "float32": 2.0**-23}


def assert_agree(got: Any, want: Any, dtype: str, ulp: float = 16) -> None:
    """NaN and infinities in the same places, the rest within `ulp` of the largest magnitude."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    assert got.shape == want.shape
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want), "NaN in other places")
    np.testing.assert_array_equal(np.where(np.isinf(got), got, 0), np.where(np.isinf(want), want, 0))
    finite = np.isfinite(want)
    if not finite.any():
        return
    got, want = got[finite], want[finite]
    error = np.abs(got - want).max()
    allowed = ulp * EPS[dtype] * np.abs(want).max()
    assert error <= allowed, f"{error:.3g} apart, {allowed:.3g} allowed:\n got {got}\nwant {want}"
