"""The losses of Keras, on the backend that it runs on. Items come from its functions, what is weighed or
reduced from its classes. It computes in `keras.config.floatx()`, which is set to what comes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import losses, ops, regularizers

FRAMEWORK = keras.backend.backend()

A = Any


# --- regression ----------------------------------------------------------------------------------


def absolute_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.mean_absolute_error, losses.MeanAbsoluteError, pred, target, sample_weight, reduction)


def squared_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.mean_squared_error, losses.MeanSquaredError, pred, target, sample_weight, reduction)


def absolute_percentage_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    percent = _each(
        losses.mean_absolute_percentage_error,
        losses.MeanAbsolutePercentageError,
        pred,
        target,
        sample_weight,
        reduction,
    )
    return percent / 100


def squared_log_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(
        losses.mean_squared_logarithmic_error,
        losses.MeanSquaredLogarithmicError,
        pred,
        target,
        sample_weight,
        reduction,
    )


def huber_loss(pred: A, target: A, *, delta: A = 1.0, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.huber, losses.Huber, pred, target, sample_weight, reduction, delta=delta)


def log_cosh_loss(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.log_cosh, losses.LogCosh, pred, target, sample_weight, reduction)


def poisson_nll(
    pred: A,
    target: A,
    *,
    log_input: bool = True,
    eps: A = 1e-8,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    if log_input:
        raise NotImplementedError("poisson takes the expected count")
    if not _is_one_of(eps, 1e-8):
        raise NotImplementedError("poisson adds keras.config.epsilon()")
    return _each(losses.poisson, losses.Poisson, pred, target, sample_weight, reduction)


def cosine_distance(
    pred: A, target: A, *, axis: int = -1, sample_weight: A = None, reduction: str = "mean"
) -> A:
    if reduction != "none" or sample_weight is not None:
        raise NotImplementedError("CosineSimilarity reduces and weighs similarities")
    _compute_in(pred)
    return 1 + losses.cosine_similarity(target, pred, axis=axis)


# --- two classes ---------------------------------------------------------------------------------


def binary_cross_entropy(probs: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(
        losses.binary_crossentropy, losses.BinaryCrossentropy, probs, target, sample_weight, reduction
    )


def binary_cross_entropy_with_logits(
    logits: A, target: A, *, sample_weight: A = None, reduction: str = "mean"
) -> A:
    return _each(
        losses.binary_crossentropy,
        losses.BinaryCrossentropy,
        logits,
        target,
        sample_weight,
        reduction,
        from_logits=True,
    )


def sigmoid_focal_loss(
    logits: A, target: A, *, alpha: A = 0.25, gamma: A = 2.0, sample_weight: A = None, reduction: str = "mean"
) -> A:
    balance = {} if alpha is None else {"apply_class_balancing": True, "alpha": alpha}
    return _each(
        losses.binary_focal_crossentropy,
        losses.BinaryFocalCrossentropy,
        logits,
        target,
        sample_weight,
        reduction,
        gamma=gamma,
        from_logits=True,
        **balance,
    )


def hinge_loss(scores: A, labels: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.hinge, losses.Hinge, scores, labels, sample_weight, reduction)


def squared_hinge_loss(scores: A, labels: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _each(losses.squared_hinge, losses.SquaredHinge, scores, labels, sample_weight, reduction)


# --- many classes --------------------------------------------------------------------------------


def cross_entropy(
    logits: A,
    target: A,
    *,
    label_smoothing: A = 0.0,
    axis: int = -1,
    ignore_index: int | None = -100,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    if not _are_labels(target):
        return _rows(
            losses.categorical_crossentropy,
            losses.CategoricalCrossentropy,
            logits,
            target,
            sample_weight,
            reduction,
            from_logits=True,
            label_smoothing=label_smoothing,
            axis=axis,
        )
    if not _is_one_of(label_smoothing, 0):
        raise NotImplementedError("sparse_categorical_crossentropy does not smooth")
    return _rows(
        losses.sparse_categorical_crossentropy,
        losses.SparseCategoricalCrossentropy,
        logits,
        target,
        sample_weight,
        reduction,
        from_logits=True,
        ignore_class=ignore_index,
        axis=axis,
    )


def label_smoothed_cross_entropy(
    logits: A,
    target: A,
    *,
    smoothing: A = 0.1,
    smooth_true_class: bool = True,
    axis: int = -1,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    if not smooth_true_class:
        raise NotImplementedError("label_smoothing leaves the true class its share")
    rows = _one_hot(target, logits, axis) if _are_labels(target) else target
    return cross_entropy(
        logits, rows, label_smoothing=smoothing, axis=axis, sample_weight=sample_weight, reduction=reduction
    )


def softmax_focal_loss(
    logits: A,
    target: A,
    *,
    alpha: A = None,
    gamma: A = 2.0,
    axis: int = -1,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    return _rows(
        losses.categorical_focal_crossentropy,
        losses.CategoricalFocalCrossentropy,
        logits,
        _one_hot(target, logits, axis) if _are_labels(target) else target,
        sample_weight,
        reduction,
        alpha=1.0 if alpha is None else alpha,
        gamma=gamma,
        from_logits=True,
        axis=axis,
    )


def log_loss(
    probs: A,
    labels: A,
    *,
    axis: int = -1,
    ignore_index: int | None = -100,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    if probs.ndim == labels.ndim:
        return binary_cross_entropy(probs, labels, sample_weight=sample_weight, reduction=reduction)
    return _rows(
        losses.sparse_categorical_crossentropy,
        losses.SparseCategoricalCrossentropy,
        probs,
        labels,
        sample_weight,
        reduction,
        ignore_class=ignore_index,
        axis=axis,
    )


def kl_divergence(
    log_probs: A,
    target: A,
    *,
    log_target: bool = False,
    axis: int = -1,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    if log_target:
        raise NotImplementedError("kl_divergence takes probabilities")
    probs, target = (ops.moveaxis(x, axis, -1) for x in (ops.exp(log_probs), target))
    return _rows(losses.kl_divergence, losses.KLDivergence, probs, target, sample_weight, reduction)


def multiclass_hinge_loss(
    scores: A, labels: A, *, axis: int = -1, sample_weight: A = None, reduction: str = "mean"
) -> A:
    scores = ops.moveaxis(scores, axis, -1)
    rows = _one_hot(labels, scores, -1)
    return _rows(losses.categorical_hinge, losses.CategoricalHinge, scores, rows, sample_weight, reduction)


def ctc_loss(
    log_probs: A, labels: A, input_lengths: A = None, label_lengths: A = None, *, blank: int = 0
) -> A:
    if log_probs.ndim == 2:
        lengths = (None if n is None else n[None] for n in (input_lengths, label_lengths))
        return ctc_loss(log_probs[None], labels[None], *lengths, blank=blank)[0]
    _compute_in(log_probs)
    batch, frames, _ = log_probs.shape
    inputs = ops.full((batch,), frames, dtype="int32") if input_lengths is None else input_lengths
    length = ops.full((batch,), labels.shape[1], dtype="int32") if label_lengths is None else label_lengths
    items = ops.ctc_loss(labels, log_probs, length, inputs, mask_index=blank)
    # Keras takes logits: it takes the mass of every frame off, which is 0 for log-probabilities only.
    live = ops.arange(frames) < inputs[:, None]
    mass = ops.logsumexp(ops.where(live[..., None], log_probs, 0), axis=-1)
    return items - ops.sum(ops.where(live, mass, 0), axis=1)


# --- regions -------------------------------------------------------------------------------------


def dice_loss(
    probs: A, target: A, *, smooth_nr: A = 0.0, smooth_dr: A = 0.0, class_axis: int = 1, batch: bool = False
) -> A:
    # Keras adds its epsilon to the denominator, and nothing else.
    if not (_is_one_of(smooth_nr, 0) and _is_one_of(smooth_dr, 0, keras.config.epsilon())):
        raise NotImplementedError("dice has no smoothing")
    _compute_in(probs)
    return losses.dice(target, probs, axis=_summed(probs, class_axis, batch))


def tversky_loss(
    probs: A, target: A, *, alpha: A = 0.5, beta: A = 0.5, class_axis: int = 1, batch: bool = False
) -> A:
    _compute_in(probs)
    axis = _summed(probs, class_axis, batch)
    return losses.tversky(target, probs, alpha=alpha, beta=beta, axis=axis)


def _summed(probs: A, class_axis: int, batch: bool) -> tuple[int, ...]:
    kept = {class_axis % probs.ndim} | (set() if batch else {0})
    return tuple(i for i in range(probs.ndim) if i not in kept)


# --- embeddings ----------------------------------------------------------------------------------


def circle_loss(
    embeddings: A,
    labels: A,
    ref: A = None,
    ref_labels: A = None,
    *,
    margin: float = 0.4,
    gamma: float = 80.0,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    _compute_in(embeddings)
    embeddings = ops.normalize(embeddings, axis=-1)  # which Keras asks of the caller
    if ref is None:
        return _rows(
            losses.circle,
            losses.Circle,
            embeddings,
            labels,
            sample_weight,
            reduction,
            gamma=gamma,
            margin=margin,
        )
    if reduction != "none" or sample_weight is not None:
        raise NotImplementedError("Circle compares a batch with itself")
    return losses.circle(
        labels,
        embeddings,
        ref_labels,
        ops.normalize(ref, axis=-1),
        remove_diagonal=False,
        gamma=gamma,
        margin=margin,
    )


# --- penalties -----------------------------------------------------------------------------------


def l1_penalty(params: A, *, weight: float = 1.0) -> A:
    return _one_array(regularizers.L1(_of_one(weight)), params)


def l2_penalty(params: A, *, weight: float = 1.0, half_l2: bool = False) -> A:
    return _one_array(regularizers.L2(_of_one(weight) / 2 if half_l2 else weight), params)


def elastic_net_penalty(params: A, *, alpha: float = 1.0, l1_ratio: float = 0.5, half_l2: bool = True) -> A:
    l2 = alpha * (1 - _of_one(l1_ratio))
    return _one_array(regularizers.L1L2(l1=alpha * l1_ratio, l2=l2 / 2 if half_l2 else l2), params)


def _one_array(regularizer: Callable[[A], A], params: A) -> A:
    if isinstance(params, list | tuple | dict):
        raise NotImplementedError("a regularizer is of one array")
    _compute_in(params)
    return regularizer(params)


def _of_one(coefficient: A) -> float:
    if isinstance(coefficient, list | tuple | dict):
        raise NotImplementedError("a regularizer is of one array")
    return float(coefficient)


# --- how Keras reduces ---------------------------------------------------------------------------


def _each(
    function: Callable[..., A], loss: type, pred: A, target: A, sample_weight: A, reduction: str, **options: A
) -> A:
    """A loss that Keras averages over the last axis: here one of a single element."""
    return _rows(function, loss, pred[..., None], target[..., None], sample_weight, reduction, **options)


def _rows(
    function: Callable[..., A], loss: type, pred: A, target: A, sample_weight: A, reduction: str, **options: A
) -> A:
    _compute_in(pred)
    if reduction == "none" and sample_weight is None:
        return function(target, pred, **options)
    return loss(reduction=reduction, **options)(target, pred, sample_weight=sample_weight)


def _compute_in(x: A) -> None:
    keras.config.set_floatx(keras.backend.standardize_dtype(x.dtype))


def _is_one_of(x: A, *numbers: float) -> bool:
    """Whether an option is one of these numbers, without a look at the value of an array."""
    return isinstance(x, int | float) and x in numbers


def _are_labels(target: A) -> bool:
    return "int" in str(target.dtype)


def _one_hot(labels: A, like: A, axis: int) -> A:
    """Rows in the place of labels, which Keras asks of the caller."""
    return ops.one_hot(labels, like.shape[axis], axis=axis, dtype=like.dtype)
