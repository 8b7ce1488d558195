"""Segmentation: overlap of all classes at once, through a function, or mixed with other terms."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import PROBABILITY
from ._core.entry import enter
from ._core.log_loss import cross_entropy, focal_entropy
from ._core.namespaces import stop_gradient
from ._core.numeric import absolute, columns, divide, fraction, greatest, largest, power, quotient
from ._core.parameters import CLASS_AXIS, FLAG, FRACTION, NONNEGATIVE, AxisRule, choice
from ._core.regions import (
    FRAME,
    agreement,
    apart_and_shared,
    enter_images,
    enter_regions,
    over_classes,
    rows_of,
)
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = [
    "generalized_dice_loss",
    "log_cosh_dice_loss",
    "sensitivity_specificity_loss",
    "combo_loss",
    "unified_focal_loss",
]


@loss(
    "(n, c, *s), (n, c, *s) -> (n)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    weighting=choice("square", "simple", "uniform"),
    empty_weight=choice("max", "zero"),
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    class_axis=CLASS_AXIS,
)
def generalized_dice_loss(
    probs: A,
    target: Array,
    /,
    *,
    weighting: str = "square",
    empty_weight: str = "max",
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
    class_axis: int = 1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Generalized Dice loss: overlap of all classes at once, each weighed by how small it is.

    .. math::

        \ell = 1 - \frac{2 \sum_c w_c I_c + \epsilon_n}{\sum_c w_c (P_c + T_c) + \epsilon_d}
        \qquad w_c = \frac{1}{T_c^2}, \quad
        I_c = \sum_s p_{cs} t_{cs}, \quad P_c = \sum_s p_{cs}, \quad T_c = \sum_s t_{cs}

    with the sums :math:`s` over the pixels of one image.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    weighting : {"square", "simple", "uniform"}, default "square"
        The weight :math:`w_c` of a class: :math:`1/T_c^2`, :math:`1/T_c`, or 1 whether it is there
        or not. Weights are constants for the gradient.
    empty_weight : {"max", "zero"}, default "max"
        The weight of a class that is not there, :math:`T_c = 0`, unless the weights are uniform:
        the greatest one of the other classes of its image, or 0.
    smooth_nr, smooth_dr : float, default 0.0
        What is added to the numerator, :math:`\epsilon_n`, and the denominator,
        :math:`\epsilon_d`.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the classes: -1 for channels last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one image;
        `where` masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n,)
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options out of
        their range.

    See Also
    --------
    dice_loss : With ``average="micro"`` that of uniform weights, otherwise one loss per class.

    Notes
    -----
    Masked pixels leave every sum, and an image without any pixel left does not count. Where no class
    is there all weights are 0 and so is the loss, unless there is smoothing.

    Not convex. A weight of nearly infinity for a class that is not there, as some programs have it,
    makes the loss 1 whatever the other classes are. A mean of the Dice losses of the classes,
    weighed by :math:`w_c`, is another loss.

    References
    ----------
    Sudre, Li, Vercauteren, Ourselin, Cardoso, *Generalised Dice overlap as a deep learning loss
    function for highly unbalanced segmentations*, DLMIA 2017, arXiv:1707.03237.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> foreground = np.asarray([0.9, 0.6, 0.2, 0.1])
    >>> probs = np.stack([foreground, 1 - foreground])[None, ...]
    >>> target = np.asarray([[[1, 1, 1, 0], [0, 0, 0, 1]]])
    >>> round(float(al.generalized_dice_loss(probs, target)), 6)
    0.416667
    """
    xp, p, t, weighting, empty_weight, smooth_nr, smooth_dr, done = enter(
        generalized_dice_loss,
        (probs, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        weighting=weighting,
        empty_weight=empty_weight,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        class_axis=class_axis,
    )
    shared, over, under = agreement(xp, *(rows_of(xp, x, 2) for x in (p, t)))
    if weighting == "uniform":
        w, unit = xp.ones_like(shared), 1.0
    else:
        w, unit = _inverse_sizes(xp, stop_gradient(xp, shared + under), weighting, empty_weight)
    shared, apart = (xp.sum(w * x, axis=-1) for x in (2 * shared, over + under))
    return done(fraction(xp, apart + unit * (smooth_dr - smooth_nr), shared + unit * smooth_nr))


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    squared=FLAG,
    intersection=choice("product", "min"),
    **FRAME,
)
def log_cosh_dice_loss(
    probs: A,
    target: Array,
    /,
    *,
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
    squared: bool = False,
    intersection: str = "product",
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Log-cosh Dice loss: the Dice loss through a function that is flat at 0.

    .. math::

        \ell = \ln \cosh d
        \qquad d = 1 - \frac{2 I + \epsilon_n}{P + T + \epsilon_d}, \quad
        I = \sum_s p_s t_s, \quad P = \sum_s p_s, \quad T = \sum_s t_s

    with the sums over the pixels of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    smooth_nr, smooth_dr : float, default 0.0
        What is added to the numerator, :math:`\epsilon_n`, and the denominator,
        :math:`\epsilon_d`.
    squared : bool, default False
        Whether :math:`P` and :math:`T` are sums of squares.
    intersection : {"product", "min"}, default "product"
        :math:`I` as above, or :math:`\sum_s \min(p_s, t_s)`. They are equal for a target of 0 and
        1. For a soft target only "min" is least at :math:`p = t`.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the classes: -1 for channels last.
    include_background : bool, default True
        False leaves out class 0.
    batch : bool, default False
        Whether the sums go over the images too.
    class_weight : array of real dtype, shape (c,), optional
        Multiplies the items of a class, and their part in the denominator of a mean.
    class_mask : array of bool, shape (c,) or (n, c), optional
        False takes a class, or the class of one image, out.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one class of
        one image; `where` masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n, c)
        Between 0 and 0.4338, which is :math:`\ln \cosh 1`. The items are (c,) with `batch`. Classes
        that are left out stay in their place as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for options that exclude each other: `squared` with ``intersection="min"``,
        ``include_background=False`` with one class.

    See Also
    --------
    dice_loss : The loss :math:`d`.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. Where target
    and prediction are both empty the loss is 0. Where only the target is empty :math:`d` is 1, with
    gradient 0, unless there is smoothing.

    The gradient is that of :math:`d` times :math:`\tanh d`: regions that are nearly right weigh less.
    Not convex.

    References
    ----------
    Jadon, *A survey of loss functions for semantic segmentation*, 2020, arXiv:2006.14822.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.log_cosh_dice_loss(probs, target)), 6)
    0.021999
    """
    xp, p, t, smooth_nr, smooth_dr, squared, intersection, done = enter_regions(
        log_cosh_dice_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        squared=squared,
        intersection=intersection,
    )
    name, smooth = "log_cosh_dice_loss", (smooth_nr, smooth_dr)
    apart, shared = apart_and_shared(xp, name, p, t, *smooth, squared, intersection)
    return done(_log_cosh(xp, fraction(xp, apart, shared)))


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    sensitivity_weight=FRACTION,
    **FRAME,
)
def sensitivity_specificity_loss(
    probs: A,
    target: Array,
    /,
    *,
    sensitivity_weight: float | Array = 0.05,
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Sensitivity-specificity loss: squared errors on foreground and background, each of its own mean.

    .. math::

        \ell = r\, \frac{\sum_s (t_s - p_s)^2\, t_s}{\sum_s t_s}
        + (1 - r)\, \frac{\sum_s (t_s - p_s)^2\, (1 - t_s)}{\sum_s (1 - t_s)}

    with the sums over the pixels of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    sensitivity_weight : float, default 0.05
        The weight :math:`r`, from 0 to 1, of the error on the foreground.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the classes: -1 for channels last.
    include_background : bool, default True
        False leaves out class 0.
    batch : bool, default False
        Whether the sums go over the images too.
    class_weight : array of real dtype, shape (c,), optional
        Multiplies the items of a class, and their part in the denominator of a mean.
    class_mask : array of bool, shape (c,) or (n, c), optional
        False takes a class, or the class of one image, out.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one class of
        one image; `where` masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n, c)
        Between 0 and 1. The items are (c,) with `batch`. Classes that are left out stay in their
        place as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for ``include_background=False`` with one class.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. A term without
    any foreground, or without any background, is 0.

    Convex in the probabilities, and least, with 0, at the target. The mean over the background makes a
    few false positives in a large image cheap, which is why :math:`r` is small.

    References
    ----------
    Brosch, Yoo, Tang, Li, Traboulsee, Tam, *Deep Convolutional Encoder Networks for Multiple Sclerosis
    Lesion Segmentation*, MICCAI 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.sensitivity_specificity_loss(probs, target)), 6)
    0.028
    """
    xp, p, t, inside, r, done = enter_regions(
        sensitivity_specificity_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        inside=True,
        sensitivity_weight=sensitivity_weight,
    )
    error, empty = (t - p) ** 2, inside - t
    on_region, off_region = (
        divide(xp, xp.sum(error * part, axis=-1), xp.sum(part, axis=-1)) for part in (t, empty)
    )
    return done(r * on_region + (1 - r) * off_region)


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


def _inverse_sizes(xp: Namespace, sizes: Array, weighting: str, empty_weight: str) -> tuple[Array, Array]:
    """The weights of the classes of each image over the greatest of them, and one over that."""
    inverse = quotient(xp, xp.ones_like(sizes), sizes)
    most = largest(xp, inverse)
    w, unit = inverse / most, 1 / xp.squeeze(most, axis=-1)
    if weighting == "square":
        w, unit = w * w, unit * unit
    if empty_weight == "max":
        w = xp.where(sizes == 0, greatest(xp, w, keepdims=True), w)
    return w, unit


def _log_cosh(xp: Namespace, x: Array) -> Array:
    """log(cosh(x)), with full relative accuracy around 0, where it is quadratic, and without overflow."""
    near = xp.abs(x) <= 1
    s = xp.sinh(xp.where(near, x, 0.0) / 2)
    far = absolute(xp, xp.where(near, 0.0, x))
    return xp.where(near, xp.log1p(2 * s * s), far - math.log(2) + xp.log1p(xp.exp(-2 * far)))
