"""Segmentation Models PyTorch: `segmentation_models_pytorch.losses`.

The losses of regions sum over the batch and average over the classes: there are no items but where there is
one image and one class. The Lovász softmax loss takes logits where ours takes probabilities, so that its
gradient is another, and the focal loss of classes is one of sigmoids.
"""

from __future__ import annotations

from typing import Any

import torch

from . import _torchvision_operators  # noqa: F401  it imports torchvision

import segmentation_models_pytorch.losses as losses  # isort: skip

FRAMEWORK = "torch"

Tensor = torch.Tensor


def dice_loss(
    probs: Tensor,
    target: Tensor,
    *,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    intersection: str = "product",
    log: bool = False,
    average: str = "macro",
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    options = _options(smooth_nr, smooth_dr, probs.shape[class_axis], include_background, class_weight)
    options["smooth"] = options["smooth"] / 2  # added to the intersection, not to twice of it
    if average == "macro":
        loss = losses.DiceLoss("multilabel", log_loss=log, from_logits=False, **options)
        return _of_regions(loss, probs, target, intersection, class_axis, batch, reduction)
    if len(options) > 1:
        raise NotImplementedError("all classes, alike")
    loss = losses.DiceLoss("binary", log_loss=log, from_logits=False, **options)
    p, t = (x.movedim(class_axis, 1).flatten(1)[:, None] for x in (probs, target))
    found = _of_regions(loss, p, t, intersection, 1, batch, reduction)
    return found.squeeze(-1) if reduction == "none" else found


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
    options = _options(smooth_nr, smooth_dr, probs.shape[class_axis], include_background, class_weight)
    loss = losses.JaccardLoss("multilabel", from_logits=False, **options)
    return _of_regions(loss, probs, target, intersection, class_axis, batch, reduction)


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
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    return focal_tversky_loss(
        probs,
        target,
        alpha=alpha,
        beta=beta,
        smooth_nr=smooth_nr,
        smooth_dr=smooth_dr,
        gamma=1.0,
        class_axis=class_axis,
        include_background=include_background,
        batch=batch,
        class_weight=class_weight,
        reduction=reduction,
    )


def focal_tversky_loss(
    probs: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
    gamma: float = 0.75,
    class_axis: int = 1,
    include_background: bool = True,
    batch: bool = False,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    if gamma != 1 and probs.shape[class_axis] > 1:
        raise NotImplementedError("the power is one of the mean over the classes")
    options = _options(smooth_nr, smooth_dr, probs.shape[class_axis], include_background, class_weight)
    loss = losses.TverskyLoss("multilabel", from_logits=False, alpha=alpha, beta=beta, gamma=gamma, **options)
    return _of_regions(loss, probs, target, "product", class_axis, batch, reduction)


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
    loss = losses.LovaszLoss("binary", per_image=per_image)
    if per_image and reduction == "none":  # of a single image the mean is its loss
        return torch.stack([loss(z[None], t[None]) for z, t in zip(logits, target, strict=True)])
    if per_image and reduction != "mean":
        raise NotImplementedError("a mean of the images")
    return loss(logits, target)


def sigmoid_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.FocalLoss("binary", alpha=alpha, gamma=gamma, reduction=reduction)
    found = loss(logits, target.expand(logits.shape))
    return found.reshape(logits.shape) if reduction == "none" else found


def binary_cross_entropy_with_logits(
    logits: Tensor,
    target: Tensor,
    *,
    pos_weight: float | Tensor = 1.0,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.SoftBCEWithLogitsLoss(
        weight=None if sample_weight is None else sample_weight.expand(logits.shape),
        reduction=reduction,
        pos_weight=torch.as_tensor(pos_weight, dtype=logits.dtype),
    )
    return loss(logits, target.expand(logits.shape))


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    label_smoothing: float = 0.0,
    axis: int = -1,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    if target.ndim == logits.ndim:
        raise NotImplementedError("labels")
    if ignore_index is not None and not _any(target == ignore_index):
        ignore_index = None  # unreduced, an axis is left over where there might be something to ignore
    loss = losses.SoftCrossEntropyLoss(reduction, label_smoothing, ignore_index, dim=axis)
    return loss(logits, target)


def label_smoothed_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    smoothing: float = 0.1,
    smooth_true_class: bool = True,
    axis: int = -1,
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
        ignore_index=ignore_index,
        reduction=reduction,
    )


def _options(
    smooth_nr: float, smooth_dr: float, classes: int, background: bool, weight: Tensor | None
) -> dict[str, Any]:
    if smooth_nr != smooth_dr:
        raise NotImplementedError("one number to smooth both numerator and denominator")
    options: dict[str, Any] = {"smooth": smooth_nr}
    if not background:
        options["classes"] = list(range(1, classes))
    if weight is not None:
        options["class_weights"] = weight
    return options


def _of_regions(
    loss: Any,
    probs: Tensor,
    target: Tensor,
    intersection: str,
    class_axis: int,
    batch: bool,
    reduction: str,
) -> Tensor:
    p, t = probs.movedim(class_axis, 1), target.movedim(class_axis, 1)
    single = p.shape[1] == 1 and (batch or p.shape[0] == 1)
    if reduction != "mean" and not single:
        raise NotImplementedError("a mean over the classes")
    if p.shape[0] != 1 and not batch:
        raise NotImplementedError("sums over the batch")
    if intersection != "min" and _any((t != 0) & (t != 1)):
        raise NotImplementedError("of a soft target the lesser is the intersection")
    found = loss(p, t)
    return found.reshape((1,) if batch else (1, 1)) if reduction == "none" else found


def _any(x: Tensor) -> bool:
    """Whether anything is true. What a compiler or `vmap` follows has no numbers to be seen."""
    is_followed = torch.compiler.is_compiling() or torch._C._functorch.is_batchedtensor(x)
    return not is_followed and bool(x.any())
