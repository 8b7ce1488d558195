"""The vectors: one JSON file for each loss, written by `generate`, never by hand, read by everyone.

Numbers are hexadecimal floats, so that they are exact in every language. docs/vectors.md has all of this at
length, for readers in other languages. What a file holds:

    schema     the version of this format
    loss       the name of the loss, `family` its chapter, `peers` how others call it
    cases      each with a `name`, `tags` (see tags.py), and
      arrays     by the name of the argument: `kind` ("float", "int" or "bool"), `shape`, `data` (flat),
                 and `repeat`, if the data are given once and stand so many times one after the other;
                 null for an optional array that is left out; a list or an object of arrays, or of more
                 of them, for a structure
      options    the other arguments: numbers, words, lists of them, or arrays written as above
      value      the result (of several the sum): `shape`, `data`, and `scale`, against which errors
                 are measured
      cotangent  the weights of the results in the sum whose gradient is given
      gradient   by the name of the argument, with its place in a structure ("pred[1]['a']"), as
                 `value`; null where nothing is promised; `repeat` as for arrays
      ulp        what an error may be, in units of `scale` times the precision of the dtype:
                 [of the value, of the gradient]; `reason` why, if it is wider than usual
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 2
FOLDER = Path(__file__).parent / "vectors"
MANY = 1000  # elements
SUMS = "SHA256SUMS"  # as `sha256sum -c` reads it


class Damaged(ValueError):
    """A file of vectors is not what was written."""


def names() -> list[str]:
    """The losses that have vectors."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read(loss: str) -> dict[str, Any]:
    """The vectors of a loss, if they are those that were written."""
    path = FOLDER / f"{loss}.json"
    try:
        content = path.read_bytes()
        vectors = json.loads(content)
    except FileNotFoundError:
        raise Damaged(f"{path}: there is no such file") from None
    except ValueError:  # neither JSON nor even text
        raise Damaged(f"{path}: this is not JSON") from None
    version = vectors.get("schema") if isinstance(vectors, dict) else None
    if version != SCHEMA:
        raise Damaged(f"{path}: this has version {version} of the schema, and only {SCHEMA} can be read")
    if sums().get(path.name) != hashlib.sha256(content).hexdigest():
        raise Damaged(f"{path}: this is not what was written, as its sum in {SUMS} tells")
    return vectors


def write(vectors: dict[str, Any]) -> None:
    """The file of a loss, and its sum."""
    path, content = FOLDER / f"{vectors['loss']}.json", text_of(vectors).encode()
    FOLDER.mkdir(exist_ok=True)
    path.write_bytes(content)
    sign(path.name, content)


def sign(name: str, content: bytes) -> None:
    """Write down the sum of a file; those of the others stay, but for files that are gone."""
    known = {k: v for k, v in sums().items() if (FOLDER / k).exists()}
    known[name] = hashlib.sha256(content).hexdigest()
    lines = "".join(f"{digest}  {k}\n" for k, digest in sorted(known.items()))
    (FOLDER / SUMS).write_bytes(lines.encode())


def sums() -> dict[str, str]:
    """The SHA-256 of every file, by its name."""
    path = FOLDER / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def text_of(vectors: dict[str, Any]) -> str:
    """A vectors file: one case a line, so that a change reads as one."""
    head = {k: v for k, v in vectors.items() if k != "cases"}
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in vectors["cases"])
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "cases": [\n{lines}\n ]\n}}\n'


def pack(x: Any) -> dict[str, Any]:
    """An array as it stands in a file."""
    a = np.asarray(x)
    kind = {"f": "float", "i": "int", "b": "bool"}[a.dtype.kind]
    flat = a.ravel().tolist()
    return {
        "kind": kind,
        "shape": list(a.shape),
        "data": list(map(pack_number, flat)) if kind == "float" else flat,
    }


def fold(x: Any) -> dict[str, Any]:
    """An array as it stands in a file: one of many elements that repeats is written down once."""
    a, whole = np.asarray(x), np.shape(x)
    if a.size <= MANY:
        return pack(a)
    while len(a) % 2 == 0 and np.array_equal(*np.split(a, 2)):
        a = a[: len(a) // 2]
    repeat = whole[0] // len(a)
    return pack(a) | ({"shape": list(whole), "repeat": repeat} if repeat > 1 else {})


def pack_number(x: float) -> str:
    """A hexadecimal float without the zeros at its end: "0x1.8p+1"."""
    if not math.isfinite(x):
        return str(x)
    mantissa, _, exponent = x.hex().partition("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


def arrays_of(case: dict[str, Any]) -> dict[str, Any]:
    """All arrays of a case by name; one in a structure is named by its place."""

    def by_place(name: str, packed: Any) -> dict[str, Any]:
        if _is_array(packed):
            return {name: packed}
        return {k: a for key, part in _parts(packed) for k, a in by_place(f"{name}[{key!r}]", part).items()}

    return {k: a for name, packed in case["arrays"].items() for k, a in by_place(name, packed).items()}


def arguments(case: dict[str, Any], arrays: dict[str, Any]) -> list[Any]:
    """The arguments of a case, with these arrays, which are given by name."""

    def regrouped(name: str, packed: Any) -> Any:
        if _is_array(packed):
            return arrays.get(name)
        inside = [(key, regrouped(f"{name}[{key!r}]", part)) for key, part in _parts(packed)]
        return dict(inside) if isinstance(packed, dict) else [x for _, x in inside]

    return [regrouped(name, packed) for name, packed in case["arrays"].items()]


def _is_array(packed: Any) -> bool:
    return packed is None or "kind" in packed


def _parts(packed: Any) -> Iterable[tuple[Any, Any]]:
    return packed.items() if isinstance(packed, dict) else enumerate(packed)


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """An array of float64, int64 or bool."""
    dtype = {"float": np.float64, "int": np.int64, "bool": np.bool_}[packed["kind"]]
    data = list(map(unpack_number, packed["data"])) if packed["kind"] == "float" else packed["data"]
    return np.tile(np.asarray(data, dtype), packed.get("repeat", 1)).reshape(packed["shape"])


def once(packed: dict[str, Any]) -> dict[str, Any]:
    """An array, or a result, without its repetitions."""
    if "repeat" not in packed:
        return packed
    first, *rest = packed["shape"]
    return {k: v for k, v in packed.items() if k != "repeat"} | {"shape": [first // packed["repeat"], *rest]}


def unpack_number(x: str | None) -> float:
    return math.nan if x is None else float.fromhex(x) if "0x" in x else float(x)
