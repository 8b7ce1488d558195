"""Which recipe a loss has, and what its picture shows in words."""

from __future__ import annotations

from functools import cache

from .._core.registry import Loss
from . import angles, batches, boxes, classes, embeddings, pointwise, regions, scores, signals
from .recipes import Field, Recipe, Walk
from .settings import Settings

TABLES: tuple[dict[str, Recipe], ...] = tuple(
    module.RECIPES for module in (classes, scores, boxes, regions, embeddings, angles, signals, batches)
)


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
    if recipe.says:
        shown = recipe.says
    else:
        parts = []
        for column in recipe.columns:
            if isinstance(column, Walk):
                derivatives = ("", " and its gradient", ", its gradient and its second derivative")[
                    column.orders
                ]
                parts.append(f"its value{derivatives} over the {column.label}")
            elif isinstance(column, Field):
                parts.append(f"its force, {column.caption}")
        shown = "; ".join(dict.fromkeys(parts))
    names = ", ".join(label for label, _ in chosen.options() if label)
    cases = [c.cases for c in recipe.columns if isinstance(c, Walk) and len(c.cases) > 1]
    for_cases = ", ".join(cases[0]) if cases else ""
    given = "; for ".join(filter(None, [names, for_cases]))
    return f"{spec.name}: {shown}" + (f", for {given}." if given else ".")
