"""Evidence for the losses of segmentation."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, evidence, uniform

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


def flat(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def last(nested: Any) -> Any:
    """The array with its axis 1 last."""
    return np.moveaxis(np.asarray(nested), 1, -1).tolist()


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
    ),
    case(
        "NaN in a live pixel of the target",
        [[[0.5, 0.5], [0.5, 0.25]]],
        [[[1.0, NAN], [0.0, 1.0]]],
        gradient={"probs": None, "target": None},
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
    where: Any,
    smooth_nr: Any = 0,
    smooth_dr: Any = 0,
    squared: bool = False,
    intersection: str = "product",
    log: bool = False,
    average: str = "macro",
    include_background: bool = True,
    batch: bool = False,
    class_weight: Any = None,
    class_mask: Any = None,
) -> Any:
    images, count = range(len(probs)), len(probs[0]) if probs else 2

    def pixels(n: int, c: int) -> list[tuple[Any, Any]]:
        """Probability and truth at every pixel that counts."""
        weight = 1 if class_weight is None else class_weight[c]
        mask = (
            True
            if class_mask is None
            else class_mask[n][c]
            if isinstance(class_mask[0], list)
            else class_mask[c]
        )
        if not mask or weight == 0 or (c == 0 and not include_background):
            return []
        each = zip(flat(probs[n][c]), flat(target[n][c]), flat(where[n][c]), strict=True)
        return [(p, t) for p, t, counts in each if counts]

    def item(group: list[tuple[int, int]]) -> Any:
        found = [pixel for n, c in group for pixel in pixels(n, c)]
        if not found:
            return None
        power = 2 if squared else 1
        shared = mp.fsum(min(p, t) if intersection == "min" else p * t for p, t in found)
        total = mp.fsum(p**power + t**power for p, t in found)
        if mp.isnan(total):
            return mp.nan
        score = (2 * shared + smooth_nr) / (total + smooth_dr) if total + smooth_dr else mpf(1)
        loss = -mp.log(max(score, mpf("1e-7"))) if log else 1 - score
        mass = mpf(1) if class_weight is None else class_weight[group[0][1]]
        return mass * loss, mass

    everything = list(product(images, range(count)))
    if average == "micro":
        return item(everything) if batch else [item([x for x in everything if x[0] == n]) for n in images]
    if batch:
        return [item([(n, c) for n in images]) for c in range(count)]
    return [[item([(n, c)]) for c in range(count)] for n in images]
