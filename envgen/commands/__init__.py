"""Hold what commands needs."""
