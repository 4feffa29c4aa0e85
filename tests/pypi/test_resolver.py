"""Test the resolver whole, over real uv and a loopback index."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from envgen.errors import PypiError, PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.wheel import PypiResolver, Resolution, ResolveRequest, Stub, Wheel
from envgen.pypi.http import Session
from envgen.pypi.indexes import Index, Indexes
from envgen.pypi.resolver import UvResolver, backtracking_notes
from envgen.pypi.simple_api import SimpleIndex
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK, MakeResolver, mac, request

ARM12, ARM14 = "cp312-cp312-macosx_12_0_arm64", "cp312-cp312-macosx_14_0_arm64"


def versions(resolution: Resolution) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in resolution.wheels}


def fill_torch(index: IndexServer) -> None:
    index.add(build_wheel("torch", "2.11.0", tag=ARM12, requires=("sympy", "cuda-x ; sys_platform == 'linux'")))
    index.add(build_wheel("torch", "2.12.0", tag=ARM14, requires=("sympy",)))
    index.add(build_wheel("torch", "2.15.0", tag=ARM14, requires=("sympy",)))
    index.add(build_wheel("sympy", "1.14.0"))


def test_it_is_a_pypi_resolver(resolver: UvResolver) -> None:
    accepted: PypiResolver = resolver
    assert accepted is resolver


def test_wheels_for_the_target(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    resolution = resolver.resolve(request("torch", macos="14.0"))
    assert versions(resolution) == {"sympy": "1.14.0", "torch": "2.15.0"}
    torch = resolution.wheels[1]
    tiny = build_wheel("torch", "2.15.0", tag=ARM14, requires=("sympy",))
    assert (torch.filename, torch.sha256, torch.size) == (tiny.filename, tiny.sha256, len(tiny.content))
    assert torch.url == f"{index.root}/files/{tiny.filename}"
    assert resolution.notes == ()


def test_what_the_macos_floor_holds_back_is_said(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    resolution = resolver.resolve(request("torch", macos="13.0"))
    assert versions(resolution)["torch"] == "2.11.0"
    assert resolution.notes == (
        "`torch` is held back to 2.11.0: every version from 2.12.0 to 2.15.0 needs macOS 14.0, and the floor is 13.0",
    )


def test_the_best_tag_wins(index: IndexServer, resolver: UvResolver) -> None:
    for tag in ("py3-none-any", "cp312-cp312-macosx_11_0_universal2", "cp310-abi3-macosx_11_0_arm64", ARM12, ARM14):
        index.add(build_wheel("demo", "1.0", tag=tag))
    (wheel,) = resolver.resolve(request("demo")).wheels
    assert wheel.filename == f"demo-1.0-{ARM12}.whl"


def test_equal_requests_run_uv_once(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    assert resolver.resolve(request("torch")) is resolver.resolve(request("torch"))
    assert resolver.calls == 1
    for _ in range(2):
        with pytest.raises(PypiUnsatisfiableError):
            resolver.resolve(request("nothing"))
    assert resolver.calls == 2


def test_an_index_that_failed_is_asked_again(index: IndexServer, make_resolver: MakeResolver) -> None:
    fill_torch(index)
    resolver = make_resolver()
    index.misbehave("/simple/", "broken")
    with pytest.raises(PypiUnreachableError):
        resolver.resolve(request("torch"))
    index.behave()
    assert "torch" in versions(resolver.resolve(request("torch")))


def test_stubs_stand_for_conda(index: IndexServer, resolver: UvResolver) -> None:
    index.add(build_wheel("app", "1.0", requires=("numpy>=2,<=2.1.3", "six[foo]==1.17", "left")))
    index.add(build_wheel("numpy", "2.1.3", requires=("never",)))
    index.add(build_wheel("left", "1.0"))
    stubs = (Stub(name="numpy", version="2.1.3"), Stub(name="six", version="1.17"))
    resolution = resolver.resolve(replace(request("app", "six"), stubs=stubs))
    assert versions(resolution) == {"app": "1.0", "left": "1.0"}
    assert resolution.notes == ()


def test_a_stub_in_the_way(index: IndexServer, resolver: UvResolver) -> None:
    index.add(build_wheel("app", "1.0", requires=("numpy<2.2",)))
    index.add(build_wheel("numpy", "2.1"))
    with pytest.raises(PypiUnsatisfiableError) as caught:
        resolver.resolve(replace(request("app"), stubs=(Stub(name="numpy", version="2.4.0"),)))
    assert "numpy==2.4.0 (conda's)" in caught.value.problem
    assert "+conda" not in str(caught.value)
    assert set(caught.value.names) == {"app", "numpy"}
    assert "numpy" not in caught.value.message


def test_constraints_and_overrides(index: IndexServer, resolver: UvResolver) -> None:
    index.add(build_wheel("app", "1.0", requires=("numpy<2",)))
    for version in ("1.9", "2.0", "2.1"):
        index.add(build_wheel("numpy", version))
    assert versions(resolver.resolve(request("app")))["numpy"] == "1.9"
    assert versions(resolver.resolve(replace(request("app"), overrides=("numpy<2.1",))))["numpy"] == "2.0"
    assert versions(resolver.resolve(replace(request("numpy"), constraints=("numpy!=2.1",))))["numpy"] == "2.0"


def test_yanks_and_unknown_extras_are_said(index: IndexServer, resolver: UvResolver) -> None:
    index.add(build_wheel("tf-keras", "2.19.0"))
    index.add(build_wheel("tf-keras", "2.20.0"), yanked="do not use")
    index.add(build_wheel("plain", "1.0"))
    assert resolver.resolve(request("tf-keras==2.20.0", "plain[fast]")).notes == (
        "`plain` has no extra `fast`: it adds nothing",
        "`tf-keras` 2.20.0 was withdrawn by its authors (yanked: do not use)",
    )


class TestPreReleases:
    def test_one_that_nobody_asked_for_is_refused(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("tensorflow", "2.21.0", tag="cp313-cp313-macosx_12_0_arm64"))
        index.add(build_wheel("tensorflow", "2.22.0rc0", tag="cp314-cp314-macosx_12_0_arm64"))
        with pytest.raises(PypiUnsatisfiableError) as caught:
            resolver.resolve(request("tensorflow", python="3.14"))
        assert "`tensorflow` 2.21.0 has wheels for python 3.13, not for 3.14" in caught.value.message
        assert "the pre-release `tensorflow` 2.22.0rc0 would fit" in caught.value.hint
        assert resolver.calls == 2

    def test_one_that_the_user_names_is_taken(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("tensorflow", "2.21.0"))
        index.add(build_wheel("tensorflow", "2.22.0rc0"))
        assert versions(resolver.resolve(request("tensorflow==2.22.0rc0"))) == {"tensorflow": "2.22.0rc0"}
        assert resolver.calls == 1

    def test_one_that_a_wheel_names_is_taken(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("otel-sdk", "1.45", requires=("otel-conventions==0.66b2",)))
        index.add(build_wheel("otel-conventions", "0.66b2"))
        index.add(build_wheel("otel-conventions", "0.1"))
        assert versions(resolver.resolve(request("otel-sdk"))) == {"otel-conventions": "0.66b2", "otel-sdk": "1.45"}

    def test_a_project_that_has_nothing_else(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("keras-nightly", "3.16.0.dev1"))
        assert versions(resolver.resolve(request("keras-nightly"))) == {"keras-nightly": "3.16.0.dev1"}

    def test_one_that_had_nothing_else_by_then(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("demo", "1.0rc1"), uploaded="2025-01-01T00:00:00Z")
        index.add(build_wheel("demo", "1.0"), uploaded="2026-01-01T00:00:00Z")
        asked = replace(request("demo"), exclude_newer=datetime(2025, 6, 1, tzinfo=UTC))
        assert versions(resolver.resolve(asked)) == {"demo": "1.0rc1"}
        assert versions(resolver.resolve(request("demo"))) == {"demo": "1.0"}

    def test_a_refusal_lets_an_older_requirer_in(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("app", "2.0", requires=("lib>=2",)))
        index.add(build_wheel("app", "1.0", requires=("lib",)))
        index.add(build_wheel("lib", "1.0"))
        index.add(build_wheel("lib", "2.0rc1"))
        resolution = resolver.resolve(request("app"))
        assert versions(resolution) == {"app": "1.0", "lib": "1.0"}


class TestRequiresPython:
    def test_an_upper_bound_counts_as_for_pip(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("report", "1.0", requires_python=">=3.8"))
        for version in ("2.0", "2.1", "2.2"):
            index.add(build_wheel("report", version, requires_python=">=3.8,<3.12"))
        resolution = resolver.resolve(request("report"))
        assert versions(resolution) == {"report": "1.0"}
        assert resolver.calls == 2
        assert resolution.notes == (
            "`report` is held back to 1.0: every version from 2.0 to 2.2 requires python >=3.8,<3.12",
        )

    def test_and_may_leave_nothing(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("report", "2.0", requires_python="<3.12"))
        with pytest.raises(PypiUnsatisfiableError, match=r"`report` 2.0 requires python <3.12"):
            resolver.resolve(request("report"))

    def test_also_where_the_index_does_not_tell(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(replace(build_wheel("report", "2.0", requires_python="<3.12"), requires_python=""))
        index.add(build_wheel("report", "1.0"))
        assert versions(resolver.resolve(request("report"))) == {"report": "1.0"}


def fill_choice(index: IndexServer) -> None:
    """Add two projects of which only one can be at its newest."""
    index.add(build_wheel("a", "1.0"))
    index.add(build_wheel("a", "2.0", requires=("c<2",)))
    index.add(build_wheel("b", "1.0"))
    index.add(build_wheel("b", "2.0", requires=("c>=2",)))
    for version in ("1.0", "2.0"):
        index.add(build_wheel("c", version))


class TestBacktracking:
    def test_far_behind_with_uvs_reason(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("keras-cv", "0.4.0"))
        index.add(build_wheel("keras-cv", "0.9.0", requires=("datasets",)))
        index.add(build_wheel("datasets", "4.0", requires=("promise",)))
        index.add_sdist("promise", "2.3")
        resolution = resolver.resolve(request("keras-cv"))
        assert versions(resolution) == {"keras-cv": "0.4.0"}
        (note,) = resolution.notes
        assert note.startswith("`keras-cv` 0.4.0 was chosen, not 0.9.0: Because")
        assert "promise has no usable wheels" in note or "promise==2.3 has no usable wheels" in note
        assert set(resolution.wheelless) == {"datasets", "keras-cv", "promise"}
        assert resolver.calls == 2

    def test_a_failure_is_told_for_the_very_request(self, index: IndexServer, resolver: UvResolver) -> None:
        for version in ("1.0", "2.0"):
            index.add(build_wheel("lib", version))
        index.add(build_wheel("left", "1.0", requires=("lib<2",)))
        index.add(build_wheel("right", "1.0", requires=("lib<1.5",)))
        (first,) = resolver.resolve(request("lib", "left")).notes
        (second,) = resolver.resolve(request("lib", "right")).notes
        assert ("left" in first, "left" in second, "right" in second) == (True, False, True)

    def test_what_could_be_had_is_asked_once(self, index: IndexServer, resolver: UvResolver) -> None:
        fill_choice(index)
        (note,) = resolver.resolve(request("a", "b")).notes
        again = replace(request("a", "b"), constraints=("c<9",))
        assert resolver.resolve(again).notes == (note,)
        assert resolver.calls == 3

    def test_a_minor_version_behind_is_no_question_to_uv(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("lib", "1.0"))
        index.add(build_wheel("lib", "1.1", requires=("missing",)))
        (note,) = resolver.resolve(request("lib")).notes
        assert (note, resolver.calls) == ("`lib` 1.0 was chosen, not 1.1: other requirements rule it out", 1)

    def test_little_behind_without_asking_uv(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("lib", "1.0.0"))
        index.add(build_wheel("lib", "1.0.1", requires=("missing",)))
        assert resolver.resolve(request("lib")).notes == (
            "`lib` 1.0.0 was chosen, not 1.0.1: other requirements rule it out",
        )
        assert resolver.resolve(request("lib")).wheelless == ()
        assert resolver.calls == 1

    def test_uv_is_asked_for_one_reason_at_most(self, index: IndexServer, resolver: UvResolver) -> None:
        names = ("a", "b", "c")
        for name in names:
            index.add(build_wheel(name, "1.0"))
            index.add(build_wheel(name, "2.0", requires=("missing",)))
        notes = resolver.resolve(request(*names)).notes
        assert [note.endswith("rule it out") for note in notes] == [False, True, True]
        assert resolver.calls == 2

    def test_what_the_user_bounds_is_not_behind(self, index: IndexServer, resolver: UvResolver) -> None:
        for version in ("1.0", "2.0"):
            index.add(build_wheel("lib", version))
        assert resolver.resolve(request("lib<2")).notes == ()
        assert resolver.resolve(replace(request("lib"), constraints=("lib<2",))).notes == ()

    def test_a_choice_between_two(self, index: IndexServer, resolver: UvResolver) -> None:
        fill_choice(index)
        (note,) = resolver.resolve(request("a", "b")).notes
        assert "1.0 was chosen, not 2.0: other requirements rule it out" in note

    def test_an_index_that_fails_for_us_alone(self, index: IndexServer) -> None:
        index.misbehave("/simple/", "broken")
        indexes = Indexes(default=Index(url=index.url))
        simple = SimpleIndex(Session(indexes, {}, timeouts=QUICK), indexes)
        wheel = Wheel(name="lib", version="1.0", filename="lib-1.0-py3-none-any.whl", url="", sha256="")
        (note,) = backtracking_notes(request("lib"), {"lib": ""}, [wheel], simple, never)
        assert note.startswith("whether `lib` was held back is not known: the package index fails")

    def test_a_reason_that_cannot_be_had(self, index: IndexServer) -> None:
        def attempt(asked: ResolveRequest) -> None:
            assert asked.constraints == ("lib==2.0",)
            raise PypiUnreachableError("gone")

        for version in ("1.0", "2.0"):
            index.add(build_wheel("lib", version))
        indexes = Indexes(default=Index(url=index.url))
        simple = SimpleIndex(Session(indexes, {}, timeouts=QUICK), indexes)
        wheel = Wheel(name="lib", version="1.0", filename="lib-1.0-py3-none-any.whl", url="", sha256="")
        assert list(backtracking_notes(request("lib"), {"lib": ""}, [wheel], simple, attempt)) == [
            "`lib` 1.0 was chosen, not 2.0: other requirements rule it out"
        ]


def never(asked: ResolveRequest) -> None:
    pytest.fail(f"uv was asked: {asked}")


def test_metadata_of_what_was_resolved(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    resolution = resolver.resolve(request("torch"))
    assert [metadata.name for metadata in resolver.metadata_many(resolution.wheels)] == ["sympy", "torch"]
    assert resolver.metadata(resolution.wheels[1]).requires_dist == ("sympy", "cuda-x ; sys_platform == 'linux'")


def test_projects_and_verdicts(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    found = resolver.projects(["torch", "Nothing"])
    assert found["nothing"] is None
    assert found["torch"] is not None
    assert resolver.verdict("torch", mac()).version == "2.11.0"
    assert resolver.verdict("nothing", mac()).code == "NOT_ON_INDEX"


def test_notes_of_the_run(make_resolver: MakeResolver) -> None:
    assert make_resolver(UV_RESOLUTION="lowest").notes == (
        "UV_RESOLUTION is set, and does not count: the manifest says what is locked",
    )
    assert make_resolver().notes == ()


def test_direct_urls(index: IndexServer, resolver: UvResolver, tmp_path: Path) -> None:
    tiny = build_wheel("demo", "3.0")
    url = index.add(tiny)
    (wheel,) = resolver.resolve(request(f"demo @ {url}")).wheels
    assert (wheel.name, wheel.version, wheel.url, wheel.sha256) == ("demo", "3.0", url, tiny.sha256)
    path = tmp_path / tiny.filename
    path.write_bytes(tiny.content)
    (local,) = resolver.resolve(request(f"demo @ {path.as_uri()}")).wheels
    assert local.url == path.as_uri()
    assert resolver.metadata(local).version == "3.0"


def test_a_malformed_request(resolver: UvResolver) -> None:
    with pytest.raises(PypiError, match="not a requirement: `six==`"):
        resolver.resolve(request("six=="))


def test_the_order_of_requirements_does_not_matter(index: IndexServer, resolver: UvResolver) -> None:
    fill_torch(index)
    assert resolver.resolve(request("torch", "sympy")).wheels == resolver.resolve(request("sympy", "torch")).wheels
