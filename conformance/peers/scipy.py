"""The functions of SciPy that are losses of ours. They return items, or the terms that an item sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats
from scipy.spatial import distance

FRAMEWORK = "numpy"
DIFFERENTIABLE = False

A = Any


def huber_loss(pred: A, target: A, *, delta: A = 1.0) -> A:
    return special.huber(delta, pred - target)


def charbonnier_loss(pred: A, target: A, *, eps: A = 0.001, shift: bool = False) -> A:
    if not shift:
        raise NotImplementedError("pseudo_huber is 0 at 0")
    # pseudo_huber grows with the slope of its delta, as Huber's does; this loss with a slope of 1.
    return special.pseudo_huber(eps, pred - target) / eps


def general_robust_loss(pred: A, target: A, *, alpha: A = 1.0, scale: A = 1.0) -> A:
    if np.ndim(alpha) or alpha != 1:
        raise NotImplementedError("pseudo_huber is the loss of alpha = 1")
    return special.pseudo_huber(1.0, (pred - target) / scale)


def cosine_distance(pred: A, target: A, *, axis: int = -1) -> A:
    return _by_row(distance.cosine, pred, target, axis)


def logistic_loss(scores: A, labels: A) -> A:
    return -special.log_expit(labels * scores)


def binary_cross_entropy(probs: A, target: A) -> A:
    return -special.xlogy(target, probs) - special.xlog1py(1 - target, -probs)


def kl_divergence(
    log_probs: A, target: A, *, log_target: bool = False, generalized: bool = False, axis: int = -1
) -> A:
    if log_target:
        raise NotImplementedError("kl_div takes probabilities, and so does rel_entr")
    divergence = special.kl_div if generalized else special.rel_entr
    return np.sum(divergence(target, np.exp(log_probs)), axis=axis)


def js_divergence(
    log_probs: A, target: A, *, weight: float = 0.5, from_log: bool = True, axis: int = -1
) -> A:
    if from_log:
        raise NotImplementedError("jensenshannon takes probabilities")
    if weight != 0.5:
        raise NotImplementedError("the mixture of jensenshannon has equal shares")
    return distance.jensenshannon(log_probs, target, axis=axis) ** 2


def gaussian_nll(pred: A, target: A, var: A, *, full: bool = False) -> A:
    if not full:
        raise NotImplementedError("a density has its constant")
    return -stats.norm.logpdf(target, pred, np.sqrt(var))


def poisson_nll(pred: A, target: A, *, log_input: bool = True, full: bool | str = False, eps: A = 1e-8) -> A:
    if full != "exact":
        raise NotImplementedError("a probability has its constant")
    if not log_input and eps != 0:
        raise NotImplementedError("nothing is added to the expected count")
    return -stats.poisson.logpmf(target, np.exp(pred) if log_input else pred)


def _by_row(function: Any, x: A, y: A, axis: int) -> A:
    x, y = (np.moveaxis(a, axis, -1) for a in (x, y))
    shape, size = x.shape[:-1], x.shape[-1]
    pairs = zip(x.reshape(-1, size), y.reshape(-1, size), strict=True)
    return np.asarray([function(a, b) for a, b in pairs], dtype=x.dtype).reshape(shape)
