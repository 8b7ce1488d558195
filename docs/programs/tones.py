"""Which two tones sound, and how loud, when their phases are unknown.

Nine sine waves with phases of their own are mixed to sound like a recording of two. A multi-resolution
STFT loss does not hear phases; the squared error of the waveforms sees little else.
"""

from __future__ import annotations

import numpy as np

import arraylosses as al

SEEDS = range(4)
RATE, SAMPLES = 8000, 1024
PITCHES = np.arange(250, 1251, 125)
TRUTH = np.where(PITCHES == 500, 0.5, 0.0) + np.where(PITCHES == 1125, 0.3, 0.0)
RESOLUTIONS = ((256, 64, 256), (512, 128, 512))


def data(seed):
    """The sine waves, the recording, and by how much the phases of the two differ."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * PITCHES[:, None] * np.arange(SAMPLES) / RATE
    ours, theirs = rng.uniform(0, 2 * np.pi, (2, len(PITCHES), 1))
    return np.sin(angle + ours), TRUTH @ np.sin(angle + theirs), (ours - theirs)[:, 0]


def spectral(amplitudes, waves, recording):
    # eps: what is 30 dB below these tones is no sound. A lower floor hears the ripples of the window.
    return al.multi_resolution_stft_loss(amplitudes @ waves, recording, resolutions=RESOLUTIONS, eps=1.0)


def squared(amplitudes, waves, recording):
    return al.squared_error(amplitudes @ waves, recording)


LOSSES = {"multi-resolution STFT": (spectral, 0.02), "squared error": (squared, 1.0)}


def fit(xp, loss, size, waves, recording, steps=60):
    """The amplitudes, by gradient descent whose steps fade."""
    step = al.value_and_grad(al.compile(loss))  # jax.jit, where it is JAX
    amplitudes = xp.full((len(PITCHES),), 0.1, dtype=waves.dtype)
    for k in range(steps):
        _, gradient = step(amplitudes, waves, recording)
        amplitudes = amplitudes - size * (1 - k / steps) * gradient
    return np.asarray(amplitudes)


def run(xp=np, seeds=SEEDS):
    """The amplitudes that every loss finds: `xp` is numpy, torch, jax.numpy, ..."""
    rows = {}
    for name, (loss, size) in LOSSES.items():
        found = []
        for seed in seeds:
            waves, recording, _ = data(seed)
            found.append(fit(xp, loss, size, xp.asarray(waves), xp.asarray(recording)))
        loud = np.abs(found)  # a tone and its negative sound alike
        rows[name] = {
            "500 Hz, which has 0.5": loud[:, PITCHES == 500][:, 0],
            "1125 Hz, which has 0.3": loud[:, PITCHES == 1125][:, 0],
            "loudest other": np.max(loud[:, TRUTH == 0], axis=1),
        }
    return rows


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: np.round(x, 3) for k, x in figures.items()})
