"""List the fixes of a blocked requirement, the best first; each holds by the files and records that were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name, is_normalized_name
from packaging.version import Version

from envgen.diagnosis.blocked import WHY_TENSORFLOW_MACOS, BlockedRequirement, common_python, nearest_pythons
from envgen.diagnosis.results import Fix, ManifestEdit, PypiClass
from envgen.knowledge.releases import bad_releases
from envgen.knowledge.replacements import replacement_of, unwanted_package
from envgen.knowledge.version_ranges import named_versions, overlaps, to_version
from envgen.knowledge.wheels import BuildNeeds, build_needs, missing_wheel
from envgen.models.match_spec import version_key
from envgen.models.requirement import Requirement
from envgen.planner.overrides import removal

FixMaker = Callable[[BlockedRequirement], Iterator[Fix]]
_OLD_TENSORFLOW = "tensorflow-macos"
_COMPILERS = "compilers"


def fixes_of(blocked: BlockedRequirement) -> tuple[Fix, ...]:
    """Return what could be changed so that a requirement, or what leads to it, can be had.

    What cannot be had even on the python that everything else may move to is judged as if that were taken.
    """
    python = blocked.common_python
    if python and not blocked.available_on(python=python):
        blocked = blocked.for_python(python)
    return tuple(_made(blocked, (*_makers(blocked), _left_out)))


def _made(blocked: BlockedRequirement, makers: Sequence[FixMaker]) -> list[Fix]:
    found: list[Fix] = []
    for make in makers:
        found.extend(fix for fix in make(blocked) if fix.edit not in [known.edit for known in found])
    return found


def _makers(blocked: BlockedRequirement) -> tuple[FixMaker, ...]:
    """Return what may help: nothing is built for what a Mac has no use for, or what something else replaces."""
    if _why_unwanted(blocked):
        return (_replaced, _instead)
    makers = _BY_CLASS.get(blocked.pypi.availability.code, _ANY)
    if blocked.replacement or replacement_of(blocked.requirement.name, blocked.platform.subdir):
        makers = tuple(maker for maker in makers if maker not in (_built, _built_if_source))
    first = (_replaced, _instead) if blocked.is_root else (*_BELOW, _replaced, _instead)
    return (*first, *makers, _newer_elsewhere)


def _why_unwanted(blocked: BlockedRequirement) -> str:
    return unwanted_package(blocked.requirement.name, "pypi")


def _replaced(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Take what the facts say takes the name's place, where that can be had, or what lets it be had."""
    name = blocked.requirement.name
    row = replacement_of(name, blocked.platform.subdir, blocked.requirement.specifier)
    if row and not row.replacement:
        yield Fix(text=f"leave `{name}` out: {row.why}", edit=_without(blocked))
    target = blocked.replacement
    if target is None:
        return
    is_old_name = target.requirement.name == _OLD_TENSORFLOW
    why = "; ".join(filter(None, [row.why if row else "", WHY_TENSORFLOW_MACOS if is_old_name else ""]))
    text = f"ask for `{target.requirement}` instead: {why}"
    if target.pypi.installs or target.conda.available:
        yield Fix(text=text, edit=_renamed(blocked, target.requirement))
        return
    target = replace(target, common_python=common_python([target], ()))
    for fix in _made(target, _makers(target)):
        if fix.edit and (fix.edit.keeps or not is_old_name):  # the old name has no newer releases
            whole = f"{text}; {fix.text}" if fix.edit.keeps else f"{fix.text}; {why}"
            yield Fix(text=whole, edit=_renamed(blocked, target.requirement, fix.edit))


def _instead(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Take what the facts name beside a missing wheel or a bad release."""
    name, specifier = blocked.requirement.name, blocked.requirement.specifier
    missing = missing_wheel(name, specifier, blocked.platform)
    if missing and missing.instead:
        yield Fix(text=f"{missing.why}; use {missing.fix}", edit=_respelled(blocked, *missing.instead))
    for row in bad_releases():
        if row.name == name and row.instead and blocked.pypi.availability.code != "OK":
            yield Fix(text=f"{row.why}; {row.cure}", edit=_respelled(blocked, *row.instead))
        elif row.name == blocked.question.name != name and row.instead:
            yield Fix(text=f"ask for {row.cure}: {row.why}", edit=ManifestEdit(dependencies=row.instead))


def _root_loosened(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Admit other releases of the root, which may not need this one, or not in this version."""
    root = blocked.question.requested
    if blocked.is_root or not isinstance(root, Requirement) or root.name == blocked.requirement.name:
        return
    named = named_versions(root.specifier)
    if named and root.specifier != f">={named[0]}":
        loose = replace(root, specifier=f">={named[0]}")
        texts = (f"{loose}; {root.marker}" if root.marker else str(loose),)
        edit = ManifestEdit(pypi=texts) if blocked.question.pypi_only else ManifestEdit(dependencies=texts)
        yield Fix(text=f"ask for `{loose}`: a newer release may need another `{blocked.requirement.name}`", edit=edit)


def _newer_elsewhere(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Take the next newer version together with the nearest python that has it, where this one has none at all."""
    pin = _pin(blocked)
    if not blocked.is_root or pin is None or blocked.versions():
        return
    for python in nearest_pythons(blocked.platform):
        newer = [version for version in blocked.for_python(python).versions() if version >= pin]
        if newer:
            bound = f"{blocked.requirement.name}>={newer[0]}"
            text = f'set `python: "{python}"` and ask for `{bound}`, the nearest that can be had'
            yield Fix(text=text, edit=replace(_respelled(blocked, bound), python=python))
            return


def _other_python(blocked: BlockedRequirement) -> Iterator[Fix]:
    python = blocked.common_python
    if python and python != blocked.platform.python:
        text = f'set `python: "{python}"`: `{blocked.requirement}` can be had for it'
        yield Fix(text=text, edit=ManifestEdit(python=python, keeps=True))


def _newer_macos(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Raise the floor as little as helps."""
    floors = {floor if "." in floor else f"{floor}.0" for floor in blocked.macos_floors()}
    for floor in sorted(floors, key=version_key):
        if version_key(floor) > version_key(blocked.platform.macos) and blocked.available_on(macos=floor):
            text = f'raise the macOS floor to "{floor}", which leaves out every Mac below it'
            yield Fix(text=text, edit=ManifestEdit(macos=floor, keeps=True))
            return


def _newer_version(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Take the next newer version that can be had."""
    versions, pin = blocked.versions(), _pin(blocked)
    newer = next((version for version in versions if pin is not None and version >= pin), None)
    if newer is not None:
        yield _nearest(blocked, f">={newer}", newer)


def _older_version(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Take the newest of the older versions that can be had."""
    versions, pin = blocked.versions(), _pin(blocked)
    if versions and pin is not None and versions[-1] < pin:
        yield _nearest(blocked, f"<={versions[-1]}", versions[-1])


def _pin(blocked: BlockedRequirement) -> Version | None:
    named = named_versions(blocked.requirement.specifier)
    return to_version(named[0]) if named else None


def _nearest(blocked: BlockedRequirement, bound: str, version: Version) -> Fix:
    name = blocked.requirement.name
    text = f"ask for `{name}{bound}`: {version} is the nearest that can be had"
    return Fix(text=text, edit=_respelled(blocked, f"{name}{bound}"))


def _suggested(blocked: BlockedRequirement) -> Iterator[Fix]:
    names = (name for name in blocked.suggestions if is_normalized_name(canonicalize_name(name)))
    for name in names:  # a channel may have odd ones
        yield Fix(text=f"did you mean `{name}`?", edit=_respelled(blocked, name))


def _built(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Leave it out of the lock, put a toolchain into it, and build it in the environment.

    Nothing is built while locking, since that runs foreign code.
    """
    row = build_needs(blocked.requirement.name)
    pure = row is not None and row.pure
    conda = (*(() if pure else (_COMPILERS,)), *(row.conda if row else ()))
    tools = tuple(name for name in conda if name in blocked.channel_names)
    text = f"{_on_conda_forge(blocked)}{_toolchain(blocked.requirement.name, row)}: {_build_command(blocked, row)}"
    if not pure:
        text += "; on the Mac this needs Xcode's command line tools (`xcode-select --install`)"
    yield Fix(text=text, edit=replace(_without(blocked), conda=tools))


def _toolchain(name: str, row: BuildNeeds | None) -> str:
    if row and row.pure:
        return f"lock the rest, and install `{name}` from its source, which needs no compiler, once it is made"
    headers = f" and what its source needs ({', '.join(row.conda)}: {row.why})" if row and row.conda else ""
    tools = f"conda's `{_COMPILERS}`{headers}"
    return f"lock the toolchain instead ({tools}), and build it in the environment once that is made"


def _build_command(blocked: BlockedRequirement, row: BuildNeeds | None) -> str:
    requirement = blocked.requirement
    version = blocked.pypi.availability.version
    pinned = f"{requirement.name}=={version}" if version and not requirement.url else str(requirement)
    beside = "" if row is None or row.isolated else "--no-build-isolation "
    return f'`pip install --no-deps {beside}--no-binary {requirement.name} "{pinned}"`'


def _on_conda_forge(blocked: BlockedRequirement) -> str:
    """Point at conda-forge itself, where the facts know that it has what the channels that were read lack."""
    row = missing_wheel(blocked.requirement.name, blocked.requirement.specifier, blocked.platform)
    if row is None or not row.conda:
        return ""
    return f"conda-forge has `{row.conda}`, but not as it was read here: read all of it, without a mirror; or else "


def _built_if_source(blocked: BlockedRequirement) -> Iterator[Fix]:
    chosen = blocked.pypi.verdict.chosen if blocked.pypi.verdict else None
    if chosen and chosen.has_sdist:
        yield from _built(blocked)


def _left_out(blocked: BlockedRequirement) -> Iterator[Fix]:
    """Leave it out, or to the other platforms."""
    name, why = blocked.requirement.name, _why_unwanted(blocked)
    reason = f": {why}" if why else ", if the project can do without it on a Mac"
    if blocked.pypi.availability.code in ("NOT_ON_INDEX", "UNKNOWN"):
        yield Fix(text=f"leave `{name}` out: neither side has it under this name", edit=_without(blocked))
    elif blocked.is_root:
        others, text = ("!= 'darwin'", "the other platforms") if why else ("== 'linux'", "Linux")
        marked = f"{blocked.requirement}; sys_platform {others}"
        yield Fix(text=f"leave `{name}` to {text} with a marker{reason}", edit=_without(blocked, marked))
    else:
        yield Fix(text=f"override what asks for `{name}`{reason}", edit=_without(blocked))


# What may help against each class, the smallest change first.
_VERSIONS: tuple[FixMaker, ...] = (_root_loosened, _newer_version, _older_version)
_ANY: tuple[FixMaker, ...] = (_newer_version, _other_python, _newer_macos, _root_loosened, _older_version)
_BELOW: tuple[FixMaker, ...] = (_other_python,)  # what others need stays as it is where a python is all that it lacks
_BY_CLASS: Mapping[PypiClass, tuple[FixMaker, ...]] = {
    "NOT_ON_INDEX": (*_ANY, _suggested),
    "NO_VERSION_MATCHES": (_root_loosened, _newer_version, _other_python, _older_version),
    "YANKED": _VERSIONS,
    "REQUIRES_PYTHON": (_other_python, *_VERSIONS),
    "NO_WHEEL_FOR_PYTHON": (_other_python, _root_loosened, _newer_version, _built_if_source, _older_version),
    "NEEDS_NEWER_MACOS": (_newer_macos, *_VERSIONS),
    "MAC_X86_64_ONLY": (_root_loosened, _newer_version, _other_python, _built_if_source, _older_version),
    "NO_MACOS_WHEEL": (_root_loosened, _newer_version, _other_python, _newer_macos, _older_version),
    "SDIST_ONLY": (_newer_version, _other_python, _newer_macos, _root_loosened, _built, _older_version),
    "EMPTY_STUB": _VERSIONS,
}


def _respelled(blocked: BlockedRequirement, *texts: str) -> ManifestEdit:
    """Ask for something else in a requirement's place.

    Where others ask for it, their requirement is overridden: with the new bound where the name stays, else away.
    """
    own = blocked.requirement
    first = Requirement.parse(texts[0], own.origin)
    if not blocked.is_root:
        if first.name == own.name:
            return ManifestEdit(keeps=True, overrides=(texts[0],))
        return ManifestEdit(keeps=True, dependencies=texts, overrides=(removal(own.name),))
    same = first.name == own.name
    extras = f"[{','.join(own.extras)}]" if same and own.extras else ""
    marker = f"; {own.marker}" if own.marker else ""
    placed = (f"{first.name}{extras}{first.specifier}{marker}", *texts[1:])
    against = same and any(not overlaps(first.specifier, other) for other in blocked.other_specifiers)
    overrides = (f"{first.name}{first.specifier}",) if against else ()
    if blocked.question.pypi_only and same:
        return ManifestEdit(pypi=placed, overrides=overrides)
    return ManifestEdit(dependencies=placed, overrides=overrides)


def _renamed(
    blocked: BlockedRequirement, replacement: Requirement, further: ManifestEdit | None = None
) -> ManifestEdit:
    """Ask for the requirement that takes a name's place, with what that one needs changed in turn."""
    if further is None or further.keeps:
        edit = _respelled(blocked, f"{replacement.name}{replacement.specifier}")
        extra = further or ManifestEdit()
        return replace(edit, python=extra.python, macos=extra.macos, overrides=(*edit.overrides, *extra.overrides))
    if blocked.is_root:
        return further
    return replace(further, keeps=True, overrides=(*further.overrides, removal(blocked.requirement.name)))


def _without(blocked: BlockedRequirement, *instead: str) -> ManifestEdit:
    """Leave a requirement out, with something in its line's place if that is given; others must not ask for it then."""
    away = (removal(blocked.requirement.name),)
    if blocked.is_root:
        return ManifestEdit(dependencies=instead, overrides=away if blocked.other_specifiers else ())
    return ManifestEdit(keeps=True, overrides=away)
