"""Build locks for tests: small ones by hand, odd ones by hypothesis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hypothesis import strategies as st

from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.lock.package_fields import artifact
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import Decision, Finding, Severity, Source
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import Wheel

VENTURA = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
LINUX = Platform(subdir="linux-64", python="3.12")
DIGEST = f"sha256:{'c' * 64}"
INDEX = "https://files.example"


def conda_key(name: str) -> PackageKey:
    return PackageKey("conda", name)


def pypi_key(name: str) -> PackageKey:
    return PackageKey("pypi", name)


def make_record(
    name: str,
    version: str = "1.0",
    build: str = "h1234567_0",
    *,
    depends: Iterable[str] = (),
    constrains: Iterable[str] = (),
    subdir: str = "osx-arm64",
) -> Record:
    url = f"{CONDA_FORGE.url}/{subdir}/{name}-{version}-{build}.conda"
    return Record(
        name=name,
        version=version,
        build=build,
        build_number=artifact(url).build_number,
        subdir=subdir,
        channel=CONDA_FORGE.url,
        url=url,
        md5=hashlib.md5(url.encode()).hexdigest(),
        sha256=hashlib.sha256(url.encode()).hexdigest(),
        size=1000 + len(name),
        timestamp=1_700_000_000_000,
        depends=tuple(depends),
        constrains=tuple(constrains),
        license="BSD-3-Clause",
        noarch="python" if subdir == "noarch" else "",
    )


def make_wheel(
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    *,
    requires: Iterable[str] = (),
    requires_python: str = "",
    why: str = "conda-forge has no such package",
) -> LockedWheel:
    filename = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    wheel = Wheel(
        name=name,
        version=version,
        filename=filename,
        url=f"{INDEX}/{name}/{filename}",
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=len(filename),
    )
    return LockedWheel(wheel=wheel, requires=tuple(requires), requires_python=requires_python, why=why)


def make_platform(
    conda: Iterable[Record] = (),
    pypi: Iterable[LockedWheel] = (),
    platform: Platform = VENTURA,
    groups: Mapping[PackageKey, tuple[str, ...]] | None = None,
) -> PlatformLock:
    return PlatformLock(
        platform=platform,
        solver="rattler",
        repodata="conda-forge",
        conda=tuple(conda),
        pypi=tuple(pypi),
        groups=groups or {},
    )


def make_lock(*platforms: PlatformLock, name: str = "demo") -> Lock:
    return Lock(
        name=name,
        created_by="envgen 1.2.3",
        channels=(CONDA_FORGE,),
        manifest_digest=DIGEST,
        platforms=platforms or (small_platform(),),
    )


def small_platform() -> PlatformLock:
    """Return a sound platform with both halves, a group, decisions and notes."""
    python = make_record("python", "3.12.4", "h30c5eda_0_cpython", depends=["__osx >=11.0", "libffi >=3.4,<4.0a0"])
    python = replace(python, build_number=3)
    numpy = make_record(
        "numpy",
        "2.1.3",
        "py312h94ee1e1_0",
        depends=["python >=3.12,<3.13.0a0", "python >=3.12,<3.13.0a0 *_cpython", "libffi"],
        constrains=["numpy-base <0a0"],
    )
    pip = make_record("pip", "24.3.1", "pyh8b19718_0", depends=["python >=3.9,<3.13.0a0"], subdir="noarch")
    pytest = make_record("pytest", "8.3.3", "pyhd8ed1ab_0", depends=["python >=3.8"], subdir="noarch")
    metal = make_wheel(
        "tensorflow-metal", "1.2.0", "cp312-cp312-macosx_12_0_arm64", requires=["six>=1.15.0", "numpy<3"]
    )
    tensorflow = make_wheel("tensorflow", "2.19.1", "cp312-cp312-macosx_12_0_arm64", requires=["numpy<2.2", "six"])
    six = make_wheel("six", "1.17.0", "py2.py3-none-any", requires_python=">=2.7, !=3.0.*", why="needed by a wheel")
    records = (make_record("libffi", "3.4.2", "h3422bc3_5"), numpy, pip, pytest, python)
    return replace(
        make_platform(records, (six, metal, tensorflow), groups={conda_key("pytest"): ("dev",)}),
        accelerator="metal",
        decisions=(
            Decision(requirement="numpy", name="numpy", source="conda", why="the channel has it"),
            Decision(
                requirement="tensorflow-metal", name="tensorflow-metal", source="pypi", why="no conda channel has it"
            ),
        ),
        findings=(
            Finding(code="OLD-ROOT", severity="info", message="x is not the newest", hint="say x>=2", packages=("x",)),
        ),
        notes=("2 records without a date were left out",),
    )


_names = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,12}", fullmatch=True)
_canonical = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda name: "--" not in name)
_versions = st.from_regex(r"(?:[1-3]!)?[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}(?:a0|\.post1|rc1)?", fullmatch=True)
_builds = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
_specs = st.sampled_from(["", " *", " >=1,<2", " 1.2.*", " 1.2.* *_cp312", " >=1|<0.5", " ==1.0 h1_0", " >=3 *_0"])
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_groups = st.sampled_from([("main",), ("dev",), ("dev", "docs"), ("docs",)])
_urls = st.sampled_from([CONDA_FORGE.url, "https://repo.example/private", "http://127.0.0.1:8000/ch"])


@st.composite
def _records(draw: st.DrawFn) -> Record:
    name, version, build = draw(_names), draw(_versions), draw(_builds)
    channel, subdir = draw(_urls), draw(st.sampled_from(["osx-arm64", "noarch"]))
    suffix = draw(st.sampled_from([".conda", ".tar.bz2"]))
    odd_url = draw(st.booleans())
    needs = draw(st.dictionaries(_names, _specs, max_size=4))
    return Record(
        name=name,
        version=version,
        build=build,
        build_number=draw(st.integers(0, 200)),
        subdir=subdir,
        channel=channel,
        url=f"{channel}/elsewhere/x.conda" if odd_url else f"{channel}/{subdir}/{name}-{version}-{build}{suffix}",
        md5=draw(st.from_regex(r"[0-9a-f]{32}", fullmatch=True)),
        sha256=draw(st.from_regex(r"[0-9a-f]{64}|", fullmatch=True)),
        size=draw(st.none() | st.integers(0, 10**9)),
        timestamp=draw(st.none() | st.integers(0, 2 * 10**12)),
        depends=tuple(f"{need}{spec}" for need, spec in needs.items()),
        constrains=tuple(draw(st.lists(_texts, max_size=2))),
        track_features=tuple(draw(st.lists(_names, max_size=1))),
        license=draw(_texts),
        noarch=draw(st.sampled_from(["", "python", "generic"])),
        python_site_packages_path=draw(st.sampled_from(["", "lib/python3.13t/site-packages"])),
    )


_requires = st.builds(
    "{}{}{}".format,
    _canonical,
    st.sampled_from(["", "[standard]", "[a,b]"]),
    st.sampled_from(["", ">=1", "<2,>=1", "~=1.4", "!=1.5.*", " @ https://files.example/x-1-py3-none-any.whl"]),
)


@st.composite
def _wheels(draw: st.DrawFn) -> LockedWheel:
    name, version = draw(_canonical), draw(_versions)
    filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    renamed = draw(st.booleans())
    wheel = Wheel(
        name=name,
        version=version,
        filename=f"{filename[: -len('none-any.whl')]}other-any.whl" if renamed else filename,
        url=f"{INDEX}/{filename}",
        sha256=draw(st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
        size=draw(st.none() | st.integers(0, 10**9)),
    )
    requires = draw(st.lists(_requires, max_size=3, unique_by=lambda text: text.split("[")[0].split(" ")[0][:1]))
    return LockedWheel(
        wheel=wheel,
        requires=tuple(requires),
        requires_python=draw(st.sampled_from(["", ">=3.9", ">=2.7, !=3.0.*"])),
        why=draw(_texts),
    )


_sources: st.SearchStrategy[Source] = st.sampled_from(["conda", "pypi", "unknown"])
_severities: st.SearchStrategy[Severity] = st.sampled_from(["error", "warning", "info"])
_decisions = st.builds(Decision, requirement=_texts, name=_names | st.just(""), source=_sources, why=_texts)
_findings = st.builds(
    Finding,
    code=_names,
    severity=_severities,
    message=_texts,
    hint=_texts,
    packages=st.lists(_names, max_size=2).map(tuple),
)


@st.composite
def _platforms(draw: st.DrawFn, platform: Platform) -> PlatformLock:
    records = draw(st.lists(_records(), max_size=4, unique_by=lambda record: record.name))
    wheels = draw(st.lists(_wheels(), max_size=3, unique_by=lambda wheel: wheel.name))
    keys = [record.key for record in records] + [wheel.key for wheel in wheels]
    return PlatformLock(
        platform=platform,
        solver=draw(st.sampled_from(["libmamba", "rattler"])),
        repodata=draw(st.sampled_from(["conda-forge", "starter index of 2026-08-01"])),
        accelerator=draw(st.sampled_from(["cpu", "metal"])),
        conda=tuple(records),
        pypi=tuple(wheels),
        groups={key: draw(_groups) for key in keys if draw(st.booleans())},
        decisions=tuple(draw(st.lists(_decisions, max_size=3))),
        findings=tuple(draw(st.lists(_findings, max_size=2))),
        notes=tuple(draw(st.lists(_texts, max_size=2))),
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """Draw locks of one or two platforms whose every text is odd."""
    platforms = [draw(_platforms(VENTURA))] + ([draw(_platforms(LINUX))] if draw(st.booleans()) else [])
    return Lock(
        name=draw(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)),
        created_by="envgen 1.2.3",
        channels=tuple(draw(st.lists(st.builds(Channel.parse, _urls), min_size=1, max_size=2, unique=True))),
        manifest_digest=draw(st.sampled_from([DIGEST, f"sha256:{'1' * 64}"])),
        platforms=tuple(draw(st.permutations(platforms))),
        exclude_newer=draw(st.sampled_from(["", "2026-08-01"])),
    )
