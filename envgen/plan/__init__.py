"""Decide each requirement's source, in rounds, without doing I/O."""
