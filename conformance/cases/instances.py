"""Evidence for the losses of instances."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

NAN = math.nan

# Two images of five pixels: one with two instances and background, one with one instance.
EMBEDDINGS = uniform(301, 2, 5, 2)
IDS = [[1, 3, 0, 1, 3], [2, 2, 0, 2, 0]]
COORDS = [[0.0, 0.0], [0.0, 1.0], [0.5, 0.25], [1.0, 0.0], [1.0, 1.0]]
MASK = [[True, False, True, True, True], [False, True, True, True, False]]
# Two instances of two pixels.
PAIRS = [[[0.0, 0.0], [2.0, 0.0], [5.0, 5.0], [5.0, 5.2]]]
TWO_EACH = [[1, 1, 2, 2]]


def mean(rows: list[list[Any]]) -> list[Any]:
    return [mp.fsum(column) / len(rows) for column in zip(*rows, strict=True)]


def minus(a: list[Any], b: list[Any]) -> list[Any]:
    return [x - y for x, y in zip(a, b, strict=True)]


def length(x: list[Any], p: Any = 2) -> Any:
    if any(mp.isnan(v) for v in x):
        return mp.nan
    if p > 1000:
        return max(abs(v) for v in x)
    return mp.fsum(abs(v) ** p for v in x) ** (1 / mpf(p))


def hinge(x: Any) -> Any:
    return x if mp.isnan(x) else max(x, mpf(0))


def pixels_of(ids: list[int], where: list[bool], k: int) -> list[int]:
    return [i for i, (at, counts) in enumerate(zip(ids, where, strict=True)) if counts and at == k]


@evidence(
    "embedding_hinge_loss",
    case("ordinary", EMBEDDINGS, IDS, num_instances=3, margin=0.5),
    case("worked", PAIRS, TWO_EACH, num_instances=2, margin=0.5),
    case("worked: sum", PAIRS, TWO_EACH, num_instances=2, margin=0.5, reduction="sum"),
    case("worked: mean", PAIRS, TWO_EACH, num_instances=2, margin=0.5, reduction="mean"),
    case("margin of 0", EMBEDDINGS, IDS, num_instances=3, margin=0.0),
    case("large margin: all inside", EMBEDDINGS, IDS, num_instances=3, margin=64.0),
    case("more instances than there are", EMBEDDINGS, IDS, num_instances=7, margin=0.5, reduction="mean"),
    *(
        case(
            f"norm of order {p}",
            uniform(302, 2, 4, 3),
            [[1, 2, 1, 1], [1, 0, 1, 2]],
            num_instances=2,
            margin=0.25,
            p=p,
        )
        for p in (1.0, 1.5, 3.0, 8.0, math.inf)
    ),
    case("coordinates", EMBEDDINGS, IDS, num_instances=3, margin=0.5, center="coords", coords=COORDS),
    case(
        "coordinates, pixels masked",
        EMBEDDINGS,
        IDS,
        num_instances=3,
        margin=0.5,
        center="coords",
        coords=COORDS,
        where=MASK,
        reduction="mean",
    ),
    case(
        "coordinates, NaN in the background and in a pixel",
        [[[1.0, 2.0], [NAN, 1.0], [NAN, NAN], [0.5, 3.0], [4.0, -1.0]]],
        [[1, 2, 0, 1, 2]],
        num_instances=2,
        margin=0.5,
        center="coords",
        coords=COORDS,
        gradient={"embeddings": None},
    ),
    case(
        "coordinates, infinite embedding",
        [[[1.0, 2.0], [math.inf, 1.0], [0.5, 3.0], [0.5, 3.0], [4.0, -1.0]]],
        [[1, 2, 0, 1, 2]],
        num_instances=2,
        margin=0.5,
        center="coords",
        coords=COORDS,
        tags=("inf",),
        gradient={"embeddings": None},
    ),
    case("pixels masked", EMBEDDINGS, IDS, num_instances=3, margin=0.5, where=MASK),
    case(
        "a pixel of weight 0 has no part in the center",
        EMBEDDINGS,
        IDS,
        num_instances=3,
        margin=0.25,
        sample_weight=[[1.0, 2.0, 1.0, 0.0, 0.5]],
        reduction="mean",
    ),
    case(
        "weights of one over the size",
        PAIRS,
        [[1, 1, 1, 2]],
        num_instances=2,
        margin=0.25,
        sample_weight=[[1 / 3, 1 / 3, 1 / 3, 1.0]],
        reduction="sum",
    ),
    case("no instances", EMBEDDINGS, [[0] * 5, [0] * 5], num_instances=3, margin=0.5, reduction="mean"),
    case("NaN in the background", [[[1.0], [NAN], [3.0]]], [[1, 0, 1]], num_instances=1, margin=0.25),
    case(
        "NaN in a live pixel",
        [[[1.0], [NAN], [3.0], [2.0], [4.5]]],
        [[1, 2, 2, 1, 1]],
        num_instances=2,
        margin=0.25,
        gradient={"embeddings": None},
    ),
    case("ids out of range", PAIRS, [[1, 3, 2, -1]], num_instances=2, margin=0.0),
    case("one pixel in each", PAIRS, [[1, 2, 3, 4]], num_instances=4, margin=0.0, tags=("kink",)),
    case(
        "kink: on the ball", [[[0.0], [2.0], [8.0]]], [[1, 1, 2]], num_instances=2, margin=1.0, tags=("kink",)
    ),
    *(
        case(
            f"all coincide, norm of order {p}",
            [[[0.1, -0.3]] * 3],
            [[1, 1, 1]],
            num_instances=1,
            margin=0.0,
            p=p,
            tags=("kink",),
        )
        for p in (1.0, 1.5, 2.0, math.inf)
    ),
    case("zero vectors", [[[0.0, 0.0]] * 3], [[1, 1, 2]], num_instances=2, margin=0.0, tags=("kink",)),
    case(
        "far from the origin",
        [[[4096.0, 0.5], [4096.25, 0.5], [4095.5, 0.25], [8192.5, -3.0], [8192.0, -2.0]]],
        [[1, 1, 1, 2, 2]],
        num_instances=2,
        margin=0.0,
    ),
    *(
        case(
            f"{size} embeddings, norm of order {p}",
            [[[x * by for x in row] for row in EMBEDDINGS[0]]],
            IDS[:1],
            num_instances=3,
            margin=0.0,
            p=p,
        )
        for size, by in (("huge", 2.0**100), ("tiny", 2.0**-100))
        for p in (2.0, 3.0)
    ),
)
def embedding_hinge_loss(
    embeddings: Any,
    ids: Any,
    *,
    num_instances: int,
    margin: Any,
    p: Any = 2,
    center: str = "embeddings",
    coords: Any = None,
    where: Any,
) -> Any:
    def image(e: Any, ids: list[int], where: list[bool]) -> list[Any]:
        def item(i: int) -> Any:
            if ids[i] == 0 or not where[i]:
                return None
            if not 0 < ids[i] <= num_instances:
                return mp.nan
            own = pixels_of(ids, where, ids[i])
            c = mean([(e if center == "embeddings" else coords)[j] for j in own])
            return hinge(length(minus(e[i], c), p) - margin)

        return [item(i) for i in range(len(ids))]

    return [image(*each) for each in zip(embeddings, ids, where, strict=True)]


CLUSTERS = [[[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 3.0]]]
FLAT = {"delta_var": 0.0, "delta_dist": 2.0}


@evidence(
    "discriminative_loss",
    case(
        "ordinary",
        uniform(311, 3, 4, 2),
        [[1, 3, 0, 1], [2, 2, 0, 2], [1, 2, 3, 1]],
        num_instances=3,
    ),
    case("worked", CLUSTERS, TWO_EACH, num_instances=2),
    *(
        case(f"worked: without {term}", CLUSTERS, TWO_EACH, num_instances=2, **{term: 0.0})
        for term in ("alpha", "beta", "gamma")
    ),
    case("other weights", EMBEDDINGS, IDS, num_instances=3, alpha=0.25, beta=2.0, gamma=0.5),
    case("pulled from everywhere", EMBEDDINGS, IDS, num_instances=3, delta_var=0.0),
    case("pulled from nowhere", EMBEDDINGS, IDS, num_instances=3, delta_var=16.0),
    case("pushed from far", EMBEDDINGS, IDS, num_instances=3, delta_dist=8.0),
    case("pushed by nothing", EMBEDDINGS, IDS, num_instances=3, delta_dist=0.0),
    case("more instances than there are", EMBEDDINGS, IDS, num_instances=5, delta_dist=4.0),
    *(
        case(
            f"norm of order {p}",
            uniform(312, 1, 6, 3),
            [[1, 2, 1, 1, 0, 2]],
            num_instances=2,
            delta_var=0.25,
            delta_dist=4.0,
            gamma=0.5,
            p=p,
        )
        for p in (1.0, 1.5, 3.0, math.inf)
    ),
    case("one instance", EMBEDDINGS, [[1] * 5, [0, 2, 0, 2, 2]], num_instances=2),
    case("no instances", EMBEDDINGS, [[0] * 5, IDS[1]], num_instances=3),
    case("no instances, mean", EMBEDDINGS, [[0] * 5, IDS[1]], num_instances=3, reduction="mean"),
    case("nothing but background, mean", EMBEDDINGS, [[0] * 5] * 2, num_instances=3, reduction="mean"),
    case("pixels masked", EMBEDDINGS, IDS, num_instances=3, where=MASK),
    case(
        "all pixels of an instance masked, mean",
        EMBEDDINGS,
        IDS,
        num_instances=3,
        where=[[True, False, True, True, False], [False, False, True, False, True]],
        reduction="mean",
    ),
    case("NaN in the background", [[[1.0], [NAN], [3.5], [2.0]]], [[1, 0, 1, 2]], num_instances=2),
    case(
        "NaN in a live pixel",
        [[[1.0], [NAN], [3.5]], [[1.0], [2.0], [3.5]]],
        [[1, 1, 2], [1, 1, 2]],
        num_instances=2,
        gradient={"embeddings": None},
    ),
    case("an id out of range", EMBEDDINGS[:1], [[1, 4, 0, 1, 2]], num_instances=3),
    case("an id below 0", EMBEDDINGS[:1], [[1, -1, 0, 1, 2]], num_instances=3),
    case(
        "an id out of range in one image",
        EMBEDDINGS,
        [[1, 4, 0, 1, 2], IDS[1]],
        num_instances=3,
        gradient={"embeddings": None},
    ),
    case(
        "an id out of range alone",
        EMBEDDINGS[:1],
        [[0, -1, 0, 0, 0]],
        num_instances=3,
        reduction="mean",
    ),
    case(
        "an id out of range under the mask",
        EMBEDDINGS,
        [[1, 4, 0, 1, 2], IDS[1]],
        num_instances=3,
        where=[[True, False, True, True, True], [True] * 5],
    ),
    case(
        "kink: on both margins",
        [[[0.0], [2.0], [3.0]]],
        [[1, 1, 2]],
        num_instances=2,
        delta_var=1.0,
        delta_dist=1.0,
    ),
    *(
        case(
            f"all coincide, norm of order {p}",
            [[[0.1, -0.3]] * 6],
            [[1, 1, 1, 2, 2, 2]],
            num_instances=2,
            gamma=0.0,
            p=p,
            tags=("kink",),
            **FLAT,
        )
        for p in (1.0, 1.5, 2.0, math.inf)
    ),
    case("zero vectors", [[[0.0, 0.0]] * 3], [[1, 1, 2]], num_instances=2, tags=("kink",), **FLAT),
    case(
        "far from the origin",
        [[[4096.0, 0.5], [4096.25, 0.5], [4095.5, 0.25], [4097.5, 1.0], [4097.0, 0.5]]],
        [[1, 1, 1, 2, 2]],
        num_instances=2,
        **FLAT,
    ),
    *(
        case(
            f"{size} embeddings",
            [[[x * by for x in row] for row in EMBEDDINGS[0]]],
            IDS[:1],
            num_instances=3,
            **FLAT,
        )
        for size, by in (("large", 2.0**40), ("tiny", 2.0**-40))
    ),
)
def discriminative_loss(
    embeddings: Any,
    ids: Any,
    *,
    num_instances: int,
    delta_var: Any = 0.5,
    delta_dist: Any = 1.5,
    alpha: Any = 1,
    beta: Any = 1,
    gamma: Any = 0.001,
    p: Any = 2,
    where: Any,
) -> Any:
    def item(x: Any, ids: list[int], where: list[bool]) -> Any:
        if any(not 0 <= k <= num_instances for k, counts in zip(ids, where, strict=True) if counts):
            return mp.nan
        sets = [s for k in range(1, num_instances + 1) if (s := pixels_of(ids, where, k))]
        if not sets:
            return None
        mu = [mean([x[i] for i in s]) for s in sets]
        pull = [
            mp.fsum(hinge(length(minus(x[i], m), p) - delta_var) ** 2 for i in s) / len(s)
            for s, m in zip(sets, mu, strict=True)
        ]
        push = [hinge(2 * delta_dist - length(minus(a, b), p)) ** 2 for a in mu for b in mu if a is not b]
        terms = (alpha, pull), (beta, push), (gamma, [length(m, p) for m in mu])
        return mp.fsum(w * mp.fsum(term) / len(term) for w, term in terms if term)

    return [item(*each) for each in zip(embeddings, ids, where, strict=True)]
