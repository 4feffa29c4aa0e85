"""Explain refusals in the user's words: every kind of conflict, with its way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pytest

from envgen.errors import SourceLine, UnsatisfiableError
from envgen.models.channel import Channel
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.solvers.conflicts import VariantSolves, conflicting, explain, minimal, remedies
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.tables import ALPHA, BETA, record, request, table

INDEX = table("""
    python 3.11.9
    python 3.12.4
    python 3.13.1
    numpy 1.26 : python
    numpy 2.1 : python
    pandas 1.5 : python, numpy <2
    pandas 2.2 : python, numpy >=2
    tensorflow 2.18 py311 : python 3.11.*
    tensorflow 2.18 py312 : python 3.12.*
    tensorflow 2.19 py312 : python 3.12.*, __osx >=14.2
    metal 1.2 ! __osx >=14
    metal 1.3 ! __osx >=15.1
    old-metal 1.0 : __osx >=11&<12
    scikit-learn 1.5 : python
    needy 1.0 : nowhere
""")


def written(asked: SolveRequest) -> SolveRequest:
    """Return each spec and constraint a line of a manifest."""
    lines = (SourceLine(file="envgen.yaml", line=number, text="-") for number in range(1, 100))

    def placed(roots: Iterable[RootSpec]) -> tuple[RootSpec, ...]:
        return tuple(replace(root, origin=Origin(path="x", line=next(lines))) for root in roots)

    return replace(asked, specs=placed(asked.specs), constraints=placed(asked.constraints))


def explained(solver: Solver, asked: SolveRequest, **more: object) -> UnsatisfiableError:
    with pytest.raises(UnsatisfiableError) as caught:
        solver.solve(asked)
    return explain(solver, asked, caught.value, **more)  # type: ignore[arg-type]


CASES: list[tuple[str, Sequence[str], Sequence[str], str, list[int], str]] = [
    # what is shown, specs, constraints, message, lines, hint
    (
        "two specs",
        ["scikit-learn", "pandas >=2", "tensorflow", "numpy <2"],
        [],
        "`pandas >=2` and `numpy <2` cannot be met together",
        [2, 4],
        "let `pandas >=2` allow pandas 1.5; or let `numpy <2` allow numpy 2.1",
    ),
    (
        "a spec and a constraint",
        ["pandas >=2", "scikit-learn"],
        ["tensorflow", "numpy <2"],
        "`pandas >=2` and `numpy <2` cannot be met together",
        [1, 4],
        "let `pandas >=2` allow pandas 1.5; or let `numpy <2` allow numpy 2.1",
    ),
    (
        "a constraint that shuts a name out",
        ["pandas"],
        ["python <3"],
        "`pandas` and `python <3` cannot be met together",
        [1, 2],
        "let `python <3` allow python 3.13.1",
    ),
    (
        "another python",
        ["pandas", "python 3.13.*", "tensorflow 2.18.*"],
        [],
        "`python 3.13.*` and `tensorflow 2.18.*` cannot be met together",
        [2, 3],
        "`tensorflow 2.18.*` can be had with python 3.11 or 3.12: set `python` to one of them",
    ),
    (
        "a newer macOS",
        ["python 3.12.*", "tensorflow >=2.19", "pandas"],
        [],
        "`tensorflow >=2.19` cannot be installed",
        [2],
        'raise `macos` to "14.2", which leaves out every Mac below macOS 14.2',
    ),
    (
        "a newer macOS, by constrains",
        ["metal", "pandas"],
        [],
        "`metal` cannot be installed",
        [1],
        'raise `macos` to "14.0", which leaves out every Mac below macOS 14.0',
    ),
    (
        "a newer macOS, as little as helps",
        ["metal >=1.3"],
        [],
        "`metal >=1.3` cannot be installed",
        [1],
        'raise `macos` to "15.1", which leaves out every Mac below macOS 15.1',
    ),
    ("an older macOS is no way out", ["old-metal"], [], "`old-metal` cannot be installed", [1], "loosen or remove it"),
    (
        "absent names",
        ["scikit-lern", "pandas", "zzz >=2"],
        [],
        "`scikit-lern` and `zzz >=2` are not in alpha",
        [1, 3],
        "for `scikit-lern`, did you mean `scikit-learn`?",
    ),
    ("one absent name", ["qqq"], [], "`qqq` is not in alpha", [1], "check the spelling and the channels"),
    ("an absent virtual package", ["__cuda"], [], "`__cuda` is not in alpha", [1], "the target has no __cuda"),
    (
        "a version that is not there",
        ["numpy >=3"],
        [],
        "`numpy >=3` is met by no record",
        [1],
        "the versions of `numpy` are 1.26, 2.1",
    ),
    (
        "a build that is not there",
        ["tensorflow 2.18.* cuda*"],
        [],
        "`tensorflow 2.18.* cuda*` is met by no record",
        [1],
        "the builds of `tensorflow` 2.18.* are py311, py312",
    ),
    (
        "a virtual package that is too old",
        ["__osx >=14"],
        [],
        "`__osx >=14` is met by no record",
        [1],
        "the target has __osx 13.0",
    ),
    (
        "a dependency that no channel has",
        ["needy", "pandas"],
        [],
        "`needy` cannot be installed",
        [1],
        "add a channel that has nowhere, which every record of `needy` needs; or loosen or remove it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("specs", "constraints", "message", "lines", "hint"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_explanations(
    solver: Solver, specs: Sequence[str], constraints: Sequence[str], message: str, lines: list[int], hint: str
) -> None:
    error = explained(solver, written(request(INDEX, *specs, constraints=constraints)))
    assert error.message == message
    assert [line.line for line in error.lines] == lines
    assert error.hint == hint
    assert error.problem


def test_no_version_that_helps_is_told_where_there_is_none(solver: Solver) -> None:
    index = table("a 1 : c 1\n a 2 : c 1\n b 1 : c 2\n b 2 : c 2\n c 1\n c 2")
    error = explained(solver, request(index, "a >=2", "b >=2"))
    assert error.message == "`a >=2` and `b >=2` cannot be met together"
    assert error.hint == "loosen or remove one of them"


def test_a_python_that_nothing_helps_is_not_blamed(solver: Solver) -> None:
    index = table("python 3.11.1\n python 3.12.1\n a 1 : python 3.10.*\n b 1")
    error = explained(solver, request(index, "python 3.11.*", "a", "b"))
    assert "python" not in error.hint.replace("loosen", "")


def test_another_python_goes_with_a_constraint(solver: Solver) -> None:
    index = table("python 3.11.9 : ssl <3\n python 3.12.4 : ssl >=3\n ssl 1\n ssl 3")
    asked, hint = request(index, "python 3.11.*", constraints=["ssl >=3"]), "set `python` to it"
    assert explained(solver, asked).hint == f"it can be had with python 3.12: {hint}"
    # the python that is asked for is not tried again
    assert remedies(VariantSolves(solver, budget=1), asked) == [f"it can be had with python 3.12: {hint}"]


def test_the_problem_speaks_of_the_conflict_alone(solver: Solver) -> None:
    error = explained(solver, request(INDEX, "scikit-learn", "pandas >=2", "numpy <2"))
    assert "pandas" in error.problem
    assert "scikit-learn" not in error.problem


def test_a_requirement_that_is_no_line_is_named_by_its_origin(solver: Solver) -> None:
    asked = request(INDEX, "pandas >=2")
    fact = replace(request((), "numpy <2").specs[0], origin=Origin(path="tensorflow-metal on TensorFlow"))
    error = explained(solver, replace(written(asked), constraints=(fact,)))
    assert error.message == "`pandas >=2` and `numpy <2` (tensorflow-metal on TensorFlow) cannot be met together"
    assert error.hint == "let `pandas >=2` allow pandas 1.5"


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        (1, "1.0"),
        (5, "1.0, 1.1, 1.2, 1.3, 1.4"),
        (6, "1.0, 1.1, 1.2, 1.3, 1.4, 1.5"),
        (7, "1.0, …, 1.3, 1.4, 1.5, 1.6"),
        (12, "1.0, …, 1.8, 1.9, 1.10, 1.11"),
    ],
)
def test_more_than_six_versions_are_cut_in_the_middle(count: int, listed: str) -> None:
    index = ChannelRecords(channel=ALPHA, records=tuple(record(f"a 1.{minor}") for minor in range(count)))
    error = explained(RattlerSolver(), request(index, "a >=2"))
    assert error.hint == f"the versions of `a` are {listed}"


@pytest.mark.parametrize("count", [5, 6, 7])
def test_six_builds_are_listed_at_most(count: int) -> None:
    builds = [f"b{number}" for number in range(count)]
    index = ChannelRecords(channel=ALPHA, records=tuple(record(f"a 1 {build}") for build in [*builds, builds[0]]))
    error = explained(RattlerSolver(), request(index, "a 1 cuda*"))
    assert error.hint == f"the builds of `a` ==1 are {', '.join(builds[:6])}"


def test_each_unmet_requirement_has_its_own_hint() -> None:
    error = explained(RattlerSolver(), request(table("a 1\n b 1"), "a >=2", "b >=2"))
    assert error.message == "`a >=2` and `b >=2` are met by no record"
    assert error.hint == "the versions of `a` are 1; the versions of `b` are 1"
    assert error.lines == ()


def test_a_name_without_a_near_miss_adds_no_hint() -> None:
    repodata = FakeRepodata(known=frozenset({"xgboost", "xgboot"}), complete=False)
    error = explained(RattlerSolver(), request(INDEX, "qqq", "xgbost"), repodata=repodata)
    assert error.hint == (
        "for `xgbost`, did you mean `xgboost` or `xgboot`?; "
        "try again where the channels can be reached, since they may have it"
    )


def test_a_request_of_no_channel_is_explained() -> None:
    error = explained(RattlerSolver(), request((), "a", "b"))
    assert error.message == "`a` and `b` are not in no channel"
    assert error.hint == "check the spelling and the channels"


def test_three_ways_out_are_told_at_most(solver: Solver) -> None:
    rows = [f"{name} 1\n {name} 2 : x <{number}|>{number}\n x {number}" for number, name in enumerate("abcd", 1)]
    index = table("\n".join(rows))
    error = explained(solver, request(index, *(f"{name} >=2" for name in "abcd")))
    assert error.message == "`a >=2`, `b >=2`, `c >=2` and `d >=2` cannot be met together"
    assert error.hint == "; or ".join(f"let `{name} >=2` allow {name} 1" for name in "abc")


@pytest.mark.parametrize(
    ("specs", "hint"),
    [
        (["a", "b"], "add a channel that has gone, which every record of `a` needs; or loosen or remove one of them"),
        (["c"], "loosen or remove it"),
        (["d"], "add a channel that has cuda, which every record of `d` needs; or loosen or remove it"),
        (["e"], "loosen or remove it"),
    ],
)
def test_where_nothing_helps_the_last_hint_is_never_empty(solver: Solver, specs: list[str], hint: str) -> None:
    index = table("a 1 : b 2, gone\n a 2 : b 2, gone, away\n b 1 : away\n b 2\n c 1 : __cuda\n d 1 : CUDA\n e 1 : B 2")
    core = request(index, *specs)
    assert "; or ".join(remedies(VariantSolves(solver, budget=0), core)) == hint


def test_a_long_problem_is_cut() -> None:
    index = table("\n".join(f"a 1.{minor} : b {minor}.*" for minor in range(60)) + "\n b 100\n c 1 : b 100")
    error = explained(RattlerSolver(), request(index, "a", "c"))
    assert len(error.problem.splitlines()) <= 25


def test_a_record_that_a_higher_channel_hides(solver: Solver) -> None:
    channels = [table("a 1.0"), table("a 2.0", BETA)]
    error = explained(solver, request(channels, "a >=2"))
    assert error.message == "`a >=2` is met by no record"
    assert error.hint == "beta has it, but a channel before it has `a` too and hides its records"


def test_the_records_of_a_name_that_only_a_later_channel_has(solver: Solver) -> None:
    channels = [table("b 1.0"), table("a 1.0", BETA)]
    assert explained(solver, request(channels, "a >=2")).hint == "the versions of `a` are 1.0"


def test_the_records_of_all_channels_where_none_hides_another(solver: Solver) -> None:
    asked = request([table("a 1.0"), table("a 2.0", BETA)], "a >=3", priority="flexible")
    assert explained(solver, asked).hint == "the versions of `a` are 1.0, 2.0"


def test_a_solution_that_channel_priority_hides(solver: Solver) -> None:
    channels = [table("a 1.0\n b 1.0 : a >=2"), table("a 2.0", BETA)]
    error = explained(solver, request(channels, "b"))
    assert error.hint == "`a` 2.0 of beta would do: put that channel before alpha"


@dataclass(frozen=True)
class FakeRepodata:
    """Provide names alone."""

    known: frozenset[str]
    complete: bool
    channels: tuple[Channel, ...] = (ALPHA,)
    origin: str = "starter index of 2026-08-01"
    notes: tuple[str, ...] = ()

    def names(self) -> frozenset[str]:
        return self.known

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        raise AssertionError(names)

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        raise AssertionError(names)


def test_near_misses_are_looked_for_in_the_whole_channel() -> None:
    repodata = FakeRepodata(known=frozenset({"xgboost", "lightgbm"}), complete=True)
    error = explained(RattlerSolver(), request(INDEX, "xgbost"), repodata=repodata)
    assert error.message == "`xgbost` is not in alpha"
    assert error.hint == "for `xgbost`, did you mean `xgboost`?"


def test_a_name_that_an_incomplete_index_lacks_is_unknown() -> None:
    error = explained(RattlerSolver(), request(INDEX, "zzz"), repodata=FakeRepodata(known=frozenset(), complete=False))
    assert error.message == "`zzz` is unknown to the starter index of 2026-08-01"
    assert error.hint == "try again where the channels can be reached, since they may have it"


class Refusing:
    """Refuse whatever has many specs, and count."""

    def __init__(self) -> None:
        self.count = 0

    def solve(self, asked: SolveRequest) -> Solution:
        self.count += 1
        if len(asked.specs) < 150:
            return Solution(records=(), solver="rattler")
        raise UnsatisfiableError("no", problem=f"refused {self.count}")


def test_the_number_of_solves_is_bounded() -> None:
    index = ChannelRecords(channel=ALPHA, records=tuple(record(f"p{number} 1") for number in range(200)))
    refusing = Refusing()
    error = explain(refusing, request(index, *(f"p{n}" for n in range(200))), UnsatisfiableError("no", problem=""))
    assert error.message.endswith("`p198` and `p199` cannot be met together")
    assert error.message.count(",") == 148
    assert refusing.count <= 61


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_as_many_variants_are_solved_as_the_budget_says(budget: int) -> None:
    refusing = Refusing()
    variants = VariantSolves(refusing, budget=budget)
    solutions = [variants.solution(request(INDEX, "pandas")) for _ in range(5)]
    assert [solution is not None for solution in solutions] == [number < budget for number in range(5)]
    assert refusing.count == budget


class Stubborn:
    """Refuse everything."""

    def solve(self, asked: SolveRequest) -> Solution:
        raise UnsatisfiableError("no", problem="no")


def test_nothing_is_known_to_conflict_when_the_budget_is_spent() -> None:
    variants = VariantSolves(Stubborn(), budget=1)
    assert [variants.conflicts(request(INDEX, "pandas")) for _ in range(2)] == [True, False]


class Fickle:
    """Agree to everything."""

    def solve(self, asked: SolveRequest) -> Solution:
        return Solution(records=(), solver="rattler")


def test_the_solvers_own_words_are_kept_when_nothing_smaller_is_refused() -> None:
    error = explain(Fickle(), request(INDEX, "pandas", "numpy"), UnsatisfiableError("no", problem="because"))
    assert error.problem == "because"
    assert error.message == "`pandas` and `numpy` cannot be met together"


@pytest.mark.parametrize(("count", "shown"), [(24, 24), (25, 24), (60, 24)])
def test_the_first_lines_of_a_problem_are_shown(count: int, shown: int) -> None:
    problem = [f"line {number}" for number in range(count)]
    error = explain(Fickle(), request(INDEX, "pandas"), UnsatisfiableError("no", problem="\n".join(problem)))
    more = [f"… ({count - shown} more lines)"] if count > shown else []
    assert error.problem.splitlines() == [*problem[:shown], *more]


def test_names_that_a_problem_mentions_in_passing_are_not_blamed() -> None:
    asked = request(INDEX, "scikit-learn", "pandas >=2", "numpy <2")
    core = conflicting(VariantSolves(RattlerSolver()), asked, "something about scikit-learn")
    assert [str(root.spec) for root in core.specs] == ["pandas >=2", "numpy <2"]


def test_what_the_solver_says_of_the_conflict_alone_is_shown() -> None:
    asked = request(INDEX, "scikit-learn", "pandas >=2", "numpy <2")
    error = explain(RattlerSolver(), asked, UnsatisfiableError("no", problem="scikit-learn is not to blame"))
    assert "pandas" in error.problem
    assert "blame" not in error.problem


def test_something_is_always_left_of_a_conflict() -> None:
    assert minimal([7], lambda _: True) == [7]
    assert len(minimal(range(5), lambda _: True)) == 1


@pytest.mark.parametrize("core", [{0}, {3, 4}, {0, 9}, {1, 5, 6, 8}, set(range(10))])
def test_a_minimal_part_is_found(core: set[int]) -> None:
    calls: list[Sequence[int]] = []

    def conflict(some: Sequence[int]) -> bool:
        calls.append(some)
        return core <= set(some)

    assert minimal(range(10), conflict) == sorted(core)
    assert len(calls) <= 30
