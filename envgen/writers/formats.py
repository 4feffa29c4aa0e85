"""Choose the writers of a manifest's outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from envgen.errors import WriteError
from envgen.lock.custom_metadata import normal_form
from envgen.lock.model import Lock
from envgen.models.findings import is_or_are
from envgen.writers import conda_lock, environment_yml, explicit
from envgen.writers.header import other_groups

Writer = Callable[[Lock], dict[str, str]]

WRITERS: Mapping[str, Writer] = {
    environment_yml.FILE: environment_yml.write,
    conda_lock.FILE: conda_lock.write,
    explicit.NAME: explicit.write,
}
OUTPUTS: tuple[str, ...] = tuple(WRITERS)
LOCKS: tuple[str, ...] = (conda_lock.FILE, explicit.NAME)


def render(lock: Lock, outputs: Iterable[str]) -> dict[str, str]:
    """Give the text of each file of these outputs, by file name, sorted.

    The same lock gives the same bytes, in whatever order its packages stand. Raises WriteError for an unknown output,
    for outputs of which none can be read back, and for what a format cannot hold.
    """
    chosen = sorted(set(outputs))
    for output in chosen:
        if output not in WRITERS:
            raise WriteError(f"unknown output `{output}`", hint=f"known outputs: {', '.join(OUTPUTS)}")
    if not set(chosen) & set(LOCKS):
        raise WriteError(
            f"nothing of {', '.join(chosen) or 'no outputs'} can be read back",
            hint=f"add {' or '.join(LOCKS)} to `outputs`",
        )
    normal = _normal(lock)
    files = {name: text for output in chosen for name, text in WRITERS[output](normal).items()}
    return dict(sorted(files.items()))


def omissions(lock: Lock, outputs: Iterable[str]) -> tuple[str, ...]:
    """Say what the chosen formats leave out of the lock, for the user's notes."""
    return tuple(note for output in sorted(set(outputs)) for note in _omissions(lock, output))


def _omissions(lock: Lock, output: str) -> Iterator[str]:
    groups = other_groups(lock.platforms)
    if groups and output != conda_lock.FILE:
        yield f"{output} has no groups: {', '.join(groups)} {is_or_are(len(groups))} installed by it, too"
    if output == explicit.NAME and any(platform.pypi for platform in lock.platforms):
        yield "explicit holds no URLs of PyPI's wheels: they are found by name, version and hash"


def _normal(lock: Lock) -> Lock:
    try:
        return normal_form(lock)
    except ValueError as error:
        raise WriteError(f"the lock of `{lock.name}` cannot be written: {error}") from error
