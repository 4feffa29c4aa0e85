from __future__ import annotations

import pytest

from envgen.lock.package_fields import ArtifactFields, artifact, wheel_filename


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
