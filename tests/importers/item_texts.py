"""Show what a reader found, in short texts that a table can hold."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.errors import ForeignFileError
from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedChannel,
    ImportedGroup,
    ImportedItem,
    ImportedLink,
    ImportedMatchSpec,
    ImportedProject,
    ImportedPython,
    ImportedRequirement,
    Include,
    Unsupported,
)


def shown(item: ImportedItem) -> str:
    """Return what an item asks for, without its place."""
    match item:
        case ImportedRequirement():
            return f"{'bound' if item.bound else 'pypi'}{_group(item.group)} {item.requirement.text}"
        case ImportedMatchSpec():
            return f"conda{_group(item.group)} {item.text}"
        case ImportedPython():
            return f"python{' as conda' if item.conda else ''} {item.bound}"
        case ImportedChannel():
            return f"channel {item.channel}"
        case ImportedProject():
            extras = f"[{','.join(item.extras)}]" if item.extras else ""
            return f"project{_group(item.group)} {item.path}{extras}{' editable' if item.editable else ''}"
        case ImportedGroup():
            return f"group{_group(item.group)} {item.included}"
        case ImportedLink():
            return f"link{_group(item.group)} {item.name}{f'=={item.version}' if item.version else ''} {item.url}"
        case Ignored():
            return f"aside {item.what}"
        case Heading():
            return f"heading {item.what}"
        case Unsupported():
            return f"unread {item.why}"


def _group(group: str) -> str:
    return f"({group})" if group else ""


def lines_of(file: ForeignFile) -> list[tuple[int, str]]:
    """Return each item with its line, without the headings that open a part of the same file."""
    return [(one.span.line.line, shown(one)) for one in file.items if not isinstance(one, Heading) or one.what]


def spans_of(file: ForeignFile) -> list[tuple[int, int, str]]:
    """Return each item with its first and its last line, headings among them."""
    return [(one.span.line.line, one.span.last, shown(one)) for one in file.items]


def unaccounted(text: str, file: ForeignFile) -> list[str]:
    """List the lines of a file that are neither blank nor comments, and that no item speaks of."""
    own = [item.span for item in file.items if item.span.line.file == file.file]
    told = {number for span in own for number in range(span.line.line, span.last + 1)}
    lines = enumerate(text.split("\n"), 1)
    return [line for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in told]


def no_files(name: str, beside: str) -> tuple[str, str]:
    """Include nothing."""
    raise ForeignFileError(f"cannot read {name}")


def files_of(texts: Mapping[str, str]) -> Include:
    """Include files from a mapping of names to texts."""

    def include(name: str, beside: str) -> tuple[str, str]:
        if name not in texts:
            raise ForeignFileError(f"cannot read {name}")
        return name, texts[name]

    return include
