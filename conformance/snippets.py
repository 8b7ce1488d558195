"""A finding as a program of its own: the call of a peer, with its numbers, that prints what was seen.

The program stands on nothing but the peer and its framework, and is run when it is made: what it computes
has to be what was found.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arraylosses._core.registry import LOSSES

from . import schema
from .implementations import Implementation, takes
from .outcomes import NAN, WRONG, Finding, Outcome
from .runner import IN_PROPORTION, arguments, cases, option_of

LIBRARY = {
    "numpy": "import numpy as np",
    "torch": "import torch",
    "jax": "import jax\nimport jax.numpy as jnp",
}
ARRAY = {"numpy": "np.asarray", "torch": "torch.tensor", "jax": "jnp.asarray"}
DTYPE = {"numpy": "np.", "torch": "torch.", "jax": "jnp."}


def add(outcome: Outcome, implementation: Implementation) -> None:
    """Give every finding of a wrong number, or of none, the program that shows it, and run it."""
    by_name = {case["name"]: case for case in cases(outcome.loss)}
    numbers = (f for f in outcome.findings if f.kind in (WRONG, NAN))
    wrong = [f for f in numbers if f.ulp is not None and f.case in by_name]
    if not wrong or implementation.framework.name not in LIBRARY:
        return
    library = implementation.framework.name
    outcome.prelude = prelude(implementation.functions[outcome.loss], library)
    for finding in wrong:
        # Some of what JAX compiles is right one operation after another.
        for compiled in (False, True) if library == "jax" else (False,):
            finding.snippet = program(outcome.loss, implementation, by_name[finding.case], finding, compiled)
            with implementation.framework.session(finding.dtype):
                finding.confirmed = shows(f"{outcome.prelude}\n\n\n{finding.snippet}", finding)
            if finding.confirmed:
                break


def shows(text: str, finding: Finding) -> bool:
    """Whether a program computes what was found or, where a compiler rounds otherwise, nothing better."""
    names: dict[str, Any] = {"__name__": "snippet"}
    try:
        with contextlib.redirect_stdout(None):
            exec(text, names)
    except Exception:  # of the peer
        return False
    seen = names["seen"]
    seen = np.asarray(seen.detach().double() if hasattr(seen, "detach") else seen, np.float64)
    got = seen if finding.at is None else seen[tuple(finding.at)]
    found, expected = np.asarray(finding.got, float), np.asarray(finding.expected, float)
    if np.allclose(got, found, rtol=IN_PROPORTION, atol=0, equal_nan=True):
        return True
    return not np.allclose(got, expected, rtol=IN_PROPORTION, atol=0, equal_nan=True)


def program(
    loss: str, implementation: Implementation, case: dict[str, Any], finding: Finding, compiled: bool = False
) -> str:
    """The lines that call the loss on the arrays of a case; compiled, if it is on JAX."""
    library = implementation.framework.name
    lines = []
    if library == "jax" and finding.dtype == "float64":
        lines.append('jax.config.update("jax_enable_x64", True)')
    packed = {k: a for k, a in schema.arrays_of(case).items() if a}
    names = {k: _name(k) for k in packed}
    lines += [f"{names[k]} = {_array(library, a, finding.dtype)}" for k, a in packed.items()]
    options = {k: _option(library, v, finding.dtype) for k, v in case["options"].items()}
    function = implementation.functions[loss]
    if "reduction" not in options and takes(function, "reduction"):
        options["reduction"] = repr("none")
    args = [_structure(x) for x in arguments(case, names)]
    call = f"{loss}({', '.join([*args, *(f'{k}={v}' for k, v in options.items())])})"
    first = ["if isinstance(value, tuple):", "    value = value[0]"] if LOSSES[loss].parts else []
    if compiled:
        given = ", ".join(names.values())
        call = f"jax.jit(lambda {given}: {call})({given})"
    if not finding.what.startswith("gradient in "):
        return "\n".join([*lines, f"value = {call}", *first, "seen = value", _printed(finding)])
    wrt = names[finding.what.removeprefix("gradient in ").partition(":")[0]]
    wide = "float64" if finding.dtype == "float64" else "float32"
    weights = case["value"] | {"kind": "float", "data": case["cotangent"]}
    cotangent = _array(library, weights, wide)
    if library == "torch":
        lines += [f"{wrt}.requires_grad_()", f"value = {call}", *first]
        gradient = f"seen, = torch.autograd.grad(value, {wrt}, {cotangent}.to(value.dtype)"
        if np.any(np.asarray(finding.got, float)):
            lines += [f"{gradient})"]
        else:  # it may be that the array does not reach the value
            lines += [f"seen = torch.zeros_like({wrt})", "if value.requires_grad:"]
            lines += [f"    {gradient}, materialize_grads=True)"]
    else:
        lines += [f"value, pull = jax.vjp(lambda {wrt}: {call}, {wrt})"]
        lines += [f"seen, = pull({cotangent}.astype(value.dtype))"]
    return "\n".join([*lines, _printed(finding)])


def _printed(finding: Finding) -> str:
    where = "" if finding.at is None else f"[{', '.join(map(str, finding.at))}]"
    return f"print(seen{where})  # expected {finding.expected}"


def _name(place: str) -> str:
    """A name for an array in a structure: of "pred[1]['a']", pred_1_a."""
    return "".join(c if c.isalnum() else "_" for c in place.replace("']", "").replace("['", "_")).rstrip("_")


def _array(library: str, packed: dict[str, Any], dtype: str) -> str:
    lists = repr(schema.unpack(schema.once(packed)).tolist())
    if packed.get("repeat", 1) > 1:
        lists += f" * {packed['repeat']}"
    kind = {"float": dtype, "int": "int64" if library != "jax" else "int32", "bool": "bool"}[packed["kind"]]
    shape = f".reshape({tuple(packed['shape'])})" if 0 in packed["shape"] else ""  # lists do not tell
    return f"{ARRAY[library]}({lists}, dtype={DTYPE[library]}{kind}){shape}"


def _option(library: str, value: Any, dtype: str) -> str:
    if isinstance(value, dict):
        return _array(library, value, "float64" if dtype == "float64" else "float32")
    return repr(option_of(value))


def _structure(x: Any) -> str:
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {_structure(v)}" for k, v in x.items()) + "}"
    return f"[{', '.join(map(_structure, x))}]" if isinstance(x, list) else str(x)


# --- what the function stands on -----------------------------------------------------------------


def prelude(function: Callable[..., Any], framework: str) -> str:
    """The imports, and whatever else of its module a function uses, and itself."""
    module = sys.modules[function.__module__]
    source = Path(inspect.getfile(module)).read_text(encoding="utf-8")
    nodes = {name: node for node in ast.parse(source).body for name in _defined(node)}
    wanted, chosen = [function.__name__], []
    while wanted:
        node = nodes.get(wanted.pop())
        if node is not None and node not in chosen:
            chosen.append(node)
            wanted += _used(node)
    ordered = sorted(chosen, key=lambda node: node.lineno)
    texts = dict.fromkeys([*LIBRARY[framework].split("\n"), *(_text_of(source, node) for node in ordered)])
    imports = [t for t in texts if t.startswith(("import", "from"))]
    imports.insert(0, "from math import inf, nan")
    return "\n\n\n".join(["\n".join(imports), *(t for t in texts if t not in imports)])


def _text_of(source: str, node: ast.stmt) -> str:
    return ast.get_source_segment(source, node) or ""


@functools.singledispatch
def _defined(node: ast.stmt) -> list[str]:
    return []


@_defined.register
def _(node: ast.FunctionDef) -> list[str]:
    return [node.name]


@_defined.register
def _(node: ast.Assign) -> list[str]:
    return [t.id for t in node.targets if isinstance(t, ast.Name)]


@_defined.register(ast.Import)
@_defined.register(ast.ImportFrom)
def _(node: Any) -> list[str]:
    return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]


def _used(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
