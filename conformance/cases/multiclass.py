"""Evidence for the cross-entropies of one class out of several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, distributions, evidence, labels, one_hot, uniform

inf, nan = math.inf, math.nan
FAR = mpf(10) ** 39  # beyond this a number stands for infinity


@evidence(
    "nll_loss",
    case("ordinary", uniform(50, 6, 3, low=-6, high=-0.1), labels(51, 6, count=3)),
    case("certain", [[0.0, -inf, -inf], [-inf, -inf, 0.0]], [0, 2], tags=("inf",)),
    case("impossible", [[-inf, -1.0, -2.0]], [0], gradient={"log_probs": None}, tags=("inf",)),
    case("NaN", [[-1.0, nan, -2.0], [-1.0, nan, -2.0]], [0, 1], gradient={"log_probs": None}),
    case(
        "class weights", uniform(52, 5, 3, low=-6, high=-0.1), [0, 1, 2, 2, 0], class_weight=[1.0, 2.0, 0.5]
    ),
    case(
        "class weights, mean",
        uniform(53, 5, 3, low=-6, high=-0.1),
        [0, 1, 2, 2, 0],
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights of which one is 0, mean",
        [[-0.5, -1.0, -2.0], [-1.0, -inf, -2.0], [-1.0, nan, -2.0], [-3.0, -1.0, -0.5]],
        [0, 1, 1, 2],
        class_weight=[1.0, 0.0, 0.5],
        reduction="mean",
    ),
    case("possible classes", uniform(54, 3, 3, low=-6, high=-0.1), [0, 2, 0], class_mask=[True, False, True]),
    case(
        "an impossible label",
        [[-0.5, -1.0], [-0.25, -2.0]],
        [0, 1],
        class_mask=[[True, False], [True, False]],
        gradient={"log_probs": None},
        tags=("inf",),
    ),
    case("an ignored label", [[-1.0, -2.0], [nan, inf], [-0.5, -3.0]], [0, -100, 1], reduction="mean"),
    case(
        "an ignored class",
        uniform(55, 4, 3, low=-6, high=-0.1),
        [0, 1, 2, 1],
        ignore_index=1,
        reduction="mean",
    ),
    case("illegal labels", uniform(56, 4, 3, low=-6, high=-0.1), [0, -1, 3, 7], tags=("label",)),
    case("class axis in the middle", uniform(57, 2, 3, 2, low=-6, high=-0.1), [[0, 1], [2, 2]], axis=1),
    case("not a log-probability", [[0.5, 1.0]], [0]),
    peers={
        "torch": "torch.nn.functional.nll_loss(log_probs, labels, weight=class_weight)",
    },
)
def nll_loss(
    log_probs: Any, labels: Any, *, class_weight: Any = None, class_mask: Any = None, ignore_index: int = -100
) -> Any:
    if labels == ignore_index:
        return None
    if not 0 <= labels < len(log_probs):
        return mp.nan
    w = mpf(1) if class_weight is None else mpf(class_weight[labels])
    if w == 0:
        return mpf(0), w
    return (mp.inf if class_mask and not class_mask[labels] else -w * log_probs[labels]), w


def softmax_cross_entropy(
    logits: Any,
    target: Any,
    *,
    class_weight: Any = None,
    class_mask: Any = None,
    ignore_index: int | None = -100,
    smoothing: Any = 0,
    smooth_true_class: bool = True,
    epsilon: Any = 0,
) -> Any:
    """-Σ w q' ln p + ϵ Σ w q (1 - p), by hand: probabilities first, then their logarithms."""
    count = range(len(logits))
    if not isinstance(target, list):
        if target == ignore_index:
            return None
        if target not in count:
            return mp.nan
        target = [mpf(c == target) for c in count]
    possible = [(class_mask is None or class_mask[c]) and logits[c] > -FAR for c in count]
    n = sum(possible)
    smoothed = [(1 - smoothing) * q for q in target]
    if smoothing != 0:
        for c in count:
            if possible[c] and smooth_true_class:
                smoothed[c] += smoothing / n
            elif possible[c] and n > 1:
                smoothed[c] += smoothing * (1 - target[c]) / (n - 1)
    w = [mpf(1) for _ in count] if class_weight is None else class_weight
    mass = mpf(1) if class_weight is None else sum(w[c] * smoothed[c] for c in count)
    if mass == 0:
        return mpf(0), mass
    live = [logits[c] for c in count if class_mask is None or class_mask[c]]
    if n == 0 or any(mp.isnan(z) or z > FAR for z in live):
        return mp.nan
    total = sum(mp.exp(logits[c]) for c in count if possible[c])
    value = mpf(0)
    for c in count:
        p = mp.exp(logits[c]) / total if possible[c] else mpf(0)
        if w[c] * smoothed[c] != 0:
            value -= w[c] * smoothed[c] * (mp.log(p) if possible[c] else -mp.inf)
        value += epsilon * w[c] * target[c] * (1 - p)
    return value, mass


Z, Y = [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]], [0, 2]
ROWS = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
TAKEN = {"logits": None, "target": None}


@evidence(
    "cross_entropy",
    case("ordinary", uniform(60, 5, 4), labels(61, 5, count=4)),
    case("probabilities", uniform(62, 4, 4), distributions(63, 4, 4)),
    case("one-hot rows", uniform(60, 5, 4), one_hot(labels(61, 5, count=4), 4)),
    case("probabilities that do not sum to 1", uniform(64, 2, 3), [[0.5, 0.5, 0.5], [0.0, 0.25, 0.0]]),
    case("probabilities of 0", uniform(65, 1, 3), [[0.0, 0.0, 0.0]]),
    case("two classes", [[0.5, -0.25], [0.0, 3.0]], [0, 1]),
    case("a single class", [[0.5], [-3.0]], [0, 0]),
    case("a single class, probabilities", [[0.5], [-3.0]], [[1.0], [0.5]]),
    case("many classes, alike", [[0.0] * 40], [5]),
    case("many classes, alike, probabilities", [[0.0] * 40], one_hot([5], 40)),
    case("one item without a batch", [0.5, -0.25, 1.0], np.asarray(2)),
    # Precision
    case("65 536 classes, alike", np.zeros((2**16, 1)), [7], axis=0, gradient={"logits": None}, strict=True),
    case(
        "65 536 classes, every second one at -inf",
        np.asarray([[0.0], [-inf]] * 2**15),
        [2**15],
        axis=0,
        gradient={"logits": None},
        strict=True,
    ),
    case("right", [[0.0, 17.0], [20.0, 0.0], [0.0, 60.0]], [1, 0, 1], strict=True),
    case("right, three classes", [[0.0, 17.0, 1.0], [0.0, 0.0, 24.0]], [1, 2]),
    case("right, one-hot", [[0.0, 17.0], [20.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]),
    case("wrong", [[0.0, 17.0], [60.0, 0.0]], [0, 1], strict=True),
    case("ties", [[0.0, 0.0], [0.5, 0.5], [0.0, 0.0]], [0, 1, 1], strict=True),
    case("ties of three", [[1.0, 1.0, 1.0, -2.0], [1.0, 1.0, -2.0, 1.0]], [1, 2]),
    case(
        "ties, probabilities",
        [[1.0, 1.0, 1.0, -2.0], [0.0, 0.0, 0.0, 0.0]],
        [[0.25, 0.5, 0.25, 0.0], [0.0, 0.0, 1.0, 0.0]],
    ),
    *(
        case(
            f"logits from {offset:g}",
            [[offset, offset + 5, offset + 1], [offset + 8, offset, offset]],
            [1, 1],
        )
        for offset in (2.0**7, 2.0**13, 2.0**20, -(2.0**23))
    ),
    case("large offset", [[1e7, 1e7 + 10]], [1], strict=True),
    case(
        "large offset, three classes",
        [[2.0**20, 2.0**20 + 8, 2.0**20 + 1], [-(2.0**20), -(2.0**20) - 8, -(2.0**20)]],
        [1, 0],
        strict=True,
    ),
    case("large offset, probabilities", [[1e7, 1e7 + 10]], [[0.0, 1.0]]),
    case("huge", [[2.0**14, 0.0, -(2.0**14)]] * 3, [0, 1, 2]),
    case(
        "huge, probabilities",
        [[2.0**12, 0.0, -(2.0**12)]] * 3,
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]],
    ),
    case("beyond", [[2.0**100, 0.0, -(2.0**100)]] * 3, [0, 1, 2]),
    # Impossible classes
    case("-inf, not at the label", [[-inf, 2.0, 1.0], [1.0, -inf, -inf]], [1, 0], tags=("inf",)),
    case(
        "-inf, where the target is 0",
        [[-inf, 2.0, 1.0], [-inf, 2.0, 1.0]],
        [[0.0, 1.0, 0.0], [0.0, 0.25, 0.75]],
        gradient={"target": None},
        tags=("inf",),
    ),
    case("-inf at the label", [[-inf, 2.0, 1.0]], [0], tags=("inf",)),
    case("-inf, where the target is not 0", [[-inf, 2.0, 1.0]], [[0.5, 0.5, 0.0]], tags=("inf",)),
    case("all -inf", [[-inf, -inf], [1.0, 0.5]], [0, 1], gradient=TAKEN, tags=("inf",)),
    case(
        "all -inf, probabilities",
        [[-inf, -inf], [1.0, 0.5]],
        [[1.0, 0.0], [0.5, 0.5]],
        gradient=TAKEN,
        tags=("inf",),
    ),
    case(
        "inf",
        [[inf, 1.0], [inf, 1.0], [inf, inf], [inf, -inf], [1.0, 0.5]],
        [0, 1, 0, 0, 0],
        gradient=TAKEN,
        tags=("inf",),
    ),
    case(
        "inf, probabilities",
        [[inf, 1.0], [1.0, 0.5]],
        [[1.0, 0.0], [0.5, 0.5]],
        gradient=TAKEN,
        tags=("inf",),
    ),
    case("NaN", [[nan, 1000.0, 0.0], [0.5, 0.25, 0.0]], [1, 0]),
    case(
        "NaN, probabilities", [[nan, 1000.0], [0.5, 0.25], [0.5, 0.25]], [[1.0, 0.0], [nan, 0.0], [0.5, 0.5]]
    ),
    case("possible classes", uniform(66, 3, 4), [0, 2, 3], class_mask=[True, False, True, True]),
    case(
        "possible classes of every row",
        [[nan, 1.0, 0.5], [0.5, 1.0, -inf]],
        [1, 0],
        class_mask=[[False, True, True], [True, True, False]],
    ),
    case(
        "possible classes, probabilities",
        uniform(67, 2, 3),
        [[0.5, 0.0, 0.5], [1.0, 0.0, 0.0]],
        class_mask=[True, False, True],
        gradient={"target": None},
    ),
    case("an impossible label", uniform(68, 2, 3), [1, 0], class_mask=[True, False, True], tags=("inf",)),
    # Smoothing
    case("smoothing", uniform(69, 4, 4), [0, 3, 1, 1], label_smoothing=0.25),
    case("smoothing of probabilities", uniform(70, 3, 4), distributions(71, 3, 4), label_smoothing=0.25),
    case("smoothing of 1", uniform(72, 2, 3), [0, 2], label_smoothing=1.0),
    case("smoothing as an array", uniform(73, 2, 3), [0, 2], label_smoothing=np.asarray(0.125)),
    case("smoothing as an array of 0", uniform(74, 2, 3), [0, 2], label_smoothing=np.asarray(0.0)),
    case(
        "smoothing, -inf", [[-inf, 2.0, 1.0], [0.5, -inf, -inf]], [1, 0], label_smoothing=0.25, tags=("inf",)
    ),
    case(
        "smoothing, possible classes",
        uniform(75, 2, 4),
        [0, 2],
        label_smoothing=0.25,
        class_mask=[True, False, True, True],
    ),
    case("smoothing, huge", [[2.0**14, 0.0, -(2.0**14)]] * 2, [0, 2], label_smoothing=0.25),
    case(
        "class weights, smoothing, an ignored label, mean",
        [[1.0, 2.0, 0.5], [2.0**100, nan, -inf], [0.5, 0.0, -1.0]],
        [0, -100, 1],
        class_weight=[1.0, 2.0, 0.5],
        label_smoothing=0.25,
        reduction="mean",
    ),
    case(
        "smoothing, an ignored label",
        [[1.0, 2.0], [nan, inf], [0.5, 0.0]],
        [0, -100, 1],
        label_smoothing=0.25,
        reduction="mean",
    ),
    # Weights of classes
    case("class weights", uniform(76, 4, 3), [0, 1, 2, 1], class_weight=[1.0, 2.0, 0.5]),
    case(
        "class weights, mean", uniform(76, 4, 3), [0, 1, 2, 1], class_weight=[1.0, 2.0, 0.5], reduction="mean"
    ),
    case(
        "class weights, one-hot rows, mean",
        uniform(76, 4, 3),
        one_hot([0, 1, 2, 1], 3),
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights, probabilities, mean",
        uniform(77, 3, 3),
        distributions(78, 3, 3),
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
    ),
    case(
        "class weights, smoothing, mean",
        uniform(79, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.5],
        label_smoothing=0.25,
        reduction="mean",
    ),
    case(
        "class weights, smoothing of probabilities, mean",
        uniform(80, 3, 3),
        distributions(81, 3, 3),
        class_weight=[1.0, 2.0, 0.5],
        label_smoothing=0.25,
        reduction="mean",
    ),
    case(
        "class weights of which one is 0, mean",
        [[-inf, 2.0, 1.0], [nan, 1.0, 0.0], [0.5, 0.25, -1.0], [inf, 0.0, 0.0]],
        [0, 0, 2, 0],
        class_weight=[0.0, 1.0, 2.0],
        reduction="mean",
        tags=("inf",),
    ),
    case(
        "class weights of which one is 0, probabilities",
        [[-inf, 2.0, 1.0], [nan, 1.0, 0.0], [0.5, 0.25, -1.0]],
        [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5]],
        class_weight=[0.0, 1.0, 2.0],
        gradient={"target": None},
        tags=("inf",),
    ),
    case(
        "class weights of 0, mean", uniform(82, 2, 3), [0, 1], class_weight=[0.0, 0.0, 0.0], reduction="mean"
    ),
    case(
        "class weights, sample weights, mean",
        uniform(83, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.5],
        sample_weight=[1.0, 0.5, 0.0],
        reduction="mean",
    ),
    case("class weights, sum", uniform(84, 3, 3), [0, 2, 1], class_weight=[1.0, 2.0, 0.5], reduction="sum"),
    case(
        "class weights, normalizer",
        uniform(85, 3, 3),
        [0, 2, 1],
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
        normalizer=4.0,
    ),
    case(
        "class weights, an ignored label, mean",
        uniform(86, 3, 3),
        [0, -100, 1],
        class_weight=[1.0, 2.0, 0.5],
        reduction="mean",
    ),
    case(
        "tiny weights, mean",
        uniform(102, 3, 3),
        [0, 1, 1],
        class_weight=[1.0, 2.0, 0.5],
        sample_weight=[2.0**-40, 2.0**-41, 2.0**-40],
        reduction="mean",
    ),
    case(
        "a weight of 0 of an infinite item, mean",
        [[-inf, 2.0], [0.5, 0.0]],
        [0, 1],
        sample_weight=[0.0, 1.0],
        reduction="mean",
    ),
    case(
        "class weights, an illegal label",
        uniform(87, 3, 3),
        [0, 3, 1],
        class_weight=[0.0, 2.0, 0.5],
        tags=("label",),
    ),
    case(
        "class weights, an illegal label, smoothing",
        uniform(88, 3, 3),
        [0, -1, 1],
        class_weight=[0.0, 2.0, 0.5],
        label_smoothing=0.25,
        tags=("label",),
    ),
    # Labels
    case("an ignored label", [[1.0, 2.0], [nan, inf], [0.5, 0.0]], [0, -100, 1], reduction="mean"),
    case("all labels ignored", uniform(89, 2, 3), [-100, -100], reduction="mean"),
    case("an ignored class", uniform(90, 4, 3), [0, 1, 2, 1], ignore_index=1, reduction="mean"),
    case("an ignored class of 255", uniform(91, 3, 3), [0, 255, 2], ignore_index=255, reduction="mean"),
    case("nothing ignored", uniform(92, 2, 3), [0, -100], ignore_index=None, tags=("label",)),
    case("illegal labels of two classes", [[1.0, 2.0]] * 5, [4, 5, 7, -2, 1], tags=("label",)),
    case(
        "nothing ignored: -100 is illegal", uniform(101, 2, 3), [0, -100], ignore_index=None, tags=("label",)
    ),
    case("illegal labels", uniform(93, 5, 3), [0, -1, 3, 4, 15], tags=("label",)),
    case("an illegal label, mean", uniform(94, 2, 3), [0, 3], reduction="mean", tags=("label",)),
    case(
        "an illegal label, masked, mean",
        uniform(95, 2, 3),
        [0, 3],
        where=[True, False],
        reduction="mean",
        tags=("label",),
    ),
    case("an illegal label, smoothing", uniform(96, 2, 3), [0, 3], label_smoothing=0.25, tags=("label",)),
    # Axes
    case("class axis in the middle", uniform(97, 2, 3, 2), [[0, 1], [2, 2]], axis=1),
    case("class axis first, probabilities", uniform(98, 3, 2), np.asarray(distributions(99, 2, 3)).T, axis=0),
    case(
        "class axis in the middle, square", uniform(100, 1, 2, 2), [[0, 1]], axis=1, class_weight=[1.0, 2.0]
    ),
    case(
        "class axis in the middle, mask of classes and of items",
        uniform(101, 1, 3, 2),
        [[0, 2]],
        axis=1,
        class_mask=[[[True, False], [False, True], [True, True]]],
        where=[[True, True]],
        label_smoothing=0.5,
    ),
    # Worked by hand
    case("worked: labels", Z, Y),
    case("worked: labels, mean", Z, Y, reduction="mean"),
    case("worked: class weights, mean", Z, Y, class_weight=[1.0, 2.0, 4.0], reduction="mean"),
    case("worked: an ignored label, mean", Z, [0, -100], reduction="mean"),
    case("worked: probabilities", Z[:1], ROWS[:1]),
    case(
        "worked: class weights, smoothing, mean",
        Z,
        Y,
        class_weight=[1.0, 2.0, 4.0],
        label_smoothing=0.1,
        reduction="mean",
    ),
    case(
        "worked: class weights, probabilities, mean", Z, ROWS, class_weight=[1.0, 2.0, 4.0], reduction="mean"
    ),
    peers={
        "torch": "torch.nn.functional.cross_entropy(logits, target, weight=class_weight)",
        "optax": "optax.losses.softmax_cross_entropy_with_integer_labels(logits, target)",
        "keras": "keras.losses.sparse_categorical_crossentropy(target, logits, from_logits=True)",
    },
)
def cross_entropy(logits: Any, target: Any, *, label_smoothing: Any = 0, **options: Any) -> Any:
    return softmax_cross_entropy(logits, target, smoothing=label_smoothing, **options)
