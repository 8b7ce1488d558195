"""Evidence for the losses of frequent and rare classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, labels, uniform

inf, nan = math.inf, math.nan
FAR = mpf(10) ** 39  # beyond this a number stands for infinity
Z, Y = uniform(651, 6, 4), labels(652, 6, count=4)
COUNTS = [96.0, 12.0, 3.0, 1.0]
PRIOR = [0.5, 0.25, 0.1875, 0.0625]
WEIGHTS = [0.25, 1.0, 0.5, 2.0]
TAKEN = {"logits": None, "class_prior": None}
WORKED = [[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]], [2, 0], [100.0, 50.0, 10.0]


def item(z: list[Any], y: int, factors: Any, class_weight: Any, ignore_index: int | None) -> Any:
    """-w log(a_y e^(z_y) / Σ a e^z), of which `factors` gives the a."""
    if y == ignore_index:
        return None
    if not 0 <= y < len(z):
        return mp.nan
    w = mpf(1) if class_weight is None else class_weight[y]
    if w == 0:
        return mpf(0), w
    if any(mp.isnan(x) or x > FAR for x in z):
        return mp.nan, w
    a = factors()
    terms = [a_c * mp.exp(z_c) if z_c > -FAR else mpf(0) for a_c, z_c in zip(a, z, strict=True)]
    if not any(terms):
        return mp.nan, w
    if a[y] == 0:
        return mp.inf, w
    return w * (
        mp.log(mp.fsum(a_c * mp.exp(z_c) for a_c, z_c in zip(a, z, strict=True))) - mp.log(a[y]) - z[y]
    ), w


def powers(prior: list[Any], tau: Any) -> list[Any]:
    """The prior to a power; one that is 0 everywhere says nothing."""
    return [mpf(n) ** tau if any(prior) else mpf(1) for n in prior]


def common(*prior: Any) -> tuple[Any, ...]:
    """What every softmax loss of labels meets."""
    return (
        case("class weights, mean", Z, Y, *prior, class_weight=WEIGHTS, reduction="mean"),
        case(
            "class weights of which one is 0, mean",
            [[0.5, 1.0, 0.25, 0.0], [nan, 1.0, 0.0, 0.0], [0.25, 2.0, 0.5, -1.0]],
            [0, 1, 3],
            *prior,
            class_weight=[1.0, 0.0, 2.0, 0.5],
            reduction="mean",
        ),
        case("an ignored label", [*Z[:5], [nan, inf, 0.0, 1.0]], [*Y[:5], -100], *prior, reduction="mean"),
        case("an ignored class", Z, Y, *prior, ignore_index=1, reduction="mean"),
        case(
            "illegal labels",
            Z[:4],
            [0, -1, 4, 7],
            *prior,
            gradient={"class_prior": None} if prior else {"logits": None},
            tags=("label",),
        ),
        case("illegal labels only", Z[:3], [-1, 4, 7], *prior, tags=("label",)),
        case("class axis in the middle", uniform(653, 2, 4, 2), [[0, 1], [2, 3]], *prior, axis=1),
        case("one item without a batch", Z[0], np.asarray(2), *prior),
        case("confident", [[0.0, 40.0, 0.0, 1.0], [40.0, 0.0, 0.0, 1.0]], [1, 0], *prior),
        case("ties", [[0.0] * 4, [1.0] * 4], [0, 3], *prior),
        case("large offset", [[2.0**20, 2.0**20 + 8, 2.0**20, 2.0**20 + 1]] * 2, [1, 3], *prior),
        case("huge", [[8192.0, 0.0, -8192.0, 1.0]] * 4, [0, 1, 2, 3], *prior),
        case("-inf, not at the label", [[-inf, 2.0, 1.0, 0.0]] * 2, [1, 3], *prior, tags=("inf",)),
        case("-inf at the label", [[-inf, 2.0, 1.0, 0.0]], [0], *prior, tags=("inf",)),
        case(
            "inf, all -inf, and NaN",
            [[inf, 1.0, 0.0, 0.0], [-inf] * 4, [nan, 1.0, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0]],
            [0, 0, 1, 0],
            *prior,
            gradient=TAKEN if prior else {"logits": None},
            tags=("inf",),
        ),
    )


ABSENT = [3.0, 0.0, 1.0, 0.0]
UNSURE = {"class_prior": None}  # where a class is taken out, it has no slope


@evidence(
    "balanced_softmax_loss",
    case("ordinary", Z, Y, COUNTS),
    case("worked", *WORKED),
    case("probabilities", Z, Y, PRIOR),
    case("equal frequencies: cross-entropy", Z, Y, [5.0] * 4),
    case("many and few", Z, Y, [2.0**40, 1.0, 2.0**20, 2.0**-40]),
    case("classes that are absent", Z[:4], [0, 2, 2, 0], ABSENT, gradient=UNSURE),
    case("a label that is absent", Z[:2], [1, 3], ABSENT, gradient=TAKEN, tags=("inf",)),
    case("all absent: cross-entropy", Z, Y, [0.0] * 4, gradient=UNSURE),
    case(
        "a class that is absent, of an infinite logit",
        [[-inf, 1.0], [2.0, -inf]],
        [1, 0],
        [3.0, 5.0],
        tags=("inf",),
    ),
    case("two classes", [[0.5, -0.25], [0.0, 3.0]], [0, 1], [3.0, 1.0]),
    case("a single class", [[0.5], [-3.0]], [0, 0], [7.0]),
    *common(COUNTS),
)
def balanced_softmax_loss(
    z: list[Any], y: int, prior: list[Any], *, class_weight: Any = None, ignore_index: int | None = -100
) -> Any:
    return item(z, y, lambda: powers(prior, 1), class_weight, ignore_index)


@evidence(
    "logit_adjusted_cross_entropy",
    case("ordinary", Z, Y, PRIOR),
    case("worked", WORKED[0], WORKED[1], [0.625, 0.3125, 0.0625], tau=0.5),
    case("counts", Z, Y, COUNTS),
    *(case(f"tau {tau}", Z, Y, PRIOR, tau=tau) for tau in (0.0, 0.5, 1.5, 2.0)),
    case("tau as an array", Z, Y, PRIOR, tau=np.asarray(1.5)),
    case("tau of 0 as an array", Z, Y, PRIOR, tau=np.asarray(0.0)),
    *(
        case(f"classes that are absent, tau {tau}", Z[:4], [0, 2, 2, 0], ABSENT, tau=tau, gradient=UNSURE)
        for tau in (0.5, 1.0)
    ),
    case("absent, and no adjustment", Z, Y, ABSENT, tau=0.0, gradient=UNSURE),
    case("absent, and no adjustment, as an array", Z, Y, ABSENT, tau=np.asarray(0.0), gradient=UNSURE),
    case("a label that is absent", Z[:2], [1, 3], ABSENT, gradient=TAKEN, tags=("inf",)),
    case("all absent: cross-entropy", Z, Y, [0.0] * 4, gradient=UNSURE),
    *common(PRIOR),
)
def logit_adjusted_cross_entropy(
    z: list[Any],
    y: int,
    prior: list[Any],
    *,
    tau: Any = 1,
    class_weight: Any = None,
    ignore_index: int | None = -100,
) -> Any:
    return item(z, y, lambda: powers(prior, tau), class_weight, ignore_index)


@evidence(
    "equalization_softmax_loss",
    case("ordinary", Z, Y, COUNTS, threshold=0.0625),
    case("worked", *WORKED, threshold=0.1),
    case("none is rare", Z, Y, COUNTS),
    case("the default threshold", Z, Y, [2.0**20, 2.0**13, 2.0**12, 1.0]),
    case("a threshold of 0: cross-entropy", Z, Y, [3.0, 0.0, 1.0, 0.0], threshold=0.0),
    case("all are rare", Z, Y, COUNTS, threshold=1.0),
    case("a frequency at the threshold is not rare", Z, Y, [4.0, 2.0, 1.0, 1.0], threshold=0.125),
    case("threshold as an array", Z, Y, COUNTS, threshold=np.asarray(0.0625)),
    case("some are left out", Z, Y, COUNTS, threshold=0.25, beta=[True, False, True, True]),
    case(
        "some are left out, of each item others",
        Z,
        Y,
        COUNTS,
        threshold=0.25,
        beta=[[(3 * i + c) % 4 < 2 for c in range(4)] for i in range(6)],
    ),
    case("classes that are absent", Z, Y, ABSENT),
    case("all absent: cross-entropy", Z, Y, [0.0] * 4),
    *common(COUNTS),
)
def equalization_softmax_loss(
    z: list[Any],
    y: int,
    prior: list[Any],
    *,
    threshold: Any = 0.005,
    beta: Any = None,
    class_weight: Any = None,
    ignore_index: int | None = -100,
) -> Any:
    def factors() -> list[Any]:
        rare = [n < threshold * mp.fsum(prior) for n in prior]
        return [mpf(not (rare[c] and (beta is None or beta[c]) and c != y)) for c in range(len(z))]

    return item(z, y, factors, class_weight, ignore_index)


SEEN = [96.0, 12.0, 3.0, 0.0]
SURE = [[4.0, 0.0, -1.0, 0.5], [0.5, 3.0, 3.5, -2.0], [0.0, 0.0, 0.0, 0.0], [-6.0, 0.0, 1.0, 2.0]]


@evidence(
    "seesaw_loss",
    case("ordinary", Z, Y, state=SEEN),
    case("worked", [[1.0, 2.0, 0.5]], [2], state=[100.0, 50.0, 9.0]),
    case("worked, another label", [[1.0, 2.0, 0.5]], [0], state=[99.0, 50.0, 10.0]),
    case("nothing seen before", Z, Y),
    case("nothing seen before, as an array", Z, Y, state=[0.0] * 4),
    case("less than one seen", Z[:1], [0], state=[0.0, 0.25, 0.5, 1.5]),
    case("taken for others", SURE, [1, 0, 2, 0], state=SEEN),
    case("taken for others, as often", SURE, [0, 1, 2, 3], state=[16.0] * 4),
    *(
        case(f"p {p} and q {q}", SURE, [1, 0, 2, 0], state=SEEN, p=p, q=q)
        for p, q in ((0.0, 0.0), (0.0, 1.5), (1.0, 0.0), (2.0, 0.5))
    ),
    *(case(f"eps {eps}", SURE, [1, 0, 2, 0], state=SEEN, eps=eps) for eps in (2.0**-20, 0.25, 1.0)),
    case(
        "options as arrays",
        SURE,
        [1, 0, 2, 0],
        state=SEEN,
        p=np.asarray(0.5),
        q=np.asarray(1.5),
        eps=np.asarray(0.125),
    ),
    case("equal counts and q of 0: cross-entropy", Z[:4], [0, 1, 2, 3], state=[7.0] * 4, q=0.0),
    case("two axes", uniform(654, 2, 3, 4), [[0, 1, 1], [3, 1, 1]], state=SEEN),
    case(
        "two axes, masked",
        uniform(654, 2, 3, 4),
        [[0, 1, 1], [3, 1, 1]],
        where=[[True, False, True], [False, True, True]],
    ),
    case(
        "weights, some 0",
        Z,
        [0, 1, 1, 2, 1, 3],
        sample_weight=[1.0, 0.0, 3.0, 0.5, 0.0, 2.0],
    ),
    case("two classes", [[0.5, -0.25], [0.0, 3.0]], [0, 1], state=[3.0, 1.0]),
    case("a single class", [[0.5], [-3.0]], [0, 0]),
    *common(),
)
def seesaw_loss(
    logits: list[Any],
    labels: Any,
    *,
    at: list[Any],
    where: Any,
    state: Any = None,
    p: Any = 0.8,
    q: Any = 2,
    eps: Any = 0.01,
    class_weight: Any = None,
    ignore_index: int | None = -100,
) -> Any:
    def counting(y: Any, kept: Any) -> list[int]:
        if isinstance(y, list):
            return [c for each in zip(y, kept, strict=True) for c in counting(*each)]
        return [y] if kept and y != ignore_index else []

    def size(z: Any) -> int:
        return size(z[0]) if z and isinstance(z[0], list) else len(z)

    occurring = counting(labels, where)
    n = [max((state[c] if state else 0) + occurring.count(c), 1) for c in range(size(logits))]

    def of(z: Any, y: Any, held: Any, kept: Any) -> Any:
        if isinstance(y, list):
            return [of(*each) for each in zip(z, y, held, kept, strict=True)]

        def factors() -> list[Any]:
            e = [mp.exp(x) for x in held]
            sigma = [x / mp.fsum(e) for x in e]
            return [
                min(mpf(n[c]) / n[y], 1) ** p * max(sigma[c] / max(sigma[y], eps), 1) ** q
                if c != y
                else mpf(1)
                for c in range(len(z))
            ]

        return item(z, y, factors, class_weight, ignore_index) if kept else None

    return of(logits, labels, at[0], where)
