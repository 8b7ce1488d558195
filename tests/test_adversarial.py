"""Objectives in which structures come together, and penalties of slopes that are differentiated again."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.structures import leaves

from .backends import JAX, LIBRARIES, CompiledTorch

REAL, FAKE = np.asarray([1.0, -0.5, 0.25]), np.asarray([0.3, -2.0])
X, Y = np.asarray([[1.5, 2.0, -1.0]]), np.asarray([[1.0, 2.5, 0.5]])
SCORES = [np.asarray([0.5, 1.0]), {"mean": np.asarray([0.0])}]
FEATURES = [(X, X + 1), (2 * X[:, :2],)], [(Y, Y), (Y[:, :2],)]
MELS = np.asarray([[0.25, 1.0]]), np.asarray([[0.5, 1.5]])
HIFIGAN = (SCORES, *FEATURES, *MELS)

every_library = pytest.mark.parametrize("backend", LIBRARIES, ids=str)


def refusal(loss: Any, *given: Any, error: Any = ValueError, **options: Any) -> str:
    with pytest.raises(error) as caught:
        loss(*given, **options)
    return str(caught.value)


# --- two sets of scores -----------------------------------------------------------------------------


def test_scores_of_two_shapes_have_a_mean_of_their_own() -> None:
    real, fake = al.gan_discriminator_loss(REAL, FAKE, reduction="none")
    assert (real.shape, fake.shape) == ((3,), (2,))
    assert al.gan_discriminator_loss(REAL, FAKE) == pytest.approx(real.mean() + fake.mean())
    assert al.gan_discriminator_loss(REAL, FAKE, reduction="sum") == pytest.approx(real.sum() + fake.sum())
    got = al.gan_discriminator_loss(REAL, FAKE, normalizer=4.0)
    assert got == pytest.approx((real.sum() + fake.sum()) / 4)
    nothing = np.asarray(False)
    assert al.gan_discriminator_loss(np.nan * REAL, FAKE, where=nothing) == 0


def test_scores_of_two_shapes_are_weighed_as_one() -> None:
    got = refusal(al.gan_discriminator_loss, REAL, FAKE, sample_weight=np.ones(3))
    assert got == "gan_discriminator_loss: sample_weight must broadcast to shape (), got (3,)"


def test_the_generator_wants_what_the_discriminator_does_not() -> None:
    """The minimax game has one value, and the Wasserstein game too."""
    for kind in ("minimax", "wgan"):
        _, fake = al.gan_discriminator_loss(REAL, FAKE, kind=kind, reduction="none")
        np.testing.assert_array_equal(al.gan_generator_loss(FAKE, kind=kind, reduction="none"), -fake)


# --- the objective of HiFi-GAN ----------------------------------------------------------------------


def by_hand() -> dict[str, float]:
    pairs = zip(leaves(FEATURES[0]).values(), leaves(FEATURES[1]).values(), strict=True)
    terms = {
        "adversarial": sum(((d - 1) ** 2).mean() for d in leaves(SCORES).values()),
        "feature_matching": 2 * sum(abs(f - r).mean() for f, r in pairs),
        "mel": 45 * abs(MELS[0] - MELS[1]).mean(),
    }
    return {"loss": sum(terms.values()), **terms}


def arrays_of(backend: Any, x: Any) -> Any:
    """The structures in another library."""
    if isinstance(x, dict):
        return {key: arrays_of(backend, part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(arrays_of(backend, part) for part in x)
    return backend.array(x, backend.widest)


@every_library
def test_hifigan_is_the_sum_of_its_terms(backend: Any) -> None:
    with backend.context():
        found = al.hifigan_generator_loss(*arrays_of(backend, HIFIGAN))
        got = {k: float(backend.numpy(x)) for k, x in found._asdict().items()}
    assert got == pytest.approx(by_hand(), rel=1e-14)


@every_library
def test_hifigan_has_the_gradients_of_its_terms(backend: Any) -> None:
    with backend.context():
        scores, fake, real, mel, target = arrays_of(backend, HIFIGAN)
        found, slopes = al.value_and_grad(al.hifigan_generator_loss, (0, 1, 2, 3))(
            scores, fake, real, mel, target
        )
        assert float(backend.numpy(found.loss)) == pytest.approx(by_hand()["loss"])
        want = (
            al.grad(al.gan_generator_loss)(scores, kind="lsgan"),
            al.grad(al.feature_matching_loss)(fake, real),
            arrays_of(backend, [(0 * Y, 0 * Y), (0 * Y[:, :2],)]),
            al.grad(lambda mel: 45 * al.absolute_error(mel, target))(mel),
        )
        for got, expected in zip(slopes, want, strict=True):
            assert leaves(got).keys() == leaves(expected).keys()
            for place, x in leaves(got).items():
                np.testing.assert_allclose(
                    backend.numpy(x), backend.numpy(leaves(expected)[place]), rtol=1e-14
                )


def test_hifigan_is_compiled() -> None:
    pytest.importorskip("torch")
    backend: Any = CompiledTorch()
    compiled = backend.transform(al.hifigan_generator_loss)
    assert float(compiled(*arrays_of(backend, HIFIGAN)).loss) == pytest.approx(by_hand()["loss"])
    jax = pytest.importorskip("jax")
    backend = JAX(x64=True)
    with backend.context():
        found = jax.jit(al.hifigan_generator_loss)(*arrays_of(backend, HIFIGAN))
    assert {k: float(x) for k, x in found._asdict().items()} == pytest.approx(by_hand(), rel=1e-14)


@every_library
def test_hifigan_masked_is_nothing(backend: Any) -> None:
    broken = [np.nan * MELS[0] if x is MELS[0] else x for x in HIFIGAN]
    broken[0] = [np.asarray([np.nan, 1.0]), {"mean": np.asarray(np.inf)}]
    with backend.context():
        options = {"where": backend.array(np.asarray(False))}
        found, slopes = al.value_and_grad(al.hifigan_generator_loss, (0, 1, 3))(
            *arrays_of(backend, broken), **options
        )
        assert all(float(backend.numpy(x)) == 0 for x in found)
        assert not any(backend.numpy(x).any() for x in leaves(slopes).values())


def test_hifigan_names_the_place_of_what_does_not_fit() -> None:
    loss = al.hifigan_generator_loss
    scores, fake, real, mel, target = HIFIGAN
    wrong = [(Y, Y[:, :2]), (Y[:, :2],)]
    got = refusal(loss, scores, fake, wrong, mel, target)
    assert got == "hifigan_generator_loss: real_features[0][1] must have shape (1, 3), got (1, 2)"
    got = refusal(loss, scores, fake, [(Y, Y)], mel, target)
    rule = "must be a sequence of 2 like fake_features"
    assert got == f"hifigan_generator_loss: real_features {rule}, got a sequence of 1"
    got = refusal(loss, [SCORES[0], {}, []], fake, real, mel, MELS[0][:, :1])
    assert got == "hifigan_generator_loss: real_mel must have shape (1, 2), got (1, 1)"
    got = refusal(loss, [], fake, real, mel, target)
    assert got == "hifigan_generator_loss: fake_scores must hold at least one array, got a sequence of 0"
    got = refusal(loss, [SCORES[0], "score"], fake, real, mel, target, error=TypeError)
    assert got == "hifigan_generator_loss: fake_scores[1] must be an array, got str"
    got = refusal(loss, [SCORES[0].astype(int)], fake, real, mel, target, error=TypeError)
    assert got == "hifigan_generator_loss: fake_scores[0] must be a real floating-point array, got int64"
    got = refusal(loss, scores, fake, real, [mel], target, error=TypeError)
    assert got == "hifigan_generator_loss: fake_mel must be an array, got list"
    nan = [(X, X), (np.asarray([[np.nan, 1.0]]),)]
    with al.debug():
        got = refusal(loss, scores, nan, real, mel, target)
    assert got == "hifigan_generator_loss: fake_features[1][0] must not be NaN, got nan at index (0, 0)"
    got = refusal(al.grad(loss), [SCORES[0], SCORES[0].astype(int)], fake, real, mel, target, error=TypeError)
    assert re.fullmatch(
        r"value_and_grad: argument 0\[1\] must be a real floating-point array, got int64", got
    )


# --- slopes that are differentiated again -----------------------------------------------------------


@every_library
@pytest.mark.parametrize("penalty", [al.gradient_penalty, al.r1_penalty, al.r2_penalty])
def test_penalties_are_differentiated_through_the_slopes(backend: Any, penalty: Any) -> None:
    """Of a quadratic critic, whose slope at x is 2 (x·w) w."""
    rng = np.random.default_rng(0)
    inputs, weight = rng.normal(size=(4, 3)), rng.normal(size=3)

    def cost(w: Any) -> Any:
        x = backend.array(inputs, backend.widest)
        slopes = al.grad(lambda x: al.squared_error(x @ w, 0.0, reduction="sum"))(x)
        return penalty(slopes)

    with backend.context():
        value, slope = al.value_and_grad(cost)(backend.array(weight, backend.widest))
        value, slope = backend.numpy(value), backend.numpy(slope)
    explicit = penalty(2 * (inputs @ weight)[:, None] * weight)
    assert float(value) == pytest.approx(float(explicit), rel=1e-13)
    want = al.grad(lambda w: penalty(2 * (inputs @ w)[:, None] * w))(weight)
    np.testing.assert_allclose(slope, want, rtol=1e-12)
