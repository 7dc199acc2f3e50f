"""What a fault may touch, and what it is: a function that breaks something while the load goes on.

Each returns what is worth saying about it, or nothing. Moments are chosen by how many writes were acknowledged since the
last one, so that a slow machine gets the same faults as a quick one.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from faults.load import Load
    from faults.receivers import Receiver
    from faults.server import Server
    from nats_server import Nats
    from postgres_server import Cluster


@dataclass
class Scene:
    """`size`: how much of it, 1 in the short form. `nats`, `cluster`: where there is one."""

    servers: Sequence[Server]
    load: Load
    receivers: Sequence[Receiver]
    draw: random.Random
    size: int = 1
    nats: Nats | None = None
    cluster: Cluster | None = None

    @property
    def server(self) -> Server:
        """Any of them."""
        return self.draw.choice(self.servers)

    async def some(self) -> None:
        """Some more writes are acknowledged."""
        await self.load.more(self.draw.randint(20, 300))


Fault: TypeAlias = Callable[[Scene], Awaitable[str]]
