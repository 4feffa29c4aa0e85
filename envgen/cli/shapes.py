"""Give results the JSON shapes that stay stable; fields may be added."""

from __future__ import annotations

from dataclasses import asdict

from envgen.lock.model import PlatformLock
from envgen.locking.lock import EnvironmentResult
from envgen.models.findings import Finding, Move


def environments_shape(results: list[EnvironmentResult]) -> dict[str, object]:
    """Shape the results of `new` and `lock`."""
    return {"environments": [_environment(result) for result in results]}


def _environment(result: EnvironmentResult) -> dict[str, object]:
    return {
        "name": result.name,
        "files": list(result.files),
        "changed": result.changed,
        "notes": list(result.notes),
        "platforms": {
            lock.platform.subdir: _platform(lock, result.moved.get(lock.platform.subdir, ()))
            for lock in result.lock.platforms
        },
    }


def _platform(lock: PlatformLock, moved: tuple[Move, ...]) -> dict[str, object]:
    keys = ("name", "version", "build", "url", "md5", "sha256")
    return {
        "macos": lock.platform.macos,
        "python": lock.platform.python,
        "accelerator": lock.accelerator,
        "solver": lock.solver,
        "repodata": lock.repodata,
        "conda": [{key: getattr(record, key) for key in keys} for record in lock.conda],
        "pypi": [
            {
                "name": wheel.name,
                "version": wheel.version,
                "url": wheel.wheel.url,
                "sha256": wheel.wheel.sha256,
                "why": wheel.why,
            }
            for wheel in lock.pypi
        ],
        "decisions": [asdict(decision) for decision in lock.decisions],
        "findings": [finding_shape(finding) for finding in lock.findings],
        "notes": list(lock.notes),
        "moved": [move_shape(move) for move in moved],
    }


def move_shape(move: Move) -> dict[str, object]:
    """Shape one move."""
    because = move.because or None
    return {"name": move.name, "from": move.before, "to": move.after, "why": move.why, "because": because}


def finding_shape(finding: Finding) -> dict[str, object]:
    """Shape one finding."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "packages": list(finding.packages),
    }
