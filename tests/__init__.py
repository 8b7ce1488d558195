"""The tests: `contracts/` holds every loss to what all losses promise, on every library; the rest is
about the machinery.

Nothing here names a loss of the contracts: the registry says what is declared of each, and the first
case of its evidence is the call that everything is derived from.
"""
