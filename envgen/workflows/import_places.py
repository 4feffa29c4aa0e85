"""Lead from the lines of an imported manifest back to those of the file that it was made of."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.errors import EnvgenError, SourceLine
from envgen.importers.draft import Account
from envgen.manifest.model import Manifest
from envgen.workflows.importing import Imported


def source_lines(imported: Imported) -> dict[int, SourceLine]:
    """Map the manifest's lines to those of the file that they were made of."""
    made = {account.becomes: account.line for account in reversed(imported.accounts) if account.becomes}
    return {number: made[place] for number, place in _places(imported.manifest) if place in made}


def blame_file(error: EnvgenError, imported: Imported) -> None:
    """Let an error speak of the file's lines where it speaks of lines that were made of them.

    A line is known by its text, for the manifest may have been edited since it was made.
    """
    lines = imported.text.split("\n")
    made = {lines[number - 1].strip(): line for number, line in source_lines(imported).items()}
    python = next((line for line in lines if line.startswith("python:")), "")
    if account := next((account for account in imported.accounts if _chose_python(account)), None):
        made[python] = account.line
    error.lines = tuple(dict.fromkeys(made.get(line.text.strip(), line) for line in error.lines))


def _chose_python(account: Account) -> bool:
    return account.becomes.startswith("python: ")


def _places(manifest: Manifest) -> Iterator[tuple[int, str]]:
    """Give each item's line and its place, as an account of the import writes it."""
    asked = [*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements()]
    told = [(item.origin, item.text) for item in asked]
    told += [(root.origin, root.spec.text) for root in manifest.conda_specs()]
    for origin, text in told:
        if origin.line:
            yield origin.line.line, f"{origin.path.rpartition('[')[0]}: {text}"
