"""What a service is given when it starts: everything it may use, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kitamae.sdk.changes import Changes
    from kitamae.sdk.city import City
    from kitamae.sdk.context import Context
    from kitamae.sdk.desk import Desk
    from kitamae.sdk.manifest import Manifest
    from kitamae.sdk.page import Page


@dataclass(frozen=True, slots=True)
class Room:
    """Handed to `pages.routes(room)`, `api.router(room)`, `desk.routes(room)`, `ingest.start(room)` and `jobs.start(room, observing)`."""

    manifest: Manifest
    city: City | None  # None: an empty broker is served, without a city
    context: Context
    page: Page
    changes: Changes
    sandbox: bool = False  # nothing of it is real: what it tells others is marked as a test
    silent: Callable[[], Awaitable[bool]] | None = (
        None  # whether the feeds that the city follows do not arrive; None: it follows none
    )
    desk: Desk | None = None  # for `desk.routes(room)` alone: where its staff write
