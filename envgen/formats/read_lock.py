"""What the reading of a committed lock goes through first: edits, damage, other tools' files."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.errors import LockfileError
from envgen.lock.custom_metadata import digest_matches, read_projects
from envgen.lock.model import FORMAT_VERSION, Lock
from envgen.models.secrets import has_secret, plain_address

RESTORE = "restore it from version control, or make it anew with `envgen lock`"


def refuse_edits(text: str, file: str) -> None:
    """Raise LockfileError, code `lockfile-edited`, for a file that is not as it was written."""
    if not digest_matches(text):
        raise LockfileError(f"{file} was edited or cut after it was written", hint=RESTORE, code="lockfile-edited")


def foreign(file: str) -> LockfileError:
    """Return the failure of a file that another tool made."""
    hint = f"make a manifest of it: `envgen import {file}`"
    return LockfileError(f"{file} was not made by envgen", hint=hint, code="lockfile-foreign")


def read_head(facts: Mapping[str, str], file: str, *, sealed: bool) -> Lock:
    """Return the lock that the facts of a file say, without its channels and platforms.

    An index with a variable in its address, as older envgens wrote it, is left out where a lock is to be mended.
    Raises LockfileError for a file of another tool's or of a newer envgen's, ValueError for one that lacks a fact.
    """
    version = facts.get("envgen_format")
    if version is None or not facts.get("created_by", "").startswith("envgen"):
        raise foreign(file)
    if version != FORMAT_VERSION:
        message = f"{file} has format {version}, this envgen knows {FORMAT_VERSION}"
        raise LockfileError(message, hint="upgrade envgen", code="lockfile-newer")
    indexes = facts.get("indexes", "").split()
    for key in ("name", "manifest_digest"):
        if key not in facts:
            raise ValueError(f"`{key}` is missing")
    return Lock(
        name=facts["name"],
        created_by=facts["created_by"],
        channels=(),
        manifest_digest=facts["manifest_digest"],
        platforms=(),
        exclude_newer=facts.get("exclude_newer", ""),
        indexes=tuple(plain_address(index) for index in indexes if sealed or not has_secret(index)),
        projects=read_projects(facts),
    )
