"""`python -m conformance vectors [LOSS …]`: write the vectors anew, of all losses or of some.
`python -m conformance traps`: write docs/traps.md anew.
"""

from __future__ import annotations

import sys
import time

from . import traps
from .case import load
from .generate import write


def main(arguments: list[str]) -> int:
    match arguments:
        case ["vectors", *losses]:
            for loss in losses or list(load()):
                start = time.perf_counter()
                write(loss)
                print(f"{loss}: {time.perf_counter() - start:.1f} s")
        case ["traps"]:
            traps.PAGE.write_text(traps.page(), encoding="utf-8")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
