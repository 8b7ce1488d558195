"""Regression towards intervals: quantiles, expectiles, and errors that are free inside a tube."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.numeric import absolute, product, relu
from ._core.parameters import FRACTION, NONNEGATIVE, broadcast
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["quantile_loss", "expectile_loss", "epsilon_insensitive_loss", "squared_epsilon_insensitive_loss"]


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, quantile=broadcast(FRACTION))
def quantile_loss(
    pred: A,
    target: Array,
    /,
    *,
    quantile: float | Array = 0.5,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Quantile loss, pinball loss: regression towards a conditional quantile; prediction intervals.

    .. math::

        \ell = \max(\tau u, (\tau - 1) u) \qquad u = t - p

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    quantile : float or array, default 0.5
        Which quantile, :math:`0 \le \tau \le 1`. An array broadcasts to the shape of `pred`: one for
        each of several heads, say.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `quantile` beyond 0
        and 1.

    Notes
    -----
    Convex, with a kink at :math:`p = t`, where the gradient is 0; below the target it is :math:`-\tau`,
    above :math:`1 - \tau`. At :math:`\tau = ½` it is half the absolute error. Exchanging prediction and
    target turns :math:`\tau` into :math:`1 - \tau`.

    References
    ----------
    Koenker and Bassett, *Regression quantiles*, Econometrica 46(1), 1978.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.quantile_loss(np.asarray([1.5, 1.5, 4.0]), np.asarray([1.0, 2.0, 3.0]), quantile=0.75))
    0.25
    """
    xp, p, t, tau, done = enter(
        quantile_loss, (pred, target), sample_weight, where, reduction, normalizer, quantile=quantile
    )
    u = t - p
    return done(_tilted(xp, u, tau, absolute(xp, u)))  # of a product that underflows the slope would be 0


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, expectile=broadcast(FRACTION))
def expectile_loss(
    pred: A,
    target: Array,
    /,
    *,
    expectile: float | Array = 0.5,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Expectile loss: asymmetric least squares, regression towards a conditional expectile.

    .. math::

        \ell = |\tau - [u < 0]|\, u^2 \qquad u = t - p

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    expectile : float or array, default 0.5
        Which expectile, :math:`0 \le \tau \le 1`. An array broadcasts to the shape of `pred`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `expectile` beyond 0
        and 1.

    Notes
    -----
    Convex and continuously differentiable, with gradient :math:`-2\tau u` below the target and
    :math:`-2(1 - \tau)u` above. At :math:`\tau = ½` it is half the squared error. It is to the mean what
    :func:`quantile_loss` is to the median.

    References
    ----------
    Newey and Powell, *Asymmetric least squares estimation and testing*, Econometrica 55(4), 1987;
    Kostrikov, Nair, Levine, *Offline reinforcement learning with implicit Q-learning*, ICLR 2022,
    arXiv:2110.06169, in reinforcement learning.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.expectile_loss(np.asarray([1.5, 1.5]), np.asarray([1.0, 2.0]), expectile=0.75, reduction="none")
    array([0.0625, 0.1875])
    """
    xp, p, t, tau, done = enter(
        expectile_loss, (pred, target), sample_weight, where, reduction, normalizer, expectile=expectile
    )
    u = t - p
    return done(product(xp, _tilted(xp, u, tau, u), u))


def _tilted(xp: Any, u: Array, tau: float | Array, x: Array) -> Array:
    """τ·x where u ≥ 0 and (1 - τ)·x where u < 0; 0·∞ = 0."""

    def times(factor: float | Array) -> Array:
        return factor * x if isinstance(factor, float) and factor != 0 else product(xp, factor, x)

    return xp.where(u < 0, times(1 - tau), times(tau))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, epsilon=NONNEGATIVE)
def epsilon_insensitive_loss(
    pred: A,
    target: Array,
    /,
    *,
    epsilon: float = 0.1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Epsilon-insensitive loss: an absolute error with a dead zone; support vector regression.

    .. math:: \ell = \max(|p - t| - \varepsilon, 0)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    epsilon : float, default 0.1
        The half-width :math:`\varepsilon \ge 0` of the zone without loss, in the unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `epsilon`.

    Notes
    -----
    Convex, with kinks at :math:`|p - t| = \varepsilon`, where the gradient is 0. With
    :math:`\varepsilon = 0` it is the absolute error.

    References
    ----------
    Vapnik, *The nature of statistical learning theory*, Springer 1995; Drucker, Burges, Kaufman, Smola,
    Vapnik, *Support vector regression machines*, NIPS 1996.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.epsilon_insensitive_loss(
    ...     np.asarray([0.25, -1.0]), np.asarray([0.0, 0.0]), epsilon=0.5, reduction="none"
    ... )
    array([0. , 0.5])
    """
    xp, p, t, epsilon, done = enter(
        epsilon_insensitive_loss, (pred, target), sample_weight, where, reduction, normalizer, epsilon=epsilon
    )
    return done(relu(xp, absolute(xp, p - t) - epsilon))


@loss("(...), (...) -> (...)", pred=REAL, target=REAL, epsilon=NONNEGATIVE)
def squared_epsilon_insensitive_loss(
    pred: A,
    target: Array,
    /,
    *,
    epsilon: float = 0.1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Squared epsilon-insensitive loss: a squared error with a dead zone; support vector regression.

    .. math:: \ell = \max(|p - t| - \varepsilon, 0)^2

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    epsilon : float, default 0.1
        The half-width :math:`\varepsilon \ge 0` of the zone without loss, in the unit of the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the target.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `epsilon`.

    Notes
    -----
    Convex and continuously differentiable. With :math:`\varepsilon = 0` it is the squared error.

    References
    ----------
    Vapnik, *The nature of statistical learning theory*, Springer 1995.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.squared_epsilon_insensitive_loss(
    ...     np.asarray([0.25, -1.0]), np.asarray([0.0, 0.0]), epsilon=0.5, reduction="none"
    ... )
    array([0.  , 0.25])
    """
    xp, p, t, epsilon, done = enter(
        squared_epsilon_insensitive_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        epsilon=epsilon,
    )
    r = p - t
    # Signed, so that with ε = 0 the second derivative at 0 is that of the squared error.
    beyond = xp.where(r < 0, r + epsilon, r - epsilon)
    h = xp.where(absolute(xp, r) < epsilon, 0.0, beyond)
    return done(h * h)
