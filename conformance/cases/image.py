"""Evidence for the losses of images."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

A, B = uniform(81, 3, 1, 4, 3, low=0, high=1), uniform(82, 3, 1, 4, 3, low=0, high=1)
COLOUR = uniform(83, 2, 4, 3, low=0, high=1), uniform(84, 2, 4, 3, low=0, high=1)
LAST = uniform(85, 2, 4, 3, 2, low=0, high=1), uniform(86, 2, 4, 3, 2, low=0, high=1)
INF = float("inf")
NO_GRADIENT: dict[str, Any] = {"pred": None, "target": None}
DOWN = [[[i / 10] * 11 for i in range(11)]]
ACROSS = [[[j / 10 for j in range(11)]] * 11]


def flat(value: float, size: int = 4) -> list[Any]:
    return [[[value] * size] * size]


def scaled(x: Any, by: float) -> Any:
    return [scaled(part, by) for part in x] if isinstance(x, list) else x * by


@evidence(
    "psnr_loss",
    case("ordinary", A, B),
    case("worked: 20 dB", flat(0.5), flat(0.6), eps=0.0),
    case("several channels", *COLOUR),
    case("one image, no batch axis", COLOUR[0], COLOUR[1]),
    case("two batch axes", [LAST[0]], [LAST[1]]),
    case("images along the last axis", *LAST, event_axes=(0, 1, 2)),
    case("bytes", scaled(COLOUR[0], 256.0), scaled(COLOUR[1], 256.0), data_range=255.0),
    case("identical images", COLOUR[0], COLOUR[0]),
    case(
        "nearly identical",
        COLOUR[0],
        [[[x + 2.0**-10 * (i % 2) for i, x in enumerate(row)] for row in plane] for plane in COLOUR[0]],
        eps=0.0,
    ),
    case("large eps", COLOUR[0], COLOUR[1], eps=0.5),
    case("identical images without eps", COLOUR[0], COLOUR[0], eps=0.0, value=-INF, gradient=NO_GRADIENT),
    case("black and white", flat(0.0), flat(1.0)),
    case("integer target", COLOUR[0], [[[0, 1, 1]] * 4, [[1, 0, 1]] * 4]),
    case("huge", scaled(COLOUR[0], 2.0**40), COLOUR[1]),
    case("an infinite pixel", [[[0.5, INF]]], [[[0.5, 0.25]]], value=INF, gradient=NO_GRADIENT),
    peers={"kornia": "[kornia.losses.psnr_loss(p, t, max_val) for p, t in zip(pred, target)]  # without eps"},
)
def psnr_loss(pred: Any, target: Any, *, data_range: Any = 1, eps: Any = 1e-8) -> Any:
    """Ten times the decimal logarithm of the mean squared error."""
    pairs = [
        (x, y)
        for p, t in zip(pred, target, strict=True)
        for row, other in zip(p, t, strict=True)
        for x, y in zip(row, other, strict=True)
    ]
    error = mp.fsum((x - y) ** 2 for x, y in pairs) / len(pairs)
    return 10 * mp.log10(error / data_range**2 + mpf(eps))


@evidence(
    "ssim_loss",
    case("ordinary", A, B, window_size=3),
    case("worked: constant images", flat(0.5), flat(0.6), window_size=3),
    case("worked: ramps", DOWN, ACROSS, gradient=NO_GRADIENT),
    case(
        "default window",
        uniform(87, 1, 11, 12, low=0, high=1),
        uniform(88, 1, 11, 12, low=0, high=1),
        gradient={"target": None},
    ),
    case("several channels", *COLOUR, window_size=3),
    case("one image, no batch axis", COLOUR[0], COLOUR[1], window_size=2),
    case("two batch axes", [LAST[0]], [LAST[1]], window_size=2),
    case("channels last", *LAST, window_size=3, axes=(-3, -2)),
    case("height and width exchanged", *COLOUR, window_size=3, axes=(-1, -2)),
    case(
        "window of 1",
        uniform(89, 1, 2, 3, low=0.25, high=0.5),
        uniform(90, 1, 2, 3, low=0.625, high=0.875),
        window_size=1,
    ),
    case("even window", COLOUR[0], COLOUR[1], window_size=2, sigma=0.5),
    case("narrow window", COLOUR[0], COLOUR[1], window_size=3, sigma=0.0625),
    case("uniform window", COLOUR[0], COLOUR[1], window_size=3, sigma=float("inf")),
    case("constants", COLOUR[0], COLOUR[1], window_size=3, k1=0.25, k2=0.5),
    case("bytes", scaled(COLOUR[0], 256.0), scaled(COLOUR[1], 256.0), window_size=3, data_range=255.0),
    case("integer target", COLOUR[0], [[[0, 1, 1]] * 4, [[1, 0, 1]] * 4], window_size=3),
    case("identical images", COLOUR[0], COLOUR[0], window_size=3),
    case("black images", flat(0.0), flat(0.0), window_size=3),
    case("black and white", flat(0.0), flat(1.0), window_size=3),
    case("opposite contrast", [[[0.0, 1.0, 0.0]] * 3], [[[1.0, 0.0, 1.0]] * 3], window_size=3),
    case(
        "opposite signs",
        [[[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]]],
        [[[-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]]],
        window_size=2,
    ),
    case(
        "nearly identical",
        COLOUR[0],
        [[[x + 2.0**-10 * (i % 2) for i, x in enumerate(row)] for row in plane] for plane in COLOUR[0]],
        window_size=3,
    ),
    case(
        "brighter everywhere by little",
        COLOUR[0],
        [[[x + 2.0**-10 for x in row] for row in plane] for plane in COLOUR[0]],
        window_size=3,
    ),
    case(
        "little contrast far from 0",
        [[[1.0, 1.0 + 2.0**-9, 1.0], [1.0, 1.0, 1.0 - 2.0**-9], [1.0 + 2.0**-8, 1.0, 1.0]]],
        [[[1.0, 1.0, 1.0 + 2.0**-9], [1.0 - 2.0**-8, 1.0, 1.0], [1.0, 1.0, 1.0]]],
        window_size=3,
        k2=2.0**-10,
    ),
    peers={
        "kornia": "2 * kornia.losses.ssim_loss(pred, target, window_size, data_range, padding='valid')",
    },
)
def ssim_loss(
    pred: list[Any],
    target: list[Any],
    *,
    window_size: int = 11,
    sigma: Any = 1.5,
    k1: Any = 0.01,
    k2: Any = 0.03,
    data_range: Any = 1,
    padding: str = "valid",
) -> Any:
    factors = [
        f
        for p, t in zip(pred, target, strict=True)
        for f in similarity(p, t, window_size, sigma, k1, k2, data_range)
    ]
    return 1 - mp.fsum(luminance * structure for luminance, structure in factors) / len(factors)


def similarity(
    p: Any, t: Any, window_size: int, sigma: Any, k1: Any, k2: Any, data_range: Any
) -> list[tuple[Any, Any]]:
    """Luminance, and contrast with structure, from weighted sums over every window of two dimensions."""
    size = range(window_size)
    centre = mpf(window_size - 1) / 2
    raw = [[mp.exp(-((i - centre) ** 2 + (j - centre) ** 2) / (2 * sigma**2)) for j in size] for i in size]
    total = mp.fsum(map(mp.fsum, raw))
    window = [(i, j, raw[i][j] / total) for i in size for j in size]
    c1, c2 = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    values = []
    for row in range(len(p) - window_size + 1):
        for column in range(len(p[0]) - window_size + 1):
            seen = [(w, p[row + i][column + j], t[row + i][column + j]) for i, j, w in window]
            mean_p, mean_t = mp.fsum(w * x for w, x, _ in seen), mp.fsum(w * y for w, _, y in seen)
            var_p = mp.fsum(w * x * x for w, x, _ in seen) - mean_p**2
            var_t = mp.fsum(w * y * y for w, _, y in seen) - mean_t**2
            both = mp.fsum(w * x * y for w, x, y in seen) - mean_p * mean_t
            luminance = (2 * mean_p * mean_t + c1) / (mean_p**2 + mean_t**2 + c1)
            values.append((luminance, (2 * both + c2) / (var_p + var_t + c2)))
    return values


IMAGES = uniform(91, 3, 1, 4, 4, low=0, high=1), uniform(92, 3, 1, 4, 4, low=0, high=1)
TWO: dict[str, Any] = {"window_size": 2, "weights": (0.25, 0.75)}
CHEQUERED = [[[float((i + j) % 2) for j in range(4)] for i in range(4)]]
OPPOSITE = [[[1 - x for x in row] for row in CHEQUERED[0]]]
TURNED = [*CHEQUERED, *IMAGES[0][0]], [*OPPOSITE, *IMAGES[1][0]]


@evidence(
    "ms_ssim_loss",
    case("ordinary", *IMAGES, **TWO),
    case("worked: constant images", flat(0.5), flat(0.6), **TWO),
    case("three scales", IMAGES[0][0], IMAGES[1][0], window_size=1, weights=(0.25, 0.5, 0.125)),
    case("one scale", *COLOUR, window_size=3, weights=(1.0,)),
    case("simple", IMAGES[0][0], IMAGES[1][0], normalize="simple", **TWO),
    case("several channels", *COLOUR, window_size=1, weights=(0.5, 0.5)),
    case("one image, no batch axis", IMAGES[0][0], IMAGES[1][0], **TWO),
    case("two batch axes", [IMAGES[0]], [IMAGES[1]], gradient=NO_GRADIENT, **TWO),
    case(
        "an odd size",
        uniform(93, 1, 4, 5, low=0, high=1),
        uniform(94, 1, 4, 5, low=0, high=1),
        gradient={"target": None},
        **TWO,
    ),
    case("channels last", *LAST, axes=(-3, -2), window_size=1, weights=(0.5, 0.5)),
    case("uniform window", IMAGES[0][0], IMAGES[1][0], sigma=INF, **TWO),
    case("constants", IMAGES[0][0], IMAGES[1][0], k1=0.25, k2=0.5, **TWO),
    case("bytes", scaled(IMAGES[0][0], 256.0), scaled(IMAGES[1][0], 256.0), data_range=255.0, **TWO),
    case("identical images", IMAGES[0][0], IMAGES[0][0], **TWO),
    case("black images", flat(0.0), flat(0.0), **TWO),
    case("black and white", flat(0.0), flat(1.0), **TWO),
    case(
        "nearly identical",
        IMAGES[0][0],
        [[[x + 2.0**-10 * (i % 2) for i, x in enumerate(row)] for row in plane] for plane in IMAGES[0][0]],
        **TWO,
    ),
    case("opposite contrast", CHEQUERED, OPPOSITE, **TWO),
    case("opposite contrast, simple", CHEQUERED, OPPOSITE, normalize="simple", **TWO),
    case("one of two channels of opposite contrast", TURNED[0], TURNED[1], **TWO),
    case(
        "kink: a factor of 0",
        [[[2 * x - 1 for x in row] for row in CHEQUERED[0]]],
        [[[0.5 - x for x in row] for row in CHEQUERED[0]]],
        k2=1.0,
        tags=("kink",),
        **TWO,
    ),
    case("huge", scaled(IMAGES[0][0], 2.0**40), scaled(IMAGES[1][0], 2.0**40), **TWO),
    case("integer target", flat(0.5), [[[0, 1, 1, 0], [1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1]]], **TWO),
    peers={"pytorch-msssim": "1 - pytorch_msssim.ms_ssim(pred, target, data_range, size_average=False)"},
)
def ms_ssim_loss(
    pred: list[Any],
    target: list[Any],
    *,
    weights: tuple[float, ...],
    window_size: int = 11,
    sigma: Any = 1.5,
    k1: Any = 0.01,
    k2: Any = 0.03,
    data_range: Any = 1,
    padding: str = "valid",
    normalize: str = "relu",
) -> Any:
    def halved(u: Any) -> Any:
        return [
            [(u[i][j] + u[i][j + 1] + u[i + 1][j] + u[i + 1][j + 1]) / 4 for j in range(0, len(u[0]) - 1, 2)]
            for i in range(0, len(u) - 1, 2)
        ]

    def channel(p: Any, t: Any) -> Any:
        product = mpf(1)
        for j, weight in enumerate(weights, start=1):
            factors = similarity(p, t, window_size, sigma, k1, k2, data_range)
            last = j == len(weights)
            mean = mp.fsum(structure * (luminance if last else 1) for luminance, structure in factors) / len(
                factors
            )
            product *= ((mean + 1) / 2 if normalize == "simple" else max(mean, mpf(0))) ** mpf(weight)
            p, t = halved(p), halved(t)
        return product

    return 1 - mp.fsum(channel(p, t) for p, t in zip(pred, target, strict=True)) / len(pred)
