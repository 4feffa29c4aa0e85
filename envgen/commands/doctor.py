"""Find what of this machine breaks environments with TensorFlow, and what of the outside envgen cannot reach."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from envgen.errors import PypiError, RepodataError
from envgen.knowledge.advice import host_rule
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import Severity
from envgen.models.match_spec import version_key
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, Platform
from envgen.project.channels import access
from envgen.project.project import open_environment
from envgen.project.services import Services
from envgen.pypi.http import Timeouts
from envgen.pypi.lookups import PypiLookups
from envgen.repodata.gateway import open_channels
from envgen.system.files import reason_of
from envgen.system.machine import FoundTool, HostFacts, Probes, own_probes, read_host_facts

OLDEST_MACOS = "12.0"
FORCING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_PLATFORM", "PIP_NO_BINARY", "PIP_ONLY_BINARY")
CONDAS = ("conda", "mamba", "micromamba")
_TIMEOUT = 4.0
_PROBED = "pip"
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinding:
    """What was seen, why it breaks TensorFlow, and what to do about it, under a stable code."""

    code: str
    severity: Severity
    what: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Something that envgen needs of the outside; `message` tells why it cannot be had, and is "" where it can."""

    code: str
    name: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What was found of a machine, errors first, with what was looked at."""

    facts: HostFacts
    findings: tuple[HostFinding, ...]
    reached: tuple[Reach, ...]

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


def check_host(services: Services, name: str = "", probes: Probes | None = None) -> Checkup:
    """Look at the machine and its settings, at the cache, the channels and the package index.

    With a name the machine is compared with that environment's macOS floor, and its channels are tried.

    Raises:
        UsageError: there is no such environment. ManifestError: its manifest is malformed.
    """
    floor = ""
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    if name:
        manifest = open_environment(services.root, name).manifest
        channels = manifest.channels
        floor = next((each.macos for each in manifest.platforms("3.12") if each.is_apple_silicon), "")
    channels = tuple(Channel.parse(text) for text in services.options.channels) or channels
    services.progress("looking at this machine")
    facts = read_host_facts(probes or own_probes(services.settings.environ))
    reached = (_cache(services), *(_channel(services, channel) for channel in channels), _index(services))
    findings = (*judge_host(facts, floor, name), *judge_reach(reached))
    return Checkup(facts=facts, findings=_worst_first(findings), reached=reached)


def _cache(services: Services) -> Reach:
    folder = services.settings.cache_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"envgen")
    except OSError as error:
        message = f"{os.fspath(folder)} cannot be written ({reason_of(error)})"
        return Reach(code="CACHE", name="the cache", message=message)
    return Reach(code="CACHE", name="the cache")


def _channel(services: Services, channel: Channel) -> Reach:
    services.progress(f"reaching {channel.name}")
    quick = replace(access(services), timeout=min(services.settings.timeout, _TIMEOUT))
    try:
        open_channels((channel,), Platform(subdir=APPLE_SILICON, python="3.12", macos=DEFAULT_MACOS), quick)
    except RepodataError as error:
        return Reach(code="CHANNEL", name=f"the channel {channel.name}", message=error.message)
    return Reach(code="CHANNEL", name=f"the channel {channel.name}")


def _index(services: Services) -> Reach:
    services.progress("reaching the package index")
    environment = services.settings.environ
    limits = replace(Timeouts.configured(environment), connect=int(_TIMEOUT), read=int(_TIMEOUT), total=8.0, retries=0)
    lookups = PypiLookups(
        cache=services.settings.cache_dir,
        environment=environment,
        offline=services.options.offline,
        timeouts=limits,
        timeout=2 * _TIMEOUT,
    )
    answer = lookups.projects([_PROBED])[_PROBED]
    message = answer.message if isinstance(answer, PypiError) else "" if answer else f"it has no {_PROBED}"
    return Reach(code="INDEX", name="the package index", message=message)


def judge_host(facts: HostFacts, floor: str = "", environment: str = "") -> tuple[HostFinding, ...]:
    """List what is wrong with a machine, errors first.

    `floor` is the lowest macOS of an environment whose name is `environment`; "" where none is asked about.
    """
    return _worst_first(_finding(code, what) for code, what in _seen(facts, floor, environment))


def judge_reach(reaches: tuple[Reach, ...]) -> tuple[HostFinding, ...]:
    """List what could not be reached or used."""
    return tuple(_finding(reach.code, f"{reach.name}: {reach.message}") for reach in reaches if reach.message)


def _worst_first(findings: Iterable[HostFinding]) -> tuple[HostFinding, ...]:
    return tuple(sorted(findings, key=lambda each: _SEVERITIES.index(each.severity)))


def _finding(code: str, what: str) -> HostFinding:
    row = host_rule(code)
    return HostFinding(code=code, severity=row.severity, what=what, why=row.why, fix=row.fix)


def _seen(facts: HostFacts, floor: str, environment: str) -> Iterator[tuple[str, str]]:
    if facts.is_mac:
        yield from _mac(facts, floor, environment)
        yield from _architectures(facts)
    else:
        yield "NOT-A-MAC", f"this machine runs {facts.system}"
    yield from _settings(facts)
    yield from _leaks(facts)
    yield from _tools(facts)


def _mac(facts: HostFacts, floor: str, environment: str) -> Iterator[tuple[str, str]]:
    if facts.macos and floor and version_key(facts.macos) < version_key(floor):
        yield "MACOS-FLOOR", f"{environment} is made for macOS {floor} and newer, and this Mac has {facts.macos}"
    elif facts.macos and version_key(facts.macos) < version_key(OLDEST_MACOS):
        yield "MACOS-OLD", f"this Mac has macOS {facts.macos}"
    if not facts.apple_silicon and not facts.translated:
        yield "INTEL-MAC", "this Mac has an Intel processor"
    if not facts.xcode:
        yield "NO-XCODE", "Xcode's command line tools are not installed"


def _architectures(facts: HostFacts) -> Iterator[tuple[str, str]]:
    """Yield what is an Intel program on Apple silicon."""
    if facts.translated:
        yield "ROSETTA", f"this process ({facts.python}) runs under Rosetta"
    if not (facts.apple_silicon or facts.translated):
        return
    if facts.python_architectures == ("x86_64",) and not facts.translated:
        yield "INTEL-PYTHON", f"the python that runs envgen is an Intel one: {facts.python}"
    for tool in facts.tools:
        if tool.is_intel:
            yield _code_of(tool), f"`{tool.name}` on PATH is an Intel program: {tool.path}"
    for root in facts.conda_roots:
        on_path = any(tool.is_intel and tool.path.startswith(f"{root.path}/") for tool in facts.tools)
        if root.is_intel and not on_path:  # else the program itself was reported
            yield "INTEL-CONDA", f"the conda in {root.path} is an Intel one"


def _code_of(tool: FoundTool) -> str:
    if tool.name in CONDAS:
        return "INTEL-CONDA"
    return "INTEL-PYTHON" if tool.name.startswith("python") else "INTEL-TOOL"


def _settings(facts: HostFacts) -> Iterator[tuple[str, str]]:
    """Yield settings that make conda take another platform's packages, which elsewhere than on a Mac may be meant."""
    forced = facts.variables.get("CONDA_SUBDIR", "")
    if facts.is_mac and forced not in ("", APPLE_SILICON):
        yield "CONDA-SUBDIR", f"CONDA_SUBDIR is {forced}"
    files = [*facts.subdir_files, *((f"{root.path}/.condarc", root.subdir) for root in facts.conda_roots)]
    for path, subdir in dict.fromkeys(files):
        if facts.is_mac and subdir not in ("", APPLE_SILICON):
            yield "CONDA-SUBDIR", f"{path} sets subdir to {subdir}"
    if len(facts.conda_roots) > 1:
        listed = " and ".join(root.path for root in facts.conda_roots)
        yield "TWO-CONDA-ROOTS", f"there are {len(facts.conda_roots)} conda installations: {listed}"


def _leaks(facts: HostFacts) -> Iterator[tuple[str, str]]:
    """Yield what reaches into every python."""
    variables = facts.variables
    for name in ("PYTHONHOME", "PYTHONPATH"):
        if variables.get(name):
            yield name, f"{name} is {variables[name]}"
    if facts.user_site and not variables.get("PYTHONNOUSERSITE"):
        shown = ", ".join(facts.user_site[:6]) + (" …" if len(facts.user_site) > 6 else "")
        yield "USER-SITE", f"the user's own site-packages hold {len(facts.user_site)} packages: {shown}"
    for name, value in sorted(variables.items()):
        if name.startswith("DYLD_"):
            yield "DYLD", f"{name} is {value}"
        elif name in FORCING:
            yield "PIP-SETTINGS", f"{name} is {value}"


def _tools(facts: HostFacts) -> Iterator[tuple[str, str]]:
    paths = {tool.name: tool.path for tool in facts.tools}
    python = paths.get("python") or paths.get("python3")
    pip = paths.get("pip")
    if pip and python and pip.rpartition("/")[0] != python.rpartition("/")[0]:
        yield "PIP-ELSEWHERE", f"pip is {pip}, and python is {python}"
    if not any(name in paths for name in CONDAS) and not facts.conda_roots:
        yield "NO-CONDA", "neither conda nor mamba nor micromamba is on PATH"
