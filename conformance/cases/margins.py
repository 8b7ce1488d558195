"""Evidence for the losses of the margin."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, distributions, evidence, labels, one_hot, signs, uniform

INF, NAN = math.inf, math.nan

# Labels that are neither -1 nor 1, beside scores of every kind, and one legal item at the end.
NO_SIGN = ([0.5, 2.0, -1.0, INF, -INF, -1024.0, 0.5], [0.0, 0.5, 2.0, 0.0, 0.0, -2.0, 1.0])
# The same scores with the labels 0 and 1, and with 0 and -1: an item does not depend on the others.
ZERO_ONE = ([2.0, 2.0], [0.0, 1.0])
ZERO_MINUS_ONE = ([2.0, 2.0], [0.0, -1.0])


def positive_part(x: Any) -> Any:
    return mpf(0) if x <= 0 else x


def hinge(s: Any, y: Any, m: Any) -> Any:
    return positive_part(m - y * s) if y in (-1, 1) else mp.nan


# --- two classes, labels -1 and 1 ----------------------------------------------------------------


@evidence(
    "perceptron_loss",
    case("ordinary", uniform(101, 6), signs(102, 6)),
    case("worked", [-0.3, 0.3], [1.0, 1.0]),
    case("kink: score of 0", [0.0, -0.0, 0.0], [1.0, 1.0, -1.0], tags=("kink",)),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("large and tiny scores", [-(2.0**40), 2.0**40, -(2.0**-20), 2.0**-20], [1.0, 1.0, 1.0, 1.0]),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
    case("label of NaN", [1.0, -1.0], [NAN, 1.0], tags=("label",)),
    case("an illegal label under the mask", *ZERO_ONE, where=[False, True], tags=("label", "mask")),
    case("one label for all", [[-1.0, 2.0], [-0.5, 0.25]], -1.0),
    peers={"optax": "optax.losses.perceptron_loss(scores, labels)"},
)
def perceptron_loss(s: Any, y: Any) -> Any:
    return hinge(s, y, 0)


@evidence(
    "hinge_loss",
    case("ordinary", uniform(103, 6), signs(104, 6)),
    case("worked", [0.5, 0.5], [1.0, -1.0]),
    case("kink: on the margin", [1.0, -1.0, 0.5], [1.0, -1.0, 1.0], tags=("kink",)),
    case("kink: on a margin of 2.5", [2.5, -2.5], [1.0, -1.0], margin=2.5, tags=("kink",)),
    case("margin of 0", [0.0, -0.5, 0.5], [1.0, 1.0, 1.0], margin=0.0, tags=("kink",)),
    case("margin", uniform(105, 6), signs(106, 6), margin=0.25),
    case("just inside the margin", [1 - 2.0**-8, -1 + 2.0**-8], [1.0, -1.0]),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("large scores", [-(2.0**40), 2.0**40, 2.0**13], [1.0, 1.0, -1.0]),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
    case("an illegal label under the mask", *ZERO_ONE, where=[False, True], tags=("label", "mask")),
    case("an illegal label of weight 0", *ZERO_ONE, sample_weight=[0.0, 2.0], tags=("label",)),
    case("one label for all", [[-1.0, 2.0], [-0.5, 0.25]], -1.0),
    peers={"optax": "optax.losses.hinge_loss(scores, labels)"},
)
def hinge_loss(s: Any, y: Any, *, margin: Any = 1) -> Any:
    return hinge(s, y, margin)


@evidence(
    "squared_hinge_loss",
    case("ordinary", uniform(107, 6), signs(108, 6)),
    case("worked", [0.5, 0.5], [1.0, -1.0]),
    case("on the margin", [1.0, -1.0, 0.5], [1.0, -1.0, 1.0]),
    case("margin of 0", [0.0, -0.5, 0.5], [1.0, 1.0, 1.0], margin=0.0),
    case("margin", uniform(109, 6), signs(110, 6), margin=2.25),
    case("just inside the margin", [1 - 2.0**-8, -1 + 2.0**-8, 1 - 2.0**-20], [1.0, -1.0, 1.0]),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("large scores", [-(2.0**40), 2.0**40, 2.0**13], [1.0, 1.0, -1.0]),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
)
def squared_hinge_loss(s: Any, y: Any, *, margin: Any = 1) -> Any:
    return hinge(s, y, margin) ** 2


@evidence(
    "modified_huber_loss",
    case("ordinary", uniform(111, 6), signs(112, 6)),
    case("worked", [-2.0, -1.0, 0.0, 0.5, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]),
    case("label of -1", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0], [-1.0] * 6),
    case("where the tail begins", [-1.0, -1 - 2.0**-8, -1 + 2.0**-8], [1.0, 1.0, 1.0]),
    case("just inside the margin", [1 - 2.0**-8, -1 + 2.0**-8, 1 - 2.0**-20], [1.0, -1.0, 1.0]),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("large scores", [-(2.0**40), 2.0**40, 2.0**13], [1.0, 1.0, -1.0]),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
)
def modified_huber_loss(s: Any, y: Any) -> Any:
    if y not in (-1, 1):
        return mp.nan
    return -4 * y * s if y * s < -1 else positive_part(1 - y * s) ** 2


@evidence(
    "logistic_loss",
    case("ordinary", uniform(113, 6), signs(114, 6)),
    case("worked", [0.5], [1.0]),
    case("score of 0", [0.0, -0.0, 0.0], [1.0, 1.0, -1.0]),
    case("wrong by far", [-20.0, -88.0, -90.0, -100.0, -200.0, -1024.0, -8192.0, -(2.0**40)], [1.0] * 8),
    case("right by far", [20.0, 60.0, -20.0, -60.0], [1.0, 1.0, -1.0, -1.0]),
    case("right by very far", [1024.0, -(2.0**40)], [1.0, -1.0]),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
    peers={"torch": "torch.nn.functional.soft_margin_loss(scores, labels)"},
)
def logistic_loss(s: Any, y: Any) -> Any:
    return mp.log1p(mp.exp(-y * s)) if y in (-1, 1) else mp.nan


@evidence(
    "exponential_loss",
    case("ordinary", uniform(115, 6), signs(116, 6)),
    case("worked", [0.5], [1.0]),
    case("score of 0", [0.0, -0.0, 0.0], [1.0, 1.0, -1.0]),
    case("wrong by far", [-20.0, -64 - 2.0**-6, 64 + 2.0**-6], [1.0, 1.0, -1.0]),
    case("beyond every dtype", [-1024.0, 1024.0, -(2.0**40)], [1.0, -1.0, 1.0], tags=("inf",)),
    case("right by far", [20.0, 60.0, -20.0, -60.0], [1.0, 1.0, -1.0, -1.0]),
    case("right by very far", [1024.0, -(2.0**40)], [1.0, -1.0]),
    case("infinite scores", [INF, INF, -INF, -INF], [1.0, -1.0, 1.0, -1.0], tags=("inf",)),
    case("NaN score", [NAN, -1.0], [1.0, 1.0], tags=("nan",)),
    case("labels that are neither -1 nor 1", *NO_SIGN, tags=("label",)),
    case("labels that are neither -1 nor 1, mean", *NO_SIGN, tags=("label",), reduction="mean"),
    case("labels 0 and 1", *ZERO_ONE, tags=("label",)),
    case("labels 0 and -1", *ZERO_MINUS_ONE, tags=("label",)),
)
def exponential_loss(s: Any, y: Any) -> Any:
    return mp.exp(-y * s) if y in (-1, 1) else mp.nan


# --- many classes --------------------------------------------------------------------------------

# Six rows of four classes, their labels, and the labels with those that are illegal and ignored.
ROWS = uniform(121, 6, 4)
TRUE = labels(122, 6, count=4)
SOME_TRUE = [TRUE[0], -1, 4, -100, 20, TRUE[5]]
CLASS_WEIGHT = [0.5, 2.0, 0.0, 1.25]
# A row that a class weight of 0 takes out may hold anything.
OUT = ([[INF, 1.0, -INF, NAN], [0.5, 1.0, 0.25, 0.0], [2.0, -1.0, INF, 0.0]], [2, 0, 2])
IMAGE = uniform(123, 2, 4, 3)
PIXELS = labels(124, 2, 3, count=4)
COMMON = (
    case("illegal and ignored labels", ROWS, SOME_TRUE, tags=("label",)),
    case("illegal and ignored labels, mean", ROWS, SOME_TRUE, tags=("label",), reduction="mean"),
    case("illegal labels beside infinite scores", [[INF, -INF], [-INF, 0.0]], [2, -1], tags=("label", "inf")),
    case("ignored labels, mean", ROWS, [1, -100, 2, -100, 0, 3], tags=("label",), reduction="mean"),
    case("all ignored, mean", ROWS, [-100] * 6, tags=("label",), reduction="mean"),
    case(
        "an ignored label among the classes",
        ROWS,
        TRUE,
        tags=("label",),
        ignore_index=TRUE[0],
        reduction="mean",
    ),
    case("class weights", ROWS, TRUE, class_weight=CLASS_WEIGHT),
    case("class weights, mean", ROWS, TRUE, class_weight=CLASS_WEIGHT, reduction="mean"),
    case(
        "class weights, weights, mean",
        ROWS,
        TRUE,
        class_weight=CLASS_WEIGHT,
        sample_weight=[1.0, 0.5, 2.0, 0.0, 1.5, 1.0],
        reduction="mean",
    ),
    case(
        "class weights, illegal and ignored labels",
        ROWS,
        SOME_TRUE,
        tags=("label",),
        class_weight=CLASS_WEIGHT,
    ),
    case("a class of weight 0", *OUT, class_weight=CLASS_WEIGHT),
    case("a class of weight 0, mean", *OUT, class_weight=CLASS_WEIGHT, reduction="mean"),
    case("all class weights 0, mean", ROWS, TRUE, class_weight=[0.0] * 4, reduction="mean"),
    case("classes along the second of three axes", IMAGE, PIXELS, axis=1),
    case(
        "classes along the first of three axes", IMAGE, [[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]], axis=0
    ),
    case(
        "mask of one row for all",
        uniform(125, 2, 3, 4),
        labels(126, 2, 3, count=4),
        where=[True, False, True],
    ),
    case("a single class", [[1.0], [-2.0]], [0, 0]),
    case("NaN score", [[NAN, 1.0, 2.0], [1.0, 2.0, NAN], [0.0, 1.0, 2.0]], [1, 1, 1], tags=("nan",)),
)


def violations(s: list[Any], y: int, m: Any) -> list[Any]:
    return [positive_part(m - s[y] + s[c]) for c in range(len(s)) if c != y] or [mpf(0)]


def weighed(value: Any, y: int, class_weight: list[Any] | None) -> Any:
    """An item and its mass; one without mass does not count."""
    if class_weight is None:
        return value
    return (class_weight[y] * value, class_weight[y]) if class_weight[y] else None


def largest(numbers: list[Any]) -> Any:
    return mp.nan if any(map(mp.isnan, numbers)) else max(numbers)


@evidence(
    "multiclass_perceptron_loss",
    case("ordinary", uniform(151, 6, 4), TRUE),
    case("worked", [[0.2, 0.1, 0.6]], [1]),
    case("the label is best", [[0.25, 0.5, -1.0], [0.25, 0.5, 0.375]], [1, 1]),
    case(
        "kink: the label ties with its best rival", [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], [0, 2], tags=("kink",)
    ),
    case("kink: all scores 0", [[0.0, 0.0, 0.0]], [1], tags=("kink",)),
    case("kink: two tie above the label", [[0.5, 0.5, -1.0, 0.25]], [2], tags=("kink",), kink="split"),
    case(
        "kink: three tie above the label",
        [[0.5, 0.5, -1.0, 0.5]],
        [2],
        tags=("kink",),
        gradient={"scores": [[1 / 3, 1 / 3, -1.0, 1 / 3]]},
    ),
    case("scores of -inf", [[-INF, 1.0, 0.5], [-INF, 1.0, 0.5]], [1, 2], tags=("inf",)),
    case("infinite label, infinite rival", [[INF, 1.0], [-INF, 1.0], [INF, 1.0]], [0, 0, 1], tags=("inf",)),
    case("a large offset", [[8192.0, 8200.0, 8208.0], [2.0**40, 2.0**41, 0.0]], [0, 0]),
    *COMMON,
    peers={"optax": "optax.losses.multiclass_perceptron_loss(scores, labels)"},
)
def multiclass_perceptron_loss(
    s: list[Any], y: int, *, class_weight: list[Any] | None = None, ignore_index: int = -100
) -> Any:
    if y == ignore_index:
        return None
    return weighed(largest(s) - s[y], y, class_weight) if 0 <= y < len(s) else mp.nan


WW: dict[str, Any] = {"variant": "weston_watkins"}


@evidence(
    "multiclass_hinge_loss",
    case("ordinary", ROWS, TRUE),
    case("worked: Crammer-Singer", [[0.2, 0.1, 0.6]], [1]),
    case("worked: Weston-Watkins", [[0.2, 0.1, 0.6]], [1], **WW),
    case("worked: Weston-Watkins, averaged", [[0.2, 0.1, 0.6]], [1], average_classes=True, **WW),
    case(
        "worked: Weston-Watkins, averaged, squared",
        [[0.2, 0.1, 0.6]],
        [1],
        average_classes=True,
        power=2,
        **WW,
    ),
    case("margin", ROWS, TRUE, margin=2.5),
    case("margin of 0", ROWS, TRUE, margin=0.0),
    case("squared", ROWS, TRUE, power=2),
    case("Weston-Watkins", ROWS, TRUE, **WW),
    case("Weston-Watkins, margin", ROWS, TRUE, margin=0.25, **WW),
    case("Weston-Watkins, squared", ROWS, TRUE, power=2, **WW),
    case("Weston-Watkins, averaged", ROWS, TRUE, average_classes=True, **WW),
    case("Weston-Watkins, averaged, mean", ROWS, TRUE, average_classes=True, reduction="mean", **WW),
    case(
        "Weston-Watkins, class weights, mean", ROWS, TRUE, class_weight=CLASS_WEIGHT, reduction="mean", **WW
    ),
    case("Weston-Watkins, squared, a class of weight 0", *OUT, class_weight=CLASS_WEIGHT, power=2, **WW),
    case("squared, a class of weight 0", *OUT, class_weight=CLASS_WEIGHT, power=2),
    case("Weston-Watkins, illegal and ignored labels", ROWS, SOME_TRUE, tags=("label",), **WW),
    case(
        "squared, illegal labels beside infinite scores",
        [[INF, -INF], [-INF, 0.0]],
        [2, -1],
        tags=("label", "inf"),
        power=2,
    ),
    case("rivals far below", [[0.5, -5.0, -5.0]], [0]),
    case("rivals far below, Weston-Watkins", [[0.5, -5.0, -5.0]], [0], **WW),
    case("kink: the best rival is on the margin", [[2.0, 1.0, 0.5], [1.0, 2.0, 1.0]], [0, 1], tags=("kink",)),
    case(
        "kink: the best rival is on the margin, Weston-Watkins",
        [[2.0, 1.0, 0.5], [1.0, 2.0, 1.0], [1.0, 2.0, 1.5]],
        [0, 1, 1],
        tags=("kink",),
        **WW,
    ),
    case("kink: two violate equally", [[0.5, 0.5, 1.0, -1.0]], [2], tags=("kink",), kink="split"),
    case(
        "kink: two violate equally, squared",
        [[0.5, 0.5, 1.0, -1.0]],
        [2],
        power=2,
        tags=("kink",),
        kink="split",
    ),
    case(
        "kink: all scores 0",
        [[0.0, 0.0, 0.0, 0.0]],
        [1],
        tags=("kink",),
        gradient={"scores": [[1 / 3, -1.0, 1 / 3, 1 / 3]]},
    ),
    case("scores of -inf", [[-INF, 1.0, 0.5], [-INF, 1.0, 0.5]], [1, 2], tags=("inf",)),
    case(
        "scores of -inf, Weston-Watkins, squared",
        [[-INF, 1.0, 0.5], [-INF, 1.0, 0.5]],
        [1, 2],
        power=2,
        tags=("inf",),
        **WW,
    ),
    case("infinite label, infinite rival", [[INF, 1.0], [-INF, 1.0], [INF, 1.0]], [0, 0, 1], tags=("inf",)),
    case("a large offset", [[8192.0, 8200.0, 8208.0], [2.0**40, 2.0**41, 0.0]], [0, 0]),
    case(
        "a large offset, Weston-Watkins", [[8192.0, 8200.0, 8208.0], [8192.0, 8200.0, 8208.0]], [0, 2], **WW
    ),
    *COMMON,
    peers={
        "optax": "optax.losses.multiclass_hinge_loss(scores, labels)",
        "torch": "torch.nn.functional.multi_margin_loss(scores, labels, p=power, margin=margin)",
    },
)
def multiclass_hinge_loss(
    s: list[Any],
    y: int,
    *,
    variant: str = "crammer_singer",
    margin: Any = 1,
    power: int = 1,
    average_classes: bool = False,
    class_weight: list[Any] | None = None,
    ignore_index: int = -100,
) -> Any:
    if y == ignore_index:
        return None
    if not 0 <= y < len(s):
        return mp.nan
    if variant == "crammer_singer":
        value = largest(violations(s, y, margin)) ** power
    else:
        value = mp.fsum(h**power for h in violations(s, y, margin)) / (len(s) if average_classes else 1)
    return weighed(value, y, class_weight)


# --- the sparse softmax --------------------------------------------------------------------------


def sparsemax(z: list[Any]) -> list[Any]:
    """The Euclidean projection onto the simplex (Martins and Astudillo, algorithm 1)."""
    ordered = sorted(z, reverse=True)
    k = max(j for j in range(1, len(z) + 1) if 1 + j * ordered[j - 1] > mp.fsum(ordered[:j]))
    tau = (mp.fsum(ordered[:k]) - 1) / k
    return [positive_part(z_c - tau) for z_c in z]


def fenchel_young(z: list[Any], q: list[Any]) -> Any:
    if any(map(mp.isnan, z + q)):
        return mp.nan
    p = sparsemax(z)
    return mp.fsum((q_c**2 - p_c**2) / 2 + (p_c - q_c) * z_c for z_c, p_c, q_c in zip(z, p, q, strict=True))


@evidence(
    "binary_sparsemax_loss",
    case("ordinary", uniform(131, 6, low=-1.5, high=1.5), [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]),
    case("worked", [0.5, -0.5, 2.0, -2.0], [1.0, 1.0, 1.0, 1.0]),
    case("soft targets", uniform(132, 8, low=-2, high=2), [0.25, 0.5, 0.125, 0.75, 0.875, 0.0625, 0.5, 1.0]),
    case(
        "where the probability reaches 0 and 1",
        [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0],
        [0.0, 0.0, 1.0, 1.0, 0.25, 0.25],
    ),
    case("just before", [-1 + 2.0**-8, 1 - 2.0**-8, 1 - 2.0**-20], [0.0, 1.0, 1.0]),
    case("right and wrong by far", [-1024.0, 1024.0, -(2.0**40), 2.0**40], [0.0, 0.0, 1.0, 1.0]),
    case(
        "infinite logits",
        [-INF, INF, -INF, INF],
        [0.0, 0.0, 1.0, 1.0],
        tags=("inf",),
        gradient={"target": None},
    ),
    case("infinite logits, soft targets", [-INF, INF], [0.5, 0.5], tags=("inf",), gradient={"target": None}),
    case("NaN logit", [NAN, -0.5], [1.0, 1.0], tags=("nan",)),
    case("one target for all", [[-1.5, 0.5], [-0.5, 0.25]], 1.0),
    peers={"optax": "optax.losses.sparsemax_loss(logits, target)"},
)
def binary_sparsemax_loss(z: Any, q: Any) -> Any:
    return fenchel_young([mpf(0), z], [1 - q, q])


SOFT = distributions(133, 6, 4)
UPRIGHT = [[0.25, 0.5], [0.125, 0.5], [0.625, 0.0]]
NEAR = uniform(134, 6, 4, low=-1, high=1)  # logits among which the support has several classes


@evidence(
    "sparsemax_loss",
    case("ordinary", NEAR, TRUE),
    case("worked", [[1.0, 0.5, -1.0]] * 3, [0, 1, 2]),
    case("wide logits", uniform(135, 6, 4, low=-4, high=4), TRUE),
    case("soft targets", NEAR, SOFT),
    case("soft targets, mean", NEAR, SOFT, reduction="mean"),
    case(
        "soft targets, mask, mean", NEAR, SOFT, where=[True, False, True, True, False, True], reduction="mean"
    ),
    case("soft targets, class weights", NEAR, SOFT, class_weight=CLASS_WEIGHT),
    case("soft targets, class weights, mean", NEAR, SOFT, class_weight=CLASS_WEIGHT, reduction="mean"),
    case(
        "soft targets, classes along the first of two axes",
        uniform(136, 3, 2, low=-1, high=1),
        UPRIGHT,
        axis=0,
    ),
    case("one-hot targets", NEAR, one_hot(TRUE, 4)),
    case(
        "one-hot targets, class weights, mean",
        NEAR,
        one_hot(TRUE, 4),
        class_weight=CLASS_WEIGHT,
        reduction="mean",
    ),
    case(
        "soft targets that equal the prediction",
        [[1.0, 0.5, -1.0], [0.25, 0.5, 0.25]],
        [[0.75, 0.25, 0.0], [0.25, 0.5, 0.25]],
    ),
    case("the label is 1 above all others", [[2.0, 1.0, 0.5], [-1.0, 0.0, -1.0]], [0, 1]),
    case("the label is more than 1 above all others", [[4.0, 1.0, 0.5], [-1.0, 0.5, -2.0]], [0, 1]),
    case(
        "the label is almost 1 above all others",
        [[0.0, -1 + 2.0**-8, -2.0], [0.0, -1 + 2.0**-20, -2.0]],
        [0, 0],
    ),
    case(
        "almost 1 above two others",
        [[0.0, -1 + 2.0**-8, -1 + 2.0**-8], [0.0, -1 + 2.0**-20, -1 + 2.0**-20]],
        [0, 0],
    ),
    case("the label is at the edge of the support", [[1.0, 0.0, -1.0], [0.5, 0.5, 0.0]], [1, 2]),
    case(
        "soft targets at the edge of the support",
        [[1.0, 0.0, -1.0], [0.5, 0.5, 0.0]],
        [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]],
    ),
    case("logits of 0", [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [0, 2]),
    case("ties at the top", [[0.5, 0.5, -1.0], [0.5, 0.5, 0.25]], [0, 2]),
    case("logits of -inf", [[-INF, 1.0, 0.5], [-INF, 1.0, 0.5], [-INF, 1.0, -INF]], [1, 2, 1], tags=("inf",)),
    case("soft targets of 0 for logits of -inf", [[-INF, 1.0, 0.5]], [[0.0, 0.25, 0.75]], tags=("inf",)),
    case("a label of logit -inf", [[-INF, 1.0, 0.5]], [0], tags=("inf",)),
    case("a soft target for a logit of -inf", [[-INF, 1.0, 0.5]], [[0.25, 0.25, 0.5]], tags=("inf",)),
    case("a logit of inf", [[INF, 1.0, 0.5], [INF, 1.0, 0.5]], [0, 1], tags=("inf",)),
    case("a large offset", [[2048.0, 2048.5, 2047.75], [2.0**20, 2.0**20 + 0.5, 2.0**20 - 0.25]], [0, 1]),
    case("an offset changes nothing", [[8192.0, 8200.0, 8184.0]] * 3, [0, 1, 2]),
    case("far apart", [[-(2.0**40), 0.0, 2.0**40]] * 3, [0, 1, 2]),
    *COMMON,
    wrt=("logits",),
    peers={"optax": "optax.losses.multiclass_sparsemax_loss(logits, target)"},
)
def sparsemax_loss(
    z: list[Any], q: Any, *, class_weight: list[Any] | None = None, ignore_index: int = -100
) -> Any:
    if not isinstance(q, list):
        if q == ignore_index:
            return None
        if not 0 <= q < len(z):
            return mp.nan
        q = [mpf(c == q) for c in range(len(z))]
    if class_weight is None:
        return fenchel_young(z, q)
    mass = mp.fsum(w * q_c for w, q_c in zip(class_weight, q, strict=True))
    return (mass * fenchel_young(z, q), mass) if mass else None
