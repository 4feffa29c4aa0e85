"""The proof of a lock against the facts that no metadata has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    metal_for,
    metal_release,
    native_satellites,
    release_of,
    satellites,
    satellites_named,
    tensorflow_of,
)
from envgen.knowledge.version_ranges import covers, satisfies
from envgen.knowledge.wheels import lacking_libraries
from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding
from envgen.models.record import Record
from envgen.proof.files import fault, in_order

_NO_METAL = "leave tensorflow-metal out (`accelerator: cpu`)"


def fact_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> tuple[Finding, ...]:
    """Return what is known not to work in the lock of one target, sorted, errors first.

    `distributions_of` names the PyPI distributions that a record provides.
    """
    packages = InstalledPackages.of(
        lock.platform,
        records=lock.conda,
        wheels=[locked.wheel for locked in lock.pypi],
        distributions_of=distributions_of,
    )
    return in_order(
        {
            *family_findings(packages, lock.accelerator),
            *neighbour_findings(packages),
            *_release_findings(packages),
            *_unnamed_findings(lock, packages),
        }
    )


def family_findings(packages: InstalledPackages, accelerator: str) -> Iterator[Finding]:
    """Yield where TensorFlow, tensorflow-metal and what is built for them do not match each other or `accelerator`."""
    tensorflow = tensorflow_of(packages)
    metal = next(iter(packages.find(METAL, source="pypi")), None)
    if accelerator == "metal" and metal is None:
        message = "`accelerator: metal` was asked for, and tensorflow-metal is not among the packages"
        yield fault("ACCELERATOR", message, "lock again, or set `accelerator: cpu`", METAL)
    if accelerator != "metal" and metal is not None:
        message = f"`accelerator: {accelerator}` was asked for, and {metal} is among the packages"
        yield fault("ACCELERATOR", message, "set `accelerator: metal`, or drop tensorflow-metal", METAL)
    if metal:
        yield from _metal(packages, metal, tensorflow)
    yield from _code(packages)
    if tensorflow:
        yield from _double_tensorflow(packages, tensorflow)
        yield from _satellites(packages, tensorflow)


def _metal(packages: InstalledPackages, metal: InstalledPackage, tensorflow: TensorFlow | None) -> Iterator[Finding]:
    row = metal_release(metal.version)
    if row is None:
        message = f"{metal} is not among the checked releases: it may not load, and `import tensorflow` would fail"
        hint = "take a release that `envgen knowledge` lists"
        yield fault("METAL-UNKNOWN", message, hint, METAL, severity="warning")
    elif not row.serves(packages.platform):
        platform = packages.platform
        target = f"{platform.subdir}, python {platform.python}, macOS {platform.macos or 'none'}"
        message = (
            f"tensorflow-metal {row.version} does not serve {target}: it is for osx-arm64, "
            f"python {', '.join(row.python)}, macOS {row.floor} or newer"
        )
        yield fault("METAL-TARGET", message, f"change the target, or {_NO_METAL}", METAL)
    if tensorflow is None:
        message = f"{metal} has no TensorFlow to plug into"
        yield fault("METAL-ALONE", message, "add `tensorflow` to the manifest", METAL)
    elif tensorflow.source == "conda":
        message = (
            f"{metal} cannot plug into conda's TensorFlow {tensorflow.version}: it needs the protobuf inside PyPI's, "
            "and `import tensorflow` may fail"
        )
        yield fault("METAL-CONDA", message, f"take TensorFlow from PyPI, or {_NO_METAL}", METAL, *tensorflow.packages)
    elif row and not covers(row.links, tensorflow.version):
        yield _wrong_pair(packages, row, tensorflow)


def _wrong_pair(packages: InstalledPackages, row: MetalRelease, tensorflow: TensorFlow) -> Finding:
    better = metal_for(tensorflow.version, packages.platform)
    fix = f"take tensorflow-metal=={better.version}" if better else "take tensorflow>=2.18,<2.20"
    message = (
        f"tensorflow-metal {row.version} does not load with TensorFlow {tensorflow.version}, only with {row.links}: "
        f"{row.why}; `import tensorflow` fails"
    )
    return fault("METAL-PAIR", message, f"{fix}, or {_NO_METAL}", METAL, *tensorflow.packages)


def _code(packages: InstalledPackages) -> Iterator[Finding]:
    """Yield each TensorFlow of PyPI's without the wheel that has its code: the others are stubs."""
    if not packages.platform.is_apple_silicon:
        return
    for item in packages.find(*NAMES, source="pypi"):
        row = release_of(item.version)
        if row is None:
            message = f"no arm64 macOS wheel holds the code of {item}"
            yield fault("TENSORFLOW-EMPTY", message, "take tensorflow>=2.16", item.package)
            continue
        wheels = packages.find(row.code, source="pypi")
        if not any(satisfies(f"=={item.version}", wheel.version) for wheel in wheels):
            message = f"{item} holds no code: that is in {row.code} {item.version}, which is not among the packages"
            yield fault("TENSORFLOW-EMPTY", message, f"take {row.code}=={item.version}", item.package)


def _double_tensorflow(packages: InstalledPackages, tensorflow: TensorFlow) -> Iterator[Finding]:
    records = packages.named(*CONDA_NAMES)
    owners = [
        str(item)
        for item in packages.find(*NAMES, source="pypi")
        if (row := release_of(item.version)) and row.code == item.distribution
    ]
    owners += [f"conda's {record}" for record in records]
    if tensorflow.source == "pypi" and len(owners) > 1:
        message = f"these install TensorFlow over each other: {', '.join(owners)}"
        named = (*tensorflow.packages, *(record.name for record in records))
        yield fault("TENSORFLOW-DOUBLE", message, "keep TensorFlow to one package of one half", *named)


def _satellites(packages: InstalledPackages, tensorflow: TensorFlow) -> Iterator[Finding]:
    native = native_satellites()
    for item in packages.find(*{row.name for row in satellites()}):
        rows = [row for row in satellites_named(item.distribution) if covers(row.versions, item.version)]
        if rows and not any(row.fits_tensorflow(item.version, tensorflow.version) for row in rows):
            fits = "the same minor" if rows[0].fits == "minor" else rows[0].fits
            message = f"{item} does not fit TensorFlow {tensorflow.version}, only {fits}: {rows[0].why}"
            yield fault("SATELLITE", message, "take releases that match", item.package, *tensorflow.packages)
        if item.distribution in native and item.source == "pypi" and tensorflow.source == "conda":
            message = f"{item} is compiled against PyPI's TensorFlow, and conda's may not load it"
            hint = "take TensorFlow from PyPI as well (list it under `pypi`)"
            yield fault("SATELLITE-HALF", message, hint, item.package, *tensorflow.packages)


def neighbour_findings(packages: InstalledPackages) -> Iterator[Finding]:
    """Yield pairs that crash each other, files with two owners, and libraries that nothing brings."""
    yield from _same_files(packages)
    if not packages.has_wheels:
        return  # the rest is about wheels: without one, its tables need not be read
    present = {item.package for item in packages.installed} | {record.name for record in packages.records}
    for clash in clashes(packages):
        rule, others = clash.rule, ", ".join(clash.others)
        side = f"conda's {others}" if clash.from_conda else f"{others} (PyPI)"
        message = f"{side} beside {', '.join(clash.wheels)}: {rule.why}"
        named = {*clash.others, *rule.beside} & present
        yield fault(rule.code, message, rule.cure, *named, severity=rule.severity)
    for openmp, runtimes in openmp_doubles(packages):
        message = f"{openmp.distribution} (PyPI) beside {', '.join(runtimes)}: {openmp.why}"
        yield fault(openmp.code, message, openmp.cure, openmp.distribution, *runtimes, severity=openmp.severity)
    for row, wheel in lacking_libraries(packages):
        hint = f"take conda's {row.conda_package} in its place, or add `{row.conda}` to the manifest's `conda`"
        yield fault("HIDDEN-LIBRARY", f"{wheel} may not load: {row.why}", hint, wheel.package, severity="warning")


def _same_files(packages: InstalledPackages) -> Iterator[Finding]:
    for group in exclusive_groups():
        owners = group.owners(packages)
        if len(owners) < 2:
            continue
        wheels = [item.distribution for item in packages.find(*group.distributions, source="pypi")]
        keep = one_for(wheels) if len(wheels) > 1 else None
        message = f"{', '.join(owners)} install the same module `{group.owns}`: {group.why}"
        hint = f"keep one of them: {keep} does for the others" if keep else "keep one of them"
        yield fault("SAME-FILES", message, hint, *(owner.removeprefix("conda's ") for owner in owners))


def _release_findings(packages: InstalledPackages) -> Iterator[Finding]:
    for cap, installed in broken_caps(packages):
        hint = f"add `{cap.text}` to the manifest's constraints and lock again"
        yield fault("CAP", f"{installed} does not do: {cap.because}", hint, installed.package)
    for bad, installed in bad_installed(packages):
        message = f"{installed}: {bad.why}"
        yield fault(bad.code, message, f"instead: {bad.cure}", installed.package, severity=bad.severity)
    for advice, matched in advices_for(packages):
        message = f"{', '.join(map(str, matched))}: {advice.why}"
        named = (item.package for item in matched)
        yield fault(advice.code, message, f"instead: {advice.cure}", *named, severity=advice.severity)
    for row in lacking_companions(packages):
        hint = f"add `{row.needs}` to the manifest's dependencies"
        yield fault("SILENT-NEED", f"{row.name} lacks {row.needs}: {row.why}", hint, row.name, severity="warning")


def _unnamed_findings(lock: PlatformLock, packages: InstalledPackages) -> Iterator[Finding]:
    """Yield wheels whose needs are met by modules that pip cannot see."""
    for row in unnamed_contents():
        for wheel in lock.pypi if packages.named(row.conda) else ():
            unseen = [text for text in wheel.requires if _name(text) in row.distributions]
            if unseen and not packages.find(_name(unseen[0]), source="pypi"):
                message = f"{wheel.name} requires {unseen[0]}, which conda's {row.conda} stands in for: {row.why}"
                hint = "make the environment from conda-lock.yml: pip, and so environment.yml, would miss it"
                yield fault("UNNAMED-CONTENT", message, hint, row.conda, wheel.name, severity="warning")


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)
