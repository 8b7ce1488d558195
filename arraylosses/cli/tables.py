"""What the commands print."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .._core.registry import Loss

SHOWN = 3  # cases that do not hold that are printed in full


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


def outcomes(report: dict[str, Any]) -> RenderableType:
    """Loss × implementation: what it comes to, and the worst error of value and gradient in ulp."""
    table = Table(title="worst error in ulp: value / gradient", title_justify="left", title_style="dim")
    table.add_column("loss", no_wrap=True)
    names = [found["name"] for found in report["implementations"]]
    for found in report["implementations"]:
        table.add_column(f"{found['name']} {found['version']}".strip(), justify="right", no_wrap=True)
    rows: dict[str, dict[str, Any]] = {}
    for o in report["outcomes"]:
        rows.setdefault(o["loss"], {})[o["implementation"]] = o
    for loss, row in rows.items():
        table.add_row(loss, *(cell(row[name]) if name in row else "" for name in names))
    return table


def cell(o: dict[str, Any]) -> str:
    if o["kind"] == "not applicable":
        return "[dim]not applicable[/dim]"
    gradient = "" if o["gradient_ulp"] is None else f" / {_ulp(o['gradient_ulp'])}"
    known = all(f["deviation"] for f in o["findings"])
    colour = "green" if o["holds"] else "yellow" if known else "red"
    return f"[{colour}]{o['kind']}[/{colour}] {_ulp(o['value_ulp'])}{gradient}"


def _ulp(x: float) -> str:
    return f"{x:.1f}" if x < 1000 else f"{x:.0e}"


def failures(o: dict[str, Any]) -> RenderableType:
    """The cases that do not hold and are not known not to: all by name, some in full."""
    cases: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for f in o["findings"]:
        if not f["deviation"]:
            cases.setdefault((f["case"], f["dtype"]), []).append(f)
    table = Table(box=None, pad_edge=False, show_header=False)
    for (case, dtype), found in cases.items():
        about = ", ".join(dict.fromkeys(f["what"].partition(":")[0] for f in found))
        table.add_row(_named(found), escape(f"{case} ({dtype})"), escape(about))
    parts: list[RenderableType] = [table]
    for found in [*cases.values()][:SHOWN]:
        f = found[0]
        lines = (f["call"], f"expected {f['expected']}", f"got      {f['got']}", f["command"])
        parts += [
            Text(f"\n{f['case']} ({f['dtype']}): {f['kind']}: {f['what']}", style="bold"),
            Padding(Text("\n".join(lines)), (0, 0, 0, 2)),
        ]
    title = f"{o['loss']} of {o['implementation']}"
    return Panel(Group(*parts), title=title, border_style="red", title_align="left")


def _named(found: list[dict[str, Any]]) -> str:
    """The kinds of findings, the first of a kind first."""
    return ", ".join(dict.fromkeys(f["kind"] for f in found))


def verdict(report: dict[str, Any]) -> Iterable[RenderableType]:
    """How many cases hold, and of those that do not how many are known."""
    found = report["outcomes"]
    cases = sum(o["cases"] for o in found)
    names = ", ".join(i["name"] for i in report["implementations"])
    where = f"{len({o['loss'] for o in found})} losses of {names}"
    failed, known = _count(found, lambda f: not f["deviation"]), _count(found, lambda f: bool(f["deviation"]))
    for u in report["unseen"]:
        text = f"{u['peer']}: {u['loss']}: known as {u['outcome']}, but was not seen: {u['says']}"
        yield Text(text, style="bold red")
    for text in report["unconfirmed"]:
        yield Text(f"{text}: a program of its own does not show it", style="bold red")
    if failed:
        yield Text(f"{failed} of {cases} cases do not hold ({where})", style="bold red")
    elif known:
        yield Text(
            f"{cases - known} of {cases} cases hold, {known} are known not to ({where})", style="yellow"
        )
    else:
        yield Text(f"all {cases} cases hold ({where})", style="bold green")


def _count(found: list[Any], which: Callable[[dict[str, Any]], bool]) -> int:
    """The cases with such a finding."""
    return sum(len({(f["case"], f["dtype"]) for f in o["findings"] if which(f)}) for o in found)
