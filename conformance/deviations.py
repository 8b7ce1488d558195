"""What is known of peers: where they disagree with the evidence, in a sentence each, strict both ways.

`deviations/PEER.toml` lists them, and `deviations/ADAPTER.toml` what all peers of an adapter have. What a run
finds and no entry tells is an error; so is an entry that a run does not find.
"""

from __future__ import annotations

import fnmatch
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .outcomes import KINDS, Finding, Outcome
from .peers import PEERS

FOLDER = Path(__file__).parent / "deviations"


@dataclass(frozen=True)
class Deviation:
    """One cause for which a peer disagrees, in some cases of some losses.

    `kind` is "convention" for what is documented or deliberate, else "defect".
    """

    peer: str
    losses: tuple[str, ...]
    outcome: str
    cases: tuple[str, ...]
    says: str
    kind: str
    dtypes: tuple[str, ...] = ()
    issue: str = ""

    def is_of(self, loss: str) -> bool:
        return _matches(loss, self.losses)

    def tells(self, loss: str, finding: Finding) -> bool:
        return (
            finding.kind == self.outcome
            and self.is_of(loss)
            and _matches(finding.case, self.cases)
            and (not self.dtypes or finding.dtype in self.dtypes)
        )


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    # What a name holds in brackets stands for itself.
    return any(fnmatch.fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)


@functools.cache
def of(peer: str) -> tuple[Deviation, ...]:
    """The known deviations of a peer."""
    adapter = PEERS[peer].module if peer in PEERS else peer
    paths = [FOLDER / f"{name}.toml" for name in dict.fromkeys((peer, adapter))]
    return tuple(_entry(peer, entry) for path in paths if path.exists() for entry in _entries(path))


def _entries(path: Path) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["deviation"]


def _entry(peer: str, entry: dict[str, Any]) -> Deviation:
    lists = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    deviation = Deviation(peer, **lists)
    if deviation.outcome not in KINDS or deviation.kind not in ("convention", "defect"):
        raise ValueError(f"{peer}: no outcome {deviation.outcome!r} or no kind {deviation.kind!r}")
    return deviation


def told(outcome: Outcome, finding: Finding) -> Deviation | None:
    """The entry that tells a finding, if one does."""
    return next((d for d in of(outcome.implementation) if d.tells(outcome.loss, finding)), None)


def untold(outcomes: list[Outcome]) -> list[tuple[Outcome, Finding]]:
    """What was found and is not known."""
    return [(o, f) for o in outcomes for f in o.findings if not told(o, f)]


def unseen(outcomes: list[Outcome]) -> list[tuple[Deviation, str]]:
    """What is said of peers and of a loss that was looked at, and was not found."""
    return [
        (d, o.loss)
        for o in outcomes
        for d in of(o.implementation)
        if _matches(o.loss, d.losses) and not any(d.tells(o.loss, f) for f in o.findings)
    ]
