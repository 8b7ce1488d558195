"""Boxes: their formats, their areas, and how much they overlap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .._core import errors
from .._core.box_pairs import FORMAT, Pair, pair_of
from .._core.companions import in_working_dtype, require_beside, together
from .._core.entry import check_parameter
from .._core.errors import Words, refuse
from .._core.namespaces import columns, dtype_name, kind, namespace, stop_gradient
from .._core.numeric import divide, fraction, relu
from .._core.parameters import FRACTION, POSITIVE, choice
from .._core.reductions import mean_over

A = TypeVar("A")
Array = Any
Namespace = Any

MODE = choice("iou", "iof")


def box_convert(boxes: A, /, in_fmt: str, out_fmt: str) -> A:
    """Boxes in another format.

    Parameters
    ----------
    boxes : array of real floating dtype, shape (..., 4)
        The boxes.
    in_fmt, out_fmt : {"xyxy", "xywh", "cxcywh"}
        What the four numbers are, and what they shall be: two opposite corners; a corner and the
        sides; or the center and the sides.

    Returns
    -------
    array of shape (..., 4)
        In the unit of `boxes`. Of half precision it is in float32.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array of boxes, and for another format.

    Notes
    -----
    Sides are kept as they are, and negative ones too. The corners of a small box that is far from the
    origin do not hold the digits of its sides: convert from corners to sides, and back, as rarely as
    possible. The losses take every format.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.box_convert(np.asarray([1.0, 2.0, 4.0, 8.0]), "xyxy", "cxcywh")
    array([2.5, 5. , 3. , 6. ])
    """
    xp, x = _boxes("box_convert", "boxes", boxes)
    check_parameter("box_convert", "in_fmt", in_fmt, FORMAT)
    check_parameter("box_convert", "out_fmt", out_fmt, FORMAT)
    if in_fmt == out_fmt:
        return x
    u, v = x[..., :2], x[..., 2:]
    if in_fmt == "xyxy":
        near, far, center, sides = u, v, (u + v) / 2, v - u
    elif in_fmt == "xywh":
        near, far, center, sides = u, u + v, u + v / 2, v
    else:
        near, far, center, sides = u - v / 2, u + v / 2, u, v
    parts = {"xyxy": [near, far], "xywh": [near, sides], "cxcywh": [center, sides]}
    converted: A = xp.concat(parts[out_fmt], axis=-1)
    return converted


def box_area(boxes: A, /, *, fmt: str = "xyxy") -> A:
    """Area of boxes.

    Parameters
    ----------
    boxes : array of real floating dtype, shape (..., 4)
        The boxes.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.

    Returns
    -------
    array of shape (...)
        In the squared unit of `boxes`. Of half precision, which cannot hold the area of a large box in
        pixels, it is in float32.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array of boxes, and for another `fmt`.

    Notes
    -----
    Coordinates are continuous: no pixel is added to a side. A box of negative width or height is
    empty.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.box_area(np.asarray([0.0, 0.0, 2.0, 2.0])))
    4.0
    """
    xp, x = _boxes("box_area", "boxes", boxes)
    check_parameter("box_area", "fmt", fmt, FORMAT)
    sides = relu(xp, x[..., 2:] - x[..., :2] if fmt == "xyxy" else x[..., 2:])
    area: A = sides[..., 0] * sides[..., 1]
    return area


def box_iou(first: A, second: Array, /, *, fmt: str = "xyxy", mode: str = "iou") -> A:
    r"""How much boxes overlap: every one of `first` and the one of `second` at its place.

    .. math:: \frac{I}{U} \quad\text{or}\quad \frac{I}{F}

    where :math:`I` is the area that two boxes share, :math:`U` that of their union, and :math:`F` that
    of the first.

    Parameters
    ----------
    first, second : arrays of real floating dtype, shape (..., 4)
        The boxes.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    mode : {"iou", "iof"}, default "iou"
        Whether the area of the union is the denominator, or that of the first box.

    Returns
    -------
    array of shape (...)
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For what are no real floating arrays of boxes of one shape, library and device, and for
        another `fmt` or `mode`.

    See Also
    --------
    pairwise_box_iou : All boxes with all others.
    arraylosses.iou_loss : The loss.

    Notes
    -----
    There is no epsilon. Where the denominator is 0, so is the overlap, with no derivative. A box of
    negative width or height is empty, and one with a coordinate that is not finite gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> a, b = np.asarray([[0.0, 0.0, 2.0, 2.0]]), np.asarray([[1.0, 0.0, 3.0, 2.0]])
    >>> al.box_iou(a, b).round(6), al.box_iou(a, b, mode="iof")
    (array([0.333333]), array([0.5]))
    """
    xp, a, b = _two("box_iou", first, second)
    if a.shape != b.shape:
        raise refuse("box_iou", "second", errors.shape(str(tuple(a.shape))), tuple(b.shape))
    overlap: A = _overlap(xp, box_iou, a, b, fmt, mode)
    return overlap


def pairwise_box_iou(first: A, second: Array, /, *, fmt: str = "xyxy", mode: str = "iou") -> A:
    r"""How much boxes overlap: every one of `first` and every one of `second`.

    .. math:: \frac{I_{nm}}{U_{nm}} \quad\text{or}\quad \frac{I_{nm}}{F_n}

    where :math:`I_{nm}` is the area that two boxes share, :math:`U_{nm}` that of their union, and
    :math:`F_n` that of the first.

    Parameters
    ----------
    first : array of real floating dtype, shape (..., N, 4)
        The boxes.
    second : array of real floating dtype, shape (..., M, 4)
        The others, in the unit of `first`.
    fmt : {"xyxy", "xywh", "cxcywh"}, default "xyxy"
        What the four numbers are: two opposite corners; a corner and the sides; or the center and
        the sides.
    mode : {"iou", "iof"}, default "iou"
        Whether the area of the union is the denominator, or that of the first box.

    Returns
    -------
    array of shape (..., N, M)
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For what are no real floating arrays of boxes of one library and device that agree in all
        axes but the last but one, and for another `fmt` or `mode`.

    Notes
    -----
    As for :func:`box_iou`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> a = np.asarray([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> al.pairwise_box_iou(a, a)
    array([[1.  , 0.25],
           [0.25, 1.  ]])
    """
    name = "pairwise_box_iou"
    xp, a, b = _two(name, first, second)
    if a.ndim < 2:
        raise refuse(name, "first", errors.shape("(..., n, 4)"), tuple(a.shape))
    if b.ndim != a.ndim or a.shape[:-2] != b.shape[:-2]:
        lead = "".join(f"{size}, " for size in a.shape[:-2])
        raise refuse(name, "second", errors.shape(f"({lead}m, 4)"), tuple(b.shape))
    pairs = (*a.shape[:-1], *b.shape[-2:])
    a = xp.broadcast_to(a[..., :, None, :], pairs)
    b = xp.broadcast_to(b[..., None, :, :], pairs)
    overlap: A = _overlap(xp, pairwise_box_iou, a, b, fmt, mode)
    return overlap


def gaussian_from_rotated_box(boxes: A, /, *, scale: float = 4.0) -> tuple[A, A]:
    r"""Gaussians in the place of rotated boxes: their means and covariances.

    .. math::

        \mu = (x, y) \qquad \Sigma = R_\theta \begin{pmatrix} w^2 / s & 0 \\ 0 & h^2 / s \end{pmatrix}
        R_\theta^\top \qquad R_\theta = \begin{pmatrix} \cos\theta & -\sin\theta \\
        \sin\theta & \cos\theta \end{pmatrix}

    Parameters
    ----------
    boxes : array of real floating dtype, shape (..., 5)
        The boxes: x and y of the center, width, height, and the angle :math:`\theta` in radians by which
        the box is turned, from the x axis to the y axis.
    scale : float, default 4.0
        What :math:`s > 0` the squared sides are divided by. With 4 half a side is a standard
        deviation; with 12 the variance is that of the uniform distribution over the box.

    Returns
    -------
    mean : array of shape (..., 2)
        In the unit of `boxes`. Of half precision it is in float32.
    covariance : array of shape (..., 2, 2)
        In the squared unit of `boxes`.

    Raises
    ------
    TypeError, ValueError
        For what is no real floating array of rotated boxes, and for a `scale` that is not a positive
        number.

    See Also
    --------
    arraylosses.gwd_loss, arraylosses.kld_loss, arraylosses.kfiou_loss : Losses of such Gaussians, which
        are computed without the matrices.

    Notes
    -----
    A box of negative width or height has one of 0. The Gaussian of a square is that of a circle, at any
    angle.

    References
    ----------
    Yang et al., *Rethinking Rotated Object Detection with Gaussian Wasserstein Distance Loss*,
    ICML 2021, arXiv:2101.11952; and with ``scale=12`` Llerena et al., *Gaussian Bounding Boxes and
    Probabilistic Intersection-over-Union for Object Detection*, 2021, arXiv:2106.06072.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> mean, covariance = al.gaussian_from_rotated_box(np.asarray([1.0, 2.0, 4.0, 2.0, np.pi / 4]))
    >>> mean, covariance.round(6)
    (array([1., 2.]), array([[2.5, 1.5],
           [1.5, 2.5]]))
    """
    name = "gaussian_from_rotated_box"
    xp, x = _boxes(name, "boxes", boxes, 5)
    scale = check_parameter(name, "scale", scale, POSITIVE)
    if namespace(scale) is not None:
        raise refuse(name, "scale", POSITIVE.rule, scale)
    w, h, angle = columns(xp, x[..., 2:])
    w, h, cosine, sine = relu(xp, w), relu(xp, h), xp.cos(angle), xp.sin(angle)
    mixed = (w - h) * (w + h) * cosine * sine  # exactly 0 for a square
    of_x, of_y = (w * cosine) ** 2 + (h * sine) ** 2, (w * sine) ** 2 + (h * cosine) ** 2
    rows = [xp.stack(row, axis=-1) for row in ([of_x, mixed], [mixed, of_y])]
    return x[..., :2], xp.stack(rows, axis=-2) / scale


def wiou_update(
    mean: float | Array, iou_losses: A, /, *, momentum: float = 0.01, where: Array | None = None
) -> A:
    r"""The next running mean of the IoU losses that `wiou_loss` compares with.

    .. math:: \bar l \leftarrow (1 - m)\,\bar l + m\,\frac{1}{n} \sum_i l_i

    Parameters
    ----------
    mean : float or array of shape ()
        The running mean :math:`\bar l` so far. One begins with 1.
    iou_losses : array of real floating dtype, any shape
        The items :math:`l_i` of :func:`arraylosses.iou_loss`, as ``reduction="none"`` gives them. They
        are constants: no gradient flows through the mean.
    momentum : float, default 0.01
        How much the new ones count, :math:`0 \le m \le 1`.
    where : array of bool, of the shape of `iou_losses`, optional
        Which of them count.

    Returns
    -------
    array of shape ()
        As it was if there are no losses that count.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a `momentum` outside [0, 1].

    See Also
    --------
    arraylosses.wiou_loss : What it is for.

    Notes
    -----
    Update before the loss is computed, as the authors do, or after it: the loss takes what it is given.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.wiou_update(1.0, np.asarray([0.25, 0.75]), momentum=0.5)), 6)
    0.75
    """
    name = "wiou_update"
    mean, iou_losses, where = together(mean, iou_losses, where)
    xp, losses = in_working_dtype(name, "iou_losses", iou_losses)
    momentum = check_parameter(name, "momentum", momentum, FRACTION)
    if not isinstance(mean, (int, float)):
        require_beside(name, xp, "mean", mean, "iou_losses", iou_losses)
        if tuple(mean.shape) != ():
            raise refuse(name, "mean", errors.NUMBER_OR_0D, tuple(mean.shape))
        mean = xp.astype(mean, losses.dtype)
    kept = xp.ones_like(losses, dtype=xp.bool) if where is None else _mask(xp, name, where, losses)
    losses = xp.reshape(stop_gradient(xp, losses), (-1,))
    kept = xp.reshape(kept, (-1,))
    step = momentum * (mean_over(xp, losses, kept) - mean)
    updated: A = mean + xp.where(xp.any(kept), step, 0.0)
    return updated


def _mask(xp: Namespace, function: str, where: Any, like: Array) -> Array:
    require_beside(function, xp, "where", where, "iou_losses", like)
    if kind(xp, where.dtype) != "bool":
        raise refuse(function, "where", errors.BOOLEAN, Words(dtype_name(where.dtype)), TypeError)
    if where.shape != like.shape:
        raise refuse(function, "where", errors.shape(str(tuple(like.shape))), tuple(where.shape))
    return where


def _boxes(function: str, name: str, boxes: Any, size: int = 4) -> tuple[Namespace, Array]:
    xp, x = in_working_dtype(function, name, boxes)
    if x.ndim == 0 or x.shape[-1] != size:
        raise refuse(function, name, errors.shape(f"(..., {size})"), tuple(x.shape))
    return xp, x


def _two(function: str, first: Any, second: Any) -> tuple[Namespace, Array, Array]:
    """Two arrays of boxes in one dtype."""
    first, second = together(first, second)
    xp, a = _boxes(function, "first", first)
    require_beside(function, xp, "second", second, "first", first)
    _, b = _boxes(function, "second", second)
    dtype = xp.result_type(a.dtype, b.dtype)
    return xp, *(x if x.dtype == dtype else xp.astype(x, dtype) for x in (a, b))


def _overlap(xp: Namespace, function: Callable[..., Any], a: Array, b: Array, fmt: str, mode: str) -> Array:
    check_parameter(function.__name__, "fmt", fmt, FORMAT)
    check_parameter(function.__name__, "mode", mode, MODE)
    pair: Pair = pair_of(xp, function, a, b, fmt, ("first", "second"))
    if mode == "iou":
        return fraction(xp, pair.shared, pair.apart)
    x, y = pair.sides
    return divide(xp, pair.shared, x.pred * y.pred)
