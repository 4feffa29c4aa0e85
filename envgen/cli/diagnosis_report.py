"""Print diagnoses: a table, JSON, or Markdown."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from envgen.cli.console import Console, table
from envgen.diagnosis.command_advice import Advised
from envgen.diagnosis.diagnose import Report
from envgen.diagnosis.results import Diagnosis, Verdict, fragment
from envgen.pypi.wheel_verdicts import target

HEADERS = ("PACKAGE", "PYPI", "CONDA", "SOURCE", "")


def report_diagnosis(console: Console, report: Report, *, markdown: bool) -> None:
    """Print the verdicts; what can be had without a word more goes into one line each."""
    lines = _markdown(report) if markdown else _text(console, report)
    console.data(report_shape(report), "\n".join(lines))
    for note in _notes(report):
        console.note(note)


def report_shape(report: Report) -> dict[str, object]:
    """Shape the verdicts for `--json`."""
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
        **({"commands": [_command_shape(advised) for advised in report.advised]} if report.advised else {}),
    }


def _notes(report: Report) -> list[str]:
    own = (note for diagnosis in report.diagnoses for note in diagnosis.notes)
    return list(dict.fromkeys([*report.notes, *own]))


def _command_shape(advised: Advised) -> dict[str, object]:
    return {
        "text": advised.command.text,
        "judged": advised.judged,
        "ok": advised.ok,
        "right": advised.right,
        "envgen": advised.by_envgen,
        "problems": [
            {"code": wrong.code, "severity": wrong.severity, "message": wrong.message, "right": wrong.right}
            for wrong in advised.wrongs
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
            {"code": trouble.code, "severity": trouble.severity, "message": trouble.message}
            for trouble in verdict.troubles
        ],
    }


def _manifest(verdict: Verdict) -> str:
    if verdict.fix is None:
        return ""
    return fragment(verdict.fix.edit, verdict.root, verdict.key)


def _text(console: Console, report: Report) -> Iterator[str]:
    for advised in report.advised:
        yield from _advised(advised)
        yield ""
    for diagnosis in report.diagnoses:
        yield f"On {target(diagnosis.platform)}"
        yield ""
        shown = [verdict for verdict in diagnosis.verdicts if verdict.is_root or not verdict.ok or console.verbose]
        yield table(HEADERS, [_row(verdict) for verdict in shown])
        told = {verdict.fix.text for verdict in shown if verdict.fix and verdict.is_root}
        for verdict in shown:
            yield from _details(verdict, told)
        yield ""
        yield from _conclusion(diagnosis)


def _advised(advised: Advised) -> Iterator[str]:
    """Tell what is wrong with a command, and the right one."""
    yield f"$ {advised.command.text}"
    if not advised.judged:
        yield "  this is no installation command that is known here, and was not judged"
        return
    if not advised.wrongs:
        yield "  nothing is known to be wrong with the command itself"
        return
    for wrong in advised.wrongs:
        yield f"  {wrong.code}: {wrong.message}"
        yield f"    right: {wrong.right}"
    yield f"  the right command: {advised.right or 'none: leave it out'}"
    if advised.by_envgen:
        yield f"  or lock it for every Mac: {advised.by_envgen}"


def _row(verdict: Verdict) -> tuple[str, ...]:
    pypi = verdict.pypi
    conda = verdict.conda
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
    codes = dict.fromkeys(trouble.code for trouble in verdict.troubles if trouble.severity == "warning")
    held = ["held back"] if verdict.source == "pypi" and "is held back to" in verdict.pypi.message else []
    return ", ".join([*held, *codes])


def _is_unknown(verdict: Verdict) -> bool:
    """Tell whether nothing could be looked up that speaks against it."""
    return verdict.source == "none" and verdict.pypi.code == "UNKNOWN" and verdict.key != "conda"


def _details(verdict: Verdict, told_fixes: Container[str]) -> Iterator[str]:
    """Tell the reasons of what cannot be had, or can be with a warning, with the way out if that was not told yet."""
    if not verdict.is_root and verdict.source == "none" and any(each.code == "NEEDS" for each in verdict.troubles):
        return
    told = [trouble for trouble in verdict.troubles if trouble.severity != "info"]
    if verdict.ok and not _remark(verdict):
        return
    where = f" ({verdict.line})" if verdict.line else ""
    yield ""
    yield f"{' → '.join(verdict.chain)}{where}"
    if not verdict.ok or not told:
        yield f"  PyPI: {verdict.pypi.message}"
    if not verdict.ok:
        yield f"  conda: {verdict.conda.message}"
    yield from (f"  {trouble.code}: {_indented(trouble.message)}" for trouble in told)
    if verdict.fix and (verdict.is_root or verdict.fix.text not in told_fixes):
        yield f"  fix: {verdict.fix.text}"
        yield from (f"    {line}" for line in _manifest(verdict).splitlines())
        if verdict.fix.locks:
            yield "  (tried: with it the whole locks)"


def _indented(message: str) -> str:
    return message.replace("\n", "\n    ")


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
        yield f"all {len(roots)} can be had" if len(roots) > 1 else "it can be had"


def _markdown(report: Report) -> Iterator[str]:
    for advised in report.advised:
        yield from ("```", *_advised(advised), "```", "")
    for diagnosis in report.diagnoses:
        yield f"### On {target(diagnosis.platform)}"
        yield ""
        yield "| package | PyPI | conda | source | |"
        yield "|---|---|---|---|---|"
        shown = [verdict for verdict in diagnosis.verdicts if verdict.is_root or not verdict.ok]
        yield from (_markdown_row(_row(verdict)) for verdict in shown)
        for verdict in shown:
            yield from _markdown_details(verdict)
        yield ""
        yield from _conclusion(diagnosis)


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_details(verdict: Verdict) -> Iterator[str]:
    if verdict.ok:
        return
    yield ""
    yield f"**{' → '.join(verdict.chain)}**"
    yield ""
    yield f"- PyPI: {verdict.pypi.message}"
    yield f"- conda: {verdict.conda.message}"
    yield from (f"- {trouble.code}: {_indented(trouble.message)}" for trouble in verdict.troubles)
    if verdict.fix:
        yield f"- fix: {verdict.fix.text}"
        manifest = _manifest(verdict)
        if manifest:
            yield from ("", "```yaml", *manifest.splitlines(), "```")
