"""Metric learning against proxies: one learned vector that stands for all embeddings of a class."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.numeric import exponentials, lead, log_sum_exp, matmul, one_hot, softplus, unit
from ._core.parameters import FLAG, NUMBER, POSITIVE
from ._core.reductions import mean_over
from ._core.registry import loss
from ._core.selections import rows_named

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["proxy_nca_loss", "proxy_anchor_loss"]


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    proxies=REAL,
    labels=CLASSES,
    include_positive=FLAG,
    scale=POSITIVE,
)
def proxy_nca_loss(
    embeddings: A,
    proxies: Array,
    labels: Array,
    /,
    *,
    include_positive: bool = True,
    scale: float | Array = 1.0,
    ignore_index: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Proxy-NCA loss: each embedding near the proxy of its class, and far from those of the others.

    .. math::

        \ell = d_y + \log \sum_{c} e^{-d_c} \qquad
        d_c = s \left\lVert \frac{x}{\lVert x \rVert} - \frac{p_c}{\lVert p_c \rVert} \right\rVert^2

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    proxies : array of real dtype, shape (C, D)
        One proxy :math:`p_c` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    include_positive : bool, default True
        Whether the sum is over all classes, a softmax of the negative distances, or over those other
        than :math:`y`, as the first paper has it.
    scale : float, default 1.0
        The factor :math:`s > 0` of the squared distances. ProxyNCA++ has 9, a temperature of 1/9.
    ignore_index : int, optional
        Items with this label are left out. By default no label is.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an embedding.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats. Not negative with `include_positive`; without it it may be.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    proxy_anchor_loss : The same seen from the proxies.

    Notes
    -----
    A squared distance is between 0 and 4 s, and is :math:`2s (1 - \cos)`; to a zero vector, which has no
    direction and gets no gradient, it is s. The lengths of embeddings and proxies do not matter. An
    embedding on its proxy gets no gradient from it. With one class the loss is 0. A label that is
    neither a class nor `ignore_index` makes its item NaN.

    References
    ----------
    Movshovitz-Attias, Toshev, Leung, Ioffe, Singh, *No fuss distance metric learning using proxies*, ICCV
    2017, arXiv:1703.07464; Teh, DeVries, Taylor, *ProxyNCA++: revisiting and revitalizing proxy
    neighborhood component analysis*, ECCV 2020, arXiv:2004.01113.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[0.8, 0.6], [0.6, 0.8]]), np.asarray([0, 1])
    >>> proxies = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.proxy_nca_loss(embeddings, proxies, labels)), 6)
    0.54295
    """
    xp, x, p, labels, include_positive, scale, done = enter(
        proxy_nca_loss,
        (embeddings, proxies, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        include_positive=include_positive,
        scale=scale,
    )
    x, p = unit(xp, x), unit(xp, p)
    # From the difference, whose derivative on the proxy is exactly 0; all of them would take N·C·D numbers.
    d_y = scale * xp.sum((x - rows_named(xp, p, labels)) ** 2, axis=-1)
    if p.shape[0] == 1:
        return done(0 * d_y)
    cosines = matmul(xp, x, xp.permute_dims(p, (1, 0)))
    d = scale * (xp.sum(x * x, axis=-1, keepdims=True) + xp.sum(p * p, axis=-1) - 2 * cosines)
    ahead = lead(xp, -d_y, *exponentials(xp, xp.where(one_hot(xp, labels, d), -math.inf, -d)))
    return done(softplus(xp, -ahead) if include_positive else -ahead)


@loss(
    "(n, d), (c, d), (n) -> ()",
    mask="(n)",
    embeddings=REAL,
    proxies=REAL,
    labels=CLASSES,
    margin=NUMBER,
    alpha=POSITIVE,
)
def proxy_anchor_loss(
    embeddings: A,
    proxies: Array,
    labels: Array,
    /,
    *,
    margin: float | Array = 0.1,
    alpha: float | Array = 32.0,
    ignore_index: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Proxy-anchor loss: each proxy near the embeddings of its class in the batch, and far from the others.

    .. math::

        \ell = \frac{1}{|P^+|} \sum_{c \in P^+} \log\Bigl(1 + \sum_{i:\, y_i = c} e^{-\alpha (s_{ic} -
        \delta)}\Bigr) + \frac{1}{C} \sum_{c} \log\Bigl(1 + \sum_{i:\, y_i \ne c} e^{\alpha (s_{ic} +
        \delta)}\Bigr)

    where :math:`s_{ic}` is the cosine between an embedding and a proxy, and :math:`P^+` are the classes
    that are in the batch.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, D)
        The embeddings, of any length: they are normalised.
    proxies : array of real dtype, shape (C, D)
        One proxy for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (N,)
        The class :math:`y` of each embedding, from 0 to C - 1.
    margin : float, default 0.1
        The margin :math:`\delta`, by which cosines are to be above 0, or below.
    alpha : float, default 32.0
        The scale :math:`\alpha > 0` of the cosines: how much the hardest embedding counts.
    ignore_index : int, optional
        Rows with this label are left out, as if they were not in the batch. By default none is.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The batch is one item, and
        `where`, of shape (N,), masks rows.

    Returns
    -------
    array of shape ()
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    proxy_nca_loss : The same seen from the embeddings.

    Notes
    -----
    A zero vector stands at a right angle to everything, and gets no gradient. A batch without rows has
    the loss 0. A label that is neither a class nor `ignore_index` makes the loss NaN.

    References
    ----------
    Kim, Kim, Cho, Kwak, *Proxy anchor loss for deep metric learning*, CVPR 2020, arXiv:2003.13911.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[0.8, 0.6], [0.6, 0.8]]), np.asarray([0, 1])
    >>> proxies = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.proxy_anchor_loss(embeddings, proxies, labels)), 6)
    14.933333
    """
    xp, x, p, labels, margin, alpha, done = enter(
        proxy_anchor_loss,
        (embeddings, proxies, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        margin=margin,
        alpha=alpha,
    )
    cosines = matmul(xp, unit(xp, p), xp.permute_dims(unit(xp, x), (1, 0)))
    own = xp.permute_dims(one_hot(xp, labels, p[None, :, 0]), (1, 0))
    here = done.kept(labels)
    positive, negative = own & here, ~own & here
    near = log_sum_exp(xp, xp.where(positive, -alpha * (cosines - margin), -math.inf))
    far = log_sum_exp(xp, xp.where(negative, alpha * (cosines + margin), -math.inf))
    present = xp.any(positive, axis=-1)
    done.drop(xp.any(here))
    return done(mean_over(xp, softplus(xp, near), present) + xp.mean(softplus(xp, far)))
