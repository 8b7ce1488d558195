"""`cite`: every loss that has a paper says so in BibTeX."""

import re
import sys
from collections import defaultdict

import pytest

import arraylosses as al
from arraylosses._core.citations import Reference, references
from arraylosses._core.registry import LOSSES
from arraylosses.cli import main

ENTRY = re.compile(r"@(article|book|inproceedings|misc)\{[a-z]+\d{4}[a-z0-9]+,\n(  \w+ = \{.+\},\n){3,}\}\n")


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_says_where_it_is_from(name):
    text = al.cite(name)
    assert al.cite(getattr(al, name)) == text
    assert repr(text) == text
    if "@" in text:
        without = ENTRY.sub("", text)
        assert all(line.startswith("% ") for line in without.split("\n") if line)
    else:
        assert text.startswith(f"% {name} has no paper: ")


def test_a_paper_is_the_same_wherever_it_is_cited():
    entries = defaultdict(set)
    for spec in LOSSES.values():
        for reference in references(spec):
            entries[reference.key].add(reference.bibtex())
    assert len(entries) > 150
    assert {key: found for key, found in entries.items() if len(found) > 1} == {}


def test_several_papers_are_several_entries():
    text = al.cite(al.ciou_loss)
    assert [entry[0] for entry in ENTRY.findall(text)] == ["inproceedings", "article"]
    assert "\n% for the gate\n@article{zheng2022enhancing,\n" in text


def test_names_and_titles_survive_a_style():
    reference = Reference.parse(
        "van den Oord, Li et al., *On VICReg of the L2 norm*, ICML 2018, arXiv:1807.03748"
    )
    assert reference.key == "vandenoord2018vicreg"
    text = reference.bibtex()
    assert "  author = {{van den Oord} and Li and others},\n" in text
    assert "  title = {On {VICReg} of the {L2} norm},\n" in text
    assert "  booktitle = {ICML},\n" in text
    assert "  eprint = {1807.03748},\n" in text


@pytest.mark.parametrize(
    ("loss", "rule"),
    [
        ("hubber_loss", "the name of a loss, got 'hubber_loss' (near it: huber_loss"),
        (al.grad, "a loss of arraylosses, or its name, got grad"),
        (3, "a loss of arraylosses, or its name, got int"),
    ],
)
def test_what_is_no_loss_is_refused(loss, rule):
    with pytest.raises((TypeError, ValueError)) as refused:
        al.cite(loss)
    assert str(refused.value).startswith(f"cite: loss must be {rule}")


def test_what_is_no_reference_is_refused():
    with pytest.raises(ValueError) as refused:
        Reference.parse("Huber 1964")
    assert str(refused.value) == "a reference must be 'Authors, *Title*, venue year, …', got 'Huber 1964'"


def test_the_command_prints_the_same(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["arraylosses", "cite", "huber_loss"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out == al.cite("huber_loss")
