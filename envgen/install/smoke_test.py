"""The smoke tests of a new environment: its imports, its requirements, its GPU."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envgen.install.activation import bare_environment
from envgen.install.prefix import PrefixContents, read_contents
from envgen.install.target import InstallTarget
from envgen.install.wheels import Distribution, WheelInstaller, WheelTarget
from envgen.lock.model import PlatformLock
from envgen.project.services import Services
from envgen.pypi.indexes import Indexes
from envgen.system.files import read_bytes
from envgen.system.lifetime import ChildLimits, EndedError, run_child
from envgen.system.settings import Ceiling

_TIMEOUT = 600.0  # seconds: a first import may compile a lot
_MOST_MODULES = 8  # of one distribution; of more, the first stands for all
_SITE = re.compile(r"lib/python3[^/]*/site-packages/(.+)")
_MODULE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\.cpython-[^/]*|\.abi3)?\.(?:py|so)")
_IGNORED = frozenset({"tests", "test", "docs", "doc", "examples", "example", "benchmarks", "setup", "conftest"})
_SIGN = "envgen-trial"  # begins the lines of ours: modules print things, too
_IMPORTS = f"""
import importlib, sys
def say(*words):
    print("\\n{_SIGN}", *words, flush=True)
for name in sys.argv[1:]:
    say("begin", name)
    try:
        importlib.import_module(name)
    except BaseException as error:
        said = str(error).strip().splitlines() or [""]
        say("failed", type(error).__name__ + ": " + said[-1])
    else:
        say("done")
"""
_GPU = """
import tensorflow as tf
print("GPU", len(tf.config.list_physical_devices("GPU")))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeResult:
    """What one smoke test showed: `subject` is what was tried, `message` what went wrong, "" for nothing."""

    subject: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTests:
    """What the smoke tests showed; a result with a message is a failure."""

    results: tuple[SmokeResult, ...]
    notes: tuple[str, ...]


def run_smoke_tests(services: Services, target: InstallTarget) -> SmokeTests:
    """Import what the manifest names, check what distributions require, and list the GPU where metal is to run."""
    settings = services.settings
    environ = bare_environment(target.prefix, settings.environ)
    contents = read_contents(target.prefix)
    notes = list(_script_notes(contents))
    names = list(dict.fromkeys(_modules_to_import(target, contents, notes)))
    services.progress(f"importing {', '.join(names[:4])}{' …' if len(names) > 4 else ''}")
    results = list(try_imports(target.prefix, names, environ))
    predicted = {str(canonicalize_name(name)) for finding in target.lock.findings for name in finding.packages}
    place = WheelTarget(prefix=target.prefix, platform=target.lock.platform, site=target.site)
    for complaint in WheelInstaller(settings.environ, Indexes.configured(settings.environ)).check(place):
        if complaint.name in predicted:
            notes.append(f"{complaint.message} (the proof told so)")
        elif complaint.name in {wheel.name for wheel in target.lock.pypi}:
            results.append(SmokeResult(subject=complaint.name, message=complaint.message))
        else:
            notes.append(f"{complaint.message} (it is conda's package)")
    if target.is_mac and target.lock.accelerator == "metal":
        services.progress("listing the GPU")
        results.append(try_gpu(target.prefix, environ))
    return SmokeTests(results=tuple(results), notes=tuple(notes))


def _script_notes(contents: PrefixContents) -> Iterator[str]:
    for record in contents.records:
        if f"bin/.{record.name}-post-link.sh" in record.files:
            yield f"the post-link script of {record.name} was not run; conda would have run it"


def _modules_to_import(target: InstallTarget, contents: PrefixContents, notes: list[str]) -> Iterator[str]:
    records = _records_by_distribution(target.lock)
    for name in _wanted_distributions(target):
        modules = import_names(contents, name, records.get(name, ""))
        if not modules:
            notes.append(f"{name} holds no module, so nothing of it was imported")
        yield from modules[:1] if len(modules) > _MOST_MODULES else modules


def _wanted_distributions(target: InstallTarget) -> list[str]:
    """Return the distributions that the manifest names for this platform, in the groups that are installed."""
    manifest, markers = target.environment.manifest, target.lock.platform.markers()
    left_out = set(target.left_out)
    grouped = [item.requirement for item in manifest.requirements() if item.groups - left_out]
    wanted = (item.name for item in (*grouped, *manifest.pypi_requirements()) if item.applies(markers))
    return list(dict.fromkeys(wanted))


def _records_by_distribution(lock: PlatformLock) -> Mapping[str, str]:
    """Map distributions to the conda packages that the lock takes for them."""
    records: dict[str, str] = {}
    for decision in lock.decisions:
        if decision.source == "conda":
            try:
                records.setdefault(canonicalize_name(Requirement(decision.requirement).name), decision.name)
            except InvalidRequirement:
                continue
    return records


def import_names(contents: PrefixContents, name: str, record: str) -> tuple[str, ...]:
    """Return the modules of a requirement, from the metadata of what was installed for it.

    `name` is the distribution's canonical name, `record` the conda package that serves for it or "". A distribution's
    own `top_level.txt` counts first, then its list of files, then the files of the record. () for a package that holds
    no module.
    """
    own = next((each for each in contents.distributions if each.name == name), None)
    installed = contents.record(record) if record else None
    if own is None and installed is not None:
        files = set(installed.files)
        own = next((each for each in contents.distributions if {each.info, f"{each.info}/METADATA"} & files), None)
    if own is not None and (named := _top_level(contents.prefix, own)):
        return named
    return tuple(_modules((own.files if own else ()) or (installed.files if installed else ())))


def try_imports(prefix: Path, names: Sequence[str], environ: Mapping[str, str]) -> tuple[SmokeResult, ...]:
    """Import modules one after the other in one process of the prefix's Python, as a program would.

    A crash is the result of the module at which it happened; what follows it is tried in a new process.
    """
    results: list[SmokeResult] = []
    left = list(names)
    while left:
        done = _results(_python(prefix, [_IMPORTS, *left], environ))
        results += done
        left = left[len(done) :] if done else []
    return tuple(results)


def try_gpu(prefix: Path, environ: Mapping[str, str]) -> SmokeResult:
    """List TensorFlow's GPUs in the prefix; none is a failure."""
    done = _python(prefix, [_GPU], environ)
    match = re.search(r"^GPU (\d+)$", done.stdout, re.MULTILINE)
    if match is None:
        return SmokeResult(subject="tensorflow", message=f"TensorFlow cannot list the GPU: {_last(done.stderr)}")
    return SmokeResult(subject="tensorflow", message="" if int(match[1]) else "TensorFlow lists no GPU")


def _python(prefix: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(prefix / "bin" / "python"), "-c", *arguments]
    try:
        limits = ChildLimits(seconds=_TIMEOUT, output=Ceiling.OUTPUT)
        done = run_child(command, limits, environment=environ, folder=prefix)
        stdout, stderr = (printed.decode("utf-8", "replace") for printed in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(command, done.returncode, stdout, stderr)
    except EndedError as error:
        late, large = f"it did not end within {_TIMEOUT:g} seconds", f"it printed more than {Ceiling.OUTPUT:,} bytes"
        stdout = error.stdout.decode("utf-8", "replace")
        return subprocess.CompletedProcess(command, 1, stdout, large if error.reason == "large" else late)
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} cannot be run ({error.strerror})")


def _results(done: subprocess.CompletedProcess[str]) -> list[SmokeResult]:
    results: list[SmokeResult] = []
    current = ""
    for line in done.stdout.splitlines():
        sign, _, words = line.partition(" ")
        word, _, rest = words.partition(" ")
        if sign != _SIGN:
            continue
        if word == "begin":
            current = rest
        else:
            results.append(SmokeResult(subject=current, message=rest))
            current = ""
    if current:
        killed = f"the process was killed by signal {-done.returncode}: " if done.returncode < 0 else ""
        results.append(SmokeResult(subject=current, message=f"{killed}{_last(done.stderr)}"))
    elif not results:
        results.append(SmokeResult(subject="python", message=_last(done.stderr)))
    return results


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _top_level(prefix: Path, distribution: Distribution) -> tuple[str, ...]:
    try:
        lines = read_bytes(prefix / distribution.info / "top_level.txt").decode("utf-8", "replace").split()
    except OSError:
        return ()
    return tuple(dict.fromkeys(line for line in lines if _is_public(line)))


def _modules(files: Iterable[str]) -> Iterator[str]:
    """Yield the modules of file names: a package has an `__init__.py`, a module lies at the top."""
    seen = set()
    for file in sorted(files):
        match = _SITE.fullmatch(file)
        folder, _, rest = match[1].partition("/") if match else ("", "", "")
        module = _MODULE.fullmatch(folder)
        name = folder if rest == "__init__.py" else module[1] if module and not rest else ""
        if name and _is_public(name) and name not in seen:
            seen.add(name)
            yield name


def _is_public(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_") and name not in _IGNORED
