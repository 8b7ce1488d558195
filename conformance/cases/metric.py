"""Evidence for the losses of metric learning."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

# Unit vectors at cosines of 0.8, 0, -0.6, 0.6, 0 and 0.8, each identity twice.
FOUR = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]]
TWO_EACH = [0, 0, 1, 1]
SIX = uniform(31, 6, 3)
GROUPS = [4, 7, 4, 7, 4, 7]
# Distances of 5, 3 and 4; and the gradient of the two losses, which no scale changes.
FAR = [[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]
PULL = {"embeddings": [[0.7, -0.4], [0.3, 0.9], [-1.0, -0.5]]}


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


def distance(a: list[Any], b: list[Any]) -> Any:
    return mp.sqrt(mp.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


@evidence(
    "triplet_batch_hard_loss",
    case("ordinary", SIX, GROUPS),
    case("worked: margin of 1", FOUR, TWO_EACH, margin=1.0),
    case("worked: margin of 1, mean", FOUR, TWO_EACH, margin=1.0, reduction="mean"),
    case("worked: soft, mean", FOUR, TWO_EACH, soft=True, reduction="mean"),
    case("margin of 0", SIX, GROUPS, margin=0.0),
    case("margin below 0", SIX, GROUPS, margin=-0.5),
    case("large margin: all active", SIX, GROUPS, margin=16.0),
    case("squared", SIX, GROUPS, squared=True),
    case("soft", SIX, GROUPS, soft=True),
    case("soft, squared", SIX, GROUPS, soft=True, squared=True),
    case("gram", SIX, GROUPS, method="gram"),
    case("gram, squared", SIX, GROUPS, method="gram", squared=True),
    case("in chunks", SIX, GROUPS, chunk_size=4),
    case("in chunks of one row", SIX, GROUPS, chunk_size=1),
    case("in chunks, gram", SIX, GROUPS, method="gram", chunk_size=4),
    case("in chunks of one row, gram, squared", SIX, GROUPS, method="gram", squared=True, chunk_size=1),
    case("in one chunk", SIX, GROUPS, chunk_size=8),
    case("in chunks, soft, mean", SIX, GROUPS, soft=True, reduction="mean", chunk_size=2),
    case(
        "in chunks, ignored rows, NaN in them",
        [*SIX[:4], [float("nan")] * 3, SIX[5]],
        [4, 7, 4, 7, -1, 7],
        ignore_index=-1,
        chunk_size=2,
    ),
    case("in chunks, each its own identity", uniform(33, 3, 2), [0, 1, 2], chunk_size=2),
    case("in chunks, one identity", uniform(33, 3, 2), [5, 5, 5], chunk_size=2),
    case("in chunks, all rows coincide", [[1.0, 2.0]] * 4, TWO_EACH, chunk_size=3, tags=("kink",)),
    case(
        "in chunks, two positives equally far",
        [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 4.0]],
        [0, 0, 0, 1],
        margin=8.0,
        chunk_size=1,
        tags=("kink",),
        kink="split",
    ),
    case("one dimension", uniform(32, 4, 1), TWO_EACH, margin=2.0),
    case("a positive too few: one identity", uniform(33, 3, 2), [5, 5, 5]),
    case("a positive too few: each its own identity", uniform(33, 3, 2), [0, 1, 2]),
    case("a positive too few: single row", [[1.0, 2.0]], [0]),
    case("a single row, mean", [[1.0, 2.0]], [0], reduction="mean"),
    case("one identity, mean", uniform(33, 3, 2), [5, 5, 5], reduction="mean"),
    case(
        "anchors without a positive do not count in a mean",
        uniform(34, 4, 2),
        [0, 0, 1, 2],
        reduction="mean",
        margin=4.0,
    ),
    case("negative labels", SIX, [-1, -2, -1, -2, -1, -2]),
    case("ignored rows", SIX, [4, 7, 4, 7, -1, 7], ignore_index=-1),
    case(
        "ignored rows, NaN in them",
        [*SIX[:4], [float("nan")] * 3, SIX[5]],
        [4, 7, 4, 7, -1, 7],
        ignore_index=-1,
    ),
    case("ignored rows, mean", SIX, [4, 7, 4, 7, -1, 7], ignore_index=-1, reduction="mean"),
    case(
        "a row of weight 0 is nobody's negative",
        [[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [4.0, 0.0]],
        [0, 0, 1, 1],
        sample_weight=[1.0, 2.0, 0.0, 1.0],
        margin=4.0,
    ),
    case("all rows coincide", [[1.0, 2.0]] * 4, TWO_EACH, tags=("kink",)),
    case("all rows coincide, squared", [[1.0, 2.0]] * 4, TWO_EACH, squared=True),
    case("all rows coincide, soft", [[1.0, 2.0]] * 4, TWO_EACH, soft=True, tags=("kink",)),
    case("all rows are 0", [[0.0, 0.0]] * 4, TWO_EACH, tags=("kink",)),
    case(
        "a positive coincides with the anchor",
        [[1.0, 2.0], [1.0, 2.0], [3.0, 1.0]],
        [0, 0, 1],
        margin=4.0,
        tags=("kink",),
        kink="split",
    ),
    case(
        "a negative coincides with the anchor",
        [[1.0, 2.0], [3.0, 1.0], [1.0, 2.0]],
        [0, 0, 1],
        tags=("kink",),
        kink="split",
    ),
    case(
        "kink: two positives equally far",
        [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 4.0]],
        [0, 0, 0, 1],
        margin=8.0,
        tags=("kink",),
        kink="split",
    ),
    case(
        "kink: two negatives equally near",
        [[0.0, 0.0], [0.0, 4.0], [1.0, 0.0], [-1.0, 0.0]],
        [0, 0, 1, 2],
        tags=("kink",),
        kink="split",
    ),
    case("kink: hinge at 0", [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [0, 0, 1], margin=1.0, tags=("kink",)),
    case(
        "close rows far from the origin",
        [[1024.0, 0.5], [1024.0, 0.5625], [1024.125, 0.5]],
        [0, 0, 1],
        margin=1.0,
    ),
    *(
        case(f"{size} rows, {method}", scaled(FAR, by), [0, 0, 1], method=method, margin=0.0, gradient=PULL)
        for size, by in (("huge", 2.0**100), ("tiny", 2.0**-100))
        for method in ("direct", "gram")
    ),
    case("NaN in a live row", [[1.0], [float("nan")], [2.0], [4.0]], TWO_EACH, gradient={"embeddings": None}),
)
def triplet_batch_hard_loss(
    embeddings: list[Any],
    labels: list[int],
    *,
    margin: Any = 0.2,
    squared: bool = False,
    soft: bool = False,
    ignore_index: int | None = None,
    method: str = "direct",
    chunk_size: int | None = None,
) -> list[Any]:
    power = 2 if squared else 1
    inside = [y != ignore_index for y in labels]

    def item(a: int) -> Any:
        others = [j for j in range(len(labels)) if inside[j] and j != a]
        positive = [distance(embeddings[a], embeddings[j]) ** power for j in others if labels[j] == labels[a]]
        negative = [distance(embeddings[a], embeddings[j]) ** power for j in others if labels[j] != labels[a]]
        if not inside[a] or not positive or not negative:
            return None
        if any(mp.isnan(d) for d in positive + negative):
            return mp.nan
        excess = max(positive) - min(negative)
        return mp.log(1 + mp.exp(excess)) if soft else max(excess + margin, mpf(0))

    return [item(a) for a in range(len(labels))]
