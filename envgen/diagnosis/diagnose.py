"""Diagnose whether requirements, and all that they need, can be had on an Apple-silicon Mac, and what to do if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from envgen.diagnosis.availability import CondaLookup, UnreadRepodata
from envgen.diagnosis.blocked import blocked_requirements, other_pythons, with_common_python
from envgen.diagnosis.command_advice import JudgedCommand
from envgen.diagnosis.conclude import Findings, conclude, spec_fixes, spec_verdict
from envgen.diagnosis.conflicts import Conflict, JointVerdict, joint_fixes, judge_together
from envgen.diagnosis.dependencies import DependencyGraph, DependencyWalk, same_file_conflicts
from envgen.diagnosis.fix_search import FixSearch, FixSearchResult, Issues, LockAttempt, attempt_lock
from envgen.diagnosis.fixes import fixes_of
from envgen.diagnosis.request import (
    CommandDiagnosis,
    judge_commands,
    request_of_environment,
    request_of_file,
    request_of_manifest,
    requests_of_requirements,
)
from envgen.diagnosis.results import Diagnosis, DiagnosisRequest, Fault, Verdict
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
        return PlatformOptions(python=self.python, macos=self.macos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The diagnoses of a call, one for each request, and the judged commands."""

    diagnoses: tuple[Diagnosis, ...]
    commands: tuple[JudgedCommand, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Return whether all that was asked for can be had, and every command may be followed."""
        return all(diagnosis.ok for diagnosis in self.diagnoses) and all(command.ok for command in self.commands)


def diagnose_all(services: Services, options: DiagnoseOptions) -> Report:
    """Diagnose what a call names: requirements, files, environments, or a command.

    Raises:
        EnvgenError: what it names cannot be read. What cannot be had is a verdict, not an error.
    """
    lookups = PypiLookups(
        cache=services.settings.cache_dir, environment=services.settings.environ, offline=services.options.offline
    )
    if options.command:
        advice = judge_commands(options.command, options.target, options.accelerator)
        requests = (*advice.requests, *(_requests(services, options) if options.what else ()))
    else:
        advice, requests = CommandDiagnosis(), _requests(services, options)
    services = _impatient(services)
    diagnoses = tuple(diagnose(services, request, lookups, trials=options.trials) for request in requests)
    return Report(diagnoses=diagnoses, commands=advice.commands, notes=advice.notes)


def _impatient(services: Services) -> Services:
    """Return services that give up a resolution in a trial which a lock would wait for."""
    if services.pypi is None:
        return services

    def pypi() -> UvResolver:
        from envgen.pypi.resolver import UvResolver

        environment = services.settings.environ
        return UvResolver(
            cache=services.settings.cache_dir,
            environment=environment,
            offline=services.options.offline,
            timeouts=replace(Timeouts.configured(environment), uv=TRIAL_TIMEOUT),
        )

    return replace(services, pypi=LazyPypiResolver(pypi))


def _requests(services: Services, options: DiagnoseOptions) -> tuple[DiagnosisRequest, ...]:
    """Return a request for each file and environment, and one for the requirements together."""
    if not options.what:
        raise UsageError("nothing to diagnose", hint="give requirements, a file, or an environment's name")
    environments = environment_names(services.root)
    requests: list[DiagnosisRequest] = []
    requirements: list[str] = []
    for text in options.what:
        if text in environments:
            environment = open_environment(services.root, text)
            requests.append(request_of_environment(environment, options.target, options.accelerator))
        elif _is_file(services, text):
            requests.append(_file_request(services, text, options))
        else:
            requirements.append(text)
    if requirements:
        requests += requests_of_requirements(requirements, options.target, options.accelerator)
    return tuple(requests)


def _is_file(services: Services, text: str) -> bool:
    """Return whether a text names a file: one that is there, or one that could be nothing else."""
    path = services.settings.folder / text
    looks = text.lower().endswith(_SUFFIXES) or "/" in text.partition("@")[0]
    return looks or ("." in text and "\0" not in text and path.is_file())


def _file_request(services: Services, text: str, options: DiagnoseOptions) -> DiagnosisRequest:
    path = services.settings.folder / text
    if path.name != MANIFEST:
        return request_of_file(services, path, options.target, options.accelerator)
    content = read_text(path, error=ManifestError)
    return request_of_manifest(content, load_manifest(content, text), options.target, options.accelerator)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One request with what was opened for it; `unread` says why the channels could not be read.

    `conflicts` are all that are known: those of the facts about versions, then those of files.
    """

    services: Services
    request: DiagnosisRequest
    walk: DependencyWalk
    together: JointVerdict
    unread: EnvgenError | None
    conflicts: list[Conflict]
    issues: Issues = field(default_factory=Issues)


def diagnose(services: Services, request: DiagnosisRequest, lookups: PypiLookups, *, trials: bool = True) -> Diagnosis:
    """Look up all that a request asks for and needs, find fixes of what cannot be had, and try them.

    What cannot be reached makes the answer partial, never an error. With `trials` the fixes are tried by locking in
    memory; without, they hold by the files and records that were read.
    """
    run = _opened(services, request, lookups)
    run.walk.follow([question for question in request.questions if isinstance(question.requested, Requirement)])
    _add_blocked(run)
    _add_conflicts(run)
    found = _search(run) if trials else FixSearchResult(manifest=request.manifest)
    verdicts = [*_verdicts(run, found), *_spec_verdicts(run)]
    order = {question.name: place for place, question in enumerate(request.questions)}
    roots = sorted((verdict for verdict in verdicts if verdict.is_root), key=lambda verdict: order[verdict.name])
    others = [verdict for verdict in verdicts if not verdict.is_root]
    refusal = ""
    if found.last and not found.last.unreachable and all(verdict.ok for verdict in roots):
        hint = f"hint: {found.last.hint}" if found.last.hint else ""
        refusal = "\n".join(filter(None, [found.last.message, hint]))
    return Diagnosis(
        platform=request.platform,
        verdicts=tuple(_tried(verdict) if found.locks else verdict for verdict in (*roots, *others)),
        notes=tuple(dict.fromkeys(_notes(run, None if refusal else found.last))),
        partial=run.walk.partial or (found.last is not None and found.last.unreachable),
        manifest=found.manifest if found.manifest != request.manifest else "",
        locks=found.locks,
        refusal=refusal,
    )


def _opened(services: Services, request: DiagnosisRequest, lookups: PypiLookups) -> _Run:
    channels = tuple(Channel.parse(text) for text in services.options.channels) or request.channels
    services.progress(f"reading {', '.join(channel.name for channel in channels)}")
    repodata: Repodata
    unread: EnvgenError | None = None
    try:
        repodata = AmendedRepodata(open_index(services, channels, request.platform, first=True), amendments())
    except RepodataError as error:
        repodata, unread = UnreadRepodata(channels=channels), error
    mapper = name_mapper(services, request.mapping, repodata, request.platform)
    solver, _, _ = choose_solver("rattler")
    together = judge_together(request)
    walk = DependencyWalk(
        platform=request.platform,
        conda=CondaLookup(repodata=repodata, mapper=mapper, platform=request.platform, solver=solver),
        lookups=lookups,
        forced=together.forced,
        progress=services.progress,
        graph=DependencyGraph(markers=request.platform.markers()),
        partial=unread is not None,
    )
    if not repodata.complete and unread is None:  # what was tried once need not be waited for again
        services = replace(services, options=replace(services.options, starter=True))
    return _Run(
        services=services,
        request=request,
        walk=walk,
        together=together,
        unread=unread,
        conflicts=list(together.conflicts),
    )


def _add_blocked(run: _Run) -> None:
    """Make an issue of each requirement and match spec that cannot be had."""
    questions = run.request.questions
    stuck = [
        node
        for node in run.walk.graph.nodes.values()
        if not node.served_by_conda and not node.pypi.installs and not node.is_unknown
    ]
    blocked = with_common_python(run.walk, blocked_requirements(run.walk, stuck))
    for node, each in zip(stuck, blocked, strict=True):
        place = questions.index(node.need.question)
        run.issues.add_blocked(place, {node.name, node.need.question.name}, fixes_of(each), node.name)
    for place, question in enumerate(questions):
        if isinstance(question.requested, MatchSpec):
            availability, records = run.walk.conda.look_up_spec(question.requested)
            if not availability.available:
                fixes = tuple(spec_fixes(question.requested, records, run.request.platform))
                run.issues.add_blocked(place, {question.name}, fixes, question.text)


def _add_conflicts(run: _Run) -> None:
    """Make an issue of what cannot be asked for at once."""
    questions = run.request.questions
    for conflict in run.together.conflicts:
        run.issues.add_conflict(conflict, questions, joint_fixes(run.request, conflict))
    for conflict, fixes in same_file_conflicts(run.walk.graph, questions):
        run.issues.add_conflict(conflict, questions, fixes)
        run.conflicts.append(conflict)


def _search(run: _Run) -> FixSearchResult:
    """Try what was found, or the whole as it is, unless something could not be reached or nothing is asked for."""
    request, nodes, issues = run.request, run.walk.graph.nodes, run.issues.entries
    if not request.questions or run.walk.partial or run.services.pypi is None:
        return FixSearchResult(manifest=request.manifest)
    search = FixSearch(
        manifest=request.manifest,
        questions=request.questions,
        issues=run.issues,
        pythons=lambda: other_pythons(run.walk),
        wheels={name for name, node in nodes.items() if node.pypi.installs and node.served_by_conda},
        attempt=lambda text: attempt_lock(run.services, text),
        progress=run.services.progress,
    )
    # An older release of a root may need none of what is blocked below it: only a lock can tell.
    below = any(
        len(issue.places) == 1 and issue.blocked in nodes and not nodes[issue.blocked].need.is_root for issue in issues
    )
    return search.run(untouched=below or not issues)


def _verdicts(run: _Run, found: FixSearchResult) -> tuple[Verdict, ...]:
    extra: dict[str, tuple[Fault, ...]] = {}
    for issue in run.issues.entries:
        if issue.fault and issue.fault.code == "CONFLICT":
            for name in issue.names:
                extra[name] = (*extra.get(name, ()), issue.fault)
    findings = Findings(
        questions=run.request.questions,
        graph=run.walk.graph,
        conflicts=run.conflicts,
        issues=run.issues,
        platform=run.request.platform,
        extra=extra,
    )
    return conclude(findings, backtracked=found.backtracked)


def _spec_verdicts(run: _Run) -> list[Verdict]:
    found = []
    for place, question in enumerate(run.request.questions):
        if isinstance(question.requested, MatchSpec):
            availability, _ = run.walk.conda.look_up_spec(question.requested)
            found.append(spec_verdict(question, availability, run.issues.of(place, question.text), place))
    return found


def _tried(verdict: Verdict) -> Verdict:
    """Return a refusal's verdict with the fix marked as one that was tried and locks."""
    if verdict.fix is None or verdict.ok:
        return verdict
    return replace(verdict, fix=replace(verdict.fix, locks=True))


def _notes(run: _Run, failure: LockAttempt | None) -> Sequence[str]:
    repodata = run.walk.conda.repodata
    notes = [*run.request.notes, *run.walk.notes, *run.walk.lookups.notes, *repodata.notes]
    if run.unread:
        notes.append(f"conda was not asked: {run.unread.message}")
    elif not repodata.complete:
        notes.append(f"{repodata.origin} knows a part of the channel only")
    if run.walk.partial:
        notes.append("the answer is partial: not everything could be looked up")
    if failure is not None:
        start = " ".join(failure.message.splitlines()[:2])
        if failure.unreachable:
            notes.append(f"the answer is partial: whether the whole locks could not be tried: {start}")
        elif run.issues.entries:
            notes.append(f"with the fixes it does not lock yet: {start}")
    return notes
