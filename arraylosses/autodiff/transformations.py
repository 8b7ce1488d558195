"""Derivatives of functions, by our own engine: forward, backward, and one inside the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .._core.namespaces import device, library, namespace, quietly
from .._core.structures import is_structure, leaves, rebuilt
from . import blocks
from .trace import Entry, Forward, Namespace, Reverse, Traced, namespace_of, raw

Array = Any
Function = Callable[..., Any]


def enter(args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Namespace, list[Any], dict[str, Any]]:
    """The traced namespace of the arrays, and everything with its arrays in it."""
    xp: Namespace | None = None
    for a in (*args, *params.values()):
        found = namespace(a)
        if found is None:
            continue
        found = found if isinstance(found, Namespace) else namespace_of(found)
        if xp is not None and found is not xp:
            raise TypeError(f"the arrays must be of one library, got {library(xp)} and {library(found)}")
        xp = found
    if xp is None:
        raise TypeError("there must be an array to differentiate with respect to")
    return xp, list(map(xp.constant, args)), {k: xp.constant(v) for k, v in params.items()}


def of_arrays(f: Function, args: tuple[Any, ...]) -> tuple[Function, list[Any], list[int]]:
    """`f` as a function of the arrays in its arguments, these arrays, and the argument that each is of."""

    def of_flat(*flat: Any, **params: Any) -> Any:
        following = iter(flat)
        return f(*(rebuilt(a, following) for a in args), **params)

    every = leaves(args)
    return of_flat, list(every.values()), [place[0] for place in every]


def leave(trace: Forward, y: Any) -> tuple[Any, Any]:
    """The value and the slope of a result, or of its first part; None is the slope if no input reaches it."""
    if isinstance(y, tuple):
        first, slope = leave(trace, y[0])
        rest = [leave(trace, each)[0] for each in y[1:]]
        return (type(y)(first, *rest) if hasattr(y, "_fields") else (first, *rest)), slope
    if type(y) is not Traced:
        return y, None
    if y.trace is trace:
        return y.value, y.slope
    return (y.value if y.trace.level == 0 else y), None


def jvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], **params: Any) -> tuple[Any, Array]:
    """The result of `f`, and the derivative (of its first part) along `tangents`; None is no tangent."""
    if any(map(is_structure, primals)):
        f, flat, owners = of_arrays(f, primals)
        along = {i: iter(leaves(t).values()) for i, t in enumerate(tangents) if t is not None}
        return jvp(f, tuple(flat), tuple(next(along[i]) if i in along else None for i in owners), **params)
    xp, inputs, params = enter((*primals, *(t for t in tangents if t is not None)), params)
    trace = Forward(xp)
    nested = any(type(x) is Traced for x in primals)  # then not every library lets a plain array be
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        inputs[i] = inputs[i] if t is None else Traced(trace, x, xp.constant(t) if nested else t)
    try:
        with quietly():
            y, t = leave(trace, f(*inputs[: len(primals)], **params))
    finally:
        trace.ended = True
    return y, xp.zeros_like(first_of(y)) if t is None else t


def vjp(f: Function, *args: Any, argnums: tuple[int, ...] = (0,), **params: Any) -> tuple[Any, Function]:
    """The result of `f`, and the map that pulls a cotangent (of its first part) back to the arguments."""
    if any(map(is_structure, args)):
        f, flat, owners = of_arrays(f, args)
        wanted = tuple(k for i in argnums for k, owner in enumerate(owners) if owner == i)
        y, pull_flat = vjp(f, *flat, argnums=wanted, **params)

        def pull_structures(cotangent: Array) -> tuple[Any, ...]:
            following = iter(pull_flat(cotangent))
            return tuple(rebuilt(args[i], following) for i in argnums)

        return y, pull_structures
    xp, inputs, params = enter(args, params)
    trace, entries = Reverse(xp), [Entry() for _ in argnums]
    for i, entry in zip(argnums, entries, strict=True):
        inputs[i] = Traced(trace, args[i], entry)
    try:
        with quietly():
            y, last = leave(trace, f(*inputs, **params))
    finally:
        trace.ended = True

    def pull(cotangent: Array) -> tuple[Array, ...]:
        if last is not None:
            nested = any(type(x) is Traced for x in args)
            last.cotangent = xp.constant(cotangent) if nested else cotangent
            with quietly():
                trace.rewind()
        found = [entry.total(xp) for entry in entries]
        return tuple(xp.zeros_like(args[i]) if c is None else c for i, c in zip(argnums, found, strict=True))

    return y, pull


def pull_parts(
    f: Function, args: tuple[Any, ...], argnums: tuple[int, ...], cotangents: dict[int, Array]
) -> list[Array]:
    """The cotangents of arguments, from those of any of the results of `f(xp, *args)`."""
    xp, inputs, _ = enter((*args, *cotangents.values()), {})
    trace, entries = Reverse(xp), [Entry() for _ in argnums]
    nested = any(type(x) is Traced for x in (*args, *cotangents.values()))
    for i, entry in zip(argnums, entries, strict=True):
        inputs[i] = Traced(trace, args[i], entry)
    try:
        with quietly():
            ys = f(xp, *inputs[: len(args)])
            for k, c in cotangents.items():
                if type(ys[k]) is Traced and ys[k].trace is trace:
                    to = ys[k].slope
                    c = xp.constant(c) if nested else c
                    to.cotangent = c if to.cotangent is None else to.cotangent + c
            del ys
            trace.rewind()
            found = [entry.total(xp) for entry in entries]
    finally:
        trace.ended = True
    return [xp.zeros_like(args[i]) if c is None else c for i, c in zip(argnums, found, strict=True)]


def push_parts(f: Function, args: tuple[Any, ...], tangents: dict[int, Array]) -> list[Array]:
    """The tangents of all results of `f(xp, *args)`."""
    xp, inputs, _ = enter((*args, *tangents.values()), {})
    trace = Forward(xp)
    nested = any(type(x) is Traced for x in args)
    for i, t in tangents.items():
        inputs[i] = Traced(trace, args[i], xp.constant(t) if nested else t)
    try:
        with quietly():
            pairs = [leave(trace, y) for y in f(xp, *inputs[: len(args)])]
    finally:
        trace.ended = True
    return [xp.zeros_like(y) if t is None else t for y, t in pairs]


def value_and_grad(
    f: Function, args: tuple[Any, ...], argnums: tuple[int, ...], params: dict[str, Any]
) -> tuple[Any, tuple[Array, ...]]:
    y, pull = vjp(f, *args, argnums=argnums, **params)
    one = first_of(y)
    return y, pull(namespace_of_result(one).ones_like(one))


def namespace_of_result(x: Array) -> Any:
    found = namespace(x)
    assert found is not None
    return found


def first_of(y: Any) -> Array:
    """The part of a result that is differentiated."""
    return y[0] if isinstance(y, tuple) else y


def derivatives(
    f: Function, x: Array, rest: tuple[Any, ...], order: int, params: dict[str, Any]
) -> tuple[Array, ...]:
    """`(f, f′, f″, …)` of an itemwise `f` at `x`: all forward, with no tape."""

    def all_orders(x: Array, *rest: Any, **params: Any) -> tuple[Array, ...]:
        xp = enter((x,), {})[0]
        one = xp.base.ones((), dtype=x.dtype, device=device(xp.base, raw(x)))
        along = (xp.base.broadcast_to(one, x.shape), *(None for _ in rest))

        def climb(n: int, *args: Any, **params: Any) -> tuple[Array, ...]:
            if n == 0:
                return (f(*args, **params),)
            *values, slope = jvp_of_last(partial(climb, n - 1), args, along, params)
            return (*values, slope)

        return climb(order, x, *rest, **params)

    if blocks.are_worth_it(x, (*rest, *params.values())):
        return blocks.in_blocks(all_orders, (x, *rest), params)
    return all_orders(x, *rest, **params)


def jvp_of_last(
    f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], params: dict[str, Any]
) -> tuple[Any, ...]:
    """All results of `f`, and the derivative of the last of them."""
    values, slope = jvp(
        lambda *args, **params: tuple(reversed(f(*args, **params))), primals, tangents, **params
    )
    return (*reversed(values), slope)
