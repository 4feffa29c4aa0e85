"""Hold what project needs."""
