"""Start uv in an environment that says how to reach indexes and nothing else; the home of uv's binary."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from envgen.errors import PypiError, PypiUnreachableError
from envgen.pypi.indexes import Indexes

# Of uv's own variables only those pass that say how to reach indexes; the rest would make a result depend on a shell.
_PASSED = re.compile(
    r"UV_(?:CACHE_DIR|NO_CACHE|CREDENTIALS_DIR|INDEX_STRATEGY|INSECURE_HOST|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS"
    r"|HTTP_\w+|CONCURRENT_\w+|LOCK_TIMEOUT|LINK_MODE)"
)
_REMOVED = frozenset(
    {"RUST_LOG", "FORCE_COLOR", "CLICOLOR_FORCE", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"}
)


def run_uv(
    arguments: Sequence[str], environment: Mapping[str, str], *, folder: Path, patience: float, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run uv to its end in a folder, with `text` as its input; `patience` is in seconds.

    Raises:
        PypiUnreachableError: it did not end in time. PypiError: it cannot be run.
    """
    try:
        return subprocess.run(
            [find_uv(), *arguments],
            input=text,
            env=dict(environment),
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PypiUnreachableError(
            f"uv did not finish within {patience:g} s", hint="try again, or from a better network"
        ) from error
    except OSError as error:
        raise PypiError(f"uv cannot be run ({error.strerror})", hint="pip install --force-reinstall uv") from error


def find_uv() -> str:
    """Give the path of uv's binary; raise PypiError where it is not installed beside envgen."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise PypiError("uv is not installed beside envgen", hint="pip install uv") from error


def uv_environment(environment: Mapping[str, str], indexes: Indexes) -> dict[str, str]:
    """Give the variables of a call as uv may see them, with the indexes that count."""
    kept = {
        key: value
        for key, value in environment.items()
        if key not in _REMOVED and (not key.startswith("UV_") or _PASSED.fullmatch(key))
    }
    return {**kept, **indexes.variables(), "NO_COLOR": "1"}
