"""Self-supervised learning without negatives: two views of a batch agree, and their features differ."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.namespaces import classes, stop_gradient
from ._core.numeric import divide, greatest, keep, matmul, norm, relu, sqrt, square, unit
from ._core.parameters import NONNEGATIVE, choice
from ._core.reductions import Exit, number_of
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["vicreg_loss", "barlow_twins_loss"]


@loss(
    "(n, d), (n, d) -> ()",
    mask="(n)",
    x=REAL,
    y=REAL,
    lam=NONNEGATIVE,
    mu=NONNEGATIVE,
    nu=NONNEGATIVE,
    gamma=NONNEGATIVE,
    eps=NONNEGATIVE,
    convention=choice("code", "paper"),
)
def vicreg_loss(
    x: A,
    y: Array,
    /,
    *,
    lam: float | Array = 25.0,
    mu: float | Array = 25.0,
    nu: float | Array = 1.0,
    gamma: float | Array = 1.0,
    eps: float | Array = 1e-4,
    convention: str = "code",
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""VICReg loss: two views agree, each feature varies, and no two features say the same.

    .. math::

        \ell = \frac{\lambda}{N D} \sum_i \lVert x_i - y_i \rVert^2
        + \frac{\mu}{2} \bigl(v(x) + v(y)\bigr) + \nu \bigl(c(x) + c(y)\bigr)

    .. math::

        v(x) = \frac1D \sum_d \max\bigl(0,\; \gamma - \sqrt{C_{dd} + \varepsilon}\bigr) \qquad
        c(x) = \frac1D \sum_{d \ne e} C_{de}^2 \qquad
        C = \frac{1}{N - 1} \sum_i (x_i - \bar x)(x_i - \bar x)^\top

    Parameters
    ----------
    x : array of real floating dtype, shape (N, D)
        The embeddings of one view of the batch.
    y : array of real dtype, shape (N, D)
        Those of the other view, row by row.
    lam : float, default 25.0
        The coefficient :math:`\lambda \ge 0` of the invariance.
    mu : float, default 25.0
        The coefficient :math:`\mu \ge 0` of the variance.
    nu : float, default 1.0
        The coefficient :math:`\nu \ge 0` of the covariance.
    gamma : float, default 1.0
        The standard deviation :math:`\gamma \ge 0` that every feature is to have at least.
    eps : float, default 0.0001
        What is added to the variance, :math:`\varepsilon \ge 0`. With 0 a feature that is constant gets no
        gradient.
    convention : {"code", "paper"}, default "code"
        Whether the invariance is divided by D too and the variance by 2, as in the formula and in the code
        of the authors, or neither, as their paper has it.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (N,), masks rows.

    Returns
    -------
    array of shape ()
        The terms have the second power of the unit of the embeddings, the first, and the fourth.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    barlow_twins_loss : The same by the correlations between the views.

    Notes
    -----
    Fewer than two rows have no statistics: the loss is 0. Where the standard deviation of a feature is
    :math:`\gamma` there is a kink, with gradient 0. A shift of all rows of both views changes nothing.

    References
    ----------
    Bardes, Ponce, LeCun, *VICReg: variance-invariance-covariance regularization for self-supervised
    learning*, ICLR 2022, arXiv:2105.04906.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 2.0], [3.0, 1.0], [2.0, 0.0]])
    >>> y = np.asarray([[1.5, 2.0], [2.5, 1.0], [2.0, 0.5]])
    >>> round(float(al.vicreg_loss(x, y)), 6)
    8.03795
    """
    xp, x, y, lam, mu, nu, gamma, eps, convention, done = enter(
        vicreg_loss,
        (x, y),
        sample_weight,
        where,
        reduction,
        normalizer,
        lam=lam,
        mu=mu,
        nu=nu,
        gamma=gamma,
        eps=eps,
        convention=convention,
    )
    n = _number_of_rows(xp, x, done)
    features = _features(xp, x, y, done, n)
    D = features.shape[1]
    invariance = divide(xp, xp.sum(square(xp, x - y)), n)
    deviations = divide(xp, norm(xp, _with_epsilon(xp, features, eps, n - 1)), sqrt(xp, n - 1))
    variance = xp.sum(relu(xp, gamma - deviations)) / D
    products = matmul(xp, features, xp.permute_dims(features, (0, 2, 1)))
    covariance = xp.sum(square(xp, _off_diagonal(xp, divide(xp, products, n - 1)))) / D
    if convention == "code":
        invariance, variance = invariance / D, variance / 2
    return done(lam * invariance + mu * variance + nu * covariance)


@loss("(n, d), (n, d) -> ()", mask="(n)", x=REAL, y=REAL, lam=NONNEGATIVE, eps=NONNEGATIVE)
def barlow_twins_loss(
    x: A,
    y: Array,
    /,
    *,
    lam: float | Array = 0.005,
    eps: float | Array = 0.0,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Barlow Twins loss: the correlations between the features of two views are the identity.

    .. math::

        \ell = \sum_d (1 - C_{dd})^2 + \lambda \sum_{d \ne e} C_{de}^2 \qquad
        C_{de} = \frac{\sum_i (x_{id} - \bar x_d)(y_{ie} - \bar y_e)}
        {N \sqrt{\operatorname{Var}(x_d) + \varepsilon} \sqrt{\operatorname{Var}(y_e) + \varepsilon}}

    Parameters
    ----------
    x : array of real floating dtype, shape (N, D)
        The embeddings of one view of the batch.
    y : array of real dtype, shape (N, D)
        Those of the other view, row by row.
    lam : float, default 0.005
        The coefficient :math:`\lambda \ge 0` of the correlations between different features.
    eps : float, default 0.0
        What is added to the variances, :math:`\varepsilon \ge 0`. Batch normalisation has 1e-5.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (N,), masks rows.

    Returns
    -------
    array of shape ()
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    vicreg_loss : The same by the covariances within each view.

    Notes
    -----
    Variances are divided by N, so that a feature that is the same in both views, or has been shifted and
    scaled, has a correlation of exactly 1, if `eps` is 0. A feature that is constant in a view has no
    correlation with any, costs 1 and gets no gradient from that. Fewer than two rows have no statistics:
    the loss is 0.

    Some implementations divide the variances by N - 1, with which no correlation is 1.

    References
    ----------
    Zbontar, Jing, Misra, LeCun, Deny, *Barlow Twins: self-supervised learning via redundancy reduction*,
    ICML 2021, arXiv:2103.03230.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[1.0, 2.0], [3.0, 1.0], [2.0, 0.0]])
    >>> y = np.asarray([[1.5, 2.0], [2.5, 1.0], [2.0, 0.5]])
    >>> round(float(al.barlow_twins_loss(x, y)), 6)
    0.003718
    """
    xp, x, y, lam, eps, done = enter(
        barlow_twins_loss,
        (x, y),
        sample_weight,
        where,
        reduction,
        normalizer,
        lam=lam,
        eps=eps,
    )
    n = _number_of_rows(xp, x, done)
    # With ε as one more coordinate a standardised feature is a unit vector, and 1 - C_dd half the squared
    # distance of two, in which nothing cancels, and half of what ε has of each.
    whole = unit(xp, _with_epsilon(xp, _features(xp, x, y, done, n), eps, n))
    a, b = whole[0, :, :-1], whole[1, :, :-1]
    alike = xp.sum(a * b, axis=-1)
    apart = (xp.sum(square(xp, a - b), axis=-1) + xp.sum(square(xp, whole[..., -1]), axis=0)) / 2
    apart = xp.where(alike > 0.5, apart, 1 - alike)
    correlations = _off_diagonal(xp, matmul(xp, a, xp.permute_dims(b, (1, 0))))
    return done(xp.sum(square(xp, apart)) + lam * xp.sum(square(xp, correlations)))


def _number_of_rows(xp: Namespace, x: Array, done: Exit) -> Array:
    """How many rows are in; of fewer than two the batch does not count."""
    n = number_of(xp, done.kept(x[:, 0]), x)
    done.drop(n >= 2)
    return n


def _features(xp: Namespace, x: Array, y: Array, done: Exit, n: Array) -> Array:
    """The features of both views, (2, D, N), each less its mean over the n rows that are in."""
    # Both at once, or a library might round what is the same in both in two ways.
    views, here = xp.stack([x, y]), done.kept(x[:, 0])[:, None]
    # From the largest value, which leaves exactly 0 of what is constant, and small numbers of others.
    highest = greatest(xp, xp.where(here, stop_gradient(xp, views), -math.inf), axis=1, keepdims=True)
    below = keep(xp, views - highest, here)
    centred = keep(xp, below - divide(xp, xp.sum(below, axis=1, keepdims=True), n), here)
    return xp.permute_dims(centred, (0, 2, 1))


def _with_epsilon(xp: Namespace, features: Array, eps: Any, divisor: Array) -> Array:
    """The features with one more coordinate, which adds ε to the square of each over the divisor."""
    column = xp.zeros_like(xp.sum(features, axis=-1, keepdims=True))  # of no rows there is none to slice
    return xp.concat([features, column + sqrt(xp, eps * divisor)], axis=-1)


def _off_diagonal(xp: Namespace, matrix: Array) -> Array:
    """A matrix, or several, with 0 on the diagonal."""
    d = classes(xp, matrix)
    return keep(xp, matrix, d[:, None] != d)
