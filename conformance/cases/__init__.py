"""The evidence, a module for each family of chapters."""
