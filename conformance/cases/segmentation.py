"""Evidence for the losses of segmentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, bits, case, evidence, uniform

NAN = math.nan

# Two images, two classes, four pixels.
PROBS = uniform(51, 2, 2, 4, low=0.0625, high=0.9375)
SOFT = uniform(52, 2, 2, 4, low=0.0625, high=0.9375)
HARD = bits(53, 2, 2, 4)
PIXELS = [[[True, True, False, True]], [[False, True, True, True]]]
# Three classes at two pixels by two.
WIDE = uniform(54, 2, 3, 2, 2, low=0.0625, high=0.9375)
WIDE_TARGET = uniform(55, 2, 3, 2, 2, low=0, high=1)
# One class, four pixels: a true positive, a doubtful one, two faint false ones.
ONE = [[[0.875, 0.625, 0.25, 0.125]]]
ONE_TARGET = [[[1.0, 1.0, 0.0, 0.0]]]
WORKED = [[[0.9, 0.6, 0.2, 0.1]]]
NONE = [[[0.0, 0.0, 0.0, 0.0]]]
FAINT = 2.0**-100  # what a softmax leaves of a class that is not there


Pixel = tuple[Any, Any]  # probability and truth


def flat(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def last(nested: Any) -> Any:
    """The array with its axis 1 last."""
    return np.moveaxis(np.asarray(nested), 1, -1).tolist()


def counting(probs: Any, target: Any, where: Any) -> list[Pixel]:
    """The pixels of one class of one image that count."""
    each = zip(flat(probs), flat(target), flat(where), strict=True)
    return [(p, t) for p, t, counts in each if counts]


def over_regions(
    loss: Callable[[list[Pixel]], Any],
    probs: Any,
    target: Any,
    *,
    where: Any,
    average: str = "macro",
    include_background: bool = True,
    batch: bool = False,
    class_weight: Any = None,
    class_mask: Any = None,
) -> Any:
    """A loss of every region: of each class of each image, or of all images or all classes together."""
    images, count = range(len(probs)), len(probs[0]) if probs else 2

    def is_in(n: int, c: int) -> bool:
        if (c == 0 and not include_background) or (class_weight is not None and class_weight[c] == 0):
            return False
        of_image = class_mask[n] if class_mask and isinstance(class_mask[0], list) else class_mask
        return of_image is None or of_image[c]

    def item(group: list[tuple[int, int]]) -> Any:
        inside = [(n, c) for n, c in group if is_in(n, c)]
        region = [x for n, c in inside for x in counting(probs[n][c], target[n][c], where[n][c])]
        if not region:
            return None
        value = mp.nan if any(mp.isnan(x) for x in flat(list(map(list, region)))) else loss(region)
        mass = mpf(1) if class_weight is None else class_weight[group[0][1]]
        return mass * value, mass

    everything = list(product(images, range(count)))
    if average == "micro":
        return item(everything) if batch else [item([x for x in everything if x[0] == n]) for n in images]
    if batch:
        return [item([(n, c) for n in images]) for c in range(count)]
    return [[item([(n, c)]) for c in range(count)] for n in images]


def ratio(a: Any, b: Any) -> Any:
    """a / b, where 0/0 = 1."""
    return a / b if b else mpf(1)


def dice_score(
    region: list[Pixel], smooth_nr: Any, smooth_dr: Any, squared: bool = False, intersection: str = "product"
) -> Any:
    power = 2 if squared else 1
    shared = mp.fsum(min(p, t) if intersection == "min" else p * t for p, t in region)
    total = mp.fsum(p**power + t**power for p, t in region)
    return ratio(2 * shared + smooth_nr, total + smooth_dr)


def tversky_index(region: list[Pixel], alpha: Any, beta: Any, smooth_nr: Any, smooth_dr: Any) -> Any:
    shared, over, under = (
        mp.fsum(part) for part in zip(*((p * t, p * (1 - t), (1 - p) * t) for p, t in region), strict=True)
    )
    return ratio(shared + smooth_nr, shared + alpha * over + beta * under + smooth_dr)


def framed_cases(**options: Any) -> list[Case]:
    """What all losses of regions share: axes, masks, classes, the batch, and NaN."""

    def framed(name: str, *arrays: Any, **more: Any) -> Case:
        return case(name, *arrays, **options | more)

    some = {"class_mask": [[True, False, True], [False, True, True]]}
    return [
        framed("two image axes", WIDE, WIDE_TARGET),
        framed("no image axes", uniform(56, 3, 2, low=0.0625, high=0.9375), bits(57, 3, 2)),
        framed("no pixels", np.zeros((2, 2, 0)), np.zeros((2, 2, 0))),
        framed("channels last", last(WIDE), last(WIDE_TARGET), class_axis=-1),
        framed("sums over the batch", PROBS, SOFT, batch=True),
        framed(
            "sums over the batch, channels last", last(WIDE), last(WIDE_TARGET), class_axis=-1, batch=True
        ),
        framed("sums over the batch, pixels masked", PROBS, SOFT, batch=True, where=PIXELS, reduction="mean"),
        framed("background left out, mean", WIDE, WIDE_TARGET, include_background=False, reduction="mean"),
        framed("class weights", PROBS, SOFT, class_weight=[2.0, 0.5]),
        framed(
            "class weights and weights, mean",
            PROBS,
            SOFT,
            class_weight=[2.0, 0.5],
            sample_weight=[[1.5], [0.5]],
            reduction="mean",
        ),
        framed(
            "a class of weight 0, NaN in it",
            [[[0.5, 0.25], [NAN, NAN]], [[0.75, 0.5], [NAN, 0.5]]],
            [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.5], [NAN, 0.5]]],
            class_weight=[2.0, 0.0],
            reduction="mean",
        ),
        framed("classes masked", WIDE, WIDE_TARGET, class_mask=[True, False, True]),
        framed("classes masked by image, mean", WIDE, WIDE_TARGET, **some, reduction="mean"),
        framed("classes masked by image, sums over the batch", WIDE, WIDE_TARGET, **some, batch=True),
        framed("all classes masked, mean", PROBS, SOFT, class_mask=[False, False], reduction="mean"),
        framed("pixels masked", PROBS, SOFT, where=PIXELS),
        framed("pixels masked, channels last", last(PROBS), last(SOFT), where=last(PIXELS), class_axis=-1),
        framed(
            "an image without a pixel leaves the mean",
            PROBS,
            SOFT,
            where=[[[True, True, False, True]], [[False, False, False, False]]],
            reduction="mean",
        ),
        framed("weights of images, one 0", PROBS, SOFT, sample_weight=[[0.0], [0.5]], reduction="mean"),
        framed(
            "NaN in a live pixel",
            [[[0.5, NAN], [0.5, 0.25]]],
            [[[1.0, 0.0], [0.0, 1.0]]],
            gradient={"probs": None, "target": None},
        ),
        framed(
            "NaN in a live pixel of the target",
            [[[0.5, 0.5], [0.5, 0.25]]],
            [[[1.0, NAN], [0.0, 1.0]]],
            gradient={"probs": None, "target": None},
        ),
        framed("target empty", ONE, NONE),
        framed("prediction empty", NONE, ONE_TARGET),
        framed("prediction full, target empty", [[[1.0] * 4]], NONE),
        framed("prediction nothing but wrong", [[[0.0, 0.0, 1.0, 1.0]]], ONE_TARGET),
    ]


def smoothed_cases(**options: Any) -> list[Case]:
    """What all losses of regions with smoothing share."""
    nearly = {"smooth_nr": 1e-5, "smooth_dr": 1e-5}
    return [
        *(
            case(f"smoothing of {nr} and {dr}", PROBS, HARD, smooth_nr=nr, smooth_dr=dr, **options)
            for nr, dr in ((1e-5, 1e-5), (1.0, 1.0), (0.0, 1e-7), (0.0, 2.0))
        ),
        case(
            "smoothing as arrays",
            PROBS,
            HARD,
            smooth_nr=np.asarray(0.5),
            smooth_dr=np.asarray(1.0),
            **options,
        ),
        case("pixels masked, smoothed", PROBS, SOFT, where=PIXELS, smooth_nr=1.0, smooth_dr=1.0, **options),
        case("target empty, smoothed", ONE, NONE, smooth_nr=1.0, smooth_dr=1.0, **options),
        case("target empty, smoothed by 1e-5", ONE, NONE, **nearly, **options),
        case(
            "target empty, next to nothing predicted, smoothed", [[[2.0**-20] * 4]], NONE, **nearly, **options
        ),
        case("both empty, only the denominator smoothed", NONE, NONE, smooth_dr=1e-7, **options),
    ]


def lesser_cases(**options: Any) -> list[Case]:
    """Those whose intersection is of the lesser of each two."""
    lesser = {"intersection": "min", "kink": "split", **options}
    return [
        case("the lesser, soft target", PROBS, SOFT, **lesser),
        case("the lesser, target of 0 and 1", PROBS, HARD, **lesser),
        case("the lesser, smoothed", PROBS, SOFT, smooth_nr=1.0, smooth_dr=1.0, **lesser),
        case("the lesser, sums over the batch", PROBS, SOFT, batch=True, **lesser),
        case("the lesser, prediction right", SOFT, SOFT, tags=("kink",), **lesser),
        case(
            "kink: the lesser of equals",
            [[[0.5, 0.25, 0.75]]],
            [[[0.5, 0.75, 0.75]]],
            tags=("kink",),
            **lesser,
        ),
    ]


def weighted_cases() -> list[Case]:
    """Those of the weights of false positives and false negatives."""
    return [
        *(
            case(f"weights of {alpha} and {beta}", PROBS, SOFT, alpha=alpha, beta=beta)
            for alpha, beta in ((0.5, 0.5), (1.0, 1.0), (0.75, 0.25), (0.0, 1.0), (2.0, 0.0))
        ),
        case("weights as arrays", PROBS, HARD, alpha=np.asarray(0.25), beta=np.asarray(0.75)),
    ]


@evidence(
    "dice_loss",
    case("ordinary", PROBS, SOFT),
    case("target of 0 and 1", PROBS, HARD),
    case("two image axes", WIDE, WIDE_TARGET),
    case("no image axes", uniform(56, 3, 2, low=0.0625, high=0.9375), bits(57, 3, 2)),
    case("no pixels", np.zeros((2, 2, 0)), np.zeros((2, 2, 0))),
    case("channels last", last(WIDE), last(WIDE_TARGET), class_axis=-1),
    case("worked", WORKED, ONE_TARGET),
    case("worked: squared", WORKED, ONE_TARGET, squared=True),
    case("worked: smoothing of 1", WORKED, ONE_TARGET, smooth_nr=1.0, smooth_dr=1.0),
    case("worked: smoothing of 2", WORKED, ONE_TARGET, smooth_nr=2.0, smooth_dr=2.0),
    case("worked: smoothing of 1e-5", WORKED, ONE_TARGET, smooth_nr=1e-5, smooth_dr=1e-5),
    case("worked: log", WORKED, ONE_TARGET, log=True),
    case("worked: two images", [[[1.0, 0.0]], [[1.0, 1.0]]], [[[1, 0]], [[1, 0]]], reduction="mean"),
    case("worked: two images at once", [[[1.0, 0.0]], [[1.0, 1.0]]], [[[1, 0]], [[1, 0]]], batch=True),
    *(
        case(f"smoothing of {nr} and {dr}", PROBS, HARD, smooth_nr=nr, smooth_dr=dr)
        for nr, dr in ((1e-5, 1e-5), (1.0, 1.0), (0.0, 1e-7), (2.0, 0.5), (0.0, 2.0))
    ),
    case("smoothing as arrays", PROBS, HARD, smooth_nr=np.asarray(0.5), smooth_dr=np.asarray(1.0)),
    case("squared, soft target", PROBS, SOFT, squared=True),
    case("squared, smoothed", PROBS, HARD, squared=True, smooth_dr=2e-3),
    case("squared, prediction right", SOFT, SOFT, squared=True),
    case("the lesser, soft target", PROBS, SOFT, intersection="min", kink="split"),
    case("the lesser, target of 0 and 1", PROBS, HARD, intersection="min"),
    case("the lesser, smoothed", PROBS, SOFT, intersection="min", kink="split", smooth_nr=1.0, smooth_dr=1.0),
    case("the lesser, prediction right", SOFT, SOFT, intersection="min", kink="split", tags=("kink",)),
    case(
        "kink: the lesser of equals",
        [[[0.5, 0.25, 0.75]]],
        [[[0.5, 0.75, 0.75]]],
        intersection="min",
        kink="split",
        tags=("kink",),
    ),
    case("log, soft target", PROBS, SOFT, log=True),
    case("log, smoothed", PROBS, HARD, log=True, smooth_nr=1.0, smooth_dr=1.0),
    case("log, squared", PROBS, SOFT, log=True, squared=True),
    case("log, the lesser", PROBS, SOFT, log=True, intersection="min", kink="split"),
    case("log, nothing right", [[[0.5, 0.5, 0.0]]], [[[0.0, 0.0, 1.0]]], log=True, tags=("kink",)),
    case("log, next to nothing right", [[[0.5, 0.5, 2.0**-40]]], [[[0.0, 0.0, 1.0]]], log=True),
    case("log, little right", [[[0.5, 0.5, 2.0**-20]]], [[[0.0, 0.0, 1.0]]], log=True),
    case("log, nearly right", [[[1.0, 1.0, 2.0**-20]]], [[[1.0, 1.0, 0.0]]], log=True),
    case("log, both empty", NONE, NONE, log=True, tags=("kink",)),
    *(
        case(f"{how} of {what}", PROBS, SOFT, batch=batch, average=average, kink="split", **options)
        for how, batch, average in (
            ("sums over the batch", True, "macro"),
            ("sums over the classes", False, "micro"),
            ("sums over both", True, "micro"),
        )
        for what, options in (
            ("products", {}),
            ("squares", {"squared": True}),
            ("lessers", {"intersection": "min"}),
            ("smoothed products", {"smooth_nr": 1.0, "smooth_dr": 1.0}),
            ("products, log", {"log": True}),
            ("products, pixels masked", {"where": PIXELS}),
            ("products, mean", {"reduction": "mean"}),
            ("products, background left out", {"include_background": False}),
        )
    ),
    case(
        "sums over both, channels last",
        last(WIDE),
        last(WIDE_TARGET),
        class_axis=-1,
        batch=True,
        average="micro",
    ),
    case(
        "sums beyond float16",
        np.ones((2**16, 1)),
        np.ones((2**16, 1)),
        batch=True,
        gradient={"probs": None, "target": None},
        strict=True,
    ),
    case("sums over the batch, channels last", last(WIDE), last(WIDE_TARGET), class_axis=-1, batch=True),
    case("background left out", WIDE, WIDE_TARGET, include_background=False),
    case("background left out, mean", WIDE, WIDE_TARGET, include_background=False, reduction="mean"),
    case(
        "background left out, NaN in it",
        [[[NAN, NAN], [0.5, 0.25]], [[NAN, 0.5], [0.75, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, NAN], [1.0, 0.5]]],
        include_background=False,
        reduction="mean",
    ),
    case("class weights", PROBS, SOFT, class_weight=[2.0, 0.5]),
    case("class weights, mean", PROBS, SOFT, class_weight=[2.0, 0.5], reduction="mean"),
    case(
        "class weights, sums over the batch, mean",
        PROBS,
        SOFT,
        class_weight=[2.0, 0.5],
        batch=True,
        reduction="mean",
    ),
    case(
        "class weights and weights, mean",
        PROBS,
        SOFT,
        class_weight=[2.0, 0.5],
        sample_weight=[[1.5], [0.5]],
        reduction="mean",
    ),
    case(
        "class weights, background left out, mean",
        WIDE,
        WIDE_TARGET,
        class_weight=[2.0, 0.5, 4.0],
        include_background=False,
        reduction="mean",
    ),
    case(
        "a class of weight 0, NaN in it",
        [[[0.5, 0.25], [NAN, NAN]], [[0.75, 0.5], [NAN, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.5], [NAN, 0.5]]],
        class_weight=[2.0, 0.0],
        reduction="mean",
    ),
    case("all classes of weight 0, mean", PROBS, SOFT, class_weight=[0.0, 0.0], reduction="mean"),
    case("classes masked", WIDE, WIDE_TARGET, class_mask=[True, False, True]),
    case("classes masked by image", WIDE, WIDE_TARGET, class_mask=[[True, False, True], [False, True, True]]),
    case(
        "classes masked by image, mean",
        WIDE,
        WIDE_TARGET,
        class_mask=[[True, False, True], [False, True, True]],
        reduction="mean",
    ),
    case(
        "classes masked by image, sums over the batch, mean",
        WIDE,
        WIDE_TARGET,
        class_mask=[[True, False, False], [False, True, False]],
        batch=True,
        reduction="mean",
    ),
    case(
        "classes and pixels masked, sums over the batch, mean",
        PROBS,
        SOFT,
        class_mask=[[True, False], [True, True]],
        where=[[[True, True, True, True]], [[False, False, False, False]]],
        batch=True,
        reduction="mean",
    ),
    case(
        "classes masked, channels last, mean",
        last(WIDE),
        last(WIDE_TARGET),
        class_axis=-1,
        class_mask=[[True, False, True], [False, True, True]],
        class_weight=[1.0, 2.0, 4.0],
        reduction="mean",
    ),
    case(
        "only classes that are there",
        WIDE,
        [[[[1.0, 0.0]] * 2, [[0.0, 0.0]] * 2, [[0.0, 1.0]] * 2]] * 2,
        class_mask=[True, False, True],
        reduction="mean",
    ),
    case("all classes masked, mean", PROBS, SOFT, class_mask=[False, False], reduction="mean"),
    case("pixels masked", PROBS, SOFT, where=PIXELS),
    case("pixels masked, smoothed", PROBS, SOFT, where=PIXELS, smooth_nr=1.0, smooth_dr=1.0),
    case("pixels masked, channels last", last(PROBS), last(SOFT), where=last(PIXELS), class_axis=-1),
    case("pixels masked, log and squared", PROBS, SOFT, where=PIXELS, log=True, squared=True),
    case(
        "an image without a pixel leaves the mean",
        PROBS,
        SOFT,
        where=[[[True, True, False, True]], [[False, False, False, False]]],
        reduction="mean",
    ),
    case("weights of images, mean", PROBS, SOFT, sample_weight=[[2.0], [0.5]], reduction="mean"),
    case("weights of images, one 0", PROBS, SOFT, sample_weight=[[0.0], [0.5]], reduction="mean"),
    case(
        "weights of classes, sums over the batch",
        PROBS,
        SOFT,
        sample_weight=[2.0, 0.0],
        batch=True,
        reduction="mean",
    ),
    case("weight of the batch", PROBS, SOFT, sample_weight=2.0, batch=True, average="micro"),
    case("both empty", NONE, NONE, tags=("kink",)),
    case("both empty, smoothed", NONE, NONE, smooth_nr=2.0**-10, smooth_dr=2.0**-10),
    case("both empty, only the denominator smoothed", NONE, NONE, smooth_dr=1e-7),
    case(
        "both empty, squared",
        NONE,
        NONE,
        squared=True,
        tags=("kink",),
        gradient={"probs": NONE, "target": NONE},
    ),
    case("both empty, squared, only the denominator smoothed", NONE, NONE, squared=True, smooth_dr=2e-3),
    case("both full", ONE_TARGET, ONE_TARGET),
    case("target empty", ONE, NONE),
    case("target empty, squared", ONE, NONE, squared=True),
    case("target empty, smoothed", ONE, NONE, smooth_nr=1.0, smooth_dr=1.0),
    case("target empty, smoothed by 1e-5", ONE, NONE, smooth_nr=1e-5, smooth_dr=1e-5),
    case(
        "target empty, summed with another", [*ONE, [[1.0, 0.5, 0.0, 0.25]]], [*NONE, *ONE_TARGET], batch=True
    ),
    case("prediction empty", NONE, ONE_TARGET),
    case("prediction full, target empty", [[[1.0] * 4]], NONE),
    case("target empty, next to nothing predicted", [[[FAINT] * 4]], NONE, gradient={"target": None}),
    case(
        "target empty, next to nothing predicted, smoothed",
        [[[2.0**-20] * 4]],
        NONE,
        smooth_nr=1e-5,
        smooth_dr=1e-5,
    ),
    case("prediction right", ONE_TARGET, ONE_TARGET, batch=True),
    case("prediction nearly right", [[[1.0, 1.0, 2.0**-20, 0.0]]], ONE_TARGET, strict=True),
    case("prediction nothing but wrong", [[[0.0, 0.0, 1.0, 1.0]]], ONE_TARGET),
    case(
        "NaN in a live pixel",
        [[[0.5, NAN], [0.5, 0.25]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        gradient={"probs": None, "target": None},
        strict=True,
    ),
    case(
        "NaN in a live pixel of the target",
        [[[0.5, 0.5], [0.5, 0.25]]],
        [[[1.0, NAN], [0.0, 1.0]]],
        gradient={"probs": None, "target": None},
        strict=True,
    ),
    peers={
        "monai": "monai.losses.DiceLoss(include_background=include_background, squared_pred=squared, "
        "reduction='none', smooth_nr=smooth_nr, smooth_dr=smooth_dr, batch=batch)(probs, target)",
    },
)
def dice_loss(
    probs: Any,
    target: Any,
    *,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    squared: bool = False,
    intersection: str = "product",
    log: bool = False,
    **frame: Any,
) -> Any:
    def of(region: list[Pixel]) -> Any:
        score = dice_score(region, smooth_nr, smooth_dr, squared, intersection)
        return -mp.log(max(score, mpf("1e-7"))) if log else 1 - score

    return over_regions(of, probs, target, **frame)


@evidence(
    "jaccard_loss",
    case("ordinary", PROBS, SOFT),
    case("target of 0 and 1", PROBS, HARD),
    case("worked", WORKED, ONE_TARGET),
    case("worked: smoothing of 1/2", WORKED, ONE_TARGET, smooth_nr=0.5, smooth_dr=0.5),
    *framed_cases(),
    *smoothed_cases(),
    *lesser_cases(),
    case("both empty", NONE, NONE, tags=("kink",)),
    case("prediction nearly right", [[[1.0, 1.0, 2.0**-20, 0.0]]], ONE_TARGET, strict=True),
)
def jaccard_loss(
    probs: Any,
    target: Any,
    *,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    intersection: str = "product",
    **frame: Any,
) -> Any:
    def of(region: list[Pixel]) -> Any:
        shared = mp.fsum(min(p, t) if intersection == "min" else p * t for p, t in region)
        union = mp.fsum(p + t for p, t in region) - shared
        return 1 - ratio(shared + smooth_nr, union + smooth_dr)

    return over_regions(of, probs, target, **frame)


@evidence(
    "tversky_loss",
    case("ordinary", PROBS, SOFT, alpha=0.25, beta=0.75),
    case("target of 0 and 1", PROBS, HARD),
    case("worked: 0.3 and 0.7", WORKED, ONE_TARGET, alpha=0.3, beta=0.7),
    case("worked: 0.7 and 0.3", WORKED, ONE_TARGET, alpha=0.7, beta=0.3),
    *framed_cases(alpha=0.25, beta=0.75),
    *smoothed_cases(alpha=0.25, beta=0.75),
    *weighted_cases(),
    case("both empty", NONE, NONE, tags=("kink",)),
    case("prediction nearly right", [[[1.0, 1.0, 2.0**-20, 0.0]]], ONE_TARGET, strict=True, alpha=0.25),
)
def tversky_loss(
    probs: Any,
    target: Any,
    *,
    alpha: Any = 0.5,
    beta: Any = 0.5,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    **frame: Any,
) -> Any:
    return over_regions(
        lambda region: 1 - tversky_index(region, alpha, beta, smooth_nr, smooth_dr), probs, target, **frame
    )


@evidence(
    "focal_tversky_loss",
    case("ordinary", PROBS, SOFT),
    case("target of 0 and 1", PROBS, HARD),
    case("worked", WORKED, ONE_TARGET),
    case("worked: exponent of 4/3", WORKED, ONE_TARGET, gamma=4 / 3),
    *framed_cases(alpha=0.25, beta=0.75),
    *smoothed_cases(alpha=0.25, beta=0.75),
    *weighted_cases(),
    *(case(f"exponent of {gamma}", PROBS, SOFT, gamma=gamma) for gamma in (0.25, 1.0, 1.5, 2.0, 3.0)),
    case("exponent as an array", PROBS, SOFT, gamma=np.asarray(1.5)),
    case("both empty", NONE, NONE, tags=("kink",)),
    *(
        case(
            f"prediction right, exponent of {gamma}",
            ONE_TARGET,
            ONE_TARGET,
            gamma=gamma,
            tags=("kink",),
            gradient={"probs": NONE, "target": NONE},
        )
        for gamma in (0.75, 2.0)
    ),
    *(
        case(
            f"prediction nearly right, exponent of {gamma}",
            [[[1.0, 1.0, 2.0**-20, 0.0]]],
            ONE_TARGET,
            gamma=gamma,
        )
        for gamma in (0.75, 1.5)
    ),
)
def focal_tversky_loss(
    probs: Any,
    target: Any,
    *,
    alpha: Any = 0.3,
    beta: Any = 0.7,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    gamma: Any = 0.75,
    **frame: Any,
) -> Any:
    def of(region: list[Pixel]) -> Any:
        return (1 - tversky_index(region, alpha, beta, smooth_nr, smooth_dr)) ** gamma

    return over_regions(of, probs, target, **frame)
