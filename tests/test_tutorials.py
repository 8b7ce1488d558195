"""The tutorials run as they stand, and what they say of what comes out is true."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "tutorials"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.stem != "index")
NEEDED = ("matplotlib", "scipy", "sklearn", "torch", "jax", "lightgbm")
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a page must not show: where it was made, and how long that took.
OF_THE_MACHINE = re.compile(r"/(home|tmp|root|usr|work)/|site-packages|\d ?(ms|seconds)\b")


def cells(text: str) -> list[tuple[int, str, str]]:
    """Where each cell of code begins, its options and its code."""
    found = []
    for match in CELL.finditer(text):
        body = match[1].split("\n")
        options = [line for line in body if line.startswith(":")]
        first = text[: match.start(1)].count("\n") + len(options)
        found.append((first, "\n".join(options), "\n".join(body[len(options) :])))
    return found


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a kernel has: the folder of the page, and settings that end with it."""
    for name in NEEDED:
        pytest.importorskip(name)
    import jax
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    monkeypatch.chdir(FOLDER)
    monkeypatch.syspath_prepend(str(FOLDER))
    known, wide, backend = set(sys.modules), jax.config.jax_enable_x64, mpl.get_backend()
    with mpl.rc_context():
        plt.switch_backend("agg")
        yield
        plt.close("all")
    plt.switch_backend(backend)
    jax.config.update("jax_enable_x64", wide)
    for name in set(sys.modules) - known:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if Path(origin).parent in (FOLDER, FOLDER.parent / "programs"):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, place: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    checks = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for first, options, code in cells(text):
            exec(compile("\n" * first + code, str(page), "exec"), names)
            checks += "remove-cell" in options and "assert" in code
    assert checks, "what the text says is held by nothing"
    printed = capsys.readouterr()
    assert not printed.err
    assert not OF_THE_MACHINE.search(printed.out), printed.out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_is_a_notebook_that_draws(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("---\njupytext:\n")
    assert "kernelspec:\n  display_name: Python 3\n  name: python3\n" in text
    assert "\n## What came out\n" in text
    assert re.search(r"^style\.show\(", text, re.MULTILINE)
    assert len(cells(text)) == text.count("```{code-cell}")


def test_the_index_names_every_tutorial_once() -> None:
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"```\{toctree\}\n(?::.*\n)*\n(.*?)```", index, re.DOTALL)
    assert sorted(listed.split()) == [page.stem for page in PAGES]
    assert len(PAGES) == 10
    for page in PAGES:
        title = re.search(r"^# (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert title is not None
        assert f"({page.name})" in index


def test_the_table_writes_means_and_spreads() -> None:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("style_of_tutorials", FOLDER / "style.py")
    assert spec is not None
    assert spec.loader is not None
    import matplotlib as mpl

    with mpl.rc_context():
        style = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(style)
        shown = style.table({"a": {"x": 2.0, "y": [0.1, 0.3]}})
        assert shown.forms["text/plain"] == "|  | x | y |\n| --- | --- | --- |\n| a | 2 | 0.200 ± 0.1 |"
        drawn = style.show(style.panels(2), alt="a < b").forms["text/html"]
    assert drawn.count("<svg ") == 2
    assert 'aria-label="a &lt; b"' in drawn
    assert "currentColor" in drawn
    assert style.INK not in drawn
