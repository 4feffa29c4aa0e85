"""Write environment.yml: the exact packages of one platform for conda and mamba."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envgen.formats.generated import credentials, header, no_sha256, other_groups, refuse, scalar
from envgen.lock.model import Lock, PlatformLock

FILE = "environment.yml"


def write(lock: Lock) -> dict[str, str]:
    """Write a file for the one platform, or `environment.<platform>.yml` for each of several.

    `nodefaults` keeps clients from adding their default channels (CEP 24). The hashes of the pip section put pip into
    its require-hashes mode, in which it refuses whatever is not listed. Raises WriteError without pip among the records
    where there are wheels, and for wheels without a hash.
    """
    refuse(FILE, _problems(lock), "lock again: `envgen lock`")
    single = len(lock.platforms) == 1
    return {FILE if single else _name(each): _text(lock, each) for each in lock.platforms}


def _name(lock: PlatformLock) -> str:
    return f"environment.{lock.platform.subdir}.yml"


def _problems(lock: Lock) -> Iterator[str]:
    yield from credentials(lock)
    for platform in lock.platforms:
        yield from no_sha256(platform.pypi)
        if platform.pypi and not any(record.name == "pip" for record in platform.conda):
            yield f"{platform.platform.subdir} has PyPI packages and no pip"


def _text(lock: Lock, platform: PlatformLock) -> str:
    file = FILE if len(lock.platforms) == 1 else _name(platform)
    about = [f"Install it: envgen create {lock.name}", f"        or: conda env create --file {file}"]
    if groups := other_groups([platform]):
        about.append(f"It holds every group ({', '.join(groups)} too): the format has none.")
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
    records = sorted(platform.conda, key=lambda record: record.name)
    yield "dependencies:" if records else "dependencies: []"
    yield from (f"  - {scalar(str(record))}" for record in records)
    if platform.pypi:
        yield "  - pip:"
        yield from (f"      - {scalar(f'--extra-index-url {index}')}" for index in indexes)
    for wheel in sorted(platform.pypi, key=lambda wheel: wheel.name):
        yield f"      - {scalar(f'{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}')}"
