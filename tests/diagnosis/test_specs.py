"""Test verdicts on match specs, which conda alone may serve."""

from __future__ import annotations

from envgen.diagnosis.conclude import spec_fixes, spec_verdict
from envgen.diagnosis.results import CondaAvailability, JointFix, ManifestEdit
from envgen.diagnosis.search import Issue
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from tests.diagnosis.values import MAC, python_record, spec_question

RECORDS = (python_record("demo", "1.0", "3.11"), python_record("demo", "2.0", "3.12"))


def edits(text: str, *records: Record) -> list[ManifestEdit | None]:
    return [fix.edit for fix in spec_fixes(MatchSpec.parse(text), records, MAC)]


def test_another_python_then_any_version_then_nothing() -> None:
    assert edits("demo 1.*", *RECORDS) == [
        ManifestEdit(python="3.11", keeps=True),
        ManifestEdit(conda=("demo",)),
        ManifestEdit(),
    ]


def test_a_name_that_no_channel_has_may_be_pypis() -> None:
    assert edits("demo") == [ManifestEdit(dependencies=("demo",)), ManifestEdit()]


def test_a_name_that_nothing_replaces() -> None:
    assert edits("tensorflow-deps 2.9.*") == [ManifestEdit()]
    assert edits("tensorflow-gpu") == [ManifestEdit(dependencies=("tensorflow",))]


def test_verdicts_speak_of_conda_alone() -> None:
    asked = spec_question("demo 1.*")
    there = spec_verdict(asked, CondaAvailability(available=True, name="demo", version="1.0"), None, 0)
    assert (there.ok, there.source, there.pypi.code, there.key, there.fix) == (True, "conda", "UNKNOWN", "conda", None)
    issue = Issue(places=(0,), names=frozenset(), fixes=(JointFix(text="leave it out", edits={0: ManifestEdit()}),))
    gone = spec_verdict(asked, CondaAvailability(available=False, name="demo"), issue, 0)
    assert (gone.ok, gone.source) == (False, "none")
    assert gone.fix is not None
    assert gone.fix.edit == ManifestEdit()
