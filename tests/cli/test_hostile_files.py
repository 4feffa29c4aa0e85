"""Import files that were made to break a reader: a clear error or a right answer, soon and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS, MEGABYTES = 20, 300  # of processor time, which a busy machine hardly changes
_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_PIXI = "[dependencies]\nnumpy = '*'\n"
_SERVER = """
import json, os, resource, sys
from envgen.cli.main import run

with open(os.devnull, "w") as sys.stdout, open(os.devnull, "w") as sys.stderr:
    run(["import", "--offline", "requirements.txt"])  # imports once what every case needs
sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
for line in sys.stdin:
    folder, words = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for stream, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}/.{name}", os.O_WRONLY | os.O_CREAT), stream)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        code = run(words)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status, used = os.wait4(child, 0)
    scale = 1024 if sys.platform == "darwin" else 1
    print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss // 1024 // scale]), flush=True)
"""


def loop(folder: Path) -> str:
    (folder / "b.txt").write_text("-r requirements.txt\n")
    return "numpy\n-r b.txt\n"


def levels(folder: Path) -> str:
    for at in range(100):
        (folder / f"{at}.txt").write_text(f"p{at}\n-r {at + 1}.txt\n")
    return "-r 0.txt\n"


def fan(folder: Path) -> str:
    for at in range(25):
        (folder / f"{at}.txt").write_text(f"-r {at + 1}.txt\n-c {at + 1}.txt\n")
    return "-r 0.txt\n"


def numbered(form: str, count: int) -> str:
    return "".join(form.format(at, at) for at in range(count))


Content = str | bytes | Callable[[Path], str]
CASES: dict[str, tuple[str, Content, int, str]] = {
    "a line of 10 MB": ("requirements.txt", "x" * 10_000_000, 1, "has a line of 10,000,000 characters"),
    "a line of 10 MB of YAML": ("environment.yml", "dependencies: [" + "a, " * 3_300_000 + "]", 1, "has a line of"),
    "lines of spaces": ("requirements.txt", (" " * 99_000 + "#\n") * 50, 1, "holds nothing but comments"),
    "brackets": ("requirements.txt", "a; " + "(" * 90_000 + "\n", 1, "too long for a requirement"),
    "many lines": ("requirements.txt", "six\n" + "#\n" * 2_000_000, 1, "has 2,000,002 lines"),
    "many packages": ("requirements.txt", numbered("p{}>={}\n", 2001), 1, "names 2,001 packages"),
    "as many packages as may be": ("requirements.txt", numbered("p{}>={}\n", 2000), 0, "- p1999>=1999"),
    "a large file": ("requirements.txt", "numpy\n" * 3_000_000, 1, "larger than"),
    "a loop": ("requirements.txt", loop, 0, "a loop: requirements.txt -> b.txt -> requirements.txt"),
    "100 levels": ("requirements.txt", levels, 0, "included through more than 20 files"),
    "files that name each other twice": ("requirements.txt", fan, 1, "included through more than 20 files"),
    "itself": ("requirements.txt", "-r requirements.txt", 1, "a loop: requirements.txt -> requirements.txt"),
    "out of the folder": ("requirements.txt", "-r ../../etc/passwd", 1, "leads out of"),
    "a loop beside a name": ("requirements.txt", "six\n-r requirements.txt", 0, "a loop: requirements.txt"),
    "a YAML bomb": ("environment.yml", _BOMB + "dependencies: *i\n", 1, "YAML anchors (`&`) are not supported"),
    "deep YAML": ("environment.yml", "dependencies: " + "[" * 50_000, 1, "nested deeper than 16 levels"),
    "long YAML": ("environment.yml", "dependencies:\n" + "- numpy\n" * 100_000, 1, "holds more than 10000 values"),
    "deep TOML": ("pyproject.toml", "a = " + "[" * 9_000, 1, "nested too deeply"),
    "dotted TOML": ("pyproject.toml", "a." * 4_500 + "b = 1", 1, "asks for no packages"),
    "long TOML": ("pyproject.toml", "[project]\ndependencies = [\n" + '"numpy",\n' * 50_000 + "]", 1, "names 50,000"),
    "many packages of Poetry's": (
        "pyproject.toml",
        "[tool.poetry.dependencies]\n" + numbered("p{}='1'\n", 20_000),
        1,
        "names 20,000 packages",
    ),
    "many packages of pixi's": ("pixi.toml", "[dependencies]\n" + numbered("p{}='1'\n", 20_000), 1, "names 20,000"),
    "a long number": ("pyproject.toml", f"a = {'9' * 5000}", 1, "a number that is too long"),
    "a long floor": ("pixi.toml", f"{_PIXI}[system-requirements]\nmacos = '{'9' * 5000}'", 0, "- numpy"),
    "digits of another script": (
        "pixi.toml",
        f"{_PIXI}[system-requirements]\nmacos = '\u0661\u0664.\u0665'",
        0,
        'macos: "13.0"',
    ),
    "lists that are dynamic": ("pyproject.toml", "[project]\ndynamic = [[]]\ndependencies = ['six']", 0, "- six"),
    "selectors": ("environment.yml", "dependencies:\n" + f"- numpy{' #[' * 33_000}\n" * 10, 0, "- numpy"),
    "a coding of hours": ("requirements.txt", "# coding: punycode\n" + "a-b" * 33_000, 1, "an unknown encoding"),
    "a coding that is none": ("requirements.txt", "# coding: undefined\nsix\n", 1, "an unknown encoding"),
    "a long lock": (
        "conda-lock.yml",
        "metadata:\n  a: b\npackage:\n" + "- name: x\n  version: '1'\n  platform: osx-arm64\n" * 40_000,
        1,
        "names 40,000 packages",
    ),
    "binary": ("requirements.txt", bytes(range(256)) * 100, 1, "is not UTF-8 text"),
    "NUL": ("requirements.txt", b"numpy\0\n", 1, "is a binary file: it holds NUL characters"),
    "UTF-16": ("requirements.txt", "numpy\n".encode("utf-16"), 0, "- numpy"),
    "UTF-16 without a mark": ("requirements.txt", "numpy\n".encode("utf-16-le"), 1, "is a binary file"),
    "a mark": ("environment.yml", b"\xef\xbb\xbfdependencies:\n- pip:\n  - six\n", 0, "- six"),
    "CRLF": ("environment.yml", b"dependencies:\r\n- pip:\r\n  - six\r\n", 0, "- six"),
    "no newline": ("requirements.txt", b"numpy", 0, "- numpy"),
    "empty": ("requirements.txt", b"", 1, "requirements.txt is empty"),
    "blank": ("environment.yml", b"\n\n# c\n", 1, "holds nothing but comments"),
    "no mapping": ("environment.yml", b"- a\n", 1, "it is not made of keys"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """Start a process that has imported envgen and runs each case in a fork of itself."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "requirements.txt").write_text("six\n")
    environment = {**os.environ, "ENVGEN_CACHE_DIR": str(folder / "cache"), "ENVGEN_MIRRORS": ""}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER.replace("SECONDS", str(SECONDS))],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.mark.parametrize("case", CASES)
def test_a_clear_error_or_a_right_answer_soon_and_in_little_memory(
    tmp_path: Path, server: subprocess.Popen[str], case: str
) -> None:
    name, content, code, expected = CASES[case]
    text = content(tmp_path) if callable(content) else content
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps([str(tmp_path), ["import", "--offline", name]]) + "\n")
    server.stdin.flush()
    ended, megabytes = json.loads(server.stdout.readline())
    out, err = ((tmp_path / stream).read_text() for stream in (".out", ".err"))
    assert ended == code, err[-2000:]  # -9 or -24: the processor time is used up
    assert expected in err + out
    assert "Traceback" not in err
    assert len(err) < 20_000
    assert megabytes < MEGABYTES
