"""`python -m conformance vectors [LOSS …]`: write the vectors anew, of all losses or of some.

`python -m conformance relations`: write the page of the relations anew.
"""

from __future__ import annotations

import sys
import time

from .case import load
from .generate import write


def main(arguments: list[str]) -> int:
    if arguments == ["relations"]:
        from .relations_page import write as write_page

        write_page()
        return 0
    if not arguments or arguments[0] != "vectors":
        print(__doc__)
        return 2
    for loss in arguments[1:] or list(load()):
        start = time.perf_counter()
        write(loss)
        print(f"{loss}: {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
