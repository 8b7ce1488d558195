"""Multiclass classification: cross-entropies of one class out of several."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, LOG_PROBABILITY, PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import label_nll
from ._core.numeric import (
    expm1,
    log_softmax,
    nonzero,
    one_hot,
    pick,
    product,
)
from ._core.parameters import (
    CLASS_AXIS,
    CLASS_MASK,
    CLASS_WEIGHT,
    FLAG,
    FRACTION,
    IGNORE_INDEX,
    NUMBER,
)
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["nll_loss", "cross_entropy", "label_smoothed_cross_entropy", "poly1_cross_entropy"]


LABELS = 0  # the alternative of a signature whose target holds integers


@loss(
    "(..., c), (...) -> (...)",
    log_probs=LOG_PROBABILITY,
    labels=CLASSES,
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
)
def nll_loss(
    log_probs: A,
    labels: Array,
    /,
    *,
    axis: int = -1,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Negative log-likelihood of labels: the log-loss of log-probabilities.

    .. math:: \ell = -w_y \ln p_y

    Parameters
    ----------
    log_probs : array of real floating dtype, shape (..., C)
        The logarithm :math:`\ln p_c \le 0` of the probability of every class.
    labels : array of integer dtype, shape (...)
        The class :math:`y` that occurred, from 0 to C - 1.
    axis : int, default -1
        The class axis of `log_probs`.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_y`.
    class_mask : array of bool dtype, shape (C,) or that of `log_probs`, optional
        Which classes are possible. That of the others is a probability of 0.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class. None ignores nothing.
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
    Linear in its argument. After a log-softmax it is :func:`cross_entropy`, which is the more accurate of
    the two on logits. It does not check that probabilities sum to 1: raw probabilities or logits
    passed by mistake give plausible numbers, some of them negative (:func:`arraylosses.debug` refuses
    positive ones). A log-probability of -inf at the label gives infinity. A label that is
    no class makes its item NaN, with gradient 0.

    References
    ----------
    Good, *Rational decisions*, J. Royal Statistical Society B 14(1), 1952.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> log_probs = np.log(np.asarray([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]))
    >>> al.nll_loss(log_probs, np.asarray([0, 1]), reduction="none").round(6)
    array([0.693147, 1.386294])
    """
    xp, log_p, y, class_weight, class_mask, done = enter(
        nll_loss,
        (log_probs, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        class_mask=class_mask,
    )
    if class_mask is not None:
        log_p = xp.where(class_mask, log_p, -math.inf)
    w, log_p_y = done.weigh_labels(class_weight, y, pick(xp, log_p, y))
    return done(w * -log_p_y)


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, PROBABILITY),
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
    label_smoothing=FRACTION,
)
def cross_entropy(
    logits: A,
    target: Array,
    /,
    *,
    label_smoothing: float = 0.0,
    axis: int = -1,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Softmax cross-entropy: classification into one of several classes.

    .. math::

        \ell = -\sum_c w_c\, q_c \ln p_c \qquad p = \operatorname{softmax}(z)

    with the target distribution :math:`q`, which for a label :math:`y` is :math:`[c = y]`. Smoothing puts
    :math:`(1 - \varepsilon)\,q_c + \varepsilon / C` in its place.

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    target : array of integer dtype, shape (...), or of floating or bool dtype, shape (..., C)
        Integers are labels :math:`y` from 0 to C - 1; anything else is the probability :math:`q_c` of
        every class.
    label_smoothing : float, default 0.0
        How much :math:`\varepsilon`, from 0 to 1, of the target goes to all classes alike.
    axis : int, default -1
        The class axis of `logits`, and of a `target` that has one.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_c q_c`.
    class_mask : array of bool dtype, shape (C,) or that of `logits`, optional
        Which classes are possible. The logits of the others count as -inf.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing. Only for labels.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a `label_smoothing` outside
        of [0, 1], and for an `ignore_index` with a target of probabilities.

    Notes
    -----
    Convex and smooth, with gradient :math:`p - q` (without class weights), and unchanged when a constant
    is added to all logits. A label, its one-hot row, and a row smoothed by hand give the same result
    under every option; in particular class weights enter the mean of all three alike, where
    PyTorch divides by the number of items or by the weight of the label.

    The value keeps its relative accuracy however small it is: logits of 0 and 17 give 4.1e-8 in
    float32, not 0. An impossible class takes no part: it is legal wherever the target does not
    need it, smoothing spreads over the possible classes only, and as the label it costs infinity.
    A row of -inf alone, or with +inf in it, gives NaN. A label that is no class makes its item NaN,
    with gradient 0. Probabilities are neither normalised nor checked.

    What Caffe and others call softmax loss is this function.

    References
    ----------
    Bridle, *Probabilistic interpretation of feedforward classification network outputs*, in
    Neurocomputing, 1990; Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, *Rethinking the Inception architecture
    for computer vision*, CVPR 2016, arXiv:1512.00567, for the smoothing.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    >>> al.cross_entropy(logits, np.asarray([0, 2]), reduction="none").round(6)
    array([0.241311, 1.001943])
    >>> rows = np.asarray([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> al.cross_entropy(logits, rows, reduction="none").round(6)
    array([0.241311, 1.001943])
    """
    xp, z, target, class_weight, class_mask, label_smoothing, done = enter(
        cross_entropy,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        class_mask=class_mask,
        label_smoothing=label_smoothing,
    )
    return done(_cross_entropy(xp, done, z, target, class_weight, class_mask, label_smoothing))


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, PROBABILITY),
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
    smoothing=FRACTION,
    smooth_true_class=FLAG,
)
def label_smoothed_cross_entropy(
    logits: A,
    target: Array,
    /,
    *,
    smoothing: float = 0.1,
    smooth_true_class: bool = True,
    axis: int = -1,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Softmax cross-entropy against smoothed labels: classifiers that are not overconfident.

    .. math::

        \ell = -\sum_c w_c\, q'_c \ln p_c \qquad p = \operatorname{softmax}(z) \qquad
        q'_c = \begin{cases} 1 - \varepsilon + \varepsilon/C & c = y \\ \varepsilon/C & \text{else}
        \end{cases}

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    target : array of integer dtype, shape (...), or of floating or bool dtype, shape (..., C)
        Integers are labels :math:`y` from 0 to C - 1; anything else is the probability :math:`q_c` of
        every class, which is smoothed alike.
    smoothing : float, default 0.1
        How much :math:`\varepsilon`, from 0 to 1, of the target is spread.
    smooth_true_class : bool, default True
        Whether the label's class has a share in what is spread. If not, :math:`q'` is
        :math:`1 - \varepsilon` there and :math:`\varepsilon/(C - 1)` at the others, the
        convention of fairseq and OpenNMT; a probability :math:`q_c` becomes
        :math:`(1 - \varepsilon)\,q_c + \varepsilon\,(1 - q_c)/(C - 1)`.
    axis : int, default -1
        The class axis of `logits`, and of a `target` that has one.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_c q'_c`.
    class_mask : array of bool dtype, shape (C,) or that of `logits`, optional
        Which classes are possible. The logits of the others count as -inf.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing. Only for labels.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a `smoothing` outside of
        [0, 1], and for an `ignore_index` with a target of probabilities.

    Notes
    -----
    Convex and smooth, with gradient :math:`p - q'` (without class weights) and a minimum at
    :math:`p = q'`, where it is the entropy of :math:`q'`, not 0. With ``smooth_true_class=True`` it is
    :func:`cross_entropy` with ``label_smoothing=smoothing``, and :math:`1 - \varepsilon` times the
    cross-entropy plus :math:`\varepsilon` times the mean of :math:`-\ln p_c`. What is spread goes to
    possible classes only; everything else is as in :func:`cross_entropy`.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, *Rethinking the Inception architecture for computer vision*,
    CVPR 2016, arXiv:1512.00567; Müller, Kornblith, Hinton, *When does label smoothing help?*, NeurIPS
    2019, arXiv:1906.02629.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, labels = np.asarray([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]]), np.asarray([0, 2])
    >>> al.label_smoothed_cross_entropy(logits, labels, reduction="none").round(6)
    array([0.391311, 1.011943])
    """
    xp, z, target, class_weight, class_mask, smoothing, smooth_true_class, done = enter(
        label_smoothed_cross_entropy,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        class_mask=class_mask,
        smoothing=smoothing,
        smooth_true_class=smooth_true_class,
    )
    return done(_cross_entropy(xp, done, z, target, class_weight, class_mask, smoothing, smooth_true_class))


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, PROBABILITY),
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
    epsilon=NUMBER,
    label_smoothing=FRACTION,
)
def poly1_cross_entropy(
    logits: A,
    target: Array,
    /,
    *,
    epsilon: float = 2.0,
    label_smoothing: float = 0.0,
    axis: int = -1,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""PolyLoss: softmax cross-entropy with its first polynomial term made larger or smaller.

    .. math::

        \ell = \sum_c w_c \left[-q'_c \ln p_c + \epsilon\, q_c\, (1 - p_c)\right]
        \qquad p = \operatorname{softmax}(z)

    with the target distribution :math:`q`, which for a label :math:`y` is :math:`[c = y]`, and its smoothed
    form :math:`q'_c = (1 - \varepsilon)\,q_c + \varepsilon / C`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z_c`. -inf is a class that cannot be.
    target : array of integer dtype, shape (...), or of floating or bool dtype, shape (..., C)
        Integers are labels :math:`y` from 0 to C - 1; anything else is the probability :math:`q_c` of
        every class.
    epsilon : float, default 2.0
        What :math:`\epsilon` is added to the coefficient of the first term, which is 1. The paper
        takes 2 for ImageNet, and -1 for object detection.
    label_smoothing : float, default 0.0
        How much :math:`\varepsilon`, from 0 to 1, of the target goes to all classes alike in the
        cross-entropy; the added term takes the target as it is.
    axis : int, default -1
        The class axis of `logits`, and of a `target` that has one.
    class_weight : array of real dtype, shape (C,), optional
        The factor :math:`w_c \ge 0` of every class, 1 if not given; a mean divides by
        :math:`\sum w_c q'_c`.
    class_mask : array of bool dtype, shape (C,) or that of `logits`, optional
        Which classes are possible. The logits of the others count as -inf.
    ignore_index : int, default -100
        The label of items that do not count. It may be the number of a class, which then still
        competes in the softmax. None ignores nothing. Only for labels.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats. It is negative in places if `epsilon` is below -1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a `label_smoothing` outside
        of [0, 1], and for an `ignore_index` with a target of probabilities.

    Notes
    -----
    The expansion :math:`-\ln p = (1 - p) + (1 - p)^2/2 + \dots` gives the name: `epsilon` changes the
    coefficient of its first term. The added term is bounded, smooth and not convex. With
    ``epsilon=0.0`` it is :func:`cross_entropy`, and everything else is as there.

    References
    ----------
    Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov, *PolyLoss: a polynomial expansion perspective of
    classification loss functions*, ICLR 2022, arXiv:2204.12511.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.poly1_cross_entropy(np.asarray([2.0, 0.5, -1.0]), np.asarray(0))), 6)
    0.670117
    """
    xp, z, target, class_weight, class_mask, epsilon, label_smoothing, done = enter(
        poly1_cross_entropy,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        class_mask=class_mask,
        epsilon=epsilon,
        label_smoothing=label_smoothing,
    )
    return done(
        _cross_entropy(xp, done, z, target, class_weight, class_mask, label_smoothing, epsilon=epsilon)
    )


def _smooth(xp: Any, q: Array, possible: Array, smoothing: Any, true_class: bool) -> Array:
    """The target distribution with a part of it spread over the possible classes, or the others of them."""
    share = xp.astype(possible, q.dtype)
    n = xp.sum(share, axis=-1, keepdims=True)
    if not true_class:
        share, n = share * (1 - q), n - 1
    return (1 - smoothing) * q + smoothing * share / nonzero(xp, n)


def _cross_entropy(
    xp: Any,
    done: Any,
    z: Array,
    target: Array,
    class_weight: Array | None,
    class_mask: Array | None,
    smoothing: Any,
    true_class: bool = True,
    epsilon: Any = None,
) -> Array:
    """Σ w [-q' log p + ϵ q (1 - p)]: the items of every softmax cross-entropy."""
    if class_mask is not None:
        z = xp.where(class_mask, z, -math.inf)
    smoothed = not (isinstance(smoothing, float) and smoothing == 0)
    if done.form == LABELS and not smoothed:
        w, z = done.weigh_labels(class_weight, target, z)
        items = label_nll(xp, z, target)
        return w * (items if epsilon is None else items - epsilon * expm1(xp, -items))
    q = xp.astype(one_hot(xp, target, z), z.dtype) if done.form == LABELS else target
    q_smooth = _smooth(xp, q, z > -math.inf, smoothing, true_class) if smoothed else q
    if class_weight is not None:
        q, q_smooth = class_weight * q, class_weight * q_smooth
        z = done.weigh(xp.sum(q_smooth, axis=-1), z)
    log_p = log_softmax(xp, z)
    terms = product(xp, q_smooth, -log_p)
    return xp.sum(terms if epsilon is None else terms - epsilon * q * expm1(xp, log_p), axis=-1)
