"""Multiclass margins: losses of how far the score of the label is above those of the other classes."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, PROBABILITY, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import device, stop_gradient
from ._core.numeric import cumulative_sum, greatest, one_hot, pick, product, relu
from ._core.parameters import CLASS_AXIS, CLASS_WEIGHT, FLAG, NONNEGATIVE, Rule, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["multiclass_perceptron_loss", "multiclass_hinge_loss", "sparsemax_loss"]


_POWER = Rule("be 1 or 2", lambda v: type(v) is int and v in (1, 2), (0, 3, 1.5), numeric=False)


@loss("(..., c), (...) -> (...)", scores=REAL, labels=CLASSES, class_weight=CLASS_WEIGHT, axis=CLASS_AXIS)
def multiclass_perceptron_loss(
    scores: A,
    labels: Array,
    /,
    *,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int = -100,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Multiclass perceptron loss: by how much the best class beats the label.

    .. math:: \ell = w_y \bigl(\max_c s_c - s_y\bigr)

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., c)
        The score :math:`s_c` of each class.
    labels : array of integer dtype, shape (...)
        The true classes :math:`y`, from 0 to c - 1.
    axis : int, default -1
        The axis of the classes.
    class_weight : array of real dtype, shape (c,), optional
        The weight :math:`w_c \ge 0` of the items of each class. A weight of 0 takes them out.
    ignore_index : int, default -100
        The label of items that do not count.
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
    Convex. Where no class is above the label the loss is 0 and so is its gradient, also if others
    tie with the label; classes that tie above it share the gradient equally. It is
    :func:`multiclass_hinge_loss` with a margin of 0. A label outside 0 … c - 1 makes the item NaN,
    with gradient 0.

    References
    ----------
    Collins, *Discriminative training methods for hidden Markov models: theory and experiments with
    perceptron algorithms*, EMNLP 2002.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[0.25, 0.125, 0.5], [0.25, 0.125, 0.5]])
    >>> al.multiclass_perceptron_loss(scores, np.asarray([1, 2]), reduction="none")
    array([0.375, 0.   ])
    """
    xp, s, y, class_weight, done = enter(
        multiclass_perceptron_loss,
        (scores, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        class_weight=class_weight,
        axis=axis,
        ignore_index=ignore_index,
    )
    w = 1.0 if class_weight is None else pick(xp, class_weight, y)
    s = s if class_weight is None else done.weigh(w, s)
    return done(w * greatest(xp, relu(xp, _leads(xp, s, y))))


@loss(
    "(..., c), (...) -> (...)",
    scores=REAL,
    labels=CLASSES,
    variant=choice("crammer_singer", "weston_watkins"),
    margin=NONNEGATIVE,
    power=_POWER,
    average_classes=FLAG,
    class_weight=CLASS_WEIGHT,
    axis=CLASS_AXIS,
)
def multiclass_hinge_loss(
    scores: A,
    labels: Array,
    /,
    *,
    variant: str = "crammer_singer",
    margin: float = 1.0,
    power: int = 1,
    average_classes: bool = False,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int = -100,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Multiclass hinge loss: the label shall beat every other class by a margin.

    With the violations :math:`h_c = \max(0, m - s_y + s_c)` of the classes :math:`c \ne y`,

    .. math::

        \ell = w_y \max_{c \ne y} h_c^k \quad \text{(Crammer–Singer)}, \qquad
        \ell = w_y \sum_{c \ne y} h_c^k \quad \text{(Weston–Watkins)}.

    Parameters
    ----------
    scores : array of real floating dtype, shape (..., c)
        The score :math:`s_c` of each class.
    labels : array of integer dtype, shape (...)
        The true classes :math:`y`, from 0 to c - 1.
    variant : {"crammer_singer", "weston_watkins"}, default "crammer_singer"
        Whether the worst violation counts, or all of them.
    margin : float, default 1.0
        The margin :math:`m \ge 0`, in the unit of the scores.
    power : {1, 2}, default 1
        The exponent :math:`k`.
    average_classes : bool, default False
        With ``variant="weston_watkins"``, divide by the number of classes c, the label's included.
    axis : int, default -1
        The axis of the classes.
    class_weight : array of real dtype, shape (c,), optional
        The weight :math:`w_c \ge 0` of the items of each class. A weight of 0 takes them out.
    ignore_index : int, default -100
        The label of items that do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the scores, to the power :math:`k`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together; for options that are not
        as above, among them `average_classes` with the Crammer–Singer variant.

    Notes
    -----
    Convex. At the kink of a violation its gradient is 0; where several classes tie for the worst
    violation they share the gradient equally. A label outside 0 … c - 1 makes the item NaN, with
    gradient 0. With a single class there is nothing to beat, and the loss is 0.

    ``torch.nn.functional.multi_margin_loss`` is the Weston–Watkins variant with
    ``average_classes=True``; given class weights it divides by the number of items, as
    ``normalizer=N`` does here, instead of by the sum of their weights.

    References
    ----------
    Crammer and Singer, *On the algorithmic implementation of multiclass kernel-based vector
    machines*, JMLR 2, 2001; Weston and Watkins, *Support vector machines for multi-class pattern
    recognition*, ESANN 1999.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, labels = np.asarray([[0.25, 0.125, 0.5]]), np.asarray([1])
    >>> float(al.multiclass_hinge_loss(scores, labels))
    1.375
    >>> float(al.multiclass_hinge_loss(scores, labels, variant="weston_watkins"))
    2.5
    """
    xp, s, y, variant, margin, power, average_classes, class_weight, done = enter(
        multiclass_hinge_loss,
        (scores, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        variant=variant,
        margin=margin,
        power=power,
        average_classes=average_classes,
        class_weight=class_weight,
        axis=axis,
        ignore_index=ignore_index,
    )
    if average_classes and variant == "crammer_singer":
        rule = "be False unless variant is 'weston_watkins'"
        raise refuse("multiclass_hinge_loss", "average_classes", rule, average_classes)
    w = 1.0 if class_weight is None else pick(xp, class_weight, y)
    s = s if class_weight is None else done.weigh(w, s)
    h = relu(xp, margin + _leads(xp, xp.where(done.invalid[..., None], 0.0, s), y))
    h = h if power == 1 else h * h
    if variant == "crammer_singer":
        return done(w * greatest(xp, h))
    return done(w * xp.sum(h, axis=-1) / (h.shape[-1] if average_classes else 1))


def _leads(xp: Namespace, s: Array, y: Array) -> Array:
    """s_c - s_y: how far each class is above the label; -inf for the label itself."""
    label = one_hot(xp, y, s)
    return xp.where(label, -math.inf, s) - xp.where(label, 0.0, pick(xp, s, y)[..., None])


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, PROBABILITY),
    class_weight=CLASS_WEIGHT,
    axis=CLASS_AXIS,
)
def sparsemax_loss(
    logits: A,
    target: Array,
    /,
    *,
    axis: int = -1,
    class_weight: Array | None = None,
    ignore_index: int = -100,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Sparsemax loss: cross-entropy's counterpart for sparse probabilities.

    With :math:`P = \operatorname{sparsemax}(z)`, the point of the simplex nearest to the logits,
    which is :math:`P_c = \max(0, z_c - \tau)` for the :math:`\tau` that makes them sum to 1,

    .. math::

        \ell &= \tfrac12 (\|q\|^2 - \|P\|^2) + \langle P - q, z \rangle \\
             &= \tfrac12 \|q - P\|^2 + \sum_c q_c \max(0, \tau - z_c).

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., c)
        The logits :math:`z`.
    target : array of integer dtype, shape (...), or of floating dtype, shape (..., c)
        The true classes, from 0 to c - 1, or the target distribution :math:`q`, summing to 1.
    axis : int, default -1
        The axis of the classes.
    class_weight : array of real dtype, shape (c,), optional
        The weights :math:`w_c \ge 0`. An item is multiplied by :math:`\sum_c w_c q_c`, for a label
        its weight; where that is 0 the item is taken out.
    ignore_index : int, default -100
        The label of items that do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `ignore_index`
        with a target that holds no labels.

    Notes
    -----
    Convex and continuously differentiable in the logits, with gradient :math:`P - q`; never
    negative, and 0 where :math:`P = q`: for a label, where its logit is at least 1 above all
    others. Both terms of the second form are nonnegative, so that a small loss keeps its relative
    accuracy, and adding a constant to the logits changes nothing. The derivative in the target is
    that of the second form, :math:`q - (z - \tau)`, which differs from that of the first by a
    constant that no distribution sees.

    A logit of :math:`-\infty` has probability 0. A label outside 0 … c - 1 makes the item NaN, with
    gradient 0. The logits are sorted along the axis of the classes, which Dask needs in one chunk.

    References
    ----------
    Martins and Astudillo, *From softmax to sparsemax*, ICML 2016, arXiv:1602.02068; Blondel,
    Martins and Niculae, *Learning with Fenchel-Young losses*, JMLR 21, 2020, arXiv:1901.02324.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[1.0, 0.5, -1.0], [1.0, 0.5, -1.0], [1.0, 0.5, -1.0]])
    >>> al.sparsemax_loss(logits, np.asarray([0, 1, 2]), reduction="none")
    array([0.0625, 0.5625, 2.0625])
    """
    xp, z, q, class_weight, done = enter(
        sparsemax_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        class_weight=class_weight,
        axis=axis,
        ignore_index=ignore_index,
    )
    q = q if done.form == 1 else xp.astype(one_hot(xp, q, z), z.dtype)
    w = 1.0 if class_weight is None else xp.sum(product(xp, class_weight, q), axis=-1)
    z = z if class_weight is None else done.weigh(w, z)
    top, above, gap = _sparsemax(xp, z)
    # q - P, at the top as (q - 1) + (1 - P): there 1 - P is exact, and P may round to 1.
    d = xp.where(top, (q - 1) + gap, q - xp.where(above <= 0, 0.0, above))
    beyond = product(xp, q, xp.where(above <= 0, -above, 0.0))
    return done(w * xp.sum(d * d / 2 + beyond, axis=-1))


def _sparsemax(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
    """Which class is at the top, z - τ for each class, and the top's 1 - P.

    With t = 1 + z - max z, which is 1 at the top, 1 - P of the top is the sum of t over the other
    classes of the support, divided by the size of the support: a sum of positive terms.
    """
    top = one_hot(xp, xp.argmax(stop_gradient(xp, z), axis=-1), z)
    z_top = xp.sum(xp.where(top, z, 0.0), axis=-1, keepdims=True)
    t = xp.where(top, 1.0, 1 + (xp.where(top, 0.0, z) - xp.where(top, 0.0, z_top)))
    # The support, from the sorted t of the others: the j greatest are in it if (j + 1) t_j > Σ t.
    r = xp.sort(relu(xp, xp.where(top, 0.0, stop_gradient(xp, t))), axis=-1, descending=True)
    counts = xp.arange(2, z.shape[-1] + 2, dtype=z.dtype, device=device(xp, z))
    inside = counts * r > cumulative_sum(xp, r)
    k = 1 + xp.sum(xp.astype(inside, z.dtype), axis=-1, keepdims=True)
    support = ~top & (t > xp.sum(xp.where(inside, r, 0.0), axis=-1, keepdims=True) / k)
    k = 1 + xp.sum(xp.astype(support, z.dtype), axis=-1, keepdims=True)
    gap = xp.sum(xp.where(support, t, 0.0), axis=-1, keepdims=True) / k
    return top, t - gap, gap
