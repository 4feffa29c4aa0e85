"""requirements.txt: the packages from PyPI for pip and uv."""

from __future__ import annotations

from envgen.formats.generated import file_of, header, no_wheels, refuse
from envgen.lock.model import Lock, PlatformLock
from envgen.models.wheel import PackageIndex

FILE = "requirements.txt"


def write(lock: Lock) -> dict[str, str]:
    """Write `requirements.txt`, or `requirements.<platform>.txt` for each of several platforms.

    Raises WriteError for wheels without a hash, and where nothing comes from PyPI.
    """
    refuse(FILE, lock, "export another format", no_wheels(lock))
    return {file_of(FILE, lock, each): _text(lock, each) for each in lock.platforms if each.pypi}


def _text(lock: Lock, platform: PlatformLock) -> str:
    about = ["Install it into an environment that has conda's packages: pip install --no-deps --require-hashes -r FILE"]
    indexes = [f"--extra-index-url {PackageIndex.parse(index).url}" for index in lock.indexes]
    wheels = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}" for wheel in platform.pypi]
    return "\n".join([*header(lock, [platform], about=about), *indexes, *wheels]) + "\n"
