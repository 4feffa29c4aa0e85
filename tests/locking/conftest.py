"""Take the fixtures of another folder."""

from __future__ import annotations

from tests.tiny_project import project
from tests.workflows.conftest import index, living

__all__ = ["index", "living", "project"]
