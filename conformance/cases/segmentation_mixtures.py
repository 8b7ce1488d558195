"""Evidence for the losses of overlap mixed with cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, bits, case, evidence, uniform
from .segmentation import (
    NAN,
    NONE,
    ONE_TARGET,
    WIDE,
    WIDE_TARGET,
    WORKED,
    Pixel,
    counting,
    dice_score,
    last,
    tversky_index,
)

INF = math.inf

# Three images, two classes, three pixels.
THREE = uniform(61, 3, 2, 3, low=0.0625, high=0.9375)
THREE_SOFT = uniform(62, 3, 2, 3, low=0.0625, high=0.9375)
THREE_HARD = [[row, [1 - t for t in row]] for (row,) in bits(63, 3, 1, 3)]
# Two of them, of two pixels.
TWO, TWO_SOFT, TWO_HARD = (
    [[row[:2] for row in image] for image in x[:2]] for x in (THREE, THREE_SOFT, THREE_HARD)
)
MIXED = [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
SOME = [[[True, False]], [[True, True]]]
# Background and foreground.
WORKED_PAIR = [[[1 - p for p in WORKED[0][0]], WORKED[0][0]]]
WORKED_PAIR_TARGET = [[[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]]
EMPTY = [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
CERTAIN = [[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]]


def over_images(
    loss: Callable[[int, dict[int, list[Pixel]]], Any], probs: Any, target: Any, where: Any
) -> list[Any]:
    """A loss of every image: of its number, and the pixels of each of its classes that has some."""

    def item(n: int) -> Any:
        each = enumerate(zip(probs[n], target[n], where[n], strict=True))
        regions = {c: region for c, one in each if (region := counting(*one))}
        if not regions:
            return None
        isnan = any(mp.isnan(x) for region in regions.values() for pixel in region for x in pixel)
        return mp.nan if isnan else loss(n, regions)

    return [item(n) for n in range(len(probs))]


def image_cases(count: int = 3, **options: Any) -> list[Case]:
    """What all losses of whole images share: axes, masks, weights and NaN."""
    wide, wide_target = ([image[:count] for image in x[:1]] for x in (WIDE, WIDE_TARGET))

    def of_image(name: str, *arrays: Any, **more: Any) -> Case:
        return case(name, *arrays, **options | more)

    return [
        of_image("target of 0 and 1", TWO, TWO_HARD),
        of_image("two image axes", wide, wide_target),
        of_image("no image axes", uniform(56, 2, 2, low=0.0625, high=0.9375), bits(57, 2, 2)),
        of_image("no pixels", np.zeros((2, 2, 0)), np.zeros((2, 2, 0))),
        of_image("channels last", last(wide), last(wide_target), class_axis=-1),
        of_image("pixels masked", TWO, TWO_SOFT, where=SOME),
        of_image("pixels masked, channels last", last(TWO), last(TWO_SOFT), where=last(SOME), class_axis=-1),
        of_image(
            "pixels of one class masked",
            TWO,
            TWO_SOFT,
            where=[[[True, False], [True, True]], [[False, True], [True, True]]],
        ),
        of_image(
            "a class without a pixel",
            TWO,
            TWO_SOFT,
            where=[[[True, True], [False, False]], [[False, False], [True, False]]],
        ),
        of_image(
            "an image without a pixel leaves the mean",
            TWO,
            TWO_SOFT,
            where=[[[True, False]], [[False, False]]],
            reduction="mean",
        ),
        of_image("weights of images, one 0", TWO, TWO_SOFT, sample_weight=[0.0, 0.5], reduction="mean"),
        of_image(
            "NaN in a live pixel",
            [[[0.5, NAN], [0.5, 0.25]]],
            [[[1.0, 0.0], [0.0, 1.0]]],
            gradient={"probs": None, "target": None},
        ),
        of_image(
            "NaN in a live pixel of the target",
            [[[0.5, 0.5], [0.5, 0.25]]],
            [[[1.0, NAN], [0.0, 1.0]]],
            gradient={"probs": None, "target": None},
        ),
    ]


def log_term(weight: Any, x: Any) -> Any:
    """weight·log(x); nothing if the weight is 0."""
    return weight * (mp.log(x) if x else mp.ninf) if weight else mpf(0)


@evidence(
    "combo_loss",
    case("ordinary", THREE, THREE_SOFT),
    case("worked", WORKED, ONE_TARGET),
    *image_cases(beta=0.75),
    *(
        case(f"weights of {alpha} and {beta}", TWO, TWO_SOFT, alpha=alpha, beta=beta)
        for alpha, beta in ((0.0, 0.5), (1.0, 0.25), (0.25, 1.0), (0.75, 0.0))
    ),
    *(
        case(f"smoothing of {smooth}{what}", TWO, TWO_HARD, smooth=smooth, **options)
        for smooth in (0.0, 1e-5, 2.0)
        for what, options in (("", {}), (", offset", {"offset": True}))
    ),
    case("mean over the classes", TWO, TWO_SOFT, class_reduction="mean"),
    case("mean over the classes, offset", TWO, TWO_SOFT, class_reduction="mean", offset=True),
    case(
        "numbers as arrays",
        TWO,
        TWO_SOFT,
        alpha=np.asarray(0.25),
        beta=np.asarray(0.75),
        smooth=np.asarray(0.5),
    ),
    *(
        case(f"both empty, smoothing of {smooth}{what}", NONE, NONE, smooth=smooth, tags=tags, **options)
        for smooth, tags in ((0.0, ("kink",)), (1.0, ()))
        for what, options in (("", {}), (", offset", {"offset": True}))
    ),
    case("target empty", THREE[:1], EMPTY),
    case("prediction right", CERTAIN, CERTAIN),
    case("prediction right, offset", CERTAIN, CERTAIN, offset=True, smooth=0.0),
    case("prediction nearly right, offset", [[[1 - 2.0**-20, 1.0, 2.0**-20, 0.0]]], ONE_TARGET, offset=True),
    case(
        "wrong with certainty",
        [[[0.0, 0.5, 1.0]]],
        [[[1.0, 1.0, 0.0]]],
        gradient={"probs": [[[-INF, NAN, INF]]], "target": None},
        tags=("inf",),
    ),
    case(
        "certain of what is not",
        [[[0.0, 0.5, 0.5]]],
        [[[0.25, 1.0, 0.0]]],
        gradient={"probs": [[[-INF, NAN, NAN]]], "target": None},
        tags=("inf",),
    ),
    case("wrong with certainty, of no weight", [[[0.0, 0.5, 1.0]]], [[[1.0, 1.0, 0.0]]], alpha=0.0),
    case("false negatives with certainty, of no weight", [[[0.0, 0.5]]], [[[1.0, 0.0]]], beta=0.0),
    case("false positives with certainty, of no weight", [[[1.0, 0.5]]], [[[0.0, 1.0]]], beta=1.0),
    case("very wrong", [[[2.0**-100, 0.5, 1 - 2.0**-20]]], [[[1.0, 0.0, 0.0]]]),
)
def combo_loss(
    probs: Any,
    target: Any,
    *,
    where: Any,
    alpha: Any = 0.5,
    beta: Any = 0.5,
    smooth: Any = 1,
    offset: bool = False,
    class_reduction: str = "sum",
) -> Any:
    def of(_: int, regions: dict[int, list[Pixel]]) -> Any:
        terms = [
            log_term(-alpha * beta * t, p) + log_term(-alpha * (1 - beta) * (1 - t), 1 - p)
            for region in regions.values()
            for p, t in region
        ]
        scores = [dice_score(region, smooth, smooth) - (1 if offset else 0) for region in regions.values()]
        overlap = mp.fsum(scores) / (len(scores) if class_reduction == "mean" else 1)
        return mp.fsum(terms) / len(terms) - (1 - alpha) * overlap

    return over_images(of, probs, target, where)


@evidence(
    "unified_focal_loss",
    case("ordinary", THREE, THREE_SOFT),
    case("worked", WORKED_PAIR, WORKED_PAIR_TARGET),
    case("worked: cross-entropy", WORKED_PAIR, WORKED_PAIR_TARGET, focal_weight=1.0),
    case("worked: overlap", WORKED_PAIR, WORKED_PAIR_TARGET, focal_weight=0.0),
    case("worked: symmetric", WORKED_PAIR, WORKED_PAIR_TARGET, asymmetric=False),
    *image_cases(2, delta=0.75),
    *(
        case(
            f"{'asymmetric' if asymmetric else 'symmetric'}, {what}",
            TWO,
            target,
            asymmetric=asymmetric,
            **options,
        )
        for asymmetric in (True, False)
        for what, target, options in (
            ("soft target", TWO_SOFT, {"delta": 0.75}),
            ("target of 0 and 1", TWO_HARD, {}),
            ("no focus", TWO_HARD, {"gamma": 0.0}),
            ("a little focus", TWO_HARD, {"gamma": 0.25}),
            ("all focus", TWO_HARD, {"gamma": 1.0}),
            ("foreground only", MIXED, {"delta": 1.0}),
            ("background only", MIXED, {"delta": 0.0}),
        )
    ),
    case(
        "numbers as arrays",
        TWO,
        TWO_SOFT,
        focal_weight=np.asarray(0.25),
        delta=np.asarray(0.75),
        gamma=np.asarray(0.25),
    ),
    case("both empty", EMPTY, EMPTY, tags=("kink",), gradient={"probs": EMPTY, "target": None}),
    case("target empty", THREE[:1], EMPTY),
    case("no foreground", THREE[:1], [[[1.0] * 3, [0.0] * 3]]),
    *(
        case(
            f"prediction right, {'asymmetric' if asymmetric else 'symmetric'}",
            CERTAIN,
            CERTAIN,
            asymmetric=asymmetric,
            tags=("kink",),
            gradient={"probs": None, "target": None},
        )
        for asymmetric in (True, False)
    ),
    *(
        case(
            f"prediction nearly right, {'asymmetric' if asymmetric else 'symmetric'}",
            [[[1 - 2.0**-20, 0.0, 2.0**-20], [2.0**-20, 1.0, 1 - 2.0**-20]]],
            CERTAIN,
            asymmetric=asymmetric,
            gradient={"target": None},
        )
        for asymmetric in (True, False)
    ),
    *(
        case(
            f"wrong with certainty, {what}",
            [[[0.0, 0.5], [1.0, 0.5]]],
            [[[1.0, 0.0], [0.0, 1.0]]],
            gradient={"probs": [[[-INF, NAN], [NAN, NAN]]], "target": None},
            tags=("inf",),
            **options,
        )
        for what, options in (
            ("asymmetric", {}),
            ("symmetric", {"asymmetric": False}),
            ("no focus", {"gamma": 0.0}),
            ("focus as an array", {"gamma": np.asarray(0.0)}),
        )
    ),
    case(
        "wrong with certainty, of no weight",
        [[[0.0, 0.5], [1.0, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        focal_weight=0.0,
    ),
    case(
        "background with certainty, of no weight",
        [[[0.0, 0.5], [1.0, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        delta=1.0,
    ),
    case("very wrong", [[[2.0**-100, 0.5], [1.0, 0.5]]], [[[1.0, 0.0], [0.0, 1.0]]]),
)
def unified_focal_loss(
    probs: Any,
    target: Any,
    *,
    where: Any,
    focal_weight: Any = 0.5,
    delta: Any = 0.6,
    gamma: Any = 0.5,
    asymmetric: bool = True,
) -> Any:
    def of_class(c: int, region: list[Pixel]) -> tuple[Any, Any]:
        focused = not asymmetric or c == 0
        share = focal_weight * (delta if c else 1 - delta)
        terms = [log_term(-share * t * ((1 - p) ** gamma if focused else 1), p) for p, t in region]
        miss = 1 - tversky_index(region, 1 - delta, delta, 0, 0)
        return mp.fsum(terms) / len(terms), miss ** (1 - gamma) if not asymmetric or c else miss

    def of(_: int, regions: dict[int, list[Pixel]]) -> Any:
        each = [of_class(c, region) for c, region in regions.items()]
        overlap = mp.fsum(miss for _, miss in each) / len(each)
        return mp.fsum(entropy for entropy, _ in each) + (1 - focal_weight) * overlap

    return over_images(of, probs, target, where)
