"""Evidence for the losses of the boundaries of regions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, evidence, uniform
from .segmentation import (
    HARD,
    NAN,
    ONE,
    ONE_TARGET,
    PIXELS,
    PROBS,
    SOFT,
    WIDE,
    WIDE_TARGET,
    WORKED,
    flat,
    last,
)

# Distances from an edge, with a sign and without.
SIGNED = uniform(81, 2, 2, 4)
WIDE_SIGNED = uniform(82, 2, 3, 2, 2)
FAR, NEAR = uniform(83, 2, 2, 4, low=0.5, high=4), uniform(84, 2, 2, 4, low=0.5, high=4)
WIDE_FAR = uniform(85, 2, 3, 2, 2, low=0.5, high=4)
WIDE_NEAR = uniform(86, 2, 3, 2, 2, low=0.5, high=4)
BY_IMAGE = [[[True, True, True, True]], [[False, False, False, False]]]


def in_frame(
    kept_of: Callable[[int, int], list[Any]],
    loss: Callable[[list[Any]], Any],
    images: int,
    count: int,
    *,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Any = None,
    class_mask: Any = None,
) -> Any:
    """The items of a loss of regions, from the pixels of each that count."""

    def pixels(n: int, c: int) -> list[Any]:
        mask = (
            True
            if class_mask is None
            else class_mask[n][c]
            if isinstance(class_mask[0], list)
            else class_mask[c]
        )
        out = (class_weight is not None and class_weight[c] == 0) or (c == 0 and not include_background)
        return kept_of(n, c) if mask and not out else []

    def item(group: list[tuple[int, int]]) -> Any:
        found = [pixel for n, c in group for pixel in pixels(n, c)]
        if not found:
            return None
        mass = mpf(1) if class_weight is None else class_weight[group[0][1]]
        return mass * loss(found), mass

    if batch:
        return [item([(n, c) for n in range(images)]) for c in range(count)]
    return [[item([(n, c)]) for c in range(count)] for n in range(images)]


@evidence(
    "boundary_loss",
    case("ordinary", PROBS, SIGNED, include_background=True),
    case("background left out", WIDE, WIDE_SIGNED),
    case("background left out, mean", WIDE, WIDE_SIGNED, reduction="mean"),
    case(
        "background left out, NaN in it",
        [[[NAN, NAN], [0.5, 0.25]], [[NAN, 0.5], [0.75, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, NAN], [1.0, -0.5]]],
        reduction="mean",
    ),
    case("two image axes", WIDE, WIDE_SIGNED, include_background=True),
    case(
        "no image axes",
        uniform(56, 3, 2, low=0.0625, high=0.9375),
        uniform(87, 3, 2),
        include_background=True,
    ),
    case("no pixels", np.zeros((2, 2, 0)), np.zeros((2, 2, 0)), include_background=True),
    case("channels last", last(WIDE), last(WIDE_SIGNED), class_axis=-1),
    case("worked", WORKED, [[[-1.0, -0.5, 1.0, 2.0]]], include_background=True),
    case("right", ONE_TARGET, [[[-1.0, 0.0, 1.0, 2.0]]], include_background=True),
    case("no edge", ONE, [[[0.0, 0.0, 0.0, 0.0]]], include_background=True),
    case("sums over the batch", PROBS, SIGNED, include_background=True, batch=True),
    case(
        "sums over the batch, pixels masked", PROBS, SIGNED, include_background=True, batch=True, where=PIXELS
    ),
    case(
        "sums over the batch, an image masked",
        PROBS,
        SIGNED,
        include_background=True,
        batch=True,
        where=BY_IMAGE,
        reduction="mean",
    ),
    case(
        "sums over the batch, classes masked by image, mean",
        WIDE,
        WIDE_SIGNED,
        batch=True,
        class_mask=[[True, False, True], [False, True, True]],
        reduction="mean",
    ),
    case(
        "class weights, mean",
        PROBS,
        SIGNED,
        include_background=True,
        class_weight=[2.0, 0.5],
        reduction="mean",
    ),
    case(
        "a class of weight 0, NaN in it",
        [[[0.5, 0.25], [NAN, NAN]], [[0.75, 0.5], [NAN, 0.5]]],
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, -0.5], [NAN, 0.5]]],
        include_background=True,
        class_weight=[2.0, 0.0],
        reduction="mean",
    ),
    case("classes masked", WIDE, WIDE_SIGNED, include_background=True, class_mask=[True, False, True]),
    case(
        "classes masked by image, mean",
        WIDE,
        WIDE_SIGNED,
        class_mask=[[True, False, True], [False, True, True]],
        reduction="mean",
    ),
    case(
        "classes and pixels masked, weighed, mean",
        PROBS,
        SIGNED,
        include_background=True,
        class_mask=[[True, False], [True, True]],
        where=PIXELS,
        sample_weight=[[2.0], [0.5]],
        reduction="mean",
    ),
    case("pixels masked", PROBS, SIGNED, include_background=True, where=PIXELS),
    case("pixels masked, channels last", last(PROBS), last(SIGNED), where=last(PIXELS), class_axis=-1),
    case(
        "an image without a pixel leaves the mean",
        PROBS,
        SIGNED,
        include_background=True,
        where=BY_IMAGE,
        reduction="mean",
    ),
    case("weights of images, one 0", PROBS, SIGNED, include_background=True, sample_weight=[[0.0], [0.5]]),
    case("large distances", ONE, [[[-(2.0**60), 2.0**60, 2.0**59, 2.0]]], include_background=True),
    case(
        "NaN in a live pixel",
        [[[0.5, NAN], [0.5, 0.25]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        include_background=True,
        gradient={"probs": None},
    ),
    case(
        "NaN in a live distance",
        [[[0.5, 0.5], [0.5, 0.25]]],
        [[[1.0, NAN], [0.0, 1.0]]],
        include_background=True,
        gradient={"probs": None},
    ),
    wrt=("probs",),
)
def boundary_loss(
    probs: Any, distance: Any, *, where: Any, include_background: bool = False, **frame: Any
) -> Any:
    def kept(n: int, c: int) -> list[Any]:
        each = zip(flat(probs[n][c]), flat(distance[n][c]), flat(where[n][c]), strict=True)
        return [(p, phi) for p, phi, counts in each if counts]

    def loss(pixels: list[Any]) -> Any:
        return mp.fsum(p * phi for p, phi in pixels) / len(pixels)

    count = len(probs[0]) if probs else 2
    return in_frame(kept, loss, len(probs), count, include_background=include_background, **frame)


@evidence(
    "hausdorff_dt_loss",
    case("ordinary", PROBS, SOFT, FAR, NEAR),
    case("target of 0 and 1", PROBS, HARD, FAR, NEAR),
    case("two image axes", WIDE, WIDE_TARGET, WIDE_FAR, WIDE_NEAR),
    case(
        "no image axes",
        uniform(56, 3, 2, low=0.0625, high=0.9375),
        bits(57, 3, 2),
        uniform(88, 3, 2, low=0, high=4),
        uniform(89, 3, 2, low=0, high=4),
    ),
    case("no pixels", *[np.zeros((2, 2, 0))] * 4),
    case(
        "channels last",
        last(WIDE),
        last(WIDE_TARGET),
        last(WIDE_FAR),
        last(WIDE_NEAR),
        class_axis=-1,
        include_background=False,
    ),
    case("worked", WORKED, ONE_TARGET, *[[[[1.0, 1.0, 1.0, 2.0]]]] * 2),
    case("worked: one-sided", WORKED, ONE_TARGET, *[[[[1.0, 1.0, 1.0, 2.0]]]] * 2, one_sided=True),
    *(case(f"power of {alpha}", PROBS, SOFT, FAR, NEAR, alpha=alpha) for alpha in (0.5, 1.0, 3.0)),
    case("power as an array", PROBS, SOFT, FAR, NEAR, alpha=np.asarray(1.5)),
    case("powers of 0", ONE, ONE_TARGET, [[[0.0, 1.0, 0.0, 2.0]]], [[[0.0, 0.0, 1.0, 2.0]]], alpha=0.5),
    case("one-sided", PROBS, SOFT, FAR, NEAR, one_sided=True),
    case(
        "one-sided, NaN on the other side",
        ONE,
        ONE_TARGET,
        [[[NAN, 1.0, NAN, 0.0]]],
        [[[2.0, 1.0, 1.0, 2.0]]],
        one_sided=True,
    ),
    case("log", PROBS, SOFT, FAR, NEAR, log=True),
    case("log, one-sided, another power", PROBS, HARD, FAR, NEAR, log=True, one_sided=True, alpha=1.5),
    case(
        "log, nearly right",
        [[[1.0, 1.0, 2.0**-20, 0.0]]],
        ONE_TARGET,
        *[[[[2.0, 1.0, 1.0, 2.0]]]] * 2,
        log=True,
    ),
    case("right", SOFT, SOFT, FAR, NEAR),
    case("no edges", ONE, ONE_TARGET, *[[[[0.0, 0.0, 0.0, 0.0]]]] * 2),
    case("no edges, log", ONE, ONE_TARGET, *[[[[0.0, 0.0, 0.0, 0.0]]]] * 2, log=True),
    case(
        "background left out, mean",
        WIDE,
        WIDE_TARGET,
        WIDE_FAR,
        WIDE_NEAR,
        include_background=False,
        reduction="mean",
    ),
    case("sums over the batch", PROBS, SOFT, FAR, NEAR, batch=True),
    case("sums over the batch, log", PROBS, SOFT, FAR, NEAR, batch=True, log=True),
    case("sums over the batch, pixels masked", PROBS, SOFT, FAR, NEAR, batch=True, where=PIXELS),
    case(
        "sums over the batch, classes masked by image, mean",
        WIDE,
        WIDE_TARGET,
        WIDE_FAR,
        WIDE_NEAR,
        batch=True,
        class_mask=[[True, False, True], [False, True, False]],
        reduction="mean",
    ),
    case("class weights, mean", PROBS, SOFT, FAR, NEAR, class_weight=[2.0, 0.5], reduction="mean"),
    case(
        "classes masked, mean",
        WIDE,
        WIDE_TARGET,
        WIDE_FAR,
        WIDE_NEAR,
        class_mask=[True, False, True],
        reduction="mean",
    ),
    case("pixels masked", PROBS, SOFT, FAR, NEAR, where=PIXELS),
    case("pixels masked, log", PROBS, SOFT, FAR, NEAR, where=PIXELS, log=True),
    case(
        "an image without a pixel leaves the mean", PROBS, SOFT, FAR, NEAR, where=BY_IMAGE, reduction="mean"
    ),
    case(
        "weights of images, one 0, mean",
        PROBS,
        SOFT,
        FAR,
        NEAR,
        sample_weight=[[0.0], [0.5]],
        reduction="mean",
    ),
    case("large distances", ONE, ONE_TARGET, *[[[[2.0**40, 2.0**39, 1.0, 2.0**-40]]]] * 2),
    case(
        "errors of next to nothing", [[[1.0, 2.0**-40]]], [[[1.0, 0.0]]], *[[[[1.0, 2.0]]]] * 2, strict=True
    ),
    case(
        "NaN in a live pixel",
        [[[0.5, NAN], [0.5, 0.25]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        *[[[[1.0, 2.0], [1.0, 2.0]]]] * 2,
        gradient={"probs": None, "target": None},
    ),
    case(
        "NaN in a live distance",
        [[[0.5, 0.5], [0.5, 0.25]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        [[[1.0, NAN], [1.0, 2.0]]],
        [[[1.0, 2.0], [1.0, 2.0]]],
        gradient={"probs": None, "target": None},
    ),
    wrt=("probs", "target"),
    peers={
        "monai": "monai.losses.HausdorffDTLoss(alpha=alpha, include_background=include_background, "
        "batch=batch, reduction='none')(probs, target), which finds the distances itself",
    },
)
def hausdorff_dt_loss(
    probs: Any,
    target: Any,
    pred_distance: Any,
    target_distance: Any,
    *,
    where: Any,
    alpha: Any = 2,
    one_sided: bool = False,
    log: bool = False,
    **frame: Any,
) -> Any:
    def kept(n: int, c: int) -> list[Any]:
        arrays = (probs, target, pred_distance, target_distance, where)
        return [pixel[:4] for pixel in zip(*(flat(x[n][c]) for x in arrays), strict=True) if pixel[4]]

    def loss(pixels: list[Any]) -> Any:
        terms = [(p - t) ** 2 * (e**alpha + (0 if one_sided else d**alpha)) for p, t, d, e in pixels]
        mean = mp.fsum(terms) / len(pixels)
        return mp.log(1 + mean) if log else mean

    return in_frame(kept, loss, len(probs), len(probs[0]) if probs else 2, **frame)


def unlike(seed: int, *shape: int) -> Any:
    """Images of which no two pixels are alike."""
    order = np.random.default_rng(seed).permutation(int(np.prod(shape)))
    return ((order + 1) / 32).reshape(shape).tolist()


# Two images, two classes, two pixels by two: what is masked is at the border, as if it were cut off.
SMALL, SMALL_TARGET = unlike(91, 2, 2, 2, 2), unlike(92, 2, 2, 2, 2)


@functools.lru_cache(maxsize=1024)
def skeleton(image: tuple[tuple[tuple[int, ...], Any], ...], iterations: int) -> dict[tuple[int, ...], Any]:
    """The soft skeleton, by pixel, of an image that is its pixels' places and values."""

    def apart(i: tuple[int, ...], j: tuple[int, ...]) -> list[int]:
        return [abs(a - b) for a, b in zip(i, j, strict=True)]

    def opened(x: dict[tuple[int, ...], Any]) -> tuple[Any, Any]:
        """The image eroded, and what it is when that is dilated."""
        less = {i: min(x[j] for j in x if sum(apart(i, j)) <= 1) for i in x}
        return less, {i: max(less[j] for j in x if max(apart(i, j), default=0) <= 1) for i in x}

    x = dict(image)
    less, again = opened(x)
    found = {i: max(x[i] - again[i], mpf(0)) for i in x}
    for _ in range(iterations):
        x = less
        less, again = opened(x)
        more = {i: max(x[i] - again[i], mpf(0)) for i in x}
        found = {i: s + max(more[i] - s * more[i], mpf(0)) for i, s in found.items()}
    return found


CROSS = [[[[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]]]
LINE = [[[[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]]]
BAR = np.zeros((1, 1, 7, 9))
BAR[..., 2:5, 1:8] = 1
BROKEN = BAR.copy()
BROKEN[..., 4] = 0
UNCERTIFIED = {"probs": None, "target": None}  # what is tied in many windows


@evidence(
    "soft_cldice_loss",
    case("ordinary", SMALL, SMALL_TARGET, iterations=1),
    case("no smoothing", SMALL, SMALL_TARGET, smooth=0.0, iterations=1),
    case("some smoothing", SMALL, SMALL_TARGET, smooth=0.125, iterations=1),
    case("smoothing as an array", SMALL, SMALL_TARGET, smooth=np.asarray(0.5), iterations=1),
    case("one erosion", unlike(93, 1, 1, 3, 4), unlike(94, 1, 1, 3, 4), iterations=1, smooth=0.0),
    case("three erosions", unlike(93, 1, 1, 3, 4), unlike(94, 1, 1, 3, 4), smooth=0.0),
    case("target of 0 and 1", unlike(93, 1, 1, 3, 4), LINE, gradient={"target": None}, iterations=1),
    case("one image axis", unlike(95, 1, 1, 9), unlike(96, 1, 1, 9), smooth=0.0),
    case("one image axis, one erosion", unlike(95, 1, 1, 9), unlike(96, 1, 1, 9), iterations=1, smooth=0.0),
    case("three image axes", unlike(97, 1, 1, 3, 3, 2), unlike(98, 1, 1, 3, 3, 2), iterations=2, smooth=0.0),
    case("no image axes", [[0.5], [0.25]], [[1.0], [0.5]], tags=("kink",), iterations=1),
    case("one pixel", [[[0.5]], [[0.25]]], [[[1.0]], [[0.5]]], tags=("kink",), iterations=1),
    case(
        "a row of images of one column",
        unlike(99, 1, 1, 5, 1),
        unlike(100, 1, 1, 5, 1),
        smooth=0.0,
        iterations=1,
    ),
    case("no pixels", np.zeros((2, 2, 0)), np.zeros((2, 2, 0)), iterations=1),
    case("no pixels, two image axes", np.zeros((2, 2, 3, 0)), np.zeros((2, 2, 3, 0)), iterations=1),
    case("channels last", last(SMALL), last(SMALL_TARGET), class_axis=-1, iterations=1),
    case("worked", BROKEN, BAR, gradient=UNCERTIFIED),
    case("worked: no smoothing", BROKEN, BAR, smooth=0.0, gradient=UNCERTIFIED),
    case("equal masks", BAR, BAR, gradient=UNCERTIFIED, iterations=1),
    case("equal masks, no smoothing", CROSS, CROSS, smooth=0.0, gradient=UNCERTIFIED, iterations=1),
    case(
        "nothing in common",
        LINE,
        [[[[1.0] * 4, [0.0] * 4, [0.0] * 4]]],
        smooth=0.0,
        gradient=UNCERTIFIED,
        iterations=1,
    ),
    case(
        "both empty", [[[[0.0] * 3] * 3]], [[[[0.0] * 3] * 3]], smooth=0.0, gradient=UNCERTIFIED, iterations=1
    ),
    case(
        "both empty, smoothed", [[[[0.0] * 3] * 3]], [[[[0.0] * 3] * 3]], gradient=UNCERTIFIED, iterations=1
    ),
    case(
        "target empty", unlike(93, 1, 1, 3, 3), [[[[0.0] * 3] * 3]], gradient={"target": None}, iterations=1
    ),
    case(
        "target empty, no smoothing",
        unlike(93, 1, 1, 3, 3),
        [[[[0.0] * 3] * 3]],
        smooth=0.0,
        gradient={"target": None},
        iterations=1,
    ),
    case(
        "prediction empty, no smoothing",
        [[[[0.0] * 3] * 3]],
        CROSS,
        smooth=0.0,
        gradient=UNCERTIFIED,
        iterations=1,
    ),
    case(
        "both full, no smoothing",
        [[[[1.0] * 3] * 3]],
        [[[[1.0] * 3] * 3]],
        smooth=0.0,
        gradient=UNCERTIFIED,
        iterations=1,
    ),
    # Of a pair of pixels that are alike each has half a share.
    case(
        "kink: two alike",
        [[[0.25, 0.75, 0.75, 0.5]]],
        [[[0.125, 0.75, 0.25, 0.375]]],
        smooth=0.0,
        kink="split",
        tags=("kink",),
        iterations=1,
    ),
    case(
        "faint",
        (np.asarray(unlike(93, 1, 1, 3, 3)) * 2.0**-60).tolist(),
        unlike(94, 1, 1, 3, 3),
        smooth=0.0,
        gradient=UNCERTIFIED,
        iterations=1,  # at one pixel large terms leave next to nothing
    ),
    case(
        "faint, both",
        (np.asarray(unlike(93, 1, 1, 3, 3)) * 2.0**-40).tolist(),
        (np.asarray(unlike(94, 1, 1, 3, 3)) * 2.0**-40).tolist(),
        smooth=0.0,
        iterations=1,
    ),
    case(
        "nearly equal",
        [[[0.0, 1.0, 2.0**-20, 0.0]]],
        [[[0.0, 1.0, 0.0, 0.0]]],
        smooth=0.0,
        gradient=UNCERTIFIED,
        strict=True,
        iterations=1,
    ),
    case(
        "pixels masked",
        SMALL,
        SMALL_TARGET,
        where=[[[[True, True], [True, False]]], [[[False, True], [True, True]]]],
        iterations=1,
    ),
    case(
        "pixels masked in the middle",
        unlike(93, 1, 1, 3, 4),
        unlike(94, 1, 1, 3, 4),
        where=[[[[True] * 4, [True, False, False, True], [True, True, False, True]]]],
        smooth=0.0,
        iterations=1,
    ),
    case(
        "a pixel alone among masked ones",
        unlike(93, 1, 1, 3, 3),
        unlike(94, 1, 1, 3, 3),
        where=[[[[False, False, False], [False, True, False], [False, False, False]]]],
        smooth=0.0,
        iterations=1,
    ),
    case(
        "a column masked is an image cut in two",
        unlike(101, 1, 1, 2, 5),
        unlike(102, 1, 1, 2, 5),
        where=[True, True, False, True, True],
        iterations=1,
        smooth=0.0,
    ),
    case(
        "an image without a pixel leaves the mean",
        SMALL,
        SMALL_TARGET,
        where=[[[[True] * 2] * 2], [[[False] * 2] * 2]],
        reduction="mean",
        iterations=1,
    ),
    case(
        "background left out by weight, mean",
        SMALL,
        SMALL_TARGET,
        sample_weight=[[0.0, 1.0]],
        reduction="mean",
        iterations=1,
    ),
    case(
        "NaN in a live pixel",
        [[[0.5, NAN], [0.5, 0.25]]],
        [[[1.0, 0.0], [0.0, 1.0]]],
        gradient=UNCERTIFIED,
        iterations=1,
    ),
    peers={
        "monai": "monai.losses.SoftclDiceLoss(iter_=iterations, smooth=smooth)(probs, target), which sums "
        "over the classes and adds 1e-4 in the harmonic mean",
    },
)
def soft_cldice_loss(probs: Any, target: Any, *, where: Any, iterations: int = 3, smooth: Any = 1) -> Any:
    def pixels(x: Any, at: tuple[int, ...] = ()) -> dict[tuple[int, ...], Any]:
        if not isinstance(x, list):
            return {at: x}
        return {k: v for i, part in enumerate(x) for k, v in pixels(part, (*at, i)).items()}

    def ratio(skeleton: Any, region: Any) -> Any:
        size = mp.fsum(skeleton.values()) + smooth
        return (mp.fsum(s * region[i] for i, s in skeleton.items()) + smooth) / size if size else mpf(1)

    def item(p: Any, t: Any, counts: Any) -> Any:
        p, t = ({i: v for i, v in pixels(x).items() if pixels(counts)[i]} for x in (p, t))
        if not p and pixels(counts):
            return None
        if any(mp.isnan(v) for x in (p, t) for v in x.values()):
            return mp.nan
        of_p, of_t = (skeleton(tuple(x.items()), iterations) for x in (p, t))
        precision, recall = ratio(of_p, t), ratio(of_t, p)
        if precision + recall == 0:
            return mpf(1)
        return 1 - 2 * precision * recall / (precision + recall)

    return [
        [item(*each) for each in zip(probs[n], target[n], where[n], strict=True)] for n in range(len(probs))
    ]
