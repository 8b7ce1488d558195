"""Many losses of many implementations, in processes of their own: side by side, and apart from one another.

A peer is imported where nothing else is, with the environment that it asks for; and a process that dies
is an outcome.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import runner, snippets
from .frameworks import precision
from .implementations import Implementation, Source
from .outcomes import IMPRECISE, NAN, NOT_TRACEABLE, RAISES, WRONG, Finding, Outcome, severest
from .relations.laws import RELATIONS
from .relations.relation import Relation, check
from .runner import ALL, Wanted

# Ways to run in which a framework follows what a function does.
TRACED = ("compiled = eager", "batched = one by one", "forward = reverse")
RELATED, TAG = "relation: ", "relation"
FEW = 8  # jobs, which are done before a process has started


@dataclass(frozen=True)
class Job:
    """A loss of an implementation."""

    source: Source
    loss: str
    wanted: Wanted = ALL
    snippets: bool = False  # whether a program shows each wrong number

    def run(self) -> Outcome:
        implementation = self.source.implementation
        outcome = held(self.loss, implementation, self.wanted)
        if self.snippets:
            snippets.add(outcome, implementation)
        return outcome


def held(loss: str, implementation: Implementation, wanted: Wanted = ALL) -> Outcome:
    """A loss of an implementation, held against its vectors and, in one dtype, to the relations."""
    dtypes = tuple(d for d in implementation.dtypes if d in (wanted.dtypes or (d,)))
    outcome = runner.run(loss, implementation, dtypes, wanted)
    if not dtypes or outcome.misuse:
        return outcome  # what returns no loss has no relations
    for relation in RELATIONS:
        if wanted({"name": f"{RELATED}{relation.name}", "tags": [TAG]}):
            _relate(outcome, relation, implementation, dtypes[0])
    return outcome


def _relate(outcome: Outcome, relation: Relation, implementation: Implementation, dtype: str) -> None:
    """Hold a loss to a relation, which counts as a case."""
    found = list(
        check(
            relation,
            outcome.loss,
            dict(implementation.functions),
            implementation.framework,
            dtype,
            implementation.differentiable,
            implementation.constants_of(outcome.loss),
        )
    )
    wrong = [_finding(f) for f in found if not f.holds]
    if found:
        outcome.count(severest(f.kind for f in wrong))
    outcome.findings += wrong


def _finding(seen: Any) -> Finding:
    """What a relation saw, as what a case would have shown."""
    if seen.what == "raises":
        kind = NOT_TRACEABLE if seen.relation in TRACED else RAISES
    elif np.any(np.isnan(np.asarray(seen.got, float)) & ~np.isnan(np.asarray(seen.expected, float))):
        kind = NAN
    else:
        off = seen.ulp * precision(seen.dtype)[0]
        kind = IMPRECISE if off <= runner.in_proportion(seen.dtype) else WRONG
    is_number = seen.what != "raises" and not seen.what.startswith("shape")
    what = f"{seen.what}: {seen.ulp:.3g} ulp" if is_number else seen.what
    name = f"{RELATED}{seen.relation}"
    return Finding(name, seen.dtype, kind, what, seen.expected, seen.got, seen.call, seen.ulp, [TAG])


def outcomes(jobs: list[Job], processes: int = 0) -> Iterator[Outcome]:
    """The outcomes of jobs, as they come."""
    processes = processes or os.cpu_count() or 1
    peers = dict.fromkeys(job.source for job in jobs if job.source.kind == "peer")
    together = [job for job in jobs if job.source not in peers]
    for peer in peers:
        yield from _in_processes([job for job in jobs if job.source == peer], 1)
    if processes == 1 or len(together) <= FEW:
        for job in together:
            yield job.run()
    else:
        yield from _in_processes(together, processes)


def _in_processes(jobs: list[Job], processes: int) -> Iterator[Outcome]:
    left = list(jobs)
    while left:  # from where a process died on
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, _collect_less) as pool:
            running = [pool.submit(job.run) for job in left]
            try:
                for done in running:
                    outcome = done.result()
                    del left[0]
                    yield outcome
            except BrokenProcessPool:
                if processes == 1:  # which does one job after the other
                    yield _dead(left.pop(0))
                processes = 1


def _collect_less() -> None:
    gc.set_threshold(100_000, 50, 50)  # the traces of small cases are many objects, soon gone


def _dead(job: Job) -> Outcome:
    outcome = Outcome(job.loss, job.source.name)
    outcome.count(RAISES)
    outcome.findings.append(Finding("", "", RAISES, "the process died", "a result", "nothing", job.loss))
    return outcome
