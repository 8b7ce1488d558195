"""The commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import arraylosses

from .._core.registry import LOSSES
from . import kit, pictures, tables, validation
from .validation import listed, out

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

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


@app.command("list")
def list_losses(as_json: AsJson = False) -> None:
    """Every loss, by family."""
    if as_json:
        typer.echo(json.dumps([tables.facts(LOSSES[name]) for name in validation.known([])], indent=1))
    else:
        out.print(tables.families(LOSSES[name] for name in validation.known([])))


@app.command()
def show(loss: str, as_json: AsJson = False) -> None:
    """One loss: signature, formula, shapes, paper, peers."""
    spec = LOSSES[validation.known([loss])[0]]
    peers = kit.module("schema").read(loss)["peers"]
    if as_json:
        typer.echo(json.dumps(tables.facts(spec) | {"peers": peers}, indent=1, ensure_ascii=False))
    else:
        out.print(tables.page(spec, peers))


@app.command()
def cite(loss: str) -> None:
    """The papers of one loss, as BibTeX to copy."""
    typer.echo(arraylosses.cite(validation.known([loss])[0]), nl=False)


@app.command()
def plot(
    loss: str,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write, which ends in .png, .svg or .pdf.")
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="Values of a parameter: beta=0.1,1. Of one of them several."),
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="For a dark page.")] = False,
) -> None:
    """A picture of one loss: its values and derivatives, or its force."""
    pictures.draw(loss, param or [], dark, output)


@app.command()
def validate(
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LOSS | LOSS=MODULE:FUNCTION]...",
            help="Which losses; all, if none is named. Or a function of yours, and which loss it is.",
        ),
    ] = None,
    loss: Annotated[list[str] | None, typer.Option("--loss", "-l", help="The same as an option.")] = None,
    framework: Annotated[
        list[str] | None,
        typer.Option(
            "--framework", "-f", help="On which framework; ours on all that are installed, if none is named."
        ),
    ] = None,
    peer: Annotated[
        list[str] | None, typer.Option("--peer", "-p", help="Another library: torch,optax,…, or all.")
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option("--adapter", "-a", help="A module with losses of yours.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", "-t", help="Only cases of this kind: kink, mask, extreme, …")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", "-c", help="Only cases of this name; * stands for anything.")
    ] = None,
    dtype: Annotated[list[str] | None, typer.Option("--dtype", "-d", help="Only in this dtype.")] = None,
    device: Annotated[str, typer.Option("--device", help="Where arrays are: cuda, mps, …")] = "",
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with every outcome.")] = None,
    processes: Annotated[
        int, typer.Option("--processes", "-j", min=0, help="How many at once; as many as there are cores.")
    ] = 0,
) -> None:
    """Recompute every vector, and show how far off it is: ours, a peer's losses, or yours.

    The exit status is 1 if anything does not hold (of a peer: that is not a known deviation), and 2 if
    what was asked for makes no sense.
    """
    named = [*(losses or ()), *listed(loss)]
    assignments = [name for name in named if "=" in name]
    names = validation.known(name for name in named if "=" not in name)
    validation.check_writable(html)
    wanted = validation.wanted(listed(tag), case or [], listed(dtype))
    found = validation.sources(
        listed(framework), validation.peers(listed(peer)), listed(adapter), assignments, device
    )
    validation.check(found)
    jobs = validation.jobs(found, names, wanted, snippets=html is not None)
    outcomes = validation.run(jobs, processes)
    report = kit.module("report").of(outcomes, found, wanted)
    if any(source.kind in ("adapter", "function") for source in found):
        validation.refuse_misuse(outcomes)
    if html:
        validation.write(html, kit.module("page").page(report))
    validation.show(report, as_json)
    if not report["holds"]:
        raise typer.Exit(1)
