"""Compare two installed envgens byte for byte: what a change must not change, on many inputs.

    python -m tests.side_by_side record BIN FILE [--only WORD]    run every item with BIN/envgen; keep what it did
    python -m tests.side_by_side compare FILE FILE                print what differs; exit 1 if anything does

An item is one call, or a script of calls, in a folder of its own: the help of every command, wrong calls, the real
cases beside the checkout, and locks of the templates and of twenty manifests with both solvers. Kept are stdout,
stderr, the exit code and every file that is there afterwards. Both sides see the same folder names, mirrors and caches.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
CHANNEL = SHARED / "channel" / "conda-forge"
CUTOFF = "exclude-newer: 2026-11-30\n"
SECONDS = 1200
CACHE = "side-by-side-cache"

COMMANDS = (
    *("new", "lock", "check", "add", "remove", "create", "run", "import", "map", "why", "why-not", "tree", "diff"),
    *("export", "diagnose", "doctor", "knowledge", "templates", "schema", "vendor"),
)
WRONG_CALLS = (
    *("envgen", "envgen nope", "envgen --nope", "envgen lock nope", "envgen lock --nope", "envgen lock --solver nope"),
    *("envgen new", "envgen new 'a b'", "envgen new ../x", "envgen new x --template nope", "envgen new x --python 2"),
    *("envgen new x --python 3.99", "envgen new x --macos 1", "envgen new x --accelerator cuda", "envgen add"),
    *("envgen add nope numpy", "envgen remove nope numpy", "envgen new x --add '>>'", "envgen check nope"),
    *("envgen check --json nope", "envgen create nope", "envgen create", "envgen run nope -- true", "envgen run"),
    *("envgen import nope.txt", "envgen import", "envgen map", "envgen map '>=3'", "envgen map --json ''"),
    *("envgen why nope numpy", "envgen why", "envgen why-not nope 'numpy>=2'", "envgen tree nope", "envgen diff a"),
    *("envgen diff a b", "envgen export nope --format pixi", "envgen export nope --format nope", "envgen diagnose"),
    *("envgen diagnose '>>'", "envgen diagnose numpy --python x", "envgen knowledge nope --nope", "envgen vendor"),
    *("envgen vendor nope --to out", "envgen lock --json --mirror nope", "envgen lock --channel 'a b' --json"),
    *("envgen diagnose --command 'ls -l'", "envgen schema extra", "envgen templates --json extra"),
)
MANIFESTS: Mapping[str, str] = {
    "numpy": "dependencies: [numpy]",
    "bounds": "dependencies: ['numpy>=1.26,<2', 'pandas~=2.1', 'scipy!=1.12.0']",
    "metal": "accelerator: metal\ndependencies: [tensorflow, pandas]",
    "metal-exact": "accelerator: metal\ndependencies: ['tensorflow==2.16.2', matplotlib]",
    "metal-arrow": "accelerator: metal\ndependencies: [tensorflow, pyarrow, scikit-learn]",
    "tensorflow": "dependencies: [tensorflow]",
    "torch": "dependencies: [torch, torchvision]",
    "extras": "dependencies: ['fastapi[standard]', 'uvicorn[standard]']",
    "groups": "dependencies: [requests]\ngroups: {dev: [pytest, ruff], docs: [sphinx, {include-group: dev}]}",
    "conda": "dependencies: [h5py]\nconda: ['hdf5 >=1.14']",
    "pypi": "dependencies: [requests]\npypi: [httpx, rich]",
    "constraints": "dependencies: [scikit-learn]\nconstraints: ['numpy<2.2']",
    "overrides": "dependencies: [streamlit]\noverrides: ['pandas>=2']",
    "mapping": "dependencies: [attrs, black]\nmapping: {black: null}",
    "platforms": "platforms: [osx-arm64, {platform: osx-64, macos: '12.0'}]\ndependencies: [pandas, rich]",
    "floor": "platforms: [{platform: osx-arm64, macos: '14.0'}]\ndependencies: [onnxruntime, scikit-learn]",
    "jax": "dependencies: [jax, flax, optax]",
    "notebooks": "dependencies: [jupyterlab, matplotlib, polars, duckdb]",
    "satellites": "accelerator: metal\ndependencies: [tensorflow, tensorflow-probability, keras]",
    "refused": "accelerator: metal\ndependencies: ['tensorflow>=2.20']",
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """A script to run in a folder that holds the files given."""

    name: str
    script: str
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


def items() -> Iterator[Item]:
    """Yield what is compared, in a fixed order."""
    for command in ("", *COMMANDS):
        yield Item(name=f"help {command}".strip(), script=f"envgen {command} --help")
    for number, call in enumerate(WRONG_CALLS):
        yield Item(name=f"wrong {number:02} {call}", script=call)
    for solver in ("rattler", "libmamba"):
        for path in sorted((ROOT / "templates").glob("*.yaml")):
            yield _lock(f"{solver} template {path.stem}", solver, path.read_text("utf-8") + CUTOFF, path.stem)
        for name, text in MANIFESTS.items():
            head = "" if "platforms:" in text else "platforms: [{platform: osx-arm64, macos: '13.0'}]\n"
            yield _lock(f"{solver} {name}", solver, f"name: e\npython: '3.12'\n{head}{text}\n{CUTOFF}", "e")
    for folder in sorted((SHARED / "cases").glob("*/command.txt")):
        yield Item(name=f"case {folder.parent.name}", script=folder.read_text("utf-8"), folder=folder.parent)


def _lock(name: str, solver: str, manifest: str, environment: str) -> Item:
    lines = [line for line in manifest.splitlines() if not line.startswith("name:")]
    text = "\n".join([f"name: {environment}", *lines, ""])
    calls = (f"envgen lock {environment} {words} --solver {solver}" for words in ("", "--json --upgrade"))
    return Item(name=name, script="; ".join(calls), files={f"environments/{environment}/envgen.yaml": text})


def record(bin_folder: Path, item: Item, scratch: Path) -> dict[str, str]:
    """Return what an item leaves: `out`, `err`, `code`, and the text of each file by its path."""
    folder = scratch / item.name.replace("/", "_").replace(" ", "_")[:60]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if item.folder:
        shutil.copytree(item.folder, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for name, text in item.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ENVGEN", "CONDA", "VIRTUAL"))},
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "ENVGEN_MIRRORS": f"conda-forge={CHANNEL}",
        "XDG_CACHE_HOME": str(scratch / CACHE),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    words = ["bash", "-c", item.script]
    try:
        ran = subprocess.run(
            words,
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
        left = {"out": ran.stdout.decode(), "err": ran.stderr.decode(), "code": str(ran.returncode)}
    except subprocess.TimeoutExpired:
        left = {"out": "", "err": f"no end within {SECONDS} s", "code": "timeout"}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            left[f"file {path.relative_to(folder)}"] = path.read_bytes().decode("utf-8", "replace")
    shutil.rmtree(folder)
    return left


def differences(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a text for each part of an item that differs."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"{name}: {'only after' if old is None else 'only before'}"
            continue
        for part in sorted({*old, *new}):
            if old.get(part) != new.get(part):
                lines = difflib.unified_diff(
                    old.get(part, "").splitlines(), new.get(part, "").splitlines(), "before", "after", lineterm="", n=1
                )
                yield "\n  ".join([f"{name}: {part}", *list(lines)[:30]])


def main() -> int:
    """Record a side, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("bin", type=Path)
    recording.add_argument("file", type=Path)
    recording.add_argument("--only", default="")
    recording.add_argument("--jobs", type=int, default=2)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.verb == "compare":
        before, after = (json.loads(path.read_text("utf-8")) for path in (given.before, given.after))
        found = list(differences({n: before[n] for n in before if n in after}, after))
        print(*found, sep="\n")
        print(f"{len(after)} items, {len(found)} differences")
        return 1 if found else 0
    scratch = Path(tempfile.gettempdir()) / "side-by-side"
    wanted = [item for item in items() if given.only in item.name]
    kept = json.loads(given.file.read_text("utf-8")) if given.file.exists() else {}

    def one(item: Item) -> None:
        kept[item.name] = record(given.bin.absolute(), item, scratch)
        print(item.name, kept[item.name]["code"], file=sys.stderr)

    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(one, wanted))
    given.file.write_text(json.dumps(kept, indent=1, sort_keys=True), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
