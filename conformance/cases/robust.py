"""Evidence for the robust regression losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan
P, T = uniform(401, 6), uniform(402, 6)
# About 2·10²⁵ and 5·10⁻²⁶: the square of one overflows float32, that of the other underflows.
FAR, NEAR = 2.0**84, 2.0**-84
FLAT = {"pred": [0.0, 0.0], "target": [0.0, 0.0]}
SLIGHT = {"pred": [NEAR, NEAR / 2], "target": [-NEAR, -NEAR / 2]}
SMALL = [2.0**-6, -(2.0**-9), 2.0**-12, 2.0**-24, -(2.0**-40), 0.0]
LARGE = [8.0, -64.0, 1024.0, -8192.0, 32768.0]
ZEROS = [0.0] * 6


def squared(pred: Any, target: Any, scale: Any) -> Any:
    return ((pred - target) / scale) ** 2


@evidence(
    "cauchy_loss",
    case("ordinary", P, T),
    case("scale", P, T, scale=2.0),
    case("small scale", P, T, scale=0.125),
    case("scale that is no short number", P, T, scale=0.7),
    case("scale as an array", P, T, scale=np.asarray(0.5)),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3)),
    case("a number as the target", P, 0.5),
    case("worked: residual of 1.5", [1.5], [0.0], tags=("worked",)),
    case("worked: residual of 1.5, scale of 2", [1.5], [0.0], scale=2.0, tags=("worked",)),
    case("perfect match", [0.0, 1.5, -2.0], [0.0, 1.5, -2.0]),
    case("steepest and beyond", [1.375, 1.4375, 1.5, -1.375, -1.4375], [0.0] * 5),
    case("tiny residuals", SMALL, ZEROS, strict=True),
    case("large residuals", LARGE, [0.0] * 5),
    case("residuals whose square overflows", [FAR, -FAR], [0.0] * 2, tags=("extreme",)),
    case("residuals whose square underflows", [NEAR, -NEAR], [0.0] * 2, gradient=SLIGHT, tags=("extreme",)),
    case("infinite prediction", [INF, -INF], [0.0, 1.0], value=[INF, INF], gradient=FLAT, tags=("inf",)),
    case("infinite target", [0.0, 1.0], [INF, -INF], value=[INF, INF], gradient=FLAT, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
    peers={"kornia": "kornia.losses.cauchy_loss(pred, target)"},
)
def cauchy_loss(pred: Any, target: Any, *, scale: Any = 1) -> Any:
    return mp.log(1 + squared(pred, target, scale) / 2)


@evidence(
    "geman_mcclure_loss",
    case("ordinary", P, T),
    case("scale", P, T, scale=2.0),
    case("small scale", P, T, scale=0.125),
    case("scale that is no short number", P, T, scale=0.7),
    case("scale as an array", P, T, scale=np.asarray(0.5)),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3)),
    case("a number as the target", P, 0.5),
    case("worked: residual of 1.5", [1.5], [0.0], tags=("worked",)),
    case("perfect match", [0.0, 1.5, -2.0], [0.0, 1.5, -2.0]),
    case("half of the limit", [2.0, -2.0, 2.03125, -1.96875], [0.0] * 4),
    case("tiny residuals", SMALL, ZEROS, strict=True),
    case("large residuals", LARGE, [0.0] * 5),
    case("residuals whose square overflows", [FAR, -FAR], [0.0] * 2, tags=("extreme",)),
    case("residuals whose square underflows", [NEAR, -NEAR], [0.0] * 2, gradient=SLIGHT, tags=("extreme",)),
    case("infinite prediction", [INF, -INF], [0.0, 1.0], gradient=FLAT, tags=("inf",)),
    case("infinite target", [0.0, 1.0], [INF, -INF], gradient=FLAT, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
    peers={"kornia": "kornia.losses.geman_mcclure_loss(pred, target)"},
)
def geman_mcclure_loss(pred: Any, target: Any, *, scale: Any = 1) -> Any:
    z = squared(pred, target, scale)
    return 2 * z / (z + 4)


@evidence(
    "welsch_loss",
    case("ordinary", P, T),
    case("scale", P, T, scale=2.0),
    case("small scale", P, T, scale=0.5),
    case("scale that is no short number", P, T, scale=0.7),
    case("scale as an array", P, T, scale=np.asarray(0.5)),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3)),
    case("a number as the target", P, 0.5),
    case("worked: residual of 1.5", [1.5], [0.0], tags=("worked",)),
    case("perfect match", [0.0, 1.5, -2.0], [0.0, 1.5, -2.0]),
    case("tiny residuals", SMALL, ZEROS, strict=True),
    case("residuals of many scales", [4.0, -8.0, 12.0, -63.0, 64.0, 65.0], ZEROS),
    case("large residuals", LARGE, [0.0] * 5),
    case("residuals whose square overflows", [FAR, -FAR], [0.0] * 2, tags=("extreme",)),
    case("residuals whose square underflows", [NEAR, -NEAR], [0.0] * 2, gradient=SLIGHT, tags=("extreme",)),
    case("infinite prediction", [INF, -INF], [0.0, 1.0], gradient=FLAT, tags=("inf",)),
    case("infinite target", [0.0, 1.0], [INF, -INF], gradient=FLAT, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
    peers={"kornia": "kornia.losses.welsch_loss(pred, target)"},
)
def welsch_loss(pred: Any, target: Any, *, scale: Any = 1) -> Any:
    return 1 - mp.exp(-squared(pred, target, scale) / 2)


@evidence(
    "tukey_biweight_loss",
    case("ordinary", P, T),
    case("c", P, T, c=2.0),
    case("small c", P, T, c=0.5),
    case("c that is no short number", P, T, c=1.3),
    case("c as an array", P, T, c=np.asarray(3.0)),
    case("infinite c: half the squared error", P, T, c=INF),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3), c=3.0),
    case("a number as the target", P, 0.5),
    case("worked: residual of 1.5", [1.5], [0.0], tags=("worked",)),
    case("worked: plateau", [8.0], [0.0], tags=("worked",)),
    case("perfect match", [0.0, 1.5, -2.0], [0.0, 1.5, -2.0]),
    case("residual of exactly c", [2.0, 0.0], [0.0, 2.0], c=2.0, gradient=FLAT),
    case("residual of nearly c", [2.0 - 2.0**-7, -2.0 + 2.0**-6, 2.0 + 2.0**-6], [0.0] * 3, c=2.0),
    case("around half of c squared", [1.375, 1.40625, 1.4375, -1.421875], [0.0] * 4, c=2.0),
    case("tiny residuals", SMALL, ZEROS, strict=True, c=4.0),
    case("large residuals", LARGE, [0.0] * 5),
    case("residuals whose square overflows", [FAR, -FAR], [0.0] * 2, tags=("extreme",)),
    case("residuals whose square underflows", [NEAR, -NEAR], [0.0] * 2, gradient=SLIGHT, tags=("extreme",)),
    case("infinite prediction", [INF, -INF], [0.0, 1.0], tags=("inf",)),
    case("infinite target", [0.0, 1.0], [INF, -INF], tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
    peers={"statsmodels": "statsmodels.robust.norms.TukeyBiweight(c).rho(pred - target)"},
)
def tukey_biweight_loss(pred: Any, target: Any, *, c: Any = None) -> Any:
    c = mpf(4.685) if c is None else c
    z = squared(pred, target, c)
    return c**2 / 6 if z > 1 else c**2 / 6 * (1 - (1 - z) ** 3)


@evidence(
    "wing_loss",
    case("ordinary", P, T),
    case("beyond the width", uniform(405, 6, low=-40, high=40), uniform(406, 6, low=-40, high=40)),
    case("width and curvature", P, T, width=2.0, curvature=0.5),
    case("width and curvature that are no short numbers", P, T, width=0.3, curvature=0.06),
    case("width and curvature as arrays", P, T, width=np.asarray(2.0), curvature=np.asarray(0.5)),
    case("curvature beyond the width", P, T, width=1.0, curvature=8.0),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3)),
    case("a number as the target", P, 0.5),
    case("worked: residuals of 1 and 20", [1.0, 20.0], [0.0, 0.0], tags=("worked",)),
    case("kink: residual of 0", [0.0, 1.5, -0.0], [0.0, 1.5, 0.0], tags=("kink",)),
    case("kink: residual of exactly the width", [10.0, -10.0, 0.0], [0.0, 0.0, 10.0], tags=("kink",)),
    case("residual of nearly the width", [9.9375, -9.9375, 10.0625, -10.0625], [0.0] * 4),
    case("tiny residuals", [2.0**-6, -(2.0**-9), 2.0**-24, -(2.0**-40)], [0.0] * 4, strict=True),
    case("large residuals", LARGE, [0.0] * 5),
    case("residuals far out and far in", [FAR, -FAR, 2.0**-40, -(2.0**-40)], [0.0] * 4, tags=("extreme",)),
    case("infinite prediction", [INF, -INF], [0.0, 1.0], tags=("inf",)),
    case("infinite target", [0.0, 1.0], [INF, -INF], tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
)
def wing_loss(pred: Any, target: Any, *, width: Any = 10, curvature: Any = 2) -> Any:
    a = abs(pred - target)
    if a <= width:
        return width * mp.log(1 + a / curvature)
    return a - (width - width * mp.log(1 + width / curvature))


@evidence(
    "general_robust_loss",
    case("ordinary", P, T),
    *(case(f"alpha of {a}", P, T, alpha=a) for a in (4.0, 3.0, 2.0, 1.5, 0.5, 0.0, -0.5, -1.0, -2.0)),
    *(case(f"alpha of {a}", P, T, alpha=a) for a in (-10.0, -100.0, INF, -INF)),
    case("alpha nearly 0", P, T, alpha=2.0**-20),
    case("alpha nearly 0, from below", P, T, alpha=-(2.0**-40)),
    case("alpha of almost nothing", P, T, alpha=2.0**-200),
    case("alpha nearly 2", P, T, alpha=2.0 - 2.0**-20),
    case("alpha nearly 2, from above", P, T, alpha=2.0 + 2.0**-30),
    case("alpha that is no short number", P, T, alpha=0.3),
    case("large alpha", P, T, alpha=20.0, scale=4.0),
    case("huge alpha", P, T, alpha=2.0**70),
    case("huge negative alpha", P, T, alpha=-(2.0**70)),
    *(
        case(f"alpha as an array of {a}", P, T, alpha=np.asarray(a))
        for a in (1.0, 2.0, 0.0, -2.0, -0.5, -INF)
    ),
    case("scale", P, T, scale=2.0),
    case("small scale", P, T, scale=0.125),
    case("scale that is no short number", P, T, scale=0.7, alpha=-1.0),
    case("scale as an array", P, T, scale=np.asarray(0.5)),
    case("several dimensions", uniform(403, 2, 3), uniform(404, 2, 3)),
    case("a number as the target", P, 0.5),
    *(
        case(f"worked: alpha of {a}", [1.5], [0.0], alpha=a, tags=("worked",))
        for a in (4.0, 2.0, 1.0, 0.5, 0.0, -1.0, -2.0, -INF)
    ),
    case("perfect match", [0.0, 1.5, -2.0], [0.0, 1.5, -2.0]),
    *(
        case(f"tiny residuals, alpha of {a}", SMALL, ZEROS, strict=True, alpha=a)
        for a in (1.0, 0.0, -2.0, 2.0, 1.5)
    ),
    *(
        case(f"large residuals, alpha of {a}", LARGE, [0.0] * 5, alpha=a)
        for a in (1.0, 1.5, 0.5, 0.0, -2.0, -10.0)
    ),
    *(
        case(
            f"residuals far out and far in, alpha of {a}",
            [FAR, -(2.0**-40)],
            [0.0] * 2,
            alpha=a,
            tags=("extreme",),
        )
        for a in (1.0, 1.25, 0.5, 0.0, -1.0, -2.0, -INF)
    ),
    case("where one form gives way to the other", [1.0, -1.0, 1.28125, 1.3125, 2.5, 2.53125], ZEROS),
    case("infinite residual, alpha of 1", [INF, -INF], [0.0, 1.0], tags=("inf",)),
    case(
        "infinite residual, alpha of 2",
        [INF],
        [0.0],
        alpha=2.0,
        gradient={"pred": [INF], "target": [-INF]},
        tags=("inf",),
    ),
    *(
        case(
            f"infinite residual, alpha of {a}",
            [INF, 1.0],
            [0.0, -INF],
            alpha=a,
            value=[INF, INF],
            gradient=FLAT,
            tags=("inf",),
        )
        for a in (0.5, 0.0)
    ),
    *(
        case(
            f"infinite residual, alpha of {a}", [INF, 1.0], [0.0, -INF], alpha=a, gradient=FLAT, tags=("inf",)
        )
        for a in (-1.0, -2.0, -INF)
    ),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
)
def general_robust_loss(pred: Any, target: Any, *, alpha: Any = 1, scale: Any = 1) -> Any:
    z = squared(pred, target, scale)
    if alpha == 2:
        return z / 2
    if alpha == 0:
        return mp.log(1 + z / 2)
    if abs(alpha) > mpf(10) ** 35:  # which stands for infinity
        return 1 - mp.exp(-z / 2) if alpha < 0 else mp.exp(z / 2) - 1
    b = abs(alpha - 2)
    return b / alpha * ((z / b + 1) ** (alpha / 2) - 1)
