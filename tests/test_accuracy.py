"""The accuracy page says what was measured, and what was measured is what the losses do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

accuracy, exhaustive, page, reasons, sampled, settings, ulp = (
    kit.module(f"accuracy{name}")
    for name in ("", ".exhaustive", ".page", ".reasons", ".sampled", ".settings", ".ulp")
)
EXHAUSTIVE, SAMPLED, VECTORS = (accuracy.read(kind) for kind in ("exhaustive", "sampled", "vectors"))
OF_ONE = {(s.loss, s.key): s for group in settings.all_settings().values() for s in group}
OF_SEVERAL = {(s.loss, s.key): s for group in sampled.all_sampled().values() for s in group}


def keys(found: dict) -> set[tuple[str, str]]:
    return {(loss, key) for loss, records in found.items() for key in records}


def test_the_page_is_what_the_files_say() -> None:
    there = (Path(__file__).parents[1] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert page.text(there) == there


def test_every_pointwise_loss_has_been_measured() -> None:
    assert keys(EXHAUSTIVE) == OF_ONE.keys()
    assert keys(SAMPLED) == OF_SEVERAL.keys()
    pointwise = {name for name, spec in LOSSES.items() if spec.signatures[0].pointwise}
    assert {*EXHAUSTIVE, *SAMPLED} == pointwise


def test_every_loss_has_been_held_against_its_vectors() -> None:
    assert VECTORS.keys() - {"measured"} == LOSSES.keys()
    for records in VECTORS.values():  # by dtype, or when they were measured
        assert {key.split()[0] for key in records} >= {"numpy", "strict", "torch"}


def test_the_table_of_the_vectors_is_what_they_give() -> None:
    framework = kit.module("frameworks").FRAMEWORKS["numpy"]
    for loss in ("huber_loss", "squared_error"):  # which are right to the last place everywhere
        there = VECTORS[loss]["numpy float32"]
        assert kit.module("accuracy.vectors").record(loss, framework, "float32") == there


def test_the_registry_says_which_losses_are_of_one_number() -> None:
    of_one = {loss for loss, _ in OF_ONE}
    assert {"huber_loss", "hinge_loss", "sigmoid_focal_loss", "margin_ranking_loss", "log_loss"} <= of_one
    assert not of_one & {"gaussian_nll", "poisson_nll", "absolute_percentage_error", "cross_entropy"}


def test_what_is_exhaustive_has_had_every_float32() -> None:
    for records in EXHAUSTIVE.values():
        for record in records.values():
            assert (record["inputs"] == 2**32) == (record["every"] == 1)
            assert record["nan"]["inputs"] == 2 * (2**23 - 1) or record["every"] > 1


def test_what_is_beyond_the_bound_has_a_reason_and_nothing_else_has() -> None:
    beyond = {*page.beyond_bound(EXHAUSTIVE, SAMPLED)}
    assert beyond <= reasons.REASONS.keys()
    unsure = {loss for loss, records in EXHAUSTIVE.items() if any(r["every"] > 1 for r in records.values())}
    assert reasons.REASONS.keys() - beyond <= unsure


@pytest.mark.parametrize("loss", sorted(EXHAUSTIVE))
def test_the_worst_inputs_are_as_bad_as_they_are_said_to_be(loss: str) -> None:
    """On NumPy in float64, which is not what the sweep compares with."""
    for key, record in EXHAUSTIVE[loss].items():
        for i, quantity in enumerate(exhaustive.QUANTITIES):
            worst = {float.fromhex(x): float(error) for x, error in record[quantity]["worst"].items()}
            x = np.asarray([*worst], np.float32)
            errors = exhaustive.plain(OF_ONE[loss, key])(x, *results_of(OF_ONE[loss, key], x))[i]
            assert_as_recorded(record, errors, [*worst.values()])


def assert_as_recorded(record: dict, errors: np.ndarray, recorded: list[float]) -> None:
    """To the digit where it was measured; another processor or NumPy has other exponentials."""
    if record["cpu"] == accuracy.cpu() and record["versions"]["numpy"] == np.__version__:
        np.testing.assert_allclose(errors, recorded, rtol=1e-3, atol=1e-3)
    else:
        assert np.all(errors <= 2 * np.asarray(recorded) + 2)


def results_of(setting: object, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        return setting.value_and_gradient(x)


@pytest.mark.parametrize("loss", sorted(SAMPLED))
def test_the_worst_samples_are_as_bad_as_they_are_said_to_be(loss: str) -> None:
    for key, record in SAMPLED[loss].items():
        setting = OF_SEVERAL[loss, key]
        for i, quantity in enumerate(setting.quantities):
            points, errors = zip(*record[quantity]["worst"], strict=True)
            columns = zip(*points, strict=True)
            x = [np.asarray(list(map(float.fromhex, column)), np.float32) for column in columns]
            assert_as_recorded(record, setting.errors(x)[i], list(map(float, errors)))


def test_an_ulp_is_the_distance_to_the_next_float32() -> None:
    x = np.asarray([1.0, -1.5, 2.0, 3e38, 1e-30, 2.0**-126, 2.0**-140, 0.0], np.float32)
    above = np.nextafter(x, np.float32(np.inf))
    off = ulp.ulps(np, above.astype(np.float64), x.astype(np.float64))
    np.testing.assert_array_equal(off, 1.0)


def test_what_is_not_a_number_or_infinite_is_far_off() -> None:
    got = np.asarray([np.nan, 1.0, np.inf, 0.0, np.inf, -np.inf, np.nan, np.inf])
    want = np.asarray([1.0, np.nan, 3e38, -np.inf, np.nan, np.inf, np.nan, 1e39])
    off = ulp.ulps(np, got, want)
    assert np.all(off[[0, 1, 3, 4, 5]] > ulp.MISSED)
    assert off[2] == (2.0**128 - 3e38) / 2.0**104
    assert np.all(off[[6, 7]] == 0)


def test_a_planted_inaccuracy_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A naive softplus, whose value is 0 where the true one is 1e-9."""
    setting = OF_ONE["logistic_loss", "x, 1"]
    right = LOSSES["logistic_loss"].function

    def naive(scores: np.ndarray, labels: np.ndarray, **options: str) -> np.ndarray:
        if scores.dtype != np.float32:
            return right(scores, labels, **options)
        xp = scores.__array_namespace__()
        return xp.log(1 + xp.exp(-scores * labels))

    x = exhaustive.block(exhaustive.BLOCKS // 4 + 200)
    tallies = []
    for function in (right, naive):
        monkeypatch.setattr(LOSSES["logistic_loss"], "function", function)
        errors = exhaustive.plain(setting)(x, *results_of(setting, x))
        tallies.append([exhaustive.Tally() for _ in errors])
        for tally, each in zip(tallies[-1], errors, strict=True):
            tally.add(x, each)
    (value, gradient), (naive_value, naive_gradient) = tallies
    assert value.beyond[4] == gradient.beyond[4] == 0
    assert naive_value.beyond[4] > x.size / 2
    assert naive_value.record()["ulp"] > 100
    assert naive_gradient.inputs == x.size


def test_float64_is_held_against_the_textbook(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in float64 too is seen by the formula."""
    setting = OF_ONE["huber_loss", "x, 0"]
    right = LOSSES["huber_loss"].function
    assert exhaustive.confirmed(setting, [0.5, 3.0])["value"]["ulp"] < 1e-6
    monkeypatch.setattr(LOSSES["huber_loss"], "function", lambda *a, **k: right(*a, **k) * (1 + 1e-6))
    found = exhaustive.confirmed(setting, [0.5, 3.0])
    assert found["value"]["ulp"] > 4
    assert found["gradient"]["ulp"] > 4
