"""pylock.toml (PEP 751) and requirements.txt: the packages from PyPI for pip, uv and others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from envgen.formats.generated import file_of, header, no_url, no_wheels, refuse
from envgen.lock.groups import lock_groups
from envgen.lock.model import MAIN_GROUP, Lock, LockedWheel, PlatformLock
from envgen.models.wheel import PackageIndex

FILE = "pylock.toml"
_TARGET_MARKERS = ("sys_platform", "platform_machine", "implementation_name")


def write(lock: Lock) -> dict[str, str]:
    """Write `pylock.toml`, or `pylock.<platform>.toml` for each of several platforms.

    conda's packages are no part of the format, so that dependencies between packages are left out: what conda provides
    could not be named. Raises WriteError for wheels without a URL or a hash, and where nothing comes from PyPI.
    """
    refuse(FILE, lock, "export another format", no_wheels(lock), no_url(lock))
    return {file_of(FILE, lock, each): _text(lock, each) for each in lock.platforms if each.pypi}


def _text(lock: Lock, platform: PlatformLock) -> str:
    groups = sorted(lock_groups(platform))
    markers = platform.platform.markers()
    marker = " and ".join(f"{key} == '{markers[key]}'" for key in _TARGET_MARKERS)
    lines = [
        *header(lock, [platform]),
        'lock-version = "1.0"',
        f"environments = [{_string(marker)}]",
        f"requires-python = {_string(f'=={platform.platform.python}.*')}",
        *([f"dependency-groups = {_strings(groups)}", "default-groups = []"] if groups else []),
        f"created-by = {_string(lock.created_by.split()[0])}",
    ]
    for wheel in sorted(platform.pypi, key=lambda wheel: wheel.name):
        lines += ["", *_package(wheel, platform.groups_of(wheel.key))]
    return "\n".join(lines) + "\n"


def _package(locked: LockedWheel, groups: Sequence[str]) -> Iterator[str]:
    yield "[[packages]]"
    yield f"name = {_string(locked.name)}"
    yield f"version = {_string(locked.version)}"
    if MAIN_GROUP not in groups:
        marker = " or ".join(f"'{group}' in dependency_groups" for group in groups)
        yield f"marker = {_string(marker)}"
    if locked.requires_python:
        yield f"requires-python = {_string(locked.requires_python)}"
    yield "[[packages.wheels]]"
    yield f"name = {_string(locked.wheel.filename)}"
    yield f"url = {_string(locked.wheel.url)}"
    if locked.wheel.size is not None:
        yield f"size = {locked.wheel.size}"
    yield f"hashes = {{sha256 = {_string(locked.wheel.sha256)}}}"


def _strings(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _string(text: str) -> str:
    """Return a TOML basic string, whose escapes are JSON's but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


REQUIREMENTS = "requirements.txt"


def write_requirements(lock: Lock) -> dict[str, str]:
    """Write `requirements.txt`, or `requirements.<platform>.txt` for each of several platforms.

    Raises WriteError for wheels without a hash, and where nothing comes from PyPI.
    """
    refuse(REQUIREMENTS, lock, "export another format", no_wheels(lock))
    return {file_of(REQUIREMENTS, lock, each): _requirements_text(lock, each) for each in lock.platforms if each.pypi}


def _requirements_text(lock: Lock, platform: PlatformLock) -> str:
    about = ["Install it into an environment that has conda's packages: pip install --no-deps --require-hashes -r FILE"]
    indexes = [f"--extra-index-url {PackageIndex.parse(index).url}" for index in lock.indexes]
    wheels = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}" for wheel in platform.pypi]
    return "\n".join([*header(lock, [platform], about=about), *indexes, *wheels]) + "\n"
