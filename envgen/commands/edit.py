"""Edit an environment's manifest and lock it: both, or neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from envgen.errors import UsageError
from envgen.locking.lock import EnvironmentResult, relock
from envgen.locking.updates import Updates
from envgen.manifest.edit import Edited, add_requirements, refuse_call, remove_requirements
from envgen.manifest.fields import Kind
from envgen.manifest.model import load_manifest
from envgen.project.own_projects import with_projects
from envgen.project.project import MANIFEST, Environment, environment_folder, open_environment, unwritten
from envgen.project.services import Services
from envgen.system.files import exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """Describe what is added to a manifest or taken out of it, and where; `kind` counts for adding alone."""

    requirements: tuple[str, ...]
    group: str | None = None
    kind: Kind = "dependencies"


def add_to_environment(services: Services, name: str, edit: EditRequest) -> EnvironmentResult:
    """Add requirements to a manifest and lock it; nothing is changed where that fails.

    Raises:
        UsageError: with every text that is no requirement. EnvgenError: it cannot be locked.
    """
    refuse_call(edit.requirements, edit.group, edit.kind)

    def added(environment: Environment) -> Edited:
        file = f"{environment.shown}/{MANIFEST}"
        return add_requirements(environment.text, edit.requirements, edit.group, edit.kind, file)

    return _edited(services, name, edit, added)


def remove_from_environment(services: Services, name: str, edit: EditRequest) -> EnvironmentResult:
    """Take packages out of a manifest and lock it; nothing is changed where that fails.

    Raises:
        ManifestError: with every name that is not there. EnvgenError: it cannot be locked.
    """

    def removed(environment: Environment) -> Edited:
        return remove_requirements(environment.text, edit.requirements, edit.group, f"{environment.shown}/{MANIFEST}")

    return _edited(services, name, edit, removed)


def _edited(
    services: Services, name: str, edit: EditRequest, change: Callable[[Environment], Edited]
) -> EnvironmentResult:
    if not edit.requirements:
        raise UsageError("nothing to edit", hint="give at least one requirement")
    open_environment(services.root, name)
    with exclusive(environment_folder(services.root, name)) as writer:
        environment = open_environment(services.root, name)  # nobody else edits it from here on
        edited = change(environment)
        file = f"{environment.shown}/{MANIFEST}"
        with unwritten(file, environment.text):
            manifest = with_projects(services.root, load_manifest(edited.text, file))
            wanted = replace(environment, text=edited.text, manifest=manifest)
            result = relock(services, wanted, writer, Updates(), edited=True)
    return replace(result, notes=(*edited.notes, *result.notes))
