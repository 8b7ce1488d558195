"""What a run came to, as plain data for JSON and for the page."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import arraylosses
from arraylosses._core.registry import LOSSES

from . import deviations
from .implementations import Source, peer_of
from .outcomes import KINDS, Finding, Outcome
from .runner import Wanted

SCHEMA = 1


def of(outcomes: list[Outcome], sources: list[Source], wanted: Wanted) -> dict[str, Any]:
    """The report of a run: `holds` says whether all is as it should be."""
    by_name = {source.title: source for source in sources}
    peers = {name for name, source in by_name.items() if source.kind == "peer"}
    of_peers = [o for o in outcomes if o.implementation in peers]
    # Nothing is known of ours, on a framework that is also a peer either.
    others_hold = all(o.holds for o in outcomes if o.implementation not in peers)
    unseen = deviations.unseen(of_peers) if wanted.everything else []
    unconfirmed = [
        f"{o.implementation}: {o.loss}: {f.case} ({f.dtype}): {f.what}"
        for o in outcomes
        for f in o.findings
        if f.confirmed is False
    ]
    return {
        "schema": SCHEMA,
        "arraylosses": arraylosses.__version__,
        "implementations": [_implementation(source) for source in sources],
        "kinds": list(KINDS),
        "outcomes": [_outcome(o, by_name[o.implementation]) for o in outcomes],
        "unseen": [
            {"peer": d.peer, "loss": loss, "outcome": d.outcome, "says": d.says} for d, loss in unseen
        ],
        "holds": others_hold and not (deviations.untold(of_peers) or unseen or unconfirmed),
        "unconfirmed": unconfirmed,
    }


def plain(x: Any) -> Any:
    """What JSON has words for: NaN and the infinities as text."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return str(x) if isinstance(x, float) and not math.isfinite(x) else x


def _implementation(source: Source) -> dict[str, Any]:
    if source.kind == "peer":
        from .peers import version

        peer = peer_of(source.name)
        return {"name": peer.name, "version": version(peer), "framework": peer.framework, "is_peer": True}
    found = source.implementation
    return {
        "name": found.name,
        "version": found.version,
        "framework": found.framework.name,
        "is_peer": False,
    }


def _outcome(outcome: Outcome, source: Source) -> dict[str, Any]:
    facts = asdict(outcome) | {"family": LOSSES[outcome.loss].family, "kind": outcome.kind}
    facts |= {"cases": outcome.cases, "holds": outcome.holds}
    facts["findings"] = [_finding(outcome, f, source) for f in outcome.findings]
    return facts


def _finding(outcome: Outcome, finding: Finding, source: Source) -> dict[str, Any]:
    known = deviations.told(outcome, finding) if source.kind == "peer" else None
    return asdict(finding) | {
        "command": command(source, outcome.loss, finding),
        "deviation": known and {"says": known.says, "kind": known.kind, "issue": known.issue},
    }


def command(source: Source, loss: str, finding: Finding) -> str:
    """What shows a finding again."""
    name = finding.case.replace('"', '\\"')
    return f'arraylosses validate {source.words(loss)} --case "{name}" --dtype {finding.dtype}'
