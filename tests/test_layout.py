"""The house: what stands where, how large it may be, and what importing it costs."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES

PACKAGE = Path(al.__file__).parent
CHAPTERS = sorted(path for path in PACKAGE.glob("*.py") if path.name != "__init__.py")
MACHINERY = sorted((PACKAGE / "_core").glob("*.py"))
LIBRARIES = {"numpy", "cupy", "jax", "torch", "dask", "ml_dtypes", "array_api_strict"}

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
every_part = pytest.mark.parametrize("path", MACHINERY, ids=lambda path: path.stem)


def names_in(path):
    """Every identifier, module and text of the code of a file; no comment, no docstring."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Import):
            yield from (part for alias in node.names for part in alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield from node.value.split(".")


@pytest.mark.parametrize("path", [*CHAPTERS, *MACHINERY], ids=lambda path: path.stem)
def test_only_the_namespaces_name_a_library(path):
    named = LIBRARIES & set(names_in(path))
    assert path.stem in ("namespaces", "numpy_namespace") or not named


def named_by_a_star(function):
    """The names in a function that take what is left of an unpacking, and those of parts of them."""
    assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    targets = [(t, node.value) for node in assigned for t in node.targets]
    names = {star.value.id for t, _ in targets for star in ast.walk(t) if isinstance(star, ast.Starred)}
    for target, value in targets:
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for part, of in pairs:
            if isinstance(of, ast.Subscript) and isinstance(of.slice, ast.Slice):
                names |= {part.id} if getattr(of.value, "id", "") in names else set()
    return names


def changes(function):
    """The names of which a function calls a method that changes a list."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in ("append", "extend", "insert", "pop", "remove"):
            yield getattr(node.value, "id", "")


@pytest.mark.parametrize("path", [*CHAPTERS, *MACHINERY], ids=lambda path: path.stem)
def test_what_a_star_takes_is_not_changed(path):
    """It is a list, but for Dynamo of PyTorch 2.11 a tuple."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert not named_by_a_star(node) & {*changes(node)}, node.name


@every_chapter
def test_chapter_exports_losses_and_nothing_else(path):
    chapter = importlib.import_module(f"arraylosses.{path.stem}")
    assert [name for name in chapter.__all__ if name not in LOSSES] == []


@every_chapter
def test_chapter_exports_every_loss_in_it_in_order(path):
    chapter = importlib.import_module(f"arraylosses.{path.stem}")
    mine = [spec for spec in LOSSES.values() if spec.function.__module__ == chapter.__name__]
    by_line = sorted(mine, key=lambda spec: spec.function.__code__.co_firstlineno)
    assert sorted(chapter.__all__) == sorted(spec.name for spec in mine)
    assert len(by_line) == len(set(chapter.__all__)) == len(chapter.__all__)


@every_chapter
def test_chapter_defines_nothing_else_in_public(path):
    public = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    ]
    assert [name for name in public if name not in LOSSES] == []


@every_chapter
def test_chapter_is_part_of_the_public_interface(path):
    chapter = importlib.import_module(f"arraylosses.{path.stem}")
    assert [name for name in chapter.__all__ if name not in al.__all__] == []


def test_public_interface_has_no_name_twice():
    assert len(set(al.__all__)) == len(al.__all__)


def lines(path):
    return len(path.read_text().splitlines())


@every_chapter
def test_chapter_is_not_too_long(path):
    length = lines(path)
    assert length <= 650, f"{path.name} asks to be split by meaning"


@every_part
def test_machinery_is_not_too_long(path):
    length = lines(path)
    assert length <= 500, f"{path.name} asks to be split by meaning"


# --- importing ------------------------------------------------------------------------------------


def in_a_new_process(code, **more):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | more
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_importing_imports_no_array_library():
    imported = in_a_new_process("import sys, arraylosses; print(*sys.modules)").split()
    assert LIBRARIES & set(imported) == set()


def test_importing_takes_less_than_numpy(tmp_path):
    code = """
import time, array_api_compat
start = time.process_time()
import {}
print(time.process_time() - start)
"""
    # The fastest of a few, by the clock of the process: a busy machine can only make it slower.
    # The first of them compiles, which an installed library has behind it.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    ours, numpy = (
        min(float(in_a_new_process(code.format(name), **compiled)) for _ in range(7))
        for name in ("arraylosses", "numpy")
    )
    assert ours < numpy
