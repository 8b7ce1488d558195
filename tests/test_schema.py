"""A file of vectors is what was written, or is refused in one clear line; what repeats is written once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arraylosses.cli import kit

schema = kit.module("schema")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the vectors of one loss."""
    for name in ("huber_loss.json", schema.SUMS):
        shutil.copy(schema.FOLDER / name, tmp_path)
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    return tmp_path


def refused(loss: str = "huber_loss") -> str:
    with pytest.raises(schema.Damaged) as caught:
        schema.read(loss)
    message = str(caught.value)
    assert f"{loss}.json: " in message
    assert "\n" not in message
    return message


def test_every_file_is_what_was_written() -> None:
    assert sorted(schema.sums()) == [f"{loss}.json" for loss in schema.names()]
    for loss in schema.names():
        assert schema.read(loss)["loss"] == loss


def test_a_missing_file_is_refused(folder: Path) -> None:
    assert "there is no such file" in refused("squared_error")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_what_is_not_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / "huber_loss.json").write_bytes(content)
    assert "not JSON" in refused()


@pytest.mark.parametrize("content", ['{"schema": 1}', '{"schema": 3}', "{}", "[]"])
def test_another_version_is_refused(folder: Path, content: str) -> None:
    (folder / "huber_loss.json").write_text(content)
    assert "version" in refused()


def test_a_changed_digit_is_refused(folder: Path) -> None:
    path = folder / "huber_loss.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0x1.8p+0", "0x1.9p+0", 1), encoding="utf-8")
    assert "not what was written" in refused()


def test_a_file_without_a_sum_is_refused(folder: Path) -> None:
    (folder / schema.SUMS).unlink()
    assert schema.SUMS in refused()


def test_writing_signs_this_file_and_no_other(folder: Path) -> None:
    vectors = schema.read("huber_loss")
    before = (folder / schema.SUMS).read_text().splitlines()
    schema.write(vectors | {"family": "another"})
    assert schema.read("huber_loss")["family"] == "another"
    (line,) = (folder / schema.SUMS).read_text().splitlines()  # the other files are gone
    assert line not in before
    assert line.endswith("  huber_loss.json")


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 0)])
def test_what_repeats_stands_one_after_the_other(shape: tuple[int, ...]) -> None:
    a = np.arange(np.prod(shape), dtype=float).reshape(shape)
    packed: dict[str, Any] = schema.pack(a)
    packed |= {"shape": [8, *shape[1:]], "repeat": 4}
    assert np.array_equal(schema.unpack(packed), np.concatenate([a] * 4))
    assert schema.once(packed) == schema.pack(a)


def test_every_tag_is_explained() -> None:
    page = (Path(__file__).parents[1] / "docs" / "vectors.md").read_text(encoding="utf-8")
    tags = kit.module("tags")
    meanings = {tag: meaning for tag, (meaning, _) in tags.TAGS.items()} | tags.BY_HAND
    for tag, meaning in meanings.items():
        assert f"| `{tag}` | {meaning} |" in page


def test_the_example_of_the_page_is_the_case() -> None:
    page = (Path(__file__).parents[1] / "docs" / "vectors.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json")[1].split("```")[0])
    (case,) = (c for c in schema.read("squared_error")["cases"] if c["name"] == shown["name"])
    assert shown == {k: v for k, v in case.items() if k != "tags"}
