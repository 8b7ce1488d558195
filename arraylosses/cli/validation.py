"""`arraylosses validate`: what is to be held against the evidence, doing it, and what came of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import arraylosses

from .._core.registry import LOSSES
from . import kit, tables

out = Console()
err = Console(stderr=True, soft_wrap=True, highlight=False)


def refuse(message: object) -> NoReturn:
    """End the program: what it was given makes no sense."""
    err.print(f"arraylosses: {message}", markup=False)
    raise typer.Exit(2)


def listed(given: Iterable[str] | None) -> list[str]:
    """What was given once or more often, each time one or several with commas between."""
    return [part for text in given or () for part in text.split(",") if part]


def known(names: Iterable[str]) -> list[str]:
    """The losses of these names, or all."""
    names = list(names)
    for name in names:
        if name not in LOSSES:
            refuse(f"there is no loss {name}; see arraylosses list")
    return names or [name for name in arraylosses.__all__ if name in LOSSES]


def peers(names: list[str]) -> list[str]:
    """The peers of these names; of "all", those that are installed."""
    if names != ["all"]:
        return names
    module = kit.module("peers")
    return [name for name, peer in module.PEERS.items() if module.installed(peer)]


def wanted(tags: list[str], cases: list[str], dtypes: list[str]) -> Any:
    """Which cases are asked for; a word that no case can have is refused."""
    runner, known_tags = kit.module("runner"), [*kit.module("tags").TAGS, kit.module("workers").TAG]
    for tag in tags:
        if tag not in known_tags and not tag.startswith("trap "):
            refuse(f"there is no tag {tag}; there are {', '.join(known_tags)} and 'trap ID'")
    floats = {d for f in kit.module("frameworks").FRAMEWORKS.values() for d in f.dtypes}
    for dtype in dtypes:
        if dtype not in floats:
            refuse(f"there is no dtype {dtype}; there are {', '.join(sorted(floats))}")
    return runner.Wanted(tuple(tags), tuple(cases), tuple(dtypes))


def sources(
    frameworks: list[str], peers: list[str], adapters: list[str], assignments: list[str], device: str
) -> list[Any]:
    """What is held against the evidence: what is named, or ours on every framework that is installed."""
    kind = kit.module("implementations")
    framework_module = kit.module("frameworks")
    for name in frameworks:
        if name not in framework_module.FRAMEWORKS:
            refuse(f"there is no framework {name}; there are {', '.join(framework_module.FRAMEWORKS)}")
        if not framework_module.FRAMEWORKS[name].installed():
            refuse(f"{name} is not installed")
    if peers and not set(peers).isdisjoint(frameworks):
        refuse(f"{', '.join(set(peers) & set(frameworks))} cannot be a peer and a framework of ours at once")
    others = [
        *(kind.Source("ours", name, device=device) for name in frameworks if peers),
        *(kind.Source("peer", name, device=device) for name in peers),
        *(
            kind.Source(word, name, framework, device)
            for word, names in (("adapter", adapters), ("function", assignments))
            for name in names
            for framework in frameworks or [""]
        ),
    ]
    if others:
        return others
    return [
        kind.Source("ours", name, device=device)
        for name in frameworks or [f.name for f in framework_module.installed()]
    ]


def check(found: list[Any]) -> None:
    """Refuse what cannot be imported, is not installed or does not exist, before any work."""
    module = kit.module("implementations")
    for source in found:
        try:
            if source.kind == "peer":
                module.check_peer(source.name)  # which its own process imports
            else:
                assert source.implementation
        except ValueError as error:
            refuse(error)


def jobs(found: list[Any], losses: list[str], wanted: Any, snippets: bool) -> list[Any]:
    """Every loss that is asked for and that an implementation has; with programs of what is wrong, or not."""
    job, has = kit.module("workers").Job, {s: kit.module("implementations").losses_of(s) for s in found}
    made = [
        job(s, loss, wanted, snippets and s.kind != "ours")
        for s in found
        for loss in losses
        if loss in has[s]
    ]
    if not made:
        refuse(f"{', '.join(s.name for s in found)} has no loss {', '.join(losses)}")
    return made


def run(made: list[Any], processes: int) -> list[Any]:
    """The outcomes of jobs, in their order, with progress shown."""
    found: list[Any] = []
    with _progress() as progress:
        task = progress.add_task("", total=len(made))
        try:
            for outcome in kit.module("workers").outcomes(made, processes):
                found.append(outcome)
                progress.update(task, description=f"{outcome.loss} of {outcome.implementation}")
                progress.advance(task)
        except ValueError as error:
            if isinstance(error, (kit.module("implementations").Unusable, kit.module("schema").Damaged)):
                refuse(error)
            raise
    losses = {job.loss: i for i, job in enumerate(made)}
    return sorted(found, key=lambda o: losses[o.loss])


def _progress() -> Progress:
    columns = (TextColumn("{task.description:48}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def refuse_misuse(found: list[Any]) -> None:
    """Refuse a stranger's function that does not return even for the plainest case what a loss returns."""
    for outcome in found:
        if (finding := outcome.misuse) is not None:
            said = finding.what if finding.kind != "raises" else finding.got.splitlines()[-1]
            refuse(f"{outcome.implementation}: {outcome.loss}: {said} ({finding.call})")


def check_writable(path: Path | None) -> None:
    if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        refuse(f"{path} cannot be written: there is no folder {path.parent}")


def write(path: Path, text: str) -> None:
    """The whole file or nothing of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)


def show(report: dict[str, Any], as_json: bool) -> None:
    """The report as JSON, or as tables with what does not hold in full."""
    if as_json:
        plain = kit.module("report").plain(report)
        typer.echo(json.dumps(plain, indent=1, allow_nan=False, default=str, ensure_ascii=False))
        return
    out.print(tables.outcomes(report))
    for o in report["outcomes"]:
        if not all(f["deviation"] for f in o["findings"]):
            out.print(tables.failures(o))
    for line in tables.verdict(report):
        out.print(line)
