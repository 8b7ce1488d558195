"""Lovász: convex surrogates of one minus the Jaccard index of masks."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import BINARY, REAL
from ._core.entry import enter
from ._core.namespaces import index_dtype, stop_gradient
from ._core.numeric import classes, cumulative_sum, divide, product, relu
from ._core.parameters import FLAG, choice
from ._core.regions import rows_of
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["lovasz_hinge_loss"]


@loss(
    "(n, *s), (n, *s) -> (n)",
    mask="(n, *s)",
    logits=REAL,
    target=BINARY,
    per_image=FLAG,
    activation=choice("relu", "elu+1"),
)
def lovasz_hinge_loss(
    logits: A,
    target: Array,
    /,
    *,
    per_image: bool = True,
    activation: str = "relu",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Lovász hinge loss: convex surrogate of one minus the Jaccard index of a binary mask.

    .. math::

        \ell = \sum_k \max(m_{(k)}, 0)\, \bigl(J_k - J_{k-1}\bigr)
        \qquad m = 1 - z\,(2t - 1), \quad
        J_k = 1 - \frac{G - a_k}{G + b_k}

    with the margins :math:`m` of the pixels of one image in descending order, :math:`a_k` and
    :math:`b_k` the positive and negative pixels among the first :math:`k`, :math:`G` all the
    positive ones and :math:`J_0 = 0`.

    Parameters
    ----------
    logits : array of real floating dtype, shape (n, *s)
        The logits :math:`z`. The images may have any number of axes :math:`s`.
    target : array of bool or real dtype, shape (n, *s)
        The true mask :math:`t`: 0 or 1.
    per_image : bool, default True
        Whether each image is an item, or the batch as a whole one single item.
    activation : {"relu", "elu+1"}, default "relu"
        "elu+1" puts :math:`m + 1`, and :math:`e^m` below 0, in the place of :math:`\max(m, 0)`.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. `where` masks pixels.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (n,)
        The item has shape () with ``per_image=False``.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for another
        `activation`.

    Notes
    -----
    Convex in the logits, piecewise linear. Where all margins are 0 or 2, it is twice the Jaccard
    loss of the mask :math:`z > 0`. An image without positive pixels costs its greatest
    :math:`\max(1 + z, 0)`. Masked pixels are as if deleted; an image with none left does not count.

    The order of equal margins does not matter to the value. For the gradient positive pixels come
    first, then those that stand first. The order and the weights :math:`J_k - J_{k-1}` are
    constants. A target that is not 0 or 1, or a logit that is NaN, makes its item NaN.

    References
    ----------
    Yu, Blaschko, *Learning Submodular Losses with the Lovász Hinge*, ICML 2015; Berman, Triki,
    Blaschko, *The Lovász-Softmax Loss*, CVPR 2018, arXiv:1705.08790.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.0, -0.5, 0.25, -1.0]])
    >>> float(al.lovasz_hinge_loss(logits, np.asarray([[1, 1, 0, 0]])))
    0.9583333333333333
    """
    xp, z, t, per_image, activation, done = enter(
        lovasz_hinge_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="(n)" if per_image else "()",
        per_image=per_image,
        activation=activation,
    )
    bad = xp.isnan(z) | ((t != 0) & (t != 1))
    counted = ~bad if done.where is None else ~bad & done.where
    z, positive, negative, bad = (
        rows_of(xp, x, 1 if per_image else 0) for x in (z, counted & (t == 1), counted & (t == 0), bad)
    )
    done.poison(xp.any(bad, axis=-1))
    margins, from_negative = _merge(xp, z - 1, positive, -z - 1, negative)
    positives = xp.sum(xp.astype(positive, z.dtype), axis=-1, keepdims=True)
    step = _jaccard_steps(xp, positives, from_negative)
    cost = relu(xp, margins) if activation == "relu" else _elu_plus_1(xp, margins)
    return done(xp.sum(product(xp, step, cost), axis=-1))


def _merge(
    xp: Namespace, first: Array, among_first: Array, second: Array, among_second: Array
) -> tuple[Array, Array]:
    """The chosen entries of two arrays in one descending row of -x, and which are of the second.

    Among equals those of the first array come first, then those that stand first. Where nothing is
    left to fill the row there is -inf.
    """
    size = first.shape[-1]
    if size == 0:  # which Dask does not sort
        return first, among_second
    # A sort of both carries the derivative by itself, and the order tells where an entry is from:
    # nothing has to be gathered.
    both = xp.concat(
        [xp.where(among_first, first, math.inf), xp.where(among_second, second, math.inf)], axis=-1
    )
    order = xp.argsort(stop_gradient(xp, both), axis=-1, stable=True)[..., :size]
    return -xp.sort(both, axis=-1, stable=True)[..., :size], order >= size


def _jaccard_steps(xp: Namespace, positives: Array, is_negative: Array) -> Array:
    """How much the Jaccard loss grows with each pixel of a row that is got wrong, one by one."""
    # From 1 - (G - a)/(G + b), with a positives and b negatives before, it grows by 1/(G + b) at a
    # positive and by (G - a)/((G + b)(G + b + 1)) at a negative; by 1 from where it is 0/0.
    negative = xp.astype(is_negative, index_dtype(xp))
    b = cumulative_sum(xp, negative) - negative
    left = positives - xp.astype(classes(xp, b) - b, positives.dtype)
    union = positives + xp.astype(b, positives.dtype)
    return divide(xp, xp.where(is_negative, left / (union + 1), 1.0), union, otherwise=1.0)


def _elu_plus_1(xp: Namespace, x: Array) -> Array:
    """x + 1, and eˣ below 0."""
    above = x > 0
    return xp.where(above, x + 1, xp.exp(xp.where(above, 0.0, x)))
