"""Face recognition: softmax heads whose margin follows what has been seen."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.heads import OVERFLOW, add_angle, angle_of_label, bounded, head
from ._core.namespaces import stop_gradient
from ._core.numeric import clip, divide, keep, norm, sqrt, unit
from ._core.parameters import (
    ANGLE,
    COUNT,
    FRACTION,
    IGNORE_INDEX,
    NONNEGATIVE,
    POSITIVE,
    ArrayRule,
    optional,
)
from ._core.reductions import mean_over, number_of
from ._core.registry import loss
from ._core.states import LossAndState

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["curricular_face_loss", "mag_face_loss", "ada_face_loss"]

SHORTEST, LONGEST = 1e-3, 100.0  # the norms that AdaFace tells apart
START = (20.0, 100.0)  # the mean and the deviation of norms that it begins with


@loss(
    "(*n, d), (c, d), (*n) -> (*n)",
    parts=LossAndState._fields,
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    state=ArrayRule(("()",)),
    scale=POSITIVE,
    margin=ANGLE,
    momentum=FRACTION,
    chunk_size=optional(COUNT),
)
def curricular_face_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    state: Array | None = None,
    scale: float | Array = 64.0,
    margin: float | Array = 0.5,
    momentum: float | Array = 0.01,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> LossAndState[A]:
    r"""CurricularFace loss: ArcFace in which hard negatives count more and more; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos(\theta_y + m)}}
        {e^{s \cos(\theta_y + m)} + \sum_{j \ne y} e^{s N(\cos\theta_j)}}
        \qquad N(c) = \begin{cases} c\,(t + c) & c > \cos(\theta_y + m) \\ c & \text{else} \end{cases}

    with the cosines of :func:`arcface_loss`, and, before they are used, over the embeddings of the call

    .. math:: t \leftarrow (1 - \mu)\, t + \mu\, \overline{\cos\theta_y}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (*n, D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (*n)
        The class :math:`y` of each embedding, from 0 to C - 1.
    state : array of real dtype, shape (), optional
        How far training has come, :math:`t`: the state that the last call returned, or
        :func:`arraylosses.initial_state`. 0 if not given.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.5
        The margin :math:`0 \le m \le \pi`, in radians.
    momentum : float, default 0.01
        How much :math:`\mu`, from 0 to 1, the cosines of this call count in :math:`t`.
    ignore_index : int, default -100
        Items with this label are left out. None ignores nothing.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding; one
        that does not count has no part in the state either, and one that does has a whole part,
        whatever its weight.

    Returns
    -------
    loss : array of shape () or, with ``reduction="none"``, (*n)
        In nats.
    state : array of shape ()
        How far training has come, for the next call, in the dtype of the loss.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    arcface_loss : Without a curriculum, which it is where no negative is hard.

    Notes
    -----
    The mean cosine rises as training goes on. While it is low, hard negatives count less than in the
    plain softmax, later more. :math:`t` is a constant where the loss is differentiated. The loss of one
    embedding depends on all of the call, by :math:`t`; without any, :math:`t` stays what it was.

    Where :math:`\theta_y + m` passes :math:`\pi`, :math:`\cos\theta_y - m \sin m` stands for the label's
    cosine; what is hard is judged by the cosine :math:`\cos(\theta_y + m)` itself. The loss jumps where a
    negative becomes hard.

    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter.
    With one class the loss is 0. A label that is neither a class nor `ignore_index` makes its item NaN.

    The authors' code updates :math:`t` wherever the loss is computed, for validation too.

    References
    ----------
    Huang et al., *CurricularFace: adaptive curriculum learning loss for deep face recognition*,
    CVPR 2020, arXiv:2004.00288.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> loss, state = al.curricular_face_loss(embeddings, centres, labels, scale=8.0)
    >>> loss.round(6), state.round(6)
    (np.float64(2.023313), np.float64(0.008))
    """
    xp, x, w, labels, state, scale, margin, momentum, chunk_size, done = enter(
        curricular_face_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        state=state,
        scale=scale,
        margin=margin,
        momentum=momentum,
        chunk_size=chunk_size,
    )
    x = unit(xp, x)
    cos, sin = angle_of_label(xp, x, w, labels)
    kept = done.counting(xp.ones_like(cos, dtype=xp.bool))
    t = 0.0 if state is None else stop_gradient(xp, state)
    mean = mean_over(xp, *(xp.reshape(each, (-1,)) for each in (stop_gradient(xp, cos), kept)))
    t = xp.where(xp.any(kept), t + momentum * (mean - t), t)
    target = add_angle(xp, cos, sin, margin, "linear")
    hard = stop_gradient(xp, add_angle(xp, cos, sin, margin, "none"))
    curriculum = (scale * hard, t, scale)
    items = head(xp, scale * x, w, labels, scale * target, chunk_size, hard=curriculum)
    return LossAndState(done(items), stop_gradient(xp, t))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    l_a=POSITIVE,
    u_a=POSITIVE,
    l_m=ANGLE,
    u_m=ANGLE,
    lambda_g=NONNEGATIVE,
    overflow=OVERFLOW,
    chunk_size=optional(COUNT),
)
def mag_face_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    l_a: float | Array = 10.0,
    u_a: float | Array = 110.0,
    l_m: float | Array = 0.45,
    u_m: float | Array = 0.8,
    lambda_g: float | Array = 35.0,
    overflow: str = "linear",
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""MagFace loss: ArcFace with a margin that grows with the length of the embedding; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos(\theta_y + m(a))}}
        {e^{s \cos(\theta_y + m(a))} + \sum_{j \ne y} e^{s \cos\theta_j}}
        + \lambda_g \Bigl(\frac{a}{u_a^2} + \frac{1}{a}\Bigr)

    with the cosines of :func:`arcface_loss`, and

    .. math::

        a = \min(\max(\lVert x \rVert, l_a), u_a) \qquad
        m(a) = l_m + (u_m - l_m)\, \frac{a - l_a}{u_a - l_a}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`. Their length is what they are worth.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    l_a, u_a : float, default 10.0 and 110.0
        The lengths :math:`0 < l_a < u_a` between which embeddings are told apart.
    l_m, u_m : float, default 0.45 and 0.8
        The margins there, from 0 to :math:`\pi`, in radians.
    lambda_g : float, default 35.0
        The factor :math:`\lambda_g \ge 0` of the term that makes embeddings longer.
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
    arcface_loss : With one margin, which it is for ``l_m=u_m, lambda_g=0.0``.
    ada_face_loss : A margin by the length, which is a constant.

    Notes
    -----
    The length has a gradient, through the margin and through the last term, between :math:`l_a` and
    :math:`u_a`; on them and beyond it has none. The last term falls with the length, to :math:`2/u_a`.
    Embeddings that are easy are drawn out by it, and hard ones held back by the margin, so that the length
    becomes a measure of quality.

    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of centres
    does not matter.
    With one class the cross-entropy is 0. A label that is neither a class nor `ignore_index` makes its item
    NaN.

    References
    ----------
    Meng, Zhao, Huang, Zhou, *MagFace: a universal representation for face recognition and quality
    assessment*, CVPR 2021, arXiv:2103.06627.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.mag_face_loss(embeddings, centres, labels, scale=8.0)), 6)
    5.964346
    """
    xp, x, w, labels, scale, l_a, u_a, l_m, u_m, lambda_g, overflow, chunk_size, done = enter(
        mag_face_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        l_a=l_a,
        u_a=u_a,
        l_m=l_m,
        u_m=u_m,
        lambda_g=lambda_g,
        overflow=overflow,
        chunk_size=chunk_size,
    )
    if isinstance(l_a, float) and isinstance(u_a, float) and not l_a < u_a:
        raise refuse("mag_face_loss", "u_a", f"be above l_a = {l_a}", u_a)
    length, x = norm(xp, x), unit(xp, x)
    a = xp.where(length <= l_a, l_a, xp.where(length >= u_a, u_a, length))
    margin = l_m + (u_m - l_m) * ((a - l_a) / (u_a - l_a))
    cos, sin = angle_of_label(xp, x, w, labels)
    z_y = scale * add_angle(xp, cos, sin, margin, overflow)
    g = a / u_a**2 + 1 / a
    return done(head(xp, scale * x, w, labels, z_y, chunk_size) + lambda_g * g)


@loss(
    "(*n, d), (c, d), (*n) -> (*n)",
    parts=LossAndState._fields,
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    state=ArrayRule(("(2)",), start=START),
    scale=POSITIVE,
    margin=ANGLE,
    h=NONNEGATIVE,
    t_alpha=FRACTION,
    eps=NONNEGATIVE,
    cos_eps=FRACTION,
    chunk_size=optional(COUNT),
)
def ada_face_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    state: Array | None = None,
    scale: float | Array = 64.0,
    margin: float | Array = 0.4,
    h: float | Array = 0.333,
    t_alpha: float | Array = 0.01,
    eps: float | Array = 1e-3,
    cos_eps: float | Array = 0.0,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> LossAndState[A]:
    r"""AdaFace loss: a margin that is between angles or cosines by the length of the embedding.

    .. math::

        \ell = -\log \frac{e^{z_y}}{e^{z_y} + \sum_{j \ne y} e^{s \cos\theta_j}} \qquad
        z_y = s \bigl(\cos(\theta_y - m \hat z) - m \hat z - m\bigr), \quad
        \hat z = \frac{h\,(\lVert x \rVert - \mu)}{\sigma + \epsilon}

    with the cosines of :func:`arcface_loss`, where :math:`\theta_y - m \hat z` is held between 0 and
    :math:`\pi`, :math:`\hat z` between -1 and 1, and :math:`\lVert x \rVert` between 0.001 and 100; and with
    the mean and the standard deviation of these lengths, which before they are used are

    .. math::

        \mu \leftarrow (1 - \alpha)\, \mu + \alpha\, \overline{\lVert x \rVert} \qquad
        \sigma \leftarrow (1 - \alpha)\, \sigma + \alpha
        \sqrt{\tfrac{1}{n-1} \textstyle\sum \bigl(\lVert x \rVert - \overline{\lVert x \rVert}\bigr)^2}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (*n, D)
        The embeddings :math:`x`. Their length stands for the quality of the image.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (*n)
        The class :math:`y` of each embedding, from 0 to C - 1.
    state : array of real dtype, shape (2,), optional
        The mean :math:`\mu` and the standard deviation :math:`\sigma` of lengths so far: the state that the
        last call returned, or :func:`arraylosses.initial_state`. 20 and 100 if not given.
    scale : float, default 64.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.4
        The margin :math:`0 \le m \le \pi`.
    h : float, default 0.333
        How large :math:`h \ge 0` a length is that is one standard deviation above the mean.
    t_alpha : float, default 0.01
        How much :math:`\alpha`, from 0 to 1, the lengths of this call count. 1 remembers nothing.
    eps : float, default 1e-3
        What is added, :math:`\epsilon \ge 0`, to the standard deviation. :math:`\hat z` is 0 if both are 0.
    cos_eps : float, default 0.0
        By how much less than 1, from 0 to 1, all cosines are in magnitude. Those that would be larger have
        no gradient.
    ignore_index : int, default -100
        Items with this label are left out. None ignores nothing.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding; one
        that does not count has no part in the state either, and one that does has a whole part,
        whatever its weight.

    Returns
    -------
    loss : array of shape () or, with ``reduction="none"``, (*n)
        In nats.
    state : array of shape (2,)
        The mean and the standard deviation of lengths, for the next call, in the dtype of the loss.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    cosface_loss : Where all embeddings have the mean length.
    arcface_loss : Where they are short, so that :math:`\hat z` is -1.
    mag_face_loss : The length has a gradient.

    Notes
    -----
    :math:`\hat z`, the lengths and the state are constants where the loss is differentiated. Of short
    embeddings, which are of images that say little, hard ones have less of the gradient, of long ones more.
    The loss of one embedding depends on all of the call, by the state. Of a single embedding the standard
    deviation is not known, and stays what it was; without any, the mean does too.

    With :math:`\sin\theta_y` as the length of the part of the unit embedding that stands
    perpendicular on the unit centre, no arc cosine is taken, and digits and derivatives stay right
    for every angle; an embedding exactly on its centre, or opposite to it, takes gradient 0 from it.
    A zero vector stands at a right angle to everything and has gradient 0. The length of centres
    does not matter.
    With one class the loss is 0. A label that is neither a class nor `ignore_index` makes its item NaN.

    The authors' code has 0.001 for `cos_eps`, and angles held as far from 0 and :math:`\pi`, by which
    embeddings within 2.6 degrees of their centre have no gradient.

    References
    ----------
    Kim, Jain, Liu, *AdaFace: quality adaptive margin for face recognition*, CVPR 2022, arXiv:2204.00964.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> loss, state = al.ada_face_loss(embeddings, centres, labels, scale=8.0)
    >>> loss.round(6), state.round(6)
    (np.float64(2.395505), array([19.835   , 99.021213]))
    """
    xp, x, w, labels, state, scale, margin, h, t_alpha, eps, cos_eps, chunk_size, done = enter(
        ada_face_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        state=state,
        scale=scale,
        margin=margin,
        h=h,
        t_alpha=t_alpha,
        eps=eps,
        cos_eps=cos_eps,
        chunk_size=chunk_size,
    )
    length, x = stop_gradient(xp, norm(xp, x)), unit(xp, x)
    length = xp.where(length < SHORTEST, SHORTEST, xp.where(length > LONGEST, LONGEST, length))
    kept = done.counting(xp.ones_like(length, dtype=xp.bool))
    mu, sigma = START if state is None else (stop_gradient(xp, state[i]) for i in (0, 1))
    mu, sigma = _followed(xp, length, kept, mu, sigma, t_alpha)
    z = clip(xp, divide(xp, h * (length - mu), sigma + eps), 1.0)
    cos, sin = angle_of_label(xp, x, w, labels)
    limit = None
    if not (isinstance(cos_eps, float) and cos_eps == 0):
        limit = scale * (1 - cos_eps)
        cos, sin = bounded(xp, cos, sin, cos_eps)
    z_y = scale * (_within(xp, cos, sin, -margin * z) - (margin * z + margin))
    items = head(xp, scale * x, w, labels, z_y, chunk_size, limit=limit)
    return LossAndState(done(items), stop_gradient(xp, xp.stack([mu, sigma])))


def _followed(xp: Namespace, x: Array, kept: Array, mu: Any, sigma: Any, alpha: Any) -> tuple[Array, Array]:
    """The mean and the standard deviation, moved towards those of what is kept of `x`."""
    x, kept = xp.reshape(x, (-1,)), xp.reshape(kept, (-1,))
    mean, n = mean_over(xp, x, kept), number_of(xp, kept, x)
    d = keep(xp, x - mean, kept)
    deviation = sqrt(xp, divide(xp, xp.sum(d * d), n - 1))
    return (
        mu + xp.where(n > 0, alpha * (mean - mu), 0.0),
        sigma + xp.where(n > 1, alpha * (deviation - sigma), 0.0),
    )


def _within(xp: Namespace, cos: Array, sin: Array, g: Array) -> Array:
    """cos(θ + g), the angle held between 0 and π."""
    cos_g, sin_g = xp.cos(g), xp.sin(g)
    beyond, below = (g > 0) & (cos <= -cos_g), (g < 0) & (cos >= cos_g)
    return xp.where(beyond, -1.0, xp.where(below, 1.0, cos * cos_g - sin * sin_g))
