"""Keep apart what may not stand beside PyPI's TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.knowledge.incompatibilities import forbidden_beside_pypi_tensorflow, must_be_pypi
from envgen.knowledge.tensorflow import NAMES
from envgen.models.record import Record
from envgen.plan.board import Board, Cause

APPLE_SILICON = "osx-arm64"


def accompany(board: Board, names: Iterable[str]) -> bool:
    """Keep on PyPI what goes with the TensorFlow among names that come from there; tell whether that is new.

    What is built for PyPI's TensorFlow brings it, so this is asked of the wheels that stay as of the user's own names.
    """
    found = frozenset(names)
    before = (board.tensorflow_from_pypi, dict(board.beside))
    board.tensorflow_from_pypi |= not found.isdisjoint(NAMES)
    if board.inputs.platform.subdir == APPLE_SILICON:
        for name, why in must_be_pypi(found).items():
            board.beside.setdefault(name, why)
    return before != (board.tensorflow_from_pypi, board.beside)


def forbidden(board: Board, record: Record) -> Cause | None:
    """Say why a record may not stand beside the TensorFlow of this plan; None where it may."""
    if not board.tensorflow_from_pypi or board.inputs.platform.subdir != APPLE_SILICON:
        return None
    why = forbidden_beside_pypi_tensorflow(record, metal=board.family.accelerator == "metal")
    return board.tensorflow_cause(why) if why else None
