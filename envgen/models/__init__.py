"""Hold the values that every layer speaks of."""
