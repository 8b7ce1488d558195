"""Evidence for losses of boxes whose overlap counts by how good it is, or is that of resized boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence
from .box_shapes import efficient, siou
from .boxes import (
    PRED,
    TARGET,
    WORKED,
    WORKED_TARGET,
    Box,
    Pair,
    corners,
    is_finite,
    ratio,
    shared_cases,
    side,
)

SAME = [side(-14)], [side(-14)]


@evidence(
    "wiou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(
        case(f"worked: version {v}", WORKED, WORKED_TARGET, kink="split", version=v, iou_loss_mean=0.5)
        for v in (2, 3)
    ),
    *(case(f"version {v}", PRED, TARGET, version=v, iou_loss_mean=0.75) for v in (2, 3)),
    *(case(f"identical, version {v}", *SAME, version=v, iou_loss_mean=0.75, tags=("kink",)) for v in (2, 3)),
    case("version 1 needs no mean", PRED, TARGET, iou_loss_mean=0.75),
    case("gamma of 0", PRED, TARGET, version=2, gamma=0.0, iou_loss_mean=0.75),
    case("gamma of 2", PRED, TARGET, version=2, gamma=2.0, iou_loss_mean=0.75),
    case("other constants", PRED, TARGET, version=3, alpha=1.5, delta=2.5, iou_loss_mean=0.75),
    case("alpha below 1", PRED, TARGET, version=3, alpha=0.5, iou_loss_mean=0.75),
    case("a small mean", PRED, TARGET, version=3, iou_loss_mean=0.015625),
    case(
        "options as arrays",
        PRED,
        TARGET,
        version=3,
        alpha=np.asarray(1.5),
        delta=np.asarray(2.5),
        iou_loss_mean=np.asarray(0.75),
    ),
    case(
        "options as arrays, version 2",
        PRED,
        TARGET,
        version=2,
        gamma=np.asarray(1.5),
        iou_loss_mean=np.asarray(0.75),
    ),
    *shared_cases(),
)
def wiou_loss(
    pred: Box,
    target: Box,
    *,
    at: list[Box],
    version: int = 1,
    gamma: Any = 0.5,
    alpha: Any = 1.9,
    delta: Any = 3,
    iou_loss_mean: Any = None,
    fmt: str = "xyxy",
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    distance = mp.exp(ratio(sum(x**2 for x in pair.offset), sum(c**2 for c in there.hull)))
    total = distance * (1 - pair.iou)
    if version == 1:
        return total
    beta = (1 - there.iou) / mpf(iou_loss_mean)
    if version == 2:
        return beta**gamma * total
    return beta / (delta * mpf(alpha) ** (beta - delta)) * total


def inner_iou(pred: Box, target: Box, at: list[Box], by: Any, fmt: str) -> Any:
    """The overlap of boxes whose sides are multiplied."""

    def resized(box: Box, box_at: Box) -> Box:
        (x0, y0, x1, y1), there = corners(box, fmt), corners(box_at, fmt)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        w = by * (x1 - x0) if there[2] > there[0] else mpf(0)
        h = by * (y1 - y0) if there[3] > there[1] else mpf(0)
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]

    p0, t0 = at
    there = [resized(p0, p0), resized(t0, t0)]
    return Pair(resized(pred, p0), resized(target, t0), there, "xyxy").iou


BASES = ("giou", "diou", "ciou", "eiou", "siou")


@evidence(
    "inner_iou_loss",
    case("ordinary", PRED, TARGET),
    *(case(base, PRED, TARGET, base=base) for base in BASES),
    *(case(f"ratio of {r}", PRED, TARGET, ratio=r) for r in (0.5, 1.0, 1.25, 1.5, 3.0)),
    case("worked: larger", WORKED, WORKED_TARGET, ratio=1.25, kink="split"),
    case("worked: smaller", WORKED, WORKED_TARGET, kink="split"),
    *(case(f"larger, {base}", PRED, TARGET, base=base, ratio=1.25) for base in BASES),
    case("ratio as an array", PRED, TARGET, ratio=np.asarray(1.25)),
    *(case(f"identical, {base}", *SAME, base=base, strict=True, tags=("kink",)) for base in BASES),
    case("flush when smaller", [[0.0, 0.0, 4.0, 4.0]], [[1.5, 0.5, 3.5, 3.0]], ratio=0.5, kink="split"),
    case("touching when smaller", [[0.0, 0.0, 4.0, 4.0]], [[2.0, 0.5, 6.0, 3.0]], ratio=0.5, tags=("kink",)),
    *shared_cases(),
)
def inner_iou_loss(
    pred: Box, target: Box, *, at: list[Box], ratio: Any = 0.75, base: str = "iou", fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    losses = {
        "iou": lambda: 1 - pair.iou,
        "giou": lambda: 1 - pair.iou + pair.empty_part,
        "diou": lambda: 1 - pair.iou + pair.center_gap,
        "ciou": lambda: 1 - pair.iou + pair.center_gap + there.aspect_weight * pair.aspect_gap,
        "eiou": lambda: efficient(pair),
        "siou": lambda: siou(pair, there, 4),
    }
    return losses[base]() + pair.iou - inner_iou(pred, target, at, ratio, fmt)


@evidence(
    "thresholded_iou_loss",
    case("ordinary", PRED, TARGET, fmt="xyxy"),
    case(
        "worked",
        [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]],
        [[2.0, 2.0, 2.0, 2.0], [1.0, 1.2, 2.0, 2.0]],
        kink="split",
    ),
    *(case(f"threshold of {t}", PRED, TARGET, fmt="xyxy", threshold=t) for t in (0.0, 0.25, 1.0)),
    case("alpha of 1", PRED, TARGET, fmt="xyxy", alpha=1.0),
    case("options as arrays", PRED, TARGET, fmt="xyxy", alpha=np.asarray(0.25), threshold=np.asarray(0.25)),
    case(
        "an overlap of exactly the threshold passes",
        [[0.0, 0.0, 2.0, 2.0]],
        [[0.0, 0.0, 2.0, 1.0]],
        fmt="xyxy",
        kink="split",
        tags=("kink",),
    ),
    *shared_cases(fmt="xyxy"),
)
def thresholded_iou_loss(
    pred: Box, target: Box, *, at: list[Box], alpha: Any = 0.1, threshold: Any = 0.5, fmt: str = "cxcywh"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    weight = 1 - mpf(alpha) if Pair(*at, at, fmt).iou < threshold else mpf(1)
    return -weight * Pair(pred, target, at, fmt).iou
