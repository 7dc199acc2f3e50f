"""What the operator did, noted beside the state: a backup was taken, shares were made, a copy of a key was put away."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from pathlib import Path

    from kitamae.kernel.context.store import Store, Transaction

_KIND: Final = "doctor"
BACKUP: Final = "backup"
KEYS_BACKUP: Final = "keys-backup"
SHARES: Final = "shares"
REHEARSED: Final = "rehearsed"


async def note(store: Store, what: str, **more: Any) -> None:
    """It was done now."""
    told = {"at": clock.text(clock.now()), **more}

    async def keep(tx: Transaction) -> None:
        await tx.put("", _KIND, what, told)

    await store.transact(keep)


async def noted(store: Store, what: str) -> dict[str, Any]:
    """What was noted last; nothing: it was never done."""
    return dict(await store.get("", _KIND, what) or {})


def days_since(told: dict[str, Any], now: int) -> float:
    """Since that note; for ever where there is none. `now` in microseconds UTC."""
    return (now - clock.micros(told["at"])) / 86_400_000_000 if told else float("inf")


def print_of(key: Path) -> str:
    """By which a key is known again without being told."""
    return hashlib.sha256(b"kitamae copy " + key.read_bytes()).hexdigest()[:16]
