"""How accurate the losses are: measured, and kept beside this file as it was measured.

`exhaustive` goes through every float32 there is, `sampled` through a million inputs of the losses of
several numbers, `vectors` through the vectors on every framework; `page` writes docs/accuracy.md.
"""

from __future__ import annotations

import json
import math
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def read(kind: str) -> dict[str, Any]:
    """What has been measured: by loss, and by its settings or frameworks."""
    path = FOLDER / f"{kind}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(kind: str, found: dict[str, Any]) -> None:
    """A line for each record, losses in their order."""
    losses = [
        f" {json.dumps(loss)}: {{\n"
        + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in records.items())
        + "\n }"
        for loss, records in sorted(found.items())
    ]
    (FOLDER / f"{kind}.json").write_text("{\n" + ",\n".join(losses) + "\n}\n", encoding="utf-8")


def merge(kind: str, loss: str, key: str, record: dict[str, Any]) -> None:
    """Put a record in the place of the one that was there."""
    found = read(kind)
    found.setdefault(loss, {})[key] = record
    write(kind, found)


def measured_with(*packages: str, **versions: str) -> dict[str, Any]:
    """When, and on what."""
    return {
        "date": date.today().isoformat(),
        "cpu": cpu(),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages} | versions,
    }


def cpu() -> str:
    """The model of the processor, as far as the system says it."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    names = [re.search(rf"{key}\s*: (.+)", text) for key in ("model name", "cpu family", "model\t")]
    model, family, number = (found.group(1) if found else "" for found in names)
    return f"{model}, family {family}, model {number}" if model else platform.processor()


def number(x: float) -> float | str:
    """Five digits of an error; JSON has no infinity."""
    return float(f"{x:.5g}") if math.isfinite(x) else str(float(x))
