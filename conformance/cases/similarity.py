"""Evidence for the losses of similarities in a batch."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence
from ..pairs import FIVE, FOUR, GROUPS, TWO_EACH, anchors, cases, cosine, log_sum_exp


def softplus(x: Any) -> Any:
    return mp.log(1 + mp.exp(x))


@evidence(
    "multi_similarity_loss",
    case("ordinary", FIVE, GROUPS),
    case("worked", FOUR, TWO_EACH),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("worked: a base of 1, mean", FOUR, TWO_EACH, base=1.0, reduction="mean"),
    case("not steep", FIVE, GROUPS, alpha=1.0, beta=2.0, base=-0.25),
    case("steep", FIVE, GROUPS, alpha=64.0, beta=256.0),
    case("mined", FIVE, GROUPS, epsilon=0.1),
    case("mined, mean", FIVE, GROUPS, epsilon=0.1, reduction="mean"),
    case("mined with much slack", FIVE, GROUPS, epsilon=1.5),
    case("mined, in chunks", FIVE, GROUPS, epsilon=0.5, chunk_size=2),
    case("mined: none is left", FOUR, TWO_EACH, epsilon=0.0),
    case("mined: one identity", FIVE[:3], [1, 1, 1], epsilon=0.1),
    *cases(),
)
def multi_similarity_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    alpha: Any = 2,
    beta: Any = 50,
    base: Any = 0.5,
    epsilon: Any = None,
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref

    def item(a: int, positive: list[int], negative: list[int]) -> Any:
        s = [cosine(embeddings[a], row) for row in rows]
        near, far = [s[p] for p in positive], [s[n] for n in negative]
        if epsilon is not None:
            if not near or not far:
                return mpf(0)
            least, most = min(near), max(far)
            near, far = [v for v in near if v - epsilon < most], [v for v in far if v + epsilon > least]
            if not near or not far:
                return mpf(0)
        pulled = softplus(log_sum_exp([-alpha * (v - base) for v in near])) if near else 0
        pushed = softplus(log_sum_exp([beta * (v - base) for v in far])) if far else 0
        return pulled / alpha + pushed / beta

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [None if each is None else item(*each) for each in found]


@evidence(
    "circle_loss",
    case("ordinary", FIVE, GROUPS, gamma=8.0),
    case("worked: faces", FOUR, TWO_EACH, margin=0.25, gamma=64.0),
    case("worked: faces, mean", FOUR, TWO_EACH, margin=0.25, gamma=64.0, reduction="mean"),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("great scale", FIVE, GROUPS, gamma=256.0, margin=0.25),
    case("small scale", FIVE, GROUPS, gamma=0.5),
    case("margin of 0", FIVE, GROUPS, gamma=4.0, margin=0.0),
    case("margin below 0: some weights are 0", FIVE, GROUPS, gamma=4.0, margin=-0.5),
    *cases(gamma=8.0),
)
def circle_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    margin: Any = 0.4,
    gamma: Any = 80,
    at: list[Any],
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref
    fixed_rows = at[0] if ref is None else at[2]

    def item(a: int, positive: list[int], negative: list[int]) -> Any:
        if not positive or not negative:
            return None
        s = [cosine(embeddings[a], row) for row in rows]
        fixed = [cosine(at[0][a], row) for row in fixed_rows]
        if any(mp.isnan(s[j]) for j in (*positive, *negative)):
            return mp.nan
        pulled = [-gamma * max(1 + margin - fixed[p], 0) * (s[p] - (1 - margin)) for p in positive]
        pushed = [gamma * max(fixed[n] + margin, 0) * (s[n] - margin) for n in negative]
        return softplus(log_sum_exp(pulled) + log_sum_exp(pushed))

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [None if each is None else item(*each) for each in found]


@evidence(
    "histogram_loss",
    case("ordinary", FIVE, GROUPS, bins=6),
    case("worked", FOUR, TWO_EACH, bins=4, gradient={"embeddings": None}),
    case("one bin", FIVE, GROUPS, bins=1),
    case("many bins", FIVE, GROUPS, bins=50),
    case("in chunks", FIVE, GROUPS, bins=6, chunk_size=2),
    case("in chunks of one row", FIVE, GROUPS, bins=6, chunk_size=1),
    case("one identity", FIVE[:3], [5, 5, 5], bins=4),
    case("each its own identity", FIVE[:3], [0, 1, 2], bins=4),
    case("a single row", FIVE[:1], [0], bins=4),
    case("ignored rows", [*FIVE[:4], [float("nan")] * 2], [4, 7, 4, 7, -1], ignore_index=-1, bins=5),
    case("all rows coincide", [[1.0, 2.0]] * 4, TWO_EACH, bins=4, gradient={"embeddings": None}),
    case("all rows are 0", [[0.0, 0.0]] * 4, TWO_EACH, bins=5, gradient={"embeddings": None}),
    case(
        "NaN in a live row",
        [*FIVE[:2], [float("nan")] * 2, FIVE[3]],
        TWO_EACH,
        bins=4,
        gradient={"embeddings": None},
    ),
)
def histogram_loss(
    embeddings: list[Any],
    labels: list[int],
    *,
    bins: int = 100,
    ignore_index: int | None = None,
    chunk_size: int | None = None,
    where: list[bool] | None = None,
) -> Any:
    """Of unordered pairs, with the nodes one by one."""
    del chunk_size
    rows = [
        i
        for i, y in enumerate(labels)
        if (ignore_index is None or y != ignore_index) and (where is None or where[i])
    ]
    pairs = [(i, j) for i in rows for j in rows if i < j]
    nodes = [-1 + mpf(2) * r / bins for r in range(bins + 1)]

    def histogram(chosen: list[tuple[int, int]]) -> list[Any]:
        s = [cosine(embeddings[i], embeddings[j]) for i, j in chosen]
        return [mp.fsum(max(0, 1 - abs(v - t) * bins / 2) for v in s) / len(s) for t in nodes]

    alike = [(i, j) for i, j in pairs if labels[i] == labels[j]]
    unlike = [(i, j) for i, j in pairs if labels[i] != labels[j]]
    if not alike or not unlike:
        return None
    if any(mp.isnan(v) for i in rows for v in embeddings[i]):
        return mp.nan
    below, above = histogram(alike), histogram(unlike)
    return mp.fsum(above[r] * mp.fsum(below[: r + 1]) for r in range(bins + 1))
