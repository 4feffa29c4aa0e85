"""Hold each binary that holds its prefix to a valid signature: Apple silicon kills what was changed and not signed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MACH_O = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def changed(prefix: Path) -> Iterator[Path]:
    """List the binaries that had the prefix written into them."""
    for record in sorted((prefix / "conda-meta").glob("*.json")):
        for entry in json.loads(record.read_text("utf-8"))["paths_data"]["paths"]:
            path = prefix / entry["_path"]
            if entry.get("file_mode") == "binary" and path.is_file() and path.read_bytes()[:4] in MACH_O:
                yield path


def main() -> int:
    """Verify each one's signature; say how many there are."""
    paths = list(changed(Path(sys.argv[1])))
    bad = [path for path in paths if subprocess.run(["codesign", "--verify", "--strict", path], check=False).returncode]
    print(f"{len(paths)} binaries hold the prefix, {len(bad)} of them without a valid signature")
    for path in bad:
        print(" ", path)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
