"""The page of a run: one file with the data in it, that needs nothing else and no network."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import math
import re
from pathlib import Path
from typing import Any

from arraylosses._core.registry import LOSSES

FOLDER = Path(__file__).parent / "page"
DATA = '<script id="data" type="application/json">'
SHORT = 16  # characters of JSON, which are no longer than what would stand for them


def page(report: dict[str, Any], date: str = "") -> str:
    """The page of a report, the same for the same report: a date is on it only if one is given."""
    losses = {
        name: {"family": spec.family, "summary": (inspect.getdoc(spec.function) or "").partition("\n")[0]}
        for name, spec in LOSSES.items()
    }
    data = pack({"report": report, "date": date, "losses": losses})
    style, script = _file("report.css"), "\n".join(map(_file, ("report.js", "panel.js")))
    parts = {
        "policy": f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
        "style": style,
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("report.html"))


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a browser asks for before it runs a script of the page, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def pack(data: Any) -> dict[str, Any]:
    """Data as JSON, with what stands in it twice or more kept once.

    `{"$": 3}` is the fourth of `shared`, `{"$": "nan"}` a number that JSON does not have,
    `{"$lines": […]}` the lines of a text. A key that begins with a $ itself has one more.
    """
    things = _Things()
    root = things.add(_marked(data))
    return {"data": things.written(root), "shared": things.shared}


def unpack(packed: dict[str, Any]) -> Any:
    """The data that were packed."""

    def whole(x: Any) -> Any:
        if isinstance(x, list):
            return [whole(v) for v in x]
        if not isinstance(x, dict):
            return x
        if "$lines" in x:
            return "\n".join(map(whole, x["$lines"]))
        if "$" in x:
            return whole(packed["shared"][x["$"]]) if isinstance(x["$"], int) else float(x["$"])
        return {k.removeprefix("$"): whole(v) for k, v in x.items()}

    return whole(packed["data"])


def data_of(text: str) -> Any:
    """What a page was made of."""
    return unpack(json.loads(text.partition(DATA)[2].partition("</script>")[0]))


class _Things:
    """Everything in some data by number, the same for what is the same."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.things: list[Any] = []  # a dictionary or a list is one of numbers
        self.lengths: list[int] = []  # as JSON
        self.uses: list[int] = []
        self.places: dict[int, int] = {}
        self.shared: list[Any] = []

    def add(self, x: Any) -> int:
        if isinstance(x, dict):
            thing: Any = {k: self.add(v) for k, v in x.items()}
            key: Any = ("dict", *thing.items())
        elif isinstance(x, list):
            thing = [self.add(v) for v in x]
            key = ("list", *thing)
        else:
            thing, key = x, (type(x), repr(x))
        if key not in self.numbers:
            self.numbers[key] = len(self.things)
            parts = _parts(thing)
            self.things.append(thing)
            self.uses.append(0)
            length = sum(self.lengths[n] + 1 for n in parts) if parts else len(repr(x))
            self.lengths.append(length + sum(len(k) + 3 for k in x) if isinstance(x, dict) else length)
            for n in parts:
                self.uses[n] += 1
        return self.numbers[key]

    def written(self, number: int) -> Any:
        if self.uses[number] < 2 or self.lengths[number] <= SHORT:
            return self._whole(number)
        if number not in self.places:
            whole = self._whole(number)
            self.places[number] = len(self.shared)
            self.shared.append(whole)
        return {"$": self.places[number]}

    def _whole(self, number: int) -> Any:
        thing = self.things[number]
        if isinstance(thing, dict):
            return {k: self.written(n) for k, n in thing.items()}
        return [self.written(n) for n in thing] if isinstance(thing, list) else thing


def _parts(thing: Any) -> list[int]:
    return list(thing.values()) if isinstance(thing, dict) else thing if isinstance(thing, list) else []


def _marked(x: Any) -> Any:
    """The same as dictionaries, lists, words and finite numbers."""
    if isinstance(x, dict):
        return {f"${k}" if str(k).startswith("$") else str(k): _marked(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [_marked(v) for v in x]
    if isinstance(x, float) and not math.isfinite(x):
        return {"$": str(x)}
    if isinstance(x, str) and "\n" in x:
        return {"$lines": x.split("\n")}
    return x if x is None or isinstance(x, (str, int, float)) else str(x)
