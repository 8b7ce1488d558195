"""Detection: losses of what detectors predict, classes and boxes together."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL, UNCHECKED
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import divide, one_hot
from ._core.parameters import FLAG, IGNORE_INDEX, NONNEGATIVE, choice
from ._core.reductions import number_of
from ._core.registry import loss
from ._core.results import DetectionLoss
from .classification import binary_cross_entropy_with_logits
from .multiclass import cross_entropy
from .regression import smooth_l1_loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["fast_rcnn_loss", "rpn_loss", "multibox_loss"]

NOT_SAMPLED = -1  # the label of anchors that do not count


@loss(
    "(r, c), (r), (r, 4), (r, 4) -> () | (r, c), (r), (r, c, 4), (r, 4) -> ()",
    mask="(r)",
    parts=DetectionLoss._fields,
    logits=REAL,
    labels=CLASSES,
    box_pred=REAL,
    box_target=UNCHECKED,
    beta=NONNEGATIVE,
    box_weight=NONNEGATIVE,
    box_normalizer=choice("all", "pos", "elements"),
    positives_only=FLAG,
)
def fast_rcnn_loss(
    logits: A,
    labels: Array,
    box_pred: Array,
    box_target: Array,
    /,
    *,
    beta: float | Array = 1.0,
    box_weight: float | Array = 1.0,
    box_normalizer: str = "all",
    positives_only: bool = True,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> DetectionLoss:
    r"""Loss of the head of Fast R-CNN: classes of all regions, and boxes of those that hold something.

    .. math::

        \ell = \frac{1}{R} \sum_{i} -\log \operatorname{softmax}(z_i)_{u_i}
        + \frac{\lambda}{R} \sum_{i:\, u_i \ge 1} \sum_{k=1}^{4} s_\beta(t_{ik} - v_{ik})

    over :math:`R` regions with the logits :math:`z` and the labels :math:`u`, where :math:`t` are the
    predicted offsets of boxes, :math:`v` the true ones, and :math:`s_\beta` is :func:`smooth_l1_loss`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (r, c)
        The logits :math:`z` of the regions, of which class 0 is the background.
    labels : array of integer dtype, shape (r,)
        The classes :math:`u`, and `ignore_index` where a region does not count.
    box_pred : array of real dtype, shape (r, 4) or (r, c, 4)
        The predicted offsets :math:`t`: one box of a region, or one for each class, of which that of
        the label counts.
    box_target : array of real dtype, shape (r, 4)
        The true offsets :math:`v`, encoded as the predicted ones are. Those of the background may be
        NaN.
    beta : float, default 1.0
        Up to where :math:`s_\beta` is quadratic, :math:`\beta \ge 0`. Other code has 1/9, or 0, the
        absolute error.
    box_weight : float, default 1.0
        The factor :math:`\lambda \ge 0` of the boxes.
    box_normalizer : {"all", "pos", "elements"}, default "all"
        What the sum over the boxes is divided by: the number of all regions that count, :math:`R`, so
        that every box has the same influence whatever the rest of the batch; that of the regions with
        a box; or four times the latter, the mean over all numbers.
    positives_only : bool, default True
        Whether the boxes of the background are left out.
    ignore_index : int or None, default -100
        Regions with this label do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (r,), masks regions.

    Returns
    -------
    DetectionLoss
        The named tuple (loss, classification, box) of arrays of shape (). The parts are without
        `box_weight` and `sample_weight`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of their
        range.

    Notes
    -----
    Regions are sampled before: none is chosen here. Without any that counts, the loss is 0; without a
    box, its box part is 0, with gradient 0. A label that is neither a class nor ignored makes the loss
    NaN. The mean over all regions and numbers, ``box_normalizer="elements"`` with
    ``positives_only=False``, is found in some code, but is not the loss of the paper.

    References
    ----------
    Girshick, *Fast R-CNN*, ICCV 2015, arXiv:1504.08083.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, labels = np.asarray([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), np.asarray([0, 1])
    >>> pred, target = np.asarray([[0.0, 0, 0, 0], [0.5, -0.2, 0, 2]]), np.zeros((2, 4))
    >>> result = al.fast_rcnn_loss(logits, labels, pred, target)
    >>> [round(float(x), 6) for x in result]
    [1.217995, 0.395495, 0.8225]
    """
    xp, z, u, t, v, beta, box_weight, box_normalizer, positives_only, done = enter(
        fast_rcnn_loss,
        (logits, labels, box_pred, box_target),
        sample_weight,
        where,
        reduction,
        normalizer,
        beta=beta,
        box_weight=box_weight,
        box_normalizer=box_normalizer,
        positives_only=positives_only,
        ignore_index=ignore_index,
    )
    counted = done.kept(u)
    boxed = counted & (u >= 1) if positives_only else counted
    if t.ndim == 3:
        t = xp.sum(xp.where(one_hot(xp, u, z)[..., None], t, 0.0), axis=1)
    divisor = number_of(xp, counted if box_normalizer == "all" else boxed, z)
    if box_normalizer == "elements":
        divisor = 4 * divisor
    classification = cross_entropy(z, u, where=counted)
    box = divide(xp, smooth_l1_loss(t, v, beta=beta, where=boxed[:, None], reduction="sum"), divisor)
    parts = done.part(classification), done.part(box)
    return DetectionLoss(done(classification + box_weight * box), *parts)


@loss(
    "(*a), (*a), (*a, 4), (*a, 4) -> ()",
    mask="(*a)",
    parts=DetectionLoss._fields,
    objectness=REAL,
    labels=CLASSES,
    box_pred=REAL,
    box_target=UNCHECKED,
    beta=NONNEGATIVE,
    box_weight=NONNEGATIVE,
)
def rpn_loss(
    objectness: A,
    labels: Array,
    box_pred: Array,
    box_target: Array,
    /,
    *,
    beta: float | Array = 1 / 9,
    box_weight: float | Array = 1.0,
    ignore_index: int | None = NOT_SAMPLED,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> DetectionLoss:
    r"""Loss of a region proposal network: objectness of the sampled anchors, and boxes of the positive ones.

    .. math::

        \ell = \frac{1}{n} \sum_{i:\, u_i \ge 0} \operatorname{BCE}(o_i, u_i)
        + \frac{\lambda}{n} \sum_{i:\, u_i = 1} \sum_{k=1}^{4} s_\beta(t_{ik} - v_{ik})

    over :math:`n` sampled anchors, where BCE is :func:`binary_cross_entropy_with_logits`, :math:`t`
    are the predicted offsets of boxes, :math:`v` the true ones, and :math:`s_\beta` is
    :func:`smooth_l1_loss`.

    Parameters
    ----------
    objectness : array of real floating dtype, shape (\*a)
        The logits :math:`o` of the anchors holding an object. They may have any number of axes
        :math:`a`.
    labels : array of integer dtype, shape (\*a)
        1 for anchors with an object, 0 for those without, `ignore_index` for those not sampled.
    box_pred : array of real dtype, shape (\*a, 4)
        The predicted offsets :math:`t`.
    box_target : array of real dtype, shape (\*a, 4)
        The true offsets :math:`v`, encoded as the predicted ones are. Where there is no object they
        may be NaN.
    beta : float, default 1/9
        Up to where :math:`s_\beta` is quadratic, :math:`\beta \ge 0`.
    box_weight : float, default 1.0
        The factor :math:`\lambda \ge 0` of the boxes.
    ignore_index : int or None, default -1
        Anchors with this label do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (\*a), masks anchors.

    Returns
    -------
    DetectionLoss
        The named tuple (loss, classification, box) of arrays of shape (). The parts are without
        `box_weight` and `sample_weight`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of their
        range.

    Notes
    -----
    Anchors are sampled before: none is chosen here. Without a sampled anchor the loss is 0; without a
    positive one its box part is 0, with gradient 0. Any other label makes the loss NaN.
    The paper has a softmax over two logits, of which `objectness` is the difference, and divides the
    boxes by the number of places of anchors, with a factor of 10, which is nearly the same.

    References
    ----------
    Ren et al., *Faster R-CNN: towards real-time object detection with region proposal networks*, NIPS
    2015, arXiv:1506.01497.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> objectness, labels = np.asarray([2.0, -1.0, 0.0, 3.0]), np.asarray([1, 0, -1, 0])
    >>> pred = np.asarray([[0.05, 0.2, -0.1, 0.0], *np.zeros((3, 4))])
    >>> round(float(al.rpn_loss(objectness, labels, pred, np.zeros((4, 4))).loss), 6)
    1.229824
    """
    xp, o, u, t, v, beta, box_weight, done = enter(
        rpn_loss,
        (objectness, labels, box_pred, box_target),
        sample_weight,
        where,
        reduction,
        normalizer,
        beta=beta,
        box_weight=box_weight,
        ignore_index=ignore_index,
    )
    sampled = done.kept(u)
    positive = sampled & (u == 1)
    classification = binary_cross_entropy_with_logits(o, xp.astype(u, o.dtype), where=sampled)
    boxes = smooth_l1_loss(t, v, beta=beta, where=positive[..., None], reduction="sum")
    box = divide(xp, boxes, number_of(xp, sampled, o))
    parts = done.part(classification), done.part(box)
    return DetectionLoss(done(classification + box_weight * box), *parts)


@loss(
    "(b, a, c), (b, a), (b, a, 4), (b, a, 4) -> ()",
    mask="(b, a)",
    parts=DetectionLoss._fields,
    logits=REAL,
    labels=CLASSES,
    box_pred=REAL,
    box_target=UNCHECKED,
    neg_pos_ratio=NONNEGATIVE,
    alpha=NONNEGATIVE,
    beta=NONNEGATIVE,
    min_neg=NONNEGATIVE,
)
def multibox_loss(
    logits: A,
    labels: Array,
    box_pred: Array,
    box_target: Array,
    /,
    *,
    neg_pos_ratio: float | Array = 3.0,
    alpha: float | Array = 1.0,
    beta: float | Array = 1.0,
    min_neg: float | Array = 0.0,
    ignore_index: int | None = NOT_SAMPLED,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> DetectionLoss:
    r"""MultiBox loss of SSD: classes of the positive anchors and of the worst of the others, and boxes.

    .. math::

        \ell = \frac{1}{N} \Bigl(\sum_{i \in P \cup H} -\log \operatorname{softmax}(z_i)_{u_i}
        + \alpha \sum_{i \in P} \sum_{k=1}^{4} s_\beta(t_{ik} - v_{ik})\Bigr)

    over the :math:`N` positive anchors :math:`P` of the batch and the hard negatives :math:`H`: of
    every image with :math:`p` positive anchors the :math:`\min(k p, \text{all})` negative ones whose
    cross-entropy is greatest. :math:`t` are the predicted offsets of boxes, :math:`v` the true ones,
    and :math:`s_\beta` is :func:`smooth_l1_loss`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (b, a, c)
        The logits :math:`z` of the anchors of each image, of which class 0 is the background.
    labels : array of integer dtype, shape (b, a)
        The classes :math:`u`: 0 for negative anchors, `ignore_index` for those that do not count.
    box_pred : array of real dtype, shape (b, a, 4)
        The predicted offsets :math:`t`.
    box_target : array of real dtype, shape (b, a, 4)
        The true offsets :math:`v`, encoded as the predicted ones are. Of negative anchors they may be
        NaN.
    neg_pos_ratio : float, default 3.0
        How many negative anchors count for every positive one, :math:`k \ge 0`.
    alpha : float, default 1.0
        The factor :math:`\alpha \ge 0` of the boxes.
    beta : float, default 1.0
        Up to where :math:`s_\beta` is quadratic, :math:`\beta \ge 0`.
    min_neg : float, default 0.0
        How many negative anchors of an image count at least, if it has as many. In the paper none do
        of an image without positive ones.
    ignore_index : int or None, default -1
        Anchors with this label do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (b, a), masks anchors.

    Returns
    -------
    DetectionLoss
        The named tuple (loss, classification, box) of arrays of shape (). The parts are without
        `alpha` and `sample_weight`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of their
        range.

    Notes
    -----
    Without a positive anchor in the batch the loss is 0. Which anchors are hard is a constant: the
    gradient goes through their cross-entropy alone. Of equally hard ones the first count. A negative
    anchor counts once, also where there are fewer than `neg_pos_ratio` asks for. A label that is
    neither a class nor ignored, or a logit that is NaN, makes the loss NaN.

    References
    ----------
    Liu et al., *SSD: Single Shot MultiBox Detector*, ECCV 2016, arXiv:1512.02325.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[[0.0, 2, 0], [1, 0, 0], [0, 1, 0], [0, 0, 3], [2, 0, 0], [0.5, 0, 0]]])
    >>> labels = np.asarray([[1, 0, 0, 0, 0, 0]])
    >>> pred = np.zeros((1, 6, 4))
    >>> pred[0, 0, 0] = 0.5
    >>> result = al.multibox_loss(logits, labels, pred, np.zeros((1, 6, 4)))
    >>> [round(float(x), 6) for x in result]
    [5.805289, 5.680289, 0.125]
    """
    xp, z, u, t, v, ratio, alpha, beta, min_neg, done = enter(
        multibox_loss,
        (logits, labels, box_pred, box_target),
        sample_weight,
        where,
        reduction,
        normalizer,
        neg_pos_ratio=neg_pos_ratio,
        alpha=alpha,
        beta=beta,
        min_neg=min_neg,
        ignore_index=ignore_index,
    )
    counted = done.kept(u)
    positive, negative = counted & (u >= 1), counted & (u == 0)
    entropy = cross_entropy(z, u, where=counted, reduction="none")
    done.poison(xp.any(xp.isnan(entropy)))  # which has no place in an order
    positives = xp.sum(xp.astype(positive, z.dtype), axis=-1, keepdims=True)
    wanted = ratio * positives
    hard = negative & (_rank(xp, entropy, negative) < xp.where(wanted > min_neg, wanted, min_neg))
    count = xp.sum(positives)
    classification = divide(xp, xp.sum(xp.where(positive | hard, entropy, 0.0)), count)
    boxes = smooth_l1_loss(t, v, beta=beta, where=positive[..., None], reduction="sum")
    box = divide(xp, boxes, count)
    parts = done.part(classification), done.part(box)
    return DetectionLoss(done(classification + alpha * box), *parts)


def _rank(xp: Namespace, x: Array, among: Array) -> Array:
    """The place of each entry of the last axis in a descending order of those `among` them, the first
    of equals being before the others."""
    if 0 in x.shape:  # which Dask does not sort
        return xp.zeros_like(x)
    order = xp.argsort(xp.where(among, -stop_gradient(xp, x), math.inf), axis=-1, stable=True)
    return xp.astype(xp.argsort(order, axis=-1, stable=True), x.dtype)
