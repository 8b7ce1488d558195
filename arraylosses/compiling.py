"""`compile`: one verb that makes a loss fast on the framework of the arrays it is called with."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from ._core.entry import choose
from ._core.namespaces import is_jax, is_torch, library, namespace, traced_namespace
from ._core.parameters import ArrayRule, AxisRule
from ._core.reductions import Unreduced
from .autodiff import engines
from .autodiff import transformations as own
from .autodiff.blocks import BLOCK, keep_freed_memory

Array = Any
Function = Callable[..., Any]

REDUCTIONS = ("none", "sum", "mean")
WEIGHTS = {"sample_weight", "where"}


def compile(loss: Function, **options: Any) -> Compiled:
    """The loss, made fast on the framework of the arrays that it is called with.

    Parameters
    ----------
    loss : function
        A loss of this library, or any function of arrays that calls losses.
    **options
        Options that are the same in every call.

    Returns
    -------
    function
        Called as `loss`, with the same numbers to a few units in the last place. What happens depends
        on the arrays:

        JAX
            ``jax.jit``, in which everything that is no array is a constant.
        PyTorch
            ``torch.compile`` without graph breaks, with shapes that become dynamic when they change.
        NumPy
            Blocks of a loss that is independent along its first axis: they stay in the cache, and
            take no memory beside the result.
        others, and losses that cannot be cut
            As it is: Dask is lazy anyhow.

        `value_and_grad` and `grad` of it are compiled as a whole: on NumPy, value and gradient come
        from one pass. ``plan(*args, **options)`` says in words what a call would do.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> fast = al.compile(al.huber_loss, delta=2.0)
    >>> pred, target = np.zeros(10**6, dtype=np.float32), np.ones(10**6, dtype=np.float32)
    >>> fast(pred, target)
    np.float32(0.5)
    >>> value, gradient = al.value_and_grad(fast)(pred, target)
    >>> fast.plan(pred, target)
    'NumPy: in 16 blocks'
    >>> fast.plan(pred[:100], target[:100])
    'NumPy: as it is, being small'
    """
    return Compiled(loss, options)


class Compiled:
    """A loss that is compiled when it is called, once for every framework."""

    def __init__(self, loss: Function, options: dict[str, Any]) -> None:
        self.original = functools.partial(loss, **options) if options else loss
        self.loss_function, self.options = loss, options
        functools.update_wrapper(self, loss)

    def __call__(self, *args: Any, **options: Any) -> Any:
        framework = framework_of(args, options)
        if framework == "jax":
            return _jitted(self.original, args, options)
        if framework == "torch":
            return self._torch(*args, **options)
        if framework == "numpy" and type(cut := self._cut(args, options)) is Cut:
            return cut.value()
        return self.original(*args, **options)

    def plan(self, *args: Any, **options: Any) -> str:
        """What a call would do, and where it would do nothing, why."""
        framework = framework_of(args, options)
        if framework == "numpy":
            cut = self._cut(args, options)
            return f"NumPy: {cut if isinstance(cut, str) else f'in {len(cut.slices)} blocks'}"
        return {
            "jax": "JAX: jax.jit",
            "torch": "PyTorch: torch.compile",
            "traced": "as it is, being differentiated by the library's own engine",
        }.get(framework, f"{framework}: as it is")

    def differentiated(self, args: tuple[Any, ...], places: tuple[int, ...], options: dict[str, Any]) -> Any:
        """The value and the gradients, or NotImplemented where compiling has nothing to offer."""
        framework = framework_of(args, options)
        if framework == "jax":
            return _jitted(_gradient_of(self.original, places), args, options)
        if framework == "torch" and not engines.torch_is_transforming():
            return engines.backward(self._torch, args, places, options)
        if framework == "numpy" and type(cut := self._cut(args, options)) is Cut:
            return cut.value_and_grad(places)
        return NotImplemented

    @functools.cached_property
    def _torch(self) -> Function:
        torch = sys.modules["torch"]
        compiled: Function = torch.compile(self.original, fullgraph=True)
        return compiled

    def _cut(self, args: tuple[Any, ...], options: dict[str, Any]) -> Cut | str:
        return cut(self.loss_function, args, self.options | options)


def framework_of(args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """The library of the first array, or "traced"."""
    if traced_namespace((*args, *options.values())) is not None:
        return "traced"
    for a in (*args, *options.values()):
        if (xp := namespace(a)) is not None:
            return "jax" if is_jax(xp) else "torch" if is_torch(xp) else library(xp)
    return "no array"


# --- JAX ------------------------------------------------------------------------------------------


def _jitted(function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function under jit, what is no array being constant."""
    jax = sys.modules["jax"]
    leaves, tree = jax.tree_util.tree_flatten((args, options), is_leaf=lambda x: x is None)
    arrays = [x for x in leaves if hasattr(x, "dtype")]
    constants = tuple(None if hasattr(x, "dtype") else (x,) for x in leaves)
    return _jit(function, tree, constants)(arrays)


@functools.lru_cache(maxsize=1024)
def _jit(function: Function, tree: Hashable, constants: tuple[Any, ...]) -> Function:
    jax = sys.modules["jax"]

    def call(arrays: list[Array]) -> Any:
        given = iter(arrays)
        leaves = [next(given) if c is None else c[0] for c in constants]
        args, options = jax.tree_util.tree_unflatten(tree, leaves)
        return function(*args, **options)

    jitted: Function = jax.jit(call)
    return jitted


@functools.lru_cache(maxsize=1024)
def _gradient_of(function: Function, places: tuple[int, ...]) -> Function:
    return lambda *args, **options: engines.value_and_grad("jax", function, args, places, options)


# --- NumPy ----------------------------------------------------------------------------------------


def cut(loss: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Cut | str:
    """The call in blocks along the first axis, or in words why not."""
    spec = getattr(loss, "loss", None)
    if spec is None or spec.parts or not args:
        return "as it is, not being a loss with one result"
    arrays = args + (None,) * (len(spec.arrays) - len(args))
    first = args[0]
    if first.size < 2 * BLOCK:
        return "as it is, being small"
    if options.get("normalizer") is not None or options.get("reduction", "mean") not in REDUCTIONS:
        return "as it is, because of the reduction"
    for name, rule in spec.rules.items():
        if type(rule) is AxisRule and options.get(name, default := spec.parameters[name].default) != default:
            return f"as it is, because of {name}"
    form = choose(spec, namespace(first), arrays) if len(spec.signatures) > 1 else 0
    signature = spec.signatures[form]
    if not all(dims[:1] == ("...",) for dims in (*signature.inputs, signature.items, spec.mask)):
        return "as it is, its items depending on one another"
    lead = first.shape[: first.ndim - len(signature.inputs[0]) + 1]
    everything = dict(enumerate(args)) | options
    blocked = {}
    for name, value in everything.items():
        rule = spec.rules.get(name)
        shape = tuple(getattr(value, "shape", ()))
        if shape == () or (type(rule) is ArrayRule and not any("..." in dims for dims in rule.shapes)):
            continue
        if shape[: len(lead)] != lead:
            return "as it is, an array broadcasting or not fitting"
        blocked[name] = value.reshape(math.prod(lead), *shape[len(lead) :])
    return Cut(loss, args, options, blocked, lead, first.size // math.prod(lead), signature.pointwise)


class Cut:
    """A call in blocks: `blocked` are the arrays to be cut, by position or name."""

    def __init__(
        self,
        loss: Function,
        args: tuple[Any, ...],
        options: dict[str, Any],
        blocked: dict[int | str, Array],
        lead: tuple[int, ...],
        width: int,
        pointwise: bool,
    ) -> None:
        self.loss, self.args, self.blocked, self.lead = loss, args, blocked, lead
        self.pointwise = pointwise
        self.reduction = options.get("reduction", "mean")
        self.options = options | {"reduction": Unreduced(self.reduction)}
        rows, size = math.prod(lead), max(1, BLOCK // width)
        self.slices = [slice(i, min(i + size, rows)) for i in range(0, rows, size)]

    def calls(self) -> Iterator[tuple[slice, list[Any], dict[str, Any]]]:
        """The arguments of every block."""
        keep_freed_memory()
        for here in self.slices:
            args = [self.blocked[i][here] if i in self.blocked else a for i, a in enumerate(self.args)]
            options = {k: self.blocked[k][here] if k in self.blocked else v for k, v in self.options.items()}
            yield here, args, options

    def value(self) -> Array:
        totals = Totals()
        result: Array = None
        for here, args, options in self.calls():
            items, mass = self.loss(*args, **options)
            if self.reduction != "none":
                totals.add(items, mass)
                continue
            if result is None:
                result = empty(math.prod(self.lead), items)
            result[here] = items
        return result.reshape(self.lead) if self.reduction == "none" else totals.reduced(self.reduction)

    def value_and_grad(self, places: tuple[int, ...]) -> Any:
        """Both in one pass: of a pointwise loss forward, of another a tape for every block."""
        if self.reduction == "none" or not all(i in self.blocked for i in places):
            return NotImplemented
        gradients = [empty(self.blocked[i].shape, self.blocked[i]) for i in places]
        # A first guess of the denominator, applied while a block is in the cache.
        guess = 1.0 if self.reduction == "sum" or self.options.keys() & WEIGHTS else math.prod(self.lead)
        totals = Totals()
        for here, args, options in self.calls():
            items, mass, slopes = self.derivatives(tuple(args), options, places)
            totals.add(items, mass)
            for gradient, slope in zip(gradients, slopes, strict=True):
                gradient[here] = slope if guess == 1 else slope * (1 / guess)
        denominator = 1.0 if self.reduction == "sum" else totals.mass
        if denominator != guess:
            for gradient in gradients:
                gradient *= guess / denominator if denominator else 0.0
        shaped = (g.reshape(self.args[i].shape) for i, g in zip(places, gradients, strict=True))
        return totals.reduced(self.reduction), tuple(shaped)

    def derivatives(
        self, args: tuple[Array, ...], options: dict[str, Any], places: tuple[int, ...]
    ) -> tuple[Array, Any, tuple[Array, ...]]:
        """The items of a block, their mass, and the gradients of their sum."""
        if self.pointwise and len(places) == 1:
            along = tuple(ones_like(a) if i in places else None for i, a in enumerate(args))
            (items, mass), slope = own.jvp(self.loss, args, along, **options)
            return items, mass, (slope,)

        def total(*args: Any) -> tuple[Any, ...]:
            items, mass = self.loss(*args, **options)
            return items.__array_namespace__().sum(items), items, mass

        (_, items, mass), slopes = own.value_and_grad(total, args, places, {})
        return items, mass, slopes


class Totals:
    """The sums over blocks, in double precision."""

    def __init__(self) -> None:
        self.items, self.mass, self.type = 0.0, 0.0, float

    def add(self, items: Array, mass: Any) -> None:
        self.items += float(items.sum(dtype="float64"))
        self.mass += float(mass)
        self.type = items.dtype.type

    def reduced(self, reduction: str) -> Any:
        if reduction == "sum":
            return self.type(self.items)
        return self.type(self.items / self.mass if self.mass else 0.0 * self.items)


def empty(shape: Any, like: Array) -> Array:
    xp = namespace(like)
    assert xp is not None
    return xp.empty(shape, dtype=like.dtype)


def ones_like(x: Array) -> Array:
    """Ones in the shape of `x`, of which only one is stored."""
    xp = namespace(x)
    assert xp is not None
    return xp.broadcast_to(xp.ones((), dtype=x.dtype), x.shape)
