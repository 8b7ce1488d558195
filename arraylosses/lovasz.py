"""Lovász: convex surrogates of one minus the Jaccard index of masks."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core import numeric
from ._core.domains import BINARY, CLASSES, PROBABILITY, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.jaccard import jaccard_steps, merged
from ._core.numeric import keep, product, relu
from ._core.parameters import CLASS_AXIS, FLAG, IGNORE_INDEX, Rule, choice
from ._core.reductions import mean_over
from ._core.regions import region_rows, rows_of
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["lovasz_hinge_loss", "lovasz_softmax_loss"]


def _are_classes(value: Any) -> bool:
    distinct = isinstance(value, tuple) and len(set(value)) == len(value) > 0
    return distinct and all(type(k) is int and k >= 0 for k in value)


WHICH_CLASSES = Rule(
    "be 'present', 'all' or a tuple of distinct class numbers",
    lambda v: v in ("present", "all") if isinstance(v, str) else _are_classes(v),
    ("other", 1, (), (0, 0), (-1,), (0.5,)),
    numeric=False,
)


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
    Yu, Blaschko, *Learning Submodular Losses with the Lovász Hinge*, ICML 2015; Berman, Triki, Blaschko,
    *The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the Intersection-Over-Union
    Measure in Neural Networks*, CVPR 2018, arXiv:1705.08790.

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
    margins, from_negative = merged(xp, z - 1, positive, -z - 1, negative)
    positives = xp.sum(xp.astype(positive, z.dtype), axis=-1, keepdims=True)
    step = jaccard_steps(xp, positives, from_negative)
    cost = relu(xp, margins) if activation == "relu" else _elu_plus_1(xp, margins)
    return done(xp.sum(product(xp, step, cost), axis=-1))


@loss(
    "(n, c, *s), (n, *s) -> (n)",
    mask="(n, *s)",
    probs=PROBABILITY,
    labels=CLASSES,
    classes=WHICH_CLASSES,
    per_image=FLAG,
    class_axis=CLASS_AXIS,
)
def lovasz_softmax_loss(
    probs: A,
    labels: Array,
    /,
    *,
    classes: str | tuple[int, ...] = "present",
    per_image: bool = False,
    ignore_index: int | None = IGNORE_INDEX,
    class_axis: int = 1,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Lovász softmax loss: surrogate of one minus the mean Jaccard index of several classes.

    .. math::

        \ell = \frac1{|C|} \sum_{c \in C} \sum_k e_{(k)} \bigl(J_k - J_{k-1}\bigr)
        \qquad e = \bigl|[y = c] - p_c\bigr|, \quad
        J_k = 1 - \frac{G - a_k}{G + b_k}

    for each class :math:`c` with the errors :math:`e` of the pixels in descending order,
    :math:`a_k` and :math:`b_k` the pixels of this class and of others among the first :math:`k`,
    :math:`G` all of this class and :math:`J_0 = 0`.

    Parameters
    ----------
    probs : array of real floating dtype, shape (n, c, *s)
        The probability :math:`p` of each class at each pixel; logits go through a softmax first.
        The images may have any number of axes :math:`s`.
    labels : array of integer dtype, shape (n, *s)
        The true class :math:`y` of each pixel.
    classes : {"present", "all"} or tuple of int, default "present"
        The classes :math:`C` that the mean goes over: those that some pixel is of, all of them, or
        these, whether there is a pixel of them or not.
    per_image : bool, default False
        Whether each image is an item, or the batch as a whole one single item.
    ignore_index : int or None, default -100
        Pixels with this label do not count.
    class_axis : int, default 1
        Which axis of `probs` is the classes: -1 for channels last.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. `where` masks pixels,
        with the axes of `labels`.

    Returns
    -------
    array of shape () or, with ``reduction="none"`` and ``per_image=True``, (n,)
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for `classes` that are
        not those of `probs`, or none, or one of them twice.

    See Also
    --------
    lovasz_hinge_loss : The loss of one mask, from logits.

    Notes
    -----
    Piecewise linear in the probabilities, convex for each class. Where they are all 0 or 1, it is the
    mean Jaccard loss of what they predict. A class without a pixel costs its greatest probability,
    if the mean goes over it. Masked pixels are as if deleted; an image with none left does not count.

    The order of equal errors does not matter to the value. For the gradient pixels of the class come
    first, then those that stand first. The order and the weights :math:`J_k - J_{k-1}` are
    constants; an error of 0 has derivative 0. A label that is none of the classes, or a probability
    that is NaN in a class that the mean goes over, makes the item NaN.

    References
    ----------
    Berman, Triki, Blaschko, *The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
    Intersection-Over-Union Measure in Neural Networks*, CVPR 2018, arXiv:1705.08790.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> probs = np.asarray([[[0.75, 0.25, 0.5], [0.25, 0.75, 0.5], [0.0, 0.0, 0.0]]])
    >>> labels = np.asarray([[0, 1, 1]])
    >>> float(al.lovasz_softmax_loss(probs, labels))
    0.375
    """
    xp, p, y, which, per_image, done = enter(
        lovasz_softmax_loss,
        (probs, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        items="(n)" if per_image else "()",
        ignore_index=ignore_index,
        classes=tuple(classes) if isinstance(classes, list) else classes,
        per_image=per_image,
        class_axis=class_axis,
    )
    p, of_class = _by_class(xp, p, y, which)
    bad, positive, negative = xp.isnan(p), of_class, ~of_class
    if done.where is not None:
        counted = xp.broadcast_to(done.where, y.shape)[:, None, ...]
        positive, negative = positive & counted, negative & counted
    p, positive, negative, bad = (
        region_rows(xp, x, per_image, True) for x in (keep(xp, p, ~bad), positive, negative, bad)
    )
    errors, from_negative = merged(xp, p - 1, positive, -p, negative)
    positives = xp.sum(xp.astype(positive, p.dtype), axis=-1, keepdims=True)
    losses = xp.sum(jaccard_steps(xp, positives, from_negative) * relu(xp, errors), axis=-1)
    asked = (positives[..., 0] > 0) | (which != "present")
    done.poison(xp.any(xp.any(bad, axis=-1) & asked, axis=-1))
    return done(mean_over(xp, losses, asked))


def _by_class(xp: Namespace, p: Array, y: Array, which: str | tuple[int, ...]) -> tuple[Array, Array]:
    """The probabilities of the classes in question, and whether each is that of the pixel."""
    count = p.shape[1]
    if isinstance(which, str):
        shape = (count, *(1,) * (y.ndim - 1))
        return p, y[:, None, ...] == xp.reshape(numeric.classes(xp, p, axis=1), shape)
    if max(which) >= count:
        raise refuse("lovasz_softmax_loss", "classes", f"be from 0 to {count - 1}", which)
    # As slices: where few are in question, no others are sorted.
    return (
        xp.concat([p[:, k : k + 1, ...] for k in which], axis=1),
        xp.stack([y == k for k in which], axis=1),
    )


def _elu_plus_1(xp: Namespace, x: Array) -> Array:
    """x + 1, and eˣ below 0."""
    above = x > 0
    return xp.where(above, x + 1, xp.exp(xp.where(above, 0.0, x)))
