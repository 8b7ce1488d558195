"""Gradients on every framework.

`value_and_grad`, `grad`, `vjp`, `jvp`, `hvp` and `derivatives` take a loss, or any function written
against the array API standard that calls losses, and differentiate it: JAX its own arrays, PyTorch
its own tensors, and for NumPy, CuPy, Dask and every other library the engine in this package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .._core.namespaces import device, follow, namespace
from .._core.structures import is_structure
from . import engines
from . import transformations as own
from .boosting import objective
from .compositions import COMPOSITIONS, CONSTANTS
from .primitives import primitive, reduction
from .rules import INTERNALS, RULES
from .trace import NoRule, Traced

Array = Any
Function = Callable[..., Any]

follow(Traced)

__all__ = [
    "NoRule",
    "derivatives",
    "functions",
    "grad",
    "hvp",
    "jvp",
    "objective",
    "primitive",
    "reduction",
    "value_and_grad",
    "vjp",
]


def value_and_grad(
    loss: Function, argnums: int | tuple[int, ...] = 0, *, engine: str | None = None
) -> Function:
    """A function that computes a loss and its gradient.

    Parameters
    ----------
    loss : function
        A loss of this library, or any function of arrays written against the array API standard
        that returns a scalar. If it returns a tuple, its first part is differentiated.
    argnums : int or tuple of int, default 0
        Which positional arguments the gradient is with respect to. An argument may be an array, or
        lists, tuples and dictionaries of arrays, in which case its gradient is too.
    engine : {"jax", "torch", "own"}, optional
        Who differentiates. By default JAX its own arrays, PyTorch its own tensors, and the engine
        of this library all others. ``"own"`` works on the arrays of any library.

    Returns
    -------
    function
        Called as `loss`, it returns ``(value, gradient)``; the gradient is a tuple if `argnums` is.

    Raises
    ------
    ValueError
        If the loss does not return a scalar.
    TypeError
        If an argument that the gradient is with respect to is not a real floating-point array, or
        the arrays are of several libraries.
    NoRule
        If the function uses one whose derivative is not known.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0])
    >>> value, gradient = al.value_and_grad(al.huber_loss)(pred, target, delta=1.0)
    >>> gradient
    array([0.25, 0.5 ])

    The function may be any code around a loss. A linear model, trained on NumPy alone:

    >>> x = np.asarray([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> y = np.asarray([1.0, 3.0, 5.0])
    >>> step = al.value_and_grad(lambda w: al.squared_error(x @ w, y))
    >>> w = np.zeros(2)
    >>> for _ in range(500):
    ...     value, gradient = step(w)
    ...     w -= 0.2 * gradient
    >>> w.round(4)
    array([2., 1.])
    """
    several = isinstance(argnums, tuple)
    wanted: tuple[int, ...] = argnums if isinstance(argnums, tuple) else (argnums,)
    checked = engines.scalar("value_and_grad", loss)

    @wraps(loss)
    def compute(*args: Any, **options: Any) -> tuple[Any, Any]:
        engines.require_floating("value_and_grad", args, wanted)
        places = tuple(i % len(args) for i in wanted)
        if engine is None and (compiled := getattr(loss, "differentiated", None)) is not None:
            found = compiled(args, places, options)
            if found is not NotImplemented:
                return found[0], (found[1] if several else found[1][0])
        chosen = engines.engine_of("value_and_grad", tuple(args[i] for i in places), engine)
        value, gradients = engines.value_and_grad(chosen, checked, args, places, options)
        return value, (gradients if several else gradients[0])

    return compute


def grad(loss: Function, argnums: int | tuple[int, ...] = 0, *, engine: str | None = None) -> Function:
    """A function that computes the gradient of a loss.

    As `value_and_grad`, without the value.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.grad(al.absolute_error)(np.asarray([1.0, 2.0]), np.asarray([1.0, 0.0]))
    array([0. , 0.5])
    """
    both = value_and_grad(loss, argnums, engine=engine)
    return wraps(loss)(lambda *args, **options: both(*args, **options)[1])


def vjp(loss: Function, *args: Array, engine: str | None = None, **options: Any) -> tuple[Any, Function]:
    """The result of a function, and the map that pulls a cotangent back to each of its arguments.

    Parameters
    ----------
    loss : function
        Any function of arrays; its result need not be a scalar.
    *args : array
        Where it is evaluated; all real floating-point.
    engine : {"jax", "torch", "own"}, optional
        As for `value_and_grad`.
    **options
        Passed on to the function.

    Returns
    -------
    value : array
        The result.
    pull : function
        From an array like the result to a tuple of arrays like the arguments; to be called once.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([1.0, 2.0]), np.asarray([0.0, 0.0])
    >>> value, pull = al.vjp(al.squared_error, pred, target, reduction="none")
    >>> pull(np.asarray([1.0, 10.0]))[0]
    array([ 2., 40.])
    """
    engines.require_floating("vjp", args, tuple(range(len(args))))
    return engines.vjp(engines.engine_of("vjp", args, engine), loss, args, options)


def jvp(
    loss: Function,
    primals: tuple[Array, ...],
    tangents: tuple[Array | None, ...],
    *,
    engine: str | None = None,
    **options: Any,
) -> tuple[Any, Array]:
    """The result of a function, and its derivative along a direction.

    Parameters
    ----------
    loss : function
        Any function of arrays; its result need not be a scalar.
    primals : tuple of array
        Where it is evaluated.
    tangents : tuple of array or None
        The direction: one array like each of the primals, None for those that do not move.
    engine : {"jax", "torch", "own"}, optional
        As for `value_and_grad`.
    **options
        Passed on to the function.

    Returns
    -------
    value, tangent : array
        The result, and its derivative along the direction.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x, t = np.asarray([1.0, 2.0]), np.asarray([0.0, 0.0])
    >>> al.jvp(al.squared_error, (x, t), (np.asarray([1.0, 0.0]), None))[1]
    np.float64(1.0)
    """
    moving = tuple(i for i, t in enumerate(tangents) if t is not None)
    if len(tangents) != len(primals) or not moving:
        raise ValueError(
            f"jvp: tangents must be {len(primals)} arrays or None, and not all None, got {len(tangents)}"
        )
    engines.require_floating("jvp", primals, moving)
    return engines.jvp(engines.engine_of("jvp", primals, engine), loss, primals, tangents, options)


def hvp(loss: Function, x: Array, v: Array, *rest: Any, engine: str | None = None, **options: Any) -> Array:
    """The Hessian of a loss in its first argument, times a vector: forward over reverse.

    Parameters
    ----------
    loss : function
        As for `value_and_grad`.
    x, v : array
        Where the Hessian is taken, and what it is multiplied by; of one shape.
    *rest
        The other arguments of the loss.
    engine : {"jax", "torch", "own"}, optional
        As for `value_and_grad`.
    **options
        Passed on to the loss.

    Returns
    -------
    array
        Like `x`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, v = np.asarray([0.0, 0.0]), np.asarray([1.0, 0.0])
    >>> al.hvp(al.binary_cross_entropy_with_logits, logits, v, np.asarray([0.0, 1.0]), reduction="sum")
    array([0.25, 0.  ])
    """
    chosen = engines.engine_of("hvp", (x,), engine)
    still = (None,) * len(rest)
    if is_structure(x):  # of several results our own engine would follow the first alone

        def slope(x: Any) -> Array:
            return jvp(loss, (x, *rest), (v, *still), engine=chosen, **options)[1]

        return grad(slope, engine=chosen)(x)
    return jvp(grad(loss, engine=chosen), (x, *rest), (v, *still), engine=chosen, **options)[1]


def derivatives(
    loss: Function, pred: Array, *rest: Any, order: int = 2, engine: str | None = None, **options: Any
) -> tuple[Array, ...]:
    """The items of a loss and their derivatives, item by item, in one forward pass.

    Parameters
    ----------
    loss : function
        A loss whose items are the elements of `pred` (reduction "none" is chosen for it), or any
        elementwise function.
    pred : array
        The argument to differentiate with respect to.
    *rest
        The other arguments of the loss.
    order : int, default 2
        How many derivatives.
    engine : {"jax", "torch", "own"}, optional
        As for `value_and_grad`.
    **options
        Passed on to the loss.

    Returns
    -------
    tuple of array
        The items, their first derivatives (the gradient of their sum), their second (the diagonal
        of its Hessian), and so on.

    Raises
    ------
    ValueError
        If the items are not the elements of `pred`, or the order is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([0.0, 0.0]), np.asarray([0.0, 1.0])
    >>> value, gradient, hessian = al.derivatives(al.binary_cross_entropy_with_logits, logits, target)
    >>> gradient, hessian
    (array([ 0.5, -0.5]), array([0.25, 0.25]))
    """
    if type(order) is not int or order < 1:
        raise ValueError(f"derivatives: order must be a positive integer, got {order!r}")
    engines.require_floating("derivatives", (pred, *rest), (0,))
    if hasattr(loss, "loss"):
        options = {"reduction": "none"} | options
    chosen = engines.engine_of("derivatives", (pred,), engine)

    def items(x: Array, *args: Any, **params: Any) -> Array:
        y = loss(x, *args, **params)
        if y.shape != x.shape:
            raise ValueError(
                f"derivatives: the function must return one item for each element of its first argument, "
                f"of shape {tuple(x.shape)}, got {tuple(y.shape)}"
            )
        return y

    if chosen == "own":
        return own.derivatives(items, pred, rest, order, options)
    xp = namespace(pred)
    assert xp is not None
    one = xp.ones(pred.shape, dtype=pred.dtype, device=device(xp, pred))

    def climb(n: int, x: Array) -> tuple[Array, ...]:
        if n == 0:
            return (items(x, *rest, **options),)
        values, slopes = engines.jvp(chosen, lambda z: climb(n - 1, z), (x,), (one,), {})
        return (*values, slopes[-1])

    return climb(order, pred)


def functions() -> tuple[str, ...]:
    """The names of the array API functions that may be used on traced arrays."""
    return tuple(sorted(({*RULES} | {*COMPOSITIONS} | CONSTANTS) - {"getitem", *INTERNALS}))
