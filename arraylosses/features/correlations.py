"""Which features go together."""

from __future__ import annotations

from typing import Any, TypeVar

from .._core import errors
from .._core.companions import in_working_dtype
from .._core.errors import refuse
from .._core.namespaces import matmul

A = TypeVar("A")
Array = Any


def gram_matrix(features: A, /, *, axes: tuple[int, int] = (-2, -1)) -> A:
    r"""Gram matrix: how much every two channels of a feature map have in common.

    .. math:: G = \frac{F F^\top}{C H W}

    with the channels as the rows of :math:`F`, and the pixels as its columns.

    Parameters
    ----------
    features : array of real floating dtype, shape (..., C, H, W)
        The feature maps :math:`F`.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last maps
        take (-3, -2).

    Returns
    -------
    array of shape (..., C, C)
        The square of the unit of the features. Of half precision it is in float32.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array with an element along its three last axes.

    See Also
    --------
    arraylosses.style_loss : The distance between two such matrices.

    References
    ----------
    Gatys, Ecker, Bethge, *Image style transfer using convolutional neural networks*, CVPR 2016,
    arXiv:1508.06576; Johnson, Alahi, Fei-Fei, ECCV 2016, arXiv:1603.08155, for the denominator.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.gram_matrix(np.asarray([[[1.0, 2.0]], [[3.0, 4.0]]]))
    array([[1.25, 2.75],
           [2.75, 6.25]])
    """
    xp, x = in_working_dtype("gram_matrix", "features", features)
    if x.ndim < 3:
        raise refuse("gram_matrix", "features", errors.shape("(..., c, h, w)"), tuple(x.shape))
    distinct = isinstance(axes, tuple) and [type(i) for i in axes] == [int, int]
    if not distinct or not all(-x.ndim <= i < x.ndim for i in axes) or (axes[0] - axes[1]) % x.ndim == 0:
        raise refuse("gram_matrix", "axes", errors.axis_of("features", x.ndim), axes)
    x = xp.moveaxis(x, axes, (-2, -1))
    *lead, c, h, w = x.shape
    for dim, size in zip("chw", (c, h, w), strict=True):
        if size == 0:
            raise refuse("gram_matrix", "features", errors.NOT_EMPTY.format(dim=dim), tuple(x.shape))
    rows: Any = xp.reshape(x, (*lead, c, h * w))
    return matmul(xp, rows, xp.matrix_transpose(rows)) / (c * h * w)
