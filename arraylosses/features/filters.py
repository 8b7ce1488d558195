"""Windows and filter banks, beside the arrays that they are for."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from .._core.companions import in_working_dtype
from .._core.entry import check_parameter
from .._core.errors import refuse
from .._core.namespaces import device, namespace
from .._core.parameters import COUNT, NONNEGATIVE, POSITIVE, Rule
from .._core.spectra import hann

A = TypeVar("A")
Array = Any


def hann_window(like: A, /, *, size: int) -> A:
    r"""Hann window, periodic: what the frames of a Fourier transform are multiplied by.

    .. math:: w_i = \sin^2 \frac{\pi i}{n} \qquad i = 0, \dots, n - 1

    Parameters
    ----------
    like : array of real floating dtype
        An array whose library, dtype and device the window is to have: the waveforms.
    size : int
        How many samples :math:`n` it has.

    Returns
    -------
    array of shape (size,)
        Without a unit. Beside half precision it is in float32.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array, and for a `size` that is not a positive integer.

    Notes
    -----
    The window of filter design is symmetric, and divides by :math:`n - 1`: ``numpy.hanning`` is that one,
    ``torch.hann_window`` this.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.hann_window(np.zeros(1), size=4).round(6)
    array([0. , 0.5, 1. , 0.5])
    """
    xp, like = in_working_dtype("hann_window", "like", like)
    return hann(xp, _checked("hann_window", COUNT, size=size), like)


def mel_filter_bank(
    like: A,
    /,
    *,
    sample_rate: float,
    n_fft: int,
    n_mels: int = 80,
    f_min: float = 0.0,
    f_max: float | None = None,
) -> A:
    r"""Mel filter bank: how much of every frequency is in each of the bands that an ear tells apart.

    .. math::

        M_{bk} = \frac{2}{f_{b+1} - f_{b-1}} \max\left(0, \min\left(
        \frac{k s / n - f_{b-1}}{f_b - f_{b-1}}, \frac{f_{b+1} - k s / n}{f_{b+1} - f_b} \right)\right)

    where the edges :math:`f_b` are at equal distances on the mel scale of Slaney, which is linear up to
    1000 Hz, 15 mel, and from there on logarithmic, with 27 mel to a factor of 6.4.

    Parameters
    ----------
    like : array of real floating dtype
        An array whose library, dtype and device the filters are to have: the waveforms.
    sample_rate : float
        How many samples :math:`s` a second has.
    n_fft : int
        How many samples :math:`n` the Fourier transform has.
    n_mels : int, default 80
        How many bands.
    f_min : float, default 0.0
        The lower edge of the first band, in Hz.
    f_max : float, optional
        The upper edge of the last band, in Hz; half of the sample rate if not given.

    Returns
    -------
    array of shape (n_mels, n_fft // 2 + 1)
        In 1/Hz: the area of every triangle is 1. Beside half precision it is in float32.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array, and for numbers out of their range.

    Notes
    -----
    It is that of ``librosa.filters.mel`` with its defaults, and so of HiFi-GAN. A band that is narrower
    than the distance of two frequencies may have no frequency in it: its row is 0.

    References
    ----------
    Slaney, *Auditory Toolbox, version 2*, Interval Research Corporation, Technical Report 1998-010.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> bank = al.mel_filter_bank(np.zeros(1), sample_rate=22050, n_fft=1024)
    >>> bank.shape
    (80, 513)
    """
    name = "mel_filter_bank"
    xp, beside = in_working_dtype(name, "like", like)
    rate = _checked(name, POSITIVE, sample_rate=sample_rate)
    size, bands = _checked(name, COUNT, n_fft=n_fft), _checked(name, COUNT, n_mels=n_mels)
    low = _checked(name, NONNEGATIVE, f_min=f_min)
    high = rate / 2 if f_max is None else _checked(name, POSITIVE, f_max=f_max)
    if not low < high <= rate / 2:
        raise refuse(name, "f_max", f"be above f_min = {low} and at most half of the sample rate", high)
    first, last = _mel(low), _mel(high)
    edges = [_hertz(first + (last - first) * i / (bands + 1)) for i in range(bands + 2)]
    rows = []
    for below, middle, above in zip(edges, edges[1:], edges[2:], strict=False):
        sides = (
            ((f - below) / (middle - below), (above - f) / (above - middle))
            for f in (rate * k / size for k in range(size // 2 + 1))
        )
        rows.append([2 / (above - below) * max(0.0, min(side)) for side in sides])
    return xp.asarray(rows, dtype=beside.dtype, device=device(xp, beside))


LINEAR_UP_TO, MEL_THERE = 1000.0, 15.0
LOG_STEP = math.log(6.4) / 27


def _mel(f: float) -> float:
    if f < LINEAR_UP_TO:
        return f * MEL_THERE / LINEAR_UP_TO
    return MEL_THERE + math.log(f / LINEAR_UP_TO) / LOG_STEP


def _hertz(mel: float) -> float:
    if mel < MEL_THERE:
        return mel * LINEAR_UP_TO / MEL_THERE
    return LINEAR_UP_TO * math.exp((mel - MEL_THERE) * LOG_STEP)


def _checked(function: str, rule: Rule, **argument: Any) -> Any:
    """One argument, which must be a number that keeps the rule."""
    ((name, value),) = argument.items()
    number = check_parameter(function, name, value, rule)
    if namespace(number) is not None:
        raise refuse(function, name, rule.rule, value)
    return number
