"""Segmentation: losses of the overlap of masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from ._core.domains import BINARY, PROBABILITY, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import columns, index_dtype, stop_gradient
from ._core.numeric import classes, cumulative_sum, divide, fraction, overlap, product, relu
from ._core.parameters import CLASS_AXIS, CLASS_WEIGHT, FLAG, NONNEGATIVE, ArrayRule, choice
from ._core.reductions import Exit
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["dice_loss", "lovasz_hinge_loss"]

# What all losses of regions take: which classes count, and over what their sums go.
FRAME: dict[str, Any] = {
    "class_axis": CLASS_AXIS,
    "include_background": FLAG,
    "batch": FLAG,
    "class_weight": CLASS_WEIGHT,
    "class_mask": ArrayRule(("(c)", "(n, c)"), boolean=True),
}
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
    Milletari, Navab, Ahmadi, *V-Net*, 3DV 2016, arXiv:1606.04797 (squared); Drozdzal et al., *The
    Importance of Skip Connections in Biomedical Image Segmentation*, 2016, arXiv:1608.04117; Wang
    et al., *Dice Semimetric Losses*, MICCAI 2023, arXiv:2303.16296 ("min").

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs = np.asarray([[[0.9, 0.6, 0.2, 0.1], [0.0, 0.0, 0.0, 0.0]]])
    >>> target = np.asarray([[[1, 1, 0, 0], [0, 0, 0, 0]]])
    >>> [round(float(x), 6) for x in al.dice_loss(probs, target, reduction="none")[0, :]]
    [0.210526, 0.0]
    """
    xp, p, t, smooth_nr, smooth_dr, squared, intersection, log, _, done = _enter(
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
    # The loss as the fraction of what is apart, P + T - 2I, in what is apart or shared: summed pixel
    # by pixel it does not cancel when the regions agree.
    if squared:
        if intersection != "product":
            raise refuse("dice_loss", "intersection", "be 'product' if squared is True", intersection)
        shared, apart = xp.sum(p * t, axis=-1), xp.sum((p - t) ** 2, axis=-1)
    else:
        shared, over, under = _agreement(xp, p, t, intersection)
        apart = over + under
    shared, apart = 2 * shared + smooth_nr, apart + (smooth_dr - smooth_nr)
    return done(_minus_log_score(xp, apart, shared) if log else fraction(xp, apart, shared))


@loss(
    "(n, *s), (n, *s) -> (n)",
    mask="(n, *s)",
    logits=REAL,
    target=BINARY,
    per_image=FLAG,
    activation=choice("relu", "elu+1"),
)
def lovasz_hinge_loss(
    logits: A,
    target: Array,
    /,
    *,
    per_image: bool = True,
    activation: str = "relu",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Lovász hinge loss: convex surrogate of one minus the Jaccard index of a binary mask.

    .. math::

        \ell = \sum_k \max(m_{(k)}, 0)\, \bigl(J_k - J_{k-1}\bigr)
        \qquad m = 1 - z\,(2t - 1), \quad
        J_k = 1 - \frac{G - a_k}{G + b_k}

    with the margins :math:`m` of the pixels of one image in descending order, :math:`a_k` and
    :math:`b_k` the positive and negative pixels among the first :math:`k`, :math:`G` all the
    positive ones and :math:`J_0 = 0`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (n, *s)
        The logits :math:`z`. The images may have any number of axes :math:`s`.
    target : array of bool or real dtype, shape (n, *s)
        The true mask :math:`t`: 0 or 1.
    per_image : bool, default True
        Whether each image is an item, or the batch as a whole one single item.
    activation : {"relu", "elu+1"}, default "relu"
        "elu+1" puts :math:`m + 1`, and :math:`e^m` below 0, in the place of :math:`\max(m, 0)`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. `where` masks pixels.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n,)
        The item has shape () with ``per_image=False``.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another
        `activation`.

    Notes
    -----
    Convex in the logits, piecewise linear. Where all margins are 0 or 2, it is twice the Jaccard
    loss of the mask :math:`z > 0`. An image without positive pixels costs its greatest
    :math:`\max(1 + z, 0)`. Masked pixels are as if deleted; an image with none left does not count.

    The order of equal margins does not matter to the value. For the gradient positive pixels come
    first, then those that stand first. The order and the weights :math:`J_k - J_{k-1}` are
    constants. A target that is not 0 or 1, or a logit that is NaN, makes its item NaN.

    References
    ----------
    Yu, Blaschko, *Learning Submodular Losses with the Lovász Hinge*, ICML 2015; Berman, Triki,
    Blaschko, *The Lovász-Softmax Loss*, CVPR 2018, arXiv:1705.08790.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.0, -0.5, 0.25, -1.0]])
    >>> float(al.lovasz_hinge_loss(logits, np.asarray([[1, 1, 0, 0]])))
    0.9583333333333333
    """
    xp, z, t, per_image, activation, done = enter(
        lovasz_hinge_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="(n)" if per_image else "()",
        per_image=per_image,
        activation=activation,
    )
    bad = xp.isnan(z) | ((t != 0) & (t != 1))
    counted = ~bad if done.where is None else ~bad & done.where
    z, positive, negative, bad = (
        _rows(xp, x, 1 if per_image else 0) for x in (z, counted & (t == 1), counted & (t == 0), bad)
    )
    done.poison(xp.any(bad, axis=-1))
    margins, from_negative = _merge(xp, z - 1, positive, -z - 1, negative)
    positives = xp.sum(xp.astype(positive, z.dtype), axis=-1, keepdims=True)
    step = _jaccard_steps(xp, positives, from_negative)
    cost = relu(xp, margins) if activation == "relu" else _elu_plus_1(xp, margins)
    return done(xp.sum(product(xp, step, cost), axis=-1))


# --- what the losses of regions share ------------------------------------------------------------


def _enter(
    function: Callable[..., Any],
    arrays: tuple[Array, ...],
    exits: tuple[Any, ...],
    frame: tuple[Any, ...],
    **own: Any,
) -> tuple[Any, ...]:
    """Begin a loss of regions: `(xp, *arrays, *own parameters, done)`.

    The arrays come back as rows of pixels, one row per item, with 0 in what does not count.
    """
    class_axis, include_background, batch, class_weight, class_mask = frame
    micro = own.get("average") == "micro"
    name = function.__name__
    for option, value in (("class_weight", class_weight), ("class_mask", class_mask)):
        if micro and value is not None:
            raise refuse(name, option, "be None if average is 'micro'", value)
    kept = (not batch, not micro)  # whether the items have the axes n and c
    xp, *found, include_background, batch, class_weight, class_mask, done = enter(
        function,
        arrays,
        *exits,
        items={(True, True): "(n, c)", (False, True): "(c)", (True, False): "(n)"}.get(kept, "()"),
        class_axis=class_axis,
        **own,
        include_background=include_background,
        batch=batch,
        class_weight=class_weight,
        class_mask=class_mask,
    )
    regions, parameters = found[: len(arrays)], found[len(arrays) :]
    first = regions[0]
    if not include_background and first.shape[1] == 1:
        raise refuse(name, "include_background", "be True if there is one class only", include_background)

    present = _present(xp, first, include_background, class_weight, class_mask)
    if present is not None:
        regions = [xp.where(present, x, 0.0) for x in regions]
        present = present if done.where is None else present & done.where
        present = xp.broadcast_to(present, first.shape[:2] + present.shape[2:])
        done.drop(xp.any(_region_rows(xp, present, *kept), axis=-1))
    rows = (_region_rows(xp, x, *kept) for x in regions)
    return xp, *rows, *parameters, done if class_weight is None else _weighing(xp, done, class_weight)


def _present(
    xp: Namespace, like: Array, include_background: bool, class_weight: Array | None, class_mask: Array | None
) -> Array | None:
    """Which classes count, as it broadcasts against `like`; None if all do."""
    answers = []
    if not include_background:
        answers.append(classes(xp, like, axis=1) != 0)
    if class_weight is not None:
        answers.append(class_weight != 0)
    if class_mask is not None:
        answers.append(class_mask)
    present = None
    for answer in answers:
        lead = answer.shape if answer.ndim == 2 else (1, *answer.shape)
        answer = xp.reshape(answer, (*lead, *(1,) * (like.ndim - 2)))
        present = answer if present is None else present & answer
    return present


def _weighing(xp: Namespace, done: Exit, class_weight: Array) -> Callable[[Array], Array]:
    """The exit for items whose last axis is the classes, weighed."""
    weight = xp.broadcast_to(class_weight, done.shape)
    return lambda items: done(weight * done.weigh(weight, items))


def _region_rows(xp: Namespace, x: Array, per_image: bool, per_class: bool) -> Array:
    """An array of the shape (n, c, *s) as rows of what is summed, one per item."""
    if per_class and not per_image:
        x = xp.permute_dims(x, (1, 0, *range(2, x.ndim)))
    return _rows(xp, x, per_image + per_class)


def _rows(xp: Namespace, x: Array, lead: int) -> Array:
    """The array with all axes after the `lead` first in one."""
    shape = tuple(x.shape)
    if 0 not in shape:
        # By way of a single axis, so that each row is in one piece: NumPy sums nothing else pairwise.
        x = xp.reshape(x, (math.prod(shape),))
    return xp.reshape(x, (*shape[:lead], math.prod(shape[lead:])))


def _agreement(xp: Namespace, p: Array, t: Array, intersection: str) -> tuple[Array, Array, Array]:
    """The sums of what is in both, in `p` only and in `t` only."""
    if intersection == "min":
        parts = xp.minimum(p, t), relu(xp, p - t), relu(xp, t - p)
        shared, over, under = (xp.sum(part, axis=-1) for part in parts)
    else:
        shared, over, under = columns(xp, overlap(xp, p, t))
    return shared, over, under


def _minus_log_score(xp: Namespace, apart: Array, shared: Array) -> Array:
    """-log of shared / (apart + shared), which counts as 1 if it is 0/0, and as 1e-7 at least."""
    unit = stop_gradient(xp, xp.maximum(apart, shared))
    unit = xp.where(unit > 0, unit, 1.0)
    apart, shared = apart / unit, shared / unit
    least = shared <= LEAST_SCORE * (apart + shared)
    ratio = xp.where(least, 0.0, apart / xp.where(least, 1.0, shared))
    return xp.where(least & (apart != 0), -math.log(LEAST_SCORE), xp.log1p(ratio))


def _merge(
    xp: Namespace, first: Array, among_first: Array, second: Array, among_second: Array
) -> tuple[Array, Array]:
    """The chosen entries of two arrays in one descending row of -x, and which are of the second.

    Among equals those of the first array come first, then those that stand first. Where nothing is
    left to fill the row there is -inf.
    """
    size = first.shape[-1]
    if size == 0:  # which Dask does not sort
        return first, among_second
    # A sort of both carries the derivative by itself, and the order tells where an entry is from:
    # nothing has to be gathered.
    both = xp.concat(
        [xp.where(among_first, first, math.inf), xp.where(among_second, second, math.inf)], axis=-1
    )
    order = xp.argsort(stop_gradient(xp, both), axis=-1, stable=True)[..., :size]
    return -xp.sort(both, axis=-1, stable=True)[..., :size], order >= size


def _jaccard_steps(xp: Namespace, positives: Array, is_negative: Array) -> Array:
    """How much the Jaccard loss grows with each pixel of a row that is got wrong, one by one."""
    # From 1 - (G - a)/(G + b), with a positives and b negatives before, it grows by 1/(G + b) at a
    # positive and by (G - a)/((G + b)(G + b + 1)) at a negative; by 1 from where it is 0/0.
    negative = xp.astype(is_negative, index_dtype(xp))
    b = cumulative_sum(xp, negative) - negative
    left = positives - xp.astype(classes(xp, b) - b, positives.dtype)
    union = positives + xp.astype(b, positives.dtype)
    return divide(xp, xp.where(is_negative, left / (union + 1), 1.0), union, otherwise=1.0)


def _elu_plus_1(xp: Namespace, x: Array) -> Array:
    """x + 1, and eˣ below 0."""
    above = x > 0
    return xp.where(above, x + 1, xp.exp(xp.where(above, 0.0, x)))
