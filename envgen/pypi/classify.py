"""Say whether a project can be had from its wheels on a target, and which version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from envgen.models.platform import Platform
from envgen.pypi.file_class import FileClass, VersionVerdict, judge
from envgen.pypi.project import ProjectFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """Say how a project stands on a target, within a specifier.

    With OK, `chosen` is the newest version that fits, and `held_back` are the newer ones that do not, newest first.
    Otherwise `chosen` is the newest selected version, with the reason. `newest` is the newest final version whatever
    the specifier, "" where there is none; `only_prereleases` says that only pre-releases were there to select.
    """

    code: FileClass
    chosen: VersionVerdict | None = None
    held_back: tuple[VersionVerdict, ...] = ()
    newest: str = ""
    only_prereleases: bool = False

    @property
    def version(self) -> str:
        """Give the version that the verdict is about, or ""."""
        return self.chosen.version if self.chosen else ""


def classify(files: Iterable[ProjectFile] | None, platform: Platform, specifier: str = "") -> FileVerdict:
    """Judge a project by its file names, Requires-Python and yanks alone; `files` is None where no index has it.

    Pre-releases count where the specifier names one, or where a project has nothing else. Files whose names are not
    valid are passed over, as by uv. Raises ValueError for a malformed specifier.
    """
    if files is None:
        return FileVerdict(code="NOT_ON_INDEX")
    versions = by_version(files)
    finals = [version for version in versions if not version.is_prerelease]
    newest = str(max(finals)) if finals else ""
    selected = _select(versions, finals, specifier)
    verdicts: list[VersionVerdict] = []
    for version in selected:
        verdict = judge(str(version), versions[version], platform)
        if verdict and "OK" in (verdict.code, verdict.unyanked):
            return FileVerdict(code=verdict.code, chosen=verdict, held_back=tuple(verdicts), newest=newest)
        if verdict:
            verdicts.append(verdict)
    if verdicts:
        return FileVerdict(code=verdicts[0].code, chosen=verdicts[0], newest=newest)
    hidden = any(SpecifierSet(specifier).filter(versions, prereleases=True)) and not selected
    return FileVerdict(code="NO_VERSION_MATCHES", newest=newest, only_prereleases=hidden)


def by_version(files: Iterable[ProjectFile]) -> dict[Version, list[ProjectFile]]:
    """Sort wheels and source archives by the version in their names; the rest and invalid names are left out."""
    versions: dict[Version, list[ProjectFile]] = {}
    for file in files:
        version = _version_of(file.filename)
        if version:
            versions.setdefault(version, []).append(file)
    return versions


def _version_of(filename: str) -> Version | None:
    try:
        if filename.endswith(".whl"):
            return Version(filename.split("-")[1])  # the full parse costs too much for thousands of files
        return parse_sdist_filename(filename)[1]
    except (InvalidVersion, InvalidSdistFilename, IndexError):
        return None


def _select(
    versions: Mapping[Version, Sequence[ProjectFile]], finals: Sequence[Version], specifier: str
) -> list[Version]:
    """Give the versions that count, newest first; yanked ones only where nothing else matches."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise ValueError(f"not a version specifier: `{specifier}`") from error
    pool = versions if wanted.prereleases or not finals else finals
    matching = sorted(wanted.filter(pool, prereleases=True), reverse=True)
    kept = [version for version in matching if not all(file.yanked for file in versions[version])]
    return kept or matching
