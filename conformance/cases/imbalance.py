"""Evidence for the losses against imbalance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, distributions, evidence, labels, one_hot, uniform

inf, nan = math.inf, math.nan
FAR = mpf(10) ** 39  # beyond this a number stands for infinity
Z = uniform(41, 8)
HARD = bits(42, 8)
SOFT = uniform(43, 8, low=0, high=1)
BOTH = [1.0, 0.0]
UNSURE = {"target": None}  # its slope is a matter of how far the limit is taken


@evidence(
    "sigmoid_focal_loss",
    case("ordinary", Z, HARD),
    case("soft target", Z, SOFT),
    case("soft target, two dimensions", uniform(44, 2, 3), uniform(45, 2, 3, low=0, high=1)),
    case("one number for target", Z, 1.0),
    case("worked: positive and negative", [2.0, 2.0], BOTH),
    case("worked: without alpha", [2.0, 2.0], BOTH, alpha=None),
    *(case(f"alpha {alpha}", Z, HARD, alpha=alpha) for alpha in (0.0, 0.75, 1.0)),
    *(case(f"gamma {gamma}", Z, HARD, gamma=gamma) for gamma in (0.0, 0.5, 1.0, 1.5, 2.5, 5.0)),
    *(case(f"gamma {gamma}, soft target", Z, SOFT, gamma=gamma) for gamma in (0.0, 0.5, 1.0, 3.0)),
    case("alpha and gamma as arrays", Z, HARD, alpha=np.asarray(0.75), gamma=np.asarray(1.5)),
    case("gamma of 0 as an array", Z, SOFT, gamma=np.asarray(0.0)),
    case("gamma 0 without alpha: binary cross entropy", Z, HARD, alpha=None, gamma=0.0),
    # Fresh networks emit zeros, where a softplus of two kinks has the wrong slope.
    *(
        case(f"logits of 0, gamma {gamma}", [0.0, 0.0, 0.0], [0.0, 0.5, 1.0], gamma=gamma)
        for gamma in (0.0, 0.5, 2.0)
    ),
    *(
        case(f"confident, gamma {gamma}", [20.0, -20.0] * 2, [*BOTH, 0.0, 1.0], gamma=gamma)
        for gamma in (0.0, 0.5, 2.0)
    ),
    *(
        case(
            f"saturated at {size}, gamma {gamma}",
            [size, -size] * 2,
            [*BOTH, 0.0, 1.0],
            gamma=gamma,
            gradient=UNSURE,
        )
        for size in (40.0, 90.0, 200.0, 8192.0)
        for gamma in (0.0, 0.5, 1.0, 2.0, 5.0)
    ),
    case("saturated, soft target", [90.0, -90.0, 8192.0, -8192.0], [0.5, 0.25, 0.75, 0.5], gamma=0.5),
    *(
        case(
            f"infinite logits, gamma {gamma}",
            [math.inf, -math.inf] * 3,
            [*BOTH, 0.0, 1.0, 0.5, 0.5],
            gamma=gamma,
            gradient=UNSURE,
            tags=("inf",),
        )
        for gamma in (0.0, 0.5, 2.0)
    ),
    case(
        "a label of weight 0 and infinite cost",
        [math.inf, -math.inf],
        [0.0, 1.0],
        alpha=1.0,
        value=[0.0, math.inf],
        gradient=UNSURE | {"logits": [0.0, 0.5]},
        tags=("inf",),
    ),
    case("tiny logits", [2.0**-60, -(2.0**-60)], BOTH),
    case(
        "NaN in a live item", [math.nan, 1.0, 1.0], [1.0, math.nan, 1.0], gradient=UNSURE | {"logits": None}
    ),
    case("sum over the number of positives", Z, HARD, reduction="mean", normalizer=float(sum(HARD))),
    peers={
        "torchvision": "torchvision.ops.sigmoid_focal_loss("
        "logits, target, alpha=-1 if alpha is None else alpha, gamma=gamma)",
        "optax": "optax.losses.sigmoid_focal_loss(logits, target, alpha=alpha, gamma=gamma)",
    },
)
def sigmoid_focal_loss(z: Any, y: Any, *, alpha: Any = 0.25, gamma: Any = 2) -> Any:
    if mp.isnan(z) or mp.isnan(y):
        return mp.nan
    p, not_p = 1 / (1 + mp.exp(-z)), 1 / (1 + mp.exp(z))
    entropy = y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z))
    wrong = y * not_p + (1 - y) * p
    weight = 1 if alpha is None else y * alpha + (1 - y) * (1 - alpha)
    return weight * wrong**gamma * entropy


LOGITS, LABELS = uniform(46, 5, 4), labels(47, 5, count=4)
ROWS = distributions(48, 5, 4)
ALPHA = [0.25, 1.0, 0.5, 2.0]
TAKEN = {"logits": None, "target": None}


@evidence(
    "softmax_focal_loss",
    case("ordinary", LOGITS, LABELS),
    case("probabilities", LOGITS, ROWS),
    case("one-hot rows", LOGITS, one_hot(LABELS, 4)),
    case("worked", [[2.0, 0.5, -1.0]], [0]),
    *(case(f"gamma {gamma}", LOGITS, LABELS, gamma=gamma) for gamma in (0.0, 0.5, 1.0, 1.5, 3.0, 5.0)),
    *(case(f"gamma {gamma}, probabilities", LOGITS, ROWS, gamma=gamma) for gamma in (0.0, 0.5, 1.0, 3.0)),
    case("gamma as an array", LOGITS, LABELS, gamma=np.asarray(1.5)),
    case("gamma of 0 as an array", LOGITS, ROWS, gamma=np.asarray(0.0)),
    case("alpha", LOGITS, LABELS, alpha=ALPHA),
    case("alpha, probabilities", LOGITS, ROWS, alpha=ALPHA),
    case("alpha does not enter the mean", LOGITS, LABELS, alpha=ALPHA, reduction="mean"),
    case(
        "alpha of 0 and infinite cost",
        [[-inf, 1.0], [-inf, 1.0]],
        [0, 1],
        alpha=[0.0, 1.0],
        value=[0.0, 0.0],
        gradient={"logits": [[0.0, 0.0], [0.0, 0.0]]},
        tags=("inf",),
    ),
    case("class weights, mean", LOGITS, LABELS, class_weight=ALPHA, reduction="mean"),
    case("class weights and alpha, mean", LOGITS, LABELS, class_weight=ALPHA, alpha=ALPHA, reduction="mean"),
    case("class weights, probabilities, mean", LOGITS, ROWS, class_weight=ALPHA, reduction="mean"),
    case(
        "class weights of which one is 0, mean",
        [[0.5, 1.0], [nan, 1.0], [0.25, 2.0]],
        [0, 1, 0],
        class_weight=[1.0, 0.0],
        reduction="mean",
    ),
    case("two classes", [[0.5, -0.25], [0.0, 3.0]], [0, 1]),
    case("a single class", [[0.5], [-3.0]], [0, 0]),
    case("a single class, gamma 0.5, probabilities", [[0.5], [-3.0]], [[1.0], [0.5]], gamma=0.5),
    case("ties", [[0.0, 0.0], [0.5, 0.5], [0.0, 0.0]], [0, 1, 1]),
    *(
        case(f"{name}, gamma {gamma}", rows, [1, 0, 1], gamma=gamma)
        for name, rows in (
            ("confident", [[0.0, 17.0, 1.0], [20.0, 0.0, 0.0], [30.0, 0.0, -1.0]]),
            ("saturated", [[0.0, 90.0, 1.0], [200.0, 0.0, 0.0], [90.0, 0.0, -1.0]]),
            ("huge", [[0.0, 8192.0, 1.0], [8192.0, 0.0, 0.0], [8192.0, 0.0, -1.0]]),
        )
        for gamma in (0.0, 0.5, 1.0, 2.0, 5.0)
    ),
    *(
        case(
            f"confident, probabilities, gamma {gamma}",
            [[0.0, 17.0, 1.0], [20.0, 0.0, 0.0], [90.0, 0.0, -1.0]],
            [[0.0, 1.0, 0.0], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]],
            gamma=gamma,
        )
        for gamma in (0.0, 0.5, 2.0)
    ),
    case("large offset", [[1e7, 1e7 + 10]], [1]),
    case("-inf, not at the label", [[-inf, 2.0, 1.0], [1.0, -inf, -inf]], [1, 0], tags=("inf",)),
    case(
        "-inf, where the target is 0",
        [[-inf, 2.0, 1.0]],
        [[0.0, 0.25, 0.75]],
        gradient={"target": None},
        tags=("inf",),
    ),
    *(
        case(f"-inf at the label, gamma {gamma}", [[-inf, 2.0, 1.0]], [0], gamma=gamma, tags=("inf",))
        for gamma in (0.0, 0.5, 2.0)
    ),
    case(
        "inf, and all -inf", [[inf, 1.0], [-inf, -inf], [1.0, 0.5]], [0, 0, 0], gradient=TAKEN, tags=("inf",)
    ),
    case("NaN", [[nan, 1.0], [0.5, 0.25]], [1, 0], gradient=TAKEN),
    case("an ignored label", [[1.0, 2.0], [nan, inf], [0.5, 3.0]], [0, -100, 1], reduction="mean"),
    case("an ignored class", LOGITS, LABELS, ignore_index=2, reduction="mean"),
    case("illegal labels", uniform(49, 4, 3), [0, -1, 3, 7], tags=("label",)),
    case("class axis in the middle", uniform(50, 2, 3, 2), [[0, 1], [2, 2]], axis=1),
    peers={
        "keras": "keras.losses.categorical_focal_crossentropy("
        "target, logits, alpha=alpha, gamma=gamma, from_logits=True)",
    },
)
def softmax_focal_loss(
    z: Any,
    target: Any,
    *,
    alpha: Any = None,
    gamma: Any = 2,
    class_weight: Any = None,
    ignore_index: int = -100,
) -> Any:
    count = range(len(z))
    if not isinstance(target, list):
        if target == ignore_index:
            return None
        if target not in count:
            return mp.nan
        target = [mpf(c == target) for c in count]
    w = class_weight or [mpf(1)] * len(z)
    mass = mp.fsum(w[c] * target[c] for c in count) if class_weight else mpf(1)
    if mass == 0:
        return mpf(0), mass
    if any(mp.isnan(x) or x > FAR for x in z) or all(x < -FAR for x in z):
        return mp.nan
    e = [mp.exp(x) for x in z]
    value = mpf(0)
    for c in count:
        if target[c] != 0:
            factor = w[c] * target[c] * (1 if alpha is None else alpha[c])
            wrong = mp.fsum(e[:c] + e[c + 1 :]) / mp.fsum(e)
            value -= factor * wrong**gamma * mp.log(e[c] / mp.fsum(e))
    return value, mass


ASYMMETRIC = [20.0, -20.0, 90.0, -90.0, 8192.0, -8192.0]


@evidence(
    "asymmetric_loss",
    case("ordinary", Z, HARD),
    case("worked", [2.0, -1.0, -4.0], [1.0, 0.0, 0.0]),
    case("soft target", Z, SOFT),
    case("one number for target", Z, 0.0),
    case("nothing clipped", Z, SOFT, clip=0.0),
    case("nothing clipped, as an array", Z, SOFT, clip=np.asarray(0.0)),
    case("binary cross entropy", Z, SOFT, clip=0.0, gamma_neg=0.0, gamma_pos=0.0),
    case("cross entropy of what is clipped", Z, SOFT, clip=0.25, gamma_neg=0.0, gamma_pos=0.0),
    case("everything clipped", Z, HARD, clip=1.0),
    *(
        case(f"gammas {m} and {n}", Z, HARD, gamma_neg=m, gamma_pos=n)
        for m, n in ((0.5, 0.0), (1.0, 0.5), (2.5, 2.0))
    ),
    case(
        "options as arrays",
        Z,
        HARD,
        gamma_neg=np.asarray(2.0),
        gamma_pos=np.asarray(0.0),
        clip=np.asarray(0.125),
    ),
    case("weights held", Z, SOFT, detach_weight=True),
    case("weights held, nothing clipped", Z, SOFT, detach_weight=True, clip=0.0),
    *(
        case(
            f"kink: a probability at the clip, gamma {gamma}",
            [0.0],
            [0.0],
            clip=0.5,
            gamma_neg=gamma,
            tags=("kink",),
        )
        for gamma in (0.0, 0.5, 4.0)
    ),
    case("logits of 0", [0.0, 0.0], BOTH, clip=0.0, gamma_neg=0.0, gamma_pos=0.0),
    *(
        case(
            f"saturated, label {y}, clip {clip}, gamma {gamma}",
            ASYMMETRIC,
            y,
            clip=clip,
            gamma_neg=gamma,
            gamma_pos=gamma,
            gradient=UNSURE,
        )
        for y in (0.0, 1.0)
        for clip in (0.0, 0.0625)
        for gamma in (0.0, 0.5, 4.0)
    ),
    *(
        case(
            f"infinite logits, clip {clip}",
            [inf, -inf] * 3,
            [*BOTH, 0.0, 1.0, 0.5, 0.5],
            clip=clip,
            gradient=UNSURE,
            tags=("inf",),
        )
        for clip in (0.0, 0.0625)
    ),
    case("NaN in a live item", [nan, 1.0, 1.0], [1.0, nan, 1.0], gradient=UNSURE | {"logits": None}),
    peers={"timm": "timm.loss.AsymmetricLossMultiLabel(gamma_neg, gamma_pos, clip)(logits, target)"},
)
def asymmetric_loss(
    z: Any,
    y: Any,
    *,
    at: list[Any],
    gamma_neg: Any = 4,
    gamma_pos: Any = 1,
    clip: Any = None,
    detach_weight: bool = False,
) -> Any:
    if mp.isnan(z) or mp.isnan(y):
        return mp.nan
    clip = mpf(0.05) if clip is None else clip
    held = at[0] if detach_weight else z
    not_p = 1 / (1 + mp.exp(held))
    value = mpf(0)
    if y != 0:
        value += y * not_p**gamma_pos * mp.log1p(mp.exp(-z))
    if y != 1 and 1 / (1 + mp.exp(-z)) > clip:
        shifted = 1 / (1 + mp.exp(-held)) - clip
        value -= (1 - y) * shifted**gamma_neg * mp.log(1 / (1 + mp.exp(z)) + clip)
    return value
