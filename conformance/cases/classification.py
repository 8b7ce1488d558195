"""Evidence for the losses of two classes, and of probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, distributions, evidence, labels, uniform

inf, nan = math.inf, math.nan


@evidence(
    "brier_loss",
    case("ordinary", distributions(1, 6, 3), labels(2, 6, count=3)),
    case("two classes, without a class axis", uniform(3, 6, low=0, high=1), labels(4, 6, count=2)),
    case("half", distributions(5, 3, 4), labels(6, 3, count=4), half=True),
    case("half, two classes, without a class axis", [0.75, 0.25], [1, 1], half=True),
    case("right and wrong with certainty", [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], [0, 2]),
    case("right and wrong with certainty, two classes", [1.0, 0.0, 1.0, 0.0], [1, 0, 0, 1]),
    case("nearly right", [[1 - 2.0**-8, 2.0**-8, 0.0], [2.0**-10, 1 - 2.0**-10, 0.0]], [0, 1], strict=True),
    case("nearly right, two classes", [1 - 2.0**-8, 2.0**-10], [1, 0], strict=True),
    case("class weights", distributions(7, 5, 3), [0, 1, 2, 2, 0], class_weight=[1.0, 2.0, 0.5]),
    case(
        "class weights of which one is 0, mean",
        [[0.5, 0.25, 0.25], [nan, 0.5, 0.5], [0.125, 0.375, 0.5]],
        [0, 1, 2],
        class_weight=[1.0, 0.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights, two classes, mean",
        [0.75, 0.25, 0.5],
        [1, 1, 0],
        class_weight=[0.5, 2.0],
        reduction="mean",
    ),
    case("an ignored label", distributions(8, 3, 3), [0, -100, 2], reduction="mean"),
    case("an ignored class", distributions(9, 4, 3), [0, 1, 2, 1], ignore_index=1, reduction="mean"),
    case("an ignored class, two classes", [0.75, 0.25, nan], [1, 1, 0], ignore_index=0, reduction="mean"),
    case("illegal labels", distributions(10, 4, 3), [0, -1, 3, 7], tags=("label",)),
    case("illegal labels, two classes", [0.5, 0.25, 0.75], [0, 2, -1], tags=("label",)),
    case("class axis first", np.moveaxis(np.asarray(distributions(11, 4, 3)), -1, 0), [0, 1, 2, 2], axis=0),
    case("class axis in the middle", np.full((2, 3, 2), 0.25), [[0, 1], [2, 2]], axis=1),
    case("worked: three classes", [[0.7, 0.2, 0.1]], [0]),
    case("worked: two classes", [0.9], [1]),
    case("NaN", [[0.5, nan, 0.25], [0.5, 0.25, 0.25]], [0, 0]),
    peers={"sklearn": "sklearn.metrics.brier_score_loss(labels, probs, scale_by_half=False)"},
)
def brier_loss(
    probs: Any, labels: Any, *, half: bool = False, class_weight: Any = None, ignore_index: int = -100
) -> Any:
    count = len(probs) if isinstance(probs, list) else 2
    if labels == ignore_index:
        return None
    if not 0 <= labels < count:
        return mp.nan
    w = mpf(1) if class_weight is None else mpf(class_weight[labels])
    if w == 0:
        return mpf(0), w
    if isinstance(probs, list):
        square = sum((p - (1 if c == labels else 0)) ** 2 for c, p in enumerate(probs))
    else:
        square = (probs - labels) ** 2
    return w * square / (2 if half else 1), w


@evidence(
    "binary_cross_entropy",
    case("ordinary", uniform(20, 6, low=0.1, high=0.9), uniform(21, 6, low=0.1, high=0.9)),
    case("hard targets", uniform(22, 6, low=0.1, high=0.9), bits(23, 6)),
    case("a target for all", uniform(24, 4, low=0.1, high=0.9), 1.0),
    case("prediction is the target", [0.25, 0.5, 0.875], [0.25, 0.5, 0.875]),
    case("right with certainty", [0.0, 1.0], [0.0, 1.0]),
    case("next to certain in half precision", [1 - 2.0**-11, 2.0**-11], [0.0, 1.0]),
    case("as wrong as float32 can say", [2.0**-126, 2.0**-100, 1 - 2.0**-24], [1.0, 1.0, 0.0], strict=True),
    case(
        "wrong with certainty",
        [0.0, 1.0],
        [1.0, 0.0],
        gradient={"probs": [-inf, -inf], "target": None},
        tags=("inf",),
    ),
    case(
        "certain of what is not",
        [0.0, 1.0, 0.0, 1.0],
        [0.5, 0.5, 0.25, 0.75],
        gradient={"probs": [-inf, -inf, -inf, inf], "target": None},
        tags=("inf",),
    ),
    case("nearly right", [1 - 2.0**-8, 2.0**-8, 2.0**-14], [1.0, 0.0, 0.0], strict=True),
    case("very nearly right", [1 - 2.0**-24, 2.0**-24, 2.0**-100], [1.0, 0.0, 0.0], strict=True),
    case("very wrong", [2.0**-14, 2.0**-14], [1.0, 0.5]),
    case(
        "very, very wrong",
        [2.0**-24, 2.0**-100, 2.0**-126, 1 - 2.0**-24],
        [1.0, 1.0, 1.0, 0.0],
        gradient={"probs": [-(2.0**24), 2.0**99, -(2.0**127), 0.75 * 2.0**24]},
    ),
    case("clamp, active", [0.0, 1.0, 2.0**-6, 0.5], [1.0, 0.0, 1.0, 1.0], log_clamp=-2.0),
    case("clamp, active, of a right term", [0.0, 1.0], [0.0, 1.0], log_clamp=-2.0),
    case("clamp as an array", [0.0, 1.0, 2.0**-6, 0.5], [1.0, 0.0, 1.0, 0.25], log_clamp=np.asarray(-2.0)),
    case("clamp of 0", [0.5, 0.25], [1.0, 0.5], log_clamp=0.0),
    case(
        "clamp of PyTorch",
        [0.0, 2.0**-200, 2.0**-100, 1.0],
        [1.0, 1.0, 0.75, 0.0],
        log_clamp=-100.0,
        gradient={"probs": [0.0, 0.0, -1.5 * 2.0**100, 0.0]},
    ),
    case(
        "not a probability",
        [-0.5, 1.5, -0.5, 1.5, 0.5],
        [0.0, 1.0, 1.0, 0.0, 0.0],
        gradient={"probs": None, "target": None},
    ),
    case("target beyond 1", [0.5, 0.25], [1.5, -0.25]),
    case("NaN", [nan, 0.5, 0.25], [1.0, nan, 0.5]),
    case("weight 0 of an infinite item", [0.0, 0.5], [1.0, 1.0], sample_weight=[0.0, 1.0], reduction="mean"),
    case("worked: hard targets", [0.9, 0.2], [1.0, 0.0]),
    case("worked: hard targets, mean", [0.9, 0.2], [1.0, 0.0], reduction="mean"),
    peers={
        "torch": "torch.nn.functional.binary_cross_entropy(probs, target)",
        "keras": "keras.losses.binary_crossentropy(target, probs)",
    },
)
def binary_cross_entropy(probs: Any, target: Any, *, log_clamp: Any = None) -> Any:
    if mp.isnan(probs) or not 0 <= probs <= 1:
        return mp.nan

    def term(factor: Any, p: Any) -> Any:
        if factor == 0:
            return mpf(0)
        log = mp.log(p) if p > 0 else -mp.inf
        return -factor * (log if log_clamp is None else max(log, log_clamp))

    return term(target, probs) + term(1 - target, 1 - probs)


@evidence(
    "binary_cross_entropy_with_logits",
    case("ordinary", uniform(30, 6), uniform(31, 6, low=0.1, high=0.9)),
    case("hard targets", uniform(32, 6, low=-8, high=8), bits(33, 6)),
    case("a target for all", uniform(34, 4), 1.0),
    case("logits of 0", [0.0, 0.0, 0.0, -0.0, -0.0], [0.0, 1.0, 0.5, 0.0, 1.0]),
    case("logits of 0, positive weight", [0.0, 0.0, 0.0], [0.0, 1.0, 0.5], pos_weight=3.0),
    case("close to 0", [2.0**-14, -(2.0**-14), 2.0**-30, -(2.0**-100)], [0.0, 0.0, 1.0, 1.0]),
    case("right", [-20.0, 20.0, -17.0, 17.0, -60.0], [0.0, 1.0, 0.0, 1.0, 0.0], strict=True),
    case("wrong", [20.0, -20.0, 88.0, -90.0], [0.0, 1.0, 0.0, 1.0], strict=True),
    case("wrong by 200", [200.0, -200.0, 200.0, -200.0], [0.0, 1.0, 0.5, 0.75], strict=True),
    case("huge", [2.0**14, -(2.0**14), 2.0**14, -(2.0**14), 2.0**14], [0.0, 0.0, 1.0, 1.0, 0.5]),
    case("beyond", [2.0**100, -(2.0**100), 2.0**100, -(2.0**100)], [0.0, 0.0, 1.0, 1.0]),
    case("infinite and right", [inf, -inf], [1.0, 0.0], gradient={"target": None}, tags=("inf",)),
    case("infinite and wrong", [inf, -inf, inf, -inf], [0.0, 1.0, 0.5, 0.25], tags=("inf",)),
    case("positive weight", uniform(35, 4), [1.0, 0.0, 0.5, 0.25], pos_weight=3.0),
    case(
        "positive weight of 0",
        [1.0, -2.0, inf, -inf],
        [1.0, 0.0, 1.0, 1.0],
        pos_weight=0.0,
        gradient={"target": None},
    ),
    case(
        "positive weights of classes",
        uniform(36, 2, 3),
        [[1.0, 0.0, 0.5], [0.0, 1.0, 1.0]],
        pos_weight=[1.0, 4.0, 0.5],
    ),
    case(
        "positive weights of rows",
        uniform(37, 2, 3),
        [[1.0, 0.0, 0.5], [0.0, 1.0, 1.0]],
        pos_weight=[[2.0], [0.25]],
    ),
    case(
        "positive weights of channels, of square images",
        uniform(38, 1, 2, 2, 2),
        1.0,
        pos_weight=[[[1.0]], [[64.0]]],
    ),
    case(
        "positive weights of columns, of square images", uniform(38, 1, 2, 2, 2), 1.0, pos_weight=[1.0, 64.0]
    ),
    case("dimensions of one", [[[0.5]], [[-2.0]]], [[[1.0]], [[0.25]]]),
    case(
        "tiny weights, mean", [0.5, -2.0], [1.0, 0.25], sample_weight=[2.0**-40, 2.0**-41], reduction="mean"
    ),
    case("positive weight, mean", [2.0, -1.0], [1.0, 0.0], pos_weight=np.asarray(3.0), reduction="mean"),
    case("target beyond 1", [0.5, -2.0], [1.5, -0.25]),
    case("NaN", [nan, 0.5, nan], [1.0, nan, 0.0]),
    case("weight 0 of an infinite item", [-inf, 0.5], [1.0, 1.0], sample_weight=[0.0, 1.0], reduction="mean"),
    case("worked: hard targets", [2.0, -1.0], [1.0, 0.0]),
    case("worked: hard targets, mean", [2.0, -1.0], [1.0, 0.0], reduction="mean"),
    case("worked: positive weight", [0.5], [0.3], pos_weight=2.0),
    peers={
        "torch": "torch.nn.functional.binary_cross_entropy_with_logits(logits, target)",
        "optax": "optax.losses.sigmoid_binary_cross_entropy(logits, target)",
        "keras": "keras.losses.binary_crossentropy(target, logits, from_logits=True)",
    },
)
def binary_cross_entropy_with_logits(logits: Any, target: Any, *, pos_weight: Any = 1) -> Any:
    if mp.isnan(logits) or mp.isnan(target):
        return mp.nan
    return pos_weight * target * mp.log(1 + mp.exp(-logits)) + (1 - target) * mp.log(1 + mp.exp(logits))


@evidence(
    "log_loss",
    case("ordinary", distributions(40, 6, 3), labels(41, 6, count=3)),
    case("two classes, without a class axis", uniform(42, 6, low=0.1, high=0.9), labels(43, 6, count=2)),
    case("rows that do not sum to 1", [[0.5, 0.5, 0.5], [0.125, 0.25, 0.125]], [0, 2]),
    case("clip, active", [[0.0, 1.0, 0.0], [2.0**-6, 0.5, 0.5], [0.0, 0.0, 1.0]], [0, 0, 2], eps=2.0**-4),
    case("clip, active, two classes", [0.0, 1.0, 2.0**-6, 0.0, 1.0], [1, 0, 1, 0, 1], eps=2.0**-4),
    case("kink: a probability of exactly eps", [0.25, 0.75, 0.25, 0.75], [1, 0, 0, 1], eps=0.25),
    case("clip as an array", [0.0, 1.0, 0.5], [1, 0, 1], eps=np.asarray(0.125)),
    case("certain and wrong, one clip for every dtype", [[0.0, 1.0], [1.0, 0.0]], [0, 1], eps=2.0**-126),
    case("as wrong as float32 can say", [2.0**-120, 2.0**-100, 1 - 2.0**-24], [1, 1, 0], eps=2.0**-126),
    case("small", [2.0**-10, 2.0**-10, 1 - 2.0**-10], [1, 0, 0], strict=True),
    case("very small", [2.0**-20, 2.0**-20, 1 - 2.0**-20], [1, 0, 0], strict=True),
    case("a finer clip", [2.0**-40, 1 - 2.0**-24], [1, 0], eps=2.0**-60),
    case("not a probability", [-0.5, 1.5, 0.5], [0, 0, 1], gradient={"probs": None}),
    case(
        "not a probability, with a class axis", [[-0.5, 1.5], [1.5, -0.5]], [0, 0], gradient={"probs": None}
    ),
    case("NaN", [nan, 0.5], [0, 1]),
    case("class weights", distributions(44, 5, 3), [0, 1, 2, 2, 0], class_weight=[1.0, 2.0, 0.5]),
    case(
        "class weights of which one is 0, mean",
        [[0.5, 0.25, 0.25], [0.0, nan, 0.5], [0.125, 0.375, 0.5]],
        [0, 1, 2],
        class_weight=[1.0, 0.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights, two classes, mean",
        [0.75, 0.25, 0.5],
        [1, 1, 0],
        class_weight=[0.5, 2.0],
        reduction="mean",
    ),
    case("an ignored label", distributions(45, 3, 3), [0, -100, 2], reduction="mean"),
    case("an ignored class", distributions(46, 4, 3), [0, 1, 2, 1], ignore_index=1, reduction="mean"),
    case("an ignored class, two classes", [0.75, 0.25, nan], [1, 1, 0], ignore_index=0, reduction="mean"),
    case("illegal labels", distributions(47, 4, 3), [0, -1, 3, 7], tags=("label",)),
    case("illegal labels, two classes", [0.5, 0.25, 0.75], [0, 2, -1], tags=("label",)),
    case("class axis first", np.moveaxis(np.asarray(distributions(48, 4, 3)), -1, 0), [0, 1, 2, 2], axis=0),
    case("worked: rows, mean", [[0.1, 0.9], [0.8, 0.2]], [1, 0], reduction="mean"),
    case("worked: two classes, mean", [0.9, 0.2], [1, 0], reduction="mean"),
    peers={"sklearn": "sklearn.metrics.log_loss(labels, probs)"},
)
def log_loss(
    probs: Any, labels: Any, *, eps: Any = 0, class_weight: Any = None, ignore_index: int = -100
) -> Any:
    rows = probs if isinstance(probs, list) else [1 - probs, probs]
    if labels == ignore_index:
        return None
    if not 0 <= labels < len(rows):
        return mp.nan
    w = mpf(1) if class_weight is None else mpf(class_weight[labels])
    if w == 0:
        return mpf(0), w
    p = rows[labels]
    if mp.isnan(p) or not 0 <= p <= 1:
        return mp.nan
    return -w * mp.log(min(max(p, eps), 1 - eps)), w
