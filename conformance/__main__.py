"""`python -m conformance COMMAND …`: make what is committed of the evidence anew.

vectors [LOSS …]      the vectors, of all losses or of some
traps                 the page of the traps
relations             the page of the relations
peers                 the tables of what other libraries come to, from their report
exhaustive [LOSS …]   the errors at every float32, of the losses of one number
sampled [LOSS …]      and at a million inputs, of the pointwise losses of several
accuracy [LOSS …]     the errors over the vectors, and the page of all these
"""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    "vectors": ".generate",
    "traps": ".traps",
    "relations": ".relations.page",
    "peers": ".peers_table",
    "accuracy": ".accuracy.vectors",
    "exhaustive": ".accuracy.exhaustive",
    "sampled": ".accuracy.sampled",
}


def main(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    if command not in COMMANDS:
        print(__doc__)
        return 2
    return importlib.import_module(COMMANDS[command], __package__).main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
