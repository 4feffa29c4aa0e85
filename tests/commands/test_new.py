"""Test in which order pythons are tried."""

from __future__ import annotations

import pytest

from envgen.cli.options import services_for
from envgen.commands.new import PythonCandidate, _why_chosen, python_candidates
from envgen.knowledge.names import name_table
from envgen.manifest.model import load_manifest
from envgen.mapping.name_mapper import NameMapper
from tests.fakes.index_server import IndexServer
from tests.fakes.memory_channel import FakeRepodata, library, package
from tests.fakes.tiny_project import Project
from tests.fakes.tiny_wheels import build_wheel

MINORS = ["3.13", "3.12", "3.11"]
LISTED = [
    package("numpy", "2.1", python=["python >=3.12,<3.13.0a0"]),
    package("numpy", "1.26", python=["python >=3.11,<3.12.0a0"]),
    package("six", "1.0", python=["python >=3.8"]),
    library("libfoo"),
]


@pytest.fixture
def pypi(project: Project, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> IndexServer:
    """Let the project ask the index."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    return index


def order(*dependencies: str, offline: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    text = "name: x\ndependencies:\n" + "".join(f'  - "{one}"\n' for one in dependencies)
    mapper = NameMapper(repodata=FakeRepodata(listed=LISTED), table=name_table(), overrides={}, python="3.13")
    services = services_for(offline=offline, progress=lambda _: None)
    found = python_candidates(services, load_manifest(text, "m"), mapper, MINORS)
    return [(chance.minor, chance.missing) for chance in found]


def test_the_newest_that_has_everything_comes_first(pypi: IndexServer) -> None:
    assert order("numpy", "six") == [("3.12", ()), ("3.11", ()), ("3.13", ("numpy",))]
    assert order("numpy<2", "six") == [("3.11", ()), ("3.13", ("numpy<2",)), ("3.12", ("numpy<2",))]


def test_a_wheel_will_do_where_no_python_has_a_record(pypi: IndexServer) -> None:
    pypi.add(build_wheel("numpy", "2.1", tag="cp313-cp313-macosx_12_0_arm64"))
    pypi.add(build_wheel("numpy", "1.26", tag="cp312-cp312-macosx_14_0_arm64"))
    assert order("numpy") == [("3.12", ()), ("3.13", ()), ("3.11", ())]
    assert order("numpy<2") == [("3.11", ()), ("3.13", ("numpy<2",)), ("3.12", ("numpy<2",))]


def test_what_conda_has_for_an_older_python_alone_counts_from_one_in_ten_on(pypi: IndexServer) -> None:
    pypi.add(build_wheel("numpy", "2.1", tag="cp313-cp313-macosx_12_0_arm64"))
    pypi.add(build_wheel("pure", "1.0"))
    many = [f"pure>=0.{number}" for number in range(8)]
    assert order("numpy", "six", *many[:7])[0] == ("3.12", ())
    assert order("numpy", "six", *many)[0] == ("3.13", ())


@pytest.mark.parametrize("offline", [True, False])
def test_without_an_index_the_channel_alone_counts(project: Project, offline: bool) -> None:
    assert order("numpy<2", "absent", offline=offline)[0] == ("3.11", ("absent",))


def test_a_specifier_that_conda_cannot_say_is_left_to_the_index(pypi: IndexServer) -> None:
    assert order("six===weird") == [(minor, ("six===weird",)) for minor in MINORS]


def test_markers_and_needless_names_do_not_count(pypi: IndexServer) -> None:
    assert order("absent; python_version < '3.10'", "tensorflow-deps") == [(minor, ()) for minor in MINORS]


def test_each_newer_python_has_a_reason_of_its_own() -> None:
    chosen = PythonCandidate("3.11", (), ("old",))
    others = (
        PythonCandidate("3.13", (), ("old", "a", "b", "c", "d")),
        PythonCandidate("3.12", (), ("old", "a", "a")),
        PythonCandidate("3.10", (), ("e",)),
        chosen,
    )
    assert _why_chosen(chosen, others) == (
        "for 3.12, conda has no `a`, or years old ones; "
        "for 3.13, conda has no `a`, `b`, `c` and others, or years old ones"
    )
    assert _why_chosen(others[0], others) == "the newest that everything asked for can be had with"
