"""Resolve and describe distributions from PyPI for the target."""
