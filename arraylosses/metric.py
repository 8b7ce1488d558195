"""Metric learning: losses of given pairs, triplets and quadruplets of embeddings."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import BIT, REAL, SIGN
from ._core.entry import enter
from ._core.lengths import ORDER, length
from ._core.numeric import (
    keep,
    lesser,
    relu,
    softplus,
    unit,
)
from ._core.parameters import FLAG, NONNEGATIVE, NUMBER
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = [
    "contrastive_loss",
    "cosine_embedding_loss",
    "triplet_margin_loss",
    "facenet_triplet_loss",
    "quadruplet_loss",
]

# --- given pairs ---------------------------------------------------------------------------------


@loss(
    "(..., d), (..., d), (...) -> (...)",
    x1=REAL,
    x2=REAL,
    labels=BIT,
    margin=NONNEGATIVE,
    pos_margin=NONNEGATIVE,
    squared=FLAG,
    half=FLAG,
)
def contrastive_loss(
    x1: A,
    x2: Array,
    labels: Array,
    /,
    *,
    margin: float = 1.0,
    pos_margin: float = 0.0,
    squared: bool = True,
    half: bool = True,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Contrastive loss: similar pairs pulled together, others pushed apart up to a margin.

    .. math::

        \ell = \frac{1}{2} \begin{cases}
        \max(0, d - m_+)^2 & y = 1 \\
        \max(0, m - d)^2 & y = 0
        \end{cases}
        \qquad d = \lVert x_1 - x_2 \rVert

    Parameters
    ----------
    x1 : array of real floating dtype, shape (..., D)
        The embedding :math:`x_1` of one of each pair, taken as it is: normalise it before if it should be.
    x2 : array of real dtype, shape (..., D)
        The embedding :math:`x_2` of the other.
    labels : array of real or bool dtype, shape (...), or a number
        Whether the two are similar, :math:`y`: 1 or 0.
    margin : float, default 1.0
        The distance :math:`m \ge 0` from which on a dissimilar pair costs nothing.
    pos_margin : float, default 0.0
        The distance :math:`m_+ \ge 0` up to which a similar pair costs nothing.
    squared : bool, default True
        Whether the hinges are squared. If not, there is no factor ½ either.
    half : bool, default True
        Whether there is the factor ½ of the paper.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the embeddings, or in their unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative margin.

    Notes
    -----
    Of a distance at hand make ``x1=d[..., None]`` and an `x2` of zeros.

    Not convex. Two embeddings that coincide have distance 0 with gradient 0: a dissimilar pair of them
    costs :math:`m^2/2`, but is not pushed apart. At a hinge the gradient is 0. A label other than 0 and
    1 makes the item NaN, with gradient 0. The paper labels dissimilar pairs 1.

    Others average over similar and dissimilar pairs apart, and add the two.

    References
    ----------
    Hadsell, Chopra, LeCun, *Dimensionality reduction by learning an invariant mapping*, CVPR 2006.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([[0.5, 0.0], [0.25, 0.0], [2.0, 0.0]]), np.zeros((3, 2))
    >>> al.contrastive_loss(x1, x2, np.asarray([1, 0, 0]), reduction="none")
    array([0.125  , 0.28125, 0.     ])
    """
    xp, x1, x2, y, margin, pos_margin, squared, half, done = enter(
        contrastive_loss,
        (x1, x2, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        margin=margin,
        pos_margin=pos_margin,
        squared=squared,
        half=half,
    )
    d = length(xp, _legal(xp, x1 - x2, done.invalid))
    h = relu(xp, xp.where(y == 1, d - pos_margin, margin - d))
    return done(h * (h / 2 if half else h) if squared else h)


@loss("(..., d), (..., d), (...) -> (...)", x1=REAL, x2=REAL, labels=SIGN, margin=NUMBER)
def cosine_embedding_loss(
    x1: A,
    x2: Array,
    labels: Array,
    /,
    *,
    margin: float = 0.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Cosine embedding loss: similar pairs turned into one direction, others out of it.

    .. math::

        \ell = \begin{cases} 1 - c & y = 1 \\ \max(0, c - m) & y = -1 \end{cases}
        \qquad c = \frac{\langle x_1, x_2 \rangle}{\lVert x_1 \rVert\, \lVert x_2 \rVert}

    Parameters
    ----------
    x1 : array of real floating dtype, shape (..., D)
        The embedding :math:`x_1` of one of each pair. Its length does not matter.
    x2 : array of real dtype, shape (..., D)
        The embedding :math:`x_2` of the other.
    labels : array of real dtype, shape (...), or a number
        Whether the two are similar, :math:`y`: 1 or -1.
    margin : float, default 0.0
        The cosine :math:`m` up to which a dissimilar pair costs nothing.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Between 0 and 2, or :math:`1 - m`.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    cosine_distance : The loss of similar pairs.

    Notes
    -----
    Not convex. Lengths can neither overflow nor underflow, and the loss of a small angle keeps its
    digits. The zero vector has cosine 0 to every vector: a similar pair with it costs 1, with gradient 0.
    A vector with an infinite element gives NaN. A dissimilar pair of one direction is not moved: the
    gradient of the cosine is 0 there. At the hinge it is 0. A label other than -1 and 1 makes the item
    NaN, with gradient 0.

    References
    ----------
    Chopra, Hadsell, LeCun, *Learning a similarity metric discriminatively, with application to face
    verification*, CVPR 2005, of which this is the form with cosines.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([[2.0, 0.0], [2.0, 0.0]]), np.asarray([[4.0, 3.0], [4.0, 3.0]])
    >>> al.cosine_embedding_loss(x1, x2, np.asarray([1, -1]), margin=0.5, reduction="none").round(6)
    array([0.2, 0.3])
    """
    xp, x1, x2, y, margin, done = enter(
        cosine_embedding_loss, (x1, x2, labels), sample_weight, where, reduction, normalizer, margin=margin
    )
    u, v = unit(xp, _legal(xp, x1, done.invalid)), unit(xp, _legal(xp, x2, done.invalid))
    c = xp.sum(u * v, axis=-1)
    # Of nearly parallel vectors 1 - c is half the squared distance, in which nothing cancels.
    similar = xp.where(c > 0.5, length(xp, u - v, squared=True) / 2, 1 - c)
    return done(xp.where(y == 1, similar, relu(xp, c - margin)))


def _legal(xp: Namespace, x: Array, illegal: Any) -> Array:
    """`x` without pairs of an illegal label, which an infinite slope would outlive."""
    return keep(xp, x, ~illegal[..., None])


# --- given triplets ------------------------------------------------------------------------------


@loss(
    "(..., d), (..., d), (..., d) -> (...)",
    anchor=REAL,
    positive=REAL,
    negative=REAL,
    margin=NUMBER,
    p=ORDER,
    swap=FLAG,
    squared=FLAG,
    soft=FLAG,
)
def triplet_margin_loss(
    anchor: A,
    positive: Array,
    negative: Array,
    /,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    squared: bool = False,
    soft: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Triplet margin loss: an anchor nearer to its positive than to its negative, by a margin.

    .. math::

        \ell = \max\bigl(0,\; d(a, p) - d(a, n) + m\bigr) \qquad d(x, y) = \lVert x - y \rVert_p

    Parameters
    ----------
    anchor : array of real floating dtype, shape (..., D)
        The embedding :math:`a` of each anchor, taken as it is: normalise it before if it should be.
    positive : array of real dtype, shape (..., D)
        The embedding :math:`p` of something that the anchor is to be near to.
    negative : array of real dtype, shape (..., D)
        The embedding :math:`n` of something that it is to be farther from.
    margin : float, default 1.0
        The margin :math:`m`, in the unit of the distance.
    p : float, default 2.0
        The order of the norm, at least 1. ``math.inf`` is that of the largest component.
    swap : bool, default False
        Whether the positive stands for the anchor where it is nearer to the negative:
        :math:`\min(d(a, n), d(p, n))` in the place of :math:`d(a, n)`.
    squared : bool, default False
        Whether :math:`d` is the squared distance.
    soft : bool, default False
        Whether the hinge is replaced by :math:`\log(1 + e^{d(a, p) - d(a, n)})`, which has no margin.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a triplet.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the unit of the distance.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `p` below 1.

    See Also
    --------
    facenet_triplet_loss : The same for squared distances of unit vectors.
    triplet_batch_hard_loss : Triplets found in a batch.

    Notes
    -----
    Not convex. At the hinge the gradient is 0. Points that coincide have distance 0 with gradient 0, so
    a triplet of one point, whose loss is the margin, is a stationary point, and a negative that has
    collapsed onto its anchor is not pushed away. Where a swap is tied, the gradient is shared.

    Others add 1e-6 to every difference, or under the root, so that the distance of a point from itself
    is not 0.

    References
    ----------
    Schroff, Kalenichenko, Philbin, *FaceNet: a unified embedding for face recognition and clustering*,
    CVPR 2015, arXiv:1503.03832; Balntas et al., *Learning local feature descriptors with triplets and
    shallow convolutional neural networks*, BMVC 2016, of the swap; Hermans, Beyer, Leibe, *In defense of
    the triplet loss for person re-identification*, 2017, arXiv:1703.07737, of the soft hinge.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> a, p, n = np.asarray([0.0, 0.0]), np.asarray([0.6, 0.8]), np.asarray([1.5, 0.0])
    >>> round(float(al.triplet_margin_loss(a, p, n)), 6)
    0.5
    >>> round(float(al.triplet_margin_loss(a, p, n, swap=True)), 6)
    0.795841
    """
    xp, a, positive, negative, margin, p, swap, squared, soft, done = enter(
        triplet_margin_loss,
        (anchor, positive, negative),
        sample_weight,
        where,
        reduction,
        normalizer,
        margin=margin,
        p=p,
        swap=swap,
        squared=squared,
        soft=soft,
    )
    near, far = length(xp, a - positive, p, squared), length(xp, a - negative, p, squared)
    if swap:
        far = lesser(xp, far, length(xp, positive - negative, p, squared))
    return done(softplus(xp, near - far) if soft else relu(xp, near - far + margin))


@loss("(..., d), (..., d), (..., d) -> (...)", anchor=REAL, positive=REAL, negative=REAL, margin=NUMBER)
def facenet_triplet_loss(
    anchor: A,
    positive: Array,
    negative: Array,
    /,
    *,
    margin: float = 0.2,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Triplet loss of FaceNet: squared distances of directions.

    .. math::

        \ell = \max\bigl(0,\; \lVert \hat a - \hat p \rVert^2 - \lVert \hat a - \hat n \rVert^2 + m\bigr)
        \qquad \hat x = x / \lVert x \rVert

    Parameters
    ----------
    anchor : array of real floating dtype, shape (..., D)
        The embedding :math:`a` of each anchor. Its length does not matter.
    positive : array of real dtype, shape (..., D)
        The embedding :math:`p` of the same face.
    negative : array of real dtype, shape (..., D)
        The embedding :math:`n` of another face.
    margin : float, default 0.2
        The margin :math:`m`, beside squared distances of at most 4.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a triplet.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    triplet_margin_loss : The same for embeddings as they are, and for other distances.

    Notes
    -----
    It is :func:`triplet_margin_loss` of unit vectors with ``squared=True``, that is
    :math:`\max(0, 2 \cos(a, n) - 2 \cos(a, p) + m)`. The paper has the sum over triplets. A zero vector
    has no direction: it stays 0, with gradient 0, at a squared distance of 1 from every other. Not
    convex. At the hinge the gradient is 0.

    References
    ----------
    Schroff, Kalenichenko, Philbin, *FaceNet: a unified embedding for face recognition and clustering*,
    CVPR 2015, arXiv:1503.03832.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> a, p, n = np.asarray([1.0, 0.0]), np.asarray([8.0, 6.0]), np.asarray([0.6, 0.8])
    >>> round(float(al.facenet_triplet_loss(a, n, p)), 6)
    0.6
    """
    xp, a, positive, negative, margin, done = enter(
        facenet_triplet_loss,
        (anchor, positive, negative),
        sample_weight,
        where,
        reduction,
        normalizer,
        margin=margin,
    )
    a, positive, negative = (unit(xp, x) for x in (a, positive, negative))
    return done(triplet_margin_loss(a, positive, negative, margin=margin, squared=True, reduction="none"))


@loss(
    "(..., d), (..., d), (..., d), (..., d) -> (...)",
    anchor=REAL,
    positive=REAL,
    negative=REAL,
    negative2=REAL,
    m1=NUMBER,
    m2=NUMBER,
    squared=FLAG,
)
def quadruplet_loss(
    anchor: A,
    positive: Array,
    negative: Array,
    negative2: Array,
    /,
    *,
    m1: float = 1.0,
    m2: float = 0.5,
    squared: bool = True,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Quadruplet loss: a triplet loss, and the positive pair nearer than any pair of others.

    .. math::

        \ell = \max\bigl(0,\; d(i, j)^2 - d(i, k)^2 + m_1\bigr)
        + \max\bigl(0,\; d(i, j)^2 - d(k', k)^2 + m_2\bigr)
        \qquad d(x, y) = \lVert x - y \rVert

    Parameters
    ----------
    anchor : array of real floating dtype, shape (..., D)
        The embedding :math:`i` of each anchor, taken as it is: normalise it before if it should be.
    positive : array of real dtype, shape (..., D)
        The embedding :math:`j` of something of the same identity.
    negative : array of real dtype, shape (..., D)
        The embedding :math:`k` of something of another identity.
    negative2 : array of real dtype, shape (..., D)
        The embedding :math:`k'` of something of a third identity.
    m1 : float, default 1.0
        The margin :math:`m_1` of the triplet, in the unit of the loss.
    m2 : float, default 0.5
        The margin :math:`m_2` of the two pairs, the lesser one.
    squared : bool, default True
        Whether the distances are squared.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a quadruplet.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In the squared unit of the embeddings, or in their unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together.

    See Also
    --------
    triplet_margin_loss : The first term.

    Notes
    -----
    The first term is what matters most, the second one keeps the variation within an identity below
    that between identities. In the paper the margins follow the mean distances of the batch: compute
    them, as constants, and give them. Not convex. At each hinge the gradient is 0, and points that
    coincide have distance 0 with gradient 0.

    References
    ----------
    Chen, Chen, Zhang, Huang, *Beyond triplet loss: a deep quadruplet network for person
    re-identification*, CVPR 2017, arXiv:1704.01719.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> a, p, n, n2 = (np.asarray([x]) for x in (0.0, 0.5, 0.75, 1.25))
    >>> float(al.quadruplet_loss(a, p, n, n2))
    1.1875
    """
    xp, i, j, k, k2, m1, m2, squared, done = enter(
        quadruplet_loss,
        (anchor, positive, negative, negative2),
        sample_weight,
        where,
        reduction,
        normalizer,
        m1=m1,
        m2=m2,
        squared=squared,
    )
    near, far, apart = (length(xp, gap, squared=squared) for gap in (i - j, i - k, k2 - k))
    return done(relu(xp, near - far + m1) + relu(xp, near - apart + m2))
