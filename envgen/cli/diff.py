"""Compare two locks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, growth_text, size_text, table

if TYPE_CHECKING:
    from envgen.commands.diff import Comparison, PlatformDiff
    from envgen.lock.diff import Change

_WHAT = "An environment, a folder, a lock file, or REVISION:environments/NAME."
_HEADERS = ("PACKAGE", "CHANGE", "FROM", "TO", "SOURCE", "SIZE")


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=_WHAT)],
    second: Annotated[
        str, typer.Argument(metavar="B", help="The same; without it, environment A is compared with what HEAD has.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show which packages differ between two locks, up, down, rebuilt or from elsewhere, and how the size changes."""
    from envgen.commands.diff import compare

    console = Console(as_json=as_json, quiet=quiet)
    comparison = compare(options.services_for(), first, second)
    for note in () if markdown else comparison.notes:
        console.note(note)
    console.data(diff_shape(comparison), diff_markdown(comparison) if markdown else diff_text(comparison))


def diff_shape(comparison: Comparison) -> dict[str, object]:
    """Return the JSON shape of a comparison; sizes are in bytes, null where not known."""
    platforms = comparison.platforms.items()
    return {
        "platforms": {subdir: [_change(change) for change in each.changes] for subdir, each in platforms},
        "sizes": {
            subdir: {"from": each.before.known, "to": each.after.known, "unknown": _unknown(each)}
            for subdir, each in platforms
        },
        "facts": {subdir: list(each.facts) for subdir, each in platforms},
        "notes": list(comparison.notes),
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "name": change.name,
        "change": change.change,
        "from": change.before,
        "to": change.after,
        "source": change.source,
        "previous": change.previous,
        "size_from": change.size_before,
        "size_to": change.size_after,
    }


def diff_text(comparison: Comparison) -> list[str]:
    """Return a comparison laid out for a terminal."""
    lines: list[str] = []
    for subdir, each in comparison.platforms.items():
        lines += [f"{subdir}: {_summary(each)}", *(f"  {fact}" for fact in each.facts)]
        if each.changes:
            lines += [*table(_HEADERS, (_row(change) for change in each.changes)), ""]
    return lines


def diff_markdown(comparison: Comparison) -> str:
    """Return a comparison as GitHub-flavoured Markdown."""
    lines: list[str] = []
    for subdir, each in comparison.platforms.items():
        lines += [f"#### {subdir}", "", _summary(each), ""]
        lines += [*(f"- {_escaped(fact)}" for fact in each.facts), ""] if each.facts else []
        if each.changes:
            headers = [header.lower() for header in _HEADERS]
            lines += [_cells(headers), _cells(["---"] * len(headers))]
            lines += [*(_cells([_escaped(cell) for cell in _row(change)]) for change in each.changes), ""]
    lines += [f"> {_escaped(note)}" for note in comparison.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return a text that means nothing more in a table of Markdown."""
    for sign in "\\|*_<>`[]!#~":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.replace("&", "&amp;").split("\n"))


def _row(change: Change) -> tuple[str, ...]:
    source = change.source if change.source == change.previous else f"{change.previous} → {change.source}"
    before = 0 if change.change == "added" else change.size_before
    after = 0 if change.change == "removed" else change.size_after
    return (
        change.name,
        change.change,
        change.before or "-",
        change.after or "-",
        source,
        growth_text(before, after),
    )


def _summary(each: PlatformDiff) -> str:
    counts = Counter(change.change for change in each.changes)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no package differs"
    unknown = f"; {_unknown(each)} sizes are not known" if _unknown(each) else ""
    grown = growth_text(each.before.known, each.after.known)
    return f"{counted}; {size_text(each.after.known)} to download ({grown}){unknown}"


def _unknown(each: PlatformDiff) -> int:
    return each.before.unknown + each.after.unknown
