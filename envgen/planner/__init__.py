"""Decide what comes from conda and what from PyPI, in rounds, until both halves agree."""
