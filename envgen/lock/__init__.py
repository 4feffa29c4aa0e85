"""The in-memory lock and its difference."""
