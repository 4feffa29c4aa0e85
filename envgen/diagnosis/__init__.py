"""Diagnose what cannot be installed on an Apple-silicon Mac, and find what to change."""
