"""The example of docs/adding-a-loss.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import arraylosses
from arraylosses.cli import kit

GUIDE = Path(__file__).parents[1] / "docs" / "adding-a-loss.md"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the toy loss of the guide."""
    root = tmp_path_factory.mktemp("checkout")
    unwanted = shutil.ignore_patterns("__pycache__", "conformance")
    shutil.copytree(Path(arraylosses.__file__).parent, root / "arraylosses", ignore=unwanted)
    evidence = Path(kit.module("schema").__file__).parent
    shutil.copytree(evidence, root / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    function, case = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    chapter = root / "arraylosses" / "regression.py"
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(re.sub(r"__all__ = \[", '__all__ = ["log_error", ', text, count=1) + "\n\n" + function)
    with (root / "conformance" / "cases" / "regression.py").open("a") as cases:
        cases.write("\n\n" + case)
    run(root, "-m", "conformance", "vectors", "log_error")
    return root


def run(root: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_exported(copy: Path) -> None:
    assert run(copy, "-c", "import arraylosses as al; print(al.log_error.__name__)") == "log_error\n"


def test_it_is_listed_and_shown(copy: Path) -> None:
    listed: list[dict[str, Any]] = json.loads(run(copy, "-m", "arraylosses.cli", "list", "--json"))
    assert any(facts["name"] == "log_error" and facts["family"] == "regression" for facts in listed)
    assert "saturates" in run(copy, "-m", "arraylosses.cli", "show", "log_error")


def test_it_validates(copy: Path) -> None:
    found = json.loads(run(copy, "-m", "arraylosses.cli", "validate", "log_error", "--json"))
    outcomes = found["outcomes"]
    assert {o["implementation"] for o in outcomes} >= {"numpy", "strict"}
    assert all(o["holds"] and o["cases"] > 10 for o in outcomes)


def test_its_example_runs(copy: Path) -> None:
    run(copy, "-c", "import doctest, arraylosses.regression as r; assert not doctest.testmod(r).failed")
