"""Wheels go where they shall, and uv's words become ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.errors import InstallError, PypiError
from envgen.install.wheels import Complaint, WheelInstaller, WheelTarget
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.pypi.indexes import Indexes
from envgen.pypi.uv import uv_environment
from tests.fakes.install_world import locked
from tests.fakes.tiny_wheels import TinyWheel, build_wheel

HERE = Platform(subdir="linux-64", python=f"3.{sys.version_info.minor}")
SITE = f"lib/python3.{sys.version_info.minor}/site-packages"
DEAD = "http://127.0.0.1:9/simple/"


@pytest.fixture
def installer(tmp_path: Path) -> WheelInstaller:
    """Install with an index that never answers: nothing may ask it."""
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_DEFAULT_INDEX": DEAD}
    return WheelInstaller(environment, Indexes.configured(environment))


@pytest.fixture
def target(tmp_path: Path) -> WheelTarget:
    """Make a virtual environment to install into."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "p"], check=True)
    return WheelTarget(prefix=tmp_path / "p", platform=HERE, site=SITE)


def store(folder: Path, wheel: TinyWheel) -> Path:
    path = folder / "wheels" / wheel.filename
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(wheel.content)
    return path


def test_installing_and_checking(tmp_path: Path, installer: WheelInstaller, target: WheelTarget) -> None:
    demo, other = build_wheel("demo", "1.0", requires=("absent>=1",)), build_wheel("other", "2.0")
    files = {PackageKey("pypi", wheel.name): store(tmp_path, wheel) for wheel in (demo, other)}
    installer.install([locked(demo, ""), locked(other, "")], files, target)
    assert (target.prefix / SITE / "demo.py").exists()
    assert (target.prefix / SITE / "other-2.0.dist-info").exists()
    assert installer.check(target) == (
        Complaint(name="demo", message="The package `demo` requires `absent>=1`, but it's not installed"),
    )


def test_nothing_to_install(installer: WheelInstaller, target: WheelTarget) -> None:
    installer.install([], {}, target)


def test_for_another_platform(tmp_path: Path, installer: WheelInstaller) -> None:
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    wheel = build_wheel("demo", "1.0", tag="cp312-cp312-macosx_13_0_arm64")
    place = WheelTarget(prefix=tmp_path / "p", platform=mac, site="lib/python3.12/site-packages", runnable=False)
    installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): store(tmp_path, wheel)}, place)
    assert (tmp_path / "p/lib/python3.12/site-packages/demo.py").exists()
    low = Platform(subdir="osx-arm64", python="3.12", macos="12.0")
    place = WheelTarget(prefix=tmp_path / "q", platform=low, site="lib/python3.12/site-packages", runnable=False)
    with pytest.raises(InstallError, match="the PyPI packages cannot be installed: ") as caught:
        installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): store(tmp_path, wheel)}, place)
    assert "macosx_13_0_arm64" in caught.value.message


def test_uv_checks_the_hash_again(tmp_path: Path, installer: WheelInstaller, target: WheelTarget) -> None:
    wheel = build_wheel("demo", "1.0")
    path = store(tmp_path, wheel)
    path.write_bytes(build_wheel("demo", "1.0", padding=9).content)
    with pytest.raises(InstallError, match="Hash mismatch"):
        installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): path}, target)
    assert not (target.prefix / SITE / "demo.py").exists()


def test_a_project_that_cannot_be_built(tmp_path: Path, target: WheelTarget) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/pyproject.toml").write_text('[build-system]\nrequires = ["hatchling"]\n')
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_DEFAULT_INDEX": DEAD}
    offline = WheelInstaller(environment, Indexes.configured(environment), offline=True)
    with pytest.raises(InstallError, match=f"the project in {tmp_path}/ours cannot be installed: ") as caught:
        offline.install_project(tmp_path / "ours", target, editable=False)
    assert caught.value.hint == "off-line, its build backend must be in the environment"


def test_a_python_that_is_not_there(tmp_path: Path, installer: WheelInstaller) -> None:
    wheel = build_wheel("demo", "1.0")
    (tmp_path / "none").mkdir()
    place = WheelTarget(prefix=tmp_path / "none", platform=HERE, site=SITE)
    with pytest.raises(InstallError, match="the PyPI packages cannot be installed: "):
        installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): store(tmp_path, wheel)}, place)


def test_uv_that_says_nothing_or_much(
    tmp_path: Path, installer: WheelInstaller, target: WheelTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "uv.sh"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(script))
    wheel = build_wheel("demo", "1.0")
    with pytest.raises(InstallError, match="uv says nothing"):
        installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): store(tmp_path, wheel)}, target)
    script.write_text("#!/bin/sh\nprintf '%s\\n\\n' 1 2 3 4 5 6 7 >&2\nexit 3\n")
    with pytest.raises(InstallError, match=r"cannot be installed: 1; 2; 3; 4; 5; 6$"):
        installer.install([locked(wheel, "")], {PackageKey("pypi", "demo"): store(tmp_path, wheel)}, target)
    script.chmod(0o644)
    with pytest.raises(PypiError, match="uv cannot be run"):
        installer.check(target)


def test_what_uv_may_see() -> None:
    environment = {
        "PATH": "/bin",
        "UV_CACHE_DIR": "/c",
        "UV_LINK_MODE": "copy",
        "UV_EXCLUDE_NEWER": "2020-01-01",
        "UV_SYSTEM_PYTHON": "1",
        "PYTHONPATH": "/x",
        "VIRTUAL_ENV": "/v",
        "UV_INDEX_URL": DEAD,
    }
    assert uv_environment(environment, Indexes.configured(environment)) == {
        "PATH": "/bin",
        "UV_CACHE_DIR": "/c",
        "UV_LINK_MODE": "copy",
        "UV_DEFAULT_INDEX": DEAD,
        "UV_SYSTEM_CERTS": "1",
        "NO_COLOR": "1",
    }
    for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):  # the user's own word stands
        chosen = uv_environment({name: "0"}, Indexes())
        assert {key: value for key, value in chosen.items() if key != "NO_COLOR"} == {name: "0"}
