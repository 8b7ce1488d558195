"""Set prediction: losses of detections that are assigned to targets one to one."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import BOXES, IDENTITIES, REAL, UNCHECKED
from ._core.entry import enter
from ._core.numeric import classes, divide
from ._core.parameters import NONNEGATIVE, optional
from ._core.reductions import number_of
from ._core.registry import loss
from ._core.results import SetLoss
from .boxes import giou_loss
from .multiclass import cross_entropy
from .regression import absolute_error

A = TypeVar("A")
Array = Any

__all__ = ["box_l1_giou_loss", "detr_set_loss"]


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
    counted = done.kept(assignment)
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
    n = number_of(xp, matched, z) if num_boxes is None else xp.zeros_like(classification) + num_boxes
    l1 = divide(xp, absolute_error(b, t, where=matched[..., None], reduction="sum"), n)
    giou = divide(xp, giou_loss(b, t, fmt="cxcywh", where=matched, reduction="sum"), n)
    parts = (done.part(x) for x in (classification, l1, giou))
    return SetLoss(done(cls_weight * classification + l1_weight * l1 + giou_weight * giou), *parts)
