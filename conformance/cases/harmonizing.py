"""Evidence for the gradient harmonizing losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import bits, case, evidence, uniform

inf, nan = math.inf, math.nan
Z, HARD = uniform(661, 8), bits(662, 8)
SOFT = uniform(663, 8, low=0, high=1)
BEFORE = [4.0, 2.0, 0.0, 1.0, 0.5, 8.0, 0.0, 3.0, 2.0, 16.0]
FIVE = {"bins": 5}
UNSURE = {"target": None}  # its slope is a matter of how far the limit is taken


def harmonized(
    arrays: tuple[Any, Any],
    held: list[Any],
    where: Any,
    loss: Callable[..., Any],
    norm: Callable[..., Any],
    *,
    state: Any = None,
    bins: int = 10,
    momentum: Any = 0,
    bias_correction: bool = False,
    divide_by: str = "valid_bins",
) -> Any:
    """The losses, each times N / (S n): of its bin S, the average number, and n of bins."""

    def bin_of(a: Any, b: Any, kept: Any) -> int | None:
        if not kept or mp.isnan(a) or mp.isnan(b):
            return None
        return min(int(mp.floor(bins * norm(a, b))), bins - 1)

    places = nested(bin_of, *held, where)
    flat = [j for j in leaves(places) if j is not None]
    number = [mpf(flat.count(j)) for j in range(bins)]
    filled = sum(n > 0 for n in number)
    average = number
    if state:
        average = [momentum * s + (1 - momentum) * n for s, n in zip(state, number, strict=True)]
        if bias_correction:
            average = [n if s == 0 else a for s, n, a in zip(state, number, average, strict=True)]

    def item(a: Any, b: Any, kept: Any, j: int | None) -> Any:
        if not kept:
            return None
        if j is None:
            return mp.nan
        return len(flat) / (average[j] * (filled if divide_by == "valid_bins" else bins)) * loss(a, b)

    return nested(item, *arrays, where, places)


def nested(f: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """A function of the elements of nested lists of one shape."""
    if isinstance(first, list):
        return [nested(f, *each) for each in zip(first, *rest, strict=True)]
    return f(first, *rest)


def leaves(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in leaves(part)] if isinstance(x, list) else [x]


def common(a: Any, b: Any) -> tuple[Any, ...]:
    """What both losses meet."""
    return (
        case("other bins", a, b, bins=3),
        case("a single bin", a, b, bins=1),
        case("many bins", a, b, bins=64),
        case("divided by all bins", a, b, divide_by="bins"),
        case("divided by all bins, mean", a, b, divide_by="bins", reduction="mean"),
        case("a state, and no momentum", a, b, state=BEFORE),
        case("a state", a, b, state=BEFORE, momentum=0.75),
        case("a state, mean", a, b, state=BEFORE, momentum=0.75, reduction="mean"),
        case("a state, without bias", a, b, state=BEFORE, momentum=0.75, bias_correction=True),
        case("a state, divided by all bins", a, b, state=BEFORE, momentum=0.5, divide_by="bins"),
        case("the first state", a, b, state=[0.0] * 10, momentum=0.75),
        case("the first state, without bias", a, b, state=[0.0] * 10, momentum=0.75, bias_correction=True),
        case("momentum, and no state", a, b, momentum=0.75),
        case("momentum as an array", a, b, state=BEFORE, momentum=np.asarray(0.25)),
        case("weights, some 0", a, b, sample_weight=[1.0, 0.0, 3.0, 0.5, 0.0, 2.0, 1.0, 1.5]),
        case(
            "two axes, masked, a state",
            [a[:4], a[4:]],
            [b[:4], b[4:]],
            where=[[True, False, True, True], [True, True, True, False]],
            state=BEFORE,
            momentum=0.5,
        ),
    )


@evidence(
    "ghm_classification_loss",
    case("ordinary", Z, HARD),
    case("worked", [-2.0, 0.0, 1.0, 3.0], [0.0, 0.0, 1.0, 1.0], **FIVE),
    case("worked, mean", [-2.0, 0.0, 1.0, 3.0], [0.0, 0.0, 1.0, 1.0], reduction="mean", **FIVE),
    case(
        "worked, the first of two steps, mean",
        [-2.0, 0.0, 1.0, 3.0],
        [0.0, 0.0, 1.0, 1.0],
        state=[0.0] * 5,
        momentum=0.75,
        reduction="mean",
        **FIVE,
    ),
    case(
        "worked, the second of two steps, mean",
        [-2.0, 0.0, 1.0, 3.0],
        [0.0, 0.0, 1.0, 1.0],
        state=[0.5, 0.25, 0.25, 0.0, 0.0],
        momentum=0.75,
        reduction="mean",
        **FIVE,
    ),
    case("soft target", Z, SOFT),
    case("all in one bin: binary cross entropy", [0.25, -0.25, 0.125], [1.0, 0.0, 1.0]),
    case("on an edge between two bins", [0.0, 0.0, 1.0], [1.0, 0.25, 0.0]),
    case("right, to the last digit", [800.0, -800.0, 0.5], [1.0, 0.0, 1.0]),
    case("wrong, to the last digit", [800.0, -800.0, 0.5], [0.0, 1.0, 1.0]),
    case(
        "infinite logits",
        [inf, -inf, inf, -inf, 0.5],
        [1.0, 0.0, 0.0, 1.0, 1.0],
        gradient=UNSURE,
        tags=("inf",),
    ),
    case("NaN in a live item", [nan, 1.0, 1.0], [1.0, nan, 1.0], gradient=UNSURE | {"logits": None}),
    *common(Z, SOFT),
    peers={"mmdet": "mmdet.models.losses.GHMC(bins, momentum)(logits, target, label_weight)"},
)
def ghm_classification_loss(z: Any, y: Any, *, at: list[Any], where: Any, **options: Any) -> Any:
    def entropy(z: Any, y: Any) -> Any:
        return y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z))

    return harmonized((z, y), at, where, entropy, lambda z, y: abs(1 / (1 + mp.exp(-z)) - y), **options)


P, T = [x / 64 for x in uniform(664, 8)], [0.0, 0.015625, -0.0625, 0.5, 0.0, 0.03125, 0.0, -0.0078125]


@evidence(
    "ghm_regression_loss",
    case("ordinary", P, T),
    case("worked", [0.0, 0.01, 0.05, 1.0], [0.0] * 4),
    case("worked, mean", [0.0, 0.01, 0.05, 1.0], [0.0] * 4, reduction="mean"),
    *(case(f"mu {mu}", P, T, mu=mu) for mu in (2.0**-10, 0.125, 4.0)),
    case("mu as an array", P, T, mu=np.asarray(0.125)),
    case("all in one bin: a smooth absolute error", [1.0, -2.0, 3.0], [0.0, 0.5, 0.0]),
    case("no residual", [0.5, -1.0], [0.5, -1.0]),
    case("large and tiny residuals", [2.0**40, -(2.0**-40), 2.0**-60, 2.0**80], [0.0] * 4),
    case("infinite residuals", [inf, -inf, 0.0, 0.5], [0.0, 0.0, inf, 0.0], gradient=UNSURE, tags=("inf",)),
    case("NaN in a live item", [nan, 1.0, 1.0], [1.0, nan, 1.0], gradient={"pred": None, "target": None}),
    *common(P, T),
    peers={"mmdet": "mmdet.models.losses.GHMR(mu, bins, momentum)(pred, target, label_weight)"},
)
def ghm_regression_loss(p: Any, t: Any, *, at: list[Any], where: Any, mu: Any = 0.02, **options: Any) -> Any:
    mu = mpf(mu)

    def error(p: Any, t: Any) -> Any:
        return mp.sqrt((p - t) ** 2 + mu**2) - mu

    return harmonized(
        (p, t), at, where, error, lambda p, t: abs(p - t) / mp.sqrt((p - t) ** 2 + mu**2), **options
    )
