"""Translate PyPI names, extras and specifiers to conda-forge's."""
