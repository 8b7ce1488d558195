"""Loss functions for every array framework, each written once against the Python array API standard.

>>> import numpy as np
>>> import arraylosses as al
>>> float(al.huber_loss(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0])))
1.3125
"""

from . import (
    adaptive_margins,
    adversarial,
    angular_margins,
    audio,
    boundaries,
    box_bounds,
    box_focus,
    box_shapes,
    boxes,
    classification,
    contrastive,
    detection,
    divergences,
    face,
    generalized_focal,
    harmonizing,
    image,
    image_gradients,
    image_text,
    imbalance,
    instances,
    intervals,
    likelihood,
    long_tail,
    lovasz,
    margins,
    metric,
    multiclass,
    multiclass_margins,
    multiplicative_margins,
    ndcg,
    penalties,
    perceptual,
    positive_pairs,
    proxies,
    ranking,
    regression,
    relative,
    robust,
    rotated_boxes,
    segmentation,
    segmentation_mixtures,
    segmentation_variants,
    self_supervised,
    sequence,
    set_prediction,
    similarity,
    triplets,
    verification,
    vocabulary,
)
from ._core.citations import cite
from ._core.debugging import debug
from ._core.states import initial_state
from .adaptive_margins import *
from .adversarial import *
from .angular_margins import *
from .audio import *
from .autodiff import derivatives, grad, hvp, jvp, objective, value_and_grad, vjp
from .boundaries import *
from .box_bounds import *
from .box_focus import *
from .box_shapes import *
from .boxes import *
from .classification import *
from .compiling import compile as compile
from .contrastive import *
from .detection import *
from .divergences import *
from .face import *
from .features import (
    arcface_logits,
    box_area,
    box_convert,
    box_iou,
    class_centroids,
    coco_alpha,
    combined_margin_logits,
    cosface_logits,
    curricular_face_logits,
    detr_assignment,
    detr_matching_cost,
    gaussian_from_rotated_box,
    gram_matrix,
    hann_window,
    l2_softmax_lower_bound,
    mel_filter_bank,
    normface_lower_bound,
    pairwise_box_iou,
    update_centers,
    wiou_update,
)
from .generalized_focal import *
from .harmonizing import *
from .image import *
from .image_gradients import *
from .image_text import *
from .imbalance import *
from .instances import *
from .intervals import *
from .likelihood import *
from .long_tail import *
from .lovasz import *
from .margins import *
from .metric import *
from .multiclass import *
from .multiclass_margins import *
from .multiplicative_margins import *
from .ndcg import *
from .penalties import *
from .perceptual import *
from .plotting import plot
from .positive_pairs import *
from .proxies import *
from .ranking import *
from .regression import *
from .relative import *
from .robust import *
from .rotated_boxes import *
from .segmentation import *
from .segmentation_mixtures import *
from .segmentation_variants import *
from .self_supervised import *
from .sequence import *
from .set_prediction import *
from .similarity import *
from .triplets import *
from .verification import *
from .vocabulary import *

__version__ = "0.1.0.dev0"

_CHAPTERS = (
    regression,
    intervals,
    relative,
    robust,
    likelihood,
    classification,
    multiclass,
    divergences,
    margins,
    multiclass_margins,
    imbalance,
    generalized_focal,
    harmonizing,
    long_tail,
    vocabulary,
    sequence,
    boxes,
    box_shapes,
    box_bounds,
    box_focus,
    rotated_boxes,
    detection,
    set_prediction,
    segmentation,
    segmentation_variants,
    segmentation_mixtures,
    lovasz,
    boundaries,
    instances,
    metric,
    triplets,
    positive_pairs,
    similarity,
    contrastive,
    image_text,
    proxies,
    self_supervised,
    ranking,
    ndcg,
    verification,
    face,
    angular_margins,
    multiplicative_margins,
    adaptive_margins,
    adversarial,
    image,
    image_gradients,
    perceptual,
    audio,
    penalties,
)

__all__ = [
    "arcface_logits",
    "box_area",
    "box_convert",
    "box_iou",
    "cite",
    "class_centroids",
    "coco_alpha",
    "combined_margin_logits",
    "compile",
    "cosface_logits",
    "curricular_face_logits",
    "debug",
    "derivatives",
    "detr_assignment",
    "detr_matching_cost",
    "gaussian_from_rotated_box",
    "grad",
    "gram_matrix",
    "hann_window",
    "hvp",
    "initial_state",
    "jvp",
    "l2_softmax_lower_bound",
    "mel_filter_bank",
    "normface_lower_bound",
    "objective",
    "pairwise_box_iou",
    "plot",
    "update_centers",
    "value_and_grad",
    "vjp",
    "wiou_update",
    *(name for chapter in _CHAPTERS for name in chapter.__all__),
]
