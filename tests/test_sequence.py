"""Sequences: CTC against all alignments, one by one, and the log-sum-exp of a linear head."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.cli import kit

from . import laws

INF, NAN = math.inf, math.nan


class Library(laws.Library):
    """Arrays of one framework, and the slopes of what is not finite."""

    def value_and_slope(self, loss: Any, x: Any, *rest: Any, **options: Any) -> tuple[Any, Any]:
        """The items of a loss, and the gradient of their sum, which need not be finite."""
        rest = tuple(map(self.array, rest))

        def call(x: Any) -> Any:
            return loss(x, *rest, reduction="none", **options)

        ones = self.array(np.ones(len(x)))
        value, slopes = self.framework.both(call, {"x": self.array(x)}, ["x"], ones)
        return self.numpy(value), self.numpy(slopes["x"])


INSTALLED = kit.module("frameworks").installed()


@pytest.fixture(params=INSTALLED, ids=lambda f: f.name)
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    with request.param.session("float64"):
        yield Library(request.param)


def log_probs(*shape: int) -> Any:
    z = np.random.default_rng(0).normal(size=shape)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


# --- CTC: all alignments, one by one ----------------------------------------------------------------


def collapsed(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    """The labels of a path: what repeats is merged, then blanks are removed."""
    return tuple(c for t, c in enumerate(path) if c != blank and (t == 0 or path[t - 1] != c))


def by_enumeration(y: Any, blank: int) -> dict[tuple[int, ...], tuple[Any, Any]]:
    """The loss of all label sequences that have an alignment, and its gradient."""
    frames, classes = y.shape
    paths: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for path in itertools.product(range(classes), repeat=frames):
        paths.setdefault(collapsed(path, blank), []).append(path)
    found = {}
    for labels, mine in paths.items():
        p = np.asarray([math.prod(math.exp(y[t, c]) for t, c in enumerate(path)) for path in mine])
        taken = np.asarray(mine).reshape(len(mine), frames, 1) == np.arange(classes)
        found[labels] = -np.log(p.sum()), -np.tensordot(p / p.sum(), taken, 1)
    return found


@pytest.mark.parametrize("blank", [0, 2])
def test_ctc_is_the_sum_over_all_alignments(library: Library, blank: int) -> None:
    """Of all label sequences in up to 5 frames of 3 classes, with alignments and without."""
    T, C = 5, 3
    y, names = log_probs(T, C), [c for c in range(C) if c != blank]
    every = [labels for n in range(T + 2) for labels in itertools.product(names, repeat=n)]
    batch, padded, sizes, values, slopes = [], [], [], [], []
    for frames in range(T + 1):
        found = by_enumeration(y[:frames], blank)
        # What the padding holds is not to be seen anywhere.
        batch += [np.concatenate([y[:frames], np.full((T - frames, C), NAN)])] * len(every)
        padded += [(*labels, *(99,) * (T + 1 - len(labels))) for labels in every]
        sizes += [(frames, len(labels)) for labels in every]
        each = [found.get(labels, (INF, np.zeros((frames, C)))) for labels in every]
        values += [value for value, _ in each]
        slopes += [np.concatenate([slope, np.zeros((T - frames, C))]) for _, slope in each]
    lengths = np.asarray(sizes).T
    got, slope = library.value_and_slope(al.ctc_loss, np.asarray(batch), padded, *lengths, blank=blank)
    assert sum(map(math.isinf, values)) > 100
    np.testing.assert_allclose(got, values, rtol=1e-13)
    np.testing.assert_allclose(slope, slopes, rtol=1e-12, atol=1e-15)
    none = library.value_and_slope(
        al.ctc_loss, np.asarray(batch), padded, *lengths, blank=blank, zero_infinity=True
    )
    np.testing.assert_array_equal(none[0], np.where(np.isinf(got), 0.0, got))
    np.testing.assert_array_equal(none[1], slope)


def test_ctc_does_not_see_the_padding(library: Library) -> None:
    y, frames, count = log_probs(3, 6, 4), np.asarray([6, 4, 0]), np.asarray([2, 3, 0])
    labels = np.asarray([[1, 2, 0], [3, 3, 1], [0, 0, 0]])
    want = library.value_and_slope(al.ctc_loss, y, labels, frames, count)
    changed, others = y.copy(), labels.copy()
    for n in range(3):
        changed[n, frames[n] :] = [NAN, INF, -INF, 1e300]
        others[n, count[n] :] = -7
    got = library.value_and_slope(al.ctc_loss, changed, others, frames, count)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)
    for n in range(3):
        assert not got[1][n, frames[n] :].any()


# The others take minutes for thousands of frames; their recursion is that of NumPy.
@pytest.mark.parametrize("library", [f for f in INSTALLED if f.name not in ("strict", "dask")], indirect=True)
def test_ctc_of_a_long_sequence_that_is_confidently_wrong(library: Library) -> None:
    """A finite stand-in for minus infinity would be met: the loss is beyond 80 000."""
    T, rate = 3000, 27.8
    y = np.tile([-rate, -rate, math.log1p(-2 * math.exp(-rate))], (1, T, 1))
    value, slope = library.value_and_slope(al.ctc_loss, y, [[1]])
    # All alignments, an interval of labels each, have one probability.
    assert value[0] == pytest.approx(T * rate - math.log(T * (T + 1) / 2), rel=1e-13)
    t = np.arange(T)
    share = (t + 1) * (T - t) / (T * (T + 1) / 2)
    np.testing.assert_allclose(slope[0], np.stack([share - 1, -share, 0 * share], -1), rtol=1e-8, atol=1e-12)


# --- the denominator of a linear head ---------------------------------------------------------------

HIDDEN, WEIGHT = (
    np.asarray([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.25]]),
    np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
)


@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_log_sum_exp_comes_with_the_loss(library: Library, chunk_size: int | None) -> None:
    arrays = [library.array(x) for x in (HIDDEN, WEIGHT, np.asarray([2, -100, 0]))]
    want = np.log(np.sum(np.exp(HIDDEN @ WEIGHT.T), axis=-1))
    options = {"chunk_size": chunk_size, "return_lse": True}
    found = al.linear_cross_entropy(*arrays, **options)
    assert found._fields == ("loss", "lse")
    plain = al.linear_cross_entropy(*arrays, chunk_size=chunk_size)
    assert library.numpy(found.loss) == library.numpy(plain)
    np.testing.assert_allclose(library.numpy(found.lse), [want[0], 0.0, want[2]], rtol=1e-14)
    weighed = al.linear_cross_entropy(
        *arrays, class_weight=library.array(np.asarray([0.0, 1.0, 2.0])), reduction="sum", **options
    )
    np.testing.assert_allclose(library.numpy(weighed.lse), [want[0], 0.0, 0.0], rtol=1e-14)


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_z_loss_of_the_log_sum_exp_is_that_of_the_logits(library: Library, chunk_size: int | None) -> None:
    hidden, weight, labels = (library.array(x) for x in (HIDDEN, WEIGHT, np.asarray([2, 1, 0])))

    def apart(hidden: Any) -> Any:
        loss, lse = al.linear_cross_entropy(hidden, weight, labels, chunk_size=chunk_size, return_lse=True)
        return loss + al.z_loss(lse[..., None], weight=0.25)

    def together(hidden: Any) -> Any:
        return al.linear_cross_entropy(hidden, weight, labels, chunk_size=chunk_size, z_loss=0.25)

    got, want = (al.value_and_grad(f)(hidden) for f in (apart, together))
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(library.numpy(a), library.numpy(b), rtol=1e-13, atol=1e-15)


def test_a_loss_with_its_log_sum_exp_is_differentiated_and_compiled() -> None:
    labels = np.asarray([2, 1, 0])
    (loss, lse), slope = al.value_and_grad(al.linear_cross_entropy)(HIDDEN, WEIGHT, labels, return_lse=True)
    want = al.value_and_grad(al.linear_cross_entropy)(HIDDEN, WEIGHT, labels)
    assert loss == want[0]
    np.testing.assert_array_equal(slope, want[1])
    np.testing.assert_allclose(lse, np.log(np.sum(np.exp(HIDDEN @ WEIGHT.T), axis=-1)), rtol=1e-14)
    torch = pytest.importorskip("torch")
    compiled = torch.compile(al.linear_cross_entropy, fullgraph=True, backend="eager")
    got = compiled(*map(torch.asarray, (HIDDEN, WEIGHT, labels)), return_lse=True)
    np.testing.assert_allclose(got.lse, lse, rtol=1e-14)
