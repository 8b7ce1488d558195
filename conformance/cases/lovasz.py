"""Evidence for the Lovász losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, evidence, uniform
from .segmentation import NAN, flat

LOGITS = uniform(61, 3, 6)
MASKS = bits(62, 3, 6)
WORKED_LOGITS = [[2.0, -0.5, 0.25, -1.0]]
TIED = [[0.0, 0.0, 0.0, 0.0]]


@evidence(
    "lovasz_hinge_loss",
    case("ordinary", LOGITS, MASKS),
    case("two image axes", uniform(63, 2, 2, 3), bits(64, 2, 2, 3)),
    case("no image axes", [0.5, -0.25, 1.5], [1.0, 1.0, 0.0]),
    case("no pixels", np.zeros((2, 0)), np.zeros((2, 0))),
    case("worked", [[2.0, -0.5, 0.3, -1.0]], [[1, 1, 0, 0]]),
    case("worked: no positives", [[2.0, -0.5, 0.3, -1.0]], [[0, 0, 0, 0]]),
    case("the batch as one", LOGITS, MASKS, per_image=False),
    case("the batch as one, two image axes", uniform(63, 2, 2, 3), bits(64, 2, 2, 3), per_image=False),
    case("the batch as one, mean", LOGITS, MASKS, per_image=False, reduction="mean"),
    case(
        "the batch as one, pixels masked",
        LOGITS,
        MASKS,
        per_image=False,
        where=[True, False, True, True, True, False],
    ),
    case("the batch as one, weighed", LOGITS, MASKS, per_image=False, sample_weight=2.0),
    case(
        "the batch as one, weight of 0", LOGITS, MASKS, per_image=False, sample_weight=0.0, reduction="mean"
    ),
    case("the batch as one, empty", np.zeros((0, 4)), np.zeros((0, 4)), per_image=False),
    case("elu + 1", LOGITS, MASKS, activation="elu+1"),
    case("elu + 1, the batch as one", LOGITS, MASKS, activation="elu+1", per_image=False),
    case(
        "elu + 1, pixels masked",
        LOGITS,
        MASKS,
        activation="elu+1",
        where=[True, False, True, True, True, False],
    ),
    case("elu + 1, margins of 0", [[1.0, -1.0, 0.5]], [[1, 0, 1]], activation="elu+1"),
    case(
        "elu + 1, infinite logits",
        [[math.inf, -math.inf, 0.5]],
        [[1, 0, 1]],
        activation="elu+1",
        tags=("inf",),
    ),
    case("all positive", WORKED_LOGITS, [[1, 1, 1, 1]]),
    case("no positives", WORKED_LOGITS, [[0, 0, 0, 0]]),
    case("no positives, all far below 0", [[-2.0, -3.0]], [[0, 0]]),
    case("one positive", WORKED_LOGITS, [[0, 0, 1, 0]]),
    case("one pixel", [[0.5], [0.5]], [[1], [0]]),
    case("all right by a margin", [[2.0, 3.0, -1.5, -4.0]], [[1, 1, 0, 0]]),
    case("all wrong", [[-2.0, -3.0, 1.5, 4.0]], [[1, 1, 0, 0]]),
    case(
        "vertices: the Jaccard loss doubled",
        [[1.0, -1.0, 1.0, -1.0]],
        [[1, 1, 0, 0]],
        tags=("kink",),
    ),
    # Of equal margins positive pixels come first, then those that stand first.
    case(
        "ties: fresh logits",
        TIED,
        [[1, 0, 1, 0]],
        tags=("kink",),
    ),
    case(
        "ties: no positives",
        TIED,
        [[0, 0, 0, 0]],
        tags=("kink",),
    ),
    case("ties: all positive", TIED, [[1, 1, 1, 1]], tags=("kink",)),
    case(
        "ties: negatives above",
        [[2.0, 0.5, 0.5, -0.5, 2.0]],
        [[0, 0, 0, 1, 1]],
        tags=("kink",),
    ),
    case("kink: margins of 0", [[1.0, -1.0, 0.5]], [[1, 0, 1]], tags=("kink",)),
    case("large logits", [[8192.0, -8192.0, 4096.0, -4096.0]], [[0, 1, 1, 0]]),
    case("larger logits", [[2.0**100, -(2.0**100), 2.0**90]], [[0, 1, 1]]),
    case("infinite logits, right", [[math.inf, -math.inf, 0.5]], [[1, 0, 0]], tags=("inf",)),
    case(
        "infinite logits, wrong",
        [[-math.inf, 0.5, 0.25], [math.inf, 0.5, 0.25]],
        [[1, 0, 0], [0, 1, 0]],
        tags=("inf",),
    ),
    case(
        "infinite logits, both wrong",
        [[-math.inf, math.inf, 0.25]],
        [[1, 0, 0]],
        tags=("inf",),
    ),
    case("pixels masked", LOGITS, MASKS, where=[True, False, True, True, True, False]),
    case(
        "pixels masked by image, mean",
        LOGITS,
        MASKS,
        where=[[True] * 6, [False] * 6, [True, False] * 3],
        reduction="mean",
    ),
    case("NaN in a live pixel", [[0.5, NAN], [0.5, 0.25]], [[1, 0], [1, 0]], gradient={"logits": None}),
    case(
        "neither 0 nor 1",
        [[0.5, 1.5], [0.5, 0.25]],
        [[1.0, 2.0], [1.0, 0.0]],
    ),
    wrt=("logits",),
    peers={
        "segmentation_models_pytorch": "segmentation_models_pytorch.losses.LovaszLoss("
        "'binary', per_image=per_image)(logits, target)",
    },
)
def lovasz_hinge_loss(
    logits: Any, target: Any, *, at: list[Any], where: Any, per_image: bool = True, activation: str = "relu"
) -> Any:
    def pixels(n: int) -> Any:
        """Logit, the same where the order is taken, truth, and whether it counts."""
        return zip(flat(logits[n]), flat(at[0][n]), flat(target[n]), flat(where[n]), strict=True)

    def item(images: list[int]) -> Any:
        each = [(z, z0, t) for n in images for z, z0, t, counts in pixels(n) if counts]
        if not each:
            return None
        if any(mp.isnan(z) or t not in (0, 1) for z, _, t in each):
            return mp.nan
        # Of equal margins positive pixels come first, then those that stand first.
        each.sort(key=lambda pixel: (pixel[1] * (2 * pixel[2] - 1), -pixel[2]))
        all_positives = sum(t for _, _, t in each)
        loss, jaccard, positives, negatives = mpf(0), mpf(0), mpf(0), mpf(0)
        for z, _, t in each:
            m = 1 - z * (2 * t - 1)
            positives, negatives = positives + t, negatives + 1 - t
            step = 1 - (all_positives - positives) / (all_positives + negatives) - jaccard
            jaccard += step
            loss += step * (max(m, mpf(0)) if activation == "relu" else m + 1 if m > 0 else mp.exp(m))
        return loss

    images = range(len(logits))
    return [item([n]) for n in images] if per_image else item(list(images))
