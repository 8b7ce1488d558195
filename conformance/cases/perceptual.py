"""Evidence for the losses of features."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from ..case import case, evidence, uniform

A, B = uniform(281, 3, 2, 2, 2), uniform(282, 3, 2, 2, 2)
MORE = uniform(283, 3, 2, 3), uniform(284, 3, 2, 3)
LAST = uniform(285, 2, 2, 3, 2), uniform(286, 2, 2, 3, 2)
WORKED = [[[1.0, 2.0]], [[3.0, 4.0]]]


def scaled(x: Any, by: float) -> Any:
    return [scaled(part, by) for part in x] if isinstance(x, list) else x * by


@evidence(
    "style_loss",
    case("ordinary", A, B),
    case("worked: against nothing", WORKED, scaled(WORKED, 0.0)),
    case("l1", A, B, metric="l1"),
    case("Frobenius", A, B, metric="frobenius"),
    case("more channels than pixels", *MORE),
    case("one channel", [MORE[0][0]], [MORE[1][0]]),
    case("two batch axes", [A], [B]),
    case("channels last", *LAST, axes=(-3, -2)),
    case("height and width exchanged", *LAST, axes=(-1, -2)),
    case("identical features", MORE[0], MORE[0]),
    case("kinks: identical features, l1", MORE[0], MORE[0], metric="l1"),
    case("permuted pixels", WORKED, [[row[::-1] for row in plane] for plane in WORKED]),
    case(
        "nearly identical",
        MORE[0],
        [[[x + 2.0**-10 * (i % 2) for i, x in enumerate(row)] for row in plane] for plane in MORE[0]],
    ),
    case("nothing", scaled(WORKED, 0.0), scaled(WORKED, 0.0)),
    case("huge and tiny", scaled(WORKED, 2.0**20), scaled(WORKED, 2.0**-20)),
    case("integer target", WORKED, [[[2, 0]], [[1, 5]]]),
)
def style_loss(pred: Any, target: Any, *, metric: str = "l2") -> Any:
    """The two Gram matrices, subtracted."""

    def gram(features: Any) -> list[Any]:
        rows = [[x for row in plane for x in row] for plane in features]
        size = len(rows) * len(rows[0])
        return [mp.fsum(x * y for x, y in zip(a, b, strict=True)) / size for a in rows for b in rows]

    apart = [g - h for g, h in zip(gram(pred), gram(target), strict=True)]
    total = mp.fsum(abs(d) if metric == "l1" else d**2 for d in apart)
    return total if metric == "frobenius" else total / len(apart)
