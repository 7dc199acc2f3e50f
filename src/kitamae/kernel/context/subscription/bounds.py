"""How many subscriptions a tenant may have, and how large one may be: each change is matched against all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.problems import BadRequest, TooMany

if TYPE_CHECKING:
    from collections.abc import Collection

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.subscription.model import Subscription

MOST: Final = 20_000
LARGEST: Final = 262_144
"""Bytes of JSON."""


def demand_room(kept: Collection[Subscription], tenant: str) -> None:
    """Is there room for one more? Raises TooMany."""
    if len(kept) >= MOST and sum(one.tenant == tenant for one in kept) >= MOST:
        raise TooMany(f"there are {MOST:,} subscriptions; delete some that nobody needs")


def demand_small(given: Json) -> None:
    """Raises BadRequest for one that is too large."""
    size = len(orjson.dumps(given))
    if size > LARGEST:
        raise BadRequest(f"a subscription of {size:,} bytes: at most {LARGEST:,} are kept")
