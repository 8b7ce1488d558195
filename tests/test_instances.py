"""Instances: what is known of the losses that gather embeddings of pixels by instance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

PIXELS = 9
PAIRS = np.asarray([[[0.0, 0.0], [2.0, 0.0], [5.0, 5.0], [5.0, 5.2]]])
CLUSTERS = np.asarray([[[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 3.0]]])
TWO_EACH = np.asarray([[1, 1, 2, 2]])


def some(seed: int) -> dict[str, Any]:
    """Two images with background and instances, of which not all are in both."""
    of = np.random.default_rng(seed)
    return {
        "embeddings": of.normal(size=(2, PIXELS, 2)),
        "ids": np.concatenate([[[1], [3]], [[0], [0]], of.integers(0, 4, (2, PIXELS - 2))], axis=1),
        "sigma": of.uniform(-0.25, 0.25, (2, PIXELS, 1)),
        "seed": of.uniform(size=(2, PIXELS)),
    }


LOSSES: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
    "hinge": (al.embedding_hinge_loss, ("embeddings", "ids"), {"margin": 0.25}),
    "hinge, order of 3": (al.embedding_hinge_loss, ("embeddings", "ids"), {"margin": 0.25, "p": 3.0}),
    "discriminative": (al.discriminative_loss, ("embeddings", "ids"), {}),
    "discriminative, order of 1": (al.discriminative_loss, ("embeddings", "ids"), {"p": 1.0}),
    "spatial": (al.spatial_embedding_loss, ("embeddings", "ids", "sigma", "seed"), {"to_center": False}),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
few = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def both(xp: Library, name: str, given: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    """The sum of a loss, and its gradient in the embeddings."""
    loss, arrays, own = LOSSES[name]
    options = {"num_instances": 3, "reduction": "sum"} | own | options
    return xp.both(loss, *(given[k] for k in arrays), **options)


# --- numbers --------------------------------------------------------------------------------------


def test_worked_numbers_of_the_hinge(xp: Library) -> None:
    options = {"num_instances": 2, "margin": 0.5}
    for reduction, expected in (("none", [[0.5, 0.5, 0, 0]]), ("sum", 1.0), ("mean", 0.25)):
        got = xp.items(al.embedding_hinge_loss, PAIRS, TWO_EACH, reduction=reduction, **options)
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_weights_of_one_over_the_size_give_the_sum_over_instances_of_their_means(xp: Library) -> None:
    options = {"num_instances": 2, "margin": 0.25}
    ids = np.asarray([[1, 1, 1, 2]])
    items = xp.items(al.embedding_hinge_loss, PAIRS, ids, **options)
    weight = np.asarray([[1 / 3, 1 / 3, 1 / 3, 1.0]])
    got = xp.items(al.embedding_hinge_loss, PAIRS, ids, sample_weight=weight, reduction="sum", **options)
    np.testing.assert_allclose(got, items[0, :3].mean() + items[0, 3], rtol=1e-14)


def test_worked_numbers_of_the_discriminative_loss(xp: Library) -> None:
    def of(**options: float) -> Any:
        return xp.items(al.discriminative_loss, CLUSTERS, TWO_EACH, num_instances=2, **options)

    assert of() == pytest.approx(1.251618, abs=6e-7)
    assert of(beta=0.0, gamma=0.0) == pytest.approx(0.25, rel=1e-14)
    assert of(alpha=0.0, gamma=0.0) == pytest.approx(1.0, rel=1e-14)
    assert of(alpha=0.0, beta=0.0, gamma=1.0) == pytest.approx(1.618034, abs=6e-7)


def test_worked_numbers_of_the_spatial_embedding_loss(xp: Library) -> None:
    ids, sigma = np.asarray([[1, 1, 0, 0]]), np.ones((1, 4, 1))
    options = {"num_instances": 1, "bandwidth": "sigma", "w_seed": 0.0}
    seed = np.zeros((1, 4))
    got = xp.items(al.spatial_embedding_loss, PAIRS, ids, sigma, seed, to_center=False, **options)
    assert got == pytest.approx(0.786939, abs=6e-7)
    coords = np.asarray([[0.5, -1.0], [1.5, 1.0], [7.0, 7.0], [8.0, 8.0]])  # of the same center
    got = xp.items(al.spatial_embedding_loss, PAIRS, ids, sigma, seed, coords=coords, **options)
    assert got == pytest.approx(0.786939, abs=6e-7)
    # The seeds of the background are to be 0, the others φ = exp(-1/2).
    seed = np.asarray([[1.0, 0.5, 0.25, 0.0]])
    options |= {"w_inst": 0.0, "w_seed": 1.0, "foreground_weight": 10.0}
    got = xp.items(al.spatial_embedding_loss, PAIRS, ids, sigma, seed, to_center=False, **options)
    phi = math.exp(-0.5)
    assert got == pytest.approx((0.25**2 + 10 * ((1 - phi) ** 2 + (0.5 - phi) ** 2)) / 4, rel=1e-13)


def test_the_instance_term_is_the_lovasz_hinge_loss(xp: Library) -> None:
    given = some(5)
    e, sigma = given["embeddings"], given["sigma"]
    options = {"w_var": 0.0, "w_seed": 0.0, "to_center": False, "num_instances": 3}
    got = xp.items(al.spatial_embedding_loss, e, given["ids"], sigma, given["seed"], **options)
    for image in range(2):
        terms = []
        for k in np.unique(given["ids"][image])[1:]:
            inside = given["ids"][image] == k
            off = e[image] - e[image][inside].mean(axis=0)
            phi = np.exp(-(off**2).sum(axis=-1) * np.exp(10 * sigma[image][inside].mean()))
            terms.append(xp.items(al.lovasz_hinge_loss, (2 * phi - 1)[None], inside[None]).item())
        assert got[image] == pytest.approx(np.mean(terms), rel=1e-12)


def test_the_bandwidth_in_all_directions_is_one_for_each_that_is_the_same(xp: Library) -> None:
    given = some(6)
    two = given | {"sigma": np.tile(given["sigma"], 2)}
    for bandwidth in ("exp10", "sigma"):
        assert_same(
            both(xp, "spatial", two, bandwidth=bandwidth), both(xp, "spatial", given, bandwidth=bandwidth)
        )


def test_a_constant_bandwidth_has_no_variance(xp: Library) -> None:
    given = some(7)
    sigma = np.full((2, PIXELS, 1), 0.1)
    arrays = (given["embeddings"], given["ids"], sigma, given["seed"])
    options = {"num_instances": 3, "to_center": False, "w_inst": 0.0, "w_seed": 0.0}
    assert (xp.items(al.spatial_embedding_loss, *arrays, **options) == 0).all()


# --- invariances ----------------------------------------------------------------------------------


@every_loss
@few
@given(seed=st.integers(0, 999))
def test_names_of_instances_do_not_matter(name: str, xp: Library, seed: int) -> None:
    given, of = some(seed), np.random.default_rng(seed)
    names = np.concatenate([[0], 1 + of.permutation(3)])
    assert_same(both(xp, name, given | {"ids": names[given["ids"]]}), both(xp, name, given))


@every_loss
@few
@given(seed=st.integers(0, 999))
def test_the_order_of_pixels_does_not_matter(name: str, xp: Library, seed: int) -> None:
    given, order = some(seed), np.random.default_rng(seed).permutation(PIXELS)
    value, slope = both(xp, name, given)
    assert_same(both(xp, name, {k: x[:, order] for k, x in given.items()}), (value, slope[:, order]))


@every_loss
@few
@given(seed=st.integers(0, 999), x=st.integers(-64, 64))
def test_place_does_not_matter(name: str, xp: Library, seed: int, x: int) -> None:
    given = some(seed)
    options = {"gamma": 0.0} if "discriminative" in name else {}
    # Short in binary, so that nothing is lost in the shift.
    e = np.round(given["embeddings"] * 64) / 64
    here, there = ({"embeddings": e + at} for at in (0.0, np.asarray([float(x), -x / 2])))
    assert_same(both(xp, name, given | there, **options), both(xp, name, given | here, **options))


def test_a_place_far_away_costs_no_digits(xp: Library) -> None:
    e = np.asarray([[[0.0, 0.125], [0.25, 0.5], [0.625, 0.0]]])
    ids = np.asarray([[1, 1, 1]])
    options = {"num_instances": 1, "margin": 0.0}
    here, there = (xp.items(al.embedding_hinge_loss, e + at, ids, **options) for at in (0.0, 2.0**40))
    np.testing.assert_allclose(there, here, rtol=1e-14)


@every_loss
def test_instances_that_are_not_there_contribute_nothing(name: str, xp: Library) -> None:
    given = some(1)
    assert_same(both(xp, name, given, num_instances=8), both(xp, name, given))


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "spatial"])
@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e6])
def test_the_background_does_not_matter(name: str, junk: float, xp: Library) -> None:
    given = some(2)
    e = given["embeddings"].copy()
    e[given["ids"] == 0] = junk
    value, slope = both(xp, name, given | {"embeddings": e})
    assert_same((value, slope), both(xp, name, given))
    assert (slope[given["ids"] == 0] == 0).all()


def test_the_background_keeps_away_from_centers(xp: Library) -> None:
    given = some(2)
    _, slope = both(xp, "spatial", given, w_seed=0.0)
    assert slope[given["ids"] == 0].any()
    sigma = given["sigma"].copy()
    sigma[given["ids"] == 0] = math.nan
    assert_same(both(xp, "spatial", given | {"sigma": sigma}), both(xp, "spatial", given))


# --- few instances --------------------------------------------------------------------------------


def without_instances() -> dict[str, Any]:
    """Two images, the first of which is all background."""
    given = some(3)
    given["ids"][0] = 0
    return given


def test_an_image_without_instances_is_no_item(xp: Library) -> None:
    given = without_instances()
    given["embeddings"][0] = math.nan
    second = {k: x[1:] for k, x in given.items()}
    for name in ("hinge", "discriminative"):
        for reduction in ("sum", "mean"):
            value, slope = both(xp, name, given, reduction=reduction)
            want, want_slope = both(xp, name, second, reduction=reduction)
            assert_same((value, slope[1:]), (want, want_slope))
            assert (slope[0] == 0).all()


def test_an_image_without_instances_has_seeds_only(xp: Library) -> None:
    given = without_instances()
    given["embeddings"][0] = math.nan
    loss, arrays, own = LOSSES["spatial"]
    items, slope = xp.both(loss, *(given[k] for k in arrays), num_instances=3, w_seed=2.0, **own)
    assert items[0] == pytest.approx(2 * (given["seed"][0] ** 2).mean(), rel=1e-14)
    assert (slope[0] == 0).all()


def test_one_instance_is_pushed_by_nothing(xp: Library) -> None:
    given = some(4)
    given["ids"] = np.minimum(given["ids"], 1)
    assert_same(both(xp, "discriminative", given, beta=1e6), both(xp, "discriminative", given, beta=0.0))


@every_loss
@pytest.mark.parametrize("place", [0.0, 0.1])
def test_what_coincides_has_finite_gradients(name: str, place: float, xp: Library) -> None:
    given = some(8)
    given["embeddings"] = np.full((2, PIXELS, 2), place)
    options = {"margin": 0.0} if "hinge" in name else {"delta_var": 0.0} if "discriminative" in name else {}
    value, slope = both(xp, name, given, **options)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    if "hinge" in name:
        assert value == 0
        assert (slope == 0).all()


def test_means_that_coincide_are_not_pushed_apart(xp: Library) -> None:
    e = np.asarray([[[0.0], [2.0], [0.5], [1.5]]])
    options = {"num_instances": 2, "gamma": 0.0, "alpha": 0.0}
    value, slope = xp.both(al.discriminative_loss, e, TWO_EACH, **options)
    assert value == 9
    assert (slope == 0).all()


def test_a_bandwidth_of_zero_leaves_the_center_alone(xp: Library) -> None:
    e = np.asarray([[[0.0], [1.0], [0.5], [0.25]]])
    ids, zero = np.asarray([[1, 1, 1, 0]]), np.zeros((1, 4, 1))
    options = {"num_instances": 1, "coords": np.full((4, 1), 0.5), "bandwidth": "sigma", "w_seed": 0.0}
    value, slope = xp.both(al.spatial_embedding_loss, e, ids, zero, zero[..., 0], **options)
    # Margins of 2 where the pixel is not the center itself.
    assert value == pytest.approx(2 * 2 / 3, rel=1e-14)
    assert (slope == 0).all()


# --- what does not belong -------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [4, -1, 10**6])
def test_an_id_out_of_range_spoils_its_pixel_alone_or_its_image(bad: int, xp: Library) -> None:
    given = some(9)
    ids = given["ids"].copy()
    ids[0, 4] = bad
    where = np.ones((2, PIXELS), dtype=bool)
    where[0, 4] = False
    for name, (loss, arrays, own) in LOSSES.items():
        spoilt = [ids if k == "ids" else given[k] for k in arrays]
        options = {"num_instances": 3} | own
        items, slope = xp.both(loss, *spoilt, **options)
        left, slope_left = xp.both(loss, *spoilt, where=where, **options)
        if "hinge" in name:
            assert np.isnan(items[0, 4])
            items[0, 4] = 0
            assert_same((items, slope), (left, slope_left))
        else:
            assert np.isnan(items[0])
            assert_same((items[1:], slope[1:]), (left[1:], slope_left[1:]))
            assert (slope[0] == 0).all()


def test_a_nan_spoils_its_instance_alone(xp: Library) -> None:
    for junk in (math.nan, math.inf):
        given = some(10)
        given["embeddings"][0, 0] = junk
        spoilt = given["ids"][0] == given["ids"][0, 0]
        items = xp.items(
            al.embedding_hinge_loss, given["embeddings"], given["ids"], num_instances=3, margin=0.0
        )
        assert (np.isnan(items[0]) == spoilt).all()
        assert np.isfinite(items[1]).all()


X, IDS = np.zeros((1, 4, 2)), np.zeros((1, 4), dtype=int)
SIGMA, SEED, COORDS = np.zeros((1, 4, 1)), np.zeros((1, 4)), np.zeros((4, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=0, margin=0.5),
            ValueError,
            "embedding_hinge_loss: num_instances must be a positive integer, got 0",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=2, margin=-0.5),
            ValueError,
            "embedding_hinge_loss: margin must be nonnegative, got -0.5",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=2, margin=0.5, p=0.5),
            ValueError,
            "embedding_hinge_loss: p must be at least 1, got 0.5",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS.astype(float), num_instances=2, margin=0.5),
            TypeError,
            "embedding_hinge_loss: ids must be an integer array, got float64",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS[:, :3], num_instances=2, margin=0.5),
            ValueError,
            "embedding_hinge_loss: ids must have shape (1, 4), got (1, 3)",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=2, margin=0.5, center="coords"),
            ValueError,
            "embedding_hinge_loss: coords must be an array if center is 'coords', got None",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=2, margin=0.5, coords=COORDS),
            ValueError,
            "embedding_hinge_loss: coords must be None unless center is 'coords', got ndarray",
        ),
        (
            lambda: al.embedding_hinge_loss(
                X, IDS, num_instances=2, margin=0.5, center="coords", coords=COORDS[:3]
            ),
            ValueError,
            "embedding_hinge_loss: coords must have shape (4, 2), got (3, 2)",
        ),
        (
            lambda: al.embedding_hinge_loss(X, IDS, num_instances=2, margin=0.5, center="mean"),
            ValueError,
            "embedding_hinge_loss: center must be 'embeddings' or 'coords', got 'mean'",
        ),
        (
            lambda: al.discriminative_loss(X, IDS, num_instances=2, delta_dist=-1.0),
            ValueError,
            "discriminative_loss: delta_dist must be nonnegative, got -1.0",
        ),
        (
            lambda: al.discriminative_loss(X, IDS, num_instances=2, where=np.ones((2, 4), dtype=bool)),
            ValueError,
            "discriminative_loss: where must broadcast to shape (1, 4), got (2, 4)",
        ),
        (
            lambda: al.spatial_embedding_loss(X, IDS, SIGMA, SEED, num_instances=2),
            ValueError,
            "spatial_embedding_loss: coords must be an array if to_center is True, got None",
        ),
        (
            lambda: al.spatial_embedding_loss(
                X, IDS, SIGMA, SEED, num_instances=2, coords=COORDS, to_center=False
            ),
            ValueError,
            "spatial_embedding_loss: coords must be None unless to_center is True, got ndarray",
        ),
        (
            lambda: al.spatial_embedding_loss(X, IDS, SIGMA, SIGMA, num_instances=2, coords=COORDS),
            ValueError,
            "spatial_embedding_loss: seed must have shape (1, 4), got (1, 4, 1)",
        ),
        (
            lambda: al.spatial_embedding_loss(
                X, IDS, np.zeros((1, 4, 3)), SEED, num_instances=2, coords=COORDS
            ),
            ValueError,
            "spatial_embedding_loss: sigma must have shape (1, 4, 1), got (1, 4, 3)",
        ),
        (
            lambda: al.spatial_embedding_loss(
                X, IDS, SIGMA, SEED, num_instances=2, coords=COORDS, bandwidth="exp"
            ),
            ValueError,
            "spatial_embedding_loss: bandwidth must be 'exp10' or 'sigma', got 'exp'",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
