"""uv's messages on stderr, read as errors, names and notes of ours.

uv has no structured output for a resolution that fails: its text is all there is to learn from. It is read here alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import dedent

from packaging.utils import canonicalize_name

from envgen.errors import FailureKind, PypiError, PypiFailure, PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.secrets import LOG_IN, mask
from envgen.models.wheel import ResolveRequest
from envgen.pypi.release_verdicts import target
from envgen.pypi.stub_wheels import unmark

_URL = re.compile(r"https?://[^\s`)]+")
_REFUSED = re.compile(r"\b(401 Unauthorized|403 Forbidden|407 Proxy\b[^)]*)")
_NETWORK = re.compile(
    r"^(?:Request failed|Failed to fetch|Failed to download|Received some unexpected|Could not connect|Network)"
)
# uv's hints are kept where they state facts; those that name its options or speak of building would mislead.
_KEPT_HINT = re.compile(r"^(?:You require|Wheels are available|The structure of|The metadata of)")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_MENTIONS = re.compile(
    rf"(?<![\w.@/-])({_NAME})(?:\[[^\]]*\])?(?=[<>=!~])"
    rf"|(?:versions? of|require|depends? on|Because|and|for) `?({_NAME})(?:\[[^\]]*\])?`?(?=[\s,]|\.?(?:\s|$))"
)
_PROSE = frozenset(
    {"all", "and", "any", "because", "it", "no", "only", "that", "the", "there", "these", "we", "you", "your"}
)
# The first that matches counts.
_KINDS: Mapping[FailureKind, re.Pattern[str]] = {
    "wheels": re.compile(r"no usable wheels|no wheels with|not found in"),
    "versions": re.compile(r"no versions? of|(?:is|are) available|was yanked"),
    "conflict": re.compile(r"depends? on|incompatible|you require|cannot be used|unsatisfiable"),
}
_REQUIRED = re.compile(r"you require (.*?)(?:, we can conclude|$)", re.DOTALL)
_REQUIRED_NAME = re.compile(r"(?:^|and |, |\s)([A-Za-z0-9][\w.-]*?)(?=[\[<>=!~, ]|$)")
_LONGEST = 500  # letters of a conclusion
_WARNING = re.compile(r"^warning: (.*)", re.MULTILINE)
_YANKED = re.compile(r"^`([^`=]+)==([^`]+)` is yanked(?: \(reason: \"?(.*?)\"?\))?$")
_EXTRA = re.compile(r"^The package `([^`=@]+?)(?:==| @ )[^`]+` does not have an extra named `([^`]+)`$")


def failure(stderr: str, request: ResolveRequest) -> PypiError:
    """Return what uv's failure means: an index that cannot be read, requirements without an answer, or a wrong call."""
    text = f"\n{stderr}".partition("\nerror: ")[2].strip()
    message, _, rest = text.partition("\n")
    if message.startswith("No solution found"):
        return _no_solution(rest, request)
    if _NETWORK.match(message):
        return _unreachable(message, rest)
    if message.startswith("Couldn't parse"):
        detail = " ".join(line.strip() for line in rest.splitlines() if "^" not in line)
        return PypiError(f"not a requirement: {detail.removeprefix('cause: ')}")
    return PypiError(f"uv failed: {mask(message) or 'it said nothing'}")


def _no_solution(text: str, request: ResolveRequest) -> PypiError:
    if "network was disabled" in text or "in the cache" in text:
        missing = ", ".join(f"`{name}`" for name in re.findall(r"(\S+) was not found in the cache", text))
        return PypiUnreachableError(
            f"off-line, and not everything is in uv's cache{f': {missing}' if missing else ''}",
            hint="run it once with the network",
        )
    if refused := _REFUSED.search(text):
        url = _URL.search(text)
        return PypiUnreachableError(
            f"the package index refuses access{f': {mask(url[0])}' if url else ''} ({refused[1]})",
            hint=LOG_IN,
        )
    problem = clean(text)
    return PypiUnsatisfiableError(
        f"no set of wheels meets the requirements for {target(request.platform)}",
        PypiFailure(
            problem=problem,
            kind=_kind(problem),
            names=mentioned(text),
            required=tuple(_required(problem)),
            conclusion=_conclusion(problem),
        ),
    )


def _kind(problem: str) -> FailureKind:
    kinds = (kind for kind, pattern in _KINDS.items() if pattern.search(problem))
    return next(kinds, "unknown")


def _required(problem: str) -> Iterator[str]:
    """Yield what uv calls the user's own, in prose alone: "because you require A>=1 and B==2, we can conclude"."""
    for part in _REQUIRED.findall(problem):
        names = (name for name in _REQUIRED_NAME.findall(part) if name not in _PROSE)
        yield from (str(canonicalize_name(name)) for name in names)


def _conclusion(problem: str) -> str:
    """Take what cannot stand together out of a derivation, or its end; cut to a readable length."""
    text = " ".join(problem.split())
    if len(text) <= _LONGEST:
        return text
    clash, found, _ = text.rpartition(" are incompatible")
    if found:
        text = clash.rpartition("conclude that ")[2] + found
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"


def _unreachable(message: str, rest: str) -> PypiUnreachableError:
    url = _URL.search(f"{message}\n{rest}")
    where = f": {mask(url[0])}" if url else ""
    causes = [line.removeprefix("cause: ") for line in map(str.strip, rest.splitlines()) if line]
    why = re.sub(r"(?: for url)? \(https?://.*?\)$", "", causes[-1]) if causes else message
    if url and "/simple" not in url[0] and "404" in why:
        file = url[0].rpartition("/")[2].removesuffix(".metadata")
        return PypiUnreachableError(
            f"the package index lists {file} but does not serve it{where}",
            hint="try again later, or from another index",
        )
    if message.startswith("Received"):
        return PypiUnreachableError(
            f"the package index answers with something that is no project page{where}",
            hint="UV_DEFAULT_INDEX must name a simple index (a login or error page came instead?)",
        )
    return PypiUnreachableError(
        f"the package index does not answer{where} ({mask(why)})",
        hint="check the network, the proxy and UV_DEFAULT_INDEX; a slow index may need a longer UV_HTTP_TIMEOUT",
    )


def clean(text: str) -> str:
    """Return uv's explanation as it concerns the user: no hints about uv's options, no stub versions, no passwords."""
    cause, *hints = re.split(r"\n\s*\nhint: |\nhint: ", text)
    cause = dedent(" " * 9 + cause.strip("\n").strip().removeprefix("cause: "))
    kept = [" ".join(hint.split()) for hint in hints if _KEPT_HINT.match(hint.strip())]
    return mask(unmark("\n".join([cause.strip(), *kept])))


def mentioned(text: str) -> tuple[str, ...]:
    """Name the distributions that an explanation speaks of, in its order."""
    cause = re.split(r"\nhint: ", text)[0]
    names = (first or second for first, second in _MENTIONS.findall(cause))
    kept = (str(canonicalize_name(name)) for name in names if name.lower() not in _PROSE)
    return tuple(dict.fromkeys(kept))


def notes(stderr: str, stubs: frozenset[str]) -> tuple[str, ...]:
    """Return in the user's words what uv warned of, sorted; extras of stubs are the planner's business."""
    return tuple(sorted(set(_notes(stderr, stubs))))


def _notes(stderr: str, stubs: frozenset[str]) -> Iterator[str]:
    for warning in _WARNING.findall(stderr):
        if yanked := _YANKED.match(warning):
            name, version, why = yanked.groups()
            yield f"`{name}` {version} was withdrawn by its authors (yanked{f': {why}' if why else ''})"
        elif extra := _EXTRA.match(warning):
            if canonicalize_name(extra[1]) not in stubs:
                yield f"`{extra[1]}` has no extra `{extra[2]}`: it adds nothing"
        elif "requested Python version" not in warning:  # which pythons this machine has must not show in a lock
            yield f"uv: {mask(warning)}"
