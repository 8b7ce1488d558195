"""The evidence: what every loss must return, from textbook formulas, and who agrees.

`cases/` says what is computed and how the textbook would, `generate.py` turns that into
`vectors/`, `runner.py` holds every framework against them.
"""
