"""Print what becomes of every file of ../shared/inputs: `python -m tests.inputs_table [PART OF A NAME…]`.

Each is imported and then locked against the channel beside the checkout, and PyPI.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from envgen.cli.options import services_for
from envgen.commands.import_file import Imported, ImportOptions, import_file
from envgen.commands.new import NewOptions, new_environment
from envgen.errors import EnvgenError
from envgen.project.services import Services

SHARED = Path(__file__).parents[1] / ".." / "shared"
INPUTS = SHARED / "inputs"
CHANNEL = SHARED / "channel" / "conda-forge"
COLUMNS = ("mapped", "pypi", "conda", "loosened", "brought", "replaced", "dropped", "decision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one file; `code` is "" where it was locked, else the error's."""

    file: str
    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    code: str = ""
    why: str = ""
    python: str = ""
    seconds: float = 0.0

    def text(self) -> str:
        """Render as a line of the table."""
        counts = "".join(f"{self.counts.get(name, 0):>9}" for name in COLUMNS)
        outcome = f"locked, python {self.python}" if not self.code else f"{self.code}: {self.why}"
        return f"{self.file[:34]:<34}{self.lines:>6}{counts}  {self.seconds:>5.1f}s  {outcome}"


def inputs() -> list[Path]:
    """List the files."""
    return sorted(path for path in INPUTS.glob("[0-9]*") if path.is_file())


def services_in(root: Path) -> Services:
    """Read the channel beside the checkout, and have environments in a folder."""
    services = services_for(mirrors=[f"conda-forge={CHANNEL.resolve()}"], progress=lambda _: None)
    return replace(services, root=root, settings=replace(services.settings, root=root))


def row_of(path: Path) -> Row:
    """Import one file and lock it."""
    with tempfile.TemporaryDirectory() as folder:
        services = services_in(Path(folder))
        started = time.monotonic()
        row = Row(file=path.name, lines=significant(path))
        try:
            imported = import_file(services, path, ImportOptions())
            row = replace(
                row,
                counts={str(name): count for name, count in imported.counts().items()},
                python=imported.manifest.python or "",
            )
            result = new_environment(services, "t", NewOptions(source=path))
            row = replace(row, python=result.lock.platforms[0].platform.python)
        except EnvgenError as error:
            row = replace(row, code=error.code, why=error.message.replace("\n", " ")[:200])
        return replace(row, seconds=time.monotonic() - started)


def significant(path: Path) -> int:
    """Count the lines that are neither blank nor comments."""
    lines = path.read_text("utf-8").split("\n")
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


def unaccounted(path: Path, imported: Imported) -> list[int]:
    """List the lines of a file that its import says nothing of."""
    accounts = [account for account in imported.accounts if account.line.file == path.name]
    told = {number for account in accounts for number in range(account.line.line, account.last + 1)}
    lines = enumerate(path.read_text("utf-8").split("\n"), 1)
    return [
        number for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in told
    ]


def table(names: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the row of each file whose name has one of these parts, or of all."""
    for path in inputs():
        if not names or any(name in path.name for name in names):
            yield row_of(path)


def main(names: Sequence[str]) -> None:
    """Print the table."""
    print(f"{'FILE':<34}{'LINES':>6}" + "".join(f"{name.upper():>9}" for name in COLUMNS) + "    TIME  RESULT")
    rows = []
    for row in table(names):
        rows.append(row)
        print(row.text(), flush=True)
    print(f"{sum(not row.code for row in rows)} of {len(rows)} locked")


if __name__ == "__main__":
    main(sys.argv[1:])
