"""Evidence for the losses of spectrograms."""

from __future__ import annotations

import functools
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF = float("inf")
P, T = uniform(381, 3, 2, 3, low=0.25, high=4), uniform(382, 3, 2, 3, low=0.25, high=4)
SILENT, LOUD = [[0.0, 0.0]], [[1.0, 4.0]]
SHORT = ((5, 2, 4), (6, 2, 5))
# No power is that of the other one, or near nothing.
WAVE, REFERENCE = uniform(612, 3, 6), uniform(613, 3, 6)
LONGER = uniform(383, 10), uniform(384, 10)
WHOLE = [0, 1, -1, 2, 0, 3]
BASIS, WINDOW = [[0.5, 1.0, 0.25], [0.25, 0.5, 1.0]], [0.25, 1.0, 0.5]
FIVE = [[0.5, 1.0, 0.25, 0.0, 0.0], [0.0, 0.25, 0.5, 1.0, 0.75]]
SIX = [0.25, 0.75, 1.0, 0.5, 0.125, 0.0625]


def scaled(x: Any, by: float) -> Any:
    return [scaled(part, by) for part in x] if isinstance(x, list) else x * by


def flat(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def distance(x: Any, y: Any) -> Any:
    return mp.sqrt(mp.fsum((a - b) ** 2 for a, b in zip(flat(x), flat(y), strict=True)))


@evidence(
    "spectral_convergence_loss",
    case("ordinary", P, T),
    case("worked: half as loud", [[1.0, 2.0]], LOUD),
    case("one spectrogram", P[0], T[0]),
    case("two batch axes", [P], [T]),
    case("one spectrogram, joint", P[0], T[0], joint=True),
    case("kink: identical", P[0], P[0]),
    case("silent prediction", SILENT, LOUD, gradient={"target": None}),
    case("kink: silent prediction and target", SILENT, SILENT, gradient={"pred": None, "target": None}),
    case("silent target", LOUD, SILENT, value=INF, gradient={"pred": [[0.0, 0.0]], "target": [[0.0, 0.0]]}),
    case("huge", scaled(P[0], 2.0**100), scaled(T[0], 2.0**100)),
    case("tiny", scaled(P[0], 2.0**-90), scaled(T[0], 2.0**-90)),
    case("nearly identical", P[0], [[x + 2.0**-9 * (i % 2) for i, x in enumerate(row)] for row in P[0]]),
    case("integer target", LOUD, [[2, 1]]),
)
def spectral_convergence_loss(pred: Any, target: Any, *, joint: bool = False) -> Any:
    whole = distance(target, scaled(target, 0))
    return distance(target, pred) / whole if whole else mpf(0)


def apart_in_logs(pred: Any, target: Any, floor: Any) -> Any:
    pairs = [(max(p, floor), max(t, floor)) for p, t in zip(flat(pred), flat(target), strict=True)]
    return mp.fsum(abs(mp.log(t) - mp.log(p)) if p != t else mpf(0) for p, t in pairs) / len(pairs)


@evidence(
    "log_stft_magnitude_loss",
    case("ordinary", P, T),
    case("worked: half as loud", [[1.0, 2.0]], LOUD),
    case("worked: mel bands", [[1e-6, 1.0]], [[1e-5, 2.718281828459045]], floor=1e-5),
    case("floor", P, T, floor=2.0),
    case("one spectrogram", P[0], T[0]),
    case("two batch axes", [P], [T]),
    case("kink: identical", P[0], P[0]),
    case("silence", SILENT, SILENT, gradient={"pred": [[0.0, 0.0]], "target": [[0.0, 0.0]]}),
    case("silence above a floor", SILENT, LOUD, floor=0.5),
    case("silent prediction", SILENT, LOUD, value=INF, gradient={"pred": None, "target": None}),
    case("silent target", LOUD, SILENT, value=INF, gradient={"pred": None, "target": None}),
    case("kink: on the floor", [[0.5, 1.0]], [[2.0, 4.0]], floor=0.5),
    case("huge and tiny", [[2.0**60, 1.0]], [[2.0**-60, 1.5]]),
    case("integer target", LOUD, [[2, 1]]),
)
def log_stft_magnitude_loss(pred: Any, target: Any, *, floor: Any = 0) -> Any:
    return apart_in_logs(pred, target, floor)


# --- of waveforms ---------------------------------------------------------------------------------


@functools.cache
def turn(k: int, n: int, digits: int) -> tuple[Any, Any]:
    return mp.cos(2 * mp.pi * k / n), mp.sin(2 * mp.pi * k / n)


def mirrored(x: tuple[Any, ...], i: int) -> Any:
    i = abs(i)
    return x[i] if i < len(x) else x[2 * (len(x) - 1) - i]


def powers(x: list[Any], n: int, hop: int, window: list[Any], pad: int) -> list[list[Any]]:
    """The square of the size of every element of the Fourier transform of every frame."""
    return powers_of(tuple(x), n, hop, tuple(window), pad, mp.prec)


@functools.lru_cache(maxsize=32)  # while one waveform is differentiated, the others stay
def powers_of(x: Any, n: int, hop: int, window: Any, pad: int, digits: int) -> list[list[Any]]:
    left = (n - len(window)) // 2
    padded = [mpf(0)] * left + list(window) + [mpf(0)] * (n - left - len(window))
    found = []
    for start in range(-pad, len(x) + pad - n + 1, hop):
        frame = [(j, w * mirrored(x, start + j)) for j, w in enumerate(padded) if w]
        row = []
        for k in range(n // 2 + 1):
            turns = [(turn(j * k % n, n, digits), y) for j, y in frame]
            row.append(
                mp.fsum(c * y for (c, _), y in turns) ** 2 + mp.fsum(s * y for (_, s), y in turns) ** 2
            )
        found.append(row)
    return found


def each(f: Any, x: Any) -> Any:
    return [each(f, part) for part in x] if isinstance(x, list) else f(x)


@evidence(
    "multi_resolution_stft_loss",
    case("ordinary", WAVE, REFERENCE, resolutions=SHORT),
    case("one resolution", WAVE[0], REFERENCE[0], resolutions=((6, 2, 6),)),
    case("an odd transform", WAVE[0], REFERENCE[0], resolutions=((7, 3, 5),)),
    case("a hop beyond the window", WAVE[0], REFERENCE[0], resolutions=((8, 7, 5),)),
    case("a hop of one", *LONGER, resolutions=((6, 1, 5),)),
    case("joint", WAVE[0], REFERENCE[0], resolutions=SHORT, joint=True),
    case("two batch axes", [WAVE], [REFERENCE], resolutions=((4, 2, 4),)),
    case("high floor", WAVE, REFERENCE, resolutions=((5, 2, 4),), eps=2.0),
    case("identical", WAVE[0], WAVE[0], resolutions=((4, 2, 4),)),
    case("silent target", WAVE[0], [0.0] * 6, resolutions=((4, 2, 4),)),
    case("silent prediction", [0.0] * 6, WAVE[0], resolutions=((4, 2, 4),)),
    case("silence", [0.0] * 6, [0.0] * 6, resolutions=((4, 2, 4),)),
    case("integer target", WAVE[0], WHOLE, resolutions=((6, 2, 5),)),
    peers={"auraloss": "auraloss.freq.MultiResolutionSTFTLoss(eps=1e-7)(pred, target)  # joint=True"},
)
def multi_resolution_stft_loss(
    pred: Any, target: Any, *, resolutions: Any, eps: Any = 1e-7, joint: bool = False
) -> Any:
    total = mpf(0)
    for n, hop, size in resolutions:
        window = [(1 - turn(i, size, mp.prec)[0]) / 2 for i in range(size)]
        p, t = (
            each(lambda s: mp.sqrt(max(s, mpf(eps))), powers(x, n, hop, window, n // 2))
            for x in (pred, target)
        )
        total += distance(t, p) / distance(t, scaled(t, 0)) + apart_in_logs(p, t, 0)
    return total / len(resolutions)


@evidence(
    "log_mel_loss",
    case("ordinary", WAVE, REFERENCE, BASIS, WINDOW, hop=2),
    case("hop of one", WAVE[0], REFERENCE[0], BASIS, WINDOW, hop=1),
    case("hop of a transform", *LONGER, FIVE, SIX, hop=8),
    case("hop of a transform, short window", WAVE[0], REFERENCE[0], BASIS, WINDOW, hop=4),
    case("window of a transform", *LONGER, FIVE, [*SIX, 0.5, 0.25], hop=4),
    case("two batch axes", [WAVE], [REFERENCE], BASIS, WINDOW, hop=4),
    case("high floor", WAVE, REFERENCE, BASIS, WINDOW, hop=2, floor=3.0),
    case("large eps", WAVE, REFERENCE, BASIS, WINDOW, hop=2, eps=4.0),
    case("identical", WAVE[0], WAVE[0], BASIS, WINDOW, hop=2),
    case("silence", [0.0] * 6, WAVE[0], BASIS, WINDOW, hop=2),
    case("integer target", WAVE[0], WHOLE, BASIS, WINDOW, hop=2),
)
def log_mel_loss(
    pred: Any,
    target: Any,
    mel_basis: Any,
    window: Any,
    *,
    hop: int = 256,
    eps: Any = 1e-9,
    floor: Any = 1e-5,
) -> Any:
    n = 2 * (len(mel_basis[0]) - 1)
    bands = []
    for x in (pred, target):
        frames = each(lambda s: mp.sqrt(s + mpf(eps)), powers(x, n, hop, window, (n - hop) // 2))
        bands.append(
            [[mp.fsum(w * m for w, m in zip(b, row, strict=True)) for b in mel_basis] for row in frames]
        )
    return apart_in_logs(*bands, mpf(floor))
