"""Evidence for the losses of metric learning."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import bits, case, evidence, signs, uniform

FOUR = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]]  # unit vectors
INF, NAN = math.inf, math.nan
UNSURE = dict.fromkeys(("x1", "x2", "anchor", "positive", "negative", "negative2"))
ONE, OTHER = uniform(35, 5, 3), uniform(56, 5, 3)
THIRD, FOURTH = uniform(37, 5, 3), uniform(38, 5, 3)
HERE = [[0.0, 0.0]] * 3
# Distances of 0.5, 0.3 and 2 from the origin.
AWAY = [[0.3, 0.4], [0.3, 0.0], [0.0, 2.0]]
# A triplet at distances of 1 and 1.5, the positive being nearer to the negative than the anchor is.
TRIPLET = ([0.0, 0.0], [0.6, 0.8], [1.5, 0.0])
LINE = ([0.0], [0.5], [0.7], [1.3])


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


def norm(x: list[Any], p: Any = 2) -> Any:
    if any(map(mp.isnan, x)):
        return mp.nan
    if p > 1000:
        return max(map(abs, x))
    return mp.fsum(abs(v) ** p for v in x) ** (1 / mpf(p))


def apart(a: list[Any], b: list[Any], p: Any = 2) -> Any:
    return norm([x - y for x, y in zip(a, b, strict=True)], p)


def cosine(a: list[Any], b: list[Any]) -> Any:
    if any(map(mp.isnan, a + b)):
        return mp.nan
    if not any(a) or not any(b):
        return mpf(0)
    return mp.fsum(x * y for x, y in zip(a, b, strict=True)) / (norm(a) * norm(b))


def near(y: Any, label: int) -> bool:
    """Whether it is the label, perhaps changed in the last of its digits."""
    return bool(abs(y - label) < mpf(10) ** -30)


def hinge(x: Any) -> Any:
    return x if mp.isnan(x) else max(x, mpf(0))


@evidence(
    "contrastive_loss",
    case("ordinary", ONE, OTHER, [1.0, 0.0, 0.0, 1.0, 0.0], margin=4.0),
    case("worked", AWAY, HERE, [1.0, 0.0, 0.0]),
    case("worked: mean", AWAY, HERE, [1.0, 0.0, 0.0], reduction="mean"),
    case("worked: of distances", [[0.5], [0.3], [2.0]], [[0.0]] * 3, [1.0, 0.0, 0.0]),
    case(
        "worked: not squared, mean of four similar pairs",
        [FOUR[0], FOUR[2]],
        [FOUR[1], FOUR[3]],
        [1.0, 1.0],
        squared=False,
        reduction="mean",
    ),
    case("worked: not squared, a dissimilar pair", [FOUR[1]], [FOUR[2]], [0.0], squared=False),
    case("without the half", ONE, OTHER, [1.0, 0.0, 0.0, 1.0, 0.0], margin=4.0, half=False),
    case("not squared", ONE, OTHER, [1.0, 0.0, 0.0, 1.0, 0.0], margin=4.0, squared=False),
    case("not squared, without the half", ONE, OTHER, bits(39, 5), margin=4.0, squared=False, half=False),
    case("a margin of similar pairs", ONE, OTHER, [1.0] * 5, pos_margin=2.5),
    case("margins of 0", ONE, OTHER, bits(39, 5), margin=0.0),
    case("one label for all", ONE, OTHER, 1.0),
    case("a single pair", ONE[0], OTHER[0], 0.0, margin=8.0),
    case("two batch axes", uniform(40, 2, 2, 3), uniform(41, 2, 2, 3), bits(42, 2, 2), margin=4.0),
    case(
        "pairs that coincide", [[1.0, 2.0], [0.1, 0.3]], [[1.0, 2.0], [0.1, 0.3]], [0.0, 1.0], tags=("kink",)
    ),
    case(
        "pairs that coincide, not squared",
        [[1.0, 2.0], [0.1, 0.3]],
        [[1.0, 2.0], [0.1, 0.3]],
        [0.0, 1.0],
        squared=False,
        tags=("kink",),
    ),
    case("zero vectors", HERE, HERE, [0.0, 1.0, 0.0], tags=("kink",)),
    case(
        "kink: at the margins, not squared",
        [[3.0, 4.0], [3.0, 4.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [0.0, 1.0],
        margin=5.0,
        pos_margin=5.0,
        squared=False,
        tags=("kink",),
    ),
    case("at the margins", [[3.0, 4.0]] * 2, HERE[:2], [0.0, 1.0], margin=5.0, pos_margin=5.0),
    case("close and far from the origin", [[1024.0, 0.5]] * 2, [[1024.0, 0.5625]] * 2, [0.0, 1.0]),
    case("nearly coincide", [[1.0, 2.0]] * 2, [[1 + 2.0**-20, 2.0]] * 2, [0.0, 1.0]),
    case("tiny", scaled(AWAY, 2.0**-70), HERE, [1.0, 0.0, 1.0], squared=False),
    case("huge", scaled(AWAY, 2.0**100), HERE, [1.0, 0.0, 1.0], squared=False),
    case(
        "labels that are neither 0 nor 1",
        [*AWAY, [INF, 1.0]],
        [*HERE, [0.0, INF]],
        [0.5, -1.0, 1.0, 2.0],
        tags=("label", "inf"),
    ),
    case("an illegal label, mean", AWAY, HERE, [0.5, 0.0, 1.0], tags=("label",), reduction="mean"),
    case("an illegal label under the mask", AWAY, HERE, [2.0, 0.0, 1.0], where=[False, True, True]),
    case("infinitely far", [[INF, 1.0]] * 2, HERE[:2], [1.0, 0.0], tags=("inf",), gradient=UNSURE),
    case("NaN in a live pair", [[NAN, 1.0], *AWAY[:2]], HERE, [0.0, 1.0, 0.0], gradient=UNSURE),
)
def contrastive_loss(
    x1: list[Any],
    x2: list[Any],
    y: Any,
    *,
    margin: Any = 1,
    pos_margin: Any = 0,
    squared: bool = True,
    half: bool = True,
) -> Any:
    if not near(y, 0) and not near(y, 1):
        return mp.nan
    d = apart(x1, x2)
    h = hinge(d - pos_margin) if near(y, 1) else hinge(margin - d)
    return h if not squared else h**2 / 2 if half else h**2


@evidence(
    "cosine_embedding_loss",
    case("ordinary", ONE, OTHER, [1.0, -1.0, -1.0, 1.0, -1.0], margin=-0.75),
    case("worked", [[2.0, 0.0]] * 2, [[4.0, 3.0]] * 2, [1.0, -1.0], margin=0.5),
    case("no margin", ONE, OTHER, signs(43, 5)),
    case("one label for all", ONE, OTHER, 1.0),
    case("one dimension", [[2.0], [2.0], [-1.0]], [[3.0], [-3.0], [-4.0]], [1.0, 1.0, -1.0], margin=0.25),
    case("a single pair", ONE[0], OTHER[0], -1.0, margin=-1.0),
    case("two batch axes", uniform(40, 2, 2, 3), uniform(41, 2, 2, 3), signs(44, 2, 2), margin=-0.5),
    case(
        "parallel and opposite",
        [[1.0, 2.0]] * 4,
        [[2.0, 4.0], [-2.0, -4.0]] * 2,
        [1.0, 1.0, -1.0, -1.0],
        gradient={"x1": [[0.0, 0.0]] * 4, "x2": [[0.0, 0.0]] * 4},
    ),
    case("small angles", [[1024.0, 1024.0625], [1.0, 2.0**-30]], [[1.0, 1.0], [1.0, 0.0]], [1.0, 1.0]),
    case("nearly at a right angle", [[1.0, 2.0**-30], [1.0, 2.0**-30]], [[0.0, 4.0]] * 2, [-1.0, 1.0]),
    case("kink: at a right angle", [[1.0, 0.0]], [[0.0, 2.0]], [-1.0], tags=("kink",)),
    case(
        "zero vectors",
        [[0.0, 0.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]],
        [[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]],
        [1.0, -1.0, 1.0, 1.0],
        gradient={"x1": [[0.0, 0.0]] * 4, "x2": [[0.0, 0.0]] * 4},
    ),
    case(
        "zero vectors, a margin below 0",
        [[0.0, 0.0]],
        [[1.0, 2.0]],
        [-1.0],
        margin=-0.5,
        gradient={"x1": [[0.0, 0.0]], "x2": [[0.0, 0.0]]},
    ),
    case("huge and tiny", scaled(ONE, 2.0**100), scaled(OTHER, 2.0**-100), signs(43, 5), gradient=UNSURE),
    case("tiny", scaled(ONE, 2.0**-100), scaled(OTHER, 2.0**-100), signs(43, 5), gradient=UNSURE),
    case("longer than float16 can square", scaled(ONE, 128.0), scaled(OTHER, 128.0), [1.0] * 5),
    case(
        "labels that are neither -1 nor 1",
        [[1.0, 2.0], [INF, 1.0], [1.0, 2.0]],
        [[2.0, 1.0], [0.0, 1.0], [2.0, 1.0]],
        [0.0, 0.5, 1.0],
        tags=("label", "inf"),
    ),
    case("an illegal label, mean", ONE, OTHER, [1.0, 0.0, 1.0, -1.0, 1.0], tags=("label",), reduction="mean"),
    case("an illegal label under the mask", ONE[:2], OTHER[:2], [1.0, 0.0], where=[True, False]),
    case(
        "NaN in a live pair", [[NAN, 1.0], [0.0, 0.0]], [[1.0, 2.0], [NAN, 1.0]], [1.0, 1.0], gradient=UNSURE
    ),
    gradient_ulp=64,
    reason="normalising takes away what is parallel to the vector, which may be nearly all of a component",
    peers={"torch": "torch.nn.functional.cosine_embedding_loss(x1, x2, labels, margin=margin)"},
)
def cosine_embedding_loss(x1: list[Any], x2: list[Any], y: Any, *, margin: Any = 0) -> Any:
    if not near(y, -1) and not near(y, 1):
        return mp.nan
    c = cosine(x1, x2)
    return 1 - c if near(y, 1) else hinge(c - margin)


def triplet(d_ap: Any, d_an: Any, margin: Any, soft: bool = False) -> Any:
    return mp.log(1 + mp.exp(d_ap - d_an)) if soft else hinge(d_ap - d_an + margin)


@evidence(
    "triplet_margin_loss",
    case("ordinary", ONE, OTHER, THIRD),
    case("worked", *TRIPLET),
    case("worked: swap", *TRIPLET, swap=True),
    case("worked: soft", *TRIPLET, soft=True),
    case("worked: squared", *TRIPLET, squared=True),
    case("worked: squared, lesser margin", *TRIPLET, squared=True, margin=0.2),
    *(case(f"norm of order {p}", ONE, OTHER, THIRD, p=p, margin=4.0) for p in (1.0, 1.5, 3.0, 8.0, INF)),
    *(
        case(f"norm of order {p}, swap, squared", ONE[:3], OTHER[:3], THIRD[:3], p=p, swap=True, squared=True)
        for p in (1.0, 2.0, 2.5, INF)
    ),
    *(
        case(
            f"mirrored, norm of order {p}",
            [[0.0, 0.0]] * 2,
            [[2.0, 1.0], [-2.0, -1.0]],
            [[-1.0, -1.0], [1.0, 1.0]],
            p=p,
        )
        for p in (1.0, 2.0, 3.0)
    ),
    case("margin of 0", ONE, OTHER, THIRD, margin=0.0),
    case("margin below 0", ONE, OTHER, THIRD, margin=-0.5),
    case("large margin: all active", ONE, OTHER, THIRD, margin=16.0),
    case("swap", ONE, OTHER, THIRD, swap=True, margin=8.0),
    case("squared", ONE, OTHER, THIRD, squared=True, margin=16.0),
    case("soft", ONE, OTHER, THIRD, soft=True),
    case("soft, squared, swap", ONE, OTHER, THIRD, soft=True, squared=True, swap=True),
    case("soft, a negative far away", [[0.0]] * 2, [[1.0], [64.0]], [[64.0], [1.0]], soft=True),
    case("one dimension", [[0.0], [1.0]], [[0.5], [-1.0]], [[0.25], [2.0]]),
    case("a single triplet", ONE[0], OTHER[0], THIRD[0]),
    case("two batch axes", uniform(45, 2, 2, 2), uniform(46, 2, 2, 2), uniform(47, 2, 2, 2), margin=4.0),
    *(
        case(
            f"all coincide, norm of order {p}",
            [[0.1, -0.3]],
            [[0.1, -0.3]],
            [[0.1, -0.3]],
            p=p,
            tags=("kink",),
        )
        for p in (1.0, 1.5, 2.0, 3.0, INF)
    ),
    case("all coincide, squared", [[0.1, -0.3]], [[0.1, -0.3]], [[0.1, -0.3]], squared=True),
    case("all coincide, soft", [[0.1, -0.3]], [[0.1, -0.3]], [[0.1, -0.3]], soft=True, tags=("kink",)),
    case(
        "the positive coincides",
        [[1.0, 2.0]],
        [[1.0, 2.0]],
        [[3.0, 1.0]],
        margin=4.0,
        tags=("kink",),
        kink="split",
    ),
    case("the negative coincides", [[1.0, 2.0]], [[3.0, 1.0]], [[1.0, 2.0]], tags=("kink",), kink="split"),
    case("kink: hinge at 0", [[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 2.0]], tags=("kink",)),
    case(
        "kink: a tied swap",
        [[0.0, 0.0]],
        [[2.0, 0.0]],
        [[1.0, 3.0]],
        swap=True,
        margin=8.0,
        tags=("kink",),
        kink="split",
    ),
    case(
        "kink: two largest components",
        [[0.0, 0.0]],
        [[2.0, 2.0]],
        [[1.0, -0.5]],
        p=INF,
        tags=("kink",),
        kink="split",
    ),
    case(
        "kink: components of 0, norm of order 1",
        [[0.0, 0.0]],
        [[2.0, 0.0]],
        [[0.0, 1.0]],
        p=1.0,
        tags=("kink",),
        kink="split",
    ),
    case("close and far from the origin", [[1024.0, 0.5]], [[1024.0, 0.5625]], [[1024.125, 0.5]]),
    *(
        case(
            f"{size}, norm of order {p}",
            scaled([[1.0, 2.0]], by),
            scaled([[0.5, -1.0]], by),
            scaled([[1.5, 1.0]], by),
            p=p,
            margin=0.0,
        )
        for size, by in (("huge", 2.0**100), ("tiny", 2.0**-100))
        for p in (1.0, 2.0, 3.0, INF)
    ),
    case(
        "infinitely far",
        [[0.0, 1.0]] * 2,
        [[INF, 1.0], [1.0, 2.0]],
        [[1.0, 2.0], [-INF, 1.0]],
        tags=("inf",),
        gradient=UNSURE,
    ),
    case(
        "NaN in a live triplet", [[NAN, 1.0], [1.0, 2.0]], [[0.0, 0.0]] * 2, [[3.0, 3.0]] * 2, gradient=UNSURE
    ),
    peers={
        "torch": "torch.nn.functional.triplet_margin_loss(anchor, positive, negative, eps=0, …)",
        "optax": "optax.losses.triplet_margin_loss(anchor, positive, negative, margin, eps=0)",
    },
)
def triplet_margin_loss(
    a: list[Any],
    p_: list[Any],
    n: list[Any],
    *,
    margin: Any = 1,
    p: Any = 2,
    swap: bool = False,
    squared: bool = False,
    soft: bool = False,
) -> Any:
    d_ap, d_an = apart(a, p_, p), apart(a, n, p)
    if swap:
        d_an = min(d_an, apart(p_, n, p))
    power = 2 if squared else 1
    return triplet(d_ap**power, d_an**power, margin, soft)


@evidence(
    "facenet_triplet_loss",
    case("ordinary", ONE, OTHER, THIRD, margin=1.5),
    case("worked", [[1.0, 0.0]], [[0.6, 0.8]], [[8.0, 6.0]]),
    case("default margin", ONE, OTHER, THIRD),
    case("large margin: all active", ONE, OTHER, THIRD, margin=4.0),
    case("margin of 0", ONE, OTHER, THIRD, margin=0.0),
    case("one dimension", [[2.0], [2.0]], [[3.0], [-3.0]], [[-4.0], [0.5]]),
    case("a single triplet", ONE[0], OTHER[0], THIRD[0], margin=4.0),
    case("two batch axes", uniform(45, 2, 2, 3), uniform(46, 2, 2, 3), uniform(47, 2, 2, 3), margin=4.0),
    case("one direction", [[1.0, 2.0]], [[2.0, 4.0]], [[0.5, 1.0]]),
    case("a small angle", [[1024.0, 1024.0625]], [[1.0, 1.0]], [[1.0, 1.0625]], margin=0.0078125),
    case("kink: hinge at 0", [[1.0, 0.0]], [[0.0, 2.0]], [[0.0, -3.0]], margin=0.0, tags=("kink",)),
    case(
        "zero anchor",
        [[0.0, 0.0]],
        [[1.0, 2.0]],
        [[3.0, -1.0]],
        gradient={"anchor": [[0.0, 0.0]], "positive": [[0.0, 0.0]], "negative": [[0.0, 0.0]]},
    ),
    case(
        "zero negative",
        [[1.0, 2.0]],
        [[3.0, -1.0]],
        [[0.0, 0.0]],
        gradient={"negative": [[0.0, 0.0]]} | dict.fromkeys(("anchor", "positive")),
    ),
    case("huge and tiny", scaled(ONE, 2.0**100), scaled(OTHER, 2.0**-100), THIRD, gradient=UNSURE),
    case("longer than float16 can square", scaled(ONE, 128.0), scaled(OTHER, 128.0), scaled(THIRD, 128.0)),
    case(
        "NaN in a live triplet", [[NAN, 1.0], [1.0, 2.0]], [[2.0, 1.0]] * 2, [[3.0, 3.0]] * 2, gradient=UNSURE
    ),
    gradient_ulp=64,
    reason="normalising takes away what is parallel to the vector, which may be nearly all of a component",
)
def facenet_triplet_loss(a: list[Any], p: list[Any], n: list[Any], *, margin: Any = 0.2) -> Any:
    def direction(x: list[Any]) -> list[Any]:
        length = norm(x)
        return [v / length for v in x] if length != 0 else x

    a, p, n = map(direction, (a, p, n))
    return triplet(apart(a, p) ** 2, apart(a, n) ** 2, margin)


@evidence(
    "quadruplet_loss",
    case("ordinary", ONE, OTHER, THIRD, FOURTH, m1=8.0, m2=4.0),
    case("worked", *LINE),
    case("worked: not squared", *LINE, squared=False),
    case("default margins", ONE, OTHER, THIRD, FOURTH),
    case("not squared", ONE, OTHER, THIRD, FOURTH, squared=False),
    case("margins of 0", ONE, OTHER, THIRD, FOURTH, m1=0.0, m2=0.0),
    case("margins below 0", ONE, OTHER, THIRD, FOURTH, m1=-0.5, m2=-1.0, squared=False),
    case("two batch axes", *(uniform(seed, 2, 2, 2) for seed in (45, 46, 47, 48)), m1=4.0),
    case("all coincide", *([[0.1, -0.3]] for _ in range(4))),
    case("all coincide, not squared", *([[0.1, -0.3]] for _ in range(4)), squared=False, tags=("kink",)),
    case(
        "the negatives coincide",
        [[0.0, 0.0]],
        [[1.0, 0.0]],
        [[2.0, 1.0]],
        [[2.0, 1.0]],
        squared=False,
        tags=("kink",),
        kink="split",
    ),
    case("kink: the first hinge at 0", [[0.0]], [[1.0]], [[2.0]], [[2.5]], m1=3.0, m2=-2.0, tags=("kink",)),
    case("kink: both hinges at 0", [[0.0]], [[1.0]], [[2.0]], [[4.0]], m1=3.0, m2=3.0, tags=("kink",)),
    case("huge", *([[x * 2.0**100] for x in (0.0, 1.0, 0.5, 2.0)]), squared=False),
    case("tiny", *([[x * 2.0**-60] for x in (0.0, 1.0, 0.5, 2.0)]), m1=0.0, m2=0.0),
    case("infinitely far", [[0.0]], [[1.0]], [[INF]], [[1.0]], tags=("inf",), gradient=UNSURE),
    case(
        "NaN in a live quadruplet",
        [[0.0], [1.0]],
        [[1.0], [2.0]],
        [[2.0], [3.0]],
        [[NAN], [1.0]],
        gradient=UNSURE,
    ),
)
def quadruplet_loss(
    i: list[Any],
    j: list[Any],
    k: list[Any],
    l: list[Any],  # noqa: E741  (the letters of the paper)
    *,
    m1: Any = 1,
    m2: Any = 0.5,
    squared: bool = True,
) -> Any:
    power = 2 if squared else 1
    first = hinge(apart(i, j) ** power - apart(i, k) ** power + m1)
    return first + hinge(apart(i, j) ** power - apart(l, k) ** power + m2)
