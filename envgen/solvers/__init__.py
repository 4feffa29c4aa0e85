"""Solve requests with libmamba or rattler."""
