"""Sequences: alignment-free labelling and large vocabularies."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

from ._core.domains import CLASSES, LENGTHS, LOG_PROBABILITY, REAL, TOKENS
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import device, scan, stop_gradient
from ._core.numeric import (
    classes,
    divide,
    exp,
    exponentials,
    exponentials_of_parts,
    fold,
    greatest,
    lead,
    log_add_exp,
    log_of,
    log_sum_exp,
    matmul,
    nonzero,
    offset,
    pick,
    product,
    softplus,
    tanh,
)
from ._core.parameters import (
    CLASS_MASK,
    CLASS_WEIGHT,
    COUNT,
    FLAG,
    FRACTION,
    INTEGER,
    NONNEGATIVE,
    POSITIVE,
    optional,
)
from ._core.registry import loss
from .autodiff.primitives import function_with, reduction
from .autodiff.recompute import blockwise
from .autodiff.rules import Rule
from .autodiff.trace import raw
from .multiclass import cross_entropy

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["linear_cross_entropy", "ctc_loss"]


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
)
def linear_cross_entropy(
    hidden: A,
    weight: Array,
    labels: Array,
    bias: Array | None = None,
    /,
    *,
    softcap: float | None = None,
    z_loss: float = 0.0,
    label_smoothing: float = 0.0,
    class_weight: Array | None = None,
    class_mask: Array | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
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
        The coefficient :math:`\lambda \ge 0` of a penalty that keeps the softmax's denominator near 1;
        1e-4 is usual.
    label_smoothing, class_weight, class_mask, ignore_index
        As for :func:`cross_entropy`. The penalty has the weight that the item has.
    chunk_size : int, optional
        Of how many classes logits are held at a time, in derivatives too, which compute them again. By
        default all of them are.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

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
    ICLR 2025, arXiv:2411.09009; Chowdhery et al., *PaLM*, 2022, arXiv:2204.02311, for the penalty.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> hidden, labels = np.asarray([[1.0, 2.0], [0.5, -1.0]]), np.asarray([2, 0])
    >>> weight, bias = np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.asarray([0.0, 0.5, 0.0])
    >>> round(float(al.linear_cross_entropy(hidden, weight, labels, bias)), 6)
    0.553201
    """
    xp, h, w, labels, b, softcap, z_loss, label_smoothing, class_weight, class_mask, chunk_size, done = enter(
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
    return done(items)


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


@loss(
    "(..., t, c), (..., s), (...), (...) -> (...)",
    log_probs=LOG_PROBABILITY,
    labels=TOKENS,
    input_lengths=LENGTHS,
    label_lengths=LENGTHS,
    blank=INTEGER,
    zero_infinity=FLAG,
    length_average=FLAG,
)
def ctc_loss(
    log_probs: A,
    labels: Array,
    input_lengths: Array | None = None,
    label_lengths: Array | None = None,
    /,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    length_average: bool = True,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""CTC loss, connectionist temporal classification: sequence labelling without an alignment.

    .. math::

        \ell = -\log \sum_{\pi \in \mathcal B^{-1}(y)} \prod_{t=1}^{T} p_t(\pi_t)

    where :math:`\mathcal B` merges what repeats in a path :math:`\pi` of one class per frame and then
    removes the blanks: the sum is the probability of all alignments of the labels :math:`y`.

    Parameters
    ----------
    log_probs : array of real floating dtype, shape (..., T, C)
        The log-probabilities :math:`\log p` of the C classes, the blank among them, in each of T
        frames: a log-softmax of the logits. They are neither checked nor normalised again.
    labels : array of integer dtype, shape (..., S)
        The labels :math:`y` of each sequence, padded to S.
    input_lengths : array of integer dtype, shape (...), optional
        How many frames each sequence has, at most T; all T if not given. The frames after them may
        hold anything.
    label_lengths : array of integer dtype, shape (...), optional
        How many labels each sequence has, at most S; all S if not given. The labels after them may
        be anything.
    blank : int, default 0
        The class that stands for no label.
    zero_infinity : bool, default False
        Whether a sequence without any possible alignment has loss 0. It still counts in a mean.
    length_average : bool, default True
        Whether a mean is one of the losses per label, that is of each loss divided by the larger of 1
        and its number of labels. Sums and unreduced losses are not divided.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a sequence.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In nats.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a `blank` that is
        not a class.

    Notes
    -----
    The gradient with respect to `log_probs` is minus the probability of each class in each frame
    given the labels. Some implementations return instead what belongs to the logits before the
    softmax; with a log-softmax in the graph the two agree.

    A sequence with fewer frames than its labels and the blanks between equal neighbours need has no
    alignment, and neither has one all of whose paths have probability 0: the loss is infinite, its
    gradient 0. No finite number stands in for it. No labels are legal: then all frames are blank, and
    without frames the loss is 0. A label that is the blank or no class makes its sequence NaN, and so
    does a length that does not fit.

    References
    ----------
    Graves, Fernández, Gomez, Schmidhuber, *Connectionist temporal classification*, ICML 2006.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    >>> round(float(al.ctc_loss(np.log(p), np.asarray([1, 2]), reduction="sum")), 6)
    0.715393
    """
    xp, y, labels, frames, count, blank, zero_infinity, length_average, done = enter(
        ctc_loss,
        (log_probs, labels, input_lengths, label_lengths),
        sample_weight,
        where,
        reduction,
        normalizer,
        blank=blank,
        zero_infinity=zero_infinity,
        length_average=length_average,
    )
    if not 0 <= blank < y.shape[-1]:
        raise refuse("ctc_loss", "blank", f"be a class, from 0 to {y.shape[-1] - 1}", blank)
    labels, frames, count = _legal_labels(xp, y, labels, frames, count, blank, done)
    path, skip = _path(xp, labels, blank, y.dtype)
    live = classes(xp, y, axis=-2) < frames[..., None]
    emitted = xp.where(live[..., None], _at_labels(xp, y, path), 0.0)
    likelihood = xp.squeeze(_log_likelihood(xp, emitted, skip, live, count), axis=(-2, -1))
    impossible = likelihood == -math.inf
    nll = xp.where(impossible, 0.0 if zero_infinity else math.inf, 0.0 - likelihood)
    if length_average and reduction == "mean":
        nll = nll / xp.astype(xp.where(count > 1, count, 1), nll.dtype)
    return done(nll)


def _legal_labels(
    xp: Namespace, y: Array, labels: Array, frames: Array | None, count: Array | None, blank: int, done: Any
) -> tuple[Array, Array, Array]:
    """The labels, blank where there is none, and both lengths; illegal ones make their item NaN."""
    T, C, S = y.shape[-2], y.shape[-1], labels.shape[-1]
    full = {"shape": done.shape, "dtype": labels.dtype, "device": device(xp, labels)}
    frames = xp.full(fill_value=T, **full) if frames is None else frames
    count = xp.full(fill_value=S, **full) if count is None else count
    used = xp.arange(S, dtype=labels.dtype, device=device(xp, labels)) < count[..., None]
    bad = used & ((labels < 0) | (labels >= C) | (labels == blank))
    misfit = (frames < 0) | (frames > T) | (count < 0) | (count > S)
    done.poison(misfit | xp.any(bad, axis=-1))
    return (
        xp.where(used & ~bad, labels, blank),
        xp.where(misfit, 0, frames),
        xp.where(misfit, 0, count),
    )


def _path(xp: Namespace, labels: Array, blank: int, dtype: Any) -> tuple[Array, Array]:
    """Blank, label, blank, … blank, and 0 where a label may follow the last one directly, otherwise -inf."""
    S = labels.shape[-1]
    lead = tuple(labels.shape[:-1])
    blanks = xp.full((*lead, S + 1), blank, dtype=labels.dtype, device=device(xp, labels))
    path = _interleaved(xp, blanks, labels)
    first = min(S, 1)
    distinct = labels != xp.concat([labels[..., :first], labels[..., : S - first]], axis=-1)
    never = xp.full((*lead, S + 1), -math.inf, dtype=dtype, device=device(xp, labels))
    return path, _interleaved(xp, never, xp.where(distinct, xp.zeros_like(never[..., :S]), never[..., :S]))


def _interleaved(xp: Namespace, a: Array, b: Array) -> Array:
    """a₀, b₀, a₁, … of which the first has one more."""
    if 0 in b.shape:
        return xp.concat([a, b], axis=-1)
    pairs = xp.stack([a[..., :-1], b], axis=-1)
    return xp.concat([xp.reshape(pairs, (*b.shape[:-1], 2 * b.shape[-1])), a[..., -1:]], axis=-1)


def _push_at_labels(xp: Namespace, ts: list[Any], _: Array, y: Array, path: Array) -> Array:
    return _at_labels(xp, ts[0], path)


def _pull_at_labels(xp: Namespace, i: int, _: Array, y: Array, path: Array) -> Any:
    # By a product with the one-hot labels of its sequence, and not by a scatter, which not all have.
    base: Any = getattr(xp, "base", xp)  # of our own engine: a constant is the library's own
    path = raw(path)
    each = base.arange(y.shape[-1], dtype=path.dtype, device=device(base, path))
    hot = base.astype(path[..., None] == each, y.dtype)
    return lambda c: matmul(xp, c, hot)


@function_with(Rule(_push_at_labels, _pull_at_labels, frozenset("b")), axes=2)
def _at_labels(xp: Namespace, y: Array, path: Array) -> Array:
    """The entries (..., T, K) of `y` (..., T, C) that the labels (..., K) name in every frame."""
    *lead, T, C = y.shape
    if 0 in (*lead, T):  # Dask does not reshape nothing
        return xp.zeros((*lead, T, path.shape[-1]), dtype=y.dtype, device=device(xp, y))
    row = xp.arange(math.prod(lead) * T, dtype=path.dtype, device=device(xp, path))
    places = xp.reshape(row * C, (*lead, T, 1)) + path[..., None, :]
    flat = xp.reshape(y, (math.prod(y.shape),))
    return xp.reshape(xp.take(flat, xp.reshape(places, (math.prod(places.shape),)), axis=0), places.shape)


def _by_frame(xp: Namespace, x: Array) -> Array:
    """An array (..., T, K) with the frames first."""
    return xp.permute_dims(x, (x.ndim - 2, *range(x.ndim - 2), x.ndim - 1))


def _step(xp: Namespace, skip: Array) -> Any:
    """One frame of the forward recursion: the log-probabilities of having come to each place of the path."""
    never = xp.full((*skip.shape[:-1], 2), -math.inf, dtype=skip.dtype, device=device(xp, skip))

    def step(alpha: Array, emitted: Array, live: Array) -> tuple[Array]:
        # From the place itself, from the one before, and past a blank that may be left out.
        padded = xp.concat([never, alpha], axis=-1)
        come = log_add_exp(xp, log_add_exp(xp, alpha, padded[..., 1:-1]), padded[..., :-2] + skip)
        return (xp.where(live, emitted + come, alpha),)

    return step


def _start(xp: Namespace, skip: Array) -> Array:
    """Before the first frame: at the first blank."""
    nothing = xp.zeros_like(skip[..., :1])
    return xp.concat([nothing, xp.full_like(skip[..., 1:], -math.inf)], axis=-1)


def _end(xp: Namespace, alpha: Array, count: Array) -> Array:
    """The log-probability of being at the last label or the blank after it."""
    label = pick(xp, alpha, xp.where(count > 0, 2 * count - 1, 0))
    return log_add_exp(xp, pick(xp, alpha, 2 * count), xp.where(count > 0, label, -math.inf))


def _probability_of_places(
    xp: Namespace, emitted: Array, _: Array, skip: Array, live: Array, count: Array
) -> Array:
    """The probability (..., T, K) of being at each place in each frame, given the labels."""
    if 0 in emitted.shape:
        return emitted
    e, live = _by_frame(xp, emitted), _by_frame(xp, live[..., None])
    (alpha,) = scan(xp, _from_the_greatest(xp, _step(xp, skip)), (_start(xp, skip),), (e, live))
    # Backward is forward along the path from its end, but a frame is left before it counts.
    nowhere = xp.full_like(xp.concat([skip, skip], axis=-1)[..., :2], -math.inf)
    step = _step(xp, xp.flip(xp.concat([skip, nowhere], axis=-1)[..., 2:], axis=-1))
    leave = _from_the_greatest(xp, lambda beta, e, live: step(xp.where(live, e + beta, beta), 0.0, live))
    k = classes(xp, skip) - 2 * count[..., None]
    end = xp.flip(xp.where((k == 0) | (k == -1), 0.0, xp.full_like(skip, -math.inf)), axis=-1)
    (beta,) = scan(xp, leave, (end,), (xp.flip(e, axis=(0, -1)), xp.flip(live, axis=0)))
    beta = xp.flip(xp.concat([end[None, ...], beta[:-1, ...]], axis=0), axis=(0, -1))
    at = alpha + beta
    share = exp(xp, at - offset(xp, log_sum_exp(xp, at))[..., None])
    share = xp.where(live, share, 0.0)
    return xp.permute_dims(share, (*range(1, share.ndim - 1), 0, share.ndim - 1))


def _from_the_greatest(xp: Namespace, step: Any) -> Any:
    """A recursion of log-probabilities less their greatest, so that none loses its digits to many frames."""

    def less(*args: Array) -> tuple[Array]:
        (x,) = step(*args)
        return (x - offset(xp, greatest(xp, stop_gradient(xp, x), keepdims=True)),)

    return less


@reduction(_probability_of_places, axes=2, loops=True)
def _log_likelihood(xp: Namespace, emitted: Array, skip: Array, live: Array, count: Array) -> Array:
    """The log-probability of all paths through the places, given those of the places in every frame."""
    frames = _by_frame(xp, emitted), _by_frame(xp, live[..., None])
    (alpha,) = fold(xp, _step(xp, skip), (_start(xp, skip),), frames)
    return _end(xp, alpha, count)[..., None, None]
