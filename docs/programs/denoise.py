"""Total variation takes the noise out of a picture and leaves its edges.

The squared distance from the noisy picture, plus a weight times the total variation, is minimised over
all of its pixels. Beside it stands a Gaussian filter, of the width that suits this picture best.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize

import arraylosses as al

SEEDS = range(3)
SIDE, NOISE = 32, 0.1


def picture():
    """Two rectangles and a disc: one channel, on a scale from 0 to 1."""
    image = np.zeros((1, SIDE, SIDE))
    image[0, 4:18, 3:13] = 1.0
    image[0, 22:29, 4:15] = 0.75
    row, column = np.indices((SIDE, SIDE))
    image[0, (row - 16) ** 2 + (column - 23) ** 2 < 50] = 0.5
    return image


def decibels(image):
    """Peak signal-to-noise ratio."""
    return -float(al.psnr_loss(image, picture(), eps=0.0))


def denoise(xp, noisy, weight):
    constant = xp.asarray(noisy)

    def objective(u):
        # eps rounds the kink at equal neighbours, which a quasi-Newton method does not get along with.
        rough = al.total_variation_loss(u, kind="isotropic", eps=0.01)
        return 0.5 * al.squared_error(u, constant, reduction="sum") + weight * rough

    step = al.value_and_grad(objective)

    def value_and_slope(pixels):
        value, gradient = step(xp.asarray(pixels.reshape(noisy.shape)))
        return float(value), np.ravel(np.asarray(gradient))

    return minimize(value_and_slope, np.ravel(noisy), jac=True, method="L-BFGS-B").x.reshape(noisy.shape)


def run(xp=np, seeds=SEEDS):
    """The decibels of every picture: `xp` is numpy, torch, jax.numpy, ..."""
    noisy = [picture() + np.random.default_rng(seed).normal(0, NOISE, (1, SIDE, SIDE)) for seed in seeds]
    widths = np.arange(0.3, 1.0, 0.1)
    filtered = [[decibels(gaussian_filter(u, (0, s, s))) for s in widths] for u in noisy]
    rows = {
        "noisy": [decibels(u) for u in noisy],
        "Gaussian filter, its best width": np.max(filtered, axis=1),
    }
    for weight in (0.02, 0.1, 0.5):
        rows[f"total variation, weight {weight}"] = [decibels(denoise(xp, u, weight)) for u in noisy]
    return {name: {"PSNR in dB": np.asarray(found)} for name, found in rows.items()}


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, np.round(figures["PSNR in dB"], 2))
