"""Draw the verdicts from what a walk found, what clashes, and the ways that were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from envgen.diagnosis.availability import fits
from envgen.diagnosis.blocked import nearest_pythons
from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.dependencies import DependencyGraph, Node, lacking
from envgen.diagnosis.results import (
    CondaAvailability,
    Fault,
    Fix,
    Had,
    ManifestEdit,
    PypiAvailability,
    Question,
    Verdict,
)
from envgen.diagnosis.search import Issue, Issues
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
    """All that verdicts are drawn from."""

    questions: Sequence[Question]
    closure: DependencyGraph
    clashes: Sequence[Conflict]
    issues: Issues
    platform: Platform
    extra: dict[str, tuple[Fault, ...]]


def conclude(findings: Findings, backtracked: Sequence[str] | None = None) -> tuple[Verdict, ...]:
    """Return a verdict on each name of the closure, in its order.

    `backtracked` are the notes of a lock that was found without a change, since older releases need less; None where
    there is none.
    """
    if backtracked is not None:
        return tuple(_settled_by_older(verdict, backtracked) for verdict in conclude(findings))
    world = _world(findings)
    bad = {item.distribution: row for row, item in bad_installed(world)}
    hidden = {item.distribution: row for row, item in lacking_libraries(world)}
    return tuple(
        _verdict(findings, node, bad.get(name), hidden.get(name)) for name, node in findings.closure.nodes.items()
    )


def _settled_by_older(verdict: Verdict, notes: Sequence[str]) -> Verdict:
    """Turn a refusal into a warning: the newest releases cannot be had, and older ones that can were found."""
    if verdict.ok or not verdict.is_root:
        return verdict
    told = [note for note in notes if f"`{verdict.name}`" in note]
    message = "the newest release cannot be had, an older one can" + "".join(f": {note}" for note in told)
    fault = Fault(code="OLDER-RELEASE", severity="warning", message=message)
    return replace(verdict, ok=True, source="pypi", faults=(fault,))


def _world(findings: Findings) -> InstalledPackages:
    """Describe what PyPI would bring, for the facts about releases."""
    installed = [
        InstalledPackage(distribution=name, version=node.pypi.standing.version, source="pypi", package=name)
        for name, node in findings.closure.nodes.items()
        if node.walks_on and node.pypi.standing.version
    ]
    return InstalledPackages(platform=findings.platform, installed=tuple(sorted(installed)))


def _verdict(findings: Findings, node: Node, bad: BadRelease | None, hidden: HiddenLibrary | None) -> Verdict:
    place = findings.questions.index(node.need.question)
    root = len(node.need.chain) == 1
    faults = tuple(_troubles(findings, node, place, root=root))
    errors = [fault for fault in faults if fault.severity == "error"]
    replaced = _replacement(node, findings.platform) if root else None
    warnings = [*_bad(bad), *_hidden(hidden), *_replaced(replaced), *_unwanted(node)]
    ok = _had(findings, node) != "none" and not errors
    fix = _warned_fix(node, bad, hidden, replaced) if ok else _fix(findings, node, place)
    return Verdict(
        requirement=node.need.requirement.text if root else str(node.need.requirement),
        root=node.need.question.text,
        chain=node.need.chain,
        pypi=node.pypi.standing,
        conda=node.conda,
        ok=ok,
        source=_had(findings, node),
        line=node.need.question.line,
        key=node.need.question.key,
        faults=(*faults, *warnings),
        fix=fix,
    )


def _had(findings: Findings, node: Node) -> Had:
    if node.served_by_conda:
        return "conda"
    return "pypi" if node.pypi.installs and not lacking(findings.closure, node.name) else "none"


def _troubles(findings: Findings, node: Node, place: int, *, root: bool) -> Iterator[Fault]:
    yield from findings.extra.get(node.name, ())
    if node.forced and node.conda.available:
        yield Fault(code="PYPI-ONLY", severity="info", message=f"conda may not serve it: {node.forced}")
    below = lacking(findings.closure, node.name)
    if len(below) > 1:
        leaf = findings.closure.nodes[below[-1]]
        message = f"{' → '.join(below)}: {leaf.pypi.standing.message}; {leaf.conda.message}"
        yield Fault(code="NEEDS", severity="error", message=message)
    if root:
        yield from (clash.fault for clash in findings.clashes if place in clash.places)


def _bad(row: BadRelease | None) -> Iterator[Fault]:
    if row:
        yield Fault(code=row.code, severity=row.severity, message=row.why)


def _hidden(row: HiddenLibrary | None) -> Iterator[Fault]:
    if row:
        yield Fault(code="HIDDEN-LIBRARY", severity="warning", message=row.why)


def _replaced(row: ReplacedName | None) -> Iterator[Fault]:
    if row:
        yield Fault(code="REPLACED", severity="warning", message=row.why)


def _replacement(node: Node, platform: Platform) -> ReplacedName | None:
    return replacement_of(node.name, platform.subdir, node.need.requirement.specifier)


def _unwanted(node: Node) -> Iterator[Fault]:
    why = unwanted_package(node.name, "pypi")
    if why:
        message = f"`{node.name}` is of no use on a Mac: {why}"
        yield Fault(code="NO-USE-ON-MAC", severity="warning", message=message)


def _warned_fix(
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
        own = bad.instead and len(node.need.chain) == 1
        return Fix(text=bad.cure, edit=ManifestEdit(dependencies=bad.instead) if own else None)
    return None


def _fix(findings: Findings, node: Node, place: int) -> Fix | None:
    below = lacking(findings.closure, node.name)
    blocked = below[-1] if below else node.name
    if len(node.need.chain) == 1:
        return findings.issues.fix_for(place, blocked)
    issue = findings.issues.of(place, blocked)
    return issue.fix_at(place) if issue else None


# Judge match specs that a manifest takes from conda verbatim.

NOT_ASKED = PypiAvailability(code="UNKNOWN", message="it is asked of conda alone")


def spec_verdict(question: Question, standing: CondaAvailability, issue: Issue | None, place: int) -> Verdict:
    """Return the verdict on a spec that conda alone may serve."""
    return Verdict(
        requirement=question.text,
        root=question.text,
        chain=(question.name,),
        pypi=NOT_ASKED,
        conda=standing,
        ok=standing.available,
        source="conda" if standing.available else "none",
        line=question.line,
        key=question.key,
        fix=issue.fix_at(place) if issue and not standing.available else None,
    )


def spec_fixes(spec: MatchSpec, records: Sequence[Record], platform: Platform) -> tuple[Fix, ...]:
    """List ways out of a spec that no record of the channels meets on the target."""
    return tuple(_fixes(spec, records, platform))


def _fixes(spec: MatchSpec, records: Sequence[Record], platform: Platform) -> Iterator[Fix]:
    name = spec.name
    row = replacement_of(name, platform.subdir)
    if row:
        edit = ManifestEdit(dependencies=(row.replacement,)) if row.replacement else ManifestEdit()
        yield Fix(text=f"leave `{name}` out: {row.why}", edit=edit)
        return
    yield from (
        Fix(
            text=f'set `python: "{python}"`, which `{spec}` has builds for',
            edit=ManifestEdit(python=python, keeps=True),
        )
        for python in nearest_pythons(platform)
        if any(spec.matches(record) and fits(record, replace(platform, python=python)) for record in records)
    )
    if any(fits(record, platform) for record in records) and spec.text != name:
        yield Fix(text=f"ask for `{name}` without a version or build", edit=ManifestEdit(conda=(name,)))
    if not records:
        yield Fix(text=f"ask for `{name}` by its name on PyPI", edit=ManifestEdit(dependencies=(name,)))
    yield Fix(text=f"leave `{name}` out", edit=ManifestEdit())
