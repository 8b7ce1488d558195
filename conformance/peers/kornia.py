"""kornia: `kornia.losses`.

Its Dice, Tversky and Lovász softmax losses take logits where ours take probabilities, so that their
gradients are others; its MS-SSIM is mixed with an absolute error, and its Hausdorff loss erodes where ours
has distances.
"""

from __future__ import annotations

import math

import kornia.losses as losses
import torch

FRAMEWORK = "torch"
CONSTANTS = {"sigmoid_focal_loss": ("target",)}  # labels

Tensor = torch.Tensor


# Of the robust losses it says itself: for a scale c, pass pred / c and target / c.


def cauchy_loss(pred: Tensor, target: Tensor, *, scale: float = 1.0, reduction: str = "mean") -> Tensor:
    return losses.cauchy_loss(pred / scale, target.expand(pred.shape) / scale, reduction)


def geman_mcclure_loss(
    pred: Tensor, target: Tensor, *, scale: float = 1.0, reduction: str = "mean"
) -> Tensor:
    return losses.geman_mcclure_loss(pred / scale, target.expand(pred.shape) / scale, reduction)


def welsch_loss(pred: Tensor, target: Tensor, *, scale: float = 1.0, reduction: str = "mean") -> Tensor:
    return losses.welsch_loss(pred / scale, target.expand(pred.shape) / scale, reduction)


def charbonnier_loss(
    pred: Tensor, target: Tensor, *, eps: float = 1e-3, shift: bool = False, reduction: str = "mean"
) -> Tensor:
    if not shift or eps == 0:
        raise NotImplementedError("a width above 0, which is subtracted")
    return eps * losses.charbonnier_loss(pred / eps, target.expand(pred.shape) / eps, reduction)


def general_robust_loss(
    pred: Tensor, target: Tensor, *, alpha: float = 1.0, scale: float = 1.0, reduction: str = "mean"
) -> Tensor:
    functions = {
        1.0: losses.charbonnier_loss,
        0.0: losses.cauchy_loss,
        -2.0: losses.geman_mcclure_loss,
        -math.inf: losses.welsch_loss,
    }
    if isinstance(alpha, Tensor) or alpha not in functions:
        raise NotImplementedError("a function for each of the shapes 1, 0, -2 and -inf")
    return functions[alpha](pred / scale, target.expand(pred.shape) / scale, reduction)


def kl_divergence(
    log_probs: Tensor,
    target: Tensor,
    *,
    log_target: bool = False,
    generalized: bool = False,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    if log_target or generalized:
        raise NotImplementedError("probabilities, of which the masses are not compared")
    found = losses.kl_div_loss_2d(_heatmaps(log_probs.exp(), axis), _heatmaps(target, axis), reduction)
    return found.reshape(_items(log_probs, axis)) if reduction == "none" else found


def js_divergence(
    log_probs: Tensor,
    target: Tensor,
    *,
    weight: float = 0.5,
    from_log: bool = True,
    axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    if weight != 0.5 or from_log:
        raise NotImplementedError("probabilities, mixed in equal shares")
    found = losses.js_div_loss_2d(_heatmaps(log_probs, axis), _heatmaps(target, axis), reduction)
    return found.reshape(_items(log_probs, axis)) if reduction == "none" else found


def sigmoid_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    single, true = logits.reshape(-1, 1), target.expand(logits.shape).reshape(-1, 1)
    found = losses.binary_focal_loss_with_logits(single, true, alpha, gamma, reduction)
    return found.reshape(logits.shape) if reduction == "none" else found


def softmax_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: Tensor | None = None,
    gamma: float = 2.0,
    axis: int = -1,
    class_weight: Tensor | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    if target.ndim == logits.ndim:
        raise NotImplementedError("labels")
    if reduction == "mean":
        raise NotImplementedError("a mean divides by the number of classes too")
    # Its own `alpha` is a number, and its weight no part of a mean: as `alpha` is here.
    weights = [w for w in (alpha, class_weight) if w is not None]
    found = losses.focal_loss(
        logits.movedim(axis, 1),
        target,
        alpha=None,
        gamma=gamma,
        reduction=reduction,
        weight=math.prod(weights) if weights else None,
        ignore_index=ignore_index,
    )
    return found.sum(1) if reduction == "none" else found


def lovasz_hinge_loss(
    logits: Tensor,
    target: Tensor,
    *,
    per_image: bool = True,
    activation: str = "relu",
    reduction: str = "mean",
) -> Tensor:
    if activation != "relu":
        raise NotImplementedError("the hinge")
    if per_image and reduction == "none":
        return torch.stack([lovasz_hinge_loss(z[None], t[None]) for z, t in zip(logits, target, strict=True)])
    if per_image and reduction != "mean":
        raise NotImplementedError("a mean of the images")
    images = logits.shape[0] if per_image else 1
    pixels = math.prod(logits.shape) if not per_image else math.prod(logits.shape[1:])
    return losses.lovasz_hinge_loss(logits.reshape(images, 1, 1, pixels), target.reshape(images, 1, pixels))


def psnr_loss(pred: Tensor, target: Tensor, *, data_range: float = 1.0, eps: float = 1e-8) -> Tensor:
    if eps != 0:
        raise NotImplementedError("nothing is added to the squared error")
    # Of a batch it takes the decibels of the mean, not the mean of the decibels.
    images = zip(_images(pred), _images(target), strict=True)
    return torch.stack([losses.psnr_loss(p, t, data_range) for p, t in images]).reshape(pred.shape[:-3])


def ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_range: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    if (sigma, k1, k2) != (1.5, 0.01, 0.03) or window_size % 2 == 0:
        raise NotImplementedError("the usual constants, and an odd window")
    if reduction == "sum":
        raise NotImplementedError("a sum is one of pixels")
    found = losses.ssim_loss(
        _images(pred),
        _images(target),
        window_size,
        data_range,
        eps=0.0,  # so it says, to match other implementations
        reduction=reduction,
        padding="valid",
    )
    twice = 2 * found  # it is half of what others call the loss
    return twice.mean((-3, -2, -1)).reshape(pred.shape[:-3]) if reduction == "none" else twice


def total_variation_loss(
    pred: Tensor, *, kind: str = "anisotropic", normalize: bool = False, eps: float = 0.0
) -> Tensor:
    if kind != "anisotropic" or eps != 0:
        raise NotImplementedError("the sum of the two absolute differences")
    if normalize:
        return losses.total_variation(pred, "mean").mean(-1)
    return losses.total_variation(pred, "sum").sum(-1)


def _images(x: Tensor) -> Tensor:
    return x.reshape(-1, *x.shape[-3:])


def _heatmaps(probs: Tensor, axis: int) -> Tensor:
    """Of shape (1, items, 1, classes): a distribution is one over the pixels of a map."""
    return probs.movedim(axis, -1).reshape(1, -1, 1, probs.shape[axis])


def _items(probs: Tensor, axis: int) -> torch.Size:
    return probs.movedim(axis, -1).shape[:-1]
