"""The site: everything public has a page with all that a page has, and pages lead somewhere."""

import doctest
import fnmatch
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

pytest.importorskip("numpydoc")
DOCS = Path(__file__).parents[1] / "docs"
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent / "benchmarks")]

import evidence  # noqa: E402
import markup  # noqa: E402
import pages  # noqa: E402

SECTIONS = (
    "Parameters",
    "Returns",
    "Raises",
    "Shapes and values",
    "Example",
    "Paper",
    "Elsewhere",
    "Accuracy",
)


@pytest.fixture(scope="module")
def reference():
    return pages.everything()


def sections(page):
    return re.findall(r"^(.+)\n-{3,}$", page, re.MULTILINE)


def test_everything_public_has_a_page(reference):
    assert set(al.__all__) <= set(reference)


def test_every_page_is_listed(reference):
    listed = {name for page in reference.values() for name in re.findall(r"^   (\w+)$", page, re.MULTILINE)}
    assert set(reference) - {"index"} <= listed


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_all_that_a_page_has(reference, name):
    page = reference[name]
    assert f".. picture:: {name}\n" in page
    assert f".. py:function:: {name}(" in page
    assert ".. math::" in page
    assert markup.indented(al.cite(name)) in page
    assert f"al.{name}" in page.partition("\nExample\n")[2].partition("\nPaper\n")[0]
    assert [heading for heading in SECTIONS if heading not in sections(page)] == []


@pytest.mark.parametrize("name", sorted(set(al.__all__) - set(LOSSES)))
def test_every_function_says_how_it_is_called(reference, name):
    assert f".. py:function:: {name}(" in reference[name]


def test_what_is_known_of_other_libraries_is_on_the_page(reference):
    page = reference["huber_loss"]
    assert ".. rubric:: PyTorch" in page
    assert "torch.nn.functional.huber_loss(pred, target, delta=delta)" in page
    assert "A weighted mean divides by the number of items" in page
    assert "No library that is compared here has it." in reference["thresholded_iou_loss"]


def test_every_peer_has_a_name():
    assert set(evidence.NAMES) == set(evidence.adapters())


def test_whatever_has_been_measured_has_a_page(reference):
    for file in ("results.json", "results-gpu.json"):
        for result in evidence.benchmarks(file)["results"]:
            assert "\nSpeed\n" in reference[evidence.MEASURED[result["loss"].partition(",")[0]]]


def test_the_relations_that_a_loss_obeys_are_on_its_page(reference):
    assert "* *offset*: " in reference["huber_loss"]
    assert "* *offset*: " not in reference["poisson_deviance"]


HAND_WRITTEN = sorted(p for p in DOCS.rglob("*.md") if not {"_build", "reference"} & set(p.parts))


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.stem)
def test_what_a_page_names_is_there(path):
    page = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\{loss\}`(\w+)`", page)) <= set(LOSSES)
    assert set(re.findall(r"^```\{picture\} (\w+)", page, re.MULTILINE)) <= set(LOSSES)


EVIDENCE = re.compile(r"<!--\s+(\S+)\s+(\w+):\s+(.+?)\s+-->", re.DOTALL)


def test_what_others_do_has_a_case_behind_it():
    page = (DOCS / "conventions.md").read_text(encoding="utf-8")
    claims = [(peer, loss, " ".join(case.split())) for peer, loss, case in EVIDENCE.findall(page)]
    assert len(claims) > 30
    assert page.count("<!--") == len(claims)
    deviations = kit.module("deviations")
    told = deviations.Deviation.tells

    def is_known(peer, loss, case):
        return any(
            told(d, loss, SimpleNamespace(kind=d.outcome, case=case, dtype=(d.dtypes or ("float64",))[0]))
            or (loss in d.losses and case in d.cases)
            for d in deviations.of(peer)
        )

    assert [claim for claim in claims if not is_known(*claim)] == []
    cases = {
        loss: [case["name"] for case in kit.module("schema").read(loss)["cases"]] for _, loss, _ in claims
    }
    named = [claim for claim in claims if not claim[2].startswith("relation: ")]
    assert [claim for claim in named if not fnmatch.filter(cases[claim[1]], claim[2])] == []


def test_the_conventions_hold_as_they_are_shown():
    for framework in ("torch", "jax"):
        pytest.importorskip(framework)
    found = doctest.testfile(str(DOCS / "conventions.md"), module_relative=False)
    assert found.attempted > 30
    assert found.failed == 0
