"""Test the running of uv."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from envgen.errors import PypiError, PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.platform import Platform
from envgen.models.wheel import ResolveRequest
from envgen.pypi.http import Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.uv import Uv, find_uv, uv_environment
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK, request


def runner(environment: Mapping[str, str], *, timeouts: Timeouts = QUICK, offline: bool = False) -> Uv:
    return Uv(environment, Indexes.configured(environment), timeouts=timeouts, offline=offline)


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a script in uv's place that says what it was given."""
    script = tmp_path / "uv"
    lines = ("#!/bin/sh", "echo ARGUMENTS $*", "env | sort", "cat", "for f in *.txt; do echo FILE $f; cat $f; done")
    script.write_text("".join(f"{line}\n" for line in (*lines, "exit 0")))
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(script))
    return script


def said(environment: Mapping[str, str], asked: ResolveRequest, *finals: str, offline: bool = False) -> list[str]:
    return runner({"PATH": "/usr/bin:/bin", **environment}, offline=offline).compile(asked, finals).lock.splitlines()


def test_what_uv_is_given(fake_uv: Path) -> None:
    asked = replace(request("torch", "six>=1"), constraints=("numpy<2",), overrides=("keras==3",))
    lines = said({"HOME": "/home/me"}, asked)
    assert lines[0].startswith(
        "ARGUMENTS pip compile - --python-platform aarch64-apple-darwin --python-version 3.12 --python "
    )
    assert lines[0].endswith(
        "--only-binary :all: --prerelease if-necessary --format pylock.toml --no-python-downloads --no-config "
        "--no-header --no-progress --constraints constraints.txt --overrides overrides.txt"
    )
    start = lines.index("torch")
    assert lines[start : start + 2] == ["torch", "six>=1"]
    assert lines[start + 2 :] == ["FILE constraints.txt", "numpy<2", "FILE overrides.txt", "keras==3"]
    assert {"MACOSX_DEPLOYMENT_TARGET=13.0", "HOME=/home/me", "NO_COLOR=1", "UV_HTTP_TIMEOUT=1"} <= set(lines)


def test_the_limits_of_who_sets_none(fake_uv: Path) -> None:
    lines = Uv({"PATH": "/usr/bin:/bin"}, Indexes.configured({})).compile(request("six")).lock.splitlines()
    assert {"UV_HTTP_TIMEOUT=5", "UV_HTTP_CONNECT_TIMEOUT=3", "UV_HTTP_RETRIES=1"} <= set(lines)


def test_options_that_not_every_request_has(fake_uv: Path) -> None:
    instant = datetime(2026, 8, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    first = said({}, replace(request("six"), exclude_newer=instant), "b", "a", offline=True)[0]
    assert " --prerelease-package a=disallow --prerelease-package b=disallow " in first
    assert " --exclude-newer 2026-08-01T23:30:00.000000Z" in first
    assert first.endswith(" --offline")


def test_other_targets(fake_uv: Path) -> None:
    linux = ResolveRequest(platform=Platform(subdir="linux-64", python="3.12"), requirements=())
    lines = said({}, linux)
    assert "--python-platform x86_64-manylinux_2_28" in lines[0]
    assert not [line for line in lines if line.startswith("MACOSX")]


def test_of_the_shell_only_the_way_to_indexes_counts(fake_uv: Path) -> None:
    environment = {
        "UV_CACHE_DIR": "/cache",
        "UV_HTTP_TIMEOUT": "99",
        "UV_INDEX": "https://u:p@one.example/simple",
        "UV_PRERELEASE": "allow",
        "UV_CONSTRAINT": "c.txt",
        "UV_OFFLINE": "0",
        "RUST_LOG": "trace",
        "VIRTUAL_ENV": "/venv",
        "HTTPS_PROXY": "http://proxy.example",
        "MACOSX_DEPLOYMENT_TARGET": "26.0",
    }
    lines = set(said(environment, request("six")))
    assert {
        "UV_CACHE_DIR=/cache",
        "UV_HTTP_TIMEOUT=99",
        "UV_INDEX=https://u:p@one.example/simple",
        "HTTPS_PROXY=http://proxy.example",
        "MACOSX_DEPLOYMENT_TARGET=13.0",
    } <= lines
    gone = ("UV_PRERELEASE", "UV_CONSTRAINT", "UV_OFFLINE", "RUST_LOG", "VIRTUAL_ENV")
    assert not [line for line in lines if line.startswith(gone)]
    assert runner(environment).notes == (
        "UV_CONSTRAINT is set, and does not count: the manifest says what is locked",
        "UV_PRERELEASE is set, and does not count: the manifest says what is locked",
    )


def test_no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("nowhere")

    monkeypatch.setattr("uv.find_uv_bin", missing)
    with pytest.raises(PypiError, match="uv is not installed") as caught:
        runner({}).compile(request("six"))
    assert caught.value.hint == "pip install uv"


def test_a_uv_that_cannot_be_run(fake_uv: Path) -> None:
    fake_uv.chmod(0o600)
    with pytest.raises(PypiError, match=r"uv cannot be run \(Permission denied\)"):
        runner({}).compile(request("six"))


def test_a_uv_that_does_not_finish(fake_uv: Path) -> None:
    fake_uv.write_text("#!/bin/sh\nexec sleep 30\n")
    with pytest.raises(PypiUnreachableError, match=r"uv did not finish within 0.2 s"):
        runner({"PATH": "/usr/bin:/bin"}, timeouts=Timeouts(uv=0.2)).compile(request("six"))


def test_messages_hold_no_path_of_the_machine(index: IndexServer, environment: dict[str, str]) -> None:
    index.add(build_wheel("demo", "1.0"))
    asked = replace(request("demo>=1"), constraints=("demo ===",))
    with pytest.raises(PypiError) as caught:
        runner(environment).compile(asked)
    assert "/tmp" not in str(caught.value)
    assert "envgen-" not in str(caught.value)


def test_the_real_one(index: IndexServer, environment: dict[str, str]) -> None:
    index.add(build_wheel("demo", "1.0", requires=("six",)))
    index.add(build_wheel("six", "1.0"), uploaded="2026-01-01T00:00:00Z")
    index.add(build_wheel("six", "2.0"), uploaded="2026-08-01T23:59:59.5Z")
    uv = runner(environment)
    assert 'name = "six"\nversion = "2.0"' in uv.compile(request("demo")).lock
    asked = replace(request("demo"), exclude_newer=datetime(2026, 8, 1, tzinfo=UTC))
    index.add(build_wheel("demo", "0.9"), uploaded="2025-01-01T00:00:00Z")
    assert 'name = "six"\nversion = "1.0"' in uv.compile(asked).lock
    assert uv.calls == 2


def test_nothing_is_built(index: IndexServer, environment: dict[str, str]) -> None:
    index.add_sdist("source", "1.0")
    with pytest.raises(PypiUnsatisfiableError) as caught:
        runner(environment).compile(request("source"))
    assert "source==1.0 has no usable wheels" in caught.value.problem
    assert "--no-build" not in caught.value.problem
    assert not index.count("/files/")


def test_the_module_finds_the_binary_of_the_wheel() -> None:
    assert Path(find_uv()).exists()


@pytest.mark.parametrize(("system", "trusted"), [("Darwin", True), ("Linux", False)])
def test_a_system_without_certificates_is_not_trusted(
    system: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envgen.pypi.uv._SYSTEM_CERTS", ("/nowhere/ca-certificates.crt",))
    monkeypatch.setattr("platform.system", lambda: system)
    assert ("UV_SYSTEM_CERTS" in uv_environment({}, Indexes())) == trusted
