"""The metrics of scikit-learn that are losses of ours. They are means, so an item is that of one sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.metrics import pairwise

FRAMEWORK = "numpy"
DIFFERENTIABLE = False

A = Any


# --- regression ----------------------------------------------------------------------------------


def absolute_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_output(metrics.mean_absolute_error, pred, target, sample_weight, reduction)


def squared_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_output(metrics.mean_squared_error, pred, target, sample_weight, reduction)


def squared_log_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_output(metrics.mean_squared_log_error, pred, target, sample_weight, reduction)


def absolute_percentage_error(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_output(metrics.mean_absolute_percentage_error, pred, target, sample_weight, reduction)


def quantile_loss(
    pred: A, target: A, *, quantile: A = 0.5, sample_weight: A = None, reduction: str = "mean"
) -> A:
    return _by_output(
        metrics.mean_pinball_loss, pred, target, sample_weight, reduction, alpha=_number(quantile)
    )


def poisson_deviance(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_sample(metrics.mean_poisson_deviance, pred, target, sample_weight, reduction)


def gamma_deviance(pred: A, target: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    return _by_sample(metrics.mean_gamma_deviance, pred, target, sample_weight, reduction)


def tweedie_deviance(
    pred: A, target: A, *, power: A = 1.5, sample_weight: A = None, reduction: str = "mean"
) -> A:
    return _by_sample(
        metrics.mean_tweedie_deviance, pred, target, sample_weight, reduction, power=_number(power)
    )


def cosine_distance(pred: A, target: A, *, axis: int = -1) -> A:
    pred, target = (np.moveaxis(x, axis, -1) for x in (pred, target))
    items = pairwise.paired_cosine_distances(_rows(pred), _rows(target))
    return items.reshape(pred.shape[:-1])


# --- classification ------------------------------------------------------------------------------


def log_loss(probs: A, labels: A, *, axis: int = -1, sample_weight: A = None, reduction: str = "mean") -> A:
    probs = _classes_last(probs, labels, axis)
    classes = range(probs.shape[-1] if probs.ndim > labels.ndim else 2)
    return _by_sample(metrics.log_loss, probs, labels, sample_weight, reduction, labels=classes)


def brier_loss(
    probs: A,
    labels: A,
    *,
    half: bool = False,
    axis: int = -1,
    sample_weight: A = None,
    reduction: str = "mean",
) -> A:
    probs = _classes_last(probs, labels, axis)
    if probs.ndim > labels.ndim:
        options = {"labels": range(probs.shape[-1]), "scale_by_half": half}
    elif half:
        raise NotImplementedError("the score of two classes is scaled to [0, 1]")
    else:
        options = {"pos_label": 1}
    return _by_sample(metrics.brier_score_loss, probs, labels, sample_weight, reduction, **options)


def hinge_loss(scores: A, labels: A, *, sample_weight: A = None, reduction: str = "mean") -> A:
    if reduction != "mean":
        raise NotImplementedError("of one sample there is one label, where hinge_loss wants two")
    return _by_sample(metrics.hinge_loss, scores, labels, sample_weight, reduction)


def multiclass_hinge_loss(
    scores: A, labels: A, *, axis: int = -1, sample_weight: A = None, reduction: str = "mean"
) -> A:
    scores = _classes_last(scores, labels, axis)
    classes = range(scores.shape[-1])
    if len(classes) < 3:
        raise NotImplementedError("of two classes hinge_loss takes one score")
    return _by_sample(metrics.hinge_loss, scores, labels, sample_weight, reduction, labels=classes)


# --- how scikit-learn reduces --------------------------------------------------------------------


def _by_output(
    metric: Callable[..., A], pred: A, target: A, sample_weight: A, reduction: str, **options: A
) -> A:
    """Items as the several outputs of one sample."""
    if reduction == "none" and sample_weight is None:
        outputs = (_same_shape(target, pred).reshape(1, -1), pred.reshape(1, -1))
        return metric(*outputs, multioutput="raw_values", **options).reshape(pred.shape)
    return _by_sample(metric, pred, target, sample_weight, reduction, **options)


def _by_sample(
    metric: Callable[..., A], pred: A, target: A, sample_weight: A, reduction: str, **options: A
) -> A:
    """The mean of all samples, or one call for each."""
    shape = target.shape if pred.ndim > target.ndim > 0 else _same_shape(target, pred).shape
    y, p = target.reshape(-1), (_rows(pred) if pred.ndim > len(shape) else pred.reshape(-1))
    if reduction == "mean":
        if sample_weight is not None:
            options["sample_weight"] = np.broadcast_to(sample_weight, shape).reshape(-1)
        return _array(metric(y, p, **options), pred)
    if reduction != "none" or sample_weight is not None:
        raise NotImplementedError("a metric is a mean")
    items = [metric(y[i : i + 1], p[i : i + 1], **options) for i in range(len(y))]
    return _array(items, pred).reshape(shape)


def _same_shape(target: A, pred: A) -> A:
    if target.shape != pred.shape:
        raise NotImplementedError("a metric wants a target for every prediction")
    return target


def _classes_last(x: A, labels: A, axis: int) -> A:
    return np.moveaxis(x, axis, -1) if x.ndim > labels.ndim else x


def _rows(x: A) -> A:
    return x.reshape(-1, x.shape[-1])


def _number(x: A) -> float:
    if np.ndim(x):
        raise NotImplementedError("a metric takes one number for all")
    return float(x)


def _array(x: A, like: A) -> A:
    """Python's floats in the dtype that the metric computed them in."""
    return np.asarray(x, dtype=np.result_type(like, np.float32))
