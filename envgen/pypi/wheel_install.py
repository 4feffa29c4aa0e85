"""Install locked wheels and the user's own projects into a prefix with uv, and check what is there."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import InstallError
from envgen.lock.model import LockedWheel
from envgen.models.platform import Platform
from envgen.pypi.indexes import Indexes, mask
from envgen.pypi.uv import run_uv, uv_environment

_PATIENCE = 1800.0
_COMPLAINT = re.compile(r"^The package `([^`]+)`.*$", re.MULTILINE)
_NOISE = ("Using Python", "Resolved ", "Prepared ", "warning: Failed to hardlink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Hold what a check says of one installed distribution, by its canonical name."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTarget:
    """Say where wheels go: the prefix's own Python installs them, or, for a foreign platform, a folder takes them.

    `site` is the folder for modules, relative to the prefix; `runnable` tells whether the prefix's Python runs here.
    """

    prefix: Path
    platform: Platform
    site: str
    runnable: bool = True

    @property
    def python(self) -> Path:
        """Give the prefix's Python."""
        return self.prefix / "bin" / "python"

    def arguments(self) -> list[str]:
        """Give uv's options that name the target."""
        if self.runnable:
            return ["--python", str(self.python)]
        target = ["--target", str(self.prefix / self.site), "--python-platform", self.platform.triple]
        return [*target, "--python-version", self.platform.python]

    def variables(self) -> dict[str, str]:
        """Give uv's variables that belong to the target."""
        return {"MACOSX_DEPLOYMENT_TARGET": self.platform.macos} if self.platform.is_mac else {}


class WheelInstaller:
    """Install with uv, which never asks an index here, unless a project's build needs something."""

    def __init__(self, environment: Mapping[str, str], indexes: Indexes, *, offline: bool = False) -> None:
        """Prepare; `environment` is the call's."""
        self._environment = environment
        self._indexes = indexes
        self._offline = offline

    def install(self, wheels: Sequence[LockedWheel], files: Mapping[str, Path], target: WheelTarget) -> None:
        """Install these wheels from verified files, by `pypi:NAME`; uv checks their hashes again.

        Raises:
            InstallError: uv refuses.
        """
        if not wheels:
            return
        lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}\n" for wheel in wheels]
        folders = dict.fromkeys(str(files[f"pypi:{wheel.name}"].parent) for wheel in wheels)
        with tempfile.TemporaryDirectory(prefix="envgen-") as name:
            listed = Path(name) / "requirements.txt"
            listed.write_text("".join(lines), encoding="utf-8")
            arguments = [
                *("pip", "install", "--requirements", str(listed), "--no-deps", "--require-hashes"),
                *("--only-binary", ":all:", "--no-index", "--offline", "--break-system-packages"),
                *(part for folder in folders for part in ("--find-links", folder)),
                *(part for wheel in wheels for part in ("--reinstall-package", wheel.name)),
                *target.arguments(),
            ]
            self._run(arguments, Path(name), "the PyPI packages cannot be installed", target.variables())

    def install_projects(self, projects: Iterable[tuple[Path, bool]], target: WheelTarget) -> None:
        """Install the user's own projects, editable or not, without their dependencies, which are locked.

        Raises:
            InstallError: one cannot be built.
        """
        for folder, editable in projects:
            arguments = ["pip", "install", "--no-deps", "--break-system-packages", *target.arguments()]
            arguments += ["--reinstall", *(["--editable", str(folder)] if editable else [str(folder)])]
            arguments += ["--offline", "--no-build-isolation"] if self._offline else []
            hint = "off-line, its build backend must be in the environment" if self._offline else ""
            self._run(arguments, folder, f"the project in {folder} cannot be installed", hint=hint)

    def check(self, target: WheelTarget) -> tuple[Complaint, ...]:
        """Ask which installed distributions lack what they require, as `pip check` does."""
        done = self._uv(["pip", "check", "--python", str(target.python)], target.prefix)
        return tuple(
            Complaint(name=match[1], message=match[0].rstrip(".")) for match in _COMPLAINT.finditer(done.stderr)
        )

    def _run(
        self,
        arguments: Sequence[str],
        folder: Path,
        failure: str,
        variables: Mapping[str, str] | None = None,
        hint: str = "",
    ) -> None:
        done = self._uv(arguments, folder, variables)
        if done.returncode:
            raise InstallError(f"{failure}: {_reason(done.stderr)}", hint=hint, code="wheels")

    def _uv(
        self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**uv_environment(self._environment, self._indexes), **(variables or {})}
        words = [*arguments, "--no-config", "--no-progress", "--no-python-downloads"]
        return run_uv(words, environment, folder=folder, patience=_PATIENCE)


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in mask(stderr).splitlines() if line.strip() and not line.startswith(_NOISE)]
    return "; ".join(lines[:6]) or "uv says nothing"
