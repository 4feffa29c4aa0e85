"""Read a conda-lock.yml that another tool wrote: what it locks for one platform.

Only the layout that conda-lock itself writes is read, line by line: a YAML library takes minutes for a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from envgen.errors import ForeignFileError
from envgen.importers.environment_yml import spec_item
from envgen.importers.items import (
    Asked,
    ForeignFile,
    Heading,
    Ignored,
    ImportedChannel,
    ImportedMatchSpec,
    ImportedPython,
    ImportedRequirement,
    Span,
    Unsupported,
    refuse_many,
)
from envgen.importers.requirements_txt import Reference, read_line
from envgen.manifest.yaml_document import source_line
from envgen.models.requirement import Origin, Requirement

MAX_LINES = 150_000
PREFERRED = ("osx-arm64", "osx-64", "linux-aarch64", "linux-64")
_PAIR = re.compile(r"([^\s:'\"][^:'\"]*|'[^']*'|\"[^\"]*\"):(?: +(.*))?")
_MARK = "another platform of the lock is read"


@dataclass(slots=True, kw_only=True)
class _Block:
    """The fields of one package."""

    first: int
    last: int
    fields: dict[str, str] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)

    inner: str = ""

    def text(self, key: str) -> str:
        return self.fields.get(key, "")

    def take(self, body: str, depth: int) -> bool:
        """Take a line, whose depth counts from the block's own keys; tell whether it was understood."""
        if body.startswith("- "):
            self._need(_plain(body[2:]).split(" ", maxsplit=1)[0])
            return True
        found = _PAIR.fullmatch(body)
        if found is None:
            return False
        key, value = _plain(found[1]), _plain(found[2] or "")
        if depth == 0:
            self.fields[key] = value
            self.inner = "" if found[2] else key
        else:
            self._need(key)
        return True

    def _need(self, name: str) -> None:
        if self.inner == "dependencies":
            self.needs.append(name)


def read_foreign_lock(text: str, file: str) -> ForeignFile:
    """Read what a lock holds for osx-arm64, or for the nearest platform that it has.

    Raises:
        ForeignFileError: it is not laid out as conda-lock writes it, or too long.
    """
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if line.rstrip() == "package:"), None)
    if start is None:
        raise ForeignFileError(f"{file} lists no packages", hint="make it anew with conda-lock")
    if len(lines) > MAX_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {MAX_LINES:,}")
    blocks = _blocks(lines, start + 1, file)
    platforms = {block.text("platform") for block in blocks}
    chosen = next((name for name in PREFERRED if name in platforms), min(platforms, default=""))
    refuse_many(sum(block.text("platform") == chosen for block in blocks), file)
    items = [*_head(lines, start, file), *(_item(block, lines, file, chosen) for block in blocks)]
    note = "" if chosen == "osx-arm64" else f"{file} has no osx-arm64: what it locks for {chosen} is read"
    return ForeignFile(
        format="conda-lock.yml", file=file, items=tuple(items), solved=True, notes=(note,) if note else ()
    )


def _head(lines: Sequence[str], end: int, file: str) -> Iterator[Asked]:
    for number, line in enumerate(lines[: end + 1], 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        span = Span(line=source_line(file, lines, number), last=number)
        if number == end + 1:
            yield Heading(span=span)
        elif found := re.fullmatch(r"- url: (\S+)", text):
            yield ImportedChannel(span=span, channel=_plain(found[1]))
        else:
            yield Ignored(span=span, what="the lock's own data", why="envgen makes its own lock")


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
        if not blocks or not blocks[-1].take(body, indent - column - 2):
            where = source_line(file, lines, number)
            hint = "give the files that the lock was made from"
            raise ForeignFileError(f"{file} is not laid out as conda-lock writes it", lines=[where], hint=hint)
        blocks[-1].last = number
    return blocks


def _item(block: _Block, lines: Sequence[str], file: str, chosen: str) -> Asked:
    span = Span(line=source_line(file, lines, block.first), last=block.last)
    name, version, platform = block.text("name"), block.text("version"), block.text("platform")
    if platform != chosen:
        return Ignored(span=span, what=f"`{name}` for {platform}", why=_MARK)
    category = block.text("category")
    group = "" if category in ("", "main") else category
    if block.text("manager") == "pip":
        return _wheel(block, span, group)
    if name == "python":
        return ImportedPython(span=span, bound=f"=={version}", conda=True)
    if not name or not version:
        return Unsupported(span=span, why="a package without a name or version")
    return ImportedMatchSpec(span=span, name=name, version=f"=={version}", group=group, needs=tuple(block.needs))


def _wheel(block: _Block, span: Span, group: str) -> Asked:
    text = f"{block.text('name')}=={block.text('version')}"
    try:
        requirement = Requirement.parse(text, Origin(path=text, line=span.line))
    except ValueError as error:
        return Unsupported(span=span, why=str(error))
    return ImportedRequirement(span=span, requirement=requirement, group=group, needs=tuple(block.needs))


def _plain(text: str) -> str:
    clean = text.strip()
    return clean[1:-1] if len(clean) > 1 and clean[0] == clean[-1] and clean[0] in "'\"" else clean


# Read what `conda list --export` prints, which many keep as requirements.txt: a line is `name=version=build`.

CONDA_LIST_MAX_LINES = 20_000
SHARE = 0.5
_LINE = re.compile(r"([A-Za-z0-9_][\w.-]*)=([^=\s]+)=([^=\s]+)")
_TABLES = (
    (re.compile(r"^Package +Version.*\n-+ +-+", re.MULTILINE), "give what `pip freeze` prints"),
    (
        re.compile(r"^# packages in environment at .*\n#\s*\n?# Name +Version", re.MULTILINE),
        "give what `conda env export` prints",
    ),
)


def table_hint(text: str) -> str:
    """Return what to give in place of a table of `pip list`'s or `conda list`'s; "" for any other text."""
    return next((hint for head, hint in _TABLES if head.search(text)), "")


def is_conda_list(text: str) -> bool:
    """Return whether most lines are of the form `name=version=build`, which is nothing to pip."""
    lines = [line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")]
    return bool(lines) and sum(1 for line in lines if _LINE.fullmatch(line)) > SHARE * len(lines)


def read_conda_list(text: str, file: str) -> ForeignFile:
    """Read an exported list; raise ForeignFileError for one that is too long."""
    lines = text.split("\n")
    if len(lines) > CONDA_LIST_MAX_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {CONDA_LIST_MAX_LINES:,}")
    items = tuple(_items(lines, file))
    refuse_many(len(items), file)
    return ForeignFile(format="conda list", file=file, items=items, solved=True)


def _items(lines: Sequence[str], file: str) -> Iterator[Asked]:
    for number, line in enumerate(lines, 1):
        clean = line.partition(" #")[0].strip()
        if clean and not clean.startswith("#"):
            yield _conda_list_item(clean, Span(line=source_line(file, lines, number), last=number))


def _conda_list_item(text: str, span: Span) -> Asked:
    found = _LINE.fullmatch(text)
    if found is None or not found[3].startswith("pypi_"):
        return spec_item(text, span)
    asked = read_line(f"{found[1]}=={found[2]}", span)
    return asked if not isinstance(asked, Reference) else Unsupported(span=span, why=f"not a name: `{found[1]}`")
