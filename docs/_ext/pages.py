"""The pages of the reference, one for each public name, from the registry, docstrings and evidence."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import evidence
import markup
from markup import code, directive, literal, section, table, title

import arraylosses as al
from arraylosses._core.registry import LOSSES, Loss
from arraylosses._core.signature import write

FUNCTIONS = "functions"  # the page that lists what is no loss
SPELLED = {"ndcg": "NDCG", "lovasz": "Lovász"}
ULP = (
    "The worst error, in units in the last place of the dtype (float32 for half precision) at the scale of "
    "the result. :doc:`/accuracy` says how it is measured, and explains what is off by more than 4."
)
SPEED = (
    "Value and gradient in one call, and the ratio to the fastest other that gives the same numbers: below "
    "1, ours is faster. More measures are on the pages :doc:`/performance` and :doc:`/performance-gpu`."
)


def chapters() -> list[ModuleType]:
    """The modules that losses stand in, in the order in which they are read."""
    modules = dict.fromkeys(spec.function.__module__ for spec in in_order())
    return [importlib.import_module(name) for name in modules]


def in_order() -> list[Loss]:
    return [LOSSES[name] for name in al.__all__ if name in LOSSES]


def functions() -> list[str]:
    """The public names that are no losses."""
    return [name for name in al.__all__ if name not in LOSSES]


def everything() -> dict[str, str]:
    """The source of every page, by its name."""
    pages = {"index": index(), FUNCTIONS: list_of_functions()}
    pages |= {name_of(chapter): page_of_chapter(chapter) for chapter in chapters()}
    pages |= {spec.name: page_of_loss(spec) for spec in in_order()}
    return pages | {name: page_of_function(name) for name in functions()}


def write_all(folder: Path) -> None:
    """Write what has changed, so that only that is built anew, and remove what is no page any more."""
    folder.mkdir(exist_ok=True)
    pages = everything()
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, page in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")


# --- one loss ------------------------------------------------------------------------------------


def page_of_loss(spec: Loss) -> str:
    doc = markup.parsed(spec.function)
    parts = [
        title(literal(spec.name)),
        f"{markup.text(doc['Summary'])} In the chapter :doc:`{heading(chapter_of(spec))} <{spec.family}>`.",
        directive("picture", spec.name),
        _call(spec.function),
        markup.text(doc["Extended Summary"]),
        *_documented(doc),
        section("Shapes and values", _shapes(spec)),
        section(
            "Kinks, edges and what else to know",
            markup.text(doc["Notes"]),
            evidence.edges(spec),
            evidence.relations_of(spec),
        ),
        section("Example", code("\n".join(doc["Examples"]), "pycon")),
        section("Paper", markup.linked(markup.text(doc["References"])), code(al.cite(spec.name), "bibtex")),
        section("Elsewhere", *(evidence.elsewhere(spec) or ["No library that is compared here has it."])),
        section("Accuracy", *_after(ULP, evidence.accuracy(spec))),
        section("Speed", *_after(SPEED, evidence.speed(spec))),
        section("See also", markup.see_also(doc["See Also"])),
    ]
    return _joined(parts)


def _after(words: str, parts: list[str]) -> list[str]:
    """Words, if anything follows them."""
    return [words, *parts] if any(parts) else []


def _call(function: Any) -> str:
    return (
        directive("py:currentmodule", "arraylosses")
        + "\n"
        + directive("py:function", markup.signature(function))
    )


def _documented(doc: Any) -> Iterator[str]:
    yield section("Parameters", markup.parameters(doc["Parameters"]))
    yield section("Returns", markup.parameters(doc["Returns"]))
    yield section("Raises", markup.parameters(doc["Raises"]))


def _shapes(spec: Loss) -> str:
    rows = [[literal(name), _of_forms(spec, i), _values(spec, name)] for i, name in enumerate(spec.arrays)]
    if "where" in inspect.signature(spec.function).parameters:
        rows.append(["``where``", literal(write(spec.mask)), "True for what counts"])
    rows.append(["``sample_weight``", literal(write(spec.weights)), "must be nonnegative"])
    rows.append(["*items*", _either(write(s.items) for s in spec.signatures), "what ``reduction`` reduces"])
    return table(["argument", "shape", "values"], rows)


def _of_forms(spec: Loss, i: int) -> str:
    return _either(write(signature.inputs[i]) for signature in spec.signatures)


def _values(spec: Loss, name: str) -> str:
    kinds = [f"must {d.rule}{'' if d.dense else ', integers'}" for d in spec.domains[name]]
    optional = "; may be left out" if name in spec.optional else ""
    return _either_words(kinds) + optional


def _either(shapes: Iterator[str]) -> str:
    return " or ".join(map(literal, dict.fromkeys(shapes)))


def _either_words(words: list[str]) -> str:
    return " or ".join(dict.fromkeys(words))


# --- what is no loss ------------------------------------------------------------------------------


def page_of_function(name: str) -> str:
    function = getattr(al, name)
    doc = markup.parsed(function)
    parts = [
        title(literal(name)),
        markup.text(doc["Summary"]),
        _call(function),
        markup.text(doc["Extended Summary"]),
        *_documented(doc),
        section("Notes", markup.text(doc["Notes"])),
        section("References", markup.linked(markup.text(doc["References"]))),
        section("Example", code("\n".join(doc["Examples"]), "pycon") if doc["Examples"] else ""),
        section("See also", markup.see_also(doc["See Also"])),
    ]
    return _joined(parts)


def list_of_functions() -> str:
    rows = [[f":func:`arraylosses.{name}`", summary(getattr(al, name))] for name in functions()]
    words = "What is public and no loss: gradients, compilation, and what losses take or are made of."
    toctree = directive("toctree", content="\n".join(functions()), hidden="")
    return _joined([title("Functions"), words, table(["function", "what it is"], rows), toctree])


# --- lists ---------------------------------------------------------------------------------------


def index() -> str:
    words = (
        f"{len(LOSSES)} losses in {len(chapters())} chapters, and :doc:`functions <{FUNCTIONS}>` beside "
        "them. Each has a page with its formula, its picture, its paper, and who else has it and how that "
        "differs. "
        "What holds for all of them is on the page :doc:`/conventions`."
    )
    parts = [title("Reference"), words]
    for chapter in chapters():
        name = name_of(chapter)
        lead = about(chapter).partition("\n")[0]
        parts.append(section(f":doc:`{heading(chapter)} <{name}>`", lead, _rows(chapter)))
    names = [name_of(chapter) for chapter in chapters()]
    parts.append(directive("toctree", content="\n".join([*names, FUNCTIONS]), hidden="", maxdepth=1))
    return _joined(parts)


def page_of_chapter(chapter: ModuleType) -> str:
    names = losses_of(chapter)
    pictures = [
        directive(
            "grid-item-card", f"{literal(name)}", directive("thumbnail", name), link=name, link_type="doc"
        )
        for name in names
    ]
    grid = directive("grid", "2 2 3 3", "\n".join(pictures), gutter=2)
    toctree = directive("toctree", content="\n".join(names), hidden="")
    return _joined([title(heading(chapter)), about(chapter), _rows(chapter), grid, toctree])


def _rows(chapter: ModuleType) -> str:
    rows = [[markup.loss(name), summary(getattr(al, name))] for name in losses_of(chapter)]
    return table(["loss", "what it is"], rows, widths="34 66")


def summary(function: Any) -> str:
    return markup.text(markup.parsed(function)["Summary"])


def losses_of(chapter: ModuleType) -> list[str]:
    return [spec.name for spec in in_order() if spec.function.__module__ == chapter.__name__]


def chapter_of(spec: Loss) -> ModuleType:
    return importlib.import_module(spec.function.__module__)


def name_of(chapter: ModuleType) -> str:
    return chapter.__name__.rpartition(".")[2]


def heading(chapter: ModuleType) -> str:
    """The name of a chapter, as words."""
    name = name_of(chapter)
    return SPELLED.get(name, name.replace("_", " ").capitalize())


def about(chapter: ModuleType) -> str:
    return inspect.getdoc(chapter) or ""


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
