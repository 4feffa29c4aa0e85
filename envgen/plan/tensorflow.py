"""Hold a plan to what is known of TensorFlow, once PyPI has answered."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.knowledge.caps import Cap, caps_for
from envgen.knowledge.clash import clash_cures, forbidden_beside_pypi_tensorflow
from envgen.knowledge.metal import METAL, metal_for
from envgen.knowledge.ranges import covers, joined, overlaps
from envgen.knowledge.tensorflow import NAMES, release_of
from envgen.knowledge.world import World
from envgen.mapping.specs import to_match_specs
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution
from envgen.models.wheel import Resolution
from envgen.plan.board import Board
from envgen.plan.bounds import refuse_contradicted
from envgen.plan.closure import Closure


def forbidden(board: Board, record: Record) -> str:
    """Say why a record may not stand beside the TensorFlow of this plan, or nothing where it may."""
    if not board.tensorflow_from_pypi or board.inputs.platform.subdir != "osx-arm64":
        return ""
    return forbidden_beside_pypi_tensorflow(record, metal=board.family.accelerator == "metal") or ""


def pin_metal(board: Board, resolution: Resolution) -> bool:
    """Give the TensorFlow that PyPI chose its tensorflow-metal; tell whether PyPI must be asked again.

    The plug-in's own metadata does not say which TensorFlow it loads with.
    """
    versions = {wheel.name: wheel.version for wheel in resolution.wheels}
    board.tensorflow_from_pypi = board.tensorflow_from_pypi or any(name in versions for name in NAMES)
    if METAL not in versions or board.family.accelerator != "metal":
        return False
    code = next((name for name in NAMES if name in versions and _holds_code(name, versions[name])), None)
    chosen = metal_for(versions[code], board.inputs.platform, _plugin_specifier(board)) if code else None
    if code is None or chosen is None or versions[METAL] == chosen.version:
        return False
    board.uv_constraints[METAL] = f"{METAL}=={chosen.version}"
    board.uv_constraints[code] = f"{code}=={versions[code]}"
    return True


def _holds_code(name: str, version: str) -> bool:
    row = release_of(version)
    return row is not None and row.code == name


def _plugin_specifier(board: Board) -> str:
    return joined(*(root.wanted.requirement.specifier for root in board.roots if root.name == METAL))


def bind(board: Board, closure: Closure, solution: Solution) -> bool:
    """Add the bounds that the facts ask for of what is about to be installed; tell whether anything is new.

    Raises:
        PlanError: the user's own bounds contradict one.
    """
    world = World.of(
        board.inputs.platform,
        records=solution.records,
        wheels=[stay.wheel for stay in closure.stays],
        distributions_of=board.sides.mapper.distributions_of,
    )
    caps = (*board.family.caps, *caps_for(world))
    refuse_contradicted(caps, [root.wanted.requirement for root in board.roots])
    before = (len(board.caps), len(board.uv_constraints))
    for cap in caps:
        _cap(board, cap, world)
    for name, text in _floors(board, world):
        board.uv_constraints.setdefault(name, text)
        board.stale = True
    return before != (len(board.caps), len(board.uv_constraints))


def _cap(board: Board, cap: Cap, world: World) -> None:
    """Bind conda's package, and PyPI's where its wheel breaks the bound."""
    conda = board.sides.mapper.map_names([cap.distribution])[cap.distribution].conda
    if conda:
        spec = to_match_specs(conda, cap.specifier).spec
        board.caps.setdefault(str(spec), RootSpec(spec=spec, origin=Origin(path=cap.because)))
    for installed in world.find(cap.distribution, source="pypi"):
        if not covers(cap.specifier, installed.version):
            board.uv_constraints.setdefault(f"{cap.distribution} {cap.specifier}", cap.text)
            board.stale = True


def _floors(board: Board, world: World) -> Iterator[tuple[str, str]]:
    """Give the floors of wheels that end a clash, where the user's own bounds leave room for them."""
    for cure in clash_cures(world):
        key = f"{cure.distribution} {cure.specifier}"
        if cure.conda or not cure.specifier or key in board.uv_constraints:
            continue
        own = [root.wanted.requirement.specifier for root in board.roots if root.name == cure.distribution]
        if overlaps(cure.specifier, *own):
            yield key, cure.text
