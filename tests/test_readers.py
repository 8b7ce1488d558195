"""The vectors are read by a program that shares nothing with this one: in JavaScript, without packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from arraylosses.cli import kit

schema = kit.module("schema")
NODE = shutil.which("node")
READER = schema.FOLDER.parent / "readers" / "vectors.mjs"

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def read(folder: Path) -> subprocess.CompletedProcess[str]:
    assert NODE
    return subprocess.run([NODE, str(READER), str(folder)], capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the vectors of one loss."""
    shutil.copy(schema.FOLDER / "squared_error.json", tmp_path)
    seal(tmp_path)
    return tmp_path


def seal(folder: Path) -> None:
    path = folder / "squared_error.json"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def refused(folder: Path) -> str:
    done = read(folder)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_it_reads_every_file() -> None:
    done = read(schema.FOLDER)
    assert done.returncode == 0, done.stderr
    cases = sum(len(schema.read(loss)["cases"]) for loss in schema.names())
    assert done.stdout.startswith(f"{len(schema.names())} files, {cases} cases, of which ")


def test_a_flipped_bit_is_seen(folder: Path) -> None:
    path = folder / "squared_error.json"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "squared_error.json: the sum differs" in refused(folder)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('"schema": 2', '"schema": 3', "version 3"),
        ('"shape": [2, 3]', '"shape": [3, 3]', "6 elements for the shape [3,3]"),
        ('"repeat": 16384', '"repeat": 8192', "elements for the shape"),
        ('"0x1.8p+0"', '"0x1.80p+0"', "is read as 0x1.8p+0"),
        ('"data": ["0x1.', '"data": ["0x1.f', "squared_error.json: ordinary: result 0 is "),
    ],
)
def test_what_does_not_hold_is_told(folder: Path, right: str, wrong: str, message: str) -> None:
    path = folder / "squared_error.json"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    seal(folder)
    assert message in refused(folder)


def test_a_file_that_is_missing_is_told(folder: Path) -> None:
    (folder / "squared_error.json").unlink()
    assert "squared_error.json" in refused(folder)
