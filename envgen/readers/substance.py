"""Refuse files that were read and that ask for nothing, or that are no lists of packages at all."""

from __future__ import annotations

from envgen.errors import ForeignFileError
from envgen.readers.foreign import Aside, AskedChannel, ForeignFile, Format, Heading, Unread

FEWEST = 3
SHOWN = 5
_WHERE: dict[Format, str] = {
    "requirements.txt": "write a requirement a line, such as `pandas>=2`",
    "environment.yml": "list them under `dependencies`",
    "pyproject.toml": "if setup.py or setup.cfg lists them, write them to a requirements.txt and give that",
    "pixi.toml": "list them under `[dependencies]` or `[pypi-dependencies]`",
}


def refuse_nothing(found: ForeignFile) -> None:
    """Raise ForeignFileError for a file that asks for nothing, or most of whose lines cannot be understood."""
    unread = [item for item in found.items if isinstance(item, Unread)]
    asked = [item for item in found.items if not isinstance(item, Unread | Aside | Heading | AskedChannel)]
    if not asked and not unread:
        hint = _WHERE.get(found.format, "give the files that it was made from")
        raise ForeignFileError(f"{found.file} asks for no packages", hint=hint)
    strange = [item for item in unread if not item.span.line.text.strip().removeprefix("- ").startswith("-")]
    if asked and len(strange) < max(FEWEST, len(asked)):
        return
    told = (strange or unread)[0]
    why = "most of its lines cannot be understood" if asked else f"none of its lines asks for a package ({told.why})"
    lines = list(dict.fromkeys(item.span.line for item in strange or unread))
    raise ForeignFileError(f"{found.file} cannot be read: {why}", lines=lines[:SHOWN], hint=told.hint)
