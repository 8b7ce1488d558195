"""Evidence for the losses of boxes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence

Box = list[Any]

PRED = [[0.5, 0.25, 4.0, 2.5], [1.0, 1.0, 3.5, 3.0], [-2.0, -1.5, 0.75, 1.25], [0.0, 0.0, 1.0, 1.5]]
TARGET = [[1.0, 0.5, 3.0, 4.0], [0.25, 0.5, 2.5, 2.25], [-1.0, -2.5, 1.5, 0.5], [2.0, 3.0, 3.5, 4.0]]
# Overlapping, overlapping and flush, apart.
WORKED = [[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]]
WORKED_TARGET = [[1.0, 1.0, 3.0, 3.0], [1.0, 0.0, 3.0, 4.0], [2.0, 0.0, 3.0, 1.0]]
UNIT = [0.0, 0.0, 1.0, 1.0]


def side(log2: int) -> Box:
    """A square away from the origin, of a side that is a power of two."""
    return [0.5, 0.25, 0.5 + 2.0**log2, 0.25 + 2.0**log2]


def scaled(boxes: list[Box], by: float) -> list[Box]:
    return [[x * by for x in box] for box in boxes]


def as_xywh(boxes: list[Box]) -> list[Box]:
    return [[x, y, right - x, bottom - y] for x, y, right, bottom in boxes]


def as_cxcywh(boxes: list[Box]) -> list[Box]:
    return [[x + w / 2, y + h / 2, w, h] for x, y, w, h in as_xywh(boxes)]


def shared_cases(**own: Any) -> list[Case]:
    """What every loss of the overlap of boxes has to stand, in calls with options of its own."""
    return [replace(each, options=own | each.options) for each in _SHARED]


_SHARED = [
    case("xywh", as_xywh(PRED), as_xywh(TARGET), fmt="xywh"),
    case("cxcywh", as_cxcywh(PRED), as_cxcywh(TARGET), fmt="cxcywh"),
    case("one box", PRED[0], TARGET[0]),
    case("two dimensions of boxes", [PRED[:2], PRED[2:]], [TARGET[:2], TARGET[2:]]),
    case("whole numbers in the target", PRED, [[1, 0, 3, 4], [0, 2, 2, 4], [-1, -2, 1, 0], [2, 3, 4, 4]]),
    *(
        case(f"identical, side 2**{n}", [side(n)], [side(n)], strict=True, tags=("kink",))
        for n in (-24, -14, -4, 0, 10, 20)
    ),
    case(
        "identical, side 2**-40 at the origin",
        scaled([UNIT], 2.0**-40),
        scaled([UNIT], 2.0**-40),
        tags=("kink",),
    ),
    case(
        "identical, xywh",
        [[0.5, 0.25, 2.0**-14, 2.0**-12]] * 2,
        [[0.5, 0.25, 2.0**-14, 2.0**-12]] * 2,
        fmt="xywh",
    ),
    case(
        "identical, cxcywh",
        [[0.5, 0.25, 2.0**-14, 2.0**-12]] * 2,
        [[0.5, 0.25, 2.0**-14, 2.0**-12]] * 2,
        fmt="cxcywh",
        strict=True,
    ),
    *(case(f"scale 2**{n}", scaled(PRED, 2.0**n), scaled(TARGET, 2.0**n)) for n in (-30, -20, 20, 30)),
    case("nearly identical", [[0.0, 0.0, 1.0, 1.0]], [[2.0**-12, 2.0**-11, 1.0 + 2.0**-10, 1.0 - 2.0**-11]]),
    case(
        "small boxes far from the origin, cxcywh",
        [[0.5, 0.75, 2.0**-14, 2.0**-13]],
        [[0.5 + 2.0**-17, 0.75, 2.0**-13, 2.0**-14]],
        fmt="cxcywh",
    ),
    case(
        "one holds the other",
        [[0.0, 0.0, 4.0, 3.0], [1.0, 0.5, 3.0, 1.0]],
        [[1.0, 0.5, 3.0, 1.0], [0.0, 0.0, 4.0, 3.0]],
    ),
    case("far apart", [[0.0, 0.0, 1.0, 2.0]], [[1024.0, 512.0, 1026.0, 513.0]]),
    case("very far apart", [[0.0, 0.0, 1.0, 2.0]], [[2.0**20, 2.0**18, 2.0**20 + 2.0, 2.0**18 + 1.0]]),
    case("crossing", [[0.0, 2.0, 8.0, 2.5]], [[3.0, 0.0, 3.25, 16.0]]),
    case("one edge in common", [[0.0, 0.0, 4.0, 2.0]], [[0.0, 0.5, 3.0, 4.0]], kink="split", tags=("kink",)),
    case(
        "three edges in common",
        [[0.0, 0.0, 4.0, 2.0]],
        [[0.0, 0.0, 4.0, 3.0]],
        kink="split",
        tags=("kink",),
    ),
    case("edge to edge", [UNIT], [[1.0, 0.25, 3.0, 2.0]], tags=("kink",)),
    case("corner to corner", [UNIT], [[1.0, 1.0, 3.0, 2.0]], tags=("kink",)),
    *(
        case(f"{what} in the prediction, {place}", [box], [[0.0, 0.0, 2.0, 2.0]], tags=("degenerate",))
        for place, at in (("inside", 0.5), ("outside", 3.0))
        for what, box in (
            ("no width", [at, at, at, at + 0.75]),
            ("no height", [at, at, at + 0.75, at]),
            ("a point", [at, at, at, at]),
            ("width reversed", [at + 0.5, at, at, at + 0.75]),
            ("height reversed", [at, at + 0.5, at + 0.75, at]),
            ("both reversed", [at + 0.5, at + 0.25, at, at]),
        )
    ),
    case(
        "the prediction reversed twice",
        [[2.0, 2.0, 0.0, 0.0]],
        [[0.0, 0.0, 2.0, 2.0]],
        tags=("degenerate",),
    ),
    case("no width in the target", [[0.0, 0.0, 2.0, 2.0]], [[0.5, 0.5, 0.5, 1.25]], tags=("degenerate",)),
    case("no height in the target", [[0.0, 0.0, 2.0, 2.0]], [[0.5, 0.5, 1.25, 0.5]], tags=("degenerate",)),
    case("a point in the target", [[0.0, 0.0, 2.0, 2.0]], [[0.5, 0.5, 0.5, 0.5]], tags=("degenerate",)),
    case("the target reversed", [[0.0, 0.0, 2.0, 2.0]], [[1.5, 0.5, 0.5, 1.25]], tags=("degenerate",)),
    case("the same point", [[1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]], tags=("degenerate",)),
    case("the same point at the origin", [[0.0] * 4], [[0.0] * 4], tags=("degenerate",)),
    case("two points", [[1.0, 1.0, 1.0, 1.0]], [[2.0, 3.0, 2.0, 3.0]], tags=("degenerate",)),
    case("both flat, on one line", [[0.0, 0.0, 1.0, 0.0]], [[2.0, 0.0, 4.0, 0.0]], tags=("degenerate",)),
    case("both flat, on two lines", [[0.0, 0.0, 1.0, 0.0]], [[2.0, 1.0, 4.0, 1.0]], tags=("degenerate",)),
    case("the same flat box", [[0.0, 0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0, 0.0]], tags=("degenerate",)),
    case(
        "empty sides, cxcywh",
        [[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, -1.0, 2.0]],
        [[0.5, 0.5, 1.25, 2.5]] * 2,
        fmt="cxcywh",
        tags=("degenerate",),
    ),
    case(
        "NaN in a live box",
        [[0.0, 0.0, math.nan, 1.0], UNIT],
        [UNIT, [0.5, 0.0, 2.0, math.nan]],
        gradient={"pred": None, "target": None},
    ),
    case(
        "infinite coordinates",
        [[0.0, 0.0, math.inf, 1.0], [-math.inf, 0.0, math.inf, 1.0]],
        [UNIT, UNIT],
        tags=("inf",),
    ),
    case(
        "infinite boxes",
        [[-math.inf, -math.inf, math.inf, math.inf]],
        [[-math.inf, -math.inf, math.inf, math.inf]],
        tags=("inf",),
    ),
]


def corners(box: Box, fmt: str) -> Box:
    if fmt == "xyxy":
        return box
    x, y, w, h = box
    return [x, y, x + w, y + h] if fmt == "xywh" else [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def shared_box(a: Box, b: Box) -> Box:
    return [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]


def hull_box(a: Box, b: Box) -> Box:
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]


def sides(box: Box, at: Box) -> tuple[Any, Any]:
    """Width and height: 0, and with no slope, where they are not positive."""
    return tuple(box[i + 2] - box[i] if at[i + 2] > at[i] else mpf(0) for i in (0, 1))


def area(box: Box, at: Box) -> Any:
    w, h = sides(box, at)
    return w * h


def ratio(a: Any, b: Any) -> Any:
    return a / b if b != 0 else mpf(0)


def is_finite(*boxes: Box) -> bool:
    return all(mp.isfinite(x) and abs(x) < mpf(10) ** 35 for box in boxes for x in box)


class Pair:
    """A pair of boxes, and where its sides are looked at for being empty."""

    def __init__(self, pred: Box, target: Box, at: list[Box], fmt: str) -> None:
        p, t = corners(pred, fmt), corners(target, fmt)
        p0, t0 = (corners(box, fmt) for box in at)
        self.pred, self.target = sides(p, p0), sides(t, t0)
        self.shared = area(shared_box(p, t), shared_box(p0, t0))
        self.union = area(p, p0) + area(t, t0) - self.shared
        self.hull = sides(hull_box(p, t), hull_box(p0, t0))
        self.offset = [(p[i] + p[i + 2] - t[i] - t[i + 2]) / 2 for i in (0, 1)]

    @property
    def iou(self) -> Any:
        return ratio(self.shared, self.union)

    @property
    def empty_part(self) -> Any:
        whole = self.hull[0] * self.hull[1]
        return ratio(whole - self.union, whole)

    @property
    def center_gap(self) -> Any:
        return ratio(sum(x**2 for x in self.offset), sum(c**2 for c in self.hull))

    @property
    def aspect_gap(self) -> Any:
        return 4 / mp.pi**2 * (angle(self.target) - angle(self.pred)) ** 2

    @property
    def aspect_weight(self) -> Any:
        return ratio(self.aspect_gap, 1 - self.iou + self.aspect_gap)


def angle(side: tuple[Any, Any]) -> Any:
    w, h = side
    return mp.atan(w / h) if h else mp.pi / 2 if w else mpf(0)


@evidence(
    "iou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *(case(f"worked: {mode}", WORKED, WORKED_TARGET, kink="split", mode=mode) for mode in ("log", "square")),
    *(case(mode, PRED[:3], TARGET[:3], mode=mode) for mode in ("log", "square")),
    case("log of the least overlap", PRED, TARGET, mode="log", clip_min=0.25),
    case("least overlap as an array", PRED, TARGET, mode="log", clip_min=np.asarray(0.25)),
    case(
        "log, nearly identical",
        [[0.0, 0.0, 1.0, 1.0]],
        [[2.0**-12, 0.0, 1.0 + 2.0**-10, 1.0]],
        mode="log",
        kink="split",
    ),
    case("log, identical", [side(-14)], [side(-14)], mode="log", strict=True, tags=("kink",)),
    case("square, identical", [side(-14)], [side(-14)], mode="square", strict=True, tags=("kink",)),
    case("log, the same point", [[1.0] * 4], [[1.0] * 4], mode="log", tags=("degenerate",)),
    case("log, a small overlap", [[0.0, 0.0, 8.0, 8.0]], [[7.75, 7.5, 40.0, 24.0]], mode="log"),
    *shared_cases(),
    peers={"mmdetection": "mmdet.models.losses.iou_loss(pred, target, mode=mode, eps=clip_min)"},
)
def iou_loss(
    pred: Box, target: Box, *, at: list[Box], mode: str = "linear", clip_min: Any = 1e-6, fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    iou = Pair(pred, target, at, fmt).iou
    if mode == "log":
        return -mp.log(iou if Pair(*at, at, fmt).iou > clip_min else mpf(clip_min))
    return 1 - iou**2 if mode == "square" else 1 - iou


@evidence(
    "giou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *shared_cases(),
    peers={"torchvision": "torchvision.ops.generalized_box_iou_loss(pred, target)"},
)
def giou_loss(pred: Box, target: Box, *, at: list[Box], fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair = Pair(pred, target, at, fmt)
    return 1 - (pair.iou - pair.empty_part)


@evidence(
    "diou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    *shared_cases(),
    peers={"torchvision": "torchvision.ops.distance_box_iou_loss(pred, target)"},
)
def diou_loss(pred: Box, target: Box, *, at: list[Box], fmt: str = "xyxy") -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair = Pair(pred, target, at, fmt)
    return 1 - pair.iou + pair.center_gap


THREE_EDGES = [[0.0, 0.0, 4.0, 2.0]], [[0.0, 0.0, 4.0, 3.0]]
HALF = [[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]]


@evidence(
    "ciou_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET, kink="split"),
    case("worked: gate of 0.5", WORKED, WORKED_TARGET, kink="split", gate=0.5),
    case("worked: alpha constant", *THREE_EDGES, kink="split", tags=("kink",)),
    case("worked: alpha differentiated", *THREE_EDGES, detach_alpha=False, kink="split", tags=("kink",)),
    case("alpha differentiated", PRED, TARGET, detach_alpha=False),
    case("alpha differentiated, identical", [side(-14)], [side(-14)], detach_alpha=False, tags=("kink",)),
    *(case(f"gate of {gate}", PRED, TARGET, gate=gate) for gate in (0.0, 0.25, 0.5, 1.0)),
    case("gate as an array", PRED, TARGET, gate=np.asarray(0.25)),
    case("an overlap of exactly the gate passes", *HALF, gate=0.5, kink="split", tags=("kink",)),
    case("gate, alpha differentiated", PRED, TARGET, gate=0.25, detach_alpha=False),
    case("gate, identical", [side(-14)], [side(-14)], gate=0.5, tags=("kink",)),
    case("equal aspect ratios", [[0.0, 0.0, 3.0, 2.0]], [[1.0, 1.0, 7.0, 5.0]]),
    case("very different aspect ratios", [[0.0, 0.0, 32.0, 1.0]], [[0.5, 0.25, 1.5, 64.0]]),
    *shared_cases(),
    peers={"torchvision": "torchvision.ops.complete_box_iou_loss(pred, target)"},
)
def ciou_loss(
    pred: Box, target: Box, *, at: list[Box], detach_alpha: bool = True, gate: Any = None, fmt: str = "xyxy"
) -> Any:
    if not is_finite(pred, target):
        return mp.nan

    pair, there = Pair(pred, target, at, fmt), Pair(*at, at, fmt)
    alpha = (there if detach_alpha else pair).aspect_weight
    if gate is not None and there.iou < gate:
        alpha = mpf(0)
    return 1 - pair.iou + pair.center_gap + alpha * pair.aspect_gap
