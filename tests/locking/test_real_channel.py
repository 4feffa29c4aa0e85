"""Lock what people ask for over the real partial channel, with both solvers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envgen.manifest.edit import set_python
from envgen.manifest.templates import template_names, template_text
from tests.conda_lock_oracle import conda_lock_answers
from tests.fakes.tiny_project import manifest
from tests.json_shapes import ENVIRONMENTS, FAILURE, assert_shape
from tests.real_project import SOLVERS, RealProject, generated, needs_channel, real_project, versions
from tests.solvers.conftest import needs_libmamba

pytestmark = [pytest.mark.shared, needs_channel]

REQUESTS = {
    "science": (
        "3.11",
        ("tensorflow", "scikit-learn", "pandas", "matplotlib", "jupyterlab", "pip"),
    ),
    "torch": ("3.11", ("torch", "transformers", "datasets")),
    "jax": ("3.13", ("jax",)),
    "boosting": ("3.12", ("xgboost", "lightgbm", "polars", "dask")),
}
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# what the channel's records allow: a bare solve of each, with the caps that records lack, says the same
SERVED = {
    "data-science": {"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"},
    "jax": {"3.10", "3.11", "3.12", "3.13", "3.14"},
    "nlp": {"3.11", "3.12"},
    "pytorch": {"3.11", "3.12", "3.13"},
    "tensorflow-cpu": {"3.10", "3.11", "3.12"},
    "vision": {"3.11", "3.12"},
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    with real_project(tmp_path_factory.mktemp("real")) as project:
        yield project


def request(case: str) -> str:
    python, dependencies = REQUESTS[case]
    return manifest(case, *dependencies, python=python)


def records(platform: dict[str, Any]) -> list[str]:
    return [package["url"] for package in platform["conda"]]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_is_locked_whole(real: RealProject, case: str, solver: str) -> None:
    platform = real.locked(case, request(case), solver)
    assert_shape(real.ran(case, request(case), solver).json, ENVIRONMENTS)
    assert (platform["solver"], platform["pypi"]) == (solver, [])
    assert len(platform["conda"]) > 15
    assert not [finding for finding in platform["findings"] if finding["severity"] == "error"]
    assert real.faults(case, solver) == []


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("case", REQUESTS)
def test_another_order_in_a_second_run_gives_the_same_bytes(real: RealProject, case: str, solver: str) -> None:
    real.locked(case, request(case), solver)
    python, dependencies = REQUESTS[case]
    shuffled = random.Random(case).sample(dependencies, len(dependencies))
    before, after = real.again(case, manifest(case, *shuffled, python=python), solver)
    assert after == before


@needs_libmamba
@pytest.mark.parametrize("case", REQUESTS)
def test_both_solvers_give_the_same_records(real: RealProject, case: str) -> None:
    rattler, libmamba = (real.locked(case, request(case), solver) for solver in ("rattler", "libmamba"))
    assert records(rattler) == records(libmamba)


def test_what_tensorflow_needs_and_no_record_says_is_there(real: RealProject) -> None:
    found = versions(real.locked("science", request("science"), "rattler"))
    assert len(found) > 200
    assert found["conda:tensorflow"].startswith("2.19.")
    assert found["conda:numpy"].startswith("2.1.")
    assert int(found["conda:setuptools"].split(".")[0]) < 82


def test_conda_lock_reads_and_renders_the_same_packages(real: RealProject) -> None:
    locks = {case: real.locked(case, request(case), "rattler") for case in REQUESTS}
    folders = {case: real.environment(f"{case}-rattler") for case in locks}
    answers = conda_lock_answers(folder / "conda-lock.yml" for folder in folders.values())
    for case, platform in locks.items():
        answer = answers[folders[case].name]
        assert sorted(package[4] for package in answer["packages"]) == sorted(records(platform))
        explicit = answer["rendered"]["osx-arm64"]["explicit"]
        assert {line.split("#")[0] for line in explicit if line.startswith("https://")} == set(records(platform))
        written = (folders[case] / "environment.yml").read_text(encoding="utf-8").splitlines()
        pin = re.compile(r"  - [^ ]+=[^ ]+=")
        rendered = answer["rendered"]["osx-arm64"]["env"]
        assert {line for line in rendered if pin.match(line)} == {line for line in written if pin.match(line)}


def on_python(template: str, python: str) -> tuple[str, str]:
    """Return a name of its own to a template on a python, and its text."""
    name = f"{template}-{python}"
    return name, set_python(template_text(template), python).replace(f"name: {template}\n", f"name: {name}\n")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("template", "python"),
    [(template, end(served, key=PYTHONS.index)) for template, served in SERVED.items() for end in (min, max)],
)
def test_a_template_locks_on_the_oldest_and_newest_python_that_the_channel_allows(
    real: RealProject, template: str, python: str, solver: str
) -> None:
    name, text = on_python(template, python)
    platform = real.locked(name, text, solver)
    assert platform["pypi"] == []
    assert platform["python"] == python
    assert not [finding for finding in platform["findings"] if finding["severity"] == "error"]
    assert real.faults(name, solver) == []


@pytest.mark.parametrize(
    ("template", "python"),
    [(template, max(set(PYTHONS) - served, key=PYTHONS.index)) for template, served in SERVED.items()],
)
def test_a_template_is_refused_on_another_python(real: RealProject, template: str, python: str) -> None:
    """PyPI does not answer here: the lines that the channel cannot serve are named."""
    ran = real.ran(*on_python(template, python), "rattler")
    assert ran.code == 1
    assert_shape(ran.json, FAILURE)
    assert ran.json["error"]["lines"]


def test_the_table_of_templates_is_whole() -> None:
    metal = {name for name in template_names() if "accelerator: metal" in template_text(name)}
    assert set(SERVED) == set(template_names()) - metal


@pytest.mark.parametrize("solver", SOLVERS)
def test_records_for_a_newer_macos_are_not_taken(real: RealProject, solver: str) -> None:
    """Every record of mlx says `__osx >=13.3`."""
    texts = {macos: manifest("mlx", more="conda: [mlx]\n", python="3.11", macos=macos) for macos in ("13.0", "14.0")}
    ran = real.ran("mlx", texts["13.0"], solver)
    assert ran.code == 1
    error = ran.json["error"]
    assert {line["line"] for line in error["lines"]} >= {3, 7} or "macos" in error["hint"].lower()
    assert "13.3" in error["message"] + error["hint"]
    real.done.clear()
    assert "conda:mlx" in versions(real.locked("mlx", texts["14.0"], solver))


REFUSED = {
    "no common version": (manifest("x", "six", "pandas>=2.2", "numpy<1.20"), {7, 8}),
    "no record for the python": (manifest("x", "tensorflow==2.18.*", python="3.13"), {2, 6}),
    "conda alone": (manifest("x", more='conda: ["pandas >=2.2", "numpy <1.20"]\n'), {7}),
    "a name that is nowhere": (manifest("x", "pandas", "this-package-exists-nowhere-xyz"), {7}),
    "a near miss": (manifest("x", "scikit-lern"), {6}),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("text", "lines"), REFUSED.values(), ids=REFUSED)
def test_refusals_change_nothing(real: RealProject, text: str, lines: set[int], solver: str, tmp_path: Path) -> None:
    folder = real.write("x", text)
    before = generated(folder)
    ran = real.run("lock", "x", "--solver", solver, "--json")
    assert ran.code == 1
    assert_shape(ran.json, FAILURE)
    error = ran.json["error"]
    assert lines <= {line["line"] for line in error["lines"]}
    assert error["hint"]
    if "scikit-lern" in text:
        assert "did you mean `scikit-learn`" in error["hint"]
    assert generated(folder) == before
    (folder / "envgen.yaml").unlink()
