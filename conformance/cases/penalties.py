"""Evidence for the penalties of parameters and of slopes."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = float("inf"), float("nan")
PARAMS = uniform(101, 2, 4)
MASK = [[True, True, False, True], [True, False, True, True]]
WORKED = ([1.0, -2.0], [3.0])
MODEL = {"dense": {"weight": PARAMS, "bias": uniform(102, 3)}, "scales": (uniform(103, 2, 1, 2), [0.5], 2.0)}


def numbers(params: Any, where: Any) -> list[Any]:
    """All parameters that count, of an array or of a structure of arrays."""
    if isinstance(params, dict):
        params = tuple(params.values())
    if isinstance(params, tuple):
        return [x for part in params for x in numbers(part, True)]
    if isinstance(params, list):
        masks = where if isinstance(where, list) else [where] * len(params)
        return [x for part, mask in zip(params, masks, strict=True) for x in numbers(part, mask)]
    return [params] if where else []


CASES = (
    case("ordinary", PARAMS),
    case("elements masked", PARAMS, where=MASK),
    case("NaN under the mask", [[NAN, 1.0], [2.0, -INF]], where=[[False, True], [True, False]]),
    case("a column masked", PARAMS, where=[True, False, True, True], reduction="mean"),
    case("all masked", PARAMS, where=[[False] * 4] * 2),
    case("weighed, sum", PARAMS, sample_weight=0.5, reduction="sum"),
    case("worked, mean", WORKED, reduction="mean"),
    case("worked, sum", WORKED, reduction="sum"),
    case("a model, mean", MODEL, reduction="mean"),
    case("a model, sum", MODEL, reduction="sum"),
    case("one number", 2.0),
    case("no parameters in one of two arrays", ([], [1.0, -2.0]), reduction="mean"),
    case("kink: zero parameters", [0.0, -0.0, 1.0], tags=("kink",)),
    case("large and tiny parameters", [2.0**40, -(2.0**-40)]),
    case("an infinite parameter", [-INF, 1.0], tags=("inf",)),
    case("NaN in a parameter", [NAN, 1.0], gradient={"params": None}),
)


@evidence(
    "l1_penalty",
    *CASES,
    case("weight", PARAMS, weight=0.125),
    case("weight of 0", PARAMS, weight=0.0),
    case("a weight for each array", WORKED, weight=(0.5, 2.0), reduction="mean"),
    peers={"keras": "keras.regularizers.L1(weight)(params)"},
)
def l1_penalty(params: Any, *, where: Any = True, weight: Any = 1) -> Any:
    return penalty(params, where, weight, 1, 1)


@evidence(
    "l2_penalty",
    *CASES,
    case("weight", PARAMS, weight=0.125),
    case("weight of 0", PARAMS, weight=0.0),
    case("halved", PARAMS, half_l2=True),
    case("a model, halved", MODEL, half_l2=True, reduction="mean"),
    case("a weight for each array", WORKED, weight=(0.5, 2.0), reduction="mean"),
    peers={"keras": "keras.regularizers.L2(weight)(params)"},
)
def l2_penalty(params: Any, *, where: Any = True, weight: Any = 1, half_l2: bool = False) -> Any:
    return penalty(params, where, weight, 0, mpf(1) / 2 if half_l2 else 1)


@evidence(
    "elastic_net_penalty",
    *CASES,
    case("worked: alpha, mean", WORKED, alpha=0.1, reduction="mean"),
    case("alpha of 0", PARAMS, alpha=0.0),
    case("l1_ratio", PARAMS, l1_ratio=0.125),
    case("l1_ratio of 0", PARAMS, l1_ratio=0.0),
    case("l1_ratio of 1", PARAMS, l1_ratio=1.0),
    case("not halved", PARAMS, half_l2=False, alpha=0.25),
    case("a part for each array", WORKED, l1_ratio=(0.25, 0.75), reduction="mean"),
)
def elastic_net_penalty(
    params: Any, *, where: Any = True, alpha: Any = 1, l1_ratio: Any = 0.5, half_l2: bool = True
) -> Any:
    return penalty(params, where, alpha, l1_ratio, mpf(1) / 2 if half_l2 else 1)


def penalty(params: Any, where: Any, weight: Any, ratio: Any, half: Any) -> Any:
    """weight · (ratio · Σ|θ| + (1 - ratio) · half · Σθ²), each array with its own weight and ratio."""
    if isinstance(weight, tuple) or isinstance(ratio, tuple):
        weights = weight if isinstance(weight, tuple) else (weight,) * len(params)
        ratios = ratio if isinstance(ratio, tuple) else (ratio,) * len(params)
        each = zip(params, weights, ratios, strict=True)
        return mp.fsum(penalty(x, True, w, mpf(r), half) for x, w, r in each)
    found = numbers(params, where)
    if not found and where is not True:
        return None
    return weight * mp.fsum(ratio * abs(x) + (1 - ratio) * half * x**2 for x in found)


# --- slopes ---------------------------------------------------------------------------------------


def flat(x: Any) -> list[Any]:
    """The numbers of an array."""
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def norm(row: Any) -> Any:
    return mp.sqrt(mp.fsum(x**2 for x in flat(row)))


SLOPES = uniform(96, 5, 3, low=-1, high=1)


@evidence(
    "gradient_penalty",
    case("ordinary", SLOPES),
    case("mean", SLOPES, reduction="mean"),
    case("one-sided", SLOPES, one_sided=True),
    case("weight and target", SLOPES, weight=0.5, target=0.25),
    case("target of 0", SLOPES, target=0.0),
    case("target of 0, one-sided", SLOPES, target=0.0, one_sided=True),
    case("worked: norms, mean", [0.5, 2.0], reduction="mean"),
    case("worked: norms, one-sided, mean", [0.5, 2.0], one_sided=True, reduction="mean"),
    case("norms", [0.5, 2.0, 0.0]),
    case("images", uniform(97, 2, 2, 3, 2)),
    case("batch axis", uniform(97, 2, 3, 2), batch_axis=1),
    case("batch axis, the last", uniform(97, 2, 3, 2), batch_axis=-1),
    case("kink: no slope", [[0.0, 0.0], [1.0, 0.0]], tags=("kink",)),
    case("kink: slope at the target", [[0.6, 0.8], [0.0, 1.0]], one_sided=True, tags=("kink",)),
    case("huge slopes", [[2.0**60, 2.0**60]], weight=2.0**-60),
    case("tiny slopes", [[2.0**-60, -(2.0**-60)]], target=0.0, weight=2.0**60),
    case("NaN in a live row", [[NAN, 1.0], [1.0, 2.0]], gradient={"gradients": None}),
)
def gradient_penalty(
    gradients: list[Any], *, weight: Any = 10, target: Any = 1, one_sided: bool = False
) -> list[Any]:
    def item(row: Any) -> Any:
        excess = norm(row) - target
        return weight * (max(excess, mpf(0)) if one_sided and not mp.isnan(excess) else excess) ** 2

    return [item(row) for row in gradients]


def squared_slope(gradients: list[Any], *, gamma: Any = 10) -> list[Any]:
    return [gamma / mpf(2) * mp.fsum(x**2 for x in flat(row)) for row in gradients]


for name in ("r1_penalty", "r2_penalty"):
    evidence(
        name,
        case("ordinary", SLOPES),
        case("worked: mean", [[3.0, 4.0], [0.0, 0.0]], reduction="mean"),
        case("gamma", SLOPES, gamma=0.25),
        case("gamma of 0", SLOPES, gamma=0.0),
        case("one number each", [0.5, -2.0, 0.0]),
        case("images", uniform(97, 2, 2, 3, 2)),
        case("batch axis", uniform(97, 2, 3, 2), batch_axis=1),
        case("no slope", [[0.0, 0.0]]),
        case("infinite slope", [[INF, 1.0], [1.0, 1.0]], tags=("inf",)),
    )(squared_slope)
