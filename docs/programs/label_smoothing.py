"""Cross-entropy beside its label-smoothed form, on labels some of which are wrong.

A linear classifier learns five classes from few examples and from many, three in ten of them with a
label drawn at random, and is then asked about 2000 others whose labels are right.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.datasets import make_classification

import arraylosses as al

SEEDS = range(5)
CLASSES, FEATURES, ASKED = 5, 20, 2000
LOSSES = {"cross-entropy": al.cross_entropy, "smoothed by 0.1": al.label_smoothed_cross_entropy}


def data(seed, size):
    """Examples to learn from, with noisy labels, and examples to be asked about."""
    x, labels = make_classification(
        size + ASKED,
        FEATURES,
        n_classes=CLASSES,
        n_informative=8,
        n_redundant=0,
        n_clusters_per_class=1,
        class_sep=2.0,
        flip_y=0.0,
        random_state=seed,
    )
    rng = np.random.default_rng(seed)
    noisy = np.where(rng.random(size) < 0.3, rng.integers(0, CLASSES, size), labels[:size])
    return x[:size], noisy, x[size:], labels[size:]


def train(xp, loss, x, labels, steps=60):
    """The weights of a linear classifier after gradient descent with momentum."""
    weights = xp.zeros((FEATURES, CLASSES), dtype=x.dtype)
    velocity = xp.zeros_like(weights)
    step = al.value_and_grad(lambda weights: loss(x @ weights, labels))
    for _ in range(steps):
        _, gradient = step(weights)
        velocity = 0.9 * velocity - 0.2 * gradient
        weights = weights + velocity
    return weights


def judge(logits, labels):
    """How good the classes are, and how good the probabilities."""
    probs = softmax(logits, axis=-1)
    confidence, right = np.max(probs, axis=-1), np.argmax(probs, axis=-1) == labels
    tenth = np.minimum(10 * confidence, 9).astype(int)
    return {
        "accuracy": np.mean(right),
        "log-loss": al.cross_entropy(logits, labels),
        "confidence - accuracy": np.mean(confidence) - np.mean(right),
        "calibration error": np.sum(np.abs(np.bincount(tenth, confidence - right))) / len(labels),
    }


def run(xp=np, seeds=SEEDS):
    """The figures of every loss on every data set: `xp` is numpy, torch, jax.numpy, ..."""
    rows = {}
    for size in (100, 1000):
        for name, loss in LOSSES.items():
            found = []
            for seed in seeds:
                x, noisy, asked, labels = data(seed, size)
                weights = train(xp, loss, xp.asarray(x), xp.asarray(noisy))
                found.append(judge(asked @ np.asarray(weights), labels))
            rows[f"{size} examples, {name}"] = {k: np.asarray([f[k] for f in found]) for k in found[0]}
    return rows


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(np.mean(x)), 3) for k, x in figures.items()})
