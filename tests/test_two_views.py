"""Rows of one view against rows of another: n-pair, InfoNCE, CLIP and SigLIP."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .compare import assert_agree
from .laws import Library, assert_same

OF = np.random.default_rng(12)
N = 7
X, Y = OF.normal(size=(2, N, 3))
LABELS = np.asarray([4, 9, 4, -2, 9, 4, 0])
QUEUE, EACH = OF.normal(size=(5, 3)), OF.normal(size=(N, 4, 3))
CALLS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "n-pair": (al.n_pair_loss, (), {"l2_reg": 0.25}),
    "n-pair, labels": (al.n_pair_loss, (LABELS,), {}),
    "info nce": (al.info_nce_loss, (), {"temperature": 0.5}),
    "info nce, negatives of all": (al.info_nce_loss, (QUEUE,), {"temperature": 0.5}),
    "info nce, negatives of each": (al.info_nce_loss, (EACH,), {"normalize": True}),
    "clip": (al.clip_loss, (), {"logit_scale": 2.0}),
    "clip, labels": (al.clip_loss, (LABELS,), {"logit_scale": 2.0, "normalize": True}),
    "siglip": (al.siglip_loss, (), {"logit_scale": 2.0, "logit_bias": -1.0}),
}
every_call = pytest.mark.parametrize("name", CALLS)
BY_ROW = {"n-pair, labels", "info nce, negatives of each", "clip, labels"}  # whose third array has rows


def call(name: str) -> tuple[Any, list[Any], dict[str, Any]]:
    loss, more, options = CALLS[name]
    return loss, [X, Y, *more], options


def rows_of(name: str, arrays: list[Any], rows: Any) -> list[Any]:
    return [a[rows] if k < 2 or name in BY_ROW else a for k, a in enumerate(arrays)]


def gradients(loss: Any, arrays: list[Any], **options: Any) -> Any:
    value, slopes = al.value_and_grad(loss, argnums=(0, 1))(*arrays, **options)
    return value, *slopes


# --- numbers --------------------------------------------------------------------------------------

I2, TEXT = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
TURNED = [[0.8, 0.6], [-0.6, 0.8]]


@pytest.mark.parametrize(
    ("loss", "arrays", "options", "expected"),
    [
        (al.n_pair_loss, (I2, TURNED), {}, [0.220417, 0.598139]),
        (al.n_pair_loss, (I2, TURNED), {"reduction": "mean"}, 0.409278),
        (al.info_nce_loss, (I2[:1], TURNED[:1], [[0.0, 1.0], [-0.6, 0.8]]), {"temperature": 0.5}, [0.233257]),
        (al.clip_loss, (I2, TEXT), {"logit_scale": 10.0, "reduction": "mean"}, 0.126928),
        (al.siglip_loss, (I2, TEXT), {"reduction": "mean"}, 2.145078),
    ],
)
def test_worked_numbers(loss: Any, arrays: Any, options: Any, expected: Any, xp: Library) -> None:
    np.testing.assert_allclose(xp.items(loss, *arrays, **options), expected, atol=6e-7)


# --- chunks ---------------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("masked", [False, True])
def test_chunks_are_the_whole(name: str, masked: bool, xp: Library) -> None:
    loss, arrays, options = call(name)
    if masked:
        options = options | {"where": np.arange(N) % 3 != 1}
    items, slope = xp.both(loss, *arrays, **options)
    for size in (1, 3, N):
        items_too, slope_too = xp.both(loss, *arrays, **options, chunk_size=size)
        assert_agree(items_too, items, "float64", ulp=4)
        assert_agree(slope_too, slope, "float64", ulp=4)


@pytest.mark.parametrize("name", ["n-pair, labels", "info nce", "clip", "clip, labels", "siglip"])
def test_in_chunks_there_is_no_matrix_of_all_pairs(name: str) -> None:
    loss, more, options = CALLS[name]
    n = 1600
    x, y = OF.normal(size=(2, n, 2))
    arrays = [x, y, *([np.arange(n) // 2] if more else [])]
    tracemalloc.start()
    al.grad(loss, argnums=(0, 1))(*arrays, **options, chunk_size=40)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < n * n * 8 / 1.5, most


# --- what changes nothing -------------------------------------------------------------------------


@every_call
@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(N)))
def test_the_order_of_the_rows(name: str, order: list[int]) -> None:
    loss, arrays, options = call(name)
    value, *slopes = gradients(loss, arrays, **options)
    permuted = gradients(loss, rows_of(name, arrays, order), **options)
    assert_same(permuted, (value, *(slope[order] for slope in slopes)))


@every_call
def test_rows_that_are_out(name: str) -> None:
    loss, arrays, options = call(name)
    kept = np.asarray([True, False, True, True, True, False, True])
    value, *slopes = gradients(loss, rows_of(name, arrays, kept), **options)
    junk = [a.copy() if k < 2 or name in BY_ROW else a for k, a in enumerate(arrays)]
    for k, a in enumerate(junk):
        if a.dtype.kind == "f" and (k < 2 or name in BY_ROW):
            a[1], a[5] = np.nan, np.inf
    for frame in ({"where": kept}, {"sample_weight": kept * 2.0}):
        for size in (None, 2):
            same, *slopes_too = gradients(loss, junk, **options, **frame, chunk_size=size)
            assert_same((same, *(slope[kept] for slope in slopes_too)), (value, *slopes))
            assert not any(slope[~kept].any() for slope in slopes_too)


@pytest.mark.parametrize("name", ["n-pair, labels", "clip, labels"])
def test_the_names_of_the_labels(name: str) -> None:
    loss, (x, y, labels), options = call(name)
    names = {4: -100, 9: 3, -2: 7, 0: 2**40}
    renamed = np.asarray([names[int(label)] for label in labels])
    assert_same(gradients(loss, [x, y, renamed], **options), gradients(loss, [x, y, labels], **options))


@pytest.mark.parametrize("loss", [al.n_pair_loss, al.clip_loss])
def test_labels_that_all_differ_are_none(loss: Any, xp: Library) -> None:
    options = {"logit_scale": 1.0} if loss is al.clip_loss else {}
    assert_same(xp.both(loss, X, Y, np.arange(N)[::-1].copy(), **options), xp.both(loss, X, Y, **options))


@pytest.mark.parametrize("by", [2.0**100, 2.0**-100])
@pytest.mark.parametrize("loss", [al.info_nce_loss, al.clip_loss, al.siglip_loss])
def test_lengths_when_normalised(loss: Any, by: float, xp: Library) -> None:
    options = {"normalize": True} | ({"logit_scale": 5.0} if loss is al.clip_loss else {})
    items, slope = xp.both(loss, X, Y, **options)
    items_too, slope_too = xp.both(loss, X * by, Y * by, **options)
    assert_same((items_too, slope_too * by), (items, slope))


# --- what they are of each other ------------------------------------------------------------------


def test_clip_is_info_nce_both_ways(xp: Library) -> None:
    forth, back = (
        xp.items(al.info_nce_loss, *views, temperature=0.25, normalize=True) for views in ((X, Y), (Y, X))
    )
    clip = xp.items(al.clip_loss, X, Y, logit_scale=4.0, normalize=True)
    assert_same(clip, (forth + back) / 2)


def test_n_pair_is_info_nce_at_a_temperature_of_1(xp: Library) -> None:
    assert_same(xp.both(al.n_pair_loss, X, Y), xp.both(al.info_nce_loss, X, Y, temperature=1.0))


def test_squared_lengths_are_added_to_n_pair(xp: Library) -> None:
    more = xp.items(al.n_pair_loss, X, Y, l2_reg=0.5) - xp.items(al.n_pair_loss, X, Y)
    assert_same(more, 0.125 * ((X**2).sum(axis=1) + (Y**2).sum(axis=1)))


def test_negatives_of_each_may_be_those_of_all_or_of_the_batch(xp: Library) -> None:
    same = xp.both(al.info_nce_loss, X, Y, np.broadcast_to(QUEUE, (N, *QUEUE.shape)).copy())
    assert_same(xp.both(al.info_nce_loss, X, Y, QUEUE), same)
    others = np.stack([np.delete(Y, i, axis=0) for i in range(N)])
    assert_same(xp.items(al.info_nce_loss, X, Y), xp.items(al.info_nce_loss, X, Y, others))


@pytest.mark.parametrize("labels", [None, LABELS])
def test_clip_is_a_cross_entropy_over_rows_and_one_over_columns(labels: Any, xp: Library) -> None:
    z = 2.0 * X @ Y.T
    same = np.eye(N) if labels is None else (labels[:, None] == labels) * 1.0
    target = same / same.sum(axis=1, keepdims=True)
    forth, back = (xp.items(al.cross_entropy, each, target) for each in (z, z.T.copy()))
    more = () if labels is None else (labels,)
    assert_same(xp.items(al.clip_loss, X, Y, *more, logit_scale=2.0), (forth + back) / 2)


def test_siglip_is_a_binary_cross_entropy_summed_over_the_texts(xp: Library) -> None:
    z = 2.0 * X @ Y.T - 1
    binary = xp.items(al.binary_cross_entropy_with_logits, z, np.eye(N))
    ours = xp.items(al.siglip_loss, X, Y, logit_scale=2.0, logit_bias=-1.0)
    assert_same(ours, binary.sum(axis=1))
    mean = xp.items(al.siglip_loss, X, Y, logit_scale=2.0, logit_bias=-1.0, reduction="mean")
    assert mean == pytest.approx(binary.sum() / N, rel=1e-12)  # by N, not by N²


# --- accuracy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [None, 1])
def test_digits_of_what_is_nearly_0(chunk_size: int | None) -> None:
    eye, options = 8.0 * np.eye(2), {"reduction": "none", "chunk_size": chunk_size}
    few = np.exp(-64.0)
    for items, expected in (
        (al.n_pair_loss(eye, eye, **options), few),
        (al.clip_loss(eye, eye, logit_scale=1.0, **options), few),
        (al.clip_loss(eye, eye, np.asarray([5, 3]), logit_scale=1.0, **options), few),
        (al.info_nce_loss(eye, eye, temperature=1.0, **options), few),
        (al.siglip_loss(eye, eye, logit_scale=1.0, logit_bias=-32.0, **options), 2 * np.exp(-32.0)),
    ):
        np.testing.assert_allclose(items, expected, rtol=1e-13)


def test_a_large_loss_does_not_saturate_in_single_precision():
    eye = np.eye(2, dtype=np.float32)
    assert al.info_nce_loss(eye, -eye, eye, temperature=0.01) == pytest.approx(200, rel=1e-6)  # beyond 87.34


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["n-pair, labels", "info nce", "clip", "clip, labels"])
def test_a_single_row_is_0(name: str) -> None:
    loss, arrays, options = call(name)
    for size in (None, 1):
        value, *slopes = gradients(loss, rows_of(name, arrays, [0]), **options, chunk_size=size)
        assert value == 0
        assert not any(slope.any() for slope in slopes)


def test_no_negatives_are_0(xp: Library) -> None:
    for none in (np.zeros((0, 3)), np.zeros((N, 0, 3))):
        items, slope = xp.both(al.info_nce_loss, X, Y, none)
        assert not items.any()
        assert not slope.any()


@every_call
def test_an_empty_batch_is_0(name: str) -> None:
    loss, arrays, options = call(name)
    for size in (None, 2):
        value, *slopes = gradients(loss, rows_of(name, arrays, []), **options, chunk_size=size)
        assert value == 0
        assert all(slope.shape == (0, 3) for slope in slopes)


def test_rows_of_one_label_have_the_entropy_of_the_target(xp: Library) -> None:
    zero = np.zeros((N, 3))
    for loss, options in ((al.n_pair_loss, {}), (al.clip_loss, {"logit_scale": 1.0})):
        items, slope = xp.both(loss, zero, zero, np.zeros(N, int), **options)
        assert_same(items, np.full(N, np.log(N)))
        assert not slope.any()


@pytest.mark.parametrize("loss", [al.info_nce_loss, al.clip_loss, al.siglip_loss])
def test_zero_vectors_when_normalised(loss: Any) -> None:
    x, y = X.copy(), Y.copy()
    x[1], y[2] = 0, 0
    options = {"normalize": True} | ({"logit_scale": 5.0} if loss is al.clip_loss else {})
    value, of_x, of_y = gradients(loss, [x, y], **options)
    assert all(np.isfinite(each).all() for each in (value, of_x, of_y))
    assert not of_x[1].any()
    assert not of_y[2].any()


def test_scale_and_bias_may_be_learned(xp: Library) -> None:
    def loss(s: Any, b: Any) -> Any:
        return al.siglip_loss(xp.array(X), xp.array(Y), logit_scale=s, logit_bias=b, chunk_size=3)

    slopes = al.grad(loss, argnums=(0, 1))(xp.array(np.asarray(2.0)), xp.array(np.asarray(-1.0)))
    z = X @ Y.T
    wrong = 1 / (1 + np.exp(-(2 * z - 1))) - np.eye(N)
    assert_same(map(xp.numpy, slopes), ((wrong * z).sum() / N, wrong.sum() / N))


def test_errors_in_words():
    def refusal(loss: Any, *arrays: Any, **options: Any) -> str:
        with pytest.raises((TypeError, ValueError)) as caught:
            loss(*arrays, **options)
        return str(caught.value)

    assert refusal(al.clip_loss, X, Y, logit_scale=0.0) == "clip_loss: logit_scale must be positive, got 0.0"
    assert refusal(al.clip_loss, X, Y, logit_scale=1.0, chunk_size=0) == (
        "clip_loss: chunk_size must be a positive integer or None, got 0"
    )
    assert refusal(al.clip_loss, X, Y[:3], logit_scale=1.0) == (
        "clip_loss: text must have shape (7, 3) like image, got (3, 3)"
    )
    assert refusal(al.info_nce_loss, X, Y, QUEUE[:, :2]).startswith(
        "info_nce_loss: negatives must have shape"
    )
    assert refusal(al.n_pair_loss, X, Y, LABELS * 1.0).startswith(
        "n_pair_loss: labels must be an integer array"
    )
    assert refusal(al.siglip_loss, X, Y, logit_bias="0").startswith(
        "siglip_loss: logit_bias must be a number"
    )
