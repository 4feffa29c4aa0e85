"""Make small projects: a channel as a table of text, an index on the loopback, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import run
from tests.fakes.channels import lay_out
from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import package, repodata

CHANNEL = """
python 3.12.4 0
python 3.12.8 0
pip 24.0 0: python >=3.8
numpy 1.26.4 py312_0: python 3.12.*, libblas >=3.9
numpy 2.0.2 py312_0: python 3.12.*, libblas >=3.9
numpy 2.1.3 py312_0: python 3.12.*, libblas >=3.10
libblas 3.9.0 0
libblas 3.10.0 0
pandas 2.0.3 py312_0: python 3.12.*, numpy >=1.26&<2.1
pandas 2.1.4 py312_0: python 3.12.*, numpy >=1.26&<2.1
pandas 2.2.3 py312_0: python 3.12.*, numpy >=2.1
six 1.16.0 0: python
six 1.17.0 0: python
requests 2.31.0 0: python, urllib3 >=1.21
requests 2.32.0 0: python, urllib3 >=2
urllib3 1.26.0 0: python
urllib3 2.2.0 0: python
flask 3.0.0 0: python, click >=8
click 8.1.0 0: python
django 5.0.0 0: python, six
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Read what was printed as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Project:
    """A project's folder, with the channel and the index that its environments are made from."""

    root: Path
    index: IndexServer
    monkeypatch: pytest.MonkeyPatch
    channel: Path = field(init=False)

    def __post_init__(self) -> None:
        self.channel = self.root / "channel"
        self.serve(CHANNEL)
        home = self.root / "home"
        home.mkdir()
        (self.root / "project" / "environments").mkdir(parents=True)
        self.monkeypatch.chdir(self.root / "project")
        variables = {
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "ENVGEN_CACHE_DIR": self.root / "cache",
            "ENVGEN_MIRRORS": f"conda-forge={self.channel}",
            "UV_CACHE_DIR": self.root / "uv",
            "UV_DEFAULT_INDEX": self.index.url,
        }
        for name, value in variables.items():
            self.monkeypatch.setenv(name, str(value))
        for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_OFFLINE"):
            self.monkeypatch.delenv(name, raising=False)

    def start_from(self, made: Made) -> None:
        """Copy a project that was made once, and take its index, as it was then."""
        shutil.copytree(made.root, self.root, symlinks=True, dirs_exist_ok=True)
        made.restore_index()
        self.index = made.index
        self.monkeypatch.setenv("UV_DEFAULT_INDEX", self.index.url)

    def serve(self, table: str, *subdirs: str) -> None:
        """Put a channel's records in its folder: `name version build[: depend, …]`, `&` being a comma in a spec."""
        own = [self.repodata(table, subdir) for subdir in subdirs or ("osx-arm64",)]
        lay_out(self.channel, *own, repodata("noarch"))

    def repodata(self, table: str, subdir: str) -> dict[str, Any]:
        """Return the records of a table as a subdir's repodata."""
        entries = [self._entry(line) for line in table.splitlines() if line.strip()]
        return repodata(subdir, *entries)

    @staticmethod
    def _entry(line: str) -> dict[str, Any]:
        head, _, rest = line.partition(":")
        head, *date = head.split("@")
        name, version, build = head.split()
        depends = [part.strip().replace("&", ",") for part in rest.split(",") if part.strip()]
        dated = {"timestamp": int(date[0])} if date else {}
        number = int(build.rpartition("_")[2])
        return package(name, version, build=build, build_number=number, depends=depends, size=1000 * len(name), **dated)

    def folder(self, name: str = "demo") -> Path:
        """Return an environment's folder."""
        return self.root / "project" / "environments" / name

    def manifest(self, *requirements: str, name: str = "demo", more: str = "", python: str = "3.12") -> Path:
        """Write a manifest with these dependencies."""
        folder = self.folder(name)
        folder.mkdir(exist_ok=True)
        listed = "".join(f"  - {requirement}\n" for requirement in requirements)
        text = f'name: {name}\npython: "{python}"\nplatforms: [{{platform: osx-arm64, macos: "13.0"}}]\n'
        text += f"dependencies:\n{listed}" if listed else ""
        path = folder / "envgen.yaml"
        path.write_text(text + more)
        return path

    def run(self, *words: str) -> Answer:
        """Run the command line."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = run(list(words))
            except SystemExit as stop:
                code = int(stop.code or 0)
        return Answer(code=code, out=out.getvalue(), err=err.getvalue())

    def json(self, *words: str, code: int = 0) -> Any:
        """Run the command line with `--json`, and read what it printed."""
        answer = self.run(*words, "--json")
        assert answer.code == code, answer
        return answer.json

    def lock(self, *words: str) -> Locked:
        """Lock the one environment and give its platform's result."""
        (environment,) = self.json("lock", *words)["environments"]
        (platform,) = environment["platforms"].values()
        return Locked(environment=environment, platform=platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The JSON of one locked platform."""

    environment: Any
    platform: Any

    @property
    def versions(self) -> dict[str, str]:
        """Return every package's version."""
        return {item["name"]: item["version"] for half in ("conda", "pypi") for item in self.platform[half]}

    @property
    def moved(self) -> dict[str, tuple[str, str]]:
        """Return from and to of each move."""
        return {item["name"]: (item["from"], item["to"]) for item in self.platform["moved"]}

    @property
    def why(self) -> dict[str, str]:
        """Return the reason of each move."""
        return {item["name"]: item["why"] for item in self.platform["moved"]}

    def chain(self, name: str) -> list[str]:
        """Follow a move's reasons to the last."""
        moves = {item["name"]: item for item in self.platform["moved"]}
        found: list[str] = []
        while name in moves and len(found) <= len(moves):
            found.append(moves[name]["why"])
            name = moves[name]["because"] or ""
        return found


class Repository:
    """Run git in a project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / ".git").exists():
            self("init", "--quiet", "--initial-branch", "main")
            with (folder / ".git" / "config").open("a") as config:
                config.write("[user]\n\tname = Test\n\temail = test@example.org\n")

    def __call__(self, *words: str) -> int:
        return subprocess.run(["git", *words], cwd=self.folder, capture_output=True, check=False).returncode

    def commit(self, message: str) -> None:
        assert self("add", "--all") == 0
        assert self("commit", "--quiet", "--message", message) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The files of a project that was made once for the tests of a module, and its index."""

    root: Path
    index: IndexServer
    restore_index: Callable[[], None]


@contextlib.contextmanager
def made_once(folder: Path, fill: Callable[[Project], object]) -> Iterator[Made]:
    """Fill a project in a folder; its index answers until the block ends."""
    with IndexServer() as index:
        with pytest.MonkeyPatch.context() as patch:
            fill(Project(folder, index, patch))
        yield Made(root=folder, index=index, restore_index=index.checkpoint())


def oldest(table: str = CHANNEL) -> str:
    """Return the first line of each package in a channel's table."""
    lines: dict[str, str] = {}
    for line in table.strip().splitlines():
        lines.setdefault(line.split(" ")[0], line)
    return "\n".join(lines.values())
