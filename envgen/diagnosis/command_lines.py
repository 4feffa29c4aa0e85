"""Read installation commands as a shell would, without running anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from envgen.errors import UsageError
from envgen.knowledge.advice import CommandTool, command_tools

_PART = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\([^()]*\)|(?P<end>[;|&()]+)|(?P<comment>(?:(?<=\s)|^)\#.*)|.""", re.DOTALL
)
_PROMPT = re.compile(r"^(?:\([\w.-]+\)\s*)?[$%!>]\s*")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PYTHON = re.compile(r"(?:.*/)?python(3(?:\.\d+)?)?$")
# What may stand before a command, with the number of words of its own that follow it.
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
    """Yield a line's commands; each is kept as it was written, so that a right one may be shown unchanged."""
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
    words = [word for word in rest if not word.startswith("-")]
    longest_first = sorted(tool.verbs, key=len, reverse=True)
    verb = next((verb for verb in longest_first if words[: len(verb.split())] == verb.split()), "")
    words = list(rest)
    for word in verb.split():  # options may stand before and between the words of the verb
        words.remove(word)
    options, packages = _arguments(tool, words)
    return replace(
        command,
        tool=tool,
        verb=verb,
        options=tuple(options),
        packages=tuple(packages) if verb or not tool.verbs else (),
    )


def _arguments(tool: CommandTool, words: Sequence[str]) -> tuple[list[Option], list[str]]:
    """Part options from packages; a short option may have its value in the same word, as in `-fURL`."""
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
