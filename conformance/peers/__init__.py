"""The loss functions of other libraries, called as ours are: one module for each, an adapter.

An adapter has a `FRAMEWORK`, and functions with the names and the arguments of our losses. It says how
our arguments become those of the peer, and mends nothing: what the peer returns is what is seen. An
argument that a function lacks, and one for whose value it raises `NotImplementedError`, are not
applicable to the peer. A function without `reduction` returns the loss of each item. With
`DIFFERENTIABLE = False` in the module there are no gradients; with `CONSTANTS` there are none in the
arrays that it names of a loss, which the peer takes for labels or masks and does not mean to differentiate.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """A library that has losses of ours too."""

    name: str
    module: str  # the adapter, in this folder
    framework: str  # of `conformance.frameworks`
    package: str  # the distribution, for its version
    environment: Mapping[str, str] = field(default_factory=dict)  # set before the peer is imported
    dtypes: tuple[str, ...] = ()  # in which it is run: all that the framework has, if none is named


def _peer(
    name: str,
    framework: str,
    package: str,
    adapter: str = "",
    dtypes: tuple[str, ...] = (),
    **environment: str,
) -> Peer:
    adapter = adapter or name.replace("-", "_")
    return Peer(name, adapter, framework, package, environment, dtypes)


# Without half precision. On JAX every case is a program to be compiled, which would be as many again; Keras
# has its losses in float32 where models run in less; and the float16 of NumPy is one for storage, in which
# SciPy and scikit-learn lose what says nothing of them.
FULL = ("float64", "float32")


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        _peer("torch", "torch", "torch"),
        _peer("optax", "jax", "optax", dtypes=FULL),
        _peer("keras-jax", "jax", "keras", "keras", FULL, KERAS_BACKEND="jax"),
        _peer("keras-torch", "torch", "keras", "keras", FULL, KERAS_BACKEND="torch"),
        _peer("scikit-learn", "numpy", "scikit-learn", dtypes=FULL),
        _peer("scipy", "numpy", "scipy", dtypes=FULL),
        _peer("torchvision", "torch", "torchvision"),
        _peer("kornia", "torch", "kornia"),
        _peer("monai", "torch", "monai"),
        _peer("smp", "torch", "segmentation-models-pytorch"),
        _peer("pytorch-metric-learning", "torch", "pytorch-metric-learning"),
        _peer("torchmetrics", "torch", "torchmetrics"),
    )
}


def installed(peer: Peer) -> bool:
    return version(peer) != ""


def version(peer: Peer) -> str:
    """The version of the peer, without importing it and how it was built; "" if it is not installed."""
    try:
        return importlib.metadata.version(peer.package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""
