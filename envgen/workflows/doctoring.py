"""Look at this machine, and at what envgen needs of the outside."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace

from envgen.diagnosis.host import HostFinding, Reach, judge_host, judge_reach
from envgen.errors import PypiError, RepodataError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.host_facts import HostFacts
from envgen.models.platform import DEFAULT_MACOS, Platform
from envgen.project.project import open_environment
from envgen.project.services import Services
from envgen.pypi.http import Timeouts
from envgen.pypi.lookups import PypiLookups
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from envgen.system.machine import Probes, own_probes, read_host_facts

SUBDIR = "osx-arm64"
PATIENCE = 4.0
PROBED = "pip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Hold what was found of a machine, errors first, with what was looked at."""

    facts: HostFacts
    findings: tuple[HostFinding, ...]
    reached: tuple[Reach, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing stands in the way."""
        return not any(finding.severity == "error" for finding in self.findings)


def check_host(services: Services, name: str = "", probes: Probes | None = None) -> Checkup:
    """Look at the machine and its settings, at the cache, the channels and the package index.

    With a name the machine is held to that environment's macOS floor, and its channels are tried.

    Raises:
        UsageError: there is no such environment. ManifestError: its manifest is malformed.
    """
    floor = ""
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    if name:
        manifest = open_environment(services.root, name).manifest
        channels = manifest.channels
        floor = next((each.macos for each in manifest.platforms("3.12") if each.subdir == SUBDIR), "")
    channels = tuple(Channel.parse(text) for text in services.options.channels) or channels
    services.progress("looking at this machine")
    facts = read_host_facts(probes or own_probes(services.settings.environ))
    reached = (_cache(services), *(_channel(services, channel) for channel in channels), _index(services))
    findings = (*judge_host(facts, floor, name), *judge_reach(reached))
    order = ("error", "warning", "info")
    return Checkup(
        facts=facts,
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.severity))),
        reached=reached,
    )


def _cache(services: Services) -> Reach:
    """Try to write where indexes and packages are kept."""
    folder = services.settings.cache_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"envgen")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Reach(code="CACHE", name="the cache", message=f"{os.fspath(folder)} cannot be written ({reason})")
    return Reach(code="CACHE", name="the cache")


def _channel(services: Services, channel: Channel) -> Reach:
    services.progress(f"reaching {channel.name}")
    settings, options = services.settings, services.options
    access = Access(
        cache=settings.cache_dir,
        mirrors=options.mirrors,
        offline=options.offline,
        folder=settings.folder,
        patience=min(settings.patience, PATIENCE),
        environ=settings.environ,
    )
    try:
        open_channels((channel,), Platform(subdir=SUBDIR, python="3.12", macos=DEFAULT_MACOS), access)
    except RepodataError as error:
        return Reach(code="CHANNEL", name=f"the channel {channel.name}", message=error.message)
    return Reach(code="CHANNEL", name=f"the channel {channel.name}")


def _index(services: Services) -> Reach:
    services.progress("reaching the package index")
    environment = services.settings.environ
    limits = replace(Timeouts.configured(environment), connect=int(PATIENCE), read=int(PATIENCE), total=8.0, retries=0)
    lookups = PypiLookups(
        cache=services.settings.cache_dir,
        environment=environment,
        offline=services.options.offline,
        timeouts=limits,
        patience=2 * PATIENCE,
    )
    answer = lookups.projects([PROBED])[PROBED]
    message = answer.message if isinstance(answer, PypiError) else "" if answer else f"it has no {PROBED}"
    return Reach(code="INDEX", name="the package index", message=message)
