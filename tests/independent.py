"""Judge committed environments by the formats' own rules, with none of envgen's code.

`faults(folder)` reads conda-lock.yml (or the explicit and requirements files) with a YAML library, and gives every
fault in words: hashes, platforms, tags, depends, constrains, Requires-Dist, doubles, disagreement between the files,
and pairs that are known not to work (tests/known_pairs.py).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rattler
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from ruamel.yaml import YAML

from tests.independent_lock import MACHINES, Target, markers, stem, system, targets
from tests.known_pairs import pair_faults

Metadata = Callable[[str, str, str], tuple[list[str], str]]
"""Give Requires-Dist and Requires-Python of a wheel, by its name, version and sha256."""

_DISTRIBUTIONS = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless",
    "py-xgboost": "xgboost",
    "python-flatbuffers": "flatbuffers",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "ray-core": "ray",
    "redis-py": "redis",
    "seaborn-base": "seaborn",
}
_UMBRELLAS = {"brotli", "dask", "graphviz", "matplotlib", "opencv", "seaborn", "tensorflow-cpu", "tzdata"}


@dataclass(frozen=True)
class Sources:
    """Describe where the truth about a lock's packages is read.

    `channel` is a folder of `<subdir>/repodata.json`; without it the records' depends are the lock's own. `metadata`
    gives what wheels really require; without it that is the lock's word. `names` is a table of `pypi_name` and
    `conda_name`; without it a short list of irregular names serves.
    """

    channel: Path | None = None
    metadata: Metadata | None = None
    names: Path | None = None


def faults(folder: Path, sources: Sources | None = None) -> list[str]:
    """Return every fault of an environment's folder."""
    known = sources or Sources()
    return [
        f"{target.subdir}: {fault}" for target in targets(folder) for fault in _target_faults(target, folder, known)
    ]


def _target_faults(target: Target, folder: Path, sources: Sources) -> Iterator[str]:
    yield from target.found
    records = {name: _record(entry, sources.channel) for name, entry in target.conda.items()}
    for name, entry in target.conda.items():
        yield from _file_faults(target, entry, records[name])
    for entry in target.pypi.values():
        yield from _wheel_faults(target, entry)
    yield from _need_faults(target, records)
    yield from _require_faults(target, _provided(records, sources.names), sources.metadata)
    yield from _environment_faults(target, folder)
    versions = {f"conda:{name}": entry["version"] for name, entry in target.conda.items()}
    versions |= {f"pypi:{name}": entry["version"] for name, entry in target.pypi.items()}
    needs = {name: record["depends"] for name, record in records.items()}
    yield from pair_faults(target.python, target.macos, versions, needs)


@cache
def _index(path: Path) -> dict[str, Any]:
    index = json.loads(path.read_bytes())
    return {**index["packages"], **index["packages.conda"]}


def _record(entry: dict[str, Any], channel: Path | None) -> dict[str, Any]:
    """Return the channel's own record of an entry; without a channel what the lock says of it."""
    subdir, filename = entry["url"].split("/")[-2:]
    if channel is not None:
        return dict(_index(channel / subdir / "repodata.json")[filename])
    name, version, build = stem(entry["url"])
    depends = [f"{need} {spec}".strip() for need, spec in entry.get("dependencies", {}).items()]
    number = int(re.search(r"\d*$", build)[0] or 0)  # type: ignore[index]
    return {"name": name, "version": version, "build": build, "build_number": number, "depends": depends}


def _file_faults(target: Target, entry: dict[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    name, version, build = stem(entry["url"])
    if (name, version, build) != (record["name"], record["version"], record["build"]):
        yield f"{entry['url']} is not the record's file"
    if (entry["name"], entry["version"]) != (name, version):
        yield f"{entry['name']} {entry['version']} has the URL of {name} {version}"
    if entry["url"].split("/")[-2] not in (target.subdir, "noarch"):
        yield f"{name} is for another platform"
    for kind, length in (("md5", 32), ("sha256", 64)):
        value = entry["hash"].get(kind, "")
        if value and (not re.fullmatch(rf"[0-9a-f]{{{length}}}", value) or record.get(kind, value) != value):
            yield f"the {kind} of {name} is wrong"
    if not entry["hash"].get("md5"):
        yield f"{name} has no md5"


def _wheel_faults(target: Target, entry: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"[0-9a-f]{64}", entry["hash"].get("sha256", "")):
        yield f"{entry['name']} has no sha256"
    if not entry["url"]:
        return
    filename = entry["url"].rsplit("/", 1)[-1].replace("%2B", "+")
    name, version, _, tags = parse_wheel_filename(filename)
    if (name, version) != (entry["name"], Version(entry["version"])):
        yield f"{filename} is not {entry['name']} {entry['version']}"
    if target.macos and not tags & _tags(target.subdir, target.macos, target.python):
        yield f"{filename} does not fit"


@cache
def _tags(subdir: str, macos: str, python: str) -> frozenset[Any]:
    minor = tuple(int(part) for part in python.split("."))
    release = tuple(int(part) for part in macos.split("."))
    systems = list(mac_platforms((release[0], release[1]), MACHINES[subdir]))
    interpreter = f"cp{minor[0]}{minor[1]}"
    native = cpython_tags(minor, [interpreter], systems)
    return frozenset([*native, *compatible_tags(minor, interpreter, systems)])


def _meets(text: str, record: Mapping[str, Any]) -> bool:
    package = rattler.PackageRecord(
        name=record["name"],
        version=record["version"],
        build=rattler.BuildString(record["build"]),
        build_number=record["build_number"],
        subdir="noarch",
        arch=None,
        platform=None,
    )
    return rattler.MatchSpec(text).matches(package)


def _need_faults(target: Target, records: dict[str, dict[str, Any]]) -> Iterator[str]:
    present = {**system(target), **records}
    for record in records.values():
        for depend in record["depends"]:
            name = rattler.MatchSpec(depend).name.normalized
            if name not in present or not _meets(depend, present[name]):
                yield f"{record['name']} needs {depend}"
        for constrain in record.get("constrains", []):
            name = rattler.MatchSpec(constrain).name.normalized
            if name in present and not _meets(constrain, present[name]):
                yield f"{record['name']} constrains {constrain}"
            if name in target.pypi and not rattler.VersionSpec(rattler.MatchSpec(constrain).version or "*").matches(
                rattler.Version(target.pypi[name]["version"])
            ):
                yield f"{record['name']} constrains {constrain}, which PyPI brings"
    if target.pypi and "pip" not in records:
        yield "there is no pip"
    if not records.get("python", {}).get("version", "").startswith(f"{target.python}."):
        yield f"python is not {target.python}"


@cache
def _names(table: Path | None) -> dict[str, set[str]]:
    """Return the distributions of each conda name."""
    found = {conda: set(pypi.split()) for conda, pypi in _DISTRIBUTIONS.items()}
    if table:
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["conda_name"], set()).add(canonicalize_name(row["pypi_name"]))
    return found


def _provided(records: dict[str, dict[str, Any]], table: Path | None) -> dict[str, tuple[str, str]]:
    """Return the conda package and the version of each distribution that the records provide."""
    provided: dict[str, tuple[str, str]] = {}
    names = _names(table)
    for name, record in records.items():
        is_python = any(depend.split()[0] in ("python", "python_abi") for depend in record["depends"])
        own = {str(canonicalize_name(name))} if is_python and name not in _UMBRELLAS else set()
        for distribution in names.get(name, own):
            provided[distribution] = (name, record["version"])
    return provided


def _require_faults(target: Target, provided: dict[str, tuple[str, str]], metadata: Metadata | None) -> Iterator[str]:
    for name in sorted(provided.keys() & target.pypi.keys()):
        yield f"{name} comes from PyPI and from conda's {provided[name][0]}"
    requires = {name: _requires(entry, metadata) for name, entry in target.pypi.items()}
    extras = _extras(target, requires)
    python = str(target.conda.get("python", {}).get("version", f"{target.python}.0"))
    for name, (requirements, requires_python) in requires.items():
        if not SpecifierSet(requires_python).contains(python):
            yield f"{name} requires python {requires_python}"
        for requirement in requirements:
            needed = str(canonicalize_name(requirement.name))
            version = target.pypi[needed]["version"] if needed in target.pypi else provided.get(needed, ("", ""))[1]
            applies = _applies(target, requirement, extras[name])
            if applies and not (version and _admits(requirement.specifier, version)):
                yield f"{name} requires {requirement}, and {version or 'nothing'} is there"


def _requires(entry: dict[str, Any], metadata: Metadata | None) -> tuple[list[Requirement], str]:
    if metadata is None:
        return [Requirement(f"{name}{spec}") for name, spec in entry.get("dependencies", {}).items()], ""
    texts, requires_python = metadata(entry["name"], entry["version"], entry["hash"]["sha256"])
    return [Requirement(text) for text in texts], requires_python


def _extras(target: Target, requires: dict[str, tuple[list[Requirement], str]]) -> dict[str, set[str]]:
    """Return the extras that the wheels ask of each other, "" standing for none."""
    extras = {name: {""} for name in requires}
    for _ in requires:  # each pass carries them one wheel further
        for name, (requirements, _python) in requires.items():
            for requirement in requirements:
                if requirement.name in extras and _applies(target, requirement, extras[name]):
                    extras[requirement.name] |= requirement.extras
    return extras


def _applies(target: Target, requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**markers(target), "extra": extra}) for extra in extras)


def _admits(specifier: SpecifierSet, version: str) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _environment_faults(target: Target, folder: Path) -> Iterator[str]:
    """Compare environment.yml, where there is one, with the lock."""
    several = folder / f"environment.{target.subdir}.yml"
    path = several if several.exists() else folder / "environment.yml"
    if not path.exists():
        return
    data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    pins = {entry for entry in data["dependencies"] if isinstance(entry, str)}
    pip: list[str] = next((entry["pip"] for entry in data["dependencies"] if isinstance(entry, dict)), [])
    if data["name"] != folder.name or "nodefaults" not in data["channels"]:
        yield f"{path.name} has another name, or lacks nodefaults"
    if pins != {"=".join(stem(entry["url"])) for entry in target.conda.values()}:
        yield f"{path.name} and the lock differ in conda's packages"
    locked = {f"{e['name']}=={e['version']} --hash=sha256:{e['hash']['sha256']}" for e in target.pypi.values()}
    if set(pip) != locked:
        yield f"{path.name} and the lock differ in PyPI's packages"
