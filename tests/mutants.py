"""Ask whether the fast part of the suite notices faults: break the code at random places, and run what covers them.

    python -m tests.mutants [--count 150] [--seed 1] [--folder planner …] [--only NUMBER …]

A mutant is one seeded change in a copy of the checkout: a flipped comparison, a dropped operand, a removed statement, a
changed constant. First the fast part runs once and notes which test runs which line; a mutant then meets the tests that
run its line, until one fails, or all tests of its file and its folder where its line runs at the import, which belongs
to no test. Survivors are printed with their change: a hole of the suite, or a change that means nothing.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("planner", "proof", "lock", "solvers", "mapping", "pypi", "importers", "formats", "install")
LEFT_OUT = ("libmamba.py",)  # its tests need libmambapy
SECONDS = 300  # what takes longer hangs, which a person would notice
FIRST = 60  # tests that are tried before all others
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A text put in the place of another in one file; `line` counts from 1, `start` and `end` are byte offsets.

    `imported`: the line runs when the module is imported.
    """

    path: str
    line: int
    kind: str
    start: int
    end: int
    text: str
    imported: bool

    def apply(self, source: bytes) -> bytes:
        """Return the file's bytes with the change made."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def show(self, source: bytes) -> str:
        """Render where it is, and the lines before and after."""
        before = source.splitlines()[self.line - 1].decode().strip()
        after = self.apply(source).splitlines()[self.line - 1].decode().strip()
        return f"{self.path}:{self.line} {self.kind}\n  - {before}\n  + {after}"


class _Sites(ast.NodeVisitor):
    """Collect every place of a file that can be changed."""

    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._path, self._functions = path, 0
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def _add(self, node: ast.expr | ast.stmt, kind: str, text: str) -> None:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        imported = not self._functions
        self.found.append(
            Mutant(path=self._path, line=node.lineno, kind=kind, start=start, end=end, text=text, imported=imported)
        )

    def visit_If(self, node: ast.If) -> None:
        if not ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Leave decorators as they are: a class that is not frozen does the same."""
        for statement in node.body:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(default)
        self._functions += 1
        for statement in node.body:
            self.visit(statement)
        self._functions -= 1

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Leave types as they are: no program looks at the words of a Literal."""
        if ast.unparse(node.value) != "Literal":
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1:
            flipped = f"{ast.unparse(node.left)} {COMPARISONS[type(node.ops[0])]} {ast.unparse(node.comparators[0])}"
            self._add(node, "flipped comparison", f"({flipped})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = " and " if isinstance(node.op, ast.And) else " or "
        for at in range(len(node.values)):
            rest = [ast.unparse(value) for number, value in enumerate(node.values) if number != at]
            self._add(node, "dropped operand", "(" + word.join(f"({text})" for text in rest) + ")")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        # A docstring changes nothing, and what never comes to pass cannot be missed.
        if not isinstance(node.value, ast.Constant) and not ast.unparse(node).startswith("assert_never("):
            self._add(node, "removed statement", "pass")
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._add(node, "removed statement", "pass")
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        """Leave `zip(…, strict=True)` as it is: a correct program never meets it."""
        if node.arg != "strict":
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave messages as they are: their parts cannot be cut out one by one."""

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._add(node, "changed constant", str(not node.value))
            case int():
                self._add(node, "changed constant", str(node.value + 1))
            case str() if len(node.value) < 20:
                self._add(node, "changed constant", '"x"' if not node.value else '""')


def mutants(folders: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Return as many mutants of each folder, by a seeded choice, in the order of the files."""
    chance = random.Random(seed)
    chosen: list[Mutant] = []
    for number, folder in enumerate(folders):
        sites: list[Mutant] = []
        for path in sorted((ROOT / "envgen" / folder).glob("*.py")):
            if path.name not in LEFT_OUT:
                finder = _Sites(str(path.relative_to(ROOT)), path.read_bytes())
                finder.visit(ast.parse(path.read_bytes()))
                sites += finder.found
        share = count // len(folders) + (number < count % len(folders))
        kinds = sorted({site.kind for site in sites})
        picked: dict[Mutant, None] = {}
        while len(picked) < min(share, len(sites)):
            kind = kinds[len(picked) % len(kinds)]
            picked[chance.choice([site for site in sites if site.kind == kind])] = None
        chosen += picked
    return sorted(chosen, key=lambda mutant: (mutant.path, mutant.line, mutant.start, mutant.text))


def copy_of(folder: Path) -> Path:
    """Return a copy of the checkout in a folder; what lies beside the checkout is not there, as for somebody new."""
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "*_cache", "__pycache__", ".hypothesis"))
    compileall.compile_dir(copy, quiet=2)
    return copy


def run_tests(copy: Path, words: Sequence[str], seconds: float | None = None) -> tuple[int | None, str]:
    """Return pytest's exit code in a copy, None where it did not end in time, and what it says."""
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    try:
        ran = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return ran.returncode, ran.stdout


def fails(copy: Path, tests: Sequence[str]) -> bool:
    """Return whether one of some tests fails; where a name is gone, as with a mutant in its table, its file is run."""
    options = ["-x", "-n0", "-m", "not network and not shared and not slow"]
    code, _ = run_tests(copy, [*options, *tests], SECONDS)
    if code == pytest.ExitCode.USAGE_ERROR:
        code, _ = run_tests(copy, [*options, *dict.fromkeys(test.partition("::")[0] for test in tests)], SECONDS)
    return code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def coverage_of(copy: Path) -> dict[tuple[str, int], list[str]]:
    """Return the tests that run each line, after a run of the fast part with coverage's contexts.

    Tests that fail without a mutant are left out: whatever they were run with would pass for killed.
    """
    _, said = run_tests(copy, ["--cov=envgen", "--cov-context=test", "--cov-report="])
    failed = [line.partition(" ")[2] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    for line in failed:
        print(f"fails without a mutant: {line}", flush=True)
    with sqlite3.connect(copy / ".coverage") as data:
        names = {key: str(Path(name).relative_to(copy)) for key, name in data.execute("SELECT id, path FROM file")}
        tests = {key: name.rpartition("|")[0] for key, name in data.execute("SELECT id, context FROM context")}
        tests |= {key: "" for key, test in tests.items() if any(f"{line} ".startswith(f"{test} ") for line in failed)}
        found: dict[tuple[str, int], set[str]] = {}
        for file, context, start, end in data.execute("SELECT file_id, context_id, fromno, tono FROM arc"):
            for line in (abs(start), abs(end)):
                if tests[context]:
                    found.setdefault((names[file], line), set()).add(tests[context])
    return {place: sorted(names) for place, names in found.items()}


def tests_of(mutant: Mutant, lines: Mapping[tuple[str, int], Sequence[str]]) -> list[str]:
    """Return the tests that a mutant meets."""
    found = lines.get((mutant.path, mutant.line), [])
    if found and not mutant.imported:
        return list(found)
    folder = f"tests/{mutant.path.split('/')[1]}"
    of_file = {test for (path, _), tests in lines.items() if path == mutant.path for test in tests}
    return [folder, *sorted(test for test in of_file if not test.startswith(f"{folder}/"))]


def is_killed(copy: Path, mutant: Mutant, tests: Sequence[str]) -> bool:
    """Return whether a test fails, or does not end, with the change made."""
    source = (ROOT / mutant.path).read_bytes()
    (copy / mutant.path).write_bytes(mutant.apply(source))
    chance = random.Random(mutant.start)
    near = [test for test in tests if test.split("/")[1] == mutant.path.split("/")[1]]
    far = [test for test in tests if test not in set(near)]
    chance.shuffle(near)
    chance.shuffle(far)
    ordered = [*near, *far]
    try:
        return any(part and fails(copy, part) for part in (ordered[:FIRST], ordered[FIRST : FIRST * 8]))
    finally:
        (copy / mutant.path).write_bytes(source)


def survivors(chosen: Sequence[Mutant], copy: Path) -> Iterator[Mutant]:
    """Yield the mutants that no test notices."""
    lines = coverage_of(copy)
    for number, mutant in enumerate(chosen):
        tests = tests_of(mutant, lines)
        killed = is_killed(copy, mutant, tests)
        print(
            f"{number} {'killed' if killed else 'SURVIVED'} ({len(tests)} tests) {mutant.path}:{mutant.line}",
            flush=True,
        )
        if not killed:
            yield mutant


def main() -> int:
    """Print the survivors and the share that was killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", action="append", choices=FOLDERS)
    parser.add_argument("--only", action="append", type=int)
    given = parser.parse_args()
    # What a shell starts in the background ignores interrupts, and so would what the tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = mutants(given.folder or FOLDERS, given.count, given.seed)
    chosen = [mutant for number, mutant in enumerate(chosen) if not given.only or number in given.only]
    with tempfile.TemporaryDirectory() as folder:
        left = list(survivors(chosen, copy_of(Path(folder))))
    print(*(mutant.show((ROOT / mutant.path).read_bytes()) for mutant in left), sep="\n")
    print(f"{len(chosen) - len(left)} of {len(chosen)} killed ({100 * (1 - len(left) / len(chosen)):.0f} %)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
