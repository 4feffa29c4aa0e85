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
from envgen.project.project import MANIFEST, environment_folder, open_environment, unwritten
from envgen.project.services import Services
from envgen.system.files import exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """What is added to a manifest or taken out of it, and where; `kind` counts for adding alone."""

    requirements: tuple[str, ...]
    group: str | None = None
    kind: Kind = "dependencies"


def add_to_environment(services: Services, name: str, request: EditRequest) -> EnvironmentResult:
    """Add requirements to a manifest and lock it; nothing is changed where that fails.

    Raises:
        UsageError: with every text that is no requirement. EnvgenError: it cannot be locked.
    """
    refuse_call(request.requirements, request.group, request.kind)

    def added(text: str, file: str) -> Edited:
        return add_requirements(text, request.requirements, request.group, request.kind, file)

    return _edited(services, name, request, added)


def remove_from_environment(services: Services, name: str, request: EditRequest) -> EnvironmentResult:
    """Take packages out of a manifest and lock it; nothing is changed where that fails.

    Raises:
        ManifestError: with every name that is not there. EnvgenError: it cannot be locked.
    """

    def removed(text: str, file: str) -> Edited:
        return remove_requirements(text, request.requirements, request.group, file)

    return _edited(services, name, request, removed)


def _edited(
    services: Services, name: str, request: EditRequest, change: Callable[[str, str], Edited]
) -> EnvironmentResult:
    if not request.requirements:
        raise UsageError("nothing to edit", hint="give at least one requirement")
    open_environment(services.root, name)  # a name that is none is refused before its folder is locked
    with exclusive(environment_folder(services.root, name)) as writer:
        environment = open_environment(services.root, name)  # nobody else edits it from here on
        file = f"{environment.shown}/{MANIFEST}"
        edited = change(environment.text, file)
        with unwritten(file, environment.text):
            manifest = with_projects(services.root, load_manifest(edited.text, file))
            wanted = replace(environment, text=edited.text, manifest=manifest)
            result = relock(services, wanted, writer, Updates(), edited=True)
    return replace(result, notes=(*edited.notes, *result.notes))
