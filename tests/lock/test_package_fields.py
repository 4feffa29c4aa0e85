"""Test the fields of a package as lock files hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from envgen.lock.package_fields import (
    ArtifactFields,
    artifact,
    fold_depends,
    fold_requires,
    odd_requires,
    plain_requires,
    unfold_depends,
    unfold_requires,
    wheel_filename,
)
from envgen.models.match_spec import MatchSpec
from tests.fakes.locks import make_record


@pytest.mark.parametrize(
    ("depends", "folded"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["python"], {"python": ""}, id="name alone"),
        pytest.param(["libcxx >=16", "__osx >=11.0"], {"__osx": ">=11.0", "libcxx": ">=16"}, id="sorted"),
        pytest.param(["python_abi 3.12.* *_cp312"], {"python_abi": "3.12.* *_cp312"}, id="build is kept"),
        pytest.param(["libblas  >=3.9 "], {"libblas": ">=3.9"}, id="spaces"),
        pytest.param(["numpy>=1.2"], {"numpy": ">=1.2"}, id="no space"),
        pytest.param(["a", "a >=1"], {"a": ">=1"}, id="any version and a bound"),
        pytest.param(["a >=1", "a *"], {"a": ">=1"}, id="bound and a star"),
        pytest.param(["a\t>=1", "a "], {"a": ">=1"}, id="bound and any version, by their spaces"),
        pytest.param(["a * *_0", "a >=1"], {"a": ">=1 *_0"}, id="star with a build and a bound"),
        pytest.param(
            ["python >=3.12,<3.13.0a0", "python >=3.12,<3.13.0a0 *_cpython"],
            {"python": ">=3.12,<3.13.0a0 *_cpython"},
            id="conda-forge's double python",
        ),
        pytest.param(["zstd >=1.5,<1.6", "zstd >=1.5.7"], {"zstd": ">=1.5,<1.6,>=1.5.7"}, id="two bounds"),
        pytest.param(["a >=3", "a 1.*|2.*"], {"a": "1.*,>=3|2.*,>=3"}, id="alternatives are multiplied out"),
        pytest.param(["a[version='>=1']"], {"a": "[version='>=1']"}, id="brackets"),
    ],
)
def test_depends_fold_to_one_entry_a_name(depends: list[str], folded: dict[str, str]) -> None:
    assert fold_depends(depends) == folded
    assert list(fold_depends(depends)) == sorted(folded)


@pytest.mark.parametrize(
    ("depends", "reason"),
    [
        pytest.param(["conda-forge::numpy"], "cannot be held", id="channel"),
        pytest.param([">=1"], "cannot be held", id="no name"),
        pytest.param(["a * x_0", "a * y_0"], "two builds", id="two builds"),
        pytest.param(["a[build=x]", "a >=1"], "together", id="brackets and a bound"),
        pytest.param(
            [f"a {'|'.join(f'{first}.{second}' for second in range(20))}" for first in range(6)],
            "too many alternatives",
            id="alternatives of many specs",
        ),
    ],
)
def test_depends_that_cannot_be_held_are_refused(depends: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fold_depends(depends)


@given(st.lists(st.sampled_from(["a >=1", "a <3", "a *", "a 1.*|2.5", "a !=2", "a * h_0", "a"]), min_size=1))
def test_a_folded_entry_admits_what_all_of_its_specs_admit(depends: list[str]) -> None:
    (text,) = unfold_depends(fold_depends(depends))
    folded = MatchSpec.parse(text)
    for version in ("0.5", "1.0", "1.7", "2.0", "2.5", "3.0"):
        for build in ("h_0", "h_1"):
            record = make_record("a", version, build)
            assert folded.matches(record) == all(MatchSpec.parse(depend).matches(record) for depend in depends)


@pytest.mark.parametrize(
    ("requires", "unfolded"),
    [
        pytest.param([], (), id="nothing"),
        pytest.param(["Foo_Bar >= 1"], ("foo-bar>=1",), id="canonical"),
        pytest.param(["b", "a"], ("a", "b"), id="sorted"),
        pytest.param(["uvicorn[Standard,a]>=0.12"], ("uvicorn[a,standard]>=0.12",), id="extras"),
        pytest.param(["x @ https://h.example/x.whl"], ("x @ https://h.example/x.whl",), id="url"),
        pytest.param(["x[a] @ https://h.example/x.whl"], ("x [a] @ https://h.example/x.whl",), id="url and extra"),
        pytest.param(["a>=1", "a<2", "a[x]"], ("a[x]<2,>=1",), id="conjunction"),
    ],
)
def test_requires_fold_and_unfold(requires: list[str], unfolded: tuple[str, ...]) -> None:
    assert unfold_requires(fold_requires(requires)) == unfolded
    assert unfold_requires(fold_requires(unfolded)) == unfolded


@pytest.mark.parametrize(
    ("requires", "reason"),
    [
        pytest.param(["a; python_version<'3.9'"], "still has a marker", id="marker"),
        pytest.param(["a >=", "b"], "not a requirement: `a >=`", id="broken"),
        pytest.param(["a>=1", "a @ https://h.example/a.whl"], "together", id="url beside a bound"),
    ],
)
def test_requires_that_cannot_be_held_are_refused(requires: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fold_requires(requires)


@given(st.lists(st.sampled_from(["a>=1", "a<3", "a", "a!=2.0", "a~=1.4", "a[x]"]), min_size=1))
def test_a_folded_requirement_admits_what_all_of_them_admit(requires: list[str]) -> None:
    (text,) = unfold_requires(fold_requires(requires))
    specifier = Requirement(text).specifier
    for version in map(Version, ["0.5", "1.0", "1.5", "2.0", "3.0"]):
        assert (version in specifier) == all(version in Requirement(one).specifier for one in requires)


def test_plain_and_odd_requirements_part_the_whole() -> None:
    folded = fold_requires(["a>=1", "b", "c[x]", "d @ https://h.example/d.whl"])
    assert plain_requires(folded) == {"a": ">=1", "b": "", "c": "", "d": ""}
    assert odd_requires(folded) == {"c": "[x]", "d": "@ https://h.example/d.whl"}
    assert {**plain_requires(folded), **odd_requires(folded)} == folded


@pytest.mark.parametrize(
    ("depend", "name"), [("numpy >=1", "numpy"), ("__osx>=11", "__osx"), ("jq.py", "jq.py"), ("*", "")]
)
def test_a_depend_has_a_name(depend: str, name: str) -> None:
    assert MatchSpec.name_of(depend) == name


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        pytest.param(
            "https://conda.anaconda.org/conda-forge/osx-arm64/numpy-2.1.3-py312h94ee1e1_4.conda",
            ("https://conda.anaconda.org/conda-forge", "osx-arm64", "numpy", "2.1.3", "py312h94ee1e1_4", 4),
            id="conda",
        ),
        pytest.param(
            "file:///srv/ch/noarch/typing-extensions-4.12.2-hd8ed1ab_1.tar.bz2",
            ("file:///srv/ch", "noarch", "typing-extensions", "4.12.2", "hd8ed1ab_1", 1),
            id="tar.bz2 and a name with dashes",
        ),
        pytest.param(
            "https://h.example/c/noarch/python_abi-3.12-8_cp312.conda",
            ("https://h.example/c", "noarch", "python_abi", "3.12", "8_cp312", 312),
            id="digits at the end are not always the number",
        ),
        pytest.param("https://h.example/c/noarch/x-1-h_.conda", ("https://h.example/c", "noarch", "x", "1", "h_", 0)),
        pytest.param("thing.conda", ("", "", "", "", "thing", 0), id="no folder, no dashes"),
    ],
)
def test_a_url_tells_its_parts(url: str, parts: tuple[str, str, str, str, str, int]) -> None:
    channel, subdir, name, version, build, number = parts
    assert artifact(url) == ArtifactFields(
        channel=channel, subdir=subdir, name=name, version=version, build=build, build_number=number
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.example/p/a-1-py3-none-any.whl", "a-1-py3-none-any.whl"),
        ("https://h.example/p/a-1%2Bcpu-py3-none-any.whl#sha256=00", "a-1+cpu-py3-none-any.whl"),
        ("", ""),
    ],
)
def test_a_url_tells_its_wheel(url: str, name: str) -> None:
    assert wheel_filename(url) == name
