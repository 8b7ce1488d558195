"""Evidence for the Lovász losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, distributions, evidence, labels, uniform
from .segmentation import NAN, flat, last

LOGITS = uniform(61, 3, 6)
MASKS = bits(62, 3, 6)
WORKED_LOGITS = [[2.0, -0.5, 0.25, -1.0]]
TIED = [[0.0, 0.0, 0.0, 0.0]]


def first(nested: Any) -> Any:
    """The array with its last axis as its axis 1."""
    return np.moveaxis(np.asarray(nested), -1, 1).tolist()


# Three images, three classes, five pixels; two images of two pixels by three.
PROBS = first(distributions(71, 3, 5, 3))
LABELS = labels(72, 3, 5, count=3)
WIDE = first(distributions(73, 2, 2, 3, 3))
WIDE_LABELS = labels(74, 2, 2, 3, count=3)
WORKED = first([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]]])
ODDS = first([[[0.75, 0.25, 0.0], [0.125, 0.625, 0.25], [0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]])
SURE = first([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]])


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


@evidence(
    "lovasz_softmax_loss",
    case("ordinary", PROBS, LABELS, per_image=True),
    case("the batch as one", PROBS, LABELS),
    case("the batch as one, mean", PROBS, LABELS, reduction="mean"),
    case("two image axes", WIDE, WIDE_LABELS, per_image=True),
    case("two image axes, the batch as one", WIDE, WIDE_LABELS),
    case("no image axes", first(distributions(75, 3, 3)), [0, 2, 2], per_image=True),
    case("no image axes, the batch as one", first(distributions(75, 3, 3)), [0, 2, 2]),
    case("no pixels", np.zeros((2, 3, 0)), np.zeros((2, 0), np.int64), per_image=True),
    case("no pixels, the batch as one", np.zeros((2, 3, 0)), np.zeros((2, 0), np.int64)),
    case("no images, the batch as one", np.zeros((0, 3, 4)), np.zeros((0, 4), np.int64), reduction="mean"),
    case("channels last", last(WIDE), WIDE_LABELS, class_axis=-1, per_image=True),
    case("channels last, the batch as one", last(WIDE), WIDE_LABELS, class_axis=-1),
    case(
        "channels last, pixels masked",
        last(WIDE),
        WIDE_LABELS,
        class_axis=-1,
        where=[[True, False, True], [True, True, False]],
    ),
    case("worked", WORKED, [[0, 1, 2, 1]]),
    *(case(f"worked: class {k}", WORKED, [[0, 1, 2, 1]], classes=(k,)) for k in range(3)),
    case("worked: a class is absent", WORKED, [[0, 1, 1, 1]]),
    case("worked: a class is absent, all", WORKED, [[0, 1, 1, 1]], classes="all"),
    case("all classes", PROBS, LABELS, classes="all", per_image=True),
    case("all classes, the batch as one", PROBS, LABELS, classes="all"),
    case("all classes, two of them absent", ODDS, [[1, 1, 1, 1]], classes="all", per_image=True),
    case("present classes, two others absent", ODDS, [[1, 1, 1, 1]], per_image=True),
    case("some classes", PROBS, LABELS, classes=(0, 2), per_image=True),
    case("some classes, in another order", PROBS, LABELS, classes=(2, 1)),
    case("some classes, one of them absent", ODDS, [[0, 1, 1, 1]], classes=(1, 2), per_image=True),
    case("one class, absent", ODDS, [[0, 1, 1, 1]], classes=(2,)),
    case("some classes, channels last", last(WIDE), WIDE_LABELS, classes=(0, 2), class_axis=-1),
    case("a single class", [[[0.75, 0.5, 0.25]]], [[0, 0, 0]]),
    case("two classes", first(distributions(76, 2, 4, 2)), labels(77, 2, 4, count=2), per_image=True),
    case("ignored", ODDS, [[0, -100, 2, 1]], per_image=True),
    case("another label ignored", ODDS, [[0, 1, 2, 1]], ignore_index=1),
    case("another label ignored, all classes", ODDS, [[0, 1, 2, 1]], ignore_index=1, classes="all"),
    case("all ignored, mean", ODDS, [[-100] * 4], reduction="mean"),
    case(
        "all ignored in one image, mean",
        PROBS,
        [LABELS[0], [-100] * 5, LABELS[2]],
        per_image=True,
        reduction="mean",
    ),
    case("nothing ignored", ODDS, [[0, -100, 2, 1]], ignore_index=None),
    case(
        "illegal labels",
        [*ODDS, *ODDS],
        [[0, 3, 2, 1], [0, 1, 2, 1]],
        per_image=True,
        gradient={"probs": None},
    ),
    case("an illegal label, the batch as one", [*ODDS, *ODDS], [[0, 3, 2, 1], [0, 1, 2, 1]]),
    case(
        "an illegal label under the mask",
        ODDS,
        [[0, 3, 2, 1]],
        where=[True, False, True, True],
        per_image=True,
    ),
    case("pixels masked", PROBS, LABELS, where=[True, False, True, True, False], per_image=True),
    case("pixels masked, the batch as one", PROBS, LABELS, where=[True, False, True, True, False]),
    case(
        "pixels masked by image, mean",
        PROBS,
        LABELS,
        where=[[True] * 5, [False] * 5, [True, False, True, False, True]],
        per_image=True,
        reduction="mean",
    ),
    case("the batch as one, weighed", PROBS, LABELS, sample_weight=2.0),
    case("the batch as one, weight of 0", PROBS, LABELS, sample_weight=0.0, reduction="mean"),
    # Of equal errors pixels of the class come first, then those that stand first.
    case("ties: all alike", [[[0.5] * 4, [0.5] * 4]], [[0, 1, 0, 1]]),
    case("ties: among pixels of one class", first([[[0.25, 0.75]] * 3 + [[0.5, 0.5]]]), [[0, 0, 1, 1]]),
    case("kink: errors of 0", SURE, [[0, 1, 2, 1]], tags=("kink",)),
    case("kink: all right", SURE, [[0, 1, 2, 0]], tags=("kink",)),
    case("kink: all wrong", SURE, [[1, 2, 0, 2]], tags=("kink",)),
    case(
        "nearly right", first([[[1 - 2.0**-20, 2.0**-20], [2.0**-40, 1 - 2.0**-24]]]), [[0, 1]], strict=True
    ),
    case("next to nothing", first([[[2.0**-60, 2.0**-90], [2.0**-100, 2.0**-80]]]), [[0, 0]], classes=(1,)),
    case(
        "NaN in a live pixel",
        [[[NAN, 0.5], [0.5, 0.5]], [[0.75, 0.5], [0.25, 0.5]]],
        [[0, 1], [0, 1]],
        per_image=True,
        gradient={"probs": None},
    ),
    case(
        "NaN in a class that is absent",
        [[[0.75, 0.5], [0.25, 0.5], [NAN, 0.5]]],
        [[0, 1]],
    ),
    case(
        "NaN in a class that is not asked for",
        [[[0.75, 0.5], [0.25, 0.5], [NAN, 0.5]]],
        [[0, 2]],
        classes=(0, 1),
    ),
    case(
        "NaN in a class that is absent, all",
        [[[0.75, 0.5], [0.25, 0.5], [NAN, 0.5]]],
        [[0, 1]],
        classes="all",
        gradient={"probs": None},
    ),
    wrt=("probs",),
    peers={
        "segmentation_models_pytorch": "segmentation_models_pytorch.losses.LovaszLoss("
        "'multiclass', per_image=per_image, ignore_index=ignore_index)(probs.log(), labels)",
    },
)
def lovasz_softmax_loss(
    probs: Any,
    labels: Any,
    *,
    at: list[Any],
    where: Any,
    classes: Any = "present",
    per_image: bool = False,
    ignore_index: Any = -100,
) -> Any:
    count = len(probs[0]) if probs else 3

    def of_class(images: list[int], c: int) -> Any:
        """The loss of a class; None where no pixel is of it and it does not count."""
        pixels = [
            (int(y == c), p, p0)
            for n in images
            for y, counts, p, p0 in zip(
                flat(labels[n]), flat(where[n]), flat(probs[n][c]), flat(at[0][n][c]), strict=True
            )
            if counts and y != ignore_index
        ]
        of_all = sum(t for t, _, _ in pixels)
        if classes == "present" and not of_all:
            return None
        if any(mp.isnan(p) for _, p, _ in pixels):
            return mp.nan
        # Of equal errors pixels of the class come first, then those that stand first.
        pixels.sort(key=lambda pixel: (-abs(pixel[0] - pixel[2]), -pixel[0]))
        loss, jaccard, positives, negatives = mpf(0), mpf(0), mpf(0), mpf(0)
        for t, p, _ in pixels:
            positives, negatives = positives + t, negatives + 1 - t
            step = 1 - (of_all - positives) / (of_all + negatives) - jaccard
            jaccard += step
            loss += step * abs(t - p)
        return loss

    def item(images: list[int]) -> Any:
        counted = [
            y
            for n in images
            for y, counts in zip(flat(labels[n]), flat(where[n]), strict=True)
            if counts and y != ignore_index
        ]
        if not counted:
            return None
        if any(not 0 <= y < count for y in counted):
            return mp.nan
        each = [of_class(images, c) for c in (range(count) if isinstance(classes, str) else classes)]
        each = [loss for loss in each if loss is not None]
        return mp.fsum(each) / len(each)

    images = range(len(probs))
    return [item([n]) for n in images] if per_image else item(list(images))
