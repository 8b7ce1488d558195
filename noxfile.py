"""Everything that is checked: `nox` runs what has to pass, `nox -l` lists the rest."""

from __future__ import annotations

import os

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "minimal", "tests", "pages"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
# Two thirds of the tests wait for compilers and gain from more processes than one. A process that has
# nothing left to do takes from another.
PARALLEL = ("-n", "2", "--dist", "worksteal")
# XLA compiles what then runs for microseconds. Its rewriting of a graph, which decides on the numbers, stays;
# what is left out makes machine code fast. The fusions have two ways to be written, of which one compiles in
# half the time.
QUICKLY_COMPILED = " ".join(
    (
        "--xla_backend_optimization_level=0",
        "--xla_llvm_disable_expensive_passes=true",
        "--xla_cpu_parallel_codegen_split_count=1",
        "--xla_cpu_use_fusion_emitters=false",
    )
)

STRICTLY = ("-b", "html", "-W", "--keep-going", "-q", "-j", "2")  # a warning is an error


def install(session: nox.Session, *groups: str, extras: str = "cli") -> None:
    """The built wheel, with dependency groups, in the versions of the constraints file."""
    wanted = [spec for group in groups for spec in nox.project.dependency_groups(PYPROJECT, group)]
    session.install("-c", "constraints.txt", *wanted, f".[{extras}]")


def install_checkout(session: nox.Session, *groups: str) -> None:
    """The checkout itself, for what writes into it."""
    wanted = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install("-c", "constraints.txt", *wanted, "-e", ".[cli]")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and types."""
    session.install("-c", "constraints.txt", *nox.project.dependency_groups(PYPROJECT, "lint"), ".[cli]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def minimal(session: nox.Session) -> None:
    """The library on NumPy alone: no other framework is installed."""
    install(session)
    session.run("arraylosses", "validate")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite, on every framework that runs on a CPU."""
    install(session, "test", "frameworks", "boosting")
    flags = os.environ.get("XLA_FLAGS", QUICKLY_COMPILED)
    session.run("pytest", *PARALLEL, *session.posargs, env={"XLA_FLAGS": flags})


@nox.session
def cuda(session: nox.Session) -> None:
    """The whole suite on a machine with a GPU: CuPy too, and what of JAX and PyTorch is installed."""
    install(session, "test", extras="cli,cupy")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the losses beside what one would call otherwise, and write the page about it."""
    install(session, "frameworks", "bench")
    session.run("python", "benchmarks/bench.py", *session.posargs)


@nox.session
def vectors(session: nox.Session) -> None:
    """Write the vectors anew; what has changed is for version control to say."""
    install_checkout(session, "test")
    session.run("python", "-m", "conformance", "vectors", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Hold the losses of other libraries against the vectors, and run the tables of their calls."""
    install(session, "test", "frameworks", "peers")
    named = session.posargs or ("--peer", "all", "--framework", "numpy")
    flags = os.environ.get("XLA_FLAGS", QUICKLY_COMPILED)
    session.run("arraylosses", "validate", *named, "--html", "docs/peers.html", env={"XLA_FLAGS": flags})
    session.run("python", "-m", "conformance", "peers")
    session.run("pytest", "tests/test_coming_from.py")


@nox.session
def exhaustive(session: nox.Session) -> None:
    """Put every float32 through the losses of one number, which takes hours; `accuracy` writes the page."""
    install_checkout(session, "test", "frameworks")
    session.run("python", "-m", "conformance", "exhaustive", "--processes", "2", *session.posargs)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Measure our losses over the vectors and at a million inputs, and write the page about all errors."""
    install_checkout(session, "test", "frameworks")
    flags = os.environ.get("XLA_FLAGS", QUICKLY_COMPILED)
    for command in (["sampled"], ["accuracy", *session.posargs], ["accuracy", "--page"]):
        session.run("python", "-m", "conformance", *command, env={"XLA_FLAGS": flags})


@nox.session
def docs(session: nox.Session) -> None:
    """The site, into docs/_build/html: every example and tutorial runs, every picture is drawn."""
    install_checkout(session, "test", "frameworks", "boosting", "docs")
    session.run("sphinx-build", *STRICTLY, *session.posargs, "docs", "docs/_build/html")


@nox.session
def pages(session: nox.Session) -> None:
    """All pages of the site and the links between them, but nothing that has to be computed."""
    install_checkout(session, "docs")
    session.run("sphinx-build", *STRICTLY, "-t", "quick", "docs", "docs/_build/quick")
