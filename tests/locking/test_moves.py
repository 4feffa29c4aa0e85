"""Describe what moved and why, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import SourceLine
from envgen.locking.moves import conda_reasons
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, SolveRequest
from tests.fakes.locks import conda_key
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
