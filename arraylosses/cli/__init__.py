"""The command line: `arraylosses list | show | cite | plot | validate`."""

from __future__ import annotations


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from .commands import app
    except ModuleNotFoundError as missing:
        if missing.name not in ("numpy", "rich", "typer"):
            raise
        raise SystemExit(
            f"arraylosses: the command line needs {missing.name}: pip install 'arraylosses[cli]'"
        ) from None
    app()
