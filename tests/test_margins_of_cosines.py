"""Margins put into cosines that are there already, and what scales and centroids are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library
from .test_heads import BATCH, COSINES, OWN, items

# --- margins of cosines ---------------------------------------------------------------------------


LOGITS: list[tuple[Any, str, dict[str, Any]]] = [
    *(
        (al.arcface_logits, "arcface", {"overflow": o, "scale": 8.0})
        for o in ("linear", "none", "clip", "easy")
    ),
    (al.cosface_logits, "cosface", {"scale": 8.0}),
    (al.combined_margin_logits, "combined", {"scale": 8.0}),
    (al.combined_margin_logits, "combined", {"scale": 8.0, "m1": 1.3, "m2": 0.1}),
]


@pytest.mark.parametrize(("logits", "name", "options"), LOGITS)
def test_loss_is_cross_entropy_of_the_logits(logits: Any, name: str, options: dict[str, Any]) -> None:
    x, w, y = BATCH
    u, v = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (x, w))
    found = al.cross_entropy(logits(u @ v.T, y, **options), y, reduction="none")
    np.testing.assert_allclose(found, items(name, x, w, y, **options), rtol=1e-11)


def test_curriculum_is_cross_entropy_of_the_logits() -> None:
    x, w, y = BATCH
    u, v = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (x, w))
    loss, state = al.curricular_face_loss(x, w, y, scale=8.0, reduction="none", state=np.asarray(0.25))
    found = al.cross_entropy(al.curricular_face_logits(u @ v.T, y, state, scale=8.0), y, reduction="none")
    np.testing.assert_allclose(found, loss, rtol=1e-11)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        (al.arcface_logits, 0.414411),
        (al.cosface_logits, 0.45),
        (al.combined_margin_logits, 0.386957),
    ],
)
def test_worked_targets(logits: Any, expected: float, xp: Library) -> None:
    found = xp.numpy(xp.call(logits, (COSINES, OWN), {"scale": 1.0}))
    np.testing.assert_allclose(found, [expected, 0.3, -0.1], rtol=2e-6)


@pytest.mark.parametrize("logits", [al.arcface_logits, al.combined_margin_logits, al.cosface_logits])
@pytest.mark.parametrize("cosine", [1.0, -1.0, 1 + 2.0**-52, -1 - 2.0**-52])
def test_cosines_of_1_have_finite_slopes(logits: Any, cosine: float, xp: Library) -> None:
    def loss(c: Any, y: Any) -> Any:
        return al.cross_entropy(logits(c, y), y)

    c = np.asarray([cosine, 0.3, -0.1])
    assert np.isfinite(xp.numpy(xp.call(al.grad(loss), (c, OWN), {}))).all()


def test_rows_without_a_class_have_no_margin() -> None:
    for logits in (al.arcface_logits, al.cosface_logits, al.combined_margin_logits):
        np.testing.assert_array_equal(logits(COSINES, np.asarray(-100), scale=2.0), 2 * COSINES)
    np.testing.assert_array_equal(
        al.curricular_face_logits(COSINES, np.asarray(3), 0.5, scale=2.0), 2 * COSINES
    )


# --- scales, bounds, centroids --------------------------------------------------------------------


def test_worked_bounds() -> None:
    assert al.normface_lower_bound(classes=10, scale=1.0) == pytest.approx(1.376935, rel=1e-6)
    assert al.normface_lower_bound(classes=10, scale=10.0) == pytest.approx(1.345e-4, rel=1e-3)
    assert al.normface_lower_bound(classes=10**4, scale=10.0) == pytest.approx(0.373975, rel=1e-5)
    assert al.coco_alpha(classes=10**4, eps=1e-4) == pytest.approx(9.210290, rel=1e-6)
    assert al.l2_softmax_lower_bound(classes=10, p=0.9) == pytest.approx(4.276666, rel=1e-6)
    assert al.l2_softmax_lower_bound(classes=10**4, p=0.9) == pytest.approx(11.407365, rel=1e-7)


def test_the_bound_is_reached_by_a_simplex() -> None:
    centres = np.eye(4) - 0.25
    found = al.normface_loss(centres, centres, np.arange(4), scale=3.0)
    assert found == pytest.approx(al.normface_lower_bound(classes=4, scale=3.0), rel=1e-12)


def test_centroids(xp: Library) -> None:
    x = np.asarray([[1.0, 2.0], [np.nan, 1.0], [3.0, 0.0], [0.0, 1.0]])
    found = xp.call(al.class_centroids, (x, np.asarray([0, -100, 2, 0])), {"count": 3})
    np.testing.assert_array_equal(xp.numpy(found), [[0.5, 1.5], [0, 0], [3, 0]])
    present = np.asarray([True, False, True])
    some = xp.items(
        al.coco_loss,
        x[:1],
        np.asarray([[0.5, 1.5], [0.0, 0.0], [3.0, 0.0]]),
        OWN[None],
        alpha=4.0,
        class_mask=present,
    )
    without = xp.items(al.coco_loss, x[:1], np.asarray([[0.5, 1.5], [3.0, 0.0]]), OWN[None], alpha=4.0)
    np.testing.assert_allclose(some, without, rtol=1e-14)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.arcface_logits(COSINES, OWN, overflow="hard"),
            "arcface_logits: overflow must be 'linear', 'none', 'clip' or 'easy', got 'hard'",
        ),
        (
            lambda: al.cosface_logits(COSINES, OWN[None]),
            "cosface_logits: labels must have shape (), got (1,)",
        ),
        (
            lambda: al.cosface_logits(COSINES, OWN * 1.0),
            "cosface_logits: labels must be an integer array, got float64",
        ),
        (
            lambda: al.cosface_logits(COSINES, OWN, margin=np.zeros(2)),
            "cosface_logits: margin must be a number or a 0-d array, got (2,)",
        ),
        (
            lambda: al.class_centroids(*BATCH[::2], count=0),
            "class_centroids: count must be a positive integer, got 0",
        ),
        (
            lambda: al.coco_alpha(classes=1, eps=0.1),
            "coco_alpha: classes must be an integer of at least 2, got 1",
        ),
        (
            lambda: al.normface_lower_bound(classes=2, scale=-1.0),
            "normface_lower_bound: scale must be positive, got -1.0",
        ),
        (
            lambda: al.l2_softmax_lower_bound(classes=9, p=1.0),
            "l2_softmax_lower_bound: p must be between 0 and 1, and neither of them, got 1.0",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        call()
    assert str(refused.value) == message
