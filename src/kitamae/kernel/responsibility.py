"""責任分界点: who may answer for a part of a service, in a manifest and in a contract alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Party = Literal["city", "provider", "supplier", "user"]
"""The city; whoever provides the service or its data; a supplier (委託先), down to the last; the user, with device and network."""
PARTIES: Final[Mapping[Party, str]] = {
    "city": "市",
    "provider": "提供者",
    "supplier": "委託先",
    "user": "利用者",
}
"""What they are called in Japanese, where the town hall writes."""
