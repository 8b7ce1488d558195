"""Sequences: labelling without an alignment."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import LENGTHS, LOG_PROBABILITY, TOKENS
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import device, stop_gradient
from ._core.numeric import (
    classes,
    fold,
    greatest,
    log_add_exp,
    nonzero,
    offset,
    one_hot,
    pick,
)
from ._core.parameters import (
    FLAG,
    INTEGER,
)
from ._core.registry import loss
from ._core.selections import take_classes
from .autodiff.recompute import recursion

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["ctc_loss"]


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
    /,
    input_lengths: Array | None = None,
    label_lengths: Array | None = None,
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
    Graves, Fernández, Gomez, Schmidhuber, *Connectionist temporal classification: labelling unsegmented
    sequence data with recurrent neural networks*, ICML 2006.

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
    likelihood = _log_likelihood(xp, _emissions(xp, y, labels, frames, blank), labels, count)
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


def _emissions(xp: Namespace, y: Array, labels: Array, frames: Array, blank: int) -> Array:
    """The log-probabilities (T, ..., 1 + S) of the blank and of each label, frame by frame.

    In the frames after the last nothing but blanks is possible, which are certain.
    """
    lead = tuple(labels.shape[:-1])
    like = {"dtype": labels.dtype, "device": device(xp, labels)}
    wanted = xp.concat([xp.full((*lead, 1), blank, **like), labels], axis=-1)
    p = xp.permute_dims(take_classes(xp, y, wanted), (len(lead), *range(len(lead)), len(lead) + 1))
    live = xp.reshape(classes(xp, p, axis=0), (-1,) + (1,) * (len(lead) + 1)) < frames[..., None]
    return xp.where(live, p, xp.where(classes(xp, p) == 0, xp.zeros_like(p[:1, ...]), -math.inf))


def _forward(
    xp: Namespace, p: Array, labels: Array, done: Array, keep: bool = False
) -> tuple[tuple[Array, Array], Array, tuple[Array, ...]]:
    """The forward variables, for the first 0, 1, … S labels, of which some are `done` before the first frame.

    They are the log-probabilities of having emitted these labels and no more: in all ways that end
    in a blank (or before the first frame), and in all that end in the last of them, of which there is
    one less. In every frame the largest is set to 0, lest long sums lose the digits of the others.

    They are those after the last frame, with what was taken from them in all; and those before each
    frame's own probability has entered, if they are to be kept.
    """
    S = labels.shape[-1]
    first = min(S, 1)
    distinct = labels != xp.concat([labels[..., :first], labels[..., : S - first]], axis=-1)
    nothing = xp.zeros((*labels.shape[:-1], S + 1), dtype=p.dtype, device=device(xp, p))
    ends_blank = xp.where(one_hot(xp, done, nothing), nothing, -math.inf)
    ends_label = nothing[..., :S] - math.inf
    never = nothing[..., :1] - math.inf

    def step(ends_blank: Array, ends_label: Array, p: Array) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        # A blank follows either; a label follows itself, the blank before it, and the label before
        # it if that is another one.
        blank = log_add_exp(xp, ends_blank, xp.concat([never, ends_label], axis=-1))
        label = log_add_exp(xp, ends_label, xp.where(distinct, blank[..., :S], ends_blank[..., :S]))
        most = xp.maximum(greatest(xp, stop_gradient(xp, blank), keepdims=True), -3e38)  # -inf stays -inf
        p = p - most
        return (p[..., :1] + blank, p[..., 1:] + label), ((most, blank, label) if keep else (most,))

    last, (most, *kept) = fold(xp, step, (ends_blank, ends_label), p)
    return last, xp.sum(most[..., 0], axis=0), tuple(kept)


def _likelihood(xp: Namespace, last: tuple[Array, Array], taken: Array, count: Array) -> Array:
    """The log-probability of the first labels, as many as `count` says."""
    ends_blank, ends_label = last
    ends_label = xp.concat([xp.zeros_like(ends_blank[..., :1]) - math.inf, ends_label], axis=-1)
    return pick(xp, log_add_exp(xp, ends_blank, ends_label), count) + taken


def _with_shares(xp: Namespace, p: Array, labels: Array, count: Array) -> tuple[Array, Array]:
    """The log-likelihood and its gradient: the probability of each state, given the labels, in every frame.

    The backward variables are the forward ones of the sequence in reverse.
    """
    S = labels.shape[-1]

    def reverse(p: Array) -> Array:
        return xp.concat([xp.flip(p[..., :1], axis=0), xp.flip(p[..., 1:], axis=(0, -1))], axis=-1)

    both_ways = xp.stack([p, reverse(p)], axis=1)
    labels = xp.stack([labels, xp.flip(labels, axis=-1)], axis=0)
    done = xp.stack([xp.zeros_like(count), S - count], axis=0)
    last, taken, kept = _forward(xp, both_ways, labels, done, keep=True)
    joint = [x[:, 0, ...] + xp.flip(x[:, 1, ...], axis=(0, -1)) for x in kept]
    z = xp.concat([p[..., :1] + joint[0], p[..., 1:] + joint[1]], axis=-1)
    # Shares of each frame's own total, because what was taken from the variables is no part of them.
    e = xp.exp(z - offset(xp, greatest(xp, stop_gradient(xp, z), keepdims=True)))
    share = xp.concat([xp.sum(e[..., : S + 1], axis=-1, keepdims=True), e[..., S + 1 :]], axis=-1)
    likelihood = _likelihood(xp, tuple(x[0, ...] for x in last), taken[0, ...], count)
    return likelihood, share / nonzero(xp, xp.sum(share, axis=-1, keepdims=True))


@recursion(_with_shares)
def _log_likelihood(xp: Namespace, p: Array, labels: Array, count: Array) -> Array:
    last, taken, _ = _forward(xp, p, labels, xp.zeros_like(count))
    return _likelihood(xp, last, taken, count)
