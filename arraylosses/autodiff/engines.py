"""Who differentiates: JAX its arrays, PyTorch its tensors, our own engine all others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._core.namespaces import dtype_name, is_jax, is_torch, kind, library, namespace
from .._core.structures import leaves, rebuilt, written
from . import transformations as own

Array = Any
Function = Callable[..., Any]
ENGINES = ("jax", "torch", "own")


def engine_of(verb: str, args: tuple[Any, ...], engine: str | None) -> str:
    """The engine that is asked for, or that of the first array."""
    if engine is not None:
        if engine not in ENGINES:
            raise ValueError(f"{verb}: engine must be None, 'jax', 'torch' or 'own', got {engine!r}")
        return engine
    for a in leaves(args).values():
        if (xp := namespace(a)) is not None:
            return "jax" if is_jax(xp) else "torch" if is_torch(xp) else "own"
    raise TypeError(f"{verb}: there must be an array among the arguments, got {_types(args)}")


def _types(args: tuple[Any, ...]) -> str:
    return ", ".join(type(a).__name__ for a in args) or "none"


def require_floating(verb: str, args: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
    """Refuse to differentiate with respect to what has no derivative."""
    for i in argnums:
        if not -len(args) <= i < len(args):
            raise ValueError(f"{verb}: argnums must name one of the {len(args)} arguments, got {i}")
        for place, x in leaves(args[i]).items():
            which, xp = f"argument {i}{written(place)}", namespace(x)
            if xp is None:
                raise TypeError(f"{verb}: {which} must be an array, got {type(x).__name__}")
            if kind(xp, x.dtype) not in ("float", "half"):
                rule = "must be a real floating-point array"
                raise TypeError(f"{verb}: {which} {rule}, got {dtype_name(x.dtype)}")
    found = {library(xp) for a in leaves(args).values() if (xp := namespace(a)) is not None}
    if len(found) > 1:
        raise TypeError(f"{verb}: the arrays must be of one library, got {' and '.join(sorted(found))}")


def scalar(verb: str, f: Function) -> Function:
    """`f`, which must return one number (or first one number, of several results)."""

    def checked(*args: Any, **params: Any) -> Any:
        y = f(*args, **params)
        first = own.first_of(y)
        if not hasattr(first, "shape") or math.prod(first.shape) != 1:
            got = f"shape {tuple(first.shape)}" if hasattr(first, "shape") else type(first).__name__
            raise ValueError(
                f"{verb}: the function must return a scalar, got {got}: "
                "pass reduction='mean' or 'sum', or use vjp with a cotangent"
            )
        return y

    return checked


def with_parts(f: Function) -> Function:
    """`f` as (what is differentiated, all of the result)."""

    def split(*args: Any, **params: Any) -> tuple[Array, Any]:
        y = f(*args, **params)
        first = own.first_of(y)
        return first.reshape(()) if first.shape else first, y

    return split


def value_and_grad(
    engine: str, f: Function, args: tuple[Any, ...], argnums: tuple[int, ...], params: dict[str, Any]
) -> tuple[Any, tuple[Array, ...]]:
    if engine == "jax":
        import jax

        (_, y), grads = jax.value_and_grad(with_parts(f), argnums, has_aux=True)(*args, **params)
        return y, grads
    if engine == "torch":
        import torch

        grads, (_, y) = torch.func.grad_and_value(with_parts(f), argnums, has_aux=True)(*args, **params)
        return y, grads
    return own.value_and_grad(f, args, argnums, params)


def vjp(engine: str, f: Function, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, Function]:
    def call(*args: Any) -> Any:
        return f(*args, **params)

    if engine == "jax":
        import jax

        return jax.vjp(call, *args)[:2]
    if engine == "torch":
        import torch

        return torch.func.vjp(call, *args)[:2]
    return own.vjp(f, *args, argnums=tuple(range(len(args))), **params)


def jvp(
    engine: str, f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], params: dict[str, Any]
) -> tuple[Any, Array]:
    """A tangent of None stands for an argument that does not move."""
    if engine == "own":
        return own.jvp(f, primals, tangents, **params)
    moving = [i for i, t in enumerate(tangents) if t is not None]

    def call(*moved: Any) -> Any:
        args = list(primals)
        for i, x in zip(moving, moved, strict=True):
            args[i] = x
        return f(*args, **params)

    along = tuple(primals[i] for i in moving), tuple(tangents[i] for i in moving)
    if engine == "jax":
        import jax

        return jax.jvp(call, *along)[:2]
    import torch

    y, t = torch.func.jvp(call, *along)[:2]
    # What PyTorch knows to be zero it hands out as a tensor without elements.
    return y, torch.utils._pytree.tree_map(lambda t: torch.zeros_like(t) if t._is_zerotensor() else t, t)


def torch_is_transforming() -> bool:
    """Whether a function of `torch.func`, or forward mode, is at work."""
    from .torch_functions import transforming

    return transforming()


def backward(
    f: Function, args: tuple[Any, ...], argnums: tuple[int, ...], params: dict[str, Any]
) -> tuple[Any, tuple[Array, ...]]:
    """The value and the gradients by the backward pass of PyTorch."""
    import torch

    given = list(args)
    for i in argnums:
        given[i] = rebuilt(args[i], (x.detach().requires_grad_() for x in leaves(args[i]).values()))
    followed = [given[i] for i in argnums]
    with torch.enable_grad():
        y = scalar("value_and_grad", f)(*given, **params)
    slopes = torch.autograd.grad(own.first_of(y), list(leaves(followed).values()), materialize_grads=True)
    y, following = torch.utils._pytree.tree_map(lambda x: x.detach(), y), iter(slopes)
    return y, tuple(rebuilt(x, following) for x in followed)
