"""Evidence for the softmax heads of normalised vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence, labels, uniform

NAN = math.nan

EMBEDDINGS, CENTRES, LABELS = uniform(71, 4, 3), uniform(72, 5, 3), [2, 0, 4, 1]
# Legal items move the centres too, where the label of one is illegal.
SHARED: dict[str, Any] = {"weight": None}
UNSURE: dict[str, Any] = {"embeddings": None, "weight": None}
WORKED = ([[3.0, 4.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0, 1])
# One embedding with cosines of 0.8, 0.3 and -0.1.
APART = ([[1.0, 0.0]], [[0.8, 0.6], [0.3, math.sqrt(0.91)], [-0.1, math.sqrt(0.99)]], [0])


def turned(degrees: float) -> list[list[float]]:
    """Centres of which the first stands at an angle to (1, 0), within the precision of a float64."""
    return [[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], [0.0, 1.0], [-0.5, -1.0]]


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


def common(centres: str = "weight", **options: Any) -> tuple[Case, ...]:
    """What every head meets; `centres` is the name of the second array."""
    moving: dict[str, Any] = {centres: None}
    unsure = {"embeddings": None, centres: None}
    still = {"embeddings": [[0.0, 0.0]], centres: [[0.0, 0.0], [0.0, 0.0]]}

    def of(name: str, *arrays: Any, **more: Any) -> Case:
        return case(name, *arrays, **options | more)

    return (
        *(
            of(f"{size} classes at a time", EMBEDDINGS, CENTRES, LABELS, chunk_size=size)
            for size in (1, 2, 5)
        ),
        of("one embedding", EMBEDDINGS[0], CENTRES, 3),
        of("two batch axes", uniform(81, 2, 2, 3), uniform(82, 3, 3), labels(75, 2, 2, count=3)),
        of(
            "two batch axes, a class at a time",
            uniform(81, 2, 2, 3),
            uniform(82, 3, 3),
            labels(75, 2, 2, count=3),
            chunk_size=1,
        ),
        of("one class", EMBEDDINGS[:2], CENTRES[:1], [0, 0]),
        of("one dimension", [[2.0]], [[1.0], [-0.5]], [0]),
        of("zero embedding", [[0.0, 0.0]], [[1.0, 2.0], [3.0, -1.0]], [0], gradient=still),
        of("zero centre of the label", [[1.0, 2.0]], [[0.0, 0.0], [3.0, -1.0]], [0], gradient=moving),
        of("zero centre of another", [[1.0, 2.0]], [[2.0, -1.5], [0.0, 0.0]], [0], gradient=moving),
        of("all zero", [[0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [0], gradient=still),
        of("huge", scaled(EMBEDDINGS, 2.0**100), scaled(CENTRES, 2.0**100), LABELS, gradient=unsure),
        of("tiny", scaled(EMBEDDINGS, 2.0**-100), scaled(CENTRES, 2.0**-100), LABELS, gradient=unsure),
        of(
            "huge and tiny", scaled(EMBEDDINGS, 2.0**100), scaled(CENTRES, 2.0**-100), LABELS, gradient=unsure
        ),
        of("longer than float16 can square", scaled(EMBEDDINGS, 128.0), scaled(CENTRES, 128.0), LABELS),
        of("ignored label", EMBEDDINGS, CENTRES, [2, -100, 4, 1], reduction="mean"),
        of("nothing ignored", EMBEDDINGS, CENTRES, LABELS, ignore_index=None),
        of(
            "ignored label, NaN embedding",
            [[NAN] * 3, *EMBEDDINGS[1:]],
            CENTRES,
            [-1, 0, 4, 1],
            ignore_index=-1,
        ),
        of("illegal labels", EMBEDDINGS, CENTRES, [2, -1, 5, 1], tags=("label",), gradient=moving),
        of("NaN embedding", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], [0, 1], gradient=unsure),
        of("NaN embedding, one class", [[NAN, 1.0]], [[1.0, 2.0]], [0], gradient=unsure),
    )


def item(
    embedding: list[Any],
    weight: list[Any],
    label: int,
    ignore_index: int | None,
    logits: Callable[[], list[Any]],
) -> Any:
    """The cross-entropy of the logits of one embedding."""
    if label == ignore_index:
        return None
    if not 0 <= label < len(weight) or any(mp.isnan(v) for v in embedding):
        return mp.nan
    z = logits()
    return -mp.log(mp.exp(z[label]) / mp.fsum(map(mp.exp, z)))


def cosine(a: list[Any], b: list[Any]) -> Any:
    lengths = mp.sqrt(mp.fdot(a, a)) * mp.sqrt(mp.fdot(b, b))
    return max(min(mp.fdot(a, b) / lengths, mpf(1)), mpf(-1)) if lengths else mpf(0)


def unit(a: list[Any]) -> list[Any]:
    length = mp.sqrt(mp.fdot(a, a))
    return [x / length for x in a] if length else a


@evidence(
    "normface_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS, scale=8.0),
    case("small scale", EMBEDDINGS, CENTRES, LABELS, scale=0.25),
    case("scale as an array", EMBEDDINGS, CENTRES, LABELS, scale=np.asarray(5.0)),
    case("worked", *WORKED, scale=8.0),
    *(case(f"worked: scale of {s}", *APART, scale=float(s)) for s in (8, 30, 64)),
    case(
        "all in one direction",
        [[1.0, 2.0]] * 2,
        [[1.0, 2.0], [2.0, 4.0]],
        [0, 1],
        scale=4.0,
        gradient=UNSURE,  # 0, but for what rounding leaves
    ),
    case("on the centre", [[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0]], [0], scale=64.0),
    case("opposite to the centre", [[-1.0, -2.0]], [[2.0, 4.0], [2.0, 1.0]], [0], scale=64.0),
    *common(scale=8.0),
)
def normface_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    return item(
        embedding, weight, label, ignore_index, lambda: [scale * cosine(embedding, row) for row in weight]
    )


SOME = [True, False, True, True, True]


@evidence(
    "coco_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS, alpha=6.0),
    case("worked", WORKED[0][:1], WORKED[1], [0], alpha=6.25),
    case("alpha as an array", EMBEDDINGS, CENTRES, LABELS, alpha=np.asarray(5.0)),
    case(
        "class mask",
        EMBEDDINGS,
        CENTRES,
        LABELS,
        alpha=6.0,
        class_mask=SOME,
        gradient={"embeddings": None, "centroids": None},
    ),
    *(
        case(
            f"class mask, {size} classes at a time",
            EMBEDDINGS[:3],
            CENTRES,
            LABELS[:3],
            alpha=6.0,
            class_mask=SOME,
            chunk_size=size,
        )
        for size in (1, 2)
    ),
    case("class mask, legal labels", EMBEDDINGS[:3], CENTRES, LABELS[:3], alpha=6.0, class_mask=SOME),
    case(
        "class mask over a centroid of zeros",
        EMBEDDINGS[:2],
        [CENTRES[0], [0.0] * 3, *CENTRES[2:]],
        [2, 0],
        alpha=6.0,
        class_mask=SOME,
        gradient={"centroids": None},
    ),
    case("only the label", EMBEDDINGS[:1], CENTRES[:2], [1], alpha=6.0, class_mask=[False, True]),
    *common("centroids", alpha=6.25),
)
def coco_loss(
    embedding: list[Any],
    centroids: list[list[Any]],
    label: int,
    *,
    alpha: Any,
    class_mask: list[bool] | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    x, possible = unit(embedding), class_mask or [True] * len(centroids)
    return item(
        embedding,
        centroids,
        label,
        ignore_index,
        lambda: [
            alpha * mp.fdot(x, unit(c)) if here else mp.ninf
            for c, here in zip(centroids, possible, strict=True)
        ],
    )


BIAS = [0.5, -1.0, 0.25, 0.0, 2.0]


@evidence(
    "l2_softmax_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS, alpha=4.0),
    case("bias", EMBEDDINGS, CENTRES, LABELS, alpha=4.0, bias=BIAS),
    *(
        case(
            f"bias, {size} classes at a time",
            EMBEDDINGS,
            CENTRES,
            LABELS,
            alpha=4.0,
            bias=BIAS,
            chunk_size=size,
        )
        for size in (1, 2, 5)
    ),
    case("worked", WORKED[0][:1], WORKED[1], [0], alpha=4.0, bias=[0.1, 0.0, 0.0]),
    case("alpha as an array", EMBEDDINGS, CENTRES, LABELS, alpha=np.asarray(5.0)),
    case("long weights", EMBEDDINGS, scaled(CENTRES, 64.0), LABELS, alpha=16.0),
    case(
        "zero embedding, bias",
        [[0.0, 0.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0],
        alpha=4.0,
        bias=[0.5, 2.0],
        gradient={"embeddings": [[0.0, 0.0]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    *(c for c in common(alpha=4.0) if c.name not in ("huge", "all zero", "zero centre of the label")),
)
def l2_softmax_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    alpha: Any,
    bias: list[Any] | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    x, b = unit(embedding), bias or [0] * len(weight)
    return item(
        embedding,
        weight,
        label,
        ignore_index,
        lambda: [alpha * mp.fdot(x, row) + b[c] for c, row in enumerate(weight)],
    )


def subtracting(scale: Any, margin: Any, embedding: list[Any], weight: list[Any], label: int) -> list[Any]:
    cosines = [cosine(embedding, row) for row in weight]
    return [scale * (c - margin * (j == label)) for j, c in enumerate(cosines)]


def margins() -> tuple[Case, ...]:
    """What both losses with an additive margin between cosines meet."""
    return (
        case("margin of 0", EMBEDDINGS, CENTRES, LABELS, scale=8.0, margin=0.0),
        case("margin of 2", EMBEDDINGS, CENTRES, LABELS, scale=8.0, margin=2.0),
        case("arrays", EMBEDDINGS, CENTRES, LABELS, scale=np.asarray(8.0), margin=np.asarray(0.25)),
        case("worked", *WORKED, scale=8.0),
        *(case(f"worked: scale of {s}", *APART, scale=float(s)) for s in (8, 30, 64)),
        case("on the centre", [[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0]], [0], scale=2.0),
        case("opposite to the centre", [[-1.0, -2.0]], [[2.0, 4.0], [2.0, 1.0]], [0], scale=2.0),
        *common(scale=8.0),
    )


@evidence("am_softmax_loss", case("ordinary", EMBEDDINGS, CENTRES, LABELS), *margins())
def am_softmax_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 30,
    margin: Any = 0.35,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    return item(
        embedding, weight, label, ignore_index, lambda: subtracting(scale, margin, embedding, weight, label)
    )


@evidence("cosface_loss", case("ordinary", EMBEDDINGS, CENTRES, LABELS), *margins())
def cosface_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 64,
    margin: Any = 0.35,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    return item(
        embedding, weight, label, ignore_index, lambda: subtracting(scale, margin, embedding, weight, label)
    )
