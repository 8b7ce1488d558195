"""Under what each loss stays what it is, where the registry does not tell: tables for `symmetries`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _of_each(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {loss: what for losses, what in rows for loss in losses.split()}


# Options under which a loss has its symmetries, or under which they say more than at the default.
OPTIONS: dict[str, dict[str, Any]] = {
    "quantile_loss": {"quantile": 0.25},
    "expectile_loss": {"expectile": 0.25},
    "gwd_loss": {"normalize": True},
    "general_robust_loss": {"alpha": -2.0},
    "psnr_loss": {"eps": 0.0},
}

RESIDUALS = """
absolute_error squared_error smooth_l1_loss huber_loss balanced_l1_loss charbonnier_loss log_cosh_loss
epsilon_insensitive_loss squared_epsilon_insensitive_loss cauchy_loss geman_mcclure_loss welsch_loss
tukey_biweight_loss wing_loss general_robust_loss"""
CLASSES = """
cross_entropy label_smoothed_cross_entropy poly1_cross_entropy softmax_focal_loss sparsemax_loss
balanced_softmax_loss logit_adjusted_cross_entropy equalization_softmax_loss distribution_focal_loss"""
PAIRS = """
triplet_batch_all_loss triplet_batch_hard_loss triplet_semi_hard_loss lifted_structure_loss angular_loss
multi_similarity_loss circle_loss histogram_loss nt_xent_loss sup_con_loss"""
CENTRES = (
    "arcface_loss combined_margin_loss sub_center_arcface_loss cosface_loss am_softmax_loss normface_loss"
)
MARGINS = "perceptron_loss hinge_loss squared_hinge_loss modified_huber_loss logistic_loss exponential_loss"

# What may be moved together, and along which dimensions by different amounts: softmaxes along the classes,
# distances in space. Boxes are in `symmetries`.
MOVED = _of_each(
    (
        (f"{RESIDUALS} quantile_loss expectile_loss gaussian_nll", "pred target along ..."),
        ("ghm_regression_loss", "pred target along *s"),
        (CLASSES, "logits along ..."),
        ("seesaw_loss", "logits along *n"),
        ("distillation_loss", "logits along ...; teacher_logits along ..."),
        ("multiclass_perceptron_loss multiclass_hinge_loss", "scores along ..."),
        ("pairwise_logistic_loss lambda_rank_loss approx_ndcg_loss", "scores along ..."),
        ("listnet_loss", "scores along ...; relevance along ..."),
        ("margin_ranking_loss", "x1 x2 along ..."),
        ("contrastive_loss", "x1 x2 along ... d"),
        ("triplet_margin_loss", "anchor positive negative along ... d"),
        ("quadruplet_loss", "anchor positive negative negative2 along ... d"),
        ("triplet_batch_all_loss triplet_batch_hard_loss triplet_semi_hard_loss", "embeddings along d"),
        ("lifted_structure_loss", "embeddings along d"),
        ("center_loss", "embeddings centers along d"),
        ("vicreg_loss", "x y along d"),
        ("barlow_twins_loss", "x along d; y along d"),
        ("embedding_hinge_loss", "embeddings along n d"),
        ("deepid2_loss", "x1 x2 along ... d; logits1 along ...; logits2 along ..."),
        ("psnr_loss perceptual_loss", "pred target along ... c h w"),
        ("total_variation_loss", "pred along ... c"),
        ("gradient_difference_loss", "pred along ... c; target along ... c"),
        ("edge_loss", "pred target along ... c h w"),
        ("feature_matching_loss", "fake real along *s"),
        ("hifigan_generator_loss", "fake_features real_features along *f; fake_mel real_mel along *m"),
        ("fast_rcnn_loss", "logits along r; box_pred box_target along r 4"),
        ("rpn_loss", "box_pred box_target along *a 4"),
        ("multibox_loss", "logits along b a; box_pred box_target along b a 4"),
        ("detr_set_loss", "logits along b q"),
    )
)

# What may be scaled together, each to a power of the factor (1, unless said), and the power by which the
# loss scales. The lengths in boxes are in `symmetries`.
SCALED = {
    "absolute_error": "pred target: 1",
    "squared_error": "pred target: 2",
    "smooth_l1_loss": "pred target beta: 1",
    "huber_loss": "pred target delta: 2",
    "balanced_l1_loss": "pred target beta: 1",
    "charbonnier_loss": "pred target eps: 1",
    "quantile_loss": "pred target: 1",
    "expectile_loss": "pred target: 2",
    "epsilon_insensitive_loss": "pred target epsilon: 1",
    "squared_epsilon_insensitive_loss": "pred target epsilon: 2",
    "absolute_percentage_error": "pred target: 0",
    "symmetric_absolute_percentage_error": "pred target: 0",
    "cosine_distance": "pred: 0; target: 0",
    "tukey_biweight_loss": "pred target c: 2",
    "wing_loss": "pred target width curvature: 1",
    "poisson_deviance": "pred target: 1",
    "gamma_deviance": "pred target: 0",
    "tweedie_deviance": "pred target: 0.5",
    "ghm_regression_loss": "pred target mu: 1",
    "distillation_loss": "logits teacher_logits temperature: 2",
    "perceptron_loss": "scores: 1",
    "hinge_loss": "scores margin: 1",
    "squared_hinge_loss": "scores margin: 2",
    "multiclass_perceptron_loss": "scores: 1",
    "multiclass_hinge_loss": "scores margin: 1",
    "z_loss": "weight: 1",
    "linear_cross_entropy": "hidden weight^-1: 0",
    "margin_ranking_loss": "x1 x2 margin: 1",
    "contrastive_loss": "x1 x2 margin pos_margin: 2",
    "cosine_embedding_loss": "x1: 0; x2: 0",
    "triplet_margin_loss": "anchor positive negative margin: 1",
    "facenet_triplet_loss": "anchor: 0; positive: 0; negative: 0",
    "quadruplet_loss": "anchor positive negative negative2 m1^2 m2^2: 2",
    "triplet_batch_all_loss": "embeddings margin: 1",
    "triplet_batch_hard_loss": "embeddings margin: 1",
    "triplet_semi_hard_loss": "embeddings margin: 1",
    "n_pair_loss": "anchors positives^-1: 0",
    "info_nce_loss": "query positive^-1 negatives^-1: 0; query temperature: 0",
    "clip_loss": "image text^-1: 0; image logit_scale^-1: 0",
    "siglip_loss": "image text^-1: 0; text logit_scale^-1: 0",
    "proxy_nca_loss": "embeddings: 0; proxies: 0",
    "proxy_anchor_loss": "embeddings: 0; proxies: 0",
    "barlow_twins_loss": "x: 0; y: 0",
    "center_loss": "embeddings centers: 2",
    "coco_loss": "embeddings: 0; centroids: 0",
    "l2_softmax_loss": "embeddings: 0",
    "mag_face_loss": "weight: 0",
    "ada_face_loss": "weight: 0",
    "curricular_face_loss": "embeddings: 0; weight: 0",
    "l_softmax_loss": "embeddings scale^-1: 0; weight scale^-1: 0",
    "a_softmax_loss": "embeddings scale^-1: 0; weight: 0",
    "embedding_hinge_loss": "embeddings margin: 1",
    "discriminative_loss": "embeddings delta_var delta_dist gamma: 2",
    "boundary_loss": "distance: 1",
    "hausdorff_dt_loss": "pred_distance target_distance: 2",
    "pairwise_logistic_loss": "scores sigma^-1: 0",
    "lambda_rank_loss": "scores sigma^-1: 0",
    "approx_ndcg_loss": "scores temperature: 0",
    "psnr_loss": "pred target data_range: 0",
    "ssim_loss": "pred target data_range: 0",
    "ms_ssim_loss": "pred target data_range: 0",
    "total_variation_loss": "pred eps: 1; pixel_weight: 1",
    "gradient_difference_loss": "pred target: 1",
    "edge_loss": "pred target eps: 1",
    "perceptual_loss": "pred target: 2",
    "style_loss": "pred target: 4",
    "spectral_convergence_loss": "pred target: 0",
    "log_stft_magnitude_loss": "pred target: 0",
    "feature_matching_loss": "fake real: 1",
    "l1_penalty": "params: 1; weight: 1",
    "l2_penalty": "params: 2; weight: 1",
    "gradient_penalty": "gradients target: 2",
    "r1_penalty": "gradients: 2",
    "r2_penalty": "gradients: 2",
} | _of_each(
    (
        ("cauchy_loss geman_mcclure_loss welsch_loss general_robust_loss", "pred target scale: 0"),
        (CENTRES, "embeddings: 0; weight: 0"),
        (PAIRS.split("lifted_structure_loss")[1], "embeddings: 0"),
    )
)

# What may be negated together, `~` for what is taken from 1: another label, the other tail.
NEGATED = _of_each(
    (
        (f"{RESIDUALS} gaussian_nll ghm_regression_loss", "pred target"),
        ("absolute_percentage_error symmetric_absolute_percentage_error cosine_distance", "pred target"),
        ("quantile_loss", "pred target ~quantile"),
        ("expectile_loss", "pred target ~expectile"),
        (MARGINS, "scores labels"),
        ("binary_cross_entropy_with_logits binary_sparsemax_loss quality_focal_loss", "logits ~target"),
        ("sigmoid_focal_loss", "logits ~target ~alpha"),
        ("binary_cross_entropy", "~probs ~target"),
        ("margin_ranking_loss", "x1 x2 target"),
        ("contrastive_loss cosine_embedding_loss deepid2_loss", "x1 x2"),
        ("triplet_margin_loss facenet_triplet_loss", "anchor positive negative"),
        ("quadruplet_loss", "anchor positive negative negative2"),
        (PAIRS, "embeddings"),
        ("n_pair_loss", "anchors positives"),
        ("info_nce_loss", "query positive negatives"),
        ("clip_loss siglip_loss", "image text"),
        ("proxy_nca_loss proxy_anchor_loss", "embeddings proxies"),
        ("vicreg_loss barlow_twins_loss", "x y"),
        ("center_loss", "embeddings centers"),
        ("coco_loss", "embeddings centroids"),
        (f"{CENTRES} l2_softmax_loss l_softmax_loss a_softmax_loss", "embeddings weight"),
        ("curricular_face_loss mag_face_loss ada_face_loss", "embeddings weight"),
        ("linear_cross_entropy", "hidden weight"),
        ("discriminative_loss embedding_hinge_loss", "embeddings"),
        ("psnr_loss gradient_difference_loss edge_loss perceptual_loss style_loss", "pred target"),
        ("multi_resolution_stft_loss log_mel_loss", "pred target"),
        ("total_variation_loss", "pred"),
        ("feature_matching_loss", "fake real"),
        ("fast_rcnn_loss rpn_loss multibox_loss", "box_pred box_target"),
        ("l1_penalty l2_penalty elastic_net_penalty", "params"),
        ("gradient_penalty r1_penalty r2_penalty", "gradients"),
    )
)

# What may not be read backwards along a dimension; class axes nowhere, since labels are their places.
ORDERED = _of_each(
    (
        ("giou3d_loss", "k"),
        ("ctc_loss", "t s"),
        ("multi_resolution_stft_loss", "t"),
        ("log_mel_loss", "t w f"),
        ("detr_set_loss", "m"),  # which the assignment counts
        ("total_variation_loss", "h w"),  # a pixel weighs the differences that start at it
        ("edge_loss", "h w"),  # every other pixel is kept, from the first on
        # Of what is equal in a sort the first comes first, and the ordinary cases have equals.
        ("lambda_rank_loss", "l"),
        ("spatial_embedding_loss", "p"),
    )
)

# Losses of boxes that look at the image from one of its corners.
CORNERED = {"extended_iou_loss"}

# What may change places; `-` for what is negated then.
SWAPPED = _of_each(
    (
        (f"{RESIDUALS} ghm_regression_loss", "pred target"),
        ("symmetric_absolute_percentage_error squared_log_error cosine_distance", "pred target"),
        ("js_divergence", "log_probs target"),
        ("iou_loss giou_loss diou_loss ciou_loss eiou_loss focal_eiou_loss siou_loss", "pred target"),
        ("alpha_iou_loss mpdiou_loss extended_iou_loss giou3d_loss inner_iou_loss", "pred target"),
        ("wiou_loss thresholded_iou_loss box_l1_giou_loss gwd_loss kfiou_loss", "pred target"),
        ("dice_loss jaccard_loss log_cosh_dice_loss", "probs target"),
        ("hausdorff_dt_loss", "probs target, pred_distance target_distance"),
        ("soft_cldice_loss", "probs target"),
        ("psnr_loss ssim_loss ms_ssim_loss", "pred target"),
        ("gradient_difference_loss edge_loss perceptual_loss style_loss", "pred target"),
        ("log_stft_magnitude_loss", "pred target"),
        ("feature_matching_loss", "fake real"),
        ("contrastive_loss cosine_embedding_loss", "x1 x2"),
        ("margin_ranking_loss", "x1 x2, -target"),
        ("deepid2_loss", "x1 x2, logits1 logits2, labels1 labels2"),
        ("vicreg_loss barlow_twins_loss", "x y"),
        ("clip_loss", "image text"),
    )
)

# The batch dimension of losses whose items are independent along it, where it is not `...`.
INDEPENDENT = _of_each(
    (
        ("dice_loss jaccard_loss tversky_loss focal_tversky_loss log_cosh_dice_loss", "n"),
        ("generalized_dice_loss sensitivity_specificity_loss combo_loss unified_focal_loss", "n"),
        ("boundary_loss hausdorff_dt_loss soft_cldice_loss lovasz_hinge_loss lovasz_softmax_loss", "n"),
        ("discriminative_loss embedding_hinge_loss spatial_embedding_loss", "n"),
        ("gradient_penalty r1_penalty r2_penalty info_nce_loss", "n"),
    )
)
