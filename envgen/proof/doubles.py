"""The proof that nothing is installed twice: neither one package, nor one distribution by both halves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding
from envgen.models.record import Record
from envgen.proof.files import AGAIN, fault


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
