"""The pages that help to choose a loss: what they name is there, and every loss is among it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES

DOCS = Path(__file__).parents[1] / "docs"
FRONT = DOCS / "choosing.md"
CHOOSING = [FRONT, *sorted((DOCS / "choosing").glob("*.md"))]
COMING = sorted((DOCS / "coming-from").glob("*.md"))
ROLE = re.compile(r"\{loss\}`(\w+)`")
PICTURE = re.compile(r"```\{picture\} (\w+)\n(.*?)```", re.DOTALL)
# A page by its path, and a heading as GitHub and MyST make an anchor of it.
LINK = re.compile(r"\]\(([^)#:\s]*\.md)?(?:#([\w-]+))?\)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


@pytest.mark.parametrize("page", CHOOSING + COMING, ids=lambda page: str(page.relative_to(DOCS)))
class TestPage:
    def test_every_loss_that_is_named_exists(self, page: Path) -> None:
        named = {*ROLE.findall(text_of(page)), *(name for name, _ in PICTURE.findall(text_of(page)))}
        assert named <= set(LOSSES)

    def test_a_picture_has_its_parameter_and_says_what_it_shows(self, page: Path) -> None:
        for name, options in PICTURE.findall(text_of(page)):
            assert ":alt: " in options
            for parameter in re.findall(r":param: (\w+)=", options):
                assert parameter in LOSSES[name].parameters

    def test_links_lead_somewhere(self, page: Path) -> None:
        for path, anchor in LINK.findall(text_of(page)):
            target = (page.parent / path).resolve() if path else page
            if target.is_relative_to(DOCS / "reference"):
                continue  # which the build writes
            assert target.is_file(), path
            assert not anchor or anchor in anchors(target), (path, anchor)

    def test_functions_that_are_no_losses_exist(self, page: Path) -> None:
        for name in re.findall(r"`al\.(\w+)", text_of(page)):
            assert hasattr(al, name)


def test_every_loss_is_among_those_to_choose_from() -> None:
    named = {name for page in CHOOSING for name in ROLE.findall(text_of(page))}
    assert set(LOSSES) - named == set()


def test_every_page_is_reached_from_the_table() -> None:
    linked = {(FRONT.parent / path).resolve() for path, _ in LINK.findall(text_of(FRONT)) if path}
    assert set(CHOOSING[1:]) <= linked
