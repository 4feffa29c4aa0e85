"""Read what `conda list --export` prints, which many keep as requirements.txt: a line is `name=version=build`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envgen.errors import ForeignFileError
from envgen.manifest.yaml_document import source_line
from envgen.readers.environment_yml import spec_item
from envgen.readers.foreign import Asked, ForeignFile, Span, Unread, refuse_many
from envgen.readers.requirement_lines import Reference, read_line

MAX_LINES = 20_000
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
    """Say what to give in place of a table of `pip list`'s or `conda list`'s; "" for any other text."""
    return next((hint for head, hint in _TABLES if head.search(text)), "")


def is_conda_list(text: str) -> bool:
    """Tell whether most lines are of the form `name=version=build`, which is nothing to pip."""
    lines = [line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")]
    return bool(lines) and sum(1 for line in lines if _LINE.fullmatch(line)) > SHARE * len(lines)


def read_conda_list(text: str, file: str) -> ForeignFile:
    """Read an exported list; raise ForeignFileError for one that is too long."""
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {MAX_LINES:,}")
    items = tuple(_items(lines, file))
    refuse_many(len(items), file)
    return ForeignFile(format="conda list", file=file, items=items, solved=True)


def _items(lines: Sequence[str], file: str) -> Iterator[Asked]:
    for number, line in enumerate(lines, 1):
        clean = line.partition(" #")[0].strip()
        if clean and not clean.startswith("#"):
            yield _item(clean, Span(line=source_line(file, lines, number), last=number))


def _item(text: str, span: Span) -> Asked:
    found = _LINE.fullmatch(text)
    if found is None or not found[3].startswith("pypi_"):
        return spec_item(text, span)
    asked = read_line(f"{found[1]}=={found[2]}", span)
    return asked if not isinstance(asked, Reference) else Unread(span=span, why=f"not a name: `{found[1]}`")
