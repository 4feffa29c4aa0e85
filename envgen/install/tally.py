"""Count what a long transfer has done, and say so now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envgen.install.artifacts import Artifact

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def size_text(size: int) -> str:
    """Give a number of bytes as people read it, such as `1.4 GB`."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


class Tally:
    """Count files and bytes; `report` hears a line whenever it has changed.

    `fetched` is the number of bytes that came over the network, `files` the number of files that are done.
    """

    def __init__(self, artifacts: Iterable[Artifact], verb: str, report: Callable[[str], None]) -> None:
        """Start at nothing; `verb` begins each line, such as `downloading`."""
        listed = list(artifacts)
        self.total_files = len(listed)
        self.total = sum(artifact.size or 0 for artifact in listed)
        self.files = self.fetched = 0
        self._done = 0
        self._verb = verb
        self._report = report
        self._last = ""

    def advance(self, size: int) -> None:
        """Count bytes of a file that is under way; a negative size takes back what must come again."""
        self._done += size
        self._say()

    def finish(self, artifact: Artifact, *, fetched: int) -> None:
        """Count a file that is done; one that came without a transfer counts in whole."""
        if not fetched:
            self._done += artifact.size or 0
        self.files += 1
        self.fetched += fetched
        self._say()

    def _say(self) -> None:
        bytes_text = f"{size_text(self._done)} of {size_text(self.total)}" if self.total else size_text(self._done)
        line = f"{self._verb}: {self.files} of {self.total_files} files, {bytes_text}"
        if line != self._last:
            self._last = line
            self._report(line)
