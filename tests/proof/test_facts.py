"""Test the proof of a lock against the facts."""

from __future__ import annotations

import pytest

from envgen.knowledge.incompatibilities import clash_rules, openmp_rules
from envgen.knowledge.releases import bad_releases, release_advices
from envgen.lock.model import LockedWheel, PlatformLock
from envgen.models.findings import Finding
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.proof.facts import fact_findings
from tests.fakes.installed_values import distributions_of, record, target, wheel

METAL = ("tensorflow==2.19.1", "tensorflow-metal==1.2.0")
GOOD_CONDA = ("numpy==2.1.3", "setuptools==81.0.0", "pandas==3.0.0", "scikit-learn==1.9.0")


def prove(
    *pypi: str, conda: tuple[Record | str, ...] = (), accelerator: str = "cpu", platform: Platform | None = None
) -> tuple[Finding, ...]:
    records = [item if isinstance(item, Record) else record(*item.split("==")) for item in conda]
    lock = PlatformLock(
        platform=platform or target(),
        solver="rattler",
        repodata="conda-forge",
        accelerator=accelerator,
        conda=tuple(records),
        pypi=tuple(LockedWheel(wheel=wheel(text)) for text in pypi),
    )
    return fact_findings(lock, distributions_of)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


SETS = [
    pytest.param((*METAL, "keras==3.15.1", "protobuf==5.29.5", "tensorboard==2.19.0"), "metal", "3.12", id="newest"),
    pytest.param(
        ("tensorflow==2.21.0", "keras==3.15.1", "protobuf==6.33.0", "pyarrow==26.0.1"), "cpu", "3.13", id="cpu"
    ),
    pytest.param(
        ("tensorflow==2.17.1", "tensorflow-metal==1.1.0", "keras==3.10.0", "tf-keras==2.17.0", "numpy==1.26.4"),
        "metal",
        "3.11",
        id="Apple's own",
    ),
    pytest.param(
        ("tensorflow==2.19.0", "tensorflow-metal==1.2.0", "tensorflow-decision-forests==1.12.0", "tf-keras==2.19.0"),
        "metal",
        "3.11",
        id="decision forests",
    ),
    pytest.param(
        (*METAL, "tensorflow-text==2.19.0", "pyarrow==22.0.0", "opencv-python==4.12.0.88", "torch==2.11.0"),
        "metal",
        "3.11",
        id="neighbours",
    ),
]


@pytest.mark.parametrize(("pypi", "accelerator", "python"), SETS)
def test_safe_sets_are_clean(pypi: tuple[str, ...], accelerator: str, python: str) -> None:
    conda = tuple(item for item in GOOD_CONDA if item.split("==")[0] not in {text.split("==")[0] for text in pypi})
    assert prove(*pypi, conda=conda, accelerator=accelerator, platform=target(python=python)) == ()


def test_condas_tensorflow_is_clean() -> None:
    arrow = record("libarrow", "25.0.0", "libprotobuf >=6.33")
    conda = ("tensorflow==2.19.1", "tensorflow-base==2.19.1", "tensorboard==2.19.0", arrow, *GOOD_CONDA)
    assert prove(conda=conda) == ()


@pytest.mark.parametrize(
    ("pypi", "conda", "code", "packages", "says"),
    [
        pytest.param(
            (), ("tensorboard==2.20.0", "setuptools==84.0.0"), "CAP", ("setuptools",), "pkg_resources", id="setuptools"
        ),
        pytest.param((), ("tensorflow==2.19.1", "numpy==2.4.0"), "CAP", ("numpy",), "numpy<2.2", id="conda's numpy"),
        pytest.param(("tensorflow==2.17.1", "numpy==2.0.2"), (), "CAP", ("numpy",), "numpy<2", id="PyPI's numpy"),
        pytest.param(("tf-keras==2.20.0",), (), "BAD-RELEASE", ("tf-keras",), "yanked", id="yanked"),
        pytest.param(("tensorflow-addons==0.23.0",), (), "ENDED", ("tensorflow-addons",), "May 2024", id="ended"),
        pytest.param(
            ("tensorflow==2.19.1", "tensorflow-probability==0.25.0"),
            (),
            "SILENT-NEED",
            ("tensorflow-probability",),
            "lacks tf-keras",
            id="silent need",
        ),
    ],
)
def test_releases(
    pypi: tuple[str, ...], conda: tuple[str, ...], code: str, packages: tuple[str, ...], says: str
) -> None:
    (finding,) = prove(*pypi, conda=conda)
    assert (finding.code, finding.packages) == (code, packages)
    assert says in finding.message
    assert finding.hint


def test_a_set_that_misbehaves_names_its_packages() -> None:
    pypi = ("tensorflow==2.16.2", "tensorflow-metal==1.2.0", "keras==3.15.1")
    (finding,) = prove(*pypi, accelerator="metal", platform=target(python="3.12"))
    assert (finding.code, finding.severity) == ("METAL-NUMERICS", "warning")
    assert finding.packages == ("keras", "tensorflow", "tensorflow-metal")


def test_errors_come_first() -> None:
    found = prove("tensorflow-addons==0.23.0", "tf-keras==2.20.0", conda=("tensorboard==2.20.0", "setuptools==84.0.0"))
    assert codes(found) == ["CAP", "BAD-RELEASE", "ENDED"]


def test_the_order_of_packages_does_not_matter() -> None:
    pypi = ("tensorflow==2.20.0", "tensorflow-metal==1.2.0", "pyarrow==21.0.0", "onnx==1.17.0")
    assert prove(*pypi) == prove(*reversed(pypi))


def test_every_code_of_the_data_has_one_severity() -> None:
    data = {(row.code, row.severity) for row in clash_rules()} | {(row.code, row.severity) for row in openmp_rules()}
    data |= {(row.code, row.severity) for row in bad_releases()}
    data |= {(row.code, row.severity) for row in release_advices()}
    assert len({code for code, _ in data}) == len(data)


PROVOKED = [
    ((*METAL,), (), "cpu", "3.11"),
    (("tensorflow==2.20.0", "tensorflow-metal==1.2.0", "pyarrow==21.0.0"), (), "metal", "3.11"),
    (("tensorflow-metal==1.2.0",), (), "metal", "3.11"),
    (("mxnet==1.6.0",), (), "cpu", "3.11"),
    (("tensorflow-metal==1.2.0",), ("tensorflow==2.19.1",), "metal", "3.11"),
    ((*METAL,), (), "metal", "3.13"),
    (("tensorflow==2.19.1", "tensorflow-metal==9.9"), (), "metal", "3.11"),
    (("tensorflow==2.16.2", "tensorflow-metal==1.2.0", "keras==3.15.1"), (), "metal", "3.11"),
    (("tensorflow==2.15.1", "tensorflow-metal==1.1.0"), (), "metal", "3.11"),
    (("tensorflow-macos==2.15.1",), (), "cpu", "3.11"),
    (("tensorflow==2.19.1",), ("tensorflow-base==2.19.1",), "cpu", "3.11"),
    (("tensorflow==2.19.1", "tensorflow-text==2.18.1"), (), "cpu", "3.11"),
    (("tensorflow-text==2.19.0",), ("tensorflow==2.19.1",), "cpu", "3.11"),
    (("tensorflow==2.19.1", "numpy==2.4.0", "tf-keras==2.20.0", "tensorflow-addons==0.23.0"), (), "cpu", "3.11"),
    (("tensorflow==2.19.1", "tensorflow-probability==0.25.0"), (), "cpu", "3.11"),
    ((*METAL, "pyarrow==21.0.0"), (record("onnx", "1.22.0", "libprotobuf"), "pyarrow-core==25.0.0"), "metal", "3.11"),
    (("tensorflow==2.19.1", "sentencepiece==0.2.1"), ("jaxlib==0.10.2",), "cpu", "3.11"),
    (("torch==2.15.0", "faiss-cpu==1.10.0", "opencv-python==4.12", "opencv-contrib-python==4.12"), (), "cpu", "3.11"),
    (("xgboost==3.2.0",), (), "cpu", "3.11"),
]


SEVERITIES = {  # but for UNNAMED-CONTENT, which needs requirements
    "error": """
        ACCELERATOR CAP CONDA-ARROW EMPTY-WHEEL LINUX-WHEEL METAL-ALONE METAL-CONDA METAL-LIBPROTOBUF METAL-PAIR
        METAL-TARGET PROTOBUF-MUTEX SAME-FILES SATELLITE SATELLITE-HALF TENSORFLOW-DOUBLE TENSORFLOW-EMPTY
    """,
    "warning": """
        AVX BAD-RELEASE CONDA-PROTOBUF HIDDEN-LIBRARY METAL-NUMERICS METAL-PROTOBUF METAL-UNKNOWN OPENMP-DOUBLE
        PROTOBUF-COPIES SILENT-NEED
    """,
    "info": "ENDED METAL-TRAINING",
}


def test_every_code_can_be_provoked() -> None:
    found = {
        (finding.code, finding.severity)
        for pypi, conda, accelerator, python in PROVOKED
        for finding in prove(*pypi, conda=conda, accelerator=accelerator, platform=target(python=python))
    }
    intel = prove("tensorflow==2.16.2", platform=Platform(subdir="osx-64", python="3.11", macos="13.0"))
    found |= {(finding.code, finding.severity) for finding in intel}
    assert found == {(code, severity) for severity, listed in SEVERITIES.items() for code in listed.split()}


def test_every_finding_has_a_hint_and_no_full_stop() -> None:
    for pypi, conda, accelerator, python in PROVOKED:
        for finding in prove(*pypi, conda=conda, accelerator=accelerator, platform=target(python=python)):
            assert finding.hint
            assert finding.packages
            assert not finding.message.endswith(".")
