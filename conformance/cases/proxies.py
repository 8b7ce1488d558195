"""Evidence for the losses of proxies."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, labels, uniform

NAN = math.nan

EMBEDDINGS, PROXIES, LABELS = uniform(11, 4, 3), uniform(12, 5, 3), [2, 0, 4, 1]
WORKED = [[0.8, 0.6], [0.6, 0.8]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0, 1]
# Legal items move the proxies too, where the label of one is illegal.
SHARED: dict[str, Any] = {"proxies": None}
UNSURE: dict[str, Any] = {"embeddings": None, "proxies": None}


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[x * by for x in row] for row in rows]


def unit(v: list[Any]) -> list[Any]:
    length = mp.sqrt(mp.fdot(v, v))
    return [x / length for x in v] if length else [mpf(0)] * len(v)


@evidence(
    "proxy_nca_loss",
    case("ordinary", EMBEDDINGS, PROXIES, LABELS),
    case("worked", *WORKED),
    case("worked, mean", *WORKED, reduction="mean"),
    case("worked: without the positive", *WORKED, include_positive=False),
    case("worked: without the positive, mean", *WORKED, include_positive=False, reduction="mean"),
    case("without the positive", EMBEDDINGS, PROXIES, LABELS, include_positive=False),
    case("scale of 9", EMBEDDINGS, PROXIES, LABELS, scale=9.0),
    case("scale of 9, without the positive", EMBEDDINGS, PROXIES, LABELS, scale=9.0, include_positive=False),
    case("small scale", EMBEDDINGS, PROXIES, LABELS, scale=0.125),
    case("large scale: some near 0", EMBEDDINGS, PROXIES, [1, 3, 1, 2], scale=64.0),
    case("many axes", uniform(13, 2, 2, 3), uniform(14, 3, 3), labels(15, 2, 2, count=3)),
    case("one embedding", [1.0, -2.0], [[1.0, 0.5], [-1.0, 3.0]], 1),
    case("a single class", uniform(13, 3, 2), [[1.0, 2.0]], [0, 0, 0]),
    case(
        "a single class, without the positive",
        uniform(13, 3, 2),
        [[1.0, 2.0]],
        [0, 0, 0],
        include_positive=False,
    ),
    case("two classes", uniform(13, 3, 2), uniform(14, 2, 2), [1, 0, 1]),
    case(
        "on its proxy",
        [[1.0, 2.0, 2.0]],
        [[2.0, 4.0, 4.0], [2.0, 1.0, 0.0], [0.5, -1.0, 1.0]],
        [0],
        scale=9.0,
    ),
    case(
        "on its proxy, without the positive",
        [[1.0, 2.0, 2.0]],
        [[2.0, 4.0, 4.0], [2.0, 1.0, 0.0], [0.5, -1.0, 1.0]],
        [0],
        include_positive=False,
    ),
    case("opposite to its proxy", [[-1.0, -2.0]], [[2.0, 4.0], [2.0, 1.0]], [0]),
    case("on the proxy of another class", [[1.0, 2.0]], [[2.0, -4.0], [2.0, 4.0]], [0], scale=4.0),
    case("two proxies coincide", [[1.0, 0.5]], [[1.0, 2.0], [2.0, 4.0]], [0], scale=4.0),
    case(
        "zero embedding",
        [[0.0, 0.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0],
        scale=2.0,
        gradient={"embeddings": [[0.0, 0.0]], "proxies": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case("zero proxy of the label", [[1.0, 2.0]], [[0.0, 0.0], [3.0, -1.0]], [0], gradient=SHARED),
    case("zero proxy of another", [[1.0, 2.0]], [[2.0, -1.5], [0.0, 0.0]], [0], gradient=SHARED),
    case(
        "all zero",
        [[0.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [0],
        gradient={"embeddings": [[0.0, 0.0]], "proxies": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case("huge", scaled(EMBEDDINGS, 2.0**100), scaled(PROXIES, 2.0**100), LABELS, gradient=UNSURE),
    case("tiny", scaled(EMBEDDINGS, 2.0**-100), scaled(PROXIES, 2.0**-100), LABELS, gradient=UNSURE),
    case("huge and tiny", scaled(EMBEDDINGS, 2.0**100), scaled(PROXIES, 2.0**-100), LABELS, gradient=UNSURE),
    case("ignored label", EMBEDDINGS, PROXIES, [2, -100, 4, 1], ignore_index=-100, reduction="mean"),
    case("ignored label, NaN embedding", [[NAN] * 3, *EMBEDDINGS[1:]], PROXIES, [3, 0, 4, 1], ignore_index=3),
    case("illegal labels", EMBEDDINGS, PROXIES, [2, -1, 5, 1], tags=("label",), gradient=SHARED),
    case("NaN embedding", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], [0, 1], gradient=UNSURE),
)
def proxy_nca_loss(
    embedding: list[Any],
    proxies: list[list[Any]],
    label: int,
    *,
    include_positive: bool = True,
    scale: Any = 1,
    ignore_index: int | None = None,
) -> Any:
    if label == ignore_index:
        return None
    if not 0 <= label < len(proxies):
        return mp.nan
    if any(mp.isnan(v) for v in embedding):
        return mp.nan
    if len(proxies) == 1:
        return mpf(0)
    x = unit(embedding)
    d = [scale * mp.fsum((a - b) ** 2 for a, b in zip(x, unit(p), strict=True)) for p in proxies]
    among = [d_c for c, d_c in enumerate(d) if include_positive or c != label]
    return d[label] + mp.log(mp.fsum(mp.exp(-d_c) for d_c in among))


@evidence(
    "proxy_anchor_loss",
    case("ordinary", EMBEDDINGS, PROXIES, LABELS),
    case("worked", *WORKED),
    case("three rows of one class", EMBEDDINGS, PROXIES, [2, 2, 4, 2]),
    case("one class in the batch", EMBEDDINGS, PROXIES, [3, 3, 3, 3]),
    case("margin of 0", EMBEDDINGS, PROXIES, LABELS, margin=0.0),
    case("margin below 0", EMBEDDINGS, PROXIES, LABELS, margin=-0.5),
    case("margin of 1", EMBEDDINGS, PROXIES, LABELS, margin=1.0),
    case("small alpha", EMBEDDINGS, PROXIES, LABELS, alpha=0.5),
    case("large alpha", EMBEDDINGS, PROXIES, LABELS, alpha=512.0),
    case("a single class", uniform(13, 3, 2), [[1.0, 2.0]], [0, 0, 0], alpha=4.0),
    case("a single row", [[1.0, -2.0]], uniform(14, 3, 2), [1], alpha=4.0),
    case("one dimension", [[1.0], [-2.0], [0.5]], [[3.0], [-1.0]], [1, 1, 0], alpha=2.0),
    case("weight", EMBEDDINGS, PROXIES, LABELS, alpha=4.0, sample_weight=0.5, reduction="sum"),
    case("all on their proxies", [[1.0, 2.0], [-2.0, 1.0]], [[2.0, 4.0], [-4.0, 2.0]], [0, 1], alpha=4.0),
    case(
        "all opposite to their proxies",
        [[1.0, 2.0], [-2.0, 1.0]],
        [[-2.0, -4.0], [4.0, -2.0]],
        [0, 1],
        alpha=4.0,
    ),
    case("all rows coincide", [[1.0, 2.0]] * 3, uniform(14, 3, 2), [0, 1, 1], alpha=4.0),
    case(
        "zero embedding",
        [[0.0, 0.0], [1.0, 2.0]],
        [[1.0, 2.0], [3.0, -1.0]],
        [0, 1],
        alpha=2.0,
        gradient={"embeddings": None, "proxies": None},
    ),
    case(
        "all zero",
        [[0.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [0],
        gradient={"embeddings": [[0.0, 0.0]], "proxies": [[0.0, 0.0], [0.0, 0.0]]},
    ),
    case("huge", scaled(EMBEDDINGS, 2.0**100), scaled(PROXIES, 2.0**100), LABELS, gradient=UNSURE),
    case("tiny", scaled(EMBEDDINGS, 2.0**-100), scaled(PROXIES, 2.0**-100), LABELS, gradient=UNSURE),
    case("ignored row", EMBEDDINGS, PROXIES, [2, -100, 4, 1], ignore_index=-100),
    case(
        "ignored row, the only one of its class, NaN in it",
        [EMBEDDINGS[0], [NAN] * 3, *EMBEDDINGS[2:]],
        PROXIES,
        [2, 0, 4, 1],
        ignore_index=0,
    ),
    case("masked rows of one class", EMBEDDINGS, PROXIES, [2, 0, 2, 1], where=[True, False, True, False]),
    case("all rows ignored, mean", EMBEDDINGS, PROXIES, [2, 2, 2, 2], ignore_index=2, reduction="mean"),
    case("illegal label", EMBEDDINGS, PROXIES, [2, -1, 5, 1], tags=("label",), gradient=UNSURE),
    case(
        "illegal label in a masked row", EMBEDDINGS, PROXIES, [2, -1, 4, 1], where=[True, False, True, True]
    ),
    case("NaN embedding", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], [0, 1], gradient=UNSURE),
)
def proxy_anchor_loss(
    embeddings: list[list[Any]],
    proxies: list[list[Any]],
    labels: list[int],
    *,
    margin: Any = 0.1,
    alpha: Any = 32,
    ignore_index: int | None = None,
    where: list[bool],
) -> Any:
    inside = [i for i, y in enumerate(labels) if where[i] and y != ignore_index]
    if not inside:
        return None
    if any(not 0 <= labels[i] < len(proxies) or any(map(mp.isnan, embeddings[i])) for i in inside):
        return mp.nan
    s = {(i, c): mp.fdot(unit(embeddings[i]), unit(p)) for i in inside for c, p in enumerate(proxies)}
    present = sorted({labels[i] for i in inside})
    pull = mp.fsum(
        mp.log(1 + mp.fsum(mp.exp(-alpha * (s[i, c] - margin)) for i in inside if labels[i] == c))
        for c in present
    )
    push = mp.fsum(
        mp.log(1 + mp.fsum(mp.exp(alpha * (s[i, c] + margin)) for i in inside if labels[i] != c))
        for c in range(len(proxies))
    )
    return pull / len(present) + push / len(proxies)
