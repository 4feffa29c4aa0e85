"""Provide every test a project over a tiny channel."""

from tests.tiny_project import index, project

__all__ = ["index", "project"]
