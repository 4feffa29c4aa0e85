"""Read what the URL of an artifact says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote, urlsplit

_SUFFIXES = (".conda", ".tar.bz2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Hold the parts of `<channel>/<subdir>/<name>-<version>-<build>.<ext>`; parts that are not there are "".

    `build_number` is the number that ends the build string, else 0: conda-forge's habit, not a rule.
    """

    channel: str
    subdir: str
    name: str
    version: str
    build: str
    build_number: int


@cache
def artifact(url: str) -> Artifact:
    """Take the URL of a conda artifact apart."""
    folder, _, filename = url.rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    stem = filename
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    name, version, build = ["", "", *stem.rsplit("-", 2)][-3:]
    digits = build[len(build.rstrip("0123456789")) :]
    return Artifact(
        channel=channel,
        subdir=subdir,
        name=name,
        version=version,
        build=build,
        build_number=int(digits or 0),
    )


def wheel_filename(url: str) -> str:
    """Give the file name that a wheel's URL ends in; "" where there is none."""
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]
