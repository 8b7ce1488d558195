"""Relative and directional errors: ratios, percentages, angles."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import ABOVE_MINUS_ONE, REAL
from ._core.entry import enter
from ._core.numeric import absolute, unit
from ._core.parameters import CLASS_AXIS, POSITIVE, optional
from ._core.ratios import scaled_quotient
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = [
    "absolute_percentage_error",
    "symmetric_absolute_percentage_error",
    "squared_log_error",
    "cosine_distance",
]


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, eps=optional(POSITIVE))
def absolute_percentage_error(
    pred: A,
    target: Array,
    /,
    *,
    eps: float | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Absolute percentage error, MAPE: the error as a fraction of the target.

    .. math:: \ell = \frac{|p - t|}{\max(|t|, \varepsilon)}

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    eps : float, optional
        The least :math:`\varepsilon > 0` that is divided by, in the unit of the target. By default
        the machine epsilon of the dtype in which the loss is computed.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A fraction: 0.25, not 25, is a quarter of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `eps` that is
        not positive.

    Notes
    -----
    Convex in the prediction, with a kink at :math:`p = t`, where the gradient is 0. Predictions that
    are too low cost at most 1, those too high have no bound. One target of 0 outweighs everything
    else: take such items out with `where`. For an infinite target and a finite prediction it is 1.

    References
    ----------
    de Myttenaere, Golden, Le Grand, Rossi, *Mean absolute percentage error for regression models*,
    Neurocomputing 192, 2016, arXiv:1605.02541.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.absolute_percentage_error(np.asarray([1.5, 5.0]), np.asarray([2.0, 4.0])))
    0.25
    """
    xp, p, t, eps, done = enter(
        absolute_percentage_error, (pred, target), sample_weight, where, reduction, normalizer, eps=eps
    )
    least = float(xp.finfo(p.dtype).eps) if eps is None else eps
    usual = absolute(xp, t) > least
    ratio = _relative(xp, p, xp.where(usual, t, 1.0))
    return done(absolute(xp, xp.where(usual, ratio, (p - t) / least)))


def _relative(xp: Any, a: Array, b: Array) -> Array:
    """(a - b) / b for b ≠ 0, in which neither the value nor a derivative cancels; -1 for infinite b."""
    small = absolute(xp, a) < absolute(xp, b) / 2
    q = scaled_quotient(xp, xp.where(small, a, a - b), b)
    return xp.where(small, q - 1, q)


@loss("(...), (...) -> (...)", pred=REAL, target=REAL)
def symmetric_absolute_percentage_error(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Symmetric absolute percentage error, SMAPE: a relative error between 0 and 2.

    .. math:: \ell = \frac{2\,|p - t|}{|p| + |t|}

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A fraction of the mean of prediction and target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Symmetric in prediction and target, but not convex. Where one is 0, or the two have opposite
    signs, it is 2 with gradient 0, so a prediction of the wrong sign does not learn; where both are
    0 it is 0 with gradient 0. An infinite prediction of a finite target has loss 2. Variants without
    the factor 2, or in percent, exist.

    References
    ----------
    Makridakis, *Accuracy measures: theoretical and practical concerns*, International Journal of
    Forecasting 9(4), 1993.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.symmetric_absolute_percentage_error(np.asarray([3.0]), np.asarray([5.0])))
    0.5
    """
    xp, p, t, done = enter(
        symmetric_absolute_percentage_error, (pred, target), sample_weight, where, reduction, normalizer
    )
    # Where the signs differ or one is 0 it is a constant: 2, or 0 if both are 0.
    alike = ((p > 0) & (t > 0)) | ((p < 0) & (t < 0))
    size = absolute(xp, p) + absolute(xp, t)
    constant = xp.where(size > 0, 2.0, size)
    # Otherwise 2y / (2 - y), y being by how much of the greater the lesser falls short of it.
    more = absolute(xp, p) > absolute(xp, t)
    greater, lesser = xp.where(more, p, t), xp.where(more, t, p)
    y = absolute(xp, _relative(xp, xp.where(alike, lesser, 1.0), xp.where(alike, greater, 1.0)))
    return done(xp.where(alike, 2 * y / (2 - y), constant))


@loss("(...), (...) -> (...)", pred=ABOVE_MINUS_ONE, target=ABOVE_MINUS_ONE)
def squared_log_error(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Squared logarithmic error, MSLE: a relative error of amounts that may be 0.

    .. math:: \ell = (\ln(1 + p) - \ln(1 + t))^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p > -1`.
    target : array of real dtype, shape (...), or a number
        The target :math:`t > -1`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A number without a unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    The squared error of :math:`\ln(1 + p)`, and convex in that, but not in :math:`p`. Nothing is
    clamped: it is infinite where one of the two is -1, NaN where both are or one is below. Equal
    amounts, however large, have a loss of exactly 0, and nearly equal ones one of full relative
    accuracy.

    References
    ----------
    Tofallis, *A better measure of relative prediction accuracy for model selection and model
    estimation*, Journal of the Operational Research Society 66(8), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_log_error(np.asarray([1.5]), np.asarray([2.0])).round(8))
    0.03324115
    """
    xp, p, t, done = enter(squared_log_error, (pred, target), sample_weight, where, reduction, normalizer)
    # The difference of the logarithms is that of a ratio above 1, whose part beyond 1 is exact.
    more = p >= t
    gap, lesser = xp.where(more, p - t, t - p), xp.where(more, t, p)
    infinite = (gap == math.inf) | ((lesser == -1) & (gap > 0))
    illegal = (lesser < -1) | ((lesser == -1) & (gap == 0))
    done.poison(illegal)
    beyond = scaled_quotient(xp, xp.where(infinite, 0.0, gap), 1 + xp.where(infinite | illegal, 0.0, lesser))
    return done(xp.where(infinite, math.inf, xp.log1p(beyond) ** 2))


@loss("(..., c), (..., c) -> (...)", pred=REAL, target=REAL, axis=CLASS_AXIS)
def cosine_distance(
    pred: A,
    target: Array,
    /,
    *,
    axis: int = -1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Cosine distance: how far two vectors are from having one direction.

    .. math:: \ell = 1 - \frac{\langle p, t \rangle}{\lVert p \rVert\, \lVert t \rVert}

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., c)
        The predicted vectors :math:`p`.
    target : array of real dtype, shape (..., c)
        The target vectors :math:`t`.
    axis : int, default -1
        The axis along which a vector lies.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        A number between 0 (same direction) and 2 (opposite directions).

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `axis` that does
        not exist.

    Notes
    -----
    Not convex. The lengths of the vectors do not matter, nor can they overflow or underflow. A zero
    vector has similarity 0 to every vector: distance 1, gradient 0. A vector with an infinite
    element gives NaN. Vectors of one direction have a distance of 0, never below, and small angles
    keep their digits.

    References
    ----------
    Salton, Wong, Yang, *A vector space model for automatic indexing*, Communications of the ACM
    18(11), 1975.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([[3.0, 4.0], [0.0, 1.0]]), np.asarray([[6.0, 8.0], [2.0, 0.0]])
    >>> al.cosine_distance(pred, target, reduction="none")
    array([0., 1.])
    """
    xp, p, t, done = enter(
        cosine_distance, (pred, target), sample_weight, where, reduction, normalizer, axis=axis
    )
    # 1 - cos is half the squared distance of the unit vectors, in which nothing cancels.
    apart = xp.sum((unit(xp, p) - unit(xp, t)) ** 2, axis=-1) / 2
    nothing = xp.all(p == 0, axis=-1) | xp.all(t == 0, axis=-1)
    return done(xp.where(nothing & ~xp.isnan(apart), 1.0, apart))
