"""A call on NumPy in blocks along the first axis, which stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from .._core.entry import choose
from .._core.namespaces import namespace
from .._core.parameters import ArrayRule, AxisRule
from .._core.reductions import Unreduced
from ..autodiff import transformations as own
from ..autodiff.blocks import BLOCK, keep_freed_memory

Array = Any
Function = Callable[..., Any]

REDUCTIONS = ("none", "sum", "mean")
WEIGHTS = {"sample_weight", "where"}


def cut(loss: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Cut | str:
    """The call in blocks along the first axis, or in words why not."""
    spec = getattr(loss, "loss", None)
    if spec is None or spec.parts or not args:
        return "as it is, not being a loss with one result"
    if spec.nested:
        return "as it is, being a loss of structures of arrays"
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
    led = all(dims[:1] == ("...",) for dims in (*signature.inputs, spec.mask))
    if not led or signature.items != ("...",):
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
        # A first guess of the denominator, which costs nothing as a factor of what is differentiated.
        guess = 1.0 if self.reduction == "sum" or self.options.keys() & WEIGHTS else math.prod(self.lead)
        totals = Totals()
        for here, args, options in self.calls():
            items, mass, slopes = self.derivatives(tuple(args), options, places, 1 / guess)
            totals.add(items, mass)
            for gradient, slope in zip(gradients, slopes, strict=True):
                gradient[here] = slope
        denominator = 1.0 if self.reduction == "sum" else totals.mass
        if denominator != guess:
            for gradient in gradients:
                gradient *= guess / denominator if denominator else 0.0
        shaped = (g.reshape(self.args[i].shape) for i, g in zip(places, gradients, strict=True))
        return totals.reduced(self.reduction), tuple(shaped)

    def derivatives(
        self, args: tuple[Array, ...], options: dict[str, Any], places: tuple[int, ...], factor: float
    ) -> tuple[Array, Any, tuple[Array, ...]]:
        """The items of a block, their mass, and the gradients of their sum times a factor."""
        if self.pointwise and len(places) == 1:
            along = tuple(filled(a, factor) if i in places else None for i, a in enumerate(args))
            (items, mass), slope = own.jvp(self.loss, args, along, **options)
            return items, mass, (slope,)

        def total(*args: Any) -> tuple[Any, ...]:
            items, mass = self.loss(*args, **options)
            return factor * items.__array_namespace__().sum(items), items, mass

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


def filled(x: Array, value: float) -> Array:
    """A number in the shape of `x`, stored once."""
    xp = namespace(x)
    assert xp is not None
    return xp.broadcast_to(xp.asarray(value, dtype=x.dtype), x.shape)
