"""What is seen when a loss is held against the evidence: a kind, a number, and the call that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PASS = "pass"
IMPRECISE = "imprecise"  # beyond the tolerance, but no more than rounding
WRONG = "wrong"
NAN = "NaN"  # where there is a number
RAISES = "raises"
NOT_TRACEABLE = "not traceable"  # by a compiler that its framework has
NOT_APPLICABLE = "not applicable"  # the case asks for what the implementation does not offer
KINDS = (PASS, IMPRECISE, WRONG, NAN, RAISES, NOT_TRACEABLE, NOT_APPLICABLE)
SEVEREST = (RAISES, NAN, WRONG, NOT_TRACEABLE, IMPRECISE)


def severest(kinds: Iterable[str], otherwise: str = PASS) -> str:
    found = {*kinds}
    return next((kind for kind in SEVEREST if kind in found), otherwise)


@dataclass
class Finding:
    """Something that does not hold, with all that is needed to see it again."""

    case: str
    dtype: str
    kind: str
    what: str
    expected: Any
    got: Any
    call: str
    ulp: float | None = None
    tags: list[str] = field(default_factory=list)
    at: list[int] | None = None  # where, of too many numbers to keep, the worst stands
    snippet: str = ""  # a program that shows it
    confirmed: bool | None = None  # by running that

    @property
    def is_misuse(self) -> bool:
        return self.kind == RAISES or self.what.startswith("shape of the value")


@dataclass
class Outcome:
    """A loss of an implementation: what its cases came to, and the worst errors of those in ulp."""

    loss: str
    implementation: str
    counts: dict[str, int] = field(default_factory=dict)
    value_ulp: float = 0.0
    gradient_ulp: float | None = None
    findings: list[Finding] = field(default_factory=list)
    not_applicable: dict[str, int] = field(default_factory=dict)  # how often, by reason
    prelude: str = ""  # what the snippets of the findings stand on

    @property
    def cases(self) -> int:
        """How many cases were computed."""
        return sum(n for kind, n in self.counts.items() if kind != NOT_APPLICABLE)

    @property
    def holds(self) -> bool:
        return not self.findings

    @property
    def kind(self) -> str:
        """The severest kind there is."""
        return severest((f.kind for f in self.findings), PASS if self.cases else NOT_APPLICABLE)

    @property
    def misuse(self) -> Finding | None:
        """What shows, in the plainest case, that this is no function of the arrays that a loss takes."""
        return next((f for f in self.findings if f.case == "ordinary" and f.is_misuse), None)

    def count(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def skip(self, reason: str) -> None:
        self.count(NOT_APPLICABLE)
        self.not_applicable[reason] = self.not_applicable.get(reason, 0) + 1
