"""Sparse regression: an L1 penalty finds the few features that matter.

Five of a hundred coefficients are not 0, and there are sixty examples. Gradient descent on the whole
objective, and on the squared error alone with the penalty's proximal step, beside scikit-learn's Lasso.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import make_regression
from sklearn.linear_model import Lasso

import arraylosses as al

EXAMPLES, FEATURES, WEIGHT, STEPS = 60, 100, 2.0, 400


def data():
    return make_regression(EXAMPLES, FEATURES, n_informative=5, noise=10.0, coef=True, random_state=0)


def misfit(w, x, y):
    return 0.5 * al.squared_error(x @ w, y)


def objective(w, x, y):
    return misfit(w, x, y) + al.l1_penalty(w, weight=WEIGHT)


def by_subgradients(xp, x, y, size):
    """The penalty is differentiated with the rest; at exactly 0 it has slope 0."""
    step = al.value_and_grad(al.compile(objective))  # jax.jit, where it is JAX
    w = xp.zeros(FEATURES, dtype=x.dtype)
    for k in range(STEPS):
        _, gradient = step(w, x, y)
        w = w - size * (1 - k / STEPS) * gradient
    return w


def by_proximal_steps(xp, x, y, size):
    """A step down the smooth part, then towards 0 by as much as the penalty says, and never past it."""
    step = al.value_and_grad(al.compile(misfit))
    w = ahead = xp.zeros(FEATURES, dtype=x.dtype)
    for k in range(STEPS):
        _, gradient = step(ahead, x, y)
        moved = ahead - size * gradient
        shrunk = xp.sign(moved) * xp.clip(xp.abs(moved) - size * WEIGHT, min=0.0)
        w, ahead = shrunk, shrunk + k / (k + 3) * (shrunk - w)  # Nesterov's momentum
    return w


def run(xp=np):
    """The coefficients that every way finds: `xp` is numpy, torch, jax.numpy, ..."""
    x, y, truth = data()
    size = EXAMPLES / np.linalg.norm(x, 2) ** 2  # 1 / the largest curvature of the misfit
    arrays = xp.asarray(x), xp.asarray(y)
    lasso = Lasso(WEIGHT, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x, y).coef_
    found = {
        "truth": truth,
        "Lasso": lasso,
        "proximal steps": np.asarray(by_proximal_steps(xp, *arrays, size)),
        "subgradients": np.asarray(by_subgradients(xp, *arrays, size)),
    }
    true = np.flatnonzero(truth)
    return {
        name: {f"w[{i}]": w[i] for i in true}
        | {
            "others not 0": np.count_nonzero(np.delete(w, true)),
            "largest of them": np.max(np.abs(np.delete(w, true))),
            "objective above Lasso's": objective(w, x, y) - objective(lasso, x, y),
        }
        for name, w in found.items()
    }


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(x), 3) for k, x in figures.items()})
