"""`arraylosses validate` catches a loss that is wrong, and says how."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import arraylosses as al
from arraylosses._core.namespaces import library, namespace, stop_gradient
from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit
from arraylosses.cli.commands import app

right = al.huber_loss


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Put a function in the place of the Huber loss."""
    return lambda wrong: monkeypatch.setattr(al, "huber_loss", wrong)


def validate(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["validate", "huber_loss", *arguments])


def wrong_sign_in_one_branch(pred: Any, target: Any, **options: Any) -> Any:
    xp, delta = namespace(pred), options.get("delta", 1.0)
    tail = xp.abs(stop_gradient(xp, pred - target)) > delta
    value = right(pred, target, **options)
    return xp.where(tail, -value, value) if options["reduction"] == "none" else value


def right_value_with_wrong_gradient(pred: Any, target: Any, **options: Any) -> Any:
    xp = namespace(pred)
    return 2 * right(pred, target, **options) - stop_gradient(xp, right(pred, target, **options))


def right_on_numpy_only(pred: Any, target: Any, **options: Any) -> Any:
    value = right(pred, target, **options)
    return value if library(namespace(pred)) == "numpy" else value * 1.001


def mean_counted_in_float16(pred: Any, target: Any, **options: Any) -> Any:
    if options.keys() != {"reduction"} or options["reduction"] != "mean" or not pred.shape[0]:
        return right(pred, target, **options)
    xp = namespace(pred)
    ones = np.ones(pred.shape, np.float16)
    return right(pred, target, reduction="sum") / xp.asarray(ones.sum(), dtype=xp.float32)


def test_the_loss_of_the_library_holds() -> None:
    found = validate("-f", "numpy")
    assert found.exit_code == 0, found.output
    assert "cases hold (1 losses on numpy)" in found.output


def test_a_wrong_sign_in_one_branch_is_caught(plant: Any) -> None:
    plant(wrong_sign_in_one_branch)
    found = validate("-f", "numpy")
    assert found.exit_code == 1
    assert "FAIL" in found.output
    assert "huber_loss([" in found.output  # the failing case, in full
    assert "expected [" in found.output


def test_a_right_value_with_a_wrong_gradient_is_caught(plant: Any) -> None:
    plant(right_value_with_wrong_gradient)
    found = validate("-f", "numpy")
    assert found.exit_code == 1
    assert "gradient in pred" in found.output


def test_counting_in_half_precision_is_caught(plant: Any) -> None:
    """Only a long mean tells, in one line for all that repeats."""
    plant(mean_counted_in_float16)
    found = validate("-f", "numpy", "--json")
    failures = json.loads(found.stdout)[0]["failures"]
    assert {f["case"] for f in failures} == {"mean, many items"}
    assert all("np.tile([[" in f["call"] and len(f["call"]) < 400 for f in failures)


def test_a_loss_that_is_right_on_numpy_only_is_caught(plant: Any) -> None:
    plant(right_on_numpy_only)
    assert validate("-f", "numpy").exit_code == 0
    found = validate("-f", "numpy", "-f", "strict")
    assert found.exit_code == 1
    assert "huber_loss on strict" in found.output


def test_a_loss_that_raises_is_reported(plant: Any) -> None:
    def raises(*_: Any, **__: Any) -> Any:
        raise KeyError("gone")

    plant(raises)
    found = validate("-f", "numpy", "--json")
    assert found.exit_code == 1
    assert "KeyError: 'gone'" in json.loads(found.stdout)[0]["failures"][0]["got"]


def test_json_has_every_outcome() -> None:
    found = validate("-f", "numpy", "-f", "strict", "--json")
    outcomes = json.loads(found.stdout)
    assert [(o["loss"], o["framework"], o["holds"]) for o in outcomes] == [
        ("huber_loss", "numpy", True),
        ("huber_loss", "strict", True),
    ]
    assert all(o["value_ulp"] < 8 and o["gradient_ulp"] < 16 and o["cases"] > 10 for o in outcomes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validate", "no_loss"], "arraylosses: there is no loss no_loss; see arraylosses list"),
        (["validate", "-f", "fortran"], "arraylosses: there is no framework fortran"),
        (["show", "no_loss"], "arraylosses: there is no loss no_loss"),
    ],
)
def test_wrong_names_are_refused(arguments: list[str], message: str) -> None:
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 2
    assert message in " ".join(found.stderr.split())


def test_list_names_every_loss() -> None:
    found = CliRunner().invoke(app, ["list", "--json"])
    listed = [facts["name"] for facts in json.loads(found.stdout)]
    assert sorted(listed) == kit.module("schema").names()
    assert "huber_loss" in CliRunner().invoke(app, ["list"]).output


def test_show_tells_formula_shapes_paper_and_peers() -> None:
    output = CliRunner().invoke(app, ["show", "huber_loss"]).output
    for part in ("delta=1.0", "(...), (...) -> (...)", "r^2/2", "Huber", "torch.nn.functional.huber_loss"):
        assert part in output


def each_case() -> Iterator[tuple[str, dict[str, Any]]]:
    for loss in kit.module("schema").names():
        for case in kit.module("schema").read(loss)["cases"]:
            yield loss, case


def test_a_wider_tolerance_has_a_reason() -> None:
    for loss, case in each_case():
        usual = case["ulp"][0] <= 8 and case["ulp"][1] <= 16
        assert usual or case.get("reason"), f"{loss}: {case['name']}"


def test_every_loss_has_vectors() -> None:
    assert sorted(LOSSES) == kit.module("schema").names()
