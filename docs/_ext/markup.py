"""reStructuredText: the few shapes of it that pages are made of, and docstrings brought into them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numpydoc.docscrape import NumpyDocString, Parameter

Function = Callable[..., Any]
# The anchor of a section, which pages are linked to by.
LINK = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def parsed(function: Function) -> NumpyDocString:
    return NumpyDocString(inspect.getdoc(function) or "")


def title(text: str, underline: str = "=") -> str:
    return f"{text}\n{underline * (len(text) + 2)}\n"


def section(heading: str, *parts: str) -> str:
    """A section, or nothing where there is nothing in it."""
    body = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    return f"{title(heading, '-')}\n{body}\n" if body else ""


def directive(name: str, argument: str = "", content: str = "", **options: Any) -> str:
    lines = [f".. {name}:: {argument}".rstrip()]
    lines += [f"   :{key.replace('_', '-')}:{f' {value}' if value else ''}" for key, value in options.items()]
    return "\n".join(lines) + ("\n\n" + indented(content) if content else "") + "\n"


def indented(text: str, by: int = 3) -> str:
    return "\n".join(f"{' ' * by}{line}" if line.strip() else "" for line in text.strip("\n").split("\n"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto") -> str:
    """A table; nothing, without a row."""
    rows = list(rows)
    if not rows:
        return ""
    cells = "\n".join(
        f"{'* -' if i == 0 else '  -'} {indented(cell, 4).strip()}"
        for row in (head, *rows)
        for i, cell in enumerate(row)
    )
    return directive("list-table", content=cells, header_rows=1, widths=widths)


def code(text: str, language: str = "python") -> str:
    return directive("code-block", language, text)


def folded(heading: str, content: str) -> str:
    """What is there for who asks."""
    return directive("dropdown", heading, content)


def loss(name: str) -> str:
    return f":loss:`{name}`"


def literal(text: str) -> str:
    return f"``{text}``"


# --- docstrings ----------------------------------------------------------------------------------


def signature(function: Function) -> str:
    """The call, without annotations."""
    found = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    return f"{function.__name__}{found.replace(parameters=bare, return_annotation=found.empty)}"


def text(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n")


def parameters(found: Sequence[Parameter]) -> str:
    """A list of definitions: names in code, what they are in italics, and what they mean below."""
    return "\n".join(map(_parameter, found))


def _parameter(found: Parameter) -> str:
    names = ", ".join(literal(name.strip()) for name in found.name.split(",") if name.strip())
    kind = re.sub(r"(?<![\\`])\*", r"\\*", found.type)
    head = " : ".join(filter(None, [names, kind]))
    return f"{head}\n{indented(text(found.desc) or '..', 4)}\n"


def see_also(found: Sequence[Any]) -> str:
    """Links to functions, each with what it is to this one."""
    lines = []
    for functions, about in found:
        links = ", ".join(f":func:`{name.rpartition('.')[2]}`" for name, _ in functions)
        lines.append(f"* {links}: {' '.join(about)}")
    return "\n".join(lines)


def linked(references: str) -> str:
    """Papers that are on arXiv, with links there."""
    return LINK.sub(r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", references)
