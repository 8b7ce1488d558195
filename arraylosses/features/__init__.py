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

__all__ = [
    "box_area",
    "box_convert",
    "box_iou",
    "detr_assignment",
    "detr_matching_cost",
    "gaussian_from_rotated_box",
    "gram_matrix",
    "hann_window",
    "mel_filter_bank",
    "pairwise_box_iou",
    "update_centers",
    "wiou_update",
]
