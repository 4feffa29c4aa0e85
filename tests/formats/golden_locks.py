"""Provide the locks whose files are kept under tests/golden."""

from __future__ import annotations

from dataclasses import replace

from envgen.lock.model import Lock
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from tests.fakes.locks import LINUX, make_lock, make_platform, make_record, small_platform


def conda_only() -> Lock:
    """Return a lock of one platform without wheels."""
    return make_lock(
        make_platform(
            [
                make_record("python", "3.12.4", "h30c5eda_0_cpython", depends=["__osx >=11.0", "libffi >=3.4,<4.0a0"]),
                make_record("libffi", "3.4.2", "h3422bc3_5"),
            ]
        )
    )


def both_halves() -> Lock:
    """Return a lock with wheels, a group, decisions, a finding and a note."""
    return make_lock(small_platform())


def two_platforms() -> Lock:
    """Return a lock of two platforms from two channels and the starter index, with a package in two groups."""
    linux = make_platform(
        [
            make_record("python", "3.12.4", "h1_0_cpython", depends=["__glibc >=2.17"], subdir="linux-64"),
            make_record("pytest", "8.3.3", "pyhd8ed1ab_0", depends=["python >=3.8"], subdir="noarch"),
        ],
        platform=LINUX,
        groups={PackageKey("conda", "pytest"): ("dev", "docs")},
    )
    odd = Decision(requirement="it's: odd #1", name="", source="unknown", why="a line\nbroken; größer")
    mac = conda_only().platforms[0]
    return replace(
        make_lock(mac, replace(linux, repodata="starter index of 2026-08-01", decisions=(odd,))),
        channels=(Channel.parse("https://repo.example/ours"), CONDA_FORGE),
        exclude_newer="2026-08-01T23:59:59+00:00",
    )


LOCKS = {"conda-only": conda_only, "both-halves": both_halves, "two-platforms": two_platforms}
