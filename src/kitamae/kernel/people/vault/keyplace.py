"""Where the city's key is kept, and what can be done to it there: a file, a token (PKCS#11) or an environment variable.

PATH                    a file that its owner alone may read
pkcs11:MODULE?token=…   a wrapped file that one token alone opens (`hsm.py`)
env:NAME                a variable of this process; what sets it for the next start is the operator's
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.vault import citykey, hsm
from kitamae.kernel.people.vault.problems import VaultClosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.people.vault.citykey import CityKey

_ENVIRONMENT: Final = "env:"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """`read`, `write` and `aside` raise VaultClosed and what `citykey` raises. `stamp` is another one when something else stands there."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> Sequence[CityKey]:
        """The one that wraps first."""
        return citykey.read(self.path)

    def stamp(self) -> object:
        """Of the file; None: there is none."""
        return citykey.stamp(self.path)

    def make(self, key: CityKey) -> None:
        """A place that has none yet."""
        citykey.write(self.path, [key])

    def write(self, keys: Sequence[CityKey]) -> None:
        """Instead of what is there."""
        citykey.write(self.path, keys, replace=True)

    def aside(self, keys: Sequence[CityKey]) -> None:
        """Beside it, for backups of persons' keys from before."""
        citykey.write(citykey.aside(self.path, keys[0]), keys)


@dataclass(frozen=True, slots=True)
class Token:
    """The same on a token; what it does there may take a while: not on the event loop while others are served."""

    address: str

    def __str__(self) -> str:
        return self.address.partition("?")[0]

    def read(self) -> Sequence[CityKey]:
        """The one that wraps first."""
        return hsm.read(self.address)

    def stamp(self) -> object:
        """Of the wrapped file; None: there is none."""
        return hsm.stamp(self.address)

    def make(self, key: CityKey) -> None:
        """With the AES key on the token that wraps it, where there is none of that name yet."""
        hsm.make_wrapping(self.address)
        hsm.write(self.address, [key])

    def write(self, keys: Sequence[CityKey]) -> None:
        """Instead of what is there."""
        hsm.write(self.address, keys, replace=True)

    def aside(self, keys: Sequence[CityKey]) -> None:
        """Beside it, for backups of persons' keys from before."""
        hsm.write_aside(self.address, keys)


@dataclass(frozen=True, slots=True)
class Variable:
    """Read only: nobody can change the environment of the next start from here."""

    name: str

    def __str__(self) -> str:
        return f"{_ENVIRONMENT}{self.name}"

    @property
    def text(self) -> str:
        """As this process has it; "" where it is not set."""
        return os.environ.get(self.name, "")

    def read(self) -> Sequence[CityKey]:
        """The one that wraps first."""
        if not self.text:
            raise VaultClosed(
                f"the city's key should be in the environment variable {self.name}, which is empty"
            )
        return self.parse(self.text)

    def stamp(self) -> object:
        """What this process has."""
        return self.text

    def parse(self, text: str) -> Sequence[CityKey]:
        """As if the variable were so. Raises VaultClosed."""
        return citykey.parse(text, f"the environment variable {self.name}")

    def become(self, text: str) -> None:
        """From now on, for this process alone: a restore opens the vault again, and is to find what wraps now."""
        os.environ[self.name] = text


KeyPlace = KeyFile | Token | Variable


def place(address: str) -> KeyPlace:
    """As `KITAMAE_CITY_KEY` names it."""
    if address.startswith(_ENVIRONMENT):
        return Variable(address.removeprefix(_ENVIRONMENT))
    if address.startswith(hsm.SCHEME):
        return Token(address)
    return KeyFile(Path(address))
