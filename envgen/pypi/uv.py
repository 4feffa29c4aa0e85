"""Run uv's resolver for a target."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from envgen.models.wheel import ResolveRequest, Wheel
from envgen.pypi.explain import failure
from envgen.pypi.indexes import Indexes
from envgen.pypi.session import Timeouts
from envgen.pypi.stubs import write_stubs
from envgen.pypi.uv_process import run_uv, uv_environment

_RESOLVING = re.compile(
    r"UV_(?:CONSTRAINT|OVERRIDE|EXCLUDE|EXCLUDE_NEWER|RESOLUTION|PRERELEASE|FIND_LINKS|NO_INDEX|NO_BINARY|NO_BUILD"
    r"|FORK_STRATEGY|TORCH_BACKEND|NO_SOURCES)"
)
_STUBS, _CONSTRAINTS, _OVERRIDES, _PREFERRED = "stubs", "constraints.txt", "overrides.txt", "pylock.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class UvAnswer:
    """Hold what uv printed: `lock` is a pylock.toml, `stderr` may hold warnings."""

    lock: str
    stderr: str


class Uv:
    """Call uv, with the same indexes and limits each time; `calls` counts the runs."""

    def __init__(
        self,
        environment: Mapping[str, str],
        indexes: Indexes,
        *,
        timeouts: Timeouts | None = None,
        offline: bool = False,
    ) -> None:
        """Prepare; the binary is looked for on the first call."""
        self._environment = environment
        self._indexes = indexes
        self._timeouts = timeouts or Timeouts()
        self._offline = offline
        self.calls = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Name the variables of the shell that would change a resolution of uv's, and do not count here."""
        ignored = sorted(key for key, value in self._environment.items() if value and _RESOLVING.fullmatch(key))
        return tuple(f"{name} is set, and does not count: the manifest says what is locked" for name in ignored)

    def compile(self, request: ResolveRequest, finals_only: Iterable[str] = ()) -> UvAnswer:
        """Resolve for the request's target; pre-releases of the projects in `finals_only` are refused.

        PypiUnsatisfiableError, PypiUnreachableError or, for a malformed request, PypiError.
        """
        self.calls += 1
        with tempfile.TemporaryDirectory(prefix="envgen-") as name:
            folder = Path(name)
            arguments = [*_arguments(request, finals_only), *_write_inputs(request, folder)]
            if self._offline:
                arguments.append("--offline")
            process = run_uv(
                ["pip", "compile", "-", *arguments],
                self._variables(request),
                folder=folder,
                patience=self._timeouts.uv,
                text="".join(f"{line}\n" for line in request.requirements),
            )
        if process.returncode:
            raise failure(process.stderr.replace(name, ""), request)
        return UvAnswer(lock=process.stdout, stderr=process.stderr)

    def _variables(self, request: ResolveRequest) -> dict[str, str]:
        limits = {
            "UV_HTTP_TIMEOUT": f"{self._timeouts.read}",
            "UV_HTTP_CONNECT_TIMEOUT": f"{self._timeouts.connect}",
            "UV_HTTP_RETRIES": f"{self._timeouts.retries}",
        }
        macos = {"MACOSX_DEPLOYMENT_TARGET": request.platform.macos} if request.platform.is_mac else {}
        return {**limits, **uv_environment(self._environment, self._indexes), **macos}


def _arguments(request: ResolveRequest, finals_only: Iterable[str]) -> list[str]:
    arguments = [
        *("--python-platform", request.platform.triple),
        *("--python-version", request.platform.python),
        *("--python", sys.executable),
        *("--only-binary", ":all:"),
        *("--prerelease", "if-necessary"),
        *("--format", "pylock.toml"),
        "--no-python-downloads",
        "--no-config",
        "--no-header",
        "--no-progress",
    ]
    for name in sorted(finals_only):
        arguments += ["--prerelease-package", f"{name}=disallow"]
    if request.exclude_newer:
        arguments += ["--exclude-newer", request.exclude_newer.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
    return arguments


def _write_inputs(request: ResolveRequest, folder: Path) -> list[str]:
    """Write what uv reads from files, and give the options that name them; relative names keep the folder unseen."""
    arguments: list[str] = []
    constraints = list(request.constraints)
    if request.stubs:
        (folder / _STUBS).mkdir()
        constraints += write_stubs(request.stubs, folder / _STUBS)
        arguments += ["--find-links", _STUBS]
    for option, name, lines in (
        ("--constraints", _CONSTRAINTS, constraints),
        ("--overrides", _OVERRIDES, request.overrides),
    ):
        if lines:
            (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            arguments += [option, name]
    if request.preferred:  # uv prefers the versions of the file that it is about to replace
        (folder / _PREFERRED).write_text(_pylock(request.preferred), encoding="utf-8")
        arguments += ["--output-file", _PREFERRED]
    return arguments


def _pylock(wheels: Iterable[Wheel]) -> str:
    """Write as much of a pylock.toml (PEP 751) as says which versions were chosen."""
    tables = (f'[[packages]]\nname = "{wheel.name}"\nversion = "{wheel.version}"\n' for wheel in wheels)
    return "".join(['lock-version = "1.0"\ncreated-by = "envgen"\n', *tables])
