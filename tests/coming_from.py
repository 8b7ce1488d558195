"""The arrays that the calls on the pages of `docs/coming-from` are about, by their names there."""

from __future__ import annotations

from typing import Any

import numpy as np


def inputs() -> dict[str, Any]:
    """Small arrays of NumPy, float64 and int64, the same ones at every call."""
    rng = np.random.default_rng(7)
    normal, uniform = rng.normal, rng.uniform

    logits, labels = normal(size=(5, 4)), np.asarray([0, 3, 1, 1, 2])
    log_probs = _log_softmax(logits)
    region_logits = 2 * normal(size=(2, 3, 6, 6))
    regions = np.eye(3)[rng.integers(3, size=(2, 6, 6))].transpose(0, 3, 1, 2)
    corners, sides = uniform(0, 20, size=(2, 5, 2)), uniform(5, 20, size=(2, 5, 2))
    boxes, true_boxes = np.concatenate([corners, corners + sides], axis=-1)
    mask_logits = 2 * normal(size=(2, 6, 6))
    x1, x2 = normal(size=(2, 6, 3))
    return {
        # one number, or several, for each item
        "pred": normal(size=6) + np.asarray([0.0, 0.0, 3.0, 0.0, 0.0, -4.0]),
        "target": normal(size=6),
        "weight": uniform(0.5, 2, size=6),
        "var": uniform(0.5, 2, size=6),
        "amount": uniform(0.5, 4, size=6),
        "true_amount": uniform(0.5, 4, size=6),
        "count": np.asarray([0.0, 1.0, 3.0, 2.0, 0.0, 5.0]),
        # two classes
        "logit": 2 * normal(size=6),
        "prob": uniform(0.05, 0.95, size=6),
        "yes": np.asarray([1.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
        "sign": np.asarray([1.0, -1.0, -1.0, 1.0, 1.0, -1.0]),
        # several classes
        "logits": logits,
        "labels": labels,
        "log_probs": log_probs,
        "probs": np.exp(log_probs),
        "one_hot": np.eye(4)[labels],
        "rows": rng.dirichlet(np.ones(4), size=5),
        "teacher": normal(size=(5, 4)),
        "several": np.asarray(rng.integers(2, size=(5, 4)), dtype=float),
        "class_weight": uniform(0.5, 2, size=4),
        "hidden": normal(size=(5, 3)),
        "head": normal(size=(4, 3)),
        # sequences
        "frames": _log_softmax(normal(size=(2, 7, 4))),
        "words": np.asarray([[1, 2, 2], [3, 1, 1]]),
        "frame_counts": np.asarray([7, 6]),
        "word_counts": np.asarray([3, 2]),
        # masks and images
        "region_logits": region_logits,
        "region_probs": np.exp(_log_softmax(region_logits, 1)),
        "regions": regions,
        "region_labels": regions.argmax(1),
        "mask_logits": mask_logits,
        "mask_probs": 1 / (1 + np.exp(-mask_logits)),
        "mask": np.asarray(rng.integers(2, size=(2, 6, 6)), dtype=float),
        "image": uniform(size=(2, 3, 16, 16)),
        "true_image": uniform(size=(2, 3, 16, 16)),
        # boxes
        "boxes": boxes,
        "true_boxes": true_boxes,
        "rotated": np.concatenate([boxes[:, :2], sides[0], uniform(-1, 1, size=(5, 1))], axis=-1),
        "true_rotated": np.concatenate([true_boxes[:, :2], sides[1], uniform(-1, 1, size=(5, 1))], axis=-1),
        # embeddings
        "x1": x1,
        "x2": x2,
        "same": np.asarray([1, 0, 0, 1, 1, 0]),
        "views": np.concatenate([x1, x2]),
        "view_identity": np.tile(np.arange(6), 2),
        "anchor": normal(size=(5, 3)),
        "positive": normal(size=(5, 3)),
        "negative": normal(size=(5, 3)),
        "embeddings": normal(size=(8, 3)),
        "identity": np.asarray([0, 0, 1, 1, 2, 2, 3, 3]),
        "proxies": normal(size=(4, 3)),
        # lists
        "scores": normal(size=(3, 5)),
        "relevance": np.asarray(rng.integers(3, size=(3, 5)), dtype=float),
    }


def _log_softmax(x: Any, axis: int = -1) -> Any:
    return x - np.log(np.exp(x).sum(axis, keepdims=True))
