"""What a case is about, in words that a reader can choose by.

Tags are read off the case as it is written down, so that they are the same for every loss; those given by
hand, which say what numbers cannot, are kept. Last come the traps that it shows, as "trap 1.7".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import schema
from .frameworks import is_exact
from .traps import traps_of

FRAME = {"sample_weight", "where", "reduction", "normalizer"}
# What a size is, so that a square or an exponential of it is beyond some dtype, or rounds to nothing.
LARGE, SMALL = 2.0**13, 2.0**-13
EDGES = {"kink", "degenerate", "domain", "clamp", "label", "inf", "nan", "extreme", "empty"}


class Facts:
    """A case as it is written down, and its numbers."""

    def __init__(self, loss: Any, written: dict[str, Any]) -> None:
        self.loss, self.name, self.options = loss, written["name"], written["options"]
        self.by_hand = set(written["tags"])
        self.packed = [a for a in schema.arrays_of(written).values() if a is not None]
        self.floats = [schema.unpack(schema.once(a)) for a in self.packed if a["kind"] == "float"]
        self.labels = [schema.unpack(schema.once(a)) for a in self.packed if a["kind"] == "int"]

    def has(self, which: Callable[[np.ndarray], np.ndarray]) -> bool:
        return any(bool(which(a).any()) for a in self.floats)

    def gives(self, *options: str) -> bool:
        return any(self.options.get(k) is not None for k in options)

    def ignores(self) -> bool:
        """Whether a label is the one to ignore."""
        if "ignore_index" not in self.loss.parameters:
            return False
        ignored = self.options.get("ignore_index", self.loss.parameters["ignore_index"].default)
        return ignored is not None and any(bool((a == ignored).any()) for a in self.labels)


def _is_extreme(a: np.ndarray) -> np.ndarray:
    size = np.abs(a[np.isfinite(a)])
    return (size >= LARGE) | ((size > 0) & (size <= SMALL))


# Every tag that is read off a case, what it means, and how it is told.
TAGS: dict[str, tuple[str, Callable[[Facts], bool]]] = {
    "ordinary": (
        "the first case of a loss: inputs drawn at random, nothing special about them",
        lambda f: f.name == "ordinary",
    ),
    "derived": (
        "made from the ordinary case in the same way for every loss",
        lambda f: "derived" in f.by_hand,
    ),
    "reduction": (
        "the items are reduced: to a sum or a mean",
        lambda f: f.options.get("reduction", "none") != "none",
    ),
    "mask": (
        "something is masked, by `where`, or ignored, by its label",
        lambda f: f.gives("where") or f.ignores(),
    ),
    "weight": (
        "items or classes are weighed: `sample_weight` or `class_weight` is given",
        lambda f: f.gives("sample_weight", "class_weight"),
    ),
    "empty": ("an array has no elements", lambda f: any(0 in a["shape"] for a in f.packed)),
    "long": (
        "arrays repeat what is written down: sums, and counts, are long",
        lambda f: any("repeat" in a for a in f.packed),
    ),
    "option": (
        "an argument of the loss's own, neither a weight, a mask nor a reduction, is given",
        lambda f: bool(f.options.keys() - FRAME),
    ),
    "worked": (
        "small enough to be worked out by hand, or printed somewhere",
        lambda f: f.name.startswith("worked"),
    ),
    "kink": (
        "an input is where the derivative jumps; the gradient is the one that the conventions choose",
        lambda f: "kink" in f.by_hand or "kink" in f.name,
    ),
    "nan": ("an input is NaN, be it masked or not", lambda f: f.has(np.isnan)),
    "inf": ("an input is infinite", lambda f: f.has(np.isinf)),
    "extreme": (
        "an input is finite, and at least 2^13 or at most 2^-13 (but not 0) in size",
        lambda f: bool({"extreme", "large", "small"} & f.by_hand) or f.has(_is_extreme),
    ),
    "edge": (
        "no random input would show it: a kink, an end of a domain, a degenerate, infinite or extreme input, "
        "NaN, an illegal label, nothing at all",
        lambda f: False,  # told by the other tags
    ),
    "low-precision": (
        "every float of the arrays is exact in float16, so that the case can be held in every dtype",
        lambda f: bool(f.floats) and all(is_exact(a, "float16") for a in f.floats),
    ),
}
# What only the author of a case can say.
BY_HAND = {
    "degenerate": "shape or numbers are the least there can be: an area of 0, a single class, a flat box",
    "domain": "an input is outside of the domain, or just at its end",
    "clamp": "a number is beyond where the loss clamps it",
    "label": "a label is none of the classes",
    "large": "large residuals or scores are what the case is about",
    "small": "small residuals or scores are what the case is about",
}


def tags_of(loss: Any, written: dict[str, Any]) -> list[str]:
    """All tags of a case that stands with those given by hand."""
    facts = Facts(loss, written)
    found = facts.by_hand | {tag for tag, (_, holds) in TAGS.items() if holds(facts)}
    if found & EDGES:
        found.add("edge")
    order = [*TAGS, *BY_HAND]
    if unknown := found - {*order}:
        raise ValueError(f"{facts.name}: no tag is called {', '.join(sorted(unknown))}")
    return sorted(found, key=order.index) + [f"trap {trap}" for trap in traps_of(loss.name, facts.name)]
