"""Ask about what another tool's file asks for, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envgen.commands.import_file import Imported, Wishes, import_file, source_lines
from envgen.commands.new import chosen_accelerator
from envgen.diagnosis.verdict import Question
from envgen.importers.draft import Account
from envgen.importers.items import AskedRequirement
from envgen.models.findings import counted
from envgen.models.requirement import Requirement
from envgen.project.project import Target
from envgen.project.services import Services
from envgen.workflows.cases import Case, case_of_manifest

_TOLD = ("dropped", "decision")
_WORDY = ("pyproject.toml", "pixi.toml", "conda-lock.yml")


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
    case = case_of_manifest(imported.text, imported.manifest, Target(), "", source_lines(imported))
    known = {question.name for question in case.questions}
    further = [item for item in _rewritten(imported) if item.name not in known]
    markers = case.platform.markers()
    asked = [item for item in further if isinstance(item.asked, Requirement) and item.asked.applies(markers)]
    return replace(
        case,
        questions=(*case.questions, *asked),
        notes=(*case.notes, *imported.notes, *_notes(imported)),
    )


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
    """Say what is not asked about; lines that only describe a project, or lock other platforms, are counted."""
    beside = 0
    for account in imported.accounts:
        if account.subject and imported.file.format in _WORDY:
            beside += 1
        elif account.outcome in _TOLD and account.why:
            yield _note(account)
    if beside:
        verb = "asks" if beside == 1 else "ask"
        told = f"{counted(beside, 'part')} of {imported.file.file} {verb} for no package here"
        yield f"{told}; `envgen import -v` lists them"


def _note(account: Account) -> str:
    what = "left out" if account.outcome == "dropped" else "not decided"
    return f"{account.line}: {what}: {account.why}"
