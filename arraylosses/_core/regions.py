"""Regions: what losses of the overlap of masks take, and the rows of pixels that they sum over."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .entry import enter
from .errors import refuse
from .namespaces import device
from .numeric import classes, columns, keep, overlap, relu
from .parameters import CLASS_AXIS, CLASS_WEIGHT, FLAG, ArrayRule
from .reductions import Exit, mean_over

Array = Any
Namespace = Any

# What all losses of regions take: which classes count, and over what their sums go.
FRAME: dict[str, Any] = {
    "class_axis": CLASS_AXIS,
    "include_background": FLAG,
    "batch": FLAG,
    "class_weight": CLASS_WEIGHT,
    "class_mask": ArrayRule(("(c)", "(n, c)"), boolean=True),
}


def enter_regions(
    function: Callable[..., Any],
    arrays: tuple[Array, ...],
    exits: tuple[Any, ...],
    frame: tuple[Any, ...],
    *,
    inside: bool = False,
    **own: Any,
) -> tuple[Any, ...]:
    """Begin a loss of regions: `(xp, *arrays, *own parameters, done)`.

    The arrays come back as rows of pixels, one row per item, with 0 in what does not count. With
    `inside`, an array follows them that is 1 in what does count.
    """
    class_axis, include_background, batch, class_weight, class_mask = frame
    micro = own.get("average") == "micro"
    name = function.__name__
    for option, value in (("class_weight", class_weight), ("class_mask", class_mask)):
        if micro and value is not None:
            raise refuse(name, option, "be None if average is 'micro'", value)
    kept = (not batch, not micro)  # whether the items have the axes n and c
    xp, *found, include_background, batch, class_weight, class_mask, done = enter(
        function,
        arrays,
        *exits,
        items={(True, True): "(n, c)", (False, True): "(c)", (True, False): "(n)"}.get(kept, "()"),
        class_axis=class_axis,
        **own,
        include_background=include_background,
        batch=batch,
        class_weight=class_weight,
        class_mask=class_mask,
    )
    regions, parameters = found[: len(arrays)], found[len(arrays) :]
    first = regions[0]
    if not include_background and first.shape[1] == 1:
        raise refuse(name, "include_background", "be True if there is one class only", include_background)

    if inside:
        everything = xp.ones_like(first)
        regions = [*regions, everything if done.where is None else xp.where(done.where, everything, 0.0)]
    present = _present(xp, first, include_background, class_weight, class_mask)
    if present is not None:
        regions = [xp.where(present, x, 0.0) for x in regions]
        present = present if done.where is None else present & done.where
        present = xp.broadcast_to(present, first.shape[:2] + present.shape[2:])
        done.drop(xp.any(region_rows(xp, present, *kept), axis=-1))
    rows = (region_rows(xp, x, *kept) for x in regions)
    return xp, *rows, *parameters, done if class_weight is None else _weighing(xp, done, class_weight)


def enter_images(
    function: Callable[..., Any],
    arrays: tuple[Array, ...],
    exits: tuple[Any, ...],
    class_axis: int,
    **own: Any,
) -> tuple[Any, ...]:
    """Begin a loss of all classes of an image at once: `(xp, *arrays, pixels, *own parameters, done)`.

    The arrays come back as rows of pixels, one row per image and class, with 0 in what does not count;
    `pixels` is how many of each row do.
    """
    xp, *found, done = enter(function, arrays, *exits, class_axis=class_axis, **own)
    regions, parameters = found[: len(arrays)], found[len(arrays) :]
    rows = [rows_of(xp, x, 2) for x in regions]
    like = rows[0]
    if done.where is None:
        pixels = xp.full(like.shape[:2], float(like.shape[2]), dtype=like.dtype, device=device(xp, like))
    else:
        inside = rows_of(xp, xp.broadcast_to(done.where, regions[0].shape), 2)
        pixels = xp.sum(xp.astype(inside, like.dtype), axis=-1)
    return xp, *rows, pixels, *parameters, done


def _present(
    xp: Namespace, like: Array, include_background: bool, class_weight: Array | None, class_mask: Array | None
) -> Array | None:
    """Which classes count, as it broadcasts against `like`; None if all do."""
    answers = []
    if not include_background:
        answers.append(classes(xp, like, axis=1) != 0)
    if class_weight is not None:
        answers.append(class_weight != 0)
    if class_mask is not None:
        answers.append(class_mask)
    present = None
    for answer in answers:
        lead = answer.shape if answer.ndim == 2 else (1, *answer.shape)
        answer = xp.reshape(answer, (*lead, *(1,) * (like.ndim - 2)))
        present = answer if present is None else present & answer
    return present


def _weighing(xp: Namespace, done: Exit, class_weight: Array) -> Callable[[Array], Array]:
    """The exit for items whose last axis is the classes, weighed."""
    weight = xp.broadcast_to(class_weight, done.shape)
    return lambda items: done(weight * done.weigh(weight, items))


def region_rows(xp: Namespace, x: Array, per_image: bool, per_class: bool) -> Array:
    """An array of the shape (n, c, *s) as rows of what is summed, one per item."""
    if per_class and not per_image:
        x = xp.permute_dims(x, (1, 0, *range(2, x.ndim)))
    return rows_of(xp, x, per_image + per_class)


def rows_of(xp: Namespace, x: Array, lead: int) -> Array:
    """The array with all axes after the `lead` first in one."""
    shape = tuple(x.shape)
    if 0 in shape[lead:]:
        # Of nothing Dask merges no axes: of those that have anything one place is enough.
        x = x[(..., *(0 if n else slice(None) for n in shape[lead:]))]
    elif 0 not in shape:
        # By way of a single axis, so that each row is in one piece: NumPy sums nothing else pairwise.
        x = xp.reshape(x, (math.prod(shape),))
    return xp.reshape(x, (*shape[:lead], math.prod(shape[lead:])))


def agreement(xp: Namespace, p: Array, t: Array, intersection: str = "product") -> tuple[Array, Array, Array]:
    """The sums of what is in both, in `p` only and in `t` only."""
    if intersection == "min":
        parts = xp.minimum(p, t), relu(xp, p - t), relu(xp, t - p)
        shared, over, under = (xp.sum(part, axis=-1) for part in parts)
    else:
        shared, over, under = columns(xp, overlap(xp, p, t))
    return shared, over, under


def apart_and_shared(
    xp: Namespace,
    loss: str,
    p: Array,
    t: Array,
    smooth_nr: Any,
    smooth_dr: Any,
    squared: bool,
    intersection: str,
) -> tuple[Array, Array]:
    """A Dice loss as a fraction: a and b, where it is a / (a + b)."""
    # What is apart, P + T - 2I, is summed pixel by pixel: so it does not cancel when the regions agree.
    if squared:
        if intersection != "product":
            raise refuse(loss, "intersection", "be 'product' if squared is True", intersection)
        shared, apart = xp.sum(p * t, axis=-1), xp.sum((p - t) ** 2, axis=-1)
    else:
        shared, over, under = agreement(xp, p, t, intersection)
        apart = over + under
    return apart + (smooth_dr - smooth_nr), 2 * shared + smooth_nr


def over_classes(xp: Namespace, x: Array, pixels: Array, reduction: str) -> Array:
    """The sum or mean over the classes that have a pixel."""
    there = pixels > 0
    return xp.sum(keep(xp, x, there), axis=-1) if reduction == "sum" else mean_over(xp, x, there)
