"""Large vocabularies: a head whose logits need not be held, and their log-sum-exp."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

from ._core.domains import CLASSES, REAL, TOKENS
from ._core.entry import enter
from ._core.namespaces import device
from ._core.numeric import (
    divide,
    exponentials,
    exponentials_of_parts,
    keep,
    lead,
    log_of,
    log_sum_exp,
    matmul,
    nonzero,
    offset,
    pick,
    product,
    softplus,
    square,
    tanh,
)
from ._core.parameters import (
    CLASS_AXIS,
    CLASS_MASK,
    CLASS_WEIGHT,
    COUNT,
    FLAG,
    FRACTION,
    NONNEGATIVE,
    POSITIVE,
    optional,
)
from ._core.registry import loss
from ._core.results import LossAndLogSumExp
from .autodiff.recompute import blockwise
from .multiclass import cross_entropy

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["z_loss", "linear_cross_entropy"]


@loss("(..., c), (...) -> (...)", logits=REAL, labels=TOKENS, weight=NONNEGATIVE, axis=CLASS_AXIS)
def z_loss(
    logits: A,
    /,
    labels: Array | None = None,
    *,
    weight: float = 1e-4,
    axis: int = -1,
    ignore_index: int | None = -100,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Z-loss: a penalty that keeps the denominator of a softmax near 1.

    .. math:: \ell = \lambda \Bigl(\log \sum_c e^{z_c}\Bigr)^2

    Parameters
    ----------
    logits : array of real floating dtype, shape (..., C)
        The logits :math:`z` of the C classes.
    labels : array of integer dtype, shape (...), optional
        Labels, for `ignore_index` to be found among them; they have no other part in the loss.
    weight : float, default 1e-4
        The coefficient :math:`\lambda \ge 0`.
    axis : int, default -1
        Which axis of the logits is that of the classes.
    ignore_index : int or None, default -100
        The label that takes an item out.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In squared nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `weight`.

    Notes
    -----
    It is added to a :func:`cross_entropy`, which does not change when all logits move together: the
    penalty stops them from drifting, and low precision from losing their digits. A router of experts
    takes 1e-3. Class weights never apply.

    Infinite where all logits are -inf, with gradient 0; a single one does no harm. Not convex where the
    sum is below 1. Of a log-sum-exp that is known already, such as :func:`linear_cross_entropy` returns,
    it is ``z_loss(lse[..., None])``: the softmax of a single class.

    References
    ----------
    Chowdhery et al., *PaLM: scaling language modeling with pathways*, 2022, arXiv:2204.02311; Zoph et
    al., *ST-MoE: designing stable and transferable sparse expert models*, 2022, arXiv:2202.08906.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.z_loss(np.asarray([2.0, 0.5, -1.0]), weight=1.0)), 6)
    5.023476
    """
    xp, z, _, weight, done = enter(
        z_loss,
        (logits, labels),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        weight=weight,
        axis=axis,
    )
    lse = log_sum_exp(xp, z)
    nothing = lse == -math.inf
    return done(xp.where(nothing, math.inf, weight * square(xp, xp.where(nothing, 0.0, lse))))


@loss(
    "(..., d), (c, d), (...), (c) -> (...)",
    hidden=REAL,
    weight=REAL,
    labels=CLASSES,
    bias=REAL,
    softcap=optional(POSITIVE),
    z_loss=NONNEGATIVE,
    label_smoothing=FRACTION,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
    chunk_size=optional(COUNT),
    return_lse=FLAG,
)
def linear_cross_entropy(
    hidden: A,
    weight: Array,
    labels: Array,
    /,
    bias: Array | None = None,
    *,
    softcap: float | None = None,
    z_loss: float = 0.0,
    label_smoothing: float = 0.0,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    return_lse: bool = False,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> Any:
    r"""Linear layer and softmax cross-entropy in one: the head of a language model.

    .. math::

        \ell = \operatorname{cross\_entropy}(z, y) + \lambda \Bigl(\log \sum_c e^{z_c}\Bigr)^2
        \qquad z = \operatorname{softcap}(W h + b)

    Parameters
    ----------
    hidden : array of real floating dtype, shape (..., D)
        The hidden states :math:`h`.
    weight : array of real dtype, shape (C, D)
        The weight :math:`W` of the linear layer: one row for each of the C classes of the vocabulary.
        A parameter of the model.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each state, from 0 to C - 1. They are taken as they stand: shift them
        before if the model is to predict the next one.
    bias : array of real dtype, shape (C,), optional
        The bias :math:`b` of the linear layer.
    softcap : float, optional
        The bound :math:`\kappa > 0` of the logits, :math:`\operatorname{softcap}(x) = \kappa
        \tanh(x/\kappa)`. Without it they are as they are.
    z_loss : float, default 0.0
        The coefficient :math:`\lambda \ge 0` of a penalty that keeps the softmax's denominator near 1,
        as :func:`z_loss`; 1e-4 is usual.
    label_smoothing, class_weight, class_mask, ignore_index
        As for :func:`cross_entropy`. The penalty has the weight that the item has.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    return_lse : bool, default False
        Whether to return the logarithm of the softmax's denominator too.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats. With `return_lse` a named tuple: this ``loss``, and ``lse``, of shape (...), which is
        :math:`\log \sum_c e^{z_c}` for every item that counts, and 0 for the others.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    Notes
    -----
    The result does not depend on `chunk_size`, but for rounding. With it no array has the size of the
    logits: a gradient holds about ten chunks of them, and a few numbers of each state and chunk, for
    which reason a thousand classes make a better chunk than ten. Derivatives compute the logits again.

    Without `softcap` and `z_loss` it is :func:`cross_entropy` of the logits, in every respect. The logits
    are computed and kept in at least float32, whatever the dtype of the inputs. Convex in `weight` and
    `bias` without `softcap`. A label that is neither a class nor `ignore_index` makes its item NaN.

    Some implementations leave the penalty without class weights and divide it by the number of items,
    and some leave out small parts of the gradient.

    References
    ----------
    Wijmans, Huval, Hertzberg, Koltun, Krähenbühl, *Cut your losses in large-vocabulary language models*,
    ICLR 2025, arXiv:2411.09009; Chowdhery et al., *PaLM: scaling language modeling with pathways*, 2022,
    arXiv:2204.02311, for the penalty.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> hidden, labels = np.asarray([[1.0, 2.0], [0.5, -1.0]]), np.asarray([2, 0])
    >>> weight, bias = np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.asarray([0.0, 0.5, 0.0])
    >>> round(float(al.linear_cross_entropy(hidden, weight, labels, bias)), 6)
    0.553201
    """
    xp, h, w, labels, b, softcap, z_loss, label_smoothing, class_weight, class_mask, chunk_size, _, done = (
        enter(
            linear_cross_entropy,
            (hidden, weight, labels, bias),
            sample_weight,
            where,
            reduction,
            normalizer,
            ignore_index=ignore_index,
            softcap=softcap,
            z_loss=z_loss,
            label_smoothing=label_smoothing,
            class_weight=class_weight,
            class_mask=class_mask,
            chunk_size=chunk_size,
            return_lse=return_lse,
        )
    )
    mass: Any = 1.0  # that of an item, as class weights have it
    if chunk_size is None:
        z = _logits(xp, h, w, b, softcap, class_mask)
        if class_weight is not None:
            mass = _target_mass(xp, z > -math.inf, labels, class_weight, label_smoothing)
            z = done.weigh(mass, z)
        items = cross_entropy(
            z,
            labels,
            class_weight=class_weight,
            label_smoothing=label_smoothing,
            ignore_index=None,
            reduction="none",
        )
    else:
        sums = _in_chunks(xp, chunk_size, h, w, b, labels, softcap, label_smoothing, class_weight, class_mask)
        items, z = _of_sums(xp, sums, label_smoothing)
        if class_weight is not None:
            mass = _mass_of_sums(xp, sums, label_smoothing)
            items, z = done.weigh(mass, items), done.weigh(mass, z)
    if not isinstance(z_loss, float) or z_loss > 0:
        items = items + z_loss * mass * log_sum_exp(xp, z) ** 2
    if not return_lse:
        return done(items)
    lse = log_sum_exp(xp, z)
    return LossAndLogSumExp(done(items), lse if done.valid is None else keep(xp, lse, done.valid))


def _logits(
    xp: Namespace, h: Array, w: Array, b: Array | None, softcap: Any, class_mask: Array | None
) -> Array:
    """softcap(W h + b), and -inf for the classes that are not possible."""
    z = matmul(xp, h, xp.permute_dims(w, (1, 0)))
    z = z if b is None else z + b
    z = z if softcap is None else softcap * tanh(xp, z / softcap)
    return z if class_mask is None else xp.where(class_mask, z, -math.inf)


def _target_mass(xp: Namespace, possible: Array, labels: Array, class_weight: Array, smoothing: Any) -> Array:
    """Σ w q over the classes, q being the label smoothed over the classes that are possible."""
    share = xp.astype(possible, class_weight.dtype)
    spread = divide(xp, xp.sum(share * class_weight, axis=-1), xp.sum(share, axis=-1))
    return (1 - smoothing) * pick(xp, class_weight, labels) + smoothing * spread


class _Sums(NamedTuple):
    """What there is to know of the logits z of some classes; `y` is the label, and w are the class weights.

    The last axis of the first four is that of the chunks. What needs class weights or smoothing is None
    without them.
    """

    m: Array  # the largest logit but z_y
    s: Array  # Σ exp(z_c - m) over c ≠ y
    below: Array | None  # Σ w_c (m - z_c) over the possible c ≠ y
    weight: Array | None  # Σ w_c over them
    z_y: Array
    w_y: Array | None
    number: Array | None  # the number of the possible c ≠ y


def _in_chunks(
    xp: Namespace,
    size: int,
    h: Array,
    w: Array,
    b: Array | None,
    labels: Array,
    softcap: Any,
    smoothing: Any,
    class_weight: Array | None,
    class_mask: Array | None,
) -> _Sums:
    """The sums over the classes, of which `size` at a time have their logits computed."""
    items, c = labels.shape, xp.arange(w.shape[0], dtype=labels.dtype, device=device(xp, labels))
    if class_mask is not None and class_mask.ndim > 1:
        class_mask = xp.reshape(class_mask, (-1, class_mask.shape[-1]))
    h, labels = xp.reshape(h, (-1, h.shape[-1])), xp.reshape(labels, (-1,))
    smoothed = _is_smoothed(smoothing)
    each, total = _sums(xp, size, w, b, class_weight, class_mask, c, h, labels, softcap, smoothed)
    each = [xp.reshape(x, (*items, x.shape[-1])) for x in each]
    total = [xp.reshape(x, items) for x in total]
    m, s, below, weight = each if smoothed else (*each, None, None)
    w_y = total[1] if class_weight is not None else None
    return _Sums(m, s, below, weight, total[0], w_y, total[-1] if smoothed else None)


@blockwise(0, 0, 0, -1, 0, None, None, None, None)
def _sums(
    xp: Namespace,
    w: Array,
    b: Array | None,
    class_weight: Array | None,
    class_mask: Array | None,
    c: Array,
    h: Array,
    labels: Array,
    softcap: Any,
    smoothed: bool,
) -> tuple[list[Array], list[Array]]:
    """Those of the fields of `_Sums` that are needed: for every chunk `c` of the classes, and for all."""
    z = _logits(xp, h, w, b, softcap, class_mask)
    label = labels[:, None] == c
    others = xp.where(label, -math.inf, z)
    m, s = exponentials(xp, others)
    each, total = [m, s], [xp.sum(xp.where(label, z, 0.0), axis=-1)]
    if class_weight is not None:
        total.append(xp.sum(xp.where(label, class_weight, 0.0), axis=-1))
    if smoothed:
        possible = others > -math.inf
        share = xp.astype(possible, z.dtype)
        weight = share if class_weight is None else share * class_weight
        m = offset(xp, m)[:, None]
        each += [xp.sum(weight * (m - xp.where(possible, z, m)), axis=-1), xp.sum(weight, axis=-1)]
        total.append(xp.sum(share, axis=-1))
    return each, total


def _of_sums(xp: Namespace, sums: _Sums, smoothing: Any) -> tuple[Array, Array]:
    """The items, and two logits with the log-sum-exp of all: the label's, and one for all others."""
    m, s = exponentials_of_parts(xp, sums.m, sums.s)
    ahead = lead(xp, sums.z_y, m, s)
    nll = softplus(xp, -ahead)
    z = xp.stack([sums.z_y, log_of(xp, m, s)], axis=-1)
    w_y = 1.0 if sums.w_y is None else sums.w_y
    if sums.below is None or sums.weight is None:
        return (nll if sums.w_y is None else product(xp, w_y, nll)), z
    # -log p of the others is m - z_c and what they have in common, log Σ exp(z - m).
    below = sums.below + sums.weight * (offset(xp, m)[..., None] - offset(xp, sums.m))
    common = product(xp, xp.sum(sums.weight, axis=-1), log_of(xp, 0.0, s) + softplus(xp, ahead))
    spread = xp.sum(below, axis=-1) + common + w_y * xp.where(sums.z_y > -math.inf, nll, 0.0)
    share = smoothing / nonzero(xp, _number_possible(xp, sums))
    return product(xp, (1 - smoothing) * w_y, nll) + share * spread, z


def _mass_of_sums(xp: Namespace, sums: _Sums, smoothing: Any) -> Array:
    """Σ w q over the classes, as `_target_mass`."""
    if sums.weight is None:
        return sums.w_y
    total = xp.sum(sums.weight, axis=-1) + xp.where(sums.z_y > -math.inf, sums.w_y, 0.0)
    return (1 - smoothing) * sums.w_y + smoothing * divide(xp, total, _number_possible(xp, sums))


def _number_possible(xp: Namespace, sums: _Sums) -> Array:
    return sums.number + xp.astype(sums.z_y > -math.inf, sums.z_y.dtype)


def _is_smoothed(smoothing: Any) -> bool:
    return not (isinstance(smoothing, float) and smoothing == 0)
