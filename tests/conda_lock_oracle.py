"""Ask conda-lock what it finds in lock files; it takes more than a second to import, and warns, so it runs apart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SCRIPT = """
import json, pathlib, sys
from conda_lock.conda_lock import render_lockfile_for_platform
from conda_lock.lockfile import parse_conda_lock_file

answers = {}
for path in map(pathlib.Path, sys.argv[1:]):
    lock = parse_conda_lock_file(path)
    groups = {category for package in lock.package for category in package.categories}
    answers[path.parent.name] = {
        "packages": [[p.manager, p.name, p.version, p.platform, p.url, sorted(p.categories)] for p in lock.package],
        "custom": lock.metadata.custom_metadata,
        "channels": [channel.url for channel in lock.metadata.channels],
        "rendered": {
            platform: {
                kind: render_lockfile_for_platform(
                    lockfile=lock, include_dev_dependencies=True, extras=groups - {"main", "dev"}, kind=kind,
                    platform=platform, suppress_warning_for_pip_and_explicit=True,
                )
                for kind in ("env", "explicit")
            }
            for platform in lock.metadata.platforms
        },
    }
print(json.dumps(answers))
"""


def conda_lock_answers(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Let conda-lock parse and render lock files; give what it found by the name of each file's folder."""
    words = [sys.executable, "-W", "ignore", "-c", _SCRIPT, *map(str, paths)]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    answers: dict[str, dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
    return answers
