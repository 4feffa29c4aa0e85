"""What lives no longer than a run: the event loops of asynchronous libraries, child processes, temporary folders.

A signal may end a run between any two lines of the main thread. So a child is started and waited for by a thread of its
own, which no signal interrupts, and a folder is listed before it is made.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from envgen.system.files import remove_tree

T = TypeVar("T")
_Reason = Literal["late", "slow", "large", "heavy"]
_CHUNK = 1 << 16
_BEAT = 0.05  # seconds
_GRACE = 1.0  # seconds between the request to end and the end
_JOIN = 3.0  # seconds
_CHILDREN: set[int] = set()  # their process groups
_FOLDERS: set[Path] = set()


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end; within a running event loop (a notebook's), by a loop in another thread."""
    import asyncio  # slow to load, and of no use to what only reads files
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@contextlib.contextmanager
def scratch_folder(within: Path | None = None) -> Iterator[Path]:
    """Make a temporary folder that is gone after the block, or else at the end of the run (`end_all`).

    `within` is a folder that it must be in, so that what is in it can be renamed to a place beside it.
    """
    name = f"envgen-{os.urandom(8).hex()}"
    folder = within / f".{name}" if within else Path(_temporary()) / name
    _FOLDERS.add(folder)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)
        _FOLDERS.discard(folder)


def _temporary() -> str:
    """Return the folder for temporary ones; tempfile would try it with a file, which an interrupt could leave."""
    if tempfile.tempdir is None:
        named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
        usable = (each for each in (*named, "/tmp", "/var/tmp") if each and os.access(each, os.W_OK | os.X_OK))  # noqa: S108
        found = next(usable, None)
        tempfile.tempdir = str(Path(found).absolute()) if found else None
    return tempfile.gettempdir()


def end_all() -> None:
    """Kill every child and remove every temporary folder that is left, before the process ends itself."""
    for group in tuple(_CHILDREN):
        _signal_group(group, signal.SIGKILL)
    for folder in tuple(_FOLDERS):
        _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        remove_tree(folder)


class EndedError(Exception):
    """A child that had to be ended: it took too long, made no headway, printed too much or took too much memory.

    `stdout` is what it had printed until then.
    """

    def __init__(self, reason: _Reason, stdout: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stdout = stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """How long a child may take, in seconds, and how many bytes it may print on each of stdout and stderr.

    `memory` are the bytes of memory that it may use, 0 for no limit.
    `headway` counts something that must grow by `least` in each `window` seconds.
    """

    seconds: float
    output: int
    memory: int = 0
    headway: Callable[[], int] | None = None
    least: int = 0
    window: float = 60.0


def run_child(
    command: Sequence[str],
    limits: ChildLimits,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text: str = "",
    umask: int = -1,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end in a session of its own, with `text` as its input; it and its own children end with us.

    `umask` is for the files that it makes, -1 for ours.

    Raises:
        EndedError: it went beyond its limits. OSError: it cannot be run.
    """
    child = _Child(command, limits, environment, folder, text, umask)
    thread = threading.Thread(target=child.run, daemon=True)
    try:
        thread.start()
        child.ended.wait()
    except BaseException:  # a signal: the child goes first
        child.stopped.set()
        if thread.ident is not None:
            thread.join(_JOIN)
        raise
    if child.error is not None:
        raise child.error
    return subprocess.CompletedProcess(command, child.code, bytes(child.stdout), bytes(child.stderr))


class _Child:
    """A child and what it has printed; `run` is the thread that waits for it."""

    def __init__(
        self,
        command: Sequence[str],
        limits: ChildLimits,
        environment: Mapping[str, str] | None,
        folder: Path | None,
        text: str,
        umask: int,
    ) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.code = 0
        self.error: BaseException | None = None
        self.ended, self.stopped = threading.Event(), threading.Event()
        self._command = command
        self._limits = limits
        self._environment = environment
        self._folder = folder
        self._text = text
        self._umask = umask

    def run(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            self.error = error
        finally:
            self.ended.set()

    def _run(self) -> None:
        with contextlib.ExitStack() as stack:
            source: int | None = subprocess.DEVNULL
            if self._text:
                file = stack.enter_context(tempfile.TemporaryFile())  # a pipe might be full before the child reads it
                file.write(self._text.encode("utf-8", "surrogateescape"))
                file.seek(0)
                source = file.fileno()
            process = stack.enter_context(
                subprocess.Popen(
                    self._command,
                    env=None if self._environment is None else dict(self._environment),
                    cwd=self._folder,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    umask=self._umask,
                )
            )
            _CHILDREN.add(process.pid)
            try:
                self._follow(process)
                self.code = process.returncode or 0
            finally:
                _end_group(process)
                _CHILDREN.discard(process.pid)

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Take what the child prints until it has ended, or has to."""
        watch = _LimitWatch(self._limits, process.pid)
        with selectors.DefaultSelector() as selector:
            for stream, kept in ((process.stdout, self.stdout), (process.stderr, self.stderr)):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, kept)
            while (selector.get_map() or process.poll() is None) and not self.stopped.is_set():
                for key, _ in selector.select(_BEAT) if selector.get_map() else ():
                    chunk = os.read(key.fd, _CHUNK)
                    key.data.extend(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)
                if not selector.get_map():
                    self.stopped.wait(_BEAT)
                if reason := watch.reached(max(len(self.stdout), len(self.stderr))):
                    raise EndedError(reason, bytes(self.stdout))


class _LimitWatch:
    """A watch over the limits of one child."""

    def __init__(self, limits: ChildLimits, process: int) -> None:
        self._limits = limits
        self._process = process
        self._deadline = time.monotonic() + limits.seconds
        self._headway = Headway(limits.headway, limits.least, limits.window) if limits.headway else None
        self._memory = _MemoryGauge()

    def reached(self, printed: int) -> _Reason | None:
        """Return which limit the child has gone beyond."""
        limits = self._limits
        if printed > limits.output:
            return "large"
        if time.monotonic() > self._deadline:
            return "late"
        if limits.memory and self._memory.get(self._process) > limits.memory:
            return "heavy"
        return "slow" if self._headway and not self._headway.is_enough() else None


class _MemoryGauge:
    """The memory of another process, looked up now and then; on a Mac by a program, so less often."""

    def __init__(self) -> None:
        self._has_proc = Path("/proc/self/statm").exists()
        self._pause = 0.05 if self._has_proc else 1.0  # seconds
        self._next = time.monotonic() + self._pause

    def get(self, process: int) -> int:
        """Return its bytes, or 0 where it is not yet time to look or it is gone."""
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + self._pause
        try:
            if self._has_proc:
                return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            words = ["/bin/ps", "-o", "rss=", "-p", str(process)]
            return int(subprocess.run(words, capture_output=True, timeout=5.0, check=False).stdout) * 1024
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            return 0


class Headway:
    """A watch over a count that must grow by `least` in each `window` seconds.

    It is counted a few times in each window, and never in its first twelfth: most work is done by then.
    """

    def __init__(
        self, count: Callable[[], int], least: float, window: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._least = least
        self._window = window
        self._clock = clock
        self._since = clock()
        self._next = self._since + window / 12
        self._from: int | None = None

    def is_enough(self) -> bool:
        """Return whether the count has grown as it must; asking often costs nothing."""
        now = self._clock()
        if now < self._next:
            return True
        self._next = now + self._window / 4
        count = self._count()
        if self._from is None:
            self._from = count
        elif count - self._from >= self._least or count < self._from:  # less: it was started anew, or tidied up
            self._from, self._since = count, now
        return now - self._since < self._window


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child that is still alive, with its own children: by request, and if that does not help by force."""
    if process.poll() is not None:
        return
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
