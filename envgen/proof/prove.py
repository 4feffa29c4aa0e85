"""The proof that the packages of a lock fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from envgen.lock.model import PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Finding, StaleReason
from envgen.models.record import Record
from envgen.proof.facts import fact_findings
from envgen.proof.files import AGAIN, fault, file_findings, in_order
from envgen.proof.requirements import need_findings, require_findings


def prove(lock: PlatformLock, *, distributions_of: Callable[[Record], tuple[str, ...]]) -> tuple[Finding, ...]:
    """Return every fault in how the packages of one target fit together, errors first; sorted, each once.

    `distributions_of` returns the canonical names of the PyPI distributions that a record provides. Cycles of depends
    are no fault, and neither are conda names that differ in `-` and `_` alone.
    """
    return in_order(
        {
            *file_findings(lock),
            *double_findings(lock, distributions_of),
            *need_findings(lock, distributions_of),
            *require_findings(lock, distributions_of),
        }
    )


def _findings_today(lock: PlatformLock) -> tuple[Finding, ...]:
    """Return what is found without any index by what is known today, each once."""
    return tuple(
        dict.fromkeys([*prove(lock, distributions_of=distributions_of), *fact_findings(lock, distributions_of)])
    )


def proof_faults(lock: PlatformLock) -> tuple[StaleReason, ...]:
    """Return the errors of today's proof."""
    errors = (finding for finding in _findings_today(lock) if finding.severity == "error")
    return tuple(StaleReason(code=error.code, message=f"{lock.platform.subdir}: {error.message}") for error in errors)


def new_findings(lock: PlatformLock) -> tuple[str, ...]:
    """Return in words what today's proof finds beside errors, and the proof of the day of locking did not."""
    known = set(lock.findings)
    fresh = (each for each in _findings_today(lock) if each.severity != "error" and each not in known)
    return tuple(f"{lock.platform.subdir}: {each.code}: {each.message}" for each in fresh)


def double_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> Iterator[Finding]:
    """Yield packages that are locked twice, and distributions that several packages provide.

    pip and conda each overwrite the other's files without a word, so whichever comes last is what is imported.
    """
    yield from _twice("DOUBLE-RECORD", (record.name for record in lock.conda))
    yield from _twice("DOUBLE-WHEEL", (wheel.name for wheel in lock.pypi))
    wheels = {wheel.name: wheel for wheel in reversed(lock.pypi)}  # the first of those that are locked twice
    providers: dict[str, list[Record]] = {}
    for record in lock.conda:
        for name in distributions_of(record):
            providers.setdefault(name, []).append(record)
    for name, records in sorted(providers.items()):
        packages = [record.name for record in records]
        if wheel := wheels.get(name):
            labels = ", ".join(str(record) for record in records)
            message = f"{name} is provided by {wheel.name} {wheel.version} from PyPI and by {labels}"
            hint = f"lock again: `envgen lock --update {name}`"
            yield fault("DOUBLE-DISTRIBUTION", message, hint, wheel.name, *packages)
        elif len(records) > 1:
            message = f"{name} is provided by {' and by '.join(sorted(str(record) for record in records))}"
            hint = "drop one of them from the manifest if you asked for both"
            yield fault("DOUBLE-CONTENT", message, hint, *packages, severity="warning")


def _twice(code: str, names: Iterable[str]) -> Iterator[Finding]:
    for name, count in sorted(Counter(names).items()):
        if count > 1:
            yield fault(code, f"{name} is locked {count} times", AGAIN, name)
