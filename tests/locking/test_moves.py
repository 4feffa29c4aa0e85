"""Test what moved between two locks, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import SourceLine
from envgen.lock.model import PlatformLock
from envgen.locking.moves import MoveReason, RequestedMove, conda_reasons, explained_moves
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Decision, Move
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import RootSpec, SolveRequest
from tests.fakes.locks import conda_key, make_platform, make_record, make_wheel, pypi_key
from tests.fakes.tables import BETA, record, request, root, table

ALPHA_CHANNEL = table("unused 1")


def told(
    asked: SolveRequest, before: list[Record], after: list[Record], update: frozenset[str] = frozenset()
) -> list[str]:
    reasons = conda_reasons(asked, before, after, frozenset(map(conda_key, update)))
    old, new = {each.key: each for each in before}, {each.key: each for each in after}
    return [
        f"{key.name} {shown(old.get(key), new.get(key))} {shown(new.get(key), old.get(key))}: {reason.text}"
        for key, reason in reasons.items()
    ]


def shown(found: Record | None, other: Record | None) -> str:
    """Return a version, with the build where that of the other is the same."""
    if found is None:
        return "-"
    return f"{found.version} {found.build}" if other and found.version == other.version else found.version


APP1 = record("app 1.0", depends=["lib <2"])
APP2 = record("app 2.0", depends=["lib >=2"])
LIB1, LIB2 = record("lib 1.0"), record("lib 2.0")

CASES = [
    ("nothing", ["app"], [APP1, LIB1], [APP1, LIB1], []),
    ("new", ["app"], [], [LIB1, APP1], ["app - 1.0: asked for: `app` (app)", "lib - 1.0: app 1.0 needs `lib <2`"]),
    (
        "gone",
        [],
        [APP1, LIB1],
        [],
        ["app 1.0 -: nothing asks for it any more", "lib 1.0 -: app, which needed it, is gone"],
    ),
    (
        "forced by a root",
        ["app", "lib >=2"],
        [APP1, LIB1],
        [APP2, LIB2],
        ["app 1.0 2.0: app=1.0=h0_0 needs `lib <2`, and lib is 2.0", "lib 1.0 2.0: asked for: `lib >=2` (lib >=2)"],
    ),
    (
        "no longer needed",
        ["app"],
        [APP1, LIB1],
        [record("app 3.0")],
        ["app 1.0 3.0: app=1.0=h0_0 needs `lib <2`, which is not there", "lib 1.0 -: app 3.0 does not need it"],
    ),
    (
        "a build",
        ["lib"],
        [record("lib 1.0 a")],
        [record("lib 1.0 b"), record("app 1", constrains=("lib * b",))],
        ["app - 1: could not be kept beside the others", "lib 1.0 a 1.0 b: app 1 needs `lib * b`"],
    ),
    (
        "the system",
        ["app"],
        [record("app 1", constrains=("__osx >=14",))],
        [record("app 2")],
        ["app 1 2: app=1=h0_0 needs `__osx >=14`, and __osx is 13.0"],
    ),
    (
        "a channel that is gone",
        ["lib"],
        [record("lib 1.0", channel=BETA)],
        [LIB1],
        [f"lib 1.0 h0_0 1.0 h0_0: its channel {BETA.url} is no longer asked for"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("specs", "before", "after", "lines"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_causes(specs: list[str], before: list[Record], after: list[Record], lines: list[str]) -> None:
    assert told(request(ALPHA_CHANNEL, *specs), before, after) == lines


def test_an_update_and_what_it_forces() -> None:
    lines = told(request(ALPHA_CHANNEL, "app"), [APP1, LIB1], [APP2, LIB2], frozenset({"app"}))
    assert lines == ["app 1.0 2.0: asked to be updated", "lib 1.0 2.0: app 2.0 needs `lib >=2`"]


def test_a_constraint_is_a_cause() -> None:
    asked = request(ALPHA_CHANNEL, "lib", constraints=["lib >=2"])
    assert told(asked, [LIB1], [LIB2]) == ["lib 1.0 2.0: asked for: `lib >=2` (lib >=2)"]


def test_the_users_own_line_is_named() -> None:
    line = SourceLine(file="envgen.yaml", line=7, text="  - lib>=2")
    asked = replace(
        request(ALPHA_CHANNEL),
        specs=(RootSpec(spec=root("lib >=2").spec, origin=Origin(path="dependencies[0]", line=line)),),
    )
    assert told(asked, [LIB1], [LIB2]) == ["lib 1.0 2.0: asked for: envgen.yaml:7: - lib>=2"]


def test_channel_priority_is_a_cause() -> None:
    asked = request([table("lib 1"), table("lib 1", BETA)], "lib")
    old, new = record("lib 1", channel=BETA), record("lib 1")
    assert told(asked, [old], [new]) == [f"lib 1 h0_0 1 h0_0: channel priority takes it from {new.channel}"]


def explained(
    before: PlatformLock, after: PlatformLock, asked: RequestedMove | None = None
) -> dict[str, tuple[str, str]]:
    moves = explained_moves(before, after, asked or RequestedMove(), distributions_of)
    return {move.name: (move.why, move.because) for move in moves}


def named(text: str) -> Requirement:
    return Requirement.parse(text, Origin(path="x", line=SourceLine(file="envgen.yaml", line=3, text=f"- {text}")))


LEAF, NEW_LEAF = make_wheel("leaf", "1.0"), make_wheel("leaf", "2.0")
PYTHON = make_record("python", "3.12.4")


def test_nothing_moved() -> None:
    lock = make_platform([PYTHON], [LEAF])
    assert explained_moves(lock, lock, RequestedMove(), distributions_of) == ()


@pytest.mark.parametrize(
    ("before", "after", "asked", "why"),
    [
        pytest.param([LEAF], [NEW_LEAF], RequestedMove(update={pypi_key("leaf")}), "asked to be updated", id="update"),
        pytest.param(
            [LEAF], [NEW_LEAF], RequestedMove(everything=True), "--upgrade takes the newest that fits", id="upgrade"
        ),
        pytest.param(
            [LEAF],
            [NEW_LEAF],
            RequestedMove(requirements=[named("leaf>=2")]),
            "asked for: envgen.yaml:3: - leaf>=2",
            id="a-line",
        ),
        pytest.param(
            [LEAF],
            [NEW_LEAF],
            RequestedMove(requirements=[named("leaf")]),
            "could not be kept beside the others",
            id="unknown",
        ),
        pytest.param(
            [make_wheel("leaf", "1.0", requires_python="<3.12")],
            [NEW_LEAF],
            RequestedMove(),
            "leaf 1.0 needs python <3.12, and 3.12 is asked for",
            id="python",
        ),
        pytest.param(
            [make_wheel("leaf", "1.0", requires_python="about 3")],
            [NEW_LEAF],
            RequestedMove(),
            "could not be kept beside the others",
            id="odd-python",
        ),
        pytest.param(
            [make_wheel("leaf", "1.0", requires=["python-nothing<3", "numpy<2"])],
            [NEW_LEAF],
            RequestedMove(),
            "leaf 1.0 needs `numpy<2`, and numpy is 2.1.3",
            id="a-record",
        ),
        pytest.param(
            [LEAF],
            [make_wheel("leaf", "1.0", "cp312-none-any")],
            RequestedMove(),
            "its file is another one",
            id="a-file",
        ),
        pytest.param([LEAF], [], RequestedMove(), "nothing asks for it any more", id="gone"),
        pytest.param([], [LEAF], RequestedMove(), "conda-forge has no such package", id="come"),
    ],
)
def test_one_wheel(before: list[object], after: list[object], asked: RequestedMove, why: str) -> None:
    numpy = make_record("numpy", "2.1.3", depends=["python"])
    old, new = make_platform([PYTHON, numpy], before), make_platform([PYTHON, numpy], after)  # type: ignore[arg-type]
    assert explained(old, new, asked) == {"leaf": (why, "numpy" if "numpy" in why else "")}


def test_a_wheel_that_another_one_forces() -> None:
    before = make_platform(pypi=[LEAF, make_wheel("mid", "1.0", requires=["leaf"])])
    after = make_platform(pypi=[NEW_LEAF, make_wheel("mid", "2.0", requires=["leaf>=2"])])
    assert explained(before, after, RequestedMove(update={pypi_key("mid")})) == {
        "leaf": ("mid 2.0 needs `leaf>=2`", "mid"),
        "mid": ("asked to be updated", ""),
    }


def test_a_wheel_that_its_user_stopped_needing() -> None:
    before = make_platform(pypi=[LEAF, make_wheel("mid", "1.0", requires=["leaf"])])
    after = make_platform(pypi=[make_wheel("mid", "2.0")])
    assert explained(before, after, RequestedMove(update={pypi_key("mid")}))["leaf"] == (
        "mid 2.0 does not need it",
        "mid",
    )


def test_a_record_that_a_wheel_asks_for() -> None:
    six = make_record("six", "1.17.0", depends=["python"])
    before = make_platform([PYTHON])
    after = make_platform([PYTHON, six], [make_wheel("mid", requires=["six"])])
    origin = Origin(path="mid 1.0 on PyPI requires six", wheel="mid")
    spec = RootSpec(spec=MatchSpec.parse("six"), origin=origin)
    reasons = conda_reasons(SolveRequest(channels=(), specs=(spec,), virtual_packages=()), [PYTHON], [PYTHON, six])
    asked = RequestedMove(requirements=[named("mid")], conda=reasons)
    assert explained(before, after, asked) == {
        "mid": ("asked for: envgen.yaml:3: - mid", ""),
        "six": ("asked for: `six` (mid 1.0 on PyPI requires six)", "mid"),
    }


def test_a_record_that_only_a_wheel_needed() -> None:
    six = make_record("six", "1.17.0", depends=["python"])
    before = make_platform([PYTHON, six], [make_wheel("mid", requires=["six"])])
    asked = RequestedMove(conda={conda_key("six"): MoveReason("nothing asks for it any more")})
    assert explained(before, make_platform([PYTHON]), asked) == {
        "mid": ("nothing asks for it any more", ""),
        "six": ("mid, which needed it, is gone", "mid"),
    }


def test_a_record_with_the_solvers_reason() -> None:
    before = make_platform([make_record("a", "1.0"), make_record("b", "1.0")])
    after = make_platform([make_record("a", "2.0"), make_record("b", "2.0")])
    reasons = {
        conda_key("a"): MoveReason("asked for: x"),
        conda_key("b"): MoveReason("a 2.0 needs `b >=2`", conda_key("a")),
    }
    asked = RequestedMove(conda=reasons)
    assert explained(before, after, asked) == {"a": ("asked for: x", ""), "b": ("a 2.0 needs `b >=2`", "a")}


def test_a_change_of_source_has_the_reason_of_the_choice() -> None:
    six = make_record("six", "1.17.0", depends=["python"])
    conda = replace(
        make_platform([PYTHON, six]), decisions=(Decision(requirement="six", name="six", source="conda", why="here"),)
    )
    pypi = make_platform([PYTHON], [make_wheel("six", "1.17.0", why="not there")])
    assert explained(conda, pypi) == {"six": ("now from pypi: not there", "")}
    assert explained(pypi, conda) == {"six": ("now from conda: here", "")}


def test_reasons_that_go_in_a_circle_still_end() -> None:
    before = make_platform(pypi=[make_wheel("a", "1.0", requires=["b<2"]), make_wheel("b", "1.0", requires=["a<2"])])
    after = make_platform(pypi=[make_wheel("a", "2.0", requires=["b>=2"]), make_wheel("b", "2.0", requires=["a>=2"])])
    assert {name: because for name, (_, because) in explained(before, after).items()} == {"a": "b", "b": "a"}


def test_another_python_is_asked_for() -> None:
    before = make_platform(pypi=[make_wheel("leaf", "1.0", requires_python="<3.13")])
    after = make_platform(pypi=[NEW_LEAF], platform=Platform(subdir="osx-arm64", python="3.13", macos="13.0"))
    (move,) = explained_moves(before, after, RequestedMove(), distributions_of)
    assert move == Move(
        name="leaf", before="1.0", after="2.0", why="leaf 1.0 needs python <3.13, and 3.13 is asked for"
    )
