"""Evidence for the losses of triplets in a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence, uniform
from ..pairs import anchors, distance

# Unit vectors at cosines of 0.8, 0, -0.6, 0.6, 0 and 0.8, each identity twice.
FOUR = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]]
TWO_EACH = [0, 0, 1, 1]
SIX = uniform(31, 6, 3)
GROUPS = [4, 7, 4, 7, 4, 7]
MEMORY = uniform(35, 4, 3)
ODD = np.asarray([[True, False, True], [False, False, True], [True, True, False]])
# Distances of 5, 3 and 4; and the gradient of the two losses, which no scale changes.
FAR = [[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]
PULL = {"embeddings": [[0.7, -0.4], [0.3, 0.9], [-1.0, -0.5]]}


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


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
    case("other rows", SIX, GROUPS, MEMORY, [7, 4, 9, 4], margin=2.0),
    case("other rows, gram, in chunks", SIX, GROUPS, MEMORY, [7, 4, 9, 4], method="gram", chunk_size=4),
    case(
        "other rows, some masked, NaN in them",
        SIX,
        GROUPS,
        [*MEMORY[:3], [float("nan")] * 3],
        [7, 4, 9, 4],
        ref_where=[True, True, True, False],
        margin=2.0,
    ),
    case("other rows, some ignored", SIX, GROUPS, MEMORY, [7, 4, -1, 4], ignore_index=-1, margin=2.0),
    case("other rows, all of them masked", SIX, GROUPS, MEMORY, [7, 4, 9, 4], ref_where=[False] * 4),
    case("no other rows", SIX, GROUPS, np.zeros((0, 3)), np.zeros(0, int)),
    case(
        "the batch again, without itself",
        SIX,
        GROUPS,
        SIX,
        GROUPS,
        self_mask=np.eye(6, dtype=bool),
        chunk_size=4,
        margin=2.0,
    ),
    case("positives and negatives given", SIX[:3], [0, 0, 0], pos_mask=ODD, neg_mask=~ODD, margin=4.0),
    case("positives given, other rows", SIX[:3], [7, 8, 9], MEMORY[:3], [7, 8, 9], pos_mask=ODD, margin=4.0),
    case("NaN in a live row", [[1.0], [float("nan")], [2.0], [4.0]], TWO_EACH, gradient={"embeddings": None}),
)
def triplet_batch_hard_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    margin: Any = 0.2,
    squared: bool = False,
    soft: bool = False,
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref

    def item(a: int, positive: list[int], negative: list[int]) -> Any:
        far = [distance(embeddings[a], rows[p]) ** (2 if squared else 1) for p in positive]
        near = [distance(embeddings[a], rows[n]) ** (2 if squared else 1) for n in negative]
        if not far or not near:
            return None
        if any(mp.isnan(d) for d in far + near):
            return mp.nan
        excess = max(far) - min(near)
        return mp.log(1 + mp.exp(excess)) if soft else max(excess + margin, mpf(0))

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [None if each is None else item(*each) for each in found]


def triplets(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None,
    ref_labels: list[int] | None,
    squared: bool,
    frame: dict[str, Any],
) -> list[Any]:
    """Of each anchor its distances to all rows, its positives and its negatives."""
    rows = embeddings if ref is None else ref
    power = 2 if squared else 1
    found = []
    for each in anchors(embeddings, labels, ref, ref_labels, **frame):
        if each is None:
            found.append(None)
            continue
        a, positive, negative = each
        found.append(([distance(embeddings[a], row) ** power for row in rows], positive, negative))
    return found


FIVE = uniform(36, 5, 2)
TIED = [[0.0], [1.0], [-1.0], [3.0]]
SOME_PAIRS: tuple[Any, ...] = (
    case("one identity", FIVE[:3], [5, 5, 5]),
    case("each its own identity", FIVE[:3], [0, 1, 2]),
    case("single row", FIVE[:1], [0]),
    case("single row, mean", FIVE[:1], [0], reduction="mean"),
    case("one identity, mean", FIVE[:3], [5, 5, 5], reduction="mean"),
    case("each its own identity, mean", FIVE[:3], [0, 1, 2], reduction="mean"),
    case("ignored rows, NaN in them", [*FIVE[:4], [float("nan")] * 2], [4, 7, 4, 7, -1], ignore_index=-1),
    case("ignored rows, mean", FIVE, [4, 7, 4, 7, -1], ignore_index=-1, reduction="mean", margin=1.0),
    case("all rows coincide", [[1.0, 2.0]] * 4, TWO_EACH, tags=("kink",)),
    case("all rows coincide, mean", [[1.0, 2.0]] * 4, TWO_EACH, reduction="mean", tags=("kink",)),
    case("all rows are 0", [[0.0, 0.0]] * 4, TWO_EACH, tags=("kink",)),
    case(
        "a margin of 0, tied",
        [[0.0], [1.0], [-1.0], [3.0]],
        [0, 0, 1, 1],
        margin=0.0,
        gradient={"embeddings": None},
    ),
    case("gram", FIVE, [4, 7, 4, 7, 7], method="gram", margin=1.0),
    case("gram, squared, mean", FIVE, [4, 7, 4, 7, 7], method="gram", squared=True, reduction="mean"),
    case("squared", FIVE, [4, 7, 4, 7, 7], squared=True),
    case("in chunks", FIVE, [4, 7, 4, 7, 7], chunk_size=2, margin=1.0),
    case("in chunks, mean", FIVE, [4, 7, 4, 7, 7], chunk_size=2, margin=1.0, reduction="mean"),
    case("other rows", FIVE[:3], [4, 7, 4], uniform(37, 4, 2), [7, 4, 9, 4], margin=2.0),
    case(
        "other rows, some masked, NaN in them, mean",
        FIVE[:3],
        [4, 7, 4],
        [*uniform(37, 4, 2), [float("nan")] * 2],
        [7, 4, 9, 4, 4],
        ref_where=[True, True, True, True, False],
        margin=2.0,
        reduction="mean",
        sample_weight=[1.0, 2.0, 0.5],
    ),
    case("positives and negatives given", FIVE[:3], [0, 0, 0], pos_mask=ODD, neg_mask=~ODD, margin=4.0),
    *(
        case(f"{size} rows", scaled(FAR, by), [0, 0, 1], margin=0.0, reduction="sum")
        for size, by in (("huge", 2.0**100), ("tiny", 2.0**-100))
    ),
    case("NaN in a live row", [[1.0], [float("nan")], [2.0], [4.0]], TWO_EACH, gradient={"embeddings": None}),
    case(
        "NaN in a live row, mean",
        [[1.0], [float("nan")], [2.0], [4.0]],
        [0, 1, 0, 1],
        gradient={"embeddings": None},
        reduction="mean",
    ),
    case(
        "NaN in a row that is only a negative, mean",
        [[1.0], [float("nan")], [2.0]],
        [0, 1, 0],
        gradient={"embeddings": None},
        reduction="mean",
    ),
)


@evidence(
    "triplet_batch_all_loss",
    case("ordinary", FIVE, [4, 7, 4, 7, 7], margin=1.0),
    case("worked: mean", FOUR, TWO_EACH, margin=1.0, reduction="mean"),
    case("worked: sum", FOUR, TWO_EACH, margin=1.0, reduction="sum"),
    case("worked: above 0", FOUR, TWO_EACH, margin=1.0, nonzero_only=True, reduction="mean"),
    case("worked: small margin", FOUR, TWO_EACH, reduction="mean", strict=True),
    case("soft", FIVE, [4, 7, 4, 7, 7], soft=True),
    case("soft, mean", FIVE, [4, 7, 4, 7, 7], soft=True, reduction="mean"),
    case("soft, in chunks, mean", FIVE, [4, 7, 4, 7, 7], soft=True, reduction="mean", chunk_size=2),
    case("above 0", FIVE, [4, 7, 4, 7, 7], nonzero_only=True, margin=0.5),
    case(
        "above 0, in chunks, mean", FIVE, [4, 7, 4, 7, 7], nonzero_only=True, chunk_size=2, reduction="mean"
    ),
    case(
        "weights, above 0, mean",
        FIVE,
        [4, 7, 4, 7, 7],
        nonzero_only=True,
        margin=0.5,
        reduction="mean",
        sample_weight=[1.0, 0.5, 2.0, 0.0, 4.0],
    ),
    *SOME_PAIRS,
)
def triplet_batch_all_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    margin: Any = 0.2,
    squared: bool = False,
    soft: bool = False,
    nonzero_only: bool = False,
    **frame: Any,
) -> list[Any]:
    def item(far: Any, near: Any) -> Any:
        value = mp.log(1 + mp.exp(far - near)) if soft else max(far - near + margin, mpf(0))
        if mp.isnan(far - near):
            return mp.nan
        return None if nonzero_only and value == 0 else value

    found = triplets(embeddings, labels, ref, ref_labels, squared, frame)
    count = range(len(embeddings if ref is None else ref))
    none = [[None for _ in count] for _ in count]
    return [
        none
        if each is None
        else [
            [item(each[0][p], each[0][n]) if p in each[1] and n in each[2] else None for n in count]
            for p in count
        ]
        for each in found
    ]


LINE = [[0.0], [2.0], [1.0], [4.5], [7.25]]


@evidence(
    "triplet_semi_hard_loss",
    case("ordinary", FIVE, [4, 7, 4, 7, 7], margin=1.0),
    case("worked", FOUR, TWO_EACH, margin=1.0, reduction="mean"),
    case("a negative before the positive", LINE, [0, 0, 1, 1, 2], margin=4.0),
    case("a negative before the positive, mean", LINE, [0, 0, 1, 1, 2], margin=4.0, reduction="mean"),
    case("none beyond the positive", LINE, [0, 1, 1, 2, 0], margin=4.0),
    case("none beyond the positive, no fallback", LINE, [0, 1, 1, 2, 0], margin=4.0, fallback="none"),
    case(
        "none beyond the positive, no fallback, mean",
        LINE,
        [0, 1, 1, 2, 0],
        margin=4.0,
        fallback="none",
        reduction="mean",
    ),
    case(
        "as far as the positive is not beyond it",
        [[0.0], [2.0], [-2.0], [4.0]],
        [0, 0, 1, 1],
        margin=4.0,
        tags=("kink",),
        gradient={"embeddings": None},
    ),
    Case("all within the margin", (FIVE, [4, 7, 4, 7, 7]), {"select": "all", "margin": 1.5}),
    Case(
        "all within the margin, mean",
        (LINE, [0, 0, 1, 1, 2]),
        {"select": "all", "margin": 2.5, "reduction": "mean"},
    ),
    Case(
        "all within the margin, in chunks",
        (LINE, [0, 0, 1, 1, 2]),
        {"select": "all", "margin": 2.5, "reduction": "sum", "chunk_size": 2},
    ),
    Case(
        "all within the margin, other rows",
        ([[0.25], [2.125]], [0, 1], LINE, [0, 0, 1, 1, 2]),
        {"select": "all", "margin": 2.5},
    ),
    *SOME_PAIRS,
)
def triplet_semi_hard_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    margin: Any = 0.2,
    squared: bool = False,
    fallback: str = "easiest",
    select: str = "nearest",
    **frame: Any,
) -> list[Any]:
    count = range(len(embeddings if ref is None else ref))

    def pair(d: list[Any], p: int, negative: list[int]) -> Any:
        if any(mp.isnan(d[j]) for j in (p, *negative)):
            return mp.nan if negative else None
        beyond = [d[n] for n in negative if d[n] > d[p]]
        if not beyond and (fallback == "none" or not negative):
            return None
        return max(d[p] - (min(beyond) if beyond else max(d[n] for n in negative)) + margin, mpf(0))

    def triplet(d: list[Any], p: int, n: int) -> Any:
        return d[p] - d[n] + margin if d[p] < d[n] <= d[p] + margin else None

    found = []
    for each in triplets(embeddings, labels, ref, ref_labels, squared, frame):
        d, positive, negative = each or ([], [], [])
        if select == "nearest":
            found.append([pair(d, p, negative) if p in positive else None for p in count])
        else:
            found.append(
                [
                    [triplet(d, p, n) if p in positive and n in negative else None for n in count]
                    for p in count
                ]
            )
    return found
