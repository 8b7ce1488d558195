"""Detection: losses of what detectors predict, classes and boxes together."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import BOXES, CLASSES, IDENTITIES, REAL, UNCHECKED
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import classes, divide, one_hot
from ._core.parameters import FLAG, IGNORE_INDEX, NONNEGATIVE, choice, optional
from ._core.registry import loss
from ._core.results import DetectionLoss, SetLoss
from .boxes import giou_loss
from .classification import binary_cross_entropy_with_logits
from .multiclass import cross_entropy
from .regression import absolute_error, smooth_l1_loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["fast_rcnn_loss", "rpn_loss", "multibox_loss", "box_l1_giou_loss", "detr_set_loss"]

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
    counted = _counted(xp, done.where, u)
    boxed = counted & (u >= 1) if positives_only else counted
    if t.ndim == 3:
        t = xp.sum(xp.where(one_hot(xp, u, z)[..., None], t, 0.0), axis=1)
    divisor = {
        "all": lambda: _count(xp, counted, z),
        "pos": lambda: _count(xp, boxed, z),
        "elements": lambda: 4 * _count(xp, boxed, z),
    }[box_normalizer]()
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
    Ren et al., *Faster R-CNN*, NIPS 2015, arXiv:1506.01497.

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
    sampled = _counted(xp, done.where, u)
    positive = sampled & (u == 1)
    classification = binary_cross_entropy_with_logits(o, xp.astype(u, o.dtype), where=sampled)
    boxes = smooth_l1_loss(t, v, beta=beta, where=positive[..., None], reduction="sum")
    box = divide(xp, boxes, _count(xp, sampled, o))
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
    counted = _counted(xp, done.where, u)
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


@loss(
    "(..., 4), (..., 4) -> (...)",
    pred=BOXES,
    target=BOXES,
    l1_weight=NONNEGATIVE,
    giou_weight=NONNEGATIVE,
)
def box_l1_giou_loss(
    pred: A,
    target: Array,
    /,
    *,
    l1_weight: float | Array = 5.0,
    giou_weight: float | Array = 2.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Loss of the boxes of DETR: absolute error and generalized IoU, of pairs that are matched.

    .. math:: \ell = \lambda_1 \sum_{k=1}^{4} |p_k - t_k| + \lambda_g\, \ell_\text{GIoU}(p, t)

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., 4)
        The predicted boxes :math:`p`: the center and the sides, in units of the image.
    target : array of real dtype, shape (..., 4)
        The true boxes :math:`t`, likewise.
    l1_weight : float, default 5.0
        The factor :math:`\lambda_1 \ge 0` of the absolute error.
    giou_weight : float, default 2.0
        The factor :math:`\lambda_g \ge 0` of :func:`giou_loss`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. A pair of boxes is one
        item; the number of boxes in all images of all devices is a `normalizer`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        0 for boxes that are identical.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative factor.

    See Also
    --------
    detr_set_loss : With the classes, for predictions that are not matched yet.

    Notes
    -----
    The absolute error has gradient 0 in a number that is right, the rest is as for :func:`giou_loss`.

    References
    ----------
    Carion et al., *End-to-End Object Detection with Transformers*, ECCV 2020, arXiv:2005.12872.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([[0.5, 0.5, 0.2, 0.4]]), np.asarray([[0.5, 0.6, 0.2, 0.2]])
    >>> round(float(al.box_l1_giou_loss(pred, target)), 6)
    2.5
    """
    xp, p, t, l1_weight, giou_weight, done = enter(
        box_l1_giou_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        l1_weight=l1_weight,
        giou_weight=giou_weight,
    )
    l1 = xp.sum(absolute_error(p, t, reduction="none"), axis=-1)
    giou = giou_loss(p, t, fmt="cxcywh", reduction="none")
    return done(l1_weight * l1 + giou_weight * giou)


@loss(
    "(b, q, c), (b, q, 4), (b, m), (b, m, 4), (b, q) -> ()",
    mask="(b, q)",
    parts=SetLoss._fields,
    logits=REAL,
    boxes=BOXES,
    target_labels=IDENTITIES,
    target_boxes=UNCHECKED,
    assignment=IDENTITIES,
    cls_weight=NONNEGATIVE,
    l1_weight=NONNEGATIVE,
    giou_weight=NONNEGATIVE,
    no_object_weight=NONNEGATIVE,
    num_boxes=optional(NONNEGATIVE),
)
def detr_set_loss(
    logits: A,
    boxes: Array,
    target_labels: Array,
    target_boxes: Array,
    assignment: Array,
    /,
    *,
    cls_weight: float | Array = 1.0,
    l1_weight: float | Array = 5.0,
    giou_weight: float | Array = 2.0,
    no_object_weight: float | Array = 0.1,
    num_boxes: float | Array | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> SetLoss:
    r"""Set loss of DETR: classes and boxes of predictions that are assigned to targets, one to one.

    .. math::

        \ell = \lambda_c\, \frac{\sum_q -w_{y_q} \log \operatorname{softmax}(z_q)_{y_q}}{\sum_q w_{y_q}}
        + \frac{1}{N} \sum_{q\ \text{assigned}} \Bigl(\lambda_1 \|b_q - t_q\|_1
        + \lambda_g\, \ell_\text{GIoU}(b_q, t_q)\Bigr)

    over all predictions :math:`q` of the batch, with the logits :math:`z` and boxes :math:`b`. :math:`y`
    and :math:`t` are the class and the box of the target that is assigned to a prediction; without one
    :math:`y` is the last class, of weight :math:`w`, where all others have weight 1. :math:`N` is the
    number of predictions that are assigned.

    Parameters
    ----------
    logits : array of real floating dtype, shape (b, q, c)
        The logits :math:`z` of the predictions of each image, of which the last class is no object.
    boxes : array of real dtype, shape (b, q, 4)
        The predicted boxes :math:`b`: the center and the sides, in units of the image.
    target_labels : array of integer dtype, shape (b, m)
        The classes of the targets. The rest of a row is filled up with anything.
    target_boxes : array of real dtype, shape (b, m, 4)
        Their boxes, likewise.
    assignment : array of integer dtype, shape (b, q)
        Which of the targets of its image is assigned to each prediction, counted from 0; -1 for none.
    cls_weight : float, default 1.0
        The factor :math:`\lambda_c \ge 0` of the classes.
    l1_weight : float, default 5.0
        The factor :math:`\lambda_1 \ge 0` of the absolute error of the boxes.
    giou_weight : float, default 2.0
        The factor :math:`\lambda_g \ge 0` of their :func:`giou_loss`.
    no_object_weight : float, default 0.1
        The weight :math:`w \ge 0` of predictions that should be no object.
    num_boxes : float, optional
        In the place of :math:`N`, such as the mean number of targets on all devices.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (b, q), masks predictions.

    Returns
    -------
    SetLoss
        The named tuple (loss, classification, l1, giou) of arrays of shape (). The parts are without
        their factors and `sample_weight`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative option.

    See Also
    --------
    detr_matching_cost : What an assignment is to make least.
    detr_assignment : The assignment.
    box_l1_giou_loss : The boxes alone.

    Notes
    -----
    Without an assigned prediction the parts of the boxes are 0. An assignment that is no target, or to
    a class that is none, makes the loss NaN. The assignment is a constant; that one target is assigned
    twice is not looked for.

    References
    ----------
    Carion et al., *End-to-End Object Detection with Transformers*, ECCV 2020, arXiv:2005.12872.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[[2.0, 0, 0], [0, 0, 1]]])
    >>> boxes = np.asarray([[[0.5, 0.5, 0.2, 0.4], [0.3, 0.3, 0.2, 0.2]]])
    >>> labels, targets = np.asarray([[0]]), np.asarray([[[0.5, 0.6, 0.2, 0.2]]])
    >>> cost = al.detr_matching_cost(logits, boxes, labels, targets)
    >>> cost.round(6)[0]
    array([[-0.286986],
           [ 3.488058]])
    >>> result = al.detr_set_loss(logits, boxes, labels, targets, np.asarray([[0, -1]]))
    >>> [round(float(x), 6) for x in result]
    [2.767899, 0.267899, 0.3, 0.5]
    """
    xp, z, b, target_labels, t, assignment, cls_weight, l1_weight, giou_weight, w, num_boxes, done = enter(
        detr_set_loss,
        (logits, boxes, target_labels, target_boxes, assignment),
        sample_weight,
        where,
        reduction,
        normalizer,
        cls_weight=cls_weight,
        l1_weight=l1_weight,
        giou_weight=giou_weight,
        no_object_weight=no_object_weight,
        num_boxes=num_boxes,
    )
    counted = _counted(xp, done.where, assignment)
    matched = counted & (assignment >= 0)
    chosen = assignment[..., None] == classes(xp, target_labels)
    y = xp.sum(xp.where(chosen, target_labels[:, None, :], 0), axis=-1)
    t = xp.sum(xp.where(chosen[..., None], t[:, None, :, :], 0.0), axis=-2)
    no_object = z.shape[-1] - 1
    illegal = (assignment < -1) | (assignment >= target_labels.shape[-1])
    illegal = illegal | ((assignment >= 0) & ((y < 0) | (y >= no_object)))
    done.poison(xp.any(counted & illegal))
    y = xp.where(matched & ~illegal, y, no_object)
    class_weight = xp.where(classes(xp, z) == no_object, w, xp.ones_like(z[0, 0, :]))
    classification = cross_entropy(z, y, class_weight=class_weight, where=counted)
    n = _count(xp, matched, z) if num_boxes is None else xp.zeros_like(classification) + num_boxes
    l1 = divide(xp, absolute_error(b, t, where=matched[..., None], reduction="sum"), n)
    giou = divide(xp, giou_loss(b, t, fmt="cxcywh", where=matched, reduction="sum"), n)
    parts = (done.part(x) for x in (classification, l1, giou))
    return SetLoss(done(cls_weight * classification + l1_weight * l1 + giou_weight * giou), *parts)


def _counted(xp: Namespace, kept: Array | None, labels: Array) -> Array:
    """Which labels count, in an array of their shape."""
    return xp.ones_like(labels, dtype=xp.bool) if kept is None else xp.broadcast_to(kept, labels.shape)


def _count(xp: Namespace, chosen: Array, like: Array) -> Array:
    """How many are chosen."""
    return xp.sum(xp.astype(chosen, like.dtype))


def _rank(xp: Namespace, x: Array, among: Array) -> Array:
    """The place of each entry of the last axis in a descending order of those `among` them, the first
    of equals being before the others."""
    if 0 in x.shape:  # which Dask does not sort
        return xp.zeros_like(x)
    order = xp.argsort(xp.where(among, -stop_gradient(xp, x), math.inf), axis=-1, stable=True)
    return xp.astype(xp.argsort(order, axis=-1, stable=True), x.dtype)
