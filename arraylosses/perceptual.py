"""Perceptual losses: images compared by the features that a network sees in them."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.numeric import absolute, gram_difference, square
from ._core.parameters import AxisRule, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any

__all__ = ["style_loss"]


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    target=REAL,
    metric=choice("l2", "l1", "frobenius"),
    axes=AxisRule(("h", "w")),
)
def style_loss(
    pred: A,
    target: Array,
    /,
    *,
    metric: str = "l2",
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Style loss: the distance between the Gram matrices of features, which is one of textures.

    .. math:: \ell = \operatorname{mean}\,(G_p - G_t)^2, \qquad G = \frac{F F^\top}{C H W}

    with the channels as the rows of :math:`F`, and the pixels as its columns.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        What one layer of a network makes of an image.
    target : array of real dtype, shape (..., C, H, W)
        The same of the image that has the style.
    metric : {"l2", "l1", "frobenius"}, default "l2"
        The mean of the squared differences over the C² elements, the mean of their sizes, or the sum
        of their squares.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last
        features take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        The fourth power of the unit of the features, for "l1" their square.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another `metric`.

    Notes
    -----
    Not convex, and smooth but for "l1", of which equal elements are a kink with gradient 0. Where the
    pixels stand does not matter: a permutation of them changes nothing.

    It is the loss of one layer; the layers are added, each with a weight. The paper by Johnson has
    "frobenius". That by Gatys divides only by 4 (C·H·W)², after it has squared matrices without a
    denominator: a quarter of "frobenius". The matrices themselves are of :func:`gram_matrix`.

    References
    ----------
    Gatys, Ecker, Bethge, *Image style transfer using convolutional neural networks*, CVPR 2016,
    arXiv:1508.06576; Johnson, Alahi, Fei-Fei, *Perceptual losses for real-time style transfer and
    super-resolution*, ECCV 2016, arXiv:1603.08155.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> features = np.asarray([[[1.0, 2.0]], [[3.0, 4.0]]])
    >>> float(al.style_loss(features, np.zeros((2, 1, 2))))
    13.9375
    """
    xp, p, t, metric, done = enter(
        style_loss, (pred, target), sample_weight, where, reduction, normalizer, metric=metric, axes=axes
    )
    *lead, c, h, w = p.shape
    rows = (xp.reshape(x, (*lead, c, h * w)) for x in (p, t))
    apart = gram_difference(xp, *rows) / (c * h * w)
    distance = absolute(xp, apart) if metric == "l1" else square(xp, apart)
    return done((xp.sum if metric == "frobenius" else xp.mean)(distance, axis=(-2, -1)))
