"""The losses that are measured: what they are given, how ours is called, and what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import by_hand
import composed
import jax
import jax.numpy as jnp
import numpy as np
import optax.losses as optax
import scipy.special
import sklearn.metrics
import torch
import torch.nn.functional as F

import arraylosses as al

Array = Any
Function = Callable[..., Any]
Shape = tuple[int, ...]
Rng = np.random.Generator


class Peer(NamedTuple):
    """Somebody else's loss; of NumPy with the value and the gradient too, which nobody else derives there."""

    name: str
    value: Function
    both: Function | None = None


class Hot(NamedTuple):
    """One loss of the hot set."""

    name: str
    inputs: Callable[..., tuple[Array, ...]]  # of the random numbers and a shape
    large: Shape
    quick: Shape
    small: Shape
    loss: Function
    peers: Mapping[str, tuple[Peer, ...]]  # by the library that makes their arrays
    options: Mapping[str, Any] = {}
    wrt: tuple[int, ...] = (0,)


def peers(torch: Peer, jax: Peer, hand: Function, *scipy: Peer) -> dict[str, tuple[Peer, ...]]:
    numpy = (Peer("by hand", partial(hand, gradient=False), hand), *scipy)
    return {"torch": (torch,), "jax": (jax,), "numpy": numpy}


def both_composed(function: Function) -> tuple[Peer, Peer]:
    return Peer("composed", partial(function, torch)), Peer("composed", partial(function, jnp))


def mean(function: Function, **options: Any) -> Function:
    return lambda *args: function(*args, **options).mean()


# --- inputs --------------------------------------------------------------------------------------


def normal(rng: Rng, *shape: int) -> Array:
    return rng.standard_normal(shape, dtype=np.float32)


def reals(rng: Rng, *shape: int) -> tuple[Array, ...]:
    return 2 * normal(rng, *shape), normal(rng, *shape)


def binary(rng: Rng, *shape: int) -> tuple[Array, ...]:
    return 3 * normal(rng, *shape), (rng.random(shape) < 0.5).astype(np.float32)


def labelled(rng: Rng, n: int, c: int) -> tuple[Array, ...]:
    return 3 * normal(rng, n, c), rng.integers(0, c, n)


def distributions(rng: Rng, n: int, c: int) -> tuple[Array, ...]:
    log_p, log_t = (scipy.special.log_softmax(normal(rng, n, c), axis=-1) for _ in range(2))
    return log_p, np.exp(log_t)


def with_variance(rng: Rng, n: int) -> tuple[Array, ...]:
    return *reals(rng, n), rng.uniform(0.1, 2, n).astype(np.float32)


def maps(rng: Rng, *shape: int) -> tuple[Array, ...]:
    return rng.random(shape, dtype=np.float32), (rng.random(shape) < 0.5).astype(np.float32)


def boxes(rng: Rng, n: int) -> tuple[Array, ...]:
    near, size = 4 * rng.random((2, n, 2)), 1 + 9 * rng.random((2, n, 2))
    pred, target = np.concatenate((near, near + size), axis=-1).astype(np.float32)
    return pred, target


def identities(rng: Rng, n: int, d: int) -> tuple[Array, ...]:
    return normal(rng, n, d), np.arange(n) % (n // 4)


def images(rng: Rng, *shape: int) -> tuple[Array, ...]:
    target = rng.random(shape, dtype=np.float32)
    return np.clip(target + 0.1 * normal(rng, *shape), 0, 1), target


def sequences(rng: Rng, n: int, frames: int, c: int, count: int) -> tuple[Array, ...]:
    return normal(rng, n, frames, c), rng.integers(1, c, (n, count))


# --- calls that need more than a name -------------------------------------------------------------


def ctc_of_logits(logits: Array, labels: Array) -> Array:
    """Ours begins at log-probabilities; of logits the gradients of all peers are the same."""
    if isinstance(logits, torch.Tensor):
        return al.ctc_loss(F.log_softmax(logits, -1), labels)
    if isinstance(logits, jax.Array):
        return al.ctc_loss(jax.nn.log_softmax(logits), labels)
    xp = logits.__array_namespace__()
    below = logits - xp.max(logits, axis=-1, keepdims=True)
    return al.ctc_loss(below - xp.log(xp.sum(xp.exp(below), axis=-1, keepdims=True)), labels)


def torch_ctc(logits: Array, labels: Array) -> Array:
    n, frames, _ = logits.shape
    log_p = F.log_softmax(logits, -1).transpose(0, 1)
    lengths: Any = [frames] * n, [labels.shape[1]] * n
    return F.ctc_loss(log_p, labels, *lengths)


def optax_ctc(logits: Array, labels: Array) -> Array:
    nothing, none = jnp.zeros(logits.shape[:2]), jnp.zeros(labels.shape)
    return jnp.mean(optax.ctc_loss(logits, nothing, labels, none)) / labels.shape[1]


def scipy_cross_entropy(z: Array, labels: Array) -> Array:
    return -np.mean(scipy.special.log_softmax(z, axis=-1)[np.arange(len(z)), labels])


def scipy_bce(z: Array, y: Array) -> Array:
    return -np.mean(y * scipy.special.log_expit(z) + (1 - y) * scipy.special.log_expit(-z))


def scipy_kl(log_p: Array, t: Array) -> Array:
    return np.sum(scipy.special.rel_entr(t, np.exp(log_p))) / len(t)


def sklearn_mse(p: Array, t: Array) -> Array:
    return sklearn.metrics.mean_squared_error(t, p)


SCIPY_HUBER = Peer("scipy.special.huber", lambda p, t: np.mean(scipy.special.huber(1, p - t)))
N, QUICK = 10**7, 10**6


def cross_entropy(name: str, large: Shape) -> Hot:
    return Hot(
        f"cross-entropy, {name}",
        labelled,
        large,
        large,
        (8, 8),
        al.cross_entropy,
        peers(
            Peer("F.cross_entropy", F.cross_entropy),
            Peer("optax", mean(optax.softmax_cross_entropy_with_integer_labels)),
            by_hand.cross_entropy,
            Peer("scipy.special.log_softmax", scipy_cross_entropy),
        ),
    )


# The shapes: whole, quick, and one call that is nearly all overhead.
POINTWISE = ((N,), (QUICK,), (8,))

HOT_SET = (
    Hot(
        "squared error",
        reals,
        *POINTWISE,
        al.squared_error,
        peers(
            Peer("F.mse_loss", F.mse_loss),
            Peer("optax", mean(optax.squared_error)),
            by_hand.squared_error,
            Peer("sklearn.metrics", sklearn_mse),
        ),
    ),
    Hot(
        "smooth L1",
        reals,
        *POINTWISE,
        al.smooth_l1_loss,
        peers(
            Peer("F.smooth_l1_loss", F.smooth_l1_loss),
            Peer("composed", partial(composed.smooth_l1, jnp)),
            by_hand.huber,
            SCIPY_HUBER,
        ),
    ),
    Hot(
        "Huber",
        reals,
        *POINTWISE,
        al.huber_loss,
        peers(
            Peer("F.huber_loss", F.huber_loss),
            Peer("optax", mean(optax.huber_loss)),
            by_hand.huber,
            SCIPY_HUBER,
        ),
    ),
    Hot(
        "binary cross-entropy",
        binary,
        *POINTWISE,
        al.binary_cross_entropy_with_logits,
        peers(
            Peer("F.binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits),
            Peer("optax", mean(optax.sigmoid_binary_cross_entropy)),
            by_hand.binary_cross_entropy,
            Peer("scipy.special.log_expit", scipy_bce),
        ),
    ),
    Hot(
        "sigmoid focal",
        binary,
        *POINTWISE,
        al.sigmoid_focal_loss,
        peers(
            Peer("composed, as torchvision", partial(composed.focal, torch)),
            Peer("optax", mean(optax.sigmoid_focal_loss, alpha=0.25)),
            by_hand.focal,
        ),
    ),
    cross_entropy("4096 × 1000", (4096, 1000)),
    cross_entropy("65536 × 16", (65536, 16)),
    cross_entropy("64 × 50257", (64, 50257)),
    Hot(
        "KL divergence",
        distributions,
        (N // 100, 100),
        (QUICK // 100, 100),
        (2, 4),
        al.kl_divergence,
        peers(
            Peer("F.kl_div", partial(F.kl_div, reduction="batchmean")),
            Peer("optax", mean(optax.kl_divergence)),
            by_hand.kl_divergence,
            Peer("scipy.special.rel_entr", scipy_kl),
        ),
    ),
    Hot(
        "Gaussian NLL",
        with_variance,
        *POINTWISE,
        al.gaussian_nll,
        peers(
            Peer("F.gaussian_nll_loss", F.gaussian_nll_loss),
            Peer("composed", partial(composed.gaussian_nll, jnp)),
            by_hand.gaussian_nll,
        ),
        wrt=(0, 2),
    ),
    Hot(
        "Dice",
        maps,
        (10, 4, 500, 500),
        (4, 1, 500, 500),
        (1, 1, 2, 4),
        al.dice_loss,
        peers(*both_composed(composed.dice), by_hand.dice),  # optax's looks at values, and does not trace
    ),
    Hot(
        "GIoU",
        boxes,
        (N // 10,),
        (QUICK // 10,),
        (8,),
        al.giou_loss,
        peers(
            Peer("composed, as torchvision", partial(composed.giou, torch)),
            Peer("composed", partial(composed.giou, jnp)),
            by_hand.giou,
        ),
    ),
    Hot(
        "triplet batch-hard",
        identities,
        (2048, 128),
        (512, 128),
        (8, 8),
        al.triplet_batch_hard_loss,
        peers(*both_composed(composed.triplet_batch_hard), by_hand.triplet_batch_hard),
        options={"method": "gram"},
    ),
    Hot(
        "SSIM",
        images,
        (4, 3, 256, 256),
        (2, 3, 128, 128),
        (1, 1, 16, 16),
        al.ssim_loss,
        peers(*both_composed(composed.ssim), by_hand.ssim),
    ),
    Hot(
        "CTC",
        sequences,
        (32, 200, 64, 40),
        (8, 50, 32, 10),
        (8, 8, 8, 2),
        ctc_of_logits,
        peers(Peer("F.ctc_loss", torch_ctc), Peer("optax", optax_ctc), by_hand.ctc),
    ),
)
