"""Give every test a project over a tiny channel."""

from tests.tiny_project import project

__all__ = ["project"]
