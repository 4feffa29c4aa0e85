"""Test old advice, and the right commands in its place."""

from __future__ import annotations

import shlex

import pytest

from envgen.diagnosis.command_advice import JudgedCommand, judge_command
from envgen.diagnosis.command_lines import read_commands
from tests.diagnosis.values import mac


def judged(text: str) -> JudgedCommand:
    (command,) = read_commands(text)
    return judge_command(command, mac())


def codes(text: str) -> set[str]:
    return {problem.code for problem in judged(text).problems}


WRONG = {
    "the seed": (
        "pip3 install --only-binary=:all: X --platform=macosx_13_arm64",
        {"PLATFORM-TAG", "PLATFORM-NEEDS-TARGET", "PLATFORM-HOST-PYTHON", "PLATFORM-HOST-PACKAGES", "PLATFORM-MARKERS"},
        "pip3 install --only-binary=:all: --platform=macosx_13_0_arm64 --dry-run --python-version=3.12 "
        "--ignore-installed X",
    ),
    "source allowed": (
        "pip download --platform macosx_14_0_arm64 --python-version 3.11 six",
        {"PLATFORM-NEEDS-BINARY", "PLATFORM-MARKERS"},
        "pip download --platform=macosx_14_0_arm64 --python-version=3.11 --only-binary=:all: six",
    ),
    "no tag at all": (
        "pip download --no-deps --python-version 3.11 --platform osx-arm64 six",
        {"PLATFORM-NOT-A-TAG"},
        "pip download --no-deps --python-version=3.11 --platform=macosx_13_0_arm64 six",
    ),
    "an Intel tag": (
        "pip download --no-deps --python-version 3.11 --platform macosx_11_0_x86_64 six",
        {"PLATFORM-INTEL"},
        None,
    ),
    "no-binary with a platform": (
        "pip download --no-deps --python-version 3.11 --platform macosx_13_0_arm64 --no-binary promise promise",
        {"NO-BINARY-PLATFORM", "NO-BINARY"},
        "pip download --no-deps --python-version=3.11 --platform=macosx_13_0_arm64 promise",
    ),
    "no-binary": ("pip install --no-binary :all: dlib", {"NO-BINARY"}, "pip install dlib"),
    "uv's platform": (
        "uv pip compile --python-platform osx-arm64 -o out.txt in.txt",
        {"UV-PLATFORM", "UV-MACOS-FLOOR"},
        "MACOSX_DEPLOYMENT_TARGET=13.0 uv pip compile --python-platform=aarch64-apple-darwin --output-file=out.txt "
        "in.txt",
    ),
    "uv without a floor": (
        "uv pip install --python-platform macos torch",
        {"UV-MACOS-FLOOR"},
        "MACOSX_DEPLOYMENT_TARGET=13.0 uv pip install --python-platform=macos torch",
    ),
    "Apple's channel": ("conda install -c apple tensorflow-deps", {"APPLE-CHANNEL", "TENSORFLOW-DEPS"}, ""),
    "Apple's channel in the name": (
        "conda install apple::tensorflow-deps==2.9.0",
        {"APPLE-CHANNEL", "TENSORFLOW-DEPS"},
        "",
    ),
    "Apple's channel beside others": (
        "conda install -c apple -c conda-forge tensorflow-deps numpy",
        {"APPLE-CHANNEL", "TENSORFLOW-DEPS"},
        "conda install --channel=conda-forge numpy",
    ),
    "the old pair": (
        "pip install tensorflow-macos tensorflow-metal",
        {"TENSORFLOW-MACOS", "METAL-LOOSE"},
        "pip install tensorflow-metal==1.2.0 'tensorflow>=2.18,<2.20' 'setuptools<82'",
    ),
    "an unpaired plug-in": (
        "pip install tensorflow tensorflow-metal",
        {"METAL-UNPAIRED"},
        "pip install 'tensorflow>=2.18,<2.20' tensorflow-metal==1.2.0 'setuptools<82'",
    ),
    "a pair that does not load": (
        "pip install tensorflow==2.21.0 tensorflow-metal==1.2.0",
        {"METAL-UNPAIRED"},
        "pip install 'tensorflow>=2.18,<2.20' tensorflow-metal==1.2.0 'setuptools<82'",
    ),
    "tensorflow-macos with a bound": (
        "poetry add tensorflow-macos==2.13.0",
        {"TENSORFLOW-MACOS"},
        "poetry add tensorflow==2.13.0",
    ),
    "metal from conda": (
        "mamba create -n x -c conda-forge tensorflow tensorflow-metal",
        {"METAL-FROM-CONDA", "CONDA-TENSORFLOW"},
        "mamba create --name=x --channel=conda-forge tensorflow",
    ),
    "osx-64": (
        "CONDA_SUBDIR=osx-64 conda create -n tf numpy",
        {"ROSETTA-SUBDIR"},
        "conda create --name=tf numpy",
    ),
    "osx-64 as an option": (
        "micromamba create -n tf --platform osx-64 numpy",
        {"ROSETTA-SUBDIR", "PLATFORM-INTEL"},
        "micromamba create --name=tf numpy",
    ),
    "osx-64 as a setting": ("conda config --env --set subdir osx-64", {"ROSETTA-SUBDIR"}, ""),
    "arch": ("arch -x86_64 python3 -m pip install numpy", {"ROSETTA-ARCH"}, "python3 -m pip install numpy"),
    "Rosetta itself": ("softwareupdate --install-rosetta --agree-to-license", {"ROSETTA-ARCH"}, ""),
    "sudo and user": ("sudo pip install --user numpy", {"SUDO", "USER-SITE"}, "pip install numpy"),
    "the system's python": (
        "pip install --break-system-packages numpy",
        {"BREAK-SYSTEM"},
        "pip install numpy",
    ),
    "libomp": ("brew install libomp", {"LIBOMP"}, "brew install libomp"),
    "another machine's name": ("pip install tensorflow-gpu==2.16.2", {"REPLACED"}, "pip install tensorflow==2.16.2"),
    "a name of old": ("pip install tensorflow==2.9", {"OLD-NAME"}, "pip install tensorflow-macos==2.9"),
    "CUDA's packages": ("pip install triton torch", {"NO-USE-ON-MAC"}, "pip install torch"),
    "CUDA's extra": ("uv add 'jax[cuda12,k8s]==0.5'", {"NEEDLESS-EXTRA"}, "uv add 'jax[k8s]==0.5'"),
    "a build of one index": (
        "pip install torch==1.7.1+cu110 -f https://download.pytorch.org/whl/torch_stable.html",
        {"LOCAL-VERSION", "TORCH-STABLE"},
        "pip install torch==1.7.1",
    ),
    "CUDA's index": (
        "pip install torch --index-url https://download.pytorch.org/whl/cu118 --extra-index-url https://example.org/a",
        {"CUDA-INDEX"},
        "pip install --extra-index-url=https://example.org/a torch",
    ),
    "CUDA from conda": (
        "conda install pytorch cudatoolkit=11.8 -c pytorch -c nvidia",
        {"NO-USE-ON-MAC", "CHANNEL"},
        "conda install --channel=conda-forge pytorch",
    ),
    "channels that are not to be mixed": (
        "conda install -c defaults -c conda-forge numpy",
        {"CHANNEL"},
        "conda install --channel=conda-forge numpy",
    ),
    "flags for Intel": (
        'ARCHFLAGS="-arch x86_64" pip install a',
        {"ARCHFLAGS-INTEL", "BUILD-VARIABLES"},
        "pip install a",
    ),
    "grpcio's build": (
        "GRPC_PYTHON_BUILD_SYSTEM_OPENSSL=1 GRPC_PYTHON_BUILD_SYSTEM_ZLIB=1 pip install grpcio",
        {"GRPC-BUILD"},
        "pip install grpcio",
    ),
    "the way of 2020": ("pip install --no-use-pep517 numpy", {"NO-PEP517"}, "pip install numpy"),
    "TensorFlow alone": ("pip install --no-deps tensorflow", {"TENSORFLOW-NO-DEPS"}, "pip install tensorflow"),
    "jax-metal": ("pip install jax-metal", {"JAX-METAL"}, "pip install jax"),
    "Apple's fork": (
        "pip install https://github.com/apple/tensorflow_macos/releases/download/v0.1/a.whl numpy",
        {"APPLE-FORK"},
        "pip install numpy",
    ),
    "its installer": (
        '/bin/bash -c "$(curl -fsSL https://raw.githubusercontent.com/apple/tensorflow_macos/master/a.sh)"',
        {"APPLE-FORK"},
        "",
    ),
    "an Intel conda": (
        "bash Miniforge3-MacOSX-x86_64.sh -b",
        {"INTEL-INSTALLER"},
        "bash Miniforge3-MacOSX-arm64.sh -b",
    ),
    "an Intel container": (
        "docker run -it --platform linux/amd64 tensorflow/tensorflow",
        {"DOCKER-INTEL"},
        "docker run -it --platform linux/arm64 tensorflow/tensorflow",
    ),
    "an Intel shell": ("env /usr/bin/arch -x86_64 /bin/zsh", {"ROSETTA-ARCH"}, "env /bin/zsh"),
    "osx-64 for the session": ("export CONDA_SUBDIR=osx-64", {"ROSETTA-SUBDIR"}, "unset CONDA_SUBDIR"),
    "osx-64 for the environment": ("conda env config vars set CONDA_SUBDIR=osx-64", {"ROSETTA-SUBDIR"}, ""),
    "pixi": (
        "pixi add --pypi tensorflow-metal",
        {"METAL-UNPAIRED"},
        "pixi add --pypi tensorflow-metal==1.2.0 'tensorflow>=2.18,<2.20' 'setuptools<82'",
    ),
    "pixi without PyPI": ("pixi add tensorflow-metal numpy", {"METAL-FROM-CONDA"}, "pixi add numpy"),
}


@pytest.mark.parametrize(("text", "wrong", "right"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_and_what_is_right(text: str, wrong: set[str], right: str | None) -> None:
    found = judged(text)
    assert {each.code for each in found.problems} == wrong
    if right is not None:
        assert found.right == right


@pytest.mark.parametrize("text", [text for text, _, _ in WRONG.values()], ids=WRONG)
def test_the_right_command_is_not_wrong_in_the_same_ways(text: str) -> None:
    right = judged(text).right
    kept = {"PLATFORM-MARKERS", "PLATFORM-INTEL", "LIBOMP", "CONDA-TENSORFLOW", "OLD-NAME"}
    assert not right or codes(right) <= kept


FINE = [
    "pip install numpy",
    "pip install tensorflow==2.15.1",
    "pip install 'tensorflow>=2.18,<2.20' tensorflow-metal==1.2.0",
    "pip install tensorflow-macos==2.12.0 tensorflow-metal==1.0.0",
    "pip download --no-deps --only-binary=:all: --platform macosx_13_0_arm64 --python-version 3.11 -d out torch",
    "MACOSX_DEPLOYMENT_TARGET=14.0 uv pip compile --python-platform aarch64-apple-darwin in.txt",
    "conda install -c conda-forge numpy",
    "echo CONDA_SUBDIR",
]


@pytest.mark.parametrize("text", FINE)
def test_good_advice_stays_as_it_is(text: str) -> None:
    found = judged(text)
    assert (found.problems, found.ok) == ((), True)
    assert shlex.split(found.right) == shlex.split(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('LDFLAGS="-L/opt/lib" pip install pyaudio', "BUILD-VARIABLES"),
        ("pip install git+https://example.org/a.git", "FROM-SOURCE"),
        ("xcode-select --install", "XCODE"),
    ],
)
def test_what_may_be_right_is_left_as_it_is_written(text: str, code: str) -> None:
    found = judged(text)
    assert [(each.code, each.severity) for each in found.problems] == [(code, "info")]
    assert (found.right, found.ok, found.judged) == (text, True, True)


@pytest.mark.parametrize("text", ["rm -rf /", "conda activate tf", "pip uninstall numpy", "npm install tensorflow"])
def test_what_installs_nothing_is_not_judged(text: str) -> None:
    assert not judged(text).judged


def test_what_other_commands_ask_for_counts() -> None:
    commands = read_commands("pip install tensorflow==2.18.1 && pip install tensorflow-metal==1.2.0")
    alone, together = judge_command(commands[1], mac()), judge_command(commands[1], mac(), commands)
    assert ({each.code for each in alone.problems}, together.problems) == ({"METAL-UNPAIRED"}, ())


def test_only_errors_make_advice_unusable() -> None:
    assert not judged("conda install -c apple tensorflow-deps").ok
    assert judged("sudo pip install numpy").ok


class TestByEnvgen:
    def test_pypis_names_are_locked(self) -> None:
        assert judged("python3.11 -m pip install 'pandas>=2' setuptools").by_envgen == (
            "envgen new my-env --python 3.11 --add 'pandas>=2'"
        )

    @pytest.mark.parametrize("text", ["conda install numpy", "pip install -r a.txt", "pip install ./here", "ls"])
    def test_others_are_not(self, text: str) -> None:
        assert judged(text).by_envgen == ""
