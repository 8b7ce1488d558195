"""Which values of a parameter are computed: what a slider can stop at, or what one can choose from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import arraylosses as al
from arraylosses._core.parameters import Rule
from arraylosses._core.registry import LOSSES, Loss

# Steps of a decade that are nearly equal and have few digits, the finest first.
TENTHS = (1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8)
FIFTHS = (1, 1.6, 2.5, 4, 6.3)
THIRDS = (1, 2, 5)

NUMBERS = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
POWERS = [k / 2 for k in range(11)]
FRACTIONS = [k / 20 for k in range(21)]
# Where a rule of the parameter says too little about what is worth a look.
VALUES: dict[str, list[Any]] = {
    "sigmoid_focal_loss.gamma": POWERS,
    "varifocal_loss.gamma": POWERS,
    "quality_focal_loss.beta": [k / 4 for k in range(21)],
    "asymmetric_loss.gamma_neg": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    "asymmetric_loss.gamma_pos": [0.0, 1.0, 2.0, 3.0, 4.0],
    "asymmetric_loss.clip": [0.0, 0.05, 0.1, 0.2, 0.3],
    "balanced_l1_loss.gamma": [0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0],  # not above 80 times alpha
    "general_robust_loss.alpha": [-8.0, -4.0, *NUMBERS, 1.25, 1.75, 2.5, 3.0, 4.0],
    "binary_cross_entropy.log_clamp": [None, -100.0, -10.0, -5.0, -3.0, -2.0, -1.0],
    "log_loss.eps": [None, 1e-4, 1e-3, 1e-2, 0.1, 0.2],
    "gaussian_nll.eps": [1e-6, 0.01, 0.1, 1.0],
    "poisson_nll.eps": [1e-8, 1e-3, 0.1],
    "tweedie_deviance.power": [0.0, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0],
    "absolute_percentage_error.eps": [2.0**-23, 0.1, 0.5, 1.0],
}


def by_chapter() -> list[tuple[str, Loss]]:
    """All losses, in the order of the chapters."""
    return sorted(LOSSES.items(), key=lambda item: al.__all__.index(item[0]))


@dataclass(frozen=True)
class Axis:
    """A parameter, or what stands in its place: the values that it takes, and which is the first."""

    name: str
    values: tuple[Any, ...]
    start: int

    @property
    def slides(self) -> bool:
        """Whether the values are numbers in their order, from one of which one can slide to the next."""
        return len(self.values) > 2 and all(isinstance(v, float) or v is None for v in self.values)

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "values": list(self.values),
            "labels": [label(v) for v in self.values],
            "start": self.start,
            "slides": self.slides,
        }


def axes_of(spec: Loss) -> list[Axis]:
    """The parameters of a loss that are one number, one word, or one of two."""
    rules = {k: r for k, r in spec.rules.items() if isinstance(r, Rule)}
    sliding = sum(r.numeric for r in rules.values())
    steps = {0: TENTHS, 1: TENTHS, 2: FIFTHS}.get(sliding, THIRDS)
    found = (
        axis(k, VALUES.get(f"{spec.name}.{k}") or values_of(r, steps), spec.parameters[k].default)
        for k, r in rules.items()
    )
    return [each for each in found if each]


def axis(name: str, values: list[Any], start: Any) -> Axis | None:
    """The values in their order, the first one among them; nothing if there is no choice."""
    if isinstance(start, int) and not isinstance(start, bool):
        start = float(start)
    if start not in values:
        values = [*values, start]
    if all(isinstance(v, float) or v is None for v in values):
        values = sorted(values, key=lambda v: -1e300 if v is None else v)
    return Axis(name, tuple(values), values.index(start)) if len(values) > 1 else None


def values_of(rule: Rule, steps: tuple[float, ...]) -> list[Any]:
    """What a rule lets through, as far as it is worth a look."""
    if rule.rule == "be True or False":
        return [False, True]
    if words := re.findall(r"'(\w+)'", rule.rule):
        return words
    if not rule.numeric:
        return []
    words = rule.rule.removesuffix(" or None")
    numbers = {
        "be positive": [],
        "be nonnegative": [0.0],
        "be between 0 and 1": FRACTIONS,
        "be a number": NUMBERS,
    }[words]
    if words in ("be positive", "be nonnegative"):
        numbers = [*numbers, *magnitudes(steps)]
    return [None, *numbers] if rule.optional else numbers


def magnitudes(steps: tuple[float, ...]) -> list[float]:
    """Equal ratios up to 10."""
    decades = (0.1, 1.0) if steps is THIRDS else (0.01, 0.1, 1.0)
    return [*(float(f"{step * decade:.3g}") for decade in decades for step in steps), 10.0]


def label(value: Any) -> str:
    """A value as it is written in a call."""
    if value is None or isinstance(value, (bool, str)):
        return repr(value)
    return f"{value:.4g}".replace("e-0", "e-")
