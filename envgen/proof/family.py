"""Prove that TensorFlow, tensorflow-metal and what is built for them match."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.knowledge.installed import Installed, World
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
from envgen.models.findings import Finding

_NO_METAL = "leave tensorflow-metal out (`accelerator: cpu`)"


def family_findings(world: World, accelerator: str) -> Iterator[Finding]:
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


def _accelerator(asked: str, metal: Installed | None) -> Iterator[Finding]:
    if asked == "metal" and metal is None:
        message = "`accelerator: metal` was asked for, and tensorflow-metal is not among the packages"
        yield _error("ACCELERATOR", message, "lock again, or set `accelerator: cpu`", METAL)
    if asked != "metal" and metal is not None:
        message = f"`accelerator: {asked}` was asked for, and {metal} is among the packages"
        yield _error("ACCELERATOR", message, "set `accelerator: metal`, or drop tensorflow-metal", METAL)


def _metal(world: World, metal: Installed, tensorflow: TensorFlow | None) -> Iterator[Finding]:
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


def _wrong_target(world: World, row: MetalRelease) -> Finding:
    platform = world.platform
    target = f"{platform.subdir}, python {platform.python}, macOS {platform.macos or 'none'}"
    return _error(
        "METAL-TARGET",
        f"tensorflow-metal {row.version} does not serve {target}: it is for osx-arm64, "
        f"python {', '.join(row.python)}, macOS {row.floor} or newer",
        f"change the target, or {_NO_METAL}",
        METAL,
    )


def _wrong_pair(world: World, row: MetalRelease, tensorflow: TensorFlow) -> Finding:
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


def _code(world: World) -> Iterator[Finding]:
    """Look for the wheel that holds the code of every TensorFlow of PyPI's."""
    if not world.is_apple_silicon:
        return
    for item in world.find(*NAMES, source="pypi"):
        row = release_of(item.version)
        if row is None:
            message = f"no arm64 macOS wheel holds the code of {item}"
            yield _error("TENSORFLOW-EMPTY", message, "take tensorflow>=2.16", item.package)
        elif not _holder(world, row, item.version):
            message = f"{item} holds no code: that is in {row.code} {item.version}, which is not among the packages"
            yield _error("TENSORFLOW-EMPTY", message, f"take {row.code}=={item.version}", item.package)


def _holder(world: World, row: TensorFlowRelease, version: str) -> tuple[Installed, ...]:
    wheels = world.find(row.code, source="pypi")
    return tuple(wheel for wheel in wheels if satisfies(f"=={version}", wheel.version))


def _doubles(world: World, tensorflow: TensorFlow) -> Iterator[Finding]:
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


def _satellites(world: World, tensorflow: TensorFlow) -> Iterator[Finding]:
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
