"""Small spots in noisy images, less than one pixel in a hundred: cross-entropy and losses of overlap.

A pixel is told from the rest by a linear classifier of the image, blurred more and less.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

import arraylosses as al

IMAGES, SIZE, STEPS = 10, 48, 200
BLURS = (0.0, 1.0, 2.0, 4.0)
SEEDS = range(2)


def of_regions(loss, **options):
    """A loss of probabilities as one of logits, for a single class."""
    return lambda z, t, p: loss(p[:, None], t[:, None], **options)


LOSSES = {
    "binary cross-entropy": lambda z, t, p: al.binary_cross_entropy_with_logits(z, t),
    "Dice": of_regions(al.dice_loss),
    "Tversky, 0.3 and 0.7": of_regions(al.tversky_loss, alpha=0.3, beta=0.7),
    "Lovász hinge": lambda z, t, p: al.lovasz_hinge_loss(z, t),
}


def data(seed):
    """Images, of which the features of every pixel, and the truth: one to three spots in each."""
    of = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    images, masks = [], []
    for _ in range(IMAGES):
        mask = np.zeros((SIZE, SIZE), bool)
        for _ in range(of.integers(1, 4)):
            (cy, cx), radius = of.uniform(4, SIZE - 4, 2), of.uniform(0.8, 1.7)
            mask |= (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
        images.append(2.5 * mask + of.normal(size=mask.shape))
        masks.append(mask)
    features = [np.stack([gaussian_filter(i, s) for i in images]).reshape(IMAGES, -1) for s in BLURS]
    ones = np.ones_like(features[0])
    return images, np.stack([*features, ones], axis=-1), np.stack(masks).reshape(IMAGES, -1).astype(float)


def train(xp, loss, x, target):
    """The weights after some steps of Adam."""

    def objective(weights):
        z = x @ weights
        return loss(z, target, 1 / (1 + np.e ** (-z)))

    slope = al.grad(objective)
    weights = xp.zeros(x.shape[-1], dtype=x.dtype)
    mean, power = 0.0 * weights, 0.0 * weights
    for k in range(1, STEPS + 1):
        gradient = slope(weights)
        mean, power = 0.9 * mean + 0.1 * gradient, 0.99 * power + 0.01 * gradient**2
        step = 0.1 * (mean / (1 - 0.9**k)) / ((power / (1 - 0.99**k)) ** 0.5 + 1e-12)
        weights = weights - step
    return np.asarray(weights)


def judge(logits, target):
    """How well the pixels of probability above 1/2 are those of the mask."""
    found, true = logits > 0, target == 1
    both = (found & true).sum()
    return {
        "Dice score": 2 * both / (found.sum() + true.sum()),
        "precision": both / max(found.sum(), 1),
        "recall": both / true.sum(),
        "pixels found": found.mean(),
    }


def run(xp=np, seeds=SEEDS):
    """The figures of every loss on every data set: `xp` is numpy, torch, jax.numpy, ..."""
    rows = {}
    for name, loss in LOSSES.items():
        found = []
        for seed in seeds:
            _, x, target = data(seed)
            _, asked, truth = data(1000 + seed)
            found.append(judge(asked @ train(xp, loss, xp.asarray(x), xp.asarray(target)), truth))
        rows[name] = {k: np.asarray([f[k] for f in found]) for k in found[0]}
    return rows


def draw(axes):
    """An image, its truth, and the probabilities that each loss came to, beside each other."""
    _, x, target = data(0)
    images, asked, truth = data(1000)
    shown = int(truth.sum(-1).argmax())
    axes[0].imshow(images[shown], cmap="gray")
    axes[0].set_title("image")
    axes[1].imshow(truth[shown].reshape(SIZE, SIZE), cmap="gray", vmin=0, vmax=1)
    axes[1].set_title("truth")
    for ax, (name, loss) in zip(axes[2:], LOSSES.items(), strict=True):
        logits = asked[shown] @ train(np, loss, x, target)
        drawn = ax.imshow(1 / (1 + np.exp(-logits)).reshape(SIZE, SIZE), cmap="viridis", vmin=0, vmax=1)
        ax.set_title(name)
    return drawn


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(np.mean(x)), 3) for k, x in figures.items()})
