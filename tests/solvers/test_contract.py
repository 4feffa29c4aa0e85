"""Both solvers to one contract, on tiny repodata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from envgen.errors import UnsatisfiableError, UnsupportedOptionError
from envgen.models.record import ChannelRecords
from envgen.models.solve import ChannelPriority, Solver
from tests.fakes.tables import ALPHA, BETA, record, request, table, versions

TOWER = """
    app 1.0 : lib >=1
    app 2.0 : lib >=2
    app 3.0 : lib >=3
    lib 1.5
    lib 2.5
    other 1.0 : lib <3
"""
PYTHONS = """
    python 3.11.9
    python 3.12.4
    numpy 1.26 py311 0 : python 3.11.*
    numpy 1.26 py312 0 : python 3.12.*
    numpy 2.1 py312 0 : python 3.12.*
    pandas 2.2 py311 0 : python 3.11.*, numpy >=1.26&<2
    pandas 2.2 py312 0 : python 3.12.*, numpy >=1.26&<3
"""


CASES: list[tuple[str, str, str, str | None]] = [
    # what is shown, the channel, `specs ; constraints`, the answer or None
    ("newest", "a 1.0\na 2.0\na 1.9", "a", "a=2.0"),
    ("dependency", TOWER, "app", "app=2.0 lib=2.5"),
    ("older for another", TOWER, "app 1.*, other", "app=1.0 lib=2.5 other=1.0"),
    ("no way", TOWER, "app 3.*", None),
    ("missing name", "a 1.0", "nowhere", None),
    ("missing dependency", "a 1.0 : nowhere", "a", None),
    ("falls back to a version without the missing dependency", "a 2.0 : nowhere\na 1.0", "a", "a=1.0"),
    ("two specs of one name", "a 1.0\na 2.0\na 3.0", "a >=2, a <3", "a=2.0"),
    ("contradiction", "a 1.0\na 2.0", "a >=2, a <2", None),
    ("nothing asked", "a 1.0", "", ""),
    ("cycle", "a 1.0 : b\nb 1.0 : c\nc 1.0 : a", "a", "a=1.0 b=1.0 c=1.0"),
    ("constrains of a record", "a 1.0 ! b <2\nb 1.0\nb 2.0", "a, b", "a=1.0 b=1.0"),
    ("constrains asks for nothing", "a 1.0 ! b <2\nb 1.0", "a", "a=1.0"),
    ("constraint", TOWER, "app ; app <2", "app=1.0 lib=2.5"),
    ("constraint on a dependency", TOWER, "app ; lib <2", "app=1.0 lib=1.5"),
    ("constraint asks for nothing", TOWER, "lib ; app <2, nowhere", "lib=2.5"),
    ("constraint that cannot be met", TOWER, "app ; lib >=9", None),
    ("two constraints", "a 1.0\na 2.0\na 3.0", "a ; a !=3.0, a <3", "a=2.0"),
    ("python ties builds together", PYTHONS, "python 3.11.*, pandas", "python=3.11.9 numpy=1.26 pandas=2.2"),
    ("newest python allows newest numpy", PYTHONS, "pandas", "python=3.12.4 numpy=2.1 pandas=2.2"),
    ("pre-release counts as newer", "a 1.0\na 2.0rc1\na 2.0a0", "a", "a=2.0rc1"),
    ("pre-release is below its final", "a 1.0\na 2.0rc1\na 2.0", "a <2.0", "a=2.0rc1"),
    ("bound that shuts pre-releases out", "a 1.0\na 2.0rc1\na 2.0", "a <2.0a0", "a=1.0"),
    ("dev sorts below alpha", "a 2.0dev1\na 2.0a0", "a", "a=2.0a0"),
    ("virtual package asked for", "a 1.0", "a, __osx >=12", "a=1.0"),
    ("virtual package too old", "a 1.0", "a, __osx >=14", None),
    ("virtual package absent", "a 1.0 : __cuda", "a", None),
    ("depends on a newer macOS", "a 1.0 : __osx >=14", "a", None),
    ("constrained to a newer macOS", "a 1.0 ! __osx >=14", "a", None),
    ("constrained to a newer macOS, and an older record", "a 2.0 ! __osx >=14\na 1.0 ! __osx >=11", "a", "a=1.0"),
    ("dependency constrained to a newer macOS", "a 1.0 : b\nb 1.0 ! __osx >=14.0", "a", None),
    ("constraint on a virtual package", "a 1.0", "a ; __osx >=14", None),
]


def parts(text: str) -> list[str]:
    return [part for part in text.split(", ") if part]


@pytest.mark.parametrize(("channel", "asked", "answer"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_requests(solver: Solver, channel: str, asked: str, answer: str | None) -> None:
    specs, _, constraints = asked.partition(" ; ")
    question = request(table(channel), *parts(specs), constraints=parts(constraints))
    if answer is None:
        with pytest.raises(UnsatisfiableError) as caught:
            solver.solve(question)
        assert caught.value.problem
        assert "\x1b" not in caught.value.problem
    else:
        assert versions(solver.solve(question)) == dict(pair.split("=") for pair in answer.split())


SPECS = [
    ("a", "3.0"),
    ("a 2.0", "2.0"),
    ("a ==2.0", "2.0"),
    ("a =2", "2.5"),
    ("a=2", "2.5"),
    ("a 2.*", "2.5"),
    ("a ==2.*", "2.5"),
    ("a 2", "2.0"),
    ("a >=1,<2.5", "2.0"),
    ("a >=1, <2.5", "2.0"),
    ("a !=3.0,!=2.5", "2.0"),
    ("a !=2.*,<3", "1.0"),
    ("a ~=2.0", "2.5"),
    ("a 1.*|2.0.*", "2.0"),
    ("a >=9|2.0", "2.0"),
    ("a >2.5|<1.5,!=1.0", "3.0"),
    ("a * first*", "2.0"),
    ("a * *_1", "2.0"),
    ("a * ^first_.$", "2.0"),
    ("a==2.0=first_0", "2.0"),
    ("a 2.0 first_0", "2.0"),
    ("a=2.0=first_1", "2.0"),
    ("a 3.0 first_0", None),
    ("a[version='>=1,<2.5']", "2.0"),
    ("a[build=first_0]", "2.0"),
    ("a >=2[build_number='>=1']", "2.0"),
    ("a[build_number=0]", "3.0"),
    ("a[md5=0123456789abcdef0123456789abcdef]", "1.0"),
    ("a[sha256=" + 64 * "7" + "]", "1.0"),
    ("a[license=MIT]", "1.0"),
    ("a[subdir=noarch]", "1.0"),
    ("a[subdir=osx-arm64]", "3.0"),
    ("a[fn='a-2.5-h0_0.conda']", "2.5"),
    ("alpha::a", "3.0"),
    ("alpha::a <3", "2.5"),
    ("beta::a", None),
    ("A", "3.0"),
]


def spec_channel() -> ChannelRecords:
    records = (
        record("a 1.0", subdir="noarch", noarch="generic", md5="0123456789abcdef" * 2, sha256=64 * "7", license="MIT"),
        record("a 2.0 first_0 0"),
        record("a 2.0 first_1 1"),
        record("a 2.5"),
        record("a 3.0"),
    )
    return ChannelRecords(channel=ALPHA, records=records)


@pytest.mark.parametrize(("spec", "version"), SPECS)
def test_a_spec_means_the_same_to_every_solver(solver: Solver, spec: str, version: str | None) -> None:
    if version is None:
        with pytest.raises(UnsatisfiableError):
            solver.solve(request(spec_channel(), spec))
    else:
        assert versions(solver.solve(request(spec_channel(), spec))) == {"a": version}


@pytest.mark.parametrize(("spec", "version"), [case for case in SPECS if case[1]])
def test_a_constraint_means_the_same_as_a_spec(solver: Solver, spec: str, version: str) -> None:
    assert versions(solver.solve(request(spec_channel(), "a", constraints=[spec]))) == {"a": version}


@pytest.mark.parametrize("spec", ["a[extras=[x]]", "a[when='python >=3.8']"])
def test_a_part_that_solvers_read_differently_is_refused(solver: Solver, spec: str) -> None:
    with pytest.raises(UnsupportedOptionError, match="cannot solve for"):
        solver.solve(request(spec_channel(), spec))


def channels(first: str, second: str) -> list[ChannelRecords]:
    return [table(first, ALPHA), table(second, BETA)]


PRIORITIES: list[tuple[str, str, ChannelPriority, Sequence[str], list[str] | None]] = [
    # alpha's table, beta's table, priority, specs, the answer as version@channel
    ("a 1.0", "a 2.0", "strict", ["a"], ["a 1.0 alpha"]),
    ("a 2.0", "a 1.0", "strict", ["a"], ["a 2.0 alpha"]),
    ("a 1.0", "a 2.0", "flexible", ["a"], ["a 1.0 alpha"]),
    ("a 1.0", "a 2.0", "disabled", ["a"], ["a 2.0 beta"]),
    ("a 1.0", "a 2.0", "strict", ["a >=2"], None),
    ("a 1.0", "a 2.0", "flexible", ["a >=2"], ["a 2.0 beta"]),
    ("a 1.0", "a 2.0", "disabled", ["a >=2"], ["a 2.0 beta"]),
    ("b 1.0 : a >=2\n a 1.0", "a 2.0", "strict", ["b"], None),
    ("b 1.0 : a >=2\n a 1.0", "a 2.0", "flexible", ["b"], ["a 2.0 beta", "b 1.0 alpha"]),
    ("a 1.0", "b 1.0", "strict", ["a", "b"], ["a 1.0 alpha", "b 1.0 beta"]),
    ("a 1.0", "a 2.0", "strict", ["beta::a"], None),
    ("a 1.0", "a 2.0", "flexible", ["beta::a"], ["a 2.0 beta"]),
    ("a 1.0", "a 2.0", "disabled", ["alpha::a"], ["a 1.0 alpha"]),
    ("b 1.0", "a 2.0", "strict", ["beta::a", "b"], ["a 2.0 beta", "b 1.0 alpha"]),
    ("a 1.0 x 0", "a 1.0 x 0", "disabled", ["a"], ["a 1.0 alpha"]),
    ("a 1.0 x 0", "a 1.0 x 1", "disabled", ["a"], ["a 1.0 beta"]),
    ("a 1.0 x 0", "a 1.0 x 1", "flexible", ["a"], ["a 1.0 alpha"]),
]


@pytest.mark.parametrize(("alpha", "beta", "priority", "specs", "answer"), PRIORITIES)
def test_channel_priority(
    solver: Solver, alpha: str, beta: str, priority: ChannelPriority, specs: Sequence[str], answer: list[str] | None
) -> None:
    asked = request(channels(alpha, beta), *specs, priority=priority)
    if answer is None:
        with pytest.raises(UnsatisfiableError):
            solver.solve(asked)
    else:
        found = [f"{r.name} {r.version} {r.channel.rsplit('/', 1)[-1]}" for r in solver.solve(asked).records]
        assert found == answer


def test_the_order_of_the_channels_is_the_priority(solver: Solver) -> None:
    first, second = channels("a 1.0", "a 2.0")
    assert versions(solver.solve(request([second, first], "a"))) == {"a": "2.0"}
    assert versions(solver.solve(request([first, second], "a"))) == {"a": "1.0"}


def test_nothing_is_remembered_between_requests(solver: Solver) -> None:
    channel = table(TOWER)
    asked = request(channel, "app")
    first = solver.solve(asked)
    assert versions(solver.solve(replace(asked, constraints=request((), "app <2").specs))) == {
        "app": "1.0",
        "lib": "2.5",
    }
    with pytest.raises(UnsatisfiableError):
        solver.solve(request(channel, "app >=9"))
    assert solver.solve(request(channel, "app", priority="disabled")) == first
    assert solver.solve(asked) == first
