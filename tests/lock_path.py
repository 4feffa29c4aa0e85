"""Measure what a reader of `envgen lock` must read: its main way, and the files that one lock enters.

    python -m tests.lock_path [CHECKOUT…] [--template NAME]    this checkout beside others, each in a process of its own

The main way is the functions that are active while the lock is planned, proved, rendered or written, from the command
line's `lock` on; of another package only the function is listed that it hands over to. A file is entered when a
function of it is called, in any thread. The template ml-project asks PyPI for tensorflow-metal, data-science does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from inspect import CO_OPTIMIZED
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).resolve().parents[1]
CHANNEL = ROOT.parent / "shared" / "channel" / "conda-forge"
SCREEN = 50
ENDS = {"plan": "plan", "planner": "plan", "proof": "prove", "formats": "render", "writers": "render"}
"""The function of each package that the main way leads to, in this layout and in the one before."""
LAST = "FolderWriter.write"


class Profile:
    """What is called below a folder: each function once, in order of its first call."""

    def __init__(self, package: Path) -> None:
        self._package = f"{package}{os.sep}"
        self.entered: dict[CodeType, None] = {}
        self.way: dict[CodeType, None] = {}
        self.ends: dict[CodeType, None] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or code in self.entered or not self._is_function(code):
            return
        self.entered[code] = None
        if code.co_qualname == LAST or code.co_qualname == ENDS.get(self.place(code).split("/")[0]):
            self.ends[code] = None
            self._follow(frame.f_back)

    def _is_function(self, code: CodeType) -> bool:
        if code.co_name.startswith("<"):  # a module, a lambda or a comprehension
            return False
        return bool(code.co_flags & CO_OPTIMIZED) and code.co_filename.startswith(self._package)

    def _follow(self, frame: FrameType | None) -> None:
        active: list[CodeType] = []
        while frame is not None:
            if self._is_function(frame.f_code):
                active.append(frame.f_code)
            frame = frame.f_back
        for code in reversed(active[: [self.place(code) for code in active].index("cli/lock.py") + 1]):
            self.way.setdefault(code)

    def place(self, code: CodeType) -> str:
        return code.co_filename.removeprefix(self._package)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The main way and where it ends, as `file:line-line function`; the functions called, and the files entered."""

    way: list[str]
    way_lines: int
    ends: list[str]
    functions: int
    files: list[str]
    file_lines: int


def measure(template: str) -> Measurement:
    """Lock a template of the envgen that is imported here, in the current folder."""
    import envgen
    from envgen.cli.main import run

    package = Path(str(envgen.__file__)).parent
    profile = Profile(package)
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        failed = run(["lock", template, "--solver", "rattler", "--quiet"])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    if failed:
        raise SystemExit(failed)
    files = sorted({profile.place(code) for code in profile.entered})
    return Measurement(
        way=[f"{_shown(profile, code)} ({_lines(code)} lines)" for code in profile.way],
        way_lines=sum(map(_lines, profile.way)),
        ends=[_shown(profile, code) for code in profile.ends],
        functions=len(profile.entered),
        files=files,
        file_lines=sum(len((package / file).read_text("utf-8").splitlines()) for file in files),
    )


def _last(code: CodeType) -> int:
    return max(line or 0 for _, _, line in code.co_lines())


def _lines(code: CodeType) -> int:
    return _last(code) - code.co_firstlineno + 1


def _shown(profile: Profile, code: CodeType) -> str:
    return f"{profile.place(code)}:{code.co_firstlineno}-{_last(code)} {code.co_qualname}"


def measured(checkout: Path, template: str) -> Measurement:
    """Measure a checkout in a process and a project of its own."""
    with tempfile.TemporaryDirectory(prefix="envgen-") as name:
        folder = Path(name)
        environment = folder / "environments" / template
        environment.mkdir(parents=True)
        (environment / "envgen.yaml").write_bytes((ROOT / "templates" / f"{template}.yaml").read_bytes())
        variables = {name: value for name, value in os.environ.items() if not name.startswith("ENVGEN")}
        variables |= {"PYTHONPATH": str(checkout), "ENVGEN_CACHE_DIR": str(folder / "cache")}
        if CHANNEL.is_dir():
            variables["ENVGEN_MIRRORS"] = f"conda-forge={CHANNEL}"
        words = [sys.executable, str(Path(__file__).resolve()), "--measure", "--template", template]
        done = subprocess.run(words, cwd=folder, env=variables, stdout=subprocess.PIPE, check=True, text=True)
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def report(checkouts: list[Path], template: str) -> None:
    """Print each checkout's main way, then all of their figures and entered files side by side."""
    found = {checkout: measured(checkout, template) for checkout in checkouts}
    for checkout, each in found.items():
        print(f"{checkout}: the main way, {each.way_lines} lines, {each.way_lines / SCREEN:.1f} screens")
        print(*(f"  {step}" for step in each.way), *(f"  -> {end}" for end in each.ends), sep="\n")
    print(f"functions called: {' | '.join(str(each.functions) for each in found.values())}")
    print(f"lines of the files entered: {' | '.join(str(each.file_lines) for each in found.values())}")
    print(f"files entered: {' | '.join(str(len(each.files)) for each in found.values())}")
    for row in zip_longest(*(each.files for each in found.values()), fillvalue=""):
        print("  " + " | ".join(f"{cell:40}" for cell in row).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("checkouts", nargs="*", type=Path)
    parser.add_argument("--template", default="ml-project")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(asdict(measure(chosen.template))))
    else:
        report([*(checkout.resolve() for checkout in chosen.checkouts), ROOT], chosen.template)


if __name__ == "__main__":
    main()
