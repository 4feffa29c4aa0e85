"""Test that verdicts say what was found: whether it can be had, from where, what leads to it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.diagnosis.conclude import Findings, conclude, spec_fixes, spec_verdict
from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.dependencies import Node
from envgen.diagnosis.fix_search import Issue, Issues
from envgen.diagnosis.results import CondaAvailability, Fault, Fix, JointFix, ManifestEdit, Verdict
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from tests.diagnosis.values import MAC, graph, listed, node, python_record, question, spec_question

SERVED = CondaAvailability(available=True, name="there", version="1.0")
FIX = Fix(text="do this", edit=ManifestEdit(python="3.11", keeps=True))


def verdicts(
    *nodes: Node,
    issues: Issues | None = None,
    conflicts: Sequence[Conflict] = (),
    extra: dict[str, tuple[Fault, ...]] | None = None,
    backtracked: Sequence[str] | None = None,
) -> dict[str, Verdict]:
    questions = [each.need.question for each in nodes if len(each.need.chain) == 1]
    findings = Findings(
        questions=questions,
        graph=graph(*nodes),
        conflicts=conflicts,
        issues=issues or Issues(),
        platform=MAC,
        extra=extra or {},
    )
    return {verdict.name: verdict for verdict in conclude(findings, backtracked)}


def codes(verdict: Verdict) -> list[tuple[str, str]]:
    return [(fault.code, fault.severity) for fault in verdict.faults]


def test_from_pypi_from_conda_and_from_nowhere() -> None:
    found = verdicts(
        node("a", listed("a", "pure 1.0")),
        node("b", listed("b", "sdist 1.0"), conda=SERVED),
        node("c", listed("c", "sdist 1.0")),
    )
    assert {name: (verdict.ok, verdict.source) for name, verdict in found.items()} == {
        "a": (True, "pypi"),
        "b": (True, "conda"),
        "c": (False, "none"),
    }
    assert found["b"].pypi.code == "SDIST_ONLY"


def promised() -> tuple[Node, Node]:
    own = question("datasets")
    return (
        node("datasets", listed("datasets", "pure 4.9"), root=own, requires=["promise"]),
        node("promise", listed("promise", "sdist 2.3"), root=own, via=["datasets"]),
    )


def test_a_root_cannot_be_had_where_what_it_needs_cannot() -> None:
    issues = Issues()
    issues.add_blocked(0, ["promise"], [FIX], "promise")
    found = verdicts(*promised(), issues=issues)
    root, leaf = found["datasets"], found["promise"]
    assert (root.ok, root.pypi.code, codes(root)) == (False, "OK", [("NEEDS", "error")])
    assert (leaf.ok, leaf.pypi.code, leaf.chain, leaf.root) == (
        False,
        "SDIST_ONLY",
        ("datasets", "promise"),
        "datasets",
    )
    assert root.fix == leaf.fix == FIX
    assert (root.is_root, leaf.is_root) == (True, False)


def test_what_older_releases_spare_is_a_warning() -> None:
    found = verdicts(*promised(), backtracked=["`datasets` was resolved to 4.1, far below its newest", "other"])
    root = found["datasets"]
    assert (root.ok, root.source, codes(root)) == (True, "pypi", [("OLDER-RELEASE", "warning")])
    assert "far below its newest" in root.faults[0].message
    assert "other" not in root.faults[0].message
    assert not found["promise"].ok


def test_what_conda_may_not_serve_is_told() -> None:
    found = verdicts(node("a", listed("a", "pure 1.0"), conda=SERVED, forced="Metal wants PyPI's"))
    assert (found["a"].source, codes(found["a"])) == ("pypi", [("PYPI-ONLY", "info")])


def test_conflicts_refuse_what_can_be_had() -> None:
    fault = Fault(code="CAP", severity="error", message="not both")
    found = verdicts(node("a", listed("a", "pure 1.0")), conflicts=[Conflict(places=(0,), fault=fault)])
    assert (found["a"].ok, found["a"].source) == (False, "pypi")


def test_so_do_conflicts_that_a_trial_found() -> None:
    fault = Fault(code="CONFLICT", severity="error", message="not both")
    assert not verdicts(node("a", listed("a", "pure 1.0")), extra={"a": (fault,)})["a"].ok


class TestWarnings:
    def test_a_release_that_is_known_not_to_work_well(self) -> None:
        verdict = verdicts(node("jax-metal", listed("jax-metal", "pure 0.1.1")))["jax-metal"]
        assert (verdict.ok, codes(verdict)) == (True, [("BAD-RELEASE", "warning")])
        assert verdict.fix is not None
        assert verdict.fix.edit == ManifestEdit(dependencies=("jax",))

    def test_below_a_line_of_the_users_it_is_told_alone(self) -> None:
        own = question("root")
        found = verdicts(
            node("root", listed("root", "pure 1.0"), root=own, requires=["jax-metal"]),
            node("jax-metal", listed("jax-metal", "pure 0.1.1"), root=own, via=["root"]),
        )
        assert found["jax-metal"].fix == Fix(text="leave jax-metal out: jax then runs on the CPU")

    def test_a_library_that_nobody_brings(self) -> None:
        verdict = verdicts(node("xgboost", listed("xgboost", "arm 3.0")))["xgboost"]
        assert codes(verdict) == [("HIDDEN-LIBRARY", "warning")]
        assert verdict.fix is not None
        assert verdict.fix.edit == ManifestEdit(keeps=True, conda=("llvm-openmp",))
        assert codes(verdicts(node("xgboost", listed("xgboost", "arm 3.0"), conda=SERVED))["xgboost"]) == []

    def test_a_name_that_another_took_the_place_of(self) -> None:
        found = verdicts(node("tensorflow-cpu>=2", listed("tensorflow-cpu", "linux 2.19"), conda=SERVED))
        verdict = found["tensorflow-cpu"]
        assert (verdict.ok, codes(verdict)) == (True, [("REPLACED", "warning")])
        assert verdict.fix is not None
        assert verdict.fix.edit == ManifestEdit(dependencies=("tensorflow>=2",))


def test_the_users_own_text_and_list_are_kept() -> None:
    own = question("Demo[a] >=1; python_version > '3'", pypi_only=True)
    verdict = verdicts(node("demo[a]>=1; python_version > '3'", listed("demo", "pure 1.0"), root=own))["demo"]
    assert verdict.requirement == "demo[a]>=1; python_version > '3'"
    assert (verdict.root, verdict.key) == ("demo[a]>=1", "pypi")


RECORDS = (python_record("demo", "1.0", "3.11"), python_record("demo", "2.0", "3.12"))


def spec_edits(text: str, *records: Record) -> list[ManifestEdit | None]:
    return [fix.edit for fix in spec_fixes(MatchSpec.parse(text), records, MAC)]


def test_another_python_then_any_version_then_nothing() -> None:
    assert spec_edits("demo 1.*", *RECORDS) == [
        ManifestEdit(python="3.11", keeps=True),
        ManifestEdit(conda=("demo",)),
        ManifestEdit(),
    ]


def test_a_name_that_no_channel_has_may_be_pypis() -> None:
    assert spec_edits("demo") == [ManifestEdit(dependencies=("demo",)), ManifestEdit()]


def test_a_name_that_nothing_replaces() -> None:
    assert spec_edits("tensorflow-deps 2.9.*") == [ManifestEdit()]
    assert spec_edits("tensorflow-gpu") == [ManifestEdit(dependencies=("tensorflow",))]


def test_verdicts_speak_of_conda_alone() -> None:
    asked = spec_question("demo 1.*")
    there = spec_verdict(asked, CondaAvailability(available=True, name="demo", version="1.0"), None, 0)
    assert (there.ok, there.source, there.pypi.code, there.key, there.fix) == (True, "conda", "UNKNOWN", "conda", None)
    issue = Issue(places=(0,), names=frozenset(), fixes=(JointFix(text="leave it out", edits={0: ManifestEdit()}),))
    gone = spec_verdict(asked, CondaAvailability(available=False, name="demo"), issue, 0)
    assert (gone.ok, gone.source) == (False, "none")
    assert gone.fix is not None
    assert gone.fix.edit == ManifestEdit()
