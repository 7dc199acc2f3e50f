"""Keys: where they lie, who may read them, and whether they could be lost for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae import personal
from kitamae.doctor import notes
from kitamae.doctor.finding import Kind
from kitamae.kernel.people.vault.problems import VaultClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kitamae.directory.layout import Layout
    from kitamae.doctor.finding import Found
    from kitamae.opened import City
    from kitamae.settings import Settings

_REHEARSE_DAYS: Final = 400

READABLE: Final = Kind(
    "readable-by-others",
    "bad",
    "{path} can be read by others on this machine.",
    "Whoever reads it has all that it protects.",
    "chmod {mode} it. If somebody may have read it, treat a key as known: kitamae keys rotate, or a new one.",
)
BESIDE: Final = Kind(
    "city-key-beside-data",
    "warn",
    "The city's key lies in the data directory, beside the records that it opens ({persons} persons).",
    "Whoever copies the directory or its disk has the key and the records.",
    "Move it to another medium and say where with KITAMAE_CITY_KEY. See docs/operate/keys.md.",
)
NO_SHARES: Final = Kind(
    "no-shares",
    "warn",
    "No shares of the city's key {key} were made here.",
    "If the key is lost, everything about persons is lost with it: nobody can bring it back.",
    "kitamae keys split --count 5 --threshold 3 --to FOLDER, and hand the shares to different officers.",
)
NONE_TO_SPARE: Final = Kind(
    "no-share-to-spare",
    "warn",
    "All {count} shares are needed to make the city's key.",
    "One lost envelope, and the key cannot be made again.",
    "Make more shares than are needed, such as 5 of which 3 suffice.",
)
NOT_REHEARSED: Final = Kind(
    "shares-not-rehearsed",
    "note",
    "For more than a year nobody tried whether the shares still make the city's key.",
    "Officers change, envelopes get lost, and it is noticed on the day they are needed.",
    "kitamae keys rehearse with the officers and their shares.",
)
VAULT: Final = Kind(
    "vault-closed",
    "bad",
    "Nothing about persons can be read: {why}.",
    "Applications and My page do not work.",
    "docs/operate/keys.md says what to do for each of these sentences.",
)
CLOCK: Final = Kind(
    "clock-in-doubt",
    "bad",
    "{why}.",
    "By a wrong time the records of the living are erased for good, or nothing about persons can be read.",
    "Look at this machine's clock. Where it is wrong, set it right; where it is right: kitamae keys clock.",
)
NO_COPY_OF_SEAL: Final = Kind(
    "no-copy-of-seal",
    "warn",
    "Nobody has confirmed that a copy of seal.key is kept elsewhere, and no backup carries it.",
    "Without it residents and visitors are strangers after a restore, and partners cannot be signed in to.",
    "Encrypt backups (KITAMAE_BACKUP_TO), which then carry it; or copy it to a safe place, then confirm it: kitamae doctor --copied seal.key",
)
NO_COPY_OF_LEDGER: Final = Kind(
    "no-copy-of-ledger-key",
    "note",
    "Nobody has confirmed that a copy of ledger.key is kept elsewhere; no backup carries it.",
    "Without it a city that moves to another machine cannot go on with its ledger: it begins a new one.",
    "Copy it to a safe place, then confirm it: kitamae doctor --copied ledger.key",
)
NO_KEYS_BACKUP: Final = Kind(
    "no-backup-of-keys",
    "warn",
    "There is no backup of persons' keys from the last {days} days.",
    "If keys.db is lost, no backup of the city brings what is about persons back.",
    "kitamae backup FILE --keys FILE, daily, onto different media.",
)


async def look(city: City, settings: Settings, layout: Layout, now: int) -> AsyncIterator[Found]:
    """`now` in microseconds UTC."""
    key = personal.key_file(settings, layout)
    seal = settings.seal or layout.seal
    for path in (
        layout.root,
        key,
        layout.keys,
        seal,
        layout.ledger_key,
        settings.residents_key,
        settings.tls_key,
    ):
        if path is not None and path.exists() and path.stat().st_mode & 0o077:
            yield READABLE.found(path=str(path), mode="700" if path.is_dir() else "600")
    if personal.wanted(settings):
        try:
            status = await city.vault.status()
        except VaultClosed as closed:
            yield VAULT.found(why=closed.detail or closed.title)
        else:
            async for one in _vault(city, settings, beside=key == layout.city_key, status=status, now=now):
                yield one
    backup = await notes.noted(city.store, notes.BACKUP)
    carried = bool(backup.get("encrypted")) and seal == layout.seal
    if not carried and seal.exists() and not await _copied(city, "seal.key", seal):
        yield NO_COPY_OF_SEAL.found()
    if layout.ledger_key.exists() and not await _copied(city, "ledger.key", layout.ledger_key):
        yield NO_COPY_OF_LEDGER.found()


async def _vault(
    city: City, settings: Settings, *, beside: bool, status: dict[str, Any], now: int
) -> AsyncIterator[Found]:
    persons = status["persons"]
    if status["clock"]:
        yield CLOCK.found(why=status["clock"])
    if beside:
        yield BESIDE.found("warn" if persons else "note", persons=persons)
    made = await notes.noted(city.store, notes.SHARES)
    if made.get("key") != status["city key"]:
        yield NO_SHARES.found("warn" if persons else "note", key=status["city key"])
    else:
        if made["threshold"] == made["count"]:
            yield NONE_TO_SPARE.found(count=made["count"])
        tried = await notes.noted(city.store, notes.REHEARSED)
        if min(notes.days_since(made, now), notes.days_since(tried, now)) > _REHEARSE_DAYS:
            yield NOT_REHEARSED.found()
    last = await notes.noted(city.store, notes.KEYS_BACKUP)
    if persons and not settings.keys and notes.days_since(last, now) > settings.keys_backup_days:
        yield NO_KEYS_BACKUP.found(days=settings.keys_backup_days)


async def _copied(city: City, name: str, path: Path) -> bool:
    return (await notes.noted(city.store, f"copy of {name}")).get("print") == notes.print_of(path)


async def copied(city: City, settings: Settings, layout: Layout, name: str) -> None:
    """The operator says that a copy of this key is kept elsewhere. A new key asks again. Raises KeyError, OSError."""
    path = {"seal.key": settings.seal or layout.seal, "ledger.key": layout.ledger_key}[name]
    await notes.note(city.store, f"copy of {name}", print=notes.print_of(path))
