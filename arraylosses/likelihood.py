"""Likelihoods: negative log-likelihoods and unit deviances of counts, amounts and Gaussians."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core import debugging
from ._core.deviances import gamma, log_factorial, poisson, stirling_rest, tweedie, tweedie_by_parts
from ._core.domains import AMOUNT, REAL, broadcast
from ._core.domains import NONNEGATIVE as NONNEGATIVE_ARRAY
from ._core.domains import POSITIVE as POSITIVE_ARRAY
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import exp, expm1, product, xlogy
from ._core.parameters import FLAG, NONNEGATIVE, POSITIVE, Rule
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["gaussian_nll", "poisson_nll", "poisson_deviance", "gamma_deviance", "tweedie_deviance"]

_FULL = Rule(
    "be True, False, 'stirling' or 'exact'",
    lambda v: isinstance(v, bool) or (isinstance(v, str) and v in ("stirling", "exact")),
    ("other", 2),
    numeric=False,
)
_POWER = Rule("be at most 0 or at least 1", lambda v: v <= 0 or v >= 1, (0.5, float("nan")))


@loss(
    "(...), (...), (...) -> (...)",
    pred=REAL,
    target=REAL,
    var=broadcast(NONNEGATIVE_ARRAY),
    full=FLAG,
    eps=POSITIVE,
)
def gaussian_nll(
    pred: A,
    target: Array,
    var: Array,
    /,
    *,
    full: bool = False,
    eps: float = 1e-6,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gaussian negative log-likelihood: regression that predicts its own variance.

    .. math::

        \ell = \frac12 \left( \log v + \frac{(p - t)^2}{v} \right)
            \left[ {} + \tfrac12 \log 2\pi \right] \qquad v = \max(\mathrm{var}, \varepsilon)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The mean :math:`p`, in the unit of the target.
    target : array of real dtype, shape (...), or a number
        The target :math:`t`.
    var : array of real dtype that broadcasts to shape (...), or a number
        The variance, in the squared unit of the target, not negative.
    full : bool, default False
        Whether to add the constant :math:`\tfrac12 \log 2\pi`.
    eps : float, default 1e-6
        The least variance :math:`\varepsilon > 0` that is taken at its word, in the squared unit of
        the target.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats; a density, so negative values are in order.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `eps` that is
        not positive.

    Notes
    -----
    Convex in `pred`, not in both together; without `eps` it has no lower bound. The bound is passed
    straight through by the gradient: where ``var < eps`` it is that of a variance of `eps`, rather
    than 0, so that a variance that has collapsed recovers. A negative variance makes its item NaN.
    `var` is broadcast by the ordinary rules: one variance per row of `pred` has shape (..., 1).

    References
    ----------
    Nix and Weigend, *Estimating the mean and variance of the target probability distribution*, ICNN 1994;
    Kendall and Gal, *What uncertainties do we need in Bayesian deep learning for computer vision?*,
    NeurIPS 2017, arXiv:1703.04977.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, var = np.asarray([1.0, 1.0]), np.asarray([0.5, 4.0])
    >>> al.gaussian_nll(p, np.asarray([0.0, 3.0]), var, reduction="none").round(6)
    array([0.653426, 1.193147])
    """
    xp, p, t, var, full, eps, done = enter(
        gaussian_nll,
        (pred, target, var),
        sample_weight,
        where,
        reduction,
        normalizer,
        full=full,
        eps=eps,
    )
    done.poison(var < 0)
    v = var + stop_gradient(xp, xp.where(var < eps, eps - var, 0.0))
    w = (p - t) / xp.sqrt(v)  # squared only now: the square of the residual alone may overflow
    return done(xp.log(v) / 2 + w * (w / 2) + (math.log(2 * math.pi) / 2 if full else 0.0))


@loss(
    "(...), (...) -> (...)",
    pred=REAL,
    target=NONNEGATIVE_ARRAY,
    log_input=FLAG,
    full=_FULL,
    eps=NONNEGATIVE,
)
def poisson_nll(
    pred: A,
    target: Array,
    /,
    *,
    log_input: bool = True,
    full: bool | str = False,
    eps: float = 1e-8,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Poisson negative log-likelihood: regression on counts.

    .. math::

        \ell = \begin{cases} e^p - t\,p & \text{log input} \\
            p - t \log(p + \varepsilon) & \text{else} \end{cases} \quad \left[ {} + \log t! \right]

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The logarithm :math:`p` of the expected count; with ``log_input=False`` the expected count.
    target : array of real dtype, shape (...), or a number
        The counts :math:`t \ge 0`, whole or not.
    log_input : bool, default True
        Whether `pred` is a logarithm.
    full : bool or {"stirling", "exact"}, default False
        Whether to add :math:`\log t!`, which the gradient in `pred` does not see. "exact" adds just
        that. "stirling", or True, adds :math:`t \log t - t + \tfrac12 \log 2\pi t` where
        :math:`t > 1` and nothing where :math:`t \le 1`; it jumps by 0.08 in between.
    eps : float, default 1e-8
        What is added to an expected count, :math:`\varepsilon \ge 0`, lest its logarithm be
        infinite. Without effect on a logarithm.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a negative `eps` and
        for another value of `full`.

    Notes
    -----
    Convex in `pred`, with gradient :math:`e^p - t` or :math:`1 - t/(p + \varepsilon)`. A negative
    target and an expected count below :math:`-\varepsilon` make their item NaN. An expected count
    of 0 where something was counted costs infinitely much if :math:`\varepsilon = 0`. In float32
    :math:`e^p` is infinite from 88.73 on. Less its least value over `pred` it is half of
    :func:`poisson_deviance`.

    References
    ----------
    Nelder and Wedderburn, *Generalized linear models*, J. R. Statist. Soc. A 135(3), 1972.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, t = np.asarray([0.5, 0.5]), np.asarray([0, 2])
    >>> al.poisson_nll(p, t, reduction="none").round(6)
    array([1.648721, 0.648721])
    >>> al.poisson_nll(p, t, full="exact", reduction="none").round(6)
    array([1.648721, 1.341868])
    """
    xp, p, t, log_input, full, eps, done = enter(
        poisson_nll,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        log_input=log_input,
        full=full,
        eps=eps,
    )
    bad = t < 0
    if not log_input:
        bad = bad | _outside(xp, poisson_nll, "pred", "be a rate, at least -eps", p, p + eps < 0)
    done.poison(bad)
    p, t = xp.where(bad, 1.0, p), xp.where(bad, 1.0, t)
    if log_input:
        rate = exp(xp, p)
        item = rate - product(xp, t, _below_infinity(xp, p))
    else:
        rate = p + eps
        item = p - xlogy(xp, t, _below_infinity(xp, rate, 1.0))
    if not full:
        return done(item)
    # With the whole log t! the terms of the order of t·log(t) cancel; they are left out instead.
    big = (t > 1) & (rate > 0) if not log_input else t > 1
    n = xp.where(big, t, 1.0)
    if log_input:
        w = p - xp.log(n)
        excess = xp.where(w > 1, rate - n, n * expm1(xp, xp.where(w > 1, 1.0, w)))
        whole = excess - n * _below_infinity(xp, w)
    else:
        whole = poisson(xp, xp.where(big, rate, 1.0), n) / 2 - eps
    if full == "exact":
        whole, item = whole + stirling_rest(xp, n), item + log_factorial(xp.where(t > 1, 0.0, t))
    else:
        whole = whole + xp.log(2 * math.pi * n) / 2
    return done(xp.where(big, whole, item))


def _below_infinity(xp: Any, x: Array, otherwise: float = 0.0) -> Array:
    """`x` with another number for +∞, where the rate itself is what counts."""
    return xp.where(x == math.inf, otherwise, x)


@loss("(...), (...) -> (...)", pred=POSITIVE_ARRAY, target=NONNEGATIVE_ARRAY)
def poisson_deviance(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Poisson deviance: how far expected counts are from those observed.

    .. math:: \ell = 2 \left( t \log\frac{t}{\mu} - t + \mu \right)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The expected count :math:`\mu > 0`.
    target : array of real dtype, shape (...), or a number
        The counts :math:`t \ge 0`, whole or not.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Not negative, and 0 only for :math:`\mu = t`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex in :math:`\mu`, with gradient :math:`2(1 - t/\mu)`, and in :math:`\log \mu`. With
    :math:`t = 0` it is :math:`2\mu`, its infinite slope in the target taken as 0. An expected count
    that is not positive and a negative target make their item NaN. For predictions on a logarithmic
    scale see :func:`poisson_nll`, which has the same gradient but for the factor 2. It is
    :func:`tweedie_deviance` with power 1.

    References
    ----------
    Nelder and Wedderburn, *Generalized linear models*, J. R. Statist. Soc. A 135(3), 1972.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.poisson_deviance(np.asarray([1.5, 1.5]), np.asarray([0, 2]), reduction="none").round(6)
    array([3.      , 0.150728])
    """
    xp, mu, t, done = enter(poisson_deviance, (pred, target), sample_weight, where, reduction, normalizer)
    mu, t = _legal(xp, done, mu, t, t < 0)
    return done(poisson(xp, mu, t))


@loss("(...), (...) -> (...)", pred=POSITIVE_ARRAY, target=POSITIVE_ARRAY)
def gamma_deviance(
    pred: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gamma deviance: how far expected amounts are from those observed, by their ratio.

    .. math:: \ell = 2 \left( \log\frac{\mu}{t} + \frac{t}{\mu} - 1 \right)

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The expected amount :math:`\mu > 0`.
    target : array of real dtype, shape (...), or a number
        The amounts :math:`t > 0`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Not negative, and 0 only for :math:`\mu = t`. A pure number.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    It does not change when both are scaled. Convex in :math:`\log \mu`, but in :math:`\mu` only up
    to :math:`2t`; the gradient is :math:`2(\mu - t)/\mu^2`. An amount that is not positive, expected
    or observed, makes its item NaN. It is :func:`tweedie_deviance` with power 2.

    References
    ----------
    Nelder and Wedderburn, *Generalized linear models*, J. R. Statist. Soc. A 135(3), 1972.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.gamma_deviance(np.asarray([1.5, 2.0]), np.asarray([2.0, 2.0]), reduction="none").round(6)
    array([0.091303, 0.      ])
    """
    xp, mu, t, done = enter(gamma_deviance, (pred, target), sample_weight, where, reduction, normalizer)
    mu, t = _legal(xp, done, mu, t, t <= 0)
    return done(gamma(xp, mu, t))


@loss("(...), (...) -> (...)", pred=AMOUNT, target=AMOUNT, power=_POWER)
def tweedie_deviance(
    pred: A,
    target: Array,
    /,
    *,
    power: float = 1.5,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Tweedie deviance: amounts that are often exactly zero, such as claims and rainfall.

    .. math::

        \ell = 2 \left( \frac{\max(t, 0)^{2 - \rho}}{(1 - \rho)(2 - \rho)}
            - \frac{t \mu^{1 - \rho}}{1 - \rho} + \frac{\mu^{2 - \rho}}{2 - \rho} \right)
        = 2 \int_\mu^t \frac{t - u}{u^\rho} \, du

    Parameters
    ----------
    pred : array of real floating dtype, shape (...)
        The expected amount :math:`\mu > 0`, not its logarithm.
    target : array of real dtype, shape (...), or a number
        The amounts :math:`t`, for powers from 2 on positive, for powers from 1 on not negative.
    power : float, default 1.5
        The power :math:`\rho` of the mean to which the variance is proportional: at most 0 or at
        least 1, as no distribution has one in between. 0 is the squared error, 1 the Poisson and 2
        the gamma deviance, 3 that of the inverse Gaussian; between 1 and 2 there are zeros among
        positive amounts.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Not negative, and 0 only for :math:`\mu = t`. In the unit of the target, to the power of
        :math:`2 - \rho`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `power` between
        0 and 1.

    Notes
    -----
    The gradient is :math:`2(\mu - t)\mu^{-\rho}`. Convex in :math:`\mu` for powers from 0 to 1, in
    :math:`\log \mu` for those from 1 to 2. What is outside the domain, such as a prediction that is
    not positive (unless the power is 0), makes its item NaN. It is continuous in the power, without
    loss of digits around 1 and 2. A power of 0 that comes as an array is of the domain of negative
    powers, and takes no negative targets either.

    References
    ----------
    Tweedie, *An index which distinguishes between some important exponential families*, in Statistics:
    Applications and New Directions, 1984; Jørgensen, *Exponential dispersion models*, J. R. Statist. Soc.
    B 49(2), 1987.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, t = np.asarray([1.5, 1.5]), np.asarray([0.0, 2.0])
    >>> al.tweedie_deviance(p, t, reduction="none").round(6)
    array([4.898979, 0.117244])
    """
    xp, mu, t, rho, done = enter(
        tweedie_deviance, (pred, target), sample_weight, where, reduction, normalizer, power=power
    )
    if isinstance(rho, float) and rho == 0:
        return done((mu - t) * (mu - t))
    bad = ((t < 0) & (rho >= 0)) | ((t == 0) & (rho >= 2))
    _outside(xp, tweedie_deviance, "pred", "be positive unless the power is 0", mu, mu <= 0)
    _outside(xp, tweedie_deviance, "target", "be in the domain of the power", t, bad)
    mu, t = _legal(xp, done, mu, t, bad)
    if isinstance(rho, float) and rho in (1, 2):
        return done(poisson(xp, mu, t) if rho == 1 else gamma(xp, mu, t))
    deviance = tweedie if isinstance(rho, float) else tweedie_by_parts
    return done(deviance(xp, mu, t, 1 - rho, 2 - rho))


def _outside(xp: Any, function: Any, argument: str, rule: str, x: Array, bad: Array) -> Array:
    """`bad`: which elements are outside of a domain that an option sets; an error in debug mode."""
    if debugging.active():
        debugging.forbid(function.__name__, argument, rule, xp, x, bad)
    return bad


def _legal(xp: Any, done: Any, mu: Array, t: Array, bad: Array) -> tuple[Array, Array]:
    """The pairs outside of the domain of a deviance remembered, and replaced."""
    bad = bad | (mu <= 0) | (xp.isinf(mu) & xp.isinf(t))
    done.poison(bad)
    return xp.where(bad, 1.0, mu), xp.where(bad, 1.0, t)
