"""責任分界点: who may answer for a part of a service, in a manifest and in a contract alike."""

from __future__ import annotations

from typing import Final, Literal, get_args

Party = Literal["city", "provider", "supplier", "user"]
"""The city; whoever provides the service or its data; a supplier (委託先), down to the last; the user, with device and network."""
PARTIES: Final[tuple[Party, ...]] = get_args(Party)
