"""Show that conda-lock, rattler and packaging read what is written, and find the same packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rattler
from packaging.requirements import Requirement
from rattler.explicit_environment import ExplicitEnvironmentSpec

from envgen.formats.registry import OUTPUTS, render
from envgen.lock.model import Lock
from tests.conda_lock_oracle import conda_lock_answers
from tests.formats.golden_locks import LOCKS


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("oracles")
    for case, build in LOCKS.items():
        (root / case).mkdir()
        for name, text in render(build(), OUTPUTS).items():
            (root / case / name).write_text(text, encoding="utf-8")
    return {case: root / case for case in LOCKS}


@pytest.fixture(scope="module")
def conda_lock(folders: dict[str, Path]) -> dict[str, dict[str, Any]]:
    return conda_lock_answers(folder / "conda-lock.yml" for folder in folders.values())


def packages(lock: Lock) -> Iterator[list[object]]:
    for platform in lock.platforms:
        subdir = platform.platform.subdir
        for record in platform.conda:
            groups = sorted(platform.groups_of(record.key))
            yield ["conda", record.name, record.version, subdir, record.url, groups]
        for wheel in platform.pypi:
            groups = sorted(platform.groups_of(wheel.key))
            yield ["pip", wheel.name, wheel.version, subdir, wheel.wheel.url, groups]


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_conda_lock_reads_the_same_packages(case: str, conda_lock: dict[str, dict[str, Any]]) -> None:
    found = conda_lock[case]["packages"]
    assert isinstance(found, list)
    assert sorted(found) == sorted(packages(LOCKS[case]()))
    assert conda_lock[case]["channels"] == [channel.name for channel in LOCKS[case]().channels]


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_conda_lock_renders_what_envgen_writes(
    case: str, conda_lock: dict[str, dict[str, Any]], folders: dict[str, Path]
) -> None:
    rendered = conda_lock[case]["rendered"]
    assert isinstance(rendered, dict)
    several = len(rendered) > 1
    for subdir, kinds in rendered.items():
        explicit = (folders[case] / f"explicit.{subdir}.txt").read_text(encoding="utf-8").splitlines()
        ours = {line for line in explicit if line.startswith("https://")}
        assert {line for line in kinds["explicit"] if line.startswith("https://")} == ours
        name = f"environment.{subdir}.yml" if several else "environment.yml"
        environment = (folders[case] / name).read_text(encoding="utf-8").splitlines()
        pins = {line for line in environment if re.match(r"  - [^ ]+=[^ ]+=", line)}
        assert {line for line in kinds["env"] if re.match(r"  - [^ ]+=[^ ]+=", line)} == pins
        hashes = {line.rsplit(":", 1)[-1] for line in environment if "--hash=sha256:" in line}
        assert {line.rsplit(":", 1)[-1] for line in kinds["env"] if "--hash=sha256:" in line} == hashes


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_the_custom_metadata_is_flat_text(case: str, conda_lock: dict[str, dict[str, Any]]) -> None:
    custom = conda_lock[case]["custom"]
    assert isinstance(custom, dict)
    assert custom["created_by"] == "envgen 1.2.3"
    assert all(isinstance(value, str) for value in custom.values())


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_rattler_reads_the_same_records(case: str, folders: dict[str, Path]) -> None:
    environment = rattler.LockFile.from_path(folders[case] / "conda-lock.yml").default_environment()
    assert environment is not None
    found = {str(platform.name): platform for platform in environment.platforms()}
    for locked in LOCKS[case]().platforms:
        records = environment.conda_repodata_records_for_platform(found[locked.platform.subdir])
        assert records is not None
        expected = {(record.url, record.name, record.version) for record in locked.conda}
        assert {(r.url, r.name.normalized, str(r.version)) for r in records} == expected


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_rattler_reads_the_explicit_file(case: str, folders: dict[str, Path]) -> None:
    for locked in LOCKS[case]().platforms:
        path = folders[case] / f"explicit.{locked.platform.subdir}.txt"
        spec = ExplicitEnvironmentSpec.from_path(path)
        assert str(spec.platform) == locked.platform.subdir
        assert {str(package.url) for package in spec.packages} == {f"{r.url}#{r.md5}" for r in locked.conda}


def test_the_requirements_are_pep_508_behind_their_hashes(folders: dict[str, Path]) -> None:
    text = (folders["both-halves"] / "requirements.osx-arm64.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {Requirement(line.partition(" --hash")[0]).name: line.rpartition("sha256:")[2] for line in lines}
    (locked,) = LOCKS["both-halves"]().platforms
    assert found == {wheel.name: wheel.wheel.sha256 for wheel in locked.pypi}


def test_micromamba_finds_what_it_insists_on(folders: dict[str, Path]) -> None:
    """Check the rules of its reader (facts of conda-lock's format): it cannot be run here."""
    text = (folders["two-platforms"] / "conda-lock.yml").read_text(encoding="utf-8")
    assert re.search(r"^version: 1$", text, re.MULTILINE)
    assert re.search(r"^  sources:\n  - \S", text, re.MULTILINE)
    assert re.search(r"^  content_hash:\n    linux-64: \S", text, re.MULTILINE)
    assert text.count("- url: ") == text.count("used_env_vars: ")
    assert text.count("- name: ") == len(re.findall(r"^    sha256: \S{64,}$", text, re.MULTILINE))
