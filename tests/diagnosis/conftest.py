"""Take the fixtures of another folder."""

from __future__ import annotations

from tests.locking.conftest import index, project

__all__ = ["index", "project"]
