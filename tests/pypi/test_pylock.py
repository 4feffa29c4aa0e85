"""Test the picking of wheels from uv's pylock.toml."""

from __future__ import annotations

import pytest

from envgen.errors import PypiError
from envgen.pypi.uv import read_pylock
from tests.pypi.conftest import mac

HASH = "a" * 64


def lock(name: str, version: str, *filenames: str, extra: str = "") -> str:
    wheels = ", ".join(
        f'{{ url = "https://host.example/{filename}", size = 7, hashes = {{ sha256 = "{HASH}" }} }}'
        for filename in filenames
    )
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheels}]\n{extra}\n'


def archive(place: str) -> str:
    return f'[[packages]]\nname = "a"\narchive = {{ {place}, hashes = {{ sha256 = "{HASH}" }} }}\n'


@pytest.mark.parametrize(
    ("filenames", "best"),
    [
        pytest.param(("a-1-py3-none-any.whl",), "a-1-py3-none-any.whl", id="one"),
        pytest.param(
            (
                "a-1-py3-none-any.whl",
                "a-1-cp312-cp312-macosx_10_13_universal2.whl",
                "a-1-cp37-abi3-macosx_10_9_universal2.whl",
            ),
            "a-1-cp312-cp312-macosx_10_13_universal2.whl",
            id="charset-normalizer",
        ),
        pytest.param(
            ("a-1-cp312-cp312-macosx_11_0_arm64.whl", "a-1-cp312-cp312-macosx_13_0_arm64.whl"),
            "a-1-cp312-cp312-macosx_13_0_arm64.whl",
            id="the newer macOS",
        ),
        pytest.param(
            ("a-1-cp312-cp312-macosx_11_0_universal2.whl", "a-1-cp312-cp312-macosx_11_0_arm64.whl"),
            "a-1-cp312-cp312-macosx_11_0_arm64.whl",
            id="arm64 before universal2",
        ),
        pytest.param(
            (
                "libclang-18.1.1-py2.py3-none-macosx_11_0_arm64.whl",
                "libclang-18.1.1-1-py2.py3-none-macosx_11_0_arm64.whl",
            ),
            "libclang-18.1.1-1-py2.py3-none-macosx_11_0_arm64.whl",
            id="libclang's build tag",
        ),
        pytest.param(("a-1-2-py3-none-any.whl", "a-1-10-py3-none-any.whl"), "a-1-10-py3-none-any.whl", id="build 10"),
        pytest.param(
            ("a-1-py3-none-any.whl", "a-1-cp312-cp312-macosx_14_0_arm64.whl"),
            "a-1-py3-none-any.whl",
            id="14 does not fit",
        ),
    ],
)
def test_the_best_wheel(filenames: tuple[str, ...], best: str) -> None:
    for order in (filenames, tuple(reversed(filenames))):
        (wheel,) = read_pylock(lock("a", "1", *order), mac(), ())
        assert wheel.filename == best
        assert (wheel.url, wheel.sha256, wheel.size) == (f"https://host.example/{best}", HASH, 7)


def test_packages_are_sorted_and_stubs_left_out() -> None:
    text = "".join(lock(name, "1", f"{name}-1-py3-none-any.whl") for name in ("b", "My_A", "numpy"))
    assert [wheel.name for wheel in read_pylock(text, mac(), ["numpy"])] == ["b", "my-a"]


def test_nothing_to_install() -> None:
    assert read_pylock('lock-version = "1.0"\n', mac(), ()) == ()


def test_a_direct_url() -> None:
    text = archive('url = "https://u:p@host.example/a-1%2Bx-py3-none-any.whl"')
    (wheel,) = read_pylock(text, mac(), ())
    assert (wheel.version, wheel.filename) == ("1+x", "a-1+x-py3-none-any.whl")
    assert wheel.url == "https://host.example/a-1%2Bx-py3-none-any.whl"


def test_a_file_on_the_disk() -> None:
    text = archive('path = "/some where/a-1-py3-none-any.whl"')
    (wheel,) = read_pylock(text, mac(), ())
    assert wheel.url == "file:///some%20where/a-1-py3-none-any.whl"
    assert wheel.filename == "a-1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            lock("a", "1", "a-1-cp39-cp39-macosx_11_0_arm64.whl"), "no wheel for osx-arm64: a-1-cp39", id="unfit"
        ),
        pytest.param(
            '[[packages]]\nname = "a"\nvcs = {}\n', "`a` has no wheel for osx-arm64: no wheel at all", id="git"
        ),
        pytest.param(
            '[[packages]]\nname = "a"\nversion = "1"\nwheels = [{ url = "https://h.example/a-1-py3-none-any.whl" }]\n',
            "no sha256 of a-1-py3-none-any.whl",
            id="no hash",
        ),
        pytest.param(
            '[[packages]]\nname = "a"\narchive = { url = "https://h.example/a-1.zip", hashes = {} }\n',
            "no wheel for",
            id="zip",
        ),
    ],
)
def test_what_cannot_be_locked(text: str, words: str) -> None:
    with pytest.raises(PypiError, match=words):
        read_pylock(text, mac(), ())


def test_a_date_of_no_calendar() -> None:
    """uv writes what an index gives."""
    with pytest.raises(PypiError, match="uv's answer cannot be read"):
        read_pylock("created-at = 0000-12-31T00:01:00Z\n", mac(), ())
