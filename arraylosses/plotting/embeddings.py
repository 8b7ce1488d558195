"""Losses of embeddings: what an embedding costs on its way, and the force on it in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from .angles import OTHER, REF, REF_LABELS, around, at, circle, labels, points
from .recipes import Field, Mark, Recipe, Walk, summed, total

Array = Any
POSITIVE, NEGATIVE = (-1.0, 0.0), (1.0, 0.0)
LINE = Mark("", ((-3.0, 0.0), (3.0, 0.0)), "thin")
SPAN = (-2.4, 2.4, -2.4, 2.4)
X = "x, along the thin line"


def beside(xp: Any, rows: Array, point: Any) -> Array:
    """One point beside every row."""
    return xp.zeros_like(rows) + np.asarray(point)


def plane(
    vary: dict[str, tuple[Any, ...]],
    make: Any,
    marks: tuple[Mark, ...],
    *,
    pick: Any = summed,
    in_turn: bool = False,
    steps: int = 13,
    span: tuple[float, float, float, float] = SPAN,
    places: tuple[float, ...] = (-1.0, 1.0),
    caption: str = "force on an embedding",
    **more: Any,
) -> Recipe:
    """An embedding whose place is what counts. `make(xp, rows)` gives the arrays."""

    def walk(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        return make(xp, xp.stack([x, xp.zeros_like(x)], axis=-1))

    line = Mark("", ((span[0], 0.0), (span[1], 0.0)), "thin")
    return Recipe(
        (
            Walk(X, span[:2], walk, orders=1, pick=pick, in_turn=in_turn, places=places),
            Field(make, span, (*marks, line), caption, pick=pick, in_turn=in_turn, steps=steps),
        ),
        vary,
        **more,
    )


TRIPLET = (Mark("positive", (POSITIVE,)), Mark("negative", (NEGATIVE,), "X"))


def triplet(xp: Any, p: Array) -> tuple[Array, ...]:
    return p, beside(xp, p, POSITIVE), beside(xp, p, NEGATIVE)


def quadruplet(xp: Any, p: Array) -> tuple[Array, ...]:
    return (*triplet(xp, p), beside(xp, p, (1.0, -1.5)))


# A batch beside which an embedding of the first class stands.
BATCH = np.asarray([POSITIVE, (-1.5, 1.2), NEGATIVE, (1.3, -1.2), (0.4, 1.6)])
BATCH_LABELS = np.asarray([0, 0, 1, 1, 2])
BATCH_MARKS = (Mark("positives", points(BATCH[:2])), Mark("negatives", points(BATCH[2:]), "X"))


def against(xp: Any, p: Array) -> tuple[Array, ...]:
    return p, labels(xp, p), BATCH, BATCH_LABELS


def on_circle_against(xp: Any, p: Array) -> tuple[Array, ...]:
    return p, labels(xp, p), REF, REF_LABELS


def in_batch(rows: Array, ids: Array) -> Any:
    """The embedding as the first of a batch."""

    def make(xp: Any, p: Array) -> tuple[Array, ...]:
        return xp.concat([xp.reshape(p, (1, 2)), rows]), np.asarray([0, *ids])

    return make


def first_of(other: Array) -> Any:
    """The embedding as the first of those that stand beside others, row by row."""

    def make(xp: Any, p: Array) -> tuple[Array, ...]:
        return xp.concat([xp.reshape(p, (1, 2)), at(100.0, -110.0)]), other

    return make


ROWS = at(20.0, 120.0, -100.0)
TEXTS = (Mark("its own", points(ROWS[:1])), Mark("those of others", points(ROWS[1:]), "X"), circle())
ALONG: dict[str, Any] = {
    "marks": TEXTS,
    "places": (20.0, 120.0, -100.0),
    "pick": total,
    "in_turn": True,
    "steps": 11,
}


def nce(xp: Any, p: Array) -> tuple[Array, ...]:
    return p, beside(xp, p, at(0.0)[0]), OTHER


NCE_MARKS = (Mark("positive", ((1.0, 0.0),)), Mark("negatives", points(OTHER), "X"), circle())

PROXIES = np.asarray([POSITIVE, NEGATIVE, (0.5, 1.6)])


def proxies(xp: Any, p: Array) -> tuple[Array, ...]:
    return p, PROXIES, labels(xp, p)


def proxies_around(xp: Any, p: Array) -> tuple[Array, ...]:
    rows = xp.concat([xp.reshape(p, (1, 2)), at(100.0, -110.0)])
    return rows, at(0.0, 120.0, -120.0), np.asarray([0, 1, 2])


PROXY_CIRCLE = (
    Mark("own proxy", points(at(0.0)), "*"),
    Mark("other proxies", points(at(120.0, -120.0)), "X"),
    circle(),
)


def pair(similar: bool, same: Any, different: Any) -> Any:
    def make(xp: Any, p: Array) -> tuple[Array, ...]:
        return p, beside(xp, p, (0.0, 0.0)), xp.zeros_like(p[:, 0]) + (same if similar else different)

    return make


def two_faces(similar: bool) -> Any:
    def make(xp: Any, p: Array) -> tuple[Array, ...]:
        first = labels(xp, p)
        sure, unsure = beside(xp, p, (2.0, 0.0)), beside(xp, p, (0.0, 2.0))
        return p, beside(xp, p, (0.0, 0.0)), sure, sure if similar else unsure, first, first + (not similar)

    return make


def distances(vary: dict[str, tuple[Any, ...]], make: Any, **more: Any) -> Recipe:
    """Two embeddings that are similar, or are not: over their distance."""

    def walk(xp: Any, x: Array, similar: bool) -> tuple[Array, ...]:
        return make(similar)(xp, xp.stack([x, xp.zeros_like(x)], axis=-1))

    marks = (Mark("the other one", ((0.0, 0.0),), "*"),)
    return Recipe(
        (
            Walk("distance", (0.0, 2.5), walk, {"similar": True, "different": False}, orders=1),
            Field(make(False), (-2.0, 2.0, -2.0, 2.0), marks, "force, different"),
        ),
        vary,
        **more,
    )


TRIPLETS = {"margin": (0.2, 1.0, 2.0)}
TEMPERATURES = {"temperature": (0.1, 0.2, 0.5)}

RECIPES: dict[str, Recipe] = {
    "contrastive_loss": distances({"margin": (0.5, 1.0, 2.0)}, lambda similar: pair(similar, 1, 0)),
    "deepid2_loss": distances({"margin": (0.5, 1.0, 2.0)}, two_faces, given={"margin": 1.0, "lam": 1.0}),
    "triplet_margin_loss": plane(TRIPLETS, triplet, TRIPLET),
    "quadruplet_loss": plane(
        {"m1": (0.2, 1.0, 2.0)}, quadruplet, (*TRIPLET, Mark("second negative", ((1.0, -1.5),), "P"))
    ),
    "facenet_triplet_loss": around(
        {"margin": (0.0, 0.2, 1.0)},
        lambda xp, p: (p, beside(xp, p, at(0.0)[0]), beside(xp, p, at(100.0)[0])),
        marks=(Mark("positive", ((1.0, 0.0),)), Mark("negative", points(at(100.0)), "X"), circle()),
        places=(0.0, 100.0),
    ),
    "triplet_batch_all_loss": plane(TRIPLETS, against, BATCH_MARKS),
    "triplet_batch_hard_loss": plane(TRIPLETS, against, BATCH_MARKS),
    "triplet_semi_hard_loss": plane(TRIPLETS, against, BATCH_MARKS),
    "lifted_structure_loss": plane(
        {"margin": (0.5, 1.0, 2.0)},
        in_batch(BATCH, BATCH_LABELS),
        BATCH_MARKS,
        pick=total,
        in_turn=True,
        steps=9,
    ),
    "angular_loss": around({"alpha": (30.0, 45.0, 60.0)}, on_circle_against, pick=summed),
    "center_loss": plane(
        {"half": (True, False)},
        proxies,
        (Mark("own centre", (POSITIVE,), "*"), Mark("other centres", points(PROXIES[1:]), "X")),
    ),
    "proxy_nca_loss": around(
        {"scale": (1.0, 4.0, 16.0)},
        lambda xp, p: (p, at(0.0, 120.0, -120.0), labels(xp, p)),
        marks=PROXY_CIRCLE,
        places=(0.0, 120.0, -120.0),
    ),
    "proxy_anchor_loss": around(
        {"alpha": (8.0, 16.0, 32.0)},
        proxies_around,
        marks=PROXY_CIRCLE,
        places=(0.0, 120.0, -120.0),
        pick=total,
        in_turn=True,
        steps=11,
    ),
    "multi_similarity_loss": around({"beta": (10.0, 50.0)}, on_circle_against),
    "circle_loss": around({"gamma": (16.0, 32.0, 80.0)}, on_circle_against),
    "nt_xent_loss": around(TEMPERATURES, on_circle_against, pick=summed, given={"temperature": 0.2}),
    "sup_con_loss": around(TEMPERATURES, on_circle_against),
    "histogram_loss": around(
        {"bins": (5, 20, 100)},
        in_batch(REF, REF_LABELS),
        pick=total,
        in_turn=True,
        steps=9,
        given={"bins": 20},
    ),
    "info_nce_loss": around(
        TEMPERATURES,
        nce,
        marks=NCE_MARKS,
        places=(0.0, 100.0, -110.0, 170.0),
        given={"temperature": 0.2, "normalize": True},
    ),
    "n_pair_loss": around({"l2_reg": (0.0, 0.5, 2.0)}, first_of(ROWS), **ALONG),
    "clip_loss": around(
        {"logit_scale": (2.0, 5.0, 20.0)},
        first_of(ROWS),
        given={"logit_scale": 5.0, "normalize": True},
        **ALONG,
    ),
    "siglip_loss": around(
        {"logit_bias": (-10.0, -5.0, 0.0)}, first_of(ROWS), given={"normalize": True}, **ALONG
    ),
}

# Pixels of two instances, of which one moves.
MATES, STRANGERS = ((-1.3, 0.4), (-0.8, -0.5), (-1.0, 0.1)), ((1.3, 0.3), (0.9, -0.4), (1.1, 0.2))
PIXELS = (Mark("its instance", MATES), Mark("another instance", STRANGERS, "X"))
IDS = np.asarray([1, 1, 1, 1, 2, 2, 2])


def pixels(xp: Any, p: Array) -> tuple[Array, Array]:
    still = [xp.zeros_like(p) + np.asarray(place) for place in (*MATES, *STRANGERS)]
    return xp.stack([p, *still], axis=1), np.broadcast_to(IDS, (p.shape[0], 7))


def seeded(xp: Any, p: Array) -> tuple[Array, ...]:
    places, ids = pixels(xp, p)
    return places, ids, xp.zeros_like(places[..., :1]), xp.zeros_like(places[..., 0]) + 0.5


COORDS = np.asarray([(-1.0, 0.0), *MATES, *STRANGERS])
RECIPES |= {
    "embedding_hinge_loss": plane(
        {"margin": (0.3, 0.6, 1.2)},
        pixels,
        PIXELS,
        places=(),
        caption="force on a pixel",
        fixed={"num_instances": 2},
        given={"margin": 0.6},
    ),
    "discriminative_loss": plane(
        {"delta_dist": (0.5, 1.5, 3.0)},
        pixels,
        PIXELS,
        places=(),
        caption="force on a pixel",
        fixed={"num_instances": 2},
    ),
    "spatial_embedding_loss": plane(
        {"w_seed": (0.0, 1.0, 4.0)},
        seeded,
        PIXELS,
        places=(),
        caption="force on a pixel",
        fixed={"num_instances": 2, "coords": COORDS},
    ),
}
