"""`arraylosses plot` writes a picture, or says in one line why not, and then leaves nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import arraylosses as al
from arraylosses import plotting
from arraylosses.cli.commands import app

ROOT = Path(__file__).parents[1]
BEGINS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def plot(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["plot", *arguments])


@pytest.mark.parametrize("kind", BEGINS)
def test_it_writes(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"picture.{kind}"
    done = plot("huber_loss", "--param", "delta=0.5,1,2", "-o", str(file))
    assert done.exit_code == 0, done.output
    assert done.output == ""
    assert file.read_bytes().startswith(BEGINS[kind])
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_of_the_readme_is_what_its_command_draws(tmp_path: Path, dark: bool) -> None:
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if " plot " in line)
    command, options = line.split()[2:-1], ["--dark"] if dark else []
    assert plot(*command, str(tmp_path / "x.svg"), *options).exit_code == 0
    committed = ROOT / "docs" / f"huber_loss{'-dark' if dark else ''}.svg"
    assert (tmp_path / "x.svg").read_bytes() == committed.read_bytes()


def test_values_are_those_of_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        al, "plot", lambda loss, *, param, dark: asked.append((loss, param, dark)) or plotting.plot(loss)
    )
    given = ["--param", "a=1,2.5,-3e-2", "-p", "b=true,False", "-p", "c=None", "-p", "d=sqrt,none"]
    assert plot("huber_loss", *given, "--dark", "-o", str(tmp_path / "x.png")).exit_code == 0
    param = {"a": [1, 2.5, -0.03], "b": [True, False], "c": [None], "d": ["sqrt", "none"]}
    assert asked == [("huber_loss", param, True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("hubber_loss",),
            "plot: loss must be the name of a loss, got 'hubber_loss' (near it: huber_loss, brier_loss)",
        ),
        (("huber_loss", "-p", "beta=1"), "huber_loss: param must name a parameter, one of delta, got 'beta'"),
        (("huber_loss", "-p", "delta=x"), "huber_loss: delta must be positive, got 'x'"),
        (("huber_loss", "-p", "delta=-1"), "huber_loss: delta must be positive, got -1"),
        (("huber_loss", "-p", "delta=nan"), "huber_loss: delta must be positive, got nan"),
        (
            ("huber_loss", "-p", "delta"),
            "plot: param must read name=value or name=value,value, got 'delta'",
        ),
        (
            ("huber_loss", "-p", "delta="),
            "plot: param must read name=value or name=value,value, got 'delta='",
        ),
        (
            ("huber_loss", "-p", "delta=1,,2"),
            "plot: param must read name=value or name=value,value, got 'delta=1,,2'",
        ),
        (
            ("huber_loss", "-p", "delta=1", "-p", "delta=2"),
            "plot: param must name each parameter once, got 'delta' again",
        ),
        (("gan_generator_loss", "-p", "kind=x"), "gan_generator_loss: kind must be 'minimax', "),
    ],
)
def test_what_makes_no_sense_is_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = plot(*arguments, "-o", str(tmp_path / "x.png"))
    assert done.exit_code == 2
    assert done.stderr.startswith(f"arraylosses: {message}")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def refused(file: Path) -> str:
    done = plot("huber_loss", "-o", str(file))
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("arraylosses: ").rstrip("\n")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.gif"
    assert refused(file) == f"plot: --output must end in .png, .svg, .pdf, got {str(file)!r}"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "none" / "x.png"
    assert refused(file) == f"{file} cannot be written: there is no folder {file.parent}"


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.mkdir()
    assert refused(file) == f"{file} cannot be written: it is a folder"


def test_a_folder_that_allows_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    file = tmp_path / "x.png"
    assert refused(file) == f"{file} cannot be written: the folder {tmp_path} does not allow it"


def test_what_fails_halfway_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Any, file: Any, **_: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    file = tmp_path / "x.png"
    file.write_bytes(b"old")
    monkeypatch.setattr("arraylosses.plotting.figures.LossFigure.savefig", fails)
    assert refused(file) == f"{file} cannot be written: No space left on device"
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.startswith(("matplotlib", "arraylosses.plotting.d"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(plotting, "drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = refused(tmp_path / "x.png")
    assert said == "plot: a picture needs matplotlib: pip install 'arraylosses[plot]'"
