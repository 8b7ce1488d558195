"""Handwritten digits as points in a plane, by a small network under four losses.

What a loss makes of the plane is judged by the nearest neighbour: how often the label of the nearest
training point is that of a digit not seen before.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

import arraylosses as al

SIZES, STEPS, BATCH, RATE = (64, 48, 2), 400, 100, 0.01
CLASSES = 10
SEEDS = range(2)


def triplet(points, labels, weight, bias, centers):
    return al.triplet_batch_all_loss(points, labels, margin=1.0, nonzero_only=True)


def sup_con(points, labels, weight, bias, centers):
    return al.sup_con_loss(points, labels, temperature=0.3)


def center(points, labels, weight, bias, centers):
    scores = al.cross_entropy(points @ weight.T + bias, labels)
    return scores + 0.5 * al.center_loss(points, centers, labels)


def arcface(points, labels, weight, bias, centers):
    return al.arcface_loss(points, weight, labels, scale=8.0, margin=0.2)


# Each with whether its plane is one of directions, in which neighbours are near by their cosine.
LOSSES = {
    "triplets": (triplet, False),
    "SupCon": (sup_con, True),
    "softmax and centers": (center, False),
    "ArcFace": (arcface, True),
}


def data(seed):
    """Images of half of the digits to learn from, and of the other half, with their labels."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = images[order] / 8 - 1, labels[order]
    half = len(labels) // 2
    return images[:half], labels[:half], images[half:], labels[half:]


def embed(images, first, shift, second):
    """The points of a network of one hidden layer, whose units are z·sigmoid(z)."""
    z = images @ first + shift
    return (z / (1 + np.e ** (-z))) @ second


def train(xp, loss, images, labels, seed):
    """The network after some steps of Adam, each on a batch of its own."""
    of = np.random.default_rng(seed)
    shapes = (SIZES[:2], SIZES[1:2], SIZES[1:], (CLASSES, SIZES[2]), (CLASSES,))
    scales = (1 / 8, 0.0, 1 / 4, 1.0, 0.0)
    weights = [xp.asarray(s * of.normal(size=shape)) for s, shape in zip(scales, shapes, strict=True)]
    centers = xp.zeros((CLASSES, SIZES[2]), dtype=weights[0].dtype)

    def objective(first, shift, second, weight, bias, centers, batch, their_labels):
        return loss(embed(batch, first, shift, second), their_labels, weight, bias, centers)

    slope = al.grad(objective, argnums=(0, 1, 2, 3, 4))
    mean, power = [0.0 * w for w in weights], [0.0 * w for w in weights]
    for k in range(1, STEPS + 1):
        chosen = of.choice(len(labels), BATCH, replace=False)
        batch, their_labels = xp.asarray(images[chosen]), xp.asarray(labels[chosen])
        found = slope(*weights, centers, batch, their_labels)
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, found, strict=True)]
        power = [0.99 * p + 0.01 * g**2 for p, g in zip(power, found, strict=True)]
        rate = RATE * (1 - k / (STEPS + 1))
        moves = [
            (m / (1 - 0.9**k)) / ((p / (1 - 0.99**k)) ** 0.5 + 1e-8) for m, p in zip(mean, power, strict=True)
        ]
        weights = [w - rate * move for w, move in zip(weights, moves, strict=True)]
        centers = al.update_centers(centers, embed(batch, *weights[:3]), their_labels)
    return [np.asarray(w) for w in weights[:3]]


def nearest(known, labels, asked, by_cosine):
    """The label of the nearest known point of each."""
    if by_cosine:
        known, asked = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (known, asked))
    distances = ((asked[:, None, :] - known) ** 2).sum(-1)
    return labels[distances.argmin(1)]


def run(xp=np, seeds=SEEDS):
    """The accuracy under every loss on every data set: `xp` is numpy, torch, jax.numpy, ..."""
    rows = {}
    for name, (loss, by_cosine) in LOSSES.items():
        found = []
        for seed in seeds:
            images, labels, others, theirs = data(seed)
            network = train(xp, loss, images, labels, seed)
            known, asked = embed(images, *network), embed(others, *network)
            found.append(np.mean(nearest(known, labels, asked, by_cosine) == theirs))
        rows[name] = {"nearest neighbour is right": np.asarray(found)}
    return rows


def draw(axes, colours):
    """Some of the points of digits not seen before, one panel for each loss."""
    images, labels, others, theirs = data(0)
    for ax, (name, (loss, _)) in zip(axes, LOSSES.items(), strict=True):
        points = embed(others, *train(np, loss, images, labels, 0))[:400]
        points = points / np.abs(points).max()
        for digit, colour in enumerate(colours):
            mine = points[theirs[:400] == digit]
            ax.plot(*mine.T, "o", color=colour, markersize=2, alpha=0.6, markeredgewidth=0)
            ax.text(*np.median(mine, axis=0), str(digit), ha="center", va="center", weight="bold")
        ax.set_title(name)


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(np.mean(x)), 3) for k, x in figures.items()})
