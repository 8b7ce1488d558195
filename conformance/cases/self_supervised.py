"""Evidence for the losses of self-supervised learning without negatives."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

NAN = math.nan

X, Y = uniform(41, 4, 3, low=-1.5, high=1.5), uniform(42, 4, 3, low=-1.5, high=1.5)
SHORT = [row[:2] for row in X[:3]], [row[:2] for row in Y[:3]]
WORKED = [[1.0, 2.0], [3.0, 1.0], [2.0, 0.0]], [[1.5, 2.0], [2.5, 1.0], [2.0, 0.5]]
CONSTANT = [[0.1, 2.0], [0.1, 1.0], [0.1, 0.0]]
STILL = {"x": [[0.0, 0.0]] * 3, "y": [[0.0, 0.0]] * 3}
UNSURE: dict[str, Any] = {"x": None, "y": None}


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[v * by for v in row] for row in rows]


def moved(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[v + by for v in row] for row in rows]


def centred(rows: list[list[Any]]) -> list[list[Any]]:
    """The features, each less its mean."""
    return [[v - mp.fsum(f) / len(f) for v in f] for f in zip(*rows, strict=True)]


@evidence(
    "vicreg_loss",
    case("ordinary", X, Y),
    case("worked", *WORKED),
    case("worked, paper", *WORKED, convention="paper"),
    case("paper", *SHORT, convention="paper"),
    case("only invariance", *SHORT, mu=0.0, nu=0.0),
    case("only variance", *SHORT, lam=0.0, nu=0.0),
    case("only covariance", *SHORT, lam=0.0, mu=0.0),
    case("all coefficients", *SHORT, lam=0.5, mu=2.0, nu=4.0),
    case("gamma of 4: all below", *SHORT, gamma=4.0),
    case("gamma of 0: none below", *SHORT, gamma=0.0),
    case("large eps", *SHORT, eps=0.5),
    case("eps of 0", *SHORT, eps=0.0),
    case("eps of 0, paper", *SHORT, eps=0.0, convention="paper"),
    case("weight", *SHORT, sample_weight=0.5, reduction="sum"),
    case("one feature", [[1.0], [0.5], [-0.25]], [[0.5], [0.75], [0.0]]),
    case("two rows", [[1.0, 0.5], [0.75, -0.25]], [[0.5, 0.25], [0.75, 0.0]]),
    case("one row", [[1.0, 0.5]], [[0.5, 0.25]]),
    case("one row, mean", [[1.0, 0.5]], [[0.5, 0.25]], reduction="mean"),
    case("all rows but one masked", *SHORT, where=[False, True, False], reduction="mean"),
    case(
        "two rows left, NaN in the third",
        [SHORT[0][0], [NAN, 1.0], SHORT[0][2]],
        SHORT[1],
        where=[True, False, True],
    ),
    case("identical views", SHORT[0], SHORT[0]),
    case(
        "nearly identical views", SHORT[0], [[v + 2.0**-16 for v in row] for row in SHORT[0]], mu=0.0, nu=0.0
    ),
    case("a constant feature", CONSTANT, WORKED[1]),
    case("a constant feature, eps of 0", CONSTANT, WORKED[1], eps=0.0, gradient=UNSURE),
    case(
        "a constant feature, eps of 0, nothing else",
        CONSTANT,
        CONSTANT,
        eps=0.0,
        nu=0.0,
        lam=0.0,
        gradient=UNSURE,
    ),
    case("all rows coincide", [[0.5, 2.0]] * 3, [[0.5, 2.0]] * 3),
    case("all rows coincide, eps of 0", [[0.5, 2.0]] * 3, [[0.5, 2.0]] * 3, eps=0.0, gradient=STILL),
    case("all rows are 0", [[0.0, 0.0]] * 3, [[0.0, 0.0]] * 3),
    case(
        "kink: a deviation of gamma",
        # Of five rows it is a mean of 0 and a quarter of four squares, however a constant is divided by.
        [[-1.0, 0.25], [-1.0, 0.5], [1.0, 0.0], [1.0, 0.25], [0.0, 0.5]],
        [[0.5, 0.25], [0.0, 0.5], [0.25, 0.5], [0.5, 0.0], [0.0, 0.25]],
        eps=0.0,
        lam=0.0,
        nu=0.0,
        tags=("kink",),
    ),
    case("close rows far from the origin", moved(SHORT[0], 1024.0), moved(SHORT[1], 1024.0)),
    case("large", scaled(SHORT[0], 2.0**20), scaled(SHORT[1], 2.0**20)),
    case("tiny, eps of 0", scaled(SHORT[0], 2.0**-60), scaled(SHORT[1], 2.0**-60), eps=0.0),
    case("tiny", scaled(SHORT[0], 2.0**-60), scaled(SHORT[1], 2.0**-60)),
    case("NaN in a live row", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], gradient=UNSURE),
)
def vicreg_loss(
    x: list[list[Any]],
    y: list[list[Any]],
    *,
    lam: Any = 25,
    mu: Any = 25,
    nu: Any = 1,
    gamma: Any = 1,
    eps: Any = 1e-4,
    convention: str = "code",
    where: list[bool],
) -> Any:
    x, y = ([row for row, kept in zip(rows, where, strict=True) if kept] for rows in (x, y))
    n = len(x)
    if n < 2:
        return None
    if any(mp.isnan(v) for row in x + y for v in row):
        return mp.nan
    d = len(x[0])
    invariance = (
        mp.fsum((a - b) ** 2 for u, v in zip(x, y, strict=True) for a, b in zip(u, v, strict=True)) / n
    )
    variance = covariance = mpf(0)
    for features in (centred(x), centred(y)):
        c = [[mp.fdot(a, b) / (n - 1) for b in features] for a in features]
        variance += mp.fsum(max(mpf(0), gamma - mp.sqrt(c[i][i] + eps)) for i in range(d)) / d
        covariance += mp.fsum(c[i][j] ** 2 for i in range(d) for j in range(d) if i != j) / d
    if convention == "code":
        invariance, variance = invariance / d, variance / 2
    return lam * invariance + mu * variance + nu * covariance


@evidence(
    "barlow_twins_loss",
    case("ordinary", X, Y),
    case("worked", *WORKED),
    case("lam of 0", *SHORT, lam=0.0),
    case("lam of 2", *SHORT, lam=2.0),
    case("eps", *SHORT, eps=2.0**-16),
    case("large eps", *SHORT, eps=0.5),
    case("large eps, lam of 2", *SHORT, eps=0.5, lam=2.0),
    case("weight", *SHORT, sample_weight=0.5, reduction="sum"),
    case("one feature", [[1.0], [0.5], [-0.25]], [[0.5], [0.75], [0.0]]),
    case("two rows", [[1.0, 0.5], [0.75, -0.25]], [[0.5, 0.25], [0.75, 0.0]], gradient=UNSURE),
    case("two rows, eps", [[1.0, 0.5], [0.75, -0.25]], [[0.5, 0.25], [0.75, 0.0]], eps=0.25),
    case("one row", [[1.0, 0.5]], [[0.5, 0.25]]),
    case("one row, mean", [[1.0, 0.5]], [[0.5, 0.25]], reduction="mean"),
    case("all rows but one masked", *SHORT, where=[False, True, False], reduction="mean"),
    case(
        "rows left, NaN in another", [X[0], [NAN, 1.0, 0.0], X[2], X[3]], Y, where=[True, False, True, True]
    ),
    case("identical views", SHORT[0], SHORT[0]),
    case("identical views, only the diagonal", SHORT[0], SHORT[0], lam=0.0, gradient=STILL),
    case("identical views, eps", SHORT[0], SHORT[0], eps=0.25),
    case("shifted and scaled views", WORKED[0], moved(scaled(WORKED[0], 4.0), 0.5), lam=0.0, gradient=STILL),
    case("opposite views", WORKED[0], scaled(WORKED[0], -1.0), lam=2.0),
    case(
        "nearly identical views",
        WORKED[0],
        [[1.0, 2.0], [3.0, 1.0 + 2.0**-12], [2.0 - 2.0**-10, 0.0]],
        lam=0.0,
    ),
    case("a constant feature", CONSTANT, WORKED[1], gradient={"x": None}),
    case("a feature that is constant in both views", CONSTANT, CONSTANT, gradient=UNSURE),
    case("a constant feature, eps", CONSTANT, WORKED[1], eps=0.25),
    case("all rows coincide", [[0.5, 2.0]] * 3, [[0.25, 1.0]] * 3, gradient=STILL),
    case("all rows coincide, eps", [[0.5, 2.0]] * 3, [[0.25, 1.0]] * 3, eps=0.25),
    case("all rows are 0", [[0.0, 0.0]] * 3, [[0.0, 0.0]] * 3, gradient=STILL),
    case("close rows far from the origin", moved(SHORT[0], 1024.0), moved(SHORT[1], 1024.0)),
    case("huge", scaled(SHORT[0], 2.0**100), scaled(SHORT[1], 2.0**100)),
    case("tiny", scaled(SHORT[0], 2.0**-100), scaled(SHORT[1], 2.0**-100), gradient=UNSURE),
    case("NaN in a live row", [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]], gradient=UNSURE),
)
def barlow_twins_loss(
    x: list[list[Any]],
    y: list[list[Any]],
    *,
    lam: Any = 0.005,
    eps: Any = 0,
    where: list[bool],
) -> Any:
    x, y = ([row for row, kept in zip(rows, where, strict=True) if kept] for rows in (x, y))
    if len(x) < 2:
        return None
    if any(mp.isnan(v) for row in x + y for v in row):
        return mp.nan
    a, b = ([standardised(f, eps) for f in centred(rows)] for rows in (x, y))
    c = [[mp.fdot(u, v) / len(x) for v in b] for u in a]
    d = range(len(c))
    diagonal = mp.fsum((c[i][i] - 1) ** 2 for i in d)
    return diagonal + lam * mp.fsum(c[i][j] ** 2 for i in d for j in d if i != j)


def standardised(feature: list[Any], eps: Any) -> list[Any]:
    deviation = mp.sqrt(mp.fdot(feature, feature) / len(feature) + eps)
    return [v / deviation if abs(deviation) > mpf(10) ** -200 else mpf(0) for v in feature]
