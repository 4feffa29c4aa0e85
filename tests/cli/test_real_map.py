"""`envgen map` answers for thousands of names at once."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator

import pytest

from tests.json_shapes import RESULTS, assert_shape
from tests.real_project import NAMES, RealProject, needs_channel, real_project

pytestmark = [pytest.mark.shared, needs_channel]


@pytest.fixture
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    with real_project(tmp_path_factory.mktemp("real")) as project:
        yield project


def test_two_thousand_names_take_three_seconds_at_most(real: RealProject) -> None:
    """Count the time of this process alone: the machine may be busy."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        names = [row["pypi_name"] for row in csv.DictReader(file)][:2000]
    (real.folder / "names.txt").write_text("\n".join(names), encoding="utf-8")
    start = time.process_time()
    ran = real.run("map", "names.txt", "--json")
    assert time.process_time() - start <= 3
    assert ran.code == 0
    assert_shape(ran.json, RESULTS)
    assert [result["requirement"] for result in ran.json["results"]] == names
    sources = [result["source"] for result in ran.json["results"]]
    assert sources.count("conda") > 500
