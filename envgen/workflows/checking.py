"""Tell whether committed locks are still true."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.errors import LockfileError
from envgen.staleness import Reason, stale_reasons
from envgen.workflows.locking import chosen_names
from envgen.workflows.project import Environment, open_environment
from envgen.workflows.reading import generated_texts, read_lock
from envgen.workflows.services import Services
from envgen.writers.formats import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """Hold why an environment's lock is stale; no reason means that it is current."""

    name: str
    reasons: tuple[Reason, ...]


def stale_environments(services: Services, names: tuple[str, ...]) -> tuple[Staleness, ...]:
    """Look at the locks of these environments, or of all; nothing is solved or written."""
    return tuple(
        Staleness(name=name, reasons=_reasons(open_environment(services.root, name)))
        for name in chosen_names(services, names)
    )


def _reasons(environment: Environment) -> tuple[Reason, ...]:
    texts = generated_texts(environment.folder)
    try:
        lock = read_lock(environment.shown, environment.manifest, texts)
    except LockfileError as error:
        return (Reason(code="DAMAGED", message=error.message),)
    if lock is None:
        return (Reason(code="NO-LOCK", message=f"{environment.shown} has no lock yet"),)
    return stale_reasons(environment.manifest, lock, texts, render(lock, environment.manifest.outputs))
