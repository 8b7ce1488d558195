"""Evidence for the softmax heads with a margin that is added to the angle."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence, labels, uniform
from .face import (
    APART,
    CENTRES,
    EMBEDDINGS,
    LABELS,
    NAN,
    SHARED,
    UNSURE,
    WORKED,
    common,
    cosine,
    item,
    scaled,
    turned,
)


@evidence(
    "arcface_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS),
    case("small scale", EMBEDDINGS, CENTRES, LABELS, scale=2.0),
    case("margin of 0", EMBEDDINGS, CENTRES, LABELS, scale=8.0, margin=0.0),
    case("margin of 1", EMBEDDINGS, CENTRES, LABELS, scale=8.0, margin=1.0),
    case(
        "worked",
        [[3.0, 4.0], [0.0, 2.0]],
        [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
        [0, 1],
        scale=8.0,
        tags=("kink",),
        kink="split",
    ),
    case(
        "worked: scale of 64",
        [[1.0, 0.0]],
        [[0.8, 0.6], [0.3, math.sqrt(0.91)], [-0.1, math.sqrt(0.99)]],
        [0],
    ),
    case(
        "worked: scale of 8",
        [[1.0, 0.0]],
        [[0.8, 0.6], [0.3, math.sqrt(0.91)], [-0.1, math.sqrt(0.99)]],
        [0],
        scale=8.0,
    ),
    *(
        case(
            f"{overflow}: at {degrees} degrees",
            [[1.0, 0.0]],
            turned(degrees),
            [0],
            scale=4.0,
            overflow=overflow,
        )
        for overflow in ("linear", "none", "clip", "easy")
        for degrees in (30, 100, 140, 160, 176)
    ),
    *(
        case(f"{size} classes at a time", EMBEDDINGS, CENTRES, LABELS, scale=8.0, chunk_size=size)
        for size in (1, 2, 5)
    ),
    case(
        "options as arrays",
        EMBEDDINGS[:2],
        CENTRES,
        LABELS[:2],
        scale=np.asarray(8.0),
        margin=np.asarray(0.75),
    ),
    case("one embedding", EMBEDDINGS[0], CENTRES, 3, scale=8.0),
    case("two batch axes", uniform(73, 2, 2, 2), uniform(74, 3, 2), labels(75, 2, 2, count=3), scale=8.0),
    case("one class", EMBEDDINGS[:2], CENTRES[:1], [0, 0]),
    case("one dimension", [[2.0]], [[1.0], [-0.5]], [0], scale=2.0),
    Case("straight through", (EMBEDDINGS, CENTRES, LABELS), {"scale": 8.0, "gradient": "straight_through"}),
    Case(
        "straight through, at 160 degrees", ([[1.0, 0.0]], turned(160), [0]), {"gradient": "straight_through"}
    ),
    case("small angle", [[1024.0, 1024.0625]], [[1.0, 1.0], [0.5, 1.0]], [0], scale=2.0),
    case("small angle to the opposite", [[-1024.0, -1024.0625]], [[1.0, 1.0], [0.5, 1.0]], [0], scale=2.0),
    *(
        case(
            f"kink: on the centre, {overflow}",
            [[1.0, 2.0, 3.0]],
            [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0], [0.5, -1.0, 1.0]],
            [0],
            scale=2.0,
            overflow=overflow,
            tags=("kink",),
            kink="split",
        )
        for overflow in ("linear", "none", "clip", "easy")
    ),
    *(
        case(
            f"kink: opposite to the centre, {overflow}",
            [[-1.0, -2.0, -3.0]],
            [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0], [0.5, -1.0, 1.0]],
            [0],
            scale=2.0,
            overflow=overflow,
            tags=("kink",),
            kink="split",
        )
        for overflow in ("linear", "none", "clip", "easy")
    ),
    case(
        "kink: all embeddings and centres coincide",
        [[1.0, 2.0], [1.0, 2.0]],
        [[1.0, 2.0], [1.0, 2.0]],
        [0, 1],
        scale=2.0,
        tags=("kink",),
        kink="split",
    ),
    case(
        "zero embedding",
        [[0.0, 0.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0],
        scale=2.0,
        gradient={"embeddings": [[0.0, 0.0]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case(
        "zero centre of the label", [[1.0, 2.0]], [[0.0, 0.0], [3.0, -1.0]], [0], scale=2.0, gradient=SHARED
    ),
    case("zero centre of another", [[1.0, 2.0]], [[2.0, -1.5], [0.0, 0.0]], [0], scale=2.0, gradient=SHARED),
    case(
        "all zero",
        [[0.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [0],
        gradient={"embeddings": [[0.0, 0.0]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case("huge", scaled(EMBEDDINGS, 2.0**100), scaled(CENTRES, 2.0**100), LABELS, scale=8.0, gradient=UNSURE),
    case(
        "tiny", scaled(EMBEDDINGS, 2.0**-100), scaled(CENTRES, 2.0**-100), LABELS, scale=8.0, gradient=UNSURE
    ),
    case("huge and tiny", scaled(EMBEDDINGS, 2.0**100), scaled(CENTRES, 2.0**-100), LABELS, gradient=UNSURE),
    case(
        "longer than float16 can square", scaled(EMBEDDINGS, 128.0), scaled(CENTRES, 128.0), LABELS, scale=8.0
    ),
    case("ignored label", EMBEDDINGS, CENTRES, [2, -100, 4, 1], scale=8.0, reduction="mean"),
    case(
        "ignored label, NaN embedding",
        [[NAN] * 3, *EMBEDDINGS[1:]],
        CENTRES,
        [-1, 0, 4, 1],
        scale=8.0,
        ignore_index=-1,
    ),
    case("illegal labels", EMBEDDINGS, CENTRES, [2, -1, 5, 1], scale=8.0, tags=("label",), gradient=SHARED),
    case("NaN embedding", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], [0, 1], gradient=UNSURE),
    gradient_ulp=64,
    reason="normalising takes away what is parallel to the vector, which may be nearly all of a component",
)
def arcface_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 64,
    margin: Any = 0.5,
    overflow: str = "linear",
    gradient: str = "exact",
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    at: list[Any],
) -> Any:
    """With the angle itself."""
    if label == ignore_index:
        return None
    if not 0 <= label < len(weight):
        return mp.nan
    if any(mp.isnan(v) for v in embedding):
        return mp.nan
    cosines = [cosine(embedding, centre) for centre in weight]
    target = with_margin(cosines[label], margin, overflow)
    if gradient == "straight_through":
        fixed = cosine(at[0], at[1][label])
        target = with_margin(fixed, margin, overflow) + (cosines[label] - fixed)
    z = [scale * (target if c == label else cosine) for c, cosine in enumerate(cosines)]
    return -mp.log(mp.exp(z[label]) / mp.fsum(map(mp.exp, z)))


def with_margin(cos: Any, margin: Any, overflow: str, factor: Any = 1) -> Any:
    """The cosine of the angle, times a factor, plus the margin; or what stands in its place."""
    phi = factor * mp.acos(cos)
    if overflow == "easy" and phi >= mp.pi / 2:
        return mp.cos(phi)
    if phi + margin >= mp.pi and overflow in ("linear", "clip"):
        if overflow == "clip":
            return mpf(-1)
        return mp.cos(min(phi, mp.pi)) - margin * mp.sin(margin)
    return mp.cos(phi + margin)


def on_the_centre(**options: Any) -> tuple[Case, ...]:
    """An embedding on its centre, and one opposite to it."""
    centres = [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0], [0.5, -1.0, 1.0]]
    how: dict[str, Any] = {"scale": 2.0, "tags": ("kink",), "kink": "split"} | options
    return (
        case("kink: on the centre", [[1.0, 2.0, 3.0]], centres, [0], **how),
        case("kink: opposite to the centre", [[-1.0, -2.0, -3.0]], centres, [0], **how),
    )


THREE = {"m1": 0.875, "m2": 0.4, "m3": 0.15}


@evidence(
    "combined_margin_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS),
    case("three margins", EMBEDDINGS, CENTRES, LABELS, scale=8.0, **THREE),
    case("worked: scale of 8", *APART, scale=8.0),
    case("worked: scale of 64", *APART),
    case("worked: three margins", *APART, scale=8.0, m1=0.9, m2=0.4, m3=0.15),
    case("worked", *WORKED, scale=8.0, tags=("kink",), kink="split"),
    case("ArcFace", EMBEDDINGS, CENTRES, LABELS, scale=8.0, m2=0.5, m3=0.0),
    case("CosFace", EMBEDDINGS, CENTRES, LABELS, scale=8.0, m2=0.0, m3=0.35),
    case("a factor alone", EMBEDDINGS, CENTRES, LABELS, scale=8.0, m1=1.35, m2=0.0, m3=0.0),
    case(
        "options as arrays",
        EMBEDDINGS[:2],
        CENTRES,
        LABELS[:2],
        scale=np.asarray(8.0),
        m1=np.asarray(1.25),
        m2=np.asarray(0.25),
        m3=np.asarray(0.125),
    ),
    *(
        case(
            f"{overflow}: at {degrees} degrees, factor of {factor}",
            [[1.0, 0.0]],
            turned(degrees),
            [0],
            scale=4.0,
            m1=factor,
            overflow=overflow,
        )
        for overflow in ("linear", "none", "clip", "easy")
        for degrees, factor in ((40, 1.7), (80, 1.7), (150, 1.7), (100, 0.5), (170, 1.0))
    ),
    case("small angle", [[1024.0, 1024.0625]], [[1.0, 1.0], [0.5, 1.0]], [0], scale=2.0, m1=1.25),
    case("small angle to the opposite", [[-1024.0, -1024.0625]], [[1.0, 1.0], [0.5, 1.0]], [0], m1=0.75),
    *on_the_centre(m1=0.75, m2=0.25),
    *common(scale=8.0, **THREE),
)
def combined_margin_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 64,
    m1: Any = 1,
    m2: Any = 0.3,
    m3: Any = 0.2,
    overflow: str = "linear",
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    def logits() -> list[Any]:
        cosines = [cosine(embedding, row) for row in weight]
        cosines[label] = with_margin(cosines[label], m2, overflow, m1) - m3
        return [scale * c for c in cosines]

    return item(embedding, weight, label, ignore_index, logits)


SUB_CENTRES = uniform(76, 4, 2, 3)
TIED = ([[1.0, 0.0]], [[[0.75, 0.5], [0.75, -0.5]], [[0.25, 1.0], [-1.0, 0.5]]], [0])


def with_one(c: Case) -> Case:
    """The case with each centre the only one of its class."""
    gradient = dict(c.gradient or {})
    if gradient.get("weight") is not None:
        gradient["weight"] = [[row] for row in gradient["weight"]]
    embeddings, weight, label = c.arrays
    return replace(c, arrays=(embeddings, [[row] for row in weight], label), gradient=gradient or None)


@evidence(
    "sub_center_arcface_loss",
    case("ordinary", EMBEDDINGS, SUB_CENTRES, [2, 0, 3, 1]),
    *(
        case(
            f"two centres each, {size} classes at a time",
            EMBEDDINGS,
            SUB_CENTRES,
            [2, 0, 3, 1],
            scale=8.0,
            chunk_size=size,
        )
        for size in (1, 3)
    ),
    case(
        "worked",
        [[1.0, 0.0]],
        [
            [[0.8, 0.6], [0.2, math.sqrt(0.96)]],
            [[0.3, math.sqrt(0.91)], [0.5, math.sqrt(0.75)]],
            [[-0.1, math.sqrt(0.99)], [0.1, math.sqrt(0.99)]],
        ],
        [0],
        scale=8.0,
    ),
    case("three centres", EMBEDDINGS[:2], uniform(77, 2, 3, 3), [1, 0], scale=8.0, margin=0.25),
    case(
        "options as arrays", EMBEDDINGS[:1], SUB_CENTRES, [2], scale=np.asarray(8.0), margin=np.asarray(0.25)
    ),
    *(
        case(
            f"overflow: {overflow}",
            EMBEDDINGS[:3],
            SUB_CENTRES,
            [1, 3, 0],
            scale=8.0,
            margin=1.5,
            overflow=overflow,
        )
        for overflow in ("none", "clip", "easy")
    ),
    case("kink: tied centres of the label", *TIED, scale=4.0, tags=("kink",), kink="split"),
    case("kink: tied centres of another class", *TIED[:2], [1], scale=4.0, tags=("kink",), kink="split"),
    *map(with_one, common(scale=8.0)),
)
def sub_center_arcface_loss(
    embedding: list[Any],
    weight: list[list[list[Any]]],
    label: int,
    *,
    scale: Any = 64,
    margin: Any = 0.5,
    overflow: str = "linear",
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    def logits() -> list[Any]:
        cosines = [max(cosine(embedding, row) for row in rows) for rows in weight]
        cosines[label] = with_margin(cosines[label], margin, overflow)
        return [scale * c for c in cosines]

    return item(embedding, weight, label, ignore_index, logits)
