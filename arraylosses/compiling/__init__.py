"""`compile`: one verb that makes a loss fast on the framework of the arrays it is called with."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from .._core.namespaces import library, namespace, traced_namespace
from .._core.structures import leaves
from ..autodiff import engines
from .cutting import Cut, cut
from .jitting import gradient_of, jitted

Array = Any
Function = Callable[..., Any]


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

    Raises
    ------
    TypeError
        If the loss is no function.

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
    'NumPy: in 4 blocks'
    >>> fast.plan(pred[:100], target[:100])
    'NumPy: as it is, being small'
    """
    if not callable(loss):
        raise TypeError(f"compile: loss must be a function, got {type(loss).__name__}")
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
            return jitted(self.original, args, options)
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
            return jitted(gradient_of(self.original, places), args, options)
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
    everything = tuple(leaves((*args, *options.values())).values())
    if traced_namespace(everything) is not None:
        return "traced"
    for a in everything:
        if (xp := namespace(a)) is not None:
            return library(xp)
    return "no array"
