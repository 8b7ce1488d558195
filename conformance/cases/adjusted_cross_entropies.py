"""Evidence for cross-entropies with smoothed labels, and with a first power added."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mpf

from ..case import case, distributions, evidence, labels, one_hot, uniform
from .multiclass import Y, Z, inf, nan, softmax_cross_entropy


@evidence(
    "label_smoothed_cross_entropy",
    case("ordinary", uniform(110, 5, 4), labels(111, 5, count=4), smoothing=0.125),
    case("probabilities", uniform(112, 3, 4), distributions(113, 3, 4), smoothing=0.125),
    case("the default", uniform(114, 2, 3), [0, 2]),
    case("no smoothing", [[0.0, 17.0], [0.5, 0.25]], [1, 0], smoothing=0.0, strict=True),
    case("smoothing of 1", uniform(115, 2, 3), [0, 2], smoothing=1.0),
    case("smoothing as an array", uniform(116, 2, 3), [0, 2], smoothing=np.asarray(0.25)),
    case("the others only", uniform(117, 3, 4), [0, 3, 1], smoothing=0.25, smooth_true_class=False),
    case(
        "the others only, smoothing of 1", uniform(118, 2, 3), [0, 2], smoothing=1.0, smooth_true_class=False
    ),
    case(
        "the others only, probabilities",
        uniform(119, 3, 4),
        distributions(120, 3, 4),
        smoothing=0.25,
        smooth_true_class=False,
    ),
    case(
        "the others only, one-hot rows",
        uniform(117, 3, 4),
        one_hot([0, 3, 1], 4),
        smoothing=0.25,
        smooth_true_class=False,
    ),
    case("the others only, a single class", [[0.5]], [0], smoothing=0.25, smooth_true_class=False),
    case(
        "the others only, -inf",
        [[-inf, 2.0, 1.0], [0.5, -inf, -inf]],
        [1, 0],
        smoothing=0.25,
        smooth_true_class=False,
        tags=("inf",),
    ),
    case("-inf", [[-inf, 2.0, 1.0], [0.5, -inf, -inf]], [1, 0], smoothing=0.25, tags=("inf",)),
    case("-inf at the label", [[-inf, 2.0, 1.0]], [0], smoothing=0.25, tags=("inf",)),
    case(
        "possible classes", uniform(121, 2, 4), [0, 2], smoothing=0.25, class_mask=[True, False, True, True]
    ),
    case(
        "possible classes, the others only",
        uniform(122, 2, 4),
        [0, 2],
        smoothing=0.25,
        smooth_true_class=False,
        class_mask=[True, False, True, True],
    ),
    case(
        "class weights, mean",
        uniform(123, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.5],
        smoothing=0.25,
        reduction="mean",
    ),
    case(
        "class weights, the others only, mean",
        uniform(124, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.0],
        smoothing=0.25,
        smooth_true_class=False,
        reduction="mean",
    ),
    case(
        "class weights of which one is 0",
        [[-inf, 2.0, 1.0], [0.5, 0.25, -1.0]],
        [0, 0],
        class_weight=[0.0, 1.0, 2.0],
        smoothing=0.25,
        tags=("inf",),
    ),
    case("huge", [[2.0**14, 0.0, -(2.0**14)]] * 2, [0, 2], smoothing=0.25),
    case("ties", [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], [0, 2], smoothing=0.25),
    case(
        "an ignored label",
        [[1.0, 2.0], [nan, inf], [0.5, 0.0]],
        [0, -100, 1],
        smoothing=0.25,
        reduction="mean",
    ),
    case(
        "an ignored class", uniform(125, 4, 3), [0, 1, 2, 1], ignore_index=1, smoothing=0.25, reduction="mean"
    ),
    case("illegal labels", uniform(126, 4, 3), [0, -1, 3, 7], smoothing=0.25, tags=("label",)),
    case("class axis in the middle", uniform(127, 2, 3, 2), [[0, 1], [2, 2]], axis=1, smoothing=0.25),
    case("NaN", [[nan, 1000.0, 0.0], [0.5, 0.25, 0.0]], [1, 0], smoothing=0.25),
    case("worked: labels", Z, Y),
    case("worked: labels, mean", Z, Y, reduction="mean"),
    case("worked: the others only, mean", Z, Y, smooth_true_class=False, reduction="mean"),
    peers={"torch": "torch.nn.functional.cross_entropy(logits, target, label_smoothing=smoothing)"},
)
def label_smoothed_cross_entropy(logits: Any, target: Any, *, smoothing: Any = None, **options: Any) -> Any:
    smoothing = mpf(0.1) if smoothing is None else smoothing
    return softmax_cross_entropy(logits, target, smoothing=smoothing, **options)


@evidence(
    "poly1_cross_entropy",
    case("ordinary", uniform(130, 5, 4), labels(131, 5, count=4)),
    case("probabilities", uniform(132, 3, 4), distributions(133, 3, 4)),
    case("one-hot rows", uniform(130, 5, 4), one_hot(labels(131, 5, count=4), 4)),
    case("epsilon of 0", [[0.0, 17.0], [0.5, 0.25]], [1, 0], epsilon=0.0, strict=True),
    case("epsilon of -1", uniform(134, 3, 3), [0, 2, 1], epsilon=-1.0),
    case("epsilon of -2, a negative loss", [[2.0, 1.5, -1.0]], [0], epsilon=-2.0),
    case("epsilon as an array", uniform(135, 2, 3), [0, 2], epsilon=np.asarray(1.5)),
    case("right", [[0.0, 17.0], [20.0, 0.0]], [1, 0], strict=True),
    case("right, one-hot", [[0.0, 17.0], [20.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]),
    case("wrong", [[0.0, 17.0], [60.0, 0.0]], [0, 1]),
    case("ties", [[0.0, 0.0], [0.5, 0.5]], [0, 1]),
    case("ties, probabilities", [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], [[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]]),
    case("large offset", [[1e7, 1e7 + 10]], [1], strict=True),
    case("huge", [[2.0**14, 0.0, -(2.0**14)]] * 3, [0, 1, 2]),
    case("-inf, not at the label", [[-inf, 2.0, 1.0]], [1], tags=("inf",)),
    case(
        "-inf, where the target is 0",
        [[-inf, 2.0, 1.0]],
        [[0.0, 0.25, 0.75]],
        gradient={"target": None},
        tags=("inf",),
    ),
    case("-inf at the label", [[-inf, 2.0, 1.0]], [0], tags=("inf",)),
    case("possible classes", uniform(136, 2, 4), [0, 2], class_mask=[True, False, True, True]),
    case("smoothing", uniform(137, 3, 4), [0, 2, 3], label_smoothing=0.25),
    case("smoothing of probabilities", uniform(138, 3, 4), distributions(139, 3, 4), label_smoothing=0.25),
    case(
        "class weights, mean", uniform(140, 3, 3), [0, 2, 1], class_weight=[1.0, 2.0, 0.5], reduction="mean"
    ),
    case(
        "class weights, smoothing, mean",
        uniform(141, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.5],
        label_smoothing=0.25,
        reduction="mean",
    ),
    case(
        "class weights, probabilities, mean",
        uniform(142, 3, 3),
        distributions(143, 3, 3),
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights of which one is 0",
        [[-inf, 2.0, 1.0], [nan, 1.0, 0.0], [0.5, 0.25, 0.0]],
        [0, 0, 1],
        class_weight=[0.0, 1.0, 2.0],
        tags=("inf",),
    ),
    case("an ignored label", [[1.0, 2.0], [nan, inf], [0.5, 0.0]], [0, -100, 1], reduction="mean"),
    case("an ignored class", uniform(144, 4, 3), [0, 1, 2, 1], ignore_index=1, reduction="mean"),
    case("illegal labels", uniform(145, 4, 3), [0, -1, 3, 7], tags=("label",)),
    case("class axis in the middle", uniform(146, 2, 3, 2), [[0, 1], [2, 2]], axis=1),
    case("NaN", [[nan, 1000.0, 0.0], [0.5, 0.25, 0.0]], [1, 0]),
    case("worked: epsilon of 1", Z[:1], Y[:1], epsilon=1.0),
    case("worked: epsilon of 2", Z[:1], Y[:1]),
    peers={"optax": "optax.losses.poly_loss_cross_entropy(logits, target, epsilon=epsilon)"},
)
def poly1_cross_entropy(
    logits: Any, target: Any, *, epsilon: Any = 2, label_smoothing: Any = 0, **options: Any
) -> Any:
    return softmax_cross_entropy(logits, target, smoothing=label_smoothing, epsilon=epsilon, **options)
