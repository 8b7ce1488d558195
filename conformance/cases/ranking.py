"""Evidence for the losses of ranking."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, signs, uniform

INF, NAN = math.inf, math.nan

# Three lists of four entries, no two of one relevance.
SCORES = uniform(401, 3, 4)
RELEVANCE = [[2.0, 0.0, 1.0, 3.0], [0.5, 1.5, -1.0, 0.25], [1.0, 4.0, 2.0, 0.0]]
# The second list has three entries, the third one.
PADDED = [SCORES[0], [*SCORES[1][:3], NAN], [NAN, SCORES[2][1], NAN, INF]]
PADDED_RELEVANCE = [RELEVANCE[0], [*RELEVANCE[1][:3], NAN], [INF, RELEVANCE[2][1], NAN, NAN]]
ENTRIES = [[True] * 4, [True, True, True, False], [False, True, False, False]]
NOTHING = [[True] * 4, [True, True, True, False], [False] * 4]
WORKED = ([2.0, 1.0, 3.0], [2.0, 0.0, 1.0])
TIED = {"relevance": None}
UNSURE = {"scores": None, "relevance": None}


def hinge(x: Any) -> Any:
    return x if mp.isnan(x) else max(x, mpf(0))


def softplus(x: Any) -> Any:
    return mp.log(1 + mp.exp(x))


# --- pairs ---------------------------------------------------------------------------------------


@evidence(
    "margin_ranking_loss",
    case("ordinary", uniform(411, 6), uniform(412, 6), signs(413, 6)),
    case("worked", [1.0], [2.0], [1.0], margin=0.5),
    case("margin", uniform(411, 6), uniform(412, 6), signs(413, 6), margin=2.0),
    case("margin below 0", uniform(411, 6), uniform(412, 6), signs(413, 6), margin=-0.5),
    case("kink: equal scores", [0.5, -1.0], [0.5, -1.0], [1.0, -1.0], tags=("kink",)),
    case("kink: on the margin", [2.0, 1.0], [1.0, 2.0], [1.0, -1.0], margin=1.0, tags=("kink",)),
    case("equal scores, a margin", [0.5, -1.0], [0.5, -1.0], [1.0, -1.0], margin=0.25),
    case("large and tiny scores", [2.0**40, -(2.0**-20)], [-(2.0**40), 2.0**-20], [-1.0, 1.0]),
    case("far from 0", [1024.0, 2.0**20], [1024.0625, 2.0**20 - 0.5], [1.0, -1.0]),
    case(
        "infinite scores", [INF, INF, -INF, 1.0], [1.0, 1.0, 1.0, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)
    ),
    case("two batch axes", uniform(414, 2, 3), uniform(415, 2, 3), signs(416, 2, 3)),
    case("one target for all", uniform(411, 6), uniform(412, 6), -1.0),
    case("one score for all", uniform(411, 6), 0.5, 1.0, margin=1.0),
    case("a single pair", 1.0, 2.0, 1.0),
    case(
        "targets that are neither -1 nor 1",
        [0.5, 2.0, INF, 1.0],
        [1.0, INF, 0.5, 2.0],
        [0.0, 0.5, -2.0, 1.0],
        tags=("label", "inf"),
    ),
    case("an illegal target, mean", [0.5, 2.0], [1.0, 0.0], [0.0, 1.0], tags=("label",), reduction="mean"),
    case("an illegal target under the mask", [0.5, 2.0], [1.0, 3.0], [0.0, 1.0], where=[False, True]),
    case("NaN score", [NAN, 1.0, 2.0], [1.0, NAN, 3.0], [1.0, -1.0, 1.0], tags=("nan",)),
    peers={"torch": "torch.nn.functional.margin_ranking_loss(x1, x2, target, margin=margin)"},
)
def margin_ranking_loss(x1: Any, x2: Any, y: Any, *, margin: Any = 0) -> Any:
    return hinge(-y * (x1 - x2) + margin) if y in (-1, 1) else mp.nan


@evidence(
    "pairwise_logistic_loss",
    case("ordinary", SCORES, RELEVANCE),
    case("worked", *WORKED),
    case("worked: sum", *WORKED, reduction="sum"),
    case("worked: mean", *WORKED, reduction="mean"),
    case("worked: per list", *WORKED, per_list=True),
    case("steepness", SCORES, RELEVANCE, sigma=2.5),
    case("gaps as weights", SCORES, RELEVANCE, gap_weight=True),
    case("per list, mean", SCORES, RELEVANCE, per_list=True, reduction="mean"),
    case("per list, gaps as weights", SCORES, RELEVANCE, per_list=True, gap_weight=True, sigma=0.5),
    case("ties in relevance", SCORES[:2], [[1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 0.0, 2.0]], gradient=TIED),
    case(
        "ties in relevance, mean",
        SCORES[:2],
        [[1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 0.0, 2.0]],
        gradient=TIED,
        reduction="mean",
    ),
    case("one relevance, mean", SCORES[:1], [[1.0] * 4], gradient=TIED, reduction="mean"),
    case(
        "one relevance, per list, mean",
        SCORES[:2],
        [[1.0] * 4, RELEVANCE[1]],
        gradient=TIED,
        per_list=True,
        reduction="mean",
    ),
    case("lists of one entry", [[1.0], [2.0]], [[1.0], [0.0]], reduction="mean"),
    case("ties in scores", [[1.0, 1.0, 1.0]], [[2.0, 0.0, 1.0]]),
    case("scores far apart", [[0.0, 64.0, -64.0], [1024.0, 0.0, 1024.0]], [[2.0, 1.0, 0.0]] * 2),
    case("scores far from 0", [[2.0**20, 2.0**20 + 0.5]], [[0.0, 1.0]]),
    case("filled up", PADDED, PADDED_RELEVANCE, mask=ENTRIES),
    case("filled up, mean", PADDED, PADDED_RELEVANCE, mask=ENTRIES, reduction="mean"),
    case(
        "filled up, gaps as weights, mean",
        PADDED,
        PADDED_RELEVANCE,
        mask=ENTRIES,
        gap_weight=True,
        reduction="mean",
    ),
    case(
        "filled up, per list, mean", PADDED, PADDED_RELEVANCE, mask=ENTRIES, per_list=True, reduction="mean"
    ),
    case(
        "a list without entries, per list, mean",
        PADDED,
        PADDED_RELEVANCE,
        mask=NOTHING,
        per_list=True,
        reduction="mean",
    ),
    case("a list without entries, mean", PADDED, PADDED_RELEVANCE, mask=NOTHING, reduction="mean"),
    case(
        "pairs of an entry masked, NaN in it",
        [[1.0, NAN, 2.0]],
        [[2.0, 1.0, 0.0]],
        where=[[True, False, True], [False] * 3, [True, False, True]],
        reduction="mean",
    ),
    case(
        "pairs masked and of weight 0",
        SCORES[:1],
        RELEVANCE[:1],
        where=[[True, True, False, True]] * 4,
        sample_weight=[[1.0, 2.0, 1.0, 0.5], [1.0] * 4, [0.0] * 4, [1.5] * 4],
        reduction="mean",
    ),
    case("an infinite score", [[INF, 1.0, 2.0], [1.0, -INF, 2.0]], [[2.0, 1.0, 0.0]] * 2, tags=("inf",)),
    case("NaN in a live score", [[NAN, 1.0, 2.0]], [[2.0, 1.0, 0.0]], gradient=UNSURE),
    case("NaN in a live relevance", [[0.0, 1.0, 2.0]], [[NAN, 1.0, 0.0]], gradient=UNSURE),
    case(
        "NaN in a live relevance, per list",
        [[0.0, 1.0, 2.0]] * 2,
        [[NAN, 1.0, 0.0], [2.0, 1.0, 0.0]],
        per_list=True,
        gradient=UNSURE,
    ),
    peers={"rax": "rax.pairwise_logistic_loss(scores, relevance, where=mask)"},
)
def pairwise_logistic_loss(
    s: list[Any],
    y: list[Any],
    *,
    sigma: Any = 1,
    gap_weight: bool = False,
    per_list: bool = False,
    mask: list[bool] | None = None,
    where: list[list[bool]],
) -> Any:
    there = [True] * len(s) if mask is None else mask

    def item(i: int, j: int) -> Any:
        if i == j or not there[i] or not there[j] or not where[i][j]:
            return None
        if mp.isnan(y[i]) or mp.isnan(y[j]):
            return mp.nan
        if y[i] <= y[j]:
            return None
        return softplus(-sigma * (s[i] - s[j])) * (abs(y[i] - y[j]) if gap_weight else 1)

    items = [[item(i, j) for j in range(len(s))] for i in range(len(s))]
    if not per_list:
        return items
    return mp.fsum(x for row in items for x in row if x is not None) if any(there) else None


# --- lists ---------------------------------------------------------------------------------------


def softmax(z: list[Any]) -> list[Any]:
    total = mp.fsum(map(mp.exp, z))
    return [mp.exp(v) / total for v in z]


TARGETS = ("softmax", "raw", "normalized")


@evidence(
    "listnet_loss",
    case("ordinary", SCORES, RELEVANCE),
    case("worked", *WORKED),
    case("worked: raw", *WORKED, target="raw"),
    *(
        case(f"{target}", SCORES, [RELEVANCE[0], [0.5, 1.5, 0.0, 0.25], RELEVANCE[2]], target=target)
        for target in TARGETS[1:]
    ),
    case("raw, relevance below 0", SCORES, RELEVANCE, target="raw"),
    *(
        case(
            f"{target}, filled up, mean",
            PADDED,
            PADDED_RELEVANCE,
            target=target,
            mask=ENTRIES,
            reduction="mean",
        )
        for target in TARGETS
    ),
    *(
        case(
            f"{target}, a list without entries, mean",
            PADDED,
            PADDED_RELEVANCE,
            target=target,
            mask=NOTHING,
            reduction="mean",
        )
        for target in TARGETS
    ),
    *(
        case(
            f"{target}, no relevance, mean",
            SCORES[:2],
            [[0.0] * 4, [1.0, 0.0, 2.0, 0.0]],
            target=target,
            reduction="mean",
            gradient=TIED if target == "normalized" else None,
        )
        for target in TARGETS
    ),
    case("lists of one entry", [[1.0], [2.0]], [[1.0], [0.0]]),
    case("a single list, entries masked", SCORES[0], RELEVANCE[0], mask=ENTRIES[1]),
    case("two batch axes", uniform(421, 2, 2, 3), uniform(422, 2, 2, 3)),
    case("ties", [[1.0, 1.0, 1.0]], [[2.0, 2.0, 2.0]], gradient={"scores": [[0.0] * 3], "relevance": None}),
    case("scores far apart", [[0.0, 64.0, -64.0], [1024.0, 0.0, -1024.0]], [[2.0, 1.0, 0.0]] * 2),
    case(
        "relevance far apart",
        [[0.5, 1.0, 2.0]] * 2,
        [[0.0, 64.0, -64.0], [1024.0, 0.0, -1024.0]],
        gradient=TIED,
    ),
    case("the scores are right by far", [[128.0, 64.0, 0.0]], [[64.0, 0.0, 1.0]], gradient=UNSURE),
    case("scores far from 0", [[2.0**20, 2.0**20 + 0.5]], [[0.0, 1.0]]),
    case(
        "a score of -inf without mass",
        [[-INF, 1.0, 2.0]] * 2,
        [[0.0, 1.0, 2.0]] * 2,
        target="raw",
        tags=("inf",),
        gradient=TIED,
    ),
    case("a score of -inf", [[-INF, 1.0, 2.0]], [[0.0, 1.0, 2.0]], tags=("inf",), gradient=UNSURE),
    case("NaN in a live score", [[NAN, 1.0, 2.0]], [[0.0, 1.0, 0.0]], gradient=UNSURE),
    case("NaN in a live relevance", [[0.0, 1.0, 2.0]], [[NAN, 1.0, 0.0]], gradient=UNSURE),
    case(
        "weights and masks of lists",
        SCORES,
        RELEVANCE,
        where=[True, False, True],
        sample_weight=[2.0, 1.0, 0.5],
        reduction="mean",
    ),
    peers={"optax": "optax.losses.ranking_softmax_loss(scores, relevance), with target='raw'"},
)
def listnet_loss(
    s: list[Any], y: list[Any], *, target: str = "softmax", mask: list[bool] | None = None
) -> Any:
    there = [i for i in range(len(s)) if mask is None or mask[i]]
    if not there:
        return None
    s, y = [s[i] for i in there], [y[i] for i in there]
    if any(map(mp.isnan, s + y)):
        return mp.nan
    if target == "normalized":
        if mp.fsum(y) == 0:
            return mpf(0)
        y = [v / mp.fsum(y) for v in y]
    q = softmax(y) if target == "softmax" else y
    return -mp.fsum(a * mp.log(b) for a, b in zip(q, softmax(s), strict=True) if a)
