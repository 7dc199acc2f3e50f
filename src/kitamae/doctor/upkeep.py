"""What somebody must do regularly, and what stands still because nobody did."""

from __future__ import annotations

import ctypes
import os
import shutil
from typing import TYPE_CHECKING, Final

from kitamae.doctor import notes
from kitamae.doctor.finding import Kind
from kitamae.kernel.people.duties.office import DESK
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.directory.layout import Layout
    from kitamae.doctor.finding import Found
    from kitamae.opened import City
    from kitamae.settings import Settings

_BACKUP_DAYS: Final = 3
_ROOM: Final = 0.1
_UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2): nothing keeps the clock right."""

NO_BACKUP: Final = Kind(
    "no-backup",
    "bad",
    "No backup of the city was ever taken.",
    "A broken disk ends the city.",
    "kitamae backup FILE on another machine's disk, daily; then try a restore. See docs/operate/backup.md.",
)
OLD_BACKUP: Final = Kind(
    "old-backup",
    "warn",
    "The last backup is {days} days old.",
    "Everything since then would be lost with the disk.",
    "kitamae backup FILE, daily, by a timer; look why it stopped.",
)
PLAIN_BACKUP: Final = Kind(
    "plain-backup",
    "warn",
    "Backups are not encrypted.",
    "Whoever gets hold of a backup can read all of it that is not about persons. It also leaves seal.key out.",
    "Set KITAMAE_BACKUP_TO to a public key of age. See docs/operate/keys.md.",
)
CLOCK: Final = Kind(
    "clock-not-kept",
    "warn",
    "Nothing keeps this machine's clock right.",
    "Deadlines, receipts, sign-ins and the ledger take their time from this clock. When it is wrong, they are wrong.",
    "Let systemd-timesyncd, chrony or ntpd run, with the town hall's time server.",
)
DISK: Final = Kind(
    "disk-full-soon",
    "warn",
    "The disk has {free} MB free, {percent} % of it.",
    "When it is full nothing can be written any more.",
    "Make room, or put the data on a larger disk.",
)
ROOT: Final = Kind(
    "runs-as-root",
    "warn",
    "The server runs as root.",
    "A flaw in the server would put the whole machine at risk.",
    "Run it as a user of its own who owns the data directory.",
)
HEALTH: Final = Kind(
    "health",
    "warn",
    "{check}: {said}.",
    "The city checks this by itself, and it is not in order.",
    "docs/operate/watching.md says what each check means.",
)
WITNESS: Final = Kind(
    "no-witness",
    "warn",
    "Nobody witnesses the city's ledger.",
    "The city could rewrite all of it, and only who kept an old copy would know.",
    "Ask a neighbouring city to run kitamae witness, and name it in KITAMAE_WITNESSES. See docs/operate/ledger.md.",
)
MAIL: Final = Kind(
    "no-mail",
    "note",
    "The city can send no e-mail.",
    "Visitors cannot sign in, and nobody is told anything by mail.",
    "Set KITAMAE_MAIL and KITAMAE_MAIL_FROM.",
)
RESIDENTS: Final = Kind(
    "no-residents",
    "note",
    "Residents cannot sign in.",
    "Without デジタル認証アプリ nobody sees what is held about him.",
    "Register the city with the Digital Agency, then set KITAMAE_RESIDENTS_*. See docs/operate/people.md.",
)
PAPERS: Final = Kind(
    "no-papers",
    "bad",
    "These have no valid privacy impact assessment and are refused: {services}.",
    "People find a service closed, or the town hall may not use what it holds (city-...).",
    "Publish or renew the assessment at /desk/papers; the text of what the city holds stands in its folder ([[papers]] in city.toml).",
)
NO_CITY: Final = Kind(
    "no-city",
    "note",
    "No city's profile is served.",
    "There is no map, no names of places, and no rule which data may be kept.",
    "kitamae up --city cities/...",
)
RETENTION: Final = Kind(
    "no-retention",
    "note",
    "History is kept for ever: city.toml says for no type how many days.",
    "History that is not needed any more takes room and may tell more than it should.",
    "Say it with history_days in city.toml.",
)
NO_PASSKEY: Final = Kind(
    "staff-without-passkey",
    "warn",
    "Members of staff who have no passkey: {count}.",
    "They sign in with links that work once. Whoever sees such a link first comes in as them.",
    "Each registers two passkeys at /account/passkeys.",
)
NO_SECOND: Final = Kind(
    "no-second-person",
    "warn",
    "Members of staff with the duty Personnel: {count}.",
    "Powerful duties need a second person; until two were given it, the first account does every desk's work.",
    "Give the duty Personnel to two at least: /staff/duties, or kitamae staff give.",
)
OVERDUE: Final = Kind(
    "overdue-reviews",
    "warn",
    "Emergency accesses that nobody reviewed in time: {count}.",
    "Whether somebody looked at personal data without need is not known, and everybody sees the count.",
    "The privacy desk reviews them at /staff/emergencies.",
)
UNSENT: Final = Kind(
    "unsent-notifications",
    "warn",
    "{count} notifications wait; {queue} alone has {most}.",
    "That receiver does not answer, and does not know what has happened.",
    "Ask whoever runs it, or delete its subscription.",
)


async def look(city: City, settings: Settings, layout: Layout, now: int) -> AsyncIterator[Found]:
    """`now` in microseconds UTC."""
    for one in [*await _backups(city, settings, now), *_machine(settings, layout), *_set(city, settings)]:
        yield one
    _, health = await city.health.ready()
    for check, [told] in health["checks"].items():
        if told["status"] != "pass" and check not in ("disk:free", "vault:keys"):
            said = told.get("output") or f"{told.get('observedValue')} {told.get('observedUnit', '')}".strip()
            yield HEALTH.found("bad" if told["status"] == "fail" else None, check=check, said=said)
    if missing := sorted(city.registers.papers.missing()):
        yield PAPERS.found(services=", ".join(missing))
    if without := await _without_passkey(city):
        yield NO_PASSKEY.found(count=without)
    office, taken = city.ways.office, city.ways.emergencies
    staffing = {duty.id for duty in office.plan if DESK in duty.desks}
    holders = [ref for ref, state in await office.members() if staffing & {one.duty for one in state.held}]
    if len(holders) < _TWO:
        yield NO_SECOND.found(count=len(holders))
    if overdue := sum(one.overdue for one in await taken.all()):
        yield OVERDUE.found(count=overdue)
    queues = await city.store.queues()
    if (waits := sum(count for _, _, count in queues)) > _WAITING:
        _, queue, most = max(queues, key=lambda one: one[2])
        yield UNSENT.found(count=waits, queue=queue, most=most)


_TWO: Final = 2
_WAITING: Final = 1_000
"""Notifications that may wait without anybody being told."""


async def _backups(city: City, settings: Settings, now: int) -> list[Found]:
    """On PostgreSQL they are taken there, and nobody here knows of them."""
    if settings.store:
        return []
    last = await notes.noted(city.store, notes.BACKUP)
    found = [] if settings.backup_to else [PLAIN_BACKUP.found()]
    if not last:
        return [NO_BACKUP.found(), *found]
    days = notes.days_since(last, now)
    return (
        [OLD_BACKUP.found("bad" if days > 14 else None, days=int(days)), *found]
        if days > _BACKUP_DAYS
        else found
    )


def _machine(settings: Settings, layout: Layout) -> list[Found]:
    found = []
    disk = shutil.disk_usage(layout.root)
    if disk.free < disk.total * _ROOM or disk.free // 1_000_000 < 5 * settings.min_free_mb:
        low = disk.free // 1_000_000 < settings.min_free_mb
        percent = round(100 * disk.free / disk.total)
        found.append(DISK.found("bad" if low else None, free=disk.free // 1_000_000, percent=percent))
    if not _clock_kept():
        found.append(CLOCK.found())
    if os.geteuid() == 0:
        found.append(ROOT.found())
    return found


def _clock_kept() -> bool:
    """As the kernel knows; where it cannot be asked nothing is claimed."""
    try:
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)) != _UNSYNCHRONISED)
    except (OSError, AttributeError):
        return True


def _set(city: City, settings: Settings) -> list[Found]:
    profile = city.profile
    asked = (
        (settings.witnesses is None, WITNESS),
        (not settings.mail, MAIL),
        (not settings.residents_issuer and not settings.demo_residents, RESIDENTS),
        (profile is None, NO_CITY),
        (profile is not None and not profile.history_days, RETENTION),
    )
    return [kind.found() for so, kind in asked if so]


async def _without_passkey(city: City) -> int:
    have = {doc["person"] for _, _, doc in await city.store.documents(TENANT, "passkey")}
    return sum(not state.left and ref not in have for ref, state in await city.ways.office.members())
