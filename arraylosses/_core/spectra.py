"""From waveforms to spectrograms: frames, windows, and the power of each frequency."""

from __future__ import annotations

import math
from typing import Any

from .errors import Words, refuse
from .namespaces import device, has_fft, library, spectrum
from .numeric import square

Array = Any
Namespace = Any


def require_fft(xp: Namespace, loss: str) -> None:
    """Refuse arrays of a library that cannot transform them."""
    if not has_fft(xp):
        rule = "be an array of a library with the fft extension of the array API standard"
        raise refuse(loss, "pred", rule, Words(library(xp)), TypeError)


def hann(xp: Namespace, size: int, like: Array) -> Array:
    """The periodic Hann window, beside `like` and in its dtype."""
    weights = [math.sin(math.pi * i / size) ** 2 for i in range(size)]
    return xp.asarray(weights, dtype=like.dtype, device=device(xp, like))


def frames(xp: Namespace, x: Array, size: int, hop: int, before: int, count: int) -> Array:
    """`count` stretches of `size` samples, `hop` apart, as the rows of a last but one axis.

    The first begins so many samples `before` those of `x`, which is mirrored at its ends.
    """
    length = x.shape[-1]
    after = (count - 1) * hop + size - before - length
    parts = [x[..., max(0, -before) : length + min(0, after)]]
    if before > 0:
        parts.insert(0, xp.flip(x[..., 1 : before + 1], axis=-1))
    if after > 0:
        parts.append(xp.flip(x[..., length - 1 - after : length - 1], axis=-1))
    # In pieces as long as the hop, every frame is a few of them in a row: no index is gathered.
    pieces = -(-size // hop)
    spare = pieces * hop - size
    lead = x.shape[:-1]
    if spare:
        parts.append(xp.zeros((*lead, spare), dtype=x.dtype, device=device(xp, x)))
    cut = xp.reshape(xp.concat(parts, axis=-1), (*lead, count - 1 + pieces, hop))
    return xp.concat([cut[..., k : k + count, :] for k in range(pieces)], axis=-1)[..., :size]


def powers(xp: Namespace, x: Array, window: Array, n_fft: int, hop: int, pad: int) -> Array:
    """|STFT|², (..., frames, frequencies), of waveforms that are mirrored for so many samples at each end.

    A window that is shorter than the transform stands in the middle of the frame.
    """
    size = window.shape[-1]
    count = 1 + (x.shape[-1] + 2 * pad - n_fft) // hop
    # Where in the frame the window stands changes the phases only.
    rows = frames(xp, x, size, hop, pad - (n_fft - size) // 2, count)
    parts = square(xp, spectrum(xp, rows * window, size=n_fft))
    frequencies = n_fft // 2 + 1
    return parts[..., :frequencies] + parts[..., frequencies:]
