"""What a loss keeps from one call to the next: the caller's to hold, never the library's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from . import errors
from .companions import namespace_of
from .entry import arrange, check_axes, check_parameter, resolve
from .errors import Words, refuse
from .namespaces import device, kind
from .parameters import AxisRule
from .signature import fits, parse_dims, shape_of, sizes_of, write

A = TypeVar("A")
Array = Any


class LossAndState(NamedTuple, Generic[A]):
    """The loss, which is what is differentiated, and the state to give to the next call."""

    loss: A
    state: A


def initial_state(loss: Callable[..., Any], first: A, /, **options: Any) -> A:
    """The state of a loss that has seen nothing yet.

    A loss with a state takes it, with ``state=``, and returns the next one beside its value. It
    begins without one too; an array from the start is what a compiled training step wants, whose
    arguments are to be the same in every call.

    Parameters
    ----------
    loss : function
        A loss of this library that has a state.
    first : array
        The first array that the loss is called with: the state is of its library, on its device.
    **options
        The options of the loss on which the shape of its state depends, such as `bins` or `axis`.

    Returns
    -------
    array
        Zeros, unless the loss begins with something else.

    Raises
    ------
    TypeError, ValueError
        If the loss has no state, `first` is no array, or an option does not keep its rule.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([-2.0, 0.0, 1.0, 3.0]), np.asarray([0, 0, 1, 1])
    >>> state = al.initial_state(al.ghm_classification_loss, logits, bins=5)
    >>> loss, state = al.ghm_classification_loss(logits, target, state=state, bins=5, momentum=0.75)
    >>> state
    array([0.5 , 0.25, 0.25, 0.  , 0.  ])
    """
    spec: Any = getattr(loss, "loss", None)
    x: Any = first
    rule = None if spec is None else spec.rules.get("state")
    if rule is None:
        name = getattr(loss, "__name__", type(loss).__name__)
        raise refuse("initial_state", "loss", "be a loss that has a state", Words(name), TypeError)
    xp = namespace_of(spec.name, spec.arrays[0], first)
    if unknown := sorted(options.keys() - spec.rules.keys()):
        raise TypeError(f"initial_state: {spec.name} has no option {unknown[0]}")
    axes: dict[str, int] = {}
    sizes: dict[str, Any] = {}
    shape, start = parse_dims(rule.shapes[0]), rule.start
    for name, rule in spec.rules.items():
        value = options.get(name, spec.parameters[name].default)
        if type(rule) is AxisRule:
            axes |= check_axes(spec.name, name, value, rule)
        elif name in shape:
            sizes[name] = check_parameter(spec.name, name, value, rule)
    dims = spec.signatures[0].inputs[0]
    if not fits(dims, x.ndim):
        raise refuse(spec.name, spec.arrays[0], errors.shape(write(dims)), tuple(x.shape))
    sizes |= sizes_of(dims, arrange(xp, x, dims, resolve(spec, dims, x, axes)).shape)
    dtype = xp.float32 if kind(xp, x.dtype) == "half" else x.dtype
    like = {"dtype": dtype, "device": device(xp, x)}
    state: A = xp.asarray(list(start), **like) if start else xp.zeros(shape_of(shape, sizes), **like)
    return state
