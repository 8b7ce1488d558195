"""Focal loss beside binary cross-entropy, where one example in a hundred is positive.

A linear classifier is brought to the optimum of each loss, so that none is ahead for its step size.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, precision_recall_curve

import arraylosses as al

SEEDS = range(5)
LEARNT, ASKED = 4000, 16_000


def weighted(logits, target):
    return al.binary_cross_entropy_with_logits(logits, target, sample_weight=1 + 98 * target)


LOSSES = {
    "binary cross-entropy": al.binary_cross_entropy_with_logits,
    "binary cross-entropy, positives weigh 99": weighted,
    "focal, alpha 0.25": al.sigmoid_focal_loss,
    "focal, no alpha": lambda logits, target: al.sigmoid_focal_loss(logits, target, alpha=None),
}


def data(seed):
    x, target = make_classification(
        LEARNT + ASKED,
        10,
        n_informative=6,
        n_redundant=0,
        weights=[0.99],
        flip_y=0.0,
        random_state=seed,
    )
    x, target = np.hstack([x, np.ones((len(x), 1))]), target.astype(float)
    return x[:LEARNT], target[:LEARNT], x[LEARNT:], target[LEARNT:]


def train(xp, loss, x, target):
    """The weights that minimise the loss. The slight penalty keeps them finite."""
    step = al.value_and_grad(lambda w: 100 * loss(x @ w, target) + al.l2_penalty(w, weight=1e-4))

    def value_and_slope(weights):
        value, gradient = step(xp.asarray(weights))
        return float(value), np.asarray(gradient)

    return minimize(value_and_slope, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


def judge(logits, target):
    """How good the order of the examples is, and how good the probabilities."""
    precision, recall, _ = precision_recall_curve(target, logits)
    return {
        "average precision": average_precision_score(target, logits),
        "recall at precision 0.5": np.max(recall[precision >= 0.5]),
        "recall at p > 0.5": np.mean(logits[target == 1] > 0),
        "mean p": np.mean(expit(logits)),
        "log-loss": al.binary_cross_entropy_with_logits(logits, target),
    }


def run(xp=np, seeds=SEEDS):
    """The figures of every loss on every data set: `xp` is numpy, torch, jax.numpy, ..."""
    rows = {}
    for name, loss in LOSSES.items():
        found = []
        for seed in seeds:
            x, target, asked, truth = data(seed)
            found.append(judge(asked @ train(xp, loss, xp.asarray(x), xp.asarray(target)), truth))
        rows[name] = {k: np.asarray([f[k] for f in found]) for k in found[0]}
    return rows


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(np.mean(x)), 3) for k, x in figures.items()})
