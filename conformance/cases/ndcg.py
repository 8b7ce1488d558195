"""Evidence for the losses of ranking by gain."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan

# Three lists of four entries.
SCORES = uniform(431, 3, 4)
RELEVANCE = [[2.0, 0.0, 1.0, 3.0], [0.0, 1.0, 1.0, 2.0], [1.0, 4.0, 0.5, 0.0]]
PADDED = [SCORES[0], [*SCORES[1][:3], NAN], [NAN, SCORES[2][1], NAN, INF]]
PADDED_RELEVANCE = [RELEVANCE[0], [*RELEVANCE[1][:3], NAN], [INF, RELEVANCE[2][1], NAN, NAN]]
ENTRIES = [[True] * 4, [True, True, True, False], [False, True, False, False]]
NOTHING = [[True] * 4, [True, True, True, False], [False] * 4]
WORKED = ([2.0, 1.0, 3.0], [2.0, 0.0, 1.0])
NONE_RELEVANT = [[0.0] * 4, RELEVANCE[1], [0.0, 1.0, 0.0, 0.0]]
BEST = [[3.0, 2.0, 1.0, 0.0]]
CANCEL = "A slope is a sum over pairs, of both signs, which are ten times as large."


def present(x: list[Any], mask: list[bool] | None) -> list[Any]:
    return x if mask is None else [v for v, there in zip(x, mask, strict=True) if there]


def gain(y: Any) -> Any:
    return mpf(2) ** y - 1


def order(x: list[Any]) -> list[int]:
    """The rank of each entry, from 1, the first of equals before the others."""
    ordered = sorted(range(len(x)), key=lambda i: -x[i])
    return [1 + ordered.index(i) for i in range(len(x))]


def discount(rank: Any, k: int | None = None) -> Any:
    return mp.log(2) / mp.log(1 + rank) if k is None or rank <= k else mpf(0)


def best_gain(y: list[Any], k: int | None = None) -> Any:
    ordered = sorted(map(gain, y), reverse=True)
    return mp.fsum(g * discount(r, k) for r, g in enumerate(ordered, 1))


COMMON = (
    case("one list", SCORES[0], RELEVANCE[0]),
    case("lists of one entry", [[1.0], [2.0]], [[1.0], [0.0]], reduction="mean"),
    case(
        "two batch axes", uniform(433, 2, 2, 3), [[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]], [[3.0, 2.0, 1.0]] * 2]
    ),
    case("filled up", PADDED, PADDED_RELEVANCE, mask=ENTRIES),
    case("filled up, mean", PADDED, PADDED_RELEVANCE, mask=ENTRIES, reduction="mean"),
    case("a list without entries, mean", PADDED, PADDED_RELEVANCE, mask=NOTHING, reduction="mean"),
    case("nothing relevant", SCORES, NONE_RELEVANT, gradient_ulp=32, reason=CANCEL),
    case("nothing relevant, mean", SCORES, NONE_RELEVANT, reduction="mean", gradient_ulp=32, reason=CANCEL),
    case("ties in relevance", SCORES[:2], [[1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 2.0, 2.0]]),
    case("relevance that is tiny", SCORES[:1], [[2.0**-20, 0.0, 2.0**-18, 2.0**-30]]),
    case("relevance that is large", SCORES[:1], [[2048.0, 2047.0, 0.0, 2040.0]]),
    case("the best order, far apart", [[96.0, 64.0, 32.0, 0.0]], BEST),
    case("the worst order, far apart", [[0.0, 32.0, 64.0, 96.0]], BEST),
    case("scores far from 0", [[2.0**20, 2.0**20 + 0.5, 2.0**20 - 0.25]], [[1.0, 0.0, 2.0]]),
    case(
        "weights and masks of lists",
        SCORES,
        RELEVANCE,
        where=[True, False, True],
        sample_weight=[2.0, 1.0, 0.5],
        reduction="mean",
    ),
    case("an infinite score", [[INF, 1.0, 2.0], [1.0, -INF, 2.0]], [[2.0, 1.0, 0.0]] * 2, tags=("inf",)),
    case(
        "NaN in a live score",
        [[NAN, 1.0, 2.0], *[[1.0, 2.0, 3.0]]],
        [[0.0, 1.0, 0.0]] * 2,
        gradient={"scores": None},
    ),
    case("NaN in a live relevance", [[0.0, 1.0, 2.0]], [[NAN, 1.0, 0.0]], gradient={"scores": None}),
)


@evidence(
    "lambda_rank_loss",
    case("ordinary", SCORES, RELEVANCE),
    case("worked", *WORKED),
    case("steepness", SCORES, RELEVANCE, sigma=2.5),
    *(case(f"at {k}", SCORES, RELEVANCE, k=k) for k in (1, 2, 3, 9)),
    case("at 1, filled up, mean", PADDED, PADDED_RELEVANCE, mask=ENTRIES, k=1, reduction="mean"),
    case("ties in scores", [[1.0, 1.0, 1.0, 2.0]], [[0.0, 2.0, 1.0, 0.0]]),
    case("ties in scores, at 2", [[1.0, 1.0, 1.0, 2.0]], [[0.0, 2.0, 1.0, 0.0]], k=2),
    case("all scores 0", [[0.0] * 4], [[1.0, 0.0, 3.0, 2.0]]),
    *COMMON,
    wrt=("scores",),
)
def lambda_rank_loss(
    s: list[Any],
    y: list[Any],
    *,
    sigma: Any = 1,
    k: int | None = None,
    mask: list[bool] | None = None,
    at: list[list[Any]],
) -> Any:
    """The ranks do not move when it is differentiated."""
    s, y, fixed = present(s, mask), present(y, mask), present(at[0], mask)
    if not s:
        return None
    if any(map(mp.isnan, s + y)):
        return mp.nan
    rank, best = order(fixed), best_gain(y, k)
    if best == 0:
        return mpf(0)

    def change(i: int, j: int) -> Any:
        return abs(gain(y[i]) - gain(y[j])) * abs(discount(rank[i], k) - discount(rank[j], k)) / best

    pairs = [(i, j) for i in range(len(s)) for j in range(len(s)) if y[i] > y[j]]
    return mp.fsum(change(i, j) * mp.log(1 + mp.exp(-sigma * (s[i] - s[j]))) for i, j in pairs)


@evidence(
    "approx_ndcg_loss",
    case("ordinary", SCORES, RELEVANCE),
    case("worked", *WORKED),
    case("temperature", SCORES, RELEVANCE, temperature=0.25),
    case("high temperature", SCORES, RELEVANCE, temperature=64.0),
    case("ties in scores", [[1.0, 1.0, 1.0, 2.0]], [[0.0, 2.0, 1.0, 0.0]]),
    case("ties in relevance, the best order, far apart", [[64.0, 96.0, 0.0]], [[2.0, 2.0, 1.0]]),
    *COMMON,
    wrt=("scores",),
    peers={"rax": "1 + rax.approx_ndcg_loss(scores, relevance, where=mask, temperature=temperature)"},
)
def approx_ndcg_loss(
    s: list[Any], y: list[Any], *, temperature: Any = 1, mask: list[bool] | None = None
) -> Any:
    s, y = present(s, mask), present(y, mask)
    if not s:
        return None
    if any(map(mp.isnan, s + y)):
        return mp.nan
    if best_gain(y) == 0:
        return mpf(0)

    def rank(i: int) -> Any:
        others = [j for j in range(len(s)) if j != i]
        return 1 + mp.fsum(1 / (1 + mp.exp((s[i] - s[j]) / temperature)) for j in others)

    return 1 - mp.fsum(gain(y[i]) * discount(rank(i)) for i in range(len(s))) / best_gain(y)
