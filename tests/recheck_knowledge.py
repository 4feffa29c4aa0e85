"""Read the index again for what the facts speak of, and print what changed: `python -m tests.recheck_knowledge`.

It compares the tables of `envgen/knowledge` with the files that the index lists today: releases of the TensorFlow
family that no row knows, pythons that gained or lost wheels, releases that were missing and are there now, macOS floors
that moved. Nothing is written; a changed fact is a row to edit, with its new day. Exits with 1 if anything changed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.errors import PypiError
from envgen.knowledge.releases import bad_releases
from envgen.knowledge.replacements import replaced_names
from envgen.knowledge.tensorflow import METAL, metal_releases, release_of, satellites
from envgen.knowledge.version_ranges import covers, to_numbers
from envgen.knowledge.wheels import MacosFloor, macos_floors, missing_wheels
from envgen.models.platform import Platform
from envgen.pypi.lookups import PypiLookups
from envgen.pypi.release_verdicts import FileClass, by_version, judge
from envgen.pypi.simple_api import Project, ProjectFile

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
NEWEST_MACOS = "99.0"
STUB_BYTES = 100_000
FURTHER = ("keras", "tensorboard", "tensorflow-hub", "tensorflow-probability", "tensorflow-datasets", "pyarrow", "onnx")


def names() -> list[str]:
    """List the projects that the tables speak of."""
    found = {"tensorflow", "tensorflow-macos", METAL, *FURTHER}
    found |= {row.name for row in satellites()} | {row.name for row in macos_floors()}
    found |= {row.name for row in missing_wheels()} | {row.name for row in bad_releases()}
    return sorted(found | {row.name for row in replaced_names()})


def changes(projects: Mapping[str, Project | PypiError | None]) -> Iterator[str]:
    """Yield what the index lists otherwise than the tables do."""
    for name, project in projects.items():
        if isinstance(project, PypiError):
            yield f"{name}: not looked up: {project.message}"
    known = {name: project for name, project in projects.items() if isinstance(project, Project)}
    yield from _tensorflow(known)
    yield from _metal(known)
    yield from _missing(known)
    yield from _floors(known)
    yield from _satellites(known)
    yield from _bad(known)


def _finals(project: Project | None) -> dict[Version, list[ProjectFile]]:
    """Return the final releases with their files, newest first."""
    versions = by_version(project.files) if project else {}
    return {version: versions[version] for version in sorted(versions, reverse=True) if not version.is_prerelease}


def _code(version: Version, files: list[ProjectFile], python: str, macos: str = NEWEST_MACOS) -> FileClass | None:
    verdict = judge(str(version), files, Platform(subdir="osx-arm64", python=python, macos=macos))
    return verdict.code if verdict else None


def _pythons(version: Version, files: list[ProjectFile]) -> tuple[str, ...]:
    return tuple(python for python in PYTHONS if _code(version, files, python) == "OK")


def _tensorflow(known: Mapping[str, Project]) -> Iterator[str]:
    """Look for releases with code that no row knows, and for pythons that differ."""
    for name in ("tensorflow", "tensorflow-macos"):
        for version, files in _finals(known.get(name)).items():
            sizes = [file.size or 0 for file in files if "macosx" in file.filename and "arm64" in file.filename]
            if not sizes:
                continue
            row = release_of(str(version))
            kind = "code" if max(sizes) > STUB_BYTES else "a stub"
            if row is None or str(version) not in row.known:
                yield f"{name} {version}: {kind}, and no row of tensorflow.toml knows it"
            elif (row.code == name) != (kind == "code"):
                yield f"{name} {version}: the wheel is {kind}; the row says that `{row.code}` has the code"
            elif row.code == name and set(_pythons(version, files)) - set(row.python):
                yield f"{name} {version}: wheels for python {', '.join(_pythons(version, files))}; the row has fewer"


def _metal(known: Mapping[str, Project]) -> Iterator[str]:
    rows = {Version(row.version): row for row in metal_releases()}
    for version, files in _finals(known.get(METAL)).items():
        row = rows.get(version)
        if row is None:
            yield f"{METAL} {version}: no row of metal.toml knows it: check which TensorFlow it loads with"
        elif set(_pythons(version, files)) != set(row.python):
            yield f"{METAL} {version}: wheels for python {', '.join(_pythons(version, files))}; the row says otherwise"


def _missing(known: Mapping[str, Project]) -> Iterator[str]:
    """Look for wheels that are there now."""
    for row in missing_wheels():
        wanted = SpecifierSet(row.versions)
        for version, files in _finals(known.get(row.name)).items():
            if not wanted.contains(version):
                continue
            there = [python for python in row.python or PYTHONS if _code(version, files, python) == "OK"]
            if there:
                yield f"{row.name} {version}: has a wheel for python {', '.join(there)} now (wheels.toml)"
                break


def _floors(known: Mapping[str, Project]) -> Iterator[str]:
    """Look for releases that need another macOS than their row says."""
    for name in sorted({row.name for row in macos_floors()}):
        rows = [row for row in macos_floors() if row.name == name]
        for version, files in list(_finals(known.get(name)).items())[:3]:
            row = next((row for row in rows if covers(row.versions, str(version))), None)
            needed = _lowest(version, files)
            if row and needed and _differs(row, needed):
                yield f"{name} {version}: needs macOS {needed}; the row {row.versions} says {row.macos} (macos.toml)"
            elif needed and row is None and to_numbers(needed) > (13, 0):
                yield f"{name} {version}: needs macOS {needed}, and no row of macos.toml speaks of it"


def _differs(row: MacosFloor, needed: str) -> bool:
    return to_numbers(row.macos) != to_numbers(needed)


def _lowest(version: Version, files: list[ProjectFile]) -> str:
    """Return the lowest macOS on which a release has a wheel for some python, from 11.0 on; "" where it has none."""
    for macos in (*(f"{major}.0" for major in range(11, 27)),):
        if any(_code(version, files, python, macos) == "OK" for python in PYTHONS):
            return macos
    return ""


def _satellites(known: Mapping[str, Project]) -> Iterator[str]:
    for name in sorted({row.name for row in satellites() if row.native}):
        for version, files in list(_finals(known.get(name)).items())[:1]:
            rows = [row for row in satellites() if row.name == name and covers(row.versions, str(version))]
            if not rows:
                yield f"{name} {version}: no row of tensorflow.toml says which TensorFlow it fits"
            elif rows[0].python and set(_pythons(version, files)) - set(rows[0].python):
                yield f"{name} {version}: wheels for python {', '.join(_pythons(version, files))}; the row has fewer"


def _bad(known: Mapping[str, Project]) -> Iterator[str]:
    for row in bad_releases():
        versions = _finals(known.get(row.name))
        if row.name in known and not any(covers(row.versions, str(version)) for version in versions):
            yield f"{row.name}{row.versions}: no such release is listed any more (releases.toml)"


def main() -> int:
    """Print what changed; give the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        lookups = PypiLookups(cache=Path(folder), environment=os.environ, timeout=120.0)
        found = list(changes(lookups.projects(names())))
    for line in found:
        print(line)
    print(f"{len(found)} changes" if found else "nothing changed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
