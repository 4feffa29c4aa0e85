"""Prove that a lock fits together, from its records alone."""
