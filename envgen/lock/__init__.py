"""Hold the in-memory lock and its difference."""
