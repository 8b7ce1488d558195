"""A finding as a program of its own shows what was found."""

from __future__ import annotations

from typing import Any

import pytest

from arraylosses.cli import kit

implementations, runner, snippets = map(kit.module, ("implementations", "runner", "snippets"))
torch = pytest.importorskip("torch")


def squared_error(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    return (pred - target) ** 2 + 1


def absolute_error(pred: Any, target: Any, *, reduction: str = "mean") -> Any:
    return torch.ones(pred.shape, dtype=pred.dtype)


@pytest.mark.parametrize("loss", [squared_error, absolute_error])
def test_a_program_shows_what_was_found(loss: Any) -> None:
    name = loss.__name__
    implementation = implementations.of_functions({name: loss}, "torch")
    outcome = runner.run(name, implementation, ("float32",), runner.Wanted(names=("ordinary",)))
    snippets.add(outcome, implementation)
    assert "value" in outcome.findings[0].what
    assert all(finding.confirmed for finding in outcome.findings)


def test_a_program_does_not_show_what_was_not_found() -> None:
    implementation = implementations.of_functions({"squared_error": squared_error}, "torch")
    outcome = runner.run("squared_error", implementation, ("float32",), runner.Wanted(names=("ordinary",)))
    (finding,) = outcome.findings
    finding.expected, finding.got = finding.got, finding.expected
    snippets.add(outcome, implementation)
    assert not finding.confirmed
