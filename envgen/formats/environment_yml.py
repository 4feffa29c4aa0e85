"""environment.yml: the exact packages of one platform for conda and mamba."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envgen.formats.generated import file_of, group_note, header, refuse, scalar
from envgen.lock.model import Lock, PlatformLock
from envgen.models.wheel import PackageIndex

FILE = "environment.yml"


def write(lock: Lock) -> dict[str, str]:
    """Write a file for the one platform, or `environment.<platform>.yml` for each of several.

    `nodefaults` keeps clients from adding their default channels (CEP 24). The hashes of the pip section put pip into
    its require-hashes mode, in which it refuses whatever is not listed. Raises WriteError without pip among the records
    where there are wheels, and for wheels without a hash.
    """
    without_pip = [
        f"{each.platform.subdir} has PyPI packages and no pip"
        for each in lock.platforms
        if each.pypi and not any(record.name == "pip" for record in each.conda)
    ]
    refuse(FILE, lock, "lock again: `envgen lock`", without_pip)
    return {file_of(FILE, lock, each): _text(lock, each) for each in lock.platforms}


def _text(lock: Lock, platform: PlatformLock) -> str:
    install = f"        or: conda env create --file {file_of(FILE, lock, platform)}"
    about = [f"Install it: envgen create {lock.name}", install, *group_note(platform)]
    lines = [
        *header(lock, [platform], about=about),
        f"name: {scalar(lock.name)}",
        "channels:",
        *(f"  - {scalar(channel.name)}" for channel in lock.channels),
        "  - nodefaults",
        *_dependencies(platform, lock.indexes),
    ]
    return "\n".join(lines) + "\n"


def _dependencies(platform: PlatformLock, indexes: Iterable[str]) -> Iterator[str]:
    """List the packages; pip fills the variables of an index in itself, from the user's environment."""
    yield "dependencies:" if platform.conda else "dependencies: []"
    yield from (f"  - {scalar(str(record))}" for record in platform.conda)
    if platform.pypi:
        yield "  - pip:"
        yield from (f"      - {scalar(f'--extra-index-url {PackageIndex.parse(index).url}')}" for index in indexes)
    for wheel in platform.pypi:
        yield f"      - {scalar(f'{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}')}"
