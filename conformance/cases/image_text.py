"""Evidence for the losses of two views of one thing."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

NAN = math.nan

IMAGE, TEXT = uniform(21, 4, 3), uniform(22, 4, 3)
X, Y = uniform(25, 3, 2), uniform(26, 3, 2)
WORKED = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
SHARED = [3, -1, 3]
MATCHED = [[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]]
UNSURE: dict[str, Any] = {"image": None, "text": None}
STILL = {"image": [[0.0, 0.0]], "text": [[0.0, 0.0]]}
WITHOUT_SECOND = [True, False, True]


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


def unit(v: list[Any]) -> list[Any]:
    length = mp.sqrt(mp.fdot(v, v))
    return [x / length for x in v] if length else [mpf(0)] * len(v)


def products(x: list[list[Any]], y: list[list[Any]], normalize: bool) -> list[list[Any]]:
    if normalize:
        x, y = list(map(unit, x)), list(map(unit, y))
    return [[mp.fdot(a, b) for b in y] for a in x]


@evidence(
    "clip_loss",
    case("ordinary", IMAGE, TEXT, logit_scale=0.5),
    case("worked", *WORKED, logit_scale=10.0),
    case("worked, mean", *WORKED, logit_scale=10.0, reduction="mean"),
    case("scale of 1", X, Y, logit_scale=1.0),
    case("small scale", X, Y, logit_scale=0.0625),
    case("large scale", X, Y, logit_scale=64.0),
    case("normalised", X, Y, logit_scale=4.0, normalize=True),
    case("normalised, large scale", X, Y, logit_scale=100.0, normalize=True),
    case("labels", X, Y, SHARED, logit_scale=0.5),
    case("labels, mean", X, Y, SHARED, logit_scale=0.5, reduction="mean"),
    case("labels, normalised", X, Y, SHARED, logit_scale=4.0, normalize=True),
    case("labels, large scale", X, Y, SHARED, logit_scale=64.0),
    case("labels that all differ", X, Y, [5, 2, 9], logit_scale=0.5),
    case("labels that are all the same", X, Y, [5, 5, 5], logit_scale=0.5),
    case("in chunks", X, Y, logit_scale=0.5, chunk_size=2),
    case("in chunks of one row", X, Y, logit_scale=0.5, chunk_size=1),
    case("in one chunk", X, Y, logit_scale=0.5, chunk_size=3),
    case("in chunks, labels", X, Y, SHARED, logit_scale=0.5, chunk_size=2),
    case(
        "in chunks of one row, labels, mean",
        X,
        Y,
        SHARED,
        logit_scale=0.5,
        chunk_size=1,
        reduction="mean",
    ),
    case("in chunks, labels that are all the same", X, Y, [5, 5, 5], logit_scale=0.5, chunk_size=2),
    case("in chunks, normalised", X, Y, logit_scale=4.0, normalize=True, chunk_size=2),
    case(
        "in chunks, NaN under the mask",
        [X[0], [NAN] * 2, X[2]],
        [Y[0], [NAN] * 2, Y[2]],
        logit_scale=0.5,
        where=WITHOUT_SECOND,
        chunk_size=1,
    ),
    case(
        "in chunks, NaN under the mask, labels",
        [X[0], [NAN] * 2, X[2]],
        Y,
        SHARED,
        logit_scale=0.5,
        where=WITHOUT_SECOND,
        chunk_size=2,
    ),
    case("labels, masked row", X, Y, SHARED, logit_scale=0.5, where=[False, True, True]),
    case(
        "labels, row of weight 0",
        X,
        Y,
        [0, 0, 1],
        logit_scale=0.5,
        sample_weight=[0.0, 1.0, 2.0],
    ),
    case(
        "labels, all but one row masked",
        X,
        Y,
        [0, 0, 1],
        logit_scale=0.5,
        where=[False, True, False],
    ),
    case("a single pair", [[1.0, 2.0]], [[0.5, -1.0]], logit_scale=2.0),
    case("a single pair, labels", [[1.0, 2.0]], [[0.5, -1.0]], [4], logit_scale=2.0, chunk_size=1),
    case("one dimension", uniform(23, 3, 1), uniform(24, 3, 1), logit_scale=1.0),
    case("near 0", MATCHED, MATCHED, logit_scale=1.0),
    case("near 0, labels", MATCHED, MATCHED, [2, 1, 0], logit_scale=1.0),
    case("near 0, in chunks", MATCHED, MATCHED, logit_scale=1.0, chunk_size=2),
    case("near 0, in chunks, labels", MATCHED, MATCHED, [2, 1, 0], logit_scale=1.0, chunk_size=1),
    case("far below the smallest digit of 1", MATCHED, MATCHED, logit_scale=8.0),
    case("mismatched", MATCHED, scaled(MATCHED, -1.0), logit_scale=8.0),
    case("all texts the same", X, [Y[0]] * 3, logit_scale=0.5),
    case("all texts the same, labels", X, [Y[0]] * 3, [1, 1, 1], logit_scale=0.5),
    case(
        "a common offset",
        [[256.0, 0.5], [256.0, -1.0], [256.0, 2.0]],
        [[4.0, 1.0], [4.0, 0.5], [4.0, -1.0]],
        logit_scale=1.0,
    ),
    case(
        "a common offset, labels",
        [[256.0, 0.5], [256.0, -1.0], [256.0, 2.0]],
        [[4.0, 1.0], [4.0, 0.5], [4.0, -1.0]],
        [0, 1, 0],
        logit_scale=1.0,
    ),
    case(
        "zero rows, normalised", [[0.0, 0.0]], [[0.0, 0.0]], logit_scale=2.0, normalize=True, gradient=STILL
    ),
    case(
        "a zero row, normalised",
        [[0.0, 0.0], [1.0, 2.0]],
        [[1.0, 1.0], [2.0, -1.0]],
        logit_scale=2.0,
        normalize=True,
        gradient=UNSURE,
    ),
    case(
        "huge, normalised",
        scaled(X, 2.0**100),
        scaled(Y, 2.0**100),
        logit_scale=4.0,
        normalize=True,
        gradient=UNSURE,
    ),
    case(
        "tiny, normalised",
        scaled(X, 2.0**-100),
        scaled(Y, 2.0**-100),
        logit_scale=4.0,
        normalize=True,
        gradient=UNSURE,
    ),
    case(
        "NaN in a live row",
        [[NAN, 1.0], [1.0, 2.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        logit_scale=1.0,
        gradient=UNSURE,
    ),
    case(
        "NaN in a live row, in chunks, labels",
        [[NAN, 1.0], [1.0, 2.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0, 0],
        logit_scale=1.0,
        chunk_size=1,
        gradient=UNSURE,
    ),
)
def clip_loss(
    image: list[Any],
    text: list[Any],
    labels: list[int] | None,
    *,
    logit_scale: Any,
    normalize: bool = False,
    chunk_size: int | None = None,
) -> list[Any]:
    e = [[mp.exp(logit_scale * v) for v in row] for row in products(image, text, normalize)]
    names = list(range(len(e))) if labels is None else labels
    turned = [list(column) for column in zip(*e, strict=True)]
    return [(soft_target(e[i], names, i) + soft_target(turned[i], names, i)) / 2 for i in range(len(e))]


def soft_target(e: list[Any], names: list[int], i: int) -> Any:
    whole = mp.fsum(e)
    own = [-mp.log(v / whole) for v, name in zip(e, names, strict=True) if name == names[i]]
    return mp.fsum(own) / len(own)


@evidence(
    "siglip_loss",
    case("ordinary", IMAGE, TEXT, logit_scale=0.5, logit_bias=-1.0),
    case("worked", *WORKED),
    case("worked, mean", *WORKED, reduction="mean"),
    case("defaults", scaled(X, 0.25), scaled(Y, 0.25)),
    case("bias of 0", X, Y, logit_scale=0.5, logit_bias=0.0),
    case("bias above 0", X, Y, logit_scale=0.5, logit_bias=2.0),
    case("large scale", X, Y, logit_scale=64.0),
    case("small scale", X, Y, logit_scale=0.0625, logit_bias=-0.5),
    case("normalised", X, Y, normalize=True),
    case("in chunks", X, Y, logit_scale=0.5, logit_bias=-1.0, chunk_size=2),
    case(
        "in chunks of one row, mean",
        X,
        Y,
        logit_scale=0.5,
        logit_bias=-1.0,
        chunk_size=1,
        reduction="mean",
    ),
    case("in one chunk", X, Y, logit_scale=0.5, logit_bias=-1.0, chunk_size=9),
    case("in chunks, normalised", X, Y, normalize=True, chunk_size=2),
    case(
        "in chunks, NaN under the mask",
        [X[0], [NAN] * 2, X[2]],
        [Y[0], [NAN] * 2, Y[2]],
        logit_scale=0.5,
        logit_bias=-1.0,
        where=WITHOUT_SECOND,
        chunk_size=2,
    ),
    case("all but one row masked", X, Y, logit_scale=0.5, where=[False, True, False]),
    case("a single pair", [[1.0, 2.0]], [[0.5, -1.0]], logit_scale=2.0, logit_bias=1.0),
    case("one dimension", uniform(23, 3, 1), uniform(24, 3, 1), logit_scale=1.0, logit_bias=0.5),
    case("a confident diagonal", MATCHED, MATCHED, logit_scale=2.0, logit_bias=-8.0),
    case("a confident diagonal, in chunks", MATCHED, MATCHED, logit_scale=2.0, logit_bias=-8.0, chunk_size=2),
    case("far below the smallest digit of 1", MATCHED, MATCHED, logit_scale=8.0, logit_bias=-64.0),
    case("mismatched", MATCHED, scaled(MATCHED, -1.0), logit_scale=8.0, logit_bias=0.0),
    case("all texts the same", X, [Y[0]] * 3, logit_scale=0.5, logit_bias=-1.0),
    case("zero rows", [[0.0, 0.0]] * 2, [[0.0, 0.0]] * 2, logit_bias=-1.0),
    case("zero rows, normalised", [[0.0, 0.0]], [[0.0, 0.0]], normalize=True, gradient=STILL),
    case("huge, normalised", scaled(X, 2.0**100), scaled(Y, 2.0**100), normalize=True, gradient=UNSURE),
    case("tiny, normalised", scaled(X, 2.0**-100), scaled(Y, 2.0**-100), normalize=True, gradient=UNSURE),
    case(
        "NaN in a live row",
        [[NAN, 1.0], [1.0, 2.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        logit_scale=1.0,
        gradient=UNSURE,
    ),
)
def siglip_loss(
    image: list[Any],
    text: list[Any],
    *,
    logit_scale: Any = 10,
    logit_bias: Any = -10,
    normalize: bool = False,
    chunk_size: int | None = None,
) -> list[Any]:
    z = [[logit_scale * v + logit_bias for v in row] for row in products(image, text, normalize)]
    n = range(len(z))
    return [mp.fsum(mp.log(1 + mp.exp(-z[i][j] if i == j else z[i][j])) for j in n) for i in n]
