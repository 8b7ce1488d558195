"""Losses of several classes: over the logit of one of three, or over a probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from .recipes import Field, Mark, Recipe, Walk

Array = Any
NATS = "nats"
OWN = "logit of the label, the others being 0"
RIVAL = "logit of a rival, the others being 0"


def labels(xp: Any, x: Array, label: int = 0) -> Array:
    return xp.astype(xp.zeros_like(x) + label, xp.int64)


def row(xp: Any, x: Array, *others: float, at: int = 0) -> Array:
    """Logits of classes: the number that varies in one place, constants in the others."""
    columns = [xp.zeros_like(x) + c for c in others]
    return xp.stack([*columns[:at], x, *columns[at:]], axis=-1)


def own(
    span: tuple[float, float] = (-6.0, 8.0), others: tuple[float, ...] = (0.0, 0.0), text: str = OWN
) -> Walk:
    """Over the logit of the label."""
    return Walk(text, span, lambda xp, x, _: (row(xp, x, *others), labels(xp, x)))


def with_prior() -> Walk:
    """Over the logit of the label, by how frequent it is."""
    cases = {"a frequent label, 90 %": (0.9, 0.05, 0.05), "a rare label, 2 %": (0.02, 0.49, 0.49)}
    return Walk(
        OWN, (-6.0, 8.0), lambda xp, x, p: (row(xp, x, 0.0, 0.0), labels(xp, x), np.asarray(p)), cases
    )


def pair(xp: Any, p: Array) -> Array:
    return xp.stack([p, 1 - p], axis=-1)


def of_targets(make: Any, cases: dict[str, float]) -> Walk:
    return Walk("predicted probability of the first of two classes", (0.0, 1.0), make, cases)


TARGETS = {"target 0.5": 0.5, "target 0.8": 0.8, "target 1": 1.0}


def gaussian_force(xp: Any, p: Array) -> tuple[Array, ...]:
    return p[:, 0], xp.zeros_like(p[:, 0]), xp.exp(2 * p[:, 1])


def at_frame(xp: Any, x: Array, word: tuple[int, ...]) -> tuple[Array, Array]:
    """Four frames of a blank, an a and a b, of which the logit of the a in the second frame varies."""
    nothing = xp.zeros_like(x)
    frame = xp.stack([nothing, nothing, nothing], axis=-1)
    second = xp.stack([nothing, x, nothing], axis=-1)
    logits = xp.stack([frame, second, frame, frame], axis=1)
    log_probs = logits - xp.log(xp.sum(xp.exp(logits), axis=-1, keepdims=True))
    return log_probs, np.broadcast_to(np.asarray(word), (x.shape[0], len(word)))


RECIPES: dict[str, Recipe] = {
    "nll_loss": Recipe(
        (
            Walk(
                "predicted probability of the label",
                (0.0, 1.0),
                lambda xp, p, _: (xp.log(pair(xp, p)), labels(xp, p)),
            ),
        ),
        unit=NATS,
    ),
    "cross_entropy": Recipe((own(),), {"label_smoothing": (0.0, 0.1, 0.3)}, unit=NATS),
    "label_smoothed_cross_entropy": Recipe((own(),), {"smoothing": (0.0, 0.1, 0.3)}, unit=NATS),
    "poly1_cross_entropy": Recipe((own(),), {"epsilon": (-1.0, 0.0, 2.0)}, unit=NATS),
    "softmax_focal_loss": Recipe((own(),), {"gamma": (0.0, 1.0, 2.0, 5.0)}, unit="nats, weighed"),
    "balanced_softmax_loss": Recipe((with_prior(),), unit=NATS),
    "logit_adjusted_cross_entropy": Recipe((with_prior(),), {"tau": (0.0, 0.5, 1.0)}, unit=NATS),
    "equalization_softmax_loss": Recipe(
        (
            Walk(
                RIVAL,
                (-6.0, 8.0),
                lambda xp, x, prior: (row(xp, x, 0.0, 0.0, at=1), labels(xp, x), np.asarray(prior)),
                {"a frequent rival, 30 %": (0.4, 0.3, 0.3), "a rare rival, 0.1 %": (0.4, 0.001, 0.599)},
            ),
        ),
        unit=NATS,
    ),
    "seesaw_loss": Recipe(
        (
            Walk(
                "logit of a rival that is rarer, the others being 0",
                (-6.0, 8.0),
                lambda xp, x, _: (row(xp, x, 0.0, 0.0, at=1), labels(xp, x)),
            ),
        ),
        {"p": (0.0, 0.8, 2.0)},
        fixed={"state": np.asarray([1e6, 1e4, 1e6])},
        unit=NATS,
        subtitle="the rival has been a label a hundredth as often",
    ),
    "multiclass_perceptron_loss": Recipe(
        (
            Walk(
                "score of the label",
                (-3.0, 4.0),
                lambda xp, x, _: (row(xp, x, 0.0, 1.0), labels(xp, x)),
                places=(0.0, 1.0),
            ),
        ),
        subtitle="the others have scores of 0 and 1",
    ),
    "multiclass_hinge_loss": Recipe(
        (
            Walk(
                "score of the label",
                (-3.0, 5.0),
                lambda xp, x, _: (row(xp, x, 0.0, 2.0), labels(xp, x)),
                places=(0.0, 2.0),
            ),
        ),
        {"variant": ("crammer_singer", "weston_watkins")},
        subtitle="the others have scores of 0 and 2",
    ),
    "sparsemax_loss": Recipe((own((-4.0, 4.0)),)),
    "z_loss": Recipe(
        (
            Walk(
                "one logit of three",
                (-8.0, 8.0),
                lambda xp, x, c: (row(xp, x, c, c),),
                {"others −4": -4.0, "others 0": 0.0, "others 4": 4.0},
            ),
        ),
        unit="nats², weighed",
    ),
    "linear_cross_entropy": Recipe(
        (
            Walk(
                "hidden state along the weights of the label",
                (-8.0, 12.0),
                lambda xp, x, _: (row(xp, x, 0.0, 0.0), np.eye(3), labels(xp, x)),
            ),
        ),
        {"softcap": (2.0, 5.0, None)},
        unit=NATS,
    ),
    "distribution_focal_loss": Recipe(
        (
            Walk(
                "where the predicted distribution over bins peaks",
                (0.0, 5.0),
                lambda xp, x, t: (-((x[:, None] - np.arange(6.0)) ** 2), xp.zeros_like(x) + t),
                {"target 1": 1.0, "target 2.5": 2.5, "target 3.8": 3.8},
            ),
        ),
        unit=NATS,
    ),
    "distillation_loss": Recipe(
        (
            Walk(
                "student's logit of the first class, the others being 0",
                (-6.0, 8.0),
                lambda xp, x, _: (row(xp, x, 0.0, 0.0), row(xp, xp.zeros_like(x) + 2, 0.0, 0.0)),
                places=(2.0,),
            ),
        ),
        {"temperature": (1.0, 2.0, 4.0)},
        unit=NATS,
        subtitle="the teacher's logit is 2",
    ),
    "kl_divergence": Recipe(
        (of_targets(lambda xp, p, t: (xp.log(pair(xp, p)), pair(xp, xp.zeros_like(p) + t)), TARGETS),),
        unit=NATS,
    ),
    "js_divergence": Recipe(
        (of_targets(lambda xp, p, t: (pair(xp, p), pair(xp, xp.zeros_like(p) + t)), TARGETS),),
        given={"from_log": False},
        unit=NATS,
    ),
    "gaussian_nll": Recipe(
        (
            Walk(
                "prediction − target",
                (-3.0, 3.0),
                lambda xp, x, var: (x, xp.zeros_like(x), xp.zeros_like(x) + var),
                {"σ² = 0.25": 0.25, "σ² = 1": 1.0, "σ² = 4": 4.0},
                orders=1,
            ),
            Field(
                gaussian_force,
                (-2.0, 2.0, -1.0, 1.6),
                (Mark("target", ((0.0, 0.0),), "*"),),
                "force on mean and log σ",
                ("prediction − target", "log σ"),
            ),
        ),
        unit=NATS,
    ),
    "ctc_loss": Recipe(
        (
            Walk(
                "logit of “a” in the second of four frames",
                (-6.0, 6.0),
                at_frame,
                {"label “a”": (1,), "label “b”": (2,), "label “ab”": (1, 2), "label “aa”": (1, 1)},
            ),
        ),
        unit="nats a symbol",
        subtitle="all other logits, of “a”, “b” and the blank, are 0",
    ),
}
