"""Lists: their entries, of which some only fill them up, and pairs of these."""

from __future__ import annotations

from typing import Any

from . import debugging
from .domains import Domain
from .numeric import classes
from .parameters import ArrayRule

Array = Any
Namespace = Any

ENTRIES = ArrayRule(("(..., l)",), boolean=True)


def check(xp: Namespace, loss: str, here: Array | None, *arguments: tuple[str, Array, Domain]) -> None:
    """In debug mode refuse what is outside of its domain, in the entries `here` or in those of the pairs."""
    if debugging.active():
        for name, x, domain in arguments:
            if here is not None and here.ndim > x.ndim:
                here = xp.any(here, axis=-1) | xp.any(here, axis=-2)
            bad = ~domain.valid(xp, x)
            debugging.forbid(loss, name, domain.rule, xp, x, bad if here is None else bad & here)


def pairs(xp: Namespace, x: Array, mask: Array | None) -> Array:
    """Which entries i and j of the last axis, (..., l, l), are two that are both there."""
    two = classes(xp, x)[:, None] != classes(xp, x)
    if mask is None:
        return xp.broadcast_to(two, (*x.shape, x.shape[-1]))
    return two & mask[..., :, None] & mask[..., None, :]


def differences(xp: Namespace, x: Array, pair: Array) -> Array:
    """x_i - x_j of the pairs, and 0 elsewhere, whatever stands there."""
    return xp.where(pair, x[..., :, None], 0.0) - xp.where(pair, x[..., None, :], 0.0)
