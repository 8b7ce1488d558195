"""Evidence for the losses of features."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform

A, B = uniform(281, 3, 2, 2, 2), uniform(282, 3, 2, 2, 2)
MORE = uniform(283, 3, 2, 3), uniform(284, 3, 2, 3)
LAST = uniform(285, 2, 2, 3, 2), uniform(286, 2, 2, 3, 2)
INF = float("inf")
WORKED = [[[1.0, 2.0]], [[3.0, 4.0]]]


def scaled(x: Any, by: float) -> Any:
    return [scaled(part, by) for part in x] if isinstance(x, list) else x * by


LAYERS: dict[str, Any] = {
    "pred": (uniform(287, 2, 2, 1, 2), [uniform(288, 3, 1, 1)]),
    "target": (uniform(289, 2, 2, 1, 2), [uniform(290, 3, 1, 1)]),
}
TWO_LAYERS = ([[[1.0, 3.0]]], [[[0.0]]]), ([[[2.0, 3.0]]], [[[2.0]]])
NOTHING, ALONG_AXES = scaled(WORKED, 0.0), [[[1.0, 0.0]], [[0.0, -2.0]]]


@evidence(
    "perceptual_loss",
    case("ordinary", A, B),
    case("worked: two layers", *TWO_LAYERS, weight=(1.0, 0.5), reduction="mean"),
    case("l1", A, B, metric="l1"),
    case("normalized", A, B, normalize=True),
    case("normalized, l1", A, B, normalize=True, metric="l1"),
    case("weight", A, B, weight=0.25),
    case("weight of 0", A, B, weight=0.0),
    case("one image, no batch axis", MORE[0], MORE[1]),
    case("two batch axes", [A], [B]),
    case("channels last", *LAST, axes=(-3, -2), normalize=True),
    case("height and width exchanged", *LAST, axes=(-1, -2)),
    case("layers, mean", *LAYERS.values(), reduction="mean"),
    case("layers, sum", *LAYERS.values(), reduction="sum", metric="l1"),
    case("layers normalized, mean", *LAYERS.values(), reduction="mean", normalize=True),
    case("layers averaged", *LAYERS.values(), average_layers=True, weight=3.0, reduction="mean"),
    case("a weight for each", *LAYERS.values(), weight=(0.5, 4.0), reduction="mean"),
    case(
        "layers by name, one inside the other",
        {"a": A, "b": (WORKED, {"c": MORE[0]})},
        {"a": B, "b": (NOTHING, {"c": MORE[1]})},
        reduction="mean",
    ),
    case("identical features", MORE[0], MORE[0]),
    case("identical features, normalized", MORE[0], MORE[0], normalize=True),
    case("kinks: identical features, l1", MORE[0], MORE[0], metric="l1", tags=("kink",)),
    case(
        "small angles, normalized", MORE[0], [scaled(MORE[0][0], 1 + 2.0**-7), *MORE[0][1:]], normalize=True
    ),
    case("multiples, normalized", MORE[0], scaled(MORE[0], 4.0), normalize=True),
    case(
        "opposite features, normalized",
        ALONG_AXES,
        scaled(ALONG_AXES, -2.0),
        normalize=True,
        gradient={"pred": NOTHING},
    ),
    case("one channel, normalized", [[[-2.0, 3.0]]], [[[1.0, 0.5]]], normalize=True),
    # Against a pixel of nothing every direction is as far as any other.
    case("against nothing, normalized", ALONG_AXES, NOTHING, normalize=True, gradient={"pred": NOTHING}),
    case(
        "kinks: no features of one pixel, normalized",
        [[[3.0, 0.0]], [[4.0, 0.0]]],
        [[[4.0, 1.0]], [[3.0, 2.0]]],
        normalize=True,
        gradient={"pred": [[[-0.0448, 0.0]], [[0.0336, 0.0]]]},
        tags=("kink",),
    ),
    case(
        "kinks: no features at all, normalized",
        NOTHING,
        NOTHING,
        normalize=True,
        gradient={"pred": NOTHING},
        tags=("kink",),
    ),
    case("huge and tiny", scaled(WORKED, 2.0**40), scaled(WORKED, 2.0**-40)),
    case("huge and tiny, normalized", scaled(MORE[0], 2.0**70), scaled(MORE[1], 2.0**-70), normalize=True),
    case("integer target", WORKED, [[[2, 0]], [[1, 5]]]),
    case("an infinite feature", [[[INF, 1.0]]], [[[0.0, 1.0]]], gradient={"pred": None}),
    peers={"lpips": "lpips.LPIPS(lpips=False)(pred, target)  # of images, with a network of its own"},
    wrt=("pred",),
)
def perceptual_loss(
    pred: Any,
    target: Any,
    *,
    weight: Any = 1,
    metric: str = "l2",
    normalize: bool = False,
    average_layers: bool = False,
    reduction: str = "mean",
) -> Any:
    def distance(p: Any, t: Any) -> Any:
        """Of one image the distances of its pixels, each a list of channels."""
        if normalize:
            p, t = (list(map(directed, pixels)) for pixels in (p, t))
        apart = [x - y for a, b in zip(p, t, strict=True) for x, y in zip(a, b, strict=True)]
        total = mp.fsum(abs(d) if metric == "l1" else d**2 for d in apart)
        return total / (len(p) if normalize else len(apart))

    if not isinstance(pred, (tuple, dict)):
        return weight * distance(pixels_of(pred), pixels_of(target))
    layers = list(zip(arrays(pred), arrays(target), strict=True))
    weights = weight if isinstance(weight, tuple) else (weight,) * len(layers)
    total = mpf(0)
    for w, (p, t) in zip(weights, layers, strict=True):
        pairs = list(zip(images(p), images(t), strict=True))
        of_layer = mp.fsum(distance(pixels_of(a), pixels_of(b)) for a, b in pairs)
        total += w * (of_layer if reduction == "sum" else of_layer / len(pairs))
    return total / len(layers) if average_layers else total


def arrays(x: Any) -> list[Any]:
    parts = x.values() if isinstance(x, dict) else x
    return [a for part in parts for a in arrays(part)] if isinstance(x, (tuple, dict)) else [x]


def images(x: Any) -> list[Any]:
    return [i for part in x for i in images(part)] if isinstance(x[0][0][0], list) else [x]


def pixels_of(image: Any) -> list[Any]:
    planes = [[x for row in plane for x in row] for plane in image]
    return [list(channels) for channels in zip(*planes, strict=True)]


def directed(channels: Any) -> Any:
    length = mp.sqrt(mp.fsum(x**2 for x in channels))
    return [x / length if length else x for x in channels]


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
