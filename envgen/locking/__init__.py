"""Hold what locking needs."""
