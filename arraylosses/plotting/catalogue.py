"""Which recipe a loss has, and what its picture shows in words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from .._core.registry import Loss
from . import angles, batches, boxes, classes, embeddings, pointwise, regions, scores, signals
from .recipes import Field, Recipe, Walk
from .settings import Settings

TABLES: tuple[dict[str, Recipe], ...] = tuple(
    module.RECIPES for module in (classes, scores, boxes, regions, embeddings, angles, signals, batches)
)


SHOWN = ("the value", "the value and the gradient", "the value, the gradient and the second derivative")


@cache
def recipe_of(spec: Loss) -> Recipe:
    """The recipe in one of the tables, or the one that a declaration gives."""
    for table in TABLES:
        if spec.name in table:
            return table[spec.name]
    recipe = pointwise.recipe(spec)
    if recipe is None:
        raise NotImplementedError(f"plot: there is no picture of {spec.name}")
    return recipe


def sentence(spec: Loss, recipe: Recipe, chosen: Settings) -> str:
    """One sentence: what is drawn, over what, and for which values."""
    walks = [w for c in recipe.columns for w in (c if isinstance(c, tuple) else (c,)) if isinstance(w, Walk)]
    over: dict[str, list[str]] = {}
    for walk in walks:
        derivatives = 0 if any(walk in c for c in recipe.columns if isinstance(c, tuple)) else walk.orders
        over.setdefault(SHOWN[derivatives], []).append(walk.label)
    parts = [f"{what} over {and_of(f'“{label}”' for label in labels)}" for what, labels in over.items()]
    parts += [f"arrows for the {c.caption}" for c in recipe.columns if isinstance(c, Field)]
    cases = next((w.cases for w in walks if len(w.cases) > 1), {})
    for_which = [label for label, _ in chosen.options() if label], list(cases)
    given = ", and ".join(f"for {and_of(names)}" for names in for_which if names)
    return f"{spec.name}: {', and '.join(parts)}{', ' + given if given else ''}."


def and_of(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
