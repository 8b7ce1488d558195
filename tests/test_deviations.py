"""What is known of peers: that the lists say what can be, and that they are held both ways."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from arraylosses.cli import kit

ROOT = Path(__file__).parents[1]
deviations = kit.module("deviations")
report = kit.module("report")
FRAMEWORKS = kit.module("frameworks").FRAMEWORKS
Source = kit.module("implementations").Source
losses_of = kit.module("implementations").losses_of
RELATIONS = kit.module("relations.laws").RELATIONS
NOT_APPLICABLE = kit.module("outcomes").NOT_APPLICABLE
PASS = kit.module("outcomes").PASS
Finding = kit.module("outcomes").Finding
Outcome = kit.module("outcomes").Outcome
PEERS = kit.module("peers").PEERS
ALL = kit.module("runner").ALL
cases = kit.module("runner").cases
RELATED = kit.module("workers").RELATED


def matched(names: list[str], pattern: str) -> list[str]:
    return [name for name in names if fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))]


# --- the report that is committed ----------------------------------------------------------------


@pytest.fixture(scope="module")
def committed() -> Any:
    page = (ROOT / "docs" / "peers.html").read_text(encoding="utf-8")
    return kit.module("page").data_of(page)["report"]


def test_the_report_is_of_the_versions_that_are_locked_and_as_is_known(committed: Any) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    locked = dict(line.split("==") for line in lines if "==" in line)
    package = {"keras-jax": "keras", "keras-torch": "keras", "smp": "segmentation-models-pytorch"}
    found = {i["name"]: i["version"] for i in committed["implementations"]}
    assert found == {name: locked[package.get(name, name)] for name in found}
    assert {*PEERS} <= {*found}
    assert committed["holds"]


@pytest.mark.parametrize("page", ["README.md", "docs/conformance.md"])
def test_pages_say_what_the_report_comes_to(page: str, committed: Any) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert kit.module("peers_table").anew(text, committed) == text


# --- the lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(deviations.FOLDER.iterdir()), ids=lambda path: path.name)
def test_a_list_is_of_a_peer_or_of_an_adapter(path: Path) -> None:
    assert path.suffix == ".toml"
    assert path.stem in {*PEERS, *(peer.module for peer in PEERS.values())}


@pytest.mark.parametrize("peer", PEERS)
def test_entries_name_losses_that_the_peer_has_and_cases_that_there_are(peer: str) -> None:
    has = losses_of(Source("peer", peer))
    relations = [f"{RELATED}{relation.name}" for relation in RELATIONS]
    for entry in deviations.of(peer):
        named = [matched(has, pattern) for pattern in entry.losses]
        names = relations + [case["name"] for loss in chain(*named) for case in cases(loss)]
        assert all(named), entry
        assert [pattern for pattern in entry.cases if not matched(names, pattern)] == [], entry


@pytest.mark.parametrize("peer", PEERS)
def test_entries_are_sentences_about_what_does_not_hold(peer: str) -> None:
    for entry in deviations.of(peer):
        assert entry.outcome not in (PASS, NOT_APPLICABLE), entry
        assert entry.says.endswith("."), entry
        assert entry.says == " ".join(entry.says.split()), entry
        assert entry.issue == "" or entry.issue.startswith("https://"), entry
        assert {*entry.dtypes} <= {*(PEERS[peer].dtypes or FRAMEWORKS[PEERS[peer].framework].dtypes)}, entry


# --- how they are held ---------------------------------------------------------------------------

PEER = "planted"
PLANTED = """
[[deviation]]
losses = ["huber_loss", "hinge_loss"]
outcome = "wrong"
cases = ["kink: *", "a[0]"]
dtypes = ["float32"]
says = "It is wrong."
kind = "defect"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One with the list of a planted peer."""
    (tmp_path / f"{PEER}.toml").write_text(PLANTED, encoding="utf-8")
    monkeypatch.setattr(deviations, "FOLDER", tmp_path)
    deviations.of.cache_clear()
    yield tmp_path
    deviations.of.cache_clear()


def found(loss: str, *findings: Finding, implementation: str = PEER) -> Outcome:
    outcome = Outcome(loss, implementation, findings=list(findings))
    for finding in findings:
        outcome.count(finding.kind)
    return outcome


def finding(case: str, kind: str = "wrong", dtype: str = "float32") -> Finding:
    return Finding(case, dtype, kind, "value", 1.0, 2.0, "call")


KNOWN = finding("kink: on the margin")


@pytest.mark.usefixtures("folder")
def test_what_an_entry_tells_is_known() -> None:
    outcome = found("huber_loss", KNOWN, finding("a[0]"))
    assert deviations.untold([outcome]) == []
    assert deviations.unseen([outcome]) == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("loss", "other"),
    [
        ("squared_error", KNOWN),
        ("huber_loss", finding("a kink")),
        ("huber_loss", finding("a0")),
        ("huber_loss", finding("kink: on the margin", kind="NaN")),
        ("huber_loss", finding("kink: on the margin", dtype="float64")),
    ],
)
def test_another_loss_case_kind_or_dtype_is_not(loss: str, other: Finding) -> None:
    outcome = found(loss, other)
    assert deviations.untold([outcome]) == [(outcome, other)]


@pytest.mark.usefixtures("folder")
def test_an_entry_is_to_be_seen_for_every_loss_that_was_looked_at() -> None:
    (entry,) = deviations.of(PEER)
    seen, unseen = found("huber_loss", KNOWN), found("hinge_loss", finding("kink: 1", kind="NaN"))
    assert deviations.unseen([seen, unseen, found("squared_error")]) == [(entry, "hinge_loss")]
    assert deviations.unseen([seen]) == []


def test_peers_of_one_adapter_have_what_is_known_of_both_and_of_each(folder: Path) -> None:
    for name, says in (("keras", "Both."), ("keras-jax", "One."), ("keras-torch", "The other.")):
        text = PLANTED.replace("It is wrong.", says)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    assert [d.says for d in deviations.of("keras-jax")] == ["One.", "Both."]
    assert [d.says for d in deviations.of("keras-torch")] == ["The other.", "Both."]


@pytest.mark.parametrize(("word", "other"), [("wrong", "odd"), ("defect", "habit")])
def test_words_that_an_entry_cannot_have_are_refused(folder: Path, word: str, other: str) -> None:
    (folder / f"{PEER}.toml").write_text(PLANTED.replace(f'"{word}"', f'"{other}"'), encoding="utf-8")
    with pytest.raises(ValueError, match=other):
        deviations.of(PEER)


def test_what_is_known_of_a_peer_excuses_nothing_of_ours_on_its_framework(folder: Path) -> None:
    (folder / "torch.toml").write_text(PLANTED.replace(', "hinge_loss"', ""), encoding="utf-8")
    outcomes = [found("huber_loss", KNOWN, implementation="torch")]
    assert report.of(outcomes, [Source("peer", "torch")], ALL)["holds"]
    of_ours = report.of(outcomes, [Source("ours", "torch")], ALL)
    assert not of_ours["holds"]
    assert of_ours["outcomes"][0]["findings"][0]["deviation"] is None
