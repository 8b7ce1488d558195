"""Somebody else's losses, in a folder of their own, held against the evidence of an installed wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import arraylosses
from arraylosses.cli import kit

pytest.importorskip("torch")

ADAPTER = '''
"""The losses of the package, under the names of the reference."""
import torch

FRAMEWORK = "torch"


def huber_loss(pred, target, *, delta=1.0, reduction="mean"):
    return torch.nn.functional.huber_loss(pred, target, delta=delta, reduction=reduction)


def squared_error(pred, target, *, reduction="mean"):
    error = (pred - target) ** 2
    return {"none": error, "sum": error.sum(), "mean": error.mean()}[reduction]


def log_cosh_loss(pred, target):
    return torch.log(torch.cosh(pred - target))
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Where a wheel is installed: here, or laid out in a folder as a wheel has it, if this is a checkout."""
    if kit.PACKAGE == "arraylosses.conformance":
        return None
    folder = tmp_path_factory.mktemp("site")
    package = Path(arraylosses.__file__).parent
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "arraylosses", ignore=leave_out)
    shutil.copytree(
        Path(kit.module("schema").__file__).parent, folder / "arraylosses" / "conformance", ignore=leave_out
    )
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "my_losses.py").write_text(ADAPTER)
    return folder


def run(project: Path, site: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if site:
        environment["PYTHONPATH"] = str(site)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)


def test_an_adapter_is_at_most_20_lines() -> None:
    assert len(ADAPTER.strip().splitlines()) <= 20


def test_a_stranger_gets_a_report(project: Path, site: Path | None) -> None:
    found = run(
        project,
        site,
        *("-m", "arraylosses.cli", "validate", "--adapter", "my_losses", "--json", "--html", "report.html"),
        *("--dtype", "float64"),
    )
    assert found.returncode == 1, found.stderr
    report = json.loads(found.stdout)
    outcomes = {o["loss"]: o for o in report["outcomes"]}
    assert {*outcomes} == {"huber_loss", "squared_error", "log_cosh_loss"}
    # What PyTorch makes of nothing, and what a mean over nothing is.
    assert {f["case"] for f in outcomes["squared_error"]["findings"] if f["kind"] == "NaN"} == {"mean, empty"}
    # cosh overflows, and of a small number it is 1.
    wrong = outcomes["log_cosh_loss"]["findings"]
    assert {"tiny residuals", "large residuals"} <= {f["case"] for f in wrong}, {f["case"] for f in wrong}
    assert outcomes["log_cosh_loss"]["not_applicable"]["has no reduction"] > 0
    assert outcomes["huber_loss"]["counts"]["pass"] > 5
    page = (project / "report.html").read_text()
    assert "log_cosh_loss" in page
    assert [path.name for path in project.glob("*.part")] == []


def test_an_adapter_by_the_entry_point_of_its_package(project: Path, site: Path | None) -> None:
    (folder := project / "my_package-1.0.dist-info").mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[arraylosses.adapters]\nmine = my_losses\n")
    call = ("-m", "arraylosses.cli", "validate", "squared_error", "--adapter", "mine", "--tag", "ordinary")
    found = run(project, site, *call, "--dtype", "float64")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "(1 losses of mine)" in found.stdout


def test_one_function_on_the_command_line(project: Path, site: Path | None) -> None:
    call = ("-m", "arraylosses.cli", "validate", "squared_error=my_losses:squared_error")
    found = run(project, site, *call, "--framework", "torch", "--case", "ordinary", "--dtype", "float32")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "all 1 cases hold (1 losses of my_losses:squared_error)" in found.stdout


def test_the_fixture_for_a_project_s_own_tests(project: Path, site: Path | None) -> None:
    (project / "test_mine.py").write_text(
        'def test_right(conforms): conforms("my_losses", tags=("ordinary",))\n'
        'def test_wrong(conforms): conforms("my_losses", tags=("empty",))\n'
    )
    plugin = () if site is None else ("-p", "arraylosses.cli.pytest_plugin")
    found = run(project, site, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin)
    assert "1 failed, 1 passed" in found.stdout, found.stdout + found.stderr
    assert "mean, empty (float64): NaN: value: inf ulp" in found.stdout
