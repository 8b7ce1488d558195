"""Evidence for the losses of boxes with terms for their sides, and for powers of the overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence
from .boxes import PRED, TARGET, WORKED, WORKED_TARGET, Box, Pair, is_finite, ratio, shared_cases, side

OVERLAPPING = PRED[:3], TARGET[:3]
HELD = [[0.0, 0.0, 4.0, 3.0]], [[1.0, 0.5, 3.0, 1.0]]


def efficient(pair: Pair) -> Any:
    sides = zip(pair.pred, pair.target, pair.hull, strict=True)
    return 1 - pair.iou + pair.center_gap + sum(ratio((s - s_t) ** 2, c**2) for s, s_t, c in sides)


def magnitude(x: Any, at: Any) -> Any:
    """|x|, with no slope at 0."""
    return x * mp.sign(at)


@evidence(
    "eiou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *shared_cases(),
)
def eiou_loss(pred: Box, target: Box, *, at: list[Box], fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    return efficient(Pair(pred, target, at, fmt))


@evidence(
    "focal_eiou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(case(f"gamma of {gamma}", PRED, TARGET, gamma=gamma) for gamma in (0.0, 0.25, 1.0, 2.0)),
    case("gamma as an array", *OVERLAPPING, gamma=np.asarray(1.5)),
    case("weight constant", PRED, TARGET, detach_weight=True),
    *shared_cases(),
)
def focal_eiou_loss(
    pred: Box, target: Box, *, at: list[Box], gamma: Any = 0.5, detach_weight: bool = False, fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    return (there if detach_weight else pair).iou ** gamma * efficient(pair)


@evidence(
    "siou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(case(f"theta of {theta}", PRED, TARGET, theta=theta) for theta in (2.0, 6.0)),
    case("theta as an array", PRED, TARGET, theta=np.asarray(3.0)),
    case("one center above the other", [[0.0, 0.0, 2.0, 2.0]], [[-1.0, 1.0, 3.0, 4.0]], tags=("kink",)),
    case("one center beside the other", [[0.0, 0.0, 2.0, 2.0]], [[1.0, -1.0, 4.0, 3.0]], tags=("kink",)),
    case("one center", [[0.0, 0.0, 2.0, 2.0]], [[-1.0, -0.5, 3.0, 2.5]], tags=("kink",)),
    case("equal sides", [[0.0, 0.0, 2.0, 3.0]], [[0.5, 1.0, 2.5, 4.0]], tags=("kink",)),
    *shared_cases(),
    peers={"mmdetection": "mmdet.models.losses.siou_loss(pred, target, neg_gamma=True)"},
)
def siou_loss(pred: Box, target: Box, *, at: list[Box], theta: Any = 4, fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    return siou(pair, there, theta)


def siou(pair: Pair, there: Pair, theta: Any) -> Any:
    dx, dy = (magnitude(x, x0) for x, x0 in zip(pair.offset, there.offset, strict=True))
    gamma = 2 - ratio(2 * dx * dy, dx**2 + dy**2)
    distance = sum(1 - mp.exp(-gamma * ratio(d, c) ** 2) for d, c in zip((dx, dy), pair.hull, strict=True))
    shape = mpf(0)
    for i in (0, 1):
        s, s_t = pair.pred[i], pair.target[i]
        gap = ratio(magnitude(s - s_t, there.pred[i] - there.target[i]), max(s, s_t))
        shape += (1 - mp.exp(-gap)) ** theta if there.pred[i] != there.target[i] else 0
    return 1 - pair.iou + (distance + shape) / 2


@evidence(
    "alpha_iou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(
        case(f"worked: {base}", WORKED, WORKED_TARGET, kink="split", base=base)
        for base in ("giou", "diou", "ciou")
    ),
    *(case(base, PRED, TARGET, base=base) for base in ("giou", "diou", "ciou")),
    *(
        case(f"{base}, alpha of {alpha}", PRED, TARGET, base=base, alpha=alpha)
        for base in ("iou", "giou", "diou", "ciou")
        for alpha in (0.5, 1.0, 2.0)
    ),
    case("alpha as an array", PRED, TARGET, base="ciou", alpha=np.asarray(1.5)),
    case("one holds the other, giou", *HELD, base="giou", tags=("kink",)),
    *(
        case(f"identical, {base}", [side(-14)], [side(-14)], base=base, strict=True, tags=("kink",))
        for base in ("giou", "diou", "ciou")
    ),
    *shared_cases(),
)
def alpha_iou_loss(
    pred: Box, target: Box, *, at: list[Box], base: str = "iou", alpha: Any = 3, fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    total = 1 - pair.iou**alpha
    if base == "giou" and there.empty_part > 0:
        total += pair.empty_part**alpha
    if base in ("diou", "ciou"):
        total += pair.center_gap**alpha
    if base == "ciou":
        total += (there.aspect_weight * pair.aspect_gap) ** alpha
    return total
