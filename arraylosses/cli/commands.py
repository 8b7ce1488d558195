"""The commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import arraylosses

from .._core.registry import LOSSES
from . import kit, tables

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out = Console()
err = Console(stderr=True)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[LOSS]...", help="Which losses; all, if none is named.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"arraylosses {arraylosses.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Loss functions for every array framework, and the evidence for them."""


def _known(names: list[str] | None) -> list[str]:
    """The losses of these names, or all; a wrong name ends the program."""
    for name in names or ():
        if name not in LOSSES:
            err.print(f"arraylosses: there is no loss {name}; see [bold]arraylosses list[/bold]")
            raise typer.Exit(2)
    return names or [name for name in arraylosses.__all__ if name in LOSSES]


@app.command("list")
def list_losses(as_json: AsJson = False) -> None:
    """Every loss, by family."""
    if as_json:
        typer.echo(json.dumps([tables.facts(LOSSES[name]) for name in _known(None)], indent=1))
    else:
        out.print(tables.families(LOSSES[name] for name in _known(None)))


@app.command()
def show(loss: str, as_json: AsJson = False) -> None:
    """One loss: signature, formula, shapes, paper, peers."""
    spec = LOSSES[_known([loss])[0]]
    peers = kit.module("schema").read(loss)["peers"]
    if as_json:
        typer.echo(json.dumps(tables.facts(spec) | {"peers": peers}, indent=1, ensure_ascii=False))
    else:
        out.print(tables.page(spec, peers))


@app.command()
def validate(
    losses: Names = None,
    framework: Annotated[
        list[str] | None,
        typer.Option(
            "--framework", "-f", help="On which framework; on all that are installed, if none is named."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every vector on every installed framework, and show how far off it is.

    The exit status is 1 if anything does not hold.
    """
    runner, frameworks = kit.module("runner"), _frameworks(framework)
    names = [
        name for name in _known(losses) if name in kit.module("schema").names() or _without_vectors(name)
    ]
    outcomes: list[Any] = []
    with _progress() as progress:
        task = progress.add_task("", total=len(names) * len(frameworks))
        for name in names:
            for f in frameworks:
                progress.update(task, description=f"{name} on {f.name}")
                outcomes.append(runner.run(name, f))
                progress.advance(task)
    failed = [o for o in outcomes if not o.holds]
    if as_json:
        typer.echo(json.dumps([asdict(o) | {"holds": o.holds} for o in outcomes], indent=1, default=str))
    else:
        out.print(tables.outcomes(outcomes, frameworks))
        for o in failed:
            out.print(tables.failures(o))
        out.print(tables.verdict(outcomes, frameworks))
    if failed:
        raise typer.Exit(1)


def _without_vectors(name: str) -> bool:
    err.print(f"arraylosses: there are no vectors for {name}")
    raise typer.Exit(1)


def _frameworks(names: list[str] | None) -> list[Any]:
    module = kit.module("frameworks")
    for name in names or ():
        if name not in module.FRAMEWORKS:
            err.print(f"arraylosses: there is no framework {name}; there are {', '.join(module.FRAMEWORKS)}")
            raise typer.Exit(2)
        if not module.FRAMEWORKS[name].installed():
            err.print(f"arraylosses: {name} is not installed")
            raise typer.Exit(2)
    return [module.FRAMEWORKS[name] for name in names] if names else module.installed()


def _progress() -> Progress:
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True)
