"""Hold what the name map answers."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.models.findings import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Hold a conda package that looked right, and why it is not."""

    conda: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswer:
    """Say where a project of PyPI may come from, and how that is known.

    `pypi` is canonical (PEP 503). `conda` is given for `source` "conda", and for "unknown" where the name is known but
    these channels lack it. `bound` is a conda version spec that the package must meet to be the project, or "".
    `alternatives` are further conda packages that serve, best first. `lacking` tells that the channels were read whole
    and lack the package, so that PyPI is what remains.
    """

    pypi: str
    conda: str | None
    source: Source
    provenance: str
    why: str
    bound: str = ""
    alternatives: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    suggestions: tuple[str, ...] = ()
    lacking: bool = False
