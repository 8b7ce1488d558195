"""The worked programs: the same figures on every framework, and what their page says of them.

What the tutorials say of five of them, the tutorials check.
"""

from __future__ import annotations

import functools
import importlib
import re
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


def test_the_guide_to_choosing_quotes_the_programs(pages: Any, figures: Any) -> None:
    tables, quoted = "\n".join(pages.table(figures(name)) for name in ELSEWHERE), 0
    for page in (pages.DOCS / "choosing").glob("*.md"):
        for paragraph in page.read_text(encoding="utf-8").split("\n\n"):
            if re.search(r"worked-programs\.md#|tutorials/", paragraph) and ">>>" not in paragraph:
                prose = re.sub(r"`[^`]*`|\([^)]*\.md[^)]*\)", "", paragraph)
                found = re.findall(r"\d+\.\d+", prose)
                assert all(figure in tables for figure in found), found
                quoted += len(found)
    assert quoted > 20


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
