"""Decide what the TensorFlow family asks of a plan, before anything is solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from envgen.errors import PlanError
from envgen.knowledge.caps import Cap, caps_of
from envgen.knowledge.incompatibilities import must_be_pypi, pypi_only
from envgen.knowledge.releases import to_avoid
from envgen.knowledge.tensorflow import METAL, NAMES, ChosenMetal, metal_for, release_of
from envgen.knowledge.version_ranges import joined, minor_of
from envgen.models.findings import Decision
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement, origin_lines, quoted_list
from envgen.planner.renames import Rewrite, rename, rewrite_names
from envgen.planner.tensorflow_versions import TensorFlowChoice, TensorFlowRequest, choose_tensorflow, satellites_in

Accelerator = Literal["cpu", "metal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound for PyPI's resolver, as PEP 508, with the reason."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPlan:
    """What the TensorFlow family asks of a plan.

    `requirements` are the user's, rewritten, each with the origin it had; `added` are those that Metal implies and no
    line names, for PyPI. `from_pypi` maps names that may come from PyPI alone to the reason, whatever conda has.
    `never_lift` is the same for the case that TensorFlow comes from PyPI, which on the cpu only the plan can tell.
    `uv_constraints` are for PyPI's resolver; `caps` for both halves. `metal` is the tensorflow-metal that goes with the
    newest TensorFlow that is left: ask `metal_for` again once the resolver has chosen. `tensorflow` lists the known
    releases that are left, newest first, where TensorFlow must come from PyPI. `decisions` are about names that are
    added, or read as another, where their source is known already.
    """

    accelerator: Accelerator
    requirements: tuple[Requirement, ...]
    added: tuple[Requirement, ...] = ()
    from_pypi: Mapping[str, str]
    never_lift: Mapping[str, str]
    uv_constraints: tuple[Bound, ...] = ()
    caps: tuple[Cap, ...] = ()
    metal: ChosenMetal | None = None
    tensorflow: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()


def apply_family(
    requirements: Sequence[Requirement],
    *,
    accelerator: str | None,
    platform: Platform,
    constraints: Sequence[Requirement] = (),
    python_origin: Origin | None = None,
    accelerator_origin: Origin | None = None,
) -> FamilyPlan:
    """Rewrite the family's names, settle the accelerator, and refuse what is known not to work.

    `requirements` are those that apply to the target; `constraints` are the manifest's, and bind without asking.

    Raises:
        PlanError: nothing that is known can meet the requirements together; it names the user's lines and a way out.
    """
    rewrites = rewrite_names(requirements, platform.subdir)
    present = tuple(item.after for item in rewrites if item.after)
    plugin = tuple(item for item in present if item.name == METAL)
    metal = _wants_metal(accelerator, plugin, accelerator_origin)
    ask = TensorFlowRequest(
        platform=platform,
        metal=metal,
        tensorflow=tuple(item for item in present if item.name in NAMES),
        plugin=plugin,
        others=(*(item for item in present if item.name not in (*NAMES, METAL)), *constraints),
        python_origin=python_origin,
        accelerator_origin=accelerator_origin,
    )
    native = satellites_in(present) if platform.subdir == "osx-arm64" else ()
    pairing = choose_tensorflow(ask) if metal or native else TensorFlowChoice(versions=(), notes=())
    return _family_plan(ask, rewrites, pairing, native)


def _wants_metal(accelerator: str | None, plugin: Sequence[Requirement], origin: Origin | None) -> bool:
    if accelerator == "cpu" and plugin:
        raise PlanError(
            f"`accelerator: cpu` and {quoted_list(plugin)} contradict each other",
            lines=origin_lines(origin, plugin),
            hint="set `accelerator: metal`, or drop tensorflow-metal",
            code="accelerator",
        )
    return accelerator == "metal" or bool(plugin)


def _family_plan(
    ask: TensorFlowRequest, rewrites: Sequence[Rewrite], pairing: TensorFlowChoice, native: Sequence[Requirement]
) -> FamilyPlan:
    renamed = tuple(_under_code_name(rewrite, ask, pairing) for rewrite in rewrites)
    requirements = tuple(item.after for item in renamed if item.after)
    added = _added(ask, pairing)
    metal = metal_for(pairing.versions[0], ask.platform, ask.plugin_specifier) if ask.metal else None
    never_lift = pypi_only(metal=ask.metal) if ask.platform.subdir == "osx-arm64" else {}
    return FamilyPlan(
        accelerator="metal" if ask.metal else "cpu",
        requirements=requirements,
        added=added,
        from_pypi=never_lift if ask.metal else must_be_pypi(item.name for item in native),
        never_lift=never_lift,
        uv_constraints=(*_tensorflow_bounds(ask, pairing), *_avoided(requirements)),
        caps=caps_of(requirements, from_pypi=bool(pairing.versions)),
        metal=metal,
        tensorflow=pairing.versions,
        decisions=_decisions(ask, renamed, added),
        notes=(
            *(item.note for item in renamed if item.note),
            *(f"`{item}` is added: {_implied_by(ask)}" for item in added),
            *pairing.notes,
        ),
    )


def _under_code_name(rewrite: Rewrite, ask: TensorFlowRequest, pairing: TensorFlowChoice) -> Rewrite:
    """Ask for tensorflow-macos where PyPI's TensorFlow is wanted and only that name leads to its code."""
    after = rewrite.after
    if after is None or after not in ask.tensorflow or after.url or not pairing.versions:
        return rewrite
    if _served(pairing.versions, "tensorflow"):
        return rewrite
    why = f"on Apple silicon TensorFlow {minor_of(pairing.versions[0])} was released as tensorflow-macos"
    return Rewrite(before=rewrite.before, after=rename(after, "tensorflow-macos"), why=(*rewrite.why, why))


def _served(versions: Sequence[str], name: str) -> list[str]:
    """List the releases that exist under a name, as code or as a stub that brings it."""
    rows = ((version, release_of(version)) for version in versions)
    return [version for version, row in rows if row and name in (row.code, row.stub)]


def _added(ask: TensorFlowRequest, pairing: TensorFlowChoice) -> tuple[Requirement, ...]:
    """Ask for TensorFlow and its plug-in where Metal is wanted and no line names them."""
    if not ask.metal:
        return ()
    origin = ask.plugin[0].origin if ask.plugin else ask.accelerator_origin or Origin(path="accelerator")
    code = "tensorflow" if _served(pairing.versions, "tensorflow") else "tensorflow-macos"
    names = [*([] if ask.tensorflow else [code]), *([] if ask.plugin else [METAL])]
    return tuple(Requirement.parse(name, origin) for name in names)


def _implied_by(ask: TensorFlowRequest) -> str:
    return (
        f"{quoted_list(ask.plugin)} plugs into it" if ask.plugin else "`accelerator: metal` means TensorFlow with Metal"
    )


def _decisions(
    ask: TensorFlowRequest, renamed: Sequence[Rewrite], added: Sequence[Requirement]
) -> tuple[Decision, ...]:
    """Return of what Metal takes from PyPI under another name, or without being named."""
    if not ask.metal:
        return ()
    read = [
        Decision(requirement=str(item.before), name=item.after.name, source="pypi", why="; ".join(item.why))
        for item in renamed
        if item.note and item.after and item.after.name in (*NAMES, METAL)
    ]
    implied = [Decision(requirement=item.name, name=item.name, source="pypi", why=_implied_by(ask)) for item in added]
    return (*read, *implied)


def _tensorflow_bounds(ask: TensorFlowRequest, pairing: TensorFlowChoice) -> list[Bound]:
    bounds = []
    for name in NAMES:
        served = _served(pairing.versions, name)
        if served:
            newest = minor_of(served[0]).split(".")
            upper = f"<{newest[0]}.{int(newest[1]) + 1}"
            why = "these releases fit tensorflow-metal" if ask.metal else "these releases fit what is built for them"
            bounds.append(Bound(text=f"{name}{joined(f'>={minor_of(served[-1])}', upper)}", why=why))
    return bounds


def _avoided(requirements: tuple[Requirement, ...]) -> list[Bound]:
    return [Bound(text=f"{row.name}{row.versions.replace('==', '!=')}", why=row.why) for row in to_avoid(requirements)]
