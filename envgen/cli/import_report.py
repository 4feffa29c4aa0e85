"""Say what became of the lines of another tool's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from envgen.cli.console import Console, table
from envgen.workflows.import_draft import OUTCOMES, Account, Outcome
from envgen.workflows.importing import Imported

QUIET = ("mapped", "setting", "heading")
SHOWN = 60


def imported_shape(imported: Imported) -> dict[str, object]:
    """Shape an import: the manifest, and every line with what became of it."""
    return {
        "manifest": imported.text,
        "name": imported.manifest.name,
        "python": imported.manifest.python,
        "format": imported.file.format,
        "files": [imported.file.file, *imported.file.files],
        "solved": imported.file.solved,
        "counts": imported.counts(),
        "lines": [
            {
                "file": account.line.file,
                "line": account.line.line,
                "last": account.last,
                "text": account.line.text,
                "outcome": account.outcome,
                "becomes": account.becomes,
                "why": account.why,
            }
            for account in imported.accounts
        ],
        "notes": list(imported.notes),
    }


def report_import(console: Console, imported: Imported) -> None:
    """Print the account of the lines; without --verbose, of those alone that changed their meaning."""
    told = [account for account in imported.accounts if console.verbose or account.outcome not in QUIET]
    if told:
        console.say(_text(console, told))
    counts = ", ".join(f"{count} {outcome} ({OUTCOMES[outcome]})" for outcome, count in _counted(imported))
    console.say(f"{imported.file.file}: {counts}")
    for note in imported.notes:
        console.note(note)
    undecided = sum(account.outcome == "decision" for account in imported.accounts)
    if undecided:
        console.warn(f"{undecided} lines need a decision of yours; they stand at the end of the manifest")


def _counted(imported: Imported) -> Iterator[tuple[Outcome, int]]:
    for outcome, count in imported.counts().items():
        if outcome != "heading":
            yield outcome, count


def _text(console: Console, told: Sequence[Account]) -> str:
    rows = list(_rows(told))
    shown = rows if console.verbose else rows[:SHOWN]
    more = [f"… and {len(rows) - len(shown)} more (-v)"] if len(rows) > len(shown) else []
    return "\n".join([table(("LINE", "TEXT", "WHAT BECAME OF IT", "WHY"), shown), *more])


def _rows(told: Sequence[Account]) -> Iterator[tuple[str, str, str, str]]:
    """Give a row a line; neighbours that were left out for the same reason are one."""
    for (outcome, why, alone), group in groupby(told, key=_alike):
        accounts = list(group)
        first, last = accounts[0], accounts[-1]
        lines = str(first.line.line) if last.last == first.line.line else f"{first.line.line}-{last.last}"
        text = first.line.text.strip() if alone else f"{first.line.text.strip()} …"
        yield lines, text[:40], first.becomes or outcome, why


def _alike(account: Account) -> tuple[str, str, int]:
    return account.outcome, account.why, account.line.line if account.becomes or account.outcome == "decision" else 0
