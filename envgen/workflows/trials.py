"""Try an environment after it was made: imports, what its distributions require, the GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.install.activation import bare_environment
from envgen.install.prefix import Contents, read_contents
from envgen.install.smoke import Outcome, import_names, try_gpu, try_imports
from envgen.lock.model import PlatformLock
from envgen.project.services import Services
from envgen.pypi.indexes import Indexes
from envgen.pypi.wheel_install import Complaint, WheelInstaller, WheelTarget
from envgen.workflows.creation import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Hold what the tries showed; an outcome with a message is a failure."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]


def try_environment(services: Services, target: Target) -> Trials:
    """Import what the manifest asks for, check requirements, and list the GPU where metal is meant to run."""
    environ = bare_environment(target.prefix, services.settings.environ)
    contents = read_contents(target.prefix)
    notes = list(_unrun(contents))
    names = list(dict.fromkeys(_modules(target, contents, notes)))
    services.progress(f"importing {', '.join(names[:4])}{' …' if len(names) > 4 else ''}")
    outcomes = list(try_imports(target.prefix, names, environ))
    complaints = _complaints(services, target)
    predicted = _predicted(target.lock)
    for complaint in complaints:
        if complaint.name in predicted:
            notes.append(f"{complaint.message} (the proof told so)")
        elif complaint.name in {wheel.name for wheel in target.lock.pypi}:
            outcomes.append(Outcome(subject=complaint.name, message=complaint.message))
        else:
            notes.append(f"{complaint.message} (it is conda's package)")
    if target.is_mac and target.lock.accelerator == "metal":
        services.progress("listing the GPU")
        outcomes.append(try_gpu(target.prefix, environ))
    return Trials(outcomes=tuple(outcomes), notes=tuple(notes))


def _unrun(contents: Contents) -> Iterator[str]:
    """Name the packages with scripts of their own that conda would run after linking, and envgen does not."""
    for record in contents.records:
        if f"bin/.{record.name}-post-link.sh" in record.files:
            yield f"the post-link script of {record.name} was not run; conda would have run it"


def _modules(target: Target, contents: Contents, notes: list[str]) -> Iterator[str]:
    served = _served(target.lock)
    for name in _asked(target):
        record = served.get(name, "")
        modules = import_names(contents, name, record)
        if not modules:
            notes.append(f"{name} holds no module, so nothing of it was imported")
        yield from modules[:1] if len(modules) > 8 else modules


def _asked(target: Target) -> list[str]:
    """List the distributions that the manifest asks for on this platform, in the groups that are installed."""
    manifest, markers = target.environment.manifest, target.lock.platform.markers()
    left_out = set(target.left_out)
    grouped = [item.requirement for item in manifest.requirements() if item.groups - left_out]
    asked = [item for item in (*grouped, *manifest.pypi_requirements()) if item.applies(markers)]
    return list(dict.fromkeys(item.name for item in asked))


def _served(lock: PlatformLock) -> Mapping[str, str]:
    """Map distributions to the conda packages that the lock takes for them."""
    served: dict[str, str] = {}
    for decision in lock.decisions:
        if decision.source == "conda":
            try:
                served.setdefault(canonicalize_name(Pep508(decision.requirement).name), decision.name)
            except InvalidRequirement:
                continue
    return served


def _predicted(lock: PlatformLock) -> frozenset[str]:
    return frozenset(str(canonicalize_name(name)) for finding in lock.findings for name in finding.packages)


def _complaints(services: Services, target: Target) -> tuple[Complaint, ...]:
    environ = services.settings.environ
    place = WheelTarget(prefix=target.prefix, platform=target.lock.platform, site=target.site)
    return WheelInstaller(environ, Indexes.configured(environ)).check(place)
