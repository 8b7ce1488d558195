"""Penalties: what parameters cost by their size, whatever the data say."""

from __future__ import annotations

from typing import Any

from ._core.domains import REAL, nested
from ._core.entry import enter
from ._core.nested import over_arrays
from ._core.numeric import absolute, square
from ._core.parameters import FLAG, FRACTION, NONNEGATIVE
from ._core.registry import loss
from ._core.structures import is_structure

Array = Any
Arrays = Any  # an array, or lists, tuples and dictionaries of arrays

__all__ = ["l1_penalty", "l2_penalty", "elastic_net_penalty"]


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
    not pushed off by the penalty. Biases and the scales of normalisations are usually left out: give
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
