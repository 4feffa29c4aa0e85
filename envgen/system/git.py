"""The files of another git revision; the home of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from envgen.errors import LockfileError, UsageError
from envgen.system.lifetime import ChildLimits, EndedError, run_child
from envgen.system.settings import Ceiling

# A folder of a checkout that is laid out as a bare repository has settings of a stranger's, which git would run. git is
# started at the checkout's top, where it looks no further than `.git`: before 2.38 it does not know the setting.
_GIT = ("git", "-c", "safe.bareRepository=explicit")
_NAME_FOLDERS = "name folders instead of revisions"
_LIMITS = ChildLimits(seconds=30.0, output=Ceiling.TEXT)


class Revision:
    """One commit of the repository that a folder is in."""

    def __init__(self, folder: Path, name: str) -> None:
        """Find the commit; raise UsageError where there is none of this name, no repository, or no git."""
        self._name = name
        if os.environ.get("GIT_DIR"):  # as in a hook: nothing is looked for
            self._top, self._start = folder, "./"
        else:
            place = folder.resolve()
            tops = [each for each in (place, *place.parents) if os.path.lexists(each / ".git")]
            if not tops:
                raise UsageError(f"cannot read `{name}`: {folder} is not a git repository", hint=_NAME_FOLDERS)
            self._top, self._start = tops[0], "".join(f"{part}/" for part in place.relative_to(tops[0]).parts)
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.returncode:
            lines = found.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1].removeprefix("fatal: ") if lines else f"git knows no revision `{name}`"
            raise UsageError(f"cannot read `{name}`: {reason}", hint="name a commit, a branch or a tag")
        self._commit = found.stdout.decode().strip()

    def names(self, path: str) -> tuple[str, ...] | None:
        """List the files in a folder, sorted; None where the commit has no such folder.

        The path starts at the repository's top, or at the folder that was given.
        """
        for start in ("", self._start):
            listed = self._git("ls-tree", "--full-tree", "-z", "--name-only", f"{self._commit}:{start}{path}")
            if not listed.returncode:
                return tuple(sorted(listed.stdout.decode("utf-8", "replace").strip("\0").split("\0")))
        return None

    def text(self, path: str) -> str:
        """Read a file that `names` listed; raise LockfileError where it is no UTF-8 text."""
        shown = self._git("cat-file", "blob", f"{self._commit}:{path}")
        if shown.returncode:
            shown = self._git("cat-file", "blob", f"{self._commit}:{self._start}{path}")
        try:
            return shown.stdout.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise LockfileError(f"{self._name}:{path} is not UTF-8 text") from error

    def _git(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return run_child([*_GIT, *words], _LIMITS, folder=self._top)
        except OSError as error:
            raise UsageError("git is not installed", hint=_NAME_FOLDERS) from error
        except EndedError as error:
            if error.reason == "large":
                message = f"{self._name} has a file or a folder of more than {_LIMITS.output:,} bytes"
                raise LockfileError(message) from error
            raise LockfileError(f"git did not answer within {_LIMITS.seconds:g} s") from error
