"""Test the metadata of a release that nobody resolved."""

from __future__ import annotations

import pytest

from envgen.errors import PypiUnreachableError
from envgen.pypi.metadata import release_wheel
from envgen.pypi.resolver import UvResolver
from envgen.pypi.simple_api import Project, ProjectFile
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import mac

ARM12, ARM13, ARM14 = (f"cp312-cp312-macosx_{macos}_0_arm64" for macos in (12, 13, 14))


def project(*filenames: str) -> Project:
    return Project(name="demo", files=tuple(ProjectFile(filename=name) for name in filenames), index="an index")


@pytest.mark.parametrize(
    ("files", "version", "chosen"),
    [
        pytest.param(
            ["demo-1.0-py3-none-any.whl", f"demo-1.0-{ARM14}.whl", f"demo-1.0-{ARM12}.whl"],
            "1.0",
            f"demo-1.0-{ARM12}.whl",
            id="the one that fits best",
        ),
        pytest.param(
            [f"demo-1.0-{ARM12}.whl", f"demo-1.0-{ARM13}.whl"],
            "1.0",
            f"demo-1.0-{ARM13}.whl",
            id="the nearest macOS",
        ),
        pytest.param(
            ["demo-1.0-cp312-cp312-win_amd64.whl", "demo-1.0-cp312-cp312-linux_x86_64.whl"],
            "1.0",
            "demo-1.0-cp312-cp312-linux_x86_64.whl",
            id="another where none fits",
        ),
        pytest.param(["demo-1.0.0-py3-none-any.whl"], "1.0", "demo-1.0.0-py3-none-any.whl", id="the same version"),
        pytest.param(["demo-1.0.tar.gz"], "1.0", None, id="source alone"),
        pytest.param(["demo-1.0-py3-none-any.whl"], "2.0", None, id="another release"),
        pytest.param(["demo-1.0-py3-none-any.whl"], "9e", None, id="no version of PyPI's"),
    ],
)
def test_the_wheel_that_speaks(files: list[str], version: str, chosen: str | None) -> None:
    wheel = release_wheel(project(*files), version, mac())
    assert (wheel and wheel.filename) == chosen


def test_metadata_over_an_index(index: IndexServer, resolver: UvResolver) -> None:
    index.add(build_wheel("demo", "1.0", requires=("six ; extra == 'all'",), extras=("all",)))
    index.add_sdist("old", "1.0")
    found = resolver.release_metadata("demo", "1.0", mac())
    assert found is not None
    assert (found.requires_dist, found.provides_extra) == (("six ; extra == 'all'",), ("all",))
    assert resolver.release_metadata("old", "1.0", mac()) is None
    assert resolver.release_metadata("nothing", "1.0", mac()) is None


def test_an_index_that_fails_is_no_missing_release(index: IndexServer, resolver: UvResolver) -> None:
    index.misbehave("/simple/", "broken")
    with pytest.raises(PypiUnreachableError):
        resolver.release_metadata("demo", "1.0", mac())
