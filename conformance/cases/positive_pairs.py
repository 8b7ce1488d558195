"""Evidence for the losses of positive pairs against all negatives."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import Case, case, evidence
from ..pairs import FIVE, FOUR, GROUPS, TWO_EACH, anchors, cases, cosine, distance, log_sum_exp


@evidence(
    "lifted_structure_loss",
    case("ordinary", FIVE, GROUPS),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("worked: sum", FOUR, TWO_EACH, reduction="sum"),
    case("large margin", FIVE, GROUPS, margin=4.0),
    case("margin below 0: some pairs are satisfied", FIVE, GROUPS, margin=-4.0),
    case("gram", FIVE, GROUPS, method="gram"),
    case("far apart", [[64.0 * v for v in row] for row in FIVE], GROUPS),
    Case("generalized", (FIVE, GROUPS), {"generalized": True}),
    case("generalized, mean", FIVE, GROUPS, generalized=True, reduction="mean"),
    case(
        "generalized, large margin, in chunks, mean",
        FIVE,
        GROUPS,
        generalized=True,
        margin=4.0,
        reduction="mean",
        chunk_size=2,
    ),
    case("generalized, one identity, mean", FIVE[:3], [5, 5, 5], generalized=True, reduction="mean"),
    case("generalized, gram, mean", FIVE, GROUPS, generalized=True, method="gram", reduction="mean"),
    *cases(ref=False),
)
def lifted_structure_loss(
    embeddings: list[Any],
    labels: list[int],
    *,
    margin: Any = 1,
    generalized: bool = False,
    **frame: Any,
) -> list[Any]:
    found = list(anchors(embeddings, labels, None, None, **frame))
    count = range(len(labels))

    def d(i: int, j: int) -> Any:
        return distance(embeddings[i], embeddings[j])

    def pushes(i: int) -> list[Any]:
        return [mp.exp(margin - d(i, k)) for k in found[i][2]] if found[i] else []

    def pair(i: int, j: int) -> Any:
        pushed = mp.fsum(pushes(i) + pushes(j))
        if mp.isnan(pushed) or mp.isnan(d(i, j)):
            return mp.nan
        return max(d(i, j) + mp.log(pushed), mpf(0)) ** 2 / 2 if pushed else mpf(0)

    def anchor(i: int, positive: list[int]) -> Any:
        if not positive:
            return None
        pushed = mp.fsum(pushes(i))
        pulled = log_sum_exp([d(i, p) for p in positive])
        return max(pulled + mp.log(pushed), mpf(0)) if pushed else mpf(0)

    if generalized:
        return [None if each is None else anchor(each[0], each[1]) for each in found]
    return [[pair(i, j) if found[i] and j in found[i][1] else None for j in count] for i in count]


@evidence(
    "angular_loss",
    case("ordinary", FIVE, GROUPS),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("worked: 40 degrees, mean", FOUR, TWO_EACH, alpha=40.0, reduction="mean"),
    case("a small angle", FIVE, GROUPS, alpha=10.0),
    case("a great angle", FIVE, GROUPS, alpha=75.0),
    *cases(),
)
def angular_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    alpha: Any = 45,
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref
    tan2 = mp.tan(mp.radians(alpha)) ** 2

    def item(a: int, p: int, negative: list[int]) -> Any:
        s_ap = cosine(embeddings[a], rows[p])
        f = [
            4 * tan2 * (cosine(embeddings[a], rows[n]) + cosine(rows[p], rows[n])) - 2 * (1 + tan2) * s_ap
            for n in negative
        ]
        return mp.log(1 + mp.fsum(map(mp.exp, f)))

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [
        [None for _ in rows]
        if each is None
        else [item(each[0], p, each[2]) if p in each[1] and each[2] else None for p in range(len(rows))]
        for each in found
    ]
