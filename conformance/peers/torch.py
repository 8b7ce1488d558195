"""PyTorch: the functions of `torch.nn.functional`."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

FRAMEWORK = "torch"

Tensor = torch.Tensor


def absolute_error(
    pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    return F.l1_loss(
        pred, _as_large(target, pred), reduction=reduction, weight=_as_large(sample_weight, pred)
    )


def squared_error(
    pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    return F.mse_loss(
        pred, _as_large(target, pred), reduction=reduction, weight=_as_large(sample_weight, pred)
    )


def smooth_l1_loss(pred: Tensor, target: Tensor, *, beta: float = 1.0, reduction: str = "mean") -> Tensor:
    return F.smooth_l1_loss(pred, _as_large(target, pred), beta=beta, reduction=reduction)


def huber_loss(
    pred: Tensor,
    target: Tensor,
    *,
    delta: float = 1.0,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    return F.huber_loss(
        pred,
        _as_large(target, pred),
        delta=delta,
        reduction=reduction,
        weight=_as_large(sample_weight, pred),
    )


def gaussian_nll(
    pred: Tensor,
    target: Tensor,
    var: Tensor,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    return F.gaussian_nll_loss(
        pred, _as_large(target, pred), _as_large(var, pred), full=full, eps=eps, reduction=reduction
    )


def poisson_nll(
    pred: Tensor,
    target: Tensor,
    *,
    log_input: bool = True,
    full: bool | str = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    if full == "exact":
        raise NotImplementedError("the logarithm of the factorial is Stirling's")
    return F.poisson_nll_loss(
        pred, _as_large(target, pred), log_input=log_input, full=bool(full), eps=eps, reduction=reduction
    )


def binary_cross_entropy(
    probs: Tensor,
    target: Tensor,
    *,
    log_clamp: float | None = None,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    # PyTorch clamps the logarithm at -100. Who leaves it as it is gets that too.
    if log_clamp not in (None, -100.0):
        raise NotImplementedError("the logarithm is clamped at -100")
    return F.binary_cross_entropy(
        probs, _as_large(target, probs), weight=_as_large(sample_weight, probs), reduction=reduction
    )


def binary_cross_entropy_with_logits(
    logits: Tensor,
    target: Tensor,
    *,
    pos_weight: float | Tensor = 1.0,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    return F.binary_cross_entropy_with_logits(
        logits,
        _as_large(target, logits),
        weight=_as_large(sample_weight, logits),
        pos_weight=torch.as_tensor(pos_weight, dtype=logits.dtype),
        reduction=reduction,
    )


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    label_smoothing: float = 0.0,
    axis: int = -1,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    return F.cross_entropy(
        _classes_second(logits, axis),
        target if target.ndim < logits.ndim else _classes_second(target, axis),
        weight=_like(class_weight, logits),
        ignore_index=_a_label(ignore_index),
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def label_smoothed_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    smoothing: float = 0.1,
    smooth_true_class: bool = True,
    axis: int = -1,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    if not smooth_true_class:
        raise NotImplementedError("the label's class has a share in what is spread")
    return cross_entropy(
        logits,
        target,
        label_smoothing=smoothing,
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    labels: Tensor,
    bias: Tensor | None = None,
    *,
    label_smoothing: float = 0.0,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    chunk_size: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    if chunk_size is not None:
        raise NotImplementedError("chunks are of the batch, not of the classes")
    if hidden.ndim > 2:
        raise NotImplementedError("one axis of states")
    return F.linear_cross_entropy(
        hidden,
        weight,
        labels,
        linear_bias=bias,
        weight=_like(class_weight, hidden),
        ignore_index=_a_label(ignore_index),
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll_loss(
    log_probs: Tensor,
    labels: Tensor,
    *,
    axis: int = -1,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    return F.nll_loss(
        _classes_second(log_probs, axis),
        labels,
        weight=_like(class_weight, log_probs),
        ignore_index=_a_label(ignore_index),
        reduction=reduction,
    )


def kl_divergence(
    log_probs: Tensor,
    target: Tensor,
    *,
    log_target: bool = False,
    generalized: bool = False,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    if generalized:
        raise NotImplementedError("the masses of the two are not compared")
    if reduction == "none":
        return F.kl_div(log_probs, target, reduction="none", log_target=log_target).sum(axis)
    if reduction == "mean" and (log_probs.ndim != 2 or axis % log_probs.ndim != 1):
        raise NotImplementedError('"batchmean" divides by the size of the first axis')
    how = {"sum": "sum", "mean": "batchmean"}[reduction]  # its own "mean" divides by the classes too
    return F.kl_div(log_probs, target, reduction=how, log_target=log_target)


def distillation_loss(
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperature: float = 1.0,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    student = F.log_softmax(logits / temperature, axis)
    teacher = F.log_softmax(teacher_logits.detach() / temperature, axis)
    return kl_divergence(student, teacher, log_target=True, axis=axis, reduction=reduction) * temperature**2


def listnet_loss(
    scores: Tensor, relevance: Tensor, *, target: str = "softmax", reduction: str = "mean"
) -> Tensor:
    if target == "normalized":
        raise NotImplementedError("relevances are not normalised")
    mass = F.softmax(relevance, -1) if target == "softmax" else relevance
    return cross_entropy(scores, mass, reduction=reduction)


def ctc_loss(
    log_probs: Tensor,
    labels: Tensor,
    input_lengths: Tensor | None = None,
    label_lengths: Tensor | None = None,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    length_average: bool = True,
    reduction: str = "mean",
) -> Tensor:
    if reduction == "mean" and not length_average:
        raise NotImplementedError("a mean is one of the losses per label")
    *batch, frames, classes = log_probs.shape
    if input_lengths is None:
        input_lengths = torch.full(batch, frames)
    if label_lengths is None:
        label_lengths = torch.full(batch, labels.shape[-1])
    read = torch.arange(labels.shape[-1]) < label_lengths[..., None]
    if _any(read & ((labels < 0) | (labels >= classes))):
        raise NotImplementedError("labels are not checked: it reads and writes memory of others")
    return F.ctc_loss(
        log_probs.movedim(-2, 0),
        labels,
        input_lengths,
        label_lengths,
        blank=blank,
        reduction=reduction,
        zero_infinity=zero_infinity,
    )


def logistic_loss(scores: Tensor, labels: Tensor, *, reduction: str = "mean") -> Tensor:
    return F.soft_margin_loss(scores, labels, reduction=reduction)


def multiclass_hinge_loss(
    scores: Tensor,
    labels: Tensor,
    *,
    variant: str = "crammer_singer",
    margin: float = 1.0,
    power: int = 1,
    average_classes: bool = False,
    axis: int = -1,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    if variant != "weston_watkins" or not average_classes:
        raise NotImplementedError("Weston and Watkins, averaged over the classes")
    if scores.ndim > 2 or axis % scores.ndim != scores.ndim - 1:
        raise NotImplementedError("the classes are the last of at most two axes")
    return F.multi_margin_loss(
        scores, labels, p=power, margin=margin, weight=_like(class_weight, scores), reduction=reduction
    )


def margin_ranking_loss(
    x1: Tensor, x2: Tensor, target: Tensor, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    return F.margin_ranking_loss(
        x1, _as_large(x2, x1), _as_large(target, x1), margin=margin, reduction=reduction
    )


def cosine_distance(pred: Tensor, target: Tensor, *, axis: int = -1) -> Tensor:
    return 1 - F.cosine_similarity(pred, target, dim=axis)


def cosine_embedding_loss(
    x1: Tensor, x2: Tensor, labels: Tensor, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    if x1.ndim > 2:
        raise NotImplementedError("one axis of pairs")
    return F.cosine_embedding_loss(x1, x2, labels.expand(x1.shape[:-1]), margin=margin, reduction=reduction)


def contrastive_loss(
    x1: Tensor,
    x2: Tensor,
    labels: Tensor,
    *,
    margin: float = 1.0,
    pos_margin: float = 0.0,
    squared: bool = True,
    reduction: str = "mean",
) -> Tensor:
    if squared or pos_margin:
        raise NotImplementedError("the distance itself, and its hinge")
    distance = F.pairwise_distance(x1, x2, eps=0.0)
    return F.hinge_embedding_loss(
        distance, 2 * labels.expand(distance.shape) - 1, margin=margin, reduction=reduction
    )


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    squared: bool = False,
    soft: bool = False,
    reduction: str = "mean",
) -> Tensor:
    if squared or soft:
        raise NotImplementedError("the distance itself, and its hinge")
    return F.triplet_margin_loss(
        anchor, positive, negative, margin=margin, p=p, eps=0.0, swap=swap, reduction=reduction
    )


def _as_large(x: Any, pred: Tensor) -> Any:
    """PyTorch wants targets and weights of the shape of the prediction, which here may be broadcast."""
    return x if x is None else torch.as_tensor(x).expand(pred.shape)


def _like(weight: Tensor | None, pred: Tensor) -> Tensor | None:
    """Class weights are to be of the dtype of the prediction."""
    return None if weight is None else weight.to(pred.dtype)


def _classes_second(x: Tensor, axis: int) -> Tensor:
    return x.movedim(axis, min(1, x.ndim - 1))


def _a_label(ignore_index: int | None) -> int:
    if ignore_index is None:
        raise NotImplementedError("there is always a label that is ignored")
    return ignore_index


def _any(x: Tensor) -> bool:
    """Whether anything is true. What a compiler or `vmap` follows has no numbers to be seen."""
    is_followed = torch.compiler.is_compiling() or torch._C._functorch.is_batchedtensor(x)
    return not is_followed and bool(x.any())
