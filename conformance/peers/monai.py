"""MONAI: `monai.losses`.

Its Hausdorff and boundary losses find the distances themselves, from the masks; ours are given them.
"""

from __future__ import annotations

from typing import Any

import monai.losses as losses
import torch

FRAMEWORK = "torch"
# Masks and labels, which some of these losses write into, or cannot follow.
CONSTANTS = {
    "generalized_dice_loss": ("target",),
    "unified_focal_loss": ("target",),
    "sigmoid_focal_loss": ("target",),
    "softmax_focal_loss": ("target",),
}

Tensor = torch.Tensor


def dice_loss(
    probs: Tensor,
    target: Tensor,
    *,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    squared: bool = False,
    intersection: str = "product",
    log: bool = False,
    average: str = "macro",
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    if log or average != "macro":
        raise NotImplementedError("1 less the overlap, of each class")
    loss = losses.DiceLoss(
        include_background=include_background,
        squared_pred=squared,
        reduction=reduction,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        batch=batch,
        weight=_of_regions_left(class_weight, include_background),
        soft_label=intersection == "min",
    )
    return _of_regions(loss, probs, target, class_axis)


def jaccard_loss(
    probs: Tensor,
    target: Tensor,
    *,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    intersection: str = "product",
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.DiceLoss(
        jaccard=True,
        include_background=include_background,
        reduction=reduction,
        smooth_nr=2 * smooth_nr,  # added to twice the intersection and twice the union
        smooth_dr=2 * smooth_dr,
        batch=batch,
        weight=_of_regions_left(class_weight, include_background),
        soft_label=intersection == "min",
    )
    return _of_regions(loss, probs, target, class_axis)


def tversky_loss(
    probs: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.TverskyLoss(
        include_background=include_background,
        alpha=alpha,
        beta=beta,
        reduction=reduction,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        batch=batch,
    )
    return _of_regions(loss, probs, target, class_axis)


def generalized_dice_loss(
    probs: Tensor,
    target: Tensor,
    *,
    weighting: str = "square",
    empty_weight: str = "max",
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    class_axis: int = 1,
    reduction: str = "mean",
) -> Tensor:
    if empty_weight != "max" and weighting != "uniform":
        raise NotImplementedError("a class that is not there has the greatest weight of the others")
    loss = losses.GeneralizedDiceLoss(
        w_type=weighting, reduction=reduction, smooth_nr=smooth_nr, smooth_dr=smooth_dr
    )
    found = _of_regions(loss, probs, target, class_axis)
    return found.squeeze(1) if reduction == "none" else found


def soft_cldice_loss(
    probs: Tensor,
    target: Tensor,
    *,
    iterations: int = 3,
    smooth: float = 1.0,
    class_axis: int = 1,
    reduction: str = "mean",
) -> Tensor:
    p, t = probs.movedim(class_axis, 1), target.movedim(class_axis, 1)
    if p.ndim not in (4, 5):
        raise NotImplementedError("images of two or three axes")
    # It sums over the classes too: each is taken for an image of its own here.
    loss = losses.SoftclDiceLoss(iter_=iterations, smooth_nr=smooth, smooth_dr=smooth, reduction=reduction)
    found = loss(p.flatten(0, 1)[:, None], t.flatten(0, 1)[:, None])
    return found.reshape(p.shape[:2]) if reduction == "none" else found


def unified_focal_loss(
    probs: Tensor,
    target: Tensor,
    *,
    focal_weight: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    asymmetric: bool = True,
    class_axis: int = 1,
    reduction: str = "mean",
) -> Tensor:
    if not asymmetric:
        raise NotImplementedError("the asymmetric form")
    if reduction == "sum":
        raise NotImplementedError("its parts are means, also in a sum")
    loss = losses.AsymmetricUnifiedFocalLoss(weight=focal_weight, gamma=gamma, delta=delta)
    p, t = probs.movedim(class_axis, 1), target.movedim(class_axis, 1)
    if reduction == "none":  # a mean of each image
        return torch.stack([loss(*_flat(x[None], y[None])) for x, y in zip(p, t, strict=True)])
    return loss(*_flat(p, t))


def sigmoid_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.FocalLoss(alpha=alpha, gamma=gamma, reduction=reduction)
    found = loss(logits.reshape(-1, 1, 1), target.expand(logits.shape).reshape(-1, 1, 1))
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
) -> Tensor:
    # Sums are of means over the pixels, means are over the classes too: only items are alike.
    labels = target.ndim < logits.ndim
    loss = losses.FocalLoss(
        to_onehot_y=labels,
        gamma=gamma,
        alpha=alpha,
        weight=class_weight,
        use_softmax=True,
        ignore_index=ignore_index if labels else None,
        reduction="none",
    )
    true = target[:, None] if labels else target.movedim(axis, 1)
    return loss(logits.movedim(axis, 1), true).sum(1)


def giou_loss(pred: Tensor, target: Tensor, *, fmt: str = "xyxy", reduction: str = "mean") -> Tensor:
    if fmt != "xyxy":
        raise NotImplementedError("two opposite corners")
    return giou3d_loss(pred, target, reduction=reduction)


def giou3d_loss(pred: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    if pred.shape[-1] not in (4, 6):
        raise NotImplementedError("boxes in two or three dimensions")
    size = pred.shape[-1]
    found = losses.BoxGIoULoss(reduction)(pred.reshape(-1, size), target.reshape(-1, size))
    return found.reshape(pred.shape[:-1]) if reduction == "none" else found


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
    loss = losses.SSIMLoss(
        2,
        data_range=data_range,
        win_size=window_size,
        kernel_sigma=sigma,
        k1=k1,
        k2=k2,
        reduction=reduction,
    )
    found = loss(pred.reshape(-1, *pred.shape[-3:]), target.reshape(-1, *target.shape[-3:]))
    return found.reshape(pred.shape[:-3]) if reduction == "none" else found


def barlow_twins_loss(
    x: Tensor, y: Tensor, *, lam: float = 0.005, eps: float = 0.0, reduction: str = "mean"
) -> Tensor:
    if eps != 0:
        raise NotImplementedError("nothing is added to the variances")
    return losses.BarlowTwinsLoss(lambd=lam)(x, y)  # the batch is the one item


def nt_xent_loss(
    embeddings: Tensor, labels: Tensor, *, temperature: float = 0.07, reduction: str = "mean"
) -> Tensor:
    order = labels.argsort(stable=True)
    one, other = order[0::2], order[1::2]
    twos = len(labels.unique()) == len(one) == len(other) and torch.equal(labels[one], labels[other])
    if reduction != "mean" or not twos:
        raise NotImplementedError("a mean over two views of each thing")
    return losses.ContrastiveLoss(temperature)(embeddings[one], embeddings[other])


def gan_discriminator_loss(
    real_scores: Tensor,
    fake_scores: Tensor,
    *,
    kind: str = "non_saturating",
    a: float = 0.0,
    b: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    if (a, b) != (0.0, 1.0) or not _one_discriminator(real_scores):
        raise NotImplementedError("scores of one discriminator, of which 0 and 1 are wanted")
    if reduction == "none" and real_scores.shape != fake_scores.shape:
        raise NotImplementedError("items of real and generated samples apart")
    loss = _adversarial(kind, reduction)
    return _single(loss(real_scores, True, True)) + _single(loss(fake_scores, False, True))


def gan_generator_loss(
    fake_scores: Tensor, *, kind: str = "non_saturating", c: float = 1.0, reduction: str = "mean"
) -> Tensor:
    if c != 1 or kind == "minimax" or not _one_discriminator(fake_scores):
        raise NotImplementedError("scores of one discriminator, of which 1 is wanted")
    return _single(_adversarial(kind, reduction)(fake_scores, True, False))


def _adversarial(kind: str, reduction: str) -> Any:
    if kind == "lsgan":
        return losses.PatchAdversarialLoss(reduction, "least_squares", no_activation_leastsq=True)
    if kind in ("minimax", "non_saturating"):
        return losses.PatchAdversarialLoss(reduction, "bce")
    raise NotImplementedError("scores of this kind go through a hyperbolic tangent, or there is none")


def _one_discriminator(scores: Any) -> bool:
    return isinstance(scores, Tensor) and scores.ndim > 0


def _single(found: Any) -> Tensor:
    """Unreduced, there is a list of what each discriminator has."""
    return found[0] if isinstance(found, list) else found


def _of_regions(loss: Any, probs: Tensor, target: Tensor, class_axis: int) -> Tensor:
    if probs.ndim < 3:
        raise NotImplementedError("images have an axis of pixels")
    if loss.reduction == "none" and not loss.include_background:
        raise NotImplementedError("unreduced, the background is not there")
    found = loss(probs.movedim(class_axis, 1), target.movedim(class_axis, 1))
    while loss.reduction == "none" and found.ndim > (1 if loss.batch else 2):
        found = found.squeeze(-1)  # the axes of the pixels remain
    return found


def _of_regions_left(class_weight: Tensor | None, include_background: bool) -> Tensor | None:
    """Without the background its weight is not to be given either."""
    return class_weight if class_weight is None or include_background else class_weight[1:]


def _flat(probs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return probs.flatten(2)[:, :, None], target.flatten(2)[:, :, None]
