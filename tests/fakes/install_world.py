"""A small world to install from: a channel and an index on the loopback, a project with a lock, a home.

The packages are real, and the python among them runs (see `tiny_conda`). Locks are written as envgen writes them,
without a solve, so that tests of installing say nothing about solving.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main
from envgen.formats.registry import render
from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.manifest.model import digest, load_manifest
from envgen.models.channel import Channel
from envgen.models.findings import Decision, Finding
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.wheel import Wheel
from envgen.system.machine import read_machine
from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import LoopbackChannel, serving
from tests.fakes.tiny_conda import (
    MINOR,
    PLACEHOLDER,
    SITE,
    TinyChannel,
    TinyConda,
    build_conda,
    module_files,
    pip_package,
    python_package,
)
from tests.fakes.tiny_wheels import TinyWheel, build_wheel

HOST = read_machine().subdir
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the tiny python is made for Linux")
SCRIPT = f"#!{PLACEHOLDER}/bin/python\nimport sys\nprint(sys.prefix)\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON object on stdout."""
        return json.loads(self.out)


def six(version: str = "1.17") -> TinyConda:
    """Build a conda package of one pure module."""
    return build_conda(
        "six", version, files=module_files("six", version), subdir="noarch", noarch="python", depends=["python >=3.8"]
    )


def demolib(version: str = "1.0", *, requires: Sequence[str] = (), padding: int = 0) -> TinyConda:
    """Build a conda package of this platform: a module, a script and a text that hold the prefix, and data."""
    modules = module_files("demolib", version, body="import six\n", requires=requires)
    files = {path.replace("site-packages", SITE): content for path, content in modules.items()}
    return build_conda(
        "demolib",
        version,
        files={
            **files,
            "bin/demo-tool": SCRIPT,
            "etc/demolib.conf": f"prefix={PLACEHOLDER}\n".encode(),
            "share/demolib.bin": os.urandom(padding) if padding else b"\0\1",
        },
        depends=[f"python {MINOR}.*", "six"],
        subdir=HOST,
    )


@dataclass(kw_only=True)
class World:
    """The servers and the folders; `environ` is what processes see."""

    folder: Path
    channel: LoopbackChannel
    index: IndexServer
    environ: dict[str, str]
    packages: list[TinyConda] = field(default_factory=list)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def prefix(self) -> Path:
        """Return the place of the environment `demo`, where no conda is."""
        return self.folder / "data" / "envs" / "demo"

    @property
    def site(self) -> Path:
        return self.prefix / SITE

    @property
    def marker(self) -> Any:
        return json.loads((self.prefix / "conda-meta" / "envgen").read_text())

    def serve(self, *packages: TinyConda) -> None:
        """Serve these packages as the channel, beside those that are served already."""
        self.packages += packages
        self.channel.files = TinyChannel(self.packages).files(HOST)

    def add_wheel(self, wheel: TinyWheel) -> LockedWheel:
        """Put a wheel on the index, and give it as a lock would hold it."""
        self.index.add(wheel)
        return locked(wheel, f"{self.index.root}/files/{wheel.filename}")

    def lock(
        self,
        packages: Sequence[TinyConda],
        wheels: Sequence[LockedWheel] = (),
        *,
        name: str = "demo",
        more: str = "",
        platform: Platform | None = None,
        groups: Mapping[PackageKey, tuple[str, ...]] | None = None,
        findings: Sequence[Finding] = (),
        accelerator: str = "cpu",
        dependencies: Sequence[str] | None = None,
        root: Path | None = None,
    ) -> Lock:
        """Write an environment with a manifest and a lock of these packages; give the lock."""
        target = platform or Platform(subdir=HOST, python=MINOR)
        plain = ("python", "pip", "libdata")
        names = [package.entry["name"] for package in packages] + [wheel.name for wheel in wheels]
        asked = list(dependencies) if dependencies is not None else [name for name in names if name not in plain]
        text = (
            f'name: {name}\npython: "{target.python}"\nplatforms: [{_entry(target)}]\n'
            f"channels: [{json.dumps(self.channel.url)}]\ndependencies: {json.dumps(asked)}\n{more}"
        )
        manifest = load_manifest(text, "envgen.yaml")
        records = sorted((package.record(self.channel.url) for package in packages), key=lambda each: each.name)
        decisions = [
            Decision(requirement=record.name, name=record.name, source="conda", why="the channel has it")
            for record in records
        ]
        lock = Lock(
            name=name,
            created_by="envgen 0",
            channels=(Channel.parse(self.channel.url),),
            manifest_digest=digest(manifest),
            platforms=(
                PlatformLock(
                    platform=target,
                    solver="rattler",
                    repodata="test",
                    accelerator=accelerator,
                    conda=tuple(records),
                    pypi=tuple(sorted(wheels, key=lambda wheel: wheel.name)),
                    groups=groups or {},
                    decisions=tuple(decisions),
                    findings=tuple(findings),
                ),
            ),
        )
        folder = (root or self.project) / "environments" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "envgen.yaml").write_text(text)
        for file, content in render(lock, manifest.outputs).items():
            (folder / file).write_text(content)
        return lock

    def run(self, *words: str, folder: Path | None = None) -> Ran:
        """Run envgen in this process."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder or self.project)
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
                main(list(words))
        return Ran(code=int(caught.value.code or 0), out=out.getvalue(), err=err.getvalue())

    def good(self, *words: str, folder: Path | None = None) -> Any:
        """Run envgen with `--json`, which must succeed; give what it printed."""
        ran = self.run(*words, "--json", folder=folder)
        assert ran.code == 0, ran
        return ran.json

    def failed(self, *words: str, folder: Path | None = None, code: int = 1) -> Any:
        """Run envgen with `--json`, which must fail; give the error."""
        ran = self.run(*words, "--json", folder=folder)
        assert ran.code == code, ran
        return ran.json["error"]

    def start(self, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start envgen as a process of its own, in the project's folder."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", "envgen", *words],
            cwd=self.project,
            env={**self.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, code: str, prefix: Path | None = None) -> str:
        """Run a line in the environment's own Python; give what it prints."""
        done = subprocess.run(
            [(prefix or self.prefix) / "bin" / "python", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin:/bin"},
        )
        return done.stdout.strip()


def locked(wheel: TinyWheel, url: str, requires: Sequence[str] = ()) -> LockedWheel:
    """Return a wheel as a lock holds it."""
    return LockedWheel(
        wheel=Wheel(
            name=wheel.name,
            version=wheel.version,
            filename=wheel.filename,
            url=url,
            sha256=wheel.sha256,
            size=len(wheel.content),
        ),
        requires=tuple(requires),
        why="no channel has it",
    )


def _entry(platform: Platform) -> str:
    if not platform.is_mac:
        return platform.subdir
    return f'{{platform: {platform.subdir}, macos: "{platform.macos}"}}'


@contextlib.contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Start the servers; stop them at the end."""
    (folder / "project" / "environments").mkdir(parents=True)
    (folder / "home").mkdir()
    with serving(LoopbackChannel()) as channel, IndexServer() as index:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "SHELL": "/bin/bash",
            "ENVGEN_CACHE_DIR": str(folder / "cache"),
            "ENVGEN_DATA_DIR": str(folder / "data"),
            "ENVGEN_TIMEOUT": "20",
            "UV_CACHE_DIR": str(folder / "uv"),
            "UV_DEFAULT_INDEX": index.url,
            "UV_HTTP_RETRIES": "0",
            "NO_COLOR": "1",
        }
        yield World(folder=folder, channel=channel, index=index, environ=environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basics:
    """The packages that most tests install."""

    python: TinyConda
    pip: TinyConda
    six: TinyConda
    demolib: TinyConda
    onlypypi: LockedWheel

    @property
    def conda(self) -> list[TinyConda]:
        return [self.python, self.pip, self.six, self.demolib]


def basics(world: World) -> Basics:
    """Serve and lock the usual environment: two conda modules, a wheel, python and pip."""
    made = Basics(
        python=python_package(HOST),
        pip=pip_package(),
        six=six(),
        demolib=demolib(),
        onlypypi=world.add_wheel(build_wheel("onlypypi", "2.0", requires=("six>=1",))),
    )
    world.serve(*made.conda)
    world.lock(made.conda, [made.onlypypi])
    return made


class Kept:
    """A world that many tests share, put back to how it was for each: what is usual is fetched and installed once.

    The servers stay, and with them the addresses that locks hold; what a test has served is served no more.
    """

    def __init__(self, world: World) -> None:
        """Install the usual environment, and keep the world as it is then."""
        self._world = world
        self._usual = basics(world)
        world.good("create", "demo")
        self._saved = world.folder.parent / "saved"
        subprocess.run(["cp", "-a", world.folder, self._saved], check=True)  # hard links stay what they are
        self._environ = dict(world.environ)
        self._listed = world.index.checkpoint()

    def created(self) -> tuple[World, Basics]:
        """Give the world as it is when `envgen create demo` has just ended."""
        world = self._world
        shutil.rmtree(world.folder)
        subprocess.run(["cp", "-a", self._saved, world.folder], check=True)
        world.environ = dict(self._environ)
        world.packages = []
        world.channel.faults.clear()
        world.channel.seen.clear()
        world.serve(*self._usual.conda)
        self._listed()
        return world, self._usual

    def fetched(self) -> tuple[World, Basics]:
        """Give the world with the usual packages in the cache, and no environment."""
        world, usual = self.created()
        shutil.rmtree(world.folder / "data")
        shutil.rmtree(world.folder / "home")
        (world.folder / "home").mkdir()
        return world, usual
