"""Evidence for the relative and directional errors."""

import math

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan
PRED, TARGET = uniform(87, 2, 3), uniform(1087, 2, 3)
AMOUNTS = uniform(9, 2, 3, low=0.25, high=6), uniform(4, 2, 3, low=0.25, high=6)
EPS = 2.0**-10
UNKNOWN = {"pred": None, "target": None}


@evidence(
    "absolute_percentage_error",
    case("ordinary", PRED, TARGET),
    case("one target for all", [1.5, -2.0, 0.25], 0.75),
    case("prediction and target exchanged", *AMOUNTS[::-1]),
    case("no residual", [1.5, -2.0, 0.25], [1.5, -2.0, 0.25], tags=("kink",)),
    case("tiny residuals", [1.0078125, -4.0], [1.0, -4.015625], tags=("small",)),
    case("targets of 0", [0.5, -2.0, 0.0], [0.0, 0.0, 0.0], eps=EPS, tags=("kink",)),
    case("eps", [0.5, -2.0, 3.0], [0.25, 0.125, -1.0], eps=0.5),
    case("eps as an array", [0.5, -2.0, 3.0], [0.25, 0.125, -1.0], eps=np.asarray(0.5)),
    case("a target of exactly eps", [0.5, -2.0], [0.5, -0.5], eps=0.5, gradient={"target": None}),
    case("tiny targets", [2.0**-12, 1.0], [2.0**-13, -(2.0**-18)], tags=("small",)),
    case("large", [2.0**40, 1.0, -(2.0**40)], [1.0, 2.0**40, 2.0**41], tags=("large",)),
    case("huge", [2.0**100, 2.0**66], [2.0**99, 2.0**67], tags=("large",)),
    case("infinite prediction", [INF, -INF, 1.0], [1.0, 1.0, -1.0], tags=("inf",)),
    case(
        "infinite target", [1.0, 0.0], [INF, -INF], gradient={"pred": [0, 0], "target": [0, 0]}, tags=("inf",)
    ),
    case("NaN that counts", [NAN, 1.0, 2.0], [1.0, NAN, 0.5], tags=("nan",)),
    case("worked: a quarter", [1.5], [2.0]),
    peers={"scikit-learn": "sklearn.metrics.mean_absolute_percentage_error(target, pred)"},
)
def absolute_percentage_error(pred, target, *, eps=0):
    return abs(pred - target) / max(abs(target), eps)


@evidence(
    "symmetric_absolute_percentage_error",
    case("ordinary", PRED, TARGET),
    case("one target for all", [1.5, -2.0, 0.25], 0.75),
    case("alike in sign", *AMOUNTS),
    case("alike in sign, negative", [-1.5, -2.0, -0.25], [-1.0, -3.5, -4.0]),
    case("no residual", [1.5, -2.0, 0.25], [1.5, -2.0, 0.25], tags=("kink",)),
    case("tiny residuals", [1.0078125, -4.0], [1.0, -4.015625], tags=("small",)),
    case("one of the two is 0", [0.0, 0.0, 1.5, -2.0], [1.5, -2.0, 0.0, 0.0], tags=("kink",)),
    case("both are 0", [0.0, -0.0, 1.0], [0.0, 0.0, 1.5], tags=("kink",)),
    case("tiny", [2.0**-20, 2.0**-30], [2.0**-19, 2.0**-32], tags=("small",)),
    case("of unlike sizes", [2.0**30, 2.0**-30], [1.0, 1.0], tags=("large",)),
    case("huge", [2.0**100, 2.0**66], [2.0**99, 2.0**67], tags=("large",)),
    case(
        "infinite prediction",
        [INF, -INF, INF],
        [1.0, 1.0, 0.0],
        gradient={"pred": [0, 0, 0], "target": [0, 0, 0]},
        tags=("inf",),
    ),
    case(
        "infinite target", [1.0, -1.0], [INF, INF], gradient={"pred": [0, 0], "target": [0, 0]}, tags=("inf",)
    ),
    case("infinities of opposite signs", [INF, -INF], [-INF, INF], tags=("inf",)),
    case("NaN that counts", [NAN, 1.0, 2.0, NAN], [1.0, NAN, 0.5, 0.0], tags=("nan",)),
    case("worked: two sevenths", [1.5], [2.0]),
)
def symmetric_absolute_percentage_error(pred, target):
    return 2 * abs(pred - target) / (abs(pred) + abs(target)) if pred or target else mpf(0)


@evidence(
    "squared_log_error",
    case("ordinary", *AMOUNTS),
    case("one target for all", [1.5, 2.0, 0.25], 0.75),
    case("between -1 and 0", [-0.5, -0.75, -0.9375], [-0.25, 0.5, -0.5]),
    case("no residual", [1.5, 0.0, -0.5, 4096.0], [1.5, 0.0, -0.5, 4096.0]),
    case("tiny residuals", [1.0078125, 0.0, 6.0], [1.0, 2.0**-12, 5.96875], tags=("small",)),
    case("tiny residuals, far from 0", [4096.0, 8192.5], [4096.0078125, 8192.0], tags=("small",)),
    case("tiny amounts", [2.0**-20, 2.0**-30], [2.0**-21, 0.0], tags=("small",)),
    case("close to -1", [-1 + 2.0**-20, 1.0], [0.5, -1 + 2.0**-10], tags=("small",)),
    case("large", [2.0**40, 1.0, 8192.0], [1.0, 2.0**40, 0.0], tags=("large",)),
    case("huge", [2.0**100, 0.0], [2.0**99, 2.0**100], tags=("large",)),
    case("-1 is infinite", [-1.0, 0.5, 1.0], [0.5, -1.0, 1.5], tags=("inf",)),
    case("-1 twice", [-1.0, 0.5], [-1.0, 1.0], tags=("nan",)),
    case("below -1", [-1.5, 0.5, -1.5, -2.0], [0.5, -3.0, -1.25, -1.0], tags=("nan",)),
    case(
        "infinite",
        [INF, 1.0],
        [1.0, INF],
        value=[INF, INF],
        gradient=UNKNOWN,
        tags=("inf",),
    ),
    case("NaN that counts", [NAN, 1.0, 2.0], [1.0, NAN, 0.5], tags=("nan",)),
    case("worked: amounts of 1.5 and 2", [1.5], [2.0]),
    peers={"scikit-learn": "sklearn.metrics.mean_squared_log_error(target, pred)"},
)
def squared_log_error(pred, target):
    return (mp.log(1 + pred) - mp.log(1 + target)) ** 2


def flat(rows):
    """Zeros, as a gradient in these rows."""
    return [[0.0] * len(row) for row in rows]


OPPOSITE = [[1.0, -2.0, 0.5], [3.0, 4.0, 0.0]], [[-1.0, 2.0, -0.5], [-0.75, -1.0, -0.0]]
ZEROS = [[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]], [[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


@evidence(
    "cosine_distance",
    case("ordinary", uniform(5, 4, 3), uniform(6, 4, 3)),
    case("one vector", [1.0, -2.0, 0.5], [0.25, 1.0, 3.0]),
    case(
        "two leading dimensions",
        uniform(7, 2, 2, 3),
        uniform(8, 2, 2, 3),
        sample_weight=[1.0, 2.0],
        reduction="mean",
    ),
    case("axis", uniform(7, 2, 3, 2), uniform(8, 2, 3, 2), axis=1),
    case(
        "first axis",
        uniform(7, 3, 2),
        uniform(8, 3, 2),
        axis=0,
        where=np.asarray([True, False]),
        reduction="mean",
    ),
    case("of one element", [[2.0], [-0.5]], [[1.0], [3.0]]),
    case("the same vectors", [[1.0, -2.0, 0.5]], [[1.0, -2.0, 0.5]]),
    case(
        "opposite directions",
        *OPPOSITE,
        gradient=dict(zip(("pred", "target"), map(flat, OPPOSITE), strict=True)),
    ),
    case("at a right angle", [[1.0, 2.0], [3.0, 0.0]], [[-2.0, 1.0], [0.0, 0.5]]),
    case("small angles", [[1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0**-10], [1.0078125, 2.0]], tags=("small",)),
    case("tiny angle", [[1.0, 0.0]], [[1.0, 2.0**-20]], tags=("small",)),
    case(
        "huge vectors",
        [[2.0**100, 2.0**99], [1.0, 2.0]],
        [[1.0, 2.0], [2.0**100, -(2.0**99)]],
        tags=("large",),
    ),
    case(
        "huge vectors of one direction",
        [[2.0**99, 2.0**99]],
        [[2.0**99, 2.0**99]],
        gradient=UNKNOWN,
        tags=("large",),
    ),
    case("squares beyond float16", [[300.0, 304.0]], [[300.0, -152.0]], tags=("large",)),
    case("tiny vectors", [[2.0**-40, 2.0**-41], [1.0, 2.0]], [[1.0, 2.0], [2.0**-40, 0.0]], tags=("small",)),
    case(
        "vectors whose squares underflow",
        [[2.0**-66, 2.0**-65]],
        [[1.0, 1.0]],
        gradient=UNKNOWN,
        tags=("small",),
    ),
    case(
        "zero vectors",
        *ZEROS,
        value=[1.0, 1.0, 1.0],
        gradient=dict(zip(("pred", "target"), map(flat, ZEROS), strict=True)),
        tags=("kink",),
    ),
    case(
        "NaN that counts",
        [[NAN, 1.0], [1.0, 2.0], [0.0, 0.0]],
        [[1.0, 1.0], [2.0, NAN], [NAN, 1.0]],
        tags=("nan",),
    ),
    case("worked: three dimensions", [1.0, 2.0, 3.0], [2.0, 0.0, 1.0]),
    gradient_ulp=32,
    reason="an element of the gradient is a difference of elements of unit vectors, each with its rounding",
    peers={
        "torch": "1 - torch.nn.functional.cosine_similarity(pred, target, dim=axis)",
        "optax": "optax.losses.cosine_distance(pred, target, axis=axis)",
    },
)
def cosine_distance(pred, target):
    inner = mp.fsum(p * t for p, t in zip(pred, target, strict=True))
    lengths = mp.sqrt(mp.fsum(p**2 for p in pred)) * mp.sqrt(mp.fsum(t**2 for t in target))
    return 1 - inner / lengths if lengths else mpf(1)
