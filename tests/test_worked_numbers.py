"""Numbers that anybody can check by hand, in single precision, on every framework."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.cli import kit

PRED = [[0.5, 0.2, 0.1, 0.3], [0.1, 0.6, 0.2, 0.4], [0.3, 0.4, 0.7, 0.1]]
IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
ENGINES = {"torch": "torch", "jax": "jax"}


class Library:
    """Arrays of one framework from lists."""

    def __init__(self, framework: Any) -> None:
        self.framework = framework
        self.engine = ENGINES.get(framework.name, "own")

    def __call__(self, nested: Any, dtype: str | None = "float32") -> Any:
        a = np.asarray(nested)
        return self.framework.asarray(a if dtype is None else a.astype(dtype), dtype)

    def float(self, x: Any) -> float:
        return float(self.array(x))

    def array(self, x: Any) -> np.ndarray:
        return self.framework.numpy(x.compute() if hasattr(x, "compute") else x)


@pytest.fixture(params=kit.module("frameworks").installed(), ids=lambda f: f.name)
def xp(request: pytest.FixtureRequest) -> Iterator[Library]:
    with request.param.session("float32"):
        yield Library(request.param)


def test_smooth_l1_and_l1_of_three_predictions(xp: Library) -> None:
    pred, target = xp(PRED), xp(IDENTITY)
    assert xp.float(al.smooth_l1_loss(pred, target)) == pytest.approx(0.04625, rel=1e-6)
    assert xp.float(al.absolute_error(pred, target)) == pytest.approx(0.275, rel=1e-6)


def test_smooth_l1_sum(xp: Library) -> None:
    loss = al.smooth_l1_loss(xp([1, 5, 3, 0.5]), xp([4, 1, 0, 0.4]), reduction="sum")
    assert xp.float(loss) == pytest.approx(8.505, rel=1e-6)


@pytest.mark.parametrize("beta", [0.1, 0.01])
def test_smooth_l1_with_beta_is_a_rescaled_one(xp: Library, beta: float) -> None:
    pred, target = np.asarray(PRED), np.asarray(IDENTITY)
    ours = al.smooth_l1_loss(xp(pred), xp(target), beta=beta)
    rescaled = al.smooth_l1_loss(xp(pred / beta), xp(target / beta))
    assert xp.float(ours) == pytest.approx(beta * xp.float(rescaled), rel=2e-6)


def test_binary_cross_entropy_at_logit_zero(xp: Library) -> None:
    logits, target = xp([0.0, 0.0]), xp([1.0, 0.0])
    found = al.derivatives(al.binary_cross_entropy_with_logits, logits, target)
    value, gradient, second = map(xp.array, found)
    np.testing.assert_allclose(value, math.log(2), rtol=1e-7)
    assert gradient.tolist() == [-0.5, 0.5]
    assert second.tolist() == [0.25, 0.25]


@pytest.mark.parametrize(("logits", "expected"), [([1e7, 1e7 + 10], 4.5398899e-5), ([0, 17], 4.1399376e-8)])
def test_cross_entropy_of_a_confident_row(xp: Library, logits: list[float], expected: float) -> None:
    loss = al.cross_entropy(xp([logits]), xp([1], None))
    assert xp.float(loss) == pytest.approx(expected, rel=1e-6)


def test_absolute_error_has_no_gradient_at_zero(xp: Library) -> None:
    gradient = al.grad(al.absolute_error)(xp([0.0, 1.0]), xp([0.0, 0.0]))
    assert xp.array(gradient).tolist() == [0.0, 0.5]


def test_a_logit_of_minus_infinity_whose_target_is_zero(xp: Library) -> None:
    logits, target = xp([[-math.inf, 2.0, 1.0]]), xp([[0.0, 1.0, 0.0]])
    value, gradient = al.value_and_grad(al.cross_entropy)(logits, target)
    assert xp.float(value) == pytest.approx(math.log1p(math.exp(-1)), rel=1e-6)
    p = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(xp.array(gradient), [[0.0, p - 1, 1 - p]], rtol=1e-6)


def test_identical_small_boxes(xp: Library) -> None:
    boxes = xp([[0.5, 0.5, 0.5001, 0.5001]])
    value, gradient = al.value_and_grad(al.giou_loss)(boxes, boxes)
    assert xp.float(value) == 0
    assert not xp.array(gradient).any()


def test_psnr_is_averaged_over_the_images(xp: Library) -> None:
    pred, target = xp([[[[0.1]]], [[[0.01]]]]), xp([[[[0.0]]], [[[0.0]]]])
    assert xp.float(al.psnr_loss(pred, target, eps=0.0)) == pytest.approx(-30, rel=1e-6)


def test_ms_ssim_of_constant_images(xp: Library) -> None:
    dark, bright = xp(np.full((1, 4, 4), 0.5)), xp(np.full((1, 4, 4), 0.6))
    similar = (2 * 0.5 * 0.6 + 1e-4) / (0.5**2 + 0.6**2 + 1e-4)
    found = al.ms_ssim_loss(dark, bright, window_size=2, weights=(0.2363, 0.1333))
    assert xp.float(found) == pytest.approx(1 - similar**0.1333, rel=1e-5)


def test_perceptual_loss_of_two_layers(xp: Library) -> None:
    pred, target = [xp([[[1.0, 3.0]]]), xp([[[0.0]]])], [xp([[[2.0, 3.0]]]), xp([[[2.0]]])]
    assert xp.float(al.perceptual_loss(pred, target, weight=[1.0, 0.5])) == 2.5


def test_spectral_losses_of_two_magnitudes(xp: Library) -> None:
    pred, target = xp([[1.0, 2.0]]), xp([[1.0, 4.0]])
    total = al.spectral_convergence_loss(pred, target) + al.log_stft_magnitude_loss(pred, target)
    assert xp.float(total) == pytest.approx(0.83164484, rel=1e-7)


def test_engines_are_the_frameworks_own(xp: Library) -> None:
    pred, target = xp(PRED), xp(IDENTITY)
    ours = al.grad(al.huber_loss, engine="own")(pred, target)
    theirs = al.grad(al.huber_loss, engine=xp.engine)(pred, target)
    np.testing.assert_allclose(xp.array(ours), xp.array(theirs), rtol=1e-6)
