"""Faces: the centers of classes, which move with the features."""

from __future__ import annotations

from typing import Any, TypeVar

from .._core import errors
from .._core.companions import in_working_dtype, labels_of_rows, require_beside, together
from .._core.entry import check_parameter
from .._core.errors import Words, refuse
from .._core.namespaces import dtype_name, kind, stop_gradient
from .._core.numeric import classes, keep, matmul
from .._core.parameters import FRACTION

A = TypeVar("A")
Array = Any
Namespace = Any


def update_centers(
    centers: A, embeddings: Array, labels: Array, /, *, alpha: float = 0.5, where: Array | None = None
) -> A:
    r"""The next centers of the classes that `center_loss` pulls features to.

    .. math::

        c_j \leftarrow c_j - \alpha\, \Delta_j
        \qquad \Delta_j = \frac{\sum_{i:\, y_i = j} (c_j - x_i)}{1 + n_j}

    where :math:`n_j` is the number of features of class :math:`j`.

    Parameters
    ----------
    centers : array of real floating dtype, shape (c, d)
        The centers :math:`c_j` so far.
    embeddings : array of real floating dtype, shape (..., d)
        The features :math:`x_i`.
    labels : array of integer dtype, shape (...)
        Their classes :math:`y_i`. One that is none, such as -100, changes nothing.
    alpha : float, default 0.5
        How far the centers move, :math:`0 \le \alpha \le 1`.
    where : array of bool, shape (...), optional
        Which features count. The others may be NaN.

    Returns
    -------
    array of shape (c, d)
        A constant: it has no gradient. The center of a class without features is as it was.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for an `alpha` outside [0, 1].

    See Also
    --------
    arraylosses.center_loss : What it is for.

    Notes
    -----
    The 1 in the denominator slows down the centers of classes with few features. A feature that is not
    finite makes the center of its class NaN, and no other.

    References
    ----------
    Wen, Zhang, Li, Qiao, *A discriminative feature learning approach for deep face recognition*,
    ECCV 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x, labels = np.asarray([[1.0, 2.0], [0.0, 1.0]]), np.asarray([0, 0])
    >>> al.update_centers(np.zeros((2, 2)), x, labels, alpha=0.75)
    array([[0.25, 0.75],
           [0.  , 0.  ]])
    """
    name = "update_centers"
    centers, embeddings, labels, where = together(centers, embeddings, labels, where)
    xp, c = in_working_dtype(name, "centers", centers)
    alpha = check_parameter(name, "alpha", alpha, FRACTION)
    require_beside(name, xp, "embeddings", embeddings, "centers", centers)
    _, x = in_working_dtype(name, "embeddings", embeddings)
    require_beside(name, xp, "labels", labels, "centers", centers)
    if c.ndim != 2:
        raise refuse(name, "centers", errors.shape("(c, d)"), tuple(c.shape))
    if x.ndim == 0 or x.shape[-1] != c.shape[1]:
        raise refuse(name, "embeddings", errors.shape(f"(..., {c.shape[1]})"), tuple(x.shape))
    labels = labels_of_rows(name, xp, labels, x)
    if where is not None:
        require_beside(name, xp, "where", where, "centers", centers)
        if kind(xp, where.dtype) != "bool":
            raise refuse(name, "where", errors.BOOLEAN, Words(dtype_name(where.dtype)), TypeError)
        if where.shape != labels.shape:
            raise refuse(name, "where", errors.shape(str(tuple(labels.shape))), tuple(where.shape))

    dtype = xp.result_type(c.dtype, x.dtype)
    c, x = (stop_gradient(xp, xp.astype(each, dtype)) for each in (c, x))
    x, labels = xp.reshape(x, (-1, c.shape[1])), xp.reshape(labels, (-1,))
    counts = (labels >= 0) & (labels < c.shape[0])
    if where is not None:
        counts = counts & xp.reshape(where, (-1,))
    member = counts & (classes(xp, c, axis=0)[:, None] == labels)
    moved: A = c - alpha * _mean_gap(xp, c, x, xp.where(counts, labels, 0), member)
    return moved


def _mean_gap(xp: Namespace, c: Array, x: Array, labels: Array, member: Array) -> Array:
    """Σ (c_j - x_i) / (1 + n_j) over the members of each class, (c, n); NaN where one is not finite."""
    if 0 in member.shape:
        return xp.zeros_like(c)
    gap = xp.take(c, labels, axis=0) - x
    # In a product with the members what is not finite would reach all classes.
    lost = xp.any(~xp.isfinite(gap), axis=-1)
    of_class = xp.astype(member & ~lost, c.dtype)
    total = matmul(xp, of_class, keep(xp, gap, ~lost[:, None]))
    number = xp.sum(of_class, axis=-1, keepdims=True)
    return xp.where(xp.any(member & lost, axis=-1)[:, None], xp.nan, total / (1 + number))
