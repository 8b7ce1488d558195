"""The losses of Optax. They return items: the mean that its documentation takes of them is JAX's own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from optax import losses

FRAMEWORK = "jax"
CONSTANTS = {"binary_sparsemax_loss": ("target",)}  # labels that are 0 or 1, not probabilities

A = Any


# --- regression ----------------------------------------------------------------------------------


def squared_error(pred: A, target: A) -> A:
    return losses.squared_error(pred, target)


def huber_loss(pred: A, target: A, *, delta: A = 1.0) -> A:
    return losses.huber_loss(pred, target, delta=delta)


def log_cosh_loss(pred: A, target: A) -> A:
    return losses.log_cosh(pred, target)


def cosine_distance(pred: A, target: A, *, axis: int = -1, where: A = None) -> A:
    return losses.cosine_distance(pred, target, axis=axis, where=_of_elements(where, pred, axis))


# --- two classes ---------------------------------------------------------------------------------


def binary_cross_entropy_with_logits(logits: A, target: A) -> A:
    return losses.sigmoid_binary_cross_entropy(logits, target)


def sigmoid_focal_loss(logits: A, target: A, *, alpha: A = 0.25, gamma: A = 2.0) -> A:
    return losses.sigmoid_focal_loss(logits, target, alpha=alpha, gamma=gamma)


def hinge_loss(scores: A, labels: A) -> A:
    return losses.hinge_loss(scores, labels)


def perceptron_loss(scores: A, labels: A) -> A:
    return losses.perceptron_loss(scores, labels)


def binary_sparsemax_loss(logits: A, target: A) -> A:
    return losses.sparsemax_loss(logits, target)


# --- many classes --------------------------------------------------------------------------------


def cross_entropy(
    logits: A, target: A, *, label_smoothing: A = 0.0, axis: int = -1, class_mask: A = None, where: A = None
) -> A:
    counts = _that_counts(logits, axis, class_mask, where)
    if not (isinstance(label_smoothing, float) and label_smoothing == 0):
        return label_smoothed_cross_entropy(
            logits, target, smoothing=label_smoothing, axis=axis, class_mask=class_mask, where=where
        )
    if _are_labels(target):
        return losses.softmax_cross_entropy_with_integer_labels(logits, target, axis=axis, where=counts)
    return losses.softmax_cross_entropy(logits, target, axis=axis, where=counts)


def label_smoothed_cross_entropy(
    logits: A,
    target: A,
    *,
    smoothing: A = 0.1,
    smooth_true_class: bool = True,
    axis: int = -1,
    class_mask: A = None,
    where: A = None,
) -> A:
    if not smooth_true_class:
        raise NotImplementedError("smooth_labels leaves the true class its share")
    counts = _that_counts(logits, axis, class_mask, where)
    smooth = losses.smooth_labels(_rows(logits, target, axis), smoothing, axis=axis, where=counts)
    return losses.softmax_cross_entropy(logits, smooth, axis=axis, where=counts)


def poly1_cross_entropy(
    logits: A, target: A, *, epsilon: A = 2.0, axis: int = -1, class_mask: A = None, where: A = None
) -> A:
    counts = _that_counts(logits, axis, class_mask, where)
    return losses.poly_loss_cross_entropy(
        logits, _rows(logits, target, axis), epsilon=epsilon, axis=axis, where=counts
    )


def kl_divergence(
    log_probs: A,
    target: A,
    *,
    log_target: bool = False,
    generalized: bool = False,
    axis: int = -1,
    where: A = None,
) -> A:
    if log_target and generalized:
        raise NotImplementedError("generalized_kl_divergence takes probabilities")
    divergence = (
        losses.kl_divergence_with_log_targets
        if log_target
        else losses.generalized_kl_divergence
        if generalized
        else losses.kl_divergence
    )
    return divergence(log_probs, target, axis=axis, where=_of_elements(where, log_probs, axis))


def multiclass_hinge_loss(scores: A, labels: A, *, axis: int = -1) -> A:
    return losses.multiclass_hinge_loss(jnp.moveaxis(scores, axis, -1), labels)


def multiclass_perceptron_loss(scores: A, labels: A, *, axis: int = -1) -> A:
    return losses.multiclass_perceptron_loss(jnp.moveaxis(scores, axis, -1), labels)


def sparsemax_loss(logits: A, target: A, *, axis: int = -1) -> A:
    if not _are_labels(target):
        raise NotImplementedError("multiclass_sparsemax_loss takes labels")
    rows = jnp.moveaxis(logits, axis, -1)  # of one batch axis
    items = losses.multiclass_sparsemax_loss(rows.reshape(-1, rows.shape[-1]), target.reshape(-1))
    return items.reshape(target.shape)


def listnet_loss(
    scores: A, relevance: A, *, target: str = "softmax", mask: A = None, reduction: str = "mean"
) -> A:
    if target != "raw":
        raise NotImplementedError("ranking_softmax_loss takes the relevance for the mass")
    reduce = {"none": None, "sum": jnp.sum, "mean": jnp.mean}[reduction]
    return losses.ranking_softmax_loss(scores, relevance, where=mask, reduce_fn=reduce)


def ctc_loss(
    log_probs: A, labels: A, input_lengths: A = None, label_lengths: A = None, *, blank: int = 0
) -> A:
    if log_probs.ndim == 2:
        lengths = (None if n is None else n[None] for n in (input_lengths, label_lengths))
        return ctc_loss(log_probs[None], labels[None], *lengths, blank=blank)[0]
    padding = _padding(log_probs.shape[:2], input_lengths)
    items = losses.ctc_loss(log_probs, padding, labels, _padding(labels.shape, label_lengths), blank_id=blank)
    # Optax takes logits: it takes the mass of every frame off, which is 0 for log-probabilities only.
    frames = jnp.where(padding[..., None] == 1, 0, log_probs)
    return items - jnp.sum((1 - padding) * jax.nn.logsumexp(frames, axis=-1), axis=1)


# --- regions -------------------------------------------------------------------------------------


def dice_loss(
    probs: A,
    target: A,
    *,
    smooth_nr: A = 0.0,
    smooth_dr: A = 0.0,
    class_axis: int = 1,
    batch: bool = False,
    class_weight: A = None,
) -> A:
    _one_smoothing(smooth_nr, smooth_dr)
    # Optax halves the sums of the fraction, and so its smoothing.
    return _dice(probs, target, class_axis, batch, smooth=smooth_nr / 2, class_weights=class_weight)


def tversky_loss(
    probs: A,
    target: A,
    *,
    alpha: A = 0.5,
    beta: A = 0.5,
    smooth_nr: A = 0.0,
    smooth_dr: A = 0.0,
    class_axis: int = 1,
    batch: bool = False,
    class_weight: A = None,
) -> A:
    _one_smoothing(smooth_nr, smooth_dr)
    return _dice(
        probs, target, class_axis, batch, alpha=alpha, beta=beta, smooth=smooth_nr, class_weights=class_weight
    )


def _dice(probs: A, target: A, class_axis: int, batch: bool, **options: A) -> A:
    probs, target = (jnp.moveaxis(x, class_axis, -1) for x in (probs, target))
    return losses.dice_loss(
        probs,
        target,
        apply_softmax=False,
        axis=tuple(range(0 if batch else 1, probs.ndim - 1)),
        reduction="none",
        **options,
    )


def _one_smoothing(smooth_nr: A, smooth_dr: A) -> None:
    if not (isinstance(smooth_nr, float) and smooth_nr == smooth_dr):
        raise NotImplementedError("dice_loss adds one number above and below")


# --- embeddings ----------------------------------------------------------------------------------


def triplet_margin_loss(anchor: A, positive: A, negative: A, *, margin: A = 1.0, p: A = 2.0) -> A:
    return losses.triplet_margin_loss(anchor, positive, negative, norm_degree=p, margin=margin, eps=0.0)


def nt_xent_loss(embeddings: A, labels: A, *, temperature: A = 0.07, reduction: str = "mean") -> A:
    if reduction != "mean":
        raise NotImplementedError("ntxent returns the mean over the positive pairs")
    return losses.ntxent(embeddings, labels, temperature)


# --- how Optax takes labels and masks ------------------------------------------------------------


def _are_labels(target: A) -> bool:
    return bool(jnp.issubdtype(target.dtype, jnp.integer))


def _rows(logits: A, target: A, axis: int) -> A:
    """Where Optax takes rows of probabilities only, one-hot rows stand for labels."""
    if not _are_labels(target):
        return target
    return jax.nn.one_hot(target, logits.shape[axis], dtype=logits.dtype, axis=axis)


def _of_elements(where: A, x: A, axis: int) -> A:
    """The mask of items as one of the elements of `x`."""
    return None if where is None else jnp.broadcast_to(jnp.expand_dims(where, axis), x.shape)


def _that_counts(logits: A, axis: int, class_mask: A, where: A) -> A:
    """The one `where` of Optax, in the place of a mask of classes and one of items."""
    where = _of_elements(where, logits, axis)
    if class_mask is None:
        return where
    if class_mask.ndim == 1:
        class_mask = jnp.moveaxis(jnp.expand_dims(class_mask, tuple(range(logits.ndim - 1))), -1, axis)
    counts = jnp.broadcast_to(class_mask, logits.shape)
    return counts if where is None else counts & where


def _padding(shape: tuple[int, ...], lengths: A) -> A:
    """1 behind the length of each row."""
    if lengths is None:
        return jnp.zeros(shape)
    return (jnp.arange(shape[1]) >= lengths[:, None]).astype(float)
