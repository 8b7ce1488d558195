"""Losses of images, features and sounds: over how much is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..features import hann_window, mel_filter_bank
from .recipes import Recipe, Walk

Array = Any
N = 32
LEAST_WINDOWS = {"window_size": 7}


def picture() -> Array:
    """Steps, a disc, stripes and a slope: edges, details and what is smooth."""
    y, x = np.meshgrid(np.linspace(-1, 1, N), np.linspace(-1, 1, N), indexing="ij")
    image = 0.35 + 0.15 * x
    image += 0.3 * (np.hypot(x + 0.4, y + 0.4) < 0.4)
    image += 0.2 * (y > 0.1) * (np.sin(9 * x) > 0)
    return image


def blurred(image: Array, times: int = 6) -> Array:
    for _ in range(times):
        image = (image + sum(np.roll(image, s, a) for s in (-1, 1) for a in (0, 1))) / 5
    return image


PICTURE = picture()
NOISE = np.random.default_rng(1).normal(size=(N, N))
WRONGS = {
    "noise": NOISE - NOISE.mean(),
    "blur": blurred(PICTURE) - PICTURE,
    "brightness": np.ones((N, N)),
}
WRONGS = {name: wrong / np.sqrt(np.mean(wrong**2)) for name, wrong in WRONGS.items()}
RMSE = "root mean square error of the image, of 1"


def spoiled(xp: Any, x: Array, wrong: Array) -> Array:
    return PICTURE + x[:, None, None, None] * wrong


def spoil(span: tuple[float, float] = (0.0, 0.1), orders: int = 1) -> Walk:
    """Over the error of an image, of one kind or another."""

    def arguments(xp: Any, x: Array, wrong: Array) -> tuple[Array, Array]:
        pred = spoiled(xp, x, wrong)
        return pred, xp.zeros_like(pred) + PICTURE

    return Walk(RMSE, span, arguments, WRONGS, orders=orders, points=65)


def alone() -> Walk:
    """Over the error of an image that is compared with nothing."""
    return Walk(RMSE, (0.0, 0.1), lambda xp, x, wrong: (spoiled(xp, x, wrong),), WRONGS, orders=1, points=65)


def responses(image: Array) -> Array:
    """What a layer might see: edges along two directions, and what is bright."""
    return np.stack([image, image - np.roll(image, 1, 0), image - np.roll(image, 1, 1)])


FEATURES = 20 * responses(PICTURE - PICTURE.mean())
MOVED = np.roll(FEATURES, (5, 9), (1, 2))
MIXED = FEATURES[[1, 2, 0]]


def towards(cases: dict[str, Array], label: str) -> Walk:
    """Over how far features have gone to something else."""

    def arguments(xp: Any, x: Array, other: Array) -> tuple[Array, Array]:
        pred = FEATURES + x[:, None, None, None] * (other - FEATURES)
        return pred, xp.zeros_like(pred) + FEATURES

    return Walk(label, (0.0, 1.0), arguments, cases, orders=1, points=65)


FREQUENCIES, FRAMES = 24, 12
LOUD = np.exp(-((np.arange(FREQUENCIES) - 6) ** 2) / 4)[:, None] + 0.01 * np.ones((1, FRAMES))
PEAK = (LOUD > 0.3) * 1.0
DECIBEL = np.log(10) / 20


def gains() -> Walk:
    """Over how much too loud a spectrogram is, or a part of it."""

    def arguments(xp: Any, x: Array, part: Array) -> tuple[Array, Array]:
        gain = part * (x * DECIBEL)[:, None, None]
        return LOUD * xp.exp(gain), xp.zeros_like(gain) + LOUD

    cases = {"all of it": np.ones_like(LOUD), "the peak": PEAK, "all but the peak": 1 - PEAK}
    return Walk("gain, in decibels", (-12.0, 12.0), arguments, cases, points=129)


RATE, SAMPLES = 4000.0, 1024
TIME = np.arange(SAMPLES) / RATE
HISS = 0.05 * np.random.default_rng(2).normal(size=SAMPLES)
RESOLUTIONS = ((256, 64, 240), (512, 128, 400))


def tone(xp: Any, semitones: Array, decibels: Array) -> Array:
    """A note of three partials, so many semitones off and so loud."""
    pitch = 220.0 * xp.exp(semitones[:, None] * (np.log(2) / 12))
    partials = [xp.sin(2 * np.pi * k * pitch * TIME) / k for k in (1, 2, 3)]
    return (partials[0] + partials[1] + partials[2] + HISS) * xp.exp(decibels[:, None] * DECIBEL)


def note(*more: Array) -> tuple[Walk, Walk]:
    """Over pitch and loudness of a note."""

    def pitch(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        return tone(xp, x, xp.zeros_like(x)), tone(xp, xp.zeros_like(x), xp.zeros_like(x)), *more

    def loudness(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        return tone(xp, xp.zeros_like(x), x), tone(xp, xp.zeros_like(x), xp.zeros_like(x)), *more

    return (
        Walk("pitch, in semitones", (-6.0, 6.0), pitch, orders=0, points=121),
        Walk("gain, in decibels", (-12.0, 12.0), loudness, orders=0, points=49),
    )


def recipes() -> dict[str, Recipe]:
    basis = mel_filter_bank(TIME, sample_rate=RATE, n_fft=256, n_mels=20)
    window = hann_window(TIME, size=256)
    return {
        "psnr_loss": Recipe((spoil((0.01, 0.1)),), unit="decibels, less is better"),
        "ssim_loss": Recipe((spoil(),), given=LEAST_WINDOWS),
        "ms_ssim_loss": Recipe(
            (spoil(),),
            given={"window_size": 5, "weights": (0.3, 0.4, 0.3)},
        ),
        "total_variation_loss": Recipe((alone(),)),
        "gradient_difference_loss": Recipe((spoil(),)),
        "edge_loss": Recipe((spoil(),)),
        "perceptual_loss": Recipe(
            (towards({"edges moved": MOVED, "all a half": FEATURES / 2}, "how far features have changed"),)
        ),
        "style_loss": Recipe(
            (
                towards(
                    {"moved elsewhere": MOVED, "maps exchanged": MIXED, "all 0": 0 * FEATURES},
                    "how far features have changed",
                ),
            )
        ),
        "spectral_convergence_loss": Recipe((gains(),)),
        "log_stft_magnitude_loss": Recipe((gains(),)),
        "multi_resolution_stft_loss": Recipe(note(), given={"resolutions": RESOLUTIONS}),
        "log_mel_loss": Recipe(note(basis, window), given={"hop": 64}, unit="nepers"),
    }


RECIPES = recipes()
