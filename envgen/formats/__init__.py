"""Hold what formats needs."""
