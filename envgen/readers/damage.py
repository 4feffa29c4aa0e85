"""Refuse generated files that were damaged, edited or made by another tool."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envgen.errors import LockfileError, SourceLine
from envgen.lock.custom_metadata import is_whole
from envgen.lock.model import FORMAT_VERSION

RESTORE = "restore it from version control, or make it anew with `envgen lock`"
_MARKER = re.compile(r"^(?:<{7} |\|{7} |={7}\r?$|>{7} ).*", re.MULTILINE)
_NEEDED = ("name", "manifest_digest")


def refuse_merge_markers(text: str, file: str) -> None:
    """Raise LockfileError, with its lines, for a file that git left unmerged."""
    lines = [
        SourceLine(file=file, line=text.count("\n", 0, match.start()) + 1, text=match[0].rstrip("\r"))
        for match in _MARKER.finditer(text)
    ]
    if lines:
        hint = "merge envgen.yaml first, then run `envgen lock`: it makes the lock anew"
        raise LockfileError(f"{file} holds merge markers", lines=lines, hint=hint)


def refuse_edits(text: str, file: str) -> None:
    """Raise LockfileError, code `lockfile-edited`, for a file that is not as it was written."""
    if not is_whole(text):
        raise LockfileError(f"{file} was edited or cut after it was written", hint=RESTORE, code="lockfile-edited")


def refuse_foreign(facts: Mapping[str, str], file: str) -> None:
    """Raise LockfileError for a file of another tool's or of a newer envgen's; ValueError for one without its facts."""
    found = facts.get("envgen_format")
    if found is None or not facts.get("created_by", "").startswith("envgen"):
        hint = f"make a manifest of it: `envgen import {file}`"
        raise LockfileError(f"{file} was not made by envgen", hint=hint, code="lockfile-foreign")
    if found != FORMAT_VERSION:
        hint = "upgrade envgen"
        raise LockfileError(
            f"{file} has format {found}, this envgen knows {FORMAT_VERSION}", hint=hint, code="lockfile-newer"
        )
    for key in _NEEDED:
        if key not in facts:
            raise ValueError(f"`{key}` is missing")
