"""Hold what a way out of a refusal is looked for with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.diagnosis.standing import OnPypi, fits, is_hollow, macos_of
from envgen.diagnosis.verdict import CondaStanding, Question
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Requirement
from envgen.pypi.wheel_verdicts import by_version, classify, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Hold a requirement that cannot be had, beside the question that leads to it (its own, where nothing else does).

    `specs` and `records` are conda's: what would serve, and every record of those names, whatever the target.
    `suggestions` are names that may have been meant and that exist; `replacement` stands where the facts know what
    takes the name's place; `common_python` is the python that everything else may move to, "" where there is none;
    `asked_by_others` are the specifiers with which other packages ask for it; `channel_names` are all names of the
    channels.
    """

    question: Question
    requirement: Requirement
    platform: Platform
    pypi: OnPypi
    conda: CondaStanding
    specs: tuple[MatchSpec, ...] = ()
    records: tuple[Record, ...] = ()
    suggestions: tuple[str, ...] = ()
    replacement: Subject | None = None
    common_python: str = ""
    asked_by_others: tuple[str, ...] = ()
    channel_names: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_root(self) -> bool:
        """Tell whether the user asked for it."""
        return self.question.asked == self.requirement

    @property
    def from_conda(self) -> bool:
        """Tell whether conda may serve it."""
        return not self.question.pypi_only

    def had_on(self, platform: Platform) -> bool:
        """Tell whether the requirement itself could be had on another target, as far as files and records tell."""
        files = self.pypi.files
        found = classify(files, platform, self.requirement.specifier) if files is not None else None
        if found and found.code == "OK" and not is_hollow(self.requirement.name, found.version, platform):
            return True
        return self.from_conda and any(
            spec.matches(record) and fits(record, platform) for spec in self.specs[:1] for record in self.records
        )

    def macos_floors(self) -> set[str]:
        """List the macOS that files and records ask for where the target's is older."""
        floors = set()
        wanted = SpecifierSet(self.requirement.specifier)
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = judge(str(version), files, self.platform) if wanted.contains(version, prereleases=True) else None
            floors.add(verdict.macos if verdict else "")
        if self.from_conda:
            floors.update(macos_of(record, self.platform) for record in self.records)
        return floors - {""}

    def versions(self) -> list[Version]:
        """List the final versions that can be had on the target whatever the specifier, from either side, in order."""
        found = set()
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = None if version.is_prerelease else judge(str(version), files, self.platform)
            if verdict and verdict.code == "OK" and not is_hollow(self.requirement.name, str(version), self.platform):
                found.add(version)
        if self.from_conda:
            fitting = (to_pep440(record.version) for record in self.records if fits(record, self.platform))
            found.update(Version(text) for text in fitting if text)
        return sorted(version for version in found if not version.is_prerelease)

    def on(self, *, python: str = "", macos: str = "") -> Platform:
        """Give the target with another python or macOS."""
        return replace(self.platform, python=python or self.platform.python, macos=macos or self.platform.macos)
