"""Why a loss is off by more than four ulp somewhere."""

REASONS: dict[str, str] = {}
