"""Read installation commands as a shell would, without running anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from envgen.errors import UsageError
from envgen.knowledge.advice import CommandTool, command_tools
from envgen.knowledge.replacements import needless_extra, replacement_of, unwanted_channel, unwanted_package
from envgen.knowledge.tensorflow import pypi_name
from envgen.models.findings import Severity
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement

_PART = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\([^()]*\)|(?P<end>[;|&()]+)|(?P<comment>(?:(?<=\s)|^)\#.*)|.""", re.DOTALL
)
_PROMPT = re.compile(r"^(?:\([\w.-]+\)\s*)?[$%!>]\s*")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PYTHON = re.compile(r"(?:.*/)?python(3(?:\.\d+)?)?$")
_WRAPPERS = {"sudo": 0, "time": 0, "command": 0, "exec": 0, "env": 0, "nohup": 0, "arch": 1}
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option in its first spelling; `value` is None where it takes none."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command in its parts.

    `text` is as it was written, `plain` without quotes, `rest` what is behind the program. `variables` are set for it
    alone; `wrappers` stand before it (`arch -x86_64`); `program` is how the tool is called; `tool` is None for what
    installs nothing that is known here. `python` is the minor that it names, or "".
    """

    text: str
    plain: str = ""
    rest: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    wrappers: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    tool: CommandTool | None = None
    verb: str = ""
    options: tuple[Option, ...] = ()
    packages: tuple[str, ...] = ()
    python: str = ""

    @property
    def speaks(self) -> str:
        """Return whose names the packages have: `pypi`, `conda`, `brew`, or "" where there are none that are judged."""
        if self.tool is None or (self.tool.verbs and self.verb in ("", "config")):
            return ""
        asks_pypi = self.tool.pypi_option and any(option.name == self.tool.pypi_option for option in self.options)
        return "pypi" if asks_pypi else self.tool.speaks

    def values(self, name: str) -> list[str]:
        """List the values of an option, "" for one that takes none."""
        return [option.value or "" for option in self.options if option.name == name]


def read_commands(text: str) -> tuple[Command, ...]:
    """Split a line, or several, into commands; raise UsageError where a shell could not read it either."""
    if len(text) > _LONGEST:
        raise UsageError("that is too long for a command", hint="give one command, or a few")
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [_PROMPT.sub("", line.strip()) for line in joined.splitlines()]
    found = [command for line in lines if line for command in _commands(line)]
    if not found:
        raise UsageError("there is no command to judge", hint='give one: --command "pip install X"')
    return tuple(found)


def _commands(line: str) -> Iterator[Command]:
    for text in _split(line):
        try:
            words = shlex.split(text)
        except ValueError as error:
            fault = f"a shell could not read this: `{line}` ({error})".lower()
            raise UsageError(fault, hint="close the quotes") from error
        if words:
            yield _command(text, words)


def _split(line: str) -> Iterator[str]:
    """Split a line at what separates commands, but for what is quoted or substituted; a comment ends it."""
    parts = [""]
    for match in _PART.finditer(line):
        if match["comment"]:
            break
        if match["end"]:
            parts.append("")
        else:
            parts[-1] += match[0]
    yield from (part.strip() for part in parts)


def _command(text: str, words: Sequence[str]) -> Command:
    rest = list(words)
    variables, wrappers = _before(rest)
    program, python = _program(rest)
    name = program[-1].rpartition("/")[2] if program else ""
    tool = next((tool for tool in command_tools() if re.sub(r"[\d.]+$", "", name) in tool.programs), None)
    command = Command(
        text=text,
        plain=" ".join(words),
        rest=tuple(rest),
        variables=tuple(variables),
        wrappers=tuple(wrappers),
        program=tuple(program),
        python=python,
    )
    return _with_tool(command, tool, rest) if tool else command


def _before(rest: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Take variables and wrappers off the front."""
    variables: list[tuple[str, str]] = []
    wrappers: list[str] = []
    while rest:
        setting = _VARIABLE.fullmatch(rest[0])
        if setting:
            variables.append((setting[1], setting[2]))
            rest.pop(0)
        elif rest[0].rpartition("/")[2] in _WRAPPERS:
            name = rest[0].rpartition("/")[2]
            taken = 1 + _WRAPPERS[name]
            wrappers.append(" ".join([name, *rest[1:taken]]))
            del rest[:taken]
        elif wrappers and rest[0].startswith("-"):
            wrappers[-1] += f" {rest.pop(0)}"
        else:
            break
    return variables, wrappers


def _program(rest: list[str]) -> tuple[list[str], str]:
    """Take the program off the front: `pip3.11`, `python3.12 -m pip`."""
    if not rest:
        return [], ""
    python = _PYTHON.match(rest[0])
    if python and rest[1:2] == ["-m"] and len(rest) > 2:
        program = rest[:3]
        minor = python[1] or ""
    else:
        program = rest[:1]
        numbered = re.search(r"pip(3\.\d+)$", rest[0])
        minor = numbered[1] if numbered else ""
    del rest[: len(program)]
    return program, minor if "." in minor else ""


def _with_tool(command: Command, tool: CommandTool, rest: list[str]) -> Command:
    verb = next((verb for verb in sorted(tool.verbs, key=len, reverse=True) if _starts(rest, verb)), "")
    options, packages = _arguments(tool, _behind(rest, verb))
    return replace(
        command,
        tool=tool,
        verb=verb,
        options=tuple(options),
        packages=tuple(packages) if verb or not tool.verbs else (),
    )


def _starts(rest: Sequence[str], verb: str) -> bool:
    return [word for word in rest if not word.startswith("-")][: len(verb.split())] == verb.split()


def _behind(rest: Sequence[str], verb: str) -> list[str]:
    """Return the words but for those of the verb, which options may stand before."""
    left, words = list(rest), verb.split()
    for word in words:
        left.remove(word)
    return left


def _arguments(tool: CommandTool, words: Sequence[str]) -> tuple[list[Option], list[str]]:
    options: list[Option] = []
    packages: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-") or word == "-":
            packages.append(word)
            continue
        name, equals, value = word.partition("=")
        first = tool.option(name) or (tool.option(word[:2]) if not word.startswith("--") else "")
        if not first:
            options.append(Option(name=word))
        elif equals:
            options.append(Option(name=first, value=value))
        elif not tool.option(name):
            options.append(Option(name=first, value=word[2:]))
        else:
            options.append(Option(name=first, value=queue.pop(0) if queue else ""))
    return options, packages


# Judge the names that installation commands ask for: those that do not serve on a Mac, and what does.

_SPEC = re.compile(r"(?:[^:\s]+::)?([A-Za-z0-9_][\w.-]*)\s*(.*)")
_LOCAL = re.compile(r"(==\s*[\w.]+)\+[\w.]+")
TENSORFLOW = "tensorflow"
CHANNEL = "--channel"
CONDA_FORGE = Option(name=CHANNEL, value="conda-forge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Describe what is wrong with a command, under a stable code, and what is right."""

    code: str
    severity: Severity
    message: str
    right: str


@dataclass(slots=True, kw_only=True)
class Named:
    """A command with the names that serve, and what was wrong with the others."""

    command: Command
    wrongs: list[Wrong] = field(default_factory=list)


def base_name(text: str) -> str:
    """Return the canonical name that a package's text starts with."""
    return str(canonicalize_name(re.split(r"[=<>!~\[ {;@]", text.rpartition("::")[2])[0]))


def named(command: Command) -> Iterator[tuple[str, str]]:
    """Yield each package's canonical name with its specifier; what cannot be read as one has none."""
    for text in command.packages:
        if not _SPEC.fullmatch(text):
            continue
        requirement = _requirement(text)
        yield (requirement.name, requirement.specifier) if requirement else (base_name(text), "")


def judge_names(command: Command, platform: Platform, told: Collection[str]) -> Named:
    """Put the names that serve in the place of those that do not; `told` are those that a rule speaks of already."""
    found = Named(command=command)
    if command.speaks in ("pypi", "conda"):
        texts = (text if base_name(text) in told else _right(found, text, platform) for text in command.packages)
        found.command = replace(command, packages=tuple(text for text in texts if text))
    if command.speaks == "conda":
        _channels(found, told)
    return found


def _right(found: Named, text: str, platform: Platform) -> str:
    """Return what to ask for in the place of one package, "" for nothing."""
    name, speaks = base_name(text), found.command.speaks
    why = unwanted_package(name, "conda" if speaks == "conda" else "pypi")
    if why:
        found.wrongs.append(
            Wrong(code="NO-USE-ON-MAC", severity="error", message=f"`{name}`: {why}", right="leave it out")
        )
        return ""
    local = _LOCAL.sub(r"\1", text)
    if local != text:
        why = "what stands behind the `+` names a build of one index, which has none for a Mac"
        found.wrongs.append(Wrong(code="LOCAL-VERSION", severity="error", message=why, right=f"ask for `{local}`"))
    requirement = _requirement(local)
    if requirement is None:
        return local
    return _renamed(found, local, requirement, platform)


def _renamed(found: Named, text: str, requirement: Requirement, platform: Platform) -> str:
    row = replacement_of(requirement.name, platform.subdir, requirement.specifier)
    extras = [needless_extra(requirement.name, extra, platform.subdir) for extra in requirement.extras]
    why = row.why if row else ""
    code = "REPLACED"
    right = requirement
    if row:
        right = replace(right, name=row.replacement, specifier=requirement.specifier if row.keep_specifier else "")
    elif any(extras):
        code, why = "NEEDLESS-EXTRA", next(extra.why for extra in extras if extra)
        right = replace(right, extras=tuple(x for x, known in zip(right.extras, extras, strict=True) if not known))
    elif found.command.speaks == "pypi" and right.name == TENSORFLOW and pypi_name(right.specifier) != TENSORFLOW:
        code, why = "OLD-NAME", "on Apple silicon TensorFlow up to 2.12 was released as tensorflow-macos"
        right = replace(right, name=pypi_name(right.specifier))
    if not why:
        return text
    written = str(right) if right.name else ""
    told = f"ask for `{written}`" if written else "leave it out"
    found.wrongs.append(Wrong(code=code, severity="error", message=why, right=told))
    return written


def _channels(found: Named, told: Collection[str]) -> None:
    """Leave out the channels that are not to be mixed with conda-forge, and name that one in their place."""
    kept: list[Option] = []
    for option in found.command.options:
        why = unwanted_channel(option.value or "") if option.name == CHANNEL else ""
        unwanted = bool(why) and f"{CHANNEL}={option.value}" not in told
        if unwanted:
            message = f"the channel `{option.value}`: {why}"
            found.wrongs.append(Wrong(code="CHANNEL", severity="warning", message=message, right="take conda-forge"))
        kept.append(CONDA_FORGE if unwanted else option)
    found.command = replace(found.command, options=tuple(dict.fromkeys(kept)))


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement.parse(text, Origin(path="command"))
    except ValueError:
        return None
