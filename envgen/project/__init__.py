"""A project of environments, and what a call works with."""
