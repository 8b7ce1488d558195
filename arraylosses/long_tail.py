"""Long tail: softmax losses that know how frequent every class is, and do not forget the rare ones."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.domains import NONNEGATIVE as NONNEGATIVE_ARRAY
from ._core.entry import enter
from ._core.log_loss import label_nll
from ._core.namespaces import settle, stop_gradient
from ._core.numeric import greatest, log, log_softmax, offset, one_hot, pick, relu
from ._core.parameters import (
    CLASS_AXIS,
    CLASS_MASK,
    CLASS_WEIGHT,
    FRACTION,
    IGNORE_INDEX,
    NONNEGATIVE,
    POSITIVE,
    ArrayRule,
)
from ._core.registry import loss
from ._core.states import LossAndState

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = [
    "balanced_softmax_loss",
    "logit_adjusted_cross_entropy",
    "equalization_softmax_loss",
    "seesaw_loss",
]


@loss(
    "(..., c), (...), (c) -> (...)",
    logits=REAL,
    labels=CLASSES,
    class_prior=NONNEGATIVE_ARRAY,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
)
def balanced_softmax_loss(
    logits: A,
    labels: Array,
    class_prior: Array,
    /,
    *,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Balanced softmax loss: cross-entropy that expects the frequencies of the training data.

    .. math:: \ell = -w_y \ln \frac{n_y e^{z_y}}{\sum_c n_c e^{z_c}}

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    labels : array of integer dtype, shape (...)
        The true classes :math:`y`, from 0 to C - 1.
    class_prior : array of real dtype, shape (C,)
        How frequent each class is in the training data, :math:`n_c \ge 0`: numbers of examples, or
        probabilities. Only their ratios count.
    axis : int, default -1
        The class axis of `logits`.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_y`.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing.
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
    Convex in the logits. It is for training only: what is predicted is the softmax of the plain logits,
    which then is that of classes that are equally frequent. It is
    :func:`logit_adjusted_cross_entropy` with ``tau=1.0``; with equal frequencies, and with
    frequencies that are all 0, it is :func:`cross_entropy`. A class of frequency 0 cannot be: it
    takes no part, and as the label it costs infinity. All else is as in :func:`cross_entropy`.

    References
    ----------
    Ren, Yu, Sheng, Ma, Zhao, Yi, Li, *Balanced Meta-Softmax for Long-Tailed Visual Recognition*,
    NeurIPS 2020, arXiv:2007.10740.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, counts = np.asarray([[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]), np.asarray([100, 50, 10])
    >>> al.balanced_softmax_loss(logits, np.asarray([2, 0]), counts, reduction="none").round(5)
    array([3.68627, 0.88368])
    """
    xp, z, y, prior, class_weight, done = enter(
        balanced_softmax_loss,
        (logits, labels, class_prior),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
    )
    w, z = done.weigh_labels(class_weight, y, z)
    return done(w * label_nll(xp, _adjusted(xp, z, prior, 1.0), y))


@loss(
    "(..., c), (...), (c) -> (...)",
    logits=REAL,
    labels=CLASSES,
    class_prior=NONNEGATIVE_ARRAY,
    tau=NONNEGATIVE,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
)
def logit_adjusted_cross_entropy(
    logits: A,
    labels: Array,
    class_prior: Array,
    /,
    *,
    tau: float | Array = 1.0,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Logit-adjusted cross-entropy: margins between classes by the ratio of their frequencies.

    .. math::

        \ell = -w_y \ln \frac{\pi_y^\tau e^{z_y}}{\sum_c \pi_c^\tau e^{z_c}}

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    labels : array of integer dtype, shape (...)
        The true classes :math:`y`, from 0 to C - 1.
    class_prior : array of real dtype, shape (C,)
        How frequent each class is in the training data, :math:`\pi_c \ge 0`: probabilities, or
        numbers of examples. Only their ratios count.
    tau : float, default 1.0
        How much :math:`\tau \ge 0` of the logarithm of the frequencies is added. 0 gives the
        cross-entropy.
    axis : int, default -1
        The class axis of `logits`.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_y`.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `tau`.

    Notes
    -----
    Convex in the logits. It is for training only: predict with the plain logits. With ``tau=1.0`` that is
    right for the balanced error, and the loss is :func:`balanced_softmax_loss`. A class of
    frequency 0 cannot be, unless all have it or `tau` is 0: it takes no part, and as the label it costs
    infinity, where the authors' code adds 1e-12. All else is as in :func:`cross_entropy`.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit, Kumar, *Long-tail learning via logit adjustment*, ICLR 2021,
    arXiv:2007.07314.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, prior = np.asarray([[1.0, 2.0, 0.5]]), np.asarray([0.625, 0.3125, 0.0625])
    >>> round(float(al.logit_adjusted_cross_entropy(logits, np.asarray([2]), prior, tau=0.5)), 6)
    2.787174
    """
    xp, z, y, prior, tau, class_weight, done = enter(
        logit_adjusted_cross_entropy,
        (logits, labels, class_prior),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        tau=tau,
        class_weight=class_weight,
    )
    w, z = done.weigh_labels(class_weight, y, z)
    return done(w * label_nll(xp, _adjusted(xp, z, prior, tau), y))


def _adjusted(xp: Namespace, z: Array, prior: Array, tau: Any) -> Array:
    """z + τ log π: logits with the frequencies of the classes, of which those of 0 are taken out."""
    absent = prior == 0
    removed = absent & ~xp.all(absent) & (tau != 0)
    return _raised(xp, xp.where(removed, -math.inf, z), tau * log(xp, xp.where(absent, 1.0, prior)))


def _raised(xp: Namespace, z: Array, by: Array) -> Array:
    """z + by, up to a constant."""
    # In which what is added would drown, if it came with the logits.
    m = offset(xp, greatest(xp, stop_gradient(xp, z), keepdims=True))
    return settle(xp, (z - m) + by)


@loss(
    "(..., c), (...), (c) -> (...)",
    logits=REAL,
    labels=CLASSES,
    class_prior=NONNEGATIVE_ARRAY,
    threshold=FRACTION,
    beta=CLASS_MASK,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
)
def equalization_softmax_loss(
    logits: A,
    labels: Array,
    class_prior: Array,
    /,
    *,
    threshold: float | Array = 5e-3,
    beta: Array | None = None,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Equalization loss: softmax cross-entropy in which rare classes are nobody's rivals.

    .. math::

        \ell = -w_y \ln \frac{e^{z_y}}{\sum_c \tilde w_c\, e^{z_c}}
        \qquad \tilde w_c = 1 - \beta_c\, [f_c < \lambda]\, [c \ne y], \quad
        f_c = \frac{n_c}{\sum_k n_k}

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    labels : array of integer dtype, shape (...)
        The true classes :math:`y`, from 0 to C - 1.
    class_prior : array of real dtype, shape (C,)
        How frequent each class is in the training data, :math:`n_c \ge 0`: numbers of examples, or
        probabilities.
    threshold : float, default 5e-3
        The frequency :math:`\lambda`, from 0 to 1, below which a class is rare.
    beta : array of bool dtype, shape (C,) or that of `logits`, optional
        Which rare classes are left out, :math:`\beta_c`. The authors draw it anew for every step, True with
        a probability of 0.9. By default all are.
    axis : int, default -1
        The class axis of `logits`.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_y`.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `threshold`
        outside of [0, 1].

    Notes
    -----
    Convex in the logits, with gradient 0 in those that are left out, so that frequent classes do not
    push rare ones down. An item to which all other classes are rare costs 0. With a `threshold` of 0,
    or frequencies that are all 0, it is :func:`cross_entropy`, and all else is as there.

    This is the form for a softmax. That for sigmoids, for detection, leaves out the same terms of a
    :func:`binary_cross_entropy_with_logits`, which `where` can do.

    References
    ----------
    Tan, Wang, Li, Li, Ouyang, Yin, Yan, *Equalization Loss for Long-Tailed Object Recognition*,
    CVPR 2020, arXiv:2003.05176.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, counts = np.asarray([[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]), np.asarray([100, 50, 10])
    >>> labels = np.asarray([2, 0])
    >>> al.equalization_softmax_loss(logits, labels, counts, threshold=0.1, reduction="none").round(6)
    array([1.964369, 1.313262])
    """
    xp, z, y, prior, threshold, beta, class_weight, done = enter(
        equalization_softmax_loss,
        (logits, labels, class_prior),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        threshold=threshold,
        beta=beta,
        class_weight=class_weight,
    )
    w, z = done.weigh_labels(class_weight, y, z)
    out = (prior < threshold * xp.sum(prior)) & ~one_hot(xp, y, z)
    return done(w * label_nll(xp, xp.where(out if beta is None else out & beta, -math.inf, z), y))


@loss(
    "(*n, c), (*n) -> (*n)",
    parts=LossAndState._fields,
    logits=REAL,
    labels=CLASSES,
    state=ArrayRule(("(c)",)),
    p=NONNEGATIVE,
    q=NONNEGATIVE,
    eps=POSITIVE,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
)
def seesaw_loss(
    logits: A,
    labels: Array,
    /,
    *,
    state: Array | None = None,
    p: float | Array = 0.8,
    q: float | Array = 2.0,
    eps: float | Array = 1e-2,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> LossAndState[A]:
    r"""Seesaw loss: softmax cross-entropy in which frequent classes push rare ones down less.

    .. math::

        \ell = -w_y \ln \frac{e^{z_y}}{\sum_c S_{yc}\, e^{z_c}} \qquad
        S_{yc} = \min\Bigl(1, \frac{n_c}{n_y}\Bigr)^p
        \max\Bigl(1, \frac{\sigma_c}{\max(\sigma_y, \epsilon)}\Bigr)^q, \quad
        \sigma = \operatorname{softmax}(z)

    with how often, :math:`n_c`, each class has been a label so far.

    Parameters
    ----------
    logits : array of real floating dtype, shape (*n, C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    labels : array of integer dtype, shape (*n)
        The true classes :math:`y`, from 0 to C - 1.
    state : array of real dtype, shape (C,), optional
        How often each class was a label before this call: the state that the last call returned, or
        :func:`arraylosses.initial_state`. 0 if not given.
    p : float, default 0.8
        How much labels spare classes that are rarer, :math:`p \ge 0`.
    q : float, default 2.0
        How much more classes are pushed down that are taken for the label, :math:`q \ge 0`.
    eps : float, default 0.01
        The least probability :math:`\epsilon > 0` of the label that others are compared with.
    axis : int, default -1
        The class axis of `logits`.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_y`.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item that does not
        count is not counted for its class either; one that does is counted once, whatever its weight.

    Returns
    -------
    loss : array of shape () or, with ``reduction="none"``, (*n)
        In nats.
    state : array of shape (C,)
        How often each class was a label, with those of this call, in the dtype of the loss.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a negative `p` or `q`
        and for an `eps` that is not positive.

    Notes
    -----
    The factors :math:`S` are constants where the loss is differentiated, in the logits that is; given
    them it is convex. Counts are those with the labels of this call, and at least 1. With equal counts and
    ``q=0.0`` it is :func:`cross_entropy`, and all else is as there. For objects the paper adds a
    branch that says whether there is one: a cross-entropy of two classes, on its own.

    References
    ----------
    Wang, Zhang, Zang, Cao, Pang, Gong, Chen, Liu, Loy, Lin, *Seesaw Loss for Long-Tailed Instance
    Segmentation*, CVPR 2021, arXiv:2008.10032.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, seen = np.asarray([[1.0, 2.0, 0.5]]), np.asarray([100, 50, 9])
    >>> loss, seen = al.seesaw_loss(logits, np.asarray([2]), state=seen)
    >>> loss.round(6), seen
    (np.float64(4.559114), array([100.,  50.,  10.]))
    """
    xp, z, y, state, p, q, eps, class_weight, done = enter(
        seesaw_loss,
        (logits, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        state=state,
        p=p,
        q=q,
        eps=eps,
        class_weight=class_weight,
    )
    occurs = xp.astype(done.counting(one_hot(xp, y, z)), z.dtype)
    seen = xp.sum(occurs, axis=tuple(range(z.ndim - 1))) if z.ndim > 1 else occurs
    seen = stop_gradient(xp, seen if state is None else state + seen)
    w, z = done.weigh_labels(class_weight, y, z)
    log_n, log_p = xp.log(xp.where(seen < 1, 1.0, seen)), log_softmax(xp, stop_gradient(xp, z))
    rarer = relu(xp, pick(xp, log_n, y)[..., None] - log_n)
    log_eps, own = math.log(eps) if isinstance(eps, float) else log(xp, eps), pick(xp, log_p, y)
    taken = relu(xp, log_p - xp.where(own > log_eps, own, log_eps)[..., None])
    items = w * label_nll(xp, _raised(xp, z, q * taken - p * rarer), y)
    return LossAndState(done(items), seen)
