"""Evidence for the losses of detectors."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

NAN = math.nan


def minus_log_softmax(z: list[Any], label: int) -> Any:
    return _log_sum_exp(tuple(z)) - z[label]


@functools.lru_cache(maxsize=4096)  # of a batch that is one item, a step in one number moves one row
def _log_sum_exp(z: tuple[Any, ...]) -> Any:
    return mp.log(mp.fsum(map(mp.exp, z)))


def smooth_l1(x: Any, beta: Any, at: Any) -> Any:
    if abs(at) < beta:
        return x**2 / (2 * mpf(beta))
    return abs(x) - mpf(beta) / 2 if at else mpf(0)


def errors(pred: list[Any], target: list[Any], beta: Any, at: tuple[list[Any], list[Any]]) -> Any:
    """The smooth absolute errors of four numbers, added up."""
    each = zip(pred, target, *at, strict=True)
    return mp.fsum(smooth_l1(p - t, beta, p0 - t0) for p, t, p0, t0 in each)


def is_nan(*rows: list[Any]) -> bool:
    return any(mp.isnan(x) for row in rows for x in row)


# Five regions, three classes, of which the first is the background.
LOGITS = uniform(201, 5, 3)
LABELS = [1, 0, 2, 1, 0]
OFFSETS = uniform(202, 5, 4)
OFFSETS_OF_CLASSES = uniform(203, 5, 3, 4)
TRUE_OFFSETS = uniform(204, 5, 4, low=-1, high=1)
WITHOUT_BACKGROUND = [TRUE_OFFSETS[0], [NAN] * 4, TRUE_OFFSETS[2], TRUE_OFFSETS[3], [NAN, 1.0, 0.0, math.inf]]
REGIONS = LOGITS, LABELS, OFFSETS, TRUE_OFFSETS
WORKED = [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 1], [[0.0] * 4, [0.5, -0.2, 0.0, 2.0]], [[0.0] * 4] * 2


@evidence(
    "fast_rcnn_loss",
    case("ordinary", *REGIONS),
    case("a box for each class", LOGITS, LABELS, OFFSETS_OF_CLASSES, TRUE_OFFSETS),
    case(
        "no truth in the background",
        LOGITS,
        LABELS,
        OFFSETS,
        WITHOUT_BACKGROUND,
    ),
    case("worked", *WORKED),
    case("worked: beta of 1/9", *WORKED, beta=1 / 9),
    case("worked: all elements", *WORKED, box_normalizer="elements", positives_only=False),
    *(case(f"beta of {beta}", *REGIONS, beta=beta) for beta in (0.0, 0.25, 4.0)),
    case("beta as an array", *REGIONS, beta=np.asarray(0.5)),
    case("factor of the boxes", *REGIONS, box_weight=2.5),
    case("factor of 0", *REGIONS, box_weight=0.0),
    case("factor as an array", *REGIONS, box_weight=np.asarray(2.5)),
    *(
        case(f"divided by {by}, positives only: {only}", *REGIONS, box_normalizer=by, positives_only=only)
        for by in ("all", "pos", "elements")
        for only in (True, False)
    ),
    case(
        "background and boxes of classes",
        LOGITS,
        LABELS,
        OFFSETS_OF_CLASSES,
        TRUE_OFFSETS,
        positives_only=False,
    ),
    case("only background", LOGITS, [0] * 5, OFFSETS, TRUE_OFFSETS),
    case(
        "only background, divided by positives", LOGITS, [0] * 5, OFFSETS, TRUE_OFFSETS, box_normalizer="pos"
    ),
    case("some ignored", LOGITS, [1, -100, 2, -100, 0], OFFSETS, TRUE_OFFSETS),
    case("another label ignored", LOGITS, [1, 7, 2, 7, 0], OFFSETS, TRUE_OFFSETS, ignore_index=7),
    case("all ignored", LOGITS, [-100] * 5, OFFSETS, TRUE_OFFSETS),
    case("regions masked", *REGIONS, where=[True, True, False, True, False]),
    case(
        "regions masked and ignored",
        LOGITS,
        [1, -100, 2, 1, 0],
        *REGIONS[2:],
        where=[True, True, False, True, True],
    ),
    case("weighed", *REGIONS, sample_weight=0.5, reduction="sum"),
    case("no regions", np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 4)), np.zeros((0, 4))),
    case("a label that is none", LOGITS, [1, 0, 3, 1, 0], OFFSETS, TRUE_OFFSETS),
    case("kink: right", *REGIONS[:2], TRUE_OFFSETS, TRUE_OFFSETS, beta=0.0, tags=("kink",)),
    case("kink: an error of beta", [[0.0, 1.0]], [1], [[1.0, -1.0, 0.5, 0.0]], [[0.0] * 4], tags=("kink",)),
    case(
        "NaN in a box that counts",
        LOGITS[:1],
        [1],
        [[NAN, 0.0, 0.0, 0.0]],
        [[0.0] * 4],
        gradient={"box_pred": None},
    ),
    wrt=("logits", "box_pred"),
    peers={"torchvision": "sum of torchvision.models.detection.roi_heads.fastrcnn_loss, for beta = 1/9"},
)
def fast_rcnn_loss(
    logits: Any,
    labels: Any,
    pred: Any,
    target: Any,
    *,
    at: Any,
    where: Any,
    beta: Any = 1,
    box_weight: Any = 1,
    box_normalizer: str = "all",
    positives_only: bool = True,
    ignore_index: int = -100,
) -> Any:
    counted = [i for i, u in enumerate(labels) if where[i] and u != ignore_index]
    if not counted:
        return None
    if any(not 0 <= labels[i] < len(logits[0]) for i in counted):
        return mp.nan

    def box_of(i: int, boxes: Any) -> Any:
        return boxes[i][labels[i]] if isinstance(boxes[i][0], list) else boxes[i]

    boxed = [i for i in counted if labels[i] >= 1 or not positives_only]
    if is_nan(*(box_of(i, pred) for i in boxed)):
        return mp.nan
    classification = mp.fsum(minus_log_softmax(logits[i], labels[i]) for i in counted) / len(counted)
    total = mp.fsum(errors(box_of(i, pred), target[i], beta, (box_of(i, at[2]), at[3][i])) for i in boxed)
    by = {"all": len(counted), "pos": len(boxed), "elements": 4 * len(boxed)}[box_normalizer]
    return classification + box_weight * (total / by if by else 0)


SCORES = uniform(205, 6)
SAMPLED = [1, 0, -1, 1, -1, 0]
ANCHORS = uniform(206, 6, 4), uniform(207, 6, 4, low=-1, high=1)


@evidence(
    "rpn_loss",
    case("ordinary", SCORES, SAMPLED, *ANCHORS),
    case(
        "two axes of anchors",
        uniform(205, 2, 3),
        [[1, 0, -1], [1, 0, -1]],
        uniform(206, 2, 3, 4),
        uniform(207, 2, 3, 4),
    ),
    case(
        "worked",
        [2.0, -1.0, 0.0, 3.0],
        [1, 0, -1, 0],
        [[0.05, 0.2, -0.1, 0.0], [NAN] * 4, [0.0] * 4, [1.0] * 4],
        [[0.0] * 4, [0.0] * 4, [NAN] * 4, [0.0] * 4],
    ),
    *(case(f"beta of {beta}", SCORES, SAMPLED, *ANCHORS, beta=beta) for beta in (0.0, 1.0)),
    case("options as arrays", SCORES, SAMPLED, *ANCHORS, beta=np.asarray(0.5), box_weight=np.asarray(10.0)),
    case("factor of the boxes", SCORES, SAMPLED, *ANCHORS, box_weight=10.0),
    case("none positive", SCORES, [0, 0, -1, 0, 0, -1], *ANCHORS),
    case("none sampled", SCORES, [-1] * 6, *ANCHORS),
    case("another label ignored", SCORES, [1, 0, 5, 1, 0, 5], *ANCHORS, ignore_index=5),
    case("anchors masked", SCORES, SAMPLED, *ANCHORS, where=[True, False, True, True, False, True]),
    case("no anchors", np.zeros(0), np.zeros(0, int), np.zeros((0, 4)), np.zeros((0, 4))),
    case("one anchor, and no axis", 0.5, 1, [1.0, -2.0, 0.25, 0.0], [0.5, 0.5, 0.0, 0.0]),
    case("a label that is none", SCORES, [1, 0, 2, 1, 0, -1], *ANCHORS),
    case("large scores", [-(2.0**20), 2.0**20], [1, 0], *(x[:2] for x in ANCHORS)),
    case("infinite scores, right", [math.inf, -math.inf], [1, 0], *(x[:2] for x in ANCHORS), tags=("inf",)),
    wrt=("objectness", "box_pred"),
)
def rpn_loss(
    objectness: Any,
    labels: Any,
    pred: Any,
    target: Any,
    *,
    at: Any,
    where: Any,
    beta: Any = 1 / 9,
    box_weight: Any = 1,
    ignore_index: int = -1,
) -> Any:
    each = list(
        zip(
            flat(objectness),
            flat(labels),
            rows(pred),
            rows(target),
            rows(at[2]),
            rows(at[3]),
            flat(where),
            strict=True,
        )
    )
    each = [x[:-1] for x in each if x[-1] and x[1] != ignore_index]
    if not each:
        return None
    if any(u not in (0, 1) for _, u, *_ in each):
        return mp.nan
    scores = mp.fsum(softplus(-o if u else o) for o, u, *_ in each)
    boxes = mp.fsum(errors(p, t, beta, (p0, t0)) for _, u, p, t, p0, t0 in each if u)
    return (scores + box_weight * boxes) / len(each)


def softplus(x: Any) -> Any:
    return mp.log(1 + mp.exp(x)) if mp.isfinite(x) else max(x, mpf(0))


def flat(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def rows(x: Any) -> list[Any]:
    """The innermost lists."""
    if not x:
        return []
    return [row for part in x for row in rows(part)] if isinstance(x[0], list) else [x]


# Two images of seven anchors; three classes, of which the first is the background.
MANY_LOGITS = uniform(208, 2, 7, 3)
MANY_LABELS = [[1, 0, 0, 0, 0, -1, 0], [0, 2, 0, 1, 0, 0, 0]]
MANY_BOXES = uniform(209, 2, 7, 4), uniform(210, 2, 7, 4, low=-1, high=1)
MANY = MANY_LOGITS, MANY_LABELS, *MANY_BOXES
SSD_LOGITS = [
    [0.0, 2.0, 0.0],
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, 0.0, 3.0],
    [2.0, 0.0, 0.0],
    [0.5, 0.0, 0.0],
]
SSD_BOX = [[0.5, 0.0, 0.0, 0.0], *[[0.0] * 4] * 5]
NO_BOX = [[0.0] * 4] * 6


@evidence(
    "multibox_loss",
    case("ordinary", *MANY, neg_pos_ratio=1.25),
    case("three negatives for each positive", *MANY),
    case("worked", [SSD_LOGITS], [[1, 0, 0, 0, 0, 0]], [SSD_BOX], [NO_BOX]),
    case("worked: few negatives", [SSD_LOGITS[:5]], [[1, 2, 0, 0, 0]], [NO_BOX[:5]], [NO_BOX[:5]]),
    *(case(f"ratio of {k}", *MANY, neg_pos_ratio=k) for k in (0.0, 1.0, 1.5, 100.0)),
    case("ratio as an array", *MANY, neg_pos_ratio=np.asarray(2.0)),
    case("factor of the boxes", *MANY, alpha=2.5),
    *(case(f"beta of {beta}", *MANY, beta=beta) for beta in (0.0, 0.25)),
    case("at least five negatives", *MANY, min_neg=5.0),
    case("an image without positives", MANY_LOGITS, [[0] * 7, MANY_LABELS[1]], *MANY_BOXES),
    case(
        "an image without positives, least", MANY_LOGITS, [[0] * 7, MANY_LABELS[1]], *MANY_BOXES, min_neg=2.0
    ),
    case("no positives", MANY_LOGITS, [[0] * 7, [0, -1, 0, 0, 0, 0, 0]], *MANY_BOXES, min_neg=2.0),
    case("no negatives", MANY_LOGITS, [[1, -1, 2, 1, 1, -1, 2]] * 2, *MANY_BOXES),
    case("all ignored", MANY_LOGITS, [[-1] * 7] * 2, *MANY_BOXES),
    case(
        "anchors masked",
        *MANY,
        where=[[True, True, False, True, True, True, False], [True, True, True, False] + [True] * 3],
    ),
    case("no anchors", np.zeros((2, 0, 3)), np.zeros((2, 0), int), np.zeros((2, 0, 4)), np.zeros((2, 0, 4))),
    case("no images", np.zeros((0, 2, 3)), np.zeros((0, 2), int), np.zeros((0, 2, 4)), np.zeros((0, 2, 4))),
    case(
        "of equally hard ones the first",
        [[[0.5, 0.25]] * 6],
        [[0, 1, 0, 0, 0, 0]],
        [NO_BOX],
        [NO_BOX],
        tags=("kink",),
    ),
    case("a label that is none", MANY_LOGITS, [[1, 0, 0, 3, 0, 0, 0], MANY_LABELS[1]], *MANY_BOXES),
    case(
        "NaN in a live logit",
        [[[0.5, 0.25], [NAN, 0.5], [0.25, 0.5]]],
        [[1, 0, 0]],
        [NO_BOX[:3]],
        [NO_BOX[:3]],
        neg_pos_ratio=1.0,
        gradient={"logits": None, "box_pred": None},
    ),
    wrt=("logits", "box_pred"),
)
def multibox_loss(
    logits: Any,
    labels: Any,
    pred: Any,
    target: Any,
    *,
    at: Any,
    where: Any,
    neg_pos_ratio: Any = 3,
    alpha: Any = 1,
    beta: Any = 1,
    min_neg: Any = 0,
    ignore_index: int = -1,
) -> Any:
    classification, boxes, count, counted = mpf(0), mpf(0), 0, 0
    for n, image in enumerate(labels):
        kept = [i for i, u in enumerate(image) if where[n][i] and u != ignore_index]
        if any(not 0 <= image[i] < len(logits[n][i]) or is_nan(logits[n][i]) for i in kept):
            return mp.nan
        positive = [i for i in kept if image[i] >= 1]
        negative = [i for i in kept if image[i] == 0]
        negative.sort(key=lambda i, n=n: -minus_log_softmax(at[0][n][i], 0))
        wanted = max(neg_pos_ratio * len(positive), mpf(min_neg))
        hard = [i for rank, i in enumerate(negative) if rank < wanted]
        classification += mp.fsum(minus_log_softmax(logits[n][i], image[i]) for i in positive + hard)
        boxes += mp.fsum(errors(pred[n][i], target[n][i], beta, (at[2][n][i], at[3][n][i])) for i in positive)
        count, counted = count + len(positive), counted + len(kept)
    if not counted:
        return None
    return (classification + alpha * boxes) / count if count else mpf(0)
