"""Test which distributions own the same files."""

from __future__ import annotations

import pytest

from envgen.knowledge.incompatibilities import exclusive_groups, group_members, group_of, one_for, stand_ins
from tests.fakes.facts_world import world


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(
            ["opencv-contrib-python==4.11", "opencv-python==4.11"],
            [],
            ("opencv-contrib-python", "opencv-python"),
            id="two wheels",
        ),
        pytest.param(
            ["opencv-contrib-python==4.11"],
            ["py-opencv==4.12.0", "libopencv==4.12.0"],
            ("conda's py-opencv", "opencv-contrib-python"),
            id="both halves",
        ),
        pytest.param([], ["py-opencv==4.12.0"], ("conda's py-opencv",), id="one record, two distributions"),
        pytest.param(["opencv-python==4.11"], [], ("opencv-python",), id="one wheel"),
    ],
)
def test_owners_of_cv2(pypi: list[str], conda: list[str], expected: tuple[str, ...]) -> None:
    group = group_of("opencv-python")
    assert group
    assert group.owners(world(pypi=pypi, conda=conda)) == expected


def test_condas_psycopg2_binary_is_a_metapackage() -> None:
    group = group_of("psycopg2")
    assert group
    assert len(group.owners(world(conda=["psycopg2==2.9.10", "psycopg2-binary==2.9.10"]))) == 1
    assert len(group.owners(world(pypi=["psycopg2-binary==2.9.13"], conda=["psycopg2==2.9.10"]))) == 2


def test_a_record_stands_for_its_group() -> None:
    assert set(stand_ins("py-opencv")) == {
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    }
    assert stand_ins("numpy") == ()
    assert group_of("numpy") is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"opencv-python"}, "opencv-python"),
        ({"opencv-python", "opencv-python-headless"}, "opencv-python"),
        ({"opencv-contrib-python", "opencv-python"}, "opencv-contrib-python"),
        ({"opencv-python", "opencv-contrib-python-headless"}, "opencv-contrib-python"),
        ({"onnxruntime", "onnxruntime-silicon"}, "onnxruntime"),
        ({"faiss", "faiss-cpu"}, None),
        ({"opencv-python", "numpy"}, None),
    ],
)
def test_one_does_for_all(asked: set[str], expected: str | None) -> None:
    assert one_for(asked) == expected


def test_members_belong_to_their_groups() -> None:
    groups = {group.name: group for group in exclusive_groups()}
    for row in group_members():
        assert {row.distribution, *row.holds} <= set(groups[row.group].distributions)
