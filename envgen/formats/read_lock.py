"""Read conda-lock.yml back into the lock that it was written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from envgen.errors import LockfileError, SourceLine
from envgen.formats.conda_lock import BlockError, Blocks
from envgen.formats.fast_yaml import load
from envgen.formats.generated import RESTORE, refuse_edits, refuse_foreign, refuse_merge_markers
from envgen.lock.custom_metadata import Fields, facts_of, read_platform_facts, read_projects
from envgen.lock.model import Lock, PlatformLock
from envgen.models.channel import Channel


def read_conda_lock(text: str, file: str, *, sealed: bool = True) -> Lock:
    """Read a conda-lock.yml of envgen's; raise LockfileError for one that is damaged, or that another tool made.

    With `sealed` any edit since the writing is an error; without, what can still be read is given, so that it can be
    mended. The lock comes back whole, in its normal form.
    """
    refuse_merge_markers(text, file)
    document = load(text, file)
    try:
        lock = _lock(Fields.of(document, file), file)
    except ValueError as error:
        lines = _lines(text, file, error.name) if isinstance(error, BlockError) else []
        raise LockfileError(f"{file} is damaged: {error}", lines=lines, hint=RESTORE) from error
    if sealed:
        refuse_edits(text, file)
    return lock


def _lock(document: Fields, file: str) -> Lock:
    metadata = document.fields("metadata")
    facts = metadata.texts("custom_metadata") if metadata.has("custom_metadata") else {}
    refuse_foreign(facts, file)
    document.value("version", 1)
    blocks = Blocks(document.items("package"))
    subdirs = metadata.names("platforms")
    if strangers := blocks.platforms() - set(subdirs):
        raise ValueError(f"packages for `{min(strangers)}`, which is none of its platforms")
    return Lock(
        name=facts["name"],
        created_by=facts["created_by"],
        channels=tuple(_channel(item) for item in metadata.items("channels")),
        manifest_digest=facts["manifest_digest"],
        platforms=tuple(_platform(subdir, facts_of(subdir, facts), blocks) for subdir in sorted(subdirs)),
        exclude_newer=facts.get("exclude_newer", ""),
        indexes=tuple(facts.get("indexes", "").split()),
        projects=read_projects(facts),
    )


def _channel(item: object) -> Channel:
    return Channel.parse(Fields.of(item, "a channel").text("url"))


def _platform(subdir: str, facts: Mapping[str, str], blocks: Blocks) -> PlatformLock:
    try:
        lock = read_platform_facts(subdir, facts)
    except ValueError as error:
        raise ValueError(f"custom_metadata of {subdir}: {error}") from error
    return replace(
        lock,
        conda=tuple(block.record(facts.get(f"conda.{block.name}", "")) for block in blocks.of(subdir, "conda")),
        pypi=tuple(
            block.wheel(facts.get(f"pypi.{block.name}", ""), facts.get(f"why.{block.name}", ""))
            for block in blocks.of(subdir, "pypi")
        ),
        groups=blocks.groups(subdir),
    )


def _lines(text: str, file: str, name: str) -> list[SourceLine]:
    heads = (f"- name: {name}", f"- name: '{name}'")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return [SourceLine(file=file, line=number, text=line) for number, line in enumerate(lines, 1) if line in heads]


# Take apart what git left unmerged in a file.

_OURS, _BASE, _BETWEEN, _THEIRS = "<" * 7, "|" * 7, "=" * 7, ">" * 7


def has_conflicts(text: str) -> bool:
    """Return whether a text holds a whole conflict of git's."""
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
