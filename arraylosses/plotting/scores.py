"""Losses of scores: of entries of a list, of real and of generated samples; and penalties."""

from __future__ import annotations

from typing import Any

import numpy as np

from .recipes import Field, Mark, Recipe, Walk, summed

Array = Any
OTHERS = (-2.0, 0.0, 2.0)
IN_A_LIST = "the others have scores of −2, 0 and 2 and relevances of 0, 2 and 1"


def in_a_list(orders: int = 1) -> Walk:
    """Over the score of the most relevant of four entries."""
    relevance = np.asarray([3.0, 0.0, 2.0, 1.0])

    def arguments(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        scores = xp.stack([x, *(xp.zeros_like(x) + s for s in OTHERS)], axis=-1)
        return scores, np.broadcast_to(relevance, (x.shape[0], 4))

    return Walk(
        "score of the most relevant entry", (-5.0, 5.0), arguments, orders=orders, pick=summed, places=OTHERS
    )


def rank_label(xp: Any, x: Array, sign: float) -> tuple[Array, ...]:
    return x, xp.zeros_like(x), xp.zeros_like(x) + sign


def both(result: Any, x: Array) -> Array:
    """The items of real and of generated samples, added up."""
    return result[0] + result[1]


REAL_OR_FAKE = {"of a real sample": True, "of a generated sample": False}


def judged(xp: Any, x: Array, real: bool) -> tuple[Array, Array]:
    nothing = xp.zeros_like(x)
    return (x, nothing) if real else (nothing, x)


def slope(xp: Any, x: Array, _: Any) -> tuple[Array]:
    return (xp.stack([x, xp.zeros_like(x)], axis=-1),)


def one_parameter(span: float = 2.0) -> Walk:
    return Walk(
        "a parameter",
        (-span, span),
        lambda xp, x, _: (xp.reshape(x, (1,)),),
        in_turn=True,
    )


def parts_of_hifigan(changed: str) -> Any:
    """Scores, features and mel spectrograms that are right but for one of them."""

    def arguments(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        at = {name: xp.zeros_like(x) for name in ("score", "feature", "mel")} | {changed: x}
        one = xp.reshape(xp.zeros_like(x), (1,))
        score = at["score"] if changed == "score" else at["score"] + 1
        return score, one + at["feature"], one, one + at["mel"], one

    return arguments


def hifigan(label: str, changed: str, span: tuple[float, float]) -> Walk:
    def at(xp: Any, x: Array, case: Any) -> tuple[Array, ...]:
        score, *rest = parts_of_hifigan(changed)(xp, x, case)
        return (xp.reshape(score, (1,)), *rest)

    return Walk(label, span, at, orders=1, in_turn=True)


RECIPES: dict[str, Recipe] = {
    "margin_ranking_loss": Recipe(
        (
            Walk(
                "x1 − x2",
                (-3.0, 3.0),
                rank_label,
                {"x1 shall be greater": 1.0, "x2 shall be greater": -1.0},
                orders=1,
            ),
        ),
        {"margin": (0.0, 0.5, 1.0)},
    ),
    "pairwise_logistic_loss": Recipe(
        (in_a_list(2),), {"sigma": (0.5, 1.0, 2.0)}, unit="nats, summed over pairs", subtitle=IN_A_LIST
    ),
    "listnet_loss": Recipe(
        (in_a_list(2),), {"target": ("softmax", "normalized")}, unit="nats", subtitle=IN_A_LIST
    ),
    "lambda_rank_loss": Recipe(
        (in_a_list(),), {"sigma": (0.5, 1.0, 2.0)}, unit="nats, weighed", subtitle=IN_A_LIST
    ),
    "approx_ndcg_loss": Recipe((in_a_list(),), {"temperature": (0.1, 0.5, 1.0)}, subtitle=IN_A_LIST),
    "gan_generator_loss": Recipe(
        (Walk("score of a generated sample", (-4.0, 4.0), lambda xp, x, _: (x,)),),
        {"kind": ("non_saturating", "minimax", "lsgan", "wgan")},
    ),
    "gan_discriminator_loss": Recipe(
        (Walk("score, the other one being 0", (-4.0, 4.0), judged, REAL_OR_FAKE, pick=both),),
        {"kind": ("non_saturating", "lsgan", "hinge", "wgan")},
    ),
    "hifigan_discriminator_loss": Recipe(
        (Walk("score, the other one being 0", (-2.0, 3.0), judged, REAL_OR_FAKE, pick=both),)
    ),
    "feature_matching_loss": Recipe(
        (
            Walk(
                "difference of the features",
                (-2.0, 2.0),
                lambda xp, x, _: (xp.stack([x, x]), np.zeros(2)),
                in_turn=True,
            ),
        ),
        {"metric": ("l1", "l2")},
    ),
    "hifigan_generator_loss": Recipe(
        (
            hifigan("score of the sample", "score", (-1.0, 3.0)),
            hifigan("error of features", "feature", (-2.0, 2.0)),
            hifigan("error of the mel spectrogram", "mel", (-2.0, 2.0)),
        ),
    ),
    "l1_penalty": Recipe((one_parameter(),), {"weight": (0.5, 1.0, 2.0)}),
    "l2_penalty": Recipe((one_parameter(),), {"weight": (0.5, 1.0, 2.0)}),
    "elastic_net_penalty": Recipe((one_parameter(),), {"l1_ratio": (0.0, 0.5, 1.0)}),
    "gradient_penalty": Recipe(
        (
            Walk("length of a gradient of the critic", (0.0, 2.5), slope, orders=1),
            Field(
                lambda xp, p: (p,),
                (-2.0, 2.0, -2.0, 2.0),
                (
                    Mark(
                        "length 1",
                        tuple((np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 73)),
                        "outline",
                    ),
                ),
                "force on a gradient",
                ("x", "y"),
            ),
        ),
        {"one_sided": (False, True)},
    ),
    "r1_penalty": Recipe(
        (Walk("length of a gradient at a real sample", (0.0, 2.0), slope),), {"gamma": (1.0, 5.0, 10.0)}
    ),
    "r2_penalty": Recipe(
        (Walk("length of a gradient at a generated sample", (0.0, 2.0), slope),), {"gamma": (1.0, 5.0, 10.0)}
    ),
}
