"""Arrays that go together: those of one library, on one device."""

from __future__ import annotations

from typing import Any

from . import errors
from .errors import Words, refuse
from .namespaces import device, dtype_name, index_dtype, kind, library, namespace, traced_namespace
from .registry import Loss

Array = Any
Namespace = Any


def namespace_of(function: str, name: str, x: Any) -> Namespace:
    """The namespace of an argument, which must be an array."""
    xp = namespace(x)
    if xp is None:
        raise refuse(function, name, errors.ARRAY, Words(type(x).__name__), TypeError)
    return xp


def together(*values: Any) -> tuple[Any, ...]:
    """The values, plain arrays beside traced ones being constants."""
    traced = traced_namespace(values)
    return values if traced is None else tuple(map(traced.constant, values))


def in_working_dtype(function: str, name: str, x: Any) -> tuple[Namespace, Array]:
    """The namespace of a real floating array, and the array in the dtype that losses compute in."""
    xp = namespace_of(function, name, x)
    if (found := kind(xp, x.dtype)) not in ("float", "half"):
        raise refuse(function, name, errors.FLOATING, Words(dtype_name(x.dtype)), TypeError)
    return xp, xp.astype(x, xp.float32) if found == "half" else x


def common_namespace(spec: Loss, arrays: tuple[Any, ...]) -> Namespace:
    """The namespace of the first array, which all others must share."""
    first = arrays[0]
    xp = namespace_of(spec.name, spec.arrays[0], first)
    for name, x in zip(spec.arrays[1:], arrays[1:], strict=True):
        if type(x) not in (float, int, bool) and not (x is None and name in spec.optional):
            require_companion(spec, xp, name, x, first)
    return xp


def require_companion(spec: Loss, xp: Namespace, name: str, x: Any, first: Array) -> None:
    """Refuse an array of another library or device than the first one's."""
    require_beside(spec.name, xp, name, x, spec.arrays[0], first)


def require_beside(function: str, xp: Namespace, name: str, x: Any, other: str, first: Array) -> None:
    """Refuse an array of another library or device than those of the argument `other`."""
    theirs = namespace_of(function, name, x)
    if theirs is not xp:
        raise refuse(
            function, name, errors.one_library(other, library(xp)), Words(library(theirs)), TypeError
        )
    if device(xp, x) != device(xp, first):
        rule = errors.one_device(other, device(xp, first))
        raise refuse(function, name, rule, Words(str(device(xp, x))))


def labels_of_rows(function: str, xp: Namespace, labels: Any, rows: Array) -> Array:
    """The labels of rows along the last axis, which must be integers, one for each."""
    if kind(xp, labels.dtype) != "int":
        raise refuse(function, "labels", errors.INTEGER, Words(dtype_name(labels.dtype)), TypeError)
    if tuple(labels.shape) != tuple(rows.shape[:-1]):
        raise refuse(function, "labels", errors.shape(str(tuple(rows.shape[:-1]))), tuple(labels.shape))
    return xp.astype(labels, index_dtype(xp))
