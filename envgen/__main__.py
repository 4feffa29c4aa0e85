"""The way in, for `python -m envgen` and for the command `envgen`: whatever happens, a run ends in a line and a code.

Nothing but the standard library is loaded before signals are taken, so that no moment of a run is without the net.
"""

import os
import signal
import sys

FAULT = 1
_PATIENCE = 5.0  # seconds for what must be removed or ended
_AGAIN = 0.01  # seconds
_LINE = "interrupted; every file is whole"
_JSON = f'{{"error": {{"code": "interrupted", "message": "{_LINE}", "hint": "", "lines": []}}}}\n'


class Signals:
    """The signals that end a run: the first raises KeyboardInterrupt in the main thread, a second ends it at once.

    So does the end of our patience, where something does not let go. `received` is the number of the first, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._lost = False

    @property
    def code(self) -> int:
        return 128 + self.received

    def take(self) -> None:
        """Take them from now on, but for those that are ignored on purpose, as under nohup."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self)

    def __call__(self, number: int, _frame: object) -> None:
        if self._lost and number == signal.SIGALRM:
            self._lost = False
        elif self.received:
            _write(2, f"error: {_LINE}\n")
            leave(self.code)
        else:
            self.received = number
            sys.unraisablehook = self._unraisable
            _silence("logging", "disable")
            _silence("warnings", "simplefilter", "ignore")
            signal.signal(signal.SIGALRM, self)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        raise KeyboardInterrupt

    def _unraisable(self, what: "sys.UnraisableHookArgs") -> None:
        """Raise the interrupt once more where it came in the middle of a `__del__` or the like, and was lost."""
        if issubclass(what.exc_type, KeyboardInterrupt):
            self._lost = True
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)


def main() -> None:
    """Run the command line of this process and end it: 0 done, 1 an expected failure or a fault, 2 a wrong call.

    Interrupted, it is 128 and the signal's number. The process never returns from here: a channel that was given up may
    still have rattler's threads at work, which crash an interpreter that is being taken down.
    """
    signals = Signals()
    code = FAULT
    try:
        try:
            signals.take()
            _fill_streams()
            code = _run(sys.argv[1:])
            code = _flushed(code)
        except BaseException as error:  # noqa: BLE001 - the net: the command line could not even be loaded
            if not signals.received:
                _tell_fault(error)
        if signals.received:
            if code != 128 + signal.SIGINT:  # nobody has said so yet
                _tell_interrupt()
            code = signals.code
        leave(code)
    except BaseException:  # noqa: BLE001 - the one interrupt, while another end was under way
        if signals.received and code != 128 + signal.SIGINT:
            _tell_interrupt()
        leave(signals.code if signals.received else code or FAULT)


def _silence(module: str, function: str, *words: str) -> None:
    """Keep what is torn down from saying so, by a function of a module that may not be loaded, or half."""
    found = getattr(sys.modules.get(module), function, None)
    if found is not None:
        found(*words)


def leave(code: int) -> None:
    """End the process, its children and its temporary folders."""
    lifetime = sys.modules.get("envgen.system.lifetime")
    if lifetime is not None and hasattr(lifetime, "end_all"):  # it may be half loaded
        lifetime.end_all()
    os._exit(code)


def _run(words: list[str]) -> int:
    import gc

    from envgen.cli.main import run

    gc.freeze()
    gc.set_threshold(200_000)  # a run is short and keeps what it makes: looking took a twentieth of its time
    try:
        return run(words)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)


def _fill_streams() -> None:
    """Open a place for standard streams that are closed, so that no file of ours is taken for one.

    What is written to stdout fails then, as it should; who closes stderr wants to hear nothing.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - it is a descriptor, for as long as we run
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """Return the exit code once all is written that was printed."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # its reader has seen enough
        return code
    except OSError as error:
        if not code:
            _write(2, f"error: cannot go on: {error.strerror or error}\n")
        return code or FAULT
    return code


def _tell_interrupt() -> None:
    if "--json" in sys.argv:
        _write(1, _JSON)
    else:
        _write(2, f"error: {_LINE}\n")


def _tell_fault(error: BaseException) -> None:
    if {"--verbose", "-v"} & {*sys.argv}:
        import traceback

        traceback.print_exception(error)
    told = " ".join(str(error).split())
    _write(2, f"error: a fault of envgen's: {type(error).__name__}: {told}\nhint: is it installed whole?\n")


def _write(descriptor: int, text: str) -> None:
    """Write past the streams, which may be in the middle of something."""
    try:
        os.write(descriptor, text.encode("ascii", "backslashreplace"))
    except OSError:
        return


if __name__ == "__main__":
    main()
