"""`python -m arraylosses.cli`."""

from . import main

main()
