"""Evidence for the losses against imbalance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp

from ..case import bits, case, evidence, uniform

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
