"""Carry out the use cases that the command line calls."""
