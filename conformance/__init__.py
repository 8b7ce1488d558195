"""The evidence: what every loss must return, from textbook formulas, and who agrees.

`cases/` says what is computed and how the textbook would, `generate` turns that into `vectors/`, and `traps`
says which of them show how released losses fail. `relations` says which calls must agree whatever the right
number is, and `laws` lists them.

`implementations` is what can be held against both: our losses on each of `frameworks`, those of `peers/`,
anybody's. `runner` and `workers` do it, `deviations/` has what is known of peers, and `report` and `page` are
what came of it. `accuracy/` measures our own.
"""
