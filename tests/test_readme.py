"""The examples of the README run as they stand."""

import doctest
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_examples_run():
    for framework in ("torch", "jax", "dask"):
        pytest.importorskip(framework)
    found = doctest.testfile(str(README), module_relative=False)
    assert found.attempted > 8
    assert found.failed == 0


def test_the_check_is_the_command_of_the_readme():
    script = (README.parent / ".ci" / "run").read_text().splitlines()
    assert script[-1] in README.read_text().splitlines()
