"""The curves: every pointwise loss of one number, its slope and its curvature, for many parameters."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses._core.registry import Loss
from arraylosses.cli import kit

from .axes import TENTHS, Axis, axes_of, axis, by_chapter, magnitudes

settings = kit.module("accuracy.settings")


@dataclass(frozen=True)
class Group:
    """Losses of one kind of input, which can be drawn over each other."""

    title: str
    of: str  # what the horizontal axis is
    inputs: np.ndarray
    start: tuple[str, ...]


def _even(low: float, high: float, n: int, *fine: float) -> np.ndarray:
    """Evenly spaced inputs, and some closer together around what may be a kink."""
    near = [x + s * 10.0**-k for x in fine for s in (-1, 1) for k in (2, 3)]
    return np.unique([x for x in (*np.linspace(low, high, n), *near) if low <= x <= high])


GROUPS = {
    "residual": Group(
        "Residuals",
        "residual: prediction − target",
        _even(-5, 5, 161, 0),
        ("absolute_error", "squared_error", "smooth_l1_loss", "huber_loss"),
    ),
    "logit": Group(
        "Logits of two classes",
        "logit",
        _even(-6, 6, 145, 0),
        ("binary_cross_entropy_with_logits", "sigmoid_focal_loss"),
    ),
    "score": Group(
        "Scores of labels −1 and 1",
        "score",
        _even(-4, 4, 161, -1, 0, 1),
        ("hinge_loss", "logistic_loss", "modified_huber_loss"),
    ),
    "probability": Group(
        "Probabilities of two classes",
        "probability",
        np.unique([*np.linspace(0, 1, 141), 1e-3, 1 - 1e-3]),
        ("binary_cross_entropy", "brier_loss"),
    ),
    "critic": Group(
        "Scores of a discriminator",
        "score: what the discriminator gives",
        _even(-4, 4, 129, -1, 0, 1),
        ("gan_generator_loss", "gan_discriminator_loss: real", "gan_discriminator_loss: fake"),
    ),
    "prediction": Group(
        "Predictions, by the target",
        "prediction",
        np.unique([*np.geomspace(0.02, 0.4, 24), *np.linspace(0.4, 8, 96)]),
        ("poisson_deviance", "gamma_deviance", "tweedie_deviance"),
    ),
}
TARGETS = axis("target", [0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0], 2.0)
VARIANCES = axis("var", magnitudes(TENTHS), 1.0)
OF_INPUT = {"probability": "probability"}
OF_LABELS = {"sign": "score"}


@dataclass(frozen=True)
class Curve:
    """A loss as a function of one of its arrays."""

    spec: Loss
    group: str
    arrays: tuple[float | str, ...]  # "x" is what is swept, another word an axis
    axes: tuple[Axis, ...]
    part: str = ""  # of items that are a tuple, which one

    @property
    def name(self) -> str:
        return f"{self.spec.name}: {self.part}" if self.part else self.spec.name

    def table(self) -> np.ndarray:
        """Value, slope and curvature at every input, for every choice of the axes."""
        shape = tuple(len(a.values) for a in self.axes)
        inputs = GROUPS[self.group].inputs
        choices = itertools.product(*(a.values for a in self.axes))
        with np.errstate(all="ignore"):
            rows = [self._derivatives(choice, inputs) for choice in choices]
        return np.reshape(rows, (*shape, 3, len(inputs)))

    def _derivatives(self, values: tuple[Any, ...], inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        choice = {a.name: value for a, value in zip(self.axes, values, strict=True)}
        fixed = {a: choice.pop(a, a) for a in self.arrays if a != "x"}

        def items(x: Any) -> Any:
            arrays = (x if a == "x" else np.full(inputs.shape, fixed[a]) for a in self.arrays)
            found = self.spec.function(*arrays, reduction="none", **choice)
            return found[self.arrays.index("x")] if self.part else found

        return al.derivatives(items, inputs)


def curves() -> Iterator[Curve]:
    """What the registry knows as a pointwise loss of one number, the others being labels or fixed."""
    for spec in (s for _, s in by_chapter() if s.signatures[0].pointwise):
        domains = [spec.domains[k][0].name for k in spec.arrays]
        fixed = next(settings.settings_of(spec), None)
        own = axes_of(spec)
        if fixed is None:
            yield from _with_targets(spec, domains, own)
        elif fixed.apart or spec.family == "adversarial":
            parts = spec.arrays if fixed.apart else ("x",)
            for part in parts:
                arrays = tuple("x" if k in (part, "x") else 0.0 for k in parts)
                named = part.removesuffix("_scores") if fixed.apart else ""
                yield Curve(spec, "critic", arrays, tuple(own), named)
        else:
            labels = settings.LABELS.get(domains[-1], ())
            target = Axis("target", tuple(sorted(labels)), 1) if labels else None
            at = dict(fixed.others)
            arrays = tuple(
                "x" if k == fixed.swept else "target" if target and k == spec.arrays[-1] else at[k]
                for k in spec.arrays
            )
            swept = domains[spec.arrays.index(fixed.swept)]
            group = OF_INPUT.get(swept) or OF_LABELS.get(domains[-1], "logit") if labels else "residual"
            yield Curve(spec, group, arrays, (*([target] if target else []), *own))


def _with_targets(spec: Loss, domains: list[str], own: list[Axis]) -> Iterator[Curve]:
    """A pointwise loss of several numbers that are not one in truth: the others are axes too."""
    if len(domains) == 2:
        yield Curve(spec, "prediction", ("x", "target"), (TARGETS, *own))
    elif spec.arrays == ("pred", "target", "var"):
        yield Curve(spec, "residual", ("x", 0.0, "var"), (VARIANCES, *own))


def tables() -> tuple[dict[str, Any], np.ndarray]:
    """What there is, and all numbers in one row, in which every curve knows its place."""
    described, rows, place = [], [], 0
    for curve in sorted(curves(), key=lambda c: [*GROUPS].index(c.group)):
        table = curve.table()
        axes = []
        for k, each in reversed([*enumerate(curve.axes)]):
            if np.array_equal(table, np.broadcast_to(table.take([0], k), table.shape), equal_nan=True):
                table = table.take(0, k)  # a parameter that changes nothing
            else:
                axes.insert(0, each.described())
        described.append(
            {
                "name": curve.name,
                "loss": curve.spec.name,
                "part": curve.arrays.index("x") if curve.part else None,
                "group": curve.group,
                "chapter": _title(curve.spec),
                "says": (inspect.getdoc(curve.spec.function) or "").partition("\n")[0],
                "arrays": [f"{a:g}" if isinstance(a, (int, float)) else a for a in curve.arrays],
                "axes": axes,
                "place": place,
            }
        )
        rows.append(table.ravel())
        place += table.size
    groups = {
        k: {"title": g.title, "of": g.of, "inputs": [float(f"{x:.6g}") for x in g.inputs], "start": g.start}
        for k, g in GROUPS.items()
    }
    return {"groups": groups, "losses": described}, np.concatenate(rows)


def _title(spec: Loss) -> str:
    """What a chapter is about, as its first line says."""
    doc = sys.modules[spec.function.__module__].__doc__ or spec.family
    return doc.partition("\n")[0].partition(":")[0].rstrip(".")
