"""Choose the wheel whose metadata speaks for a release."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from envgen.models.platform import Platform
from envgen.models.wheel import Wheel, wheel_rank
from envgen.pypi.classify import by_version
from envgen.pypi.project import Project, ProjectFile


def release_wheel(project: Project, version: str, platform: Platform) -> Wheel | None:
    """Give the wheel of a release that a target's pip would choose, else another of its wheels.

    The wheels of one release nearly always say the same, with markers for what differs. None where the release is not
    on the index, or has no wheel.
    """
    try:
        files = by_version(project.files).get(Version(version), [])
    except InvalidVersion:
        return None
    wheels = [file for file in files if file.filename.endswith(".whl")]
    if not wheels:
        return None
    best = min(wheels, key=lambda file: _order(file, platform))
    return Wheel(
        name=project.name,
        version=version,
        filename=best.filename,
        url=best.url,
        sha256=best.sha256,
        size=best.size,
    )


def _order(file: ProjectFile, platform: Platform) -> tuple[bool, int, str]:
    rank = wheel_rank(file.filename, platform)
    return (rank is None, rank or 0, file.filename)
