"""Evidence for the losses of image gradients."""

from __future__ import annotations

import functools
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = float("inf"), float("nan")
A, B = uniform(184, 3, 1, 3, 4), uniform(185, 3, 1, 3, 4)  # no two neighbours differ by as much as any others
COLOUR = uniform(191, 2, 3, 4), uniform(192, 2, 3, 4)
LAST = uniform(181, 2, 3, 4, 2), uniform(182, 2, 3, 4, 2)
WEIGHT = uniform(187, 3, 1, 3, 4, low=0.25, high=2)
SMALL = uniform(188, 2, 2, 2), uniform(189, 2, 2, 2)
CORNER = [[[0.0, 1.0], [2.0, 4.0]]]
FLAT = [[[0.5] * 3] * 3]
STEP = [[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]
ROW, COLUMN = [[[1.0, 3.0, -2.0]]], [[[1.0], [3.0], [-2.0]]]
HOLED = [[[0.5, 1.0, 2.0], [0.25, NAN, -1.0], [3.0, 0.75, 1.5]]]
AROUND_HOLE = [[[1.0, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0]]]


def scaled(x: Any, by: float) -> Any:
    return [scaled(part, by) for part in x] if isinstance(x, list) else x * by


def differences(planes: Any) -> list[tuple[str, int, int, int, Any]]:
    """Of every pixel in turn, where it stands and by how much the next one is larger, down and right."""
    found = []
    for c, plane in enumerate(planes):
        for i, row in enumerate(plane):
            for j, x in enumerate(row):
                if i + 1 < len(plane):
                    found.append(("down", c, i, j, plane[i + 1][j] - x))
                if j + 1 < len(row):
                    found.append(("right", c, i, j, row[j + 1] - x))
    return found


@evidence(
    "total_variation_loss",
    case("ordinary", A, WEIGHT),
    case("worked: anisotropic", CORNER),
    case("worked: isotropic", CORNER, kind="isotropic"),
    case("isotropic", A, WEIGHT, kind="isotropic"),
    case("anisotropic, normalized", COLOUR[0], normalize=True),
    case("isotropic, normalized", COLOUR[0], kind="isotropic", normalize=True),
    case("anisotropic, normalized by weights", A, WEIGHT, normalize=True),
    case("isotropic, normalized by weights", A, WEIGHT, kind="isotropic", normalize=True),
    case("anisotropic, eps", COLOUR[0], eps=2.0),
    case("isotropic, eps", COLOUR[0], kind="isotropic", eps=2.0),
    case("one image, no batch axis", COLOUR[0]),
    case("two batch axes", [A], [WEIGHT]),
    case("channels last", *LAST[:1], scaled(LAST[1], 0.0), axes=(-3, -2)),
    case("channels last, isotropic", LAST[0], kind="isotropic", axes=(-3, -2)),
    case("height and width exchanged", A, WEIGHT, axes=(-1, -2)),
    case("kinks: a flat image", FLAT),
    case("kinks: a flat image, isotropic", FLAT, kind="isotropic"),
    case("a flat image, eps", FLAT, eps=0.25),
    case("a flat image, isotropic, eps", FLAT, kind="isotropic", eps=0.25),
    # The pixels left of the step have a kink beside a slope: of the kink the derivative is 0.
    case("kinks: a step", STEP, gradient={"pred": [[[0.0, -1.0, 1.0], [0.0, -1.0, 1.0]]]}),
    case("one row", ROW, normalize=True),
    case("one column", COLUMN, kind="isotropic", normalize=True),
    case("one pixel", [[[2.0]]], normalize=True),
    case("one pixel, isotropic", [[[2.0]]], kind="isotropic"),
    case("no weight at all", COLOUR[0], scaled(COLOUR[1], 0.0), normalize=True),
    case(
        "NaN where there is no weight",
        HOLED,
        AROUND_HOLE,
        gradient={"pred": [[[0.0, 1.0, 1.0], [-1.0, 0.0, -3.0], [1.0, -2.0, 3.0]]], "pixel_weight": None},
        value=11.75,
    ),
    case("large and tiny steps", [[[0.0, 2.0**40, 2.0**40 - 2.0**-10]]], kind="isotropic"),
    case("an infinite pixel", [[[0.5, INF]]], gradient={"pred": None}),
    peers={
        "kornia": "kornia.losses.total_variation(pred)",
        "torchmetrics": "torchmetrics.functional.image.total_variation(pred, reduction='none')",
    },
)
def total_variation_loss(
    pred: Any,
    pixel_weight: Any = None,
    *,
    kind: str = "anisotropic",
    normalize: bool = False,
    eps: Any = 0,
) -> Any:
    def weight(c: int, i: int, j: int) -> Any:
        return 1 if pixel_weight is None else pixel_weight[c][i][j]

    steps = differences(pred)
    if kind == "anisotropic":
        groups = [
            [(weight(c, i, j), mp.sqrt(d**2 + eps**2)) for way, c, i, j, d in steps if way == each]
            for each in ("down", "right")
        ]
    else:
        squares = {
            (c, i, j): mpf(0) for c, p in enumerate(pred) for i, r in enumerate(p) for j in range(len(r))
        }
        for _, c, i, j, d in steps:
            squares[c, i, j] += d**2
        groups = [[(weight(*at), mp.sqrt(s + eps**2)) for at, s in squares.items()]]
    sums = [mp.fsum(w * x for w, x in group) for group in groups]
    if normalize:
        masses = [mp.fsum(w for w, _ in group) for group in groups]
        sums = [s / m if m else mpf(0) for s, m in zip(sums, masses, strict=True)]
    return mp.fsum(sums)


@evidence(
    "gradient_difference_loss",
    case("ordinary", A, B),
    case("worked: against black", CORNER, scaled(CORNER, 0.0)),
    case("unsigned", A, B, signed=False),
    case("squared", A, B, alpha=2.0),
    case("unsigned, squared", A, B, signed=False, alpha=2.0),
    case("power 1.5", A, B, alpha=1.5),
    case("unsigned, power 1.5", A, B, signed=False, alpha=1.5),
    case("several channels", *COLOUR),
    case("two batch axes", [A], [B]),
    case("channels last", *LAST, axes=(-3, -2)),
    case("height and width exchanged", *LAST, axes=(-1, -2)),
    case("integer target", A[0], [[[0, 1, 1, 3], [2, 0, 1, 5], [1, 0, 4, 2]]]),
    case("identical images", COLOUR[0], COLOUR[0]),
    case("identical images, squared", COLOUR[0], COLOUR[0], alpha=2.0),
    case("identical images, power 1.5", COLOUR[0], COLOUR[0], alpha=1.5),
    case("brighter everywhere", CORNER, [[[x + 1.0 for x in row] for row in CORNER[0]]]),
    case("upside down", CORNER, scaled(CORNER, -1.0)),
    case("upside down, unsigned", CORNER, scaled(CORNER, -1.0), signed=False),
    case(
        "a flat prediction, unsigned",
        FLAT,
        [[[0.0, 1.0, 3.0], [2.0, 4.0, 7.0], [5.0, 8.0, 12.0]]],
        signed=False,
    ),
    case("one row", ROW, [[[0.0, 1.0, 0.5]]]),
    case("one column", COLUMN, [[[0.0], [1.0], [0.5]]]),
    case("one pixel", [[[2.0]]], [[[1.0]]]),
    case("huge", scaled(CORNER, 2.0**40), CORNER),
    case("an infinite pixel", [[[0.5, INF]]], [[[0.5, 0.25]]], gradient={"pred": None, "target": None}),
)
def gradient_difference_loss(pred: Any, target: Any, *, signed: bool = True, alpha: Any = 1) -> Any:
    total = mpf(0)
    pairs = list(zip(differences(pred), differences(target), strict=True))
    for way in ("down", "right"):
        apart = [
            abs(of_p - of_t) if signed else abs(abs(of_p) - abs(of_t))
            for (direction, *_, of_p), (*_, of_t) in pairs
            if direction == way
        ]
        if apart:
            total += mp.fsum(a**alpha for a in apart) / len(apart)
    return total


@evidence(
    "edge_loss",
    case("ordinary", uniform(188, 3, 1, 2, 3), uniform(189, 3, 1, 2, 3)),
    case("several channels", *SMALL),
    # Where the rounding is narrow beside the edges, a gradient may be what slopes of ±1 leave of each other.
    case("two batch axes", [uniform(188, 2, 1, 2, 2)], [uniform(189, 2, 1, 2, 2)]),
    case("channels last", uniform(188, 2, 3, 2), uniform(189, 2, 3, 2), axes=(-3, -2), eps=2.0),
    case("height and width exchanged", uniform(188, 2, 3, 2), uniform(189, 2, 3, 2), axes=(-1, -2), eps=2.0),
    case("a wide rounding", *SMALL, eps=2.0),
    case("no rounding", *SMALL, eps=0.0),
    case("identical images", SMALL[0], SMALL[0]),
    case("kinks: identical images, no rounding", SMALL[0], SMALL[0], eps=0.0),
    case("one row", ROW, [[[0.0, 1.0, 0.5]]]),
    case("one column", COLUMN, [[[0.0], [1.0], [0.5]]]),
    case("one pixel", [[[2.0]]], [[[1.0]]]),
    case(
        "an even and an odd size",
        uniform(188, 1, 4, 5),
        uniform(189, 1, 4, 5),
        eps=2.0,
        gradient={"target": None},
    ),
    case("huge", scaled(CORNER, 2.0**40), CORNER),
    case("integer target", SMALL[0], [[[0, 1], [2, 0]], [[1, 5], [0, 2]]]),
    peers={"MPRNet": "[EdgeLoss()(p[None], t[None]) for p, t in zip(pred, target)]"},
)
def edge_loss(pred: Any, target: Any, *, eps: Any = 1e-3) -> Any:
    """Two filters of 5 by 5, with zeros between the pixels in the second."""
    pairs = [
        (x, y) for p, t in zip(pred, target, strict=True) for x, y in zip(edges(p), edges(t), strict=True)
    ]
    return mp.fsum(mp.sqrt((x - y) ** 2 + mpf(eps) ** 2) for x, y in pairs) / len(pairs)


def edges(u: Any) -> list[Any]:
    return edges_of(tuple(map(tuple, u)), mp.prec)


@functools.lru_cache(maxsize=32)  # while one image is differentiated, the others stay
def edges_of(u: Any, digits: int) -> list[Any]:
    kernel = [mpf(k) / 20 for k in (1, 5, 8, 5, 1)]
    window = [(a - 2, b - 2, kernel[a] * kernel[b]) for a in range(5) for b in range(5)]

    def filtered(u: Any) -> Any:
        def at(i: int, j: int) -> Any:
            return u[min(max(i, 0), len(u) - 1)][min(max(j, 0), len(u[0]) - 1)]

        return [
            [mp.fsum(w * at(i + a, j + b) for a, b, w in window) for j in range(len(u[0]))]
            for i in range(len(u))
        ]

    sparse = [
        [4 * x if i % 2 == j % 2 == 0 else mpf(0) for j, x in enumerate(row)]
        for i, row in enumerate(filtered(u))
    ]
    return [
        x - y for row, other in zip(u, filtered(sparse), strict=True) for x, y in zip(row, other, strict=True)
    ]
