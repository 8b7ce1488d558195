"""Features: what losses compare in the place of the data, and what it takes to compute them.

No losses: arrays in, arrays out, by the conventions of the losses.
"""

from .boxes import (
    box_area,
    box_convert,
    box_iou,
    gaussian_from_rotated_box,
    pairwise_box_iou,
    wiou_update,
)
from .correlations import gram_matrix
from .detection import detr_assignment, detr_matching_cost
from .faces import update_centers
from .filters import hann_window, mel_filter_bank
from .margins import (
    arcface_logits,
    class_centroids,
    coco_alpha,
    combined_margin_logits,
    cosface_logits,
    curricular_face_logits,
    l2_softmax_lower_bound,
    normface_lower_bound,
)

__all__ = [
    "arcface_logits",
    "box_area",
    "box_convert",
    "box_iou",
    "class_centroids",
    "coco_alpha",
    "combined_margin_logits",
    "cosface_logits",
    "curricular_face_logits",
    "detr_assignment",
    "detr_matching_cost",
    "gaussian_from_rotated_box",
    "gram_matrix",
    "hann_window",
    "l2_softmax_lower_bound",
    "mel_filter_bank",
    "normface_lower_bound",
    "pairwise_box_iou",
    "update_centers",
    "wiou_update",
]
