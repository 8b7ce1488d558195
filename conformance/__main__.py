"""`python -m conformance COMMAND`:

vectors [LOSS …]      write the vectors anew, of all losses or of some
exhaustive [LOSS …]   put every float32 through the losses of one number
sampled [LOSS …]      and a million inputs through the pointwise losses of several
accuracy [LOSS …]     measure every framework by the vectors, and write docs/accuracy.md
"""

from __future__ import annotations

import importlib
import sys
import time

from .case import load
from .generate import write

COMMANDS = {
    "accuracy": ".accuracy.vectors",
    "exhaustive": ".accuracy.exhaustive",
    "sampled": ".accuracy.sampled",
}


def main(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    if command in COMMANDS:
        return importlib.import_module(COMMANDS[command], __package__).main(rest)
    if command != "vectors":
        print(__doc__)
        return 2
    for loss in rest or list(load()):
        start = time.perf_counter()
        write(loss)
        print(f"{loss}: {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
