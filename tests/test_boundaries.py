"""Boundaries: distances as users find them, and skeletons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al
from arraylosses._core.namespaces import namespace
from arraylosses._core.windows import dilated, eroded, soft_skeleton

from .laws import Library

PROBS, TARGET = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1, 1, 0, 0]]])
BAR = np.zeros((1, 1, 7, 9))
BAR[..., 2:5, 1:8] = 1
BROKEN = BAR.copy()
BROKEN[..., 4] = 0


# --- numbers --------------------------------------------------------------------------------------


def test_worked_numbers_of_distances(xp: Library) -> None:
    phi, distance = np.asarray([[[-1.0, -0.5, 1.0, 2.0]]]), np.asarray([[[1.0, 1.0, 1.0, 2.0]]])
    signed = xp.items(al.boundary_loss, PROBS, phi, include_background=True)
    assert signed == pytest.approx(-0.2, abs=1e-12)
    both = xp.items(al.hausdorff_dt_loss, PROBS, TARGET, distance, distance)
    assert both == pytest.approx(0.125, abs=1e-12)
    one = xp.items(al.hausdorff_dt_loss, PROBS, TARGET, distance, distance, one_sided=True)
    assert one == pytest.approx(0.0625, abs=1e-12)
    logarithm = xp.items(al.hausdorff_dt_loss, PROBS, TARGET, distance, distance, log=True)
    assert logarithm == pytest.approx(np.log(1.125), abs=1e-12)


def test_worked_numbers_of_a_bar_in_two(xp: Library) -> None:
    assert xp.items(al.soft_cldice_loss, BROKEN, BAR) == pytest.approx(1 / 11, abs=1e-12)
    assert xp.items(al.soft_cldice_loss, BROKEN, BAR, smooth=0.0) == pytest.approx(1 / 9, abs=1e-12)


# --- distances, from SciPy ------------------------------------------------------------------------


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """The map of one mask for `boundary_loss`: positive outside, 0 and less inside."""
    from scipy.ndimage import distance_transform_edt

    if not mask.any() or mask.all():
        return np.zeros(mask.shape)  # there is no edge
    return distance_transform_edt(~mask) - np.where(mask, distance_transform_edt(mask) - 1, 0)


def distance_from_edge(mask: np.ndarray) -> np.ndarray:
    """The map of one mask for `hausdorff_dt_loss`."""
    from scipy.ndimage import distance_transform_edt

    if not mask.any() or mask.all():
        return np.zeros(mask.shape)
    return distance_transform_edt(mask) + distance_transform_edt(~mask)


def by_item(distance: Any, masks: np.ndarray) -> np.ndarray:
    return np.asarray([[distance(mask) for mask in image] for image in masks])


def some_masks() -> np.ndarray:
    """Two images of a background and two regions, one of which the second image lacks."""
    labels = np.zeros((2, 6, 7), int)
    labels[0, 1:4, 1:5], labels[1, 2:5, 2:6], labels[0, 4:, 4:] = 1, 1, 2
    return labels[:, None] == np.arange(3)[:, None, None]


def test_signed_distance_of_a_mask():
    pytest.importorskip("scipy")
    row = np.asarray([False, True, True, True, False, False])
    assert signed_distance(row).tolist() == [1, 0, -1, 0, 1, 2]


def test_boundary_loss_is_least_for_the_mask(xp: Library) -> None:
    pytest.importorskip("scipy")
    masks = some_masks()
    phi = by_item(signed_distance, masks)
    least = xp.items(al.boundary_loss, masks.astype(float), phi)
    np.testing.assert_allclose(least, np.where([0, 1, 1], np.minimum(phi, 0).mean((2, 3)), 0), rtol=1e-13)
    assert (least[:, 1] < 0).all()
    assert least[1, 2] == 0  # the class is absent
    for seed in range(5):
        other = np.random.default_rng(seed).uniform(size=masks.shape)
        assert (xp.items(al.boundary_loss, other, phi) >= least).all()


def test_boundary_loss_grows_with_distance():
    pytest.importorskip("scipy")
    mask = np.zeros((1, 1, 9, 9), bool)
    mask[..., 3:6, 2:5] = True
    phi = by_item(signed_distance, mask)
    moved = [
        al.boundary_loss(np.roll(mask, k, axis=-1).astype(float), phi, include_background=True)
        for k in range(5)
    ]
    assert np.all(np.diff(moved) > 0)


def test_boundary_loss_is_linear(xp: Library) -> None:
    random = np.random.default_rng(1)
    p, q = random.uniform(size=(2, 2, 3, 4, 5))
    phi = random.normal(size=(2, 3, 4, 5))
    at_p, at_q, between = (xp.items(al.boundary_loss, x, phi) for x in (p, q, 0.25 * p + 0.75 * q))
    np.testing.assert_allclose(between, 0.25 * at_p + 0.75 * at_q, rtol=1e-12, atol=1e-15)
    _, slope = xp.both(al.boundary_loss, p, phi, include_background=True)
    np.testing.assert_allclose(slope, phi / 20, rtol=1e-13)


def test_distances_are_constants():
    random = np.random.default_rng(2)
    p, t, d, e = random.uniform(size=(4, 1, 2, 5))
    slopes = al.grad(al.hausdorff_dt_loss, argnums=(0, 2, 3))(p, t, d, e)
    assert slopes[0].any()
    assert not slopes[1].any()
    assert not slopes[2].any()
    assert not al.grad(al.boundary_loss, argnums=1)(p, d).any()


def test_hausdorff_loss_of_masks_is_what_is_wrong_by_its_squared_distances(xp: Library) -> None:
    pytest.importorskip("scipy")
    target = some_masks()
    pred = np.roll(target, 1, axis=-1)
    maps = [by_item(distance_from_edge, x) for x in (pred, target)]
    value = xp.items(al.hausdorff_dt_loss, pred.astype(float), target, *maps)
    want = ((pred != target) * (maps[0] ** 2 + maps[1] ** 2)).mean((2, 3))
    np.testing.assert_allclose(value, want, rtol=1e-13)
    value, slope = xp.both(al.hausdorff_dt_loss, target.astype(float), target, maps[1], maps[1])
    assert not value.any()
    assert not slope.any()


def test_a_map_without_an_edge_has_neither_value_nor_gradient(xp: Library) -> None:
    nothing = np.zeros(PROBS.shape)
    for loss, arrays in (
        (al.boundary_loss, (PROBS, nothing)),
        (al.hausdorff_dt_loss, (PROBS, TARGET, nothing, nothing)),
    ):
        value, slope = xp.both(loss, *arrays, include_background=True)
        assert not value.any()
        assert not slope.any()


def test_what_is_left_of_both_distances_is_one_of_them():
    random = np.random.default_rng(3)
    p, t, d, e = random.uniform(size=(4, 2, 2, 5))
    both = al.hausdorff_dt_loss(p, t, d, e, alpha=1.5)
    ones = [al.hausdorff_dt_loss(p, t, d, x, alpha=1.5, one_sided=True) for x in (d, e)]
    assert both == pytest.approx(sum(ones), rel=1e-13)
    assert al.hausdorff_dt_loss(p, t, d * np.nan, e, alpha=1.5, one_sided=True) == ones[1]


# --- skeletons ------------------------------------------------------------------------------------


def skeleton(x: np.ndarray, iterations: int = 3) -> np.ndarray:
    return soft_skeleton(namespace(x), x[None, None], None, iterations)[0, 0]


@pytest.mark.parametrize(
    "line",
    [
        np.eye(6),
        np.pad(np.ones((1, 5)), 2),
        np.pad(np.ones((1, 1, 4)), 1),
        0.75 * np.pad(np.eye(4), 1),
        np.asarray([0.0, 0.0, 1.0, 0.0, 0.5, 0.0]),
    ],
    ids=["diagonal", "row", "of three axes", "faint", "points"],
)
def test_the_skeleton_of_a_line_is_the_line(line: np.ndarray) -> None:
    np.testing.assert_array_equal(skeleton(line), line)


def test_the_skeleton_of_a_bar_is_its_centerline():
    want = np.zeros((7, 9))
    want[3, 2:7] = 1
    np.testing.assert_array_equal(skeleton(BAR[0, 0])[1:-1, 2:-2], want[1:-1, 2:-2])
    assert skeleton(np.ones((7, 9)), 9).sum() == 0  # to which there is no end


tenths = st.integers(0, 10).map(lambda n: n / 10)


def images(rank: int) -> st.SearchStrategy[np.ndarray]:
    shape = (5, 4, 3)[:rank]
    count = int(np.prod(shape))
    return st.lists(tenths, min_size=count, max_size=count).map(lambda x: np.asarray(x).reshape(shape))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_skeletons_are_like_their_mirror_images(rank: int) -> None:
    @settings(max_examples=15, deadline=None)
    @given(images(rank))
    def check(x: np.ndarray) -> None:
        s = skeleton(x)
        assert (s >= 0).all()
        assert (s <= 1).all()
        for axis in range(rank):
            np.testing.assert_array_equal(skeleton(np.flip(x, axis)), np.flip(s, axis))
        np.testing.assert_array_equal(skeleton(x.T), s.T)

    check()


def test_a_lazy_skeleton_grows_with_its_steps_and_not_with_their_square() -> None:
    da = pytest.importorskip("dask.array")
    image, mask = (da.from_array(x, chunks=(1, 1, 4, 5)) for x in (BAR / 2, BROKEN))

    def tasks(function: Any, iterations: int) -> int:
        result = function(image, mask, iterations=iterations)
        assert result.compute() is not None
        return len(result.__dask_graph__())

    for function in (al.soft_cldice_loss, al.grad(al.soft_cldice_loss)):
        few, some, many = (tasks(function, n) for n in (2, 4, 8))
        assert many - some <= 2.2 * (some - few)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_gradients_at_ties_are_like_their_mirror_images(rank: int, xp: Library) -> None:
    x = np.random.default_rng(rank).integers(0, 3, (1, 1, 5, 4, 3)[: 2 + rank]) / 2
    target = np.random.default_rng(9).integers(0, 2, x.shape)
    _, slope = xp.both(al.soft_cldice_loss, x, target)
    assert np.isfinite(slope).all()
    for axis in range(2, 2 + rank):
        _, mirrored = xp.both(al.soft_cldice_loss, np.flip(x, axis), np.flip(target, axis))
        np.testing.assert_allclose(mirrored, np.flip(slope, axis), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("window", [eroded, dilated])
def test_what_is_tied_shares_equally(window: Any) -> None:
    for row, want in (
        ([2.0, 2.0, 2.0], [1 / 2 + 1 / 3, 1 / 2 + 1 / 3 + 1 / 2, 1 / 3 + 1 / 2]),
        ([2.0, 2.0], [1.0, 1.0]),
        ([2.0], [1.0]),
    ):
        _, pull = al.vjp(lambda x: window(namespace(x), x, 1), np.asarray([row]))
        (slope,) = pull(np.ones((1, len(row))))
        np.testing.assert_allclose(slope, [want], rtol=1e-15)


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_equal_masks_cost_nothing(smooth: float, xp: Library) -> None:
    masks = some_masks()
    assert not xp.items(al.soft_cldice_loss, masks.astype(float), masks, smooth=smooth).any()
    # MONAI adds 1e-4 in the harmonic mean.
    theirs = 1 - 2 * 1.0 * 1.0 / (1.0 + 1.0 + 1e-4)
    assert theirs == pytest.approx(5.0e-5, rel=1e-4)


def test_it_is_the_same_both_ways():
    random = np.random.default_rng(4)
    p, t = random.uniform(size=(2, 2, 3, 5, 6))
    for smooth in (0.0, 1.0):
        one, other = (al.soft_cldice_loss(*pair, smooth=smooth) for pair in ((p, t), (t, p)))
        assert one == pytest.approx(other, rel=1e-14)


def test_a_mask_cuts_the_image_in_two(xp: Library) -> None:
    random = np.random.default_rng(5)
    p, t = random.uniform(size=(2, 1, 1, 4, 7))
    mask = np.arange(7) != 3
    masked = xp.items(al.soft_cldice_loss, p, t, where=mask, smooth=0.0)
    junk = np.where(mask, p, np.nan)
    assert xp.items(al.soft_cldice_loss, junk, t, where=mask, smooth=0.0) == masked

    def parts(x: np.ndarray, other: np.ndarray) -> tuple[float, float]:
        s = [skeleton(x[0, 0, :, half]) for half in (slice(0, 3), slice(4, 7))]
        inside = [other[0, 0, :, half] for half in (slice(0, 3), slice(4, 7))]
        hit = sum(float(np.sum(a * b)) for a, b in zip(s, inside, strict=True))
        return hit, sum(float(np.sum(a)) for a in s)

    (hit_p, all_p), (hit_t, all_t) = parts(p, t), parts(t, p)
    precision, recall = hit_p / all_p, hit_t / all_t
    assert masked == pytest.approx(1 - 2 * precision * recall / (precision + recall), rel=1e-12)


def test_empty_skeletons(xp: Library) -> None:
    empty = np.zeros(BAR.shape)
    for smooth, missing in ((0.0, 1.0), (1.0, 1 - 2 * (1 / 6) / (1 + 1 / 6))):
        assert xp.items(al.soft_cldice_loss, empty, empty, smooth=smooth) == 0
        line = np.zeros(BAR.shape)
        line[..., 3, 2:7] = 1
        assert xp.items(al.soft_cldice_loss, line, empty, smooth=smooth) == pytest.approx(missing, rel=1e-14)
        assert xp.items(al.soft_cldice_loss, empty, line, smooth=smooth) == pytest.approx(missing, rel=1e-14)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.boundary_loss(PROBS, PROBS),
            "boundary_loss: include_background must be True if there is one class only, got False",
        ),
        (
            lambda: al.boundary_loss(PROBS, PROBS[0]),
            "boundary_loss: distance must have shape (1, 1, 4) like probs, got (1, 4)",
        ),
        (
            lambda: al.hausdorff_dt_loss(PROBS, TARGET, PROBS, PROBS, alpha=0.0),
            "hausdorff_dt_loss: alpha must be positive, got 0.0",
        ),
        (
            lambda: al.hausdorff_dt_loss(PROBS, TARGET, PROBS, PROBS, include_background=False),
            "hausdorff_dt_loss: include_background must be True if there is one class only, got False",
        ),
        (
            lambda: al.soft_cldice_loss(PROBS, TARGET, iterations=0),
            "soft_cldice_loss: iterations must be a positive integer, got 0",
        ),
        (
            lambda: al.soft_cldice_loss(PROBS, TARGET, smooth=-1.0),
            "soft_cldice_loss: smooth must be nonnegative, got -1.0",
        ),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
