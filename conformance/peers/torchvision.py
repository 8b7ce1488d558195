"""torchvision: the losses of boxes, the focal loss, and the losses that its detectors compute."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from . import _torchvision_operators  # noqa: F401  before any other import of torchvision

import torchvision.ops as ops  # isort: skip
from torchvision.models.detection.roi_heads import fastrcnn_loss  # isort: skip
from torchvision.models.detection.rpn import RegionProposalNetwork  # isort: skip
from torchvision.models.detection.ssd import SSD  # isort: skip

FRAMEWORK = "torch"

Tensor = torch.Tensor
Parts = tuple[Tensor, Tensor, Tensor]


def giou_loss(pred: Tensor, target: Tensor, *, fmt: str = "xyxy", reduction: str = "mean") -> Tensor:
    return ops.generalized_box_iou_loss(_corners(pred, fmt), _corners(target, fmt), reduction)


def diou_loss(pred: Tensor, target: Tensor, *, fmt: str = "xyxy", reduction: str = "mean") -> Tensor:
    return ops.distance_box_iou_loss(_corners(pred, fmt), _corners(target, fmt), reduction)


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
    return ops.complete_box_iou_loss(_corners(pred, fmt), _corners(target, fmt), reduction)


def sigmoid_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    return ops.sigmoid_focal_loss(
        logits, target.expand(logits.shape), -1 if alpha is None else alpha, gamma, reduction
    )


# The losses of the detectors have the batch for their one item, which no reduction changes.


def fast_rcnn_loss(
    logits: Tensor,
    labels: Tensor,
    box_pred: Tensor,
    box_target: Tensor,
    *,
    beta: float = 1.0,
    box_weight: float = 1.0,
    box_normalizer: str = "all",
    positives_only: bool = True,
    reduction: str = "mean",
) -> Parts:
    if beta != 1 / 9 or box_normalizer != "all" or not positives_only:
        raise NotImplementedError("a beta of 1/9, and the boxes of positives over all regions")
    if box_pred.ndim == 2:  # one box for each class here
        box_pred = box_pred[:, None].expand(-1, logits.shape[1], -1)
    classification, box = fastrcnn_loss(logits, box_pred.flatten(1), [labels], [box_target])
    return classification + box_weight * box, classification, box


def rpn_loss(
    objectness: Tensor,
    labels: Tensor,
    box_pred: Tensor,
    box_target: Tensor,
    *,
    beta: float = 1 / 9,
    box_weight: float = 1.0,
    ignore_index: int = -1,
    reduction: str = "mean",
) -> Parts:
    if beta != 1 / 9 or ignore_index != -1:
        raise NotImplementedError("a beta of 1/9, and labels of -1 ignored")
    # With a sample as large as the batch all anchors are sampled that can be.
    network = RegionProposalNetwork(
        torch.nn.Identity(), torch.nn.Identity(), 0.7, 0.3, 2 * labels.numel(), 0.5, {}, {}, 0.7
    )
    classification, box = network.compute_loss(
        objectness.reshape(-1),
        box_pred.reshape(-1, 4),
        [labels.reshape(-1).to(objectness.dtype)],
        [box_target.reshape(-1, 4)],
    )
    return classification + box_weight * box, classification, box


def multibox_loss(
    logits: Tensor,
    labels: Tensor,
    box_pred: Tensor,
    box_target: Tensor,
    *,
    neg_pos_ratio: float = 3.0,
    alpha: float = 1.0,
    beta: float = 1.0,
    reduction: str = "mean",
) -> Parts:
    if beta != 1:
        raise NotImplementedError("a beta of 1")
    if _any(labels < 0):
        raise NotImplementedError("no anchor is ignored")
    # Every anchor is matched with a truth of its own, whose offsets are given and not encoded here.
    network = SimpleNamespace(
        neg_to_pos_ratio=neg_pos_ratio,
        box_coder=SimpleNamespace(encode_single=lambda boxes, anchors: boxes),
    )
    truth = [{"boxes": b, "labels": u} for b, u in zip(box_target, labels, strict=True)]
    places = torch.arange(labels.shape[1]).expand(labels.shape)
    matches = list(torch.where(labels > 0, places, -1))
    outputs = {"bbox_regression": box_pred, "cls_logits": logits}
    loss = SSD.compute_loss(network, truth, outputs, list(box_target), matches)
    classification, box = loss["classification"], loss["bbox_regression"]
    return classification + alpha * box, classification, box


def _corners(boxes: Tensor, fmt: str) -> Tensor:
    return ops.box_convert(boxes, fmt, "xyxy")


def _any(x: Tensor) -> bool:
    """Whether anything is true. What a compiler or `vmap` follows has no numbers to be seen."""
    is_followed = torch.compiler.is_compiling() or torch._C._functorch.is_batchedtensor(x)
    return not is_followed and bool(x.any())
