"""A million inputs for every pointwise loss of several numbers: `python -m conformance sampled [LOSS …]`.

The magnitudes are log-uniform, those of one half over 120 binades and those of the other over ten, where
the inputs are of about one size. An error is measured in units in the last place of what rounding the inputs
would do at worst, |y| + Σ |xᵢ ∂y/∂xᵢ|, of the value and of every derivative y: where a result cancels, more
is not to be had. The exact results are those of float64, which are held against the textbook formula where
the errors were largest. `sampled.json` has what was found.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses._core.registry import LOSSES

from .. import schema
from ..case import Case, load
from ..oracle import certify
from . import measured_with, merge, number
from .settings import DEFAULTS, LABELS, all_settings
from .ulp import EPSILON, INFINITE, NAN, SMALLEST_NORMAL

SAMPLES, BLOCK = 2**20, 2**15
CONFIRMED, SHOWN = 200, 3
MORE: dict[str, list[dict[str, Any]]] = {
    "gaussian_nll": [{"full": True}],
    "poisson_nll": [{"log_input": False}, {"full": True}, {"full": "exact"}],
    "tweedie_deviance": [{"power": power} for power in (0.0, 1.0, 2.0, 3.0)],
}


@dataclass(frozen=True)
class Sampled:
    """A loss as a function of all its arrays."""

    loss: str
    options: tuple[tuple[str, Any], ...]

    @property
    def arrays(self) -> tuple[str, ...]:
        return LOSSES[self.loss].arrays

    @property
    def key(self) -> str:
        return ", ".join([*self.arrays, *(f"{k}={v!r}" for k, v in self.options)])

    @property
    def quantities(self) -> list[str]:
        return ["value", *(f"gradient in {k}" for k in self.arrays)]

    def items(self, *x: np.ndarray) -> np.ndarray:
        return LOSSES[self.loss].function(*x, reduction="none", **dict(self.options))

    def slopes(self, *x: np.ndarray) -> tuple[np.ndarray, ...]:
        value, pull = al.vjp(self.items, *x)
        return pull(value.__array_namespace__().ones_like(value))

    def results(self, *x: np.ndarray) -> list[np.ndarray]:
        """The items, and their derivatives in every array."""
        return [self.items(*x), *self.slopes(*x)]

    def scales(self, x: list[np.ndarray], results: list[np.ndarray]) -> list[np.ndarray]:
        """What the last places of the inputs are worth in every result."""
        value, *slopes = results
        sizes = [abs(value) + sum(abs(a * slope) for a, slope in zip(x, slopes, strict=True))]
        for i, slope in enumerate(slopes):
            size = abs(slope)
            for j in range(len(x)):
                along = [a if k == j else None for k, a in enumerate(x)]
                size = size + abs(al.jvp(lambda *x, i=i: self.slopes(*x)[i], tuple(x), tuple(along))[1])
            sizes.append(size)
        return sizes

    def draw(self, samples: int) -> list[np.ndarray]:
        """The inputs, the same each time."""
        rng = np.random.default_rng(zlib.crc32(f"{self.loss}({self.key})".encode()))
        return [DRAW[LOSSES[self.loss].domains[k][0].name](rng, samples) for k in self.arrays]

    def errors(self, x: list[np.ndarray]) -> list[np.ndarray]:
        """Of every quantity, at float32 inputs."""
        with np.errstate(all="ignore"):
            got, wide = self.results(*x), [a.astype(np.float64) for a in x]
            want = self.results(*wide)
            scales = self.scales(wide, want)
        return list(map(errors, got, want, scales))


def errors(got: np.ndarray, want: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """In units of the last place of a scale; see `ulp.py` for what is infinite or NaN."""
    scale = np.where(np.isfinite(scale), scale, np.abs(want))
    near, exact = (
        np.where(np.isnan(a), NAN, np.clip(a, -INFINITE, INFINITE)) for a in (got.astype(np.float64), want)
    )
    unit = np.where(np.isnan(scale), 1.0, np.clip(scale, SMALLEST_NORMAL, INFINITE)) * EPSILON
    return np.abs(near - exact) / unit


def magnitudes(rng: np.random.Generator, samples: int) -> np.ndarray:
    half = samples // 2
    return np.exp2(np.concatenate([rng.uniform(-60, 60, half), rng.uniform(-5, 5, samples - half)]))


def positive(rng: np.random.Generator, samples: int) -> np.ndarray:
    return magnitudes(rng, samples).astype(np.float32)


def real(rng: np.random.Generator, samples: int) -> np.ndarray:
    return positive(rng, samples) * rng.choice(np.asarray([-1, 1], np.float32), samples)


def probability(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Some of every size, of every distance from 1, and of all between."""
    small = np.exp2(rng.uniform(-60, -1, samples))
    short = 1 - np.exp2(rng.uniform(-24, -1, samples))
    which = rng.integers(3, size=samples)
    return np.choose(which, [small, short, rng.uniform(size=samples)]).astype(np.float32)


def above_minus_one(rng: np.random.Generator, samples: int) -> np.ndarray:
    below = np.exp2(rng.uniform(-24, 0, samples)) - 1
    return np.where(rng.integers(2, size=samples) == 0, magnitudes(rng, samples), below).astype(np.float32)


DRAW = {
    "real": real,
    "positive": positive,
    "nonnegative": positive,
    "amount": positive,
    "probability": probability,
    "above -1": above_minus_one,
}


def all_sampled() -> dict[str, list[Sampled]]:
    """Pointwise losses of several numbers: all that are not of one, and those whose label may be soft."""
    of_one = all_settings()
    found = {}
    for name, spec in LOSSES.items():
        domains = [spec.domains[k][0] for k in spec.arrays]
        soft = any(d.name in LABELS and d.dense and not d.poison for d in domains[1:])
        if spec.signatures[0].pointwise and (soft or name not in of_one):
            options = [DEFAULTS.get(name, {}), *MORE.get(name, [])]
            found[name] = [Sampled(name, tuple(each.items())) for each in options]
    return found


def sample(setting: Sampled) -> dict[str, Any]:
    """What is found of a setting: a record of the file."""
    x = setting.draw(SAMPLES)
    blocks = [setting.errors([a[i : i + BLOCK] for a in x]) for i in range(0, SAMPLES, BLOCK)]
    found: dict[str, Any] = {"inputs": SAMPLES}
    for quantity, parts in zip(setting.quantities, zip(*blocks, strict=True), strict=True):
        off = np.concatenate(parts)
        worst = np.argsort(-off, kind="stable")
        found[quantity] = {
            "ulp": number(off[worst[0]]),
            "worst": [[[schema.pack_number(float(a[i])) for a in x], number(off[i])] for i in worst[:SHOWN]],
            "beyond": {str(bound): int(np.count_nonzero(off > bound)) for bound in (0.5, 1, 2, 4)},
            "float64": confirmed(setting, [a[worst[:CONFIRMED]] for a in x], quantity),
        }
    return found


def confirmed(setting: Sampled, x: list[np.ndarray], quantity: str) -> float | str:
    """How far float64 is from the textbook formula at worst, in the same units."""
    k = setting.quantities.index(quantity)
    evidence = replace(load()[setting.loss], wrt=setting.arrays[k - 1 : k])
    wide = [a.astype(np.float64) for a in x]
    with np.errstate(all="ignore"):
        results = setting.results(*wide)
        scale = setting.scales(wide, results)[k]
    largest = 0.0
    for i in range(0, len(x[0]), 8):
        here = slice(i, i + 8)
        case = Case("points", tuple(a[here].tolist() for a in wide), dict(setting.options), strict=True)
        certified = certify(LOSSES[setting.loss], evidence, case)
        want = certified.gradient[setting.arrays[k - 1]] / certified.cotangent if k else certified.value
        off = errors(results[k][here], want, scale[here])
        if k:  # a derivative, of which sometimes nothing is promised
            off = np.where(np.isnan(want) | ~np.isfinite(certified.value), 0.0, off)
        largest = max(largest, float(off.max()))
    return number(largest)


def wanted(losses: list[str]) -> Iterator[Sampled]:
    for loss, settings in all_sampled().items():
        if not losses or loss in losses:
            yield from settings


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance sampled", description=__doc__)
    parser.add_argument("loss", nargs="*")
    asked = parser.parse_args(arguments)
    if unknown := {*asked.loss} - all_sampled().keys():
        parser.error(f"not a pointwise loss of several numbers: {', '.join(sorted(unknown))}")
    for setting in wanted(asked.loss):
        record = sample(setting) | measured_with("numpy", "mpmath")
        merge("sampled", setting.loss, setting.key, record)
        found = ", ".join(f"{quantity} {record[quantity]['ulp']}" for quantity in setting.quantities)
        print(f"{setting.loss}({setting.key}): {found}", flush=True)
    return 0
