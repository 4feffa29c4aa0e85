"""The releases of TensorFlow that everything in a request leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from envgen.errors import PlanError
from envgen.knowledge.caps import CapRule, cap_rules
from envgen.knowledge.tensorflow import (
    METAL,
    NAMES,
    MetalRelease,
    known_versions,
    metal_choices,
    metal_for,
    metal_releases,
    release_of,
    satellites_named,
)
from envgen.knowledge.version_ranges import (
    covers,
    joined,
    minor_of,
    named_versions,
    overlaps,
    satisfies,
    to_numbers,
    to_version,
)
from envgen.knowledge.wheels import macos_floor, missing_wheel
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement, origin_lines, quoted_list

_NEWEST_MACOS = "99.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowRequest:
    """What bears on the choice of TensorFlow from PyPI: the user's lines of it, of tensorflow-metal, and others.

    `metal` says that tensorflow-metal is wanted, whether or not a line names it.
    """

    platform: Platform
    metal: bool
    tensorflow: tuple[Requirement, ...]
    plugin: tuple[Requirement, ...] = ()
    others: tuple[Requirement, ...] = ()
    python_origin: Origin | None = None
    accelerator_origin: Origin | None = None

    @property
    def specifier(self) -> str:
        """Return the user's bounds on TensorFlow together."""
        return joined(*(item.specifier for item in self.tensorflow))

    @property
    def plugin_specifier(self) -> str:
        """Return the user's bounds on tensorflow-metal together."""
        return joined(*(item.specifier for item in self.plugin))

    @property
    def plugin_releases(self) -> list[MetalRelease]:
        """Return the releases of tensorflow-metal that the user's bounds admit."""
        return [row for row in metal_releases() if satisfies(self.plugin_specifier, row.version)]

    @property
    def plugin_text(self) -> str:
        return quoted_list(self.plugin) if self.plugin_specifier else METAL

    @property
    def dropped_plugin(self) -> str:
        """Return the end of the hint to set `accelerator: cpu`."""
        return " and drop tensorflow-metal" if self.plugin else ""

    def described(self, version: str) -> str:
        return f"TensorFlow {version} with {METAL}" if self.metal else f"TensorFlow {version}"

    def fits(self, version: str, platform: Platform) -> bool:
        """Return whether a target has wheels of a TensorFlow, and of a tensorflow-metal that loads with it."""
        row = release_of(version)
        if row is None or platform.python not in row.python:
            return False
        floor = macos_floor(row.code, version)
        if floor and to_numbers(floor.macos) > platform.macos_version:
            return False
        return not self.metal or metal_for(version, platform, self.plugin_specifier) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowChoice:
    """The releases of TensorFlow that are left, newest first, with notes on what keeps newer ones out."""

    versions: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A demand on the release of TensorFlow.

    `by` names what makes the demand and `because` says why a release does not meet it; together they say why the
    newest release is not taken. `hint` says what the user may do where no release meets it, `refusal` what failed then
    (`because` alone does where `requirement`, the user's that makes the demand, is set).
    """

    met_by: Callable[[str], bool]
    by: str
    because: Callable[[str], str]
    hint: Callable[[str], str]
    requirement: Requirement | None = None
    refusal: Callable[[str], str] | None = None


def choose_tensorflow(request: TensorFlowRequest) -> TensorFlowChoice:
    """Return the releases of TensorFlow that could serve; raise PlanError with the user's lines where none can."""
    if request.metal:
        _refuse_target(request)
    versions = _candidates(request)
    notes = []
    for demand in _demands(request):
        left = tuple(version for version in versions if demand.met_by(version))
        if not left:
            raise _refusal(request, demand, versions)
        if minor_of(left[0]) != minor_of(versions[0]):
            notes.append(f"{demand.by} holds TensorFlow at {minor_of(left[0])}: {demand.because(versions[0])}")
        versions = left
    return TensorFlowChoice(versions=versions, notes=tuple(notes))


def _refuse_target(request: TensorFlowRequest) -> None:
    """Refuse a target that has no tensorflow-metal at all."""
    platform = request.platform
    if not platform.is_apple_silicon:
        raise PlanError(
            f"{METAL} exists for osx-arm64 alone, and the target is {platform.subdir}",
            lines=origin_lines(request.plugin, request.accelerator_origin),
            hint="lock osx-arm64 alone, or set `accelerator: cpu` and leave tensorflow-metal out",
            code="metal-target",
        )
    if not any(platform.python in row.python for row in metal_releases()):
        last = metal_releases()[0]
        raise PlanError(
            f"{METAL} has no wheel for python {platform.python}: its last release, {last.version}, serves "
            f"python {', '.join(last.python)}",
            lines=origin_lines(request.python_origin, request.plugin, request.accelerator_origin),
            hint=f'set `python: "{last.python[-1]}"`, or `accelerator: cpu`{request.dropped_plugin}',
            code="metal-python",
        )


def _candidates(request: TensorFlowRequest) -> tuple[str, ...]:
    """Return the known releases that meet the user's bounds, newest first.

    Where none does, these are the releases that the user's bounds spell out, each with its next patch: the facts may be
    older than a release that the user knows.
    """
    known = tuple(version for version in known_versions() if satisfies(request.specifier, version))
    if known:
        return known
    named = [to_version(text) for text in named_versions(request.specifier)]
    patches = [f"{item.major}.{item.minor}.{item.micro + 1}" for item in named]
    found = {*map(str, named), *patches}
    return tuple(sorted((item for item in found if satisfies(request.specifier, item)), key=to_version, reverse=True))


def _refusal(request: TensorFlowRequest, demand: Demand, versions: tuple[str, ...]) -> PlanError:
    own = (demand.requirement,) if demand.requirement else ()
    newest = versions[0] if versions else ""
    if demand.refusal:
        message = demand.refusal(newest)
    else:
        wanted = quoted_list(request.tensorflow) if request.specifier else "TensorFlow"
        metal = " with Metal" if request.metal else ""
        message = f"{quoted_list(own)} cannot be met beside {wanted}{metal}: {demand.because(newest)}"
    return PlanError(
        message,
        lines=origin_lines(own, request.tensorflow, request.plugin, request.accelerator_origin),
        hint=demand.hint(newest),
        code="tensorflow-family",
    )


def _demands(request: TensorFlowRequest) -> Iterator[Demand]:
    minors = {minor_of(text) for text in named_versions(request.specifier)}
    near = next((version for version in known_versions() if minor_of(version) in minors), known_versions()[0])
    yield Demand(
        met_by=lambda version: release_of(version) is not None,
        by="Apple silicon",
        because=lambda version: f"no wheel holds the code of TensorFlow {version}",
        hint=lambda _: f"write `tensorflow=={near}`",
        refusal=lambda _: (
            f"no release of TensorFlow with code for Apple silicon meets {quoted_list(request.tensorflow)}"
        ),
    )
    if request.metal:
        yield _metal_demand(request)
    yield from _target_demands(request)
    for requirement in request.others:
        if satellites_named(requirement.name):
            yield _satellite_demand(requirement, request.platform)
    rules = [rule for rule in cap_rules() if rule.beside in NAMES and "pypi" in rule.halves]
    for requirement in request.others:
        capped = [rule for rule in rules if rule.distribution == requirement.name]
        if capped and requirement.specifier:
            yield _bound_demand(requirement, capped, cpu=", or set `accelerator: cpu`" if request.metal else "")


def _metal_demand(request: TensorFlowRequest) -> Demand:
    """Demand a release that some admitted tensorflow-metal loads with."""
    rows = request.plugin_releases

    def refusal(version: str) -> str:
        if not rows:
            return f"no release of {METAL} meets {quoted_list(request.plugin)}"
        served = [row for row in rows if request.platform.python in row.python] or rows
        working = [known for known in known_versions() if any(covers(row.links, known) for row in served)]
        return (
            f"{request.plugin_text} does not load with the TensorFlow that {quoted_list(request.tensorflow)} admits "
            f"({version} at best): it loads with {minor_of(working[-1])} to {minor_of(working[0])}, "
            "and `import tensorflow` would fail"
        )

    other = " or drop the bound on tensorflow-metal," if request.plugin_specifier else ""
    preferred = f"tensorflow{metal_choices()[0].tensorflow}"
    return Demand(
        met_by=lambda version: any(covers(row.links, version) for row in rows),
        by=request.plugin_text,
        because=lambda _: rows[0].why,
        hint=lambda _: f"write `{preferred}`,{other} or set `accelerator: cpu`{request.dropped_plugin}",
        refusal=refusal,
    )


def _target_demands(request: TensorFlowRequest) -> Iterator[Demand]:
    """Demand wheels for the target's python, and for its macOS."""
    python, macos = request.platform.python, request.platform.macos

    def other_python(version: str) -> str:
        row = release_of(version)
        for minor in reversed(row.python if row else ()):
            if request.fits(version, replace(request.platform, python=minor, macos=_NEWEST_MACOS)):
                return f'set `python: "{minor}"`, or ask for a TensorFlow that fits python {python}'
        return f"ask for a TensorFlow that fits python {python}"

    def other_macos(version: str) -> str:
        rows = [row for row in request.plugin_releases if covers(row.links, version) and python in row.python]
        floors = [row.floor for row in rows] if request.metal else ["12.0"]
        return f"set the platform's `macos` to {min(floors, key=to_numbers)} or newer"

    yield Demand(
        met_by=lambda version: request.fits(version, replace(request.platform, macos=_NEWEST_MACOS)),
        by=f"python {python}",
        because=lambda version: f"{request.described(version)} has no wheels for it",
        hint=other_python,
        refusal=lambda version: f"{request.described(version)} has no wheels for python {python}",
    )
    yield Demand(
        met_by=lambda version: request.fits(version, request.platform),
        by=f"macOS {macos}",
        because=lambda version: f"{request.described(version)} needs a newer one",
        hint=other_macos,
        refusal=lambda version: f"{request.described(version)} needs a newer macOS than {macos}",
    )


def _satellite_demand(requirement: Requirement, platform: Platform) -> Demand:
    """Demand that what is built for TensorFlow has a release that fits, with a wheel for the target."""
    rows = satellites_named(requirement.name)
    missing = missing_wheel(requirement.name, requirement.specifier, platform)

    def because(version: str) -> str:
        if missing:
            return missing.why
        return f"it has no release for TensorFlow {version} on python {platform.python}: {rows[0].why}"

    fits = []
    for row in rows:
        scope = "TensorFlow of the same minor" if row.fits == "minor" else f"tensorflow{row.fits}"
        pythons = f", python {', '.join(row.python)}" if row.python else ""
        fits.append(f"{row.name}{row.versions} ({scope}{pythons})")
    hint = f"use {missing.fix}" if missing else f"these fit Apple silicon: {', '.join(dict.fromkeys(fits))}"
    return Demand(
        met_by=lambda version: any(row.has_release(requirement.specifier, version, platform.python) for row in rows),
        by=f"`{requirement}`",
        because=because,
        hint=lambda _: hint,
        requirement=requirement,
    )


def _bound_demand(requirement: Requirement, rules: list[CapRule], cpu: str) -> Demand:
    """Demand that the bounds which TensorFlow puts on a distribution leave room for the user's own.

    `cpu` ends the hint with the way out of Metal, where there is one.
    """

    def broken(version: str) -> list[CapRule]:
        return [
            rule
            for rule in rules
            if covers(rule.versions, version) and not overlaps(rule.specifier, requirement.specifier)
        ]

    def because(version: str) -> str:
        rule = broken(version)[0]
        return f"TensorFlow {version} needs {rule.distribution}{rule.specifier}: {rule.why}"

    def hint(version: str) -> str:
        rule = broken(version)[0]
        return f"write `{rule.distribution}{rule.specifier}`{cpu}"

    return Demand(
        met_by=lambda version: not broken(version),
        by=f"`{requirement}`",
        because=because,
        hint=hint,
        requirement=requirement,
    )
