"""`kitamae keys ...`: the city's key, persons' keys, and the shares that the city's key is put together from again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from kitamae import personal
from kitamae.commands.control import ask, connect
from kitamae.commands.speech import say
from kitamae.directory.layout import Layout
from kitamae.kernel.people.vault import citykey, keyplace, shares
from kitamae.kernel.people.vault.keyplace import Variable
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest, Conflict
from kitamae.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


async def status(*, data: Path | None = None) -> None:
    """Say which key wraps persons' keys, how many there are, what is erased, and until when backups may hold it.

    Parameters
    ----------
    data
        The data directory.

    """
    settings = Settings.chosen(data=data)
    async with connect(settings) as client:
        said = await ask(client, "GET", "/control/keys")
    path = personal.key_file(settings, Layout(settings.data))
    lines = {**said, "key file": str(personal.key_place(settings, Layout(settings.data)))}
    width = max(map(len, lines))
    for name, value in lines.items():
        _say(f"{name:{width}}  {', '.join(value) if isinstance(value, list) else value}")
    if path == Layout(settings.data).city_key:
        _say(
            "まちの鍵が、データと同じ場所にあります。別の媒体に移し、KITAMAE_CITY_KEY で場所を指定してください。\n"
            "The city's key lies beside the data: move it to another medium and say where (KITAMAE_CITY_KEY)."
        )


async def rotate(*, city: bool = False, data: Path | None = None) -> None:
    """Replace keys while the city is served: those of every person, or with --city the city's own.

    Killed in the middle it goes on with the next start. After --city make new shares: the old ones open the old key only.

    Parameters
    ----------
    city
        The city's key; every person's key is wrapped anew, and the old key is set aside beside the new one. A key in an environment
        variable is taken from this command's: the new one before the old one (kitamae keys make --to env:NAME).
    data
        The data directory.

    """
    settings = Settings.chosen(data=data)
    place = personal.key_place(settings, Layout(settings.data)) if city else None
    told = {"given": place.text} if isinstance(place, Variable) else {}
    async with connect(settings) as client:
        done = await ask(client, "POST", "/control/keys/rotate", {"city": city, **told})
    _say(f"{done['replaced']} keys were {'wrapped by a new city key' if city else 'replaced'}")
    if isinstance(place, Variable):
        _say(
            f"新しいまちの鍵に替わりました。次に起動するときの {place.name} にも、同じ値(新しい鍵、前の鍵の順)を設定してください。"
            f"鍵の控え(分散した紙)を作り直してください: kitamae keys split\n"
            f"A new city key wraps now. The next start needs the same value of {place.name}. Make new shares."
        )
    elif city:
        _say(
            "新しいまちの鍵に替わりました。前の鍵は .old として残っています。鍵の控え(分散した紙)を作り直してください: kitamae keys split"
        )


def make(*, to: str) -> None:
    """Make a city's key, for a city whose keys are kept on PostgreSQL, or to keep it apart from the start.

    Parameters
    ----------
    to
        The key file; nothing is written over. pkcs11:MODULE?token=..&key=..&pin=..&wrapped=FILE: the file is wrapped by that key
        of the token, which is made there where it has none of that name. env:NAME: a line NAME='...' for a file of variables goes
        to the standard output; where NAME is set here, its keys follow the new one, as a rotation needs it.

    """
    place, key = keyplace.place(to), citykey.CityKey.fresh()
    if isinstance(place, Variable):
        keys = [key, *(place.read() if place.text else ())]
        _say(f"{place.name}='{' '.join(one.text() for one in keys)}'")
        return
    place.make(key)
    _say(
        f"まちの鍵 {key.id} を {place} に作りました。控えを作ってください: kitamae keys split\nThe city key {key.id} is in {place}."
    )


async def split(*, count: int = 5, threshold: int = 3, to: Path, data: Path | None = None) -> None:
    """Make shares of the city's key, one file each, for officers to keep apart. So many of them make the key again.

    Parameters
    ----------
    count
        How many shares.
    threshold
        How many of them are needed.
    to
        A folder for the files; print each, hand it over, and delete the file.
    data
        The data directory.

    """
    settings = Settings.chosen(data=data)
    key = personal.key_place(settings, Layout(settings.data)).read()[0]
    _write(shares.split(key, count, threshold), to)
    if settings.store or Layout(settings.data).state.exists():  # the doctor asks whether there are any
        async with connect(settings) as client:
            told = {"count": count, "threshold": threshold, "key": key.id}
            await ask(client, "POST", "/control/keys/shares", told)
    _say(
        f"まちの鍵 {key.id} を {count} 枚の控えに分けました({to})。{threshold} 枚そろうと鍵に戻せます。{threshold - 1} 枚以下では何も分かりません。\n"
        "1枚ずつ印刷して別々の職員が封をして保管し、このファイルは消してください。年に1度、kitamae keys rehearse で試してください。\n"
        f"{count} shares of the city key {key.id}; any {threshold} make it again. Print each, seal it, delete the files."
    )


def _write(texts: Sequence[str], to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number, text in enumerate(texts, start=1):
        file = to / f"share-{number}.txt"
        try:
            fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Conflict(f"{file} is there already: name an empty folder") from None
        with os.fdopen(fd, "w") as out:
            out.write(text + "\n")


def combine(*files: Path, to: str) -> None:
    """Put the city's key together from its shares: after a loss, or to move it onto a token.

    Parameters
    ----------
    files
        The shares, a file each.
    to
        The key file to write, or pkcs11:...; nothing is written over.

    """
    place, key = keyplace.place(to), shares.combine(_read(files))
    if isinstance(place, Variable):
        raise BadRequest("name a file or a token: no command sets a variable for others")
    place.make(key)
    _say(f"まちの鍵 {key.id} を {place} に書きました。\nThe city key {key.id} is in {place}.")


async def rehearse(*files: Path, data: Path | None = None) -> None:
    """Prove that these shares make the key that wraps persons' keys here. Only that it was tried is noted; the live key is not touched.

    Parameters
    ----------
    files
        The shares, a file each.
    data
        The data directory.

    """
    key = shares.combine(_read(files))
    async with connect(Settings.chosen(data=data)) as client:
        said = await ask(client, "GET", "/control/keys")
        if said["city key"] == key.id:
            await ask(client, "POST", "/control/keys/shares", {"key": key.id})
    if said["city key"] != key.id:
        raise VaultClosed(
            f"these shares make the key {key.id}, and this city's is {said['city key']}: they are shares from before a rotation."
            " Make new ones (kitamae keys split)"
        )
    _say(
        f"訓練成功: この控えから、まちの鍵 {key.id} が戻せます。何も書き換えていません。\n"
        f"These shares make the city key {key.id}. Nothing was written."
    )


async def backup(file: Path, /, *, data: Path | None = None) -> None:
    """Copy persons' keys, still wrapped by the city's key, into a file that is kept apart and for a short time.

    Parameters
    ----------
    file
        Where to; it must not be there yet.
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        made = await ask(client, "POST", "/control/keys/backup", {"to": _whole(file)})
    _say(f"{file}: to be deleted after {made['days']} days; it is not restored after that")


async def clock(*, data: Path | None = None) -> None:
    """Say that this machine's clock is right, after it was wrong or the city was not served for days: retention goes on by it.

    Look at the clock first: what is past its retention by it is erased for good at once. The ledger says that it was done.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        done = await ask(client, "POST", "/control/keys/clock")
    _say(
        say(
            "The clock is right: it is {at}, and {before} was the latest time before. Records past their retention that went: {swept}."
            " Entry of the ledger: {number}.",
            **done,
        )
    )


def _whole(file: Path) -> str:
    """The server may run in another folder than the command."""
    return str(file.absolute())


def _read(files: tuple[Path, ...]) -> list[str]:
    if not files:
        raise BadRequest("name the files with the shares")
    try:
        return [file.read_text("ascii") for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"a share cannot be read: {error}") from None


def _say(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)
