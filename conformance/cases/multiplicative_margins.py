"""Evidence for the softmax heads with a margin that multiplies the angle."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp

from ..case import Case, case, evidence
from .face import (
    CENTRES,
    EMBEDDINGS,
    LABELS,
    WORKED,
    common,
    cosine,
    item,
    scaled,
    turned,
    unit,
)

# A zero embedding has the gradient of a linear classifier, which is no limit; that of a long one overflows.
APART_FROM = ("zero embedding", "huge", "huge and tiny", "longer than float16 can square", "all zero")


def psi(cos: Any, m: Any) -> Any:
    theta = mp.acos(cos)
    k = mp.floor(m * theta / mp.pi)
    return (-1) ** int(k) * mp.cos(m * theta) - 2 * k


def length(a: list[Any]) -> Any:
    return mp.sqrt(mp.fdot(a, a))


def both(**options: Any) -> tuple[Case, ...]:
    """What both losses meet."""
    return (
        *(case(f"margin of {m}", EMBEDDINGS, CENTRES, LABELS, margin=m, **options) for m in (1, 2, 3, 7)),
        case("worked", *WORKED, **options),
        case("worked: plain cosine mixed in", *WORKED, lam=5.0, **options),
        case(
            "options as arrays",
            EMBEDDINGS[:2],
            CENTRES,
            LABELS[:2],
            scale=np.asarray(0.5),
            lam=np.asarray(2.0),
            **options,
        ),
        *(
            case(f"at {degrees} degrees", [[1.0, 0.0]], turned(degrees), [0], scale=2.0, **options)
            for degrees in (20, 45, 60, 100, 135, 170)
        ),
        case(
            "on the centre", [[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0]], [0], scale=0.25, **options
        ),
        case("opposite to the centre", [[-1.0, -2.0]], [[2.0, 4.0], [2.0, 1.0]], [0], scale=0.25, **options),
        case("small angle", [[1.0, 1.0 + 2**-14]], [[1.0, 1.0], [0.5, 1.0]], [0], **options),
        case("long embeddings", scaled(EMBEDDINGS, 16.0), CENTRES, LABELS, **options),
        *(c for c in common(**options) if c.name not in APART_FROM),
    )


@evidence(
    "l_softmax_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS),
    *both(),
    case(
        "zero embedding",
        [[0.0, 0.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0],
        gradient={"embeddings": [[1.0, -1.5]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
)
def l_softmax_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 1,
    margin: int = 4,
    lam: Any = 0,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    def logits() -> list[Any]:
        z = [mp.fdot(embedding, row) for row in weight]
        cos = cosine(embedding, weight[label])
        blend = (lam * cos + psi(cos, margin)) / (1 + lam)
        z[label] = length(embedding) * length(weight[label]) * blend
        return [scale * x for x in z]

    return item(embedding, weight, label, ignore_index, logits)


SPHERE = {"normalize": True, "scale": 30.0, "margin": 1.7}


@evidence(
    "a_softmax_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS),
    *both(),
    *(case(f"margin of {m}", EMBEDDINGS, CENTRES, LABELS, margin=m) for m in (1.5, 3.25)),
    case("margin as an array", EMBEDDINGS[:3], CENTRES, LABELS[:3], margin=np.asarray(2.5)),
    case("normalized", EMBEDDINGS, CENTRES, LABELS, normalize=True, scale=8.0),
    case("normalized, margin of 1.7", EMBEDDINGS, CENTRES, LABELS, **SPHERE),
    case("straight through", EMBEDDINGS, CENTRES, LABELS, gradient="straight_through"),
    case(
        "normalized, straight through",
        EMBEDDINGS,
        CENTRES,
        LABELS,
        **SPHERE | {"gradient": "straight_through"},
    ),
    case(
        "straight through, plain cosine mixed in",
        EMBEDDINGS[:2],
        CENTRES,
        LABELS[:2],
        lam=1.0,
        gradient="straight_through",
    ),
    *(
        case(
            f"at {degrees} degrees, margin of 1.7", [[1.0, 0.0]], turned(degrees), [0], scale=2.0, margin=1.7
        )
        for degrees in (30, 100, 120, 170)
    ),
    case("small angle, margin of 1.7", [[1.0, 1.0 + 2**-14]], [[1.0, 1.0], [0.5, 1.0]], [0], margin=1.7),
    *(
        case(
            f"kink: {where} the centre, margin of 1.7",
            [[sign * x for x in (1.0, 2.0, 3.0)]],
            [[2.0, 4.0, 6.0], [2.0, 1.0, 0.0]],
            [0],
            scale=0.25,
            margin=1.7,
            tags=("kink",),
            kink="split",
        )
        for where, sign in (("on", 1), ("opposite to", -1))
    ),
    case(
        "zero embedding",
        [[0.0, 0.0]],
        [[3.0, 4.0], [4.0, -3.0]],
        [0],
        gradient={"embeddings": [[0.1, -0.7]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case(
        "zero embedding, normalized",
        [[0.0, 0.0]],
        [[3.0, 4.0], [4.0, -3.0]],
        [0],
        normalize=True,
        margin=1.7,
        gradient={"embeddings": [[0.0, 0.0]], "weight": [[0.0, 0.0], [0.0, 0.0]]},
    ),
)
def a_softmax_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 1,
    margin: Any = 4,
    lam: Any = 0,
    normalize: bool = False,
    gradient: str = "exact",
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    at: list[Any],
) -> Any:
    def logits() -> list[Any]:
        size = 1 if normalize else length(embedding)
        z = [size * mp.fdot(unit(embedding), unit(row)) for row in weight]
        cos = cosine(embedding, weight[label])
        held = cosine(at[0], at[1][label]) if gradient == "straight_through" else cos
        z[label] = size * ((lam * held + psi(held, margin)) / (1 + lam) + (cos - held))
        return [scale * x for x in z]

    return item(embedding, weight, label, ignore_index, logits)
