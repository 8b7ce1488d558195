"""Evidence for the losses of adversarial training."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

REAL, FAKE = [1.0, -0.5], [0.3, -2.0]
SCORES = uniform(91, 6)
KINDS = ("minimax", "non_saturating", "lsgan", "hinge", "wgan")
INF, NAN = float("inf"), float("nan")


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


LAYER, OTHER = uniform(98, 2, 3), uniform(99, 2, 3)
LAYERS = {
    "fake": (LAYER, (uniform(104, 4), uniform(105, 2, 1, 2))),
    "real": (OTHER, (uniform(106, 4), uniform(107, 2, 1, 2))),
}
SEEN = [[True, False, True], [True, True, False]]


def distance(f: Any, r: Any, where: Any, metric: str) -> Any:
    """The mean distance of two arrays, over what counts; None if nothing does."""
    masks = flat(where) if isinstance(where, list) else [where] * len(flat(f))
    apart = [x - y for x, y, counts in zip(flat(f), flat(r), masks, strict=True) if counts]
    if not apart and where is not True:
        return None
    return mean([abs(d) if metric == "l1" else d**2 for d in apart])


@evidence(
    "feature_matching_loss",
    case("ordinary", LAYER, OTHER),
    case("squared", LAYER, OTHER, metric="l2"),
    case("weight", LAYER, OTHER, weight=0.25),
    case("weight of 0", LAYER, OTHER, weight=0.0),
    case("elements masked", LAYER, OTHER, where=SEEN),
    case("elements masked, squared", LAYER, OTHER, where=SEEN, metric="l2"),
    case("a column masked, mean", LAYER, OTHER, where=[True, False, True], reduction="mean"),
    case("NaN under the mask", [NAN, 1.0, INF], [2.0, 0.5, NAN], where=[False, True, False]),
    case("worked, mean", ([1.5, 2.0], [1.0]), ([1.0, 2.0], [0.0]), reduction="mean"),
    case("layers of two discriminators, mean", *LAYERS.values(), reduction="mean"),
    case("layers of two discriminators, sum", *LAYERS.values(), reduction="sum"),
    case("layers of two discriminators, squared", *LAYERS.values(), metric="l2", reduction="mean"),
    case("layers averaged", *LAYERS.values(), average_layers=True, weight=10.0, reduction="mean"),
    case("a weight for each", (LAYER, [1.0]), (OTHER, [0.5]), weight=(0.5, 4.0), reduction="mean"),
    case("layers by name", {"a": LAYER, "b": [1.0]}, {"a": OTHER, "b": [0.5]}, reduction="mean"),
    case("one number", 1.5, -0.25),
    case("no features in one of two arrays", ([], [1.0]), ([], [0.5]), reduction="mean"),
    case("kink: the same features", [1.0, 2.0, 3.0], [1.0, 2.0, 0.0], tags=("kink",)),
    case("large and tiny differences", [2.0**40, -(2.0**-40)], [0.0, 0.0]),
    case("an infinite feature", [INF, 1.0], [0.0, 1.0], tags=("inf",)),
    case("NaN in a live feature", [NAN, 1.0], [0.0, 1.0], gradient={"fake": None}),
    wrt=("fake",),
)
def feature_matching_loss(
    fake: Any,
    real: Any,
    *,
    where: Any = True,
    weight: Any = 2,
    metric: str = "l1",
    average_layers: bool = False,
) -> Any:
    if not isinstance(fake, (tuple, dict)):
        found = distance(fake, real, where, metric)
        return None if found is None else weight * found
    pairs = list(zip(arrays(fake), arrays(real), strict=True))
    weights = weight if isinstance(weight, tuple) else (weight,) * len(pairs)
    each = [w * distance(f, r, True, metric) for w, (f, r) in zip(weights, pairs, strict=True)]
    return mean(each) if average_layers else mp.fsum(each)


MEL, REAL_MEL = uniform(108, 2, 3), uniform(109, 2, 3)
HIFIGAN = ((SCORES, uniform(93, 2, 2)), *LAYERS.values(), MEL, REAL_MEL)


@evidence(
    "hifigan_generator_loss",
    case("ordinary", SCORES, LAYER, OTHER, MEL, REAL_MEL),
    case("two discriminators", *HIFIGAN),
    case("two discriminators, mean", *HIFIGAN, reduction="mean"),
    case("two discriminators, sum", *HIFIGAN, reduction="sum"),
    case("coefficients", *HIFIGAN, feature_weight=0.5, mel_weight=4.0),
    case("no features", SCORES, [], [], MEL, REAL_MEL),
    case("coefficients of 0", *HIFIGAN, feature_weight=0.0, mel_weight=0.0),
    case("weighed, sum", *HIFIGAN, sample_weight=0.5, reduction="sum"),
    case("normalizer", *HIFIGAN, normalizer=4.0, reduction="mean"),
    case(
        "worked",
        ([0.5, 1.0], [0.0]),
        (([1.5, 2.0],), ([1.0],)),
        (([1.0, 2.0],), ([0.0],)),
        [0.25],
        [0.5],
    ),
    case("kink: the same spectrogram", SCORES, LAYER, OTHER, MEL, MEL, tags=("kink",)),
    case("NaN in a live spectrogram", [0.5], [1.0], [0.5], [NAN], [0.0], gradient={"fake_mel": None}),
    wrt=("fake_scores", "fake_features", "fake_mel", "real_mel"),
)
def hifigan_generator_loss(
    scores: Any,
    fake: Any,
    real: Any,
    fake_mel: Any,
    real_mel: Any,
    *,
    feature_weight: Any = 2,
    mel_weight: Any = 45,
) -> Any:
    adversarial = mp.fsum(mean([(d - 1) ** 2 for d in flat(each)]) for each in arrays(scores))
    pairs = zip(arrays(fake), arrays(real), strict=True)
    matching = mp.fsum(distance(f, r, True, "l1") for f, r in pairs)
    spectral = mean([abs(m - t) for m, t in zip(flat(fake_mel), flat(real_mel), strict=True)])
    return adversarial + feature_weight * matching + mel_weight * spectral


@evidence(
    "hifigan_discriminator_loss",
    case("ordinary", SCORES, uniform(94, 6)),
    case("score map", uniform(92, 2, 1, 3), uniform(95, 2, 1, 3)),
    case("worked", ([1.0, 0.5], [0.0]), ([0.0, 0.5], [1.0]), reduction="mean"),
    case(
        "three discriminators, mean",
        (SCORES, uniform(93, 2, 2), [0.5]),
        (uniform(94, 6), uniform(95, 2, 2), [0.25]),
        reduction="mean",
    ),
    case("perfect", [1.0, 1.0], [0.0, 0.0]),
    case("large scores", [2.0**20, -(2.0**20)], [2.0**10, 0.0]),
)
def hifigan_discriminator_loss(real: Any, fake: Any) -> Any:
    pairs = [
        list(zip(flat(r), flat(f), strict=True)) for r, f in zip(arrays(real), arrays(fake), strict=True)
    ]
    return mp.fsum(mean([(r - 1) ** 2 + f**2 for r, f in pair]) for pair in pairs)
