"""The choice of the solver: libmamba where it can be imported, else rattler."""

from __future__ import annotations

from envgen.errors import SolverUnavailableError
from envgen.models.solve import Solver, SolverName

_INSTALL = "libmambapy comes from conda-forge only: `conda install -c conda-forge 'libmambapy>=2'`; or use rattler"


def choose_solver(name: SolverName | None = None) -> tuple[Solver, SolverName, str]:
    """Return a solver, its name, and a note that says which one it is and why.

    Without a name, libmamba is the default. Raise SolverUnavailableError for one that is asked for and cannot be
    imported. The solver libraries are imported here and not before, since that takes time.
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
