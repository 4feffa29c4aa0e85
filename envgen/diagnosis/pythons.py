"""Choose one python for all that a diagnosis is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envgen.diagnosis.standing import PYTHONS, on_pypi, spec_on_conda
from envgen.diagnosis.subject import Subject
from envgen.models.platform import DEFAULT_PYTHON, Platform


def common_python(stuck: Sequence[Subject], others: Sequence[Subject]) -> str:
    """Find the python that lets most of what is stuck be had and takes nothing away; "" where there is none.

    Of equals the nearest to the target's counts.
    """
    best, most = "", 0
    for python in nearest_pythons(stuck[0].platform) if stuck else ():
        fixed = sum(subject.had_on(subject.on(python=python)) for subject in stuck)
        if fixed > most and all(other.had_on(other.on(python=python)) for other in others):
            best, most = python, fixed
    return best


def pythons_for_all(subjects: Sequence[Subject]) -> list[str]:
    """List the other pythons on which each of these can be had, the default first, then the nearest to that."""
    if not subjects:
        return []
    own = subjects[0].platform
    tried = [DEFAULT_PYTHON, *nearest_pythons(replace(own, python=DEFAULT_PYTHON))]
    others = [python for python in tried if python != own.python]
    return [python for python in others if all(each.had_on(each.on(python=python)) for each in subjects)]


def nearest_pythons(platform: Platform) -> list[str]:
    """List the other python minors, the nearest first, the older of two equals first."""
    own = platform.python_version[1]
    minors = [int(python.split(".")[1]) for python in PYTHONS if python != platform.python]
    return [f"3.{minor}" for minor in sorted(minors, key=lambda minor: (abs(minor - own), minor))]


def moved(subject: Subject, python: str) -> Subject:
    """Judge a subject again for another python, by the same files and records."""
    platform = subject.on(python=python)
    project = subject.pypi.project
    conda = subject.conda
    if subject.specs:
        conda = spec_on_conda(subject.specs[0], subject.records, platform, "the channel")
    return replace(
        subject,
        platform=platform,
        pypi=on_pypi(subject.requirement, project, platform),
        conda=conda,
        replacement=moved(subject.replacement, python) if subject.replacement else None,
        common_python="",
    )
