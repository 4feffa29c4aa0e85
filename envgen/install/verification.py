"""Tell whether a prefix holds exactly what it was to hold."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.errors import InstallError
from envgen.install.difference import Content, compare
from envgen.install.prefix import Contents

_SHOWN = 8


def verify_contents(contents: Contents, wanted: Content) -> None:
    """Hold a prefix to the lock: each record and distribution is there, with all of its files, and no other is.

    Raises:
        InstallError: with everything that differs.
    """
    faults = list(_faults(contents, wanted))
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InstallError(
            f"{contents.prefix} is not what the lock says: {'; '.join(faults[:_SHOWN])}{more}",
            hint="is something else at work in that folder?",
            code="verify",
        )


def _faults(contents: Contents, wanted: Content) -> Iterator[str]:
    yield from (f"{file.name} is damaged" for file in contents.unreadable)
    words = {
        "added": "is missing",
        "changed": "is another",
        "repaired": "misses files",
        "removed": "is there though it is not locked",
    }
    for each in compare(contents, wanted, {}).differences:
        yield f"{each.name} {words[each.kind]}"
