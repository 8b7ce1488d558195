"""Evidence for the losses of adversarial training."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

REAL, FAKE = [1.0, -0.5], [0.3, -2.0]
SCORES = uniform(91, 6)
KINDS = ("minimax", "non_saturating", "lsgan", "hinge", "wgan")
INF = float("inf")


def flat(x: Any) -> list[Any]:
    """The numbers of an array."""
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, list) else [x]


def arrays(x: Any) -> list[Any]:
    """The arrays of a structure."""
    inside = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else None
    return [x] if inside is None else [leaf for part in inside for leaf in arrays(part)]


def mean(terms: list[Any]) -> Any:
    return mp.fsum(terms) / len(terms) if terms else mpf(0)


def over_arrays(loss: Any, average: bool, *structures: Any) -> Any:
    each = [loss(*here) for here in zip(*map(arrays, structures), strict=True)]
    return mean(each) if average else mp.fsum(each)


def softplus(x: Any) -> Any:
    return mp.log(1 + mp.exp(x))


def generator(f: Any, kind: str, c: Any) -> Any:
    return {
        "minimax": lambda: -softplus(f),
        "non_saturating": lambda: softplus(-f),
        "lsgan": lambda: (f - c) ** 2,
        "hinge": lambda: -f,
        "wgan": lambda: -f,
    }[kind]()


@evidence(
    "gan_generator_loss",
    case("ordinary", SCORES),
    *(case(f"{kind}", SCORES, kind=kind) for kind in KINDS),
    *(case(f"worked: {kind}, mean", FAKE, kind=kind, reduction="mean") for kind in KINDS),
    case("lsgan, another target", SCORES, kind="lsgan", c=-0.5),
    case("score map", uniform(92, 2, 1, 3)),
    case("one score", 0.75),
    *(case(f"zero scores, {kind}", [0.0, 0.0], kind=kind) for kind in KINDS),
    *(case(f"large scores, {kind}", [2.0**14, -(2.0**14), 64.0, -64.0], kind=kind) for kind in KINDS),
    case("infinite scores, minimax", [-INF, INF], kind="minimax", tags=("inf",)),
    case("infinite scores, non_saturating", [-INF, INF], tags=("inf",)),
    *(
        case(f"three scales, {kind}, mean", (SCORES, uniform(93, 2, 2), [0.5]), kind=kind, reduction="mean")
        for kind in KINDS
    ),
    case(
        "three scales, averaged", (SCORES, (uniform(93, 2, 2), [0.5])), average_scales=True, reduction="mean"
    ),
    case("scales by name, sum", {"high": SCORES, "low": uniform(93, 2, 2)}, reduction="sum"),
    case("one scale, averaged", (FAKE,), average_scales=True, reduction="mean"),
    case("an empty scale, mean", (SCORES, []), reduction="mean"),
    peers={
        "basicsr": "basicsr.losses.gan_loss.GANLoss('wgan_softplus')(fake_scores, True)",
    },
)
def gan_generator_loss(
    scores: Any,
    *,
    reduction: str,
    kind: str = "non_saturating",
    c: Any = 1,
    average_scales: bool = False,
) -> Any:
    if not isinstance(scores, (tuple, dict)):
        return generator(scores, kind, c)
    reduced = mp.fsum if reduction == "sum" else mean
    return over_arrays(lambda f: reduced([generator(x, kind, c) for x in flat(f)]), average_scales, scores)


def terms(r: Any, f: Any, kind: str, a: Any, b: Any) -> tuple[Any, Any]:
    """What a real and what a generated score costs."""
    if kind == "lsgan":
        return (r - b) ** 2, (f - a) ** 2
    if kind == "hinge":
        return max(1 - r, mpf(0)), max(1 + f, mpf(0))
    return (-r, f) if kind == "wgan" else (softplus(-r), softplus(f))


@evidence(
    "gan_discriminator_loss",
    case("ordinary", SCORES, uniform(94, 6)),
    *(case(f"{kind}", SCORES, uniform(94, 6), kind=kind) for kind in KINDS),
    *(case(f"worked: {kind}, mean", REAL, FAKE, kind=kind, reduction="mean") for kind in KINDS),
    case("lsgan, other targets", SCORES, uniform(94, 6), kind="lsgan", a=-1.0, b=0.5),
    case("score map", uniform(92, 2, 1, 3), uniform(95, 2, 1, 3), kind="hinge"),
    case("one score each", 0.75, -0.25),
    *(case(f"zero scores, {kind}", [0.0, 0.0], [0.0, 0.0], kind=kind) for kind in KINDS),
    *(
        case(f"large scores, {kind}", [2.0**14, -(2.0**14), 64.0], [-(2.0**14), 2.0**14, -64.0], kind=kind)
        for kind in KINDS
    ),
    case("kink: at the margin", [1.0, 1.0], [-1.0, 0.0], kind="hinge", tags=("kink",)),
    case("infinite scores, right", [INF], [-INF], tags=("inf",)),
    case("infinite scores, wrong", [-INF], [INF], tags=("inf",)),
    *(
        case(f"more real scores than generated ones, {kind}, {how}", SCORES, FAKE, kind=kind, reduction=how)
        for kind in KINDS
        for how in ("mean", "sum")
    ),
    case("another number of dimensions, mean", SCORES, uniform(95, 2, 2), reduction="mean"),
    case("more generated scores, weight, sum", FAKE, SCORES, reduction="sum", sample_weight=0.5),
    case("more generated scores, weight of 0", FAKE, SCORES, reduction="mean", sample_weight=0.0),
    case("no real scores, mean", [], SCORES, reduction="mean"),
    *(
        case(
            f"three scales, {kind}, mean",
            (SCORES, uniform(93, 2, 2), [0.5]),
            (uniform(94, 6), uniform(95, 2, 2), [0.25]),
            kind=kind,
            reduction="mean",
        )
        for kind in KINDS
    ),
    case(
        "two scales of other shapes, averaged",
        (SCORES, {"low": uniform(93, 2, 2)}),
        (FAKE, {"low": uniform(95, 2, 2)}),
        average_scales=True,
        reduction="mean",
    ),
    case("two scales of other shapes, sum", (SCORES, REAL), (FAKE, FAKE), reduction="sum"),
)
def gan_discriminator_loss(
    real: Any,
    fake: Any,
    *,
    reduction: str,
    kind: str = "non_saturating",
    a: Any = 0,
    b: Any = 1,
    average_scales: bool = False,
) -> Any:
    if not isinstance(real, (list, tuple, dict)):
        return mp.fsum(terms(real, fake, kind, a, b))
    reduced = mp.fsum if reduction == "sum" else mean

    def pair(r: Any, f: Any) -> Any:
        of_real = [terms(x, mpf(0), kind, a, b)[0] for x in flat(r)]
        of_fake = [terms(mpf(0), x, kind, a, b)[1] for x in flat(f)]
        return reduced(of_real) + reduced(of_fake)

    return over_arrays(pair, average_scales, real, fake)


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
    case("NaN in a live row", [[float("nan"), 1.0], [1.0, 2.0]], gradient={"gradients": None}),
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


for penalty in ("r1_penalty", "r2_penalty"):
    evidence(
        penalty,
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
