"""Functions with a derivative of their own, stated once for every library that differentiates.

`primitive` takes the same maps `t -> f'(x) t` as the rules and installs them in our own engine, in
`jax.custom_jvp` and in `torch.autograd.Function`. The maps are made of primitives themselves, so
that every order is right. Arguments are arrays and numbers; an option of another kind, like an
axis, is for the caller to take care of.

Of a function of `torch.func` inside `torch.compile`, PyTorch drops the maps and differentiates the
body. A body that would be wrong at a kink has another one for it in `torch_functions`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from .._core.namespaces import compiles_a_transformation, is_jax, is_torch, stop_gradient
from .rules import Map, Rule, along_last_axis, elementwise
from .trace import Namespace, bind

Array = Any
Function = TypeVar("Function", bound=Callable[..., Any])


class Primitive(NamedTuple):
    """A function and its rule."""

    f: Callable[..., Any]
    rule: Rule
    axes: int | None  # how many axes, the last ones, it does not leave alone; None: all
    parts: Callable[..., tuple[Array, ...]] | None = None

    def with_parts(self, xp: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, and what value and derivative share, as constants."""
        return args if self.parts is None else (*args, *self.parts(xp, held(xp, args[0]), *args[1:]))


RULES: dict[str, Primitive] = {}


def primitive(*maps: Map) -> Callable[[Function], Function]:
    """Give an elementwise function `f(xp, a, b, …)` the map `t -> f'(x) t` of each of its arguments.

    The names of a map's parameters say what it needs besides `t`: the namespace `xp`, the arguments
    `a`, `b`, `c`, the result `y`. Maps are linear in `t`, and of primitives wherever they are to be
    differentiated in turn.
    """
    return lambda f: _install(Primitive(f, elementwise(*maps), 0))


def reduction(
    weights: Callable[..., Array], parts: Callable[..., tuple[Array, ...]] | None = None
) -> Callable[[Function], Function]:
    """Give a function that reduces the last axis, which it keeps, its derivative Σ w·t along it.

    The weights w come from `weights(xp, a, y, *rest)`, the argument, the result, and further
    arguments, which have no derivative. What the function and its weights both need comes from
    `parts(xp, a, *rest)`, and is passed to them after the rest.
    """
    return lambda f: _install(Primitive(f, along_last_axis(weights), 1, parts))


def function_with(rule: Rule, axes: int | None = 1) -> Callable[[Function], Function]:
    """Give a function of the last axes, or of all, its rule, by which derivatives are pushed and pulled."""
    return lambda f: _install(Primitive(f, rule, axes))


def held(xp: Any, x: Array) -> Array:
    """`x` as a constant: for what a primitive is given beside the argument that its map accounts for."""
    # In such a one PyTorch drops the maps, and has to follow everything.
    return x if is_torch(xp) and compiles_a_transformation() else stop_gradient(xp, x)


def _install(of: Primitive) -> Any:
    f, rule = of.f, of.rule
    name, bound = f.__name__, f"arraylosses.{f.__name__}"  # not to be taken for one of the standard
    Namespace.rules[bound], Namespace.internals[bound] = rule, f
    RULES[name] = of
    if (installed := sys.modules.get(f"{__package__}.torch_functions")) is not None:
        installed.install(name)

    @functools.wraps(f)
    def dispatch(xp: Any, *args: Any) -> Array:
        if is_torch(xp):
            return _for_torch(name, xp, args)
        args = of.with_parts(xp, args)
        if is_jax(xp):
            return _for_jax(f, rule, xp)(*args)
        return bind(xp, bound, *args) if type(xp) is Namespace else f(xp, *args)

    return dispatch


def _for_torch(name: str, xp: Any, args: tuple[Any, ...]) -> Array:
    from .torch_functions import apply  # which builds its classes when it is imported, not inside of Dynamo

    return apply(name, xp, args)


@functools.cache
def _for_jax(f: Callable[..., Any], rule: Rule, xp: Any) -> Callable[..., Any]:
    jax = sys.modules["jax"]
    g = jax.custom_jvp(functools.partial(f, xp))

    @functools.partial(g.defjvp, symbolic_zeros=True)
    def slope(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        y = g(*primals)
        none = jax.custom_derivatives.SymbolicZero
        ts = [None if type(t) is none else t for t in tangents]
        return y, xp.broadcast_to(rule.push(xp, ts, y, *primals), y.shape)

    return g
