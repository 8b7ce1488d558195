"""Audio: losses of spectrograms, and of waveforms by way of them."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import NONNEGATIVE as NONNEGATIVE_ARRAY
from ._core.domains import REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.numeric import absolute, divide, keep, log, matmul, norm, sqrt
from ._core.parameters import COUNT, FLAG, NONNEGATIVE, Rule
from ._core.registry import loss
from ._core.spectra import hann, powers, require_fft

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = [
    "spectral_convergence_loss",
    "log_stft_magnitude_loss",
    "multi_resolution_stft_loss",
    "log_mel_loss",
]


def _is_resolution(value: Any) -> bool:
    counts = isinstance(value, tuple) and len(value) == 3 and all(type(n) is int and n > 0 for n in value)
    return counts and value[2] <= value[0]


RESOLUTIONS = Rule(
    "be a tuple of (n_fft, hop, window) in samples, the window not longer than n_fft",
    lambda v: isinstance(v, tuple) and len(v) > 0 and all(map(_is_resolution, v)),
    ((), (8, 2, 4), ((8, 2, 9),), ((8, 0, 4),)),
    numeric=False,
)


@loss(
    "(..., f, m), (..., f, m) -> (...)",
    pred=NONNEGATIVE_ARRAY,
    target=NONNEGATIVE_ARRAY,
    joint=FLAG,
)
def spectral_convergence_loss(
    pred: A,
    target: Array,
    /,
    *,
    joint: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Spectral convergence: the relative error of a spectrogram, which its peaks decide.

    .. math:: \ell = \frac{\lVert T - P \rVert_F}{\lVert T \rVert_F}

    with the Frobenius norm over all frequencies and frames of one waveform.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., F, M)
        The magnitudes :math:`P` of F frequencies in M frames, not negative.
    target : array of real dtype, shape (..., F, M)
        The magnitudes :math:`T` of the reference.
    joint : bool, default False
        Whether the norms are taken over the whole batch, which makes of it a single item.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a spectrogram;
        `where` masks spectrograms with `joint` too.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without a unit. The item has shape () with `joint`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex in the prediction, with a kink at :math:`P = T`, where the gradient is 0. Of a silent target
    it is infinite, with gradient 0, unless the prediction is silent too: then it is 0.

    Others take the norms over the batch, which is `joint`, so that the loss of a waveform depends on
    what it is batched with; or those of each frame, which are items here if the frames stand on an
    axis of their own before an M of 1.

    References
    ----------
    Arık, Jun, Diamos, *Fast spectrogram inversion using multi-head convolutional neural networks*, IEEE
    Signal Process. Lett. 26(1), 2019, arXiv:1808.06719.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.spectral_convergence_loss(np.asarray([[1.0, 2.0]]), np.asarray([[1.0, 4.0]]))), 6)
    0.485071
    """
    xp, p, t, joint, done = enter(
        spectral_convergence_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="()" if joint is True else None,
        joint=joint,
    )
    return done(_convergence(xp, p, t, joint))


@loss(
    "(..., f, m), (..., f, m) -> (...)",
    pred=NONNEGATIVE_ARRAY,
    target=NONNEGATIVE_ARRAY,
    floor=NONNEGATIVE,
)
def log_stft_magnitude_loss(
    pred: A,
    target: Array,
    /,
    *,
    floor: float = 0.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Log magnitude loss: the relative errors of a spectrogram, of what is soft as of what is loud.

    .. math:: \ell = \operatorname{mean}\,\bigl|\ln \max(T, \varepsilon) - \ln \max(P, \varepsilon)\bigr|

    with the mean over all frequencies and frames of one waveform.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., F, M)
        The magnitudes :math:`P` of F frequencies in M frames, not negative: those of a Fourier
        transform, or of mel bands.
    target : array of real dtype, shape (..., F, M)
        The magnitudes :math:`T` of the reference.
    floor : float, default 0.0
        The magnitude :math:`\varepsilon \ge 0` below which all are alike. HiFi-GAN has 1e-5 for mel
        bands.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a spectrogram.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nepers: 1 is a factor of e.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `floor`.

    Notes
    -----
    Symmetric. Magnitudes that agree are a kink with gradient 0, and so is the floor; below it the
    gradient is 0. Without a floor two magnitudes of 0 agree, and one of 0 is infinitely far from any
    other.

    References
    ----------
    Arık, Jun, Diamos, *Fast spectrogram inversion using multi-head convolutional neural networks*, IEEE
    Signal Process. Lett. 26(1), 2019, arXiv:1808.06719; Kong, Kim, Bae, *HiFi-GAN: generative adversarial
    networks for efficient and high fidelity speech synthesis*, NeurIPS 2020, arXiv:2010.05646, for mel
    bands.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.log_stft_magnitude_loss(np.asarray([[1.0, 2.0]]), np.asarray([[1.0, 4.0]]))), 6)
    0.346574
    >>> bands = np.asarray([[1e-6, 1.0]]), np.asarray([[1e-5, np.e]])
    >>> float(al.log_stft_magnitude_loss(*bands, floor=1e-5))
    0.5
    """
    xp, p, t, floor, done = enter(
        log_stft_magnitude_loss, (pred, target), sample_weight, where, reduction, normalizer, floor=floor
    )
    return done(xp.mean(_apart_in_logs(xp, p, t, floor), axis=(-2, -1)))


@loss(
    "(..., t), (..., t) -> (...)",
    pred=REAL,
    target=REAL,
    resolutions=RESOLUTIONS,
    eps=NONNEGATIVE,
    joint=FLAG,
)
def multi_resolution_stft_loss(
    pred: A,
    target: Array,
    /,
    *,
    resolutions: tuple[tuple[int, int, int], ...] = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)),
    eps: float = 1e-7,
    joint: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Multi-resolution STFT loss: waveforms that sound alike, at several resolutions in time and pitch.

    .. math::

        \ell = \frac{1}{R} \sum_{r=1}^{R} \left(
        \frac{\lVert T_r - P_r \rVert_F}{\lVert T_r \rVert_F}
        + \operatorname{mean}\,|\ln T_r - \ln P_r| \right), \qquad
        P_r = \sqrt{\max(|\operatorname{STFT}_r\,p|^2, \varepsilon)}

    which is at each resolution :func:`spectral_convergence_loss` and :func:`log_stft_magnitude_loss`.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., T)
        The waveform :math:`p`.
    target : array of real dtype, shape (..., T)
        The reference waveform :math:`t`.
    resolutions : tuple of tuples of int, default ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
        Of each resolution, in samples: the length of the Fourier transform, the hop from frame to
        frame, and the length of the window, a periodic Hann window in the middle of the frame. The
        waveforms are mirrored at their ends for half a transform.
    eps : float, default 1e-7
        The power :math:`\varepsilon \ge 0` below which all are alike.
    joint : bool, default False
        Whether the norms are taken over the whole batch, which makes of it a single item.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a waveform;
        `where` masks waveforms with `joint` too.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without a unit. The item has shape () with `joint`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a library without the fft
        extension of the standard, for a waveform that is not longer than half of each transform, and
        for parameters out of their range.

    Notes
    -----
    Not convex. It does not hear the phase: a waveform and its negative are alike. What is below the
    floor has gradient 0, so silence does not learn.

    Of tones without noise the default of `eps` is far below what a window leaks around them, which the
    logarithm then weighs as much as the tones: take the power at which all is silence.

    The defaults are those of Parallel WaveGAN, whose first release had 1e-9 as a floor of the
    magnitudes; it takes the norms over the batch, which is `joint`.

    References
    ----------
    Yamamoto, Song, Kim, *Parallel WaveGAN: a fast waveform generation model based on generative
    adversarial networks with multi-resolution spectrogram*, ICASSP 2020, arXiv:1910.11480.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> time = np.arange(2048) / 8000
    >>> low, high = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 880 * time)
    >>> bool(al.multi_resolution_stft_loss(high, low) > al.multi_resolution_stft_loss(0.5 * low, low) > 0)
    True
    """
    xp, p, t, resolutions, eps, joint, done = enter(
        multi_resolution_stft_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="()" if joint is True else None,
        resolutions=resolutions,
        eps=eps,
        joint=joint,
    )
    require_fft(xp, "multi_resolution_stft_loss")
    longest = max(n_fft for n_fft, _, _ in resolutions)
    if p.shape[-1] <= longest // 2:
        rule = f"be longer than {longest // 2} samples, half of the longest transform"
        raise refuse("multi_resolution_stft_loss", "pred", rule, tuple(p.shape))
    total = 0.0
    for n_fft, hop, size in resolutions:
        window = hann(xp, size, p)
        of_p, of_t = (powers(xp, x, window, n_fft, hop, n_fft // 2) for x in (p, t))
        log_magnitudes = xp.mean(_apart_in_logs(xp, of_p, of_t, eps), axis=(-2, -1)) / 2
        of_p, of_t = (sqrt(xp, _at_least(xp, x, eps)) for x in (of_p, of_t))
        if joint:
            log_magnitudes = _mean_where(xp, log_magnitudes, done.where)
            if done.where is not None:
                of_p, of_t = (keep(xp, x, done.where[..., None, None]) for x in (of_p, of_t))
        total = total + (_convergence(xp, of_p, of_t, joint) + log_magnitudes)
    return done(total / len(resolutions))


@loss(
    "(..., t), (..., t), (b, f), (w) -> (...)",
    pred=REAL,
    target=REAL,
    mel_basis=NONNEGATIVE_ARRAY,
    window=REAL,
    hop=COUNT,
    eps=NONNEGATIVE,
    floor=NONNEGATIVE,
)
def log_mel_loss(
    pred: A,
    target: Array,
    mel_basis: Array,
    window: Array,
    /,
    *,
    hop: int = 256,
    eps: float = 1e-9,
    floor: float = 1e-5,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Log-mel loss: waveforms whose loudness agrees in every band that an ear tells apart.

    .. math::

        \ell = \operatorname{mean}\,\bigl|\ln \max(M S_t, \delta) - \ln \max(M S_p, \delta)\bigr|, \qquad
        S_p = \sqrt{|\operatorname{STFT}\,p|^2 + \varepsilon}

    with the mean over all bands and frames of one waveform.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., T)
        The waveform :math:`p`.
    target : array of real dtype, shape (..., T)
        The reference waveform :math:`t`.
    mel_basis : array of real dtype, shape (B, F)
        The weights :math:`M` of F frequencies in B bands, as :func:`mel_filter_bank` has them. It says
        how long the Fourier transform is: 2 (F - 1) samples.
    window : array of real dtype, shape (W,)
        What each frame is multiplied by, at most as long as the transform: :func:`hann_window`. A
        shorter one stands in the middle of the frame.
    hop : int, default 256
        How many samples it is from frame to frame.
    eps : float, default 1e-9
        What is added to the power of each frequency, :math:`\varepsilon \ge 0`.
    floor : float, default 1e-5
        The magnitude :math:`\delta \ge 0` below which all bands are alike.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a waveform.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nepers: 1 is a factor of e.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a library without the fft
        extension of the standard, for a window or a hop that is longer than the transform, for a
        waveform that is too short for a frame, and for parameters out of their range.

    Notes
    -----
    Not convex. It does not hear the phase. Below the floor the gradient is 0. The waveforms are mirrored
    at both ends for half of what the transform is longer than the hop, so that every hop has a frame.

    The defaults are those of HiFi-GAN, with 80 bands up to half of the sample rate, a window of 1024
    samples, and a weight of 45 beside its other losses. Of magnitudes of mel bands that are there
    already it is ``log_stft_magnitude_loss(pred, target, floor=1e-5)``.

    References
    ----------
    Kong, Kim, Bae, *HiFi-GAN: generative adversarial networks for efficient and high fidelity speech
    synthesis*, NeurIPS 2020, arXiv:2010.05646.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> time = np.arange(4096) / 22050
    >>> loud, soft = np.sin(2 * np.pi * 440 * time), 0.5 * np.sin(2 * np.pi * 440 * time)
    >>> basis = al.mel_filter_bank(loud, sample_rate=22050, n_fft=1024)
    >>> window = al.hann_window(loud, size=1024)
    >>> round(float(al.log_mel_loss(soft, loud, basis, window, eps=0.0, floor=0.0)), 6)
    0.693147
    """
    xp, p, t, basis, window, hop, eps, floor, done = enter(
        log_mel_loss,
        (pred, target, mel_basis, window),
        sample_weight,
        where,
        reduction,
        normalizer,
        hop=hop,
        eps=eps,
        floor=floor,
    )
    require_fft(xp, "log_mel_loss")
    n_fft = 2 * (basis.shape[1] - 1)
    if n_fft == 0:
        raise refuse("log_mel_loss", "mel_basis", "have at least two frequencies", tuple(basis.shape))
    if window.shape[0] > n_fft:
        rule = f"be at most as long as the transform, {n_fft} samples"
        raise refuse("log_mel_loss", "window", rule, tuple(window.shape))
    if hop > n_fft:
        raise refuse("log_mel_loss", "hop", f"be at most the transform's {n_fft} samples", hop)
    pad = (n_fft - hop) // 2
    if p.shape[-1] < (least := max(pad + 1, n_fft - 2 * pad)):
        rule = f"be at least {least} samples long"
        raise refuse("log_mel_loss", "pred", rule, tuple(p.shape))
    of_p, of_t = (
        matmul(xp, sqrt(xp, powers(xp, x, window, n_fft, hop, pad) + eps), xp.matrix_transpose(basis))
        for x in (p, t)
    )
    return done(xp.mean(_apart_in_logs(xp, of_p, of_t, floor), axis=(-2, -1)))


# --- what the losses of spectrograms share --------------------------------------------------------


def _convergence(xp: Namespace, p: Array, t: Array, joint: bool) -> Array:
    """‖T - P‖ / ‖T‖ over the last two axes or all; infinite where only T is nothing."""
    lead = () if joint else p.shape[:-2]
    size = math.prod(p.shape[len(lead) :])
    apart, whole = (norm(xp, xp.reshape(x, (*lead, size))) for x in (p - t, t))
    return xp.where((whole == 0) & (apart > 0), math.inf, divide(xp, apart, whole))


def _at_least(xp: Namespace, x: Array, floor: Any) -> Array:
    """The greater of `x` and a number, with derivative 0 at the number."""
    return xp.where(x <= floor, floor, x)


def _apart_in_logs(xp: Namespace, p: Array, t: Array, floor: Any) -> Array:
    """|ln T - ln P|, where what is not above the floor is on it, be it 0."""
    silent = (p <= floor) & (t <= floor)
    of_p, of_t = (log(xp, xp.where(silent, 1.0, _at_least(xp, x, floor))) for x in (p, t))
    return absolute(xp, of_t - of_p)


def _mean_where(xp: Namespace, x: Array, where: Array | None) -> Array:
    """The mean over a batch, or over a part of it; 0 of nothing."""
    if where is None:
        return xp.sum(x) / max(1, math.prod(x.shape))
    kept = xp.broadcast_to(where, x.shape)
    return divide(xp, xp.sum(keep(xp, x, kept)), xp.sum(xp.astype(kept, x.dtype)))
