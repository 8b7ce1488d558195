"""Evidence for other measures of how far boxes are from each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence
from .boxes import (
    PRED,
    TARGET,
    WORKED,
    WORKED_TARGET,
    Box,
    Pair,
    as_xywh,
    corners,
    hull_box,
    is_finite,
    ratio,
    shared_box,
    shared_cases,
    sides,
)


def smooth_l1(x: Any, beta: Any, at: Any) -> Any:
    return x**2 / (2 * beta) if at < beta else x - mpf(beta) / 2


@evidence(
    "bounded_iou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET),
    *(case(f"beta of {beta}", PRED, TARGET, beta=beta) for beta in (0.0625, 0.5, 1.0, 2.0)),
    case("beta as an array", PRED, TARGET, beta=np.asarray(0.25)),
    case("half a width off", [[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.5, 3.0, 4.5]], tags=("kink",)),
    case("half a height off", [[0.0, 0.0, 2.0, 2.0]], [[0.25, 1.0, 4.25, 3.0]], tags=("kink",)),
    case("one center", [[0.0, 0.0, 2.0, 2.0]], [[-1.0, -0.5, 3.0, 2.5]], tags=("kink",)),
    case("a little off", [[0.0, 0.0, 2.0, 2.0]], [[2.0**-12, 0.0, 2.0 + 2.0**-11, 2.0]], strict=True),
    *shared_cases(),
    wrt=("pred",),
    peers={"mmdetection": "mmdet.models.losses.bounded_iou_loss(pred, target, beta=beta)"},
)
def bounded_iou_loss(pred: Box, target: Box, *, at: list[Box], beta: Any = 0.2, fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    total = mpf(0)
    for i in (0, 1):
        terms, terms_there = (bounds(p.offset[i], p.pred[i], p.target[i], there, i) for p in (pair, there))
        total += sum(smooth_l1(t, beta, t0) for t, t0 in zip(terms, terms_there, strict=True))
    return total


def bounds(offset: Any, length: Any, length_t: Any, there: Pair, i: int) -> tuple[Any, Any]:
    """The bounds from the center and from the length."""
    d = 2 * offset * mp.sign(there.offset[i])
    best = (length_t - d) / (length_t + d) if length_t + d else mpf(1)
    if 2 * abs(there.offset[i]) >= there.target[i] and there.offset[i]:
        best = mpf(0)
    return 1 - best, 1 - min(ratio(length_t, length), ratio(length, length_t))


SIZE = {"image_size": (8.0, 6.0)}


@evidence(
    "mpdiou_loss",
    case("ordinary", PRED, TARGET, **SIZE),
    case("worked", WORKED, WORKED_TARGET, kink="split", image_size=(10.0, 10.0)),
    case("whole numbers in the size", PRED, TARGET, image_size=(640, 480)),
    case("a size for every box", PRED, TARGET, image_size=[[8.0, 6.0], [4.0, 3.0], [16.0, 2.0], [1.0, 1.0]]),
    case(
        "a size for every box, xywh, mean",
        as_xywh(PRED),
        as_xywh(TARGET),
        fmt="xywh",
        image_size=[[8.0, 6.0], [4.0, 3.0], [16.0, 2.0], [1.0, 1.0]],
        reduction="mean",
    ),
    case("a large image", PRED, TARGET, image_size=(2.0**40, 2.0**41)),
    case("a small image", PRED, TARGET, image_size=(2.0**-20, 2.0**-21)),
    *shared_cases(**SIZE),
)
def mpdiou_loss(pred: Box, target: Box, *, at: list[Box], image_size: Any, fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    p, t = corners(pred, fmt), corners(target, fmt)
    width, height = map(mpf, image_size)
    d1 = (p[0] - t[0]) ** 2 + (p[1] - t[1]) ** 2
    d2 = (p[2] - t[2]) ** 2 + (p[3] - t[3]) ** 2
    return 1 - Pair(pred, target, at, fmt).iou + (d1 + d2) / (width**2 + height**2)


@evidence(
    "extended_iou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(case(f"smooth to {s}", PRED, TARGET, smooth_point=s) for s in (0.5, 1.0, 1.25)),
    case("smooth point as an array", PRED, TARGET, smooth_point=np.asarray(0.75)),
    case("apart along x", [[0.0, 0.0, 1.0, 2.0]], [[2.5, 0.5, 4.0, 3.0]]),
    case("apart along y", [[0.0, 4.0, 1.0, 6.0]], [[0.25, 0.5, 3.0, 3.0]]),
    case("apart along both, the other way", [[3.0, 4.0, 4.0, 5.0]], [[0.5, 0.25, 2.0, 3.0]]),
    *shared_cases(),
    peers={"mmdetection": "mmdet.models.losses.eiou_loss(pred, target, smooth_point=smooth_point)"},
)
def extended_iou_loss(
    pred: Box, target: Box, *, at: list[Box], smooth_point: Any = 0.1, fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan

    def distance(p: Box, t: Box) -> Any:
        product = signed_product(shared_box(p, t), hull_box(p, t), valid=all(is_valid(b) for b in (p0, t0)))
        (w, h), (w_t, h_t) = sides(p, p0), sides(t, t0)
        union = w * h + w_t * h_t - product
        return 1 - (product / union if union else mpf(0))

    p, t = corners(pred, fmt), corners(target, fmt)
    p0, t0 = (corners(box, fmt) for box in at)
    return smooth_l1(distance(p, t), smooth_point, distance(p0, t0))


def is_valid(box: Box) -> bool:
    return bool(box[0] <= box[2] and box[1] <= box[3])


def signed_product(shared: Box, hull: Box, *, valid: bool) -> Any:
    """The area that two boxes share, negative for boxes apart."""
    ax, ay, bx, by = (shared[i] - hull[i % 2] for i in range(4))
    if valid:  # the four products of the paper
        (low_x, high_x), (low_y, high_y) = sorted((ax, bx)), sorted((ay, by))
        return bx * by + low_x * low_y - ax * high_y - high_x * ay
    # A box with negative sides is apart from every other.
    gap_x, gap_y = max(ax - bx, mpf(0)), max(ay - by, mpf(0))
    return -(gap_x * max(ay + by, mpf(0)) + gap_y * max(ax + bx, mpf(0)))


CUBES = [[0.5, 0.25, 1.0, 4.0, 2.5, 3.0], [-2.0, -1.5, 0.0, 0.75, 1.25, 2.5], [0.0, 0.0, 0.0, 1.0, 1.5, 1.0]]
CUBES_TARGET = [
    [1.0, 0.5, 0.25, 3.0, 4.0, 2.5],
    [-1.0, -2.5, 0.5, 1.5, 0.5, 4.0],
    [2.0, 3.0, 4.0, 3.5, 4.0, 6.0],
]
CUBE = [0.5, 0.25, 0.75, 0.5 + 2.0**-14, 0.25 + 2.0**-12, 0.75 + 2.0**-13]


@evidence(
    "giou3d_loss",
    case("ordinary", CUBES, CUBES_TARGET),
    case("worked", [[0.0, 0.0, 0.0, 2.0, 2.0, 2.0]], [[1.0, 1.0, 1.0, 3.0, 3.0, 3.0]]),
    case("two dimensions", PRED, TARGET),
    case("two dimensions, worked", WORKED, WORKED_TARGET, kink="split"),
    case("one dimension", [[0.0, 2.0], [0.0, 1.0]], [[1.0, 4.0], [3.0, 4.0]]),
    case(
        "four dimensions",
        [[0.0, 0.25, -1.0, 0.5, 2.0, 2.0, 2.0, 3.0]],
        [[0.5, 0.0, -2.0, 1.0, 3.0, 1.0, 1.5, 2.0]],
    ),
    case("one box", CUBES[0], CUBES_TARGET[0]),
    case("identical", [CUBE], [CUBE], strict=True, tags=("kink",)),
    *(
        case(f"scale 2**{n}", [[x * 2.0**n for x in CUBES[0]]], [[x * 2.0**n for x in CUBES_TARGET[0]]])
        for n in (-30, 30)
    ),
    case("one holds the other", [[0.0, 0.0, 0.0, 4.0, 3.0, 2.0]], [[1.0, 0.5, 0.25, 3.0, 1.0, 1.5]]),
    case("far apart", [CUBES[0]], [[1024.0, 512.0, 256.0, 1026.0, 513.0, 260.0]]),
    case(
        "face to face",
        [[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]],
        [[1.0, 0.25, 0.5, 3.0, 2.0, 4.0]],
        tags=("kink",),
    ),
    case(
        "one face in common",
        [[0.0, 0.0, 0.0, 4.0, 2.0, 1.0]],
        [[0.0, 0.5, 0.25, 3.0, 4.0, 2.0]],
        kink="split",
    ),
    case(
        "flat",
        [[0.0, 0.0, 1.0, 2.0, 2.0, 1.0]],
        [[0.5, 0.5, 0.0, 1.0, 1.5, 2.0]],
        tags=("degenerate",),
    ),
    case(
        "both flat", [[0.0, 0.0, 1.0, 2.0, 2.0, 1.0]], [[0.5, 0.5, 1.0, 1.0, 3.0, 1.0]], tags=("degenerate",)
    ),
    case(
        "reversed", [[2.0, 0.0, 0.25, 0.0, 2.0, 1.0]], [[0.5, 0.5, 0.0, 1.0, 1.5, 2.0]], tags=("degenerate",)
    ),
    case("the same point", [[1.0] * 6], [[1.0] * 6], tags=("degenerate",)),
    case("infinite", [[0.0, 0.0, 0.0, 1.0, 1.0, math.inf]], [CUBES[0]], tags=("inf",)),
    peers={"monai": "monai.losses.BoxGIoULoss(reduction='none')(pred, target)"},
)
def giou3d_loss(pred: Box, target: Box, *, at: list[Box]) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    n = len(pred) // 2
    p0, t0 = at

    def volume(low: Box, high: Box, low_at: Box, high_at: Box) -> Any:
        product = mpf(1)
        for each in zip(low, high, low_at, high_at, strict=True):
            product *= each[1] - each[0] if each[3] > each[2] else 0
        return product

    def least(f: Any, a: Box, b: Box) -> Box:
        return [f(x, y) for x, y in zip(a, b, strict=True)]

    parts = [(box[:n], box[n:]) for box in (pred, target, p0, t0)]
    (near, far), (near_t, far_t), (near0, far0), (near_t0, far_t0) = parts
    shared = volume(
        least(max, near, near_t), least(min, far, far_t), least(max, near0, near_t0), least(min, far0, far_t0)
    )
    hull = volume(
        least(min, near, near_t), least(max, far, far_t), least(min, near0, near_t0), least(max, far0, far_t0)
    )
    union = volume(near, far, near0, far0) + volume(near_t, far_t, near_t0, far_t0) - shared
    return 1 - ratio(shared, union) + ratio(hull - union, hull)
