"""Read an environment's lock files with a YAML library and none of envgen's code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

MACHINES = {"osx-arm64": "arm64", "osx-64": "x86_64", "linux-64": "x86_64", "linux-aarch64": "aarch64"}
_ARCHSPECS = {"osx-arm64": "m1", "osx-64": "x86_64", "linux-64": "x86_64", "linux-aarch64": "aarch64"}


@dataclass
class Target:
    """One platform of a lock, read without envgen."""

    subdir: str
    macos: str
    python: str
    conda: dict[str, dict[str, Any]] = field(default_factory=dict)
    pypi: dict[str, dict[str, Any]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


def targets(folder: Path) -> list[Target]:
    """Read the lock of a folder."""
    lock = folder / "conda-lock.yml"
    return _from_conda_lock(lock) if lock.exists() else [_from_explicit(path) for path in folder.glob("explicit.*.txt")]


def _from_conda_lock(path: Path) -> list[Target]:
    data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    custom = data["metadata"]["custom_metadata"]
    assert data["version"] == 1
    assert data["metadata"]["sources"]
    assert set(data["metadata"]["content_hash"]) == set(data["metadata"]["platforms"])
    found = {}
    for subdir in data["metadata"]["platforms"]:
        found[subdir] = Target(subdir, custom.get(f"{subdir}.macos", ""), custom[f"{subdir}.python"])
    for entry in data["package"]:
        target = found[entry["platform"]]
        half = target.conda if entry["manager"] == "conda" else target.pypi
        if entry["name"] in half and half[entry["name"]]["url"] != entry["url"]:
            target.found.append(f"{entry['name']} is there twice")
        half[entry["name"]] = entry
    return list(found.values())


def _from_explicit(path: Path) -> Target:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "@EXPLICIT" in lines
    subdir = next(line.split(": ")[1] for line in lines if line.startswith("# platform: "))
    facts = dict(re.findall(rf"^#: {subdir}\.(python|macos): '?([0-9.]+)'?$", "\n".join(lines), re.MULTILINE))
    target = Target(subdir, facts.get("macos", ""), facts["python"])
    for line in lines:
        if line and not line.startswith("#") and line != "@EXPLICIT":
            url, md5 = line.split("#")
            name, version, _ = stem(url)
            target.conda[name] = {"name": name, "version": version, "url": url, "hash": {"md5": md5}}
    requirements = path.with_name(path.name.replace("explicit", "requirements"))
    for line in requirements.read_text(encoding="utf-8").splitlines() if requirements.exists() else []:
        if line and not line.startswith("#"):
            name, version, sha256 = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:(\S+)", line).groups()  # type: ignore[union-attr]
            target.pypi[name] = {"name": name, "version": version, "url": "", "hash": {"sha256": sha256}}
    return target


def stem(url: str) -> tuple[str, str, str]:
    """Return the name, version and build that an artifact's URL says."""
    name, version, build = re.sub(r"\.(conda|tar\.bz2)$", "", url.rsplit("/", 1)[-1]).rsplit("-", 2)
    return name, version, build


def system(target: Target) -> dict[str, dict[str, Any]]:
    """Return the virtual packages of a target."""
    names = {"__unix": "0", "__archspec": "1"}
    names |= {"__osx": target.macos} if target.macos else {"__linux": "5.10", "__glibc": "2.28"}
    builds = {"__archspec": _ARCHSPECS[target.subdir]}
    return {
        name: {"name": name, "version": version, "build": builds.get(name, "0"), "build_number": 0}
        for name, version in names.items()
    }


def markers(target: Target) -> dict[str, str]:
    """Return the marker environment of a target."""
    mac = target.subdir.startswith("osx")
    release = kernel(target.macos) if mac else ""
    build = "RELEASE_ARM64_T6000" if target.subdir == "osx-arm64" else "RELEASE_X86_64"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.0",
        "os_name": "posix",
        "platform_machine": MACHINES[target.subdir],
        "platform_python_implementation": "CPython",
        "platform_release": release,
        "platform_system": "Darwin" if mac else "Linux",
        "platform_version": f"Darwin Kernel Version {release}: root:xnu-1~1/{build}" if mac else "",
        "python_full_version": f"{target.python}.0",
        "python_version": target.python,
        "sys_platform": "darwin" if mac else "linux",
    }


def kernel(macos: str) -> str:
    """Return the release of Darwin below a macOS."""
    major, minor = map(int, macos.split("."))
    first = {10: (19, -15), 11: (20, 1), 12: (21, 1), 13: (22, 1), 14: (23, 0), 15: (24, 0), 26: (25, 0)}[major]
    return f"{first[0]}.{min(first[1] + minor, 6)}.0"
