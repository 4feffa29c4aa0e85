"""Read a lock with conda-lock's own parser, in a process of its own; the home of the conda-lock library.

Importing it takes more than a second, warns, and looks for conda.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from envgen.errors import LockfileError

_MISSING = 3
_PATIENCE = 60.0
_SCRIPT = f"""
import json, pathlib, sys
try:
    from conda_lock.lockfile import parse_conda_lock_file
except ImportError:
    sys.exit({_MISSING})
lock = parse_conda_lock_file(pathlib.Path(sys.argv[1]))
rows = [[p.manager, p.name, p.platform, p.version, p.url, p.hash.md5 or "", p.hash.sha256 or ""] for p in lock.package]
print(json.dumps(rows))
"""
Row = tuple[str, ...]
"""A package as conda-lock sees it: manager (conda, pip), name, platform, version, URL, md5 and sha256."""


def parse_with_conda_lock(path: Path) -> frozenset[Row] | None:
    """Give the packages of a conda-lock.yml as conda-lock reads them, or None where conda-lock is not installed.

    Raises:
        LockfileError: conda-lock refuses the file, or does not answer.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(path)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LockfileError(f"conda-lock did not read {path.name} within {_PATIENCE:g} s") from error
    if done.returncode == _MISSING:
        return None
    if done.returncode:
        raise LockfileError(f"conda-lock refuses {path.name}: {_last_line(done.stderr)}")
    rows: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return frozenset(tuple(row) for row in rows)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
