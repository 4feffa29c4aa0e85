"""Move only what must move: told cases, and laws on random repodata."""

from __future__ import annotations

import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from envgen.errors import UnsatisfiableError
from envgen.locking.moves import conda_reasons
from envgen.models.record import ChannelRecords, Record
from envgen.models.solve import Solution, Solver, SolveRequest
from envgen.solvers.least_change import solve_with_least_change
from envgen.solvers.rattler import RattlerSolver, to_native
from tests.fakes.locks import conda_key
from tests.fakes.tables import ALPHA, BETA, assert_valid, record, request, root, table, versions

INDEX = table("""
    python 3.11.9
    python 3.12.4
    numpy 1.26 a 0 : python
    numpy 1.26 b 1 : python
    numpy 2.1 : python
    pandas 2.1 : numpy >=1.26&<2
    pandas 2.2 : numpy >=1.26&<2
    pandas 3.0 : numpy >=2, tz
    scipy 1.11 : numpy <2
    scipy 1.14 : numpy >=1.26
    tz 2024
    tz 2025
    lone 1.0
    lone 2.0
""")
LOCKED = ("python 3.11.9", "numpy 1.26 a 0", "pandas 2.1", "scipy 1.11", "lone 1.0")


def locked(*texts: str) -> list[Record]:
    wanted = {record(text).url for text in texts or LOCKED}
    return [found for found in INDEX.records if found.url in wanted]


def changed(before: Sequence[Record], after: Solution) -> dict[str, str]:
    """Return the versions (`-` for none) of the packages that differ."""
    old, new = ({r.name: r for r in records} for records in (before, after.records))
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return {name: new[name].version if name in new else "-" for name in names}


ROOTS = ("python", "numpy", "pandas", "scipy", "lone")
CASES: list[tuple[str, tuple[str, ...], set[str], str]] = [
    ("nothing", ROOTS, set(), ""),
    ("an unrelated package", (*ROOTS, "tz"), set(), "tz=2025"),
    ("a removed package leaves nothing behind", ("pandas",), set(), "lone=- scipy=-"),
    ("a new bound moves what it excludes", (*ROOTS, "lone >=2"), set(), "lone=2.0"),
    ("a bound forces others", (*ROOTS, "numpy >=2"), set(), "numpy=2.1 pandas=3.0 scipy=1.14 tz=2025"),
    ("a new minor of python", ("python 3.12.*", *ROOTS[1:]), set(), "python=3.12.4"),
    ("an update moves one", ROOTS, {"lone"}, "lone=2.0"),
    ("an update goes to the newest", ROOTS, {"pandas"}, "numpy=2.1 pandas=3.0 scipy=1.14 tz=2025"),
    ("an update keeps what it does not force", ROOTS, {"scipy"}, "scipy=1.14"),
    ("an update of all", ROOTS, set(ROOTS), "lone=2.0 numpy=2.1 pandas=3.0 python=3.12.4 scipy=1.14 tz=2025"),
    ("an update of what is not locked", ROOTS, {"nowhere"}, ""),
    ("an update of what nothing asks for", ("pandas",), {"lone"}, "lone=- scipy=-"),
    ("an update to a newer build", (*ROOTS, "numpy <2"), {"numpy"}, "numpy=1.26"),
]


@pytest.mark.parametrize(("specs", "update", "moved"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_only_what_must_moves(solver: Solver, specs: tuple[str, ...], update: set[str], moved: str) -> None:
    asked = request(INDEX, *specs)
    solution = solve_with_least_change(solver, asked, locked(), update)
    assert changed(locked(), solution) == dict(pair.split("=") for pair in moved.split())
    assert_valid(asked, solution.records)


def test_an_unmeetable_request_is_the_users_own(solver: Solver) -> None:
    with pytest.raises(UnsatisfiableError, match="no set of packages"):
        solve_with_least_change(solver, request(INDEX, "pandas >=3", "numpy <2"), locked())


def test_an_update_never_goes_back(solver: Solver) -> None:
    index = table("app 1.0 : lib <2\n lib 1.0\n lib 2.0")
    kept = [r for r in index.records if r.version == "2.0"]
    asked = request(index, "app", "lib")
    assert versions(solve_with_least_change(solver, asked, kept, {"lib"})) == {"app": "1.0", "lib": "1.0"}
    assert versions(solve_with_least_change(solver, request(index, "lib"), kept, {"lib"})) == {"lib": "2.0"}


def test_a_record_that_the_index_lacks_stays_while_it_is_kept(solver: Solver) -> None:
    gone = record("lone 1.5", md5="0" * 32)
    asked = request(INDEX, "lone", "tz")
    assert solve_with_least_change(solver, asked, [gone]).records[0] is gone
    assert versions(solve_with_least_change(solver, asked, [gone], {"lone"}))["lone"] == "2.0"
    assert versions(solve_with_least_change(solver, request(INDEX, "lone !=1.5,<2"), [gone])) == {"lone": "1.0"}


def test_a_freed_record_that_the_index_lacks_is_not_chosen_again(solver: Solver) -> None:
    gone = record("numpy 1.99", depends=["python"])
    kept = [*locked("python 3.11.9", "pandas 2.1"), gone]
    solution = solve_with_least_change(solver, request(INDEX, "python", "numpy", "pandas 3.0"), kept)
    assert versions(solution) == {"python": "3.11.9", "numpy": "2.1", "pandas": "3.0", "tz": "2025"}


def test_todays_index_has_the_say_on_what_a_kept_record_needs() -> None:
    hotfixed = table("app 1.0 : lib <2\n app 1.1\n lib 1.0\n lib 2.0")
    kept = [record("app 1.0"), record("lib 2.0")]  # as locked, before the index got the bound
    solution = solve_with_least_change(RattlerSolver(), request(hotfixed, "app", "lib"), kept)
    assert_valid(request(hotfixed, "app", "lib"), solution.records)
    assert len(changed(kept, solution)) == 1 + (versions(solution)["app"] == "1.0")


@pytest.mark.parametrize(
    ("kept_in", "priority", "version"),
    [("alpha", "strict", "1.0"), ("beta", "strict", "2.0"), ("beta", "flexible", "1.5"), ("gamma", "flexible", "2.0")],
)
def test_a_kept_record_obeys_the_channels(solver: Solver, kept_in: str, priority: str, version: str) -> None:
    alpha, beta = table("a 1.0\n a 2.0"), table("a 1.5\n b 1", BETA)
    old = {
        "alpha": alpha.records[0],
        "beta": beta.records[0],
        "gamma": replace(alpha.records[0], channel="https://conda.anaconda.org/gamma", url="https://x/osx-arm64/a-0.conda"),
    }  # fmt: skip
    asked = request([alpha, beta], "a", priority=priority)  # type: ignore[arg-type]  # a literal from the table above
    assert versions(solve_with_least_change(solver, asked, [old[kept_in]])) == {"a": version}


def test_rattlers_own_objects_are_used_on_the_way() -> None:
    native = replace(INDEX, native=tuple(to_native(found) for found in INDEX.records))
    gone = record("lone 1.5")
    asked = request(native, *ROOTS, "numpy >=2")
    solution = solve_with_least_change(RattlerSolver(), asked, [*locked(*LOCKED[:-1]), gone])
    assert versions(solution) == {
        "python": "3.11.9", "numpy": "2.1", "pandas": "3.0", "scipy": "1.14", "tz": "2025", "lone": "1.5",
    }  # fmt: skip


class Counting:
    """Count the solves."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.count = 0

    def solve(self, asked: SolveRequest) -> Solution:
        self.count += 1
        return self.solver.solve(asked)


@pytest.mark.parametrize(("specs", "most"), [(ROOTS, 1), ((*ROOTS, "tz"), 1), ((*ROOTS, "numpy >=2"), 2)])
def test_few_solves_are_enough(solver: Solver, specs: tuple[str, ...], most: int) -> None:
    counting = Counting(solver)
    solve_with_least_change(counting, request(INDEX, *specs), locked())
    assert counting.count <= most


VERSIONS = ("1.0", "1.1", "2.0", "2.1", "3.0", "3.1")
BOUNDS = ("", ">=1.1", ">=2", "<3", "<2.1", ">=1.1,<3", "1.*|2.*", "!=2.0")


def random_index(draw: random.Random) -> ChannelRecords:
    """Draw ten packages of some versions; newer records mostly ask for newer ones of the packages before."""
    records = []
    for layer in range(10):
        for number, version in enumerate(sorted(draw.sample(VERSIONS, draw.randint(2, 5)))):
            lower = draw.sample(range(layer), min(layer, draw.randint(1, 4)))
            bounds = [draw.choice(BOUNDS) if draw.random() < 0.4 else f">={number}.0,<{number + 2}" for _ in lower]
            depends = [f"p{other} {bound}".strip() for other, bound in zip(lower, bounds, strict=True)]
            other = draw.choice([name for name in range(10) if name != layer])
            constrains = (f"p{other} {draw.choice(BOUNDS[1:])}",) if draw.random() < 0.15 else ()
            records.append(record(f"p{layer} {version}", depends=depends, constrains=constrains))
    return ChannelRecords(channel=ALPHA, records=tuple(records))


def scenario(seed: int) -> tuple[SolveRequest, tuple[Record, ...], AbstractSet[str]]:
    """Draw a lock over yesterday's index, and a request over today's that can be met, but not by the lock as it is."""
    draw = random.Random(seed)
    while True:
        index = random_index(draw)
        names = draw.sample([f"p{number}" for number in range(10)], 4)
        older = replace(index, records=tuple(r for r in index.records if draw.random() < 0.6))
        newer = replace(index, records=tuple(r for r in index.records if draw.random() < 0.9))
        update = frozenset(draw.sample(names, 1)) if draw.random() < 0.3 else frozenset()
        try:
            kept = RattlerSolver().solve(request(older, *names)).records
            excluded = draw.choice(kept)
            specs = [*names[draw.randint(0, 1) :], f"{excluded.name} {draw.choice(['!=', '>', '<'])}{excluded.version}"]
            fresh = RattlerSolver().solve(request(newer, *specs)).records
        except UnsatisfiableError:
            continue
        if fresh != kept:
            return request(newer, *specs), kept, update


@pytest.mark.parametrize("seed", [*range(15), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(15, 45))])
def test_laws_of_least_change(solver: Solver, seed: int) -> None:
    today, kept, update = scenario(seed)
    solution = solve_with_least_change(solver, today, kept, update)
    supplied = {found.url: found for found in (*kept, *today.channels[0].records)}.values()
    assert_valid(today, solution.records)
    assert_reachable(today, solution.records)
    if not update:
        channel = replace(today.channels[0], records=tuple(supplied))
        assert_none_could_stay(solver, replace(today, channels=(channel,)), kept, solution)
    assert_chains(today, kept, solution, update)
    assert solve_with_least_change(solver, today, solution.records) == solution


def assert_reachable(asked: SolveRequest, records: Sequence[Record]) -> None:
    found = {r.name: r for r in records}
    seen, todo = set(), [spec.spec.name for spec in asked.specs]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [depend.split()[0] for depend in found[name].depends]
    assert seen == found.keys()


def assert_none_could_stay(solver: Solver, asked: SolveRequest, kept: Sequence[Record], solution: Solution) -> None:
    """Ask the solver for each record that moved, beside all that stayed: there is no answer."""
    now = {r.name: r for r in solution.records}
    stayed = [root(f"{r.name}=={r.version}={r.build}") for r in kept if now.get(r.name, r) == r]
    for old in kept:
        if now.get(old.name, old) == old:
            continue
        wanted = root(f"{old.name}=={old.version}={old.build}")
        with pytest.raises(UnsatisfiableError):
            solver.solve(replace(asked, specs=(*asked.specs, wanted), constraints=(*asked.constraints, *stayed)))


def assert_chains(asked: SolveRequest, kept: Sequence[Record], solution: Solution, update: AbstractSet[str]) -> None:
    """Follow the cause of each move to something that is no move."""
    reasons = conda_reasons(asked, kept, solution.records, frozenset(map(conda_key, update)))
    assert {key.name for key in reasons} == changed(kept, solution).keys()
    for key in reasons:
        seen = [key]
        while (by := reasons[seen[-1]].because) in reasons:
            assert by not in seen, f"{seen} has no beginning"
            seen.append(by)
        assert "could not be kept" not in reasons[seen[-1]].text
