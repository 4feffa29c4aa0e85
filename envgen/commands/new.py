"""Make a new environment, locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.commands.import_file import Imported, ImportOptions, blame_file, import_file
from envgen.errors import (
    EnvgenError,
    MappingError,
    ProofError,
    PypiError,
    UsageError,
    WriteError,
)
from envgen.formats.registry import omissions, render
from envgen.importers.loosen_pins import PINS
from envgen.locking.lock import EnvironmentResult, SolvedLock, solve_lock
from envgen.locking.search import FAILURES
from envgen.locking.updates import Updates
from envgen.manifest.edit import (
    add_requirements,
    refuse_call,
    set_accelerator,
    set_macos,
    set_name,
    set_python,
)
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.problems import did_you_mean
from envgen.manifest.schema import Accelerator
from envgen.manifest.templates import blank_text, template_names, template_text
from envgen.mapping.channel_packages import fits_target
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.version_specs import to_match_specs, to_pep440
from envgen.models.match_spec import version_key
from envgen.models.platform import Platform
from envgen.models.release import Release, is_behind
from envgen.models.requirement import Requirement
from envgen.planner.renames import rewrite_names
from envgen.project.channels import channels_of, name_mapper, open_index
from envgen.project.own_projects import with_projects
from envgen.project.project import FOLDER, MANIFEST, PlatformOptions, environment_folder
from envgen.project.services import Services
from envgen.pypi.release_verdicts import classify
from envgen.pypi.simple_api import Project
from envgen.system.files import create_folder

PYTHONS_TRIED = 4
_NAMED = 3
_ONE_OF = 10  # requirements, conda may have one more for another python, which is no reason to go to that
ACCELERATORS: Mapping[str, Accelerator] = {"metal": "metal", "cpu": "cpu"}
ATTRIBUTES = """\
# A merge keeps the lines that either side added to the manifest. What is generated is not merged by hand:
# run `envgen lock` after a merge, and it joins what both sides locked.
envgen.yaml merge=union
conda-lock.yml linguist-generated text eol=lf
environment*.yml linguist-generated text eol=lf
explicit.*.txt linguist-generated text eol=lf
requirements.*.txt linguist-generated text eol=lf
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOptions:
    """What a `new` says beside the name; "" and () leave it to the template, or to the file `source`."""

    template: str = ""
    source: Path | None = None
    python: str = ""
    accelerator: str = ""
    macos: str = ""
    add: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnvironment(EnvironmentResult):
    """What a `new` did, and the file that the manifest was made of."""

    imported: Imported | None = None


def new_environment(services: Services, name: str, options: NewOptions) -> NewEnvironment:
    """Make `environments/NAME/` with a manifest and its lock; nothing is left behind when that fails.

    Raises:
        UsageError: the name, the template or an option is wrong. WriteError: the folder exists already.
        EnvgenError: it cannot be locked.
    """
    folder = environment_folder(services.root, name)
    refuse_call(options.add)
    shown = f"{FOLDER}/{name}"
    if folder.exists():
        raise WriteError(
            f"{shown} exists already",
            hint=f"lock it again with `envgen lock {name}`, or choose another name",
            code="exists",
        )
    if options.source:
        made = _from_file(services, name, options, options.source)
    else:
        made = _locked(services, name, *_manifest_text(name, options))
    lock, outputs = made.solved.lock, made.manifest.outputs
    files = {MANIFEST: made.text, ".gitattributes": ATTRIBUTES, **render(lock, outputs)}
    create_folder(folder, files)
    return NewEnvironment(
        name=name,
        files=tuple(f"{shown}/{file}" for file in files if not file.startswith(".")),
        lock=lock,
        changed=True,
        notes=(*made.notes, *made.solved.notes, *omissions(lock, outputs)),
        imported=made.imported,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LockedManifest:
    """A manifest with its lock, and the file that it was made of."""

    text: str
    manifest: Manifest
    solved: SolvedLock
    notes: tuple[str, ...]
    imported: Imported | None = None


def _from_file(services: Services, name: str, options: NewOptions, source: Path) -> _LockedManifest:
    """Lock a file's manifest; where a solver chose its versions, with as many of them as can be met together."""
    if options.template:
        raise UsageError("a template and a file to start from were given", hint="leave out --template or --from")
    import_options = ImportOptions(
        name=name,
        python=options.python,
        macos=options.macos,
        accelerator=chosen_accelerator(options.accelerator) if options.accelerator else None,
    )
    failure: EnvgenError | None = None
    for pins in PINS:
        imported = import_file(services, source, replace(import_options, pins=pins))
        edited = add_requirements(imported.text, options.add)
        try:
            made = _locked(services, name, edited.text, (*imported.notes, *edited.notes))
            return replace(made, imported=imported)
        except EnvgenError as error:
            failure = blame_file(error, imported)
            if not isinstance(error, FAILURES):
                raise failure from error.__cause__  # the same failure, so not caused by it
            advice = f"`envgen diagnose {source}` looks for what locks"
            failure = failure.with_hint("; ".join(filter(None, [error.hint, advice])))
            if not imported.file.solved:
                raise failure from error.__cause__
    raise failure or AssertionError("no way of pinning was tried")


def _locked(services: Services, name: str, text: str, notes: tuple[str, ...]) -> _LockedManifest:
    """Lock a manifest's text, with the newest python that works where it names none."""
    manifest = with_projects(services.root, load_manifest(text, f"{FOLDER}/{name}/{MANIFEST}"))
    if manifest.python is None:
        text, manifest, solved, why = _choose_python(services, text, manifest)
        notes = (*notes, f"python {manifest.python} was chosen: {why}")
    else:
        solved = solve_lock(services, manifest, None, Updates())
    return _LockedManifest(text=text, manifest=manifest, solved=solved, notes=notes)


def _manifest_text(name: str, options: NewOptions) -> tuple[str, tuple[str, ...]]:
    """Return the manifest of a new environment, the template's with the options put in, and notes."""
    template = options.template or (name if name in template_names() else "")
    text = template_text(template) if template else blank_text()
    notes = (f"made from the template `{template}`",) if template else ()
    text = set_name(text, name)
    PlatformOptions(python=options.python, macos=options.macos).platform()
    if options.python:
        text = set_python(text, options.python)
    if options.macos:
        text = set_macos(text, options.macos)
    if options.accelerator:
        text = set_accelerator(text, chosen_accelerator(options.accelerator))
    if options.add:
        edited = add_requirements(text, options.add)
        text, notes = edited.text, (*notes, *edited.notes)
    return text, notes


def chosen_accelerator(text: str) -> Accelerator:
    """Read an accelerator's name; raise UsageError for another."""
    if text not in ACCELERATORS:
        nearest = did_you_mean(text, ACCELERATORS)
        raise UsageError(f"unknown accelerator `{text}`{nearest}", hint=f"one of {', '.join(ACCELERATORS)}")
    return ACCELERATORS[text]


def _choose_python(services: Services, text: str, manifest: Manifest) -> tuple[str, Manifest, SolvedLock, str]:
    """Lock with the newest python that everything can be had with, of those that the channel has; say why that one.

    Pythons on which fewer requirements can be had than on others are not tried; those on which conda has them, and not
    years back, come first. Where requirements are held years back even so, or packages may crash, the next may do
    better.
    """
    minors = pythons_of(services, manifest)
    platform = manifest.platforms("3.12")[0]
    repodata = open_index(services, channels_of(services, manifest), platform, first=True)
    mapper = name_mapper(services, manifest.mapping, repodata, platform)
    candidates = python_candidates(services, manifest, mapper, minors)
    fewest = len(candidates[0].missing) if candidates else 0
    candidates = tuple(each for each in candidates if len(each.missing) == fewest)[:PYTHONS_TRIED]
    failures: list[EnvgenError] = []
    for place, candidate in enumerate(candidates):
        try:
            chosen = _with_python(services, text, manifest, candidate.minor)
        except (*FAILURES, ProofError) as error:
            failures.append(error)
            continue
        why = _why_chosen(candidate, candidates)
        if doubts := _doubts(chosen[2]):
            for other in candidates[place + 1 : place + 2]:
                if better := _better(services, text, manifest, other.minor, doubts):
                    why = f"with {candidate.minor}, requirements are held years back, or packages may crash"
                    return *better, why
        return *chosen, why
    if failures:
        raise failures[0]
    raise UsageError("the channels have no python", hint="name a channel that has one, such as conda-forge")


def _with_python(services: Services, text: str, manifest: Manifest, minor: str) -> tuple[str, Manifest, SolvedLock]:
    written = set_python(text, minor)
    chosen = with_projects(services.root, load_manifest(written, manifest.file))
    return written, chosen, solve_lock(services, chosen, None, Updates())


def _why_chosen(candidate: PythonCandidate, others: Sequence[PythonCandidate]) -> str:
    newer = [each for each in others if version_key(each.minor) > version_key(candidate.minor)]
    reasons = []
    for other in sorted(newer, key=lambda each: version_key(each.minor)):
        lacking = [f"`{name}`" for name in dict.fromkeys(other.behind) if name not in candidate.behind]
        more = " and others" if len(lacking) > _NAMED else ""
        if lacking:
            reasons.append(f"for {other.minor}, conda has no {', '.join(lacking[:_NAMED])}{more}, or years old ones")
    return "; ".join(reasons) or "the newest that everything asked for can be had with"


def _doubts(solved: SolvedLock) -> int:
    """Return how much is wrong with a lock: requirements years behind, packages that may crash."""
    findings = [finding for platform in solved.lock.platforms for finding in platform.findings]
    return sum(finding.severity == "warning" for finding in findings)


def _better(
    services: Services, text: str, manifest: Manifest, minor: str, doubts: int
) -> tuple[str, Manifest, SolvedLock] | None:
    """Lock with another python, if even its first plan has fewer doubts; None where it is no better."""
    try:
        if _doubts(_with_python(services.with_effort(-1), text, manifest, minor)[2]) < doubts:
            better = _with_python(services, text, manifest, minor)
            return better if _doubts(better[2]) < doubts else None
    except (*FAILURES, ProofError):
        pass
    return None


def pythons_of(services: Services, manifest: Manifest) -> list[str]:
    """Return the python minors that the manifest's channels have, newest first."""
    platform = manifest.platforms("3.12")[0]
    repodata = open_index(services, channels_of(services, manifest), platform, first=True)
    records = repodata.records(["python"])["python"]
    finals = {record.version for record in records if record.version.replace(".", "").isdigit()}
    minors = {".".join(version.split(".")[:2]) for version in finals if version.startswith("3.")}
    return sorted(minors, key=version_key, reverse=True)


@dataclass(frozen=True, slots=True)
class PythonCandidate:
    """A python minor with the requirements that neither conda nor a wheel meets on it.

    `behind` are those that conda has not for it, or far older than for another python.
    """

    minor: str
    missing: tuple[str, ...]
    behind: tuple[str, ...] = ()


def python_candidates(
    services: Services, manifest: Manifest, mapper: NameMapper, minors: Sequence[str]
) -> tuple[PythonCandidate, ...]:
    """Return python minors by how many requirements cannot be had on them, then from conda, else in their order.

    A requirement can be had where the channel has a fitting record, or PyPI a fitting wheel as far as it answers. No
    requirement's own needs are looked at.
    """
    wanted = [item.requirement for item in manifest.requirements()] + list(manifest.pypi_requirements())
    subdir = manifest.platforms(minors[0])[0].subdir if minors else ""
    rewritten = [item.after for item in rewrite_names(wanted, subdir) if item.after]
    mapper.map_names([item.name for item in rewritten])
    platforms = {minor: manifest.platforms(minor)[0] for minor in minors}
    newest = {minor: _newest_on_conda(rewritten, mapper, platform) for minor, platform in platforms.items()}
    lacking = {minor: [item for item, release in found.items() if not release] for minor, found in newest.items()}
    projects = _projects(services, {item.name for items in lacking.values() for item in items})
    found = [
        PythonCandidate(
            minor=minor,
            missing=tuple(str(item) for item in lacking[minor] if not _has_wheel(item, platforms[minor], projects)),
            behind=tuple(
                item.name
                for item, release in releases.items()
                if _is_far(release, (other.get(item) for other in newest.values()))
            ),
        )
        for minor, releases in newest.items()
    ]
    fewest = min((len(candidate.behind) for candidate in found), default=0)
    allowed = fewest + len(wanted) // _ONE_OF

    def order(candidate: PythonCandidate) -> tuple[int, int]:
        behind = len(candidate.behind)
        return len(candidate.missing), behind if behind > allowed else 0

    return tuple(sorted(found, key=order))


def _newest_on_conda(
    wanted: Iterable[Requirement], mapper: NameMapper, platform: Platform
) -> dict[Requirement, Release | None]:
    """Return the newest release that the channels have of each requirement that applies to a target."""
    markers = platform.markers()
    return {item: _newest_of(item, mapper, platform) for item in wanted if item.applies(markers)}


def _newest_of(requirement: Requirement, mapper: NameMapper, platform: Platform) -> Release | None:
    answer = mapper.map_names([requirement.name])[requirement.name]
    try:
        specs = [
            to_match_specs(name, requirement.specifier).spec
            for name in (answer.conda, *answer.alternatives)
            if name and answer.source == "conda"
        ]
    except MappingError:
        return None
    fitting = [
        record
        for spec in specs
        for record in mapper.packages.records(spec.name)
        if spec.matches_version(record.version) and fits_target(record, platform)
    ]
    if not fitting:
        return None
    newest = max((record.version for record in fitting), key=version_key)
    dates = [record.published for record in fitting if record.version == newest and record.published]
    return Release(version=to_pep440(newest) or newest, source="conda", published=min(dates, default=None))


def _is_far(found: Release | None, others: Iterable[Release | None]) -> bool:
    """Return whether conda has a requirement for another python alone, or a far newer release for it."""
    known = [each for each in others if each]
    if found is None:
        return bool(known)
    comparable = [each for each in (found, *known) if to_pep440(each.version) == each.version]
    return found in comparable and any(is_behind(found, each) for each in comparable)


def _projects(services: Services, names: Iterable[str]) -> Mapping[str, Project | PypiError | None]:
    if services.options.offline or not names:
        return {}
    from envgen.pypi.lookups import PypiLookups

    settings = services.settings
    return PypiLookups(cache=settings.cache_dir, environment=settings.environ).projects(names)


def _has_wheel(
    requirement: Requirement, platform: Platform, projects: Mapping[str, Project | PypiError | None]
) -> bool:
    project = projects.get(requirement.name)
    if project is None or isinstance(project, PypiError):
        return False
    return classify(project.files, platform, requirement.specifier).code == "OK"
