"""Prove a lock against the facts that no metadata holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envgen.knowledge.caps import broken_caps
from envgen.knowledge.incompatibilities import unnamed_contents
from envgen.knowledge.installed import World
from envgen.knowledge.releases import advices_for, bad_installed, lacking_companions
from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding, Severity
from envgen.models.record import Record
from envgen.proof.family import family_findings
from envgen.proof.neighbours import neighbour_findings

FACT_CODES: Mapping[str, tuple[Severity, str]] = {
    "ACCELERATOR": (
        "error",
        "the lock delivers another accelerator than the one that was asked for",
    ),
    "METAL-PAIR": ("error", "tensorflow-metal does not load with this TensorFlow: `import tensorflow` fails"),
    "METAL-CONDA": ("error", "tensorflow-metal beside conda's TensorFlow, whose protobuf it cannot use"),
    "METAL-ALONE": ("error", "tensorflow-metal without TensorFlow"),
    "METAL-TARGET": ("error", "tensorflow-metal on a platform, python or macOS that it has no library for"),
    "METAL-UNKNOWN": ("warning", "a release of tensorflow-metal that nobody has checked"),
    "METAL-NUMERICS": ("warning", "releases that may compute wrong results on the GPU together"),
    "AVX": ("warning", "Intel builds that Rosetta may not be able to run"),
    "METAL-TRAINING": ("info", "releases for which diverging training on the GPU was reported"),
    "TENSORFLOW-EMPTY": ("error", "TensorFlow's wheels are stubs: the one that holds the code is not there"),
    "TENSORFLOW-DOUBLE": ("error", "two packages install TensorFlow's code over each other"),
    "SATELLITE": ("error", "a package that is built for another TensorFlow"),
    "SATELLITE-HALF": ("error", "a package that loads PyPI's TensorFlow beside conda's"),
    "CAP": ("error", "a release beyond a bound that upstream metadata lacks"),
    "EMPTY-WHEEL": ("error", "a wheel that installs nothing"),
    "LINUX-WHEEL": ("error", "a wheel for any machine that holds libraries for Linux alone"),
    "BAD-RELEASE": ("warning", "a release that was yanked, or is known not to work"),
    "ENDED": ("info", "a project that has ended"),
    "SILENT-NEED": ("warning", "a package that needs another without saying so"),
    "PROTOBUF-MUTEX": ("error", "two generations of protobuf share a mutex: the process aborts or hangs"),
    "METAL-LIBPROTOBUF": ("error", "conda records that load libprotobuf beside tensorflow-metal, which may bind to it"),
    "CONDA-ARROW": ("error", "conda's Arrow or old protobuf beside PyPI's TensorFlow, which it may crash"),
    "CONDA-PROTOBUF": ("warning", "conda records that load a shared protobuf or grpc beside PyPI's TensorFlow"),
    "METAL-PROTOBUF": ("warning", "a wheel whose protobuf tensorflow-metal may bind to"),
    "PROTOBUF-COPIES": ("warning", "two copies of protobuf share symbols"),
    "OPENMP-DOUBLE": ("warning", "two OpenMP runtimes may meet in one process"),
    "UNNAMED-CONTENT": ("warning", "a conda record stands in for a distribution whose metadata it lacks"),
    "SAME-FILES": ("error", "two packages install the same module over each other"),
    "HIDDEN-LIBRARY": ("warning", "a wheel loads a library that nothing here brings"),
}
"""Give each finding of this proof its severity and its meaning."""


def fact_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> tuple[Finding, ...]:
    """Report what is known not to work in the lock of one target, sorted, errors first.

    `distributions_of` names the PyPI distributions that a record provides.
    """
    world = World.of(
        lock.platform,
        records=lock.conda,
        wheels=[locked.wheel for locked in lock.pypi],
        distributions_of=distributions_of,
    )
    found = {
        *family_findings(world, lock.accelerator),
        *neighbour_findings(world),
        *_release_findings(world),
        *_advice_findings(world),
    }
    found |= set(_unnamed_findings(lock, world))
    order = ("error", "warning", "info")
    return tuple(sorted(found, key=lambda finding: (order.index(finding.severity), finding)))


def _unnamed_findings(lock: PlatformLock, world: World) -> Iterator[Finding]:
    """Report wheels whose needs are met by modules that pip cannot see."""
    for row in unnamed_contents():
        for wheel in lock.pypi if world.named(row.conda) else ():
            unseen = [text for text in wheel.requires if _name(text) in row.distributions]
            if unseen and not world.find(_name(unseen[0]), source="pypi"):
                yield Finding(
                    code="UNNAMED-CONTENT",
                    severity="warning",
                    message=f"{wheel.name} requires {unseen[0]}, which conda's {row.conda} stands in for: {row.why}",
                    hint="make the environment from conda-lock.yml: pip, and so environment.yml, would miss it",
                    packages=tuple(sorted((row.conda, wheel.name))),
                )


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def _release_findings(world: World) -> Iterator[Finding]:
    for cap, installed in broken_caps(world):
        yield Finding(
            code="CAP",
            severity="error",
            message=f"{installed} does not do: {cap.because}",
            hint=f"add `{cap.text}` to the manifest's constraints and lock again",
            packages=(installed.package,),
        )
    for bad, installed in bad_installed(world):
        yield Finding(
            code=bad.code,
            severity=bad.severity,
            message=f"{installed}: {bad.why}",
            hint=f"instead: {bad.cure}",
            packages=(installed.package,),
        )


def _advice_findings(world: World) -> Iterator[Finding]:
    for advice, installs in advices_for(world):
        yield Finding(
            code=advice.code,
            severity=advice.severity,
            message=f"{', '.join(map(str, installs))}: {advice.why}",
            hint=f"instead: {advice.cure}",
            packages=tuple(sorted(item.package for item in installs)),
        )
    for row in lacking_companions(world):
        yield Finding(
            code="SILENT-NEED",
            severity="warning",
            message=f"{row.name} lacks {row.needs}: {row.why}",
            hint=f"add `{row.needs}` to the manifest's dependencies",
            packages=(row.name,),
        )
