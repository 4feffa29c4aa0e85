"""Import what an environment's manifest asks for, in the environment itself; fail with a list of what does not."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from pathlib import Path


def requirements(manifest: str) -> list[str]:
    """List the distributions of the `dependencies` block, by name."""
    names = []
    inside = False
    for line in manifest.splitlines():
        if not line.startswith((" ", "#")):
            inside = line.startswith("dependencies:")
        elif inside and line.strip().startswith("- "):
            names.append(line.strip()[2:].split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip())
    return names


def main() -> int:
    """Import each distribution's top-level modules."""
    wanted = {name.lower().replace("_", "-") for name in requirements(Path(sys.argv[1]).read_text("utf-8"))}
    by_distribution: dict[str, set[str]] = {}
    for module, distributions in importlib.metadata.packages_distributions().items():
        for distribution in distributions:
            by_distribution.setdefault(distribution.lower().replace("_", "-"), set()).add(module)
    failed = [name for name in sorted(wanted) if name not in by_distribution]
    for name in sorted(wanted - set(failed)):
        for module in sorted(by_distribution[name]):
            if module.isidentifier() and not module.startswith("_"):
                print("import", module)
                importlib.import_module(module)
    if failed:
        print("not installed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
