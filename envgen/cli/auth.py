"""Store the secrets of private hosts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli.console import Console
from envgen.cli.options import Json, Quiet
from envgen.errors import EnvgenError, UsageError

if TYPE_CHECKING:
    from envgen.models.secrets import Secret

_OTHER_WAYS = "set ENVGEN_TOKENS='{host}=TOKEN'; or write the file that RATTLER_AUTH_FILE names, and `uv auth login`"


def auth(
    action: Annotated[str, typer.Argument(metavar="login|logout", help="Store a secret, or forget it.")],
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host that alone is told it, with its port if any.")],
    username: Annotated[
        str, typer.Option("--username", "-u", metavar="NAME", help="The user; without it, the secret is a token.")
    ] = "",
    token: Annotated[bool, typer.Option("--token", help="The secret is a token, which is the default.")] = False,
    conda_token: Annotated[
        bool, typer.Option("--conda-token", help="The token is one that conda puts into the path: /t/TOKEN/.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the secret from standard input, without asking.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Store what a host of private channels and indexes is told, or forget it; the secret is asked for."""
    from envgen.models.secrets import Secret, host_key

    if action not in ("login", "logout"):
        raise UsageError(f"unknown action `{action}`", hint="envgen auth login HOST, or envgen auth logout HOST")
    if not host_key(host):
        raise UsageError("not a host", hint="write it as in `envgen auth login packages.example.org`, without https://")
    if bool(username) + token + conda_token > 1:
        raise UsageError("--username, --token and --conda-token do not go together", hint="give one of them")
    console = Console(as_json=as_json, quiet=quiet)
    if action == "logout":
        dropped = _logout(host)
        console.data(
            {"host": host, "dropped": dropped}, [f"{host} is forgotten" if dropped else f"{host} was not known"]
        )
        return
    word = _read_secret(host, ask=not password_stdin)
    secret = Secret(path_token=word) if conda_token else Secret(user=username, password=word)
    stored = _login(host, secret)
    console.data({"host": host, "stored": stored}, [f"stored for {what}" for what in stored])


def _read_secret(host: str, *, ask: bool) -> str:
    """Read a secret from a prompt without echo or, where there is no terminal, from standard input."""
    if ask and sys.stdin.isatty():
        from getpass import getpass

        word = getpass(f"password or token for {host}: ")
    else:
        word = sys.stdin.readline().rstrip("\r\n")
    if not word or not word.isprintable():
        raise UsageError("there is no secret to store", hint="type it, or pipe one line into --password-stdin")
    return word


def _login(host: str, secret: Secret) -> list[str]:
    """Store a secret for channels and, unless it goes into a path, for indexes; return where.

    Raises:
        EnvgenError: it cannot be stored for one of them.
    """
    from envgen.pypi.uv import store_index_login
    from envgen.repodata.credentials import store_login

    stored, failures = [], []
    try:
        stored.append(f"channels, in {store_login(host, secret, os.environ)}")
    except (OSError, ValueError) as error:
        failures.append(f"for channels ({_reason(error)})")
    if login := secret.login:
        try:
            store_index_login(host, login, os.environ)
            stored.append("package indexes, by uv")
        except EnvgenError as error:
            failures.append(f"for package indexes ({error.message})")
    if failures:
        done = f"; it is stored for {stored[0]}" if stored else ""
        message = f"the secret cannot be stored {' nor '.join(failures)}{done}"
        raise EnvgenError(message, hint=_OTHER_WAYS.format(host=host), code="auth")
    return stored


def _logout(host: str) -> list[str]:
    from envgen.pypi.uv import drop_index_login
    from envgen.repodata.credentials import drop_login

    try:
        dropped = ["channels"] if drop_login(host, os.environ) else []
    except (OSError, ValueError) as error:
        raise EnvgenError(f"the secret cannot be forgotten: {_reason(error)}", code="auth") from None
    return dropped + (["package indexes"] if drop_index_login(host, os.environ) else [])


def _reason(error: Exception) -> str:
    """Return why a file is of no use; what json says of damage quotes none of it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
