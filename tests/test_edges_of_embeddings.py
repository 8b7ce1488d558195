"""Embeddings that coincide, vanish, or are huge or tiny, under every way of labelling them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .test_pairs import IDENTITIES, VECTORS


def of_classes(loss: Any, **options: Any) -> Any:
    """A loss that has a vector for each class: those of the first rows, which coincide with these."""
    return lambda x, y, s: loss(x, _classes(s), y % 3, **options)


def of_pairs(loss: Any, **options: Any) -> Any:
    """A loss of pairs of rows: each with the one before it, or with itself where there is no other."""
    return lambda x, y, s: loss(x, _next(s), **options)


def _classes(x: Any) -> Any:
    return np.concatenate([x, np.eye(3, dtype=x.dtype)])[:3]


def _next(x: Any, by: int = 1) -> Any:
    return np.roll(x, by, axis=0)


# Whether lengths do not matter, so that single precision holds them all, and the loss.
LOSSES: dict[str, tuple[bool, Any]] = {
    "contrastive": (False, lambda x, y, s: al.contrastive_loss(x, _next(s), y % 2)),
    "cosine embedding": (
        True,
        lambda x, y, s: al.cosine_embedding_loss(x, _next(s), 2 * (y % 2) - 1),
    ),
    "triplet": (
        False,
        lambda x, y, s: al.triplet_margin_loss(x, _next(s), _next(s, 2), swap=True),
    ),
    "triplet, p=1": (
        False,
        lambda x, y, s: al.triplet_margin_loss(x, _next(s), _next(s, 2), p=1),
    ),
    "facenet": (True, lambda x, y, s: al.facenet_triplet_loss(x, _next(s), _next(s, 2))),
    "quadruplet": (
        False,
        lambda x, y, s: al.quadruplet_loss(x, _next(s), _next(s, 2), _next(s, 3)),
    ),
    "n-pair": (False, of_pairs(al.n_pair_loss)),
    "InfoNCE": (True, of_pairs(al.info_nce_loss, normalize=True)),
    "InfoNCE, products": (False, of_pairs(al.info_nce_loss)),
    "CLIP": (True, of_pairs(al.clip_loss, logit_scale=10.0, normalize=True)),
    "SigLIP": (True, of_pairs(al.siglip_loss, normalize=True)),
    "VICReg": (False, of_pairs(al.vicreg_loss)),
    "Barlow twins": (True, of_pairs(al.barlow_twins_loss)),
    "proxy NCA": (True, of_classes(al.proxy_nca_loss)),
    "proxy anchor": (True, of_classes(al.proxy_anchor_loss)),
    "center": (False, of_classes(al.center_loss)),
    "NormFace": (True, of_classes(al.normface_loss, scale=8.0)),
    "COCO": (True, of_classes(al.coco_loss, alpha=8.0)),
    "L2-softmax": (False, of_classes(al.l2_softmax_loss, alpha=8.0)),
    "AM-softmax": (True, of_classes(al.am_softmax_loss)),
    "CosFace": (True, of_classes(al.cosface_loss)),
    "ArcFace": (True, of_classes(al.arcface_loss)),
    "combined": (True, of_classes(al.combined_margin_loss)),
    "combined, a factor": (True, of_classes(al.combined_margin_loss, m1=0.9, m2=0.4, m3=0.15)),
    "L-softmax": (False, of_classes(al.l_softmax_loss)),
    "A-softmax": (False, of_classes(al.a_softmax_loss)),
    "CurricularFace": (
        True,
        lambda x, y, s: al.curricular_face_loss(x, _classes(s), y % 3).loss,
    ),
    "MagFace": (True, of_classes(al.mag_face_loss)),
    "AdaFace": (True, lambda x, y, s: al.ada_face_loss(x, _classes(s), y % 3).loss),
    "sub-centers": (
        True,
        lambda x, y, s: al.sub_center_arcface_loss(x, _classes(s)[:, None, :], y % 3),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("identities", IDENTITIES)
def test_value_and_gradient_are_finite(name: str, vectors: str, identities: str) -> None:
    in_single, loss = LOSSES[name]
    labels = IDENTITIES[identities]
    x = VECTORS[vectors][: len(labels)]
    for dtype in ("float64", "float32") if in_single else ("float64",):
        given = x.astype(dtype)
        value, slope = al.value_and_grad(functools.partial(loss, y=labels, s=given))(given)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()
