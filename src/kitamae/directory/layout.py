"""What lies where in a data directory (design.md, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDERS: Final = ("ledger", "history", "blobs")
"""Made at the first start. `history` and `blobs` hold files that never change once they are written."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths in one data directory."""

    root: Path

    @property
    def state(self) -> Path:
        """The city's state."""
        return self.root / "kitamae.db"

    @property
    def lock(self) -> Path:
        """Held by the one process that has the directory open; names that process."""
        return self.root / "lock"

    @property
    def keys(self) -> Path:
        """Persons' keys: never in a backup of the city."""
        return self.root / "keys.db"

    @property
    def city_key(self) -> Path:
        """The key that opens them, unless the operator keeps it elsewhere: in no backup at all."""
        return self.root / "city.key"

    @property
    def socket(self) -> Path:
        """Where commands talk to the running server."""
        return self.root / "control.sock"

    @property
    def city(self) -> Path:
        """Names the city's folder that was served last, for commands that open the directory by themselves."""
        return self.root / "city"

    def served(self) -> Path | None:
        """That folder, where it is still there."""
        try:
            folder = Path(self.city.read_text("utf-8"))
        except OSError:
            return None
        return folder if (folder / "city.toml").is_file() else None

    @property
    def sandbox(self) -> Path:
        """There in a sandbox alone: what it is, and who its invented people are (`sandbox.py`)."""
        return self.root / "sandbox.json"

    @property
    def sandbox_keys(self) -> Path:
        """API keys of a sandbox that are ready to be used."""
        return self.root / "api-keys.json"

    @property
    def ledger(self) -> Path:
        """The log's files."""
        return self.root / "ledger"

    @property
    def ledger_key(self) -> Path:
        """The log's secret key: beside the log and in no backup."""
        return self.root / "ledger.key"

    @property
    def derived(self) -> Path:
        """What is made from the state and may be thrown away: never backed up."""
        return self.root / "derived"

    @property
    def seal(self) -> Path:
        """The key of what only this city reads again: in encrypted backups alone (`kernel/people/seal.py`)."""
        return self.root / "seal.key"

    @property
    def incoming(self) -> Path:
        """A backup being unpacked: not yet the city's."""
        return self.root / ".incoming"

    @property
    def replaced(self) -> Path:
        """What the last restore took the place of; kept until the next one."""
        return self.root / ".replaced"

    @property
    def swap(self) -> Path:
        """There while a restore moves files: whoever starts next finishes it."""
        return self.root / ".swap.json"

    def make(self) -> None:
        """Create what is missing; only the owner may look in."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            (self.root / name).mkdir(exist_ok=True, mode=0o700)
