"""Test what a package of a lock may hold, whoever wrote the lock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envgen.lock.model import LockedWheel
from envgen.lock.package_fields import checked_channel, checked_record, checked_wheel
from tests.fakes.locks import make_record, make_wheel

RECORD = replace(make_record("numpy", "2.1.3", "py312_0"), python_site_packages_path="lib/python3.12/site-packages")
WHEEL = make_wheel("a-b", "1.0", requires=["six>=1"], requires_python=">=3.9")
_FOLDER = "https://h.example/c/osx-arm64"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"md5": "", "sha256": ""}, id="no hash"),
        pytest.param({"url": f"{_FOLDER}/numpy-2.1.3-py312_0.tar.bz2"}, id="older archive"),
        pytest.param({"url": "file:///srv/c/osx-arm64/numpy-2.1.3-py312_0.conda"}, id="folder"),
        pytest.param({"size": None, "timestamp": None}, id="nothing known"),
        pytest.param({"size": 0, "timestamp": 0, "build_number": 0}, id="least"),
        pytest.param({"size": 2**53 - 1, "timestamp": 253_402_300_799_999, "build_number": 2**64 - 1}, id="most"),
        pytest.param({"noarch": "python"}, id="noarch python"),
        pytest.param({"noarch": "generic"}, id="noarch generic"),
        pytest.param({"python_site_packages_path": ""}, id="no folder of modules"),
        pytest.param({"url": f"{_FOLDER}/{'a' * 249}.conda"}, id="longest file name"),
    ],
)
def test_a_record_that_may_be(fields: dict[str, Any]) -> None:
    record = replace(RECORD, **fields)
    assert checked_record(record) == record


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"name": "Numpy"}, "`name` is 'Numpy'", id="name"),
        pytest.param({"version": "1/2"}, "`version` is '1/2'", id="version"),
        pytest.param({"version": "1" * 201}, "`version` is '1", id="long version"),
        pytest.param({"version": "1..2"}, r"`version` is '1\.\.2'", id="no version to conda"),
        pytest.param({"build": "a b"}, "`build` is 'a b'", id="build"),
        pytest.param({"subdir": "../x"}, "`subdir` is '../x'", id="subdir"),
        pytest.param({"md5": "0" * 31}, "`md5` is", id="md5"),
        pytest.param({"sha256": "0" * 63}, "`sha256` is", id="sha256"),
        pytest.param({"channel": "ftp://h.example"}, "`channel` is 'ftp://h.example/'", id="channel"),
        pytest.param({"channel": "https://h.example:0"}, "`channel` is", id="channel's port"),
        pytest.param({"url": f"http:{_FOLDER}/a.conda"}, "`url` is", id="scheme"),
        pytest.param({"url": f"{_FOLDER}/a\u2028.conda"}, "`url` is", id="a sign that nobody sees"),
        pytest.param({"url": "https://h.example:0/a.conda"}, "`url` is", id="port"),
        pytest.param({"url": f"{_FOLDER}/a.zip"}, "`url` is no conda package's", id="archive"),
        pytest.param({"url": f"{_FOLDER}/"}, "`filename` is ''", id="no file"),
        pytest.param({"url": f"{_FOLDER}/.conda"}, "`filename` is '.conda'", id="hidden file"),
        pytest.param({"url": f"{_FOLDER}/{'a' * 250}.conda"}, "`filename` is 'a", id="long file name"),
        pytest.param({"size": -1}, "`size` is -1", id="size"),
        pytest.param({"size": 2**53}, "`size` is", id="huge size"),
        pytest.param({"timestamp": -1}, "out of range", id="timestamp"),
        pytest.param({"timestamp": 253_402_300_800_000}, "out of range", id="late timestamp"),
        pytest.param({"build_number": -1}, "out of range", id="build number"),
        pytest.param({"build_number": 2**64}, "out of range", id="huge build number"),
        pytest.param({"noarch": "java"}, "`noarch` is 'java'", id="noarch"),
        pytest.param({"depends": ("conda-forge::numpy",)}, "cannot be held", id="depends"),
        pytest.param({"python_site_packages_path": "/lib"}, "`python_site_packages_path` is", id="absolute"),
        pytest.param({"python_site_packages_path": "lib/./a"}, "`python_site_packages_path` is", id="dot"),
        pytest.param({"python_site_packages_path": "lib/../.."}, "`python_site_packages_path` is", id="dots"),
    ],
)
def test_a_record_that_may_not_be(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}" if reason.startswith("`") else reason):
        checked_record(replace(RECORD, **fields))


def of_wheel(fields: dict[str, Any]) -> LockedWheel:
    own = {name: fields[name] for name in ("requires", "requires_python") if name in fields}
    file = {name: value for name, value in fields.items() if name not in own}
    return replace(WHEEL, wheel=replace(WHEEL.wheel, **file), **own)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"url": ""}, id="no address"),
        pytest.param({"sha256": ""}, id="no hash"),
        pytest.param({"size": None}, id="no size"),
        pytest.param({"requires_python": ">=" + "3" * 253}, id="longest bound"),
    ],
)
def test_a_wheel_that_may_be(fields: dict[str, Any]) -> None:
    wheel = of_wheel(fields)
    assert checked_wheel(wheel) == wheel


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"name": ""}, "`name` is ''", id="no name"),
        pytest.param({"name": "A-B"}, "`name` is 'A-B'", id="no canonical name"),
        pytest.param({"name": "a/b"}, "`name` is 'a/b'", id="folder in a name"),
        pytest.param({"name": "other"}, "`filename` is of another package", id="another name"),
        pytest.param({"sha256": "0" * 65}, "`sha256` is", id="sha256"),
        pytest.param({"requires": ("six; extra == 'x'",)}, "still has a marker", id="marker"),
        pytest.param({"requires": (f"six>={'1' * 10_000}",)}, "it is too long", id="long requirement"),
        pytest.param({"requires_python": ">=" + "3" * 254}, "`requires_python` is", id="long bound"),
        pytest.param({"url": "ftp://h.example/a.whl"}, "`url` is 'ftp", id="scheme"),
        pytest.param({"filename": ""}, "`filename` is ''", id="no file"),
        pytest.param({"filename": "../a_b-1.0-py3-none-any.whl"}, "`filename` is", id="file of a folder"),
        pytest.param({"filename": "a_b\\-1.0-py3-none-any.whl"}, "`filename` is", id="backslash"),
        pytest.param({"filename": "a_b-1.0-py3-none-any.whl\n"}, "`filename` is", id="line end"),
        pytest.param({"size": -1}, "`size` is -1", id="size"),
        pytest.param({"version": "x"}, "not a wheel with a version", id="version"),
        pytest.param({"filename": "a_b.whl"}, "not a wheel with a version", id="no wheel"),
    ],
)
def test_a_wheel_that_may_not_be(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}" if reason.startswith("`") else reason):
        checked_wheel(of_wheel(fields))


def test_a_channel_that_may_be_and_one_that_may_not() -> None:
    assert checked_channel("conda-forge").name == "conda-forge"
    assert checked_channel("https://h.example/c").url == "https://h.example/c"
    for text in ("https://u:p@h.example/c", "https://h.example/$X", "https://h.example:0/c", "ftp://h.example/c"):
        with pytest.raises(ValueError, match=r"^(?:`channel` is|an address with a secret)"):
            checked_channel(text)
