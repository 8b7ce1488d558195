"""What can be held against the evidence: our losses on a framework, a peer's, a stranger's, one function."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from arraylosses._core.registry import LOSSES

from .frameworks import FRAMEWORKS, Framework

Function = Callable[..., Any]
ENTRY_POINTS = "arraylosses.adapters"


class Unusable(ValueError):
    """What was named cannot be held against anything, with one line that says why."""


@dataclass(frozen=True)
class Implementation:
    """Functions by the name of the loss that they claim to be, and where they run.

    `keeps_dtype`: a result in a wider dtype than the inputs ask for is wrong. `is_ours`: half precision
    gives float32.
    """

    name: str
    framework: Framework
    functions: Mapping[str, Function]
    version: str = ""
    differentiable: bool = True
    keeps_dtype: bool = True
    is_ours: bool = False
    constants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: tuple[str, ...] = ()

    @property
    def dtypes(self) -> tuple[str, ...]:
        """In which it is run."""
        return self.only or self.framework.dtypes

    def constants_of(self, loss: str) -> tuple[str, ...]:
        """The arrays of a loss that it does not mean to differentiate."""
        return self.constants.get(loss, ())


@dataclass(frozen=True)
class Source:
    """Where an implementation comes from, in words that another process understands."""

    kind: str  # "ours", "peer", "adapter" or "function"
    name: str  # of the framework, the peer, the module, or "loss=module:function"
    framework: str = ""
    device: str = ""

    @property
    def implementation(self) -> Implementation:
        load = {"ours": _ours, "peer": _peer, "adapter": _adapter, "function": _function}[self.kind]
        return load(self)

    @property
    def title(self) -> str:
        """The name of the implementation."""
        return self.name.partition("=")[2] if self.kind == "function" else self.name

    def words(self, loss: str) -> str:
        """What asks the command line for a loss of it."""
        option = {"ours": "--framework", "peer": "--peer", "adapter": "--adapter"}.get(self.kind)
        asked = self.name if option is None else f"{loss} {option} {self.name}"
        return f"{asked} --framework {self.framework}" if self.framework else asked


def _framework(source: Source, default: str) -> Framework:
    framework = FRAMEWORKS[source.framework or default]
    return framework.on(source.device) if source.device else framework


def _ours(source: Source) -> Implementation:
    arraylosses = importlib.import_module("arraylosses")
    framework = _framework(source, source.name)
    functions = {name: getattr(arraylosses, name) for name in LOSSES}
    return Implementation(source.name, framework, functions, framework.version(), is_ours=True)


def ours(framework: str) -> Implementation:
    """Our losses on a framework."""
    return Source("ours", framework).implementation


def losses_of(source: Source) -> list[str]:
    """The losses that an implementation has. A peer is read, not imported: that is for its own process."""
    if source.kind != "peer":
        return list(source.implementation.functions)
    spec = importlib.util.find_spec(f".peers.{peer_of(source.name).module}", __package__)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in LOSSES]


def check_peer(name: str) -> None:
    """Refuse a peer that there is not, or that is not installed."""
    from .peers import installed

    peer = peer_of(name)
    if not installed(peer):
        raise Unusable(f"{peer.name} is not installed: pip install {peer.package}")


def peer_of(name: str) -> Any:
    """What the list of peers knows about one."""
    from .peers import PEERS

    if name not in PEERS:
        raise Unusable(f"there is no peer {name}; there are {', '.join(PEERS)}")
    return PEERS[name]


def _peer(source: Source) -> Implementation:
    from .peers import version

    check_peer(source.name)
    peer = peer_of(source.name)
    os.environ.update(peer.environment)
    module = importlib.import_module(f".peers.{peer.module}", __package__)
    return Implementation(
        peer.name,
        _framework(source, peer.framework),
        functions_of(module),
        version(peer),
        differentiable=getattr(module, "DIFFERENTIABLE", True),
        keeps_dtype=False,
        constants=getattr(module, "CONSTANTS", {}),
        only=peer.dtypes,
    )


def _adapter(source: Source) -> Implementation:
    module = _imported(source.name)
    functions = functions_of(module)
    if not functions:
        raise Unusable(f"{source.name} defines no function that is named as a loss is")
    return _of_module(source, module, functions)


def _function(source: Source) -> Implementation:
    loss, _, place = source.name.partition("=")
    module_name, _, function_name = place.partition(":")
    if loss not in LOSSES:
        raise Unusable(f"there is no loss {loss}; see arraylosses list")
    if not module_name or not function_name:
        raise Unusable(f"{source.name} must be loss=module:function")
    module = _imported(module_name)
    function = functools.reduce(lambda x, k: getattr(x, k, None), function_name.split("."), module)
    if not callable(function):
        raise Unusable(f"{module_name} has no function {function_name}")
    return _of_module(source, module, {loss: function})


def _of_module(source: Source, module: ModuleType, functions: dict[str, Function]) -> Implementation:
    name = source.framework or getattr(module, "FRAMEWORK", "numpy")
    if name not in FRAMEWORKS:
        raise Unusable(f"{module.__name__}: FRAMEWORK must be one of {', '.join(FRAMEWORKS)}, got {name!r}")
    framework = _framework(source, name)
    if not framework.installed():
        raise Unusable(f"{module.__name__} runs on {name}, which is not installed")
    version = getattr(module, "__version__", "")
    # What the framework differentiates by itself. On the others only code of the array API standard can be.
    differentiable = getattr(module, "DIFFERENTIABLE", framework.differentiates)
    constants = getattr(module, "CONSTANTS", {})
    return Implementation(source.title, framework, functions, version, differentiable, constants=constants)


def of_functions(functions: Mapping[str, Function], framework: str = "") -> Implementation:
    """Functions by the name of the loss that they claim to be."""
    for name in functions:
        if name not in LOSSES:
            raise Unusable(f"there is no loss {name}; see arraylosses list")
    if framework not in ("", *FRAMEWORKS):
        raise Unusable(f"there is no framework {framework}; there are {', '.join(FRAMEWORKS)}")
    found = FRAMEWORKS[framework or "numpy"]
    names = sorted({getattr(f, "__module__", "") for f in functions.values()})
    return Implementation(", ".join(names), found, functions, differentiable=found.differentiates)


def functions_of(module: ModuleType) -> dict[str, Function]:
    """The functions of a module that are named as losses are."""
    return {name: f for name in LOSSES if callable(f := getattr(module, name, None))}


def _imported(name: str) -> ModuleType:
    """A module, of this name or of the entry point of this name that an installed package has."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does: what lies in the folder that one stands in
    named = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    try:
        return importlib.import_module(next((entry.module for entry in named), name))
    except Exception as error:  # whatever a stranger's module raises
        raise Unusable(f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def lacks(function: Function, arrays: int, options: Iterable[str]) -> str:
    """What keeps a function from taking a call, in words; nothing if it takes it, or does not tell."""
    parameters = _parameters(function)
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(placed) < arrays and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return f"takes {len(placed)} arrays, not {arrays}" if parameters else ""
    if missing := [k for k in options if not takes(function, k)]:
        return f"has no {', '.join(missing)}"
    rest = [*placed[arrays:], *(p for p in parameters if p.kind is p.KEYWORD_ONLY)]
    if needed := [p.name for p in rest if p.default is p.empty and p.name not in options]:
        return f"needs {', '.join(needed)}"
    return ""


def takes(function: Function, option: str) -> bool:
    """Whether a function has an option, or does not tell."""
    parameters = _parameters(function)
    return not parameters or any(
        p.kind is p.VAR_KEYWORD or (p.name == option and p.kind is not p.POSITIONAL_ONLY) for p in parameters
    )


def _parameters(function: Function) -> tuple[inspect.Parameter, ...]:
    """None of them, if a function does not tell."""
    try:
        return tuple(inspect.signature(function).parameters.values())
    except ValueError:
        return ()
