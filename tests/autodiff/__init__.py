"""The engine that differentiates on every array library."""
