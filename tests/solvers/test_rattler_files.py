"""Rattler to one answer, whether it reads the files itself or is given the records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.errors import UnsatisfiableError
from envgen.models.channel import CONDA_FORGE
from envgen.models.platform import Platform
from envgen.models.record import OpenedIndex, Record, Repodata
from envgen.models.solve import Solution, SolveRequest
from envgen.planner.overrides import amendments
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from envgen.repodata.patches import AmendedRepodata
from envgen.repodata.sources import packed
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.tables import ALPHA, random_request, request, root, table, versions
from tests.solvers import realchannel
from tests.solvers.test_contract import CASES, parts
from tests.solvers.test_real_channel import REQUESTS

MAC = Platform(subdir="osx-arm64", python="3.11", macos="13.0")


def opened(folder: Path, records: Sequence[Record]) -> Repodata:
    """Lay records out as a channel's files, and open them."""
    for subdir, index in {"noarch": {"packages": {}}, **packed(records)}.items():
        (folder / subdir).mkdir()
        (folder / subdir / "repodata.json").write_text(json.dumps(index))
    return open_channels((ALPHA,), MAC, Access(cache=folder, mirrors={"alpha": str(folder)}))


def in_files(folder: Path, question: SolveRequest) -> SolveRequest:
    """Ask the same of files."""
    (entry,) = question.channels
    index = opened(folder, entry.records)
    names = [each.spec.name for each in question.specs]
    return replace(question, channels=index.closure(names))


def answered(question: SolveRequest) -> Solution | str:
    """Return the answer, or the problem."""
    try:
        return RattlerSolver().solve(question)
    except UnsatisfiableError as error:
        return error.problem


def in_memory(question: SolveRequest) -> SolveRequest:
    return replace(question, channels=tuple(replace(entry, opened=None) for entry in question.channels))


class Watched:
    """Count who uses an opened index."""

    def __init__(self, inner: OpenedIndex) -> None:
        self.inner = inner
        self.solves = self.chosen = 0

    @property
    def readings(self) -> Sequence[object]:
        self.solves += 1
        return self.inner.readings

    def record(self, native: object) -> Record:
        self.chosen += 1
        return self.inner.record(native)


def watched(question: SolveRequest) -> tuple[SolveRequest, Watched]:
    (entry,) = question.channels
    assert entry.opened is not None
    watch = Watched(entry.opened)
    return replace(question, channels=(replace(entry, opened=watch),)), watch


@pytest.mark.parametrize(("channel", "asked"), [row[1:3] for row in CASES], ids=[row[0] for row in CASES])
def test_the_contract_holds(tmp_path: Path, channel: str, asked: str) -> None:
    specs, _, constraints = asked.partition(" ; ")
    question = in_files(tmp_path, request(table(channel), *parts(specs), constraints=parts(constraints)))
    assert answered(question) == answered(in_memory(question))


@pytest.mark.parametrize("seed", range(40))
def test_random_channels_have_one_answer(tmp_path: Path, seed: int) -> None:
    question = in_files(tmp_path, random_request(seed))
    assert answered(question) == answered(in_memory(question))


TOWER = "app 1.0 : lib\napp 2.0 : lib >=2\nlib 1.5\nlib 2.5"


def test_an_answer_needs_no_look_at_the_records(tmp_path: Path) -> None:
    question, watch = watched(in_files(tmp_path, request(table(TOWER), "app")))
    assert versions(RattlerSolver().solve(question)) == {"app": "2.0", "lib": "2.5"}
    assert (watch.solves, watch.chosen) == (1, 2)


def test_a_refusal_is_explained_from_the_records_and_from_then_on_they_serve(tmp_path: Path) -> None:
    question, watch = watched(in_files(tmp_path, request(table(TOWER), "app", "lib <1")))
    solver = RattlerSolver()
    for _ in range(2):
        with pytest.raises(UnsatisfiableError) as caught:
            solver.solve(question)
        assert "lib <1" in caught.value.problem
    assert versions(solver.solve(replace(question, specs=(root("app"),)))) == {"app": "2.0", "lib": "2.5"}
    assert (watch.solves, watch.chosen) == (1, 0)


@pytest.mark.parametrize("spec", ["alpha::app", "app[subdir=osx-arm64]", "app[build_number=0]"])
def test_specs_that_say_more_than_files_can_tell_look_at_the_records(tmp_path: Path, spec: str) -> None:
    question, watch = watched(in_files(tmp_path, request(table(TOWER), spec)))
    assert versions(RattlerSolver().solve(question))["app"] == "2.0"
    assert watch.solves == 0


def test_without_strict_priority_nothing_can_be_hidden(tmp_path: Path) -> None:
    question, watch = watched(in_files(tmp_path, request(table(TOWER), "app", priority="flexible")))
    assert versions(RattlerSolver().solve(question))["app"] == "2.0"
    assert watch.solves == 0


@pytest.mark.shared
@pytest.mark.skipif(not realchannel.ROOT.exists(), reason="no ../shared/channel beside the checkout")
@pytest.mark.parametrize("specs", REQUESTS.values(), ids=REQUESTS)
def test_real_requests_have_one_answer(specs: tuple[str, ...]) -> None:
    access = Access(cache=Path("unused"), mirrors={"conda-forge": str(realchannel.ROOT)})
    index = AmendedRepodata(open_channels((CONDA_FORGE,), MAC, access), amendments())
    question, watch = watched(request(index.closure(spec.split()[0] for spec in specs), *specs))
    quick = RattlerSolver().solve(question)
    assert watch.chosen == len(quick.records)
    assert quick == RattlerSolver().solve(in_memory(question))
