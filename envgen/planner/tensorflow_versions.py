"""Choose the releases of TensorFlow that everything asked for leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from envgen.errors import PlanError
from envgen.knowledge.caps import CapRule, cap_rules
from envgen.knowledge.tensorflow import (
    METAL,
    NAMES,
    MetalRelease,
    Satellite,
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

NEWEST_MACOS = "99.0"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowChoice:
    """The releases of TensorFlow that are left, newest first, with what held newer ones back."""

    versions: tuple[str, ...]
    notes: tuple[str, ...]


def choose_tensorflow(ask: TensorFlowRequest) -> TensorFlowChoice:
    """Find the releases of TensorFlow that could serve; raise PlanError with the user's lines where none can."""
    if ask.metal:
        refuse_target(ask)
    versions = _candidates(ask)
    notes = []
    for stage in _stages(ask):
        kept = tuple(version for version in versions if stage.keeps(version))
        if not kept:
            raise _refusal(ask, stage, versions)
        if minor_of(kept[0]) != minor_of(versions[0]):
            notes.append(f"{stage.holder} holds TensorFlow at {minor_of(kept[0])}: {stage.because(versions[0])}")
        versions = kept
    return TensorFlowChoice(versions=versions, notes=tuple(notes))


def refuse_target(ask: TensorFlowRequest) -> None:
    """Stop where the target has no tensorflow-metal at all."""
    platform = ask.platform
    if platform.subdir != "osx-arm64":
        raise PlanError(
            f"{METAL} exists for osx-arm64 alone, and the target is {platform.subdir}",
            lines=origin_lines(ask.plugin, ask.accelerator_origin),
            hint="lock osx-arm64 alone, or set `accelerator: cpu` and leave tensorflow-metal out",
            code="metal-target",
        )
    if not any(platform.python in row.python for row in metal_releases()):
        last = metal_releases()[0]
        raise PlanError(
            f"{METAL} has no wheel for python {platform.python}: its last release, {last.version}, serves "
            f"python {', '.join(last.python)}",
            lines=origin_lines(ask.python_origin, ask.plugin, ask.accelerator_origin),
            hint=f'set `python: "{last.python[-1]}"`, or `accelerator: cpu`{_without(ask)}',
            code="metal-python",
        )


def _candidates(ask: TensorFlowRequest) -> tuple[str, ...]:
    """List the known releases that meet the user's bounds, newest first.

    Where none does, releases that the user's bounds spell out stand for those that are not known, with the next patch
    of each.
    """
    known = tuple(version for version in known_versions() if satisfies(ask.specifier, version))
    if known:
        return known
    named = [to_version(text) for text in named_versions(ask.specifier)]
    patches = [f"{item.major}.{item.minor}.{item.micro + 1}" for item in named]
    found = {*map(str, named), *patches}
    return tuple(sorted((item for item in found if satisfies(ask.specifier, item)), key=to_version, reverse=True))


def _stages(ask: TensorFlowRequest) -> Iterator[TensorFlowFilter]:
    yield TensorFlowFilter(
        keeps=lambda version: release_of(version) is not None,
        holder="Apple silicon",
        because=lambda version: f"no wheel holds the code of TensorFlow {version}",
        hint=lambda _: _near(ask),
        refusal=lambda _: f"no release of TensorFlow with code for Apple silicon meets {quoted_list(ask.tensorflow)}",
    )
    if ask.metal:
        yield TensorFlowFilter(
            keeps=lambda version: _links(ask, version),
            holder=quoted_list(ask.plugin) if ask.plugin_specifier else METAL,
            because=lambda _: _admitted_metal(ask)[0].why,
            hint=lambda _: _way_out(ask),
            refusal=lambda version: _no_link(ask, version),
        )
    yield from _target_stages(ask)
    yield from satellite_stages(ask.others, ask.platform)
    yield from bound_stages(ask.others, cpu=", or set `accelerator: cpu`" if ask.metal else "")


def _target_stages(ask: TensorFlowRequest) -> Iterator[TensorFlowFilter]:
    python, macos = ask.platform.python, ask.platform.macos
    yield TensorFlowFilter(
        keeps=lambda version: _fits(ask, version, replace(ask.platform, macos=NEWEST_MACOS)),
        holder=f"python {python}",
        because=lambda version: f"{_what(ask, version)} has no wheels for it",
        hint=lambda version: _other_python(ask, version),
        refusal=lambda version: f"{_what(ask, version)} has no wheels for python {python}",
    )
    yield TensorFlowFilter(
        keeps=lambda version: _fits(ask, version, ask.platform),
        holder=f"macOS {macos}",
        because=lambda version: f"{_what(ask, version)} needs a newer one",
        hint=lambda version: _other_macos(ask, version),
        refusal=lambda version: f"{_what(ask, version)} needs a newer macOS than {macos}",
    )


def _refusal(ask: TensorFlowRequest, stage: TensorFlowFilter, versions: tuple[str, ...]) -> PlanError:
    asker = (stage.asker,) if stage.asker else ()
    newest = versions[0] if versions else ""
    if stage.refusal:
        message = stage.refusal(newest)
    else:
        message = f"{quoted_list(asker)} cannot be met beside {_wanted(ask)}: {stage.because(newest)}"
    return PlanError(
        message,
        lines=origin_lines(asker, ask.tensorflow, ask.plugin, ask.accelerator_origin),
        hint=stage.hint(newest),
        code="tensorflow-family",
    )


def _wanted(ask: TensorFlowRequest) -> str:
    lines = quoted_list(ask.tensorflow) if ask.specifier else "TensorFlow"
    return f"{lines} with Metal" if ask.metal else lines


def _near(ask: TensorFlowRequest) -> str:
    minors = {minor_of(text) for text in named_versions(ask.specifier)}
    near = next((version for version in known_versions() if minor_of(version) in minors), known_versions()[0])
    return f"write `tensorflow=={near}`"


def _admitted_metal(ask: TensorFlowRequest) -> list[MetalRelease]:
    return [row for row in metal_releases() if satisfies(ask.plugin_specifier, row.version)]


def _links(ask: TensorFlowRequest, version: str) -> bool:
    return any(covers(row.links, version) for row in _admitted_metal(ask))


def _no_link(ask: TensorFlowRequest, version: str) -> str:
    rows = _admitted_metal(ask)
    if not rows:
        return f"no release of {METAL} meets {quoted_list(ask.plugin)}"
    served = [row for row in rows if ask.platform.python in row.python] or rows
    working = [known for known in known_versions() if any(covers(row.links, known) for row in served)]
    plugin = quoted_list(ask.plugin) if ask.plugin_specifier else METAL
    return (
        f"{plugin} does not load with the TensorFlow that {quoted_list(ask.tensorflow)} admits ({version} at best): "
        f"it loads with {minor_of(working[-1])} to {minor_of(working[0])}, and `import tensorflow` would fail"
    )


def _way_out(ask: TensorFlowRequest) -> str:
    other = " or drop the bound on tensorflow-metal," if ask.plugin_specifier else ""
    return f"write `tensorflow{metal_choices()[0].tensorflow}`,{other} or set `accelerator: cpu`{_without(ask)}"


def _without(ask: TensorFlowRequest) -> str:
    return " and drop tensorflow-metal" if ask.plugin else ""


def _what(ask: TensorFlowRequest, version: str) -> str:
    return f"TensorFlow {version} with {METAL}" if ask.metal else f"TensorFlow {version}"


def _fits(ask: TensorFlowRequest, version: str, platform: Platform) -> bool:
    """Return whether a target has wheels of a TensorFlow, and of a tensorflow-metal that loads with it."""
    row = release_of(version)
    if row is None or platform.python not in row.python:
        return False
    floor = macos_floor(row.code, version)
    if floor and to_numbers(floor.macos) > platform.macos_version:
        return False
    return not ask.metal or metal_for(version, platform, ask.plugin_specifier) is not None


def _other_python(ask: TensorFlowRequest, version: str) -> str:
    row = release_of(version)
    fitting = (
        python
        for python in reversed(row.python if row else ())
        if _fits(ask, version, replace(ask.platform, python=python, macos=NEWEST_MACOS))
    )
    python = next(fitting, None)
    way = f'set `python: "{python}"`, or ' if python else ""
    return f"{way}ask for a TensorFlow that fits python {ask.platform.python}"


def _other_macos(ask: TensorFlowRequest, version: str) -> str:
    rows = [row for row in _admitted_metal(ask) if covers(row.links, version) and ask.platform.python in row.python]
    floors = [row.floor for row in rows] if ask.metal else ["12.0"]
    return f"set the platform's `macos` to {min(floors, key=to_numbers)} or newer"


def satellites_in(requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """List the requirements of what loads TensorFlow's own libraries."""
    return tuple(item for item in requirements if any(row.native for row in satellites_named(item.name)))


# Narrow the releases of TensorFlow down, one reason at a time.


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowFilter:
    """One demand on the release of TensorFlow.

    `holder` names what makes the demand and `because` says why a release does not meet it; together they tell why the
    newest release is not taken. `hint` says what the user may do where no release meets it, `refusal` what failed then
    (`because` alone does where `asker`, the requirement of the user's that makes the demand, is set).
    """

    keeps: Callable[[str], bool]
    holder: str
    because: Callable[[str], str]
    hint: Callable[[str], str]
    asker: Requirement | None = None
    refusal: Callable[[str], str] | None = None


def satellite_stages(requirements: Sequence[Requirement], platform: Platform) -> Iterator[TensorFlowFilter]:
    """Demand that what is built for TensorFlow has a release that fits, with a wheel for the target."""
    for requirement in requirements:
        satellites = satellites_named(requirement.name)
        if satellites:
            yield _satellite_stage(requirement, satellites, platform)


def _satellite_stage(requirement: Requirement, satellites: Sequence[Satellite], platform: Platform) -> TensorFlowFilter:
    missing = missing_wheel(requirement.name, requirement.specifier, platform)

    def keeps(version: str) -> bool:
        return any(row.has_release(requirement.specifier, version, platform.python) for row in satellites)

    def because(version: str) -> str:
        if missing:
            return missing.why
        return f"it has no release for TensorFlow {version} on python {platform.python}: {satellites[0].why}"

    fits = ", ".join(dict.fromkeys(f"{row.name}{row.versions} ({_stages_fits(row)})" for row in satellites))
    hint = f"use {missing.fix}" if missing else f"these fit Apple silicon: {fits}"
    return TensorFlowFilter(
        keeps=keeps, holder=f"`{requirement}`", because=because, hint=lambda _: hint, asker=requirement
    )


def _stages_fits(row: Satellite) -> str:
    fits = "TensorFlow of the same minor" if row.fits == "minor" else f"tensorflow{row.fits}"
    return f"{fits}, python {', '.join(row.python)}" if row.python else fits


def bound_stages(requirements: Sequence[Requirement], *, cpu: str) -> Iterator[TensorFlowFilter]:
    """Demand that the bounds which TensorFlow puts on others leave room for the user's own.

    `cpu` ends the hint with the way out of Metal, where there is one.
    """
    capped = {rule.distribution for rule in _rules()}
    for requirement in requirements:
        if requirement.name in capped and requirement.specifier:
            yield _bound_stage(requirement, cpu)


def _bound_stage(requirement: Requirement, cpu: str) -> TensorFlowFilter:
    def broken(version: str) -> CapRule | None:
        return next(
            (
                rule
                for rule in _rules()
                if rule.distribution == requirement.name
                and covers(rule.versions, version)
                and not overlaps(rule.specifier, requirement.specifier)
            ),
            None,
        )

    def because(version: str) -> str:
        rule = broken(version)
        return f"TensorFlow {version} needs {rule.distribution}{rule.specifier}: {rule.why}" if rule else ""

    def hint(version: str) -> str:
        rule = broken(version)
        return f"write `{rule.distribution}{rule.specifier}`{cpu}" if rule else ""

    return TensorFlowFilter(
        keeps=lambda version: broken(version) is None,
        holder=f"`{requirement}`",
        because=because,
        hint=hint,
        asker=requirement,
    )


def _rules() -> tuple[CapRule, ...]:
    return tuple(rule for rule in cap_rules() if rule.beside in NAMES and "pypi" in rule.halves)
