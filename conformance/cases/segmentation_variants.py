"""Evidence for the losses of overlap through a function, or by the size of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform
from .segmentation import (
    HARD,
    NONE,
    ONE_TARGET,
    PROBS,
    SOFT,
    WIDE,
    WIDE_TARGET,
    WORKED,
    Pixel,
    counting,
    dice_score,
    framed_cases,
    lesser_cases,
    over_regions,
    ratio,
    smoothed_cases,
)
from .segmentation_mixtures import (
    CERTAIN,
    EMPTY,
    THREE,
    THREE_HARD,
    THREE_SOFT,
    image_cases,
    over_images,
)

TINY = 2.0**-50

# Foreground and background.
PAIR = [[WORKED[0][0], [1 - p for p in WORKED[0][0]]]]
PAIR_TARGET = [[[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]]
FIRST_ABSENT = [[[0.0, 0.0, 0.0], [1.0, 0.5, 0.0]], [[0.25, 0.0, 1.0], [0.0, 0.0, 0.0]]]
FIRST_ABSENT_PROBS = uniform(64, 2, 2, 3, low=0.0625, high=0.9375)


@evidence(
    "generalized_dice_loss",
    case("ordinary", THREE, THREE_SOFT),
    case("worked", PAIR, PAIR_TARGET),
    case("worked: simple", PAIR, PAIR_TARGET, weighting="simple"),
    case("worked: one class", PAIR, [[[1.0] * 4, [0.0] * 4]]),
    case("worked: one class, the other dropped", PAIR, [[[1.0] * 4, [0.0] * 4]], empty_weight="zero"),
    *image_cases(),
    *(
        made
        for weighting in ("square", "simple", "uniform")
        for made in (
            case(f"{weighting}, three classes", WIDE[:1], WIDE_TARGET[:1], weighting=weighting),
            case(
                f"{weighting}, smoothed",
                THREE[:1],
                THREE_SOFT[:1],
                weighting=weighting,
                smooth_nr=0.5,
                smooth_dr=1.0,
            ),
            case(
                f"{weighting}, smoothed by 1e-5",
                THREE[:1],
                THREE_HARD[:1],
                weighting=weighting,
                smooth_nr=1e-5,
                smooth_dr=1e-5,
            ),
            case(f"{weighting}, a class absent", FIRST_ABSENT_PROBS, FIRST_ABSENT, weighting=weighting),
            case(
                f"{weighting}, a class absent and smoothed",
                FIRST_ABSENT_PROBS,
                FIRST_ABSENT,
                weighting=weighting,
                smooth_nr=1.0,
                smooth_dr=1.0,
            ),
            case(
                f"{weighting}, a class absent and dropped",
                FIRST_ABSENT_PROBS,
                FIRST_ABSENT,
                weighting=weighting,
                empty_weight="zero",
            ),
            case(f"{weighting}, one class", WORKED, ONE_TARGET, weighting=weighting),
            case(f"{weighting}, both empty", EMPTY, EMPTY, weighting=weighting, tags=("kink",)),
            case(
                f"{weighting}, both empty, smoothed",
                EMPTY,
                EMPTY,
                weighting=weighting,
                smooth_nr=0.5,
                smooth_dr=1.0,
            ),
            case(
                f"{weighting}, classes of very different size",
                [[[1.0, 0.5, 0.75], [2.0**-30, 0.0, 2.0**-29]]],
                [[[1.0, 1.0, 1.0], [2.0**-28, 0.0, 0.0]]],
                weighting=weighting,
            ),
        )
    ),
    case("smoothing as arrays", THREE, THREE_SOFT, smooth_nr=np.asarray(0.5), smooth_dr=np.asarray(1.0)),
    case("target empty", THREE[:1], EMPTY),
    case("target empty, smoothed", THREE[:1], EMPTY, smooth_nr=1.0, smooth_dr=1.0),
    case("prediction empty", EMPTY, CERTAIN),
    case("prediction right", CERTAIN, CERTAIN),
    case("prediction nearly right", [[[1.0, 0.0, 2.0**-20], [0.0, 1.0, 1.0]]], CERTAIN),
    case("tiny classes", [[[TINY, 0.0], [0.0, TINY]]], [[[TINY, TINY], [0.0, 2 * TINY]]]),
)
def generalized_dice_loss(
    probs: Any,
    target: Any,
    *,
    where: Any,
    at: Any,
    weighting: str = "square",
    empty_weight: str = "max",
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
) -> Any:
    power = {"square": 2, "simple": 1, "uniform": 0}[weighting]

    def weights(n: int) -> list[Any]:
        each = zip(at[1][n], where[n], strict=True)
        sizes = [mp.fsum(t for t, _ in counting(image, image, counts)) for image, counts in each]
        found = [1 / size**power for size in sizes if size != 0]
        absent = 1 if weighting == "uniform" else max(found, default=0) if empty_weight == "max" else 0
        return [1 / size**power if size != 0 else absent for size in sizes]

    def of(n: int, regions: dict[int, list[Pixel]]) -> Any:
        w = weights(n)
        shared = mp.fsum(w[c] * p * t for c, region in regions.items() for p, t in region)
        total = mp.fsum(w[c] * (p + t) for c, region in regions.items() for p, t in region)
        return 1 - ratio(2 * shared + smooth_nr, total + smooth_dr)

    return over_images(of, probs, target, where)


@evidence(
    "log_cosh_dice_loss",
    case("ordinary", PROBS, SOFT),
    case("target of 0 and 1", PROBS, HARD),
    case("worked", WORKED, ONE_TARGET),
    *framed_cases(),
    *smoothed_cases(),
    *lesser_cases(),
    case("squared, soft target", PROBS, SOFT, squared=True),
    case("squared, smoothed", PROBS, HARD, squared=True, smooth_dr=2e-3),
    case("squared, prediction right", SOFT, SOFT, squared=True),
    case("both empty", NONE, NONE, tags=("kink",)),
    case("score above 1", PROBS, HARD, smooth_nr=8.0),
    case("prediction nearly right", [[[1.0, 1.0, 2.0**-20, 0.0]]], ONE_TARGET, strict=True),
    case("prediction right but for next to nothing", [[[1.0, 1.0, 2.0**-50, 0.0]]], ONE_TARGET, strict=True),
)
def log_cosh_dice_loss(
    probs: Any,
    target: Any,
    *,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    squared: bool = False,
    intersection: str = "product",
    **frame: Any,
) -> Any:
    def of(region: list[Pixel]) -> Any:
        return mp.log(mp.cosh(1 - dice_score(region, smooth_nr, smooth_dr, squared, intersection)))

    return over_regions(of, probs, target, **frame)


@evidence(
    "sensitivity_specificity_loss",
    case("ordinary", PROBS, SOFT),
    case("target of 0 and 1", PROBS, HARD),
    case("worked", WORKED, ONE_TARGET),
    *framed_cases(sensitivity_weight=0.25),
    *(case(f"weight of {r}", PROBS, HARD, sensitivity_weight=r) for r in (0.0, 0.5, 0.75, 1.0)),
    case("weight as an array", PROBS, SOFT, sensitivity_weight=np.asarray(0.25)),
    case(
        "all foreground",
        PROBS[:1],
        [[[1.0] * 4, [0.0] * 4]],
        gradient={"target": None},
        strict=True,
    ),
    case("both empty", NONE, NONE, gradient={"probs": NONE, "target": NONE}),
    case("prediction right", ONE_TARGET, ONE_TARGET),
    case("prediction nearly right", [[[1.0, 1.0 - 2.0**-20, 2.0**-20, 0.0]]], ONE_TARGET, strict=True),
)
def sensitivity_specificity_loss(
    probs: Any, target: Any, *, sensitivity_weight: Any = 0.05, **frame: Any
) -> Any:
    def of(region: list[Pixel]) -> Any:
        def mean(weights: list[Any]) -> Any:
            total = mp.fsum(w * (t - p) ** 2 for w, (p, t) in zip(weights, region, strict=True))
            return total / mp.fsum(weights) if mp.fsum(weights) else mpf(0)

        foreground, background = mean([t for _, t in region]), mean([1 - t for _, t in region])
        return sensitivity_weight * foreground + (1 - sensitivity_weight) * background

    return over_regions(of, probs, target, **frame)
