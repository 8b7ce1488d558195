"""Evidence for the losses of detections that are assigned to targets one to one."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform
from .boxes import PRED, TARGET, Pair, as_cxcywh, is_finite
from .detection import NAN, minus_log_softmax

CENTERS, TRUE_CENTERS = as_cxcywh(PRED), as_cxcywh(TARGET)


@evidence(
    "box_l1_giou_loss",
    case("ordinary", CENTERS, TRUE_CENTERS),
    case("worked", [[0.5, 0.5, 0.2, 0.4]], [[0.5, 0.6, 0.2, 0.2]], kink="split"),
    case("factors", CENTERS, TRUE_CENTERS, l1_weight=0.5, giou_weight=3.0),
    case("factors as arrays", CENTERS, TRUE_CENTERS, l1_weight=np.asarray(0.5), giou_weight=np.asarray(3.0)),
    case("absolute error alone", CENTERS, TRUE_CENTERS, giou_weight=0.0),
    case("GIoU alone", CENTERS, TRUE_CENTERS, l1_weight=0.0),
    case("number of boxes", CENTERS, TRUE_CENTERS, reduction="mean", normalizer=8.0),
    case("identical", CENTERS, CENTERS, tags=("kink",)),
    case(
        "empty",
        [[0.5, 0.5, 0.0, 0.25], [0.5, 0.5, -0.25, 0.25]],
        [[0.5, 0.25, 0.5, 0.5]] * 2,
        tags=("degenerate",),
    ),
    case("far apart", [[0.25, 0.25, 0.125, 0.125]], [[1024.0, 512.0, 1.0, 2.0]]),
)
def box_l1_giou_loss(pred: Any, target: Any, *, at: Any, l1_weight: Any = 5, giou_weight: Any = 2) -> Any:
    return l1_weight * absolute(pred, target, at) + giou_weight * giou(pred, target, at)


def absolute(pred: Any, target: Any, at: Any) -> Any:
    """The absolute errors, with no slope at 0, added up."""
    return mp.fsum((p - t) * mp.sign(p0 - t0) for p, t, p0, t0 in zip(pred, target, *at, strict=True))


def giou(pred: Any, target: Any, at: Any) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    pair = Pair(pred, target, at, "cxcywh")
    return 1 - pair.iou + pair.empty_part


# Two images, four predictions, three targets at most, three classes and none.
QUERIES = (
    uniform(211, 2, 4, 4),
    [[[0.5, 0.25, 0.5, 0.75], [0.25, 0.5, 0.125, 0.5], [0.75, 0.5, 0.25, 0.25], [0.5] * 4]] * 2,
)
TARGETS = (
    [[0, 2, 1], [1, 1, -1]],
    [
        [[0.375, 0.25, 0.5, 0.5], [0.5, 0.75, 0.25, 0.375], [0.875, 0.125, 0.0625, 0.125]],
        [[0.25, 0.25, 0.25, 0.5], [0.625, 0.5, 0.125, 0.25], [NAN, NAN, NAN, NAN]],
    ],
)
ASSIGNED = [[2, -1, 0, 1], [-1, 1, 0, -1]]
SET = *QUERIES, *TARGETS, ASSIGNED


@evidence(
    "detr_set_loss",
    case("ordinary", *QUERIES, [[0, 2, 1], [1, 1, 0]], [TARGETS[1][0], TARGETS[1][0]], ASSIGNED),
    case("a target that is none", *SET),
    case(
        "worked",
        [[[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]],
        [[[0.5, 0.5, 0.2, 0.4], [0.3, 0.3, 0.2, 0.2]]],
        [[0]],
        [[[0.5, 0.6, 0.2, 0.2]]],
        [[0, -1]],
        kink="split",
    ),
    case("factors", *SET, cls_weight=2.0, l1_weight=0.5, giou_weight=3.0),
    case(
        "factors as arrays",
        *SET,
        cls_weight=np.asarray(2.0),
        l1_weight=np.asarray(0.5),
        giou_weight=np.asarray(3.0),
        no_object_weight=np.asarray(0.5),
        num_boxes=np.asarray(3.0),
    ),
    *(case(f"no object weighs {w}", *SET, no_object_weight=w) for w in (0.0, 1.0)),
    case("number of boxes", *SET, num_boxes=3.0),
    case("number of boxes of 0", *SET, num_boxes=0.0),
    case("none assigned", *SET[:4], [[-1] * 4] * 2),
    case("none assigned, no object without weight", *SET[:4], [[-1] * 4] * 2, no_object_weight=0.0),
    case("no targets", *QUERIES, np.zeros((2, 0), int), np.zeros((2, 0, 4)), [[-1] * 4] * 2),
    case("predictions masked", *SET, where=[[True, False, True, True], [False, True, True, True]]),
    case("a target beyond the last", *SET[:4], [[3, -1, 0, 1], ASSIGNED[1]]),
    case("assigned to a target that is none", *SET[:4], [ASSIGNED[0], [-1, 1, 2, -1]]),
    case(
        "perfect boxes",
        QUERIES[0],
        QUERIES[1],
        [[0, 1, 2, 0]] * 2,
        QUERIES[1],
        [[0, 1, 2, 3]] * 2,
        tags=("kink",),
    ),
    wrt=("logits", "boxes"),
)
def detr_set_loss(
    logits: Any,
    boxes: Any,
    target_labels: Any,
    target_boxes: Any,
    assignment: Any,
    *,
    at: Any,
    where: Any,
    cls_weight: Any = 1,
    l1_weight: Any = 5,
    giou_weight: Any = 2,
    no_object_weight: Any = 0.1,
    num_boxes: Any = None,
) -> Any:
    entropy, mass, l1, overlap, matched, counted = (mpf(0) for _ in range(6))
    for n, row in enumerate(assignment):
        for q, m in enumerate(row):
            if not where[n][q]:
                continue
            counted += 1
            none = len(logits[n][q]) - 1
            if not -1 <= m < len(target_labels[n]) or (m >= 0 and not 0 <= target_labels[n][m] < none):
                return mp.nan
            label = target_labels[n][m] if m >= 0 else none
            weight = mpf(1) if m >= 0 else mpf(no_object_weight)
            entropy += weight * minus_log_softmax(logits[n][q], label) if weight else 0
            mass += weight
            if m >= 0:
                pair = boxes[n][q], target_boxes[n][m]
                there = [at[1][n][q], at[3][n][m]]
                l1 += absolute(*pair, there)
                overlap += giou(*pair, there)
                matched += 1
    if not counted:
        return None
    by = matched if num_boxes is None else mpf(num_boxes)
    boxes_part = (l1_weight * l1 + giou_weight * overlap) / by if by else mpf(0)
    return cls_weight * (entropy / mass if mass else mpf(0)) + boxes_part
