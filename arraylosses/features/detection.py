"""Detection: what it costs to assign predictions to targets, and the cheapest assignment."""

from __future__ import annotations

import importlib
import math
from typing import Any, TypeVar

from .._core import errors
from .._core.companions import in_working_dtype, require_beside, together
from .._core.entry import check_parameter
from .._core.errors import Words, refuse
from .._core.namespaces import device, dtype_name, index_dtype, kind, on_host, stop_gradient
from .._core.numeric import absolute, columns, exp, log_softmax, matmul, one_hot
from .._core.parameters import NONNEGATIVE
from ..boxes import giou_loss

A = TypeVar("A")
Array = Any
Namespace = Any


def detr_matching_cost(
    logits: A,
    boxes: Array,
    target_labels: Array,
    target_boxes: Array,
    /,
    *,
    cls_weight: float = 1.0,
    l1_weight: float = 5.0,
    giou_weight: float = 2.0,
) -> A:
    r"""What it costs in DETR to assign each prediction to each target.

    .. math::

        C_{qm} = -\lambda_c \operatorname{softmax}(z_q)_{y_m} + \lambda_1 \|b_q - t_m\|_1
        + \lambda_g\,(\ell_\text{GIoU}(b_q, t_m) - 1)

    Parameters
    ----------
    logits : array of real floating dtype, shape (b, q, c)
        The logits :math:`z` of the predictions of each image, of which the last class is no object.
    boxes : array of real floating dtype, shape (b, q, 4)
        The predicted boxes :math:`b`: the center and the sides, in units of the image.
    target_labels : array of integer dtype, shape (b, m)
        The classes :math:`y` of the targets. The rest of a row is filled up with -1.
    target_boxes : array of real floating dtype, shape (b, m, 4)
        Their boxes :math:`t`, likewise; the rest may be anything.
    cls_weight, l1_weight, giou_weight : float, default 1.0, 5.0 and 2.0
        The factors :math:`\lambda_c, \lambda_1, \lambda_g \ge 0`.

    Returns
    -------
    array of shape (b, q, m)
        Infinite for targets with a negative label, which are none. A constant: it has no gradient.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a negative factor.

    See Also
    --------
    detr_assignment : The assignment that costs least.
    arraylosses.detr_set_loss : The loss of an assignment.

    Notes
    -----
    It has the probability of the class, not the logarithm of it, so that its terms are of one size.

    References
    ----------
    Carion et al., *End-to-End Object Detection with Transformers*, ECCV 2020, arXiv:2005.12872.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> boxes = np.asarray([[[0.5, 0.5, 0.2, 0.4], [0.3, 0.3, 0.2, 0.2]]])
    >>> labels, targets = np.asarray([[0]]), np.asarray([[[0.5, 0.6, 0.2, 0.2]]])
    >>> al.detr_matching_cost(logits, boxes, labels, targets).round(6)
    array([[[-0.286986],
            [ 3.488058]]])
    """
    name = "detr_matching_cost"
    logits, boxes, target_labels, target_boxes = together(logits, boxes, target_labels, target_boxes)
    xp, z = in_working_dtype(name, "logits", logits)
    for option, value in (("cls_weight", cls_weight), ("l1_weight", l1_weight), ("giou_weight", giou_weight)):
        check_parameter(name, option, value, NONNEGATIVE)
    _, b = in_working_dtype(name, "boxes", boxes)
    _, t = in_working_dtype(name, "target_boxes", target_boxes)
    for other, x in (("boxes", boxes), ("target_labels", target_labels), ("target_boxes", target_boxes)):
        require_beside(name, xp, other, x, "logits", logits)
    if kind(xp, target_labels.dtype) != "int":
        raise refuse(name, "target_labels", errors.INTEGER, Words(dtype_name(target_labels.dtype)), TypeError)
    _require_shape(name, "logits", z, ("b", "q", "c"))
    images, queries, _ = z.shape
    _require_shape(name, "boxes", b, (images, queries, 4))
    _require_shape(name, "target_labels", target_labels, (images, "m"))
    _require_shape(name, "target_boxes", t, (images, target_labels.shape[1], 4))

    dtype = xp.result_type(z.dtype, b.dtype, t.dtype)
    z, b, t = (stop_gradient(xp, xp.astype(x, dtype)) for x in (z, b, t))
    is_label = one_hot(xp, target_labels, z)
    p = matmul(xp, exp(xp, log_softmax(xp, z)), xp.matrix_transpose(xp.astype(is_label, dtype)))
    pairs = (*p.shape, 4)
    b, t = xp.broadcast_to(b[:, :, None, :], pairs), xp.broadcast_to(t[:, None, :, :], pairs)
    l1 = sum(absolute(xp, of_b - of_t) for of_b, of_t in zip(columns(xp, b), columns(xp, t), strict=True))
    giou = giou_loss(b, t, fmt="cxcywh", reduction="none")
    cost = l1_weight * l1 + giou_weight * (giou - 1) - cls_weight * p
    matched: A = xp.where(target_labels[:, None, :] < 0, math.inf, cost)
    return matched


def detr_assignment(cost: A, /) -> A:
    """The assignment of predictions to targets, one to one, that costs least.

    Parameters
    ----------
    cost : array of real floating dtype, shape (b, q, m)
        What it costs to assign each prediction of an image to each target. A target that costs infinity
        throughout is none.

    Returns
    -------
    array of integer dtype, shape (b, q)
        The target of each prediction, counted from 0; -1 for none.

    Raises
    ------
    ImportError
        If SciPy is not installed.
    TypeError, ValueError
        If `cost` is no such array, or NaN.

    See Also
    --------
    detr_matching_cost : The cost of DETR.
    arraylosses.detr_set_loss : The loss of an assignment.

    Notes
    -----
    Where there are more targets than predictions, some are left over. SciPy solves it on the CPU, for the
    values of the costs: the function is no part of what is compiled, and waits for a GPU or for what is
    lazy.

    References
    ----------
    Crouse, *On implementing 2D rectangular assignment algorithms*, IEEE Transactions on Aerospace and
    Electronic Systems 52, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.detr_assignment(np.asarray([[[0.5, 2.0], [0.25, 0.5], [9.0, 9.0]]]))
    array([[ 0,  1, -1]])
    """
    xp, costs = in_working_dtype("detr_assignment", "cost", cost)
    _require_shape("detr_assignment", "cost", costs, ("b", "q", "m"))
    try:
        solve = importlib.import_module("scipy.optimize").linear_sum_assignment
    except ImportError as error:
        raise ImportError("detr_assignment: SciPy must be installed") from error
    chosen = []
    for image in on_host(costs).astype(float):
        if (image != image).any():
            raise refuse("detr_assignment", "cost", "not be NaN", math.nan)
        (real,) = (image < math.inf).any(axis=0).nonzero()
        row = [-1] * image.shape[0]
        for prediction, target in zip(*solve(image[:, real]), strict=True):
            row[prediction] = int(real[target])
        chosen.append(row)
    assignment = xp.asarray(chosen, dtype=index_dtype(xp), device=device(xp, costs))
    assigned: A = xp.reshape(assignment, tuple(costs.shape[:2]))
    return assigned


def _require_shape(function: str, name: str, x: Array, dims: tuple[Any, ...]) -> None:
    if x.ndim != len(dims) or any(type(n) is int and n != m for n, m in zip(dims, x.shape, strict=True)):
        raise refuse(function, name, errors.shape(f"({', '.join(map(str, dims))})"), tuple(x.shape))
