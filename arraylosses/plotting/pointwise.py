"""Losses of one prediction and one target: over the residual, the logit, the score or the probability.

What a loss is drawn over follows from its declaration. Here stands what does not: which values of which
parameter tell most, a range, a target, a unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._core import parameters as rules
from .._core.domains import BINARY, BIT, PROBABILITY, SIGN
from .._core.registry import Loss
from .recipes import Recipe, Walk

TARGET = "unit of the target"
SQUARED = "squared unit of the target"


@dataclass(frozen=True)
class Entry:
    """What a declaration does not say."""

    vary: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    span: tuple[float, float] | None = None
    unit: str = ""
    targets: dict[str, float] | None = None
    label: str = ""
    fixed: dict[str, Any] = field(default_factory=dict)


ENTRIES: dict[str, Entry] = {
    "absolute_error": Entry(unit=TARGET),
    "squared_error": Entry(unit=SQUARED),
    "smooth_l1_loss": Entry({"beta": (0.1, 0.5, 1.0)}, unit=TARGET),
    "huber_loss": Entry({"delta": (0.5, 1.0, 2.0)}, unit=SQUARED),
    "balanced_l1_loss": Entry({"alpha": (0.2, 0.5, 1.0)}, (-2.0, 2.0)),
    "charbonnier_loss": Entry({"eps": (0.001, 0.3, 1.0)}, (-2.0, 2.0), unit=TARGET),
    "quantile_loss": Entry({"quantile": (0.1, 0.5, 0.9)}, unit=TARGET),
    "expectile_loss": Entry({"expectile": (0.1, 0.5, 0.9)}, unit=SQUARED),
    "epsilon_insensitive_loss": Entry({"epsilon": (0.1, 0.5, 1.0)}, (-2.0, 2.0), unit=TARGET),
    "squared_epsilon_insensitive_loss": Entry({"epsilon": (0.1, 0.5, 1.0)}, (-2.0, 2.0), unit=SQUARED),
    "cauchy_loss": Entry({"scale": (0.5, 1.0, 2.0)}, (-6.0, 6.0)),
    "geman_mcclure_loss": Entry({"scale": (0.5, 1.0, 2.0)}, (-6.0, 6.0)),
    "welsch_loss": Entry({"scale": (0.5, 1.0, 2.0)}, (-6.0, 6.0)),
    "tukey_biweight_loss": Entry({"c": (2.0, 4.685, 7.0)}, (-8.0, 8.0)),
    "wing_loss": Entry({"curvature": (0.5, 2.0, 8.0)}, (-16.0, 16.0)),
    "general_robust_loss": Entry({"alpha": (2.0, 1.0, 0.0, -2.0)}, (-6.0, 6.0)),
    "absolute_percentage_error": Entry(
        span=(-1.0, 4.0), targets={"target 0.5": 0.5, "target 1": 1.0, "target 2": 2.0}, label="prediction"
    ),
    "symmetric_absolute_percentage_error": Entry(
        span=(-2.0, 6.0), targets={"target 0.5": 0.5, "target 1": 1.0, "target 2": 2.0}, label="prediction"
    ),
    "squared_log_error": Entry(
        span=(-1.0, 7.0), targets={"target 0": 0.0, "target 1": 1.0, "target 4": 4.0}, label="prediction"
    ),
    "poisson_nll": Entry(
        span=(-3.0, 3.0),
        targets={"target 0": 0.0, "target 1": 1.0, "target 5": 5.0},
        unit="nats",
        label="predicted logarithm of the rate",
    ),
    "poisson_deviance": Entry(
        span=(0.0, 8.0),
        targets={"target 0": 0.0, "target 1": 1.0, "target 4": 4.0},
        unit="nats, twice",
        label="predicted count",
    ),
    "gamma_deviance": Entry(
        span=(0.0, 8.0),
        targets={"target 0.5": 0.5, "target 1": 1.0, "target 4": 4.0},
        unit="nats, twice",
        label="predicted amount",
    ),
    "tweedie_deviance": Entry(
        {"power": (1.1, 1.5, 1.9)},
        (0.0, 6.0),
        targets={"target 2": 2.0},
        label="predicted amount, of a target of 2",
    ),
    "binary_cross_entropy": Entry(unit="nats"),
    "binary_cross_entropy_with_logits": Entry({"pos_weight": (0.5, 1.0, 3.0)}, unit="nats"),
    "sigmoid_focal_loss": Entry({"gamma": (0.0, 1.0, 2.0, 5.0)}, unit="nats, weighed"),
    "asymmetric_loss": Entry({"gamma_neg": (0.0, 2.0, 4.0)}, unit="nats, weighed"),
    "quality_focal_loss": Entry(
        {"beta": (0.0, 1.0, 2.0)},
        unit="nats, weighed",
        targets={"target 1": 1.0, "target 0.5": 0.5, "target 0": 0.0},
    ),
    "varifocal_loss": Entry(
        {"gamma": (0.0, 1.0, 2.0)},
        unit="nats, weighed",
        targets={"target 1": 1.0, "target 0.5": 0.5, "target 0": 0.0},
    ),
    "hinge_loss": Entry({"margin": (0.0, 1.0, 2.0)}),
    "squared_hinge_loss": Entry({"margin": (0.0, 1.0, 2.0)}),
    "logistic_loss": Entry(unit="nats"),
    "exponential_loss": Entry(span=(-3.0, 3.0)),
}
SPANS = {"logits": (-6.0, 6.0), "scores": (-4.0, 4.0), "probs": (0.0, 1.0)}
LABELS = {"logits": "logit", "scores": "score", "probs": "predicted probability"}


def recipe(spec: Loss) -> Recipe | None:
    """The picture of a loss of one prediction and one target, if this is one."""
    form = next((i for i, s in enumerate(spec.signatures) if s.pointwise and len(s.inputs) == 2), None)
    if form is None:
        return None
    entry = ENTRIES.get(spec.name, Entry())
    first, second = (spec.domains[name][form] for name in spec.arrays)
    vary = entry.vary if spec.name in ENTRIES else usual_values(spec)
    targets = entry.targets or targets_of(second) or {"": 0.0}
    kind = spec.arrays[0]
    lowest = 0.0 if first.name in ("positive", "nonnegative") else -3.0
    span = entry.span or SPANS.get(kind, (lowest, 3.0))
    over = entry.label or LABELS.get(kind, "prediction − target")

    def arguments(xp: Any, x: Any, target: float) -> tuple[Any, Any]:
        dense = xp.zeros_like(x) + target
        return x, dense if second.dense else xp.astype(dense, xp.int64)

    return Recipe((Walk(over, span, arguments, targets),), vary, fixed=entry.fixed, unit=entry.unit)


def targets_of(domain: Any) -> dict[str, float] | None:
    """What a target can be, if that is a label."""
    if domain.name == SIGN.name:
        return {"label 1": 1.0, "label −1": -1.0}
    if domain.name == PROBABILITY.name:
        return {"target 1": 1.0, "target 0": 0.0}
    if domain.name in (BINARY.name, BIT.name) or not domain.dense:
        return {"label 1": 1.0, "label 0": 0.0}
    return None


def usual_values(spec: Loss) -> dict[str, tuple[Any, ...]]:
    """Three values of the first parameter that is a number: its default, and what is around it."""
    for name, rule in spec.rules.items():
        default = spec.parameters[name].default
        if isinstance(rule, rules.Rule) and rule.numeric and type(default) is float and default > 0:
            values = (default / 2, default, default * 2)
            return {name: tuple(v for v in values if rule.accepts(v))}
    return {}
