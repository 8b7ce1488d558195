"""Instances: embeddings of pixels that are to gather by instance."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import device, stop_gradient
from ._core.numeric import absolute, divide, greatest, keep, largest, matmul, norm, power, relu
from ._core.parameters import COUNT, NONNEGATIVE, ArrayRule, Rule, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["embedding_hinge_loss"]

ORDER = Rule("be at least 1", lambda v: v >= 1, (0.5, -1.0, float("nan")))
COORDINATES = ArrayRule(("(p, d)",))


@loss(
    "(n, p, d), (n, p) -> (n, p)",
    embeddings=REAL,
    ids=IDENTITIES,
    num_instances=COUNT,
    margin=NONNEGATIVE,
    p=ORDER,
    center=choice("embeddings", "coords"),
    coords=COORDINATES,
)
def embedding_hinge_loss(
    embeddings: A,
    ids: Array,
    /,
    *,
    num_instances: int,
    margin: float,
    p: float = 2.0,
    center: str = "embeddings",
    coords: Array | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Embedding hinge loss: pixels pulled into a ball around the center of their instance.

    .. math::

        \ell_i = \max(0,\; \lVert e_i - C_k \rVert_p - \delta)
        \qquad C_k = \frac{1}{|S_k|} \sum_{j \in S_k} e_j

    for a pixel :math:`i` of the instance :math:`k`, whose pixels are :math:`S_k`.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, P, D)
        The embedding :math:`e` of each pixel, such as its coordinates plus a predicted offset.
    ids : array of integer dtype, shape (N, P)
        The instance of each pixel, from 1 to `num_instances`, counted in each image anew. 0 is the
        background.
    num_instances : int
        How many instances an image may have at most. Not all have to be there.
    margin : float
        The radius :math:`\delta \ge 0` of the ball, in the unit of the embeddings.
    p : float, default 2.0
        The order of the norm, at least 1. ``math.inf`` is that of the largest component.
    center : "embeddings" or "coords", default "embeddings"
        "coords" takes the mean of the coordinates of the pixels for the center :math:`C_k`.
    coords : array of real dtype, shape (P, D), optional
        The coordinates of the pixels, a constant. To be given with ``center="coords"``, and only then.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pixel. One
        that is masked or of weight 0 is as if deleted: it has no part in a center either.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N, P)
        In the unit of the embeddings.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for an option that is out of
        its range, and for `coords` that do not go with `center`.

    Notes
    -----
    A pixel of the background is no item: its loss is 0, a mean does not count it, and its embedding
    may be anything. An instance without pixels contributes nothing. A center of embeddings moves
    with them, and the gradient goes through it. In a ball, and at its center for every margin, the
    gradient is 0.

    ``reduction="sum"`` is the sum over all pixels of the paper, the mean is over those that have an
    instance. A `sample_weight` of 1 over the size of the instance makes of the sum the sum over
    instances of their means.

    An id that is not from 0 to `num_instances` makes its pixel NaN, an embedding that is not finite all
    pixels of its instance if it has part in their center.

    References
    ----------
    Neven, De Brabandere, Proesmans, Van Gool, *Instance Segmentation by Jointly Optimizing Spatial
    Embeddings and Clustering Bandwidth*, CVPR 2019, arXiv:1906.11109, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[[0.0, 0.0], [2.0, 0.0], [5.0, 5.0], [5.0, 6.0]]])
    >>> ids = np.asarray([[1, 1, 2, 2]])
    >>> al.embedding_hinge_loss(x, ids, num_instances=2, margin=0.25, reduction="none")
    array([[0.75, 0.75, 0.25, 0.25]])
    """
    xp, e, ids, num_instances, margin, p, center, coords, done = enter(
        embedding_hinge_loss,
        (embeddings, ids),
        sample_weight,
        where,
        reduction,
        normalizer,
        num_instances=num_instances,
        margin=margin,
        p=p,
        center=center,
        coords=coords,
    )
    _require_coords("embedding_hinge_loss", coords, center == "coords", "center is 'coords'")
    ids, unknown = _known(xp, ids, num_instances)
    labelled = ids != 0
    done.poison(unknown)
    done.drop(labelled | unknown)
    member = _members(xp, ids, num_instances, e)
    if coords is None:
        # What is not finite would be so in the products with other instances too.
        lost = labelled & xp.any(~xp.isfinite(e), axis=-1)
        lost_by_instance = matmul(xp, member, xp.astype(lost, e.dtype)[..., None])
        done.poison(xp.squeeze(_own(xp, member, lost_by_instance), axis=-1) > 0)
        *_, gap = _means(xp, member, keep(xp, e, (labelled & ~lost)[..., None]))
    else:
        at = keep(xp, stop_gradient(xp, coords), labelled[..., None])
        gap = keep(xp, e, labelled[..., None]) - _own(xp, member, _means(xp, member, at)[1])
    return done(relu(xp, _length(xp, gap, p) - margin))


def _require_coords(loss: str, coords: Array | None, needed: bool, condition: str) -> None:
    """Refuse coordinates that are missing, or that would not be looked at."""
    if needed == (coords is None):
        rule = f"be an array if {condition}" if needed else f"be None unless {condition}"
        raise refuse(loss, "coords", rule, coords)


def _known(xp: Namespace, ids: Array, num_instances: int) -> tuple[Array, Array]:
    """The ids with those out of range replaced by that of the background, and which they are."""
    unknown = (ids < 0) | (ids > num_instances)
    return xp.where(unknown, 0, ids), unknown


def _members(xp: Namespace, ids: Array, num_instances: int, like: Array) -> Array:
    """1 where a pixel is of an instance, (n, k, p), the first of which is the background; elsewhere 0."""
    instance = xp.arange(num_instances + 1, dtype=ids.dtype, device=device(xp, ids))
    return xp.astype(ids[:, None, :] == instance[:, None], like.dtype)


def _own(xp: Namespace, member: Array, x: Array) -> Array:
    """What each pixel's instance has in an array (n, k, d), which is finite."""
    return matmul(xp, xp.matrix_transpose(member), x)


def _means(xp: Namespace, member: Array, x: Array) -> tuple[Array, Array, Array]:
    """Of each instance its size, (n, k, 1), and the mean of `x`; of each pixel how far it is from its own."""
    size = xp.sum(member, axis=-1, keepdims=True)
    # The differences are taken from a first mean, which is a constant, because those from one that has
    # been rounded far from the origin would be as wrong as it is, and where all coincide not 0.
    rough = divide(xp, matmul(xp, member, stop_gradient(xp, x)), size)
    x = x - _own(xp, member, rough)
    rest = divide(xp, matmul(xp, member, x), size)
    return size, rough + rest, x - _own(xp, member, rest)


def _length(xp: Namespace, x: Array, p: Any) -> Array:
    """The norm of order p along the last axis, with derivative 0 at the origin."""
    if isinstance(p, float) and p == 2:
        return norm(xp, x)
    a = absolute(xp, x)
    if isinstance(p, float) and p == 1:
        return xp.sum(a, axis=-1)
    if isinstance(p, float) and math.isinf(p):
        return greatest(xp, a)
    unit = largest(xp, x)
    return xp.squeeze(unit, axis=-1) * power(xp, xp.sum(power(xp, a / unit, p), axis=-1), 1 / p)
