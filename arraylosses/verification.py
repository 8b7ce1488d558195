"""Face recognition: features held together beside a softmax."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import CLASSES, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.lengths import length
from ._core.numeric import keep, product, relu, sigmoid, square, unit
from ._core.parameters import FLAG, IGNORE_INDEX, NONNEGATIVE, NUMBER, choice, optional
from ._core.registry import loss
from ._core.selections import rows_named
from .multiclass import cross_entropy

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["deepid2_loss", "center_loss"]


@loss(
    "(..., d), (..., d), (..., c), (..., c), (...), (...) -> (...)",
    x1=REAL,
    x2=REAL,
    logits1=REAL,
    logits2=REAL,
    labels1=CLASSES,
    labels2=CLASSES,
    margin=optional(NONNEGATIVE),
    lam=NONNEGATIVE,
    distance=choice("l2", "l1", "cosine"),
    w=NUMBER,
    b=NUMBER,
)
def deepid2_loss(
    x1: A,
    x2: Array,
    logits1: Array,
    logits2: Array,
    labels1: Array,
    labels2: Array,
    /,
    *,
    margin: float | None = None,
    lam: float = 0.05,
    distance: str = "l2",
    w: float = 1.0,
    b: float = 0.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""DeepID2 loss: two faces identified each for itself, and verified to be one person or two.

    .. math::

        \ell = \operatorname{CE}(z_1, y_1) + \operatorname{CE}(z_2, y_2)
        + \frac{\lambda}{2} \begin{cases} d^2 & y_1 = y_2 \\ \max(0, m - d)^2 & y_1 \ne y_2 \end{cases}
        \qquad d = \lVert f_1 - f_2 \rVert

    where CE is :func:`cross_entropy`; or with :math:`\frac{\lambda}{2} (t - \sigma(w \cos(f_1, f_2) + b))^2`
    for the last term, where :math:`t` is 1 for one person and 0 for two, and :math:`\sigma` the logistic
    function.

    Parameters
    ----------
    x1 : array of real floating dtype, shape (..., d)
        The features :math:`f_1` of one face of each pair.
    x2 : array of real dtype, shape (..., d)
        The features :math:`f_2` of the other.
    logits1, logits2 : array of real dtype, shape (..., c)
        The logits :math:`z` of both over the persons.
    labels1, labels2 : array of integer dtype, shape (...)
        The persons :math:`y` of both, from 0 to C - 1.
    margin : float, optional
        The distance :math:`m \ge 0` from which on two persons are not pushed apart. To be given unless
        the distance is "cosine".
    lam : float, default 0.05
        The factor :math:`\lambda \ge 0` of the verification.
    distance : {"l2", "l1", "cosine"}, default "l2"
        Which norm the distance :math:`d` is of, or the term with cosines.
    w : float, default 1.0
        The factor :math:`w` of the cosine. It may be learned.
    b : float, default 0.0
        The summand :math:`b` beside it. It may be learned.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats, the features being without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for options out of their range,
        and for a `margin` that is missing.

    See Also
    --------
    contrastive_loss : The verification alone.

    Notes
    -----
    Not convex. In the paper the margin is set now and then to where fewest pairs are taken for the
    wrong kind, and is not learned. Features of two persons that coincide have distance 0 with gradient 0:
    they cost :math:`\lambda m^2 / 2`, and are not pushed apart. The zero vector has cosine 0 to every
    vector. A label that is no class makes its pair NaN, with gradient 0.

    References
    ----------
    Sun, Wang, Tang, *Deep learning face representation by joint identification-verification*, NIPS 2014,
    arXiv:1406.4773.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([[0.2, 0.4]]), np.asarray([[0.5, 0.0]])
    >>> z1, z2 = np.asarray([[2.0, 0.0, 0.0]]), np.asarray([[0.0, 1.0, 0.0]])
    >>> y1, y2 = np.asarray([0]), np.asarray([1])
    >>> round(float(al.deepid2_loss(x1, x2, z1, z2, y1, y2, margin=1.0)), 6)
    0.797239
    """
    xp, f1, f2, z1, z2, y1, y2, margin, lam, distance, w, b, done = enter(
        deepid2_loss,
        (x1, x2, logits1, logits2, labels1, labels2),
        sample_weight,
        where,
        reduction,
        normalizer,
        margin=margin,
        lam=lam,
        distance=distance,
        w=w,
        b=b,
    )
    if margin is None and distance != "cosine":
        raise refuse("deepid2_loss", "margin", "be a number unless distance is 'cosine'", margin)
    legal, same = ~done.invalid, y1 == y2
    f1, f2 = (keep(xp, f, legal[..., None]) for f in (f1, f2))
    if distance == "cosine":
        t = w * xp.sum(unit(xp, f1) * unit(xp, f2), axis=-1) + b
        h = sigmoid(xp, xp.where(same, -t, t))
    else:
        d = length(xp, f1 - f2, 1.0 if distance == "l1" else 2.0)
        h = xp.where(same, d, relu(xp, margin - d))
    pairs = ((z1, y1), (z2, y2))
    identified = sum(cross_entropy(z, y, where=legal, reduction="none") for z, y in pairs)
    return done(identified + product(xp, lam, square(xp, h) / 2))


@loss(
    "(..., d), (c, d), (...) -> (...)",
    embeddings=REAL,
    centers=REAL,
    labels=CLASSES,
    half=FLAG,
)
def center_loss(
    embeddings: A,
    centers: Array,
    labels: Array,
    /,
    *,
    half: bool = True,
    ignore_index: int | None = IGNORE_INDEX,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Center loss: features pulled to the center of their class.

    .. math:: \ell = \frac{1}{2} \lVert x - c_y \rVert^2

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The features :math:`x`.
    centers : array of real dtype, shape (C, D)
        One center :math:`c_j` for each class: constants that :func:`update_centers` moves, or parameters.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each, from 0 to C - 1.
    half : bool, default True
        Whether there is the factor ½ of the paper.
    ignore_index : int or None, default -100
        Items with this label do not count.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. The paper has the sum.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the features.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    update_centers : The next centers.

    Notes
    -----
    Convex, with gradient :math:`x - c_y`. Alone it is least where all features and centers are one
    point: it stands beside a softmax, in the paper with a factor of 0.003. A center without items of its
    class has no part in it, and gradient 0. A label that is no class makes its item NaN, with gradient 0.

    References
    ----------
    Wen, Zhang, Li, Qiao, *A discriminative feature learning approach for deep face recognition*,
    ECCV 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x, labels = np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]), np.asarray([0, 1, 0])
    >>> centers = np.asarray([[0.0, 0.0], [1.0, 1.0]])
    >>> al.center_loss(x, centers, labels, reduction="none")
    array([2.5, 2.5, 0.5])
    >>> al.update_centers(centers, x, labels).round(6)
    array([[0.166667, 0.5     ],
           [1.5     , 0.75    ]])
    """
    xp, x, centers, labels, half, done = enter(
        center_loss,
        (embeddings, centers, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        half=half,
        ignore_index=ignore_index,
    )
    gap = keep(
        xp, x - rows_named(xp, centers, labels), ~done.invalid[..., None]
    )  # an infinite slope would outlive an illegal label
    squared = length(xp, gap, squared=True)
    return done(squared / 2 if half else squared)
