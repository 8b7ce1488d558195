"""`cite`: the papers of a loss, as BibTeX to copy, from the references in its docstring.

There they are written as ``Authors, *Title*, venue year, arXiv:number, what it is cited for``, and a
semicolon stands between two.
"""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .registry import Loss, spec_of

SHAPE = re.compile(
    r"(?P<authors>[^*]+), \*(?P<title>[^*]+)\*, "
    r"(?P<venue>.*?),? ?(?P<year>1[789]\d\d|20\d\d)(?P<rest>.*)"
)
ARXIV = re.compile(r", arXiv:(\d{4}\.\d{4,5})")
# A journal ends with its volume, and the number of the issue in brackets.
VOLUME = re.compile(r"(?P<journal>.+?) (?P<volume>\d+)(?:\((?P<number>\d+)\))?")
JOURNALS, PUBLISHERS = ("Transactions", "Journal"), ("Springer",)
NO_PAPER = "None: "
# What a title begins with and a key does not.
ARTICLES = frozenset("a an the on of to for in how what which de".split())
LETTERS = str.maketrans({"ı": "i", "ø": "o"})


class BibTeX(str):
    """Text that a prompt shows as it is."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Reference:
    """A paper, as the docstring of a loss names it."""

    authors: tuple[str, ...]
    title: str
    venue: str
    year: str
    arxiv: str
    cited_for: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        found = SHAPE.fullmatch(text)
        if found is None:
            raise ValueError(f"a reference must be 'Authors, *Title*, venue year, …', got {text!r}")
        arxiv = ARXIV.search(found["rest"])
        authors = found["authors"].replace(" et al.", ", others")
        return cls(
            tuple(re.split(r", | and ", authors)),
            found["title"],
            found["venue"].removeprefix("in "),
            found["year"],
            arxiv[1] if arxiv else "",
            ARXIV.sub("", found["rest"]).strip(", ()"),
        )

    @property
    def key(self) -> str:
        """First author, year and first word of the title, as citation managers have it."""
        words = re.findall(r"[a-z0-9]+", _ascii(self.title))
        word = next(word for word in words if word not in ARTICLES)
        return re.sub(r"[^a-z]", "", _ascii(self.authors[0])) + self.year + word

    def bibtex(self) -> str:
        kind, where = self._where()
        fields = {
            "author": " and ".join(f"{{{name}}}" if " " in name else name for name in self.authors),
            # Styles write titles small, but not what stands in braces of its own.
            "title": re.sub(r"\S*\w[A-Z0-9][^\s:,]*", r"{\g<0>}", self.title),
            **where,
            "year": self.year,
        }
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archivePrefix": "arXiv"}
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
        return f"@{kind}{{{self.key},\n{lines}}}\n"

    def _where(self) -> tuple[str, dict[str, str]]:
        if not self.venue:
            return "misc", {}
        if found := VOLUME.fullmatch(self.venue):
            return "article", {name: value for name, value in found.groupdict().items() if value}
        if any(word in self.venue for word in JOURNALS):
            return "article", {"journal": self.venue}
        if self.venue in PUBLISHERS:
            return "book", {"publisher": self.venue}
        return "inproceedings", {"booktitle": self.venue}


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(LETTERS))
    return plain.encode("ascii", "ignore").decode()


def cite(loss: Callable[..., Any] | str) -> BibTeX:
    """The papers that a loss is from, as BibTeX to copy.

    Parameters
    ----------
    loss : function or str
        A loss of this library, or its name.

    Returns
    -------
    str
        One entry for each paper, below a comment that says for what it is cited, where that is not all
        of the loss; a comment alone, where there is no paper. A prompt shows it as it is.

    Raises
    ------
    TypeError, ValueError
        For what is no loss of this library.

    Examples
    --------
    >>> import arraylosses as al
    >>> al.cite(al.huber_loss)
    @article{huber1964robust,
      author = {Huber},
      title = {Robust estimation of a location parameter},
      journal = {Ann. Math. Stat.},
      volume = {35},
      number = {1},
      year = {1964},
    }
    <BLANKLINE>
    """
    spec = spec_of(loss, "cite")
    found = references(spec)
    if not found:
        return BibTeX(f"% {spec.name} has no paper: {written(spec).removeprefix(NO_PAPER)}\n")
    entries = (f"% {r.cited_for}\n{r.bibtex()}" if r.cited_for else r.bibtex() for r in found)
    return BibTeX("\n".join(entries))


def references(spec: Loss) -> list[Reference]:
    """The papers of a loss; none, where its docstring says why there is none."""
    text = written(spec)
    if text.startswith(NO_PAPER):
        return []
    return [Reference.parse(entry) for entry in text.removesuffix(".").split("; ")]


def written(spec: Loss) -> str:
    """The references in the docstring, on one line."""
    docstring = inspect.getdoc(spec.function) or ""
    section = docstring.partition("\nReferences\n----------\n")[2]
    return " ".join(re.split(r"\n\n\w[\w ]*\n---", section)[0].split())
