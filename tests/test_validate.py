"""`arraylosses validate` catches a loss that is wrong, and says how."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
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
    assert "cases hold (1 losses of numpy)" in found.output


def test_a_wrong_sign_in_one_branch_is_caught(plant: Any) -> None:
    plant(wrong_sign_in_one_branch)
    found = validate("-f", "numpy")
    assert found.exit_code == 1
    assert "wrong" in found.output
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
    findings = json.loads(found.stdout)["outcomes"][0]["findings"]
    assert {f["case"] for f in findings} == {"mean, many items"}
    assert all("]] * 16384" in f["call"] and len(f["call"]) < 400 for f in findings)


def test_a_loss_that_is_right_on_numpy_only_is_caught(plant: Any) -> None:
    plant(right_on_numpy_only)
    assert validate("-f", "numpy").exit_code == 0
    found = validate("-f", "numpy", "-f", "strict")
    assert found.exit_code == 1
    assert "huber_loss of strict" in found.output


def test_a_loss_that_raises_is_reported(plant: Any) -> None:
    def raises(*_: Any, **__: Any) -> Any:
        raise KeyError("gone")

    plant(raises)
    found = validate("-f", "numpy", "--json")
    assert found.exit_code == 1
    assert "KeyError: 'gone'" in json.loads(found.stdout)["outcomes"][0]["findings"][0]["got"]


def test_json_has_every_outcome() -> None:
    found = validate("-f", "numpy", "-f", "strict", "--json")
    outcomes = json.loads(found.stdout)["outcomes"]
    assert [(o["loss"], o["implementation"], o["holds"]) for o in outcomes] == [
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


ADAPTERS = {
    "broken": "import no_such_package",
    "empty": "def my_loss(pred, target): ...",
    "elsewhere": "FRAMEWORK = 'fortran'\ndef huber_loss(pred, target): ...",
    "raising": "def huber_loss(pred, target): raise KeyError('gone')",
    "scalar": "def huber_loss(pred, target): return ((pred - target) ** 2).sum()",
    "no_array": "def huber_loss(pred, target): return None",
    "right": "from arraylosses import huber_loss",
}


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in ADAPTERS.items():
        (tmp_path / f"adapter_{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str) -> str:
    """What is said in one line of what makes no sense."""
    found = CliRunner().invoke(app, ["validate", *arguments])
    assert found.exit_code == 2, found.output
    assert found.stdout == ""
    assert len(found.stderr.splitlines()) == 1
    return found.stderr.strip()


@pytest.mark.usefixtures("adapters")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_loss"], "arraylosses: there is no loss no_loss; see arraylosses list"),
        (["--peer", "fortran"], "arraylosses: there is no peer fortran; there are torch, optax, "),
        (["--tag", "odd"], "arraylosses: there is no tag odd; there are ordinary, "),
        (["--dtype", "float8"], "arraylosses: there is no dtype float8; there are bfloat16, float16, "),
        (["-f", "numpy", "--device", "cuda"], "arraylosses: numpy has no device cuda"),
        (["--html", "nowhere/report.html"], "arraylosses: nowhere/report.html cannot be written: "),
        (["--adapter", "no_such_module"], "arraylosses: no_such_module cannot be imported: ModuleNotFound"),
        (["--adapter", "adapter_broken"], "arraylosses: adapter_broken cannot be imported: ModuleNotFound"),
        (["--adapter", "adapter_empty"], "arraylosses: adapter_empty defines no function that is named as"),
        (["--adapter", "adapter_elsewhere"], "arraylosses: adapter_elsewhere: FRAMEWORK must be one of "),
        (
            ["--adapter", "adapter_raising", "-d", "float64"],
            "arraylosses: adapter_raising: huber_loss: KeyError: 'gone' (huber_loss([[",
        ),
        (
            ["--adapter", "adapter_scalar", "-d", "float64"],
            "arraylosses: adapter_scalar: huber_loss: shape of the value: (), expected (2, 3) (huber_loss([[",
        ),
        (
            ["--adapter", "adapter_no_array", "-d", "float64"],
            "arraylosses: adapter_no_array: huber_loss: TypeError: huber_loss returned NoneType, not an",
        ),
        (["huber_loss=adapter_right"], "arraylosses: huber_loss=adapter_right must be loss=module:function"),
        (["huber_loss=adapter_right:gone"], "arraylosses: adapter_right has no function gone"),
        (["no_loss=adapter_right:huber_loss"], "arraylosses: there is no loss no_loss; see arraylosses list"),
        (["hinge_loss", "--adapter", "adapter_right"], "arraylosses: adapter_right has no loss hinge_loss"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(arguments: list[str], message: str) -> None:
    said = refused(*arguments, *([] if "--html" in arguments else ["--html", "page.html"]))
    assert said.startswith(message)
    assert list(Path.cwd().glob("*page*")) == []


@pytest.mark.usefixtures("adapters")
def test_a_damaged_file_of_vectors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = kit.module("schema")
    for name in ("hinge_loss.json", schema.SUMS):
        (tmp_path / name).write_bytes((schema.FOLDER / name).read_bytes())
    text = (tmp_path / "hinge_loss.json").read_text()
    (tmp_path / "hinge_loss.json").write_text(text.replace("0x1.8p+0", "0x1.9p+0", 1))
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    monkeypatch.setattr(kit.module("runner"), "_vectors", schema.read)  # not what other tests have read
    said = refused("hinge_loss", "-f", "numpy", "--html", "page.html")
    assert "hinge_loss.json" in said
    assert not Path("page.html").exists()


@pytest.mark.usefixtures("adapters")
def test_a_missing_peer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.module("peers"), "installed", lambda peer: False)
    assert refused("--peer", "optax") == "arraylosses: optax is not installed: pip install optax"


@pytest.mark.usefixtures("adapters")
def test_a_right_adapter_holds() -> None:
    found = CliRunner().invoke(app, ["validate", "-a", "adapter_right", "-d", "float64", "-t", "kink"])
    assert found.exit_code == 0, found.output
    assert "cases hold (1 losses of adapter_right)" in found.output


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


def test_a_failure_names_files_from_their_package_on() -> None:
    try:
        al.huber_loss("one", np.asarray([1.0]))
    except TypeError:
        told = kit.module("runner").failure()
    assert 'File "arraylosses/_core/' in told
    assert str(Path(al.__file__).parents[1]) not in told
