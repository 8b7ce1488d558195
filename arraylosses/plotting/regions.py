"""Losses of regions: what a mask costs that grows over its target, is moved off it, or is less sure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .recipes import Masks, Recipe, Walk, items

Array = Any
N, RADIUS = 44, 7.5  # pixels along a side, and of the true disc
ACROSS, DOWN = np.meshgrid(np.arange(N) - (N - 1) / 2, np.arange(N) - (N - 1) / 2)
GROW, SHIFT, SURE = (1.0, 19.0), (-14.0, 14.0), (0.0, 1.0)
AT = {GROW: (3.0, 7.5, 16.0), SHIFT: (-12.0, 0.0, 5.0), SURE: (0.2, 0.6, 1.0)}


def clipped(xp: Any, x: Array) -> Array:
    return xp.clip(x, 0.0, 1.0)


def disc(xp: Any, radius: Array, shift: Array) -> Array:
    """A disc of ones whose edge is one pixel soft, for each radius and each shift."""
    return clipped(xp, radius - distance(xp, shift) + 0.5)


def distance(xp: Any, shift: Array) -> Array:
    """How far every pixel is from the middle of a disc."""
    return xp.sqrt((ACROSS - shift) ** 2 + DOWN**2)


def tube(xp: Any, thick: Array, shift: Array, gap: Array) -> Array:
    """A vessel from side to side, so many pixels thick, moved down, with a gap in the middle."""
    inside = clipped(xp, thick / 2 - xp.abs(DOWN - shift) + 0.5)
    return inside * clipped(xp, xp.abs(ACROSS) - gap / 2 + 0.5)


def three(x: Array) -> Array:
    return x[:, None, None]


TRUTH = np.clip(RADIUS - np.hypot(ACROSS, DOWN) + 0.5, 0, 1) > 0.5
EDGE = np.abs(np.hypot(ACROSS, DOWN) - RADIUS)
SIGNED = np.hypot(ACROSS, DOWN) - RADIUS
VESSEL = np.abs(DOWN) < 2


def grown(xp: Any, x: Array) -> tuple[Array, Array]:
    """A disc of this radius, and how far every pixel is from its edge."""
    return disc(xp, three(x), 0.0), xp.abs(distance(xp, 0.0) - three(x))


def moved(xp: Any, x: Array) -> tuple[Array, Array]:
    return disc(xp, RADIUS, three(x)), xp.abs(distance(xp, three(x)) - RADIUS)


def faded(xp: Any, x: Array) -> tuple[Array, Array]:
    return disc(xp, RADIUS, 0.0) * three(x), EDGE + 0 * three(x)


def two_classes(xp: Any, mask: Array) -> Array:
    """Background and foreground."""
    return xp.stack([1 - mask, mask], axis=1)


def like(xp: Any, mask: Array, truth: Array) -> Array:
    return xp.zeros_like(mask) + truth


def of_target(xp: Any, mask: Array, truth: Array) -> tuple[Any, ...]:
    return two_classes(xp, mask), two_classes(xp, like(xp, mask, truth))


def foreground(result: Any, x: Array) -> Array:
    """Of items that are classes of an image, the foreground."""
    found = items(result, x)
    return found[:, -1] if len(found.shape) > 1 else found


def walk(label: str, span: tuple[float, float], make: Any, image: Any, at: Any, truth: Array, n: int) -> Walk:
    masks = Masks(lambda x: image(np, np.asarray([x]))[0], at, truth)
    return Walk(label, span, make, orders=0, pick=foreground, masks=masks, points=n)


def discs(
    make: Callable[..., tuple[Any, ...]] = lambda xp, mask, _: of_target(xp, mask, TRUTH * 1.0),
    vary: dict[str, tuple[Any, ...]] | None = None,
    **more: Any,
) -> Recipe:
    """A disc over a disc. `make` gives the arrays, from a mask and the distances from its edge."""
    walks = [
        walk(
            label,
            span,
            lambda xp, x, _, form=form: make(xp, *form(xp, x)),
            lambda xp, x, form=form: form(xp, x)[0],
            AT[span],
            TRUTH,
            49,
        )
        for label, span, form in (
            ("radius of the mask, in pixels", GROW, grown),
            ("shift of the mask, in pixels", SHIFT, moved),
            ("probability inside the mask", SURE, faded),
        )
    ]
    return Recipe(tuple(walks), vary or {}, **more)


def vessels(vary: dict[str, tuple[Any, ...]], **more: Any) -> Recipe:
    """A vessel over a vessel: thicker and thinner, moved, and broken."""
    forms = (
        ("thickness, in pixels", (0.0, 12.0), lambda xp, x: tube(xp, three(x), 0.0, -1.0), (2.0, 4.0, 9.0)),
        ("shift, in pixels", (-8.0, 8.0), lambda xp, x: tube(xp, 4.0, three(x), -1.0), (-6.0, 0.0, 2.0)),
        (
            "length of a gap, in pixels",
            (0.0, 24.0),
            lambda xp, x: tube(xp, 4.0, 0.0, three(x)),
            (0.0, 6.0, 18.0),
        ),
    )
    walks = [
        walk(
            label,
            span,
            lambda xp, x, _, form=form: of_target(xp, form(xp, x), VESSEL * 1.0),
            form,
            at,
            VESSEL,
            49,
        )
        for label, span, form, at in forms
    ]
    return Recipe(tuple(walks), vary, **more)


def with_distance(xp: Any, mask: Array, _: Array) -> tuple[Any, ...]:
    probs = two_classes(xp, mask)
    return probs, like(xp, probs, SIGNED)


def with_distances(xp: Any, mask: Array, away: Array) -> tuple[Any, ...]:
    probs, truth = of_target(xp, mask, TRUTH * 1.0)
    return probs, truth, two_distances(xp, away), like(xp, probs, EDGE)


def two_distances(xp: Any, away: Array) -> Array:
    return xp.stack([away, away], axis=1)


def as_logits(xp: Any, mask: Array, _: Array) -> tuple[Any, ...]:
    return 6 * mask - 3, like(xp, mask, TRUTH * 1.0)


def unsure(xp: Any, mask: Array, _: Array) -> tuple[Any, ...]:
    """A mask that is nowhere certain, where certainty may cost infinitely much."""
    return of_target(xp, 0.02 + 0.96 * mask, TRUTH * 1.0)


UNSURE = "probabilities from 0.02 outside of the mask to 0.98 inside"


def with_labels(xp: Any, mask: Array, _: Array) -> tuple[Any, ...]:
    labels = xp.astype(like(xp, mask, TRUTH * 1.0), xp.int64)
    return two_classes(xp, mask), labels


RECIPES: dict[str, Recipe] = {
    "dice_loss": discs(vary={"squared": (False, True)}),
    "jaccard_loss": discs(),
    "tversky_loss": discs(vary={"beta": (0.2, 0.5, 0.8)}),
    "focal_tversky_loss": discs(vary={"gamma": (0.5, 0.75, 1.5)}),
    "combo_loss": discs(unsure, {"alpha": (0.0, 0.5, 1.0)}, subtitle=UNSURE),
    "unified_focal_loss": discs(unsure, {"gamma": (0.1, 0.5, 0.9)}, subtitle=UNSURE),
    "generalized_dice_loss": discs(vary={"weighting": ("square", "simple", "uniform")}),
    "log_cosh_dice_loss": discs(vary={"squared": (False, True)}),
    "sensitivity_specificity_loss": discs(vary={"sensitivity_weight": (0.05, 0.5, 0.95)}),
    "lovasz_hinge_loss": discs(
        as_logits, {"activation": ("relu", "elu+1")}, subtitle="logits from −3, at probability 0, to 3"
    ),
    "lovasz_softmax_loss": discs(with_labels, fixed={"per_image": True}),
    "boundary_loss": discs(with_distance, unit="pixels"),
    "hausdorff_dt_loss": discs(with_distances, {"alpha": (1.0, 2.0, 3.0)}, given={"log": True}),
    "soft_cldice_loss": vessels({}),
}
