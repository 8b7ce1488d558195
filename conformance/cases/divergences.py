"""Evidence for the divergences."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp

from ..case import case, distributions, evidence, uniform

INF, NAN = math.inf, math.nan

LOGS = uniform(151, 4, 3, low=-3, high=-0.25)
OTHER_LOGS = uniform(152, 4, 3, low=-3, high=-0.25)
PROBS = distributions(153, 4, 3)
OTHER_PROBS = distributions(154, 4, 3)
MASK = [True, False, True, True]
# Pairs of log-probabilities that differ little, by powers of two.
CLOSE = [[-1.0, -1 + 2.0**-7, -1 - 2.0**-7], [-0.5, -0.5, -0.5 + 2.0**-9], [-2.0, -1.0, -0.25 + 2.0**-10]]
TO = [[-1.0, -1.0, -1.0], [-0.5, -0.5, -0.5], [-2.0, -1.0, -0.25]]
VERY_CLOSE = [[-1.0, -1 + 2.0**-20], [-0.25, -0.25 - 2.0**-22]]
TO_THESE = [[-1.0, -1.0], [-0.25, -0.25]]
TWO = [[-1.0, -0.5], [-0.25, -2.0]]


def kl(t: list[Any], log_t: list[Any], log_p: list[Any]) -> Any:
    terms = zip(t, log_t, log_p, strict=True)
    return mp.fsum(t_c * (log_t_c - log_p_c) for t_c, log_t_c, log_p_c in terms if t_c != 0)


def logs(p: list[Any]) -> list[Any]:
    return [mp.log(p_c) if p_c != 0 else -mp.inf for p_c in p]


@evidence(
    "kl_divergence",
    case("ordinary", LOGS, PROBS),
    case("worked", [[math.log(0.9), math.log(0.1)]], [[0.5, 0.5]]),
    case("worked: swapped", [[math.log(0.5), math.log(0.5)]], [[0.9, 0.1]]),
    case("log target", LOGS, OTHER_LOGS, log_target=True),
    case("log target, mean", LOGS, OTHER_LOGS, log_target=True, reduction="mean"),
    case(
        "log target, NaN under the mask",
        [*LOGS[:1], [NAN] * 3, *LOGS[2:]],
        OTHER_LOGS,
        log_target=True,
        where=MASK,
    ),
    case("generalized", LOGS, PROBS, generalized=True),
    case("generalized, mean", LOGS, PROBS, generalized=True, reduction="mean"),
    case("generalized, log target", LOGS, OTHER_LOGS, generalized=True, log_target=True),
    case(
        "generalized, NaN under the mask",
        [*LOGS[:1], [NAN] * 3, *LOGS[2:]],
        PROBS,
        generalized=True,
        where=MASK,
    ),
    case("generalized, far apart", [[-8.0, 2.0, -1.0]], [[2.0, 0.0625, 8.0]], generalized=True),
    case("generalized, close", CLOSE, TO, generalized=True, log_target=True),
    case("generalized, very close", VERY_CLOSE, TO_THESE, generalized=True, log_target=True),
    case("generalized, equal", TO, TO, generalized=True, log_target=True),
    case("close", CLOSE, TO, log_target=True),
    case("equal", TO, TO, log_target=True),
    case(
        "equal, on a simplex",
        [[0.0, -INF], [-INF, 0.0]],
        [[1.0, 0.0], [0.0, 1.0]],
        tags=("inf",),
        gradient={"target": None},
    ),
    case("classes along the first of two axes", LOGS, PROBS, axis=0),
    case(
        "classes along the second of three axes",
        uniform(155, 2, 3, 2, low=-3, high=-0.25),
        uniform(156, 2, 3, 2, low=0.25, high=1),
        axis=1,
    ),
    case(
        "a target of 0",
        [[-0.5, -2.0], [-1.5, -0.25]],
        [[1.0, 0.0], [0.0, 1.0]],
        gradient={"target": [[1.5, 0.0], [0.0, -0.625]]},
    ),
    case(
        "generalized, a target of 0",
        [[-0.5, -2.0], [-1.5, -0.25]],
        [[1.0, 0.0], [0.0, 1.0]],
        generalized=True,
        gradient={"target": [[0.5, 0.0], [0.0, -0.125]]},
    ),
    case(
        "a target of 0 for a prediction of 0",
        [[-0.5, -INF]],
        [[1.0, 0.0]],
        tags=("inf",),
        gradient={"target": [[1.5, 0.0]]},
    ),
    case(
        "a target above 0 for a prediction of 0",
        [[-0.5, -INF]],
        [[0.5, 0.5]],
        tags=("inf",),
        gradient={"target": None},
    ),
    case(
        "generalized, a target of 0 for a prediction of 0",
        [[-0.5, -INF]],
        [[1.0, 0.0]],
        generalized=True,
        tags=("inf",),
        gradient={"target": [[0.5, 0.0]]},
    ),
    case(
        "generalized, a target above 0 for a prediction of 0",
        [[-0.5, -INF]],
        [[0.5, 0.5]],
        generalized=True,
        tags=("inf",),
        gradient={"target": None},
    ),
    case("log target of -inf", [[-0.5, -2.0]], [[-0.25, -INF]], log_target=True, tags=("inf",)),
    case(
        "log target of -inf for a prediction of 0",
        [[-0.5, -INF]],
        [[-0.25, -INF]],
        log_target=True,
        tags=("inf",),
    ),
    case(
        "log target above -inf for a prediction of 0",
        [[-0.5, -INF]],
        [[-0.25, -2.0]],
        log_target=True,
        tags=("inf",),
    ),
    case(
        "generalized, log target of -inf",
        [[-0.5, -2.0]],
        [[-0.25, -INF]],
        generalized=True,
        log_target=True,
        tags=("inf",),
    ),
    case(
        "generalized, log target of -inf for a prediction of 0",
        [[-0.5, -INF]],
        [[-0.25, -INF]],
        generalized=True,
        log_target=True,
        tags=("inf",),
    ),
    case("tiny probabilities", [[-64.0, -0.25, -32.0]], [[2.0**-40, 0.5, 2.0**-14]]),
    case("very negative logarithms", [[-8192.0, -0.25]], [[0.5, 0.5]]),
    case("NaN prediction", [[NAN, -0.5], [-0.5, -1.0]], [[0.5, 0.5], [0.5, 0.5]], tags=("nan",)),
    case("NaN target", [[-1.0, -0.5], [-0.5, -1.0]], [[NAN, 0.5], [0.5, 0.5]], tags=("nan",)),
    case("a single class", [[-0.5], [0.0]], [[1.0], [1.0]]),
    peers={
        "optax": "optax.losses.kl_divergence(log_probs, target)",
        "torch": "torch.nn.functional.kl_div(log_probs, target, log_target=log_target)",
    },
)
def kl_divergence(
    log_p: list[Any], target: list[Any], *, log_target: bool = False, generalized: bool = False
) -> Any:
    t = list(map(mp.exp, target)) if log_target else target
    value = kl(t, target if log_target else logs(t), log_p)
    return value + mp.fsum(map(mp.exp, log_p)) - mp.fsum(t) if generalized else value


FROM_PROBS: dict[str, Any] = {"from_log": False}


@evidence(
    "js_divergence",
    case("ordinary", LOGS, OTHER_LOGS),
    case("worked", [[0.9, 0.1]], [[0.5, 0.5]], **FROM_PROBS),
    case("worked: swapped", [[0.5, 0.5]], [[0.9, 0.1]], **FROM_PROBS),
    case("worked: logarithms", [[math.log(0.9), math.log(0.1)]], [[math.log(0.5), math.log(0.5)]]),
    case("probabilities", OTHER_PROBS, PROBS, **FROM_PROBS),
    case("probabilities, mean", OTHER_PROBS, PROBS, reduction="mean", **FROM_PROBS),
    case(
        "probabilities, NaN under the mask",
        [*PROBS[:1], [NAN] * 3, *PROBS[2:]],
        OTHER_PROBS,
        where=MASK,
        **FROM_PROBS,
    ),
    case("weight", LOGS, OTHER_LOGS, weight=0.25),
    case("small weight", LOGS, OTHER_LOGS, weight=2.0**-7),
    case("large weight", LOGS, OTHER_LOGS, weight=1 - 2.0**-7),
    case("weight of 0", LOGS, OTHER_LOGS, weight=0.0),
    case("weight of 1", LOGS, OTHER_LOGS, weight=1.0),
    case("weight, probabilities", PROBS, OTHER_PROBS, weight=0.875, **FROM_PROBS),
    case("close", CLOSE, TO),
    case("close, weight", CLOSE, TO, weight=0.125),
    case(
        "close probabilities",
        [[0.5 + 2.0**-9, 0.5 - 2.0**-9], [0.25, 0.75]],
        [[0.5, 0.5], [0.25 + 2.0**-9, 0.75 - 2.0**-9]],
        **FROM_PROBS,
    ),
    case(
        "very close probabilities",
        [[0.5 + 2.0**-20, 0.5 - 2.0**-20], [2.0**-20, 1 - 2.0**-20]],
        [[0.5, 0.5], [2.0**-19, 1 - 2.0**-19]],
        **FROM_PROBS,
    ),
    case("equal", TO, TO),
    case("equal probabilities", PROBS, PROBS, **FROM_PROBS),
    case("classes along the first of two axes", LOGS, OTHER_LOGS, axis=0),
    case("logarithms of -inf", [[-0.5, -INF], [-1.0, -2.0]], [[-0.25, -2.0], [-0.5, -INF]], tags=("inf",)),
    case("logarithms of -inf on both sides", [[-0.5, -INF]], [[-0.25, -INF]], tags=("inf",)),
    case("no common support", [[0.0, -INF]], [[-INF, 0.0]], tags=("inf",)),
    case("no common support, weight of 0", [[0.0, -INF]], [[-INF, 0.0]], weight=0.0, tags=("inf",)),
    case("no common support, weight of 1", [[0.0, -INF]], [[-INF, 0.0]], weight=1.0, tags=("inf",)),
    case("no common support, small weight", [[0.0, -INF]], [[-INF, 0.0]], weight=2.0**-7, tags=("inf",)),
    case(
        "no common support, probabilities",
        [[1.0, 0.0]],
        [[0.0, 1.0]],
        gradient={"log_probs": None, "target": None},
        **FROM_PROBS,
    ),
    case(
        "probabilities of 0 on both sides",
        [[0.25, 0.75, 0.0]],
        [[0.5, 0.5, 0.0]],
        gradient={"log_probs": None, "target": None},
        **FROM_PROBS,
    ),
    case("tiny probabilities", [[-64.0, -0.25, -32.0]], [[-32.0, -0.5, -64.0]]),
    case("very negative logarithms", [[-100.0, -8192.0, -0.25]], [[-0.5, -0.25, -8192.0]]),
    case("NaN prediction", [[NAN, -0.5], [-0.5, -1.0]], TWO, tags=("nan",)),
    case("NaN target", TWO, [[-0.5, NAN], [-0.5, -1.0]], tags=("nan",)),
)
def js_divergence(p: list[Any], t: list[Any], *, weight: Any = 0.5, from_log: bool = True) -> Any:
    if from_log:
        p, t = list(map(mp.exp, p)), list(map(mp.exp, t))
    m = [weight * t_c + (1 - weight) * p_c for p_c, t_c in zip(p, t, strict=True)]
    first = kl(t, logs(t), logs(m)) if weight != 0 else 0
    second = kl(p, logs(p), logs(m)) if weight != 1 else 0
    return weight * first + (1 - weight) * second


STUDENT = uniform(161, 4, 3)
TEACHER = uniform(162, 4, 3)


@evidence(
    "distillation_loss",
    case("ordinary", STUDENT, TEACHER),
    case("worked", [[1.0, 2.0, 0.5]], [[2.0, 1.0, 0.0]], temperature=2.0),
    case("temperature", STUDENT, TEACHER, temperature=4.0),
    case("temperature, mean", STUDENT, TEACHER, temperature=4.0, reduction="mean"),
    case("low temperature", STUDENT, TEACHER, temperature=0.125),
    case("high temperature", STUDENT, TEACHER, temperature=20.0),
    case("very high temperature", STUDENT, TEACHER, temperature=1024.0),
    case("many classes", uniform(163, 2, 12), uniform(164, 2, 12), temperature=10.0),
    case("close", CLOSE, TO, temperature=2.0),
    case("very close", [[-1.0, -1 + 2.0**-20], [0.25, 0.25 - 2.0**-22]], [[-1.0, -1.0], [0.25, 0.25]]),
    case("equal", STUDENT, STUDENT, temperature=2.0),
    case("equal but for a constant", [[1.0, 2.0, 0.5]], [[3.0, 4.0, 2.5]]),
    case("logits of 0", [[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]),
    case("ties", [[1.0, 1.0, 0.5], [0.5, 1.0, 1.0]], [[0.5, 1.0, 1.0], [1.0, 1.0, 1.0]]),
    case("a large offset", [[8192.0, 8200.0, 8208.0]], [[-8192.0, -8200.0, -8208.0]], temperature=4.0),
    case(
        "logits far apart",
        [[200.0, 0.0, -200.0], [0.0, 8192.0, -8192.0]],
        [[-200.0, 0.0, 200.0], [8192.0, 0.0, -8192.0]],
    ),
    case("confident student and teacher", [[20.0, 0.0], [40.0, 0.0]], [[24.0, 0.0], [0.0, -40.0]]),
    case("classes along the first of two axes", STUDENT, TEACHER, temperature=2.0, axis=0),
    case("classes along the second of three axes", uniform(165, 2, 3, 2), uniform(166, 2, 3, 2), axis=1),
    case(
        "a class that only the teacher excludes",
        [[1.0, 2.0, 0.5]],
        [[2.0, 1.0, -INF]],
        temperature=2.0,
        tags=("inf",),
    ),
    case(
        "a class that only the student excludes",
        [[1.0, 2.0, -INF]],
        [[2.0, 1.0, 0.5]],
        temperature=2.0,
        tags=("inf",),
    ),
    case("a class that both exclude", [[1.0, 2.0, -INF]], [[2.0, 1.0, -INF]], temperature=2.0, tags=("inf",)),
    case("NaN logit", [[NAN, 1.0], [0.5, 1.0]], [[1.0, 0.5], [1.0, 0.5]], tags=("nan",)),
    case("NaN logit of the teacher", [[2.0, 1.0], [0.5, 1.0]], [[1.0, NAN], [1.0, 0.5]], tags=("nan",)),
    case("a single class", [[0.5], [-2.0]], [[1.0], [3.0]]),
)
def distillation_loss(s: list[Any], t: list[Any], *, at: list[Any], temperature: Any = 1) -> Any:
    p = softmax([s_c / temperature for s_c in s])
    q = softmax([t_c / temperature for t_c in at[1]])
    return temperature**2 * kl(q, logs(q), logs(p))


def softmax(z: list[Any]) -> list[Any]:
    e = list(map(mp.exp, z))
    total = mp.fsum(e)
    return [e_c / total for e_c in e]
