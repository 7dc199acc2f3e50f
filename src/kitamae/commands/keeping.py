"""`kitamae backup`, `restore` and `status`: keeping a city."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.commands.speech import say
from kitamae.directory.layout import Layout
from kitamae.kernel.problems import NotFound
from kitamae.settings import Settings


async def backup(file: Path, /, *, keys: Path | None = None, data: Path | None = None) -> None:
    """Write everything into one file while the city is served: the state first, then the files it refers to.

    Persons' keys are never in it: they go into a file of their own (--keys), afterwards. With KITAMAE_BACKUP_TO the file
    is encrypted to those recipients.

    Parameters
    ----------
    file
        Where to; it must not be there yet. A name that ends in .gz (or .gz.age) is compressed.
    keys
        Where persons' keys go: to be kept elsewhere, and no longer than KITAMAE_KEYS_BACKUP_DAYS.
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        sent = {"to": _whole(file), "keys": _whole(keys) if keys else None}
        made = await ask(client, "POST", "/control/backup", sent)
    _print(say("{file}: the city as of {at}", file=file, at=made["at"]))


async def restore(
    file: Path, /, *, keys: Path | None = None, identity: Path | None = None, data: Path | None = None
) -> None:
    """Put a backup in the place of the city, also while it is served; the old one is kept aside in .replaced.

    The file is unpacked beside the city and verified first; one that is damaged, cut off or of a newer version
    changes nothing. Everybody must sign in again; whoever was erased stays so.

    Parameters
    ----------
    file
        What `kitamae backup` wrote.
    keys
        What `kitamae backup --keys` wrote, where persons' keys are lost too.
    identity
        The file with the identity (AGE-SECRET-KEY-1...) that opens an encrypted backup.
    data
        The data directory; it is made when it is not there.

    """
    whole = _present(file)
    settings = Settings.chosen(data=data)
    async with connect(settings, make=True) as client:
        sent = {
            "from": whole,
            "keys": _present(keys) if keys else None,
            "identity": _present(identity) if identity else None,
        }
        made = await ask(client, "POST", "/control/restore", sent)
    before = Layout(settings.data).replaced
    if before.exists():
        _print(
            say("the city is as of {at}; what was there before is in {before}", at=made["at"], before=before)
        )
    else:
        _print(say("the city is as of {at}", at=made["at"]))


async def status(*, data: Path | None = None) -> None:
    """Say how the city is: version, address, entities, what waits, what is wrong.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        said = await ask(client, "GET", "/control/status")
    entities = {f"entities {tenant}".strip(): count for tenant, count in said.pop("entities").items()}
    lines = {**said, **(entities or {"entities": 0})}
    width = max(map(len, lines))
    for name, value in lines.items():
        _print(f"{name:{width}}  {value}")


def _print(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def _whole(file: Path) -> str:
    """The server may run in another folder than the command."""
    return str(file.absolute())


def _present(file: Path) -> str:
    if not file.is_file():
        raise NotFound(say("there is no file {file}", file=file))
    return _whole(file)
