"""Prove a lock against the facts that no metadata holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envgen.knowledge.caps import broken_caps
from envgen.knowledge.incompatibilities import clashes, exclusive_groups, one_for, openmp_doubles, unnamed_contents
from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.releases import advices_for, bad_installed, lacking_companions
from envgen.knowledge.tensorflow import (
    CONDA_NAMES,
    METAL,
    NAMES,
    MetalRelease,
    TensorFlow,
    TensorFlowRelease,
    metal_for,
    metal_release,
    native_satellites,
    release_of,
    satellites_named,
    tensorflow_of,
)
from envgen.knowledge.tensorflow import satellites as satellite_rows
from envgen.knowledge.version_ranges import covers, satisfies
from envgen.knowledge.wheels import lacking_libraries
from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding, Severity
from envgen.models.record import Record

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
    world = InstalledPackages.of(
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


def _unnamed_findings(lock: PlatformLock, world: InstalledPackages) -> Iterator[Finding]:
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


def _release_findings(world: InstalledPackages) -> Iterator[Finding]:
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


def _advice_findings(world: InstalledPackages) -> Iterator[Finding]:
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


# Prove that TensorFlow, tensorflow-metal and what is built for them match.

_NO_METAL = "leave tensorflow-metal out (`accelerator: cpu`)"


def family_findings(world: InstalledPackages, accelerator: str) -> Iterator[Finding]:
    """Report what does not match, and whether the accelerator that was asked for is delivered."""
    tensorflow = tensorflow_of(world)
    metal = next(iter(world.find(METAL, source="pypi")), None)
    yield from _accelerator(accelerator, metal)
    if metal:
        yield from _metal(world, metal, tensorflow)
    yield from _code(world)
    if tensorflow:
        yield from _doubles(world, tensorflow)
        yield from _satellites(world, tensorflow)


def _error(code: str, message: str, hint: str, *packages: str) -> Finding:
    return Finding(code=code, severity="error", message=message, hint=hint, packages=tuple(sorted(set(packages))))


def _accelerator(asked: str, metal: InstalledPackage | None) -> Iterator[Finding]:
    if asked == "metal" and metal is None:
        message = "`accelerator: metal` was asked for, and tensorflow-metal is not among the packages"
        yield _error("ACCELERATOR", message, "lock again, or set `accelerator: cpu`", METAL)
    if asked != "metal" and metal is not None:
        message = f"`accelerator: {asked}` was asked for, and {metal} is among the packages"
        yield _error("ACCELERATOR", message, "set `accelerator: metal`, or drop tensorflow-metal", METAL)


def _metal(world: InstalledPackages, metal: InstalledPackage, tensorflow: TensorFlow | None) -> Iterator[Finding]:
    row = metal_release(metal.version)
    if row is None:
        yield Finding(
            code="METAL-UNKNOWN",
            severity="warning",
            message=f"{metal} is not among the checked releases: it may not load, and `import tensorflow` would fail",
            hint="take a release that `envgen knowledge` lists",
            packages=(METAL,),
        )
    elif not row.serves(world.platform):
        yield _wrong_target(world, row)
    if tensorflow is None:
        message = f"{metal} has no TensorFlow to plug into"
        yield _error("METAL-ALONE", message, "add `tensorflow` to the manifest", METAL)
    elif tensorflow.source == "conda":
        message = (
            f"{metal} cannot plug into conda's TensorFlow {tensorflow.version}: it needs the protobuf inside PyPI's, "
            "and `import tensorflow` may fail"
        )
        yield _error("METAL-CONDA", message, f"take TensorFlow from PyPI, or {_NO_METAL}", METAL, *tensorflow.packages)
    elif row and not covers(row.links, tensorflow.version):
        yield _wrong_pair(world, row, tensorflow)


def _wrong_target(world: InstalledPackages, row: MetalRelease) -> Finding:
    platform = world.platform
    target = f"{platform.subdir}, python {platform.python}, macOS {platform.macos or 'none'}"
    return _error(
        "METAL-TARGET",
        f"tensorflow-metal {row.version} does not serve {target}: it is for osx-arm64, "
        f"python {', '.join(row.python)}, macOS {row.floor} or newer",
        f"change the target, or {_NO_METAL}",
        METAL,
    )


def _wrong_pair(world: InstalledPackages, row: MetalRelease, tensorflow: TensorFlow) -> Finding:
    better = metal_for(tensorflow.version, world.platform)
    fix = f"take tensorflow-metal=={better.version}" if better else "take tensorflow>=2.18,<2.20"
    return _error(
        "METAL-PAIR",
        f"tensorflow-metal {row.version} does not load with TensorFlow {tensorflow.version}, only with {row.links}: "
        f"{row.why}; `import tensorflow` fails",
        f"{fix}, or {_NO_METAL}",
        METAL,
        *tensorflow.packages,
    )


def _code(world: InstalledPackages) -> Iterator[Finding]:
    """Look for the wheel that holds the code of every TensorFlow of PyPI's."""
    if not world.platform.is_apple_silicon:
        return
    for item in world.find(*NAMES, source="pypi"):
        row = release_of(item.version)
        if row is None:
            message = f"no arm64 macOS wheel holds the code of {item}"
            yield _error("TENSORFLOW-EMPTY", message, "take tensorflow>=2.16", item.package)
        elif not _holder(world, row, item.version):
            message = f"{item} holds no code: that is in {row.code} {item.version}, which is not among the packages"
            yield _error("TENSORFLOW-EMPTY", message, f"take {row.code}=={item.version}", item.package)


def _holder(world: InstalledPackages, row: TensorFlowRelease, version: str) -> tuple[InstalledPackage, ...]:
    wheels = world.find(row.code, source="pypi")
    return tuple(wheel for wheel in wheels if satisfies(f"=={version}", wheel.version))


def _doubles(world: InstalledPackages, tensorflow: TensorFlow) -> Iterator[Finding]:
    holders = [
        str(item)
        for item in world.find(*NAMES, source="pypi")
        if (row := release_of(item.version)) and row.code == item.distribution
    ]
    records = world.named(*CONDA_NAMES)
    holders += [f"conda's {record}" for record in records]
    packages = [*tensorflow.packages, *(record.name for record in records)]
    if tensorflow.source == "pypi" and len(holders) > 1:
        message = f"these install TensorFlow over each other: {', '.join(holders)}"
        yield _error("TENSORFLOW-DOUBLE", message, "keep TensorFlow to one package of one half", *packages)


def _satellites(world: InstalledPackages, tensorflow: TensorFlow) -> Iterator[Finding]:
    native = native_satellites()
    for item in world.find(*sorted({row.name for row in satellite_rows()})):
        rows = [row for row in satellites_named(item.distribution) if covers(row.versions, item.version)]
        if rows and not any(row.fits_tensorflow(item.version, tensorflow.version) for row in rows):
            fits = "the same minor" if rows[0].fits == "minor" else rows[0].fits
            message = f"{item} does not fit TensorFlow {tensorflow.version}, only {fits}: {rows[0].why}"
            yield _error("SATELLITE", message, "take releases that match", item.package, *tensorflow.packages)
        if item.distribution in native and item.source == "pypi" and tensorflow.source == "conda":
            message = f"{item} is compiled against PyPI's TensorFlow, and conda's may not load it"
            hint = "take TensorFlow from PyPI as well (list it under `pypi`)"
            yield _error("SATELLITE-HALF", message, hint, item.package, *tensorflow.packages)


# Prove that what shares a process can.


def neighbour_findings(world: InstalledPackages) -> Iterator[Finding]:
    """Report pairs that crash each other, files with two owners, and libraries that nobody brings."""
    yield from _same_files(world)
    if world.has_wheels:  # the rest is about wheels: without one, its tables need not be read
        yield from _clashes(world)
        yield from _openmp(world)
        yield from _libraries(world)


def _clashes(world: InstalledPackages) -> Iterator[Finding]:
    for clash in clashes(world):
        others = ", ".join(clash.others)
        side = f"conda's {others}" if clash.from_conda else f"{others} (PyPI)"
        yield Finding(
            code=clash.rule.code,
            severity=clash.rule.severity,
            message=f"{side} beside {', '.join(clash.wheels)}: {clash.rule.why}",
            hint=clash.rule.cure,
            packages=tuple(sorted({*clash.others, *clash.rule.beside} & _packages(world))),
        )


def _packages(world: InstalledPackages) -> set[str]:
    return {item.package for item in world.installed} | {record.name for record in world.records}


def _openmp(world: InstalledPackages) -> Iterator[Finding]:
    for rule, others in openmp_doubles(world):
        yield Finding(
            code=rule.code,
            severity=rule.severity,
            message=f"{rule.distribution} (PyPI) beside {', '.join(others)}: {rule.why}",
            hint=rule.cure,
            packages=tuple(sorted({rule.distribution, *others})),
        )


def _same_files(world: InstalledPackages) -> Iterator[Finding]:
    for group in exclusive_groups():
        owners = group.owners(world)
        if len(owners) < 2:
            continue
        wheels = [item.distribution for item in world.find(*group.distributions, source="pypi")]
        keep = one_for(wheels) if len(wheels) > 1 else None
        yield Finding(
            code="SAME-FILES",
            severity="error",
            message=f"{', '.join(owners)} install the same module `{group.owns}`: {group.why}",
            hint=f"keep one of them: {keep} does for the others" if keep else "keep one of them",
            packages=tuple(sorted({owner.removeprefix("conda's ") for owner in owners})),
        )


def _libraries(world: InstalledPackages) -> Iterator[Finding]:
    for row, wheel in lacking_libraries(world):
        yield Finding(
            code="HIDDEN-LIBRARY",
            severity="warning",
            message=f"{wheel} may not load: {row.why}",
            hint=f"take conda's {row.conda_package} in its place, or add `{row.conda}` to the manifest's `conda`",
            packages=(wheel.package,),
        )
