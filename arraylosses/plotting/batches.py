"""Losses of a whole batch: of views of images, of the heads of detectors, of gradients of all sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .recipes import Recipe, Walk, items, total

Array = Any
RNG = np.random.default_rng(3)


def whitened(rows: Array) -> Array:
    """Features that have mean 0 and variance 1, and nothing in common."""
    rows = rows - rows.mean(0)
    basis, _ = np.linalg.qr(rows)
    return basis * np.sqrt(len(rows) - 1)


VIEW = whitened(RNG.normal(size=(16, 3)))
OTHER = whitened(np.concatenate([VIEW, RNG.normal(size=(16, 3))], axis=1))[:, 3:]


def apart(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
    return VIEW + x * OTHER, VIEW + 0 * x


def scaled(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
    return x * VIEW, x * VIEW


def alike(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
    """Every feature turns into the first one."""
    rows = (1 - x) * VIEW + x * VIEW[:, :1]
    return rows, rows


NO_BOX = np.zeros((1, 4))


def head(kind: str) -> Any:
    """A region that holds the first of two classes, and is right but for its logit or its box."""

    def make(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        nothing = xp.zeros_like(x)
        logit, off = (x, nothing) if kind == "logit" else (nothing, x)
        logits = xp.stack([nothing, logit, nothing])
        boxes = xp.stack([off, nothing, nothing, nothing])
        return xp.reshape(logits, (1, 3)), np.asarray([1]), xp.reshape(boxes, (1, 4)), NO_BOX

    return make


def proposal(kind: str) -> Any:
    def make(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        logits, labels, boxes, truth = head(kind)(xp, x, _)
        return logits[:, 1], labels, boxes, truth

    return make


def anchors(kind: str) -> Any:
    """Five anchors: one that holds something, and four of the background, of which one varies."""

    def make(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        nothing = xp.zeros_like(x)
        logit, off = (x, nothing) if kind == "logit" else (nothing - 3, x)
        rows = [xp.stack([nothing, nothing + c]) for c in (2.0, 1.0, 0.0, -1.0)]
        logits = xp.stack([*rows, xp.stack([nothing, logit])])
        boxes = xp.stack([off, *[nothing] * 19])
        labels = np.asarray([[1, 0, 0, 0, 0]])
        return xp.reshape(logits, (1, 5, 2)), labels, xp.reshape(boxes, (1, 5, 4)), np.zeros((1, 5, 4))

    return make


def queries(kind: str) -> Any:
    """Two predictions of one target: the first is assigned to it, the second to nothing."""

    def make(xp: Any, x: Array, _: Any) -> tuple[Array, ...]:
        nothing = xp.zeros_like(x)
        own, idle = (x if kind == name else nothing for name in ("own", "idle"))
        logits = xp.stack([own, nothing, nothing, idle, nothing, nothing])
        off = x if kind == "box" else nothing
        boxes = xp.stack([0.5 + off, nothing + 0.5, nothing + 0.3, nothing + 0.2, *[nothing + 0.5] * 4])
        target = np.asarray([[[0.5, 0.5, 0.3, 0.2]]])
        return (
            xp.reshape(logits, (1, 2, 3)),
            xp.reshape(boxes, (1, 2, 4)),
            np.asarray([[0]]),
            target,
            np.asarray([[0, -1]]),
        )

    return make


def turns(
    *made: tuple[str, Any, tuple[float, float]], vary: dict[str, tuple[Any, ...]], pick: Any = items
) -> Recipe:
    """Walks of a batch as a whole, which is made for each number in turn."""
    walks = [
        Walk(label, span, make, orders=1, in_turn=True, pick=pick, points=25) for label, make, span in made
    ]
    return Recipe(tuple(walks), vary)


MANY = 4000
EASY = RNG.normal(3.0, 2.5, MANY)
SMALL = RNG.laplace(0.0, 0.03, MANY)


def among(many: Array, target: float) -> Any:
    """The items that vary, in a batch with very many others."""

    def make(xp: Any, x: Array, _: Any) -> tuple[Array, Array]:
        rows = xp.concat([x, many])
        return rows, xp.zeros_like(rows) + target

    return make


def first(result: Any, x: Array) -> Array:
    return items(result, x)[: x.shape[0]]


LOGIT, OFF = (-6.0, 6.0), (-3.0, 3.0)
RECIPES: dict[str, Recipe] = {
    "vicreg_loss": turns(
        ("distance of the views", apart, (0.0, 2.0)),
        ("deviation of every feature", scaled, (0.0, 2.0)),
        ("how alike the features are", alike, (0.0, 1.0)),
        vary={"mu": (5.0, 25.0)},
        pick=total,
    ),
    "barlow_twins_loss": turns(
        ("distance of the views", apart, (0.0, 2.0)),
        ("how alike the features are", alike, (0.0, 0.9)),
        vary={"lam": (0.005, 0.1, 1.0)},
        pick=total,
    ),
    "fast_rcnn_loss": turns(
        ("logit of the label", head("logit"), LOGIT),
        ("error of one side of the box", head("box"), OFF),
        vary={"beta": (0.1, 1.0, 2.0)},
    ),
    "rpn_loss": turns(
        ("objectness of an object", proposal("logit"), LOGIT),
        ("error of one side of the box", proposal("box"), OFF),
        vary={"beta": (1 / 9, 1.0, 2.0)},
    ),
    "multibox_loss": turns(
        ("wrong logit of a background anchor", anchors("logit"), LOGIT),
        ("error of one side of the box", anchors("box"), OFF),
        vary={"neg_pos_ratio": (1.0, 2.0, 4.0)},
    ),
    "detr_set_loss": turns(
        ("class logit, not assigned", queries("idle"), LOGIT),
        ("shift of the box", queries("box"), (-0.5, 0.5)),
        vary={"no_object_weight": (0.1, 0.5, 1.0)},
    ),
    "ghm_classification_loss": Recipe(
        (
            Walk(
                "logit of a positive, among many that are easy", LOGIT, among(EASY, 1.0), orders=1, pick=first
            ),
        ),
        {"bins": (1, 5, 10)},
        unit="nats, weighed",
    ),
    "ghm_regression_loss": Recipe(
        (Walk("residual, among many that are small", (-0.2, 0.2), among(SMALL, 0.0), orders=1, pick=first),),
        {"bins": (1, 5, 10)},
    ),
}
