"""Evidence for the regression losses."""

import math

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan
PRED, TARGET = uniform(87, 2, 3), uniform(1087, 2, 3)
# Residuals of -0.5, 0 and 2.5, for which there are numbers worked out by hand.
WORKED = [1.0, 2.0, 3.5], [1.5, 2.0, 1.0]
TINY = [2.0**-20, -(2.0**-20), 2.0**-30, -(2.0**-12), 2.0**-8, -(2.0**-6)]
LARGE = [2.0**40, -(2.0**40), 2.0**56, -(2.0**56)]
HUGE = [2.0**100, -(2.0**100), 2.0**66, -(2.0**66)]


def zeros(like):
    return [0.0] * len(like)


def residuals(*, infinite=True, **options):
    """Cases of every loss of p - t: nothing, little, much and no number at all."""
    cases = [
        case("no residual", [1.5, -2.0, 0.0, -0.0], [1.5, -2.0, 0.0, 0.0], tags=("kink",), **options),
        case("tiny residuals", TINY, zeros(TINY), tags=("small",), **options),
        case(
            "tiny residuals, far from 0",
            [4096.0, -1.0],
            [4096.0078125, -1.0009765625],
            tags=("small",),
            **options,
        ),
        case("residuals of ±10⁴", [8192.0, -12288.0, 0.0], [0.0, 0.0, 10240.0], tags=("large",), **options),
        case("large residuals", LARGE, zeros(LARGE), tags=("large",), **options),
        case("NaN that counts", [NAN, 1.0, 2.0], [1.0, NAN, 0.5], tags=("nan",), **options),
        case("one target for all", [1.5, -2.0, 0.25], 0.75, **options),
    ]
    if infinite:
        cases += [
            case("infinite prediction", [INF, -INF, 1.0], [1.0, 1.0, -1.0], tags=("inf",), **options),
            case("infinite target", [1.0, 1.0, -1.0], [INF, -INF, 1.0], tags=("inf",), **options),
        ]
    return cases


def huge(**options):
    """Residuals whose squares are beyond float32, while the loss is not."""
    return case("residuals whose squares overflow", HUGE, zeros(HUGE), tags=("large",), **options)


@evidence(
    "absolute_error",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("worked: three residuals", *WORKED),
    case("worked: weights", *WORKED, sample_weight=[1.0, 2.0, 1.0], reduction="mean"),
    case("weights that broadcast", PRED, TARGET, sample_weight=[[2.0], [0.5]], reduction="mean"),
    case("a mask that broadcasts", PRED, TARGET, where=np.asarray([True, False, True]), reduction="mean"),
    case(
        "infinity under weight 0",
        [INF, 2.0],
        [INF, 0.5],
        sample_weight=[0.0, 1.0],
        reduction="mean",
        tags=("inf",),
    ),
    peers={
        "torch": "torch.nn.functional.l1_loss(pred, target)",
        "scikit-learn": "sklearn.metrics.mean_absolute_error(target, pred)",
    },
)
def absolute_error(pred, target):
    return abs(pred - target)


@evidence(
    "squared_error",
    case("ordinary", PRED, TARGET),
    *residuals(),
    case("worked: three residuals", *WORKED),
    case("tiny weights, mean", PRED, TARGET, sample_weight=2.0**-40, reduction="mean"),
    case("a mean of squares beyond float16", [300.0, -300.0, 300.0, 304.0], [0.0] * 4, reduction="mean"),
    peers={
        "torch": "torch.nn.functional.mse_loss(pred, target)",
        "optax": "optax.losses.squared_error(pred, target)",
        "scikit-learn": "sklearn.metrics.mean_squared_error(target, pred)",
    },
)
def squared_error(pred, target):
    return (pred - target) ** 2


@evidence(
    "smooth_l1_loss",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("beta", PRED, TARGET, beta=0.5),
    case("beta of 2", PRED, TARGET, beta=2.0),
    case("beta as an array", PRED, TARGET, beta=np.asarray(0.5)),
    case("beta of 0", [1.5, -2.0, 0.0, 2.0**-20], [1.0, 1.0, 0.0, 0.0], beta=0.0, tags=("kink",)),
    case(
        "beta of 0 as an array",
        [1.5, -2.0, 0.0, 2.0**-20],
        [1.0, 1.0, 0.0, 0.0],
        beta=np.asarray(0.0),
        tags=("kink",),
    ),
    case("beta of 0, infinite residual", [INF, 1.0], [0.0, INF], beta=0.0, tags=("inf",)),
    case("tiny beta", [*TINY, 1.0], zeros([*TINY, 1.0]), beta=2.0**-20),
    case("kink: residuals of exactly beta", [1.0, -1.0, 3.0], [0.0, 0.0, 2.0]),
    case("kink: residuals of exactly beta, not 1", [0.25, -0.25, 3.0], [0.0, 0.0, 2.75], beta=0.25),
    case("worked: three residuals", *WORKED),
    case("worked: three residuals, beta", *WORKED, beta=0.5),
    case("worked: four boxes", [1.0, 5.0, 3.0, 0.5], [4.0, 1.0, 0.0, 0.4], reduction="sum"),
    case("worked: a residual of 3, beta of 2", [3.0], [0.0], beta=2.0),
    peers={"torch": "torch.nn.functional.smooth_l1_loss(pred, target, beta=beta)"},
)
def smooth_l1_loss(pred, target, *, beta=1):
    r = abs(pred - target)
    return r**2 / (2 * beta) if r < beta else r - beta / 2


@evidence(
    "huber_loss",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("delta", PRED, TARGET, delta=0.5),
    case("delta of 2", PRED, TARGET, delta=2.0),
    case("delta as an array", PRED, TARGET, delta=np.asarray(2.0)),
    case("infinite delta", PRED, TARGET, delta=INF),
    case("infinite delta as an array", PRED, TARGET, delta=np.asarray(INF)),
    case("infinite delta, infinite residual", [INF, 1.0], [0.0, INF], delta=INF, tags=("inf",)),
    case("huge delta", [*WORKED[0], 2.0**40], [*WORKED[1], 0.0], delta=2.0**100, tags=("large",)),
    case("huge delta, infinite residual", [INF, 2.0**40], [0.0, INF], delta=2.0**100, tags=("inf",)),
    case("tiny delta", [*TINY, 1.0], zeros([*TINY, 1.0]), delta=2.0**-20),
    case("kink: residuals of exactly delta", [1.0, -1.0, 3.0], [0.0, 0.0, 2.0]),
    case("kink: residuals of exactly delta, not 1", [2.0, -2.0, 3.0], [0.0, 0.0, 1.0], delta=2.0),
    case("worked: three residuals, delta", *WORKED, delta=2.0),
    case("worked: a residual of 3, delta of 2", [3.0], [0.0], delta=2.0),
    case("worked: weights", [1.0, 3.0], [0.0, 0.0], sample_weight=[3.0, 1.0], reduction="mean"),
    peers={
        "torch": "torch.nn.functional.huber_loss(pred, target, delta=delta)",
        "optax": "optax.losses.huber_loss(pred, target, delta)",
    },
)
def huber_loss(pred, target, *, delta=1):
    r = abs(pred - target)
    return r**2 / 2 if r <= delta else delta * (r - delta / 2)


@evidence(
    "balanced_l1_loss",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("alpha", PRED, TARGET, alpha=0.25),
    case("gamma", PRED, TARGET, gamma=1.0),
    case("gamma below alpha", PRED, TARGET, alpha=1.0, gamma=0.25),
    case("gamma far above alpha", [*WORKED[0], 0.0], [*WORKED[1], 2.0**-12], alpha=0.25, gamma=16.0),
    case("beta", PRED, TARGET, beta=0.5),
    case("beta of 2", PRED, TARGET, beta=2.0),
    case(
        "arrays as parameters",
        PRED,
        TARGET,
        alpha=np.asarray(0.5),
        gamma=np.asarray(2.0),
        beta=np.asarray(1.5),
    ),
    case("kink: residuals of exactly beta", [1.0, -1.0, 3.0], [0.0, 0.0, 2.0]),
    case("kink: residuals of exactly beta, not 1", [2.0, -2.0, 3.0], [0.0, 0.0, 1.0], beta=2.0),
    case("worked: two residuals", [0.5, 2.0], [0.0, 0.0]),
    case("worked: two residuals, beta", [0.25, 2.0], [0.0, 0.0], beta=0.5),
)
def balanced_l1_loss(pred, target, *, alpha=0.5, gamma=1.5, beta=1):
    a = abs(pred - target)
    b = mp.exp(gamma / alpha) - 1
    if a < beta:
        return alpha / b * (b * a + beta) * mp.log(b * a / beta + 1) - alpha * a
    return gamma * a + beta * (gamma / b - alpha)


@evidence(
    "charbonnier_loss",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("shift", PRED, TARGET, shift=True),
    *(case(f"{c.name}, shifted", *c.arrays, tags=c.tags, shift=True) for c in [*residuals(), huge()]),
    case("eps", PRED, TARGET, eps=0.5),
    case("eps of 1, shifted", PRED, TARGET, eps=1.0, shift=True),
    case("eps as an array", PRED, TARGET, eps=np.asarray(0.5)),
    case("eps as an array, shifted", [*TINY, 1.0], zeros([*TINY, 1.0]), eps=np.asarray(0.5), shift=True),
    case("eps of 0", [1.5, -2.0, 0.0], [1.0, 1.0, 0.0], eps=0.0, tags=("kink",)),
    case("eps of 0, shifted", [1.5, -2.0, 0.0], [1.0, 1.0, 0.0], eps=0.0, shift=True, tags=("kink",)),
    case("eps of 0 as an array", [1.5, -2.0, 0.0], [1.0, 1.0, 0.0], eps=np.asarray(0.0), tags=("kink",)),
    case(
        "eps of 0 as an array, shifted",
        [1.5, -2.0, 0.0],
        [1.0, 1.0, 0.0],
        eps=np.asarray(0.0),
        shift=True,
        tags=("kink",),
    ),
    case("worked: a residual of ½", [0.5], [0.0]),
    case("worked: a residual of ½, shifted", [0.5], [0.0], shift=True),
    case("worked: a residual of ½, eps of 1, shifted", [0.5], [0.0], eps=1.0, shift=True),
    case("worked: a residual of ½, eps of 10⁻⁶", [0.5], [0.0], eps=1e-6),
)
def charbonnier_loss(pred, target, *, eps=1e-3, shift=False):
    return mp.sqrt((pred - target) ** 2 + mpf(eps) ** 2) - (eps if shift else 0)


@evidence(
    "log_cosh_loss",
    case("ordinary", PRED, TARGET),
    *residuals(),
    huge(),
    case("where the branches meet", [1.0, -1.0, 0.9375, 1.0625], zeros(range(4))),
    case("residuals of ±100", [100.0, -100.0, 20.0, -40.0], zeros(range(4)), tags=("large",)),
    case("residuals around 10⁻³", [2.0**-13, -(2.0**-10), 2.0**-7], zeros(range(3)), strict=True),
    case("worked: two residuals", [0.5, 2.5], [0.0, 0.0]),
    case("worked: a residual of 10⁻⁴", [1e-4], [0.0]),
    peers={"optax": "optax.losses.log_cosh(pred, target)"},
)
def log_cosh_loss(pred, target):
    return mp.log(mp.cosh(pred - target))


@evidence(
    "quantile_loss",
    case("ordinary", PRED, TARGET),
    *residuals(quantile=0.75),
    huge(quantile=0.75),
    case("quantile", PRED, TARGET, quantile=0.25),
    case("prediction and target exchanged", TARGET, PRED, quantile=0.25),
    case("quantile near 0", PRED, TARGET, quantile=2.0**-10),
    case("quantile as an array", PRED, TARGET, quantile=np.asarray(0.75)),
    case("one quantile for each head", PRED, TARGET, quantile=[0.125, 0.5, 0.875]),
    case("one quantile for each row", PRED, TARGET, quantile=[[0.25], [0.75]], reduction="mean"),
    case("quantile of 0", PRED, TARGET, quantile=0.0),
    case("quantile of 1", PRED, TARGET, quantile=1.0),
    case("quantile of 0, infinite prediction", [INF, -INF], [0.0, 0.0], quantile=0.0, tags=("inf",)),
    case("quantile of 1, infinite target", [0.0, 0.0], [INF, -INF], quantile=1.0, tags=("inf",)),
    case(
        "quantile of 0 or 1, infinite prediction", [INF, -INF], [0.0, 0.0], quantile=[1.0, 0.0], tags=("inf",)
    ),
    case("worked: quantile of 0.9", [1.5, 1.5, 4.0], [1.0, 2.0, 3.0], quantile=0.9),
    peers={"scikit-learn": "sklearn.metrics.mean_pinball_loss(target, pred, alpha=quantile)"},
)
def quantile_loss(pred, target, *, quantile=0.5):
    return max(quantile * (target - pred), (quantile - 1) * (target - pred))


@evidence(
    "expectile_loss",
    case("ordinary", PRED, TARGET),
    *residuals(expectile=0.75),
    case("expectile", PRED, TARGET, expectile=0.25),
    case("prediction and target exchanged", TARGET, PRED, expectile=0.25),
    case("expectile near 0", PRED, TARGET, expectile=2.0**-10),
    case("expectile as an array", PRED, TARGET, expectile=np.asarray(0.75)),
    case("one expectile for each head", PRED, TARGET, expectile=[0.125, 0.5, 0.875]),
    case("expectile of 0", PRED, TARGET, expectile=0.0),
    case("expectile of 1", PRED, TARGET, expectile=1.0),
    case("expectile of 0, infinite prediction", [INF, -INF], [0.0, 0.0], expectile=0.0, tags=("inf",)),
    case("worked: expectile of 0.9", [1.5, 1.5, 4.0], [1.0, 2.0, 3.0], expectile=0.9),
)
def expectile_loss(pred, target, *, expectile=0.5):
    u = target - pred
    return abs(expectile - (1 if u < 0 else 0)) * u**2


@evidence(
    "epsilon_insensitive_loss",
    case("ordinary", PRED, TARGET),
    *residuals(epsilon=0.125),
    huge(),
    case("epsilon", PRED, TARGET, epsilon=1.0),
    case("epsilon as an array", PRED, TARGET, epsilon=np.asarray(1.0)),
    case("epsilon of 0", [1.5, -2.0, 0.0, 2.0**-20], [1.0, 1.0, 0.0, 0.0], epsilon=0.0, tags=("kink",)),
    case("infinite epsilon", PRED, TARGET, epsilon=INF),
    case(
        "kink: residuals of exactly epsilon", [1.5, -2.0, 3.0], [1.0, -1.5, 2.5], epsilon=0.5, tags=("kink",)
    ),
    case("worked: epsilon of 0.1", [0.05, -1.0], [0.0, 0.0]),
)
def epsilon_insensitive_loss(pred, target, *, epsilon=0.1):
    return max(abs(pred - target) - epsilon, mpf(0))


@evidence(
    "squared_epsilon_insensitive_loss",
    case("ordinary", PRED, TARGET),
    *residuals(epsilon=0.125),
    case("epsilon", PRED, TARGET, epsilon=1.0),
    case("epsilon as an array", PRED, TARGET, epsilon=np.asarray(1.0)),
    case("epsilon of 0", [1.5, -2.0, 0.0, 2.0**-20], [1.0, 1.0, 0.0, 0.0], epsilon=0.0),
    case("infinite epsilon", [*WORKED[0], 0.0], [*WORKED[1], 0.0], epsilon=INF),
    case("residuals of exactly epsilon", [1.5, -2.0, 3.0], [1.0, -1.5, 2.5], epsilon=0.5, tags=("kink",)),
    case("worked: epsilon of 0.1", [0.05, -1.0], [0.0, 0.0]),
)
def squared_epsilon_insensitive_loss(pred, target, *, epsilon=0.1):
    return max(abs(pred - target) - epsilon, mpf(0)) ** 2
