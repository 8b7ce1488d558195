"""Losses as objectives, with the real boosting libraries and the data that scikit-learn brings."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import arraylosses as al

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")
datasets = pytest.importorskip("sklearn.datasets")

QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True}


@functools.cache
def cancer() -> tuple[Any, Any]:
    return datasets.load_breast_cancer(return_X_y=True)


@functools.cache
def diabetes() -> tuple[Any, Any]:
    x, y = datasets.load_diabetes(return_X_y=True)
    return x, y / 100


def boosted(x: Any, y: Any, objective: Any, weight: Any = None, start: float = 0.0, **params: Any) -> Any:
    """The raw scores that LightGBM arrives at."""
    initial = np.full(len(y), start) if start else None
    data = lightgbm.Dataset(x, y, weight=weight, init_score=initial)
    params = QUIET | {"objective": objective, "boost_from_average": False} | params
    return lightgbm.train(params, data, num_boost_round=20).predict(x, raw_score=True) + start


def tweedie_of_the_logarithm(score: Any, target: Any) -> Any:
    mean = score.__array_namespace__().exp(score)
    return al.tweedie_deviance(mean, target, power=1.5, reduction="none")


@pytest.mark.parametrize("weighted", [False, True])
def test_logits_reproduce_the_binary_objective_of_lightgbm(weighted: bool) -> None:
    x, y = cancer()
    weight = np.linspace(0.5, 2, len(y)) if weighted else None
    ours = boosted(x, y, al.objective(al.binary_cross_entropy_with_logits), weight)
    np.testing.assert_allclose(ours, boosted(x, y, "binary", weight), rtol=1e-12)
    assert np.mean((ours > 0) == y) > 0.95


def test_logits_reproduce_the_logistic_objective_of_xgboost() -> None:
    x, y = cancer()
    weight = np.linspace(0.5, 2, len(y))
    data = xgboost.DMatrix(x, y, weight=weight)
    params = {"base_score": 0.5, "nthread": 1}
    theirs = xgboost.train(params | {"objective": "binary:logistic"}, data, 20)
    gradients = al.objective(al.binary_cross_entropy_with_logits)
    ours = xgboost.train(params | {"base_score": 0.0}, data, 20, obj=gradients)
    # Scores are float32 sums over trees, some of which cancel.
    np.testing.assert_allclose(
        ours.predict(data, output_margin=True), theirs.predict(data, output_margin=True), atol=1e-6
    )


def test_squared_error_reproduces_l2() -> None:
    x, y = diabetes()
    half = al.objective(al.squared_error)
    np.testing.assert_allclose(boosted(x, y, half), boosted(x, y, "regression", lambda_l2=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("objective", "target", "link"),
    [
        (al.objective(al.quantile_loss, quantile=0.8, hessian="one"), diabetes, None),
        (al.objective(al.huber_loss, delta=2.0), diabetes, None),
        (al.objective(al.sigmoid_focal_loss), cancer, None),
        (al.objective(tweedie_of_the_logarithm), diabetes, np.exp),
        (al.objective(al.poisson_nll), diabetes, np.exp),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_objectives_train(objective: Any, target: Any, link: Any) -> None:
    x, y = target()
    # Where all rows pull alike, as those of a quantile from outside do, there is nothing to split.
    score = boosted(x, y, objective, start=0.0 if link else np.median(y), learning_rate=0.3)
    error = np.abs((link(score) if link else score) - y).mean()
    if objective.__name__.endswith("quantile_loss"):
        assert 0.7 < np.mean(y <= score) < 0.9
    elif set(y) == {0, 1}:
        assert np.mean((score > 0) == y) > 0.95
    else:
        assert error < 0.6 * np.abs(np.median(y) - y).mean()


def test_interfaces_that_follow_scikit_learn() -> None:
    x, y = cancer()
    weight = np.linspace(0.5, 2, len(y))
    gradients = al.objective(al.binary_cross_entropy_with_logits)
    model = lightgbm.LGBMRegressor(objective=gradients, n_estimators=20, **QUIET)
    score = model.fit(x, y, sample_weight=weight).predict(x, raw_score=True)
    np.testing.assert_allclose(score, boosted(x, y, gradients, weight), rtol=1e-9)
    model = xgboost.XGBRegressor(objective=gradients, n_estimators=20, base_score=0.0, n_jobs=1)
    assert np.mean((model.fit(x, y, sample_weight=weight).predict(x) > 0) == y) > 0.95
    assert np.mean((model.fit(x, y).predict(x) > 0) == y) > 0.95


def test_classes_have_the_layout_of_the_libraries() -> None:
    x, y = datasets.load_iris(return_X_y=True)
    gradients = al.objective(al.cross_entropy)
    score = boosted(x, y, gradients, num_class=3)
    assert np.mean(score.argmax(axis=1) == y) > 0.95
    data = xgboost.DMatrix(x, y, weight=np.linspace(0.5, 2, len(y)))
    params = {"num_class": 3, "nthread": 1, "base_score": 0.0}
    booster = xgboost.train(params, data, 20, obj=gradients)
    score = booster.predict(data, output_margin=True)
    assert np.mean(score.argmax(axis=1) == y) > 0.95


def test_the_diagonal_of_softmax() -> None:
    z = np.asarray([[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    gradient, curvature = al.objective(al.cross_entropy)(np.asarray([2.0, 0.0]), z, np.asarray([1.0, 3.0]))
    weight = np.asarray([[1.0], [3.0]])
    np.testing.assert_allclose(gradient, weight * (p - np.eye(3)[[2, 0]]), rtol=1e-13)
    np.testing.assert_allclose(curvature, weight * p * (1 - p), rtol=1e-13)


def test_several_outputs() -> None:
    pred, target = np.asarray([[1.0, 2.0]]), np.asarray([[0.0, 0.0]])
    gradient, curvature = al.objective(al.squared_error)(target, pred)
    np.testing.assert_array_equal(gradient, [[2.0, 4.0]])
    np.testing.assert_array_equal(curvature, [[2.0, 2.0]])


def test_the_hessian_that_is_asked_for() -> None:
    y, z = np.asarray([1.0, 0.0]), np.asarray([-4.0, 0.5])
    exact = al.objective(al.sigmoid_focal_loss, hessian="exact")(y, z)[1]
    positive = al.objective(al.sigmoid_focal_loss)(y, z)[1]
    assert exact[0] < 0 == positive[0]
    assert exact[1] == positive[1] > 0
    np.testing.assert_array_equal(al.objective(al.sigmoid_focal_loss, hessian="one")(y, z)[1], [1, 1])


def test_precision_is_that_of_the_predictions() -> None:
    y, z = np.zeros(3, dtype=np.float32), np.zeros(3, dtype=np.float32)
    assert [x.dtype for x in al.objective(al.squared_error)(y, z)] == [np.float32, np.float32]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: al.objective(al.squared_error, hessian="two"),
            "objective: hessian must be 'positive', 'exact' or 'one', got 'two'",
        ),
        (
            lambda: al.objective(al.squared_error, reduction="mean"),
            "objective: reduction must not be given, the libraries add the rows up themselves",
        ),
        (
            lambda: al.objective(al.quantile_loss)(np.zeros(3), np.ones(3)),
            "objective: quantile_loss has no curvature here: pass hessian='one'",
        ),
        (
            lambda: al.objective(al.squared_error)(np.zeros(3), [0.0]),
            "objective: predictions must be an array, got list",
        ),
        (
            lambda: al.objective(al.cross_entropy)([0.0], np.zeros((1, 2))),
            "objective: targets must be an array, got list",
        ),
        (
            lambda: al.objective(al.squared_error)(np.zeros(3), np.zeros(3), [1.0]),
            "objective: sample_weight must be an array, got list",
        ),
        (
            lambda: al.objective(al.cross_entropy)(np.asarray([0.0, 1.5]), np.zeros((2, 3))),
            "objective: targets of cross_entropy must be whole numbers, got 1.5",
        ),
        (lambda: al.objective("huber_loss"), "objective: loss must be a function, got str"),
    ],
)
def test_bad_input(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert str(error.value) == message
