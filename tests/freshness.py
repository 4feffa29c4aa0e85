"""Measure how new the versions are that envgen locks, and what a lock costs, on sixty popular manifests.

    python -m tests.freshness [--python BIN] [--only NAME …] [--edits] [--jobs 1] [--json FILE] [--cache FOLDER]

Each manifest (the templates, real files and cases beside the checkout, ours of freshness.toml) is locked by the envgen
of `--python`, this one's by default, against the channel beside the checkout and the live index; with `--edits` again
after three edits. For each requirement that is named, the locked version is compared with the newest that can be had
alone, as read here from the channel's records and the index's pages, without envgen's planner. Behind by a major
version or by 365 days is a lag; it is explained where the lock has a finding HELD-BACK that names it. Match specs under
`conda` are not judged. A second run prints the same but for seconds and megabytes, which compare with a warm cache.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import rattler
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from rattler.exceptions import InvalidMatchSpecError, SolverError
from ruamel.yaml import YAML

from envgen.pypi.http import Session
from envgen.pypi.indexes import Indexes
from envgen.pypi.simple_api import SimpleIndex

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
CHANNEL = SHARED / "channel" / "conda-forge"
LAST_DAY = "2026-11-30"
CUTOFF = datetime(2026, 12, 1, tzinfo=UTC)
SUBDIR = "osx-arm64"
DAYS = 365
TRIES = 12  # versions that are asked for alone, before the newest counts as unknown
SECONDS = 1500
LOADS_WITH_METAL = ("tensorflow>=2.12,<2.20", "tensorflow-macos>=2.12")
PYTHONS = ("3.11", "3.12", "3.13")
KNOWN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

# Runs a command and writes what it took; small, since a child's peak counts from its parent's size.
LAUNCHER = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss], file)
"""
# Runs envgen and writes a letter for each solve and each run of uv.
COUNTER = """
import importlib, os, sys
marks = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def count(module, owner, method, mark):
    try:
        found = getattr(importlib.import_module(module), owner)
        was = getattr(found, method)
    except (ImportError, AttributeError):
        return
    def counted(*given, **named):
        os.write(marks, mark)
        return was(*given, **named)
    setattr(found, method, counted)
count("envgen.solvers.rattler", "RattlerSolver", "solve", b"s")
count("envgen.solvers.libmamba", "LibmambaSolver", "solve", b"s")
count("envgen.pypi.uv", "Uv", "compile", b"u")
sys.argv = ["envgen", *sys.argv[2:]]
from envgen.__main__ import main
main()
"""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest as plain values; `name` is what the table calls it. Without a python, `envgen new` chooses one."""

    name: str
    values: Mapping[str, Any]

    @property
    def folder(self) -> str:
        return re.sub(r"[^a-z0-9-]", "-", self.name.lower())[:40].strip("-")

    @property
    def text(self) -> str:
        given = {**self.values, "name": self.folder, "channels": ["conda-forge"]}
        given.pop("exclude-newer", None)
        lines = [f"{key}: {json.dumps(value)}" for key, value in given.items()]
        return "\n".join([*lines, f"exclude-newer: {LAST_DAY}", ""])

    @property
    def python(self) -> str:
        return str(self.values.get("python", ""))

    @property
    def macos(self) -> str:
        rows = [row for row in self.values.get("platforms", []) if isinstance(row, Mapping)]
        return next((str(row["macos"]) for row in rows if row.get("platform") == SUBDIR and "macos" in row), "13.0")

    def changed(self, **values: object) -> Manifest:
        return Manifest(name=self.name, values={**self.values, **values})

    def lines(self) -> list[tuple[str, bool]]:
        """List the requirements as written, and whether each is to come from the index alone."""
        groups = [line for group in self.values.get("groups", {}).values() for line in group if isinstance(line, str)]
        both = [*self.values.get("dependencies", []), *groups]
        return [(line, False) for line in both] + [(line, True) for line in self.values.get("pypi", [])]


@dataclass(kw_only=True)
class Wanted:
    """A project that a manifest names, with all its bounds; `conda` is its conda name or ""."""

    name: str
    bounds: SpecifierSet
    extras: set[str]
    conda: str = ""

    def line(self) -> str:
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"{self.name}{extras}{self.bounds}"


@dataclass(frozen=True, kw_only=True)
class Lag:
    """A requirement that is locked behind the newest that can be had alone."""

    name: str
    locked: str
    source: str
    newest: str
    world: str
    major: bool
    days: int | None
    explained: bool
    noted: bool

    def text(self) -> str:
        days = "? days" if self.days is None else f"{self.days} days"
        kind = (
            "explained" if self.explained else "unexplained, but a note speaks of it" if self.noted else "unexplained"
        )
        behind = f"{'major, ' if self.major else ''}{days}"
        return f"{self.name} {self.locked} ({self.source}), not {self.newest} ({self.world}): {behind}; {kind}"


@dataclass(kw_only=True)
class Row:
    """What became of a manifest in a state: `fresh`, or after an edit."""

    manifest: str
    state: str
    python: str
    outcome: str = "locked"
    message: str = ""
    requirements: int = 0
    unknown: int = 0
    absent: list[str] = field(default_factory=list)
    solves: int = 0
    uvs: int = 0
    seconds: float = 0.0
    peak: int = 0
    answer: str = ""
    lags: list[Lag] = field(default_factory=list)

    def text(self) -> str:
        unexplained = sum(not lag.explained for lag in self.lags)
        told = f"{self.outcome}; {self.answer}" if self.answer else self.outcome
        return (
            f"{self.manifest[:26]:<26} {self.state[:22]:<22} {self.python:<6} {self.requirements:>4} {unexplained:>5}"
            f" {len(self.lags) - unexplained:>5} {self.unknown:>4} {self.solves:>6} {self.uvs:>4} {self.seconds:>7.1f}"
            f" {self.peak:>5}  {told}"
        )


HEAD = (
    f"{'MANIFEST':<26} {'STATE':<22} {'PYTHON':<6} {'REQS':>4} {'UNEXP':>5} {'EXPL':>5} {'DATE':>4} {'SOLVES':>6}"
    f" {'UV':>4} {'SECONDS':>7} {'MB':>5}  OUTCOME"
)


def manifests(only: Sequence[str]) -> Iterator[Manifest]:
    """Yield the manifests whose names have one of these parts, or all."""

    def wanted(name: str) -> bool:
        return not only or any(part in name for part in only)

    read = YAML(typ="safe").load
    platforms = [{"platform": SUBDIR, "macos": "13.0"}]
    for name, values in KNOWN["own"].items():
        if wanted(f"own {name}"):
            yield Manifest(name=f"own {name}", values={"platforms": platforms, **values})
    for path in sorted((ROOT / "templates").glob("*.yaml")):
        if wanted(f"template {path.stem}"):
            yield Manifest(name=f"template {path.stem}", values=read(path.read_text("utf-8")))
    for name in KNOWN["cases"]:
        if wanted(f"case {name}"):
            text = (SHARED / "cases" / name / "environments" / "e" / "envgen.yaml").read_text("utf-8")
            yield Manifest(name=f"case {name}", values=read(text))
    for number, how in KNOWN["inputs"].items():
        (path,) = (SHARED / "inputs").glob(f"{number}-*")
        if wanted(f"input {path.stem}"):
            words = ["import", str(path), "--name", "e", "--python", how["python"], "--pins", how["pins"], "--quiet"]
            yield Manifest(name=f"input {path.stem}", values=read(envgen_here(words)))


def envgen_here(words: Sequence[str]) -> str:
    """Return what this interpreter's envgen prints: manifests and names are the same whatever is measured."""
    environment = {**os.environ, "ENVGEN_MIRRORS": f"conda-forge={CHANNEL.resolve()}"}
    command = [sys.executable, "-m", "envgen", *words]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout


def edits(start: Manifest) -> Iterator[tuple[str, Manifest]]:
    """Yield three edits on top of each other, the same on every run."""
    dice = random.Random(start.name)
    names = {canonicalize_name(bare(line)) for line, _ in start.lines()}
    new = dice.choice([name for name in KNOWN["popular"] if name not in names])
    now = start.changed(dependencies=[*start.values.get("dependencies", []), new])
    yield f"+{new}", now
    lines = [line for line in now.values["dependencies"] if line != new]
    if lines:
        gone = dice.choice(lines)
        now = now.changed(dependencies=[line for line in now.values["dependencies"] if line != gone])
        yield f"-{bare(gone)}", now
    bounded = [line for line in now.values["dependencies"] if re.search(r"==|<|~=", line) and ";" not in line]
    if bounded and dice.random() < 0.5:
        old = dice.choice(bounded)
        loose = re.sub(r"==|~=", ">=", re.sub(r",?\s*<=?\s*[^,]+", "", old)).replace(".*", "")
        now = now.changed(dependencies=[loose if line == old else line for line in now.values["dependencies"]])
        yield f"{old}→{loose}", now
    else:
        most = 2 if now.values.get("accelerator") == "metal" else 3
        choice = [python for python in PYTHONS[:most] if python != now.python]
        python = dice.choice(choice)
        yield f"python {python}", now.changed(python=python)


def bare(line: str) -> str:
    return re.split(r"[\s\[<>=!~;@]", line, maxsplit=1)[0]


def markers(python: str) -> dict[str, str]:
    return {
        **{"implementation_name": "cpython", "implementation_version": f"{python}.0", "os_name": "posix"},
        **{"platform_machine": "arm64", "platform_python_implementation": "CPython", "platform_release": ""},
        **{"platform_system": "Darwin", "platform_version": "", "python_full_version": f"{python}.0"},
        **{"python_version": python, "sys_platform": "darwin"},
    }


class Channel:
    """The records of the channel beside the checkout, without those that have no date: `exclude-newer` refuses them."""

    def __init__(self) -> None:
        self.records: dict[str, list[Mapping[str, Any]]] = {}
        for subdir in (SUBDIR, "noarch"):
            document = json.loads((CHANNEL / subdir / "repodata.json").read_bytes())
            for record in (*document["packages"].values(), *document["packages.conda"].values()):
                if 0 < record.get("timestamp", 0) < CUTOFF.timestamp() * 1000:
                    self.records.setdefault(record["name"], []).append(record)
        self._lock = threading.Lock()

    def versions(self, wanted: Wanted, python: str, macos: str) -> set[Version]:
        """Return the final versions whose records fit."""
        found = set()
        for record in self.records.get(wanted.conda, ()):
            version = version_of(record["version"])
            if version is None or version in found or version.is_prerelease or not wanted.bounds.contains(version):
                continue
            if all(fits(str(line), python, macos) for line in record["depends"]):
                found.add(version)
        return found

    def uploaded(self, name: str, version: Version) -> datetime | None:
        """Return when the oldest build of a version was made."""
        same = (record for record in self.records.get(name, ()) if version_of(record["version"]) == version)
        times = [record["timestamp"] for record in same]
        return datetime.fromtimestamp(min(times) / 1000, UTC) if times else None

    @cached_property
    def _sparse(self) -> list[rattler.SparseRepoData]:
        channel = rattler.Channel("conda-forge")
        folders = ((subdir, CHANNEL / subdir / "repodata.json") for subdir in (SUBDIR, "noarch"))
        return [rattler.SparseRepoData(channel, subdir, path) for subdir, path in folders]

    def solves(self, specs: Sequence[str], python: str, macos: str) -> bool:
        """Return whether rattler finds an answer."""
        virtual = (("__osx", macos, "0"), ("__unix", "0", "0"), ("__archspec", "1", "m1"))
        machine = [
            rattler.GenericVirtualPackage(
                rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build)
            )
            for name, version, build in virtual
        ]
        with self._lock:
            wanted = [*specs, f"python {python}.*"]
            try:
                asyncio.run(as_task(wanted, self._sparse, machine))
            except (SolverError, InvalidMatchSpecError, ValueError, OSError):
                return False
        return True


async def as_task(
    specs: Sequence[str],
    sparse: Sequence[rattler.SparseRepoData],
    machine: Sequence[rattler.GenericVirtualPackage],
) -> object:
    return await rattler.solve_with_sparse_repodata(specs, sparse, virtual_packages=machine, exclude_newer=CUTOFF)


@cache
def fits(depend: str, python: str, macos: str) -> bool:
    """Return whether a line of a record's depends can be met, as far as python and the system go."""
    name = re.split(r"[\s<>=!~\[]", depend, maxsplit=1)[0]
    facts = {"python": (f"{python}.99", "0_cpython"), "python_abi": (python, f"8_cp{python.replace('.', '')}")}
    facts |= {"__osx": (macos, "0"), "__unix": ("0", "0")}
    if name not in facts:
        return not name.startswith("__") or name == "__archspec"
    version, build = facts[name]
    record = rattler.PackageRecord(name, version, rattler.BuildString(build), 0, SUBDIR)
    try:
        return rattler.MatchSpec(depend).matches(record)
    except (ValueError, TypeError, InvalidMatchSpecError):
        return False


@cache
def version_of(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@cache
def tags_of(python: str, macos: str) -> frozenset[Tag]:
    """Return the tags that pip on the target accepts."""
    (major, minor), (system, patch) = map(int, python.split(".")), map(int, macos.split("."))
    systems, cp = list(mac_platforms((system, patch), "arm64")), f"cp{major}{minor}"
    found = cpython_tags((major, minor), abis=(cp,), platforms=systems)
    return frozenset([*found, *compatible_tags((major, minor), interpreter=cp, platforms=systems)])


def parts(filename: str) -> tuple[Version | None, frozenset[Tag]]:
    """Return the version and the tags that a file's name says; an archive of sources has no tags."""
    if not filename.endswith(".whl"):
        return version_of(re.sub(r"^.*-|\.(tar\.\w+|zip|tgz)$", "", filename)), frozenset()
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None, frozenset()
    return version, tags


class Index:
    """The releases that the index lists."""

    def __init__(self) -> None:
        indexes = Indexes.configured(os.environ)
        self._simple = SimpleIndex(Session(indexes, os.environ), indexes)
        self._files: dict[str, list[tuple[Version, frozenset[Tag], str, bool, datetime]]] = {}

    def prefetch(self, names: Sequence[str]) -> None:
        self._simple.prefetch(names)

    def _read(self, name: str) -> list[tuple[Version, frozenset[Tag], str, bool, datetime]]:
        if name not in self._files:
            project = self._simple.project(name)
            files = project.files if project else ()
            dated = [file for file in files if file.uploaded is not None and file.uploaded < CUTOFF]
            rows = []
            for file, (version, tags) in ((file, parts(file.filename)) for file in dated):
                if version and file.uploaded:
                    rows.append((version, tags, file.requires_python, file.yanked, file.uploaded))
            self._files[name] = rows
        return self._files[name]

    def versions(self, wanted: Wanted, python: str, macos: str) -> set[Version]:
        """Return the final versions with a wheel that fits."""
        tags, found = tags_of(python, macos), set()
        for version, has, bound, yanked, _ in self._read(wanted.name):
            if version in found or yanked or version.is_prerelease or not has & tags:
                continue
            if wanted.bounds.contains(version) and admits(bound, python):
                found.add(version)
        return found

    def uploaded(self, name: str, version: Version) -> datetime | None:
        """Return when the first file of a version came."""
        return min((day for other, _, _, _, day in self._read(name) if other == version), default=None)


@cache
def admits(bound: str, python: str) -> bool:
    try:
        return SpecifierSet(bound).contains(f"{python}.0")
    except InvalidSpecifier:
        return False


class Judge:
    """What can be had, asked of each world by itself; what was asked for alone is kept in a file."""

    def __init__(self, folder: Path) -> None:
        self.channel, self.index = Channel(), Index()
        self._file = folder / "alone.json"
        self._kept: dict[str, bool] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def wanted(self, manifest: Manifest) -> list[Wanted]:
        """Read what a manifest names for its target; requirements by URL and those of other systems are left out."""
        found: dict[str, Wanted] = {}
        only_index = set()
        for line, index_alone in manifest.lines():
            try:
                asked = Requirement(line)
            except InvalidRequirement:
                continue
            if asked.url or (asked.marker and not asked.marker.evaluate(markers(manifest.python))):
                continue
            name = str(canonicalize_name(asked.name))
            one = found.setdefault(name, Wanted(name=name, bounds=SpecifierSet(), extras=set()))
            one.bounds &= asked.specifier
            one.extras |= asked.extras
            only_index |= {name} if index_alone else set()
        for line in manifest.values.get("constraints", []):
            bound = Requirement(line)
            if held := found.get(str(canonicalize_name(bound.name))):
                held.bounds &= bound.specifier
        written = {str(canonicalize_name(key)): value for key, value in manifest.values.get("mapping", {}).items()}
        names = {**self._mapped([name for name in found if name not in written], manifest.python), **written}
        for name, one in found.items():
            one.conda = "" if name in only_index else names.get(name) or ""
        return list(found.values())

    def _mapped(self, names: Sequence[str], python: str) -> dict[str, str]:
        with self._lock:
            if new := [name for name in names if f"{name} {python}" not in self._names]:
                for row in json.loads(envgen_here(["map", "--json", "--python", python, *new]))["results"]:
                    self._names[f"{canonicalize_name(row['pypi'])} {python}"] = row["conda"] or ""
        return {name: self._names.get(f"{name} {python}", "") for name in names}

    def uploaded(self, one: Wanted, version: Version) -> datetime | None:
        return self.index.uploaded(one.name, version) or self.channel.uploaded(one.conda, version)

    def alone(self, world: str, one: Wanted, version: Version, manifest: Manifest) -> bool:
        """Return whether a version can be had with nothing else asked for."""
        name = one.conda if world == "conda" else one.name
        key = f"{world} {name}=={version} {manifest.python} {manifest.macos}"
        if key not in self._kept:
            if world == "conda":
                texts = {r["version"] for r in self.channel.records[name] if version_of(r["version"]) == version}
                can = any(
                    self.channel.solves([f"{name} =={text}"], manifest.python, manifest.macos) for text in sorted(texts)
                )
            else:
                can = uv_answers([f"{name}=={version}"], [], manifest)
            with self._lock:
                self._kept[key] = can
                self._file.write_text(json.dumps(self._kept, indent=0, sort_keys=True), encoding="utf-8")
        return self._kept[key]

    def behind(self, one: Wanted, locked: Version, manifest: Manifest) -> tuple[Version, str, bool, int | None] | None:
        """Return the newest version that a lock lags behind, its world, if by a major, and by how many days.

        A version that cannot be had alone is passed over with all of its minor.
        """
        target = (manifest.python, manifest.macos)
        worlds = {"conda": self.channel.versions(one, *target), "pypi": self.index.versions(one, *target)}
        before = self.uploaded(one, locked)
        passed: set[tuple[int, ...]] = set()
        for newest in sorted(worlds["conda"] | worlds["pypi"], reverse=True):
            if newest <= locked or len(passed) > TRIES:
                return None
            minor = (newest.epoch, *newest.release[:2])
            if minor in passed:
                continue
            date = self.uploaded(one, newest)
            days = (date - before).days if date and before else None
            major = is_major(locked, newest)
            if not (major or (days or 0) >= DAYS) and days is not None:
                return None
            for world in ("conda", "pypi"):
                if newest in worlds[world] and self.alone(world, one, newest, manifest):
                    return newest, world, major, days
            passed.add(minor)
        return None


def is_major(locked: Version, newest: Version) -> bool:
    """Return whether the first number that is not 0 is lower; versions that are dates have no major."""
    old, new = locked.release, newest.release
    if max(old[0], new[0]) >= 2000:
        return False
    place = next((at for at, number in enumerate(new) if number), 0)
    return old[: place + 1] < new[: place + 1]


def uv_answers(
    lines: Sequence[str], constraints: Sequence[str], manifest: Manifest, prerelease: str = "if-necessary"
) -> bool:
    """Return whether uv alone finds wheels for the target; no answer for another reason is an error."""
    from uv import find_uv_bin

    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {"MACOSX_DEPLOYMENT_TARGET": manifest.macos, "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "constraints.txt"
        held.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        words = [
            *(find_uv_bin(), "pip", "compile", "-", "--python-platform", "aarch64-apple-darwin"),
            *("--python-version", manifest.python, "--python", sys.executable, "--no-python-downloads"),
            *("--only-binary", ":all:", "--prerelease", prerelease, "--exclude-newer", LAST_DAY),
            *("--no-config", "--no-header", "--no-progress", "--constraints", str(held)),
        ]
        text, said = "".join(f"{line}\n" for line in lines), ""
        for _ in range(3):
            ran = subprocess.run(words, check=False, env=environment, input=text, capture_output=True, text=True)
            said = ran.stderr.strip()
            if ran.returncode == 0 or "No solution found" in said:
                return ran.returncode == 0
    print(f"uv about {', '.join(lines)}: {said[:300]}", file=sys.stderr)
    return False


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One run of envgen; `answer` is what it printed as JSON."""

    code: int
    answer: Mapping[str, Any]
    stderr: str
    solves: int
    uvs: int
    seconds: float
    peak: int


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Locks manifests with the envgen of an interpreter, and judges the locks."""

    python: Path
    cache: Path
    judge: Judge

    def run(self, project: Path, words: Sequence[str]) -> Ran:
        """Run `envgen WORDS` in a project, counting."""
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("ENVGEN", "CONDA", "VIRTUAL", "PYTHONPATH"))},
            "ENVGEN_MIRRORS": f"conda-forge={CHANNEL.resolve()}",
            "ENVGEN_CACHE_DIR": str(self.cache / hashlib.sha256(str(self.python).encode()).hexdigest()[:8]),
            "NO_COLOR": "1",
        }
        with tempfile.TemporaryDirectory() as folder:
            report, marks = Path(folder, "report"), Path(folder, "marks")
            counting = [str(self.python), "-P", "-c", COUNTER, str(marks), *words]
            try:
                ran = subprocess.run(
                    [sys.executable, "-S", "-c", LAUNCHER, str(report), *counting],
                    check=False,
                    cwd=project,
                    env=environment,
                    capture_output=True,
                    timeout=SECONDS,
                )
            except subprocess.TimeoutExpired:
                late = {"error": {"code": "timeout", "message": f"no end within {SECONDS} s"}}
                return Ran(code=1, answer=late, stderr="", solves=0, uvs=0, seconds=SECONDS, peak=0)
            code, seconds, peak = json.loads(report.read_text("utf-8"))
            done = marks.read_bytes() if marks.exists() else b""
        try:
            answer = json.loads(ran.stdout)
        except ValueError:
            answer = {"error": {"code": f"no JSON, exit {code}", "message": ran.stderr.decode()[-300:]}}
        return Ran(
            code=code,
            answer=answer,
            stderr=ran.stderr.decode(),
            solves=done.count(b"s"),
            uvs=done.count(b"u"),
            seconds=seconds,
            peak=peak // 1024,
        )

    def rows(self, manifest: Manifest, with_edits: bool) -> Iterator[Row]:
        """Lock a manifest, fresh and after each edit, and yield a row each."""
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            file = project / "environments" / manifest.folder / "envgen.yaml"
            earlier: Ran | None = None
            if not manifest.python:
                (project / "environments").mkdir()
                adds = [word for line, _ in manifest.lines() for word in ("--add", line)]
                earlier = self.run(project, ["new", manifest.folder, *adds, "--json"])
                if earlier.code:
                    yield self._row(manifest.changed(python=PYTHONS[1]), "fresh (new)", earlier, project)
                    return
                made = YAML(typ="safe").load(file.read_text("utf-8"))
                manifest = manifest.changed(python=str(made["python"]))
                for path in file.parent.iterdir():
                    path.unlink()
            for state, now in (("fresh", manifest), *(edits(manifest) if with_edits else ())):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(now.text, encoding="utf-8")
                ran = self.run(project, ["lock", now.folder, "--json"])
                row = self._row(now, state, ran, project)
                if state == "fresh" and earlier:  # with what the choice of a python took
                    row.state = "fresh (new, lock)"
                    row.solves, row.uvs = row.solves + earlier.solves, row.uvs + earlier.uvs
                    row.seconds, row.peak = row.seconds + earlier.seconds, max(row.peak, earlier.peak)
                yield row

    def _row(self, manifest: Manifest, state: str, ran: Ran, project: Path) -> Row:
        wanted = self.judge.wanted(manifest)
        row = Row(
            manifest=manifest.name,
            state=state,
            python=manifest.python,
            requirements=len(wanted),
            solves=ran.solves,
            uvs=ran.uvs,
            seconds=ran.seconds,
            peak=ran.peak,
        )
        if ran.code:
            error = ran.answer.get("error", {})
            row.outcome = f"refused: {error.get('code', f'exit {ran.code}')}"
            row.message = " ".join(str(error.get("message", "")).split())
            row.answer = self._others(manifest, wanted)
            return row
        platform = ran.answer["environments"][0]["platforms"][SUBDIR]
        told = Told(ran.answer)
        checked = False
        for lag in self._lags(row, wanted, manifest, platform):
            names = {lag.name, next(one.conda for one in wanted if one.name == lag.name)} - {""}
            if not checked and not told.explains(names):
                told.add(self.run(project, ["check", manifest.folder, "--json"]).answer)
                checked = True
            shown = {**asdict(lag), "explained": told.explains(names), "noted": told.notes(names)}
            row.lags.append(Lag(**shown))
        return row

    def _lags(
        self, row: Row, wanted: Sequence[Wanted], manifest: Manifest, platform: Mapping[str, Any]
    ) -> Iterator[Lag]:
        self.judge.index.prefetch([one.name for one in wanted])
        for one in wanted:
            source, text = locked_version(one, platform)
            locked = version_of(text)
            if locked is None:
                row.absent.append(f"{one.name} {text}".strip())
                continue
            found = self.judge.behind(one, locked, manifest)
            if found:
                newest, world, major, days = found
                if not major and days is None:
                    row.unknown += 1
                    continue
                yield Lag(
                    name=one.name,
                    locked=text,
                    source=source,
                    newest=str(newest),
                    world=world,
                    major=major,
                    days=days,
                    explained=False,
                    noted=False,
                )

    def _others(self, manifest: Manifest, wanted: Sequence[Wanted]) -> str:
        """Say which world by itself has an answer to what was refused."""
        target = (manifest.python, manifest.macos)
        lines = [one.line() for one in wanted]
        found = []
        conda_names = manifest.values.get("conda", [])
        held = list(manifest.values.get("constraints", []))
        if manifest.values.get("accelerator") == "metal":
            lines, held = [*lines, "tensorflow-metal"], [*held, *LOADS_WITH_METAL]
        how = next((how for how in ("disallow", "if-necessary") if uv_answers(lines, held, manifest, how)), "")
        if how:
            limits = ["with pre-releases"] if how != "disallow" else []
            limits += ["without the manifest's conda names"] if conda_names else []
            found.append(f"uv ({', '.join(limits)})" if limits else "uv")
        if all(one.conda for one in wanted) and self.judge.channel.solves(
            [*(f"{one.conda} {conda_bounds(one)}".strip() for one in wanted), *conda_names], *target
        ):
            found.append("conda")
        return f"refused though {' and '.join(found)} alone has an answer" if found else ""


def conda_bounds(one: Wanted) -> str:
    """Render bounds as conda's, which writes `==1.*` without its operator."""
    return ",".join(re.sub(r"^===?(?=.*\*$)", "", str(each)).replace("===", "==") for each in one.bounds)


def locked_version(one: Wanted, platform: Mapping[str, Any]) -> tuple[str, str]:
    """Return the world and the version that a lock has for a project."""
    halves = {half: {row["name"]: str(row["version"]) for row in platform[half]} for half in ("conda", "pypi")}
    for row in platform.get("decisions", ()):
        version = halves.get(row["source"], {}).get(row["name"])
        if version and canonicalize_name(bare(row["requirement"])) == one.name:
            return row["source"], version
    for half, name in (("pypi", one.name), ("conda", one.conda)):
        if version := halves[half].get(name):
            return half, version
    return "", ""


class Told:
    """What a lock says of versions that are held back."""

    def __init__(self, answer: object) -> None:
        self._held: list[tuple[str, frozenset[str]]] = []
        self._notes: list[str] = []
        self.add(answer)

    def add(self, answer: object) -> None:
        if isinstance(answer, Mapping):
            message = str(answer.get("message", ""))
            packages = answer.get("packages")
            if answer.get("code") == "HELD-BACK":
                listed = packages if isinstance(packages, list) else []
                names = [str(name if isinstance(name, str) else dict(name).get("name", "")) for name in listed]
                self._held.append((message, frozenset(name.rpartition(":")[2] for name in names)))
            elif message:
                self._notes.append(message)
            for value in answer.values():
                self.add(value)
        elif isinstance(answer, list):
            for value in answer:
                if isinstance(value, str):
                    self._notes.append(value)
                self.add(value)

    def explains(self, names: set[str]) -> bool:
        if any(names & packages or opens(message, names) for message, packages in self._held):
            return True
        return any("HELD-BACK" in note and speaks(note, names) for note in self._notes)

    def notes(self, names: set[str]) -> bool:
        return any(opens(note, names) for note in self._notes)


def opens(text: str, names: set[str]) -> bool:
    return any(text.startswith(f"`{name}`") for name in names)


def speaks(text: str, names: set[str]) -> bool:
    return any(f"`{name}`" in text for name in names)


def worst(rows: Sequence[Row]) -> list[tuple[Row, Lag]]:
    """List the lags, the unexplained first, then by days."""
    pairs = [(row, lag) for row in rows for lag in row.lags]
    return sorted(pairs, key=lambda pair: (pair[1].explained, -(pair[1].days or 0), pair[1].name, pair[0].manifest))


def report(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is printed below the table: totals, lags, refusals."""
    pairs = worst(rows)
    yield f"\nLAGS ({len(pairs)})"
    for row, lag in pairs:
        yield f"  {row.manifest[:26]} / {row.state}: {lag.text()}"
    refused = [row for row in rows if row.outcome != "locked"]
    yield f"\nREFUSALS ({len(refused)})"
    for row in refused:
        yield f"  {row.manifest} / {row.state} (python {row.python}): {row.outcome}; {row.answer or 'nobody has one'}"
        yield f"    {row.message[:300]}"
    absent = [f"{row.manifest} / {row.state}: {', '.join(row.absent)}" for row in rows if row.absent]
    yield f"\nNAMED, AND NOT IN THE LOCK BY A VERSION THAT CAN BE READ ({len(absent)})"
    yield from (f"  {line}" for line in absent)
    explained = sum(lag.explained for _, lag in pairs)
    noted = sum(lag.noted and not lag.explained for _, lag in pairs)
    yield "\nTOTALS"
    yield f"  {len(rows)} states of {len({row.manifest for row in rows})} manifests: {len(rows) - len(refused)} locked"
    answered = sum(bool(row.answer) for row in refused)
    yield f"  {len(refused)} refused, {answered} of them though uv or conda alone has an answer"
    yield f"  {sum(row.requirements for row in rows if row.outcome == 'locked')} requirements locked"
    yield f"  {len(pairs) - explained} unexplained lags ({noted} with a note), {explained} explained"
    yield f"  {sum(lag.major for _, lag in pairs)} lags by a major version"
    yield f"  {sum((lag.days or 0) >= DAYS for _, lag in pairs)} lags by {DAYS} days or more"
    yield f"  {sum(row.unknown for row in rows)} unknown dates"
    yield f"  {sum(row.solves for row in rows)} solves, {sum(row.uvs for row in rows)} runs of uv"
    yield f"  {sum(row.seconds for row in rows):.0f} processor seconds, {max((row.peak for row in rows), default=0)} MB"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="whose envgen is measured")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="manifests by parts of their names")
    parser.add_argument("--edits", action="store_true", help="lock again after each of three edits")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "envgen-freshness")
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    bench = Bench(python=given.python.absolute(), cache=given.cache.absolute(), judge=Judge(given.cache.absolute()))
    printed = threading.Lock()
    print(HEAD, flush=True)

    def one(manifest: Manifest) -> None:
        for row in bench.rows(manifest, given.edits):
            with printed:
                done.setdefault(manifest.name, []).append(row)
                print(row.text(), flush=True)
                if given.json:
                    kept = [asdict(row) for name in order if name in done for row in done[name]]
                    given.json.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    chosen = list(manifests(given.only))
    order = [manifest.name for manifest in chosen]
    done: dict[str, list[Row]] = {}
    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(one, chosen))
    print(*report([row for name in order for row in done[name]]), sep="\n")
    return 0


if __name__ == "__main__":
    outcome = main()
    sys.stdout.flush()
    os._exit(outcome)  # threads of rattler's may still be there, which crash an interpreter that is taken down
