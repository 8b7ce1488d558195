"""What is known of each loss, for its page: other libraries, accuracy, speed, relations."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markup import code, folded, literal, table
from measure import spelled

from arraylosses._core.registry import LOSSES, Loss
from arraylosses.cli import kit

ROOT = Path(__file__).parents[2]
NAMES = {
    "torch": "PyTorch",
    "optax": "optax",
    "keras-jax": "Keras on JAX",
    "keras-torch": "Keras on PyTorch",
    "scikit-learn": "scikit-learn",
    "scipy": "SciPy",
    "torchvision": "torchvision",
    "kornia": "kornia",
    "monai": "MONAI",
    "smp": "segmentation-models-pytorch",
    "pytorch-metric-learning": "pytorch-metric-learning",
    "torchmetrics": "torchmetrics",
}
BACKENDS = {
    "numpy": "NumPy",
    "strict": "array-api-strict",
    "torch": "PyTorch",
    "jax": "JAX",
    "dask": "Dask",
    "cupy": "CuPy",
    "torch-cuda": "PyTorch, CUDA",
}
# The losses by the names that they are measured under.
MEASURED = {
    "squared error": "squared_error",
    "smooth L1": "smooth_l1_loss",
    "Huber": "huber_loss",
    "binary cross-entropy": "binary_cross_entropy_with_logits",
    "sigmoid focal": "sigmoid_focal_loss",
    "cross-entropy": "cross_entropy",
    "KL divergence": "kl_divergence",
    "Gaussian NLL": "gaussian_nll",
    "Dice": "dice_loss",
    "GIoU": "giou_loss",
    "triplet batch-hard": "triplet_batch_hard_loss",
    "SSIM": "ssim_loss",
    "CTC": "ctc_loss",
}
EDGES = ("kink", "degenerate", "domain", "clamp", "label", "inf", "nan", "extreme")


# --- other libraries -----------------------------------------------------------------------------


@functools.cache
def adapters() -> dict[str, dict[str, str]]:
    """By peer, the source of the function of its adapter for each loss; adapters are not imported."""
    peers = kit.module("peers")
    folder = Path(peers.__file__).parent
    found: dict[str, dict[str, str]] = {}
    for name, peer in peers.PEERS.items():
        source = (folder / f"{peer.module}.py").read_text(encoding="utf-8")
        functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
        found[name] = {f.name: ast.get_source_segment(source, f) or "" for f in functions if f.name in LOSSES}
    return found


@functools.cache
def versions() -> dict[str, str]:
    """The versions of other libraries that the evidence is from."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def elsewhere(spec: Loss) -> list[str]:
    """Who else has the loss, how it is called there, and where it does otherwise."""
    calls, parts = vectors(spec.name)["peers"], []
    packages = {name: peer.package for name, peer in kit.module("peers").PEERS.items()}
    for name, functions in adapters().items():
        if spec.name not in functions:
            continue
        version = versions().get(packages[name], "")
        call = calls.get(name, calls.get(name.partition("-")[0], ""))
        parts.append(f".. rubric:: {NAMES[name]} {version}".rstrip())
        parts.append(
            code(call, "none" if "…" in call else "python")
            if call
            else folded("How it is called", code(functions[spec.name]))
        )
        parts.append(deviations(spec.name, name) or "As here, in every case that it can be given.")
    return parts


def deviations(loss: str, peer: str) -> str:
    """What a peer does otherwise, each cause once, defects first."""
    module = kit.module("deviations")
    found: dict[str, Any] = {}
    for d in sorted(module.of(peer), key=lambda d: d.kind != "defect"):
        if d.is_of(loss):
            found.setdefault(d.says, d)
    return "\n".join(_deviation(d) for d in found.values())


def _deviation(d: Any) -> str:
    issue = f" (`reported <{d.issue}>`__)" if d.issue else ""
    kind = ":bdg-danger-line:`defect`" if d.kind == "defect" else ":bdg-secondary-line:`convention`"
    return f"* {kind} {escaped(d.says)}{issue}"


def escaped(text: str) -> str:
    """Text that means no markup, but for code between backticks."""
    return re.sub(r"([*|]|_(?=\W|$))", r"\\\1", text)


# --- the vectors ---------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def vectors(loss: str) -> dict[str, Any]:
    return kit.module("schema").read(loss)


def edges(spec: Loss) -> str:
    """The cases of the vectors at which something special happens, by name."""
    cases = vectors(spec.name)["cases"]
    special = [c["name"] for c in cases if "derived" not in c["tags"] and set(EDGES) & set(c["tags"])]
    if not special:
        return ""
    count = f"{len(special)} of its {len(cases)} vectors are about kinks, extremes and degenerate inputs"
    return folded(count, "\n".join(f"* {escaped(name)}" for name in special))


def relations_of(spec: Loss) -> str:
    held = [r for r in kit.module("relations.laws").RELATIONS if r.applies_to(spec.name)]
    if not held:
        return ""
    lines = "\n".join(f"* *{r.name}*: {escaped(' '.join(r.says.split()))}" for r in held)
    return folded(f"{len(held)} relations that are held on every framework", lines)


# --- accuracy ------------------------------------------------------------------------------------


def accuracy(spec: Loss) -> list[str]:
    """The worst error in ulp: over the vectors, by backend and dtype, and over many inputs."""
    kind, page = kit.module("accuracy"), kit.module("accuracy.page")
    records = kind.read("vectors").get(spec.name, {})
    rows = []
    for column, r in records.items():
        backend, dtype = column.split()
        cells = (str(r["cases"]), page.ulp(r["value"]), page.ulp(r["gradient"]))
        rows.append([BACKENDS.get(backend, backend), dtype, *cells])
    reason = kit.module("accuracy.reasons").REASONS.get(spec.name)
    return [
        table(["backend", "dtype", "cases", "value", "gradient"], rows),
        table(["call, float32", "inputs", "value", "gradient"], _many(spec.name, kind, page)),
        f"Why it is more than {page.BOUND} somewhere: {escaped(reason)}" if reason else "",
    ]


def _many(loss: str, kind: Any, page: Any) -> Iterator[list[str]]:
    for key, r in kind.read("exhaustive").get(loss, {}).items():
        inputs = "every float32" if r["every"] == 1 else f"{r['inputs']:,}, sampled"
        yield [literal(f"{loss}({key})"), inputs, page.ulp(r["value"]["ulp"]), page.ulp(r["gradient"]["ulp"])]
    for key, r in kind.read("sampled").get(loss, {}).items():
        slopes = [float(v["ulp"]) for k, v in r.items() if k.startswith("gradient")]
        worst = page.ulp(max(slopes)) if slopes else "–"
        yield [literal(f"{loss}({key})"), f"{r['inputs']:,}", page.ulp(r["value"]["ulp"]), worst]


# --- speed ---------------------------------------------------------------------------------------


@functools.cache
def benchmarks(file: str) -> dict[str, Any]:
    return json.loads((ROOT / "benchmarks" / file).read_text(encoding="utf-8"))


def speed(spec: Loss) -> list[str]:
    """Value and gradient beside the fastest peer, where it has been measured."""
    parts = []
    for file, place in (("results.json", "Machine"), ("results-gpu.json", "Card")):
        found = benchmarks(file)
        rows = [
            [r["mode"], r["loss"].partition(", ")[2] or "–", spelled(r["ours"]), r["peer"] or "–", _ratio(r)]
            for r in found["results"]
            if MEASURED[r["loss"].partition(",")[0]] == spec.name and r["measure"] == "value and gradient"
        ]
        if rows:
            head = ["on", "shape", "ours", "the fastest else", "ours to theirs"]
            parts += [f"{found[place]}:", table(head, rows)]
    return parts


def _ratio(r: dict[str, Any]) -> str:
    return f"{r['ratio']:.2f}" if r["peer"] else "–"
