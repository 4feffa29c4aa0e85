"""Solve match specs with libmamba and nothing else: `bare_libmamba.py FOLDER SPEC…`."""

from __future__ import annotations

import sys

from libmambapy import solver, specs

SYSTEM = (("__osx", "13.0", "0"), ("__unix", "0", "0"), ("__archspec", "1", "m1"))
CHANNEL = "https://conda.anaconda.org/conda-forge"


def main() -> None:
    """Solve for osx-arm64 on macOS 13."""
    folder, *wanted = sys.argv[1:]
    database = solver.libsolv.Database(specs.ChannelResolveParams())
    for subdir in ("osx-arm64", "noarch"):
        repo = database.add_repo_from_repodata_json(
            f"{folder}/{subdir}/repodata.json", f"{CHANNEL}/{subdir}", "conda-forge", repodata_parser="Libsolv"
        )
        database.set_repo_priority(repo, solver.libsolv.Priorities(1, 0))
    system = [
        specs.PackageInfo(name=name, version=version, build_string=build, filename=name)
        for name, version, build in SYSTEM
    ]
    database.add_repo_from_packages(system, "system")
    texts = [*wanted, *(name for name, _, _ in SYSTEM)]
    jobs = [solver.Request.Install(specs.MatchSpec.parse(text)) for text in texts]
    outcome = solver.libsolv.Solver().solve(database, solver.Request(jobs))
    assert isinstance(outcome, solver.Solution)


if __name__ == "__main__":
    main()
