"""Face recognition: softmax heads with a margin that is added to the angle."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.heads import (
    GRADIENT,
    OVERFLOW,
    add_angle,
    add_to_multiple,
    angle,
    angle_of_label,
    head,
    straight_through,
)
from ._core.numeric import greatest, unit
from ._core.parameters import ANGLE, COUNT, IGNORE_INDEX, NONNEGATIVE, POSITIVE, optional
from ._core.registry import loss
from ._core.selections import rows_named

A = TypeVar("A")
Array = Any

__all__ = ["arcface_loss", "combined_margin_loss", "sub_center_arcface_loss"]


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=ANGLE,
    overflow=OVERFLOW,
    gradient=GRADIENT,
    chunk_size=optional(COUNT),
)
def arcface_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    margin: float | Array = 0.5,
    overflow: str = "linear",
    gradient: str = "exact",
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""ArcFace loss: cross-entropy of cosines with an additive angular margin; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos(\theta_y + m)}}
        {e^{s \cos(\theta_y + m)} + \sum_{j \ne y} e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot w_j}{\lVert x \rVert\,\lVert w_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.5
        The margin :math:`0 \le m \le \pi`, in radians. 0 gives the plain cosine softmax.
    overflow : "linear", "none", "clip" or "easy", default "linear"
        What stands in the place of :math:`\cos(\theta_y + m)` where the angle passes :math:`\pi`.
        "linear": :math:`\cos\theta_y - m \sin m`, which keeps falling. "none": the cosine, which rises
        again. "clip": -1. "easy": the margin applies only where :math:`\cos\theta_y > 0`.
    gradient : "exact" or "straight_through", default "exact"
        "straight_through" takes the derivative of the margin cosine in :math:`\cos\theta_y` for 1.
    ignore_index : int, default -100
        Items with this label are left out. None ignores nothing.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    combined_margin_loss, cosface_loss, normface_loss : Other margins, and none.
    sub_center_arcface_loss : Several centres for a class.
    arraylosses.arcface_logits : For who has the cosines already.

    Notes
    -----
    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter.

    "linear" jumps down where :math:`\theta_y + m` passes :math:`\pi`, "easy" jumps up at a right angle;
    "linear" and "clip" are monotone in the angle. With one class the loss is 0. A label that is
    neither a class nor `ignore_index` makes its item NaN.

    Some implementations compute the margin outside the graph, which is "straight_through".

    References
    ----------
    Deng, Guo, Xue, Zafeiriou, *ArcFace: additive angular margin loss for deep face recognition*,
    CVPR 2019, arXiv:1801.07698.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.arcface_loss(embeddings, centres, labels, scale=8.0)), 6)
    2.631464
    """
    xp, x, w, labels, scale, margin, overflow, gradient, chunk_size, done = enter(
        arcface_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        overflow=overflow,
        gradient=gradient,
        chunk_size=chunk_size,
    )
    x = unit(xp, x)
    cos, sin = angle_of_label(xp, x, w, labels)
    target = add_angle(xp, cos, sin, margin, overflow)
    if gradient == "straight_through":
        target = straight_through(xp, target, cos)
    return done(head(xp, scale * x, w, labels, scale * target, chunk_size))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    m1=POSITIVE,
    m2=ANGLE,
    m3=NONNEGATIVE,
    overflow=OVERFLOW,
    chunk_size=optional(COUNT),
)
def combined_margin_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    m1: float | Array = 1.0,
    m2: float | Array = 0.3,
    m3: float | Array = 0.2,
    overflow: str = "linear",
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Combined margin loss: cross-entropy of cosines with three margins; face recognition.

    .. math::

        \ell = -\log \frac{e^{s (\cos(m_1 \theta_y + m_2) - m_3)}}
        {e^{s (\cos(m_1 \theta_y + m_2) - m_3)} + \sum_{j \ne y} e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot w_j}{\lVert x \rVert\,\lVert w_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    m1 : float, default 1.0
        The factor :math:`m_1 > 0` of the angle.
    m2 : float, default 0.3
        The margin :math:`0 \le m_2 \le \pi` that is added to the angle, in radians.
    m3 : float, default 0.2
        The margin :math:`m_3 \ge 0` that is subtracted from the cosine.
    overflow : "linear", "none", "clip" or "easy", default "linear"
        What stands in the place of :math:`\cos(\varphi + m_2)` where that angle passes :math:`\pi`, with
        :math:`\varphi = m_1 \theta_y`. "linear": :math:`\cos\min(\varphi, \pi) - m_2 \sin m_2`. "none": the
        cosine, which rises again. "clip": -1. "easy": :math:`m_2` applies only where :math:`\varphi` is
        below a right angle.
    ignore_index : int, default -100
        Items with this label are left out. None ignores nothing.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    arcface_loss : ``m1=1.0, m3=0.0``.
    cosface_loss : ``m1=1.0, m2=0.0``.
    a_softmax_loss : A factor of the angle, whose cosine keeps falling.

    Notes
    -----
    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter.

    The angle itself is taken only for a factor other than 1. "linear" jumps where :math:`\varphi + m_2`
    passes :math:`\pi`, "easy" where :math:`\varphi` passes a right angle. With one class the loss is 0.
    A label that is neither a class nor `ignore_index` makes its item NaN.

    References
    ----------
    Deng, Guo, Xue, Zafeiriou, *ArcFace: additive angular margin loss for deep face recognition*,
    CVPR 2019, arXiv:1801.07698.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.combined_margin_loss(embeddings, centres, labels, scale=8.0)), 6)
    2.657709
    """
    xp, x, w, labels, scale, m1, m2, m3, overflow, chunk_size, done = enter(
        combined_margin_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        m1=m1,
        m2=m2,
        m3=m3,
        overflow=overflow,
        chunk_size=chunk_size,
    )
    x = unit(xp, x)
    cos, sin = angle_of_label(xp, x, w, labels)
    z_y = scale * (add_to_multiple(xp, cos, sin, m1, m2, overflow) - m3)
    return done(head(xp, scale * x, w, labels, z_y, chunk_size))


@loss(
    "(..., d), (c, k, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=ANGLE,
    overflow=OVERFLOW,
    chunk_size=optional(COUNT),
)
def sub_center_arcface_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    margin: float | Array = 0.5,
    overflow: str = "linear",
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Sub-centre ArcFace loss: ArcFace with several centres for a class; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos(\theta_y + m)}}
        {e^{s \cos(\theta_y + m)} + \sum_{j \ne y} e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \max_k \frac{x \cdot w_{jk}}{\lVert x \rVert\,\lVert w_{jk} \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, K, D)
        K centres :math:`w_{jk}` for each class, of any length; the paper takes 3. A parameter of the
        model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.5
        The margin :math:`0 \le m \le \pi`, in radians.
    overflow : "linear", "none", "clip" or "easy", default "linear"
        What stands in the place of :math:`\cos(\theta_y + m)` where the angle passes :math:`\pi`: see
        :func:`arcface_loss`.
    ignore_index : int, default -100
        Items with this label are left out. None ignores nothing.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    arcface_loss : With one centre for a class.

    Notes
    -----
    Of a class only the centre counts that is the nearest to the embedding. Centres that are equally near
    share the gradient. Classes with noisy labels put the noise in centres of its own.

    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter.

    With one class the loss is 0. A label that is neither a class nor `ignore_index` makes its item NaN.

    References
    ----------
    Deng, Guo, Liu, Gong, Zafeiriou, *Sub-center ArcFace: boosting face recognition by large-scale noisy
    web faces*, ECCV 2020.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[[1.0, 0.0], [4.0, 3.0]], [[0.0, 1.0], [-1.0, 0.0]]])
    >>> round(float(al.sub_center_arcface_loss(embeddings, centres, labels, scale=8.0)), 6)
    0.614564
    """
    xp, x, w, labels, scale, margin, overflow, chunk_size, done = enter(
        sub_center_arcface_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        overflow=overflow,
        chunk_size=chunk_size,
    )
    x = unit(xp, x)
    cos, sin = angle(xp, x[..., None, :], unit(xp, rows_named(xp, w, labels)))
    nearest = xp.astype(~(cos < greatest(xp, cos, keepdims=True)), x.dtype)
    share = nearest / xp.sum(nearest, axis=-1, keepdims=True)
    target = xp.sum(share * add_angle(xp, cos, sin, margin, overflow), axis=-1)
    return done(head(xp, scale * x, w, labels, scale * target, chunk_size))
