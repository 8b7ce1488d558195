"""What the losses of images and of sound are of each other, and what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library, assert_same

OF = np.random.default_rng(11)
P, T = OF.random((2, 2, 4, 5)), OF.random((2, 2, 4, 5))
WAVES = OF.normal(size=(2, 24)), OF.normal(size=(2, 24))
SMALL = {"window_size": 2}


# --- images --------------------------------------------------------------------------------------


def test_ssim_does_not_know_which_image_is_the_reference(xp: Library) -> None:
    np.testing.assert_array_equal(
        xp.items(al.ssim_loss, P, T, **SMALL), xp.items(al.ssim_loss, T, P, **SMALL)
    )


def test_ssim_is_0_for_identical_images_and_for_no_others(xp: Library) -> None:
    for part in xp.both(al.ssim_loss, P, P, **SMALL):
        np.testing.assert_array_equal(part, 0)
    one_pixel = np.zeros_like(P)
    one_pixel[:, 1, 3, 4] = 1e-6
    assert (xp.items(al.ssim_loss, P + one_pixel, P, **SMALL) > 0).all()


def test_ms_ssim_of_one_scale_is_ssim(xp: Library) -> None:
    assert_same(
        xp.both(al.ms_ssim_loss, P, (P + T) / 2, weights=(1.0,), **SMALL),
        xp.both(al.ssim_loss, P, (P + T) / 2, **SMALL),
    )


def test_psnr_is_the_squared_error_of_an_image_in_decibels(xp: Library) -> None:
    error, slope = xp.both(al.squared_error, P, T)
    mean, count = error.mean(axis=(1, 2, 3)), error[0].size
    want = 10 * np.log10(mean), slope * (10 / np.log(10) / mean / count)[:, None, None, None]
    assert_same(xp.both(al.psnr_loss, P, T, eps=0.0), want)


def test_total_variation_does_not_see_a_constant(xp: Library) -> None:
    for kind in ("anisotropic", "isotropic"):
        want = xp.both(al.total_variation_loss, P, kind=kind)
        assert_same(xp.both(al.total_variation_loss, P + 0.5, kind=kind), want)


@pytest.mark.parametrize("loss", [al.gradient_difference_loss, al.edge_loss])
def test_losses_of_edges_do_not_see_a_constant_in_both_images(xp: Library, loss: Any) -> None:
    assert_same(xp.both(loss, P + 0.5, T + 0.5), xp.both(loss, P, T))


def test_gradient_difference_does_not_see_a_constant_in_one_image(xp: Library) -> None:
    assert_same(xp.both(al.gradient_difference_loss, P + 0.5, T), xp.both(al.gradient_difference_loss, P, T))


def test_style_does_not_depend_on_where_the_pixels_stand(xp: Library) -> None:
    order = np.random.default_rng(3).permutation(20)

    def permuted(x: Any) -> Any:
        return x.reshape(2, 2, 20)[..., order].reshape(2, 2, 4, 5)

    items, slope = xp.both(al.style_loss, P, T)
    assert_same(xp.both(al.style_loss, permuted(P), permuted(T)), (items, permuted(slope)))
    assert_same(xp.both(al.style_loss, permuted(P), T), (items, permuted(slope)))


def test_perceptual_loss_of_one_layer_is_the_mean_squared_error(xp: Library) -> None:
    error, slope = xp.both(al.squared_error, P, T)
    assert_same(xp.both(al.perceptual_loss, P, T), (error.mean(axis=(1, 2, 3)), slope / error[0].size))


def test_normalized_features_have_no_length(xp: Library) -> None:
    items, slope = xp.both(al.perceptual_loss, P, T, normalize=True)
    longer = np.random.default_rng(5).uniform(0.5, 2, size=(2, 1, 4, 5))
    assert_same(xp.both(al.perceptual_loss, P * longer, T / longer, normalize=True), (items, slope / longer))


def test_images_below_the_window_are_refused() -> None:
    image = np.zeros((1, 175, 200))
    with pytest.raises(ValueError) as error:
        al.ms_ssim_loss(image, image)
    rule = "be at least 176 long along its spatial axes, for 5 scales"
    assert str(error.value) == f"ms_ssim_loss: pred must {rule}, got (1, 175, 200)"
    with pytest.raises(ValueError) as error:
        al.ssim_loss(image[:, :10], image[:, :10])
    rule = "be at least window_size = 11 long along its spatial axes"
    assert str(error.value) == f"ssim_loss: pred must {rule}, got (1, 10, 200)"


# --- sound ---------------------------------------------------------------------------------------


def test_stft_loss_of_one_resolution_is_convergence_and_logarithms_of_magnitudes(xp: Library) -> None:
    window, frames = np.hanning(9)[:-1], range(0, 25, 4)
    mirrored = (np.pad(x, ((0, 0), (4, 4)), mode="reflect") for x in WAVES)
    stacked = (np.stack([x[:, k : k + 8] * window for k in frames], axis=-1) for x in mirrored)
    magnitudes = [np.sqrt(np.maximum(np.abs(np.fft.rfft(x, axis=1)) ** 2, 1e-7)) for x in stacked]
    convergence = xp.items(al.spectral_convergence_loss, *magnitudes)
    logarithms = xp.items(al.log_stft_magnitude_loss, *magnitudes)
    found = xp.items(al.multi_resolution_stft_loss, *WAVES, resolutions=((8, 4, 8),))
    np.testing.assert_allclose(found, convergence + logarithms, rtol=1e-12)
