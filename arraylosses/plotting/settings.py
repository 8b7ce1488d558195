"""Which loss is drawn, and with which values of its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import Words, refuse
from .._core.parameters import Rule
from .._core.registry import Loss
from .recipes import Recipe

NAMES = "alpha beta gamma delta epsilon eps theta lam mu nu sigma tau".split()
SYMBOLS = dict(zip(NAMES, "αβγδεεθλμνστ", strict=True))
# What changes nothing, or what the arrays of a picture are made for.
FIXED = {"chunk_size", "fmt"}


@dataclass(frozen=True)
class Settings:
    """One parameter with several values, or none (`name` is then empty), and others with one."""

    name: str
    values: tuple[Any, ...]
    fixed: Mapping[str, Any]

    def options(self) -> list[tuple[str, dict[str, Any]]]:
        """For every value how a legend calls it, and the options of the loss."""
        if not self.name:
            return [("", dict(self.fixed))]
        return [(label(self.name, v), {**self.fixed, self.name: v}) for v in self.values]


def number(value: Any) -> str:
    """A number as a reader writes it."""
    return f"{value:.4g}".replace("-", "−") if isinstance(value, float) else str(value).replace("-", "−")


def label(name: str, value: Any) -> str:
    return f"{SYMBOLS.get(name, name)} = {number(value) if type(value) in (int, float) else value}"


def read(given: Iterable[str]) -> dict[str, list[Any]]:
    """What texts such as `beta=0.1,1` say: names, and Python values."""
    found: dict[str, list[Any]] = {}
    for text in given:
        name, equals, rest = (part.strip() for part in text.partition("="))
        values = [part.strip() for part in rest.split(",")]
        if not name or not equals or not all(values):
            raise refuse("plot", "param", "read name=value or name=value,value", text)
        if name in found:
            raise refuse("plot", "param", "name each parameter once", Words(f"{name!r} again"))
        found[name] = [read_value(value) for value in values]
    return found


def read_value(text: str) -> Any:
    """A number, a truth value or None, as Python writes them; otherwise a word, which the loss may refuse."""
    words = {"True": True, "true": True, "False": False, "false": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def settings(spec: Loss, recipe: Recipe, param: Mapping[str, Any] | None) -> Settings:
    """The values of a recipe, or those that are asked for in their place."""
    asked = {name: values_of(v) for name, v in (param or {}).items()}
    free = [k for k, r in spec.rules.items() if isinstance(r, Rule) and k not in FIXED | {*recipe.fixed}]
    for name, values in asked.items():
        if name not in free:
            one_of = f"one of {', '.join(free)}" if free else "and this loss has none"
            raise refuse(spec.name, "param", f"name a parameter, {one_of}", Words(repr(name)))
        if not values:
            raise refuse(spec.name, f"param[{name!r}]", "have at least one value", ())
    several = [name for name, values in asked.items() if len(values) > 1]
    if len(several) > 1:
        rule = "give several values to one parameter at most"
        raise refuse(spec.name, "param", rule, Words(f"several for {' and '.join(several)}"))
    usual = next(iter(recipe.vary), "")
    name = several[0] if several else usual
    values = asked.pop(name, ()) or tuple(recipe.vary.get(name, ()))
    given = {k: v for k, v in recipe.given.items() if k != name}
    fixed = {**given, **recipe.fixed, **{k: v[0] for k, v in asked.items()}}
    return Settings(name, values, fixed)


def values_of(given: Any) -> tuple[Any, ...]:
    """Several values, or one, as Python numbers."""
    if isinstance(given, str) or not (isinstance(given, Sequence) or hasattr(given, "__iter__")):
        given = (given,)
    return tuple(v.item() if hasattr(v, "item") else v for v in given)
