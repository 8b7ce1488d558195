"""Which rows of a batch are compared with which: what the textbook formulas of pairs share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from mpmath import mp, mpf

from .case import Case, uniform

Row = list[Any]

# Unit vectors at cosines of 0.8, 0, -0.6, 0.6, 0 and 0.8, each identity twice.
FOUR = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]]
TWO_EACH = [0, 0, 1, 1]
FIVE, GROUPS = uniform(36, 5, 2), [4, 7, 4, 7, 7]
OTHERS, THEIRS = uniform(37, 4, 2), [7, 4, 9, 4]
NAN = [math.nan, math.nan]
ODD = np.asarray([[True, False, True], [False, False, True], [True, True, False]])


def anchors(
    x: list[Row],
    labels: list[int],
    ref: list[Row] | None,
    ref_labels: list[int] | None,
    *,
    ref_where: list[bool] | None = None,
    pos_mask: list[list[bool]] | None = None,
    neg_mask: list[list[bool]] | None = None,
    self_mask: list[list[bool]] | None = None,
    ignore_index: int | None = None,
    method: str = "direct",
    chunk_size: int | None = None,
) -> Iterator[tuple[int, list[int], list[int]] | None]:
    """Of each anchor its index, its positives and its negatives; None of one that does not count."""
    del method, chunk_size  # how it is computed is nothing to the textbook
    others = labels if ref is None else ref_labels
    rows = range(len(x if ref is None else ref))

    def counts(j: int) -> bool:
        ignored = ignore_index is not None and others is not None and others[j] == ignore_index
        return not ignored and (ref_where is None or ref_where[j])

    for a, label in enumerate(labels):
        if ignore_index is not None and label == ignore_index:
            yield None
            continue
        met = [j for j in rows if counts(j) and not (ref is None and j == a)]
        met = [j for j in met if self_mask is None or not self_mask[a][j]]
        positive = [j for j in met if (pos_mask[a][j] if pos_mask else others[j] == label)]
        negative = [j for j in met if (neg_mask[a][j] if neg_mask else others[j] != label)]
        yield a, positive, negative


def distance(a: Row, b: Row) -> Any:
    """The Euclidean distance."""
    return mp.sqrt(mp.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def cosine(a: Row, b: Row) -> Any:
    """The cosine of the angle, 0 with the zero vector."""
    lengths = mp.sqrt(mp.fdot(a, a)) * mp.sqrt(mp.fdot(b, b))
    return mp.fdot(a, b) / lengths if lengths else mpf(0)


def log_sum_exp(z: list[Any]) -> Any:
    """log Σ exp z, -inf of nothing."""
    return mp.log(mp.fsum(map(mp.exp, z))) if z else -mp.inf


def cases(ref: bool = True, **options: Any) -> tuple[Case, ...]:
    """What every loss of the pairs of a batch is called with."""
    none = {"embeddings": None}  # where a direction is, or is not, that of a zero vector

    def each(name: str, *arrays: Any, gradient: Any = None, **more: Any) -> Case:
        return Case(name, arrays, options | more, gradient=gradient)

    found = [
        each("one identity", FIVE[:3], [5, 5, 5]),
        each("each its own identity", FIVE[:3], [0, 1, 2]),
        each("a single row", FIVE[:1], [0]),
        each("one identity, mean", FIVE[:3], [5, 5, 5], reduction="mean"),
        each("each its own identity, mean", FIVE[:3], [0, 1, 2], reduction="mean"),
        each("a single row, mean", FIVE[:1], [0], reduction="mean"),
        each("ignored rows, NaN in them", [*FIVE[:4], NAN], [4, 7, 4, 7, -1], ignore_index=-1),
        each("ignored rows, mean", FIVE, [4, 7, 4, 7, -1], ignore_index=-1, reduction="mean"),
        each("all rows coincide", [[1.0, 2.0]] * 4, TWO_EACH, gradient=none),
        each("all rows are 0", [[0.0, 0.0]] * 4, TWO_EACH, gradient=none),
        each("one row is 0", [[0.0, 0.0], *FIVE[1:4]], TWO_EACH, gradient=none),
        each("two rows are parallel", [*FIVE[:3], [2 * v for v in FIVE[0]]], TWO_EACH, gradient=none),
        each("in chunks", FIVE, GROUPS, chunk_size=2),
        each("in chunks of one row, mean", FIVE, GROUPS, chunk_size=1, reduction="mean"),
        each("positives and negatives given", FIVE[:3], [0, 0, 0], pos_mask=ODD, neg_mask=~ODD),
        each("some are no pairs", FIVE, GROUPS, self_mask=np.eye(5, k=1, dtype=bool), chunk_size=2),
        each("NaN in a live row", [*FIVE[:2], NAN, FIVE[3]], [0, 1, 0, 1], gradient=none, reduction="mean"),
    ]
    if ref:
        found += [
            each("other rows", FIVE[:3], GROUPS[:3], OTHERS, THEIRS),
            each("other rows, in chunks, mean", FIVE, GROUPS, OTHERS, THEIRS, reduction="mean", chunk_size=2),
            each(
                "other rows, some masked, NaN in them, mean",
                FIVE[:3],
                GROUPS[:3],
                [*OTHERS, NAN],
                [*THEIRS, 4],
                ref_where=[True, True, True, True, False],
                reduction="mean",
                sample_weight=[1.0, 2.0, 0.5],
            ),
            each("other rows, some ignored", FIVE[:3], GROUPS[:3], OTHERS, [7, 4, -1, 4], ignore_index=-1),
        ]
    return tuple(found)
