"""Evidence for embeddings of pixels that vote for the centers of their instances."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform
from .instances import COORDS, IDS, MASK, NAN, PAIRS, mean, minus, pixels_of

SPREAD = uniform(321, 2, 5, 2, low=0, high=1)
SIGMA = uniform(322, 2, 5, 1, low=-0.25, high=0.25)
WIDTH = uniform(323, 2, 5, 1, low=0.25, high=1.5)
SEED = uniform(324, 2, 5, low=0.0625, high=0.9375)
TWO = (SPREAD, IDS, SIGMA, SEED)
ONE = (SPREAD[:1], IDS[:1], SIGMA[:1], SEED[:1])
FREE = {"num_instances": 3, "to_center": False}
WORKED_SEED = [[0.75, 0.5, 0.25, 0.0]]
ONES = [[[1.0]] * 4]
ONLY_INST = {"w_var": 0.0, "w_seed": 0.0}


@evidence(
    "spatial_embedding_loss",
    case(
        "ordinary",
        uniform(325, 3, 3, 2, low=0, high=1),
        [[1, 3, 1], [2, 2, 0], [3, 0, 1]],
        uniform(326, 3, 3, 1, low=-0.25, high=0.25),
        uniform(327, 3, 3, low=0.0625, high=0.9375),
        **FREE,
    ),
    case("coordinates", *ONE, num_instances=3, coords=COORDS),
    case("coordinates, pixels masked", *TWO, num_instances=3, coords=COORDS, where=MASK),
    case("coordinates, mean", *ONE, num_instances=3, coords=COORDS, reduction="mean"),
    case(
        "worked: instances",
        PAIRS,
        [[1, 1, 0, 0]],
        ONES,
        [[0.0] * 4],
        num_instances=1,
        to_center=False,
        bandwidth="sigma",
        **ONLY_INST,
    ),
    case(
        "worked: all terms",
        PAIRS,
        [[1, 1, 0, 0]],
        ONES,
        WORKED_SEED,
        num_instances=1,
        coords=[[0.5, 0.0], [1.5, 0.0], [5.0, 5.0], [5.0, 5.2]],
        bandwidth="sigma",
        foreground_weight=10.0,
    ),
    case("sigma", SPREAD[:1], IDS[:1], WIDTH[:1], SEED[:1], bandwidth="sigma", **FREE),
    case(
        "sigma, coordinates",
        SPREAD[:1],
        IDS[:1],
        WIDTH[:1],
        SEED[:1],
        num_instances=3,
        coords=COORDS,
        bandwidth="sigma",
    ),
    case(
        "sigma in two directions",
        SPREAD[:1],
        IDS[:1],
        uniform(328, 1, 5, 2, low=-0.25, high=0.25),
        SEED[:1],
        **FREE,
    ),
    case(
        "sigma in two directions, as it is",
        SPREAD[:1],
        IDS[:1],
        uniform(329, 1, 5, 2, low=0.25, high=1.5),
        SEED[:1],
        num_instances=3,
        coords=COORDS,
        bandwidth="sigma",
    ),
    case("one dimension", [[[x] for x, _ in SPREAD[0]]], IDS[:1], SIGMA[:1], SEED[:1], **FREE),
    *(case(f"without {name}", *ONE, **FREE, **{name: 0.0}) for name in ("w_inst", "w_var", "w_seed")),
    case(
        "other weights",
        *ONE,
        w_inst=0.5,
        w_var=2.0,
        w_seed=4.0,
        foreground_weight=10.0,
        **FREE,
    ),
    case("foreground of weight 0", *ONE, foreground_weight=0.0, **FREE),
    case("more instances than there are", *ONE, num_instances=5, to_center=False),
    case("no instances", SPREAD, [[0] * 5, IDS[1]], SIGMA, SEED, **FREE),
    case("no background", SPREAD[:1], [[1, 2, 1, 1, 2]], SIGMA[:1], SEED[:1], **FREE),
    case("pixels masked", *ONE, where=MASK[:1], **FREE),
    case(
        "all pixels of an instance masked, mean",
        SPREAD,
        IDS,
        SIGMA,
        SEED,
        where=[[True, False, True, True, False], [False, False, True, False, True]],
        reduction="mean",
        **FREE,
    ),
    case(
        "gathered closely",
        [[[0.25, 0.5], [0.25, 0.5 + 2.0**-20], [0.75, 0.25], [0.75 - 2.0**-22, 0.25]]],
        [[1, 1, 2, 2]],
        ONES,
        [[1.0] * 4],
        num_instances=2,
        to_center=False,
    ),
    case("far outside", [[[0.0], [1.0], [64.0]]], [[1, 1, 2]], [[[0.25]] * 3], [[0.5] * 3], **FREE),
    case("sharp", SPREAD[:1], IDS[:1], [[[8.0]] * 5], SEED[:1], **FREE),
    case(
        "sharper than any number in single precision", SPREAD[:1], IDS[:1], [[[32.0]] * 5], SEED[:1], **FREE
    ),
    case("flat", SPREAD[:1], IDS[:1], [[[-1.0]] * 5], SEED[:1], w_var=0.0, **FREE),
    case(
        "pixels on the center",
        [[[0.25, 0.5]] * 3 + [[0.5, 0.5]]],
        [[1, 1, 1, 0]],
        ONES,
        [[1.0, 1.0, 1.0, 0.0]],
        num_instances=1,
        to_center=False,
    ),
    case(
        "kink: negatives as near as each other",
        [[[0.0], [0.25], [0.5], [-0.25]]],
        [[1, 0, 1, 0]],
        [[[0.125]] * 4],
        WORKED_SEED,
        num_instances=1,
        coords=[[0.0], [0.0], [0.0], [0.0]],
        tags=("kink",),
    ),
    case("zeros", [[[0.0, 0.0]] * 4], [[1, 1, 2, 0]], [[[0.0]] * 4], [[0.0] * 4], **FREE),
    case(
        "infinite embedding in the background",
        [[[0.0, 0.5], [0.5, 0.5], [math.inf, 0.5], [0.25, -math.inf]]],
        [[1, 1, 0, 0]],
        [[[0.25]] * 4],
        WORKED_SEED,
        num_instances=1,
        to_center=False,
        tags=("inf",),
    ),
    case(
        "infinite embedding of an instance, coordinates",
        [[[0.0, 0.5], [math.inf, 0.5], [1.0, 0.5], [0.25, 1.0]]],
        [[1, 1, 0, 0]],
        [[[0.25]] * 4],
        WORKED_SEED,
        num_instances=1,
        coords=COORDS[:4],
        tags=("inf",),
    ),
    case("infinite seed", SPREAD[:1], IDS[:1], SIGMA[:1], [[*SEED[0][:4], math.inf]], tags=("inf",), **FREE),
    *(
        case(
            f"NaN in {name}",
            [SPREAD[0], [[NAN, 0.5], *SPREAD[1][1:]] if name == "an embedding" else SPREAD[1]],
            IDS,
            [SIGMA[0], [[NAN], *SIGMA[1][1:]] if name == "a bandwidth" else SIGMA[1]],
            [SEED[0], [*SEED[1][:4], NAN] if name == "a seed" else SEED[1]],
            gradient={"embeddings": None, "sigma": None, "seed": None},
            **FREE,
        )
        for name in ("an embedding", "a bandwidth", "a seed")
    ),
    case(
        "NaN in a bandwidth of the background",
        SPREAD[:1],
        IDS[:1],
        [[*SIGMA[0][:2], [NAN], *SIGMA[0][3:]]],
        SEED[:1],
        **FREE,
    ),
    case(
        "NaN where there are no instances",
        [[[NAN, 0.5], *SPREAD[0][1:]]],
        [[0] * 5],
        [[[NAN], *SIGMA[0][1:]]],
        SEED[:1],
        **FREE,
    ),
    case("an id out of range", SPREAD[:1], [[1, 4, 0, 1, 2]], SIGMA[:1], SEED[:1], **FREE),
    case("an id below 0", SPREAD[:1], [[1, -1, 0, 1, 2]], SIGMA[:1], SEED[:1], **FREE),
    case(
        "an id out of range in one image",
        SPREAD,
        [[1, 4, 0, 1, 2], IDS[1]],
        SIGMA,
        SEED,
        gradient={"embeddings": None, "sigma": None, "seed": None},
        **FREE,
    ),
)
def spatial_embedding_loss(
    embeddings: Any,
    ids: Any,
    sigma: Any,
    seed: Any,
    *,
    num_instances: int,
    coords: Any = None,
    to_center: bool = True,
    bandwidth: str = "exp10",
    w_inst: Any = 1,
    w_var: Any = 10,
    w_seed: Any = 1,
    foreground_weight: Any = 1,
    at: list[Any],
    where: Any,
) -> Any:
    def bells(e: Any, sigma: Any, s: list[int]) -> Any:
        """Of each pixel the φ of one instance; and the mean of its sigma."""
        c = mean([(coords if to_center else e)[i] for i in s])
        bar = mean([sigma[i] for i in s])
        wide = bar * len(c) if len(bar) < len(c) else bar
        by = [mp.exp(10 * v) if bandwidth == "exp10" else 1 / (2 * v**2) for v in wide]
        return [mp.exp(-mp.fsum(v**2 * w for v, w in zip(minus(x, c), by, strict=True))) for x in e], bar

    def hinge_of(phi: list[Any], fixed: list[Any], s: list[int], kept: list[int]) -> Any:
        """The Lovász hinge loss of 2φ - 1, with the order of pixels as it is where nothing moves."""
        margin = {i: 2 * (1 - phi[i]) if i in s else 2 * phi[i] for i in kept}
        order = {i: (-(2 * (1 - fixed[i]) if i in s else 2 * fixed[i]), i not in s, i) for i in kept}
        loss, jaccard, positives, negatives = mpf(0), mpf(0), mpf(0), mpf(0)
        for i in sorted(kept, key=order.__getitem__):
            positives, negatives = positives + (i in s), negatives + (i not in s)
            step = 1 - (len(s) - positives) / (len(s) + negatives) - jaccard
            jaccard += step
            loss += step * margin[i]
        return loss

    def item(n: int) -> Any:
        e, r = embeddings[n], seed[n]
        kept = [i for i, counts in enumerate(where[n]) if counts]
        if not kept:
            return None
        if any(not 0 <= ids[n][i] <= num_instances for i in kept):
            return mp.nan
        sets = [s for k in range(1, num_instances + 1) if (s := pixels_of(ids[n], where[n], k))]
        inst, var = [], []
        seeds = mp.fsum(r[i] ** 2 for i in kept if ids[n][i] == 0)
        for s in sets:
            phi, _ = bells(e, sigma[n], s)
            fixed, bar = bells(at[0][n], at[2][n], s)
            if any(mp.isnan(phi[i]) for i in kept):
                return mp.nan
            inst.append(hinge_of(phi, fixed, s, kept))
            off = [(v - b) ** 2 for i in s for v, b in zip(sigma[n][i], bar, strict=True)]
            var.append(mp.fsum(off) / len(off))
            seeds += foreground_weight * mp.fsum((r[i] - fixed[i]) ** 2 for i in s)
        total = w_seed * seeds / len(kept)
        if sets:
            total += w_inst * mp.fsum(inst) / len(sets) + w_var * mp.fsum(var) / len(sets)
        return total

    return [item(n) for n in range(len(ids))]
