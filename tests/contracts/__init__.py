"""What every loss promises, tested for every loss on every library."""
