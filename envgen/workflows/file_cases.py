"""Ask about what another tool's file asks for, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envgen.diagnosis.verdict import Question
from envgen.errors import SourceLine
from envgen.manifest.model import Manifest
from envgen.models.requirement import Requirement
from envgen.readers.foreign import AskedRequirement
from envgen.workflows.cases import Case, case_of_manifest
from envgen.workflows.creating import chosen_accelerator
from envgen.workflows.import_draft import Account
from envgen.workflows.importing import Imported, Wishes, import_file
from envgen.workflows.mapping import Target
from envgen.workflows.services import Services

_TOLD = ("dropped", "decision")


def case_of_file(services: Services, path: Path, target: Target, accelerator: str) -> Case:
    """Import a file, and ask about its manifest, on the lines of the file itself.

    Requirements that the import leaves out, or asks for under another name, are asked about as they are written, too.

    Raises:
        ForeignFileError: the file cannot be read.
    """
    wishes = Wishes(
        python=target.python,
        macos=target.macos,
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
    )
    imported = import_file(services, path, wishes)
    case = case_of_manifest(imported.text, imported.manifest, Target(), "", _lines(imported))
    known = {question.name for question in case.questions}
    further = [item for item in _rewritten(imported) if item.name not in known]
    markers = case.platform.markers()
    asked = [item for item in further if isinstance(item.asked, Requirement) and item.asked.applies(markers)]
    return replace(
        case,
        questions=(*case.questions, *asked),
        notes=(*case.notes, *imported.notes, *_notes(imported)),
    )


def _lines(imported: Imported) -> dict[int, SourceLine]:
    """Map the manifest's lines to those of the file that they were made of."""
    made = {account.becomes: account.line for account in reversed(imported.accounts) if account.becomes}
    found = {}
    for number, place in _places(imported.manifest):
        if place in made:
            found[number] = made[place]
    return found


def _places(manifest: Manifest) -> Iterator[tuple[int, str]]:
    """Give each item's line and its place, as an account of the import writes it."""
    asked = [*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements()]
    told = [(item.origin, item.text) for item in asked]
    told += [(root.origin, root.spec.text) for root in manifest.conda_specs()]
    for origin, text in told:
        if origin.line:
            yield origin.line.line, f"{origin.path.rpartition('[')[0]}: {text}"


def _rewritten(imported: Imported) -> Iterator[Question]:
    """Give the requirements that stand otherwise, or not at all, in the manifest."""
    outcomes = {(account.line.file, account.line.line): account.outcome for account in imported.accounts}
    for item in imported.file.items:
        if not isinstance(item, AskedRequirement) or item.bound:
            continue
        line = item.span.line
        if outcomes.get((line.file, line.line)) in ("dropped", "replaced"):
            yield Question(asked=item.requirement, line=line, group=item.group)


def _notes(imported: Imported) -> Iterator[str]:
    for account in imported.accounts:
        if account.outcome in _TOLD and account.why:
            yield _note(account)


def _note(account: Account) -> str:
    what = "left out" if account.outcome == "dropped" else "not decided"
    return f"{account.line}: {what}: {account.why}"
