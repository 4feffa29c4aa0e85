"""The starter manifests are whole, and conda-forge serves them on Apple silicon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import rattler

from envgen.errors import UsageError
from envgen.manifest.edit import add_requirements
from envgen.manifest.model import load_manifest
from envgen.manifest.templates import blank_text, template_description, template_names, template_text

CHANNEL = Path(__file__).parents[2] / ".." / "shared" / "channel" / "conda-forge"
CONDA_NAMES = {"torch": "pytorch", "opencv-python": "py-opencv"}
FROM_CONDA = [name for name in template_names() if "accelerator: metal" not in template_text(name)]
CAPS = ("numpy <2.2", "setuptools <82")  # what TensorFlow 2.19 and its tensorboard need, and records do not say


def test_the_templates_are_those_that_the_documents_name() -> None:
    assert template_names() == ("data-science", "jax", "ml-project", "nlp", "pytorch", "tensorflow-cpu", "vision")


@pytest.mark.parametrize("name", template_names())
def test_a_template_leaves_nothing_to_be_assumed(name: str) -> None:
    manifest = load_manifest(template_text(name), f"{name}.yaml")
    assert manifest.name == name
    assert manifest.notes == ()
    assert manifest.python
    assert manifest.requirements()


@pytest.mark.parametrize("name", template_names())
def test_a_template_is_described_in_a_line(name: str) -> None:
    description = template_description(name)
    assert template_text(name).startswith(f"# {description}\n")
    assert 20 < len(description) < 100


def test_an_unknown_template_is_answered_with_a_near_one() -> None:
    with pytest.raises(UsageError, match="did you mean `pytorch`") as caught:
        template_text("pytorh")
    assert "ml-project" in caught.value.hint


@pytest.mark.parametrize("name", ["../pyproject", "", "ml-project.yaml"])
def test_a_template_is_no_path(name: str) -> None:
    with pytest.raises(UsageError):
        template_text(name)


def test_a_blank_manifest_takes_requirements() -> None:
    manifest = load_manifest(add_requirements(blank_text(), ["numpy", "torch"]).text, "envgen.yaml")
    assert [one.requirement.name for one in manifest.requirements()] == ["numpy", "torch"]
    assert manifest.python is None


@pytest.mark.shared
@pytest.mark.skipif(not CHANNEL.is_dir(), reason="the real partial channel is not beside the checkout")
@pytest.mark.parametrize("name", FROM_CONDA)
def test_conda_forge_serves_a_template(name: str) -> None:
    manifest = load_manifest(template_text(name), f"{name}.yaml")
    (target,) = manifest.platforms()
    wanted = [CONDA_NAMES.get(one.requirement.name, one.requirement.name) for one in manifest.requirements()]
    caps = CAPS if "tensorflow" in wanted else ()
    records = asyncio.run(
        rattler.solve(
            [CHANNEL.resolve().as_uri()],
            [rattler.MatchSpec(spec) for spec in (f"python {target.python}.*", *wanted, *caps)],
            platforms=[rattler.Subdir(subdir) for subdir in target.subdirs],
            virtual_packages=[
                rattler.GenericVirtualPackage(
                    rattler.PackageName(one.name), rattler.Version(one.version), rattler.BuildString(one.build)
                )
                for one in target.virtual_packages()
            ],
        )
    )
    assert set(wanted) <= {record.name.normalized for record in records}
