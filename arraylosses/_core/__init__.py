"""The plumbing a loss body leans on: entry and exit, domains, parameters, numeric primitives."""
