"""Face recognition: softmax heads with a margin that multiplies the angle."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.heads import GRADIENT, angle, head
from ._core.namespaces import stop_gradient
from ._core.numeric import norm, product, unit
from ._core.parameters import COUNT, FLAG, IGNORE_INDEX, NONNEGATIVE, POSITIVE, Rule, optional
from ._core.registry import loss
from ._core.selections import rows_named

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["l_softmax_loss", "a_softmax_loss"]

FACTOR = Rule("be finite and at least 1", lambda v: 1 <= v < math.inf, (0.5, math.inf, math.nan))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=COUNT,
    lam=NONNEGATIVE,
    chunk_size=optional(COUNT),
)
def l_softmax_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 1.0,
    margin: int = 4,
    lam: float | Array = 0.0,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""L-Softmax loss: cross-entropy of a linear classifier, the angle to the label's class multiplied.

    .. math::

        \ell = -\log \frac{e^{z_y}}{e^{z_y} + \sum_{j \ne y} e^{s\, x \cdot w_j}}
        \qquad z_y = s\, \lVert x \rVert\, \lVert w_y \rVert\,
        \frac{\lambda \cos\theta_y + \psi(\theta_y)}{\lambda + 1}

    with the angle :math:`\theta_y` between :math:`x` and :math:`w_y`, and

    .. math::

        \psi(\theta) = (-1)^k \cos(m\theta) - 2k
        \quad\text{for}\quad \frac{k\pi}{m} \le \theta \le \frac{(k+1)\pi}{m}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, as they are.
    weight : array of real dtype, shape (C, D)
        The weights :math:`w_j` of each class, as they are. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 1.0
        The scale :math:`s > 0` of the logits.
    margin : int, default 4
        The factor :math:`m \ge 1` of the angle. 1 gives a linear classifier.
    lam : float, default 0.0
        How much :math:`\lambda \ge 0` of the plain cosine is mixed in. Training begins with much of it, as
        :math:`\lambda = \max(\lambda_{\min}, \lambda_0 / (1 + \gamma t))` at step :math:`t`.
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
    a_softmax_loss : With normalised weights, and other factors than integers.

    Notes
    -----
    :math:`\psi` falls from 1 at angle 0 to :math:`1 - 2m` at :math:`\pi` and has a derivative everywhere. It
    is found from the cosine as a polynomial, without an angle.

    A zero vector stands at a right angle to everything: all of its logits are 0, and it has the gradient
    of a linear classifier. With one class the loss is 0. A label that is neither a class nor `ignore_index`
    makes its item NaN. There is no bias.

    References
    ----------
    Liu, Wen, Yu, Yang, *Large-margin softmax loss for convolutional neural networks*, ICML 2016,
    arXiv:1612.02295.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> weight = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.l_softmax_loss(embeddings, weight, labels)), 6)
    5.012256
    """
    xp, x, w, labels, scale, margin, lam, chunk_size, done = enter(
        l_softmax_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        lam=lam,
        chunk_size=chunk_size,
    )
    w_y = rows_named(xp, w, labels)
    cos = xp.sum(unit(xp, x) * unit(xp, w_y), axis=-1)
    lost = product(xp, (_psi(xp, cos, None, margin) - cos) / (1 + lam), norm(xp, x) * norm(xp, w_y))
    z_y = scale * (xp.sum(x * w_y, axis=-1) + lost)
    return done(head(xp, scale * x, w, labels, z_y, chunk_size, normalized=False))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=FACTOR,
    lam=NONNEGATIVE,
    normalize=FLAG,
    gradient=GRADIENT,
    chunk_size=optional(COUNT),
)
def a_softmax_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 1.0,
    margin: float | Array = 4.0,
    lam: float | Array = 0.0,
    normalize: bool = False,
    gradient: str = "exact",
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""A-Softmax loss, SphereFace: cross-entropy of angles, the one to the label's centre multiplied.

    .. math::

        \ell = -\log \frac{e^{z_y}}{e^{z_y} + \sum_{j \ne y} e^{s \lVert x \rVert \cos\theta_j}}
        \qquad z_y = s\, \lVert x \rVert\, \frac{\lambda \cos\theta_y + \psi(\theta_y)}{\lambda + 1}

    with the angle :math:`\theta_j` between :math:`x` and :math:`w_j`, and

    .. math::

        \psi(\theta) = (-1)^k \cos(m\theta) - 2k
        \quad\text{for}\quad \frac{k\pi}{m} \le \theta \le \frac{(k+1)\pi}{m}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length: they are normalised. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 1.0
        The scale :math:`s > 0` of the logits.
    margin : float, default 4.0
        The factor :math:`m \ge 1` of the angle. 1 gives the plain softmax.
    lam : float, default 0.0
        How much :math:`\lambda \ge 0` of the plain cosine is mixed in. Training begins with much of it, as
        :math:`\lambda = \max(\lambda_{\min}, \lambda_0 / (1 + \gamma t))` at step :math:`t`.
    normalize : bool, default False
        Whether embeddings are normalised too, so that 1 stands for :math:`\lVert x \rVert`. Then `scale` is
        30, say.
    gradient : "exact" or "straight_through", default "exact"
        "straight_through" takes the derivative of :math:`\psi` in :math:`\cos\theta_y` for 1.
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
    l_softmax_loss : With weights as they are.
    combined_margin_loss : A factor of the angle among other margins.

    Notes
    -----
    :math:`\psi` falls as the angle grows, and has a derivative at every angle, save at :math:`\pi` for a
    `margin` that is no integer. For one that is, it is found from the cosine as a polynomial; for others
    from the angle. An embedding exactly on its centre, or opposite to it, takes gradient 0 from the latter.

    A zero vector stands at a right angle to everything. Without `normalize` all logits of a zero embedding
    are 0, and it has the gradient of a linear classifier. With one class the loss is 0. A label that is
    neither a class nor `ignore_index` makes its item NaN.

    Some implementations normalise embeddings, take 30 for `scale` and 1.7 for `margin`, and compute the
    margin outside the graph, which is "straight_through".

    References
    ----------
    Liu, Wen, Yu, Li, Raj, Song, *SphereFace: deep hypersphere embedding for face recognition*, CVPR 2017,
    arXiv:1704.08063.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.a_softmax_loss(embeddings, centres, labels)), 6)
    5.012256
    """
    xp, x, w, labels, scale, margin, lam, normalize, gradient, chunk_size, done = enter(
        a_softmax_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        lam=lam,
        normalize=normalize,
        gradient=gradient,
        chunk_size=chunk_size,
    )
    u, w_y = unit(xp, x), unit(xp, rows_named(xp, w, labels))
    cos, sin = angle(xp, u, w_y)
    lost = (_psi(xp, cos, sin, margin) - cos) / (1 + lam)
    lost = stop_gradient(xp, lost) if gradient == "straight_through" else lost
    if normalize:
        x, z_y = u, cos + lost
    else:
        z_y = xp.sum(x * w_y, axis=-1) + product(xp, lost, norm(xp, x))
    return done(head(xp, scale * x, w, labels, scale * z_y, chunk_size))


def _psi(xp: Namespace, cos: Array, sin: Any, m: Any) -> Array:
    """(-1)ᵏ cos(mθ) - 2k, with k = ⌊mθ/π⌋. The sine is looked at for an m that is no integer."""
    if isinstance(m, (int, float)) and m == int(m):
        # Chebyshev's recurrence: no angle, so that the derivative has its digits on the centre too.
        before, cos_m = xp.ones_like(cos), cos
        for _ in range(int(m) - 1):
            before, cos_m = cos_m, 2 * cos * cos_m - before
        k = xp.zeros_like(cos)
        for i in range(1, int(m)):
            k = k + xp.astype(cos <= math.cos(i * math.pi / m), cos.dtype)
    else:
        phi = m * xp.atan2(sin, cos)
        cos_m, k = xp.cos(phi), xp.floor(stop_gradient(xp, phi) / math.pi)
    return (1 - 2 * (k - 2 * xp.floor(k / 2))) * cos_m - 2 * k
