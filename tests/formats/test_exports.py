"""Show that each exported format is read by its consumer, with the same packages in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from rattler.explicit_environment import ExplicitEnvironmentSpec
from rattler.lock import LockFile
from uv import find_uv_bin

from envgen.commands import check
from envgen.errors import UsageError, WriteError
from envgen.formats.registry import FORMATS, export
from envgen.lock.custom_metadata import normal_form
from envgen.lock.model import Lock, LockedWheel
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import Wheel, target_tags
from envgen.repodata.sources import to_record
from tests.fakes.index_server import IndexServer
from tests.fakes.locks import LINUX, VENTURA, make_lock, make_platform, make_record, make_wheel
from tests.fakes.tiny_wheels import build_wheel
from tests.formats.golden_locks import LOCKS

ASK_CONDA_LOCK = """
import json, pathlib, sys
from conda_lock.src_parser.environment_yaml import parse_environment_file
spec = parse_environment_file(pathlib.Path(sys.argv[1]), platforms=["osx-arm64"], mapping_url=sys.argv[2])
print(json.dumps([[d.manager, d.name, d.version] for d in spec.dependencies["osx-arm64"]]))
"""


def grouped() -> Lock:
    """Return a lock of two platforms with wheels, and groups in both halves."""
    lock = normal_form(LOCKS["both-halves"]())
    groups = {**lock.platforms[0].groups, PackageKey("pypi", "six"): ("dev", "docs")}
    linux = make_platform([make_record("pip", subdir="linux-64")], [make_wheel("six", "1.17.0")], LINUX)
    return replace(lock, platforms=(replace(lock.platforms[0], groups=groups), linux))


EVERY: Mapping[str, Callable[[], Lock]] = {**LOCKS, "grouped": grouped}


def write(folder: Path, lock: Lock, name: str) -> dict[str, Path]:
    exported = export(lock, name)
    for file, text in exported.files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return {file: folder / file for file in exported.files}


class TestPixi:
    @pytest.mark.parametrize("case", EVERY)
    def test_rattler_reads_every_package(self, tmp_path: Path, case: str) -> None:
        lock = normal_form(EVERY[case]())
        (path,) = write(tmp_path, lock, "pixi").values()
        read = LockFile.from_path(path)
        names = {group for each in lock.platforms for groups in each.groups.values() for group in groups}
        assert {name for name, _ in read.environments()} == {"default", *names}
        found = {str(platform.name): platform for platform in read.platforms()}
        assert sorted(found) == sorted(each.platform.subdir for each in lock.platforms)
        for name in ("default", *names):
            environment = read.environment(name)
            assert environment is not None
            assert list(map(str, environment.channels())) == [f"{each.url}/" for each in lock.channels]
            for each in lock.platforms:
                wanted = [r for r in each.conda if {name, "main"} & {*each.groups_of(r.key)}]
                records = environment.conda_repodata_records_for_platform(found[each.platform.subdir]) or []
                assert sorted(record.url for record in records) == sorted(record.url for record in wanted)

    def test_nothing_of_a_record_is_lost(self, tmp_path: Path) -> None:
        record = replace(
            make_record("numpy", "2.1.3", "py312_5", depends=["python >=3.12"], constrains=["numba <1"]),
            track_features=("slow",),
        )
        noarch = make_record("six", "1.17.0", "pyh_0", depends=["python"], subdir="noarch")
        (path,) = write(tmp_path, make_lock(make_platform([record, noarch])), "pixi").values()
        read = LockFile.from_path(path)
        environment = read.default_environment()
        assert environment is not None
        records = environment.conda_repodata_records_for_platform(read.platforms()[0]) or []
        assert sorted((to_record(each, each.channel or "") for each in records), key=lambda each: each.name) == [
            self.as_rattler(record),
            self.as_rattler(noarch),
        ]

    @staticmethod
    def as_rattler(record: Record) -> Record:
        return replace(record, channel=f"{record.channel}/")

    def test_wheels_keep_their_needs(self, tmp_path: Path) -> None:
        wheel = make_wheel("mid", "1.0", requires=["leaf>=1", "six"], requires_python=">=3.9")
        (path,) = write(tmp_path, make_lock(make_platform(pypi=[wheel])), "pixi").values()
        environment = LockFile.from_path(path).default_environment()
        assert environment is not None
        ((package,),) = environment.pypi_packages().values()
        assert (package.name, package.version, package.location) == ("mid", "1.0", wheel.wheel.url)
        assert (package.requires_dist, package.requires_python) == (["leaf>=1", "six"], ">=3.9")
        copy = tmp_path / "copy.lock"
        LockFile.from_path(path).to_path(copy)
        assert f"sha256: {wheel.wheel.sha256}" in copy.read_text()

    def test_refuses_a_group_that_pixi_has_another_meaning_for(self) -> None:
        platform = make_platform([make_record("six")], groups={PackageKey("conda", "six"): ("default",)})
        with pytest.raises(WriteError, match="a group has that name"):
            export(make_lock(platform), "pixi")


class TestPylock:
    @pytest.mark.parametrize("case", ["both-halves", "grouped"])
    def test_packaging_finds_it_valid(self, tmp_path: Path, case: str) -> None:
        lock = normal_form(EVERY[case]())
        for each, path in zip(lock.platforms, write(tmp_path, lock, "pylock").values(), strict=True):
            read = Pylock.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
            read.validate()
            assert [(package.name, str(package.version)) for package in read.packages] == [
                (wheel.name, wheel.version) for wheel in each.pypi
            ]
            (environment,) = read.environments or ()
            assert [one.subdir for one in (VENTURA, LINUX) if environment.evaluate(one.markers())] == [
                each.platform.subdir
            ]
            files = [package.wheels[0] for package in read.packages if package.wheels]
            assert [(file.hashes["sha256"], file.size) for file in files] == [
                (wheel.wheel.sha256, wheel.wheel.size) for wheel in each.pypi
            ]

    def test_packaging_selects_by_group(self, tmp_path: Path) -> None:
        paths = write(tmp_path, grouped(), "pylock")
        assert sorted(paths) == ["pylock.linux-64.toml", "pylock.osx-arm64.toml"]
        read = Pylock.from_dict(tomllib.loads(paths["pylock.osx-arm64.toml"].read_text()))

        def names(*groups: str) -> set[str]:
            chosen = read.select(
                environment=VENTURA.markers(),  # type: ignore[arg-type]  # a full marker environment
                tags=list(target_tags(VENTURA)),
                dependency_groups=list(groups),
            )
            return {package.name for package, _ in chosen}

        assert names() == {"tensorflow", "tensorflow-metal"}
        assert names("docs") == {"six", "tensorflow", "tensorflow-metal"}

    def test_a_size_that_is_not_known_is_left_out(self) -> None:
        wheel = make_wheel("mid")
        sizeless = replace(wheel, wheel=replace(wheel.wheel, size=None))
        text = export(make_lock(make_platform(pypi=[sizeless])), "pylock").files["pylock.toml"]
        assert "size" not in tomllib.loads(text)["packages"][0]["wheels"][0]

    def test_escapes_what_toml_does(self) -> None:
        wheel = make_wheel("mid", requires_python='>=3.8,!=3.9.* "\\\t\x7f')
        text = export(make_lock(make_platform(pypi=[wheel])), "pylock").files["pylock.toml"]
        assert tomllib.loads(text)["packages"][0]["requires-python"] == wheel.requires_python


UV = [find_uv_bin(), "pip", "install", "--no-config", "--no-cache", "--python-platform", "aarch64-apple-darwin"]
PIP = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]


@pytest.fixture
def served() -> tuple[IndexServer, Lock]:
    """Serve the wheels of a lock."""
    server = IndexServer()
    locked = []
    for tiny in (build_wheel("mid", "1.0", requires=["leaf"]), build_wheel("leaf", "2.0")):
        url = server.add(tiny)
        wheel = Wheel(
            name=tiny.name,
            version=tiny.version,
            filename=tiny.filename,
            url=url,
            sha256=tiny.sha256,
            size=len(tiny.content),
        )
        locked.append(LockedWheel(wheel=wheel))
    here = Platform(subdir="osx-arm64", python=f"{sys.version_info.major}.{sys.version_info.minor}", macos="13.0")
    return server, make_lock(make_platform([make_record("pip")], locked, here))


@pytest.mark.parametrize(
    ("name", "command"),
    [
        pytest.param("pylock", [*UV, "--preview", "-r"], id="pylock, uv"),
        pytest.param("requirements", [*UV, "--require-hashes", "--no-deps", "-r"], id="requirements, uv"),
        pytest.param("requirements", [*PIP, "--require-hashes", "--no-deps", "-r"], id="requirements, pip"),
    ],
)
def test_installers_take_them(tmp_path: Path, served: tuple[IndexServer, Lock], name: str, command: list[str]) -> None:
    server, lock = served
    (path,) = write(tmp_path, lock, name).values()
    site = tmp_path / "site"
    options = ["--target", str(site), "--index-url", server.url]
    if command[0] == UV[0]:
        options += ["--python", sys.executable]
    with server:
        done = subprocess.run(
            [*command, str(path), *options],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
        )
    assert done.returncode == 0, done.stderr
    assert {"leaf.py", "mid.py"} <= {found.name for found in site.iterdir()}


@pytest.mark.parametrize("case", EVERY)
def test_conda_lock_reads_the_twin_without_wheels(tmp_path: Path, case: str) -> None:
    lock = normal_form(EVERY[case]())
    (path,) = write(tmp_path, lock, "conda-only").values()
    rows = check.parse_with_conda_lock(path)
    assert rows is not None
    assert {(row[0], row[1], row[2], row[4]) for row in rows} == {
        ("conda", record.name, each.platform.subdir, record.url) for each in lock.platforms for record in each.conda
    }


def test_conda_lock_reads_environment_yml(tmp_path: Path) -> None:
    lock = normal_form(LOCKS["both-halves"]())
    (path,) = write(tmp_path, lock, "environment").values()
    names = tmp_path / "names.json"  # conda-lock would download its own
    names.write_text('{"six": {"conda_name": "six", "pypi_name": "six"}}')
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_CONDA_LOCK, str(path), names.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {(manager, name): version for manager, name, version in json.loads(run.stdout.splitlines()[-1])}
    (platform,) = lock.platforms
    assert {name for manager, name in found if manager == "conda"} == {record.name for record in platform.conda}
    assert {name for manager, name in found if manager == "pip"} == {wheel.name for wheel in platform.pypi}


@pytest.mark.parametrize("case", EVERY)
def test_rattler_reads_explicit_files(tmp_path: Path, case: str) -> None:
    lock = normal_form(EVERY[case]())
    paths = write(tmp_path, lock, "explicit")
    for each in lock.platforms:
        spec = ExplicitEnvironmentSpec.from_path(paths[f"explicit.{each.platform.subdir}.txt"])
        assert sorted(package.url for package in spec.packages) == sorted(f"{r.url}#{r.md5}" for r in each.conda)


def test_requirements_are_requirements() -> None:
    files = export(grouped(), "requirements").files
    assert sorted(files) == ["requirements.linux-64.txt", "requirements.osx-arm64.txt"]
    lines = [line for line in files["requirements.linux-64.txt"].splitlines() if not line.startswith("#")]
    assert [str(Requirement(line.partition(" --hash")[0])) for line in lines] == ["six==1.17.0"]


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("explicit", ["explicit has no groups: dev, docs are installed", "holds no URLs"]),
        (
            "requirements",
            [
                "5 packages of osx-arm64 are left out, python among them",
                "no groups",
                "1 package of linux-64 is left out",
            ],
        ),
        ("pylock", ["pylock holds nothing of conda", "no dependencies between packages"]),
        ("conda-only", ["left out for osx-arm64 are six, tensorflow", "conda installs `main` alone from it, not dev"]),
        ("pixi", []),
        ("environment", ["environment has no groups"]),
    ],
)
def test_what_a_format_cannot_hold_is_said(name: str, notes: list[str]) -> None:
    told = export(grouped(), name).notes
    assert all(any(note in one for one in told) for note in notes), told
    assert bool(told) == bool(notes)


@pytest.mark.parametrize("name", ["explicit", "conda-only", "pixi", "environment"])
def test_nothing_is_said_where_there_is_nothing_to_lose(name: str) -> None:
    assert export(make_lock(make_platform([make_record("pip")])), name).notes == ()


def test_nothing_is_said_of_conda_where_all_is_pypis() -> None:
    assert export(make_lock(make_platform(pypi=[make_wheel("six")])), "requirements").notes == ()


def test_pylock_tells_what_it_lacks_where_there_are_wheels() -> None:
    platforms = (make_platform([make_record("six")]), grouped().platforms[1])
    conda, other, needs = export(make_lock(*platforms), "pylock").notes
    assert "of osx-arm64 is left out" in conda
    assert "of linux-64 is left out" in other
    assert "no dependencies between packages" in needs


@pytest.mark.parametrize("name", ["requirements", "pylock"])
def test_a_half_that_is_empty_is_refused(name: str) -> None:
    with pytest.raises(WriteError, match="nothing in the lock comes from PyPI"):
        export(LOCKS["conda-only"](), name)


@pytest.mark.parametrize("name", ["pixi", "pylock"])
def test_wheels_without_url_are_refused(name: str) -> None:
    wheel = make_wheel("mid")
    nameless = replace(wheel, wheel=replace(wheel.wheel, url=""))
    with pytest.raises(WriteError, match="has no URL"):
        export(make_lock(make_platform(pypi=[nameless])), name)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_lock_gives_the_same_bytes(name: str) -> None:
    lock = grouped()
    shuffled = replace(
        lock,
        platforms=tuple(replace(each, conda=each.conda[::-1], pypi=each.pypi[::-1]) for each in lock.platforms[::-1]),
    )
    assert export(lock, name).files == export(shuffled, name).files


def test_an_unknown_format() -> None:
    with pytest.raises(UsageError, match="unknown format `poetry`"):
        export(grouped(), "poetry")
