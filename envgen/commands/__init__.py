"""Use cases that need no folder of their own."""
