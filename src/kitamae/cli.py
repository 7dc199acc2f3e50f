"""The `kitamae` command. Each subcommand is imported only when it is called, so that `kitamae up` starts fast."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cyclopts import App
from pydantic import ValidationError

from kitamae import __version__
from kitamae.commands import speech
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

app = App(
    name="kitamae",
    version=__version__,
    help="The operating system of a small city. Words: --lang ja or --lang en, else as LANG says.",
)
token = App(name="token", help="Ways in for programs.")
keys = App(name="keys", help="The city's key and persons' keys.")

client = App(name="client", help="Services and partners that people sign in to from here.")

staff = App(name="staff", help="Duties of staff, where there is no browser or nobody to ask on the pages.")

app.command("kitamae.commands.up:up")
app.command("kitamae.commands.sandbox:sandbox")
app.command("kitamae.commands.sign_in:sign_in", name="sign-in")
app.command(token)
token.command("kitamae.commands.tokens:create", name="create")
token.command("kitamae.commands.tokens:list_", name="list")
token.command("kitamae.commands.tokens:revoke", name="revoke")
app.command(client)
client.command("kitamae.commands.clients:add", name="add")
client.command("kitamae.commands.clients:list_", name="list")
client.command("kitamae.commands.clients:remove", name="remove")
app.command(staff)
for name in ("duties", "give", "take", "changes"):
    staff.command(f"kitamae.commands.staff:{name}", name=name)
staff.command("kitamae.commands.staff:list_", name="list")
app.command(keys)
for name in ("status", "make", "rotate", "split", "combine", "rehearse", "backup", "clock"):
    keys.command(f"kitamae.commands.keys:{name}", name=name)
app.command("kitamae.commands.keeping:backup")
app.command("kitamae.commands.keeping:restore")
app.command("kitamae.commands.keeping:status")
app.command("kitamae.commands.encrypting:encrypt")
app.command("kitamae.commands.encrypting:decrypt")
app.command("kitamae.commands.doctor:doctor")
app.command("kitamae.commands.sbom:sbom")
app.command("kitamae.commands.access_log:access_log", name="access-log")
app.command("kitamae.commands.compact:compact")
app.command("kitamae.commands.upgrade:upgrade")
app.command("kitamae.commands.migrate:migrate")
app.command("kitamae.commands.bring:bring", name="import")
app.command("kitamae.commands.replay:replay")
app.command("kitamae.commands.check:run", name="check")
app.command("kitamae.commands.witness:witness")
app.command("kitamae.commands.verify:verify")


def _ask_for_help(arguments: Sequence[str]) -> bool:
    return (
        not arguments
        or arguments in (["token"], ["client"], ["keys"], ["staff"])
        or arguments[-1] in app.help_flags
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it with these arguments, else those of the process: 0 when it was done, 1 when it could not be, 2 when it was asked for in a wrong way."""
    try:
        arguments = speech.choose(sys.argv[1:] if arguments is None else arguments, os.environ)
        if _ask_for_help(arguments):  # a command tells what it does in its docstring, so all are imported now
            app.resolved_commands()
            token.resolved_commands()
            client.resolved_commands()
            staff.resolved_commands()
            keys.resolved_commands()
            speech.teach(app)
        app(arguments)
    except Problem as problem:
        print(f"kitamae: {speech.problem(problem)}", file=sys.stderr)
        sys.exit(1)
    except ValidationError as error:
        for wrong in error.errors():
            where = " ".join(str(part) for part in wrong["loc"])
            message = wrong["msg"].removeprefix("Value error, ")
            print(f"kitamae: {where + ': ' if where else ''}{message}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
