"""Hold what repodata needs."""
