"""Build installed packages for the tests of facts, in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.errors import SourceLine
from envgen.knowledge.installed import InstalledPackages
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Wheel

PROVIDES = {
    "py-opencv": ("opencv-python", "opencv-python-headless"),
    "pyarrow-core": ("pyarrow",),
    "pytorch": ("torch",),
    "sentencepiece-python": ("sentencepiece",),
    "ray-core": ("ray",),
    "faiss": ("faiss",),
}
LIBRARIES = ("lib", "llvm", "tensorflow-base", "openblas", "python")


def target(python: str = "3.11", macos: str = "13.0", subdir: str = "osx-arm64") -> Platform:
    return Platform(subdir=subdir, python=python, macos=macos if subdir.startswith("osx") else "")


def record(name: str, version: str, *depends: str) -> Record:
    return Record(
        name=name,
        version=version,
        build="0",
        build_number=0,
        subdir="osx-arm64",
        channel="https://conda.anaconda.org/conda-forge",
        url=f"https://conda.anaconda.org/conda-forge/osx-arm64/{name}-{version}-0.conda",
        depends=depends,
    )


def wheel(text: str) -> Wheel:
    name, version = text.split("==")
    return Wheel(name=name, version=version, filename="", url="", sha256="")


def distributions_of(given: Record) -> tuple[str, ...]:
    if given.name in PROVIDES:
        return PROVIDES[given.name]
    return () if given.name.startswith(LIBRARIES) else (given.name.replace("_", "-"),)


def installed(
    pypi: Sequence[str] = (), conda: Sequence[Record | str] = (), platform: Platform | None = None
) -> InstalledPackages:
    """Write wheels and records as `name==version`, or give whole records."""
    records = [item if isinstance(item, Record) else record(*item.split("==")) for item in conda]
    return InstalledPackages.of(
        platform or target(), records=records, wheels=map(wheel, pypi), distributions_of=distributions_of
    )


def requirement(text: str, line: int = 1) -> Requirement:
    place = SourceLine(file="envgen.yaml", line=line, text=f"  - {text}")
    return Requirement.parse(text, Origin(path=f"dependencies[{line - 1}]", line=place))


def requirements(*texts: str) -> tuple[Requirement, ...]:
    return tuple(requirement(text, number) for number, text in enumerate(texts, start=1))
