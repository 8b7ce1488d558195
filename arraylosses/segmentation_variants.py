"""Segmentation: overlap of masks through a function, of classes by their size, or of what is and is not."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import PROBABILITY
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import divide, fraction, greatest, largest, quotient
from ._core.parameters import CLASS_AXIS, FLAG, FRACTION, NONNEGATIVE, choice
from ._core.regions import FRAME, agreement, apart_and_shared, enter_regions, rows_of
from ._core.registry import loss
from .regression import log_cosh_loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["generalized_dice_loss", "log_cosh_dice_loss", "sensitivity_specificity_loss"]


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
    return done(log_cosh_loss(fraction(xp, apart, shared), 0.0, reduction="none"))


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
