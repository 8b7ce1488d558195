"""Face recognition: softmax heads of normalised vectors."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.heads import cosine_of_label, head
from ._core.numeric import unit
from ._core.parameters import COUNT, IGNORE_INDEX, NONNEGATIVE, POSITIVE, ArrayRule, optional
from ._core.registry import loss
from ._core.selections import rows_named

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["normface_loss", "coco_loss", "l2_softmax_loss", "am_softmax_loss", "cosface_loss"]


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    chunk_size=optional(COUNT),
)
def normface_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""NormFace loss: cross-entropy of scaled cosines; face recognition.

    .. math::

        \ell = -\log \frac{e^{s \cos\theta_y}}{\sum_j e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot w_j}{\lVert x \rVert\,\lVert w_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float
        The scale :math:`s > 0` of the cosines, the inverse of a temperature. An array of shape () may be
        learned.
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
    arraylosses.normface_lower_bound : How small the loss can become, which says how large a scale must be.
    cosface_loss, arcface_loss : With a margin.

    Notes
    -----
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter. With one class the loss is 0. A label that is neither a class nor
    `ignore_index` makes its item NaN.

    Cosines are bounded, and so is the loss from below: with a small scale and many classes it cannot
    converge.

    References
    ----------
    Wang, Xiang, Cheng, Yuille, *NormFace: L2 hypersphere embedding for face verification*, ACM
    Multimedia 2017, arXiv:1704.06369.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.normface_loss(embeddings, centres, labels, scale=8.0)), 6)
    0.892291
    """
    xp, x, w, labels, scale, chunk_size, done = enter(
        normface_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        chunk_size=chunk_size,
    )
    return done(_with_margin(xp, x, w, labels, scale, 0.0, chunk_size))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    centroids=REAL,
    labels=CLASSES,
    alpha=POSITIVE,
    class_mask=ArrayRule(("(c)",), boolean=True),
    chunk_size=optional(COUNT),
)
def coco_loss(
    embeddings: A,
    centroids: Array,
    labels: Array,
    /,
    *,
    alpha: float | Array,
    class_mask: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""COCO loss, congenerous cosine: cross-entropy of scaled cosines to the centroids of classes.

    .. math::

        \ell = -\log \frac{e^{\alpha \cos\theta_y}}{\sum_j e^{\alpha \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot c_j}{\lVert x \rVert\,\lVert c_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    centroids : array of real dtype, shape (C, D)
        One centroid :math:`c_j` for each class, of any length: learned, or the mean of what the class has,
        as :func:`arraylosses.class_centroids`.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    alpha : float
        The scale :math:`\alpha > 0` of the cosines. An array of shape () may be learned.
    class_mask : array of bool, shape (C,), optional
        Which classes take part, such as those of which the batch has a centroid. An embedding whose own
        class does not has an infinite loss.
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
    arraylosses.coco_alpha : A scale that is large enough.
    normface_loss : The same of the rows of a weight.

    Notes
    -----
    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centroids does not matter. With one class the loss is 0. A label that is neither a class nor
    `ignore_index` makes its item NaN. The paper sums over the batch.

    References
    ----------
    Liu, Li, Wang, *Learning deep features via congenerous cosine loss for person recognition*, 2017,
    arXiv:1702.06890; Liu, Li, Wang, *Rethinking feature discrimination and polymerization for large-scale
    recognition*, 2017, arXiv:1710.00870.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centroids = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.coco_loss(embeddings, centroids, labels, alpha=6.25)), 6)
    0.752953
    """
    xp, x, c, labels, alpha, class_mask, chunk_size, done = enter(
        coco_loss,
        (embeddings, centroids, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        alpha=alpha,
        class_mask=class_mask,
        chunk_size=chunk_size,
    )
    x = unit(xp, x)
    z_y = alpha * cosine_of_label(xp, x, c, labels)
    if class_mask is not None:
        z_y = xp.where(rows_named(xp, class_mask, labels), z_y, -math.inf)
    return done(head(xp, alpha * x, c, labels, z_y, chunk_size, possible=class_mask))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    alpha=POSITIVE,
    bias=ArrayRule(("(c)",)),
    chunk_size=optional(COUNT),
)
def l2_softmax_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    alpha: float | Array,
    bias: Array | None = None,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""L2-constrained softmax loss: embeddings on a sphere, and a linear classifier; face recognition.

    .. math::

        \ell = -\log \frac{e^{z_y}}{\sum_j e^{z_j}}
        \qquad z_j = \alpha\, \frac{x}{\lVert x \rVert} \cdot w_j + b_j

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        The weights :math:`w_j` of each class, as they are. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    alpha : float
        The radius :math:`\alpha > 0` of the sphere; 16 to 50 is usual. An array of shape () may be learned.
    bias : array of real dtype, shape (C,), optional
        The biases :math:`b_j`, 0 if not given.
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
    arraylosses.l2_softmax_lower_bound : How large the radius must be.
    normface_loss : With normalised weights too.

    Notes
    -----
    The logits of a zero vector are the biases, and it has gradient 0. The length of embeddings does not
    matter, that of weights does. With one class the loss is 0. A label that is neither a class nor
    `ignore_index` makes its item NaN. Convex in `weight` and `bias`.

    References
    ----------
    Ranjan, Castillo, Chellappa, *L2-constrained softmax loss for discriminative face verification*, 2017,
    arXiv:1703.09507.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> weight = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.l2_softmax_loss(embeddings, weight, labels, alpha=4.0)), 6)
    0.604813
    """
    xp, x, w, labels, alpha, bias, chunk_size, done = enter(
        l2_softmax_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        alpha=alpha,
        bias=bias,
        chunk_size=chunk_size,
    )
    x = alpha * unit(xp, x)
    z_y = xp.sum(x * rows_named(xp, w, labels), axis=-1)
    z_y = z_y if bias is None else z_y + rows_named(xp, bias, labels)
    return done(head(xp, x, w, labels, z_y, chunk_size, normalized=False, bias=bias))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=NONNEGATIVE,
    chunk_size=optional(COUNT),
)
def am_softmax_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 30.0,
    margin: float | Array = 0.35,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""AM-Softmax loss: cross-entropy of cosines with an additive margin; face recognition.

    .. math::

        \ell = -\log \frac{e^{s (\cos\theta_y - m)}}
        {e^{s (\cos\theta_y - m)} + \sum_{j \ne y} e^{s \cos\theta_j}}
        \qquad \cos\theta_j = \frac{x \cdot w_j}{\lVert x \rVert\,\lVert w_j \rVert}

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`, of any length: they are normalised.
    weight : array of real dtype, shape (C, D)
        One centre :math:`w_j` for each class, of any length. A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each embedding, from 0 to C - 1.
    scale : float, default 30.0
        The scale :math:`s > 0` of the cosines.
    margin : float, default 0.35
        The margin :math:`m \ge 0` between cosines. 0 gives the plain cosine softmax.
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
    cosface_loss : The same with another scale.
    normface_loss : Without a margin.

    Notes
    -----
    It is :func:`cosface_loss`, with the scale of its own paper. Unlike a margin
    between angles it is smooth, and the same at every angle.

    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter. With one class the loss is 0. A label that is neither a class nor
    `ignore_index` makes its item NaN.

    References
    ----------
    Wang, Cheng, Liu, Liu, *Additive margin softmax for face verification*, IEEE Signal Processing
    Letters 25, 2018, arXiv:1801.05599.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.am_softmax_loss(embeddings, centres, labels, scale=8.0)), 6)
    2.211594
    """
    xp, x, w, labels, scale, margin, chunk_size, done = enter(
        am_softmax_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        chunk_size=chunk_size,
    )
    return done(_with_margin(xp, x, w, labels, scale, margin, chunk_size))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    weight=REAL,
    labels=CLASSES,
    scale=POSITIVE,
    margin=NONNEGATIVE,
    chunk_size=optional(COUNT),
)
def cosface_loss(
    embeddings: A,
    weight: Array,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    margin: float | Array = 0.35,
    ignore_index: int | None = IGNORE_INDEX,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""CosFace loss, LMCL: cross-entropy of cosines with an additive margin; face recognition.

    .. math::

        \ell = -\log \frac{e^{s (\cos\theta_y - m)}}
        {e^{s (\cos\theta_y - m)} + \sum_{j \ne y} e^{s \cos\theta_j}}
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
    margin : float, default 0.35
        The margin :math:`m \ge 0` between cosines. 0 gives the plain cosine softmax.
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
    am_softmax_loss : The same with another scale.
    arcface_loss : A margin between angles.
    normface_loss : Without a margin.

    Notes
    -----
    It is :func:`am_softmax_loss`, with the scale of its own paper. Unlike a margin
    between angles it is smooth, and the same at every angle.

    A zero vector stands at a right angle to everything and has gradient 0. The length of embeddings
    and centres does not matter. With one class the loss is 0. A label that is neither a class nor
    `ignore_index` makes its item NaN.

    References
    ----------
    Wang, Wang, Zhou, Ji, Gong, Zhou, Li, Liu, *CosFace: large margin cosine loss for deep face
    recognition*, CVPR 2018, arXiv:1801.09414.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings, labels = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([0, 1])
    >>> centres = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.cosface_loss(embeddings, centres, labels, scale=8.0)), 6)
    2.211594
    """
    xp, x, w, labels, scale, margin, chunk_size, done = enter(
        cosface_loss,
        (embeddings, weight, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        scale=scale,
        margin=margin,
        chunk_size=chunk_size,
    )
    return done(_with_margin(xp, x, w, labels, scale, margin, chunk_size))


def _with_margin(
    xp: Namespace, x: Array, w: Array, labels: Array, scale: Any, margin: Any, chunk_size: int | None
) -> Array:
    """The cross-entropy of scaled cosines, that of the label less a margin."""
    x = unit(xp, x)
    z_y = scale * (cosine_of_label(xp, x, w, labels) - margin)
    return head(xp, scale * x, w, labels, z_y, chunk_size)
