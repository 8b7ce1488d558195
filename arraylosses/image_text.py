"""Two views of one thing, such as an image and its caption: rows of the one against rows of the other."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.numeric import matmul, softplus, unit
from ._core.parameters import COUNT, FLAG, NUMBER, POSITIVE, optional
from ._core.registry import loss
from ._core.row_softmax import numbers_of_rows, symmetric_cross_entropy
from .autodiff.recompute import by_rows

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["clip_loss", "siglip_loss"]


@loss(
    "(n, d), (n, d), (n) -> (n)",
    image=REAL,
    text=REAL,
    labels=IDENTITIES,
    logit_scale=POSITIVE,
    normalize=FLAG,
    chunk_size=optional(COUNT),
)
def clip_loss(
    image: A,
    text: Array,
    /,
    labels: Array | None = None,
    *,
    logit_scale: float | Array,
    normalize: bool = False,
    chunk_size: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""CLIP loss: each image picks its text among all of the batch, and each text its image.

    .. math::

        \ell_i = \frac12 \Bigl(\log \sum_j e^{z_{ij}} - z_{ii}\Bigr)
        + \frac12 \Bigl(\log \sum_j e^{z_{ji}} - z_{ii}\Bigr) \qquad z_{ij} = s\; x_i \cdot y_j

    Parameters
    ----------
    image : array of real floating dtype, shape (N, D)
        The embeddings :math:`x` of the images.
    text : array of real dtype, shape (N, D)
        The embeddings :math:`y` of their texts, row by row.
    labels : array of integer dtype, shape (N,), optional
        Which rows are of one thing, such as images with the same caption: only equality counts. All
        rows with the label of an image are its texts then, each with the same share of the target. By
        default only that at the same place is.
    logit_scale : float
        The scale :math:`s > 0`, or its learned value as an array of shape (): the exponential of a
        parameter. CLIP begins with 1/0.07 and holds it below 100.
    normalize : bool, default False
        Whether embeddings are made vectors of length 1. By default they are taken as they are: normalise
        them before if they should be.
    chunk_size : int, optional
        How many images are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair; `where` and
        `sample_weight` have the shape (N,) of the rows. A row that is masked or of weight 0 is as if
        deleted from the batch: its image and text are nobody's rivals either.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    siglip_loss : The same with a decision on every pair by itself.
    info_nce_loss : One of the two directions.

    Notes
    -----
    The loss of a single pair is 0. With `labels` that are all different it is the loss without them; of k
    rows with one label it is at least log k, the entropy of the target. A zero vector that is normalised
    stays 0, with gradient 0.

    The result does not depend on `chunk_size`, but for rounding. With it the memory for N² numbers is one
    for ``chunk_size * N`` and a few numbers of each column and chunk; the gradient computes the logits of
    every chunk again.

    References
    ----------
    Radford et al., *Learning transferable visual models from natural language supervision*, ICML 2021,
    arXiv:2103.00020.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> image, text = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([[0.8, 0.6], [0.6, 0.8]])
    >>> round(float(al.clip_loss(image, text, logit_scale=10.0)), 6)
    0.126928
    """
    xp, x, y, labels, s, normalize, chunk_size, done = enter(
        clip_loss,
        (image, text, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        logit_scale=logit_scale,
        normalize=normalize,
        chunk_size=chunk_size,
    )
    if normalize:
        x, y = unit(xp, x), unit(xp, y)
    here = done.rows(x)
    return done(symmetric_cross_entropy(xp, chunk_size, s * x, y, labels, here))


@loss(
    "(n, d), (n, d) -> (n)",
    image=REAL,
    text=REAL,
    logit_scale=POSITIVE,
    logit_bias=NUMBER,
    normalize=FLAG,
    chunk_size=optional(COUNT),
)
def siglip_loss(
    image: A,
    text: Array,
    /,
    *,
    logit_scale: float | Array = 10.0,
    logit_bias: float | Array = -10.0,
    normalize: bool = False,
    chunk_size: int | None = None,
    sample_weight: float | Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""SigLIP loss: of each image and each text of the batch, whether they belong together.

    .. math::

        \ell_i = \log (1 + e^{-z_{ii}}) + \sum_{j \ne i} \log (1 + e^{z_{ij}})
        \qquad z_{ij} = s\; x_i \cdot y_j + b

    Parameters
    ----------
    image : array of real floating dtype, shape (N, D)
        The embeddings :math:`x` of the images.
    text : array of real dtype, shape (N, D)
        The embeddings :math:`y` of their texts, row by row.
    logit_scale : float, default 10.0
        The scale :math:`s > 0`, or its learned value as an array of shape (): the exponential of a
        parameter.
    logit_bias : float, default -10.0
        The bias :math:`b`, or its learned value as an array of shape (). The default is the value that
        training begins with, at which nearly all pairs are taken not to belong together.
    normalize : bool, default False
        Whether embeddings are made vectors of length 1. By default they are taken as they are: normalise
        them before if they should be.
    chunk_size : int, optional
        How many images are worked through at a time, forward and backward. By default all.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image, with all
        texts; `where` and `sample_weight` have the shape (N,) of the rows. A row that is masked or of
        weight 0 is as if deleted from the batch: its text stands beside no image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In nats. The mean divides by the number of images, not of pairs.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    See Also
    --------
    clip_loss : The same with a choice among all texts.

    Notes
    -----
    The result does not depend on `chunk_size`, but for rounding. With it the memory for N² numbers is one
    for ``chunk_size * N``; the gradient computes the logits of every chunk again. A zero vector that is
    normalised stays 0, with gradient 0.

    References
    ----------
    Zhai, Mustafa, Kolesnikov, Beyer, *Sigmoid loss for language image pre-training*, ICCV 2023,
    arXiv:2303.15343.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> image, text = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([[0.8, 0.6], [0.6, 0.8]])
    >>> round(float(al.siglip_loss(image, text)), 6)
    2.145078
    """
    xp, x, y, s, b, normalize, chunk_size, done = enter(
        siglip_loss,
        (image, text),
        sample_weight,
        where,
        reduction,
        normalizer,
        logit_scale=logit_scale,
        logit_bias=logit_bias,
        normalize=normalize,
        chunk_size=chunk_size,
    )
    if normalize:
        x, y = unit(xp, x), unit(xp, y)
    x, row = s * x, numbers_of_rows(xp, x)
    here = done.rows(x)
    own = softplus(xp, -(xp.sum(x * y, axis=-1) + b))
    return done(own + _of_others(xp, chunk_size, x, row, y, row, here, b)[0])


@by_rows(0, 0, None, None, None, None)
def _of_others(
    xp: Namespace, x: Array, index: Array, y: Array, row: Array, here: Array | None, b: Any
) -> list[Array]:
    """Σ softplus(z) over the texts of the others."""
    out = index[:, None] == row
    out = out if here is None else out | ~here
    z = matmul(xp, x, xp.permute_dims(y, (1, 0))) + b
    return [xp.sum(softplus(xp, xp.where(out, -math.inf, z)), axis=-1)]
