"""Evidence for the softmax heads whose margin follows what has been seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence, labels, uniform
from .angular_margins import on_the_centre, with_margin
from .face import APART, CENTRES, EMBEDDINGS, LABELS, NAN, common, cosine, item, scaled, turned

FEW, ROWS, OF = uniform(78, 3, 2), uniform(79, 4, 2), [0, 3, 1]
SHARED: dict[str, Any] = {"weight": None}
UNSURE: dict[str, Any] = {"embeddings": None, "weight": None}


def length(a: list[Any]) -> Any:
    return mp.sqrt(mp.fdot(a, a))


def rows_in(x: Any, labels: Any, where: Any, count: int, ignore_index: int | None) -> list[tuple[Any, int]]:
    """The embeddings that count, however many axes a batch has, and their labels."""
    if not isinstance(labels, list):
        return [(x, labels)] if where and labels != ignore_index and 0 <= labels < count else []
    return [row for each in zip(x, labels, where, strict=True) for row in rows_in(*each, count, ignore_index)]


def over(x: Any, labels: Any, where: Any, f: Callable[[Any, int], Any]) -> Any:
    """The items of a batch."""
    if not isinstance(labels, list):
        return f(x, labels) if where else None
    return [over(*each, f) for each in zip(x, labels, where, strict=True)]


def stateful(before: Any, **options: Any) -> tuple[Case, ...]:
    """What both losses with a state meet; `before` is a state."""

    def of(name: str, *arrays: Any, **more: Any) -> Case:
        return case(name, *arrays, **options | more)

    still = {"embeddings": [[0.0, 0.0]], "weight": [[0.0, 0.0], [0.0, 0.0]]}
    return (
        of("with a state", FEW, ROWS, OF, state=before),
        of("mean with a state", FEW, ROWS, OF, state=before, reduction="mean"),
        *(of(f"{size} classes at a time", FEW, ROWS, OF, state=before, chunk_size=size) for size in (1, 3)),
        of("one embedding", FEW[0], ROWS, 3, state=before),
        of("a batch of one", FEW[:1], ROWS, [3], state=before),
        of("two batch axes", uniform(81, 2, 2, 3), uniform(82, 3, 3), labels(75, 2, 2, count=3)),
        of(
            "two batch axes, masked",
            uniform(81, 2, 2, 3),
            uniform(82, 3, 3),
            labels(75, 2, 2, count=3),
            where=[[True, False], [True, True]],
        ),
        of("weights, some 0", FEW, ROWS, OF, state=before, sample_weight=[2.0, 0.0, 0.5]),
        of("one class", FEW[:2], ROWS[:1], [0, 0]),
        of("zero embedding", [[0.0, 0.0]], [[1.0, 2.0], [3.0, -1.0]], [0], gradient=still),
        of("zero centre of the label", [[1.0, 2.0]], [[0.0, 0.0], [3.0, -1.0]], [0], gradient=SHARED),
        of("all zero", [[0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [0], gradient=still),
        of("ignored label", FEW, ROWS, [0, -100, 1], state=before, reduction="mean"),
        of("ignored label, NaN embedding", [[NAN] * 2, *FEW[1:]], ROWS, [-1, 3, 1], ignore_index=-1),
        of("all ignored, mean", FEW, ROWS, [-100] * 3, state=before, reduction="mean"),
        of("illegal labels", FEW, ROWS, [0, -1, 4], state=before, tags=("label",), gradient=UNSURE),
    )


def apart() -> tuple[list[list[float]], list[list[float]]]:
    """Two embeddings and three centres, with cosines (0.5, 0.6, -0.2) and (0.9, 0.1, 0.3)."""
    rows = []
    for a, b in ((0.5, 0.9), (0.6, 0.1), (-0.2, 0.3)):
        along = (b - a / 2) / math.sqrt(0.75)
        rows.append([a, along, math.sqrt(1 - a * a - along * along)])
    return [[1.0, 0.0, 0.0], [0.5, math.sqrt(0.75), 0.0]], rows


@evidence(
    "curricular_face_loss",
    case("ordinary", FEW, ROWS, OF),
    case("worked", *apart(), [0, 1], scale=8.0),
    case("worked, mean", *apart(), [0, 1], scale=8.0, reduction="mean"),
    case("late in training", FEW, ROWS, OF, state=np.asarray(0.75), scale=8.0),
    *(
        case(f"momentum of {m}", FEW, ROWS, OF, state=np.asarray(0.5), scale=8.0, momentum=m)
        for m in (0.0, 0.25, 1.0)
    ),
    case(
        "options as arrays",
        FEW,
        ROWS,
        OF,
        scale=np.asarray(8.0),
        margin=np.asarray(0.25),
        momentum=np.asarray(0.5),
    ),
    *(
        case(f"at {degrees} degrees", [[1.0, 0.0]], turned(degrees), [0], scale=4.0, state=np.asarray(0.25))
        for degrees in (30, 100, 160)
    ),
    *(
        case(c.name, *c.arrays, scale=2.0, state=np.asarray(0.25), tags=c.tags, kink=c.kink)
        for c in on_the_centre(scale=2.0)
    ),
    case("huge", scaled(FEW, 2.0**100), scaled(ROWS, 2.0**100), OF, scale=8.0, gradient=UNSURE),
    case("tiny", scaled(FEW, 2.0**-100), scaled(ROWS, 2.0**-100), OF, scale=8.0, gradient=UNSURE),
    *stateful(np.asarray(0.5), scale=8.0),
)
def curricular_face_loss(
    embeddings: Any,
    weight: list[list[Any]],
    labels: Any,
    *,
    state: Any = 0,
    scale: Any = 64,
    margin: Any = 0.5,
    momentum: Any = 0.01,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    at: list[Any],
    where: Any,
) -> Any:
    seen = [cosine(x, at[1][y]) for x, y in rows_in(at[0], labels, where, len(weight), ignore_index)]
    t = (1 - momentum) * state + momentum * mp.fsum(seen) / len(seen) if seen else state

    def of(x: list[Any], label: int) -> Any:
        def logits() -> list[Any]:
            cosines = [cosine(x, row) for row in weight]
            border = mp.cos(mp.acos(cosines[label]) + margin)
            target = with_margin(cosines[label], margin, "linear")
            z = [c * (t + c) if c > border else c for c in cosines]
            z[label] = target
            return [scale * c for c in z]

        return item(x, weight, label, ignore_index, logits)

    return over(embeddings, labels, where, of)


SHORT = {"l_a": 1.0, "u_a": 8.0}


@evidence(
    "mag_face_loss",
    case("ordinary", EMBEDDINGS, CENTRES, LABELS, **SHORT),
    case("by default", scaled(EMBEDDINGS, 16.0), CENTRES, LABELS),
    case("worked", [[60.0, 0.0]], *APART[1:], scale=8.0),
    case("worked: short", [[5.0, 0.0]], *APART[1:], scale=8.0),
    case("worked: long", [[200.0, 0.0]], *APART[1:], scale=8.0),
    case(
        "on the bounds",
        [[6.0, 8.0], [66.0, 88.0]],
        [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
        [0, 1],
        scale=8.0,
        gradient=UNSURE,
    ),
    case("the cross-entropy alone", EMBEDDINGS, CENTRES, LABELS, scale=8.0, lambda_g=0.0, **SHORT),
    case("a margin that falls", EMBEDDINGS[:2], CENTRES, LABELS[:2], scale=8.0, l_m=0.75, u_m=0.25, **SHORT),
    case("one margin", EMBEDDINGS[:2], CENTRES, LABELS[:2], scale=8.0, l_m=0.5, u_m=0.5, **SHORT),
    case(
        "options as arrays",
        EMBEDDINGS[:2],
        CENTRES,
        LABELS[:2],
        scale=np.asarray(8.0),
        l_a=np.asarray(0.5),
        u_a=np.asarray(16.0),
        l_m=np.asarray(0.25),
        u_m=np.asarray(1.0),
        lambda_g=np.asarray(2.0),
    ),
    *(
        case(
            f"{overflow}: at {degrees} degrees",
            [[64.0, 0.0]],
            turned(degrees),
            [0],
            scale=4.0,
            overflow=overflow,
        )
        for overflow in ("linear", "none", "clip", "easy")
        for degrees in (30, 100, 160)
    ),
    *on_the_centre(lambda_g=1.0, **SHORT),
    *common(scale=8.0, lambda_g=1.0, **SHORT),
)
def mag_face_loss(
    embedding: list[Any],
    weight: list[list[Any]],
    label: int,
    *,
    scale: Any = 64,
    l_a: Any = 10,
    u_a: Any = 110,
    l_m: Any = 0.45,
    u_m: Any = 0.8,
    lambda_g: Any = 35,
    overflow: str = "linear",
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
) -> Any:
    a = min(max(length(embedding), mpf(l_a)), mpf(u_a))

    def logits() -> list[Any]:
        cosines = [cosine(embedding, row) for row in weight]
        margin = l_m + (u_m - l_m) * (a - l_a) / (u_a - l_a)
        cosines[label] = with_margin(cosines[label], margin, overflow)
        return [scale * c for c in cosines]

    found = item(embedding, weight, label, ignore_index, logits)
    return found if found is None else found + lambda_g * (a / u_a**2 + 1 / a)


BEFORE = [2.0, 1.5]


@evidence(
    "ada_face_loss",
    case("ordinary", FEW, ROWS, OF),
    case(
        "worked",
        [[10.0, 0.0], [20.0, 0.0], [30.0, 0.0]],
        APART[1],
        [0, 0, 0],
        scale=8.0,
        eps=0.0,
        t_alpha=1.0,
    ),
    *(case(f"t_alpha of {t}", FEW, ROWS, OF, state=BEFORE, scale=8.0, t_alpha=t) for t in (0.0, 0.25, 1.0)),
    case("all of the margin", FEW, ROWS, OF, state=BEFORE, scale=8.0, h=8.0),
    case("none of the length", FEW, ROWS, OF, state=BEFORE, scale=8.0, h=0.0),
    case("margin of 2", FEW, ROWS, OF, state=BEFORE, scale=8.0, margin=2.0, h=4.0),
    case("no margin", FEW, ROWS, OF, state=BEFORE, scale=8.0, margin=0.0),
    case("eps", FEW, ROWS, OF, state=BEFORE, scale=8.0, eps=1.0),
    case("equal lengths, nothing remembered", [[3.0, 4.0], [4.0, 3.0]], ROWS, [0, 1], eps=0.0, t_alpha=1.0),
    case(
        "options as arrays",
        FEW,
        ROWS,
        OF,
        state=BEFORE,
        scale=np.asarray(8.0),
        margin=np.asarray(0.25),
        h=np.asarray(0.5),
        t_alpha=np.asarray(0.5),
        eps=np.asarray(0.125),
        cos_eps=np.asarray(0.25),
    ),
    case(
        "cosines that are held: at a degree",
        [[3.0, 0.0]],
        turned(1),
        [0],
        scale=8.0,
        h=2.0,
        state=BEFORE,
        cos_eps=2.0**-10,
    ),
    case("cosines that are held", FEW, ROWS, OF, state=BEFORE, scale=8.0, cos_eps=0.25),
    case("cosines that are held, chunks", FEW, ROWS, OF, state=BEFORE, scale=8.0, cos_eps=0.25, chunk_size=1),
    *(
        case(
            f"{what}: at {degrees} degrees",
            [[size, 0.0]],
            turned(degrees),
            [0],
            scale=4.0,
            margin=1.0,
            h=4.0,
            state=BEFORE,
        )
        for what, size in (("short", 0.25), ("middle", 2.0), ("long", 8.0))
        for degrees in (10, 30, 100, 160)
    ),
    *(
        case(c.name, *c.arrays, scale=2.0, state=BEFORE, tags=c.tags, kink=c.kink)
        for c in on_the_centre(scale=2.0)
    ),
    case("lengths beyond those told apart", [[2.0**-12, 0.0], [96.0, 128.0], [3.0, 4.0]], ROWS, OF),
    *stateful(BEFORE, scale=8.0, h=1.0),
)
def ada_face_loss(
    embeddings: Any,
    weight: list[list[Any]],
    labels: Any,
    *,
    state: Any = (20, 100),
    scale: Any = 64,
    margin: Any = 0.4,
    h: Any = 0.333,
    t_alpha: Any = 0.01,
    eps: Any = 0.001,
    cos_eps: Any = 0,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    at: list[Any],
    where: Any,
) -> Any:
    def size(x: list[Any]) -> Any:
        return min(max(length(x), mpf(0.001)), mpf(100))

    norms = [size(x) for x, _ in rows_in(at[0], labels, where, len(weight), ignore_index)]
    mu, sigma = state
    if norms:
        mean = mp.fsum(norms) / len(norms)
        mu = t_alpha * mean + (1 - t_alpha) * mu
    if len(norms) > 1:
        deviation = mp.sqrt(mp.fsum((n - mean) ** 2 for n in norms) / (len(norms) - 1))
        sigma = t_alpha * deviation + (1 - t_alpha) * sigma

    def item_of(x: list[Any], held: list[Any], label: int) -> Any:
        def logits() -> list[Any]:
            most = 1 - mpf(cos_eps)
            cosines = [min(max(cosine(x, row), -most), most) for row in weight]
            width = sigma + eps
            z = min(max(h * (size(held) - mu) / width if width else mpf(0), mpf(-1)), mpf(1))
            theta = mp.acos(cosines[label]) - margin * z
            cosines[label] = mp.cos(min(max(theta, mpf(0)), mp.pi)) - (margin * z + margin)
            return [scale * c for c in cosines]

        return item(x, weight, label, ignore_index, logits)

    def nested(x: Any, held: Any, label: Any, kept: Any) -> Any:
        if isinstance(label, list):
            return [nested(*each) for each in zip(x, held, label, kept, strict=True)]
        return item_of(x, held, label) if kept else None

    return nested(embeddings, at[0], labels, where)
