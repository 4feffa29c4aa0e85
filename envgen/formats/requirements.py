"""Write requirements.txt: the packages from PyPI for pip and uv."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.formats.generated import credentials, header, no_sha256, refuse
from envgen.lock.model import Lock, PlatformLock

FILE = "requirements.txt"


def write(lock: Lock) -> dict[str, str]:
    """Write `requirements.txt`, or `requirements.<platform>.txt` for each of several platforms.

    Raises WriteError for wheels without a hash, and where nothing comes from PyPI.
    """
    refuse(FILE, _problems(lock), "export another format")
    single = len(lock.platforms) == 1
    return {
        FILE if single else f"requirements.{each.platform.subdir}.txt": _text(lock, each)
        for each in lock.platforms
        if each.pypi
    }


def _problems(lock: Lock) -> Iterator[str]:
    yield from credentials(lock)
    if not any(platform.pypi for platform in lock.platforms):
        yield "nothing in the lock comes from PyPI"
    for platform in lock.platforms:
        yield from no_sha256(platform.pypi)


def _text(lock: Lock, platform: PlatformLock) -> str:
    about = ["Install it into an environment that has conda's packages: pip install --no-deps --require-hashes -r FILE"]
    lines = [*header(lock, [platform], about=about)]
    lines += [f"--extra-index-url {index}" for index in lock.indexes]
    for wheel in sorted(platform.pypi, key=lambda wheel: wheel.name):
        lines.append(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}")
    return "\n".join(lines) + "\n"
