"""Instances: embeddings of pixels that are to gather by instance."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import IDENTITIES, REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.jaccard import jaccard_steps, merged
from ._core.lengths import ORDER, length
from ._core.namespaces import device, stop_gradient
from ._core.numeric import (
    absolute,
    classes,
    clip,
    columns,
    divide,
    expm1,
    greater,
    keep,
    matmul,
    minimum,
    product,
    quotient,
    relu,
    square,
)
from ._core.parameters import COUNT, FLAG, NONNEGATIVE, ArrayRule, choice
from ._core.reductions import mean_over
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["discriminative_loss", "embedding_hinge_loss", "spatial_embedding_loss"]

COORDINATES = ArrayRule(("(p, d)",))
_BEYOND = 28.0  # exp(-28²) is 0


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
    return done(relu(xp, length(xp, gap, p) - margin))


@loss(
    "(n, p, d), (n, p) -> (n)",
    mask="(n, p)",
    embeddings=REAL,
    ids=IDENTITIES,
    num_instances=COUNT,
    delta_var=NONNEGATIVE,
    delta_dist=NONNEGATIVE,
    alpha=NONNEGATIVE,
    beta=NONNEGATIVE,
    gamma=NONNEGATIVE,
    p=ORDER,
)
def discriminative_loss(
    embeddings: A,
    ids: Array,
    /,
    *,
    num_instances: int,
    delta_var: float = 0.5,
    delta_dist: float = 1.5,
    alpha: float = 1.0,
    beta: float = 1.0,
    gamma: float = 0.001,
    p: float = 2.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Discriminative loss: pixels pulled to the mean of their instance, and means pushed apart.

    .. math::

        \ell = \frac{\alpha}{K} \sum_k \frac{1}{|S_k|} \sum_{i \in S_k}
        \max(0, \lVert \mu_k - x_i \rVert_p - \delta_v)^2
        + \frac{\beta}{K(K - 1)} \sum_{a \ne b} \max(0, 2\delta_d - \lVert \mu_a - \mu_b \rVert_p)^2
        + \frac{\gamma}{K} \sum_k \lVert \mu_k \rVert_p

    with the :math:`K` instances of one image that have pixels, :math:`S_k`, and their means
    :math:`\mu_k`.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, P, D)
        The embedding :math:`x` of each pixel.
    ids : array of integer dtype, shape (N, P)
        The instance of each pixel, from 1 to `num_instances`, counted in each image anew. 0 is the
        background.
    num_instances : int
        How many instances an image may have at most. Not all have to be there.
    delta_var : float, default 0.5
        The distance :math:`\delta_v \ge 0` from its mean up to which a pixel is not pulled.
    delta_dist : float, default 1.5
        Half the distance, :math:`\delta_d \ge 0`, from which on two means are not pushed apart.
    alpha, beta, gamma : float, default 1.0, 1.0, 0.001
        The weights of the three terms.
    p : float, default 2.0
        The order of the norms, at least 1. ``math.inf`` is that of the largest component.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image;
        `where` masks pixels.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for an option that is out of
        its range.

    Notes
    -----
    An image without instances is no item: its loss is 0, and a mean does not count it. With one
    instance nothing is pushed. Pixels of the background have no part in anything, and their
    embeddings may be anything. Masked pixels are as if deleted.

    In the order of instances and of pixels nothing changes; a shift of all embeddings changes only
    the last term. Means that coincide have distance 0 with gradient 0: they are not pushed apart.

    An id that is not from 0 to `num_instances`, or an embedding of an instance that is not finite,
    makes its image NaN.

    References
    ----------
    De Brabandere, Neven, Van Gool, *Semantic Instance Segmentation with a Discriminative Loss
    Function*, 2017, arXiv:1708.02551.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 3.0]]])
    >>> round(float(al.discriminative_loss(x, np.asarray([[1, 1, 2, 2]]), num_instances=2)), 6)
    1.251618
    """
    xp, x, ids, num_instances, delta_var, delta_dist, alpha, beta, gamma, p, done = enter(
        discriminative_loss,
        (embeddings, ids),
        sample_weight,
        where,
        reduction,
        normalizer,
        num_instances=num_instances,
        delta_var=delta_var,
        delta_dist=delta_dist,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        p=p,
    )
    ids, unknown = _known(xp, ids, num_instances)
    done.poison(xp.any(unknown, axis=-1))
    done.drop(xp.any((ids != 0) | unknown, axis=-1))
    member = _members(xp, ids, num_instances, x)
    size, mu, gap = _means(xp, member, keep(xp, x, (ids != 0)[..., None]))
    mu, present = mu[:, 1:, :], size[:, 1:, 0] > 0

    pull = square(xp, relu(xp, length(xp, gap, p) - delta_var))
    pull = _mean(xp, member, size, pull[..., None])[:, 1:, 0]
    push = square(xp, relu(xp, 2 * delta_dist - length(xp, mu[:, :, None, :] - mu[:, None, :, :], p)))
    both = present[:, :, None] & present[:, None, :] & ~_is_diagonal(xp, push)
    dist = mean_over(xp, mean_over(xp, push, both), present)
    var, reg = (mean_over(xp, term, present) for term in (pull, length(xp, mu, p)))
    return done(product(xp, alpha, var) + product(xp, beta, dist) + product(xp, gamma, reg))


@loss(
    "(n, p, d), (n, p), (n, p, 1), (n, p) -> (n) | (n, p, d), (n, p), (n, p, d), (n, p) -> (n)",
    mask="(n, p)",
    embeddings=REAL,
    ids=IDENTITIES,
    sigma=REAL,
    seed=REAL,
    num_instances=COUNT,
    coords=COORDINATES,
    to_center=FLAG,
    bandwidth=choice("exp10", "sigma"),
    w_inst=NONNEGATIVE,
    w_var=NONNEGATIVE,
    w_seed=NONNEGATIVE,
    foreground_weight=NONNEGATIVE,
)
def spatial_embedding_loss(
    embeddings: A,
    ids: Array,
    sigma: Array,
    seed: Array,
    /,
    *,
    num_instances: int,
    coords: Array | None = None,
    to_center: bool = True,
    bandwidth: str = "exp10",
    w_inst: float = 1.0,
    w_var: float = 10.0,
    w_seed: float = 1.0,
    foreground_weight: float = 1.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Spatial embedding loss: pixels gathered around centers within a bandwidth that is learned too.

    .. math::

        \ell &= \frac{w_{\text{inst}}}{K} \sum_k L\bigl(2\varphi_k - 1, S_k\bigr)
        + \frac{w_{\text{var}}}{K} \sum_k \frac{1}{|S_k|} \sum_{i \in S_k}
        \lVert \sigma_i - \bar\sigma_k \rVert^2 / m \\
        &+ \frac{w_{\text{seed}}}{P} \Bigl( \sum_{i \notin \cup S_k} r_i^2
        + w_{\text{fg}} \sum_k \sum_{i \in S_k} \bigl(r_i - \varphi_k(i)\bigr)^2 \Bigr)
        \qquad \varphi_k(i) = \exp\Bigl(-\sum_d s_{kd}\, (e_i - C_k)_d^2\Bigr)

    with the :math:`K` instances of one image that have pixels, :math:`S_k`, the Lovász hinge loss
    :math:`L` of a mask over all pixels, the mean :math:`\bar\sigma_k` of the :math:`m` channels of
    :math:`\sigma` over the instance, and :math:`s_k = e^{10 \bar\sigma_k}` or
    :math:`1 / (2 \bar\sigma_k^2)`.

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (N, P, D)
        The embedding :math:`e` of each pixel: its coordinates plus a predicted offset.
    ids : array of integer dtype, shape (N, P)
        The instance of each pixel, from 1 to `num_instances`, counted in each image anew. 0 is the
        background.
    sigma : array of real dtype, shape (N, P, 1) or (N, P, D)
        The predicted bandwidth :math:`\sigma`, one for all directions or one for each.
    seed : array of real dtype, shape (N, P)
        The predicted seed map :math:`r`, as a probability: how near a pixel is to a center.
    num_instances : int
        How many instances an image may have at most. Not all have to be there.
    coords : array of real dtype, shape (P, D), optional
        The coordinates of the pixels, a constant. To be given with ``to_center=True``, and only then.
    to_center : bool, default True
        Whether the center :math:`C_k` is the mean of the coordinates of the instance, or that of its
        embeddings.
    bandwidth : "exp10" or "sigma", default "exp10"
        Whether :math:`s` is :math:`e^{10 \bar\sigma}` or, for a positive :math:`\sigma`,
        :math:`1 / (2 \bar\sigma^2)`.
    w_inst, w_var, w_seed : float, default 1.0, 10.0, 1.0
        The weights of the three terms.
    foreground_weight : float, default 1.0
        The weight :math:`w_{\text{fg}}` of pixels of instances in the term of the seed map.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image;
        `where` masks pixels.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        Without unit.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for an option that is out of
        its range, and for `coords` that do not go with `to_center`.

    Notes
    -----
    In the term of the variance :math:`\bar\sigma_k` is a constant, in that of the seed map
    :math:`\varphi_k`, and so are the weights of the Lovász hinge loss. What bounds offsets and seeds,
    such as a tanh and a sigmoid, is to be applied before.

    An image without instances has the term of the seed map only. An instance without pixels
    contributes nothing. The embedding of a pixel of the background counts, because it is to keep
    away from all centers, its :math:`\sigma` does not. Masked pixels are as if deleted.

    Nothing clusters here, and no image is looked at by another. An id that is not from 0 to
    `num_instances`, and a NaN or an infinite :math:`\sigma` of an instance, make their image NaN.

    References
    ----------
    Neven, De Brabandere, Proesmans, Van Gool, *Instance Segmentation by Jointly Optimizing Spatial
    Embeddings and Clustering Bandwidth*, CVPR 2019, arXiv:1906.11109.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x = np.asarray([[[0.0, 0.0], [2.0, 0.0], [5.0, 5.0], [5.0, 5.2]]])
    >>> ids, sigma, seed = np.asarray([[1, 1, 0, 0]]), np.ones((1, 4, 1)), np.zeros((1, 4))
    >>> options = {"num_instances": 1, "to_center": False, "bandwidth": "sigma", "w_seed": 0.0}
    >>> round(float(al.spatial_embedding_loss(x, ids, sigma, seed, **options)), 6)
    0.786939
    """
    xp, e, ids, sigma, r, num_instances, coords, to_center, bandwidth, w_inst, w_var, w_seed, w_fg, done = (
        enter(
            spatial_embedding_loss,
            (embeddings, ids, sigma, seed),
            sample_weight,
            where,
            reduction,
            normalizer,
            num_instances=num_instances,
            coords=coords,
            to_center=to_center,
            bandwidth=bandwidth,
            w_inst=w_inst,
            w_var=w_var,
            w_seed=w_seed,
            foreground_weight=foreground_weight,
        )
    )
    _require_coords("spatial_embedding_loss", coords, to_center, "to_center is True")
    ids, unknown = _known(xp, ids, num_instances)
    labelled = ids != 0
    kept = done.kept(ids)
    member, d = _members(xp, ids, num_instances, e), e.shape[-1]
    e = keep(xp, e, xp.any(labelled, axis=-1)[:, None, None])
    place = xp.broadcast_to(stop_gradient(xp, coords), e.shape) if to_center else e
    own = keep(xp, xp.concat([place, sigma], axis=-1), labelled[..., None])
    size, means, off = _means(xp, member, own)
    inside, present = member[:, 1:, :] > 0, size[:, 1:, 0] > 0

    q = _exponent(xp, e, means[:, 1:, :d], _sharpness(xp, means[:, 1:, d:], bandwidth))
    # A NaN would be lost in the order.
    lost = xp.any(xp.isnan(q) & present[..., None] & kept[:, None, :], axis=(1, 2))
    done.poison(xp.any(unknown, axis=-1) | lost)
    inst = _lovasz_hinge_of_bells(xp, q, inside, ~inside & kept[:, None, :])

    # The distances from means that are constants.
    off = (stop_gradient(xp, off) + (own - stop_gradient(xp, own)))[..., d:]
    var = xp.sum(_mean(xp, member, size, square(xp, off)), axis=-1)[:, 1:] / sigma.shape[-1]

    phi = xp.sum(keep(xp, xp.exp(-stop_gradient(xp, q)), inside), axis=1)
    error = square(xp, r - phi)
    error = xp.where(labelled, product(xp, w_fg, error), error)
    seeds = mean_over(xp, error, kept)
    inst, var = (mean_over(xp, term, present) for term in (inst, var))
    return done(product(xp, w_inst, inst) + product(xp, w_var, var) + product(xp, w_seed, seeds))


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
    rough = _mean(xp, member, size, stop_gradient(xp, x))
    x = x - _own(xp, member, rough)
    rest = _mean(xp, member, size, x)
    return size, rough + rest, x - _own(xp, member, rest)


def _mean(xp: Namespace, member: Array, size: Array, x: Array) -> Array:
    """The mean of `x` over each instance, 0 over none."""
    return divide(xp, matmul(xp, member, x), size)


def _is_diagonal(xp: Namespace, x: Array) -> Array:
    return classes(xp, x)[:, None] == classes(xp, x)


def _sharpness(xp: Namespace, sigma: Array, bandwidth: str) -> Array:
    """The root of s, the largest number there is where it overflows."""
    info = xp.finfo(sigma.dtype)
    if bandwidth == "exp10":
        return xp.exp(minimum(xp, 5 * sigma, 88.0 if info.bits == 32 else 709.0))
    least = xp.full_like(sigma, float(info.smallest_normal))
    return quotient(xp, xp.full_like(sigma, math.sqrt(0.5)), greater(xp, absolute(xp, sigma), least))


def _exponent(xp: Namespace, e: Array, center: Array, sharpness: Array) -> Array:
    """Of each instance and pixel q = Σ s (e - C)², (n, k, p), not followed to where exp(-q) is 0."""
    sharpness = xp.broadcast_to(sharpness, center.shape)
    # Where the difference is held, no derivative becomes 0·∞.
    least = 64 * float(xp.finfo(e.dtype).smallest_normal)
    fixed = stop_gradient(xp, sharpness)
    reach = _BEYOND / xp.where(fixed < least, least, fixed)
    q = 0.0
    for x, c, s, most in zip(*(columns(xp, each) for each in (e, center, sharpness, reach)), strict=True):
        near = clip(xp, x[:, None, :] - c[..., None], most[..., None])
        q = q + square(xp, near * s[..., None])
    return q


def _lovasz_hinge_of_bells(xp: Namespace, q: Array, positive: Array, negative: Array) -> Array:
    """Of each row the Lovász hinge loss of the logits 2φ - 1, with φ = exp(-q)."""
    # The margins 2(1 - φ) and 2φ have their digits where those of a logit would cancel.
    margins, from_negative = merged(xp, 2 * expm1(xp, -q), positive, -2 * xp.exp(-q), negative)
    positives = xp.sum(xp.astype(positive, q.dtype), axis=-1, keepdims=True)
    return xp.sum(jaccard_steps(xp, positives, from_negative) * relu(xp, margins), axis=-1)
