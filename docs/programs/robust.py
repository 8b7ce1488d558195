"""One number fitted to a hundred: by squares, by sizes, and by what is a square up to a size.

The numbers are 1 but for noise of 0.1, and in a second round one of them is 1000. All of 200 such sets
are fitted at once.
"""

from __future__ import annotations

import functools

import numpy as np

import arraylosses as al

SETS, SIZE = 200, 100
LOSSES = {
    "squared error": al.squared_error,
    "absolute error": al.absolute_error,
    "smooth L1": al.smooth_l1_loss,
    "smooth L1, beta 0.1": functools.partial(al.smooth_l1_loss, beta=0.1),
}


def data():
    """Sets of numbers around 1, and the same with one number of each set spoiled."""
    clean = np.random.default_rng(0).normal(1.0, 0.1, (SETS, SIZE))
    spoiled = clean.copy()
    spoiled[:, 0] = 1000.0
    return clean, spoiled


def fit(xp, loss, numbers, steps=200):
    """The constant of every set, by gradient descent whose steps fade."""
    ones = xp.ones_like(numbers)
    # A sum, so that the sets do not share a denominator.
    step = al.value_and_grad(lambda c: loss(c * ones, numbers, reduction="sum") / SIZE)
    constants = xp.zeros((SETS, 1), dtype=numbers.dtype)
    for k in range(steps):
        _, gradient = step(constants)
        constants = constants - 0.5 * (1 - k / steps) * gradient
    return np.asarray(constants)[:, 0]


def run(xp=np):
    """How far from 1 every loss ends: `xp` is numpy, torch, jax.numpy, ..."""
    clean, spoiled = (xp.asarray(numbers) for numbers in data())
    one, outlier = xp.ones(1, dtype=clean.dtype), 1000 * xp.ones(1, dtype=clean.dtype)
    rows = {}
    for name, loss in LOSSES.items():
        rows[name] = {
            "error, clean": np.sqrt(np.mean((fit(xp, loss, clean) - 1) ** 2)),
            "error, one is 1000": np.sqrt(np.mean((fit(xp, loss, spoiled) - 1) ** 2)),
            "pull of the 1000": -float(al.grad(loss)(one, outlier)[0]),
        }
    return rows


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(x), 4) for k, x in figures.items()})
