"""Hold what importers needs."""
