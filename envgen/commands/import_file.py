"""Make a manifest of another tool's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envgen.errors import EnvgenError, ForeignFileError, RepodataError, SourceLine, UsageError, WriteError
from envgen.importers.draft import OUTCOMES, Draft, DraftItem, LineReport, Outcome, safe_name
from envgen.importers.items import ForeignFile, Ignored, ImportedChannel, ImportedMatchSpec, ImportedPython
from envgen.importers.loosen_pins import PINS, Pins, needed_items
from envgen.importers.source_files import ForeignFolder, open_foreign, read_foreign
from envgen.importers.translate import Context, LineTranslator, groups_of, line_report
from envgen.knowledge.replacements import replacement_of, unwanted_channel, unwanted_package
from envgen.manifest.edit import set_accelerator, set_macos, set_name
from envgen.manifest.fields import OLDEST_PYTHON
from envgen.manifest.fields import channel as channel_of
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.problems import RefusalError
from envgen.manifest.schema import Accelerator
from envgen.mapping.conda_to_pypi import CondaToPypi, to_specifier
from envgen.models.channel import CONDA_FORGE
from envgen.models.findings import counted, is_or_are
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, DEFAULT_PYTHON, Platform
from envgen.models.secrets import advice, has_secret, has_variable, without_secrets
from envgen.project.channels import name_mapper, open_index
from envgen.project.project import MANIFEST, PlatformOptions
from envgen.project.services import Services
from envgen.system.files import exclusive, inside

_KEPT: dict[Pins, str] = {
    "exact": "the versions are kept where osx-arm64 has them",
    "series": "the series (1.2.*) is kept, because the versions cannot be met together",
    "major": "the major version (1.*) is kept, because the series cannot be met together",
    "free": "the names alone are kept, because the versions cannot be met together",
}
NAMES = ("`name`", "`project.name`", "`tool.poetry.name`", "`workspace.name`", "`tool.pixi.workspace.name`")
FLOORS = ("`system-requirements.macos`", "`tool.pixi.system-requirements.macos`")
NEWEST_MINOR = 14  # the newest that conda-forge builds for Apple silicon
NO_PYTHON_HINT = "name one under `python`, or with --python"
_PATCHES = range(30)  # more than any minor has had; a bound may speak of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the call says in place of the file; "" leaves it to the file.

    `pins` says how much is kept of the versions in a list that a solver made.
    """

    name: str = ""
    python: str = ""
    macos: str = ""
    accelerator: Accelerator | None = None
    pins: Pins = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A manifest that was made of another tool's file, and what became of each line.

    `accounts` are in the order of the lines, those of an included file behind the line that includes it.
    """

    file: ForeignFile
    text: str
    manifest: Manifest
    accounts: tuple[LineReport, ...]
    notes: tuple[str, ...]

    def counts(self) -> dict[Outcome, int]:
        """Count the lines by what became of them."""
        found = Counter(account.outcome for account in self.accounts)
        return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def import_file(services: Services, path: Path, options: ImportOptions) -> Imported:
    """Make a manifest of a file, with an account of every line.

    The channel's index, where it can be had, tells conda's Python packages from its libraries; else the tables do.

    Raises:
        ForeignFileError: the file cannot be read. UsageError, ManifestError: an option is no value for a manifest.
    """
    PlatformOptions(python=options.python, macos=options.macos).platform()
    folder, first = open_foreign(services.settings.folder / path)

    def include(name: str, beside: str) -> tuple[str, str]:
        found = folder.read(name, beside)
        return found.shown, found.text

    file = read_foreign(first.text, first.shown, include)
    return _Importer(services, file, folder, options).run()


def save(path: Path, text: str) -> None:
    """Write a manifest to a new file; raise WriteError where there is one already or the disk refuses."""
    if path.exists():
        raise WriteError(
            f"{path} exists already", hint="choose another path, or move that file away first", code="exists"
        )
    with exclusive(path.parent) as writer:
        writer.write({path.name: text})


def chosen_pins(text: str) -> Pins:
    """Read how much of a solver's versions is kept; raise UsageError for what is no such level."""
    found = next((level for level in PINS if level == text), None)
    if found is None:
        raise UsageError(f"unknown level of pins `{text}`", hint=f"one of {', '.join(PINS)}")
    return found


def source_lines(imported: Imported) -> dict[int, SourceLine]:
    """Map the manifest's lines to those of the file that they were made of."""
    # backwards, so that of several lines that became one the first counts
    made = {account.becomes: account.line for account in reversed(imported.accounts) if account.becomes}
    return {number: made[place] for number, place in _places(imported.manifest) if place in made}


def blame_file(error: EnvgenError, imported: Imported) -> EnvgenError:
    """Return an error that speaks of the file's lines where it spoke of lines that were made of them.

    A line is known by its text, for the manifest may have been edited since it was made.
    """
    lines = imported.text.split("\n")
    made = {lines[number - 1].strip(): line for number, line in source_lines(imported).items()}
    if account := next((each for each in imported.accounts if each.becomes.startswith("python: ")), None):
        made[next((line for line in lines if line.startswith("python:")), "")] = account.line
    return error.with_lines(made.get(line.text.strip(), line) for line in error.lines)


def _places(manifest: Manifest) -> Iterator[tuple[int, str]]:
    """Yield each item's line and its place, as an account of the import writes it."""
    requirements = (*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements())
    written = [(requirement.origin, requirement.text) for requirement in requirements]
    written += [(root.origin, root.spec.text) for root in manifest.conda_specs()]
    for origin, text in written:
        if origin.line:
            yield origin.line.line, f"{origin.path.rpartition('[')[0]}: {text}"


class _Importer:
    """The import of one file."""

    def __init__(self, services: Services, file: ForeignFile, folder: ForeignFolder, options: ImportOptions) -> None:
        self._services = services
        self._file = file
        self._folder = folder
        self._options = options
        self._notes = list(file.notes)
        self._origins: Sequence[str] = ()
        self._draft = Draft(source=file.file, name=file.name or _stem(file.file), macos=file.macos)

    def run(self) -> Imported:
        # by `id`, since the items of one statement may be equal
        accounts = {**dict(self._python()), **dict(self._settings())}
        conda_to_pypi = self._conda_to_pypi()
        context = Context(
            conda_to_pypi=conda_to_pypi,
            needed=needed_items(self._file.items if self._file.solved else (), conda_to_pypi),
            find_project=self._find_project,
            exact=self._file.solved,
            pins=self._options.pins,
            groups=groups_of(self._file.items),
            files=bool(self._file.files),
        )
        translator = LineTranslator(self._draft, context)
        accounts |= self._channels(translator, conda_to_pypi)
        reports = [accounts.get(id(item)) or translator.translate(item) for item in self._file.items]
        self._remark(reports)
        text = self._with_options(self._draft.text())
        manifest = load_manifest(text, MANIFEST)
        return Imported(
            file=self._file, text=text, manifest=manifest, accounts=tuple(reports), notes=tuple(self._notes)
        )

    def _python(self) -> Iterator[tuple[int, LineReport]]:
        """Choose a python; what the call says goes before, and what a group says counts where nothing else does."""
        lines = [item for item in self._file.items if isinstance(item, ImportedPython)]
        bounds = [item for item in lines if not item.group] or lines[:1]
        chosen = choose_python(bounds, self._options.python)
        self._draft.python = chosen.minor
        becomes = f"python: {chosen.minor}" if chosen.minor else ""
        why = chosen.why if chosen.possible else f"{chosen.why}; {NO_PYTHON_HINT}"
        for item in lines:
            if item not in bounds:
                yield id(item), line_report(item, "dropped", why="an environment has one python, for all of its groups")
                continue
            if not chosen.possible:
                self._draft.undecided.append(f"line {item.span.line.line}: {why}")
            yield id(item), line_report(item, "setting" if chosen.possible else "decision", becomes, why)

    def _settings(self) -> Iterator[tuple[int, LineReport]]:
        """Account for what became a key of the manifest."""
        for item in self._file.items:
            if isinstance(item, Ignored) and item.what in NAMES and self._file.name:
                yield (
                    id(item),
                    line_report(item, "setting", f"name: {self._options.name or safe_name(self._file.name)}"),
                )
            elif isinstance(item, Ignored) and item.what in FLOORS and self._file.macos:
                yield id(item), line_report(item, "setting", f"platforms: macos {self._file.macos}")

    def _conda_to_pypi(self) -> CondaToPypi:
        """Open the channel where conda's names or a solved list need it."""
        if not self._file.solved and not any(isinstance(item, ImportedMatchSpec) for item in self._file.items):
            return CondaToPypi()
        python = self._options.python or self._draft.python or DEFAULT_PYTHON
        platform = Platform(subdir=APPLE_SILICON, python=python, macos=DEFAULT_MACOS)
        try:
            repodata = open_index(self._services, (CONDA_FORGE,), platform, first=True)
            self._origins = repodata.notes
            if not repodata.complete:
                self._notes.append(f"conda's names were judged by the {repodata.origin} and by envgen's tables")
            return CondaToPypi(name_mapper(self._services, {}, repodata, platform))
        except RepodataError as error:
            self._notes.append(f"{error.message}; so conda's names were judged by the tables that envgen ships")
            return CondaToPypi()

    def _channels(self, translator: LineTranslator, conda_to_pypi: CondaToPypi) -> dict[int, LineReport]:
        """Keep the channels that something may need beside conda-forge."""
        specs = [
            item for item in self._file.items if isinstance(item, ImportedMatchSpec) and _lacks(conda_to_pypi, item)
        ]
        needless = conda_to_pypi.complete and not specs
        why_kept = _why_kept([spec.name for spec in specs])
        accounts = {
            id(item): self._channel(item, translator, why_kept, needless=needless)
            for item in self._file.items
            if isinstance(item, ImportedChannel)
        }
        kept = [account.becomes.removeprefix("channels: ") for account in accounts.values() if account.becomes]
        kept += [CONDA_FORGE.name, *_channels_of(specs)]
        self._draft.channels = [DraftItem(name) for name in dict.fromkeys(kept)]
        return accounts

    @staticmethod
    def _channel(item: ImportedChannel, translator: LineTranslator, why_kept: str, *, needless: bool) -> LineReport:
        name = item.channel.rstrip("/")
        if name.startswith("conda-forge/"):
            why = "the label is left out: conda-forge's main one is read"
            return line_report(item, "loosened", "channels: conda-forge", why)
        if name in (CONDA_FORGE.name, CONDA_FORGE.url):
            return line_report(item, "mapped", "channels: conda-forge")
        why = "envgen never adds the defaults" if name == "nodefaults" else unwanted_channel(name)
        if needless and not why:
            why = f"conda-forge has all that the file asks of conda, so {name} is not needed"
        if why:
            return line_report(item, "dropped", why=why)
        if "://" in name and has_secret(name) and not has_variable(clean := without_secrets(name)):
            return line_report(item, "loosened", f"channels: {clean}", advice(name))
        try:
            channel_of(name)
        except RefusalError as error:
            return translator.undecided(item, error.message, error.hint)
        return line_report(item, "mapped", f"channels: {name}", why_kept)

    def _find_project(self, path: str, beside: str) -> str:
        """Return a project's path relative to the root, if it is there and below it."""
        root = self._services.root
        try:
            folder = inside(root, self._folder.folder / Path(beside).parent / path, error=ForeignFileError)
        except ForeignFileError:
            return ""
        if not any((folder / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg")):
            return ""
        return folder.relative_to(root.resolve()).as_posix()

    def _remark(self, reports: list[LineReport]) -> None:
        own = self._find_project(".", self._file.file) if self._file.project else ""
        if own and own not in self._draft.projects:
            self._draft.remarks.append(f"to install the project itself, too: local: [{{path: {own}, editable: true}}]")
        if any(report.outcome == "pypi" for report in reports):
            self._notes += self._origins  # whose word it is that conda-forge has none
        if self._file.solved:
            left = sum(report.outcome == "brought" for report in reports)
            needed = f"{counted(left, 'package')} that others of it need {is_or_are(left)} left to envgen's own solve"
            rest = f"{needed}; of the others, " if left else ""
            self._notes.append(f"{self._file.file} lists what a solver chose: {rest}{_KEPT[self._options.pins]}")

    def _with_options(self, text: str) -> str:
        options = self._options
        text = set_name(text, options.name) if options.name else text
        text = set_macos(text, options.macos) if options.macos else text
        return set_accelerator(text, options.accelerator) if options.accelerator else text


def _lacks(conda_to_pypi: CondaToPypi, item: ImportedMatchSpec) -> bool:
    """Return whether a package may have to come from another channel than conda-forge."""
    if unwanted_package(item.name, "conda") or replacement_of(item.name, APPLE_SILICON):
        return False
    return conda_to_pypi.complete and not conda_to_pypi.has(item.name) and not item.channel.startswith("conda-forge")


def _channels_of(specs: Iterable[ImportedMatchSpec]) -> Iterator[str]:
    """Yield the channels that specs name, but for those that a manifest may not have."""
    for spec in specs:
        if spec.channel and not unwanted_channel(spec.channel):
            with suppress(RefusalError):
                channel_of(spec.channel)
                yield spec.channel


def _why_kept(lacking: list[str]) -> str:
    if not lacking:
        return "it could not be told whether anything needs it"
    return f"conda-forge has no {', '.join(lacking[:3])}{' …' if len(lacking) > 3 else ''}, which may be there"


def _stem(file: str) -> str:
    stem = Path(file).stem
    return "" if stem.startswith(("requirements", "environment", "pyproject", "pixi", "conda-lock")) else stem


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPython:
    """A python minor, or "" where the file leaves it open or asks for what does not exist, and why."""

    minor: str
    why: str
    possible: bool = True


def choose_python(bounds: Sequence[ImportedPython], named: str = "") -> ChosenPython:
    """Return the python that the call names, else the one minor that the bounds admit, else the newest of them.

    Where they admit the newest of all, nothing is chosen.
    """
    if named:
        return ChosenPython(minor=named, why="the call names this one")
    minors = [
        minor for minor in range(OLDEST_PYTHON[1], NEWEST_MINOR + 1) if all(_admits(one, minor) for one in bounds)
    ]
    if not minors:
        written = " and ".join(dict.fromkeys(f"`{one.bound}`" for one in bounds))
        why = f"none of the pythons for Apple silicon (3.{OLDEST_PYTHON[1]} to 3.{NEWEST_MINOR}) meets {written}"
        return ChosenPython(minor="", why=why, possible=False)
    if minors[-1] == NEWEST_MINOR:
        return ChosenPython(
            minor="", why="python is left open: `envgen new` takes the newest that everything works with"
        )
    newest = f"3.{minors[-1]}"
    if len(minors) == 1:
        return ChosenPython(minor=newest, why="a minor version is what a manifest names")
    return ChosenPython(minor=newest, why="the newest that the file admits")


def _admits(bound: ImportedPython, minor: int) -> bool:
    text = to_specifier(bound.bound) if bound.conda else bound.bound
    try:
        specifier = SpecifierSet(text or "")
    except InvalidSpecifier:
        return True
    return any(specifier.contains(f"3.{minor}.{patch}") for patch in _PATCHES)
