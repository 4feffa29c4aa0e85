"""Draw the verdicts from what a walk found, what conflicts, and the fixes that were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envgen.diagnosis.availability import fits
from envgen.diagnosis.blocked import nearest_pythons
from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.dependencies import DependencyGraph, Node
from envgen.diagnosis.fix_search import Issue, Issues
from envgen.diagnosis.results import (
    CondaAvailability,
    Fault,
    Fix,
    ManifestEdit,
    PypiAvailability,
    Question,
    Verdict,
    VerdictSource,
)
from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.releases import BadRelease, bad_installed
from envgen.knowledge.replacements import ReplacedName, replacement_of, unwanted_package
from envgen.knowledge.wheels import HiddenLibrary, lacking_libraries
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.planner.renames import rename


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that verdicts are drawn from; `extra` are faults by name that the search for fixes ran into."""

    questions: Sequence[Question]
    graph: DependencyGraph
    conflicts: Sequence[Conflict]
    issues: Issues
    platform: Platform
    extra: Mapping[str, tuple[Fault, ...]]


def conclude(findings: Findings, backtracked: Sequence[str] | None = None) -> tuple[Verdict, ...]:
    """Return a verdict on each name of the graph, in its order.

    `backtracked` are the notes of a lock that was found without a change, since older releases need less; None where
    there is none.
    """
    nodes = findings.graph.nodes.values()
    versions = {node.name: node.pypi.availability.version for node in nodes if node.walks_on}
    installed = [
        InstalledPackage(distribution=name, version=version, source="pypi", package=name)
        for name, version in versions.items()
        if version
    ]
    world = InstalledPackages(platform=findings.platform, installed=tuple(sorted(installed)))
    bad = {item.distribution: row for row, item in bad_installed(world)}
    hidden = {item.distribution: row for row, item in lacking_libraries(world)}
    verdicts = []
    for node in nodes:
        requirement = node.need.requirement
        row = replacement_of(node.name, findings.platform.subdir, requirement.specifier) if node.need.is_root else None
        verdict = _verdict(findings, node, bad.get(node.name), hidden.get(node.name), row)
        verdicts.append(verdict if backtracked is None else _with_older_release(verdict, backtracked))
    return tuple(verdicts)


def _with_older_release(verdict: Verdict, notes: Sequence[str]) -> Verdict:
    """Turn a refusal into a warning: the newest releases cannot be had, and older ones that can were found."""
    if verdict.ok or not verdict.is_root:
        return verdict
    own = [note for note in notes if f"`{verdict.name}`" in note]
    message = "the newest release cannot be had, an older one can" + "".join(f": {note}" for note in own)
    fault = Fault(code="OLDER-RELEASE", severity="warning", message=message)
    return replace(verdict, ok=True, source="pypi", faults=(fault,))


def _verdict(
    findings: Findings, node: Node, bad: BadRelease | None, hidden: HiddenLibrary | None, replaced: ReplacedName | None
) -> Verdict:
    need, question = node.need, node.need.question
    place = findings.questions.index(question)
    chain = findings.graph.chain_to_unavailable(node.name)
    source: VerdictSource = "conda" if node.served_by_conda else "none"
    if source == "none" and node.pypi.installs and not chain:
        source = "pypi"
    faults = tuple(_faults(findings, node, place, chain))
    ok = source != "none" and not any(fault.severity == "error" for fault in faults)
    return Verdict(
        requirement=need.requirement.text if need.is_root else str(need.requirement),
        root=question.text,
        chain=need.chain,
        pypi=node.pypi.availability,
        conda=node.conda,
        ok=ok,
        source=source,
        line=question.line,
        key=question.key,
        faults=(*faults, *_warnings(node, bad, hidden, replaced)),
        fix=_better(node, bad, hidden, replaced) if ok else _fix(findings, node, place, chain),
    )


def _faults(findings: Findings, node: Node, place: int, chain: Sequence[str]) -> Iterator[Fault]:
    yield from findings.extra.get(node.name, ())
    if node.forced and node.conda.available:
        yield Fault(code="PYPI-ONLY", severity="info", message=f"conda may not serve it: {node.forced}")
    if len(chain) > 1:
        leaf = findings.graph.nodes[chain[-1]]
        message = f"{' → '.join(chain)}: {leaf.pypi.availability.message}; {leaf.conda.message}"
        yield Fault(code="NEEDS", severity="error", message=message)
    if node.need.is_root:
        yield from (conflict.fault for conflict in findings.conflicts if place in conflict.places)


def _warnings(
    node: Node, bad: BadRelease | None, hidden: HiddenLibrary | None, replaced: ReplacedName | None
) -> Iterator[Fault]:
    if bad:
        yield Fault(code=bad.code, severity=bad.severity, message=bad.why)
    if hidden:
        yield Fault(code="HIDDEN-LIBRARY", severity="warning", message=hidden.why)
    if replaced:
        yield Fault(code="REPLACED", severity="warning", message=replaced.why)
    why = unwanted_package(node.name, "pypi")
    if why:
        message = f"`{node.name}` is of no use on a Mac: {why}"
        yield Fault(code="NO-USE-ON-MAC", severity="warning", message=message)


def _better(
    node: Node, bad: BadRelease | None, hidden: HiddenLibrary | None, replaced: ReplacedName | None
) -> Fix | None:
    """Return what is better than what works only somehow."""
    if replaced and replaced.replacement:
        instead = rename(node.need.requirement, replaced.replacement, keep_specifier=replaced.keep_specifier)
        return Fix(text=f"ask for `{instead}`", edit=ManifestEdit(dependencies=(instead.text,)))
    if hidden:
        text = f"take conda's {hidden.conda_package}, or add conda's {hidden.conda}, which brings {hidden.library}"
        return Fix(text=text, edit=ManifestEdit(keeps=True, conda=(hidden.conda,)))
    if bad:
        own = bad.instead and node.need.is_root
        return Fix(text=bad.cure, edit=ManifestEdit(dependencies=bad.instead) if own else None)
    return None


def _fix(findings: Findings, node: Node, place: int, chain: Sequence[str]) -> Fix | None:
    blocked = chain[-1] if chain else node.name
    if node.need.is_root:
        return findings.issues.fix_for(place, blocked)
    issue = findings.issues.of(place, blocked)
    return issue.fix_at(place) if issue else None


def spec_verdict(question: Question, availability: CondaAvailability, issue: Issue | None, place: int) -> Verdict:
    """Return the verdict on a match spec, which conda alone may serve."""
    return Verdict(
        requirement=question.text,
        root=question.text,
        chain=(question.name,),
        pypi=PypiAvailability(code="UNKNOWN", message="it is asked of conda alone"),
        conda=availability,
        ok=availability.available,
        source="conda" if availability.available else "none",
        line=question.line,
        key=question.key,
        fix=issue.fix_at(place) if issue and not availability.available else None,
    )


def spec_fixes(spec: MatchSpec, records: Sequence[Record], platform: Platform) -> Iterator[Fix]:
    """Yield fixes of a spec that no record of the channels meets on the target."""
    name = spec.name
    row = replacement_of(name, platform.subdir)
    if row:
        edit = ManifestEdit(dependencies=(row.replacement,)) if row.replacement else ManifestEdit()
        yield Fix(text=f"leave `{name}` out: {row.why}", edit=edit)
        return
    for python in nearest_pythons(platform):
        if any(spec.matches(record) and fits(record, replace(platform, python=python)) for record in records):
            text = f'set `python: "{python}"`, which `{spec}` has builds for'
            yield Fix(text=text, edit=ManifestEdit(python=python, keeps=True))
    if any(fits(record, platform) for record in records) and spec.text != name:
        yield Fix(text=f"ask for `{name}` without a version or build", edit=ManifestEdit(conda=(name,)))
    if not records:
        yield Fix(text=f"ask for `{name}` by its name on PyPI", edit=ManifestEdit(dependencies=(name,)))
    yield Fix(text=f"leave `{name}` out", edit=ManifestEdit())
