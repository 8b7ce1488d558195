"""What losses of features and spectrograms are given, and what they make of whole batches."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest

import arraylosses as al

of = np.random.default_rng(0)
# Equally spaced on the mel scale of Slaney from 0 to 11025 Hz.
EDGES = np.asarray(
    """0 85.317 170.635 255.952 341.269 426.586 511.904 597.221 682.538 767.855 853.173 938.49 1024.856
    1119.114 1222.042 1334.436 1457.167 1591.187 1737.532 1897.337 2071.84 2262.393 2470.47 2697.686
    2945.799 3216.731 3512.582 3835.643 4188.417 4573.636 4994.285 5453.621 5955.205 6502.92 7101.009
    7754.107 8467.272 9246.028 10096.408 11025""".split(),
    dtype=float,
)


def test_gram_matrix_takes_channels_last():
    features = of.standard_normal((2, 3, 4, 5))
    last = np.moveaxis(features, 1, -1)
    np.testing.assert_allclose(al.gram_matrix(last, axes=(-3, -2)), al.gram_matrix(features), rtol=1e-14)


def test_style_loss_is_the_distance_of_gram_matrices():
    p, t = of.standard_normal((2, 3, 4, 5, 6))
    apart = al.gram_matrix(p) - al.gram_matrix(t)
    np.testing.assert_allclose(
        al.style_loss(p, t, reduction="none"), (apart**2).mean(axis=(-2, -1)), rtol=1e-12
    )


def test_what_stands_beside_half_precision_is_single():
    half = np.ones((2, 3, 3), dtype=np.float16)
    assert al.gram_matrix(half).dtype == np.float32
    assert al.hann_window(half, size=4).dtype == np.float32
    assert al.mel_filter_bank(half, sample_rate=16000, n_fft=512).dtype == np.float32


@pytest.mark.parametrize("size", [1, 2, 5, 600])
def test_hann_window_is_that_of_torch(size):
    torch = pytest.importorskip("torch")
    want = torch.hann_window(size, dtype=torch.float64)
    if size > 1:  # of one sample torch makes 1
        np.testing.assert_allclose(al.hann_window(np.zeros(1), size=size), want, atol=1e-15)


def test_mel_bands_are_triangles_of_area_one():
    bank = al.mel_filter_bank(np.zeros(1), sample_rate=22050, n_fft=4096, n_mels=38)
    f = np.arange(2049) * 22050 / 4096
    for row, (low, middle, high) in zip(bank, zip(EDGES, EDGES[1:], EDGES[2:], strict=False), strict=True):
        want = np.interp(f, [low, middle, high], [0, 2 / (high - low), 0])
        np.testing.assert_allclose(row, want, atol=2e-5 * want.max())


def test_mel_bank_between_frequencies():
    bank = al.mel_filter_bank(np.zeros(1), sample_rate=8000, n_fft=256, n_mels=8, f_min=500.0, f_max=2000.0)
    f = np.arange(129) * 8000 / 256
    assert not bank[:, (f <= 500) | (f >= 2000)].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_fft": 0}, "n_fft must be a positive integer, got 0"),
        ({"sample_rate": -1.0}, "sample_rate must be positive, got -1.0"),
        (
            {"f_max": 9000.0},
            "f_max must be above f_min = 0.0 and at most half of the sample rate, got 9000.0",
        ),
    ],
)
def test_mel_bank_refuses(options, message):
    with pytest.raises(ValueError) as error:
        al.mel_filter_bank(np.zeros(1), **({"sample_rate": 16000, "n_fft": 512} | options))
    assert str(error.value) == f"mel_filter_bank: {message}"


# --- spectrograms ---------------------------------------------------------------------------------


def spectrogram(x, n_fft, hop, size, **how):
    import torch

    window = torch.hann_window(size, dtype=torch.float64)
    return torch.stft(x, n_fft, hop, size, window, return_complex=True, **how).abs()


def test_multi_resolution_loss_is_that_of_the_transforms_of_torch():
    torch = pytest.importorskip("torch")
    p, t = torch.asarray(of.standard_normal((2, 3, 2500)))
    want = 0.0
    for resolution in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        a, b = (spectrogram(x, *resolution).square().clamp(min=1e-7).sqrt() for x in (p, t))
        convergence = torch.linalg.norm(b - a, dim=(-2, -1)) / torch.linalg.norm(b, dim=(-2, -1))
        want = want + (convergence + (a.log() - b.log()).abs().mean(dim=(-2, -1))) / 3
    got = al.multi_resolution_stft_loss(p, t, reduction="none")
    torch.testing.assert_close(got, want, rtol=1e-11, atol=0)


def test_log_mel_loss_is_that_of_the_transforms_of_torch():
    torch = pytest.importorskip("torch")
    p, t = torch.asarray(of.standard_normal((2, 3, 2500)))
    basis = al.mel_filter_bank(p, sample_rate=22050, n_fft=1024)

    def bands(x):
        padded = torch.nn.functional.pad(x, (384, 384), mode="reflect")
        power = spectrogram(padded, 1024, 256, 1024, center=False).square()
        return (basis @ (power + 1e-9).sqrt()).clamp(min=1e-5).log()

    got = al.log_mel_loss(p, t, basis, al.hann_window(p, size=1024), reduction="none")
    torch.testing.assert_close(got, (bands(p) - bands(t)).abs().mean(dim=(-2, -1)), rtol=1e-11, atol=0)


def test_joint_convergence_is_that_of_one_long_spectrogram():
    p, t = of.uniform(0.5, 2.0, (2, 3, 4, 5))
    long_p, long_t = (np.concatenate(list(x), axis=-1) for x in (p, t))
    want = al.spectral_convergence_loss(long_p, long_t)
    np.testing.assert_allclose(al.spectral_convergence_loss(p, t, joint=True), want, rtol=1e-14)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_joint_losses_leave_out_what_is_masked(reduction):
    how = {"joint": True, "reduction": reduction}
    kept = np.asarray([True, False, True])
    p, t = of.uniform(0.5, 2.0, (2, 3, 4, 5))
    masked = np.where(kept[:, None, None], p, np.nan)
    got = al.spectral_convergence_loss(masked, t, where=kept, **how)
    np.testing.assert_allclose(got, al.spectral_convergence_loss(p[kept], t[kept], **how), rtol=1e-14)
    p, t = of.standard_normal((2, 3, 40))
    how |= {"resolutions": ((16, 4, 10), (8, 3, 8))}
    masked = np.where(kept[:, None], p, np.nan)
    got = al.multi_resolution_stft_loss(masked, t, where=kept, **how)
    np.testing.assert_allclose(got, al.multi_resolution_stft_loss(p[kept], t[kept], **how), rtol=1e-13)
    slope = al.grad(
        lambda x: al.multi_resolution_stft_loss(x, t, where=kept, joint=True, resolutions=how["resolutions"])
    )(masked)
    assert np.isfinite(slope).all()
    assert not slope[1].any()


def test_joint_loss_of_nothing_is_zero():
    nothing = np.zeros((0, 40))
    assert al.multi_resolution_stft_loss(nothing, nothing, resolutions=((16, 4, 10),), joint=True) == 0


def test_a_library_without_fourier_transforms_is_named():
    x = array_api_strict.ones((1, 40))
    with array_api_strict.ArrayAPIStrictFlags(enabled_extensions=()), pytest.raises(TypeError) as error:
        al.multi_resolution_stft_loss(x, x, resolutions=((16, 4, 10),))
    rule = "be an array of a library with the fft extension of the array API standard"
    assert str(error.value) == f"multi_resolution_stft_loss: pred must {rule}, got array_api_strict"


@pytest.mark.parametrize(
    ("length", "arguments", "message"),
    [
        (9, {}, "pred must be at least 10 samples long, got (9,)"),
        (40, {"window": 17}, "window must be at most as long as the transform, 16 samples, got (17,)"),
        (40, {"hop": 17}, "hop must be at most the transform's 16 samples, got 17"),
    ],
)
def test_log_mel_loss_refuses(length, arguments, message):
    x, basis = np.ones(length), np.ones((2, 9))
    window = np.ones(arguments.pop("window", 16))
    with pytest.raises(ValueError) as error:
        al.log_mel_loss(x, x, basis, window, **({"hop": 4} | arguments if length > 9 else {"hop": 10}))
    assert str(error.value) == f"log_mel_loss: {message}"
