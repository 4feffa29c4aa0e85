"""Diagnose why something can or cannot be installed on an Apple-silicon Mac."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table

if TYPE_CHECKING:
    from envgen.diagnosis.command_advice import JudgedCommand
    from envgen.diagnosis.diagnose import Report
    from envgen.diagnosis.results import Diagnosis, Verdict


def diagnose(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="WHAT", help="Requirements, a file as `envgen import` reads it, or an environment."),
    ] = None,
    command: Annotated[
        str, typer.Option("--command", metavar="COMMAND", help="Judge an installation command that was advised.")
    ] = "",
    python: options.Python = None,
    macos: options.Macos = None,
    accelerator: options.Accelerator = "",
    trials: Annotated[
        bool, typer.Option("--try/--no-try", help="Try the fixes, by locking with them and forgetting the lock.")
    ] = True,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a bug report.")] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show for each requirement, and for all that it needs, where it can come from, or why not and what to do."""
    from envgen.diagnosis.diagnose import DiagnoseOptions, diagnose_all

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = options.services_for(
            offline=offline, starter=starter, channels=channel, mirrors=mirror, progress=progress
        )
        diagnose_options = DiagnoseOptions(
            what=tuple(what or ()),
            command=command,
            python=python or "",
            macos=macos or "",
            accelerator=accelerator,
            trials=trials,
        )
        report = diagnose_all(services, diagnose_options)
    report_diagnosis(console, report, markdown=markdown)
    if not report.ok:
        raise typer.Exit(1)


def report_diagnosis(console: Console, report: Report, *, markdown: bool) -> None:
    """Print the verdicts; what can be had without a word more goes into one line each."""
    lines = _markdown(report) if markdown else _text(console, report)
    console.data(report_shape(report), lines)
    for note in _notes(report):
        console.note(note)


def report_shape(report: Report) -> dict[str, object]:
    """Return the JSON shape of a report."""
    return {
        "ok": report.ok,
        "partial": any(diagnosis.partial for diagnosis in report.diagnoses),
        "refusals": [diagnosis.refusal for diagnosis in report.diagnoses if diagnosis.refusal],
        "verdicts": [_shape(verdict) for diagnosis in report.diagnoses for verdict in diagnosis.verdicts],
        "manifests": [
            {"text": diagnosis.manifest, "locks": diagnosis.locks}
            for diagnosis in report.diagnoses
            if diagnosis.manifest
        ],
        "notes": _notes(report),
        **({"commands": [_command_shape(command) for command in report.commands]} if report.commands else {}),
    }


def _notes(report: Report) -> list[str]:
    own = (note for diagnosis in report.diagnoses for note in diagnosis.notes)
    return list(dict.fromkeys([*report.notes, *own]))


def _command_shape(command: JudgedCommand) -> dict[str, object]:
    return {
        "text": command.command.text,
        "judged": command.judged,
        "ok": command.ok,
        "right": command.right,
        "envgen": command.by_envgen,
        "problems": [
            {"code": problem.code, "severity": problem.severity, "message": problem.message, "right": problem.right}
            for problem in command.problems
        ],
    }


def _shape(verdict: Verdict) -> dict[str, object]:
    line, fix = verdict.line, verdict.fix
    return {
        "requirement": verdict.requirement,
        "line": {"file": line.file, "line": line.line, "text": line.text} if line else None,
        "ok": verdict.ok,
        "chain": list(verdict.chain),
        "pypi": {"class": verdict.pypi.code, "version": verdict.pypi.version, "message": verdict.pypi.message},
        "conda": {
            "available": verdict.conda.available,
            "name": verdict.conda.name,
            "version": verdict.conda.version,
            "message": verdict.conda.message,
            "known": verdict.conda.known,
        },
        "source": None if verdict.source == "none" else verdict.source,
        "fix": {"text": fix.text, "manifest": _manifest(verdict), "locks": fix.locks} if fix else None,
        "problems": [
            {"code": fault.code, "severity": fault.severity, "message": fault.message} for fault in verdict.faults
        ],
    }


def _manifest(verdict: Verdict) -> str:
    """Return the fix as keys of envgen.yaml."""
    from envgen.diagnosis.results import fragment

    return fragment(verdict.fix.edit, verdict.root, verdict.key) if verdict.fix else ""


def _text(console: Console, report: Report) -> Iterator[str]:
    from envgen.pypi.release_verdicts import target

    for command in report.commands:
        yield from _command_text(command)
        yield ""
    for diagnosis in report.diagnoses:
        yield f"On {target(diagnosis.platform)}"
        yield ""
        shown = [verdict for verdict in diagnosis.verdicts if verdict.is_root or not verdict.ok or console.verbose]
        yield from table(("PACKAGE", "PYPI", "CONDA", "SOURCE", ""), [_row(verdict) for verdict in shown])
        root_fixes = {verdict.fix.text for verdict in shown if verdict.fix and verdict.is_root}
        for verdict in shown:
            yield from _details(verdict, root_fixes)
        yield ""
        yield from _conclusion(diagnosis)


def _command_text(command: JudgedCommand) -> Iterator[str]:
    """Yield what is wrong with a command, and the right one."""
    yield f"$ {command.command.text}"
    if not command.judged:
        yield "  this is no installation command that is known here, and was not judged"
        return
    if not command.problems:
        yield "  nothing is known to be wrong with the command itself"
        return
    for problem in command.problems:
        yield f"  {problem.code}: {problem.message}"
        yield f"    right: {problem.right}"
    yield f"  the right command: {command.right or 'none: leave it out'}"
    if command.by_envgen:
        yield f"  or lock it for every Mac: {command.by_envgen}"


def _row(verdict: Verdict) -> tuple[str, ...]:
    pypi, conda = verdict.pypi, verdict.conda
    name = verdict.requirement if verdict.is_root else " → ".join(verdict.chain)
    return (
        name,
        "-" if verdict.key == "conda" else f"{pypi.code} {pypi.version}".strip(),
        f"{conda.name} {conda.version}".strip() if conda.available else "-" if conda.known else "?",
        verdict.source if verdict.source != "none" else "-",
        _remark(verdict),
    )


def _remark(verdict: Verdict) -> str:
    if not verdict.ok:
        return "not known" if _is_unknown(verdict) else "cannot be had"
    codes = dict.fromkeys(fault.code for fault in verdict.faults if fault.severity == "warning")
    held_back = ["held back"] if verdict.source == "pypi" and "is held back to" in verdict.pypi.message else []
    return ", ".join([*held_back, *codes])


def _is_unknown(verdict: Verdict) -> bool:
    """Return whether nothing could be looked up that speaks against it."""
    return verdict.source == "none" and verdict.pypi.code == "UNKNOWN" and verdict.key != "conda"


def _details(verdict: Verdict, root_fixes: Container[str]) -> Iterator[str]:
    """Yield the reasons of what cannot be had, or can be with a warning, with its fix unless a root has the same."""
    if not verdict.is_root and verdict.source == "none" and any(each.code == "NEEDS" for each in verdict.faults):
        return
    faults = [fault for fault in verdict.faults if fault.severity != "info"]
    if verdict.ok and not _remark(verdict):
        return
    where = f" ({verdict.line})" if verdict.line else ""
    yield ""
    yield f"{' → '.join(verdict.chain)}{where}"
    if not verdict.ok or not faults:
        yield f"  PyPI: {verdict.pypi.message}"
    if not verdict.ok:
        yield f"  conda: {verdict.conda.message}"
    yield from (f"  {fault.code}: {fault.message}" for fault in faults)
    if verdict.fix and (verdict.is_root or verdict.fix.text not in root_fixes):
        yield f"  fix: {verdict.fix.text}"
        yield from (f"    {line}" for line in _manifest(verdict).splitlines())
        if verdict.fix.locks:
            yield "  (tried: with it the whole locks)"


def _conclusion(diagnosis: Diagnosis) -> Iterator[str]:
    roots = [verdict for verdict in diagnosis.verdicts if verdict.is_root]
    unknown = [verdict.name for verdict in roots if not verdict.ok and _is_unknown(verdict)]
    bad = [verdict.name for verdict in roots if not verdict.ok and verdict.name not in unknown]
    if bad:
        yield f"{len(bad)} of {len(roots)} cannot be had as asked for: {', '.join(bad)}"
    if unknown:
        yield f"{len(unknown)} of {len(roots)} could not be looked up: {', '.join(unknown)}"
    if diagnosis.refusal:
        yield "each can be had, but not all at once:" if len(roots) > 1 else "it can be had, but not locked:"
        yield from (f"  {line}" for line in diagnosis.refusal.splitlines())
    elif roots and not bad and not unknown:
        which = " that were looked at" if diagnosis.partial else ""
        yield f"all {len(roots)}{which} can be had" if len(roots) > 1 else "it can be had"


def _markdown(report: Report) -> Iterator[str]:
    from envgen.pypi.release_verdicts import target

    for command in report.commands:
        yield from ("```", *_command_text(command), "```", "")
    for diagnosis in report.diagnoses:
        yield f"### On {target(diagnosis.platform)}"
        yield ""
        yield "| package | PyPI | conda | source | |"
        yield "|---|---|---|---|---|"
        shown = [verdict for verdict in diagnosis.verdicts if verdict.is_root or not verdict.ok]
        for verdict in shown:
            cells = [cell.replace("|", "\\|") for cell in _row(verdict)]
            yield f"| {' | '.join(cells)} |"
        for verdict in shown:
            yield from _markdown_details(verdict)
        yield ""
        yield from _conclusion(diagnosis)


def _markdown_details(verdict: Verdict) -> Iterator[str]:
    if verdict.ok:
        return
    yield ""
    yield f"**{' → '.join(verdict.chain)}**"
    yield ""
    yield f"- PyPI: {verdict.pypi.message}"
    yield f"- conda: {verdict.conda.message}"
    yield from (f"- {fault.code}: {fault.message}" for fault in verdict.faults)
    if verdict.fix:
        yield f"- fix: {verdict.fix.text}"
        manifest = _manifest(verdict)
        if manifest:
            yield from ("", "```yaml", *manifest.splitlines(), "```")
