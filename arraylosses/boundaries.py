"""Boundaries: losses of masks by distances from their edges, and by their centerlines."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import NONNEGATIVE as NONNEGATIVE_ARRAY
from ._core.domains import PROBABILITY, REAL
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.numeric import divide, fraction, log1p, power, square
from ._core.parameters import CLASS_AXIS, COUNT, FLAG, NONNEGATIVE, POSITIVE
from ._core.regions import FRAME, enter_regions, rows_of
from ._core.registry import loss
from ._core.windows import soft_skeleton

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["boundary_loss", "hausdorff_dt_loss", "soft_cldice_loss"]


@loss("(n, c, *s), (n, c, *s) -> (n, c)", mask="(n, c, *s)", probs=PROBABILITY, distance=REAL, **FRAME)
def boundary_loss(
    probs: A,
    distance: Array,
    /,
    *,
    class_axis: int = 1,
    include_background: bool = False,
    batch: bool = False,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Boundary loss: how far from the true edge a predicted region reaches, or falls short.

    .. math:: \ell = \frac1{|S|} \sum_{s \in S} p_s\, \varphi_s

    over the pixels :math:`S` of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`.
    distance : array of real dtype, shape (n, c, *s)
        The signed distance :math:`\varphi` of each pixel from the edge of the true region, negative
        inside. It is a constant: nothing is differentiated in it.
    class_axis : int, default 1
        Which axis of `probs`, `distance` and `where` is the classes: -1 for channels last.
    include_background : bool, default False
        False leaves out class 0.
    batch : bool, default False
        Whether the mean goes over the images too.
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
        In the unit of the distance; of either sign. The items are (c,) with `batch`. Classes that
        are left out stay in their place as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for ``include_background=False``, the default, with one class.

    See Also
    --------
    hausdorff_dt_loss : Weighs squared errors by the distance from both edges.

    Notes
    -----
    Linear in the probabilities: the gradient is the map of distances itself. The least value, that
    of a probability of 1 inside and 0 outside, is negative. Masked pixels leave the mean, and an
    item without any pixel left does not count.

    The distances are the caller's, and finite. The usual map of a mask is, in pixels, the distance
    to the nearest inner pixel for an outer one, and 1 minus the distance to the nearest outer pixel
    for an inner one, both found by a Euclidean distance transform, such as that of SciPy. Where a
    class is absent, or everywhere, there is no edge, and the map is to be 0. The loss is made to be
    added to one of regions, such as the Dice loss, whose part is lessened as training goes on.

    References
    ----------
    Kervadec et al., *Boundary loss for highly unbalanced segmentation*, MIDL 2019, arXiv:1812.07032.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> distance = np.asarray([[[-1.0, 0.0, 1.0, 2.0]]])  # of the mask 1, 1, 0, 0
    >>> probs = np.asarray([[[1.0, 0.5, 0.25, 0.0]]])
    >>> float(al.boundary_loss(probs, distance, include_background=True))
    -0.1875
    """
    xp, p, phi, *inside, done = enter_regions(
        boundary_loss,
        (probs, distance),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        inside=where is not None or class_mask is not None,
    )
    return done(_row_mean(xp, p * stop_gradient(xp, phi), *inside))


@loss(
    "(n, c, *s), (n, c, *s), (n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    pred_distance=NONNEGATIVE_ARRAY,
    target_distance=NONNEGATIVE_ARRAY,
    alpha=POSITIVE,
    one_sided=FLAG,
    log=FLAG,
    **FRAME,
)
def hausdorff_dt_loss(
    probs: A,
    target: Array,
    pred_distance: Array,
    target_distance: Array,
    /,
    *,
    alpha: float | Array = 2.0,
    one_sided: bool = False,
    log: bool = False,
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
    r"""Hausdorff loss by distance transforms: squared errors weighed by how far from an edge they are.

    .. math:: \ell = \frac1{|S|} \sum_{s \in S} (p_s - t_s)^2\, \bigl(d_s^\alpha + e_s^\alpha\bigr)

    over the pixels :math:`S` of one image and one class.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images may have any number of axes :math:`s`.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]. Integer labels are to be made one-hot.
    pred_distance : array of real dtype, shape (n, c, *s)
        The distance :math:`d \ge 0` of each pixel from the edge of the predicted region. It is a
        constant: nothing is differentiated in it.
    target_distance : array of real dtype, shape (n, c, *s)
        The distance :math:`e \ge 0` from the edge of the true region, a constant too.
    alpha : float, default 2.0
        The power :math:`\alpha > 0` of the distances.
    one_sided : bool, default False
        Whether to leave out :math:`d^\alpha`: `pred_distance` may then hold anything.
    log : bool, default False
        Return :math:`\ln(1 + \ell)` instead.
    class_axis : int, default 1
        Which axis of the arrays and of `where` is the classes: -1 for channels last.
    include_background : bool, default True
        False leaves out class 0.
    batch : bool, default False
        Whether the mean goes over the images too.
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
        Not negative. The items are (c,) with `batch`. Classes that are left out stay in their place
        as 0.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their
        range, and for ``include_background=False`` with one class.

    See Also
    --------
    boundary_loss : The mean of the signed distance itself.

    Notes
    -----
    0 only where there is no error, or none at any distance. With :math:`\alpha = 2` an approximation
    of the square of the Hausdorff distance of two regions, which would look at the farthest error
    only. Convex in the probabilities while the distances stay. Masked pixels leave the mean, and an
    item without any pixel left does not count.

    The distances are the caller's, and of the prediction are to be found anew in every step. Both
    are usually, in pixels, those of the mask that is 1 above one half: of an inner pixel from the
    nearest outer one, of an outer pixel from the nearest inner one, each by a Euclidean distance
    transform, such as that of SciPy. For a mask that is empty or full the map is to be 0; where
    both maps are, the item has neither value nor gradient.

    References
    ----------
    Karimi, Salcudean, *Reducing the Hausdorff Distance in Medical Image Segmentation with
    Convolutional Neural Networks*, IEEE Transactions on Medical Imaging 39, 2020, arXiv:1904.10030.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs, target = np.asarray([[[1.0, 0.5, 0.5, 0.0]]]), np.asarray([[[1, 1, 0, 0]]])
    >>> distance = np.asarray([[[2.0, 1.0, 1.0, 2.0]]])
    >>> float(al.hausdorff_dt_loss(probs, target, distance, distance))
    0.25
    """
    xp, p, t, d, e, *inside, alpha, one_sided, log, done = enter_regions(
        hausdorff_dt_loss,
        (probs, target, pred_distance, target_distance),
        (sample_weight, where, reduction, normalizer),
        (class_axis, include_background, batch, class_weight, class_mask),
        alpha=alpha,
        one_sided=one_sided,
        log=log,
        inside=where is not None or class_mask is not None,
    )
    weight = power(xp, stop_gradient(xp, e), alpha)
    if not one_sided:
        weight = power(xp, stop_gradient(xp, d), alpha) + weight
    error = _row_mean(xp, square(xp, p - t) * weight, *inside)
    return done(log1p(xp, error) if log else error)


@loss(
    "(n, c, *s), (n, c, *s) -> (n, c)",
    mask="(n, c, *s)",
    probs=PROBABILITY,
    target=PROBABILITY,
    iterations=COUNT,
    smooth=NONNEGATIVE,
    class_axis=CLASS_AXIS,
)
def soft_cldice_loss(
    probs: A,
    target: Array,
    /,
    *,
    iterations: int = 3,
    smooth: float | Array = 1.0,
    class_axis: int = 1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Centerline Dice loss: Dice of what is thin, from the skeletons of the regions.

    .. math::

        \ell = 1 - \frac{2\, T_p T_t}{T_p + T_t} \qquad
        T_p = \frac{\sum_s S(p)_s\, t_s + \epsilon}{\sum_s S(p)_s + \epsilon}, \quad
        T_t = \frac{\sum_s S(t)_s\, p_s + \epsilon}{\sum_s S(t)_s + \epsilon}

    with the sums over the pixels of one image and one class, and the soft skeleton :math:`S`,

    .. math::

        S(x) = 1 - \prod_{k=0}^{K} (1 - \delta_k) \qquad
        \delta_k = \max(x_k - D(x_{k+1}), 0), \quad x_{k+1} = E(x_k), \quad x_0 = x

    where :math:`E(x)` is at each pixel the least of :math:`x` there and at the two neighbours along
    each axis, and :math:`D(x)` the greatest of all that touch it, also at a corner.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax or a
        sigmoid first. The images have one axis :math:`s`, two, or three.
    target : array of real dtype, shape (n, c, *s)
        The truth :math:`t` in [0, 1]. Integer labels are to be made one-hot.
    iterations : int, default 3
        How often the regions are eroded, :math:`K`: at least half the width, in pixels, of the
        widest that is to be thinned to its centerline.
    smooth : float, default 1.0
        What is added to numerators and denominators, :math:`\epsilon \ge 0`.
    class_axis : int, default 1
        Which axis of `probs`, `target` and `where` is the classes: -1 for channels last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is one class of
        one image: a `sample_weight` of shape (1, c) weighs classes, or leaves them out. `where`
        masks pixels, with the axes of `probs`, such as (n, 1, \*s).

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n, c)
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for `iterations` that are
        not a positive integer, and for a negative `smooth`.

    See Also
    --------
    dice_loss : The overlap of the regions themselves.

    Notes
    -----
    It counts how much of each centerline lies in the other region, so that a gap in a thin vessel
    weighs as much as one in a thick vessel. 0 for equal masks of 0 and 1; for a soft target
    :math:`p = t` is not the minimum. Often added to the Dice loss, each times one half.

    Past the border of the image there is nothing, and neither are there pixels that are masked: they
    are in no window and in no sum. An item without any pixel left does not count. Without smoothing
    an empty skeleton has a :math:`T` of 1; where both :math:`T` are 0 the loss is 1, with gradient 0.

    :math:`E` is the least of the minima along each axis, :math:`D` the maximum along one axis after
    the other; what is tied in one of these shares the derivative equally. Where :math:`\delta = 0` it
    has derivative 0.

    References
    ----------
    Shit et al., *clDice: A Novel Topology-Preserving Loss Function for Tubular Structure
    Segmentation*, CVPR 2021, arXiv:2003.07311.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> target = np.zeros((1, 1, 5, 6))
    >>> target[..., 1:4, :] = 1  # a bar
    >>> probs = target.copy()
    >>> probs[..., 2:4] = 0  # broken in two
    >>> round(float(al.soft_cldice_loss(probs, target)), 6)
    0.166667
    """
    xp, p, t, iterations, smooth, done = enter(
        soft_cldice_loss,
        (probs, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        iterations=iterations,
        smooth=smooth,
        class_axis=class_axis,
    )
    inside = None if done.where is None else xp.broadcast_to(done.where, p.shape)
    of_p, of_t = (soft_skeleton(xp, x, inside, iterations) for x in (p, t))
    # Of each skeleton what lies in the other region and what does not, of which both T and 1 - T
    # are fractions: 1 - 2TU/(T + U) is formed of those without cancelling where both are near 1.
    parts = of_p * t, of_p * (1 - t), of_t * p, of_t * (1 - p)
    hit_p, miss_p, hit_t, miss_t = (xp.sum(rows_of(xp, x, 2), axis=-1) for x in parts)
    hit_p, hit_t = hit_p + smooth, hit_t + smooth
    precision, imprecision = fraction(xp, hit_p, miss_p, otherwise=1.0), fraction(xp, miss_p, hit_p)
    recall, omission = fraction(xp, hit_t, miss_t, otherwise=1.0), fraction(xp, miss_t, hit_t)
    lacking = imprecision * recall + omission * precision
    return done(fraction(xp, lacking, 2 * precision * recall, otherwise=1.0))


def _row_mean(xp: Namespace, x: Array, inside: Array | None = None) -> Array:
    """The mean of each row over the pixels that are 1 in `inside`, or all; 0 where there are none."""
    total = xp.sum(x, axis=-1)
    if inside is None:
        return total / max(x.shape[-1], 1)
    return divide(xp, total, xp.sum(inside, axis=-1))
