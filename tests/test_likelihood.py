"""Likelihoods and deviances at numbers of every size that float32 has, held against 40 digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import arraylosses as al

POWERS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, -1.0)
LARGEST, LEAST = mpf(float(np.finfo(np.float32).max)), mpf(2) ** -126


def amounts() -> tuple[np.ndarray, np.ndarray]:
    """Expected and observed ones, half of them close together."""
    rng = np.random.default_rng(20)
    mu = 10.0 ** rng.uniform(-37, 38, 400)
    t = np.where(
        rng.random(400) < 0.5, 10.0 ** rng.uniform(-37, 38, 400), mu * np.exp(rng.normal(0, 0.3, 400))
    )
    return mu.astype(np.float32), t.astype(np.float32)


def exact(mu: Any, t: Any, p: Any) -> tuple[Any, Any, Any]:
    """The deviance, and its slopes in the expected and in the observed amount."""
    slope = 2 * (mu - t) / mu**p
    if p == 1:
        return 2 * (t * mpmath.log(t / mu) - t + mu), slope, 2 * mpmath.log(t / mu)
    if p == 2:
        return 2 * (mpmath.log(mu / t) + t / mu - 1), slope, 2 / mu - 2 / t
    value = t ** (2 - p) / ((1 - p) * (2 - p)) - t * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)
    return 2 * value, slope, 2 * (t ** (1 - p) - mu ** (1 - p)) / (1 - p)


def off(got: np.ndarray, want: list[Any]) -> np.ndarray:
    """How far numbers are off in units in the last place; 0 where both are out of range to the same side."""

    def one(g: Any, w: Any) -> float:
        if abs(w) > LARGEST:
            return 0.0 if g == np.sign(float(w)) * np.inf else float("inf")
        return float(abs(mpf(float(g)) - w) / (max(abs(w), LEAST) * mpf(2) ** -23))

    return np.asarray([one(g, w) for g, w in zip(got, want, strict=True)])


@pytest.mark.parametrize("power", POWERS)
def test_slopes_of_deviances_have_all_digits_wherever_they_are_in_range(power: float) -> None:
    mu, t = amounts()

    def deviance(mu: Any, t: Any) -> Any:
        return al.tweedie_deviance(mu, t, power=power, reduction="sum")

    with np.errstate(all="ignore"):
        values = al.tweedie_deviance(mu, t, power=power, reduction="none")
        slopes = al.grad(deviance, argnums=(0, 1))(mu, t)
    assert not np.isnan(values).any()
    with mpmath.workdps(40):
        wanted = [exact(mpf(float(m)), mpf(float(n)), mpf(power)) for m, n in zip(mu, t, strict=True)]
        assert off(slopes[0], [w[1] for w in wanted]).max() < 4
        # Where the parts of a difference are out of range, so is it, or nearly.
        in_range = [abs(w[2]) < LARGEST / 64 or abs(w[2]) > LARGEST for w in wanted]
        assert off(slopes[1], [w[2] for w in wanted])[in_range].max() < 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_logarithm_of_a_small_factorial_has_all_digits(dtype: Any) -> None:
    t = np.concatenate([2.0 ** np.arange(-120, 0), np.linspace(0.0, 1.0, 201)]).astype(dtype)
    # Beside a rate of 1 only the digits of that are left.
    got = al.poisson_nll(np.zeros_like(t), t, full="exact", reduction="none") - 1
    with mpmath.workdps(40):
        want = np.asarray([float(mpmath.loggamma(1 + mpf(float(x)))) for x in t])
    np.testing.assert_allclose(got, want, rtol=0, atol=1.5 * np.finfo(dtype).eps)
    # Of a rate of next to nothing the item is t·(20 - γ + …).
    got = al.poisson_nll(
        np.full_like(t, 1e-20), t, log_input=False, full="exact", eps=1e-30, reduction="none"
    )
    with mpmath.workdps(40):
        rate, eps = mpf(float(dtype(1e-20))), mpf(1e-30)
        want = np.asarray(
            [
                float(rate - x * mpmath.log(rate + eps) + mpmath.loggamma(1 + x))
                for x in map(mpf, map(float, t))
            ]
        )
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps)


def test_a_value_of_the_last_binade_is_a_number() -> None:
    big = np.asarray([1.25 * 2.0**64], np.float32)
    got = al.gaussian_nll(big, np.zeros_like(big), np.ones_like(big), reduction="none")
    np.testing.assert_array_equal(got, [np.float32(1.25**2 * 2.0**127)])
