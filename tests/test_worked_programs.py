"""The worked programs: the same figures on every framework, and what their page says of them."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.cli import kit

pytest.importorskip("sklearn")

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# A loop of single operations is slow in JAX, and compiling is slow in PyTorch.
ELSEWHERE = {
    "label_smoothing": "torch",
    "imbalance": "torch",
    "boxes": "torch",
    "masks": "torch",
    "digits": "torch",
    "robust": "torch",
    "sparse": "jax",
    "denoise": "torch",
    "tones": "jax",
}
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def pages() -> Iterator[Any]:
    """The module that writes the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("worked_programs")


@pytest.fixture(scope="module")
def program(pages: Any) -> Any:
    return functools.cache(lambda name: pages.program(name))


@pytest.fixture(scope="module")
def figures(program: Any) -> Any:
    """What a program finds on NumPy."""
    return functools.cache(lambda name: program(name)["run"]())


def every(better: Any, worse: Any, by: float = 0.0) -> bool:
    """Whether one is above the other, on every data set."""
    return bool(np.all(np.asarray(better) > np.asarray(worse) + by))


def test_the_page_is_up_to_date(pages: Any, figures: Any) -> None:
    page = pages.PAGE.read_text(encoding="utf-8")
    for name in pages.PROGRAMS:
        mine = f"<!-- {name} -->\n{pages.table(figures(name))}\n<!-- end of {name} -->"
        assert mine in page, "python benchmarks/worked_programs.py writes the page anew"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_another_framework_finds_the_same(name: str, program: Any, figures: Any) -> None:
    pytest.importorskip(ELSEWHERE[name])
    framework = kit.module("frameworks").FRAMEWORKS[ELSEWHERE[name]]
    first = {"seeds": [0]} if "SEEDS" in program(name) else {}
    with framework.session("float64"):
        found: Rows = program(name)["run"](framework.xp, **first)
    expected: Rows = figures(name)
    assert found.keys() == expected.keys()
    for row, columns in expected.items():
        for column, numbers in columns.items():
            mine = np.ravel(found[row][column])
            np.testing.assert_allclose(mine, np.ravel(numbers)[: mine.size], rtol=1e-8, atol=1e-8)


def test_smoothing_helps_where_a_classifier_is_overconfident(figures: Any) -> None:
    rows: Rows = figures("label_smoothing")
    plain, smooth = rows["100 examples, cross-entropy"], rows["100 examples, smoothed by 0.1"]
    assert every(plain["confidence - accuracy"], 0.15)
    assert every(plain["log-loss"], smooth["log-loss"], by=0.3)
    assert every(plain["calibration error"], 2 * smooth["calibration error"])
    assert every(smooth["accuracy"], plain["accuracy"])
    assert np.mean(smooth["accuracy"] - plain["accuracy"]) > 0.015


def test_smoothing_harms_where_it_is_too_modest(figures: Any) -> None:
    rows: Rows = figures("label_smoothing")
    plain, smooth = rows["1000 examples, cross-entropy"], rows["1000 examples, smoothed by 0.1"]
    assert every(-0.2, plain["confidence - accuracy"])
    assert every(smooth["log-loss"], plain["log-loss"], by=0.03)
    assert every(smooth["calibration error"], plain["calibration error"], by=0.03)
    assert np.mean(smooth["accuracy"] - plain["accuracy"]) < 0.01


def test_focal_loss_gains_nothing_over_cross_entropy(figures: Any) -> None:
    rows: Rows = figures("imbalance")
    plain, weighted, *focal = rows.values()
    np.testing.assert_allclose(plain["mean p"], 0.01, atol=0.002)
    for row in focal:
        assert np.sum(plain["average precision"] > row["average precision"]) >= 4
        between_losses = np.abs(plain["average precision"] - row["average precision"])
        assert np.mean(between_losses) < np.std(plain["average precision"]) / 2
        assert 1.9 < np.mean(row["log-loss"]) / np.mean(plain["log-loss"]) < 3.1
        assert np.mean(row["mean p"]) > 0.05
    assert every(weighted["recall at p > 0.5"], 0.5)
    for row in (plain, *focal):
        assert every(row["average precision"], weighted["average precision"])


def test_losses_of_a_constant_end_at_their_known_optima(program: Any) -> None:
    robust = program("robust")
    for numbers in robust["data"]():
        fits = {name: robust["fit"](np, loss, numbers) for name, loss in robust["LOSSES"].items()}
        np.testing.assert_allclose(fits["squared error"], np.mean(numbers, axis=1), rtol=1e-12)
        below, above = np.sort(numbers, axis=1)[:, 49:51].T  # between these every point is a median
        medians = fits["absolute error"]
        assert np.all((below - 2e-4 < medians) & (medians < above + 2e-4))
        for name, beta in (("smooth L1", 1.0), ("smooth L1, beta 0.1", 0.1)):
            cut = np.clip(fits[name][:, None] - numbers, -beta, beta)
            np.testing.assert_allclose(np.mean(cut, axis=1), 0, atol=1e-6)


def test_an_outlier_moves_the_mean_and_little_else(figures: Any) -> None:
    squared, absolute, smooth, narrow = figures("robust").values()
    assert squared["error, one is 1000"] > 9.9
    assert squared["pull of the 1000"] == 2 * 999
    for row in (absolute, smooth, narrow):
        assert row["error, one is 1000"] < 0.02
        assert row["pull of the 1000"] == 1
    assert absolute["error, clean"] > 1.1 * squared["error, clean"]
    assert smooth["error, clean"] == pytest.approx(squared["error, clean"], rel=1e-3)
    best = min(row["error, clean"] for row in (squared, absolute, smooth))
    assert narrow["error, clean"] < 1.05 * best
    assert narrow["error, one is 1000"] < absolute["error, one is 1000"]


def test_boxes_that_are_apart_need_more_than_their_overlap(figures: Any) -> None:
    rows: Rows = figures("boxes")
    for row in rows.values():
        assert every(0.2, row["overlapping, 1 - IoU after 20 steps"])
        assert every(0.03, row["overlapping, after 100"])
    for when in ("1 - IoU after 20 steps", "after 100"):
        assert (rows["IoU"][f"apart, {when}"] == 1).all()
        assert every(rows["GIoU"][f"apart, {when}"], rows["DIoU"][f"apart, {when}"], by=0.08)
        np.testing.assert_allclose(rows["CIoU"][f"apart, {when}"], rows["DIoU"][f"apart, {when}"], atol=0.01)
    assert every(0.35, rows["GIoU"]["apart, after 100"])
    for name in ("absolute error", "smooth L1, beta 0.1"):
        assert every(rows["DIoU"]["apart, after 100"], rows[name]["apart, after 100"])


def test_losses_of_overlap_find_more_of_a_small_mask(figures: Any) -> None:
    entropy, *overlap = figures("masks").values()
    dice, tversky, lovasz = overlap
    for row in overlap:
        assert every(row["recall"], 1.8 * entropy["recall"])
        assert every(row["Dice score"], entropy["Dice score"], by=0.2)
        assert every(entropy["precision"], row["precision"])
    for other in (dice, lovasz):
        assert every(tversky["recall"], other["recall"])


def test_digits_in_a_plane_are_next_to_their_like(figures: Any) -> None:
    rows: Rows = figures("digits")
    right = {name: row["nearest neighbour is right"] for name, row in rows.items()}
    for found in right.values():
        assert every(found, 0.8)
    for distances in ("triplets", "softmax and centers"):
        for angles in ("SupCon", "ArcFace"):
            assert every(right[distances], right[angles])


def test_proximal_steps_end_where_lasso_does(figures: Any) -> None:
    truth, lasso, proximal, subgradients = figures("sparse").values()
    for column, expected in lasso.items():
        assert proximal[column] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert 0 < subgradients["objective above Lasso's"] < 0.001 * 466  # of the optimum
    assert subgradients["others not 0"] == 95  # all of them
    assert lasso["others not 0"] == 7
    assert lasso["largest of them"] < 2
    assert truth["objective above Lasso's"] > 0


def test_total_variation_needs_the_right_weight(figures: Any) -> None:
    noisy, filtered, weak, right, strong = (row["PSNR in dB"] for row in figures("denoise").values())
    assert every(right, noisy, by=6.5)
    assert every(right, filtered, by=4.5)
    assert every(weak, filtered)
    assert every(filtered, weak, by=-1.0)
    assert every(noisy, strong)


def test_a_spectral_loss_hears_how_loud_tones_are(program: Any, figures: Any) -> None:
    tones = program("tones")
    spectral, squared = figures("tones").values()
    for column, amplitude in (("500 Hz, which has 0.5", 0.5), ("1125 Hz, which has 0.3", 0.3)):
        np.testing.assert_allclose(spectral[column], amplitude, atol=0.04)
        pitch = int(np.flatnonzero(tones["TRUTH"] == amplitude)[0])
        phases = np.asarray([tones["data"](seed)[2][pitch] for seed in tones["SEEDS"]])
        # The sine waves are orthogonal: the least squares are projections.
        np.testing.assert_allclose(squared[column], np.abs(amplitude * np.cos(phases)), atol=1e-9)
    assert every(0.02, spectral["loudest other"])


def test_a_low_floor_of_the_spectra_hears_other_tones(program: Any) -> None:
    tones = program("tones")

    def low_floor(amplitudes: Any, waves: Any, recording: Any) -> Any:
        return al.multi_resolution_stft_loss(amplitudes @ waves, recording, resolutions=tones["RESOLUTIONS"])

    waves, recording, _ = tones["data"](0)
    found = tones["fit"](np, low_floor, tones["LOSSES"]["multi-resolution STFT"][1], waves, recording)
    assert np.max(np.abs(found[tones["TRUTH"] == 0])) > 0.1
