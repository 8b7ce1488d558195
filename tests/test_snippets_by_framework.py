"""The programs that show what is wrong: they stand alone, and are believed only if they show it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arraylosses.cli import kit

runner = kit.module("runner")
snippets = kit.module("snippets")
Implementation = kit.module("implementations").Implementation
Source = kit.module("implementations").Source
Outcome = kit.module("outcomes").Outcome

PLANTED = {
    "numpy": """
import numpy as np

FRAMEWORK = "numpy"
HALF = 0.5


def _half(x):
    return HALF * x


def squared_error(pred, target):
    return _half((pred - target) ** 2)
""",
    "torch": """
import torch

FRAMEWORK = "torch"


def squared_error(pred, target):
    return torch.square(pred - 2 * target)
""",
    "jax": """
import jax
import jax.numpy as jnp

FRAMEWORK = "jax"


def squared_error(pred, target):
    compiled = isinstance(pred, jax.core.Tracer) and isinstance(target, jax.core.Tracer)
    return jnp.square(pred - target) * (2 if compiled else 1)
""",
}


@pytest.fixture
def planted(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An adapter whose squared error is wrong."""
    pytest.importorskip(request.param)
    name = f"planted_on_{request.param}"
    (tmp_path / f"{name}.py").write_text(PLANTED[request.param], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield Source("adapter", name).implementation
    del sys.modules[name]


def found(implementation: Implementation) -> Outcome:
    wanted = runner.Wanted(names=("ordinary",))
    return runner.run("squared_error", implementation, ("float32",), wanted)


@pytest.mark.parametrize("planted", PLANTED, indirect=True)
def test_a_program_shows_what_was_found_without_the_library(planted: Implementation) -> None:
    outcome = found(planted)
    snippets.add(outcome, planted)
    assert outcome.findings
    for finding in outcome.findings:
        assert finding.confirmed, finding
        text = f"{outcome.prelude}\n\n\n{finding.snippet}"
        assert "arraylosses" not in text
        assert ("jax.jit" in text) == (planted.framework.name == "jax")
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert said.stdout.strip()


@pytest.mark.parametrize("planted", ["numpy", "torch"], indirect=True)
def test_what_a_program_does_not_show_is_not_confirmed(planted: Implementation) -> None:
    outcome, right = found(planted), runner.cases("squared_error")
    shape = next(right)["value"]["shape"]
    for finding in outcome.findings:  # as if something else had been seen, and this were right
        finding.expected, finding.got = finding.got, [[7.0] * shape[1]] * shape[0]
    snippets.add(outcome, planted)
    assert not any(finding.confirmed for finding in outcome.findings)
