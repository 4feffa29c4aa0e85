"""Test how projects and packages are judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.diagnosis.availability import (
    UnreadRepodata,
    empty_stub,
    macos_of,
    on_conda,
    on_pypi,
    spec_on_conda,
)
from envgen.errors import PypiUnreachableError, SolveError
from envgen.mapping.requirements import MappedRequirement
from envgen.models.channel import CONDA_FORGE
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords
from envgen.models.solve import Solution, SolveRequest
from tests.diagnosis.values import MAC, conda_lookup, listed, looked_up, mac, python_record, wanted
from tests.fakes.tables import record

FILES = {
    "fits": (("arm 1.0",), "OK", True),
    "pure": (("pure 1.0",), "OK", True),
    "only source": (("sdist 1.0",), "SDIST_ONLY", False),
    "Intel": (("intel 1.0",), "MAC_X86_64_ONLY", False),
    "Linux": (("linux 1.0",), "NO_MACOS_WHEEL", False),
    "another python": (("arm 1.0 cp311",), "NO_WHEEL_FOR_PYTHON", False),
    "newer macOS": (("arm 1.0 cp312 14.0",), "NEEDS_NEWER_MACOS", False),
}


@pytest.mark.parametrize(("files", "code", "installs"), FILES.values(), ids=FILES)
def test_classes(files: tuple[str, ...], code: str, installs: bool) -> None:
    found = looked_up("demo", listed("demo", *files))
    assert (found.availability.code, found.availability.version, found.installs) == (code, "1.0", installs)
    assert "demo" in found.availability.message


def test_a_name_that_no_index_has() -> None:
    found = looked_up("demo", None)
    assert found.availability.code == "NOT_ON_INDEX"
    assert found.files is None
    assert not found.installs


def test_a_yanked_release_installs_where_it_is_asked_for_and_fits() -> None:
    assert looked_up("demo==1.0", listed("demo", "arm 1.0", yanked=["arm 1.0"])).installs
    assert not looked_up("demo==1.0", listed("demo", "sdist 1.0", yanked=["sdist 1.0"])).installs


class TestEmptyStubs:
    FILES = ("arm 2.15.0 cp311", "arm 2.15.1 cp311", "arm 2.16.2 cp311")

    def test_the_known_one(self) -> None:
        found = looked_up("tensorflow-macos==2.15.*", listed("tensorflow-macos", *self.FILES), mac("3.11"))
        assert (found.availability.code, found.availability.version) == ("EMPTY_STUB", "2.15.1")
        assert "requires itself" in found.availability.message
        assert not found.installs

    def test_where_it_does_not_even_fit_the_reason_is_told_too(self) -> None:
        found = looked_up("tensorflow-macos==2.15.1", listed("tensorflow-macos", *self.FILES))
        assert found.availability.code == "NO_WHEEL_FOR_PYTHON"
        assert "requires itself" in found.availability.message

    def test_other_releases_are_none(self) -> None:
        assert looked_up("tensorflow-macos", listed("tensorflow-macos", *self.FILES), mac("3.11")).installs

    def test_one_that_its_own_metadata_tells_of(self) -> None:
        found = empty_stub(looked_up("demo", listed("demo", "pure 1.0")), "demo")
        assert (found.availability.code, found.installs) == ("EMPTY_STUB", False)


def test_a_wheel_for_any_machine_that_holds_linux_libraries() -> None:
    found = looked_up("mxnet", listed("mxnet", "pure 1.6.0"))
    assert (found.availability.code, found.availability.version, found.installs) == ("NO_MACOS_WHEEL", "1.6.0", False)
    assert "libraries for Linux alone" in found.availability.message


def test_a_library_that_a_wheel_does_not_bring_is_told() -> None:
    message = looked_up("xgboost", listed("xgboost", "arm 3.0")).availability.message
    assert "libomp.dylib" in message
    assert "libomp" not in looked_up("xgboost", listed("xgboost", "arm 3.0 cp311")).availability.message


class TestUnreachable:
    def test_nothing_is_known(self) -> None:
        found = on_pypi(wanted("demo"), PypiUnreachableError("the index is away"), MAC)
        assert (found.availability.code, found.availability.message, found.installs) == (
            "UNKNOWN",
            "the index is away",
            False,
        )

    def test_but_the_facts(self) -> None:
        message = on_pypi(wanted("dlib"), PypiUnreachableError("away"), MAC).availability.message
        assert "known on 2026-" in message
        assert "SDIST_ONLY" in message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://example.org/demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "OK"),
        ("https://example.org/demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl#sha256=0", "NO_MACOS_WHEEL"),
        ("https://example.org/demo-1.0.tar.gz", "SDIST_ONLY"),
        ("git+https://example.org/demo.git", "SDIST_ONLY"),
    ],
    ids=["wheel", "other wheel", "archive", "repository"],
)
def test_urls_are_judged_by_what_they_name(url: str, code: str) -> None:
    assert on_pypi(wanted(f"demo @ {url}"), None, MAC).availability.code == code


class TestConda:
    RECORDS = (
        python_record("demo", "1.0", "3.11"),
        python_record("demo", "1.0", "3.12"),
        python_record("demo", "2.0", "3.12", macos="14.0"),
        python_record("demo", "3.0", "3.13"),
    )

    def judged(self, spec: str, platform: Platform = MAC) -> tuple[bool, str, str]:
        found = spec_on_conda(MatchSpec.parse(spec), self.RECORDS, platform, "conda-forge")
        return found.available, found.version, found.message

    def test_the_newest_that_fits(self) -> None:
        assert self.judged("demo")[:2] == (True, "1.0")
        assert self.judged("demo", mac(macos="14.0"))[:2] == (True, "2.0")

    def test_no_such_version(self) -> None:
        available, _, message = self.judged("demo >=4")
        assert not available
        assert message == "conda-forge has no demo >=4 (the newest is 3.0)"

    def test_no_build_for_the_python(self) -> None:
        assert self.judged("demo >=3")[2].endswith("has builds for python 3.13, not for 3.12")

    def test_a_newer_macos(self) -> None:
        assert self.judged("demo >=2,<3")[2].endswith("needs macOS 14.0, and the floor is 13.0")

    def test_nothing_of_the_name(self) -> None:
        found = spec_on_conda(MatchSpec.parse("gone"), (), MAC, "conda-forge")
        assert found.message == "conda-forge has no gone"

    def test_a_requirement_goes_by_its_first_spec(self) -> None:
        mapped = MappedRequirement(
            requirement=wanted("Demo"), source="conda", conda="demo", specs=(MatchSpec.parse("demo"),)
        )
        assert on_conda(mapped, self.RECORDS, MAC, "conda-forge").available

    @pytest.mark.parametrize(("source", "known"), [("pypi", True), ("unknown", False)])
    def test_what_the_map_does_not_find(self, source: str, known: bool) -> None:
        mapped = MappedRequirement(
            requirement=wanted("demo"),
            source=source,  # type: ignore[arg-type]  # of two texts
            conda=None,
            why="nobody knows",
        )
        found = on_conda(mapped, (), MAC, "conda-forge")
        assert (found.available, found.message, found.known) == (False, "nobody knows", known)

    def test_floors_are_read_from_constrains_too(self) -> None:
        assert macos_of(record("held 1.0", constrains=("__osx >=14.0",)), MAC) == "14.0"
        assert macos_of(record("held 1.0", constrains=("__osx >=11.0",)), MAC) == ""
        assert macos_of(record("held 1.0", depends=("__osx >=14.0",)), Platform(subdir="linux-64", python="3.12")) == ""


class NoSolver:
    """Fail at every request, as a solver that is broken."""

    def solve(self, request: SolveRequest) -> Solution:
        raise SolveError("out of order")


class TestCondaLookup:
    def test_a_specifier_that_conda_cannot_express_is_pypis(self) -> None:
        (found,) = conda_lookup(python_record("demo", "1.0", "3.12")).look_up([wanted("demo===weird")])
        assert not found.availability.available
        assert "cannot express" in found.availability.message

    def test_each_is_solved_alone_where_they_do_not_fit_together(self) -> None:
        conda = conda_lookup(
            record("a 1.0", depends=["python", "c 1.*"]),
            record("b 1.0", depends=["python", "c 2.*"]),
            record("c 1.0"),
            record("c 2.0"),
            record("gone 1.0", depends=["python", "nothing"]),
        )
        packages = {name: conda.look_up([wanted(name)])[0] for name in ("a", "b", "gone")}
        found = conda.solvable(packages, together=True)
        assert {name: each.available for name, each in found.items()} == {
            "a": True,
            "b": True,
            "gone": False,
        }

    def test_a_solver_that_fails_leaves_it_open(self) -> None:
        conda = conda_lookup(python_record("demo", "1.0", "3.12"))
        conda.solver = NoSolver()
        availability, _ = conda.look_up_spec(MatchSpec.parse("demo"))
        assert (availability.available, availability.known, availability.message) == (False, False, "out of order")

    def test_channels_that_could_not_be_read_have_nothing(self) -> None:
        unread = UnreadRepodata(channels=(CONDA_FORGE,))
        assert unread.names() == frozenset()
        assert unread.records(["a"]) == {"a": ()}
        assert unread.closure(["a"]) == (ChannelRecords(channel=CONDA_FORGE, records=()),)

    def test_and_nothing_is_said_of_what_they_lack(self) -> None:
        conda = replace(conda_lookup(), repodata=UnreadRepodata(channels=(CONDA_FORGE,)))
        (found,) = conda.look_up([wanted("torch")])
        assert (found.availability.available, found.availability.known) == (False, False)
        assert found.availability.message == "the channels could not be read"
