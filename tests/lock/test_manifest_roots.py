"""Test which packages of a lock a manifest asks for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.graph import RootPackage, manifest_roots
from envgen.lock.model import PlatformLock
from envgen.manifest.model import load_manifest
from envgen.models.findings import Decision
from envgen.models.record import Record
from tests.fakes.locks import make_platform, make_record, make_wheel

METAL = 'name: demo\npython: "3.12"\naccelerator: metal\ndependencies: [numpy]\n'


def distributions_of(record: Record) -> tuple[str, ...]:
    return (record.name,)


def locked(accelerator: str) -> PlatformLock:
    records = [make_record("numpy", "2.1.3"), make_record("python", "3.12.4"), make_record("pip", "25.0")]
    wheels = [make_wheel("tensorflow", "2.19.1"), make_wheel("tensorflow-metal", "1.2.0")]
    return replace(make_platform(records, wheels), accelerator=accelerator)


def roots(text: str, lock: PlatformLock) -> dict[str, RootPackage]:
    return {str(root.key): root for root in manifest_roots(load_manifest(text, "envgen.yaml"), lock, distributions_of)}


def test_metal_asks_for_its_plug_in_on_the_accelerators_line() -> None:
    found = roots(METAL, locked("metal"))
    assert list(found) == ["conda:numpy", "conda:python", "conda:pip", "pypi:tensorflow-metal"]
    root = found["pypi:tensorflow-metal"]
    assert (root.need, root.origin.path) == ("tensorflow-metal", "accelerator")
    assert root.origin.line
    assert root.origin.line.text == "accelerator: metal"


@pytest.mark.parametrize("accelerator", ["cpu", ""])
def test_without_metal_the_plug_in_is_no_root(accelerator: str) -> None:
    assert "pypi:tensorflow-metal" not in roots(METAL, locked(accelerator))


def test_pip_is_a_root_where_it_is_there() -> None:
    lock = locked("cpu")
    without = replace(lock, conda=tuple(record for record in lock.conda if record.name != "pip"))
    assert list(roots(METAL, without)) == ["conda:numpy", "conda:python"]


def test_a_lock_without_the_plug_in_has_no_such_root() -> None:
    lock = replace(locked("metal"), pypi=())
    assert list(roots(METAL, lock)) == ["conda:numpy", "conda:python", "conda:pip"]


ASKS = """name: demo
python: "3.12"
dependencies: [pandas>=2, numpy>=99, pywin32; sys_platform == 'win32']
conda: ["hdf5 >=1.14", absent]
"""


def test_what_the_lock_decided_comes_before_what_provides_the_name() -> None:
    decided = Decision(requirement="pandas>=2", name="polars", source="conda", why="a fact")
    names = ("pandas", "polars", "numpy", "pywin32", "hdf5")
    lock = replace(make_platform([make_record(name) for name in names]), decisions=(decided,))
    found = roots(ASKS, lock)
    assert [(key, root.need, root.origin.line and root.origin.line.line) for key, root in found.items()] == [
        ("conda:polars", "pandas>=2", 3),
        ("conda:numpy", "numpy>=99", 3),  # locked otherwise than it was asked for
        ("conda:hdf5", "hdf5 >=1.14", 4),
    ]
