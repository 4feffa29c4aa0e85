"""Solve match specs with rattler and nothing else: `bare_rattler.py CHANNEL SPEC…`.

Called as conda-lock calls a solver (`create --channel … SPEC…`), it prints the answer as conda would, so that
conda-lock can be driven without a conda: `SPEED_CHANNEL` names the channel then.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import rattler

SYSTEM = (("__osx", "13.0", "0"), ("__unix", "0", "0"), ("__archspec", "1", "m1"))
WITH_VALUE = ("--channel", "--prefix")


def solve(channel: str, specs: list[str]) -> list[rattler.RepoDataRecord]:
    """Solve for osx-arm64 on macOS 13."""
    virtual = [
        rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build))
        for name, version, build in SYSTEM
    ]
    work = rattler.solve(
        [channel],
        [rattler.MatchSpec(spec) for spec in specs],
        platforms=["osx-arm64", "noarch"],
        virtual_packages=virtual,
    )
    return asyncio.run(work)


def asked(words: list[str]) -> list[str]:
    """Return the match specs of a call to conda."""
    before = [None, *words]
    return [word for last, word in zip(before, words, strict=False) if not (word.startswith("-") or last in WITH_VALUE)]


def answer(records: list[rattler.RepoDataRecord]) -> dict[str, object]:
    """Return the answer as conda prints it."""
    found = [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "build_string": str(record.build),
            "url": record.url,
            "md5": record.md5.hex() if record.md5 else None,
            "sha256": record.sha256.hex() if record.sha256 else None,
            "depends": record.depends,
        }
        for record in records
    ]
    return {"actions": {"FETCH": found, "LINK": found}}


def main() -> None:
    """Do what the call says."""
    words = sys.argv[1:]
    if words[:1] == ["create"]:
        print(json.dumps(answer(solve(os.environ["SPEED_CHANNEL"], asked(words[1:])))))
    elif words[:1] == ["--version"]:
        print("conda 26.1.0")
    else:
        solve(words[0], words[1:])


if __name__ == "__main__":
    main()
