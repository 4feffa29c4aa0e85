"""Lists of exact packages that conda's tools write: conda-lock.yml, and what `conda list --export` prints.

Of a conda-lock.yml only the layout that conda-lock itself writes is read, line by line: a YAML library takes minutes
for a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from envgen.errors import ForeignFileError
from envgen.importers.environment_yml import spec_item
from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedChannel,
    ImportedItem,
    ImportedMatchSpec,
    ImportedPython,
    ImportedRequirement,
    Span,
    Unsupported,
    refuse_many,
)
from envgen.importers.requirements_txt import read_requirement, unquoted
from envgen.manifest.yaml_document import source_line
from envgen.models.platform import APPLE_SILICON
from envgen.models.requirement import Origin, Requirement

MAX_LIST_LINES = 20_000
_MAX_LOCK_LINES = 150_000
_PREFERRED = (APPLE_SILICON, "osx-64", "linux-aarch64", "linux-64")
_PAIR = re.compile(r"([^\s:'\"][^:'\"]*|'[^']*'|\"[^\"]*\"):(?: +(.*))?")
_LISTED = re.compile(r"([A-Za-z0-9_][\w.-]*)=([^=\s]+)=([^=\s]+)")
_MOST = 0.5
_TABLES = (
    (re.compile(r"^Package +Version.*\n-+ +-+", re.MULTILINE), "give what `pip freeze` prints"),
    (
        re.compile(r"^# packages in environment at .*\n#\s*\n?# Name +Version", re.MULTILINE),
        "give what `conda env export` prints",
    ),
)


def read_foreign_lock(text: str, file: str) -> ForeignFile:
    """Read what a lock names for osx-arm64, or for the nearest platform that it has.

    Raises:
        ForeignFileError: it is not laid out as conda-lock writes it, or too long.
    """
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if line.rstrip() == "package:"), None)
    if start is None:
        raise ForeignFileError(f"{file} lists no packages", hint="make it anew with conda-lock")
    if len(lines) > _MAX_LOCK_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {_MAX_LOCK_LINES:,}")
    blocks = _blocks(lines, start + 1, file)
    platforms = {block.text("platform") for block in blocks}
    chosen = next((name for name in _PREFERRED if name in platforms), min(platforms, default=""))
    refuse_many(sum(block.text("platform") == chosen for block in blocks), file)
    items = [*_head(lines, start, file), *(_item(block, lines, file, chosen) for block in blocks)]
    note = "" if chosen == APPLE_SILICON else f"{file} has no {APPLE_SILICON}: what it locks for {chosen} is read"
    return ForeignFile(
        format="conda-lock.yml", file=file, items=tuple(items), solved=True, notes=(note,) if note else ()
    )


def _head(lines: Sequence[str], end: int, file: str) -> Iterator[ImportedItem]:
    for number, line in enumerate(lines[: end + 1], 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        span = Span(line=source_line(file, lines, number), last=number)
        if number == end + 1:
            yield Heading(span=span)
        elif found := re.fullmatch(r"- url: (\S+)", text):
            yield ImportedChannel(span=span, channel=unquoted(found[1]))
        else:
            yield Ignored(span=span, what="the lock's own data", why="envgen makes its own lock")


@dataclass(slots=True, kw_only=True)
class _Block:
    """One package: the lines it stands on, its fields, and the names below `dependencies`."""

    first: int
    last: int
    fields: dict[str, str] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    open_key: str = ""

    def text(self, key: str) -> str:
        return self.fields.get(key, "")

    def add(self, body: str, depth: int) -> bool:
        """Read a line, whose depth counts from the block's own keys; return whether it was understood."""
        if body.startswith("- "):  # older locks list what is needed, newer ones map it
            need = unquoted(body[2:]).partition(" ")[0]
        elif (found := _PAIR.fullmatch(body)) is None:
            return False
        elif depth == 0:
            self.fields[unquoted(found[1])] = unquoted(found[2] or "")
            self.open_key = "" if found[2] else unquoted(found[1])
            return True
        else:
            need = unquoted(found[1])
        if self.open_key == "dependencies":
            self.needs.append(need)
        return True


def _blocks(lines: Sequence[str], start: int, file: str) -> list[_Block]:
    """Read the packages: a block begins at each dash in the column of the first one."""
    blocks: list[_Block] = []
    column = -1
    for number, line in enumerate(lines[start:], start + 1):
        body = line.lstrip(" ")
        if not body or body.startswith("#"):
            continue
        indent = len(line) - len(body)
        if body.startswith("- ") and column in (-1, indent):
            column = indent
            blocks.append(_Block(first=number, last=number))
            body, indent = body[2:], indent + 2
        if not blocks or not blocks[-1].add(body, indent - column - 2):
            where = source_line(file, lines, number)
            hint = "give the files that the lock was made from"
            raise ForeignFileError(f"{file} is not laid out as conda-lock writes it", lines=[where], hint=hint)
        blocks[-1].last = number
    return blocks


def _item(block: _Block, lines: Sequence[str], file: str, chosen: str) -> ImportedItem:
    span = Span(line=source_line(file, lines, block.first), last=block.last)
    name, version, platform = block.text("name"), block.text("version"), block.text("platform")
    if platform != chosen:
        return Ignored(span=span, what=f"`{name}` for {platform}", why="another platform of the lock is read")
    category = block.text("category")
    group = "" if category in ("", "main") else category
    if block.text("manager") == "pip":
        text = f"{name}=={version}"
        try:
            requirement = Requirement.parse(text, Origin(path=text, line=span.line))
        except ValueError as error:
            return Unsupported(span=span, why=str(error))
        return ImportedRequirement(span=span, requirement=requirement, group=group, needs=tuple(block.needs))
    if name == "python":
        return ImportedPython(span=span, bound=f"=={version}", conda=True)
    if not name or not version:
        return Unsupported(span=span, why="a package without a name or version")
    return ImportedMatchSpec(span=span, name=name, version=f"=={version}", group=group, needs=tuple(block.needs))


def table_hint(text: str) -> str:
    """Return what to give in place of a table of `pip list`'s or `conda list`'s; "" for any other text."""
    return next((hint for head, hint in _TABLES if head.search(text)), "")


def is_conda_list(text: str) -> bool:
    """Return whether most lines are of the form `name=version=build`, which is nothing to pip."""
    lines = [line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")]
    return bool(lines) and sum(1 for line in lines if _LISTED.fullmatch(line)) > _MOST * len(lines)


def read_conda_list(text: str, file: str) -> ForeignFile:
    """Read an exported list; raise ForeignFileError for one that is too long."""
    lines = text.split("\n")
    if len(lines) > MAX_LIST_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {MAX_LIST_LINES:,}")
    items = tuple(_items(lines, file))
    refuse_many(len(items), file)
    return ForeignFile(format="conda list", file=file, items=items, solved=True)


def _items(lines: Sequence[str], file: str) -> Iterator[ImportedItem]:
    for number, line in enumerate(lines, 1):
        clean = line.partition(" #")[0].strip()
        if clean and not clean.startswith("#"):
            yield _listed_item(clean, Span(line=source_line(file, lines, number), last=number))


def _listed_item(text: str, span: Span) -> ImportedItem:
    found = _LISTED.fullmatch(text)
    if found is None or not found[3].startswith("pypi_"):
        return spec_item(text, span)
    return read_requirement(f"{found[1]}=={found[2]}", span, refusal=f"not a name: `{found[1]}`")
