"""docs/validating.md is true: each version of its loss gives the output that is printed below it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arraylosses.cli.commands import app

pytest.importorskip("torch")

PAGE = Path(__file__).parents[1] / "docs" / "validating.md"
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
CODES = [text for kind, text in BLOCKS if kind == "python" and "def bce(" in text]
OUTPUTS = [text for kind, text in BLOCKS if kind == "text"]
COMMAND = "binary_cross_entropy_with_logits=my_losses:bce --framework torch --dtype float32"


def words(line: str) -> str:
    """A line without the frame around it."""
    return " ".join(line.strip("│ ").split())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("my_losses", "adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_every_version_has_its_output() -> None:
    assert len(CODES) == len(OUTPUTS) == 5
    assert COMMAND in PAGE.read_text()


@pytest.mark.parametrize("step", range(5))
def test_a_version_gives_what_is_printed(step: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "my_losses.py").write_text(CODES[step])
    monkeypatch.setattr("arraylosses.cli.validation.out.width", 120)
    found = CliRunner().invoke(app, ["validate", *COMMAND.split()])
    assert found.exit_code == (step < 4), found.output
    seen = {words(line) for line in found.stdout.splitlines()}
    for line in OUTPUTS[step].splitlines():
        assert words(line) in seen, found.stdout


def test_the_adapter_holds(folder: Path) -> None:
    (folder / "my_losses.py").write_text(CODES[-1])
    adapter = next(text for kind, text in BLOCKS if kind == "python" and "FRAMEWORK" in text)
    (folder / "adapter.py").write_text(adapter)
    found = CliRunner().invoke(
        app, ["validate", "--adapter", "adapter", "--dtype", "float32", "--tag", "inf"]
    )
    assert found.exit_code == 0, found.output
