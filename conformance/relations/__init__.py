"""Metamorphic relations: what calls of a loss must agree in, whatever the right number is.

`relation` has what one is and how it is checked, `laws` all there are, and `symmetries` those that ask a
table (`symmetry_tables`) whether a loss obeys; `calls` makes calls on a framework, `slices` cuts the arrays
of one, and `page` writes docs/relations.md.
"""
