"""Test what the TensorFlow family asks of a plan."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from envgen.errors import PlanError, SourceLine
from envgen.knowledge.version_ranges import satisfies
from envgen.models.platform import Platform
from envgen.models.requirement import Origin
from envgen.planner.tensorflow_family import FamilyPlan, apply_family
from tests.fakes.installed_values import requirements, target


def family(
    *texts: str,
    accelerator: str | None = None,
    python: str = "3.11",
    platform: Platform | None = None,
    constraints: tuple[str, ...] = (),
) -> FamilyPlan:
    return apply_family(
        requirements(*texts),
        accelerator=accelerator,
        platform=platform or target(python=python),
        constraints=requirements(*constraints),
        python_origin=Origin(path="python", line=SourceLine(file="envgen.yaml", line=90, text=f'python: "{python}"')),
        accelerator_origin=Origin(
            path="accelerator", line=SourceLine(file="envgen.yaml", line=91, text=f"accelerator: {accelerator}")
        ),
    )


def refused(
    *texts: str, accelerator: str | None = None, python: str = "3.11", platform: Platform | None = None
) -> PlanError:
    with pytest.raises(PlanError) as caught:
        family(*texts, accelerator=accelerator, python=python, platform=platform)
    return caught.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a request with Metal comes to: the names asked for, the newest TensorFlow left, and the plug-in."""

    asked: tuple[str, ...]
    names: tuple[str, ...]
    newest: str
    metal: str
    oldest: str = ""
    python: str = "3.11"


METAL_CASES = {
    "ml-project": Case(
        asked=("tensorflow", "scikit-learn"),
        names=("tensorflow", "scikit-learn"),
        newest="2.19.1",
        metal="1.2.0",
        python="3.12",
    ),
    "2.15": Case(
        asked=("tensorflow==2.15.*",), names=("tensorflow==2.15.*",), newest="2.15.1", oldest="2.15.0", metal="1.1.0"
    ),
    "2.13 on 3.10": Case(
        asked=("tensorflow>=2.13,<2.14",),
        names=("tensorflow<2.14,>=2.13",),
        newest="2.13.1",
        oldest="2.13.0",
        metal="1.1.0",
        python="3.10",
    ),
    "2.12 on 3.10": Case(
        asked=("tensorflow==2.12.*",),
        names=("tensorflow-macos==2.12.*",),
        newest="2.12.0",
        oldest="2.12.0",
        metal="1.1.0",
        python="3.10",
    ),
    "2.16 with keras 3": Case(
        asked=("tensorflow~=2.16.0", "keras>=3"),
        names=("tensorflow~=2.16.0", "keras>=3"),
        newest="2.16.2",
        oldest="2.16.1",
        metal="1.1.0",
    ),
    "with text and tf-keras": Case(
        asked=("tensorflow", "tensorflow-text", "tf-keras"),
        names=("tensorflow", "tensorflow-text", "tf-keras"),
        newest="2.19.1",
        oldest="2.17.0",
        metal="1.2.0",
    ),
    "as people still write it": Case(
        asked=("tensorflow-macos", "tensorflow-metal"),
        names=("tensorflow", "tensorflow-metal"),
        newest="2.19.1",
        metal="1.2.0",
    ),
    "the empty wheel": Case(
        asked=("tensorflow-macos==2.15.1",),
        names=("tensorflow==2.15.1",),
        newest="2.15.1",
        oldest="2.15.1",
        metal="1.1.0",
    ),
    "the last full tensorflow-macos": Case(
        asked=("tensorflow-macos==2.15.0",),
        names=("tensorflow==2.15.0",),
        newest="2.15.0",
        oldest="2.15.0",
        metal="1.1.0",
    ),
    "an old tensorflow-macos": Case(
        asked=("tensorflow-macos==2.12.0",),
        names=("tensorflow-macos==2.12.0",),
        newest="2.12.0",
        oldest="2.12.0",
        metal="1.1.0",
    ),
    "decision forests": Case(
        asked=("tensorflow==2.19.0", "tensorflow-decision-forests"),
        names=("tensorflow==2.19.0", "tensorflow-decision-forests"),
        newest="2.19.0",
        oldest="2.19.0",
        metal="1.2.0",
    ),
    "decision forests decide": Case(
        asked=("tensorflow", "tensorflow-decision-forests"),
        names=("tensorflow", "tensorflow-decision-forests"),
        newest="2.19.0",
        oldest="2.12.0",
        metal="1.2.0",
    ),
    "neighbours": Case(
        asked=("tensorflow", "opencv-python", "datasets", "pyarrow"),
        names=("tensorflow", "opencv-python", "datasets", "pyarrow"),
        newest="2.19.1",
        metal="1.2.0",
    ),
    "opentelemetry": Case(
        asked=("tensorflow", "opentelemetry-exporter-otlp"),
        names=("tensorflow", "opentelemetry-exporter-otlp"),
        newest="2.19.1",
        metal="1.2.0",
    ),
    "grpc": Case(
        asked=("tensorflow", "grpcio-status", "grpcio-tools", "google-cloud-storage"),
        names=("tensorflow", "grpcio-status", "grpcio-tools", "google-cloud-storage"),
        newest="2.19.1",
        metal="1.2.0",
    ),
    "a Keras of before": Case(
        asked=("tensorflow", "keras<3"), names=("tensorflow", "keras<3"), newest="2.15.1", metal="1.1.0"
    ),
    "2.17 on 3.12": Case(
        asked=("tensorflow==2.17.*",),
        names=("tensorflow==2.17.*",),
        newest="2.17.1",
        oldest="2.17.0",
        metal="1.2.0",
        python="3.12",
    ),
    "the user's plug-in": Case(
        asked=("tensorflow", "tensorflow-metal==1.0.1"),
        names=("tensorflow", "tensorflow-metal==1.0.1"),
        newest="2.13.1",
        oldest="2.12.0",
        metal="1.0.1",
    ),
    "a release not known yet": Case(
        asked=("tensorflow==2.19.2",), names=("tensorflow==2.19.2",), newest="2.19.2", oldest="2.19.2", metal="1.2.0"
    ),
    "beyond the last known patch": Case(
        asked=("tensorflow>2.19.1,<2.20",),
        names=("tensorflow<2.20,>2.19.1",),
        newest="2.19.2",
        oldest="2.19.2",
        metal="1.2.0",
    ),
}


@pytest.mark.parametrize("case", METAL_CASES.values(), ids=METAL_CASES)
def test_with_metal(case: Case) -> None:
    plan = family(*case.asked, accelerator="metal", python=case.python)
    assert plan.accelerator == "metal"
    assert tuple(map(str, plan.requirements)) == case.names
    assert plan.tensorflow[0] == case.newest
    assert not case.oldest or plan.tensorflow[-1] == case.oldest
    assert plan.metal
    assert plan.metal.version == case.metal
    asked = {item.name for item in (*plan.requirements, *plan.added)}
    assert "tensorflow-metal" in asked
    assert {"tensorflow", "tensorflow-macos"} & asked
    assert {"tensorflow", "tensorflow-metal", "protobuf", "pyarrow", "torch"} <= set(plan.from_pypi)


@pytest.mark.parametrize("case", METAL_CASES.values(), ids=METAL_CASES)
def test_the_bounds_admit_what_is_left(case: Case) -> None:
    plan = family(*case.asked, accelerator="metal", python=case.python)
    bounds = [
        item.text.removeprefix("tensorflow") for item in plan.uv_constraints if item.text.startswith("tensorflow<")
    ]
    macos = [item.text for item in plan.uv_constraints if item.text.startswith("tensorflow-macos")]
    assert all(satisfies(bound, case.newest) for bound in bounds)
    assert bounds or macos
    assert not any(satisfies(bound, "2.20.0") for bound in bounds)
    assert "tensorflow-macos!=2.15.1" in macos


def test_bounds_of_an_open_request() -> None:
    plan = family("tensorflow", accelerator="metal")
    assert [bound.text for bound in plan.uv_constraints] == [
        "tensorflow<2.20,>=2.13",
        "tensorflow-macos<2.17,>=2.12",
        "tensorflow-macos!=2.15.1",
        "tf-keras!=2.20.0",
    ]
    assert all(bound.why for bound in plan.uv_constraints)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param(("tensorflow==2.21.*",), ("tensorflow==2.21.*",), id="2.21 on the cpu"),
        pytest.param(("tensorflow-gpu",), ("tensorflow",), id="tensorflow-gpu"),
        pytest.param(("tensorflow-cpu==2.15.0",), ("tensorflow==2.15.0",), id="tensorflow-cpu keeps its version"),
        pytest.param(("tensorflow-macos==2.12.0",), ("tensorflow-macos==2.12.0",), id="the only name on PyPI"),
        pytest.param(("tensorflow-macos==2.14.0",), ("tensorflow==2.14.0",), id="the name of today"),
        pytest.param(("tflite-runtime==2.14.0",), ("ai-edge-litert",), id="numbered anew"),
        pytest.param(("tensorflow-deps", "numpy"), ("numpy",), id="left out"),
        pytest.param(("tensorflow[and-cuda]>=2.15",), ("tensorflow>=2.15",), id="a needless extra"),
        pytest.param(("mediapipe", "pandas"), ("mediapipe", "pandas"), id="none of the family"),
        pytest.param(("numpy>=2.2", "tensorflow>=2.20"), ("numpy>=2.2", "tensorflow>=2.20"), id="a new numpy"),
    ],
)
def test_on_the_cpu(asked: tuple[str, ...], names: tuple[str, ...]) -> None:
    plan = family(*asked)
    assert (plan.accelerator, plan.metal, plan.added) == ("cpu", None, ())
    assert tuple(map(str, plan.requirements)) == names
    assert plan.from_pypi == {}
    assert plan.tensorflow == ()


def test_rewritten_requirements_keep_their_lines() -> None:
    asked = requirements("numpy", "tensorflow-gpu ; sys_platform == 'darwin'", "tensorflow-deps", "tensorflow-macos")
    plan = apply_family(asked, accelerator=None, platform=target())
    assert [item.origin for item in plan.requirements] == [asked[0].origin, asked[1].origin, asked[3].origin]
    assert plan.requirements[1].text == 'tensorflow ; sys_platform == "darwin"'
    assert plan.requirements[0] is asked[0]


def test_what_a_url_names_keeps_its_name() -> None:
    """The code of these releases is in tensorflow-macos, and the wheel is the user's own."""
    line = "tensorflow @ https://files.example/tensorflow-2.10.0-py3-none-any.whl"
    plan = family(line, "tensorflow-metal==0.6.0", python="3.10")
    assert [str(item) for item in plan.requirements] == [line, "tensorflow-metal==0.6.0"]
    assert str(family("tensorflow", "tensorflow-metal==0.6.0", python="3.10").requirements[0]) == "tensorflow-macos"


def test_every_rewrite_is_noted() -> None:
    notes = family("tensorflow-gpu", "tensorflow-deps", "numpy").notes
    assert len(notes) == 2
    assert notes[0].startswith("`tensorflow-gpu` is read as `tensorflow`: ")
    assert notes[1].startswith("`tensorflow-deps` is left out: ")


def test_a_name_that_comes_back_is_not_noted() -> None:
    """`tensorflow-macos==2.12.0` is first read as tensorflow, then as tensorflow-macos again."""
    plan = family("tensorflow-macos==2.12.0", "tensorflow-metal")
    assert plan.notes == ()


def test_what_is_added_is_noted() -> None:
    plan = family("pandas", accelerator="metal")
    assert [str(item) for item in plan.added] == ["tensorflow", "tensorflow-metal"]
    assert [note.split(":")[0] for note in plan.notes][:2] == ["`tensorflow` is added", "`tensorflow-metal` is added"]
    assert plan.added[0].origin.path == "accelerator"


def test_the_plugin_alone_adds_the_tensorflow_that_it_loads_with() -> None:
    plan = family("tensorflow-metal==0.6.0", python="3.10")
    assert [str(item) for item in plan.added] == ["tensorflow-macos"]
    assert plan.added[0].origin == plan.requirements[0].origin
    assert plan.notes == ("`tensorflow-macos` is added: `tensorflow-metal==0.6.0` plugs into it", plan.notes[1])
    assert plan.metal
    assert plan.metal.version == "0.6.0"


@pytest.mark.parametrize(
    ("asked", "python", "note"),
    [
        (("tensorflow",), "3.11", "tensorflow-metal holds TensorFlow at 2.19: "),
        (("tensorflow", "keras<3"), "3.11", "`keras<3` holds TensorFlow at 2.15: TensorFlow 2.19.1 needs keras>=3"),
        (("tensorflow", "tensorflow-addons"), "3.11", "`tensorflow-addons` holds TensorFlow at 2.15: "),
        (("tensorflow", "tensorflow-metal<1.2"), "3.11", "`tensorflow-metal<1.2` holds TensorFlow at 2.17: "),
    ],
)
def test_what_holds_tensorflow_back_is_noted(asked: tuple[str, ...], python: str, note: str) -> None:
    plan = family(*asked, accelerator="metal", python=python)
    assert any(text.startswith(note) for text in plan.notes), plan.notes


def test_an_old_macos_holds_tensorflow_back() -> None:
    plan = family("tensorflow", accelerator="metal", platform=target(macos="12.0"))
    assert plan.tensorflow[0] == "2.17.1"
    assert (
        "macOS 12.0 holds TensorFlow at 2.17: TensorFlow 2.19.1 with tensorflow-metal needs a newer one" in plan.notes
    )


def test_a_native_satellite_takes_tensorflow_from_pypi() -> None:
    plan = family("tensorflow", "tensorflow-text")
    assert plan.accelerator == "cpu"
    assert plan.from_pypi["tensorflow"] == "tensorflow-text is compiled against PyPI's TensorFlow"
    assert plan.tensorflow[0] == "2.21.0"
    assert plan.added == ()
    assert family("tensorflow", "tf-keras").from_pypi == {}


def test_a_satellite_bounds_tensorflow_without_metal() -> None:
    plan = family("tensorflow", "tensorflow-addons")
    assert "tensorflow<2.16,>=2.13" in [bound.text for bound in plan.uv_constraints]
    assert {cap.text for cap in plan.caps} == {"tensorflow<2.16", "tensorflow-macos<2.16"}


def test_satellites_elsewhere_are_left_to_the_resolver() -> None:
    plan = family("tensorflow", "tensorflow-text==2.15.*", platform=target(subdir="linux-64"))
    assert plan.from_pypi == {}


def test_caps_of_what_is_asked_for() -> None:
    assert {cap.text for cap in family("jax-metal").caps} == {"jax==0.5.0", "jaxlib==0.5.0"}
    assert {cap.text for cap in family("tensorflow==2.17.*").caps} == {"numpy<2", "keras>=3"}
    assert "protobuf<5" in {cap.text for cap in family("tensorflow==2.17.*", accelerator="metal").caps}


def test_constraints_bind_without_asking() -> None:
    plan = family("tensorflow", accelerator="metal", constraints=("keras<3",))
    assert plan.tensorflow[0] == "2.15.1"
    assert [str(item) for item in plan.requirements] == ["tensorflow"]


def test_a_url_is_left_alone() -> None:
    plan = family("tensorflow-macos @ https://files.example/tensorflow_macos-2.15.0-cp311-none-any.whl")
    assert [item.name for item in plan.requirements] == ["tensorflow-macos"]
    assert plan.notes == ()


REFUSED = [
    pytest.param(
        ("tensorflow>=2.20",),
        "metal",
        "3.12",
        {1, 91},
        "2.21.0 at best",
        "`tensorflow>=2.18,<2.20`",
        id="2.20 with metal",
    ),
    pytest.param(
        ("tensorflow>=2.20", "tensorflow-metal"),
        None,
        "3.12",
        {1, 2},
        "import tensorflow",
        "drop tensorflow-metal",
        id="2.20 with the plug-in",
    ),
    pytest.param(("tensorflow",), "metal", "3.13", {90, 91}, "no wheel for python 3.13", '`python: "3.12"`', id="3.13"),
    pytest.param(
        ("tensorflow-metal",),
        None,
        "3.13",
        {1, 90},
        "no wheel for python 3.13",
        "drop tensorflow-metal",
        id="3.13 by line",
    ),
    pytest.param(
        ("tensorflow", "numpy>=2.2"),
        "metal",
        "3.12",
        {1, 2},
        "`numpy>=2.2`",
        "`numpy<2.2`, or set `accelerator: cpu`",
        id="numpy 2.2",
    ),
    pytest.param(
        ("tensorflow-metal", "numpy>=2.2"),
        None,
        "3.12",
        {1, 2},
        "TensorFlow with Metal",
        "`numpy<2.2`",
        id="numpy 2.2 with the plug-in",
    ),
    pytest.param(
        ("tensorflow==2.17.*", "numpy>=2"),
        "metal",
        "3.11",
        {1, 2},
        "compiled against numpy 1",
        "`numpy<2`",
        id="numpy 2",
    ),
    pytest.param(
        ("tensorflow==2.12.*", "numpy>=1.24"), "metal", "3.10", {1, 2}, "numpy<1.24", "`numpy<1.24`", id="numpy 1.24"
    ),
    pytest.param(("tensorflow", "protobuf>=6"), "metal", "3.11", {1, 2}, "protobuf<6", "`protobuf<6`", id="protobuf 6"),
    pytest.param(
        ("tensorflow", "tensorflow-metal"),
        "cpu",
        "3.11",
        {2, 91},
        "contradict",
        "`accelerator: metal`",
        id="cpu and metal",
    ),
    pytest.param(("tensorflow-text==2.15.*",), None, "3.11", {1}, "only Intel wheels", ">=2.17", id="old text"),
    pytest.param(
        ("tensorflow-text==2.15.*", "tensorflow==2.15.*"),
        "metal",
        "3.11",
        {1, 2},
        "only Intel wheels",
        ">=2.17",
        id="old text with metal",
    ),
    pytest.param(
        ("tensorflow==2.15.*", "tensorflow-text"),
        "metal",
        "3.11",
        {1, 2},
        "no release for TensorFlow 2.15.1",
        "tensorflow-text>=2.17",
        id="text for an old TensorFlow",
    ),
    pytest.param(
        ("tensorflow-decision-forests==1.12.0", "tensorflow==2.18.*"),
        None,
        "3.11",
        {1, 2},
        "TensorFlow 2.18.1",
        "tensorflow==2.19.0",
        id="decision forests of another",
    ),
    pytest.param(("tensorflow-addons",), None, "3.12", {1}, "3.9 to 3.11", "python 3.11", id="addons on 3.12"),
    pytest.param(("tensorflow==2.12.1",), "metal", "3.10", {1}, "code for Apple silicon", "2.12.0", id="2.12.1"),
    pytest.param(("tensorflow==2.15.0.post1",), "metal", "3.11", {1}, "code for Apple silicon", "2.15.1", id="post1"),
    pytest.param(("tensorflow<2.5",), "metal", "3.11", {1}, "code for Apple silicon", "tensorflow==2.", id="too old"),
    pytest.param(
        ("tensorflow==2.15.0", "tensorflow-macos==2.16.2"),
        "metal",
        "3.11",
        {1, 2},
        "and `tensorflow==2.16.2`",
        "2.1",
        id="two pins",
    ),
    pytest.param(
        ("tensorflow==2.12.*",), "metal", "3.12", {1}, "no wheels for python 3.12", '"3.11"', id="2.12 on 3.12"
    ),
    pytest.param(
        ("tensorflow==2.18.*", "tensorflow-metal==1.1.0"),
        None,
        "3.11",
        {1, 2},
        "loads with 2.12 to 2.17",
        "drop the bound on tensorflow-metal",
        id="the user's plug-in",
    ),
    pytest.param(
        ("tensorflow-metal>=2",), None, "3.11", {1}, "no release of tensorflow-metal", "drop", id="no such plug-in"
    ),
]


@pytest.mark.parametrize(("asked", "accelerator", "python", "lines", "says", "hints"), REFUSED)
def test_refused(
    asked: tuple[str, ...], accelerator: str | None, python: str, lines: set[int], says: str, hints: str
) -> None:
    error = refused(*asked, accelerator=accelerator, python=python)
    assert says in error.message
    assert hints in error.hint
    named = {line.line for line in error.lines}
    assert lines <= named
    assert not error.message.endswith(".")
    assert named <= {*range(1, len(asked) + 1), 90, 91}


def test_refused_for_an_old_macos() -> None:
    error = refused("tensorflow==2.19.*", accelerator="metal", platform=target(macos="12.0"))
    assert "needs a newer macOS than 12.0" in error.message
    assert error.hint == "set the platform's `macos` to 12.1 or newer"
    error = refused("tensorflow==2.18.*", "tensorflow-text", platform=target(macos="11.0"))
    assert error.hint == "set the platform's `macos` to 12.0 or newer"


@pytest.mark.parametrize("subdir", ["linux-64", "osx-64"])
def test_refused_elsewhere(subdir: str) -> None:
    error = refused("tensorflow", accelerator="metal", platform=target(subdir=subdir))
    assert subdir in error.message
    assert error.code == "metal-target"


def test_a_python_without_any_wheel_says_so() -> None:
    error = refused("tensorflow==2.22.0rc0", "tensorflow-text", python="3.9")
    assert "no wheels for python 3.9" in error.message
