"""Losses of all pairs of a batch: worked numbers, identities, and what others get wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

# Unit vectors at cosines of 0.8, 0, -0.6, 0.6, 0 and 0.8.
FOUR = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
TWO_EACH, THREE_ALIKE = np.asarray([0, 0, 1, 1]), np.asarray([0, 0, 0, 1])
WITH_REF: dict[str, dict[str, Any]] = {
    "triplet_batch_all_loss": {"margin": 1.0},
    "triplet_batch_hard_loss": {"margin": 1.0},
    "triplet_semi_hard_loss": {"margin": 1.0},
    "multi_similarity_loss": {"beta": 8.0},
    "circle_loss": {"gamma": 4.0},
    "angular_loss": {},
    "nt_xent_loss": {"temperature": 0.5},
    "sup_con_loss": {"temperature": 0.5},
}
LOSSES = WITH_REF | {"lifted_structure_loss": {}, "histogram_loss": {"bins": 8}}
NORMALISED = [name for name in LOSSES if "triplet" not in name and name != "lifted_structure_loss"]
every_loss = pytest.mark.parametrize("name", LOSSES)
every_loss_with_ref = pytest.mark.parametrize("name", WITH_REF)
SEVEN = np.random.default_rng(5).normal(size=(7, 3))
GROUPS = np.asarray([4, 7, 4, 7, 7, 9, 4])


def both(name: str, x: Any, labels: Any, *rest: Any, **options: Any) -> tuple[Any, Any]:
    """The loss and its gradient."""
    value, slope = al.value_and_grad(getattr(al, name))(x, labels, *rest, **LOSSES[name] | options)
    return value, slope


def value(name: str, *arrays: Any, **options: Any) -> Any:
    return getattr(al, name)(*arrays, **LOSSES[name] | options)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels", "options", "expected"),
    [
        ("triplet_batch_all_loss", TWO_EACH, {"margin": 1.0}, 0.293628),
        ("triplet_batch_all_loss", TWO_EACH, {"margin": 1.0, "reduction": "sum"}, 2.349025),
        ("triplet_batch_all_loss", TWO_EACH, {"margin": 1.0, "nonzero_only": True}, 0.391504),
        ("triplet_batch_all_loss", TWO_EACH, {"margin": 0.2}, 0.0),
        ("triplet_batch_hard_loss", TWO_EACH, {"margin": 1.0}, 0.478135),
        ("triplet_batch_hard_loss", TWO_EACH, {"soft": True}, 0.473754),
        ("triplet_semi_hard_loss", TWO_EACH, {"margin": 1.0}, 0.478135),
        ("lifted_structure_loss", TWO_EACH, {}, 1.432825),
        ("multi_similarity_loss", TWO_EACH, {}, 0.268811),
        ("multi_similarity_loss", TWO_EACH, {"base": 1.0}, 0.456508),
        ("circle_loss", TWO_EACH, {"margin": 0.25, "gamma": 64.0}, 8.908066),
        ("circle_loss", TWO_EACH, {}, 3.200864),
        ("nt_xent_loss", TWO_EACH, {}, 0.0279325),
        ("nt_xent_loss", TWO_EACH, {"temperature": 0.5}, 0.430190),
        ("nt_xent_loss", TWO_EACH, {"temperature": 0.5, "denominator": "all"}, 0.430190),
        ("nt_xent_loss", THREE_ALIKE, {"temperature": 0.5}, 0.577736),
        ("sup_con_loss", THREE_ALIKE, {"temperature": 0.5}, 1.162501),
        ("sup_con_loss", TWO_EACH, {}, 0.0637798),
        ("angular_loss", TWO_EACH, {}, 0.373649),
        ("angular_loss", TWO_EACH, {"alpha": 40.0}, 0.312392),
        ("histogram_loss", TWO_EACH, {"bins": 4}, 0.13),
    ],
)
def test_worked_numbers(xp: Library, name: str, labels: Any, options: Any, expected: float) -> None:
    got = xp.items(getattr(al, name), FOUR, labels, **{"reduction": "mean"} | options)
    assert float(got) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("triplet_batch_hard_loss", {"margin": 1.0}, [0.218242, 0.738028, 0.738028, 0.218242]),
        ("multi_similarity_loss", {}, [0.218744, 0.318878, 0.318878, 0.218744]),
        ("sup_con_loss", {"temperature": 0.5}, [1.033257, 0.827123, 1.627123, 0.0]),
    ],
)
def test_worked_items(xp: Library, name: str, options: Any, expected: list[float]) -> None:
    labels = THREE_ALIKE if name == "sup_con_loss" else TWO_EACH
    np.testing.assert_allclose(xp.items(getattr(al, name), FOUR, labels, **options), expected, atol=1e-6)


# --- edges ----------------------------------------------------------------------------------------

VECTORS = {
    "ordinary": SEVEN,
    "coincident": np.ones((7, 3)),
    "zero": np.zeros((7, 3)),
    "some of them zero": SEVEN * np.asarray([1, 1, 0, 1, 0, 1, 1])[:, None],
    "1e30": SEVEN * 1e30,
    "1e-30": SEVEN * 1e-30,
}
IDENTITIES = {
    "some": GROUPS,
    "all the same": np.zeros(7, int),
    "all different": np.arange(7),
    "a single row": np.zeros(1, int),
    "none": np.zeros(0, int),
}


@every_loss
@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("identities", IDENTITIES)
def test_value_and_gradient_are_finite(name: str, vectors: str, identities: str) -> None:
    labels = IDENTITIES[identities]
    x = VECTORS[vectors][: len(labels)]
    for dtype in ("float64", "float32") if name in NORMALISED else ("float64",):
        got, slope = both(name, x.astype(dtype), labels)
        assert np.isfinite(got)
        assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", NORMALISED)
@pytest.mark.parametrize("scale", [1e30, 1e-30, 3.0])
def test_length_does_not_matter(name: str, scale: float) -> None:
    assert value(name, SEVEN * scale, GROUPS) == pytest.approx(value(name, SEVEN, GROUPS), rel=1e-13)


@pytest.mark.parametrize(
    ("name", "pulls"),
    [
        ("multi_similarity_loss", True),
        ("sup_con_loss", True),
        ("circle_loss", False),
        ("angular_loss", False),
    ],
)
def test_one_identity(name: str, pulls: bool) -> None:
    got, slope = both(name, SEVEN, np.zeros(7, int))
    assert (got > 0) == pulls
    assert (abs(slope).max() > 0) == pulls


# --- invariances ----------------------------------------------------------------------------------

eighths = st.integers(-32, 32).map(lambda n: n / 8)
rows = st.lists(st.tuples(eighths, eighths, st.integers(0, 3)), min_size=1, max_size=7)


@every_loss
@settings(max_examples=12, deadline=None)
@given(batch=rows, seed=st.integers(0, 99))
def test_order_and_names_do_not_matter(name: str, batch: list[Any], seed: int) -> None:
    x, labels = np.asarray([row[:2] for row in batch]), np.asarray([row[2] for row in batch])
    order = np.random.default_rng(seed).permutation(len(labels))
    got, want = value(name, x[order], 1000 - 7 * labels[order]), value(name, x, labels)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


@every_loss
def test_masked_rows_that_hold_nan_change_nothing(xp: Library, name: str) -> None:
    padded = np.concatenate([SEVEN, np.full((2, 3), math.nan)])
    labels, inside = np.concatenate([GROUPS, [4, 9]]), np.arange(9) < 7
    options = LOSSES[name] | {"reduction": "mean"}
    got, slope = xp.both(getattr(al, name), padded, labels, where=inside, **options)
    want, plain = xp.both(getattr(al, name), SEVEN, GROUPS, **options)
    assert_same([got], [want])
    assert_same(slope[:7], plain)
    assert np.all(slope[7:] == 0)


# --- other rows and masks -------------------------------------------------------------------------


@every_loss_with_ref
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_the_batch_beside_itself(xp: Library, name: str, chunk_size: int | None) -> None:
    alone = xp.items(getattr(al, name), SEVEN, GROUPS, **WITH_REF[name])
    beside = xp.items(
        getattr(al, name),
        SEVEN,
        GROUPS,
        SEVEN,
        GROUPS,
        self_mask=np.eye(7, dtype=bool),
        chunk_size=chunk_size,
        **WITH_REF[name],
    )
    assert_same([alone], [beside])


@every_loss_with_ref
def test_masked_other_rows_are_deleted(name: str) -> None:
    ref = np.concatenate([SEVEN[::-1] + 0.5, np.full((1, 3), math.nan)])
    labels, inside = np.asarray([4, 4, 7, 9, 9, 7, 4, 4]), np.arange(8) != 7

    def slopes(f: Any, *arrays: Any, **options: Any) -> Any:
        return al.grad(f, argnums=(0, 2))(*arrays, **WITH_REF[name] | options)

    f = getattr(al, name)
    of_x, of_ref = slopes(f, SEVEN, GROUPS, ref, labels, ref_where=inside)
    want_x, want_ref = slopes(f, SEVEN, GROUPS, ref[:7], labels[:7])
    assert_same([of_x, of_ref[:7]], [want_x, want_ref])
    assert np.all(of_ref[7] == 0)
    ignored = np.where(inside, labels, -1)
    assert_same(slopes(f, SEVEN, GROUPS, ref, ignored, ignore_index=-1)[0], want_x)


@every_loss_with_ref
def test_masks_in_the_place_of_labels(name: str) -> None:
    same = GROUPS[:, None] == GROUPS
    unknown = np.zeros(7, int)
    got = both(name, SEVEN, unknown, pos_mask=same, neg_mask=~same)
    assert_same(got, both(name, SEVEN, GROUPS))
    inside = np.arange(7) != 2
    got = value(name, SEVEN, unknown, pos_mask=same, neg_mask=~same, where=inside)
    kept = same[inside][:, inside]
    want = value(name, SEVEN[inside], unknown[inside], pos_mask=kept, neg_mask=~kept)
    assert got == pytest.approx(want, rel=1e-13)
    ref = value(name, SEVEN, unknown, ref=SEVEN[:4], pos_mask=same[:, :4], neg_mask=~same[:, :4])
    assert ref == pytest.approx(value(name, SEVEN, GROUPS, SEVEN[:4], GROUPS[:4]), rel=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ref": FOUR}, "ref_labels must be given with ref, got None"),
        ({"ref_labels": TWO_EACH}, "ref must be given with ref_labels, got None"),
        ({"ref_where": np.ones(4, bool)}, "ref must be given with ref_where, got None"),
        ({"pos_mask": np.ones((4, 3), bool)}, "pos_mask must have shape (4, 4), got (4, 3)"),
        ({"ref": FOUR[:3], "ref_labels": TWO_EACH}, "ref_labels must have shape (3,), got (4,)"),
        ({"temperature": 0.0}, "temperature must be positive, got 0.0"),
        ({"chunk_size": 0}, "chunk_size must be a positive integer or None, got 0"),
        ({"denominator": "some"}, "denominator must be 'one_positive' or 'all', got 'some'"),
    ],
)
def test_refusals(options: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        al.nt_xent_loss(FOUR, TWO_EACH, **options)
    assert str(caught.value) == f"nt_xent_loss: {message}"


def test_more_refusals() -> None:
    with pytest.raises(ValueError) as caught:
        al.angular_loss(FOUR, TWO_EACH, alpha=90.0)
    assert str(caught.value) == "angular_loss: alpha must be between 0 and 90, in degrees, got 90.0"


# --- identities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"nonzero_only": True}, {"squared": True}, {"margin": 0.0}])
def test_triplets_in_order_are_all_triplets(xp: Library, options: Any) -> None:
    items = xp.items(al.triplet_batch_all_loss, SEVEN, GROUPS, **options)
    same = GROUPS[:, None] == GROUPS
    triplets = (same & ~np.eye(7, dtype=bool))[:, :, None] & ~same[:, None, :]
    if "nonzero_only" in options:
        triplets &= items > 0
    got = xp.items(al.triplet_batch_all_loss, SEVEN, GROUPS, reduction="mean", **options)
    assert float(got) == pytest.approx(items[triplets].mean(), rel=1e-13)


def test_one_positive_for_each_anchor(xp: Library) -> None:
    views, labels = SEVEN[:6], np.asarray([0, 1, 2, 0, 1, 2])
    options = {"temperature": 0.25, "reduction": "mean"}
    sup_con = xp.both(al.sup_con_loss, views, labels, **options)
    inside = xp.both(al.sup_con_loss, views, labels, variant="in", **options)
    every = xp.both(al.nt_xent_loss, views, labels, denominator="all", **options)
    one = xp.both(al.nt_xent_loss, views, labels, **options)
    for other in (inside, every, one):
        assert_same(sup_con, other)


def test_gram_distances_are_the_direct_ones(xp: Library) -> None:
    for name in ("triplet_batch_all_loss", "triplet_batch_hard_loss", "triplet_semi_hard_loss"):
        for squared in (False, True):
            options = {"squared": squared, "margin": 2.0, "reduction": "mean"}
            direct = xp.both(getattr(al, name), SEVEN, GROUPS, method="direct", **options)
            assert_same(direct, xp.both(getattr(al, name), SEVEN, GROUPS, method="gram", **options))


def test_circle_loss_of_classes() -> None:
    weight, classes = SEVEN[:3], np.asarray([0, 2, 2, 1, 0, 1, 2])
    got = al.circle_loss(SEVEN, classes, ref=weight, ref_labels=np.arange(3), margin=0.25, gamma=8.0)
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (SEVEN, weight)]
    s = unit[0] @ unit[1].T
    own = s[np.arange(7), classes]
    others = np.where(np.arange(3) == classes[:, None], -np.inf, 8 * np.maximum(s + 0.25, 0) * (s - 0.25))
    z = -8 * np.maximum(1.25 - own, 0) * (own - 0.75) + np.log(np.exp(others).sum(-1))
    assert got == pytest.approx(np.log1p(np.exp(z)).mean(), rel=1e-12)


# --- what others get wrong ------------------------------------------------------------------------


def test_no_negatives_are_not_a_negative_at_distance_0() -> None:
    # TensorFlow Addons takes the distance of the missing negative for 0.
    x = np.asarray([[0.0, 0.0], [1.0, 1.0]])
    theirs = math.dist(*x) + 1.0
    assert theirs == pytest.approx(2.414214, abs=1e-6)
    assert al.triplet_semi_hard_loss(x, np.asarray([0, 0]), margin=1.0) == 0


def test_angles_do_not_change_with_size() -> None:
    # With negatives as long as they are, twice the embeddings give 1.072845 in the place of 0.312392.
    def theirs(x: Any) -> float:
        unit = x / np.linalg.norm(x, axis=-1, keepdims=True)
        t = math.tan(math.radians(40)) ** 2
        pairs = [(0, 1), (1, 0), (2, 3), (3, 2)]
        f = [
            [4 * t * (unit[a] + unit[p]) @ x[n] - 2 * (1 + t) * unit[a] @ unit[p] for n in range(4)]
            for a, p in pairs
        ]
        kept = [[v for n, v in enumerate(row) if n not in pair] for row, pair in zip(f, pairs, strict=True)]
        return float(np.mean([math.log1p(sum(map(math.exp, row))) for row in kept]))

    assert theirs(FOUR) == pytest.approx(0.312392, abs=1e-6)
    assert theirs(2 * FOUR) == pytest.approx(1.072845, abs=1e-6)
    for scale in (1.0, 2.0):
        assert al.angular_loss(scale * FOUR, TWO_EACH, alpha=40.0) == pytest.approx(0.312392, abs=1e-6)


def test_a_hopeless_pair_costs_what_it_should() -> None:
    # The logarithm of a ratio that underflows saturates at 87.34 in single precision.
    x = np.asarray([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    got = al.nt_xent_loss(x, np.asarray([0, 0, 1]), temperature=0.01, reduction="none")
    assert got[0, 1] == pytest.approx(200.0, rel=1e-6)


def test_no_positive_pair_is_nothing_to_average() -> None:
    # 0/0 elsewhere.
    for name in ("nt_xent_loss", "sup_con_loss"):
        got, slope = both(name, SEVEN, np.arange(7))
        assert got == 0
        assert np.all(slope == 0)


def test_anchors_without_a_positive_do_not_count() -> None:
    got = al.sup_con_loss(FOUR, THREE_ALIKE, temperature=0.5, reduction="sum") / 4
    assert got == pytest.approx(0.871876, abs=1e-6)  # over all anchors
    assert al.sup_con_loss(FOUR, THREE_ALIKE, temperature=0.5) == pytest.approx(1.162501, abs=1e-6)


def test_true_duplicates_are_pairs() -> None:
    # Some drop pairs of a cosine above 1 - 1e-5.
    x = np.asarray([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    items = al.multi_similarity_loss(x, np.asarray([0, 0, 1]), alpha=2.0, base=0.5, reduction="none")
    assert items[0] == pytest.approx(math.log1p(math.exp(-1)) / 2 + math.log1p(math.exp(-25)) / 50, rel=1e-12)


def test_duplicates_in_a_histogram() -> None:
    # A cosine that rounds above 1 falls into no bin elsewhere, and is an error there.
    x = np.asarray([[0.1, 0.2, 0.3]] * 2 + [[0.3, 0.1, 0.7]] * 2)
    got, slope = both("histogram_loss", x, np.asarray([0, 0, 1, 1]), bins=100)
    assert got == 0
    assert np.isfinite(slope).all()


def test_the_row_itself_is_no_positive() -> None:
    # With the row itself as the hardest positive its distance is 0, and every anchor counts.
    x = np.asarray([[0.0], [1.0], [4.0]])
    items = al.triplet_batch_hard_loss(x, np.asarray([0, 1, 2]), margin=2.0, reduction="none")
    assert np.all(items == 0)
