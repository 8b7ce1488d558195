"""Losses as objectives of gradient boosting: the gradient and the diagonal of the Hessian."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .._core.namespaces import device, kind, namespace, quietly
from . import transformations as own

Array = Any
Function = Callable[..., Any]
HESSIANS = ("positive", "exact", "one")


def objective(loss: Function, *, hessian: str = "positive", **options: Any) -> Function:
    """The loss as XGBoost and LightGBM take one: a function that returns gradient and Hessian.

    The same function serves their native interfaces, which call it with ``(predictions, data)``, and
    those that follow scikit-learn, which call it with ``(y_true, y_pred, sample_weight)``.
    The Hessian is its diagonal.

    Parameters
    ----------
    loss : function
        A loss of this library whose prediction is a raw score (so `binary_cross_entropy_with_logits`
        and not `binary_cross_entropy`), or any function of a prediction and a target that returns
        the loss of every row.
    hessian : {"positive", "exact", "one"}, default "positive"
        The second derivative with 0 in the place of what is negative, as it is, or 1 everywhere,
        which losses without curvature (quantile, absolute error) need.
    **options
        Options of the loss. `reduction` is not among them.

    Returns
    -------
    function
        ``(predictions, data)`` or ``(y_true, y_pred, sample_weight=None)`` to
        ``(gradient, hessian)``, both of the shape of the predictions. That is ``(rows,)``, or
        ``(rows, classes)`` for a loss with classes, whose targets are cast to integers.

    Raises
    ------
    TypeError
        If `reduction` is given, or the loss is no function; from the result, if anything is no array.
    ValueError
        If `hessian` is none of the three; from the result, if a class is no whole number, or the loss
        has no curvature at all where it is evaluated.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> gradients = al.objective(al.binary_cross_entropy_with_logits)
    >>> gradients(np.asarray([1.0, 0.0]), np.asarray([0.0, 0.0]), np.asarray([1.0, 2.0]))
    (array([-0.5,  1. ]), array([0.25, 0.5 ]))

    In use: ``lightgbm.train({"objective": gradients}, data)``, ``xgboost.train(params, data,
    obj=gradients)``, ``LGBMRegressor(objective=gradients)``, ``XGBRegressor(objective=gradients)``.
    """
    if not callable(loss):
        raise TypeError(f"objective: loss must be a function, got {type(loss).__name__}")
    if hessian not in HESSIANS:
        raise ValueError(f"objective: hessian must be 'positive', 'exact' or 'one', got {hessian!r}")
    if "reduction" in options:
        raise TypeError("objective: reduction must not be given, the libraries add the rows up themselves")
    if "reduction" in inspect.signature(loss).parameters:
        options["reduction"] = "none"
    name = getattr(loss, "__name__", "the loss")

    def gradients(first: Any, second: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        if hasattr(second, "get_label"):  # the native interfaces: predictions, and a data set
            pred, target, sample_weight = first, second.get_label(), second.get_weight()
        else:
            target, pred = first, second
        require_arrays(predictions=pred, targets=target)
        if sample_weight is not None:
            require_arrays(sample_weight=sample_weight)
        xp = own.namespace_of_result(pred)
        if pred.ndim == 2 and takes_classes(loss):
            target = as_labels(name, target)
        with quietly():
            gradient, curvature = diagonal(loss, pred, target, options, hessian != "one")
        if curvature is None:
            curvature = xp.ones_like(gradient)
        elif hessian == "positive":
            curvature = xp.maximum(curvature, 0.0)
        if not xp.any(curvature != 0):
            raise ValueError(f"objective: {name} has no curvature here: pass hessian='one'")
        # XGBoost has an array without elements for no weights.
        if sample_weight is not None and sample_weight.shape[0]:
            weight = xp.astype(sample_weight, gradient.dtype)
            weight = weight[:, None] if pred.ndim == 2 else weight
            gradient, curvature = weight * gradient, weight * curvature
        return gradient, curvature

    gradients.__name__ = gradients.__qualname__ = f"objective_of_{name}"
    return gradients


def require_arrays(**arrays: Any) -> None:
    for name, x in arrays.items():
        if namespace(x) is None:
            raise TypeError(f"objective: {name} must be an array, got {type(x).__name__}")


def as_labels(loss: str, target: Array) -> Array:
    """The targets, which the libraries keep as floating-point numbers, as the integers that they are."""
    xp = own.namespace_of_result(target)
    if kind(xp, target.dtype) != "float":
        return target
    labels = xp.astype(target, xp.int64)
    if xp.any(wrong := xp.astype(labels, target.dtype) != target):
        first = float(target[int(xp.argmax(xp.astype(wrong, xp.int64)))])
        raise ValueError(f"objective: targets of {loss} must be whole numbers, got {first}")
    return labels


def takes_classes(loss: Function) -> bool:
    """Whether the target of a loss may be integer labels."""
    spec = getattr(loss, "loss", None)
    return spec is not None and not all(domain.dense for domain in spec.domains[spec.arrays[1]])


def diagonal(
    loss: Function, pred: Array, target: Array, options: dict[str, Any], curved: bool
) -> tuple[Array, Array | None]:
    """The gradient of the sum of the rows and, if it is asked for, the diagonal of its Hessian."""
    xp = namespace(pred)
    assert xp is not None

    def items(x: Array, target: Array) -> Array:
        return own.first_of(loss(x, target, **options))

    if pred.ndim < 2 or items(pred, target).shape == pred.shape:
        _, gradient, *rest = own.derivatives(items, pred, (target,), 2 if curved else 1, {})
        return gradient, rest[0] if curved else None

    def gradient_of_sum(x: Array) -> Array:
        y, pull = own.vjp(items, x, target)
        return pull(own.namespace_of_result(y).ones_like(y))[0]

    if not curved:
        return gradient_of_sum(pred), None
    classes = xp.arange(pred.shape[1], device=device(xp, pred))
    columns = []
    for k in range(pred.shape[1]):  # a row does not depend on the others: one direction serves all
        along = xp.astype(xp.broadcast_to(classes == k, pred.shape), pred.dtype)
        gradient, slope = own.jvp(gradient_of_sum, (pred,), (along,))
        columns.append(slope[:, k])
    return gradient, xp.stack(columns, axis=1)
