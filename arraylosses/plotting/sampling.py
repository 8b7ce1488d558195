"""The numbers of a picture: values and derivatives of a loss, as the library gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..autodiff import derivatives, grad
from .recipes import Field, Walk

Array = Any
Function = Callable[..., Any]
POINTS, POINTS_IN_TURN = 257, 41
NOTHING = 1e-12  # what is left of 0 by rounding
HALVINGS = 12


def along(loss: Function, walk: Walk, case: Any, options: Mapping[str, Any]) -> Function:
    """The loss as an elementwise function of the number that it is drawn over."""
    kept = {"reduction": "none", **walk.options, **options}

    def at(x: Array) -> Array:
        xp = x.__array_namespace__()
        return walk.pick(loss(*walk.arguments(xp, x, case), **kept), x)

    return one_by_one(at) if walk.in_turn else at


def one_by_one(at: Function) -> Function:
    """A function of one element, or one row, as a function of many."""

    def of_all(x: Array) -> Array:
        return x.__array_namespace__().stack([at(x[i]) for i in range(x.shape[0])])

    return of_all


def curves(loss: Function, walk: Walk, case: Any, options: Mapping[str, Any]) -> list[tuple[Array, Array]]:
    """The value and its derivatives, each as x and y, with a NaN between the sides of a jump."""
    function = along(loss, walk, case, options)
    x = np.linspace(*walk.span, walk.points or (POINTS_IN_TURN if walk.in_turn else POINTS))

    def of(x: Array) -> Array:
        found = derivatives(function, x, order=walk.orders) if walk.orders else (function(x),)
        y = np.stack(found)
        return np.where(np.abs(y) < NOTHING, 0.0, y)

    with np.errstate(all="ignore"):  # infinite edges are looked at too
        y = of(x)
        return broken_at_jumps(of, x, y, most=2 if walk.in_turn else 60)


def broken_at_jumps(of: Function, x: Array, y: Array, most: int) -> list[tuple[Array, Array]]:
    """Curves without a line from one side of a jump to the other: jumps are found by halving intervals."""
    finite = np.where(np.isfinite(y), y, np.nan)
    reach = np.nanmax(finite, axis=1, initial=0) - np.nanmin(finite, axis=1, initial=0)
    steps = np.abs(np.diff(y, axis=1))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(steps, ((0, 0), (3, 3)), "reflect"), 7, axis=1)
    usual = np.median(around, axis=-1)
    order, place = np.nonzero(np.isfinite(steps) & (steps > 0.01 * reach[:, None]) & (steps > 2.5 * usual))
    keep = np.argsort(-steps[order, place] / reach[order])[: most * len(y)]
    order, place = order[keep], place[keep]
    low, high = x[place].copy(), x[place + 1].copy()
    below, above = y[:, place], y[:, place + 1]
    turn = np.arange(len(order))
    for _ in range(HALVINGS if len(order) else 0):
        middle = (low + high) / 2
        here = of(middle)
        left = np.abs(here - below)[order, turn] > np.abs(above - here)[order, turn]
        low, high = np.where(left, low, middle), np.where(left, middle, high)
        below, above = np.where(left, below, here), np.where(left, here, above)
    leaps = np.abs(above - below)[order, turn] > 0.5 * steps[order, place]
    found = []
    for k in range(len(y)):
        mine = np.nonzero((order == k) & leaps)[0]
        at = np.repeat(place[mine] + 1, 3)
        nothing = np.full(len(mine), np.nan)
        new_x = np.stack([low[mine], low[mine], high[mine]], axis=1).ravel()
        new_y = np.stack([below[k, mine], nothing, above[k, mine]], axis=1).ravel()
        found.append((np.insert(x, at, new_x), np.insert(y[k], at, new_y)))
    return found


def forces(loss: Function, field: Field, options: Mapping[str, Any], points: Array) -> tuple[Array, Array]:
    """The value at each point, and minus the gradient there."""
    kept = {"reduction": "none", **field.options, **options}

    def at(p: Array) -> Array:
        return field.pick(loss(*field.arguments(p.__array_namespace__(), p), **kept), p)

    function = one_by_one(at) if field.in_turn else at
    with np.errstate(all="ignore"):
        return function(points), -grad(lambda p: p.__array_namespace__().sum(function(p)))(points)
