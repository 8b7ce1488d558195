"""Evidence for the softmax heads of face recognition."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import Case, case, evidence, labels, uniform

NAN = math.nan

EMBEDDINGS, CENTRES, LABELS = uniform(71, 4, 3), uniform(72, 5, 3), [2, 0, 4, 1]
# Legal items move the centres too, where the label of one is illegal.
SHARED: dict[str, Any] = {"weight": None}
UNSURE: dict[str, Any] = {"embeddings": None, "weight": None}


def turned(degrees: float) -> list[list[float]]:
    """Centres of which the first stands at an angle to (1, 0), within the precision of a float64."""
    return [[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], [0.0, 1.0], [-0.5, -1.0]]


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


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
    case("illegal labels", EMBEDDINGS, CENTRES, [2, -1, 5, 1], scale=8.0, tags=("labels",), gradient=SHARED),
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
    ignore_index: int = -100,
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


def with_margin(cos: Any, margin: Any, overflow: str) -> Any:
    theta = mp.acos(cos)
    if overflow == "easy" and theta >= mp.pi / 2:
        return cos
    if theta + margin >= mp.pi and overflow in ("linear", "clip"):
        return cos - margin * mp.sin(margin) if overflow == "linear" else mpf(-1)
    return mp.cos(theta + margin)


def cosine(a: list[Any], b: list[Any]) -> Any:
    lengths = mp.sqrt(mp.fdot(a, a)) * mp.sqrt(mp.fdot(b, b))
    return max(min(mp.fdot(a, b) / lengths, mpf(1)), mpf(-1)) if lengths else mpf(0)
