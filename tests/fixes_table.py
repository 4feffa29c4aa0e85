"""Print what diagnose's fixes do for every file of ../shared/inputs: `python -m tests.fixes_table [PART OF A NAME…]`.

Each is imported and locked as it is; where that fails it is diagnosed, and the manifest with the printed fixes is
locked in its place.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envgen.commands.import_file import ImportOptions, import_file
from envgen.diagnosis.diagnose import DiagnoseOptions, Report, diagnose_all
from envgen.diagnosis.fix_search import attempt_lock
from envgen.errors import EnvgenError
from envgen.project.services import Services
from tests.inputs_table import inputs, services_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one file: how it locks as it is, what diagnose says, and how it locks with the fixes."""

    file: str
    plain: str
    bad: int = 0
    lined: int = 0
    mended: str = ""
    seconds: float = 0.0

    def text(self) -> str:
        """Render as a line of the table."""
        if not self.plain:
            return f"{self.file[:40]:<40} locks as it is"
        outcome = "locks" if not self.mended else self.mended[:90]
        found = f"{self.bad:>3} bad, {self.lined} on lines"
        return f"{self.file[:40]:<40} {self.seconds:>5.0f}s {found}; with fixes: {outcome}"


def row_of(path: Path) -> Row:
    """Lock one file; diagnose it if that fails, and lock it with the fixes."""
    with tempfile.TemporaryDirectory() as folder:
        services = services_in(Path(folder))
        try:
            text = import_file(services, path, ImportOptions()).text
        except EnvgenError as error:
            return Row(file=path.name, plain=error.message)
        text = text if "\npython: " in text else text.replace("\n\n", '\npython: "3.12"\n\n', 1)
        plain = _first(attempt_lock(services, text).message)
        if not plain:
            return Row(file=path.name, plain="")
        started = time.monotonic()
        report = diagnose_all(services, DiagnoseOptions(what=(str(path),)))
        return _mended(services, path, plain, report, time.monotonic() - started)


def _mended(services: Services, path: Path, plain: str, report: Report, seconds: float) -> Row:
    (diagnosis,) = report.diagnoses
    bad = [verdict for verdict in diagnosis.verdicts if verdict.is_root and not verdict.ok]
    mended = _first(attempt_lock(services, diagnosis.manifest).message) if diagnosis.manifest else plain
    return Row(
        file=path.name,
        plain=plain,
        bad=len(bad),
        lined=sum(verdict.line is not None for verdict in bad),
        mended=mended,
        seconds=seconds,
    )


def _first(message: str) -> str:
    return " ".join(message.split("\n")[:2])


def table(names: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the row of each file whose name has one of these parts, or of all."""
    for path in inputs():
        if not names or any(name in path.name for name in names):
            yield row_of(path)


def main(names: Sequence[str]) -> None:
    """Print the table."""
    rows = []
    for row in table(names):
        rows.append(row)
        print(row.text(), flush=True)
    failed = [row for row in rows if row.plain]
    mended = [row for row in failed if not row.mended]
    print(f"{len(rows) - len(failed)} of {len(rows)} lock as they are")
    print(f"{len(mended)} of the other {len(failed)} lock with the fixes")


if __name__ == "__main__":
    main(sys.argv[1:])
