"""Perceptual losses: images compared by the features that a network sees in them."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import REAL, nested
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.nested import over_arrays
from ._core.numeric import absolute, gram_difference, square, unit
from ._core.parameters import FLAG, NONNEGATIVE, AxisRule, choice
from ._core.registry import loss
from ._core.structures import is_structure

A = TypeVar("A")
Array = Any
Arrays = Any

__all__ = ["perceptual_loss", "style_loss"]


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=nested(REAL),
    target=nested(REAL),
    weight=NONNEGATIVE,
    metric=choice("l2", "l1"),
    normalize=FLAG,
    average_layers=FLAG,
    axes=AxisRule(("h", "w")),
)
def perceptual_loss(
    pred: Arrays,
    target: Arrays,
    /,
    *,
    weight: float = 1.0,
    metric: str = "l2",
    normalize: bool = False,
    average_layers: bool = False,
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Perceptual loss: how far images are from each other in what the layers of a network see.

    .. math:: \ell = \lambda \operatorname{mean}\,(p - t)^2

    over the channels and pixels of a layer; or, with `normalize`,

    .. math::

        \ell = \lambda \operatorname{mean}_{hw} \sum_c (\hat p - \hat t)^2, \qquad
        \hat x = \frac{x}{\sqrt{\sum_c x^2}}

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W), or a structure of such arrays
        The features :math:`p` of the images: what a layer of a network makes of them. Of several layers a
        list.
    target : array of real dtype, or a structure of the same form
        The features :math:`t` of the reference images, in the same shapes. They are held constant.
    weight : float, default 1.0
        The coefficient :math:`\lambda \ge 0`; or a structure with one for each layer.
    metric : {"l2", "l1"}, default "l2"
        Whether differences are squared, as in the formulas, or taken by their size.
    normalize : bool, default False
        Whether the channels of every pixel are made a vector of length 1, and their differences then
        summed, not averaged.
    average_layers : bool, default False
        Whether the sum over the arrays of a structure is divided by their number.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last
        features take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...), or a structure of such arrays
        The mean of every layer, added up. In the unit of the features, squared for "l2"; with `normalize`
        without a unit, from 0 to 4 for "l2".

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, for a structure
        without arrays, and for a parameter that is out of its range.

    Notes
    -----
    Convex in the features unless they are normalized. Features that agree are a kink of "l1", with gradient
    0. A pixel whose channels are all 0 has no direction: normalized it stays 0, with gradient 0.

    The network is the caller's. LPIPS is "l2" with `normalize` but for its learned factors: here all
    channels count alike. Its code adds a tiny number to the length. Some divide a layer by its size once
    more, some take the Euclidean norm of the difference.

    References
    ----------
    Johnson, Alahi, Fei-Fei, *Perceptual losses for real-time style transfer and super-resolution*, ECCV
    2016, arXiv:1603.08155; Zhang, Isola, Efros, Shechtman, Wang, *The unreasonable effectiveness of deep
    features as a perceptual metric*, CVPR 2018, arXiv:1801.03924.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred = [np.asarray([[[1.0, 3.0]]]), np.asarray([[[0.0]]])]
    >>> target = [np.asarray([[[2.0, 3.0]]]), np.asarray([[[2.0]]])]
    >>> float(al.perceptual_loss(pred, target, weight=[1.0, 0.5]))
    2.5
    """
    if is_structure(pred) or is_structure(target):
        return over_arrays(
            perceptual_loss,
            (pred, target),
            sample_weight,
            where,
            reduction,
            normalizer,
            average="average_layers",
            average_layers=average_layers,
            weight=weight,
            metric=metric,
            normalize=normalize,
            axes=axes,
        )
    xp, p, t, weight, metric, normalize, _, done = enter(
        perceptual_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        metric=metric,
        normalize=normalize,
        average_layers=average_layers,
        axes=axes,
    )
    t = stop_gradient(xp, t)
    if normalize:  # both at once, or a library might round what it differentiates in another way
        both = unit(xp, xp.stack([p, t]), axis=-3)
        p, t = both[0, ...], both[1, ...]
    apart = (absolute if metric == "l1" else square)(xp, p - t)
    over_channels = (xp.sum if normalize else xp.mean)(apart, axis=-3)
    return done(weight * xp.mean(over_channels, axis=(-2, -1)))


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
