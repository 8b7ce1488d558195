"""Evidence for the likelihoods and the deviances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan
P, T = uniform(501, 6), uniform(502, 6)
MU, AMOUNT = uniform(503, 6, low=0.25, high=6), uniform(504, 6, low=0.25, high=6)
VAR = uniform(505, 6, low=0.25, high=4)
COUNT = [0.0, 3.0, 1.0, 7.0, 2.0, 0.0]
# About 2·10²⁵ and 6·10⁻¹⁴: their quotient overflows float32.
FAR, NEAR = 2.0**84, 2.0**-44
# Of the target: its slope at 0 is infinite.
UNTOLD: dict[str, Any] = {"target": None}


@evidence(
    "gaussian_nll",
    case("ordinary", P, T, VAR),
    case("full", P, T, VAR, full=True),
    case("several dimensions", uniform(506, 2, 3), uniform(507, 2, 3), uniform(508, 2, 3, low=0.25, high=4)),
    case("a variance for each row", uniform(506, 2, 3), uniform(507, 2, 3), [[0.5], [2.0]]),
    case("a variance for each column", uniform(506, 2, 3), uniform(507, 2, 3), [0.5, 2.0, 1.0]),
    case(
        "a variance for each row, masked",
        [[1.0, NAN], [2.0, 0.5]],
        [[0.0, 1.0], [1.0, NAN]],
        [[0.5], [2.0]],
        where=[[True, False], [True, False]],
    ),
    case("one variance", P, T, 0.5),
    case("a number as the target", P, 0.5, VAR),
    case("worked: residual of 1, variance of 1/2", [1.0], [0.0], [0.5], tags=("worked",)),
    case("worked: residual of 1, variance of 1/2, full", [1.0], [0.0], [0.5], full=True, tags=("worked",)),
    case("perfect match", [0.0, 1.5], [0.0, 1.5], [1.0, 0.25]),
    case(
        "variance of 0",
        [2.0**-7, 0.0],
        [0.0, 0.0],
        [0.0, 0.0],
        gradient={"var": None},  # which overflows float16
        tags=("clamp",),
    ),
    case(
        "variance of 0: the gradient is that at eps", [1.0, 2.0**-30], [0.0, 0.0], [0.0, 0.0], tags=("clamp",)
    ),
    case(
        "variance below eps: the gradient is that at eps",
        [1.0, 0.25],
        [0.0, 0.0],
        [2.0**-30, 2.0**-24],
        tags=("clamp",),
    ),
    case(
        "variance below, at and above a large eps",
        [1.0, 1.0, 1.0],
        [0.0, 0.5, 3.0],
        [0.25, 0.5, 0.75],
        eps=0.5,
        tags=("clamp",),
    ),
    case(
        "eps as an array",
        [1.0, 1.0, 1.0],
        [0.0, 0.5, 3.0],
        [0.25, 0.5, 0.75],
        eps=np.asarray(0.5),
        tags=("clamp",),
    ),
    case("small and large variances", [1.0, 2.0, -1.0], [0.5, 1.0, 1.0], [2.0**-5, 8192.0, 2.0**14]),
    case(
        "residuals and variances out of the ordinary",
        [FAR, NEAR],
        [0.0, 0.0],
        [2.0**100, 2.0**40],
        tags=("extreme",),
    ),
    case("negative variance", [1.0, 1.0], [0.0, 0.0], [-0.5, 0.5], tags=("domain",)),
    case(
        "infinite prediction and target",
        [INF, 1.0],
        [0.0, -INF],
        [1.0, 2.0],
        gradient={"pred": None, "target": None, "var": None},
        tags=("inf",),
    ),
    case(
        "infinite variance",
        [1.0],
        [0.0],
        [INF],
        value=[INF],
        gradient={"pred": [0.0], "target": [0.0], "var": [0.0]},
        tags=("inf",),
    ),
    case(
        "NaN in a live item", [NAN, 1.0, 1.0, 1.0], [0.0, NAN, 0.5, 0.5], [1.0, 1.0, NAN, 2.0], tags=("nan",)
    ),
    peers={"torch": "torch.nn.functional.gaussian_nll_loss(pred, target, var, full=full, eps=eps)"},
)
def gaussian_nll(
    pred: Any, target: Any, var: Any, *, full: bool = False, eps: Any = None, at: Any = None
) -> Any:
    if var < 0:
        return mp.nan
    eps = mpf(1e-6) if eps is None else eps
    v = var + (max(at[2], eps) - at[2])  # the bound is a constant, added
    return (mp.log(v) + (pred - target) ** 2 / v) / 2 + (mp.log(2 * mp.pi) / 2 if full else 0)


@evidence(
    "poisson_nll",
    case("ordinary", uniform(511, 6, low=-3, high=1), COUNT),
    case("predictions of both signs", P, COUNT),
    case("counts that are not whole", P, AMOUNT),
    case("several dimensions", uniform(506, 2, 3), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
    case("a number as the target", P, 2.0),
    case("rates", MU, COUNT, log_input=False),
    case("rates, eps of 0", MU, COUNT, log_input=False, eps=0.0),
    case("rates, large eps", MU, COUNT, log_input=False, eps=0.5),
    case("rates, eps as an array", MU, COUNT, log_input=False, eps=np.asarray(0.25)),
    case("full", P, [2.0, 3.0, 1.5, 7.0, 0.0, 0.5], full=True),
    case("stirling", P, [2.0, 3.0, 1.5, 7.0, 0.0, 0.5], full="stirling"),
    case("exact", P, COUNT, full="exact"),
    case("rates, full", MU, [2.0, 3.0, 1.5, 7.0, 0.0, 0.5], log_input=False, full=True),
    case("rates, exact", MU, COUNT, log_input=False, full="exact"),
    case("exact, counts that are not whole", [0.0] * 6, [2.0**-10, 0.25, 0.5, 0.75, 1.25, 4.5], full="exact"),
    case("worked: p of 0.5, count of 2", [0.5], [2.0], tags=("worked",)),
    case("worked: p of 0.5, count of 2, full", [0.5], [2.0], full=True, tags=("worked",)),
    case("worked: p of 0.5, count of 2, exact", [0.5], [2.0], full="exact", tags=("worked",)),
    case("worked: rate of 1.5, count of 2", [1.5], [2.0], log_input=False, eps=0.0, tags=("worked",)),
    case(
        "full: counts up to 1 have no term",
        [0.5] * 3,
        [0.0, 0.5, 1.0],
        full=True,
        gradient=UNTOLD,
        tags=("kink",),
    ),
    case("full: just above a count of 1", [0.5] * 3, [1.0 + 2.0**-7, 1.5, 2.0], full=True),
    case("exact: around a count of 1", [0.5] * 3, [1.0 - 2.0**-7, 1.0, 1.0 + 2.0**-7], full="exact"),
    case("exact: nothing expected, nothing counted", [-16.0, -64.0, -1024.0], [0.0] * 3, full="exact"),
    case(
        "exact: large counts near their expectation",
        [6.875, 9.25, 11.125],
        [1000.0, 10240.0, 65536.0],
        full="exact",
    ),
    case(
        "full: large counts near their expectation",
        [6.875, 9.25, 11.125],
        [1000.0, 10240.0, 65536.0],
        full=True,
    ),
    case(
        "rates, exact: large counts near their expectation",
        [992.0, 10240.0],
        [1000.0, 10208.0],
        log_input=False,
        full="exact",
    ),
    case("exact: much more and much less than expected", [4.0, -32.0, 0.0], [1.0, 4.0, 1024.0], full="exact"),
    case("nothing expected, nothing counted", [-16.0, -64.0, -1024.0], [0.0] * 3),
    case("large predictions", [8.0, -8192.0, -64.0], [3.0, 3.0, 0.0]),
    case("where the exponential leaves float32", [88.0, 88.5, 89.0], [0.0] * 3),
    case("where the exponential leaves float16", [11.0, 11.0625, 11.125], [0.0] * 3),
    case("large predictions, beyond float16", [16.0, -(2.0**20), 64.0], [3.0, 3.0, 0.0]),
    case(
        "predictions whose exponential overflows",
        [8192.0, 16384.0],
        [3.0, 0.0],
        gradient={"pred": None, "target": None},
    ),
    case(
        "exact: predictions whose exponential overflows",
        [8192.0],
        [3.0],
        full="exact",
        gradient={"pred": None, "target": None},
    ),
    case("rate of 0", [0.0, 0.0], [0.0, 2.0**-15], log_input=False),
    case("rate of 0, beyond float16", [0.0, 0.0, 2.0**-20], [0.0, 1.0, 2.0], log_input=False),
    case(
        "rate of 0, eps of 0",
        [0.0, 0.0],
        [0.0, 1.0],
        log_input=False,
        eps=0.0,
        value=[0.0, INF],
        gradient={"pred": [1.0, INF], "target": None},
    ),
    case("negative rate", [-1.0, -1.0, 1.0], [2.0, 0.0, 1.0], log_input=False, tags=("domain",)),
    case("negative count", [0.5, 0.5], [-1.0, 1.0], tags=("domain",)),
    case("negative count, exact", [0.5, 0.5], [-1.0, 1.0], full="exact", tags=("domain",)),
    case(
        "infinite prediction",
        [INF, INF, -INF, -INF],
        [0.0, 3.0, 0.0, 3.0],
        value=[INF, INF, 0.0, INF],
        gradient={"pred": [INF, -INF, 0.0, -2.25], "target": None},
        tags=("inf",),
    ),
    case(
        "infinite prediction, exact",
        [INF, -INF, -INF],
        [3.0, 0.0, 3.0],
        full="exact",
        value=[INF, 0.0, INF],
        gradient={"pred": None, "target": None},
        tags=("inf",),
    ),
    case("infinite rate", [INF, INF], [0.0, 3.0], log_input=False, gradient={"target": None}, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], tags=("nan",)),
    case("NaN in a live item, exact", [NAN, 1.0, 1.0], [0.0, NAN, 0.5], full="exact", tags=("nan",)),
    peers={
        "torch": "torch.nn.functional.poisson_nll_loss(pred, target, log_input=log_input, full=full)",
        "keras": "keras.losses.poisson(target, pred)",
    },
)
def poisson_nll(pred: Any, target: Any, *, log_input: bool = True, full: Any = False, eps: Any = None) -> Any:
    eps = mpf(1e-8) if eps is None else eps
    if target < 0 or (not log_input and pred + eps < 0):
        return mp.nan
    if log_input:
        nll = mp.exp(pred) - target * pred
    else:
        nll = pred - (target * mp.log(pred + eps) if target != 0 else 0)
    if full == "exact":
        nll += mp.loggamma(target + 1)
    elif full and target > 1:
        nll += target * mp.log(target) - target + mp.log(2 * mp.pi * target) / 2
    return nll


@evidence(
    "poisson_deviance",
    case("ordinary", MU, AMOUNT),
    case("counts", MU, [1.0, 3.0, 1.0, 7.0, 2.0, 4.0]),
    case("counts of 0", [0.5, 3.0], [0.0, 0.0], gradient=UNTOLD),
    case("several dimensions", uniform(509, 2, 3, low=0.25, high=6), uniform(510, 2, 3, low=0.25, high=6)),
    case("a number as the target", MU, 2.0),
    case("worked: 1.5 for 2", [1.5], [2.0], tags=("worked",)),
    case("perfect match", [0.25, 1.5, 100.0], [0.25, 1.5, 100.0]),
    case("nearly equal", [1.0 + 2.0**-7, 2.0 - 2.0**-7, 1.0 + 2.0**-20], [1.0, 2.0, 1.0], strict=True),
    case("where one form gives way to the other", [9.0, 7.0, 9.125, 7.125], [7.0, 9.0, 7.0, 9.0]),
    case("far apart", [2.0**-16, 2.0**20, 32768.0], [2.0**20, 2.0**-16, 2.0]),
    case("a quotient out of range", [FAR, FAR, NEAR], [NEAR, FAR / 2, NEAR * 2], tags=("extreme",)),
    case("a quotient and a slope out of range", [NEAR], [FAR], gradient={"pred": None}, tags=("extreme",)),
    case("prediction that is not positive", [0.0, -1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 2.0], tags=("domain",)),
    case("negative count", [0.5, 0.5], [-1.0, 1.0], tags=("domain",)),
    case("infinite prediction", [INF, INF], [2.0, 0.0], gradient=UNTOLD, tags=("inf",)),
    case("infinite count", [2.0], [INF], gradient={"pred": None, "target": None}, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [1.0, NAN, 0.5], tags=("nan",)),
    peers={"sklearn": "sklearn.metrics.mean_poisson_deviance(target, pred)"},
)
def poisson_deviance(pred: Any, target: Any) -> Any:
    if pred <= 0 or target < 0:
        return mp.nan
    return 2 * ((target * mp.log(target / pred) if target != 0 else 0) - target + pred)


@evidence(
    "gamma_deviance",
    case("ordinary", MU, AMOUNT),
    case("several dimensions", uniform(509, 2, 3, low=0.25, high=6), uniform(510, 2, 3, low=0.25, high=6)),
    case("a number as the target", MU, 2.0),
    case("worked: 1.5 for 2", [1.5], [2.0], tags=("worked",)),
    case("perfect match", [0.25, 1.5, 100.0], [0.25, 1.5, 100.0]),
    case("nearly equal", [1.0 + 2.0**-7, 2.0 - 2.0**-7, 1.0 + 2.0**-20], [1.0, 2.0, 1.0], strict=True),
    case("where one form gives way to the other", [9.0, 7.0, 9.125, 7.125], [7.0, 9.0, 7.0, 9.0]),
    case("far apart", [2.0**-16, 2.0**20, 32768.0], [2.0**20, 2.0**-16, 2.0]),
    case("a quotient out of range", [FAR, FAR, NEAR], [NEAR, FAR / 2, NEAR * 2], tags=("extreme",)),
    case(
        "prediction or amount that is not positive",
        [0.0, -1.0, 1.0, 1.0, 1.0],
        [1.0, 1.0, 0.0, -1.0, 2.0],
        tags=("domain",),
    ),
    case(
        "infinite prediction",
        [INF],
        [2.0],
        value=[INF],
        gradient={"pred": [0.0], "target": None},
        tags=("inf",),
    ),
    case("infinite amount", [2.0], [INF], gradient={"pred": None, "target": None}, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [1.0, NAN, 0.5], tags=("nan",)),
    peers={"sklearn": "sklearn.metrics.mean_gamma_deviance(target, pred)"},
)
def gamma_deviance(pred: Any, target: Any) -> Any:
    if pred <= 0 or target <= 0:
        return mp.nan
    return 2 * (mp.log(pred / target) + target / pred - 1)


@evidence(
    "tweedie_deviance",
    case("ordinary", MU, AMOUNT),
    *(
        case(f"power of {p}", MU, AMOUNT, power=p)
        for p in (1.0, 1.125, 1.25, 1.75, 1.875, 2.0, 2.5, 3.0, 4.0)
    ),
    *(case(f"power of {p}", MU, AMOUNT, power=p) for p in (-0.5, -1.0, -3.0)),
    case("power of 0", P, T, power=0.0),
    case("power of 10", [1.5, 2.0, 0.75], [2.0, 1.75, 1.0], power=10.0),
    case("power nearly 1", MU, AMOUNT, power=1.0 + 2.0**-20),
    case("power nearly 2", MU, AMOUNT, power=2.0 - 2.0**-20),
    case("power nearly 2, from above", MU, AMOUNT, power=2.0 + 2.0**-20),
    case("power that is no short number", MU, AMOUNT, power=1.7),
    *(case(f"power as an array of {p}", MU, AMOUNT, power=np.asarray(p)) for p in (1.5, 1.0, 2.0, 3.0, -1.0)),
    case("several dimensions", uniform(509, 2, 3, low=0.25, high=6), uniform(510, 2, 3, low=0.25, high=6)),
    case("a number as the target", MU, 2.0),
    case("zeros among the amounts", MU, [0.0, 1.5, 0.0, 2.0, 0.5, 0.0], gradient=UNTOLD),
    case(
        "zeros among the amounts, power of 1", MU, [0.0, 1.5, 0.0, 2.0, 0.5, 0.0], power=1.0, gradient=UNTOLD
    ),
    case("negative amounts, power of -1", MU, [0.0, -1.5, 0.5, 2.0, -0.25, -2.0], power=-1.0),
    case("worked: 1.5 for 2", [1.5], [2.0], tags=("worked",)),
    case("worked: 1.5 for 2, power of 1", [1.5], [2.0], power=1.0, tags=("worked",)),
    case("worked: 1.5 for 2, power of 2", [1.5], [2.0], power=2.0, tags=("worked",)),
    case("worked: 1.5 for 2, power of 3", [1.5], [2.0], power=3.0, tags=("worked",)),
    case("worked: 1.5 for 0", [1.5], [0.0], gradient=UNTOLD, tags=("worked",)),
    case("perfect match", [0.25, 1.5, 100.0], [0.25, 1.5, 100.0]),
    *(
        case(
            f"nearly equal, power of {p}",
            [1.0 + 2.0**-7, 2.0 - 2.0**-7, 1.0 + 2.0**-20],
            [1.0, 2.0, 1.0],
            power=p,
            strict=True,
        )
        for p in (1.5, 3.0, -1.0)
    ),
    *(
        case(
            f"where one form gives way to another, power of {p}",
            [4.0, 4.0, 4.0, 4.0, 4.0, 4.0],
            [2.0, 2.125, 1.5, 7.75, 8.0, 29.0],
            power=p,
        )
        for p in (1.5, 1.25, 3.0)
    ),
    *(
        case(f"far apart, power of {p}", [2.0**-16, 2.0**20, 32768.0], [2.0**20, 2.0**-16, 2.0], power=p)
        for p in (1.5, 1.0625, 1.9375, 3.0)
    ),
    case(
        "a quotient out of range", [2.0**80, 2.0**80, NEAR], [2.0**-48, 2.0**79, NEAR * 2], tags=("extreme",)
    ),
    case("a quotient and a slope out of range", [NEAR], [FAR], gradient={"pred": None}, tags=("extreme",)),
    case("prediction that is not positive", [0.0, -1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 2.0], tags=("domain",)),
    case("negative amount", [0.5, 0.5], [-1.0, 1.0], tags=("domain",)),
    case("amount of 0, power of 3", [0.5, 0.5], [0.0, 1.0], power=3.0, tags=("domain",)),
    case("prediction of any sign, power of 0", [0.0, -1.0], [1.0, -1.0], power=0.0),
    case(
        "infinite prediction",
        [INF, INF],
        [2.0, 0.0],
        value=[INF, INF],
        gradient={"pred": None, "target": None},
        tags=("inf",),
    ),
    case(
        "infinite prediction, power of 3",
        [INF],
        [2.0],
        power=3.0,
        gradient={"pred": [0.0], "target": None},
        tags=("inf",),
    ),
    case(
        "infinite prediction, power of -1",
        [INF, INF],
        [2.0, -2.0],
        power=-1.0,
        gradient={"pred": None, "target": None},
        tags=("inf",),
    ),
    case("infinite amount", [2.0], [INF], gradient={"pred": None, "target": None}, tags=("inf",)),
    case("NaN in a live item", [NAN, 1.0, 1.0], [1.0, NAN, 0.5], tags=("nan",)),
    peers={"sklearn": "sklearn.metrics.mean_tweedie_deviance(target, pred, power=power)"},
)
def tweedie_deviance(pred: Any, target: Any, *, power: Any = None) -> Any:
    p = mpf(3) / 2 if power is None else power
    if p == 0:
        return (target - pred) ** 2
    if pred <= 0 or (p >= 1 and target < 0) or (p >= 2 and target <= 0):
        return mp.nan
    if p == 1:
        return poisson_deviance(pred, target)
    if p == 2:
        return gamma_deviance(pred, target)
    return 2 * (
        max(target, mpf(0)) ** (2 - p) / ((1 - p) * (2 - p))
        - target * pred ** (1 - p) / (1 - p)
        + pred ** (2 - p) / (2 - p)
    )
