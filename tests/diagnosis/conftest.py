"""Take the fixtures of another folder."""

from __future__ import annotations

from tests.locking.conftest import index
from tests.tiny_project import project

__all__ = ["index", "project"]
