"""Say why a package is in a lock."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envgen.errors import LockfileError, UsageError
from envgen.knowledge.names import name_table
from envgen.lock.graph import Chain, Graph
from envgen.lock.model import PlatformLock
from envgen.mapping.distributions import distributions_of
from envgen.models.notes import Decision
from envgen.models.record import Record
from envgen.workflows.project import open_environment
from envgen.workflows.reading import generated_texts, read_lock
from envgen.workflows.services import Services

_NEEDED = re.compile(r"the channel has it; |\S+ \S+ on PyPI requires ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a lock says of one package: its key, version and source, why, and the chains that lead to it."""

    subdir: str
    key: str
    version: str
    why: str
    chains: tuple[Chain, ...]


def why_package(services: Services, name: str, package: str) -> tuple[Answer, ...]:
    """Explain a package of a lock, on each platform that has it.

    Raises:
        UsageError: no platform of the lock has it. LockfileError: there is no lock.
    """
    environment = open_environment(services.root, name)
    lock = read_lock(environment.shown, environment.manifest, generated_texts(environment.folder))
    if lock is None:
        raise LockfileError(f"{environment.shown} has no lock yet", hint=f"make it with `envgen lock {name}`")
    answers = tuple(answer for platform in lock.platforms for answer in _answers(platform, package))
    if not answers:
        raise UsageError(f"`{package}` is not in the lock of {name}", hint=f"`envgen lock {name} -v` lists what is")
    return answers


def held(record: Record) -> tuple[str, ...]:
    """Give the distributions that a record holds, by the table of names."""
    return distributions_of(record, name_table())


def _answers(lock: PlatformLock, package: str) -> list[Answer]:
    canonical = canonicalize_name(package)
    graph = Graph.of(lock, held)
    found = []
    for record in lock.conda:
        if package == record.name or canonical in (canonicalize_name(record.name), *held(record)):
            found.append(_answer(lock, graph, f"conda:{record.name}", record.version))
    for wheel in lock.pypi:
        if canonical == wheel.name:
            found.append(_answer(lock, graph, f"pypi:{wheel.name}", wheel.version))
    return found


def _answer(lock: PlatformLock, graph: Graph, key: str, version: str) -> Answer:
    half, _, name = key.partition(":")
    own = [item for item in lock.decisions if item.source == half and item.name == name]
    wheel = next((wheel.why for wheel in lock.pypi if key == f"pypi:{wheel.name}"), "")
    why = "; ".join(dict.fromkeys(_reason(item) for item in own)) or wheel or "other packages need it"
    roots = {f"{item.source}:{item.name}": item.requirement for item in asked_for(lock)}
    return Answer(subdir=lock.platform.subdir, key=key, version=version, why=why, chains=graph.chains(key, roots))


def asked_for(lock: PlatformLock) -> tuple[Decision, ...]:
    """List the decisions on what the manifest itself asks for; the others are about what its packages need."""
    return tuple(item for item in lock.decisions if not _NEEDED.match(item.why))


def _reason(decision: Decision) -> str:
    needed = _NEEDED.match(decision.why)
    return decision.why if needed else f"`{decision.requirement}` asks for it; {decision.why}"
