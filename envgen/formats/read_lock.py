"""What the reading of a committed lock goes through first: git's conflicts, edits, damage, other tools' files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envgen.errors import LockfileError, SourceLine
from envgen.lock.custom_metadata import digest_matches, read_projects
from envgen.lock.model import FORMAT_VERSION, Lock

RESTORE = "restore it from version control, or make it anew with `envgen lock`"
_OURS, _BASE, _BETWEEN, _THEIRS = "<" * 7, "|" * 7, "=" * 7, ">" * 7
_MARKER = re.compile(r"^(?:<{7} |\|{7} |={7}\r?$|>{7} ).*", re.MULTILINE)


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
    if not digest_matches(text):
        raise LockfileError(f"{file} was edited or cut after it was written", hint=RESTORE, code="lockfile-edited")


def foreign(file: str) -> LockfileError:
    """Return the failure of a file that another tool made."""
    hint = f"make a manifest of it: `envgen import {file}`"
    return LockfileError(f"{file} was not made by envgen", hint=hint, code="lockfile-foreign")


def read_head(facts: Mapping[str, str], file: str) -> Lock:
    """Return the lock that the facts of a file say, without its channels and platforms.

    Raises LockfileError for a file of another tool's or of a newer envgen's, ValueError for one that lacks a fact.
    """
    version = facts.get("envgen_format")
    if version is None or not facts.get("created_by", "").startswith("envgen"):
        raise foreign(file)
    if version != FORMAT_VERSION:
        message = f"{file} has format {version}, this envgen knows {FORMAT_VERSION}"
        raise LockfileError(message, hint="upgrade envgen", code="lockfile-newer")
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
        indexes=tuple(facts.get("indexes", "").split()),
        projects=read_projects(facts),
    )


def has_conflicts(text: str) -> bool:
    """Return whether a text has a whole conflict of git's in it."""
    ours, theirs = sides(text)
    return ours != theirs


def sides(text: str) -> tuple[str, str]:
    """Return the text as either side has it; what git could merge stands in both."""
    parts: dict[str, list[str]] = {_OURS: [], _THEIRS: []}
    within = ""
    for line in text.splitlines(keepends=True):
        mark = line[:7]
        if (mark == _OURS and not within) or (within and mark in (_BASE, _BETWEEN)):
            within = mark
        elif within and mark == _THEIRS:
            within = ""
        else:
            if within in ("", _OURS):
                parts[_OURS].append(line)
            if within in ("", _BETWEEN):
                parts[_THEIRS].append(line)
    return "".join(parts[_OURS]), "".join(parts[_THEIRS])


def sides_of_all(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a set of files as either side has it."""
    both = {name: sides(text) for name, text in texts.items()}
    return {name: ours for name, (ours, _) in both.items()}, {name: theirs for name, (_, theirs) in both.items()}
