"""Hold what system needs."""
