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


def demand_room(kept: Collection[Subscription], tenant: str, by: str, of_one: int) -> None:
    """Is there room for one more? `by`: who asks for it, of whom there may be `of_one`; "" is nobody. Raises TooMany."""
    if len(kept) >= MOST and sum(one.tenant == tenant for one in kept) >= MOST:
        raise TooMany(f"there are {MOST:,} subscriptions; delete some that nobody needs")
    if not by or len(kept) < of_one:
        return
    if sum(one.tenant == tenant and one.doc.get("by") == by for one in kept) >= of_one:
        raise TooMany(f"you have {of_one:,} subscriptions already; delete some that nobody needs")


def demand_small(given: Json) -> None:
    """Raises BadRequest for one that is too large."""
    size = len(orjson.dumps(given))
    if size > LARGEST:
        raise BadRequest(f"a subscription of {size:,} bytes: at most {LARGEST:,} are kept")
