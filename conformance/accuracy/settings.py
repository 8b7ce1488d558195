"""The losses of one number, and the calls in which it goes through everything that float32 has.

What the registry says of the arrays decides: a loss is of one number if it is pointwise and every other
array is a label; or its items depend on the difference of two arrays alone; or each array has its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses._core.registry import LOSSES, Loss

from ..case import Case

LABELS = {
    "sign": (1.0, -1.0),
    "probability": (0.0, 1.0),
    "binary label": (0.0, 1.0),
    "class label": (0, 1),
}
# In the place of a default that is another number in every dtype.
DEFAULTS: dict[str, dict[str, Any]] = {
    "absolute_percentage_error": {"eps": 2.0**-23},
    "log_loss": {"eps": 2.0**-23},
}
# Beside the defaults.
MORE: dict[str, list[dict[str, Any]]] = {
    "charbonnier_loss": [{"shift": True}],
    "quantile_loss": [{"quantile": 0.9}],
    "expectile_loss": [{"expectile": 0.9}],
    "gan_generator_loss": [{"kind": kind} for kind in ("minimax", "lsgan", "hinge", "wgan")],
    "gan_discriminator_loss": [{"kind": kind} for kind in ("lsgan", "hinge", "wgan")],
}
# Where the term of a real score, and that of a generated one, is 0.
NOTHING = {
    "non_saturating": (math.inf, -math.inf),
    "lsgan": (1.0, 0.0),
    "hinge": (1.0, -1.0),
    "wgan": (0.0, 0.0),
}


Others = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Setting:
    """A loss as a function of one of its arrays, the others and the options being fixed."""

    loss: str
    swept: str
    others: Others
    options: tuple[tuple[str, Any], ...]
    apart: bool = False  # whether the items are a tuple of what each array costs

    @property
    def key(self) -> str:
        """The arguments, as one would write them, with x for what is swept."""
        others = dict(self.others)
        arrays = ("x" if k == self.swept else f"{others[k]:g}" for k in LOSSES[self.loss].arrays)
        return ", ".join([*arrays, *(f"{k}={v!r}" for k, v in self.options)])

    @functools.cached_property
    def numbers(self) -> dict[str, Any]:
        """The options, as float32 has them: what is lost of 0.1 is no error of the loss."""
        defaults = {k: p.default for k, p in LOSSES[self.loss].parameters.items()}
        floats = {k: v for k, v in (defaults | dict(self.options)).items() if isinstance(v, float)}
        return dict(self.options) | {k: float(np.float32(v)) for k, v in floats.items()}

    def items(self, xp: Any, x: Any) -> Any:
        """The items of the loss at every element of `x`."""
        spec, others = LOSSES[self.loss], dict(self.others)
        arrays = [x if k == self.swept else self._other(xp, x, others[k]) for k in spec.arrays]
        items = spec.function(*arrays, reduction="none", **self.numbers)
        return items[spec.arrays.index(self.swept)] if self.apart else items

    def _other(self, xp: Any, x: Any, value: float) -> Any:
        if isinstance(value, int):
            return xp.full(x.shape, value)
        return xp.full(x.shape if self.apart else (), value, dtype=x.dtype)

    def value_and_gradient(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Item by item, as NumPy computes them in the dtype of `x`; backward, as in training."""
        value, pull = al.vjp(functools.partial(self.items, np), x)
        return value, pull(np.ones_like(x))[0]

    def case(self, points: list[float]) -> Case:
        """Some points, as the textbook formula takes them."""
        others = dict(self.others)
        arrays = (points if k == self.swept else [others[k]] * len(points) for k in LOSSES[self.loss].arrays)
        return Case("points", tuple(arrays), self.numbers, strict=True)


def all_settings() -> dict[str, list[Setting]]:
    """The settings of every loss of one number."""
    found = {name: list(settings_of(spec)) for name, spec in LOSSES.items()}
    return {name: settings for name, settings in found.items() if settings}


def settings_of(spec: Loss) -> Iterator[Setting]:
    """The settings of a loss; none if it is not one of one number."""
    for options in [DEFAULTS.get(spec.name, {}), *MORE.get(spec.name, [])]:
        for swept, others, apart in arguments(spec, options):
            yield Setting(spec.name, swept, others, tuple(options.items()), apart)


def arguments(spec: Loss, options: dict[str, Any]) -> Iterator[tuple[str, Others, bool]]:
    """Which array may be swept, what the others are then, and whether each has items of its own."""
    domains = [spec.domains[k][0].name for k in spec.arrays]
    labels = LABELS.get(domains[-1], ())
    labelled: list[Others] = [((spec.arrays[-1], label),) for label in labels] or [()]
    numbers = domains[:-1] if labels else domains
    if not spec.signatures[0].pointwise:
        return
    if numbers in (["real"], ["probability"]):
        yield from ((spec.arrays[0], label, False) for label in labelled)
    elif numbers == ["real", "real"] and is_of_the_difference(spec):
        origin = (spec.arrays[1], 0.0)
        yield from ((spec.arrays[0], (origin, *label), False) for label in labelled)
    elif numbers == ["real", "real"] and is_apart(spec):
        kind = spec.parameters["kind"].default if "kind" in spec.rules else "lsgan"
        real, fake = spec.arrays
        at_rest = NOTHING[options.get("kind", kind)]
        yield real, ((fake, at_rest[1]),), True
        yield fake, ((real, at_rest[0]),), True


# Numbers of which every sum and difference is exact.
A, B = np.asarray([3.5, -1.25, 0.5, -8.0]), np.asarray([1.0, 2.0, -0.25, 4.5])


def is_of_the_difference(spec: Loss) -> bool:
    """Whether nothing changes if both arrays are moved alike."""
    label = [np.ones(4)] * (len(spec.arrays) - 2)
    here, there = (np.stack(spec.function(A + c, B + c, *label, reduction="none")) for c in (0.0, 16.0))
    return bool(np.all(here == there))


def is_apart(spec: Loss) -> bool:
    """Whether every array has items of its own."""
    return isinstance(spec.function(A, B, reduction="none"), tuple)
