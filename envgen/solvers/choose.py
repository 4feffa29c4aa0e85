"""The choice of the solver: libmamba where it can be imported, else rattler."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.errors import SolverUnavailableError, UsageError
from envgen.models.solve import Solver, SolverName

_INSTALL = "libmambapy comes from conda-forge only: `conda install -c conda-forge 'libmambapy>=2'`; or use rattler"


SOLVERS: Mapping[str, SolverName] = {"libmamba": "libmamba", "rattler": "rattler"}


def choose_solver(wanted: str | None = None, before: str | None = None) -> tuple[Solver, SolverName, str]:
    """Return the solver that the call wants, else that of the lock before, else the default; its name, and a note.

    A lock keeps to its solver, since the two weigh some versions differently. One that cannot be imported here is no
    failure: what is kept does not depend on it.

    Raises:
        UsageError: there is no solver of that name.
        SolverUnavailableError: the solver that the call wants cannot be imported.
    """
    if wanted or before is None:
        return _opened(_known(wanted))
    try:
        solver, name, _ = _opened(_known(before))
    except SolverUnavailableError as error:
        solver, name, _ = _opened(None)
        return solver, name, f"the lock was solved with {before}, now with {name}: {error.message}"
    return solver, name, ""


def _known(text: str | None) -> SolverName | None:
    if text is None:
        return None
    if text not in SOLVERS:
        raise UsageError(f"unknown solver `{text}`", hint=f"one of {', '.join(SOLVERS)}")
    return SOLVERS[text]


def _opened(name: SolverName | None) -> tuple[Solver, SolverName, str]:
    """Return a solver, its name, and a note that says which one it is and why; libmamba is the default.

    The solver libraries are imported here and not before, since that takes time.
    """
    from envgen.solvers.rattler import RattlerSolver

    if name == "rattler":
        return RattlerSolver(), "rattler", "solved with rattler, as asked"
    try:
        solver = _libmamba()
    except ImportError as error:
        reason = _reason(error)
        if name == "libmamba":
            raise SolverUnavailableError(f"libmamba is not available: {reason}", hint=_INSTALL) from error
        return RattlerSolver(), "rattler", f"solved with rattler, because libmamba is not available: {reason}"
    why = "as asked" if name else "the default"
    return solver, "libmamba", f"solved with libmamba, {why}"


def _libmamba() -> Solver:
    from envgen.solvers.libmamba import LibmambaSolver

    return LibmambaSolver()


def _reason(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "libmambapy":
        return "libmambapy is not installed"
    return f"libmambapy 2 or newer cannot be imported ({str(error).strip().split(chr(10), 1)[0]})"


def available_solvers() -> tuple[SolverName, ...]:
    """List the solvers that can be imported, the default first."""
    try:
        _libmamba()
    except ImportError:
        return ("rattler",)
    return ("libmamba", "rattler")
