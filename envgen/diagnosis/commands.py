"""Read installation commands as a shell would, without running anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envgen.errors import UsageError
from envgen.knowledge.advice import CommandTool, command_tools

_SEPARATORS = frozenset({"&&", "||", ";", "|", "&", "(", ")"})
_PROMPT = re.compile(r"^(?:\([\w.-]+\)\s*)?[$%!>]\s*")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PYTHON = re.compile(r"(?:.*/)?python(3(?:\.\d+)?)?$")
_WRAPPERS = {"sudo": 0, "time": 0, "command": 0, "exec": 0, "env": 0, "nohup": 0, "arch": 1}
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Hold an option in its first spelling; `value` is None where it takes none."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Hold one command in its parts.

    `variables` are set for it alone; `wrappers` stand before it (`arch -x86_64`); `program` is how the tool is called;
    `tool` is None for a command that installs nothing that is known here. `python` is the minor that it names, or "".
    """

    text: str
    variables: tuple[tuple[str, str], ...] = ()
    wrappers: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    tool: CommandTool | None = None
    verb: str = ""
    options: tuple[Option, ...] = ()
    packages: tuple[str, ...] = ()
    python: str = ""

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
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();&|")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError as error:
        raise UsageError(f"a shell could not read this: `{line}` ({error})".lower(), hint="close the quotes") from error
    current: list[str] = []
    for word in [*words, ";"]:
        if word in _SEPARATORS:
            if current:
                yield _command(current)
            current = []
        else:
            current.append(word)


def _command(words: Sequence[str]) -> Command:
    text = shlex.join(words)
    rest = list(words)
    variables, wrappers = _before(rest)
    program, python = _program(rest)
    name = program[-1].rpartition("/")[2] if program else ""
    tool = next((tool for tool in command_tools() if re.sub(r"[\d.]+$", "", name) in tool.programs), None)
    command = Command(
        text=text, variables=tuple(variables), wrappers=tuple(wrappers), program=tuple(program), python=python
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
        elif rest[0] in _WRAPPERS:
            taken = 1 + _WRAPPERS[rest[0]]
            wrappers.append(" ".join(rest[:taken]))
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
    return Command(
        text=command.text,
        variables=command.variables,
        wrappers=command.wrappers,
        program=command.program,
        tool=tool,
        verb=verb,
        options=tuple(options),
        packages=tuple(packages) if verb else (),
        python=command.python,
    )


def _starts(rest: Sequence[str], verb: str) -> bool:
    return [word for word in rest if not word.startswith("-")][: len(verb.split())] == verb.split()


def _behind(rest: Sequence[str], verb: str) -> list[str]:
    """Give the words but for those of the verb, which options may stand before."""
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
