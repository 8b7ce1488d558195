"""The examples of the README and of the pages run as they stand."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


NAMES = (
    "index",
    "gradients",
    "distance-maps",
    "choosing/properties",
    "coming-from/index",
    "coming-from/torch",
)
PAGES = [README, *(ROOT / "docs" / f"{name}.md" for name in NAMES)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page):
    for framework in ("torch", "jax", "dask", "scipy"):
        pytest.importorskip(framework)
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted > 5
    assert found.failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "_core.citations",
        "_core.debugging",
        "_core.states",
        "autodiff",
        "autodiff.boosting",
        "compiling",
        "features.boxes",
        "features.correlations",
        "features.detection",
        "features.filters",
    ],
)
def test_examples_of_what_is_no_loss_run(name):
    found = doctest.testmod(importlib.import_module(f"arraylosses.{name}"))
    assert found.attempted > 1
    assert found.failed == 0


def test_the_check_is_the_command_of_the_readme():
    script = (README.parent / ".ci" / "run").read_text().splitlines()
    assert script[-1] in README.read_text().splitlines()
