"""Take the fixtures of another folder."""

from __future__ import annotations

from tests.workflows.conftest import index, living, project

__all__ = ["index", "living", "project"]
