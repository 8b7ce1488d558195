"""The tables in `docs/coming-from` are run: in each row a call of theirs and one of ours."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

from .coming_from import inputs

DOCS = Path(__file__).parents[1] / "docs" / "coming-from"
CODE = re.compile(r"(?<!\})`([^`]+)`")
LINK = re.compile(r"\{loss\}`(\w+)`")
COLUMNS = ["", "arraylosses"]
AGREE, DIFFER, NONE, NOT_RUN = "=", "≠", "none", "not run"
# Several of them compute in float32 whatever comes in, and add something like 1e-7.
TOLERANCE = {"rtol": 2e-5, "atol": 2e-7}


@dataclass
class Row:
    page: str
    theirs: list[str]  # the call first, if there is one, and other names of the same
    mark: str
    ours: str
    notes: str

    def __str__(self) -> str:
        return self.theirs[0]


def rows_of(page: Path) -> list[Row]:
    found, compares = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?:^|(?<=\s))\|", line)][1:-1]
        compares = cells[1:] == COLUMNS or (compares and line.startswith("|"))
        if compares and line.startswith("| `"):
            theirs, mark, ours = cells
            call, _, notes = ours.rpartition(" <br> ")
            found.append(Row(page.stem, CODE.findall(theirs), mark, call.strip("`"), notes))
    return found


PAGES = sorted(page for page in DOCS.glob("*.md") if page.stem != "index")
ROWS = [row for page in PAGES for row in rows_of(page)]
PACKAGES = {
    "torch": "torch",
    "optax": "optax",
    "keras": "keras",
    "scikit-learn": "sklearn",
    "torchvision": "torchvision",
    "monai": "monai",
    "segmentation-models-pytorch": "segmentation_models_pytorch",
    "metric-learning": "pytorch_metric_learning",
    "kornia": "kornia",
    "torchmetrics": "torchmetrics",
}


def imported(module: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    if importlib.util.find_spec("torchvision"):
        kit.module("peers._torchvision_operators")  # some need it, and it operators that not all builds have
    return pytest.importorskip(module)


def _public(module: str, wanted: str, but: str = "$") -> set[str]:
    names = vars(imported(module))
    found = {name for name, value in names.items() if callable(value) and not name.startswith("_")}
    return {name for name in found if re.search(wanted, name) and not re.fullmatch(but, name)}


def _torch() -> set[str]:
    functions = _public("torch.nn.functional", "loss|cross_entropy|kl_div")
    return functions | _public("torch.nn", "Loss$")


def _sklearn() -> set[str]:
    metrics = {name for name in _public("sklearn.metrics", "loss|error|deviance") if "Display" not in name}
    estimators = {
        name
        for module in ("sklearn.linear_model", "sklearn.ensemble", "sklearn.svm", "sklearn.neural_network")
        for name, value in vars(imported(module)).items()
        if isinstance(value, type) and "loss" in getattr(value, "_parameter_constraints", {})
        if not name.startswith("Base")
    }
    return metrics | estimators


# What a library calls a loss, as it says itself. What is not one is a class to derive from, or a look-up.
THEIRS: dict[str, Callable[[], set[str]]] = {
    "torch": _torch,
    "optax": lambda: _public("optax.losses", "."),
    "keras": lambda: _public("keras.losses", ".", "Loss|get|serialize|deserialize"),
    "scikit-learn": _sklearn,
    "torchvision": lambda: _public("torchvision.ops", "loss"),
    "monai": lambda: _public("monai.losses", "."),
    "segmentation-models-pytorch": lambda: _public("segmentation_models_pytorch.losses", "Loss$"),
    "metric-learning": lambda: _public("pytorch_metric_learning.losses", "Loss", "Base.*"),
    "kornia": lambda: _public("kornia.losses", ".", "one_hot|MIKernel"),
}


@functools.cache
def namespace(page: str) -> dict[str, Any]:
    """What the page imports, and the arrays of its framework."""
    imported(PACKAGES[page])
    names: dict[str, Any] = {}
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    (imports,) = re.findall(r"```python\n((?:import|from) .*?)```", text, re.DOTALL)
    exec(imports, names)
    asarray: Callable[[Any], Any] = np.asarray
    if page == "optax":
        asarray = importlib.import_module("jax.numpy").asarray
    elif page != "scikit-learn":
        asarray = importlib.import_module("torch").asarray
    return names | {name: asarray(x) for name, x in inputs().items()}


def minimised(estimator: Any, call: str, names: dict[str, Any]) -> Any:
    """What an estimator of scikit-learn minimises for the prediction and the target of a call of ours."""
    (ours,) = [n for n in ast.walk(ast.parse(call)) if isinstance(n, ast.Call)]
    pred, target = (np.asarray(names[arg.id]) for arg in ours.args if isinstance(arg, ast.Name))
    if hasattr(estimator, "loss_functions"):
        cls, *options = estimator.loss_functions[estimator.loss]
        one, items = cls(*options), np.empty_like(pred)
        if hasattr(one, "py_loss"):
            return np.mean([one.py_loss(*pair) for pair in zip(target, pred, strict=True)])
        one.loss(y_true=target, raw_prediction=pred, sample_weight=None, loss_out=items, n_threads=1)
        return items.mean()
    if estimator.loss == "exponential":
        target = (target + 1) / 2
    fitted = estimator.fit(np.arange(len(target))[:, None], target)
    return fitted._loss.loss(y_true=target, raw_prediction=pred).mean()


@pytest.mark.parametrize("row", [r for r in ROWS if r.mark == NOT_RUN], ids=lambda r: f"{r.page}: {r}")
def test_our_call_runs_where_theirs_is_not(row: Row) -> None:
    assert np.isfinite(number(eval(row.ours, {"al": al} | inputs()))).all()


def number(x: Any) -> Any:
    return np.asarray(x.detach() if hasattr(x, "detach") else x, dtype=np.float64)


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r.mark in (AGREE, DIFFER)], ids=lambda r: f"{r.page}: {r}"
)
def test_the_two_calls_do_what_the_row_says(row: Row) -> None:
    names = namespace(row.page)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what they deprecate
        theirs, ours = (eval(call, dict(names)) for call in (row.theirs[0], row.ours))
        if hasattr(theirs, "fit"):
            theirs = minimised(theirs, row.ours, names)
        theirs, ours = number(theirs), number(ours)
    assert theirs.shape == ours.shape
    assert np.all(np.isfinite(theirs))
    assert np.allclose(theirs, ours, **TOLERANCE) is (row.mark == AGREE), (theirs, ours)


@pytest.mark.parametrize("page", THEIRS)
def test_every_loss_of_theirs_is_in_the_table(page: str) -> None:
    written = " ".join(code for row in ROWS if row.page == page for code in row.theirs)
    named = set(re.findall(r"\w+", written))
    theirs = THEIRS[page]()
    assert len(theirs) > 3
    assert theirs - named == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.page}: {r}")
def test_a_row_has_what_a_reader_needs(row: Row) -> None:
    assert row.mark in (AGREE, DIFFER, NONE, NOT_RUN)
    assert bool(row.ours) is (row.mark != NONE)
    links = LINK.findall(row.notes)
    assert set(links) <= set(LOSSES)
    assert set(re.findall(r"al\.(\w+)\(", row.ours)) & set(LOSSES) <= set(links)


def test_the_arrays_are_those_of_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8").partition("## The arrays")[2]
    names = [
        name for line in re.findall(r"^\| (`.*?) \|", index, re.MULTILINE) for name in CODE.findall(line)
    ]
    assert sorted(names) == sorted(inputs())


def test_every_page_is_in_the_index() -> None:
    linked = re.findall(r"\| \[.*?\]\(([\w-]+)\.md\)", (DOCS / "index.md").read_text(encoding="utf-8"))
    assert sorted(linked) == [page.stem for page in PAGES]
