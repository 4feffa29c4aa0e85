"""Describe whether requirements, and all that they need, can be had on an Apple-silicon Mac, and what to do if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envgen.diagnosis.availability import CondaLookup, UnreadRepodata
from envgen.diagnosis.blocked import blocked_requirements, on_one_python, other_pythons
from envgen.diagnosis.command_advice import JudgedCommand
from envgen.diagnosis.conclude import Findings, conclude, spec_fixes, spec_verdict
from envgen.diagnosis.conflicts import Conflict, JointRequest, JointVerdict, judge_together, ways_out
from envgen.diagnosis.dependencies import DependencyGraph, DependencyWalk, Node, doubles, walk
from envgen.diagnosis.fixes import candidates
from envgen.diagnosis.request import (
    CommandDiagnosis,
    DiagnosisRequest,
    case_of_environment,
    case_of_file,
    case_of_manifest,
    cases_of_requirements,
    judge_advice,
)
from envgen.diagnosis.results import Diagnosis, Fault, Question, Verdict
from envgen.diagnosis.search import FixSearch, FixSearchResult, Issues, LockAttempt, attempt, search_fixes
from envgen.errors import EnvgenError, ManifestError, RepodataError, UsageError
from envgen.manifest.model import load_manifest
from envgen.models.channel import Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Repodata
from envgen.models.requirement import Requirement
from envgen.planner.overrides import amendments
from envgen.project.channels import name_mapper, open_index
from envgen.project.project import MANIFEST, PlatformOptions, environment_names, open_environment
from envgen.project.services import LazyPypiResolver, Services
from envgen.pypi.http import Timeouts
from envgen.pypi.lookups import PypiLookups
from envgen.repodata.patches import AmendedRepodata
from envgen.solvers.choose import choose_solver
from envgen.system.files import read_text

if TYPE_CHECKING:
    from envgen.pypi.resolver import UvResolver


@dataclass(slots=True, kw_only=True)
class _Run:
    """One case with what was opened for it; `unread` says why the channels could not be read.

    `clashes` are all that are known: those of the facts about versions, then those of files.
    """

    services: Services
    case: DiagnosisRequest
    walk: DependencyWalk
    together: JointVerdict
    issues: Issues
    unread: EnvgenError | None
    clashes: list[Conflict]

    @property
    def requirements(self) -> list[Question]:
        """List the questions that are requirements."""
        return [question for question in self.case.questions if isinstance(question.asked, Requirement)]


def diagnose(services: Services, case: DiagnosisRequest, lookups: PypiLookups, *, trials: bool = True) -> Diagnosis:
    """Look up all that a case asks for and needs, find ways out of what cannot be had, and try them.

    What cannot be reached makes the answer partial, never an error. With `trials` the fixes are tried by locking in
    memory; without, they hold by the files and records that were read.
    """
    run = _opened(services, case, lookups)
    walk(run.walk, run.requirements)
    _file_matters(run)
    settled = _settled(run) if trials else FixSearchResult(manifest=case.manifest)
    return _diagnosis(run, settled)


def _opened(services: Services, case: DiagnosisRequest, lookups: PypiLookups) -> _Run:
    channels = tuple(Channel.parse(text) for text in services.options.channels) or case.channels
    services.progress(f"reading {', '.join(channel.name for channel in channels)}")
    repodata, unread = _index(services, channels, case)
    mapper = name_mapper(services, case.mapping, repodata, case.platform)
    solver, _, _ = choose_solver("rattler")
    asked = JointRequest(
        questions=case.questions, platform=case.platform, accelerator=case.accelerator, constraints=case.constraints
    )
    together = judge_together(asked)
    found = DependencyWalk(
        platform=case.platform,
        conda=CondaLookup(repodata=repodata, mapper=mapper, platform=case.platform, solver=solver),
        lookups=lookups,
        forced=together.forced,
        progress=services.progress,
        closure=DependencyGraph(markers=case.platform.markers()),
        partial=unread is not None,
    )
    if not repodata.complete and unread is None:  # what was tried once need not be waited for again
        services = replace(services, options=replace(services.options, starter=True))
    clashes = list(together.clashes)
    return _Run(
        services=services, case=case, walk=found, together=together, issues=Issues(), unread=unread, clashes=clashes
    )


def _index(
    services: Services, channels: tuple[Channel, ...], case: DiagnosisRequest
) -> tuple[Repodata, EnvgenError | None]:
    try:
        inner = open_index(services, channels, case.platform, first=True)
    except RepodataError as error:
        return UnreadRepodata(channels=channels), error
    return AmendedRepodata(inner, amendments()), None


def _file_matters(run: _Run) -> None:
    """Put on the docket what cannot be had, with its ways out, and then what cannot be asked for at once."""
    stuck = [node for node in run.walk.closure.nodes.values() if _is_stuck(node)]
    questions = run.case.questions
    subjects = on_one_python(run.walk, blocked_requirements(run.walk, stuck))
    for node, blocked in zip(stuck, subjects, strict=True):
        place = questions.index(node.need.question)
        run.issues.add_subject(place, {node.name, node.need.question.name}, candidates(blocked), node.name)
    for place, question in enumerate(questions):
        if isinstance(question.asked, MatchSpec):
            _file_spec(run, place, question)
    asked = JointRequest(
        questions=questions,
        platform=run.case.platform,
        accelerator=run.case.accelerator,
        constraints=run.case.constraints,
    )
    for clash in run.together.clashes:
        run.issues.add_clash(clash, questions, ways_out(asked, clash))
    for clash, ways in doubles(run.walk.closure, questions):
        run.issues.add_clash(clash, questions, ways)
        run.clashes.append(clash)


def _is_stuck(node: Node) -> bool:
    return not node.served_by_conda and not node.pypi.installs and node.pypi.standing.code != "UNKNOWN"


def _file_spec(run: _Run, place: int, question: Question) -> None:
    if not isinstance(question.asked, MatchSpec):
        return
    standing, records = run.walk.conda.spec(question.asked)
    if not standing.available:
        fixes = spec_fixes(question.asked, records, run.case.platform)
        run.issues.add_subject(place, {question.name}, fixes, question.text)


def _settled(run: _Run) -> FixSearchResult:
    """Try what was found, or the whole as it is, unless something could not be reached or nothing is asked for."""
    case = run.case
    deep = any(len(issue.places) == 1 and _is_below(run, issue.blocked) for issue in run.issues.entries)
    if not case.questions or run.walk.partial or run.services.pypi is None:
        return FixSearchResult(manifest=case.manifest)
    settling = FixSearch(
        manifest=case.manifest,
        questions=case.questions,
        issues=run.issues,
        pythons=lambda: other_pythons(run.walk),
        wheels={name for name, node in run.walk.closure.nodes.items() if node.pypi.installs and node.served_by_conda},
        attempt=lambda text: attempt(run.services, text),
        progress=run.services.progress,
    )
    return search_fixes(settling, untouched=deep or not run.issues.entries)


def _is_below(run: _Run, name: str) -> bool:
    node = run.walk.closure.nodes.get(name)
    return node is not None and len(node.need.chain) > 1


def _diagnosis(run: _Run, settled: FixSearchResult) -> Diagnosis:
    verdicts = [*_verdicts(run, settled), *_spec_verdicts(run)]
    order = {question.name: place for place, question in enumerate(run.case.questions)}
    roots = sorted((verdict for verdict in verdicts if verdict.is_root), key=lambda verdict: order[verdict.name])
    others = [verdict for verdict in verdicts if not verdict.is_root]
    changed = settled.manifest != run.case.manifest
    refusal = _refusal(settled.last) if settled.last and all(verdict.ok for verdict in roots) else ""
    return Diagnosis(
        platform=run.case.platform,
        verdicts=tuple(_marked(verdict, settled) for verdict in (*roots, *others)),
        notes=tuple(dict.fromkeys(_notes(run, settled if not refusal else replace(settled, last=None)))),
        partial=run.walk.partial or (settled.last is not None and settled.last.unasked),
        manifest=settled.manifest if changed else "",
        locks=settled.locks,
        refusal=refusal,
    )


def _refusal(attempt: LockAttempt) -> str:
    if attempt.unasked:
        return ""
    return "\n".join(filter(None, [attempt.message, attempt.hint and f"hint: {attempt.hint}"]))


def _verdicts(run: _Run, settled: FixSearchResult) -> tuple[Verdict, ...]:
    extra: dict[str, tuple[Fault, ...]] = {}
    for issue in run.issues.entries:
        if issue.fault and issue.fault.code == "CONFLICT":
            for name in issue.names:
                extra[name] = (*extra.get(name, ()), issue.fault)
    findings = Findings(
        questions=run.case.questions,
        closure=run.walk.closure,
        clashes=run.clashes,
        issues=run.issues,
        platform=run.case.platform,
        extra=extra,
    )
    return conclude(findings, backtracked=settled.backtracked)


def _spec_verdicts(run: _Run) -> list[Verdict]:
    found = []
    for place, question in enumerate(run.case.questions):
        if isinstance(question.asked, MatchSpec):
            standing, _ = run.walk.conda.spec(question.asked)
            found.append(spec_verdict(question, standing, run.issues.of(place, question.text), place))
    return found


def _marked(verdict: Verdict, settled: FixSearchResult) -> Verdict:
    """Return of a fix that it was tried and locks."""
    if verdict.fix is None or verdict.ok or not settled.locks:
        return verdict
    return replace(verdict, fix=replace(verdict.fix, locks=True))


def _notes(run: _Run, settled: FixSearchResult) -> Sequence[str]:
    notes = [*run.case.notes, *run.walk.notes, *run.walk.lookups.notes, *run.walk.conda.repodata.notes]
    if run.unread:
        notes.append(f"conda was not asked: {run.unread.message}")
    if not run.walk.conda.repodata.complete and run.unread is None:
        notes.append(f"{run.walk.conda.repodata.origin} knows a part of the channel only")
    if run.walk.partial:
        notes.append("the answer is partial: not everything could be looked up")
    if settled.last is not None and settled.last.unasked:
        notes.append(f"the answer is partial: whether the whole locks could not be tried: {_start(settled.last)}")
    elif settled.last is not None and run.issues.entries:
        notes.append(f"with the fixes it does not lock yet: {_start(settled.last)}")
    return notes


def _start(attempt: LockAttempt) -> str:
    return " ".join(attempt.message.splitlines()[:2])


# Diagnose whatever a call names: requirements, a file, an environment, or a command that was advised.

TRIAL_TIMEOUT = 30.0  # seconds for one run of uv
_SUFFIXES = (".txt", ".yml", ".yaml", ".toml", ".in", ".lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseOptions:
    """A call: what to diagnose, or the command to judge, and for which target; "" takes the default."""

    what: tuple[str, ...] = ()
    command: str = ""
    python: str = ""
    macos: str = ""
    accelerator: str = ""
    trials: bool = True

    @property
    def target(self) -> PlatformOptions:
        """Return the target that is asked about."""
        return PlatformOptions(python=self.python, macos=self.macos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The diagnoses of a call, one for each set of things that are asked for at once, and the judged commands."""

    diagnoses: tuple[Diagnosis, ...]
    advised: tuple[JudgedCommand, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Return whether all that was asked for can be had, and every command may be followed."""
        return all(diagnosis.ok for diagnosis in self.diagnoses) and all(advised.ok for advised in self.advised)


def diagnose_all(services: Services, asking: DiagnoseOptions) -> Report:
    """Diagnose what a call names.

    Raises:
        EnvgenError: what it names cannot be read. What cannot be had is a verdict, not an error.
    """
    lookups = PypiLookups(
        cache=services.settings.cache_dir, environment=services.settings.environ, offline=services.options.offline
    )
    if asking.command:
        advice = judge_advice(asking.command, asking.target, asking.accelerator)
        cases = (*advice.cases, *(_cases(services, asking) if asking.what else ()))
    else:
        advice, cases = CommandDiagnosis(), _cases(services, asking)
    impatient = _impatient(services)
    diagnoses = tuple(diagnose(impatient, case, lookups, trials=asking.trials) for case in cases)
    return Report(diagnoses=diagnoses, advised=advice.advised, notes=advice.notes)


def _impatient(services: Services) -> Services:
    """Let a trial give a resolution up that a lock would wait for."""
    if services.pypi is None:
        return services

    def pypi() -> UvResolver:
        from envgen.pypi.resolver import UvResolver

        environment = services.settings.environ
        limits = replace(Timeouts.configured(environment), uv=TRIAL_TIMEOUT)
        return UvResolver(
            cache=services.settings.cache_dir,
            environment=environment,
            offline=services.options.offline,
            timeouts=limits,
        )

    return replace(services, pypi=LazyPypiResolver(pypi))


def _cases(services: Services, asking: DiagnoseOptions) -> tuple[DiagnosisRequest, ...]:
    """Return files, environments and requirements apart; requirements are asked for at once."""
    if not asking.what:
        raise UsageError("nothing to diagnose", hint="give requirements, a file, or an environment's name")
    environments = environment_names(services.root)
    cases: list[DiagnosisRequest] = []
    requirements: list[str] = []
    for text in asking.what:
        if text in environments:
            environment = open_environment(services.root, text)
            cases.append(case_of_environment(environment, asking.target, asking.accelerator))
        elif _is_file(services, text):
            cases.append(_case_of_file(services, text, asking))
        else:
            requirements.append(text)
    if requirements:
        cases += cases_of_requirements(requirements, asking.target, asking.accelerator)
    return tuple(cases)


def _is_file(services: Services, text: str) -> bool:
    """Return whether a text names a file: one that is there, or one that could be nothing else."""
    path = services.settings.folder / text
    looks = text.lower().endswith(_SUFFIXES) or "/" in text.partition("@")[0]
    return looks or ("." in text and "\0" not in text and path.is_file())


def _case_of_file(services: Services, text: str, asking: DiagnoseOptions) -> DiagnosisRequest:
    path = services.settings.folder / text
    if path.name != MANIFEST:
        return case_of_file(services, path, asking.target, asking.accelerator)
    content = read_text(path, error=ManifestError)
    return case_of_manifest(content, load_manifest(content, text), asking.target, asking.accelerator)
