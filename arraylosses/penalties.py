"""Penalties: what parameters cost by their size, and what a critic costs by its slope."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL, nested
from ._core.entry import enter
from ._core.nested import over_arrays
from ._core.numeric import absolute, norm, relu, square
from ._core.parameters import FLAG, FRACTION, NONNEGATIVE, AxisRule
from ._core.registry import loss
from ._core.structures import is_structure

A = TypeVar("A")
Array = Any
Arrays = Any  # an array, or lists, tuples and dictionaries of arrays
Namespace = Any

__all__ = [
    "l1_penalty",
    "l2_penalty",
    "elastic_net_penalty",
    "gradient_penalty",
    "r1_penalty",
    "r2_penalty",
]

BATCH_AXIS = AxisRule(("n",))


# --- of parameters ---------------------------------------------------------------------------------


@loss("(*s) -> ()", mask="(*s)", params=nested(REAL), weight=NONNEGATIVE)
def l1_penalty(
    params: Arrays,
    /,
    *,
    weight: float = 1.0,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""L1 penalty: the absolute size of all parameters; the lasso, which makes many of them 0.

    .. math:: \ell = \lambda \sum_i |\theta_i|

    Parameters
    ----------
    params : array of real floating dtype, shape (...), or a structure of such arrays
        The parameters :math:`\theta`: one array, or those of a model in lists, tuples and dictionaries.
    weight : float, default 1.0
        The coefficient :math:`\lambda \ge 0`; or a structure with one for each array.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An array is one item, of
        which `where` masks elements.

    Returns
    -------
    array of shape (), or with ``reduction="none"`` a structure of them
        The sum over all arrays: it is never averaged over the parameters.

    Raises
    ------
    TypeError, ValueError
        For dtypes, libraries, devices or structures that do not go together, for a structure without
        arrays, and for a negative `weight`.

    Notes
    -----
    Convex, with a kink at 0, where the gradient is 0: parameters that begin at 0 stay there, and are
    not pushed off by the penalty. Descent along gradients comes near to zeros and rarely ends at one:
    that takes a proximal step. An optimizer with bounds, for parameters that are split into two parts
    of at least 0, wants their sum in place of the penalty: at its bound a part has the slope `weight`.
    Biases and the scales of normalisations are usually left out: give
    them the `weight` 0, or do not pass them.

    References
    ----------
    Tibshirani, *Regression shrinkage and selection via the lasso*, Journal of the Royal Statistical
    Society B 58(1), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> params = {"weight": np.asarray([1.0, -2.0]), "bias": np.asarray([3.0])}
    >>> float(al.l1_penalty(params))
    6.0
    >>> float(al.l1_penalty(params, weight={"weight": 0.5, "bias": 0.0}))
    1.5
    """
    if is_structure(params):
        return over_arrays(l1_penalty, (params,), sample_weight, where, reduction, normalizer, weight=weight)
    xp, p, weight, done = enter(
        l1_penalty, (params,), sample_weight, where, reduction, normalizer, weight=weight
    )
    return done(weight * xp.sum(absolute(xp, p)))


@loss("(*s) -> ()", mask="(*s)", params=nested(REAL), weight=NONNEGATIVE, half_l2=FLAG)
def l2_penalty(
    params: Arrays,
    /,
    *,
    weight: float = 1.0,
    half_l2: bool = False,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""L2 penalty: the squared size of all parameters; ridge regression and weight decay.

    .. math:: \ell = \lambda \sum_i \theta_i^2

    Parameters
    ----------
    params : array of real floating dtype, shape (...), or a structure of such arrays
        The parameters :math:`\theta`: one array, or those of a model in lists, tuples and dictionaries.
    weight : float, default 1.0
        The coefficient :math:`\lambda \ge 0`; or a structure with one for each array.
    half_l2 : bool, default False
        Whether the sum is halved.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An array is one item, of
        which `where` masks elements.

    Returns
    -------
    array of shape (), or with ``reduction="none"`` a structure of them
        The sum over all arrays: it is never averaged over the parameters.

    Raises
    ------
    TypeError, ValueError
        For dtypes, libraries, devices or structures that do not go together, for a structure without
        arrays, and for a parameter that is out of its range.

    Notes
    -----
    Convex and smooth. The ``weight_decay`` of gradient descent is the coefficient of half the sum of
    squares; scikit-learn's ``Ridge`` and Keras' ``L2`` do not halve. Decoupled weight decay, as in
    AdamW, is not this penalty.

    References
    ----------
    Hoerl and Kennard, *Ridge regression*, Technometrics 12(1), 1970; Loshchilov and Hutter, *Decoupled
    weight decay regularization*, ICLR 2019, arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> params = {"weight": np.asarray([1.0, -2.0]), "bias": np.asarray([3.0])}
    >>> float(al.l2_penalty(params))
    14.0
    >>> al.grad(al.l2_penalty)(params, half_l2=True)
    {'weight': array([ 1., -2.]), 'bias': array([3.])}
    """
    if is_structure(params):
        return over_arrays(
            l2_penalty,
            (params,),
            sample_weight,
            where,
            reduction,
            normalizer,
            weight=weight,
            half_l2=half_l2,
        )
    xp, p, weight, half_l2, done = enter(
        l2_penalty,
        (params,),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        half_l2=half_l2,
    )
    total = xp.sum(square(xp, p))
    return done(weight * (total / 2 if half_l2 else total))


@loss("(*s) -> ()", mask="(*s)", params=nested(REAL), alpha=NONNEGATIVE, l1_ratio=FRACTION, half_l2=FLAG)
def elastic_net_penalty(
    params: Arrays,
    /,
    *,
    alpha: float = 1.0,
    l1_ratio: float = 0.5,
    half_l2: bool = True,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Elastic net penalty: between the L1 and the L2 penalty.

    .. math:: \ell = \alpha \Bigl(\rho \sum_i |\theta_i| + \frac{1 - \rho}{2} \sum_i \theta_i^2\Bigr)

    Parameters
    ----------
    params : array of real floating dtype, shape (...), or a structure of such arrays
        The parameters :math:`\theta`: one array, or those of a model in lists, tuples and dictionaries.
    alpha : float, default 1.0
        The coefficient :math:`\alpha \ge 0`; or a structure with one for each array.
    l1_ratio : float, default 0.5
        The part :math:`\rho` of the L1 penalty, from 0 to 1.
    half_l2 : bool, default True
        Whether the sum of squares is halved.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An array is one item, of
        which `where` masks elements.

    Returns
    -------
    array of shape (), or with ``reduction="none"`` a structure of them
        The sum over all arrays: it is never averaged over the parameters.

    Raises
    ------
    TypeError, ValueError
        For dtypes, libraries, devices or structures that do not go together, for a structure without
        arrays, and for a parameter that is out of its range.

    Notes
    -----
    Convex, with a kink at 0 where `l1_ratio` is positive, at which the gradient is 0. The parameters are
    those of scikit-learn's ``ElasticNet``. Keras' ``L1L2`` has two coefficients and halves nothing.

    References
    ----------
    Zou and Hastie, *Regularization and variable selection via the elastic net*, Journal of the Royal
    Statistical Society B 67(2), 2005.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> params = {"weight": np.asarray([1.0, -2.0]), "bias": np.asarray([3.0])}
    >>> round(float(al.elastic_net_penalty(params, alpha=0.1)), 6)
    0.65
    """
    if is_structure(params):
        return over_arrays(
            elastic_net_penalty,
            (params,),
            sample_weight,
            where,
            reduction,
            normalizer,
            alpha=alpha,
            l1_ratio=l1_ratio,
            half_l2=half_l2,
        )
    xp, p, alpha, l1_ratio, half_l2, done = enter(
        elastic_net_penalty,
        (params,),
        sample_weight,
        where,
        reduction,
        normalizer,
        alpha=alpha,
        l1_ratio=l1_ratio,
        half_l2=half_l2,
    )
    squares = xp.sum(square(xp, p))
    ridge = squares / 2 if half_l2 else squares
    return done(alpha * (l1_ratio * xp.sum(absolute(xp, p)) + (1 - l1_ratio) * ridge))


# --- of slopes ------------------------------------------------------------------------------------


@loss(
    "(n, *s) -> (n)",
    gradients=REAL,
    weight=NONNEGATIVE,
    target=NONNEGATIVE,
    one_sided=FLAG,
    batch_axis=BATCH_AXIS,
)
def gradient_penalty(
    gradients: A,
    /,
    *,
    weight: float = 10.0,
    target: float = 1.0,
    one_sided: bool = False,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gradient penalty of WGAN-GP: how far the slope of a critic is from 1.

    .. math:: \ell = \lambda\, (\lVert g \rVert - K)^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the critic's scores in its inputs, a row for each of N inputs; or
        their norms, of shape (N,).
    weight : float, default 10.0
        The coefficient :math:`\lambda \ge 0`.
    target : float, default 1.0
        The slope :math:`K \ge 0` that the critic shall have.
    one_sided : bool, default False
        Whether only slopes above `target` cost: with :math:`\max(0, \lVert g \rVert - K)^2`.
    batch_axis : int, default 0
        Which axis is that of the inputs. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an input.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    Notes
    -----
    The gradients are those of the sum of the scores, for which the scores must not depend on one
    another (so no batch normalisation in the critic), at inputs that the caller draws between real and
    generated ones. They have to be differentiable in turn: see :doc:`/gradients`.

    The kink at :math:`g = 0` has gradient 0. An implementation that takes the norm along one axis
    alone, of images that along the channels, penalises something else.

    References
    ----------
    Gulrajani et al., *Improved training of Wasserstein GANs*, NIPS 2017, arXiv:1704.00028; Petzka,
    Fischer, Lukovnikov, *On the regularization of Wasserstein GANs*, ICLR 2018, arXiv:1709.08894, for
    `one_sided`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.gradient_penalty(np.asarray([[0.3, 0.4], [2.0, 0.0]])))
    6.25
    """
    xp, g, weight, target, one_sided, done = enter(
        gradient_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        target=target,
        one_sided=one_sided,
        batch_axis=batch_axis,
    )
    excess = norm(xp, _rows(xp, g)) - target
    return done(weight * square(xp, relu(xp, excess) if one_sided else excess))


def _rows(xp: Namespace, x: Array) -> Array:
    """An array of a row for each item."""
    return xp.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


@loss("(n, *s) -> (n)", gradients=REAL, gamma=NONNEGATIVE, batch_axis=BATCH_AXIS)
def r1_penalty(
    gradients: A,
    /,
    *,
    gamma: float = 10.0,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""R1 penalty: the squared slope of a discriminator at real samples.

    .. math:: \ell = \frac{\gamma}{2} \lVert g \rVert^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the discriminator's scores in its inputs, a row for each of N real
        samples.
    gamma : float, default 10.0
        The coefficient :math:`\gamma \ge 0`.
    batch_axis : int, default 0
        Which axis is that of the samples. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a sample.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `gamma`.

    Notes
    -----
    Smooth everywhere. The gradients are those of the sum of the scores, and have to be differentiable
    in turn: see :doc:`/gradients`. Some implementations leave :math:`\gamma/2` to the caller.

    References
    ----------
    Mescheder, Geiger, Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018,
    arXiv:1801.04406.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.r1_penalty(np.asarray([[3.0, 4.0], [0.0, 0.0]])))
    62.5
    """
    xp, g, gamma, done = enter(
        r1_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma=gamma,
        batch_axis=batch_axis,
    )
    return done(gamma / 2 * xp.sum(square(xp, _rows(xp, g)), axis=-1))


@loss("(n, *s) -> (n)", gradients=REAL, gamma=NONNEGATIVE, batch_axis=BATCH_AXIS)
def r2_penalty(
    gradients: A,
    /,
    *,
    gamma: float = 10.0,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""R2 penalty: the squared slope of a discriminator at generated samples.

    .. math:: \ell = \frac{\gamma}{2} \lVert g \rVert^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the discriminator's scores in its inputs, a row for each of N
        generated samples.
    gamma : float, default 10.0
        The coefficient :math:`\gamma \ge 0`.
    batch_axis : int, default 0
        Which axis is that of the samples. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a sample.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `gamma`.

    Notes
    -----
    It is :func:`r1_penalty` of the gradients at other samples.

    References
    ----------
    Mescheder, Geiger, Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018,
    arXiv:1801.04406.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.r2_penalty(np.asarray([[3.0, 4.0], [0.0, 0.0]]), gamma=1.0))
    6.25
    """
    _, g, gamma, done = enter(
        r2_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma=gamma,
        batch_axis=batch_axis,
    )
    return done(r1_penalty(g, gamma=gamma, reduction="none"))
