"""Segmentation: losses of the overlap of masks."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import PROBABILITY
from ._core.numeric import fraction, log_fraction, power
from ._core.parameters import FLAG, NONNEGATIVE, POSITIVE, choice
from ._core.regions import FRAME, agreement, apart_and_shared, enter_regions
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["dice_loss", "jaccard_loss", "tversky_loss", "focal_tversky_loss"]

LEAST_SCORE = 1e-7  # what the logarithm of a score takes for 0


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    squared=FLAG,
    intersection=choice("product", "min"),
    log=FLAG,
    average=choice("macro", "micro"),
    **FRAME,
)
def dice_loss(
    probs: A,
    target: Array,
    /,
    *,
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
    squared: bool = False,
    intersection: str = "product",
    log: bool = False,
    average: str = "macro",
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
    r"""Dice loss: soft Sørensen–Dice overlap of a predicted region with the true one.

    .. math::

        \ell = 1 - \frac{2 I + \epsilon_n}{P + T + \epsilon_d}
        \qquad I = \sum_s p_s t_s, \quad P = \sum_s p_s, \quad T = \sum_s t_s

    with the sums over the pixels of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft. Integer labels are to be
        made one-hot.
    smooth_nr, smooth_dr : float, default 0.0
        What is added to the numerator, :math:`\epsilon_n`, and the denominator,
        :math:`\epsilon_d`. Both 1 give an empty target a gradient.
    squared : bool, default False
        Whether :math:`P` and :math:`T` are sums of squares.
    intersection : {"product", "min"}, default "product"
        :math:`I` as above, or :math:`\sum_s \min(p_s, t_s)`. They are equal for a target of 0 and
        1. For a soft target only "min" is least at :math:`p = t`.
    log : bool, default False
        Return :math:`-\ln \max(1-\ell, 10^{-7})` instead.
    average : {"macro", "micro"}, default "macro"
        "micro" sums over the classes too, before the ratio is formed.
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
        Between 0 and 1. The items are (c,) with `batch`, (n,) with ``average="micro"`` and () with
        both. Classes that are left out stay in their place as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for options that exclude each other: `squared` with ``intersection="min"``,
        `class_weight` or `class_mask` with ``average="micro"``, ``include_background=False`` with
        one class.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. Where target
    and prediction are both empty the loss is 0. Where only the target is empty it is 1, with
    gradient 0, unless there is smoothing.

    `batch` makes a mean depend on how the data are batched. Not convex. With a target of 0 and 1 the
    gradient of the plain form has the same sign everywhere for a pixel, so that the loss has its
    minima at probabilities of 0 and 1; the squared form has gradient 0 at :math:`p = t`.
    Other libraries add 1e-5 to numerator and denominator, or 1, or sum over the batch, or leave
    out classes that are absent from the target (`class_mask`).

    References
    ----------
    Milletari, Navab, Ahmadi, *V-Net: fully convolutional neural networks for volumetric medical image
    segmentation*, 3DV 2016, arXiv:1606.04797, squared; Drozdzal et al., *The Importance of Skip
    Connections in Biomedical Image Segmentation*, 2016, arXiv:1608.04117; Wang et al., *Dice Semimetric
    Losses: Optimizing the Dice Score with Soft Labels*, MICCAI 2023, arXiv:2303.16296, for "min".

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs = np.asarray([[[0.9, 0.6, 0.2, 0.1], [0.0, 0.0, 0.0, 0.0]]])
    >>> target = np.asarray([[[1, 1, 0, 0], [0, 0, 0, 0]]])
    >>> [round(float(x), 6) for x in al.dice_loss(probs, target, reduction="none")[0, :]]
    [0.210526, 0.0]
    """
    xp, p, t, smooth_nr, smooth_dr, squared, intersection, log, _, done = enter_regions(
        dice_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        squared=squared,
        intersection=intersection,
        log=log,
        average=average,
    )
    apart, shared = apart_and_shared(xp, "dice_loss", p, t, smooth_nr, smooth_dr, squared, intersection)
    return done(_minus_log_score(xp, apart, shared) if log else fraction(xp, apart, shared))


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    intersection=choice("product", "min"),
    **FRAME,
)
def jaccard_loss(
    probs: A,
    target: Array,
    /,
    *,
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
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
    r"""Jaccard loss: soft intersection over union of a predicted region with the true one.

    .. math::

        \ell = 1 - \frac{I + \epsilon_n}{P + T - I + \epsilon_d}
        \qquad I = \sum_s p_s t_s, \quad P = \sum_s p_s, \quad T = \sum_s t_s

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
        Between 0 and 1. The items are (c,) with `batch`. Classes that are left out stay in their
        place as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for ``include_background=False`` with one class.

    See Also
    --------
    lovasz_hinge_loss : The convex surrogate, of logits.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. Where target
    and prediction are both empty the loss is 0. Where only the target is empty it is 1, with
    gradient 0, unless there is smoothing.

    Without smoothing it is :math:`2 d / (1 + d)` of the :func:`dice_loss` :math:`d`, and the
    :func:`tversky_loss` with both weights 1. Not convex. Other libraries add the smoothing to twice
    the intersection, of which half is added here, or count an absent class as 0 (`class_mask`).

    References
    ----------
    Rahman, Wang, *Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation*,
    ISVC 2016; Wang et al., *Jaccard Metric Losses: Optimizing the Jaccard Index with Soft Labels*,
    NeurIPS 2023, arXiv:2302.05666, for "min".

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.jaccard_loss(probs, target)), 6)
    0.347826
    """
    xp, p, t, smooth_nr, smooth_dr, intersection, done = enter_regions(
        jaccard_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        intersection=intersection,
    )
    shared, over, under = agreement(xp, p, t, intersection)
    return done(fraction(xp, over + under + (smooth_dr - smooth_nr), shared + smooth_nr))


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    alpha=NONNEGATIVE,
    beta=NONNEGATIVE,
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    **FRAME,
)
def tversky_loss(
    probs: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 0.5,
    beta: float | Array = 0.5,
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
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
    r"""Tversky loss: overlap of regions, with a weight each for false positives and false negatives.

    .. math::

        \ell = 1 - \frac{I + \epsilon_n}{I + \alpha F_p + \beta F_n + \epsilon_d}
        \qquad I = \sum_s p_s t_s, \quad F_p = \sum_s p_s (1 - t_s), \quad F_n = \sum_s (1 - p_s) t_s

    with the sums over the pixels of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    alpha : float, default 0.5
        The weight :math:`\alpha \ge 0` of false positives.
    beta : float, default 0.5
        The weight :math:`\beta \ge 0` of false negatives. The paper has its best results with 0.3
        and 0.7.
    smooth_nr, smooth_dr : float, default 0.0
        What is added to the numerator, :math:`\epsilon_n`, and the denominator,
        :math:`\epsilon_d`.
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

    See Also
    --------
    focal_tversky_loss : A power of it.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. Where target
    and prediction are both empty the loss is 0. Where only the target is empty it is 1, with
    gradient 0, unless there is smoothing.

    With weights of 1/2 it is the :func:`dice_loss`, whose smoothing is twice that of here; with
    weights of 1 the :func:`jaccard_loss`. Not convex. In Keras `alpha` is the weight of false
    negatives.

    References
    ----------
    Salehi, Erdogmus, Gholipour, *Tversky loss function for image segmentation using 3D fully
    convolutional deep networks*, MLMI 2017, arXiv:1706.05721.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.tversky_loss(probs, target, alpha=0.3, beta=0.7)), 6)
    0.226804
    """
    xp, p, t, alpha, beta, smooth_nr, smooth_dr, done = enter_regions(
        tversky_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        alpha=alpha,
        beta=beta,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
    )
    shared, over, under = agreement(xp, p, t)
    apart = alpha * over + beta * under
    return done(fraction(xp, apart + (smooth_dr - smooth_nr), shared + smooth_nr))


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    alpha=NONNEGATIVE,
    beta=NONNEGATIVE,
    smooth_nr=NONNEGATIVE,
    smooth_dr=NONNEGATIVE,
    gamma=POSITIVE,
    **FRAME,
)
def focal_tversky_loss(
    probs: A,
    target: Array,
    /,
    *,
    alpha: float | Array = 0.3,
    beta: float | Array = 0.7,
    smooth_nr: float | Array = 0.0,
    smooth_dr: float | Array = 0.0,
    gamma: float | Array = 0.75,
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
    r"""Focal Tversky loss: a power of the Tversky loss, for regions that are small and hard to find.

    .. math::

        \ell = \left(1 - \frac{I + \epsilon_n}{I + \alpha F_p + \beta F_n + \epsilon_d}\right)^\gamma
        \qquad I = \sum_s p_s t_s, \quad F_p = \sum_s p_s (1 - t_s), \quad F_n = \sum_s (1 - p_s) t_s

    with the sums over the pixels of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`, or none.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]: one-hot, several labels, or soft.
    alpha : float, default 0.3
        The weight :math:`\alpha \ge 0` of false positives.
    beta : float, default 0.7
        The weight :math:`\beta \ge 0` of false negatives.
    smooth_nr, smooth_dr : float, default 0.0
        What is added to the numerator, :math:`\epsilon_n`, and the denominator,
        :math:`\epsilon_d`.
    gamma : float, default 0.75
        The exponent :math:`\gamma > 0`. Below 1 it makes regions that are nearly right weigh more,
        above 1 those that are wrong.
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

    See Also
    --------
    tversky_loss : Without the power.

    Notes
    -----
    Masked pixels leave every sum, and an item without any pixel left does not count. Where target
    and prediction are both empty the loss is 0. Where only the target is empty it is 1, with
    gradient 0, unless there is smoothing.
    NaN where smoothing makes the score greater than 1.

    At a loss of 0 the gradient is 0; with :math:`\gamma < 1` it grows without bound next to it. Not
    convex. The paper calls :math:`1/\gamma` what is :math:`\gamma` here, 4/3 there, and weighs
    false negatives with its :math:`\alpha`. Other libraries take the power after the mean over the
    classes.

    References
    ----------
    Abraham, Khan, *A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
    Segmentation*, ISBI 2019, arXiv:1810.07842.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> round(float(al.focal_tversky_loss(probs, target)), 6)
    0.328653
    """
    xp, p, t, alpha, beta, smooth_nr, smooth_dr, gamma, done = enter_regions(
        focal_tversky_loss,
        (probs, target),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        alpha=alpha,
        beta=beta,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        gamma=gamma,
    )
    shared, over, under = agreement(xp, p, t)
    apart = alpha * over + beta * under
    return done(power(xp, fraction(xp, apart + (smooth_dr - smooth_nr), shared + smooth_nr), gamma))


def _minus_log_score(xp: Namespace, apart: Array, shared: Array) -> Array:
    """-log of shared / (apart + shared), which counts as 1 if it is 0/0, and as 1e-7 at least."""
    least = fraction(xp, shared, apart) <= LEAST_SCORE
    log_score = log_fraction(xp, xp.where(least, 0.0, shared), apart)
    return xp.where(least & (apart != 0), -math.log(LEAST_SCORE), -log_score)
