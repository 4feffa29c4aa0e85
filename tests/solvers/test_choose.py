"""Choose a solver with and without libmambapy."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from envgen.errors import SolverUnavailableError
from envgen.models.solve import SolverName
from envgen.solvers.choose import available_solvers, choose_solver
from envgen.solvers.rattler import RattlerSolver
from tests.solvers.conftest import needs_libmamba


@pytest.fixture
def without_libmamba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "envgen.solvers.libmamba", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "libmambapy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libmambapy", None)


@pytest.mark.usefixtures("without_libmamba")
def test_rattler_is_chosen_without_libmambapy_and_the_note_says_why() -> None:
    solver, name, note = choose_solver()
    assert isinstance(solver, RattlerSolver)
    assert name == "rattler"
    assert note == "solved with rattler, because libmamba is not available: libmambapy is not installed"


@pytest.mark.usefixtures("without_libmamba")
def test_libmamba_asked_for_and_absent_says_where_it_comes_from() -> None:
    with pytest.raises(SolverUnavailableError, match="libmambapy is not installed") as caught:
        choose_solver("libmamba")
    assert "conda-forge only" in caught.value.hint


@pytest.mark.usefixtures("without_libmamba")
def test_an_old_or_broken_libmambapy_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libmambapy", ModuleType("libmambapy"))
    _, name, note = choose_solver()
    assert name == "rattler"
    assert "libmambapy 2 or newer cannot be imported (" in note
    assert "\n" not in note


@pytest.mark.parametrize(
    ("wanted", "before", "note"),
    [
        ("rattler", "libmamba", "solved with rattler, as asked"),
        ("rattler", "rattler", "solved with rattler, as asked"),
        (None, "rattler", ""),
    ],
)
def test_the_calls_word_goes_before_the_locks(wanted: str | None, before: str, note: str) -> None:
    assert choose_solver(wanted, before)[1:] == ("rattler", note)


def test_rattler_as_asked() -> None:
    solver, name, note = choose_solver("rattler")
    assert isinstance(solver, RattlerSolver)
    assert (name, note) == ("rattler", "solved with rattler, as asked")


@pytest.mark.parametrize(("asked", "why"), [(None, "the default"), ("libmamba", "as asked")])
def test_libmamba_goes_first(asked: SolverName | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own module is stood in for, since libmambapy is not everywhere."""
    module = ModuleType("envgen.solvers.libmamba")
    monkeypatch.setattr(module, "LibmambaSolver", RattlerSolver, raising=False)
    monkeypatch.setitem(sys.modules, "envgen.solvers.libmamba", module)
    _, name, note = choose_solver(asked)
    assert (name, note) == ("libmamba", f"solved with libmamba, {why}")
    assert available_solvers() == ("libmamba", "rattler")


@needs_libmamba
@pytest.mark.parametrize(("asked", "why"), [(None, "the default"), ("libmamba", "as asked")])
def test_libmamba_where_it_can_be_imported(asked: SolverName | None, why: str) -> None:
    solver, name, note = choose_solver(asked)
    assert type(solver).__name__ == "LibmambaSolver"
    assert (name, note) == ("libmamba", f"solved with libmamba, {why}")


@pytest.mark.usefixtures("without_libmamba")
def test_rattler_alone_is_available_without_libmambapy() -> None:
    assert available_solvers() == ("rattler",)


@needs_libmamba
def test_both_are_available_with_libmambapy() -> None:
    assert available_solvers() == ("libmamba", "rattler")
