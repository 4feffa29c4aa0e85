"""Score the name map, the extras and the version specs on the tables beside the checkout.

Run as `python -m tests.score_names [--python 3.12] [--platform osx-arm64] [--network]` from the root of the repository;
it exits 1 where a score is below what is promised. `--network` also scores extras that PyPI must be asked for.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envgen.knowledge.names import name_table
from envgen.mapping.extras import Metadata
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.mapping.version_specs import to_match_specs
from envgen.models.channel import CONDA_FORGE
from envgen.models.match_spec import MatchSpec, version_matches
from envgen.models.platform import DEFAULT_MACOS, Platform
from envgen.models.record import Repodata
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Wheel, WheelMetadata
from envgen.pypi.resolver import UvResolver
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access

SHARED = Path(__file__).parents[1] / ".." / "shared"
FACTS = SHARED / "facts"
Matches = Callable[[str, str], bool]
Row = dict[str, str]


@dataclass(kw_only=True)
class Score:
    """How many rows are right, and what is wrong with the others."""

    title: str
    floor: float = 1.0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, *, right: bool, what: str) -> None:
        self.right += right
        if not right:
            self.wrong.append(what)

    @property
    def total(self) -> int:
        return self.right + len(self.wrong)

    @property
    def passed(self) -> bool:
        return self.total > 0 and self.right >= self.floor * self.total

    def __str__(self) -> str:
        share = 100 * self.right / self.total if self.total else 0.0
        lines = [f"{'ok  ' if self.passed else 'FAIL'} {self.title}: {self.right} of {self.total} ({share:.2f} %)"]
        return "\n".join([*lines, *(f"       {text}" for text in self.wrong)])


def rows(name: str) -> list[Row]:
    """Read one of the tables of facts."""
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def target(subdir: str = "osx-arm64", python: str = "3.12") -> Platform:
    return Platform(subdir=subdir, python=python, macos=DEFAULT_MACOS if subdir.startswith("osx") else "")


@cache
def channel(platform: Platform) -> Repodata:
    """Open the partial channel beside the checkout as conda-forge."""
    mirrors = {"conda-forge": str((SHARED / "channel" / "conda-forge").resolve())}
    access = Access(cache=Path(tempfile.mkdtemp()), mirrors=mirrors, offline=True)
    return open_channels((CONDA_FORGE,), platform, access)


@cache
def mapper(platform: Platform) -> NameMapper:
    return NameMapper(repodata=channel(platform), table=name_table(), overrides={}, python=platform.python)


def map_texts(platform: Platform, texts: list[str]) -> tuple[MappedRequirement, ...]:
    """Map requirements as `envgen map` does, without metadata of PyPI's."""
    wanted = [Requirement.parse(text, Origin(path="score")) for text in texts]
    return map_requirements(wanted, mapper(platform), platform, lambda _name, _version: None)


def score_names(platform: Platform) -> Iterator[Score]:
    """Score the rows whose package the channel has; no answer may be another project's package."""
    known = channel(platform).names()
    answers = mapper(platform).map_names([row["pypi_name"] for row in rows("name_map_top5000.csv")])
    exact = Score(title="names of the top 5,000 whose package is in the channel", floor=0.995)
    foreign = Score(title="no answer is another project's package")
    for row in rows("name_map_top5000.csv"):
        answer = answers[row["pypi_name"]]
        accepted = {row["conda_name"], *row["acceptable_alternatives"].split()}
        chosen = answer.conda if answer.source == "conda" else None
        if row["conda_name"] in known:
            exact.add(right=chosen in accepted, what=f"{answer.pypi}: {chosen}, not {row['conda_name']} ({answer.why})")
        foreign.add(right=chosen is None or chosen in accepted, what=f"{answer.pypi}: {chosen}, not {accepted}")
    yield from (exact, foreign)


def score_absent(platform: Platform) -> Score:
    """Score the names that conda-forge does not have: none may get an answer from conda."""
    names = [row["pypi_name"] for row in rows("not_on_conda_forge_top5000.csv")]
    answers = mapper(platform).map_names(names)
    score = Score(title="names that are not on conda-forge")
    for name in names:
        score.add(right=answers[name].source != "conda", what=f"{name}: {answers[name].conda}")
    return score


def score_false_friends(platform: Platform) -> Score:
    """Score the names that conda uses for something else, as far as the channel can show the right package."""
    known = channel(platform).names()
    score = Score(title="false friends")
    for row in rows("false_friends.csv"):
        name, right = row["pypi_name"], row["right_conda_name"]
        answer = mapper(platform).map_names([name])[name]
        chosen = answer.conda if answer.source == "conda" else None
        if right.startswith("("):
            score.add(right=chosen is None, what=f"{name}: {chosen}, where none is right")
        elif right in known:
            score.add(right=chosen == right, what=f"{name}: {chosen}, not {right}")
    return score


def score_extras(platform: Platform) -> Score:
    """Score the extras that have packages or builds of their own, as far as the channel has them."""
    known = channel(platform).names()
    score = Score(title="extras with a package or build of their own, or that the base has")
    for row in rows("extras.csv"):
        if row["kind"] == "expand":
            continue
        wanted = {MatchSpec.parse(text).name for text in row["conda"].split()}
        if not wanted <= known or (row["kind"] == "build variant" and platform.is_mac):
            continue
        mapped = map_texts(platform, [f"{row['pypi_name']}[{row['extra']}]"])[0]
        have = {spec.name for spec in mapped.specs}
        whole = "most" in row["kind"] or not any("is not known" in note for note in mapped.notes)
        score.add(right=wanted <= have and whole, what=f"{mapped.requirement}: {mapped.spec}, not {row['conda']}")
    return score


def score_expanded(platform: Platform) -> Score:
    """Score the extras that only metadata tells, as far as the channel has what they add; this asks PyPI.

    The metadata is that of the release which the table was made from, whatever release conda has.
    """
    known = channel(platform).names()
    found = [row for row in rows("extras.csv") if row["kind"] == "expand" and row["wheel_version"]]
    metadata = released({row["pypi_name"]: row["wheel_version"] for row in found})
    score = Score(title="extras that the metadata tells")
    for row in found:
        requirement = Requirement.parse(f"{row['pypi_name']}[{row['extra']}]", Origin(path="score"))
        mapped = map_requirements([requirement], mapper(platform), platform, metadata)[0]
        if mapped.source != "conda":
            continue
        wanted = {name for name in _added_names(row["conda"]) if name in known}
        have = {spec.name for spec in mapped.specs}
        lost = {name for name in wanted - have if not have & _same_project(name)}
        score.add(right=not lost, what=f"{requirement}: {mapped.spec} lacks {sorted(lost)} {mapped.notes}")
    return score


def _added_names(text: str) -> Iterator[str]:
    """Yield the conda names of `a + b >=1, c <2[x]`; `?d` is on PyPI alone, `a[x]` names the project itself.

    A cell of more than 400 characters is cut off in the middle of its last name.
    """
    _, _, added = text.partition(" + ")
    parts = re.split(r",\s*(?=[a-z?])", re.sub(r"\[[^\]]*\]", "[]", added))
    for part in parts[:-1] if len(text) > 400 else parts:
        name = part.split(" ")[0]
        if name and not name.startswith("?") and "[" not in name:
            yield name


def _same_project(conda: str) -> set[str]:
    return {
        name
        for row in rows("name_map_top5000.csv")
        if conda in (accepted := {row["conda_name"], *row["acceptable_alternatives"].split()})
        for name in accepted
    }


def released(versions: Mapping[str, str]) -> Metadata:
    """Read metadata of wheels on PyPI, of these versions where a project is listed."""
    side = UvResolver(cache=Path(tempfile.mkdtemp()), environment=dict(os.environ))

    @cache
    def metadata(name: str, version: str) -> WheelMetadata | None:
        wanted = versions.get(name, version)
        project = side.projects([name])[name]
        files = [file for file in project.files if _version_of(file.filename) == wanted] if project else []
        best = min(files, key=lambda file: ("none-any" not in file.filename, file.filename), default=None)
        if best is None:
            return None
        return side.metadata(
            Wheel(name=name, version=wanted, filename=best.filename, url=best.url, sha256=best.sha256, size=best.size)
        )

    return metadata


def _version_of(filename: str) -> str:
    try:
        return str(parse_wheel_filename(filename)[1])
    except InvalidWheelFilename:
        return ""


def score_specs(matches: Matches = version_matches) -> Score:
    """Score the version specs: what is emitted must be what a row calls exact, or admit the same finals as PEP 440."""
    score = Score(title="version specs of the table")
    grouped: dict[str, list[Row]] = {}
    for row in rows("specs.csv"):
        grouped.setdefault("" if row["pep440_spec"] == "(empty)" else row["pep440_spec"], []).append(row)
    for pep440, found in grouped.items():
        spec = to_match_specs("pkg", pep440).spec
        versions = _probes(found)
        wanted = set(SpecifierSet(pep440).filter(versions, prereleases=False))
        excused = _excused(found, spec.version or "*")
        for row in found:
            differs = {
                text
                for text in versions
                if text not in excused and (not spec.version or matches(spec.version, text)) != (text in wanted)
            }
            score.add(right=not differs, what=f"{pep440} -> {spec}: differs on {sorted(differs)} ({row['verdict']})")
    return score


def _excused(found: list[Row], emitted: str) -> set[str]:
    """Return the versions on which the very spec that is emitted is known to differ."""
    same = [row for row in found if row["conda_spec"] == emitted]
    return {text for row in same for text in (*row["conda_only_finals"].split(), *row["pep_only"].split())}


def _probes(found: list[Row]) -> list[str]:
    texts = {text for row in found for key in ("both", "pep_only", "conda_only_finals") for text in row[key].split()}
    return sorted(text for text in texts | set(_FINALS) if _is_final(text))


def _is_final(text: str) -> bool:
    try:
        return not Version(text).is_prerelease
    except InvalidVersion:
        return False


_FINALS = (
    "0.9",
    "1.0",
    "1.0.1",
    "1.4.2",
    "1.4.3",
    "1.5",
    "1.5.1",
    "1.6",
    "1.7",
    "1.7.1",
    "2.0",
    "2.0.1",
    "2.1",
    "1!2.0",
)


def score_engine() -> Score:
    """Score the facts on match specs that the translation leans on, on the engine behind `MatchSpec`."""
    probes = ("1.4", "1.4.1", "1.4.2", "1.5", "1.7.post1", "1.99", "2.0rc1", "2.0", "1!2.1")
    score = Score(title="match specs of the table, as rattler reads them")
    for row in rows("matchspec_level.csv"):
        expected = row["rattler_lenient"]
        try:
            spec = MatchSpec.parse(row["matchspec"])
            have = " ".join(text for text in probes if spec.matches_version(text)) or "(none of the probes)"
        except ValueError:
            have = "ERR"
        score.add(right=expected.startswith(have), what=f"{row['matchspec']}: {have}, not {expected}")
    return score


def random_specifier(source: random.Random) -> str:
    """Make a specifier such as people write."""

    def version() -> str:
        return ".".join(str(source.choice((0, 1, 2, 3, 9, 10, 21))) for _ in range(source.randint(1, 3)))

    def clause() -> str:
        operator = source.choice((">=", ">=", ">", "<", "<", "<=", "==", "!=", "~=", "==.*", "!=.*"))
        text = version()
        if operator.endswith(".*"):
            return f"{operator[:2]}{text}.*"
        return f"~={text}.{source.randint(0, 3)}" if operator == "~=" else f"{operator}{text}"

    return ",".join(clause() for _ in range(source.randint(1, 3)))


def score_random(matches: Matches = version_matches, *, count: int = 2000, seed: int = 1) -> Score:
    """Score random specifiers against `packaging` on final releases and post-releases of three numbers."""
    source = random.Random(seed)
    score = Score(title=f"{count:,} random specifiers agree with packaging on final releases")
    numbers = (0, 1, 2, 3, 9, 10, 21)
    versions = [f"{source.choice(numbers)}.{source.choice(numbers)}.{source.choice(numbers)}" for _ in range(60)]
    versions += [f"{text}.post{source.randint(1, 3)}" for text in versions[:20]]
    for _ in range(count):
        text = random_specifier(source)
        converted = to_match_specs("pkg", text)
        pep440 = SpecifierSet(text)
        differs = [
            version
            for version in versions
            if matches(converted.spec.version, version) != pep440.contains(version)
            and not (converted.notes and ".post" in version)
        ]
        score.add(right=not differs, what=f"{text} -> {converted.spec}: differs on {differs[:4]}")
    return score


def libmamba_matches() -> Matches:
    """Return libmamba's reading of version specs; raise ImportError where it is not installed."""
    from libmambapy import specs

    def matches(spec: str, version: str) -> bool:
        return not spec or bool(specs.VersionSpec.parse(spec).contains(specs.Version.parse(version)))

    return matches


def all_scores(platform: Platform) -> Iterator[Score]:
    yield from score_names(platform)
    yield score_absent(platform)
    yield score_false_friends(platform)
    yield score_extras(platform)
    yield score_specs()
    yield score_engine()
    yield score_random()
    try:
        mamba = libmamba_matches()
    except ImportError:
        return
    for score in (score_specs(mamba), score_random(mamba)):
        yield replace(score, title=f"{score.title}, in libmamba")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="3.12")
    parser.add_argument("--platform", default="osx-arm64")
    parser.add_argument("--network", action="store_true")
    options = parser.parse_args()
    platform = target(options.platform, options.python)
    started = time.perf_counter()
    scores = [*all_scores(platform), *([score_expanded(platform)] if options.network else [])]
    for score in scores:
        print(score)
    print(f"{time.perf_counter() - started:.1f} s")
    return 0 if all(score.passed for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
