"""Margins: losses of how far a score is on the right side, for labels -1 and 1."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import PROBABILITY, REAL, SIGN
from ._core.entry import enter
from ._core.numeric import exp, minimum, product, relu, softplus
from ._core.parameters import NONNEGATIVE
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = [
    "perceptron_loss",
    "hinge_loss",
    "squared_hinge_loss",
    "modified_huber_loss",
    "logistic_loss",
    "exponential_loss",
    "binary_sparsemax_loss",
]


# --- two classes, labels -1 and 1 ----------------------------------------------------------------


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN)
def perceptron_loss(
    scores: A,
    labels: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Perceptron loss: how far a score is on the wrong side; Rosenblatt's learning rule.

    .. math:: \ell = \max(0, -y s)

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`; their sign is the predicted class.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the scores.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex, with a kink at :math:`s = 0`, where the gradient is 0: a linear model whose weights are
    all 0 does not move, so initialise it otherwise. Any score of the right sign costs nothing,
    there being no margin: it is :func:`hinge_loss` with a margin of 0. A label other than -1 and 1,
    such as the 0 of labels 0 and 1, makes the item NaN, with gradient 0.

    References
    ----------
    Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in
    the brain*, Psychological Review 65(6), 1958.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.perceptron_loss(np.asarray([-0.25, 2.0, 0.5]), np.asarray([1, 1, -1]), reduction="none")
    array([0.25, 0.  , 0.5 ])
    """
    xp, s, y, done = enter(perceptron_loss, (scores, labels), sample_weight, where, reduction, normalizer)
    return done(relu(xp, -y * s))


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN, margin=NONNEGATIVE)
def hinge_loss(
    scores: A,
    labels: Array,
    /,
    *,
    margin: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Hinge loss: how much a score lacks of a margin; support vector machines.

    .. math:: \ell = \max(0, m - y s)

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`; their sign is the predicted class.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    margin : float, default 1.0
        The margin :math:`m \ge 0`, in the unit of the scores.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the scores.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative
        `margin`.

    Notes
    -----
    Convex, with a kink at :math:`y s = m`, where the gradient is 0. A label other than -1 and 1,
    such as the 0 of labels 0 and 1, makes the item NaN, with gradient 0: labels are never
    reinterpreted, whatever the rest of the batch holds.

    References
    ----------
    Cortes and Vapnik, *Support-vector networks*, Machine Learning 20(3), 1995.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.hinge_loss(np.asarray([0.5, 0.5, 2.0]), np.asarray([1, -1, 1]), reduction="none")
    array([0.5, 1.5, 0. ])
    """
    xp, s, y, margin, done = enter(
        hinge_loss, (scores, labels), sample_weight, where, reduction, normalizer, margin=margin
    )
    return done(relu(xp, margin - y * s))


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN, margin=NONNEGATIVE)
def squared_hinge_loss(
    scores: A,
    labels: Array,
    /,
    *,
    margin: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Squared hinge loss: the hinge without its kink; L2 support vector machines.

    .. math:: \ell = \max(0, m - y s)^2

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`; their sign is the predicted class.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    margin : float, default 1.0
        The margin :math:`m \ge 0`, in the unit of the scores.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the scores.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative
        `margin`.

    Notes
    -----
    Convex and continuously differentiable, with gradient :math:`-2 y \max(0, m - y s)`. There is no
    factor ½. It is the square of :func:`hinge_loss`; :func:`modified_huber_loss` is the same with a
    linear tail. A label other than -1 and 1 makes the item NaN, with gradient 0.

    References
    ----------
    Cortes and Vapnik, *Support-vector networks*, Machine Learning 20(3), 1995.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.squared_hinge_loss(np.asarray([0.5, 0.5, 2.0]), np.asarray([1, -1, 1]), reduction="none")
    array([0.25, 2.25, 0.  ])
    """
    xp, s, y, margin, done = enter(
        squared_hinge_loss, (scores, labels), sample_weight, where, reduction, normalizer, margin=margin
    )
    s = xp.where(done.invalid, 0.0, s)  # an infinite slope would outlive the label that makes it NaN
    h = relu(xp, margin - y * s)
    return done(h * h)


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN)
def modified_huber_loss(
    scores: A,
    labels: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Modified Huber loss: a squared hinge with a linear tail; classification despite outliers.

    .. math::

        \ell = \begin{cases} \max(0, 1 - y s)^2 & y s \ge -1 \\ -4 y s & \text{else} \end{cases}

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`; their sign is the predicted class.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and continuously differentiable; the slope in :math:`y s` is never below -4, which bounds
    the pull of a mislabelled item. At the minimum of its expectation
    :math:`(\operatorname{clip}(s, -1, 1) + 1) / 2` is the probability of class 1. A label other than
    -1 and 1 makes the item NaN, with gradient 0.

    References
    ----------
    Zhang, *Solving large scale linear prediction problems using stochastic gradient descent
    algorithms*, ICML 2004.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.modified_huber_loss(np.asarray([-2.0, 0.5, 2.0]), np.asarray([1, 1, 1]), reduction="none")
    array([8.  , 0.25, 0.  ])
    """
    xp, s, y, done = enter(modified_huber_loss, (scores, labels), sample_weight, where, reduction, normalizer)
    # Up to a violation h of 2 the square, from there its tangent.
    h = relu(xp, 1 - y * s)
    q = minimum(xp, h, 2.0)
    return done(q * (2 * h - q))


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN)
def logistic_loss(
    scores: A,
    labels: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Logistic loss with labels -1 and 1: logistic regression.

    .. math:: \ell = \log(1 + e^{-y s})

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`, log-odds of class 1.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and smooth, with a gradient between -1 and 1. It neither overflows for a score that is
    far off nor rounds to 0 for one that is right, and equals
    :func:`binary_cross_entropy_with_logits` with the target :math:`(1 + y)/2`. A label other than
    -1 and 1 makes the item NaN, with gradient 0.

    References
    ----------
    Cox, *The regression analysis of binary sequences*, J. Royal Statistical Society B 20(2), 1958.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.logistic_loss(np.asarray([0.5, -100.0]), np.asarray([1, 1]), reduction="none").round(6)
    array([  0.474077, 100.      ])
    """
    xp, s, y, done = enter(logistic_loss, (scores, labels), sample_weight, where, reduction, normalizer)
    return done(softplus(xp, -y * s))


@loss("(...), (...) -> (...)", scores=REAL, labels=SIGN)
def exponential_loss(
    scores: A,
    labels: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Exponential loss: what AdaBoost minimises.

    .. math:: \ell = e^{-y s}

    Parameters
    ----------
    scores : array of real floating dtype, shape (...)
        The scores :math:`s`, half the log-odds of class 1.
    labels : array of real dtype, shape (...), or a number
        The true classes :math:`y`, each -1 or 1.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and smooth. A mislabelled item pulls exponentially hard; in float32 its loss and its
    gradient are infinite from :math:`y s = -88.8` on. A label other than -1 and 1 makes the item
    NaN, with gradient 0.

    References
    ----------
    Freund and Schapire, *A decision-theoretic generalization of on-line learning and an application to
    boosting*, J. Comput. Syst. Sci. 55(1), 1997; Friedman, Hastie and Tibshirani, *Additive logistic
    regression: a statistical view of boosting*, Ann. Stat. 28(2), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.exponential_loss(np.asarray([0.0, 0.5]), np.asarray([1, -1]), reduction="none").round(6)
    array([1.      , 1.648721])
    """
    xp, s, y, done = enter(exponential_loss, (scores, labels), sample_weight, where, reduction, normalizer)
    s = xp.where(done.invalid, 0.0, s)  # an infinite slope would outlive the label that makes it NaN
    return done(exp(xp, -y * s))


# --- many classes --------------------------------------------------------------------------------


# --- the sparse softmax --------------------------------------------------------------------------


@loss("(...), (...) -> (...)", logits=REAL, target=PROBABILITY)
def binary_sparsemax_loss(
    logits: A,
    target: Array,
    /,
    *,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Binary sparsemax loss: the loss whose probabilities reach 0 and 1 at finite logits.

    With :math:`P = \operatorname{clip}((z + 1)/2, 0, 1)` as the probability of class 1,

    .. math:: \ell = (q - P)^2 + q \max(0, -1 - z) + (1 - q) \max(0, z - 1).

    For :math:`q = 1` that is 0 where :math:`z \ge 1`, :math:`-z` where :math:`z \le -1`, and
    :math:`(1 - z)^2/4` in between; for :math:`q = 0` the same of :math:`-z`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (...)
        The logits :math:`z`.
    target : array of real dtype, shape (...), or a number
        The target :math:`q`, 0 or 1 or a probability of class 1 between them.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    Notes
    -----
    Convex and continuously differentiable in the logits, with gradient :math:`P - q`; never
    negative, and 0 where :math:`P = q`. It is :func:`sparsemax_loss` of the two logits
    :math:`(0, z)`.

    References
    ----------
    Martins and Astudillo, *From softmax to sparsemax*, ICML 2016, arXiv:1602.02068; Blondel,
    Martins and Niculae, *Learning with Fenchel-Young losses*, JMLR 21, 2020, arXiv:1901.02324.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.binary_sparsemax_loss(np.asarray([0.0, 2.0, -2.0]), np.asarray([1, 1, 1]), reduction="none")
    array([0.25, 0.  , 2.  ])
    """
    xp, z, q, done = enter(
        binary_sparsemax_loss, (logits, target), sample_weight, where, reduction, normalizer
    )
    below, above = z < -1, z > 1
    d = (2 * q - 1) - xp.where(below, -1.0, xp.where(above, 1.0, z))  # 2(q - P)
    beyond = product(xp, q, xp.where(below, -1 - z, 0.0)) + product(xp, 1 - q, xp.where(above, z - 1, 0.0))
    return done(d * d / 4 + beyond)
