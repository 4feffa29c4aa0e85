"""Print what was found of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.cli.console import Console, table
from envgen.commands.doctor import Checkup
from envgen.models.findings import counted
from envgen.models.host_facts import HostFacts


def report_checkup(console: Console, checkup: Checkup) -> None:
    """Print the findings, errors first; what is only good to know on a Mac waits for `--verbose`."""
    console.data(_shape(checkup), "\n".join(_text(checkup, verbose=console.verbose)))


def _shape(checkup: Checkup) -> dict[str, object]:
    keys = ("code", "severity", "what", "why", "fix")
    return {
        "ok": checkup.ok,
        "findings": [{key: getattr(finding, key) for key in keys} for finding in checkup.findings],
        "machine": _machine_shape(checkup.facts),
        "reached": [
            {"name": reach.name, "ok": not reach.message, "message": reach.message} for reach in checkup.reached
        ],
    }


def _machine_shape(facts: HostFacts) -> dict[str, object]:
    return {
        "system": facts.system,
        "apple_silicon": facts.apple_silicon,
        "rosetta": facts.translated,
        "macos": facts.macos,
        "python": facts.python,
        "xcode": facts.xcode,
        "tools": [
            {"name": tool.name, "path": tool.path, "architectures": list(tool.architectures)} for tool in facts.tools
        ],
        "conda_roots": [
            {"path": root.path, "architectures": list(root.architectures), "subdir": root.subdir}
            for root in facts.conda_roots
        ],
    }


def _text(checkup: Checkup, *, verbose: bool) -> Iterator[str]:
    facts = checkup.facts
    system = f"macOS {facts.macos}" if facts.is_mac else facts.system
    chip = "Apple silicon" if facts.apple_silicon else "not Apple silicon"
    yield f"{system}, {chip}{', under Rosetta' if facts.translated else ''}"
    if facts.tools:
        rows = [(tool.name, "/".join(tool.architectures) or "?", tool.path) for tool in facts.tools]
        yield from ("", table(("TOOL", "RUNS ON", "PATH"), rows))
    reached = [reach.name for reach in checkup.reached if not reach.message]
    if reached:
        yield from ("", f"in reach: {', '.join(reached)}")
    for finding in checkup.findings:
        if finding.severity == "info" and not verbose and checkup.facts.is_mac:
            continue
        yield from ("", f"{finding.severity}: {finding.code}: {finding.what}", f"  why: {finding.why}")
        yield f"  fix: {finding.fix}"
    worst = [finding for finding in checkup.findings if finding.severity != "info"]
    yield from ("", "nothing stands in the way" if not worst else counted(len(worst), "finding"))
