"""Write the explorer: `python -m docs.explorer -o explorer.html`."""

import argparse
from pathlib import Path

from . import build

parser = argparse.ArgumentParser(prog="python -m docs.explorer", description=__doc__)
parser.add_argument("-o", "--output", type=Path, default=Path("explorer.html"))
build(parser.parse_args().output)
