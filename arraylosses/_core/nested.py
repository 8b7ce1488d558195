"""Losses of structures of arrays.

Such a loss is declared for plain arrays, their domains as `nested`. What it makes of structures is most
often the loss of every array in them, added up. Then its first lines are

    if is_structure(pred):
        return over_arrays(this_loss, (pred, target), sample_weight, where, reduction, normalizer, ...)
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from . import errors
from .companions import namespace_of, require_companion
from .domains import Domain
from .errors import Words, in_place, refuse
from .namespaces import traced_namespace
from .parameters import Rule
from .registry import Loss
from .signature import Dims, Signature
from .structures import Place, described, is_structure, leaves, misfit, part_at, rebuilt, written

Array = Any


def over_arrays(
    function: Callable[..., Any],
    arrays: tuple[Any, ...],
    sample_weight: Any,
    where: Any,
    reduction: str,
    normalizer: Any,
    *,
    average: str | None = None,
    **options: Any,
) -> Any:
    """The loss of every array of a structure, added up; unreduced, the structure of their items.

    The `arrays` are structures of one form. Weights, masks, normalizers and options that are numbers
    are for all arrays, or structures themselves, with one for each. `average` names the option that
    divides the sum by the number of arrays.
    """
    spec: Loss = function.loss  # type: ignore[attr-defined]
    options |= {"sample_weight": sample_weight, "where": where, "normalizer": normalizer}
    given = dict(zip(spec.arrays, arrays, strict=True))
    first, *others = spec.arrays
    for name in others:
        require_form(spec, name, given[name], first, given[first])
    several = {k: v for k, v in options.items() if is_structure(v) and _may_be_several(spec, k)}
    for name, value in several.items():
        require_form(spec, name, value, first, given[first], partial=True)
    places = tuple(leaves(given[first]))
    if not places:
        raise refuse(spec.name, first, errors.SOME_ARRAY, Words(described(given[first])))
    given = lifted(given)
    require_one_library(spec, given)

    found = []
    for place in places:
        here = (part_at(x, place) for x in given.values())
        changed = {name: part_at(x, place) for name, x in several.items()}
        try:
            found.append(function(*here, **options | changed, reduction=reduction))
        except (TypeError, ValueError) as error:
            raise in_place(error, written(place), {*given, *several}) from None
    if reduction == "none":
        return rebuilt(given[first], iter(found))
    total = functools.reduce(operator.add, found)
    return total / len(found) if average is not None and options[average] else total


def _may_be_several(spec: Loss, option: str) -> bool:
    rule = spec.rules.get(option)
    return rule is None or (isinstance(rule, Rule) and rule.numeric)


def require_form(spec: Loss, name: str, x: Any, first: str, like: Any, partial: bool = False) -> None:
    """Refuse a structure of another form than the first one's."""
    place = misfit(x, like, partial)
    if place is not None:
        rule = errors.same_structure(described(part_at(like, place)), f"{first}{written(place)}")
        raise refuse(spec.name, f"{name}{written(place)}", rule, Words(described(part_at(x, place))))


def lifted(given: dict[str, Any]) -> dict[str, Any]:
    """The structures with constants in the place of plain arrays, where these stand beside traced ones."""
    every = {name: leaves(x) for name, x in given.items()}
    traced = traced_namespace(tuple(x for each in every.values() for x in each.values()))
    if traced is None:
        return given
    return {name: rebuilt(x, map(traced.constant, every[name].values())) for name, x in given.items()}


def require_one_library(spec: Loss, given: dict[str, Any]) -> None:
    """Refuse what is no array, and arrays of another library or device than the first one's."""
    every = {f"{name}{written(k)}": x for name, tree in given.items() for k, x in leaves(tree).items()}
    name, first = next(iter(every.items()))
    xp = namespace_of(spec.name, name, first)
    for name, x in every.items():
        require_companion(spec, xp, name, x, first)


# --- losses in which the arrays of a structure come together -------------------------------------------


def unfolded(spec: Loss, arrays: tuple[Any, ...]) -> tuple[Loss, tuple[Any, ...]]:
    """The loss as one of every single array in its structures, named by its place, and these arrays.

    The dimensions of an array in a structure are its own, shared with what stands at its place in other
    structures of the same dimensions. Items that had them are but one.
    """
    domains: dict[str, tuple[Domain, ...]] = {}
    inputs: list[list[Dims]] = [[] for _ in spec.signatures]
    flat = []
    for i, (name, x) in enumerate(zip(spec.arrays, arrays, strict=True)):
        nested = spec.domains[name][0].nested
        for other, like in zip(spec.arrays[:i], arrays, strict=False):
            if nested and _dims(spec, name) == _dims(spec, other):
                require_form(spec, name, x, other, like)
        every = leaves(x) if nested else {(): x}
        if not every:
            raise refuse(spec.name, name, errors.SOME_ARRAY, Words(described(x)))
        for place, leaf in every.items():
            domains[f"{name}{written(place)}"] = spec.domains[name]
            flat.append(leaf)
            for dims, signature in zip(inputs, spec.signatures, strict=True):
                dims.append(tuple(_dim_at(dim, place) for dim in signature.inputs[i]))
    signatures = tuple(
        Signature(tuple(dims), _known(signature.items, dims), pointwise=False)
        for dims, signature in zip(inputs, spec.signatures, strict=True)
    )
    mask = _known(spec.mask, inputs[0])
    weights = signatures[0].items
    flattened = Loss(spec.function, signatures, domains, spec.rules, mask, spec.parts, weights, {})
    return flattened, tuple(flat)


def _dims(spec: Loss, name: str) -> list[Dims]:
    return [signature.inputs[spec.arrays.index(name)] for signature in spec.signatures]


def _dim_at(dim: str, place: Place) -> str:
    if not place or dim.isdigit():
        return dim
    return f"{'*' if dim == '...' else ''}{dim}{written(place)}"


def _known(dims: Dims, inputs: list[Dims]) -> Dims:
    return tuple(dim for dim in dims if any(dim in each for each in inputs))


def regrouped(structures: tuple[Any, ...], flat: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arrays of an unfolded loss back in their structures."""
    following = iter(flat)
    return tuple(rebuilt(x, following) for x in structures)
