"""Image gradients: losses of how neighbouring pixels differ."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import NONNEGATIVE as NONNEGATIVE_ARRAY
from ._core.domains import REAL
from ._core.entry import enter
from ._core.namespaces import device
from ._core.numeric import absolute, divide, keep, power, sqrt, square
from ._core.parameters import FLAG, NONNEGATIVE, AxisRule, Rule, choice
from ._core.registry import loss
from .regression import charbonnier_loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["total_variation_loss", "gradient_difference_loss", "edge_loss"]

SPATIAL_AXES = AxisRule(("h", "w"))
AT_LEAST_ONE = Rule("be at least 1", lambda v: v >= 1, (0.5, -1.0, float("nan")))
IMAGE = (-3, -2, -1)  # what one item is made of


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    pixel_weight=NONNEGATIVE_ARRAY,
    kind=choice("anisotropic", "isotropic"),
    normalize=FLAG,
    eps=NONNEGATIVE,
    axes=SPATIAL_AXES,
)
def total_variation_loss(
    pred: A,
    /,
    pixel_weight: Array | None = None,
    *,
    kind: str = "anisotropic",
    normalize: bool = False,
    eps: float = 0.0,
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Total variation of an image: a prior for pictures that are smooth but for their edges.

    .. math::

        \ell = \sum_{c,i,j} |\partial_y u| + |\partial_x u| \quad \text{(anisotropic)} \qquad
        \ell = \sum_{c,i,j} \sqrt{(\partial_y u)^2 + (\partial_x u)^2} \quad \text{(isotropic)}

    where :math:`\partial_y u = u_{i+1,j} - u_{ij}` and :math:`\partial_x u = u_{i,j+1} - u_{ij}`, which
    are none past the border.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`u`.
    pixel_weight : array of real dtype, shape (..., C, H, W), optional
        What multiplies the differences that start at each pixel, not negative. Where it is 0 they
        are left out, whatever the pixels hold.
    kind : {"anisotropic", "isotropic"}, default "anisotropic"
        Whether the two differences at a pixel are added by size, or as a vector.
    normalize : bool, default False
        Whether to average. The anisotropic differences of each direction are averaged over their
        own number, and the two means added; the isotropic ones are averaged over the pixels. With
        `pixel_weight` the averages are weighted.
    eps : float, default 0.0
        The width :math:`\varepsilon \ge 0` of a rounding, in the unit of the image:
        :math:`\varepsilon^2` is added to the square of what is then summed. It makes the loss smooth.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last images
        take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the image.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for another `kind`, and for
        a negative `eps`.

    Notes
    -----
    Convex, and 0 for a constant image unless there is an `eps`. A difference that is 0 is a kink, where
    its derivative is 0. Across a single row or column there are no differences: they add nothing, nor
    do they with `normalize`.

    The sum grows with the size of the image. Some libraries add up the batch too, others average.

    References
    ----------
    Rudin, Osher, Fatemi, *Nonlinear total variation based noise removal algorithms*, Physica D 60, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> image = np.asarray([[[0.0, 1.0], [2.0, 4.0]]])
    >>> float(al.total_variation_loss(image))
    8.0
    >>> round(float(al.total_variation_loss(image, kind="isotropic")), 6)
    7.236068
    """
    xp, u, w, kind, normalize, eps, done = enter(
        total_variation_loss,
        (pred, pixel_weight),
        sample_weight,
        where,
        reduction,
        normalizer,
        kind=kind,
        normalize=normalize,
        eps=eps,
        axes=axes,
    )
    dy, dx = _differences(u)
    if kind == "isotropic":
        dy = xp.concat([dy, xp.zeros_like(u[..., -1:, :])], axis=-2)
        dx = xp.concat([dx, xp.zeros_like(u[..., -1:])], axis=-1)
        square_y, square_x = (square(xp, _counted(xp, d, w)) for d in (dy, dx))
        return done(_over_image(xp, sqrt(xp, square_y + square_x + eps * eps), w, normalize))
    starts = (None, None) if w is None else (w[..., :-1, :], w[..., :-1])
    down, right = (
        _over_image(xp, _rounded(xp, _counted(xp, d, at), eps), at, normalize)
        for d, at in zip((dy, dx), starts, strict=True)
    )
    return done(down + right)


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    target=REAL,
    signed=FLAG,
    alpha=AT_LEAST_ONE,
    axes=SPATIAL_AXES,
)
def gradient_difference_loss(
    pred: A,
    target: Array,
    /,
    *,
    signed: bool = True,
    alpha: float = 1.0,
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gradient difference loss: pictures and video frames with sharp edges.

    .. math::

        \ell = \operatorname{mean}\,|\partial_y p - \partial_y t|^\alpha
             + \operatorname{mean}\,|\partial_x p - \partial_x t|^\alpha

    or, with ``signed=False``, of sizes alone:

    .. math::

        \ell = \operatorname{mean}\,\bigl||\partial_y p| - |\partial_y t|\bigr|^\alpha
             + \operatorname{mean}\,\bigl||\partial_x p| - |\partial_x t|\bigr|^\alpha

    where :math:`\partial` is the difference of neighbouring pixels, and the means are taken over all
    such pairs in all channels of an image.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`p`.
    target : array of real dtype, shape (..., C, H, W)
        The reference image :math:`t`.
    signed : bool, default True
        Whether a step up differs from a step down. The paper has False.
    alpha : float, default 1.0
        The power :math:`\alpha \ge 1`; the paper has 1 and 2.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last images
        take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the image, to the power `alpha`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an `alpha` below 1.

    Notes
    -----
    It does not see the brightness: a constant that is added to an image changes nothing, so that it is
    added to a loss of the pixels. Convex if it is signed. Differences that agree are a kink of
    ``alpha=1``, and so are flat pixels of the prediction if it is not signed: the derivative there is 0.
    Across a single row or column there are no differences, and they add nothing.

    References
    ----------
    Mathieu, Couprie, LeCun, *Deep multi-scale video prediction beyond mean square error*, ICLR 2016,
    arXiv:1511.05440, which sums instead of averaging.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> image = np.asarray([[[0.0, 1.0], [2.0, 4.0]]])
    >>> float(al.gradient_difference_loss(image, np.zeros((1, 2, 2))))
    4.0
    """
    xp, p, t, signed, alpha, done = enter(
        gradient_difference_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        signed=signed,
        alpha=alpha,
        axes=axes,
    )
    if signed:
        apart = _differences(p - t)
    else:
        apart = tuple(
            absolute(xp, of_p) - absolute(xp, of_t)
            for of_p, of_t in zip(_differences(p), _differences(t), strict=True)
        )
    means = [_over_image(xp, _to_the(xp, d, alpha), None, True) for d in apart]
    return done(means[0] + means[1])


@loss("(..., c, h, w), (..., c, h, w) -> (...)", pred=REAL, target=REAL, eps=NONNEGATIVE, axes=SPATIAL_AXES)
def edge_loss(
    pred: A,
    target: Array,
    /,
    *,
    eps: float = 1e-3,
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Edge loss: a Charbonnier loss of what is left of images without their smooth part.

    .. math::

        \ell = \operatorname{mean} \sqrt{(\Delta p - \Delta t)^2 + \varepsilon^2}, \qquad
        \Delta u = u - G \mathbin{*} \uparrow_2 \downarrow_2 (G \mathbin{*} u)

    with the mean over the channels and pixels of an image. The smooth part is the image filtered by
    :math:`G`, reduced to every other pixel of every other row, and filtered to its full size again: the
    lowest level of a Laplacian pyramid. Of :math:`G` each row and each column is (1, 5, 8, 5, 1) / 20,
    and past the border the image is as at it.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`p`.
    target : array of real dtype, shape (..., C, H, W)
        The reference image :math:`t`.
    eps : float, default 0.001
        The width :math:`\varepsilon \ge 0` of the rounding, in the unit of the image.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last images
        take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the image.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `eps`.

    Notes
    -----
    Convex, and smooth unless `eps` is 0: then a pixel in which the edges agree is a kink of its term, of
    which the derivative is 0. Of identical images it is `eps`. A constant that is added to both images
    changes nothing. One that is added to the first alone is not seen but within two pixels of the border,
    where the smooth part of a constant is not that constant; so it stands beside a loss of the pixels, in
    the paper with a weight of 0.05.

    The code of the paper takes the mean over the batch too. Other Laplacian pyramids have the window
    (1, 4, 6, 4, 1) / 16, reflect at the border, or go on to coarser levels.

    References
    ----------
    Zamir et al., *Multi-stage progressive image restoration*, CVPR 2021, arXiv:2102.02808; Burt,
    Adelson, *The Laplacian pyramid as a compact image code*, IEEE Trans. Commun. 31(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> flat, step = np.zeros((1, 1, 8, 8)), np.zeros((1, 1, 8, 8))
    >>> step[..., 4:] = 1.0
    >>> round(float(al.edge_loss(step, flat)), 6)
    0.221896
    >>> float(al.edge_loss(step, step))
    0.001
    """
    xp, p, t, eps, done = enter(
        edge_loss, (pred, target), sample_weight, where, reduction, normalizer, eps=eps, axes=axes
    )
    apart = p - t
    smooth = apart
    for axis in (-1, -2):
        smooth = _smoothed(xp, smooth, axis)
    detail = apart - smooth
    return done(xp.mean(charbonnier_loss(detail, 0.0, eps=eps, reduction="none"), axis=IMAGE))


# --- what the losses of image gradients share ----------------------------------------------------


def _differences(x: Array) -> tuple[Array, Array]:
    """By how much the next pixel is larger, down and to the right."""
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def _smoothed(xp: Namespace, x: Array, axis: int) -> Array:
    """`x` filtered, reduced to every other element, and filtered to its size again, along an axis."""
    even = xp.arange(x.shape[axis], device=device(xp, x)) % 2 == 0
    even = xp.reshape(even, (-1,) + (1,) * (-1 - axis))
    return _filtered(xp, xp.where(even, 2 * _filtered(xp, x, axis), 0.0), axis)


def _filtered(xp: Namespace, x: Array, axis: int) -> Array:
    """`x` under the window (1, 5, 8, 5, 1) / 20 along an axis, going on at its ends as it ends."""

    def cut(y: Array, start: int, stop: int) -> Array:
        return y[(..., slice(start, stop), *(slice(None),) * (-1 - axis))]

    n = x.shape[axis]
    first, last = cut(x, 0, 1), cut(x, n - 1, n)
    wide = xp.concat([first, first, x, last, last], axis=axis)
    a, b, c, d, e = (cut(wide, k, k + n) for k in range(5))
    return 0.05 * (a + e) + 0.25 * (b + d) + 0.4 * c


def _counted(xp: Namespace, d: Array, w: Array | None) -> Array:
    """Differences without those that are not finite and have no weight."""
    return d if w is None else keep(xp, d, (w != 0) | xp.isfinite(d))


def _rounded(xp: Namespace, d: Array, eps: Any) -> Array:
    """|d|, or √(d² + ε²)."""
    if isinstance(eps, float) and eps == 0:
        return absolute(xp, d)
    return sqrt(xp, square(xp, d) + eps * eps)


def _to_the(xp: Namespace, d: Array, alpha: Any) -> Array:
    """|d| to a power."""
    if isinstance(alpha, float) and alpha in (1, 2):
        return absolute(xp, d) if alpha == 1 else square(xp, d)
    return power(xp, absolute(xp, d), alpha)


def _over_image(xp: Namespace, x: Array, w: Array | None, average: bool) -> Array:
    """The weighted sum of an image, or its mean, which is 0 of nothing."""
    total = xp.sum(x if w is None else w * x, axis=IMAGE)
    if not average:
        return total
    if w is not None:
        return divide(xp, total, xp.sum(w, axis=IMAGE))
    return total / max(1, math.prod(x.shape[-3:]))
