"""Evidence for the losses of features beside a softmax."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, labels, uniform

INF, NAN = math.inf, math.nan

FEATURES = uniform(501, 4, 3, low=-1, high=1), uniform(502, 4, 3, low=-1, high=1)
LOGITS = uniform(503, 4, 3), uniform(504, 4, 3)
PERSONS = [0, 1, 2, 1], [0, 2, 2, 0]
ALL = (*FEATURES, *LOGITS, *PERSONS)
# A distance of 0.5.
WORKED = ([[0.2, 0.4]], [[0.5, 0.0]], [[2.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
FLAT = [[0.0, 0.0]] * 2  # logits without a preference
UNSURE = dict.fromkeys(("x1", "x2", "logits1", "logits2", "embeddings", "centers"))
ONE_AND_TWO = [0, 1], [0, 0]  # persons of one pair, and of another
STEEP = {"distance": "cosine", "w": 8.0, "b": -2.5, "lam": 1.0}


def cross_entropy(z: list[Any], y: int) -> Any:
    return mp.log(mp.fsum(map(mp.exp, z))) - z[y]


def norm(x: list[Any], p: int = 2) -> Any:
    return mp.fsum(abs(v) ** p for v in x) ** (1 / mpf(p))


@evidence(
    "deepid2_loss",
    case("ordinary", *ALL, margin=2.0, lam=0.5),
    case("worked", *WORKED, [0], [1], margin=1.0),
    case("worked: one person", *WORKED, [0], [0], margin=1.0),
    case("l1", *ALL, margin=4.0, lam=1.0, distance="l1"),
    case("cosine", *ALL, lam=1.0, distance="cosine"),
    case("cosine, steep", *ALL, **STEEP),
    case("factor of 0", *ALL, margin=2.0, lam=0.0),
    case("margin of 0", *ALL, margin=0.0, lam=1.0),
    case("one pair", *(x[0] for x in FEATURES + LOGITS), 1, 2, margin=4.0),
    case(
        "two batch axes",
        uniform(505, 2, 2, 2),
        uniform(506, 2, 2, 2),
        uniform(507, 2, 2, 2),
        uniform(508, 2, 2, 2),
        labels(509, 2, 2, count=2),
        labels(510, 2, 2, count=2),
        margin=4.0,
    ),
    *(
        case(
            f"features that coincide, {distance}",
            [[0.1, -0.3]] * 2,
            [[0.1, -0.3]] * 2,
            FLAT,
            FLAT,
            *ONE_AND_TWO,
            margin=1.5,
            distance=distance,
            lam=1.0,
            tags=("kink",),
        )
        for distance in ("l2", "l1")
    ),
    case(
        "kink: on the margin", [[3.0, 4.0]], [[0.0, 0.0]], FLAT[:1], FLAT[:1], [0], [1], margin=5.0, lam=1.0
    ),
    case(
        "zero features, cosine",
        [[0.0, 0.0]] * 2,
        [[1.0, 2.0]] * 2,
        FLAT,
        FLAT,
        *ONE_AND_TWO,
        gradient={"x1": [[0.0, 0.0]] * 2, "x2": [[0.0, 0.0]] * 2},
        **STEEP,
    ),
    case(
        "parallel features, cosine",
        [[1.0, 2.0]] * 2,
        [[2.0, 4.0]] * 2,
        FLAT,
        FLAT,
        *ONE_AND_TWO,
        gradient={"x1": [[0.0, 0.0]] * 2, "x2": [[0.0, 0.0]] * 2},
        **STEEP,
    ),
    case("the cosine is right by far", *ALL, distance="cosine", w=0.0, b=-64.0, lam=1.0),
    case(
        "tiny features",
        *([[v * 2.0**-60 for v in row] for row in x] for x in FEATURES),
        *LOGITS,
        *PERSONS,
        margin=0.0,
    ),
    case("right by far", *FEATURES, [[64.0, 0.0, 0.0]] * 4, LOGITS[1], [0] * 4, PERSONS[1], margin=2.0),
    case("illegal labels", *FEATURES, *LOGITS, [0, -1, 2, 3], [0, 1, -100, 0], margin=2.0, tags=("label",)),
    case(
        "an illegal label, mean",
        *FEATURES,
        *LOGITS,
        PERSONS[0],
        [0, 1, 3, 0],
        margin=2.0,
        tags=("label",),
        reduction="mean",
    ),
    case(
        "an illegal label beside what is infinite",
        [[INF, 1.0]],
        [[1.0, 1.0]],
        [[INF, 1.0]],
        [[0.0, 1.0]],
        [2],
        [0],
        margin=1.0,
        tags=("label", "inf"),
    ),
    case(
        "infinitely far",
        [[INF, 1.0]] * 2,
        [[1.0, 1.0]] * 2,
        FLAT,
        FLAT,
        *ONE_AND_TWO,
        margin=1.0,
        tags=("inf",),
        gradient=UNSURE,
    ),
    case(
        "NaN in live features",
        [[NAN, 1.0]] * 2,
        [[1.0, 1.0]] * 2,
        FLAT,
        FLAT,
        *ONE_AND_TWO,
        margin=1.0,
        gradient=UNSURE,
    ),
    case(
        "NaN in a live logit",
        [[0.0, 1.0]] * 2,
        [[1.0, 1.0]] * 2,
        [[NAN, 0.0]] * 2,
        FLAT,
        *ONE_AND_TWO,
        margin=1.0,
        gradient=UNSURE,
    ),
)
def deepid2_loss(
    f1: list[Any],
    f2: list[Any],
    z1: list[Any],
    z2: list[Any],
    y1: int,
    y2: int,
    *,
    margin: Any = None,
    lam: Any = 0.05,
    distance: str = "l2",
    w: Any = 1,
    b: Any = 0,
) -> Any:
    if not 0 <= y1 < len(z1) or not 0 <= y2 < len(z2) or any(map(mp.isnan, f1 + f2 + z1 + z2)):
        return mp.nan
    same = y1 == y2
    if distance == "cosine":
        lengths = norm(f1) * norm(f2)
        cos = mp.fdot(f1, f2) / lengths if lengths else mpf(0)
        term = ((1 if same else 0) - 1 / (1 + mp.exp(-(w * cos + b)))) ** 2
    else:
        d = norm([p - q for p, q in zip(f1, f2, strict=True)], 1 if distance == "l1" else 2)
        term = d**2 if same else max(margin - d, mpf(0)) ** 2
    return cross_entropy(z1, y1) + cross_entropy(z2, y2) + lam * term / 2


CENTERS = uniform(511, 4, 3)
EMBEDDINGS = uniform(512, 5, 3)
SHARED = {"centers": None}  # which others have too
CLASSES = [2, 0, 2, 3, 0]  # none is of class 1


@evidence(
    "center_loss",
    case("ordinary", EMBEDDINGS, CENTERS, CLASSES),
    case("worked", [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]], [0, 1, 0]),
    case(
        "worked: sum",
        [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]],
        [[0.0, 0.0], [1.0, 1.0]],
        [0, 1, 0],
        reduction="sum",
    ),
    case("without the half", EMBEDDINGS, CENTERS, CLASSES, half=False),
    case("one embedding", EMBEDDINGS[0], CENTERS, 3),
    case("one class", EMBEDDINGS[:2], CENTERS[:1], [0, 0]),
    case("one dimension", [[2.0], [1.0]], [[1.0], [-0.5]], [1, 0]),
    case("two batch axes", uniform(513, 2, 2, 2), uniform(514, 3, 2), labels(515, 2, 2, count=3)),
    case("on the center", [[1.0, 2.0]], [[1.0, 2.0], [0.0, 1.0]], [0]),
    case("far from the origin", [[1024.0, 0.5]], [[1024.0, 0.5625]], [0]),
    case("large and tiny", [[2.0**40, 0.0], [0.0, 2.0**-40]], [[0.0, 0.0]], [0, 0]),
    case("ignored labels, mean", EMBEDDINGS, CENTERS, [2, -100, 3, 1, -100], reduction="mean"),
    case(
        "another label ignored, NaN in it",
        [[NAN] * 3, *EMBEDDINGS[1:]],
        CENTERS,
        [-1, 0, 2, 3, 0],
        ignore_index=-1,
    ),
    case(
        "nothing ignored",
        EMBEDDINGS,
        CENTERS,
        [2, -100, 3, 1, 0],
        ignore_index=None,
        tags=("label",),
        gradient=SHARED,
    ),
    case("illegal labels", EMBEDDINGS, CENTERS, [2, -1, 4, 1, 0], tags=("label",), gradient=SHARED),
    case(
        "an illegal label, mean",
        EMBEDDINGS,
        CENTERS,
        [2, -1, 3, 1, 0],
        tags=("label",),
        reduction="mean",
        gradient=SHARED,
    ),
    case("an illegal label beside what is infinite", [[INF, 1.0]], [[1.0, 2.0]], [1], tags=("label", "inf")),
    case("NaN in a center without items", [[1.0, 2.0]], [[NAN, NAN], [3.0, 1.0]], [1]),
    case("infinitely far", [[INF, 1.0]], [[1.0, 2.0]], [0], tags=("inf",), gradient=UNSURE),
    case(
        "NaN in a live embedding", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, 1.0]], [0, 1], gradient=UNSURE
    ),
)
def center_loss(
    x: list[Any], centers: list[list[Any]], label: int, *, half: bool = True, ignore_index: int | None = -100
) -> Any:
    if label == ignore_index:
        return None
    if not 0 <= label < len(centers):
        return mp.nan
    squared = norm([p - q for p, q in zip(x, centers[label], strict=True)]) ** 2
    return squared / 2 if half else squared
