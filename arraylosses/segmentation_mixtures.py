"""Segmentation: overlap of masks mixed with cross-entropy."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import PROBABILITY
from ._core.log_loss import cross_entropy, focal_entropy
from ._core.numeric import columns, divide, fraction, power
from ._core.parameters import CLASS_AXIS, FLAG, FRACTION, NONNEGATIVE, AxisRule, choice
from ._core.regions import (
    agreement,
    enter_images,
    over_classes,
)
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["combo_loss", "unified_focal_loss"]


@loss(
    "(n, c, *s), (n, c, *s) -> (n)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    alpha=FRACTION,
    beta=FRACTION,
    smooth=NONNEGATIVE,
    offset=FLAG,
    class_reduction=choice("sum", "mean"),
    class_axis=CLASS_AXIS,
)
def combo_loss(
    probs: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 0.5,
    beta: float | Array = 0.5,
    smooth: float | Array = 1.0,
    offset: bool = False,
    class_reduction: str = "sum",
    class_axis: int = 1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Combo loss: weighted binary cross-entropy of the pixels, less the overlap of the regions.

    .. math::

        \ell = -\alpha\, \operatorname*{mean}_{c,s} \bigl(
        \beta\, t \ln p + (1 - \beta) (1 - t) \ln (1 - p) \bigr)
        - (1 - \alpha) \sum_c \frac{2 I_c + S}{P_c + T_c + S}

    with :math:`I_c = \sum_s p_{cs} t_{cs}`, :math:`P_c = \sum_s p_{cs}` and
    :math:`T_c = \sum_s t_{cs}` over the pixels :math:`s` of one image.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    alpha : float, default 0.5
        The weight :math:`\alpha`, from 0 to 1, of the cross-entropy; :math:`1 - \alpha` is that of
        the overlap.
    beta : float, default 0.5
        The weight :math:`\beta`, from 0 to 1, of the pixels of the target: above 1/2 it makes false
        negatives dearer than false positives.
    smooth : float, default 1.0
        The smoothing :math:`S` of the overlap.
    offset : bool, default False
        Whether to add what makes the overlap a :func:`dice_loss`, which is at least 0:
        :math:`1 - \alpha` for every class, or once if the classes are averaged.
    class_reduction : {"sum", "mean"}, default "sum"
        How the overlaps of the classes become one.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the classes: -1 for channels last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one image;
        `where` masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n,)
        At least :math:`-(1 - \alpha)` times the number of classes, or 0 with `offset`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of
        their range.

    Notes
    -----
    Masked pixels leave the mean and every sum; so does a class, and an image does not count, without
    any pixel left. A class that is empty in both, without smoothing, has the overlap 1.

    A term whose factor is 0 is no term; a probability of 0 where the target is 1 costs infinity, with
    an infinite slope, unless :math:`\alpha` or :math:`\beta` is 0. Not convex, but for
    :math:`\alpha = 1`.

    References
    ----------
    Taghanaki et al., *Combo Loss: Handling Input and Output Imbalance in Multi-Organ Segmentation*,
    Computerized Medical Imaging and Graphics 75, 2019, arXiv:1805.02798.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.combo_loss(probs, target)), 6)
    -0.357624
    >>> round(float(al.combo_loss(probs, target, offset=True)), 6)
    0.142376
    """
    xp, p, t, pixels, alpha, beta, smooth, offset, class_reduction, done = enter_images(
        combo_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        class_axis,
        alpha=alpha,
        beta=beta,
        smooth=smooth,
        offset=offset,
        class_reduction=class_reduction,
    )
    # The weights are in the terms, because a term of weight 0 is none even if its logarithm is infinite.
    cross = cross_entropy(xp, alpha * beta * t, alpha * (1 - beta) * (1 - t), p)
    cross = divide(xp, xp.sum(xp.sum(cross, axis=-1), axis=-1), xp.sum(pixels, axis=-1))
    shared, over, under = agreement(xp, p, t)
    shared, apart = 2 * shared + smooth, over + under
    overlap = -fraction(xp, apart, shared) if offset else fraction(xp, shared, apart, otherwise=1.0)
    return done(cross - (1 - alpha) * over_classes(xp, overlap, pixels, class_reduction))


@loss(
    "(n, 2, *s), (n, 2, *s) -> (n)",
    mask="(n, 2, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    focal_weight=FRACTION,
    delta=FRACTION,
    gamma=FRACTION,
    asymmetric=FLAG,
    class_axis=AxisRule(("2",)),
)
def unified_focal_loss(
    probs: A,
    target: Array,
    /,
    *,
    focal_weight: float | Array = 0.5,
    delta: float | Array = 0.6,
    gamma: float | Array = 0.5,
    asymmetric: bool = True,
    class_axis: int = 1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Unified focal loss: focal cross-entropy and focal Tversky loss of a foreground, tuned together.

    .. math::

        \ell = \lambda\, \operatorname*{mean}_s \bigl(
        -(1 - \delta)\, t_0 (1 - p_0)^\gamma \ln p_0 - \delta\, t_1 \ln p_1 \bigr)
        + (1 - \lambda)\, \tfrac12 \bigl(m_0 + m_1^{1 - \gamma}\bigr)
        \qquad m_c = 1 - \frac{I_c}{I_c + \delta F_c + (1 - \delta) E_c}
        \qquad I_c = \sum_s p_{cs} t_{cs}, \quad F_c = \sum_s (1 - p_{cs})\, t_{cs}, \quad
        E_c = \sum_s p_{cs} (1 - t_{cs})

    with class 0 the background, class 1 the foreground, and the sums over the pixels of one image.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, 2, *s)
        The probability :math:`p` of background and foreground at each pixel, as of a softmax. The
        images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, 2, *s)
        The truth :math:`t` in [0, 1]: one-hot or soft.
    focal_weight : float, default 0.5
        The weight :math:`\lambda`, from 0 to 1, of the cross-entropy; :math:`1 - \lambda` is that of
        the overlap.
    delta : float, default 0.6
        The weight :math:`\delta`, from 0 to 1, of the foreground in the cross-entropy, and of false
        negatives in the overlap.
    gamma : float, default 0.5
        The focus :math:`\gamma`, from 0 to 1: how much less the cross-entropy weighs pixels that are
        right, and how much more the overlap weighs regions that are nearly right.
    asymmetric : bool, default True
        Whether only the cross-entropy of the background and the overlap of the foreground are focused.
        False focuses all four, with :math:`(1 - p_1)^\gamma` and :math:`m_0^{1 - \gamma}`.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the two classes: -1 for channels last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one image;
        `where` masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n,)
        At least 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, such as more or fewer than
        two classes, and for options out of their range.

    Notes
    -----
    Masked pixels leave both means and every sum; so does a class, and an image does not count, without
    any pixel left. A class that is empty in both has :math:`m = 0`, where the gradient is 0.

    A probability of 0 where the target is 1 costs infinity, with an infinite slope. With
    :math:`\gamma > 0` the slope in a region grows without bound as :math:`m` nears 0. Not convex.
    The cross-entropy is the sum of the two classes, as in the paper; some programs take their mean,
    which is half of it, or apply :math:`\lambda` to the overlap.

    References
    ----------
    Yeung, Sala, Schönlieb, Rundo, *Unified Focal loss: Generalising Dice and cross entropy-based losses
    to handle class imbalanced medical image segmentation*, Computerized Medical Imaging and Graphics
    95, 2022, arXiv:2102.04525.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> foreground, true = np.asarray([[0.9, 0.6, 0.2, 0.1]]), np.asarray([[1, 1, 0, 0]])
    >>> probs, target = (np.stack([1 - x, x], axis=1) for x in (foreground, true))
    >>> round(float(al.unified_focal_loss(probs, target)), 6)
    0.215469
    """
    xp, p, t, pixels, focal_weight, delta, gamma, asymmetric, done = enter_images(
        unified_focal_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        class_axis,
        focal_weight=focal_weight,
        delta=delta,
        gamma=gamma,
        asymmetric=asymmetric,
    )
    focus = (gamma, 0.0 if asymmetric else gamma)  # of the cross-entropies of both classes
    shares = (focal_weight * (1 - delta), focal_weight * delta)
    cross = sum(
        divide(xp, focal_entropy(xp, shares[c] * t[:, c, :], p[:, c, :], focus[c]), pixels[:, c])
        for c in (0, 1)
    )
    shared, over, under = agreement(xp, p, t)
    m = fraction(xp, delta * under + (1 - delta) * over, shared)
    if asymmetric:
        m_0, m_1 = columns(xp, m)
        m = xp.stack([m_0, power(xp, m_1, 1 - gamma)], axis=-1)
    else:
        m = power(xp, m, 1 - gamma)
    return done(cross + (1 - focal_weight) * over_classes(xp, m, pixels, "mean"))
