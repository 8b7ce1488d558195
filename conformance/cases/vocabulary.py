"""Evidence for the losses of large vocabularies."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, labels, uniform

INF, NAN = math.inf, math.nan

HIDDEN, WEIGHT, BIAS = uniform(51, 4, 3), uniform(52, 5, 3), uniform(53, 5)
TOKENS = [3, 0, 4, 1]
CLASS_WEIGHT = [1.0, 0.5, 2.0, 0.25, 4.0]
SHARED: dict[str, Any] = {"weight": None, "bias": None}  # legal items move them too
POSSIBLE = [True, True, False, True, True]


@evidence(
    "linear_cross_entropy",
    case("ordinary", HIDDEN, WEIGHT, TOKENS),
    case("bias", HIDDEN, WEIGHT, TOKENS, BIAS),
    case("worked", [[1.0, 2.0], [0.5, -1.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [2, 0], [0.0, 0.5, 0.0]),
    case("one state", HIDDEN[0], WEIGHT, 2, BIAS),
    case("batch of sequences", uniform(54, 2, 3, 2), uniform(55, 4, 2), labels(56, 2, 3, count=4)),
    case("softcap", HIDDEN, WEIGHT, TOKENS, BIAS, softcap=2.0),
    case("z_loss", HIDDEN, WEIGHT, TOKENS, BIAS, z_loss=0.25),
    case("softcap and z_loss", HIDDEN, WEIGHT, TOKENS, softcap=8.0, z_loss=0.25),
    case("label smoothing", HIDDEN, WEIGHT, TOKENS, BIAS, label_smoothing=0.125),
    case("label smoothing of 1", HIDDEN, WEIGHT, TOKENS, BIAS, label_smoothing=1.0),
    case("class weights", HIDDEN, WEIGHT, TOKENS, BIAS, class_weight=CLASS_WEIGHT),
    case("class weights, mean", HIDDEN, WEIGHT, TOKENS, BIAS, class_weight=CLASS_WEIGHT, reduction="mean"),
    case(
        "class weights, z_loss, mean",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        class_weight=CLASS_WEIGHT,
        z_loss=0.25,
        reduction="mean",
    ),
    case(
        "class weights, smoothing, z_loss, sample weights, mean",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        class_weight=CLASS_WEIGHT,
        label_smoothing=0.25,
        z_loss=0.25,
        sample_weight=[1.0, 2.0, 0.5, 4.0],
        reduction="mean",
    ),
    case(
        "class weight of 0",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        class_weight=[0.0, 1.0, 2.0, 0.5, 1.0],
        reduction="mean",
    ),
    case("all class weights 0", HIDDEN, WEIGHT, TOKENS, BIAS, class_weight=[0.0] * 5, reduction="mean"),
    case("class mask", HIDDEN, WEIGHT, TOKENS, BIAS, class_mask=POSSIBLE),
    case(
        "class mask for each state",
        HIDDEN[:2],
        WEIGHT,
        [3, 0],
        class_mask=[[True, False, False, True, True], [True, False, True, True, False]],
        z_loss=0.25,
    ),
    case(
        "class mask, smoothing and class weights, mean",
        HIDDEN,
        WEIGHT,
        TOKENS,
        class_mask=POSSIBLE,
        class_weight=CLASS_WEIGHT,
        label_smoothing=0.25,
        reduction="mean",
    ),
    case("label on a masked class", HIDDEN[:1], WEIGHT, [2], class_mask=POSSIBLE, tags=("inf",)),
    case("ignored label", HIDDEN, WEIGHT, [3, -100, 4, 1], BIAS, reduction="mean"),
    case(
        "ignored label, NaN state",
        [*HIDDEN[:3], [NAN] * 3],
        WEIGHT,
        [3, 0, 4, 7],
        BIAS,
        ignore_index=7,
        z_loss=0.5,
    ),
    case(
        "ignored label that is a class, mean", HIDDEN, WEIGHT, TOKENS, BIAS, ignore_index=0, reduction="mean"
    ),
    case("all ignored, mean", HIDDEN, WEIGHT, [-100] * 4, BIAS, z_loss=0.5, reduction="mean"),
    case("illegal labels", HIDDEN, WEIGHT, [3, -1, 5, 1], BIAS, tags=("label",), gradient=SHARED),
    case(
        "nothing ignored",
        HIDDEN,
        WEIGHT,
        [3, -100, 4, 1],
        ignore_index=None,
        tags=("label",),
        gradient=SHARED,
    ),
    case("large logits", [[64.0, 128.0], [-128.0, 64.0]], [[64.0, 0.0], [0.0, 64.0], [-64.0, 1.0]], [0, 1]),
    case("large logits, capped", [[8.0, 16.0]], [[12.0, 0.0], [0.0, 4.0], [-12.0, 1.0]], [0], softcap=32.0),
    case("confident", [[1.0, 0.0]], [[24.0, 0.0], [0.0, 0.0]], [0]),
    case("in chunks", HIDDEN, WEIGHT, TOKENS, BIAS, chunk_size=2),
    case("in chunks of one class", HIDDEN, WEIGHT, TOKENS, BIAS, chunk_size=1),
    case("in one chunk", HIDDEN, WEIGHT, TOKENS, chunk_size=8),
    case(
        "in chunks, batch of sequences",
        uniform(54, 2, 3, 2),
        uniform(55, 4, 2),
        labels(56, 2, 3, count=4),
        chunk_size=2,
    ),
    case(
        "in chunks, everything, mean",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        softcap=2.0,
        z_loss=0.25,
        label_smoothing=0.25,
        class_weight=CLASS_WEIGHT,
        class_mask=POSSIBLE,
        sample_weight=[1.0, 2.0, 0.5, 4.0],
        reduction="mean",
        chunk_size=2,
    ),
    case(
        "in chunks, class mask for each state",
        HIDDEN[:2],
        WEIGHT,
        [3, 0],
        class_mask=[[True, False, False, True, True], [True, False, True, True, False]],
        label_smoothing=0.125,
        z_loss=0.25,
        chunk_size=2,
    ),
    case(
        "in chunks, label smoothing of 1",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        label_smoothing=1.0,
        chunk_size=3,
    ),
    case(
        "in chunks, class weight of 0",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        class_weight=[0.0, 1.0, 2.0, 0.5, 1.0],
        z_loss=0.25,
        reduction="mean",
        chunk_size=2,
    ),
    case(
        "in chunks, all class weights 0",
        HIDDEN,
        WEIGHT,
        TOKENS,
        BIAS,
        class_weight=[0.0] * 5,
        label_smoothing=0.25,
        reduction="mean",
        chunk_size=2,
    ),
    case(
        "in chunks, label on a masked class",
        HIDDEN[:1],
        WEIGHT,
        [2],
        class_mask=POSSIBLE,
        label_smoothing=0.25,
        tags=("inf",),
        chunk_size=2,
    ),
    case(
        "in chunks, ignored label, NaN state",
        [*HIDDEN[:3], [NAN] * 3],
        WEIGHT,
        [3, 0, 4, 7],
        BIAS,
        ignore_index=7,
        z_loss=0.5,
        chunk_size=2,
    ),
    case(
        "in chunks, illegal labels",
        HIDDEN,
        WEIGHT,
        [3, -1, 5, 1],
        BIAS,
        tags=("label",),
        gradient=SHARED,
        chunk_size=2,
    ),
    case("in chunks, confident", [[1.0, 0.0]], [[24.0, 0.0], [0.0, 0.0], [-1.0, 1.0]], [0], chunk_size=2),
    case(
        "in chunks, confident, label smoothing",
        [[1.0, 0.0]],
        [[24.0, 0.0], [0.0, 0.0], [-1.0, 1.0]],
        [0],
        label_smoothing=2.0**-40,
        chunk_size=2,
    ),
    case(
        "in chunks, common offset",
        [[1.0, 1.0]],
        [[4096.0, 3.0], [4096.0, 1.0], [4096.0, -2.0]],
        [0],
        gradient={"hidden": None},
        label_smoothing=0.25,
        chunk_size=1,
    ),
    case("in chunks, one class", HIDDEN[:2], WEIGHT[:1], [0, 0], z_loss=0.25, chunk_size=1),
    case(
        "in chunks, NaN state",
        [[NAN, 1.0], [1.0, 2.0]],
        [[1.0, 0.0], [0.0, 1.0]],
        [0, 1],
        gradient={"hidden": None, "weight": None},
        chunk_size=1,
    ),
    case(
        "common offset",
        [[1.0, 1.0]],
        [[4096.0, 3.0], [4096.0, 1.0], [4096.0, -2.0]],
        [0],
        gradient={"hidden": None},
    ),
    case("one class", HIDDEN[:2], WEIGHT[:1], [0, 0], z_loss=0.25),
    case("zero states and weights", [[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [0, 1]),
    case(
        "NaN state",
        [[NAN, 1.0], [1.0, 2.0]],
        [[1.0, 0.0], [0.0, 1.0]],
        [0, 1],
        gradient={"hidden": None, "weight": None},
    ),
    peers={
        "torch": "torch.nn.functional.cross_entropy(hidden @ weight.T, labels, ignore_index=ignore_index)",
    },
)
def linear_cross_entropy(
    hidden: list[Any],
    weight: list[list[Any]],
    label: int,
    bias: list[Any] | None = None,
    *,
    softcap: Any = None,
    z_loss: Any = 0,
    label_smoothing: Any = 0,
    class_weight: list[Any] | None = None,
    class_mask: list[bool] | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    count = len(weight)
    if label == ignore_index:
        return None
    if not 0 <= label < count:
        return mp.nan
    z = [mp.fdot(row, hidden) + (bias[c] if bias else 0) for c, row in enumerate(weight)]
    if any(mp.isnan(x) for x in z):
        return mp.nan
    if softcap is not None:
        z = [softcap * mp.tanh(x / softcap) for x in z]
    possible = [c for c in range(count) if class_mask is None or class_mask[c]]
    total = mp.fsum(mp.exp(z[c]) for c in possible)
    if label not in possible:
        return mp.inf
    w = class_weight or [mpf(1)] * count
    q = [(1 - label_smoothing) * (c == label) for c in range(count)]
    for c in possible:
        q[c] += label_smoothing / mpf(len(possible))
    # Every class term, the penalty included, has the weight of its class.
    each = {c: -mp.log(mp.exp(z[c]) / total) + z_loss * mp.log(total) ** 2 for c in possible}
    return mp.fsum(w[c] * q[c] * each[c] for c in possible), mp.fsum(w[c] * q[c] for c in possible)


LOGITS = uniform(57, 5, 4)
LEAST = -(2.0**-20)


@evidence(
    "z_loss",
    case("ordinary", LOGITS, [3, 0, 2, 1, 2], weight=0.5),
    case("ignored label", LOGITS, [3, 0, -100, 1, 2], weight=0.5),
    case("no labels", LOGITS),
    case("weight of 0", LOGITS, weight=0.0),
    case("worked", [2.0, 0.5, -1.0]),
    case("worked, mean", [[2.0, 0.5, -1.0], [2.0, 0.5, -1.0]], reduction="mean"),
    case("another ignored label, mean", LOGITS, [3, 0, -100, 1, 3], ignore_index=3, reduction="mean"),
    case("nothing ignored", LOGITS, [3, 0, -100, 1, 3], ignore_index=None),
    case("all ignored, mean", LOGITS, [-100] * 5, reduction="mean"),
    case("NaN in an ignored item", [[NAN, 1.0], [1.0, 2.0]], [-100, 0], weight=1.0),
    case("labels that are none", LOGITS, [99, -1, 0, 4, 5], weight=1.0),
    case("class axis", uniform(58, 2, 3, 4), axis=1, weight=1.0),
    case("known log-sum-exp", [[0.75], [-2.0], [0.0]], weight=1.0),
    case("denominator of 1", [[math.log(0.25), math.log(0.75)]], weight=1.0),
    case("denominator near 1", [[-1.0, math.log1p(-math.exp(-1)) + LEAST]], weight=1.0),
    case("zero logits", [[0.0, 0.0, 0.0]], weight=1.0),
    case("large logits", [[4096.0, 0.0], [-4096.0, -4096.0]]),
    case("an impossible class", [[1.0, -INF, 0.5]], weight=1.0, tags=("inf",)),
    case(
        "no possible class",
        [[-INF, -INF]],
        weight=1.0,
        value=[INF],
        gradient={"logits": [[0.0, 0.0]]},
        tags=("inf",),
    ),
    case("NaN in a live item", [[NAN, 1.0], [1.0, 2.0]], gradient={"logits": None}),
)
def z_loss(
    logits: list[Any], label: int | None = None, *, weight: Any = 1e-4, ignore_index: int | None = -100
) -> Any:
    if label is not None and label == ignore_index:
        return None
    return weight * mp.log(mp.fsum(mp.exp(z) for z in logits)) ** 2
