"""What the commands print."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .._core.registry import Loss

SHOWN = 5  # failures of one loss on one framework that are printed in full


def summary(spec: Loss) -> str:
    """The first line of the docstring."""
    return (inspect.getdoc(spec.function) or "").partition("\n")[0]


def facts(spec: Loss) -> dict[str, Any]:
    """What the registry knows, for machines."""
    return {
        "name": spec.name,
        "family": spec.family,
        "summary": summary(spec),
        "call": call(spec),
        "signature": [str(s) for s in spec.signatures],
        "arrays": {k: [d.name for d in domains] for k, domains in spec.domains.items()},
        "options": [k for k in inspect.signature(spec.function).parameters if k not in spec.arrays],
    }


def call(spec: Loss) -> str:
    """The signature without annotations."""
    signature = inspect.signature(spec.function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return f"{spec.name}{signature.replace(parameters=bare, return_annotation=signature.empty)}"


def families(losses: Iterable[Loss]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    table.add_column("loss", no_wrap=True)
    table.add_column("what it is")
    family = ""
    for spec in losses:
        if spec.family != family:
            if family:
                table.add_row("", "")
            family = spec.family
            table.add_row(f"[bold]{family}[/bold]", "")
        table.add_row(f"  {spec.name}", escape(summary(spec)))
    return table


def page(spec: Loss, peers: dict[str, str]) -> RenderableType:
    """The docstring, headed by the call and its shapes."""
    shapes = "\n".join(f"{', '.join(spec.arrays)}: {s}" for s in spec.signatures)
    parts: list[RenderableType] = [
        Text(call(spec), style="bold"),
        Text(shapes, style="cyan"),
        Text(""),
        Text(inspect.getdoc(spec.function) or ""),
    ]
    if peers:
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, how in peers.items():
            table.add_row(name, escape(how))
        parts += [Text("\nElsewhere\n---------"), table]
    return Group(*parts)


def outcomes(found: list[Any], frameworks: list[Any]) -> RenderableType:
    """Loss × framework: whether it holds, and the worst error of value and gradient in ulp."""
    table = Table(title="worst error in ulp: value / gradient", title_justify="left", title_style="dim")
    table.add_column("loss", no_wrap=True)
    for f in frameworks:
        table.add_column(f"{f.name} {f.version()}", justify="right", no_wrap=True)
    by_loss: dict[str, list[Any]] = {}
    for o in found:
        by_loss.setdefault(o.loss, []).append(o)
    for loss, row in by_loss.items():
        table.add_row(loss, *(cell(o) for o in row))
    return table


def cell(o: Any) -> str:
    errors = f"{o.value_ulp:.1f}" + ("" if o.gradient_ulp is None else f" / {o.gradient_ulp:.1f}")
    return f"[green]pass[/green] {errors}" if o.holds else f"[red]FAIL[/red] {errors}"


def failures(o: Any) -> RenderableType:
    """The cases that do not hold, in full."""
    parts: list[RenderableType] = []
    for f in o.failures[:SHOWN]:
        lines = (f.call, f"expected {f.expected}", f"got      {f.got}")
        parts += [
            Text(f"{f.case} ({f.dtype}): {f.what}", style="bold"),
            Padding(Text("\n".join(lines)), (0, 0, 1, 2)),
        ]
    if (more := len(o.failures) - SHOWN) > 0:
        parts.append(Text(f"and {more} more"))
    return Panel(Group(*parts), title=f"{o.loss} on {o.framework}", border_style="red", title_align="left")


def verdict(found: list[Any], frameworks: list[Any]) -> RenderableType:
    cases = sum(o.cases for o in found)
    failed = sum(len({(f.case, f.dtype) for f in o.failures}) for o in found)
    where = f"{len({o.loss for o in found})} losses on {', '.join(f.name for f in frameworks)}"
    if failed:
        return Text(f"{failed} of {cases} cases do not hold ({where})", style="bold red")
    return Text(f"all {cases} cases hold ({where})", style="bold green")
