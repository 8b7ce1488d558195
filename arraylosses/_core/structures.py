"""Structures: lists, tuples and dictionaries of arrays, one inside the other, in the place of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Place = tuple[Any, ...]  # the indices and keys that lead to an array


def is_structure(x: Any) -> bool:
    """Whether `x` is to hold arrays, rather than to be one."""
    return isinstance(x, (list, tuple, dict))


def parts(x: Any) -> Iterable[tuple[Any, Any]]:
    """What a structure holds, by index or key."""
    return x.items() if isinstance(x, dict) else enumerate(x)


def leaves(x: Any, place: Place = ()) -> dict[Place, Any]:
    """Everything in a structure that is none, by its place; what is no structure stands at ()."""
    if not is_structure(x):
        return {place: x}
    found: dict[Place, Any] = {}
    for key, part in parts(x):
        found |= leaves(part, (*place, key))
    return found


def rebuilt(like: Any, found: Iterator[Any]) -> Any:
    """The structure `like` with other leaves, which are taken in turn."""
    if not is_structure(like):
        return next(found)
    if isinstance(like, dict):
        return {key: rebuilt(part, found) for key, part in like.items()}
    inside = [rebuilt(part, found) for part in like]
    if isinstance(like, list):
        return inside
    return type(like)(*inside) if hasattr(like, "_fields") else tuple(inside)


def part_at(x: Any, place: Place) -> Any:
    """What stands at a place; what is no structure stands everywhere."""
    for key in place:
        if not is_structure(x):
            return x
        x = x[key]
    return x


def misfit(x: Any, like: Any, partial: bool = False, place: Place = ()) -> Place | None:
    """The first place where `x` has another form than `like`; if `partial`, it may end before."""
    if partial and not is_structure(x):
        return None
    if _form(x) != _form(like):
        return place
    if is_structure(like):
        for key, part in parts(like):
            if (found := misfit(x[key], part, partial, (*place, key))) is not None:
                return found
    return None


def _form(x: Any) -> Any:
    return set(x) if isinstance(x, dict) else len(x) if is_structure(x) else None


def written(place: Place) -> str:
    """A place as one would write it: "[1]['bias']"."""
    return "".join(f"[{key!r}]" for key in place)


def described(x: Any) -> str:
    """The form of a structure in words, as far as one sees without opening what is in it."""
    if isinstance(x, dict):
        return f"a dictionary of {', '.join(map(repr, x)) or 'nothing'}"
    return f"a sequence of {len(x)}" if is_structure(x) else "an array"
