"""Evidence for the losses of sequences."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import case, evidence, uniform

INF, NAN = math.inf, math.nan

# What looks like log-probabilities, of no frame twice the same.
FRAMES = [uniform(61 + n, 4, 3, low=-4, high=-0.25) for n in range(3)]
EXACT = [[math.log(p) for p in row] for row in ([0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8])]
PADDED = [*FRAMES[1][:2], [NAN, INF, -INF], [NAN, NAN, NAN]]
IMPOSSIBLE = uniform(65, 2, 3, low=-4, high=-0.25)


@evidence(
    "ctc_loss",
    case("ordinary", FRAMES, [[1, 2], [2, 2], [2, 1]]),
    case(
        "no average over labels, mean",
        FRAMES,
        [[1, 2], [2, 2], [2, 1]],
        length_average=False,
        reduction="mean",
    ),
    case("improbable beyond 10⁵", [[-(2.0**14)] * 2] * 8, [1]),
    case("worked: no label", EXACT, np.zeros(0, int)),
    case("worked: one label", EXACT, [1]),
    case("worked: two labels", EXACT, [1, 2]),
    case("worked: a label twice", EXACT, [1, 1]),
    case("worked: no alignment", EXACT, [1, 1, 1], tags=("inf",), gradient={"log_probs": [[0.0] * 3] * 3}),
    case("worked: batch, sum", [EXACT, EXACT], [[1, 2], [1, 0]], [3, 3], [2, 1], reduction="sum"),
    case("worked: batch, mean", [EXACT, EXACT], [[1, 2], [1, 0]], [3, 3], [2, 1], reduction="mean"),
    case(
        "worked: batch, plain mean",
        [EXACT, EXACT],
        [[1, 2], [1, 0]],
        [3, 3],
        [2, 1],
        reduction="mean",
        length_average=False,
    ),
    case("lengths", FRAMES, [[1, 2], [2, 9], [1, 1]], [4, 2, 3], [2, 1, 0]),
    case("lengths, mean", FRAMES, [[1, 2], [2, 9], [1, 1]], [4, 2, 3], [2, 1, 0], reduction="mean"),
    case(
        "lengths, mean, weights",
        FRAMES,
        [[1, 2], [2, 9], [1, 1]],
        [4, 2, 3],
        [2, 1, 0],
        reduction="mean",
        sample_weight=[1.0, 3.0, 0.5],
    ),
    case("input lengths alone", FRAMES, [[1, 2], [2, 1], [1, 2]], [4, 2, 3]),
    case("NaN and infinity in the padding", [FRAMES[0], PADDED], [[1, 2], [2, -5]], [4, 2], [2, 1]),
    case("no frames and no labels", [FRAMES[0], PADDED], [[1, 2], [2, 1]], [4, 0], [2, 0]),
    case(
        "no frames but a label",
        [PADDED],
        [[2, 1]],
        [0],
        [1],
        tags=("inf",),
        gradient={"log_probs": [[[0.0] * 3] * 4]},
    ),
    case("one frame, one label", [[-1.5, -0.25, -2.0]], [1]),
    case("blank in the middle", FRAMES, [[0, 2], [2, 2], [2, 0]], blank=1),
    case("blank at the end", FRAMES, [[0, 1], [1, 1], [1, 0]], blank=2),
    case("every frame is needed", FRAMES[0], [1, 2, 1, 2]),
    case("every frame is needed, with a blank between equals", FRAMES[0][:3], [2, 2]),
    case("three equal labels", uniform(66, 5, 2, low=-4, high=-0.25), [1, 1, 1]),
    case(
        "no alignment: too short",
        IMPOSSIBLE,
        [1, 2, 1],
        tags=("inf",),
        gradient={"log_probs": [[0.0] * 3] * 2},
    ),
    case("no alignment: equals", IMPOSSIBLE, [1, 1], tags=("inf",), gradient={"log_probs": [[0.0] * 3] * 2}),
    case("no alignment: 0 instead", IMPOSSIBLE, [1, 1], zero_infinity=True),
    case(
        "no alignment: 0 instead, still counted",
        [FRAMES[0][:2], IMPOSSIBLE],
        [[1, 2], [1, 1]],
        zero_infinity=True,
        reduction="mean",
    ),
    case(
        "all paths of probability 0",
        [[-0.5, -INF], [-1.0, -INF]],
        [1],
        tags=("inf",),
        gradient={"log_probs": [[0.0] * 2] * 2},
    ),
    case("a path of probability 0", [[-0.5, -INF, -1.0], [-1.0, -0.75, -INF]], [1], tags=("inf",)),
    case(
        "a class of probability 0 that is not needed",
        [[-0.5, -1.0, -INF], [-1.0, -0.75, -INF]],
        [1],
        tags=("inf",),
    ),
    case("certain", [[0.0, -INF], [-INF, 0.0], [-INF, 0.0]], [1], tags=("inf",)),
    case("confident", [[-(2.0**-24), -17.0], [-17.0, -(2.0**-24)]], [1]),
    case("confident and wrong", [[-(2.0**-24), -1024.0], [-(2.0**-24), -2048.0]], [1]),
    case("not normalised", [[4.0, 3.0, -2.0], [1.0, 5.0, 2.0], [3.0, 1.0, 2.0]], [1]),
    case("label that is the blank", FRAMES, [[1, 2], [2, 0], [0, 1]], tags=("label",)),
    case("label that is no class", FRAMES, [[1, 2], [3, 1], [-1, 1]], tags=("label",)),
    case("illegal labels in the padding", FRAMES, [[1, 0], [3, 1], [2, -1]], [4, 4, 4], [1, 0, 1]),
    case("lengths that do not fit", FRAMES, [[1, 2], [2, 1], [2, 1]], [5, 4, 4], [2, 3, -1], tags=("label",)),
    case("NaN in a live frame", [[NAN, -1.0], [-1.0, -0.5]], [1], gradient={"log_probs": None}),
    case("long", uniform(67, 12, 2, low=-4, high=-0.25), [1, 1, 1, 1]),
    peers={
        "torch": "torch.nn.functional.ctc_loss(log_probs.movedim(-2, 0), labels, input_lengths, "
        "label_lengths, blank=blank, zero_infinity=zero_infinity)",
    },
)
def ctc_loss(
    log_probs: list[list[Any]],
    target: list[int],
    input_length: int | None = None,
    label_length: int | None = None,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    length_average: bool = True,
    reduction: str = "none",
) -> Any:
    """All paths, one by one."""
    frames = len(log_probs) if input_length is None else input_length
    count = len(target) if label_length is None else label_length
    classes = range(len(log_probs[0]))
    target = target[:count]
    if not (0 <= frames <= len(log_probs) and 0 <= count <= len(target)):
        return mp.nan
    if any(y == blank or y not in classes for y in target):
        return mp.nan
    probability = mpf(0)
    for path in product(classes, repeat=frames):
        merged = [c for t, c in enumerate(path) if t == 0 or path[t - 1] != c]
        if [c for c in merged if c != blank] == target:
            terms = [log_probs[t][c] for t, c in enumerate(path)]
            probability += 0 if any(term < -1e35 for term in terms) else mp.exp(mp.fsum(terms))
    if mp.isnan(probability):
        return mp.nan
    if probability == 0:
        return mpf(0) if zero_infinity else mp.inf
    loss = -mp.log(probability)
    return loss / max(count, 1) if length_average and reduction == "mean" else loss
