"""Test that wheels of an earlier lock are kept, over a loopback index with the real resolver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from envgen.errors import PypiUnsatisfiableError
from envgen.models.wheel import Resolution, Stub, Wheel
from envgen.pypi.least_change import LeastChangePypiResolver
from envgen.pypi.resolver import UvResolver
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import MakeResolver, mac, request


@pytest.fixture
def full(index: IndexServer) -> IndexServer:
    """Serve what a small project needs, old and new."""
    for version in ("1.0", "1.1", "2.0"):
        index.add(build_wheel("leaf", version))
    index.add(build_wheel("mid", "1.0", requires=["leaf"]))
    index.add(build_wheel("mid", "2.0", requires=["leaf>=1.1"]))
    index.add(build_wheel("other", "1.0", requires=["leaf<2"]))
    index.add(build_wheel("other", "2.0", requires=["leaf>=2"]))
    index.add(build_wheel("plain", "1.0"))
    index.add(build_wheel("plain", "2.0"))
    return index


def locked(resolver: UvResolver, *pins: str) -> tuple[Wheel, ...]:
    return resolver.resolve(request(*pins)).wheels


def versions(answer: Resolution) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in answer.wheels}


@pytest.mark.parametrize(
    ("pins", "asked", "update", "expected"),
    [
        pytest.param(["mid==1.0", "leaf==1.0"], ["mid"], [], {"mid": "1.0", "leaf": "1.0"}, id="nothing-moves"),
        pytest.param(
            ["mid==1.0", "leaf==1.0"],
            ["mid", "plain"],
            [],
            {"mid": "1.0", "leaf": "1.0", "plain": "2.0"},
            id="an-unrelated-one-is-added",
        ),
        pytest.param(
            ["mid==1.0", "leaf==1.0"],
            ["mid", "other"],
            [],
            {"mid": "1.0", "leaf": "2.0", "other": "2.0"},
            id="a-new-one-is-as-new-as-can-be",
        ),
        pytest.param(["mid==1.0", "leaf==1.0"], ["leaf"], [], {"leaf": "1.0"}, id="removed"),
        pytest.param(
            ["mid==1.0", "leaf==1.0", "plain==1.0"],
            ["mid>=2", "plain"],
            [],
            {"mid": "2.0", "leaf": "2.0", "plain": "1.0"},
            id="a-new-bound-forces-its-need",
        ),
        pytest.param(
            ["mid==1.0", "leaf==1.0", "plain==1.0"],
            ["mid", "plain"],
            ["mid"],
            {"mid": "2.0", "leaf": "2.0", "plain": "1.0"},
            id="an-update-moves-what-it-forces",
        ),
        pytest.param(
            ["mid==1.0", "leaf==1.1"], ["mid"], ["mid"], {"mid": "2.0", "leaf": "1.1"}, id="an-update-forces-nothing"
        ),
        pytest.param(["plain==2.0"], ["plain<2"], [], {"plain": "1.0"}, id="down"),
    ],
)
def test_moves_what_must_move(
    full: IndexServer,
    resolver: UvResolver,
    pins: Sequence[str],
    asked: Sequence[str],
    update: Sequence[str],
    expected: Mapping[str, str],
) -> None:
    keeping = LeastChangePypiResolver(inner=resolver, kept=locked(resolver, *pins), update=frozenset(update))
    assert versions(keeping.resolve(request(*asked))) == expected


def test_frees_one_and_keeps_the_others(full: IndexServer, resolver: UvResolver) -> None:
    kept = locked(resolver, "mid==2.0", "leaf==1.1", "other==1.0", "plain==1.0")
    answer = LeastChangePypiResolver(inner=resolver, kept=kept).resolve(request("mid", "leaf>=2", "other", "plain"))
    assert versions(answer) == {"mid": "2.0", "leaf": "2.0", "other": "2.0", "plain": "1.0"}


def test_without_anything_kept_asks_as_it_was_asked(full: IndexServer, resolver: UvResolver) -> None:
    asked = request("mid")
    assert LeastChangePypiResolver(inner=resolver, kept=()).resolve(asked) is resolver.resolve(asked)


def test_a_stub_takes_the_place_of_what_was_kept(full: IndexServer, resolver: UvResolver) -> None:
    kept = locked(resolver, "mid==1.0", "leaf==1.0")
    asked = replace(request("mid"), stubs=(Stub(name="leaf", version="2.0"),))
    assert versions(LeastChangePypiResolver(inner=resolver, kept=kept).resolve(asked)) == {"mid": "1.0"}


def test_no_answer_is_the_same_failure(full: IndexServer, resolver: UvResolver) -> None:
    keeping = LeastChangePypiResolver(inner=resolver, kept=locked(resolver, "plain==1.0"))
    with pytest.raises(PypiUnsatisfiableError) as caught:
        keeping.resolve(request("plain>2"))
    assert "plain==1.0" not in caught.value.problem


def test_keeps_the_very_file(full: IndexServer, resolver: UvResolver, make_resolver: MakeResolver) -> None:
    kept = locked(resolver, "plain==1.0")
    full.add(build_wheel("plain", "1.0", tag="cp312-cp312-macosx_11_0_arm64"))
    fresh = make_resolver().resolve(request("plain==1.0")).wheels
    assert fresh[0].filename.endswith("arm64.whl")
    assert LeastChangePypiResolver(inner=make_resolver(), kept=kept).resolve(request("plain")).wheels == kept


def test_a_kept_version_is_not_called_held_back(full: IndexServer, resolver: UvResolver) -> None:
    kept = locked(resolver, "leaf==1.0", "plain==1.0")
    answer = LeastChangePypiResolver(inner=resolver, kept=kept).resolve(request("leaf>=1.1", "plain"))
    assert versions(answer) == {"leaf": "2.0", "plain": "1.0"}
    assert answer.notes == ()


def test_a_withdrawn_version_moves(full: IndexServer, resolver: UvResolver) -> None:
    gone = replace(locked(resolver, "plain==1.0")[0], version="1.5", sha256="a" * 64)
    assert versions(LeastChangePypiResolver(inner=resolver, kept=(gone,)).resolve(request("plain"))) == {"plain": "2.0"}


def test_passes_the_other_questions_on(full: IndexServer, resolver: UvResolver) -> None:
    keeping = LeastChangePypiResolver(inner=resolver, kept=())
    (wheel,) = locked(resolver, "mid==2.0", "leaf==1.1")[1:]
    assert keeping.metadata(wheel) == resolver.metadata(wheel)
    assert keeping.metadata_many([wheel]) == resolver.metadata_many([wheel])
    assert keeping.release_metadata("mid", "1.0", mac()) == resolver.release_metadata("mid", "1.0", mac())
