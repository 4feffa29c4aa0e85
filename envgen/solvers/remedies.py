"""Find ways out of a conflict, each tried before it is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from envgen.models.match_spec import MatchSpec, newer, version_key
from envgen.models.solve import RootSpec, SolveRequest
from envgen.solvers.conflict import Trial

_MACOS = "__osx"
_FLOOR = re.compile(rf"{_MACOS} >=(\d+(?:\.\d+)*)")
_MOST = 3


def remedies(trial: Trial, core: SolveRequest) -> list[str]:
    """Say what would make a conflict solvable, best first: a newer macOS, another python, other versions, a channel."""
    found = [*_newer_macos(trial, core), *_other_pythons(trial, core)]
    if not found:
        found = [*_loosened(trial, core), *_other_channel(trial, core)]
    if not found:
        found = [*_lacking(core), "loosen or remove it" if len(core.specs) == 1 else "loosen or remove one of them"]
    return found[:_MOST]


def _newer_macos(trial: Trial, core: SolveRequest) -> Iterator[str]:
    """Raise the macOS floor as little as helps."""
    floor = next((package.version for package in core.virtual_packages if package.name == _MACOS), "")
    asked = {
        match[1]
        for entry in core.channels
        for record in entry.records
        for text in (*record.depends, *record.constrains)
        if (match := _FLOOR.match(text)) and floor and newer(match[1], floor)
    }
    floors = sorted(asked, key=version_key)
    if not floors or not trial.solution(_on_macos(core, floors[-1])):
        return
    lowest = next((version for version in floors[:-1] if trial.solution(_on_macos(core, version))), floors[-1])
    name = lowest if "." in lowest else f"{lowest}.0"
    yield f'raise `macos` to "{name}", which leaves out every Mac below macOS {name}'


def _on_macos(core: SolveRequest, version: str) -> SolveRequest:
    packages = core.virtual_packages
    return replace(
        core, virtual_packages=tuple(replace(p, version=version) if p.name == _MACOS else p for p in packages)
    )


def _other_pythons(trial: Trial, core: SolveRequest) -> Iterator[str]:
    """Try the other minors of python that the channels have."""
    asked = [root for root in core.specs if root.spec.name == "python"]
    if len(asked) != 1:
        return
    have = {".".join(r.version.split(".")[:2]) for entry in core.channels for r in entry.records if r.name == "python"}
    minors = [
        minor
        for minor in sorted(have, key=version_key)
        if not asked[0].spec.matches_version(f"{minor}.0")
        and trial.solution(_replacing(core, asked[0], f"python {minor}.*"))
    ]
    if minors:
        others = " and ".join(f"`{root.spec}`" for root in core.specs if root is not asked[0]) or "it"
        which = "it" if len(minors) == 1 else "one of them"
        yield f"{others} can be had with python {_or(minors)}: set `python` to {which}"


def _loosened(trial: Trial, core: SolveRequest) -> Iterator[str]:
    """Say which version each requirement would have to allow beside the others."""
    roots = [root for root in (*core.specs, *core.constraints) if root.spec.text != root.spec.name]
    for root in [root for root in roots if root.origin.line] or roots:
        solution = trial.solution(_replacing(core, root, root.spec.name))
        if solution is None:
            continue
        chosen = [record.version for record in solution.records if record.name == root.spec.name]
        yield f"let `{root.spec}` allow {root.spec.name} {chosen[0]}" if chosen else f"leave `{root.spec}` out"


def _other_channel(trial: Trial, core: SolveRequest) -> Iterator[str]:
    """See whether channel priority hides the solution."""
    if core.channel_priority != "strict" or len(core.channels) < 2:
        return
    if solution := trial.solution(replace(core, channel_priority="flexible")):
        owners: dict[str, str] = {}
        for entry in core.channels:
            for record in entry.records:
                owners.setdefault(record.name, entry.channel.url)
        hidden = [record for record in solution.records if record.channel != owners[record.name]]
        for record in hidden[:1]:
            names = {entry.channel.url: entry.channel.name for entry in core.channels}
            yield (
                f"`{record.name}` {record.version} of {names[record.channel]} would do: put that channel before "
                f"{names[owners[record.name]]}"
            )


def _lacking(core: SolveRequest) -> Iterator[str]:
    """See whether every record of a name needs what no channel has."""
    records = [record for entry in core.channels for record in entry.records]
    names = {record.name for record in records}
    for root in core.specs:
        matching = [record for record in records if root.spec.matches(record)]
        needs = [{depend.split(" ", 1)[0] for depend in record.depends} for record in matching]
        lacking = sorted(name for name in set.intersection(*needs) - names if not name.startswith("__"))
        if lacking:
            yield f"add a channel that has {_or(lacking)}, which every record of `{root.spec}` needs"


def _replacing(core: SolveRequest, root: RootSpec, text: str) -> SolveRequest:
    other = RootSpec(spec=MatchSpec.parse(text), origin=root.origin)
    return replace(
        core,
        specs=tuple(other if each is root else each for each in core.specs),
        constraints=tuple(each for each in core.constraints if each is not root),
    )


def _or(texts: list[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]
