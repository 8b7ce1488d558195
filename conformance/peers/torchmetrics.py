"""TorchMetrics: the functional forms of what is a loss, or one with its sign turned or subtracted from 1.

Most of them give a mean only. That of a single item is its loss: unreduced, each item is a call.
Its SSIM pads the images by reflection, and its Dice scores round the probabilities.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from . import _torchvision_operators  # noqa: F401  it imports torchvision

import torchmetrics.functional as metrics  # isort: skip
import torchmetrics.functional.classification as classification  # isort: skip
import torchmetrics.functional.detection as detection  # isort: skip
import torchmetrics.functional.image as image  # isort: skip

FRAMEWORK = "torch"

Tensor = torch.Tensor
Metric = Callable[[Tensor, Tensor], Tensor]


def absolute_error(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return _mean(metrics.mean_absolute_error, pred, target, reduction)


def squared_error(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return _mean(metrics.mean_squared_error, pred, target, reduction)


def squared_log_error(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return _mean(metrics.mean_squared_log_error, pred, target, reduction)


def absolute_percentage_error(
    pred: Tensor, target: Tensor, *, eps: float | None = None, reduction: str = "mean"
) -> Tensor:
    if eps not in (None, 1.17e-6):
        raise NotImplementedError("the least that is divided by is 1.17e-6")
    return _mean(metrics.mean_absolute_percentage_error, pred, target, reduction)


def symmetric_absolute_percentage_error(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return _mean(metrics.symmetric_mean_absolute_percentage_error, pred, target, reduction)


def log_cosh_loss(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    def metric(p: Tensor, t: Tensor) -> Tensor:
        return metrics.log_cosh_error(p.flatten(), t.flatten())  # a matrix has a mean for each column

    return _mean(metric, pred, target, reduction)


def tweedie_deviance(pred: Tensor, target: Tensor, *, power: float = 1.5, reduction: str = "mean") -> Tensor:
    def metric(p: Tensor, t: Tensor) -> Tensor:
        return metrics.tweedie_deviance_score(p, t, power)

    return _mean(metric, pred, target, reduction)


def poisson_deviance(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return tweedie_deviance(pred, target, power=1.0, reduction=reduction)


def gamma_deviance(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return tweedie_deviance(pred, target, power=2.0, reduction=reduction)


def hinge_loss(scores: Tensor, labels: Tensor, *, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    return _hinge(scores, labels, margin, False, reduction)


def squared_hinge_loss(
    scores: Tensor, labels: Tensor, *, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    return _hinge(scores, labels, margin, True, reduction)


def multiclass_hinge_loss(
    scores: Tensor,
    labels: Tensor,
    *,
    variant: str = "crammer_singer",
    margin: float = 1.0,
    power: int = 1,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    if variant != "crammer_singer" or margin != 1 or scores.ndim != 2 or axis % 2 != 1:
        raise NotImplementedError("Crammer and Singer, with a margin of 1, of one axis of items")

    def metric(s: Tensor, y: Tensor) -> Tensor:
        return classification.multiclass_hinge_loss(s, y, s.shape[1], squared=power == 2)

    return _mean(metric, scores, labels, reduction)


def cross_entropy(
    logits: Tensor, target: Tensor, *, ignore_index: int | None = -100, reduction: str = "mean"
) -> Tensor:
    if target.ndim == logits.ndim or logits.ndim != 2:
        raise NotImplementedError("labels, of one axis of items")

    def metric(z: Tensor, y: Tensor) -> Tensor:
        return metrics.text.perplexity(z[None], y[None], ignore_index).log()

    return _mean(metric, logits, target, reduction)


def kl_divergence(
    log_probs: Tensor,
    target: Tensor,
    *,
    log_target: bool = False,
    generalized: bool = False,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    _distributions(log_probs, axis)
    if generalized:
        raise NotImplementedError("the masses of the two are not compared")
    if log_target:
        return metrics.kl_divergence(target, log_probs, log_prob=True, reduction=reduction)
    return metrics.kl_divergence(target, log_probs.exp(), reduction=reduction)


def js_divergence(
    log_probs: Tensor,
    target: Tensor,
    *,
    weight: float = 0.5,
    from_log: bool = True,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    _distributions(log_probs, axis)
    if weight != 0.5:
        raise NotImplementedError("a mixture in equal shares")
    return metrics.regression.jensen_shannon_divergence(
        log_probs, target, log_prob=from_log, reduction=reduction
    )


def cosine_distance(pred: Tensor, target: Tensor, *, axis: int = -1, reduction: str = "mean") -> Tensor:
    _distributions(pred, axis)
    if reduction == "sum":
        raise NotImplementedError("a sum of similarities does not say how many there are")
    return 1 - metrics.cosine_similarity(pred, target, reduction=reduction)


def iou_loss(
    pred: Tensor, target: Tensor, *, mode: str = "linear", fmt: str = "xyxy", reduction: str = "mean"
) -> Tensor:
    if mode != "linear":
        raise NotImplementedError("the overlap as it is")
    return _overlap(detection.intersection_over_union, pred, target, fmt, reduction)


def giou_loss(pred: Tensor, target: Tensor, *, fmt: str = "xyxy", reduction: str = "mean") -> Tensor:
    return _overlap(detection.generalized_intersection_over_union, pred, target, fmt, reduction)


def diou_loss(pred: Tensor, target: Tensor, *, fmt: str = "xyxy", reduction: str = "mean") -> Tensor:
    return _overlap(detection.distance_intersection_over_union, pred, target, fmt, reduction)


def ciou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    detach_alpha: bool = True,
    gate: float | None = None,
    fmt: str = "xyxy",
    reduction: str = "mean",
) -> Tensor:
    if not detach_alpha or gate is not None:
        raise NotImplementedError("the factor of the aspect ratio is a constant, at every overlap")
    return _overlap(detection.complete_intersection_over_union, pred, target, fmt, reduction)


def psnr_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float = 1.0,
    eps: float = 1e-8,
    event_axes: tuple[int, int, int] = (-3, -2, -1),
    reduction: str = "mean",
) -> Tensor:
    if eps != 0:
        raise NotImplementedError("nothing is added to the squared error")
    how = "elementwise_mean" if reduction == "mean" else reduction
    return -image.peak_signal_noise_ratio(pred, target, data_range, reduction=how, dim=event_axes)


def total_variation_loss(
    pred: Tensor,
    *,
    kind: str = "anisotropic",
    normalize: bool = False,
    eps: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    if kind != "anisotropic" or normalize or eps != 0:
        raise NotImplementedError("the sum of the two absolute differences")
    found = image.total_variation(pred.reshape(-1, *pred.shape[-3:]), reduction)
    return found.reshape(pred.shape[:-3]) if reduction == "none" else found


def _mean(metric: Metric, pred: Tensor, target: Tensor, reduction: str) -> Tensor:
    if target.ndim == 0:
        target = target.expand(pred.shape)
    if reduction == "mean":
        return metric(pred, target)
    if reduction == "sum":
        raise NotImplementedError("a mean")
    items = pred.ndim - target.ndim  # the axes of the classes
    flat = pred.reshape(-1, *pred.shape[pred.ndim - items :])
    each = [metric(p[None], t[None]) for p, t in zip(flat, target.reshape(-1), strict=True)]
    return torch.stack(each).reshape(target.shape)


def _hinge(scores: Tensor, labels: Tensor, margin: float, squared: bool, reduction: str) -> Tensor:
    if margin != 1:
        raise NotImplementedError("a margin of 1")

    def metric(s: Tensor, y: Tensor) -> Tensor:
        return classification.binary_hinge_loss(s, (y > 0).long(), squared)  # labels 0 and 1

    return _mean(metric, scores, labels, reduction)


def _distributions(x: Tensor, axis: int) -> None:
    if x.ndim != 2 or axis % 2 != 1:
        raise NotImplementedError("rows of a matrix")


def _overlap(metric: Callable[..., Tensor], pred: Tensor, target: Tensor, fmt: str, reduction: str) -> Tensor:
    if fmt != "xyxy" or pred.ndim != 2:
        raise NotImplementedError("two opposite corners, of one axis of boxes")
    if reduction == "sum":
        raise NotImplementedError("a mean")
    if reduction == "mean":
        return 1 - metric(pred, target)
    return 1 - metric(pred, target, aggregate=False).diagonal()  # of all pairs
