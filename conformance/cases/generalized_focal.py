"""Evidence for the generalized focal losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, evidence, uniform

inf, nan = math.inf, math.nan
FAR = mpf(10) ** 39  # beyond this a number stands for infinity
Z = uniform(641, 8)
HARD = bits(642, 8)
SCORES = uniform(643, 8, low=0, high=1)
SPARSE = [0.75, 0.0, 0.5, 0.0, 0.0, 0.25, 1.0, 0.0]
UNSURE = {"target": None}  # its slope is a matter of how far the limit is taken
SATURATED = [20.0, -20.0, 90.0, -90.0, 8192.0, -8192.0]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def binary_cross_entropy(z: Any, y: Any) -> Any:
    return y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z))


@evidence(
    "quality_focal_loss",
    case("ordinary", Z, SCORES),
    case("worked", [1.0, -1.0], [0.7, 0.0]),
    case("labels", Z, HARD),
    case("one number for target", Z, 0.5),
    *(case(f"beta {beta}", Z, SCORES, beta=beta) for beta in (0.0, 0.5, 1.0, 1.5, 3.0)),
    *(case(f"beta {beta}, labels", Z, HARD, beta=beta) for beta in (0.0, 0.5, 1.0, 3.0)),
    case("beta as an array", Z, SCORES, beta=np.asarray(1.5)),
    case("beta of 0 as an array", Z, SCORES, beta=np.asarray(0.0)),
    *(
        case(f"the prediction is the score, beta {beta}", [0.0, 0.0], [0.5, 0.5], beta=beta)
        for beta in (0.0, 1.5, 2.0)
    ),
    case("kink: the prediction is the score, beta 1", [0.0], [0.5], beta=1.0, tags=("kink",)),
    # Where the slope is infinite on both sides.
    case(
        "kink: the prediction is the score, beta 0.5",
        [0.0],
        [0.5],
        beta=0.5,
        gradient={"logits": [0.0], "target": [0.0]},
        tags=("kink",),
    ),
    *(
        case(f"saturated, target {y}, beta {beta}", SATURATED, y, beta=beta, gradient=UNSURE)
        for y in (0.0, 0.25, 1.0)
        for beta in (0.0, 0.5, 1.0, 2.0)
    ),
    *(
        case(
            f"infinite logits, beta {beta}",
            [inf, -inf] * 3,
            [1.0, 0.0, 0.0, 1.0, 0.5, 0.5],
            beta=beta,
            gradient=UNSURE,
            tags=("inf",),
        )
        for beta in (0.0, 0.5, 2.0)
    ),
    case("NaN in a live item", [nan, 1.0, 1.0], [1.0, nan, 1.0], gradient=UNSURE | {"logits": None}),
    peers={"mmdet": "mmdet.models.losses.gfocal_loss.quality_focal_loss(logits, (label, score), beta)"},
)
def quality_focal_loss(z: Any, y: Any, *, beta: Any = 2) -> Any:
    if mp.isnan(z) or mp.isnan(y):
        return mp.nan
    # Of the two forms of the distance one has its digits where the other is 1 - 1.
    apart = sigmoid(z) - y if z < 0 else (1 - y) - sigmoid(-z)
    return abs(apart) ** beta * binary_cross_entropy(z, y)


@evidence(
    "varifocal_loss",
    case("ordinary", Z, SPARSE),
    case("worked", [1.0, -1.0], [0.7, 0.0]),
    case("all positive", Z, SCORES),
    case("all negative", Z, 0.0),
    case("not weighed by the score", Z, SPARSE, iou_weighted=False),
    *(case(f"gamma {gamma}", Z, SPARSE, gamma=gamma) for gamma in (0.0, 0.5, 1.0, 1.5, 3.0)),
    *(case(f"alpha {alpha}", Z, SPARSE, alpha=alpha) for alpha in (0.0, 0.25, 2.0)),
    case("options as arrays", Z, SPARSE, alpha=np.asarray(0.5), gamma=np.asarray(1.5)),
    case("gamma of 0 as an array", Z, SPARSE, gamma=np.asarray(0.0)),
    case("the prediction is the score", [0.0, 0.0], [0.5, 0.5]),
    case("logits of 0", [0.0, 0.0], [0.0, 1.0]),
    case("a tiny score", [0.5, 0.5], [2.0**-20, 0.0]),
    *(
        case(f"saturated, target {q}, gamma {gamma}", SATURATED, q, gamma=gamma)
        for q in (0.0, 0.25, 1.0)
        for gamma in (0.0, 0.5, 2.0)
    ),
    *(
        case(
            f"infinite logits, {'' if weighted else 'not '}weighed",
            [inf, -inf] * 3,
            [1.0, 0.0, 0.0, 1.0, 0.5, 0.5],
            iou_weighted=weighted,
            tags=("inf",),
        )
        for weighted in (True, False)
    ),
    case("negatives of weight 0 and infinite cost", [inf], [0.0], alpha=0.0, value=[0.0], tags=("inf",)),
    case("a negative score", [0.5, 1.0, inf], [-0.25, 0.5, -1.0]),
    case("negative scores only", [0.5, inf], [-0.25, -1.0], gradient={"logits": [0.0, 0.0]}),
    case("NaN in a live item", [nan, 1.0, 1.0], [1.0, nan, 1.0], gradient={"logits": None}),
    wrt=("logits",),  # in the target it jumps
    peers={"mmdet": "mmdet.models.losses.varifocal_loss.varifocal_loss(logits, target, None, alpha, gamma)"},
)
def varifocal_loss(z: Any, q: Any, *, alpha: Any = 0.75, gamma: Any = 2, iou_weighted: bool = True) -> Any:
    if mp.isnan(z) or mp.isnan(q) or q < 0:
        return mp.nan
    if q > 0:
        return (q if iou_weighted else 1) * binary_cross_entropy(z, q)
    return alpha * sigmoid(z) ** gamma * mp.log1p(mp.exp(z))


BINS = uniform(644, 6, 5)
PLACES = [0.25, 3.5, 2.75, 1.125, 0.875, 2.0625]


@evidence(
    "distribution_focal_loss",
    case("ordinary", BINS, PLACES),
    case("worked", [[0.0, 1.0, 2.0, 0.0]], [1.3]),
    case("the first bin and the last", BINS, [0.0, 4.0, 0.0, 4.0, 0.0, 4.0]),
    case("kink: on bins", BINS, [1.0, 2.0, 3.0, 3.0, 2.0, 1.0], tags=("kink",)),
    case(
        "kink: on bins of a slope, a valley, a peak and a plain",
        [[0.0, 1.0, 3.0], [3.0, 1.0, 0.0], [0.0, 3.0, 1.0], [3.0, 0.0, 1.0], [1.0, 1.0, 1.0]],
        [1.0, 1.0, 1.0, 1.0, 1.0],
        tags=("kink",),
    ),
    case("beside a bin", BINS, [1 - 2.0**-20, 1 + 2.0**-20, 4 - 2.0**-20, 2.0**-20, 3 + 2.0**-20, 2.0**-30]),
    case("two bins", [[0.5, -0.25], [0.0, 3.0]], [0.25, 1.0]),
    case("a single bin", [[0.5], [-3.0]], [0.0, 0.0]),
    case("a single bin, and no place in it", [[0.5], [-3.0]], [0.5, -0.5]),
    case("confident", [[0.0, 40.0, 0.0], [40.0, 40.0, 0.0]], [1.0, 0.5]),
    case("huge", [[0.0, 8192.0, 0.0], [8192.0, 0.0, 0.0]], [1.5, 0.25]),
    case("large offset", [[2.0**20, 2.0**20 + 8, 2.0**20 + 1]], [0.75]),
    case("an impossible bin that is not asked for", [[-inf, 2.0, 1.0]], [1.25], tags=("inf",)),
    case("on a bin beside impossible ones", [[-inf, 2.0, -inf]], [1.0], gradient=UNSURE, tags=("inf",)),
    case("an impossible bin that is asked for", [[-inf, 2.0, 1.0]], [0.25], gradient=UNSURE, tags=("inf",)),
    case(
        "inf, and all -inf",
        [[inf, 1.0], [-inf, -inf], [1.0, 0.5]],
        [0.5, 0.5, 0.5],
        gradient={"logits": None, "target": None},
        tags=("inf",),
    ),
    case("NaN", [[nan, 1.0], [0.5, 0.25], [1.0, 2.0]], [0.5, 0.25, nan], gradient=UNSURE | {"logits": None}),
    case(
        "outside",
        BINS,
        [-0.25, 4.25, -inf, inf, 100.0, -(2.0**-20)],
        gradient={"logits": [[0.0] * 5] * 6, "target": [0.0] * 6},
    ),
    case("the axis of the bins in the middle", uniform(645, 2, 3, 2), [[0.25, 1.0], [1.5, 2.0]], axis=1),
    peers={"mmdet": "mmdet.models.losses.gfocal_loss.distribution_focal_loss(logits, target)"},
)
def distribution_focal_loss(z: list[Any], t: Any) -> Any:
    n = len(z) - 1
    if mp.isnan(t) or not 0 <= t <= n or any(mp.isnan(x) or x > FAR for x in z) or all(x < -FAR for x in z):
        return mp.nan
    left = min(int(mp.floor(t)), max(n - 1, 0))
    total = mp.fsum(map(mp.exp, z))
    costs = [mp.log(total) - x for x in z]
    value = (left + 1 - t) * costs[left] if t < left + 1 else mpf(0)
    return value + (t - left) * costs[left + 1] if t > left else value
