"""What デジタル認証アプリ says of a resident, and who keeps it. The vault does; nothing here keeps any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class BasicFour:
    """基本4情報, as the card has them: texts, or None where nothing came. `birthdate` and `gender` are as they were sent."""

    name: str | None
    address: str | None
    birthdate: str | None
    gender: str | None

    @classmethod
    def of(cls, claims: dict[str, Any]) -> Self:
        """From the answer of the userinfo endpoint; an address may be a text or an object with `formatted`."""
        address = claims.get("address")
        if isinstance(address, dict):
            address = address.get("formatted")
        return cls(
            *(
                _text(one)
                for one in (claims.get("name"), address, claims.get("birthdate"), claims.get("gender"))
            )
        )


class Keeper(Protocol):
    """Where they go: at once, and nowhere else."""

    async def keep(self, resident: str, said: BasicFour) -> None:
        """`resident` is the opaque reference. Raises Problem when it cannot be kept: then nobody is signed in."""
        ...


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None
