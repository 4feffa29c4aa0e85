"""The demands of the TensorFlow family on a plan, before anything is solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from envgen.errors import PlanError
from envgen.knowledge.caps import Cap, caps_of
from envgen.knowledge.incompatibilities import must_be_pypi, pypi_only
from envgen.knowledge.releases import to_avoid
from envgen.knowledge.tensorflow import METAL, NAMES, ChosenMetal, metal_for, native_satellites, release_of
from envgen.knowledge.version_ranges import joined, minor_of
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement, origin_lines, quoted_list
from envgen.planner.renames import Rewrite, rename, rewrite_names
from envgen.planner.tensorflow_versions import TensorFlowChoice, TensorFlowRequest, choose_tensorflow

Accelerator = Literal["cpu", "metal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound for PyPI's resolver, as PEP 508, with the reason."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPlan:
    """What the TensorFlow family demands of a plan.

    `requirements` are the user's, rewritten, each with the origin it had; `added` are those that Metal implies and no
    line names, for PyPI. `from_pypi` maps names that may come from PyPI alone to the reason, whatever conda has.
    `uv_constraints` are for PyPI's resolver; `caps` for both halves. `metal` is the tensorflow-metal that goes with the
    newest TensorFlow that is left: ask `metal_for` again once the resolver has chosen. `tensorflow` lists the known
    releases that are left, newest first, where TensorFlow must come from PyPI.
    """

    accelerator: Accelerator
    requirements: tuple[Requirement, ...]
    added: tuple[Requirement, ...] = ()
    from_pypi: Mapping[str, str]
    uv_constraints: tuple[Bound, ...] = ()
    caps: tuple[Cap, ...] = ()
    metal: ChosenMetal | None = None
    tensorflow: tuple[str, ...] = ()
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
    """Rewrite the family's names, decide on the accelerator, and refuse what is known not to work.

    `requirements` are those that apply to the target; `constraints` are the manifest's, and only bound.

    Raises:
        PlanError: nothing that is known can meet the requirements together; it names the user's lines and a way out.
    """
    rewrites = rewrite_names(requirements, platform.subdir)
    present = tuple(item.after for item in rewrites if item.after)
    plugin = tuple(item for item in present if item.name == METAL)
    if accelerator == "cpu" and plugin:
        raise PlanError(
            f"`accelerator: cpu` and {quoted_list(plugin)} contradict each other",
            lines=origin_lines(accelerator_origin, plugin),
            hint="set `accelerator: metal`, or drop tensorflow-metal",
            code="accelerator",
        )
    metal = accelerator == "metal" or bool(plugin)
    request = TensorFlowRequest(
        platform=platform,
        metal=metal,
        tensorflow=tuple(item for item in present if item.name in NAMES),
        plugin=plugin,
        others=(*(item for item in present if item.name not in (*NAMES, METAL)), *constraints),
        python_origin=python_origin,
        accelerator_origin=accelerator_origin,
    )
    native = native_satellites().intersection(item.name for item in present) if platform.is_apple_silicon else ()
    choice = choose_tensorflow(request) if metal or native else TensorFlowChoice(versions=(), notes=())
    renamed = tuple(_under_code_name(rewrite, request, choice) for rewrite in rewrites)
    rewritten = tuple(item.after for item in renamed if item.after)
    added = _added(request, choice)
    return FamilyPlan(
        accelerator="metal" if metal else "cpu",
        requirements=rewritten,
        added=added,
        from_pypi=pypi_only(metal=True) if metal else must_be_pypi(native),
        uv_constraints=(*_tensorflow_bounds(request, choice), *_avoided(rewritten)),
        caps=caps_of(rewritten, from_pypi=bool(choice.versions)),
        metal=metal_for(choice.versions[0], platform, request.plugin_specifier) if metal else None,
        tensorflow=choice.versions,
        notes=(
            *(item.note for item in renamed if item.note),
            *(f"`{item}` is added: {_implied_by(request)}" for item in added),
            *choice.notes,
        ),
    )


def _under_code_name(rewrite: Rewrite, request: TensorFlowRequest, choice: TensorFlowChoice) -> Rewrite:
    """Rename to tensorflow-macos where PyPI's TensorFlow is wanted and only that name leads to its code."""
    after = rewrite.after
    if after is None or after not in request.tensorflow or after.url or not choice.versions:
        return rewrite
    if _served(choice.versions, "tensorflow"):
        return rewrite
    why = f"on Apple silicon TensorFlow {minor_of(choice.versions[0])} was released as tensorflow-macos"
    return Rewrite(before=rewrite.before, after=rename(after, "tensorflow-macos"), why=(*rewrite.why, why))


def _served(versions: Sequence[str], name: str) -> list[str]:
    """Return the releases that exist under a name, as code or as a stub that brings it."""
    rows = ((version, release_of(version)) for version in versions)
    return [version for version, row in rows if row and name in (row.code, row.stub)]


def _added(request: TensorFlowRequest, choice: TensorFlowChoice) -> tuple[Requirement, ...]:
    """Return TensorFlow and its plug-in where Metal is wanted and no line names them."""
    if not request.metal:
        return ()
    origin = request.plugin[0].origin if request.plugin else request.accelerator_origin or Origin(path="accelerator")
    code = "tensorflow" if _served(choice.versions, "tensorflow") else "tensorflow-macos"
    names = [*([] if request.tensorflow else [code]), *([] if request.plugin else [METAL])]
    return tuple(Requirement.parse(name, origin) for name in names)


def _implied_by(request: TensorFlowRequest) -> str:
    if request.plugin:
        return f"{quoted_list(request.plugin)} plugs into it"
    return "`accelerator: metal` means TensorFlow with Metal"


def _tensorflow_bounds(request: TensorFlowRequest, choice: TensorFlowChoice) -> list[Bound]:
    bounds = []
    for name in NAMES:
        served = _served(choice.versions, name)
        if served:
            newest = minor_of(served[0]).split(".")
            upper = f"<{newest[0]}.{int(newest[1]) + 1}"
            why = (
                "these releases fit tensorflow-metal" if request.metal else "these releases fit what is built for them"
            )
            bounds.append(Bound(text=f"{name}{joined(f'>={minor_of(served[-1])}', upper)}", why=why))
    return bounds


def _avoided(requirements: tuple[Requirement, ...]) -> list[Bound]:
    return [Bound(text=f"{row.name}{row.versions.replace('==', '!=')}", why=row.why) for row in to_avoid(requirements)]
